//! Looks at files and jobs for the API, in a process of its own: a file that crashes a decoder costs a process.
//!
//! Invariant: a look changes nothing, and leaves nothing behind.

use std::{
    collections::BTreeMap,
    io::{self, BufRead},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use trix_core::{
    Control, ErrorDocument, ErrorKind, Stage,
    document::{Document, Resolved},
};

use crate::{
    config::Config,
    error::{Error, Result},
    steps::{Planned, StepRequest, variables, write_profiles},
};

/// What is looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Look {
    /// What a file holds.
    Probe {
        /// The file.
        path: PathBuf,
    },
    /// What a job will make, and how long it takes.
    Plan {
        /// The job. The field `step` is ignored.
        request: Box<StepRequest>,
    },
    /// What profiles are for.
    Profiles {
        /// The texts of profiles, by name.
        texts: BTreeMap<String, String>,
        /// The names of those that are looked at.
        names: Vec<String>,
    },
    /// Whether a profile has mistakes.
    Profile {
        /// The texts of profiles, by name.
        texts: BTreeMap<String, String>,
        /// The name of the one.
        name: String,
    },
}

/// What a profile is for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Described {
    /// Its description, or why it cannot be read.
    pub description: String,
    /// Its variables, with their values.
    pub variables: BTreeMap<String, Value>,
}

/// The longest time of a look.
const PATIENCE: Duration = Duration::from_secs(8);
/// The longest time in which the first frames of a job are encoded.
const TRIAL: Duration = Duration::from_secs(4);

/// Looks in a process of its own. The JSON document that it finds.
///
/// # Errors
/// What the process says, or that it takes too long.
pub async fn look(config: &Config, own: &Look) -> Result<Value> {
    let bug = |error: io::Error| Error::Bug(format!("a process that looks at something: {error}"));
    let folder = tempfile::tempdir().map_err(bug)?;
    let mut command = tokio::process::Command::new(config.worker.program().map_err(bug)?);
    command.arg("look").env("XDG_CONFIG_HOME", folder.path()).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(bug)?;
    let text = serde_json::to_string(own).map_err(|error| Error::Bug(error.to_string()))? + "\n";
    let run = async {
        if let Some(mut input) = child.stdin.take() {
            input.write_all(text.as_bytes()).await?;
        }
        child.wait_with_output().await
    };
    let late = |_| Error::Away {
        part: "process that reads the file",
        why: format!("it took more than {} s", PATIENCE.as_secs()),
    };
    let done = tokio::time::timeout(PATIENCE, run).await.map_err(late)?.map_err(bug)?;
    let crashed = || {
        let detail = format!("looking at it ended without a result: {}", done.status);
        Error::Refused(trix_core::Error::new(ErrorKind::MalformedInput, Stage::Source, detail))
    };
    match serde_json::from_slice::<Value>(&done.stdout) {
        Ok(found) if done.status.success() => Ok(found),
        Ok(found) => {
            let document: ErrorDocument = serde_json::from_value(found).map_err(|_| crashed())?;
            Err(Error::Refused(trix_core::Error::from(&document.error)))
        }
        Err(_) => Err(crashed()),
    }
}

/// Does the look that the parent sends. The document to print, and true if it is no error.
pub fn serve() -> (String, bool) {
    let mut line = String::new();
    let _ = io::stdin().lock().read_line(&mut line);
    let found = serde_json::from_str(&line).map_err(|error| Error::invalid(error.to_string())).and_then(found);
    let (document, is_well) = match found {
        Ok(document) => (document, true),
        Err(error) => (serde_json::to_value(error.document()).unwrap_or_default(), false),
    };
    (document.to_string(), is_well)
}

fn found(own: Look) -> Result<Value> {
    let value = |error: serde_json::Error| Error::Bug(error.to_string());
    match own {
        Look::Probe { path } => {
            let source = trix_core::Source::open(&path)?;
            serde_json::to_value(trix_core::probe::probe(&source)).map_err(value)
        }
        Look::Plan { request } => serde_json::to_value(planned(&request)?).map_err(value),
        Look::Profiles { texts, names } => {
            write_profiles(&texts, "look")?;
            let all: BTreeMap<String, Described> =
                names.into_iter().map(|name| (name.clone(), described(&name))).collect();
            serde_json::to_value(all).map_err(value)
        }
        Look::Profile { texts, name } => {
            write_profiles(&texts, "look")?;
            Document::of_profile(&name)?;
            Ok(Value::Null)
        }
    }
}

fn described(name: &str) -> Described {
    let look = || -> Result<Described> {
        let document = Document::of_profile(name)?;
        let variables = variables(&document)?.into_iter().filter_map(|(name, own)| {
            let value = serde_json::to_value(own).ok()?;
            Some((name, value))
        });
        Ok(Described {
            description: document.description().unwrap_or_default().to_owned(),
            variables: variables.collect(),
        })
    };
    look().unwrap_or_else(|error| Described { description: error.to_string(), variables: BTreeMap::new() })
}

fn planned(request: &StepRequest) -> Result<Planned> {
    let Resolved { mut job, source, .. } = request.resolved()?;
    let folder: &Path = &request.mounts.output;
    let folder = folder.join(&request.submission.title);
    job.write_into(&folder);
    // The factors of targets take too long to find for an answer.
    let job = job.with_default_rates();
    let plan = trix_core::plan(&job, &source)?;
    let mut planned = Planned::of(&job, &plan, &source, &folder);
    planned.takes = trix_core::trial(&job, &plan, &source, &Control::default(), Some(TRIAL))?;
    Ok(planned)
}
