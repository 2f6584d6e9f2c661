//! Watch folders: masters that have stopped growing are submitted by rules, or wait for an operator.
//!
//! 1. A master is looked at once its size and time have not changed for some seconds, or once a done-file lies beside it.
//! 2. The checksum beside it is [compared](checksum).
//! 3. The [rule](rules) that matches it makes the submission: title, profiles, audio tracks with their languages.
//! 4. In doubt it waits for an operator: two rules match, the checksum differs, or the title exists.
//!
//! Invariant: a master is submitted once for each of its versions, however many dispatchers watch.

pub mod checksum;
pub mod rules;

use std::{
    collections::HashMap,
    fs, io,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use self::{checksum::Checksum, rules::ReadyRule};
use crate::{
    catalogue::{Arrival, Catalogue},
    config::Config,
    error::{Error, Result},
    in_thread,
    mounts::{Mount, changed_at},
};

/// Who submits, in the catalogue.
const WATCHER: &str = "watch folder";
/// Folders below one another that are looked through.
const DEEPEST: usize = 8;

/// A file of a watched folder.
#[derive(Clone, Debug)]
struct Seen {
    path: String,
    bytes: i64,
    changed_at: i64,
    /// The names of the files in its folder.
    beside: Vec<String>,
}

/// A master, as long as it grows.
struct Growing {
    bytes: i64,
    changed_at: i64,
    since: Instant,
}

/// Looks at the mount of masters, again and again.
pub struct Watcher {
    config: Config,
    catalogue: Catalogue,
    rules: Arc<Vec<ReadyRule>>,
    growing: HashMap<String, Growing>,
}

impl Watcher {
    /// A watcher with the rules of the settings.
    ///
    /// # Errors
    /// If a rule is wrong.
    pub fn new(config: &Config, catalogue: Catalogue) -> Result<Self> {
        let rules: Vec<ReadyRule> = config.watch.rules.iter().map(ReadyRule::new).collect::<Result<_>>()?;
        Ok(Watcher { config: config.clone(), catalogue, rules: Arc::new(rules), growing: HashMap::new() })
    }

    /// Watches until `end`.
    pub async fn run(mut self, end: &CancellationToken) {
        while !self.rules.is_empty() && !end.is_cancelled() {
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "masters cannot be looked at");
            }
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs_f64(self.config.watch.every.max(0.1))) => {}
                () = end.cancelled() => {}
            }
        }
    }

    /// Looks at all masters once.
    ///
    /// # Errors
    /// If mount or catalogue are away. Masters that were taken stay taken.
    pub async fn look(&mut self) -> Result<()> {
        let (mounts, rules) = (self.config.mounts.clone(), Arc::clone(&self.rules));
        let look = move || {
            mounts.check(Mount::Source)?;
            let root = mounts.folder(Mount::Source);
            let mut found = Vec::new();
            walk(&rules, root, root, DEEPEST, &mut found)
                .map_err(|error| Error::Away { part: Mount::Source.part(), why: error.to_string() })?;
            Ok::<_, Error>(found)
        };
        let all = in_thread(look).await??;
        let masters: Vec<Seen> =
            all.into_iter().filter(|seen| self.rules.iter().any(|rule| rule.matches(&seen.path))).collect();
        self.growing.retain(|path, _| masters.iter().any(|master| master.path == *path));
        for master in masters {
            if self.is_still(&master) && !self.catalogue.knows(&master.path, master.bytes, master.changed_at).await? {
                self.take(&master).await?;
            }
        }
        Ok(())
    }

    /// True if a master has stopped growing.
    fn is_still(&mut self, master: &Seen) -> bool {
        let settings = &self.config.watch;
        if !settings.done_file.is_empty() {
            let path = Path::new(&master.path);
            let (name, stem) = (path.file_name().unwrap_or_default(), path.file_stem().unwrap_or_default());
            let wanted = |stem: &std::ffi::OsStr| format!("{}{}", stem.to_string_lossy(), settings.done_file);
            return [wanted(name), wanted(stem)].iter().any(|wanted| master.beside.contains(wanted));
        }
        let new = || Growing { bytes: master.bytes, changed_at: master.changed_at, since: Instant::now() };
        let known = self.growing.entry(master.path.clone()).or_insert_with(new);
        if (known.bytes, known.changed_at) != (master.bytes, master.changed_at) {
            *known = new();
        }
        known.since.elapsed() >= Duration::from_secs_f64(settings.stable.max(0.0))
    }

    /// Submits a master, or lets it wait.
    async fn take(&self, master: &Seen) -> Result<()> {
        let matching: Vec<&ReadyRule> = self.rules.iter().filter(|rule| rule.matches(&master.path)).collect();
        let Some(rule) = matching.first() else { return Ok(()) };
        let submission = rule.submission(&master.path, &master.beside);
        let mut arrival = Arrival {
            path: master.path.clone(),
            rule: rule.rule.name.clone(),
            bytes: master.bytes,
            changed_at: master.changed_at,
            state: "waits".into(),
            why: String::new(),
            submission,
            job: None,
        };
        match self.doubt(&matching, &arrival).await? {
            Some(why) => arrival.why = why,
            None => {
                // The same version of a master has the same key, whoever submits it.
                let key = format!("{} {} {}", master.path, master.bytes, master.changed_at);
                match self.catalogue.submit(&arrival.submission, WATCHER, &key).await {
                    Ok(job) => (arrival.state, arrival.job) = ("submitted".into(), Some(job.id)),
                    Err(error) if error.is_away() => return Err(error),
                    Err(error) => arrival.why = error.to_string(),
                }
            }
        }
        tracing::info!(path = arrival.path, state = arrival.state, why = arrival.why, "master arrived");
        self.catalogue.arrived(&arrival, WATCHER).await
    }

    /// Why an operator has to look at a master; `None` if it can be submitted.
    async fn doubt(&self, matching: &[&ReadyRule], arrival: &Arrival) -> Result<Option<String>> {
        if let [one, other, ..] = matching {
            return Ok(Some(format!("the rules {} and {} match", one.rule.name, other.rule.name)));
        }
        if matching.iter().any(|ready| !ready.rule.submits) {
            return Ok(Some("its rule leaves it to an operator".into()));
        }
        let title = self.config.mounts.folder(Mount::Output).join(&arrival.submission.title);
        let master = self.config.mounts.inside(Mount::Source, &arrival.path)?;
        let look = move || -> io::Result<(bool, Checksum)> { Ok((title.exists(), checksum::compare(&master)?)) };
        let looked = in_thread(look).await?;
        Ok(match looked {
            Err(error) => {
                // A mount that is gone is no doubt about a master.
                self.config.mounts.check(Mount::Source)?;
                Some(format!("the checksum beside it cannot be compared: {error}"))
            }
            Ok((_, Checksum::Different(why))) => Some(format!("checksum: {why}")),
            Ok((true, _)) => Some(format!("there are copies of {}", arrival.submission.title)),
            Ok(_) => None,
        })
    }
}

/// All files of folders in which masters of a rule can lie. Hidden ones are left out, and links are not followed out of the mount.
fn walk(rules: &[ReadyRule], root: &Path, folder: &Path, left: usize, found: &mut Vec<Seen>) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(kind) = entry.file_type() else { continue };
        if name.starts_with('.') {
            continue;
        }
        if kind.is_dir() && left > 0 {
            let path = entry.path();
            let below = path.strip_prefix(root).unwrap_or(&path);
            if rules.iter().any(|rule| rule.may_lie_in(below)) {
                // A folder that was removed meanwhile holds no master.
                let _ = walk(rules, root, &path, left - 1, found);
            }
        } else if kind.is_file() {
            files.push(entry);
        }
    }
    let beside: Vec<String> = files.iter().map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    for file in files {
        let Ok(facts) = file.metadata() else { continue };
        let path = file.path();
        let Some(path) = path.strip_prefix(root).ok().and_then(Path::to_str) else { continue };
        let (bytes, changed_at) = (facts.len() as i64, changed_at(&facts));
        found.push(Seen { path: path.to_owned(), bytes, changed_at, beside: beside.clone() });
    }
    Ok(())
}
