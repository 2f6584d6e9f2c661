//! Tells versions, libraries, programs and settings of a machine, for a report of a fault.
//!
//! Invariant: passwords and secrets are left out.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Serialize;
use trix_core::doctor::{Doctor, Need};

use crate::{
    check::{Finding, check},
    config::Config,
    host,
};

/// What was found on a machine.
#[derive(Clone, Debug, Serialize)]
pub struct Examined {
    /// The version of `trixd`.
    pub version: String,
    /// The name of the machine.
    pub host: String,
    /// Its operating system and kernel.
    pub system: String,
    /// Its cores.
    pub cores: usize,
    /// What trix-core has, and what it lacks.
    pub engine: Doctor,
    /// The program of the engine.
    pub program: PathBuf,
    /// Its version; `None`: it cannot be run here.
    pub program_version: Option<String>,
    /// The state of the parts of the farm.
    pub parts: Vec<Finding>,
    /// The settings without secrets.
    pub settings: Config,
    /// True if nothing is missing, and all parts are well.
    pub ok: bool,
}

/// The first line that a program says to `--version`.
fn version_of(program: &Path) -> Option<String> {
    let done = Command::new(program).arg("--version").output().ok().filter(|done| done.status.success())?;
    String::from_utf8_lossy(&done.stdout).lines().next().map(str::to_owned)
}

/// Looks at this machine.
pub async fn examine(config: &Config) -> Examined {
    let mut settings = config.clone();
    settings.catalogue.url = settings.catalogue.url_without_password();
    if !settings.oidc.client_secret.is_empty() {
        settings.oidc.client_secret = "(left out)".into();
    }
    let system = rustix::system::uname();
    let system = format!("{} {}", system.sysname().to_string_lossy(), system.release().to_string_lossy());
    let program = config.engine.program.clone();
    let program_version = version_of(&program);
    let (engine, parts) = (trix_core::doctor::examine(), check(config).await);
    let ok = engine.ok && parts.iter().all(|part| part.is_well);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Examined { version, host: host(), system, cores, engine, program, program_version, parts, settings, ok }
}

impl Examined {
    /// The same, to be read.
    pub fn text(&self) -> String {
        let mut text = format!("trixd {} on {}, {}, {} cores\n", self.version, self.host, self.system, self.cores);
        for library in &self.engine.libraries {
            let _ = writeln!(text, "library {} {}", library.name, library.version);
        }
        for Need { name, purpose, package, .. } in self.engine.needs.iter().filter(|need| !need.present) {
            let _ = writeln!(text, "MISSING {name}, for {purpose}: package {package}");
        }
        let version = self.program_version.as_deref().unwrap_or("it cannot be run here");
        let _ = writeln!(text, "program {}: {version}", self.program.display());
        for Finding { part, is_well, detail } in &self.parts {
            let _ = writeln!(text, "{:7} {part}: {detail}", if *is_well { "ok" } else { "WRONG" });
        }
        let settings = toml::to_string(&self.settings).unwrap_or_default();
        let _ = write!(text, "\n{settings}");
        text
    }
}
