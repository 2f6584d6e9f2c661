//! One file of settings for every role. The environment overrides single values.
//!
//! Invariant: a setting that nobody knows is an error that names it.

mod oidc;
mod watch;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

pub use self::{
    oidc::Oidc,
    watch::{Rule, Watch},
};
use crate::error::{Error, Result};

/// All settings. `TRIXD_API_LISTEN` in the environment overrides `listen` of `[api]`, and so for each other.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The folders of the farm.
    pub mounts: Mounts,
    /// The database.
    pub catalogue: Catalogue,
    /// The workflow engine.
    pub engine: Engine,
    /// The API server.
    pub api: Api,
    /// Workers.
    pub worker: Worker,
    /// Log files.
    pub logs: Logs,
    /// Measurements.
    pub metrics: Metrics,
    /// Watch folders.
    pub watch: Watch,
    /// How long things are kept.
    pub retention: Retention,
    /// Sign-in with an OpenID provider.
    pub oidc: Oidc,
}

/// The folders of the farm.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mounts {
    /// Masters. Only read.
    pub source: PathBuf,
    /// Deliveries: a folder for each title.
    pub output: PathBuf,
    /// What the web page plays.
    pub preview: PathBuf,
    /// Chunks, plans and other files that can be made again.
    pub cache: PathBuf,
}

/// The database.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Catalogue {
    /// `sqlite:///path/to/file` or `postgres://user@host/database`.
    pub url: String,
    /// The longest wait for a connection, in seconds.
    pub patience: f64,
    /// The most connections of a process to PostgreSQL. A worker has two at the most.
    pub connections: u32,
}

/// The workflow engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Engine {
    /// Address of the Temporal server.
    pub address: String,
    /// Namespace on that server.
    pub namespace: String,
    /// The queue of this farm. Several farms can share a server.
    pub queue: String,
    /// Seconds without a sign after which a worker has lost its step. It must be longer than the longest outage of the engine
    /// during which steps go on.
    pub lease: f64,
    /// The program of the embedded server.
    pub program: PathBuf,
    /// The folder of the embedded server.
    pub folder: PathBuf,
}

/// The API server.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Api {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Hours after which a user has to sign in again.
    pub session_hours: u32,
    /// The address of the web page, as browsers see it: `https://trix.example.org`. Empty: `listen`, without encryption.
    pub public_url: String,
}

/// Workers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Worker {
    /// The name of the worker. Empty: the name of the machine and the number of the process.
    pub name: String,
    /// Attempts of a step that fails by itself. The loss of a worker does not count.
    pub attempts: u32,
    /// Seconds between two attempts.
    pub pause: f64,
    /// The program that does steps and looks at files. Empty: this one.
    pub program: PathBuf,
}

/// Log files.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Logs {
    /// The folder of all logs. Empty: lines go to standard error.
    pub folder: PathBuf,
    /// How many days are kept.
    pub days: usize,
    /// What is logged: `info`, or a filter such as `info,trix_service=debug`.
    pub filter: String,
    /// A syslog server that gets the same lines: `/dev/log`, or `127.0.0.1:514` for UDP. Empty: none.
    pub syslog: String,
    /// What the lines of syslog are tagged with.
    pub tag: String,
    /// The least severity that goes to syslog: `error`, `warn`, `info` or `debug`.
    pub severity: String,
}

/// How long things are kept, in days. 0: for ever.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Jobs that are over, with their attempts and reports. Copies on the mounts stay.
    pub jobs_days: u32,
    /// Changes of all kinds.
    pub changes_days: u32,
    /// Changes that tell only how far jobs are.
    pub progress_days: u32,
    /// Plans and chunks of jobs that have failed or were cancelled: until then, a retry need not encode them again.
    pub scratch_days: u32,
    /// Workers that gave no sign.
    pub workers_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Retention { jobs_days: 0, changes_days: 0, progress_days: 30, scratch_days: 14, workers_days: 7 }
    }
}

/// Measurements.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Address of a statsd server, such as `127.0.0.1:8125`. Empty: nothing is sent.
    pub statsd: String,
    /// What all names begin with.
    pub prefix: String,
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics { statsd: String::new(), prefix: "trix".into() }
    }
}

impl Default for Mounts {
    fn default() -> Self {
        let below = |name: &str| Path::new("/srv/trix").join(name);
        Mounts { source: below("source"), output: below("output"), preview: below("preview"), cache: below("cache") }
    }
}

impl Default for Catalogue {
    fn default() -> Self {
        Catalogue { url: "sqlite:///var/lib/trix/catalogue.db".into(), patience: 5.0, connections: 20 }
    }
}

impl Default for Engine {
    fn default() -> Self {
        Engine {
            address: "http://127.0.0.1:7233".into(),
            namespace: "default".into(),
            queue: "trix".into(),
            lease: 75.0,
            program: "temporal".into(),
            folder: "/var/lib/trix/engine".into(),
        }
    }
}

impl Default for Api {
    fn default() -> Self {
        Api { listen: SocketAddr::from(([127, 0, 0, 1], 9001)), session_hours: 12, public_url: String::new() }
    }
}

impl Default for Worker {
    fn default() -> Self {
        Worker { name: String::new(), attempts: 3, pause: 1.0, program: PathBuf::new() }
    }
}

impl Default for Logs {
    fn default() -> Self {
        Logs {
            folder: PathBuf::new(),
            days: 30,
            filter: "info".into(),
            syslog: String::new(),
            tag: "trixd".into(),
            severity: "info".into(),
        }
    }
}

impl Catalogue {
    /// The URL as it may be shown.
    pub fn url_without_password(&self) -> String {
        let Some((scheme, rest)) = self.url.split_once("://") else { return self.url.clone() };
        match rest.rsplit_once('@') {
            Some((who, place)) => format!("{scheme}://{}@{place}", who.split(':').next().unwrap_or_default()),
            None => self.url.clone(),
        }
    }
}

impl Api {
    /// The address of the web page, as browsers see it, without a slash at its end.
    pub fn page(&self) -> String {
        match self.public_url.trim_end_matches('/') {
            "" => format!("http://{}", self.listen),
            url => url.to_owned(),
        }
    }
}

impl Worker {
    /// The program that does steps and looks at files.
    ///
    /// # Errors
    /// If the system does not tell the path of this one.
    pub fn program(&self) -> std::io::Result<PathBuf> {
        if self.program.as_os_str().is_empty() { std::env::current_exe() } else { Ok(self.program.clone()) }
    }
}

/// The time without a sign after which a worker has lost its step, of so many seconds.
pub fn lease(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.clamp(2.0, 86_400.0))
}

impl Config {
    /// Reads a file, then the environment.
    ///
    /// # Errors
    /// If the file cannot be read, or a setting is unknown or wrong.
    pub fn read(path: Option<&Path>) -> Result<Self> {
        let text = match path {
            Some(path) => std::fs::read_to_string(path)
                .map_err(|error| Error::invalid(format!("{}: cannot be read: {error}", path.display())))?,
            None => String::new(),
        };
        let own = std::env::vars().filter_map(|(key, value)| Some((key.strip_prefix("TRIXD_")?.to_lowercase(), value)));
        Self::of(&text, own)
    }

    /// Settings of a text, with single values replaced: `api_listen` is `listen` of `[api]`.
    fn of(text: &str, replaced: impl Iterator<Item = (String, String)>) -> Result<Self> {
        let wrong = |error: toml::de::Error| Error::invalid(format!("configuration: {error}"));
        let mut table: toml::Table = toml::from_str(text).map_err(wrong)?;
        let defaults = toml::Table::try_from(Config::default()).map_err(|error| Error::Bug(error.to_string()))?;
        for (key, value) in replaced {
            let Some((section, key)) = key.split_once('_') else { continue };
            let known = defaults.get(section).and_then(|section| section.get(key));
            let value = of_kind(known, value);
            let section = table.entry(section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            if let Some(section) = section.as_table_mut() {
                section.insert(key.to_owned(), value);
            }
        }
        table.try_into().map_err(wrong)
    }
}

/// A text of the environment as a value of the same kind as the default. Texts of a list stand between commas.
fn of_kind(default: Option<&toml::Value>, text: String) -> toml::Value {
    use toml::Value;
    let parsed = match default {
        Some(Value::Integer(_)) => text.parse().ok().map(Value::Integer),
        Some(Value::Float(_)) => text.parse().ok().map(Value::Float),
        Some(Value::Boolean(_)) => text.parse().ok().map(Value::Boolean),
        Some(Value::Array(_)) => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Some(Value::Array(parts.map(|part| Value::String(part.to_owned())).collect()))
        }
        _ => None,
    };
    // What is no number is refused with the name of the setting.
    parsed.unwrap_or(Value::String(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_overrides_the_file_and_unknown_settings_are_named() {
        let text = "[api]\nlisten = \"127.0.0.1:1\"\n[engine]\nlease = 20";
        let own = [
            ("engine_lease", "10"),
            ("worker_name", "7"),
            ("mounts_source", "/masters"),
            ("oidc_client_secret", "1e5"),
            ("oidc_scopes", "openid, email"),
        ];
        let own = own.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let found = Config::of(text, own.into_iter()).expect("settings");
        assert_eq!((found.api.listen.port(), found.engine.lease), (1, 10.0));
        assert_eq!((found.worker.name.as_str(), found.mounts.source.as_path()), ("7", Path::new("/masters")));
        assert_eq!(
            (found.oidc.client_secret.as_str(), found.oidc.scopes),
            ("1e5", vec!["openid".into(), "email".into()])
        );
        let error = Config::of("", std::iter::once(("engine_lease".to_owned(), "long".to_owned()))).unwrap_err();
        assert!(error.to_string().contains("lease"), "{error}");
        let error = Config::of("[api]\nlitsen = 1", std::iter::empty()).unwrap_err();
        assert!(error.to_string().contains("litsen"), "{error}");
    }
}
