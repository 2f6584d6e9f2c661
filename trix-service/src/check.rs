//! Looks at what a machine of the farm needs: mounts, database, engine, clock, programs.

use serde::Serialize;

use crate::{
    catalogue::Catalogue,
    config::Config,
    engine::{Engine as _, temporal::Temporal},
    error::Result,
    mounts::{Mount, MountState},
    now,
};

/// What was found about a part.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// The part: `catalogue`, `clock`, `engine`, `mount source`, `worker`.
    pub part: &'static str,
    /// True if it can be used.
    pub is_well: bool,
    /// What was seen.
    pub detail: String,
}

/// The greatest difference between the clocks of this machine and the database, in milliseconds.
const MOST_APART: i64 = 2000;
/// Mounts with less space than this cannot take the copies of a film, in bytes.
const LEAST_FREE: u64 = 10 << 30;

fn finding(part: &'static str, found: Result<String>) -> Finding {
    let (is_well, detail) = match found {
        Ok(detail) => (true, detail),
        Err(error) => (false, error.to_string()),
    };
    Finding { part, is_well, detail }
}

/// Looks at all parts.
pub async fn check(config: &Config) -> Vec<Finding> {
    let mut found: Vec<Finding> = config.mounts.states().iter().map(|state| mount_of(config, state)).collect();
    match Catalogue::open(&config.catalogue).await {
        Ok(catalogue) => {
            found.push(finding("catalogue", catalogue.check().await.map(|()| config.catalogue.url_without_password())));
            let clock = catalogue.clock().await.map(|theirs| theirs.map(|theirs| theirs - now()));
            found.extend(clock.ok().flatten().map(|apart| Finding {
                part: "clock",
                is_well: apart.abs() <= MOST_APART,
                detail: format!("{apart} ms from that of the database"),
            }));
        }
        Err(error) => found.push(finding("catalogue", Err(error))),
    }
    let engine = Temporal::new(config);
    found.push(finding("engine", engine.check().await.map(|()| config.engine.address.clone())));
    let program = config.worker.program().map_err(|error| crate::error::Error::Bug(error.to_string()));
    found.push(match program {
        Ok(path) => Finding { part: "worker", is_well: path.is_file(), detail: path.display().to_string() },
        Err(error) => finding("worker", Err(error)),
    });
    found
}

fn mount_of(config: &Config, state: &MountState) -> Finding {
    let (mount, free) = (state.mount, state.free);
    let look = || -> Result<String> {
        config.mounts.check(mount)?;
        if mount != Mount::Source {
            config.mounts.try_to_write(mount)?;
        }
        let folder = &state.path;
        if mount != Mount::Source && free < LEAST_FREE {
            return Err(crate::error::Error::Conflict(format!("{folder}: {} GiB free", free >> 30)));
        }
        Ok(format!("{folder}, {} GiB free", free >> 30))
    };
    finding(mount.part(), look())
}
