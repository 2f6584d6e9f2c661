//! `trix ingest`: makes every copy of one or more masters.
//!
//! Invariant: a failure of one master does not keep the others from being done. All names that are taken are reported before
//! the first frame is decoded.

use std::{collections::BTreeMap, path::PathBuf, time::Instant};

use trix_core::{
    Cancel, Error, ErrorDetail, ErrorKind, Job, Report, Stage,
    document::{Document, Resolved, Traits},
    manifest::{Manifest, Standing, job_hash},
    media::path_text,
    preflight::refuse_taken,
    report::{MasterResult, MasterState, Summary},
    run_opened,
    source::Source,
};

use super::{
    interrupt::cancel_on_interrupt,
    masters::{self, Master},
    running::{self, Watching, watched},
};
use crate::{
    args::{DamageChoice, DriftChoice, Ingest, Running},
    exit, output,
    render::{report, summary},
};

/// Makes every copy of the given profiles.
pub fn ingest(args: &Ingest) -> u8 {
    let found = match masters::find(&args.sources, &args.output, args.recursive) {
        Ok(found) => found,
        Err(error) => return output::failure(&error, args.running.json),
    };
    let mut run = Run { args, settings: settings(args), cancel: cancel_on_interrupt(), notes: Vec::new() };
    if let ([master], true) = (found.masters.as_slice(), found.is_one_file) {
        return run.one(master);
    }
    run.several(&found.masters)
}

/// The settings of the options, as keys and values.
fn settings(args: &Ingest) -> Vec<(String, String)> {
    let mut set = args.setting.set.clone();
    if let Some(choice) = args.on_damage {
        let value = if choice == DamageChoice::Conceal { "conceal" } else { "fail" };
        set.push(("source.on_damage".to_owned(), value.to_owned()));
    }
    set.extend(args.streams.set());
    if let Some(choice) = args.audio_drift {
        let value = if choice == DriftChoice::Stretch { "stretch" } else { "fill" };
        set.push(("source.audio_drift".to_owned(), value.to_owned()));
    }
    set
}

/// A master whose job can run.
struct Ready {
    document: Document,
    traits: Traits,
    job: Job,
    source: Source,
    /// Hash of the job with relative names.
    key: String,
    /// The folder of its copies, and the manifest in it.
    folder: PathBuf,
    manifest: PathBuf,
}

/// What became of a master.
enum Done {
    Made(Box<Report>),
    /// The report of the job that made the files.
    Kept(Box<Report>),
}

struct Run<'a> {
    args: &'a Ingest,
    settings: Vec<(String, String)>,
    cancel: Cancel,
    /// Notes about documents that were printed already.
    notes: Vec<String>,
}

impl Run<'_> {
    /// Does one master that was named, and shows its report.
    fn one(&mut self, master: &Master) -> u8 {
        let as_json = self.args.running.json;
        match self.ready(master).and_then(|ready| self.done(ready, String::new())) {
            Ok(Done::Made(report)) => {
                self.show(&report, as_json);
                self.record(&*report).unwrap_or_else(|| running::code(&report))
            }
            Ok(Done::Kept(report)) => {
                match as_json {
                    true => output::json(&report),
                    false => output::text(&summary::kept(&master.source, &report)),
                }
                exit::DONE
            }
            Err(error) => output::failure(&error, as_json),
        }
    }

    /// Writes the report into the file that the user named. Returns the exit code if that fails.
    fn record(&self, report: &impl serde::Serialize) -> Option<u8> {
        let path = self.args.running.records.report.as_deref()?;
        output::json_file(path, report).err().map(|error| output::failure(&error, false))
    }

    fn show(&self, report: &Report, as_json: bool) {
        if as_json {
            output::json(report);
        } else {
            output::text(&report::text(report));
        }
    }

    /// Does several masters, one after the other, and sums up.
    fn several(&mut self, masters: &[Master]) -> u8 {
        let mut results: Vec<MasterResult> = Vec::new();
        let mut worst = exit::DONE;
        let refused = self.refused(masters);
        for (number, master) in masters.iter().enumerate() {
            let began = Instant::now();
            let mut result = MasterResult {
                source: master.source.clone(),
                state: MasterState::NotBegun,
                seconds: 0.0,
                report: None,
                error: None,
            };
            if !self.cancel.is_cancelled() {
                let title = format!("{}/{} {}", number + 1, masters.len(), master.name);
                let done = match refused.get(&number) {
                    Some(error) => Err(error.clone()),
                    None => self.ready(master).and_then(|ready| self.done(ready, title)).map_err(|error| {
                        output::failure(&error, false);
                        (ErrorDetail::from(&error), error.kind())
                    }),
                };
                self.note(&mut result, done, &mut worst);
                result.seconds = began.elapsed().as_secs_f64();
            }
            results.push(result);
        }
        if self.cancel.is_cancelled() {
            worst = exit::worse(worst, exit::code(ErrorKind::Cancelled));
        }
        let summary = Summary::new(results);
        let lost = self.record(&summary);
        match self.args.running.json {
            true => output::json(&summary),
            false => output::text(&summary::text(&summary)),
        }
        lost.map_or(worst, |code| exit::worse(worst, code))
    }

    /// Puts what became of a master into its result.
    fn note(&self, result: &mut MasterResult, done: Result<Done, (ErrorDetail, ErrorKind)>, worst: &mut u8) {
        match done {
            Ok(Done::Made(report)) => {
                if !self.args.running.json {
                    output::text(&report::text(&report));
                }
                *worst = exit::worse(*worst, running::code(&report));
                result.state = if report.failed.is_empty() { MasterState::Made } else { MasterState::Partly };
                result.report = Some(report);
            }
            Ok(Done::Kept(report)) => (result.state, result.report) = (MasterState::Kept, Some(report)),
            Err((error, kind)) => {
                *worst = exit::worse(*worst, exit::code(kind));
                (result.state, result.error) = (MasterState::Failed, Some(error));
            }
        }
    }

    /// The masters that cannot be done: their jobs have mistakes, or names are taken. All are reported now, before the first
    /// frame.
    fn refused(&mut self, masters: &[Master]) -> BTreeMap<usize, (ErrorDetail, ErrorKind)> {
        let mut refused = BTreeMap::new();
        let mut owners: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
        for (number, master) in masters.iter().enumerate() {
            if self.cancel.is_cancelled() {
                break;
            }
            let checked = self.ready(master).and_then(|ready| {
                if self.args.skip_existing && ready.manifest.exists() {
                    return Ok(());
                }
                let products = ready.job.products();
                refuse_taken(&products)?;
                products.into_iter().try_for_each(|(path, _)| {
                    match owners.insert(path.clone(), master.source.clone()) {
                        None => Ok(()),
                        Some(other) => {
                            let detail = format!("is made of {} already; use ${{stem}} in its path", other.display());
                            Err(Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail).in_file(&path))
                        }
                    }
                })
            });
            if let Err(error) = checked {
                output::failure(&error, false);
                refused.insert(number, (ErrorDetail::from(&error), error.kind()));
            }
        }
        refused
    }

    /// Opens a master and makes the job for it.
    fn ready(&mut self, master: &Master) -> Result<Ready, Error> {
        let mut set = self.settings.clone();
        if !set.iter().any(|(key, _)| key == "stem") {
            set.push(("stem".to_owned(), master.name.clone()));
        }
        let document = Document::of_profiles(&self.args.profile, &master.source, &self.args.audio, &set)?;
        for note in document.notes() {
            if !self.notes.contains(note) {
                output::note(note);
                self.notes.push(note.clone());
            }
        }
        let Resolved { mut job, traits, source } = document.resolve(None)?;
        // The manifest lists the hash of each file.
        job.hash = true;
        let key = job_hash(&job);
        let folder = self.args.output.join(&master.folder);
        job.write_into(&folder);
        if self.args.running.overwrite {
            job.overwrite();
        }
        let name = set.iter().rev().find(|(key, _)| key == "stem").map_or(&master.name, |(_, name)| name);
        let manifest = folder.join(path_text::from_text(&format!("{name}.manifest.json")));
        Ok(Ready { document, traits, job, source, key, folder, manifest })
    }

    /// Makes the copies of a master, or finds them complete.
    fn done(&self, ready: Ready, title: String) -> Result<Done, Error> {
        let Ready { document, traits, job, source, key, folder, manifest } = ready;
        if self.args.skip_existing
            && let Some(kept) = Manifest::read(&manifest)?
        {
            match kept.check(&folder, &key, &source, &self.cancel)? {
                Standing::Complete => return Ok(Done::Kept(Box::new(kept.report))),
                Standing::Changed(how) => {
                    let master = job.source.path.display();
                    output::note(&format!("{master}: its copies are not skipped: {how}"));
                }
            }
        }
        let identity = source.identity()?;
        std::fs::create_dir_all(&folder).map_err(|error| Error::io(Stage::Mux, &folder, "cannot be made", error))?;
        let Running { progress, records, .. } = &self.args.running;
        let (place, cancel) = (Some(source.reading_place()), self.cancel.clone());
        let watching = Watching { progress: *progress, records: records.clone(), title, place, cancel };
        let report = watched(watching, |control| run_opened(&job, source, control));
        let report = report.map_err(|error| document.explain(&traits, error))?;
        if report.failed.is_empty() {
            match Manifest::new(&folder, key, identity, report.clone()) {
                Ok(own) => own.write(&manifest)?,
                Err(error) => output::note(&format!("no manifest is written: {error}")),
            }
        }
        Ok(Done::Made(Box::new(report)))
    }
}
