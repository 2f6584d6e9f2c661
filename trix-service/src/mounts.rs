//! The folders of the farm.
//!
//! Invariant: a path from outside names something below its mount, also through symbolic links.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    config::Mounts,
    error::{Error, Result},
};

/// A folder of the farm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mount {
    /// Masters.
    Source,
    /// Deliveries.
    Output,
    /// Previews.
    Preview,
    /// Scratch files.
    Cache,
}

/// How a mount is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MountState {
    /// The mount.
    pub mount: Mount,
    /// Where it is.
    pub path: String,
    /// Why it cannot be used; `None` if it can.
    pub trouble: Option<String>,
    /// Bytes that a user can still write.
    pub free: u64,
    /// Bytes of the file system.
    pub size: u64,
}

/// A file that stands in the root of each mount. If it is missing, the file system is not mounted.
pub const MARK: &str = ".trix-mount";

impl Mount {
    /// All mounts.
    pub const ALL: [Mount; 4] = [Mount::Source, Mount::Output, Mount::Preview, Mount::Cache];

    /// What messages call it.
    pub fn part(self) -> &'static str {
        match self {
            Mount::Source => "mount source",
            Mount::Output => "mount output",
            Mount::Preview => "mount preview",
            Mount::Cache => "mount cache",
        }
    }

    /// The name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Mount::Source => "source",
            Mount::Output => "output",
            Mount::Preview => "preview",
            Mount::Cache => "cache",
        }
    }
}

impl Mounts {
    /// The folder of a mount.
    pub fn folder(&self, mount: Mount) -> &Path {
        match mount {
            Mount::Source => &self.source,
            Mount::Output => &self.output,
            Mount::Preview => &self.preview,
            Mount::Cache => &self.cache,
        }
    }

    /// Checks that a mount is there.
    ///
    /// # Errors
    /// `Away`, if not.
    pub fn check(&self, mount: Mount) -> Result<()> {
        let folder = self.folder(mount);
        let is_there = match mount {
            // Its owner may not let us write into it.
            Mount::Source => fs::read_dir(folder).map(|mut entries| entries.next().is_some()),
            _ => fs::metadata(folder.join(MARK)).map(|_| true),
        };
        let why = match is_there {
            Ok(true) => return Ok(()),
            Ok(false) => "it is empty".to_owned(),
            Err(error) => error.to_string(),
        };
        Err(Error::Away { part: mount.part(), why: format!("{}: {why}", folder.display()) })
    }

    /// Writes a file into a mount, and removes it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn try_to_write(&self, mount: Mount) -> Result<()> {
        let path = self.folder(mount).join(format!("{MARK}-{}", std::process::id()));
        let written = fs::write(&path, "x").and_then(|()| fs::remove_file(&path));
        let why = |error: std::io::Error| format!("{} cannot be written: {error}", path.display());
        written.map_err(|error| Error::Away { part: mount.part(), why: why(error) })
    }

    /// Marks the folders of a new farm, which must be there.
    ///
    /// # Errors
    /// If a mark cannot be written.
    pub fn mark(&self) -> std::io::Result<()> {
        for mount in [Mount::Output, Mount::Preview, Mount::Cache] {
            fs::create_dir_all(self.folder(mount))?;
            fs::File::create(self.folder(mount).join(MARK))?;
        }
        Ok(())
    }

    /// How each mount is.
    pub fn states(&self) -> Vec<MountState> {
        let state = |mount| {
            let folder = self.folder(mount);
            let space = rustix::fs::statvfs(folder).ok();
            let bytes = |blocks: fn(&rustix::fs::StatVfs) -> u64| {
                space.as_ref().map_or(0, |space| blocks(space).saturating_mul(space.f_frsize))
            };
            MountState {
                mount,
                path: folder.display().to_string(),
                trouble: self.check(mount).err().map(|error| error.to_string()),
                free: bytes(|space| space.f_bavail),
                size: bytes(|space| space.f_blocks),
            }
        };
        Mount::ALL.map(state).to_vec()
    }

    /// The file or folder of `relative` below a mount.
    ///
    /// # Errors
    /// If it is not below, or is missing.
    pub fn inside(&self, mount: Mount, relative: &str) -> Result<PathBuf> {
        let wanted = Path::new(relative);
        let is_plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if !wanted.components().all(is_plain) {
            return Err(Error::invalid(format!("{relative}: a path below the mount {}", mount.name())));
        }
        let missing = |_| Error::Missing(format!("{relative} in the mount {}", mount.name()));
        let root = self.folder(mount).canonicalize().map_err(missing)?;
        let found = root.join(wanted).canonicalize().map_err(missing)?;
        if !found.starts_with(&root) {
            return Err(Error::invalid(format!("{relative}: it leads out of the mount {}", mount.name())));
        }
        Ok(found)
    }
}

/// When a file was changed, in milliseconds since 1970.
pub fn changed_at(facts: &fs::Metadata) -> i64 {
    let changed = facts.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    changed.map_or(0, |since| since.as_millis() as i64)
}

/// True if `title` can be the name of a folder.
pub fn is_title(title: &str) -> bool {
    let is_plain = |c: char| !c.is_control() && !matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
    !title.is_empty()
        && title.len() <= 150
        && !title.starts_with(['.', ' '])
        && !title.ends_with(['.', ' '])
        && title.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_confined_to_their_mount() {
        let folder = tempfile::tempdir().expect("a folder");
        let below = |name: &str| folder.path().join(name);
        let mounts = Mounts { source: below("in"), output: below("out"), preview: below("see"), cache: below("keep") };
        fs::create_dir(below("in")).expect("a folder");
        assert!(mounts.check(Mount::Source).is_err(), "an empty folder is no mount");
        fs::write(below("in").join("master.mov"), "film").expect("a file");
        fs::write(below("secret"), "text").expect("a file");
        std::os::unix::fs::symlink(below("secret"), below("in").join("link")).expect("a link");
        assert!(mounts.check(Mount::Source).is_ok());
        assert!(mounts.inside(Mount::Source, "master.mov").is_ok());
        for outside in ["../secret", "/etc/passwd", "link", "none.mov", "a/../../secret"] {
            assert!(mounts.inside(Mount::Source, outside).is_err(), "{outside}");
        }
        assert!(mounts.check(Mount::Output).is_err());
        mounts.mark().expect("marks");
        assert!(mounts.states().iter().all(|state| state.trouble.is_none() && state.size > 0));
    }

    #[test]
    fn a_title_can_name_a_folder() {
        assert!(["Film", "Фильм, часть 2", "a.b"].iter().all(|title| is_title(title)));
        assert!(["", ".", "..", "a/b", "a\nb", ".hidden", "end."].iter().all(|title| !is_title(title)));
    }
}
