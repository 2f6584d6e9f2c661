//! `trix ingest`: makes every copy of one or more masters.
//!
//! Invariant: a failure of one master does not keep the others from being done. Two masters never write the same file. All
//! names that are taken are reported before the first frame is decoded.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    path::PathBuf,
    time::Instant,
};

use trix_core::{
    Cancel, Error, ErrorKind, Job, Report, Stage,
    control::progress::Reading,
    document::{Document, Resolved, Traits},
    manifest::{Inputs, Manifest, Standing},
    media::path_text,
    preflight::refuse_existing,
    report::{MasterResult, MasterState, Summary},
    run_opened,
    source::{ReadingPlace, Source},
};

use super::{
    files::Files,
    interrupt::cancel_on_interrupt,
    masters::{self, Master},
    merged::merged,
    running::{self, Watching, watched},
};
use crate::{
    args::{DamageChoice, DriftChoice, Ingest, Records, Running},
    exit, output,
    render::{events::Log, report, summary},
};

/// Makes every copy of the given profiles.
pub fn ingest(args: &Ingest) -> u8 {
    let found = match masters::find(&args.sources, &args.output, args.recursive) {
        Ok(found) => found,
        Err(error) => return output::failure(&error, args.running.json),
    };
    let mut run = Run { args, settings: settings(args), cancel: cancel_on_interrupt(), said: BTreeSet::new() };
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
    inputs: Inputs,
    /// The folder of its copies, and the manifest in it.
    folder: PathBuf,
    manifest: PathBuf,
}

impl Ready {
    /// The files and folders that are made, and whether each may replace what has its name.
    fn products(&self, overwrite: bool) -> Vec<(PathBuf, bool)> {
        let mut products = self.job.products();
        products.push((self.manifest.clone(), overwrite));
        products
    }
}

/// What became of a master.
enum Done {
    /// The report, and why the manifest could not be written, if so.
    Made(Box<Report>, Option<Error>),
    /// The report of the job that made the files.
    Kept(Box<Report>),
}

struct Run<'a> {
    args: &'a Ingest,
    settings: Vec<(String, String)>,
    cancel: Cancel,
    /// Notes and errors that were printed already: those about a profile are the same for each master.
    said: BTreeSet<String>,
}

impl Run<'_> {
    /// Does one master that was named, and shows its report.
    fn one(&mut self, master: &Master) -> u8 {
        let Running { json, records, .. } = &self.args.running;
        let checked = self.ready(master).and_then(|ready| {
            Files::of_job(&ready.job).refuse_records(records)?;
            self.is_free(&ready).map(|()| ready)
        });
        match checked.and_then(|ready| self.done(ready, String::new())) {
            Ok(Done::Made(report, lost)) => {
                let code = running::finished(&report, *json, records);
                lost.map_or(code, |error| exit::worse(code, output::failure(&error, false)))
            }
            Ok(Done::Kept(report)) => {
                match json {
                    true => output::json(&report),
                    false => output::text(&summary::kept(&master.source, &report)),
                }
                running::record(&*report, records)
            }
            Err(error) => output::failure(&error, *json),
        }
    }

    /// Does several masters, one after the other, and sums up.
    fn several(&mut self, masters: &[Master]) -> u8 {
        let mut refused = self.refused(masters);
        let (mut results, mut worst) = (Vec::new(), exit::DONE);
        for (number, master) in masters.iter().enumerate() {
            let began = Instant::now();
            let source = master.source.clone();
            let (state, seconds) = (MasterState::NotBegun, 0.0);
            let mut result = MasterResult { source, state, seconds, report: None, error: None };
            if !self.cancel.is_cancelled() {
                let title = format!("{}/{} {}", number + 1, masters.len(), master.name);
                let done = match refused.remove(&number) {
                    Some(error) => Err(error),
                    None => self.ready(master).and_then(|ready| self.done(ready, title)).inspect_err(|error| {
                        output::failure_of(&master.source, error);
                    }),
                };
                worst = exit::worse(worst, self.note(&mut result, done));
                result.seconds = began.elapsed().as_secs_f64();
            }
            results.push(result);
        }
        if self.cancel.is_cancelled() {
            worst = exit::worse(worst, exit::code(ErrorKind::Cancelled));
        }
        let summary = Summary::new(results);
        match self.args.running.json {
            true => output::json(&summary),
            false => output::text(&summary::text(&summary, output::text_width())),
        }
        exit::worse(worst, running::record(&summary, &self.args.running.records))
    }

    /// Puts what became of a master into its result, and returns its exit code.
    fn note(&self, result: &mut MasterResult, done: Result<Done, Error>) -> u8 {
        match done {
            Ok(Done::Made(report, lost)) => {
                if !self.args.running.json {
                    output::text(&report::text(&report));
                }
                let code = running::code(&report);
                result.state = if report.failed.is_empty() { MasterState::Made } else { MasterState::Partly };
                result.report = Some(report);
                result.error = lost.as_ref().map(output::detail);
                lost.map_or(code, |error| exit::worse(code, output::failure(&error, false)))
            }
            Ok(Done::Kept(report)) => {
                (result.state, result.report) = (MasterState::Kept, Some(report));
                exit::DONE
            }
            Err(error) => {
                (result.state, result.error) = (MasterState::Failed, Some(output::detail(&error)));
                exit::code(error.kind())
            }
        }
    }

    /// The masters that cannot be done: their jobs have mistakes, or names are taken. All are reported now, before the first
    /// frame.
    fn refused(&mut self, masters: &[Master]) -> BTreeMap<usize, Error> {
        let mut refused = BTreeMap::new();
        let mut owners: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
        for (number, master) in masters.iter().enumerate() {
            if self.cancel.is_cancelled() {
                break;
            }
            let checked = self.ready(master).and_then(|ready| {
                Files::of_job(&ready.job).refuse_records(&self.args.running.records)?;
                for (path, _) in ready.products(false) {
                    match owners.entry(path.clone()) {
                        Entry::Vacant(free) => drop(free.insert(master.source.clone())),
                        Entry::Occupied(owner) => {
                            let detail =
                                format!("is made of {} already; use ${{stem}} in its path", owner.get().display());
                            return Err(Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail).in_file(&path));
                        }
                    }
                }
                self.is_free(&ready)
            });
            if let Err(error) = checked {
                owners.retain(|_, owner| *owner != master.source);
                if self.said.insert(error.to_string()) {
                    output::failure_of(&master.source, &error);
                }
                self.write_down(&format!("{}: not begun: {error}", master.source.display()));
                refused.insert(number, error);
            }
        }
        refused
    }

    /// Refuses names that are taken. Copies that may be left out, because they are complete, are no mistake.
    fn is_free(&self, ready: &Ready) -> Result<(), Error> {
        let may_skip = self.args.skip_existing && ready.manifest.is_file();
        if may_skip { Ok(()) } else { refuse_existing(&ready.products(self.args.running.overwrite)) }
    }

    /// Writes what becomes of a master without a job into the log.
    fn write_down(&self, text: &str) {
        let Records { verbose, log, .. } = &self.args.running.records;
        // A log that cannot be opened is an error of each job.
        if let Ok(mut log) = Log::open(*verbose, log.as_deref()) {
            log.line(text);
        }
    }

    /// Opens a master and makes the job for it.
    fn ready(&mut self, master: &Master) -> Result<Ready, Error> {
        let mut set = self.settings.clone();
        let own = set.iter().rev().find(|(key, _)| key == "stem").map(|(_, name)| name.clone());
        let name = own.unwrap_or_else(|| {
            set.push(("stem".to_owned(), master.name.clone()));
            master.name.clone()
        });
        let document = Document::of_profiles(&self.args.profile, &master.source, &self.args.audio, &set)?;
        for note in document.notes() {
            if self.said.insert(note.clone()) {
                output::note(note);
            }
        }
        let Resolved { mut job, traits, source } = document.resolve(None)?;
        // The manifest lists the hash of each file.
        job.hash = true;
        let inputs = Inputs::of(&job, &source)?;
        let folder = self.args.output.join(&master.folder);
        job.write_into(&folder);
        if self.args.running.overwrite {
            job.overwrite();
        }
        let manifest = folder.join(path_text::from_text(&format!("{name}.manifest.json")));
        Ok(Ready { document, traits, job, source, inputs, folder, manifest })
    }

    /// Makes the copies of a master, or finds them complete.
    fn done(&self, ready: Ready, title: String) -> Result<Done, Error> {
        if self.args.skip_existing {
            match self.standing(&ready)? {
                Ok(report) => {
                    self.write_down(&format!("{}: kept", ready.job.source.path.display()));
                    return Ok(Done::Kept(report));
                }
                Err(Some(how)) => {
                    let master = ready.job.source.path.display();
                    output::note(&format!("{master}: its copies are not skipped: {how}"));
                }
                Err(None) => {}
            }
        }
        let Ready { document, traits, job, source, inputs, folder, manifest } = ready;
        let Running { progress, records, .. } = &self.args.running;
        let (place, cancel) = (Some(source.reading_place()), self.cancel.clone());
        let watching = Watching { progress: *progress, records: records.clone(), title, place, cancel };
        let report = watched(watching, |control| run_opened(&job, source, control));
        let mut report = report.map_err(|error| document.explain(&traits, error))?;
        report.decisions.extend(merged(&document));
        if !report.failed.is_empty() {
            return Ok(Done::Made(Box::new(report), None));
        }
        let written = Manifest::new(&folder, inputs, report.clone()).and_then(|own| own.write(&manifest));
        Ok(Done::Made(Box::new(report), written.err()))
    }

    /// The report of complete copies; else why they are not complete, or nothing if there is no manifest.
    fn standing(&self, ready: &Ready) -> Result<Result<Box<Report>, Option<String>>, Error> {
        let kept = match Manifest::read(&ready.manifest) {
            Ok(Some(kept)) => kept,
            Ok(None) => return Ok(Err(None)),
            // One of another version, or a file of another program. Only --overwrite replaces it.
            Err(error) if error.kind() == ErrorKind::InvalidSpec && self.args.running.overwrite => {
                return Ok(Err(Some(error.to_string())));
            }
            Err(error) => return Err(error),
        };
        let place = ReadingPlace::new(kept.bytes());
        let _shown = running::reading(self.args.running.progress, Reading::CheckCopies, place.clone());
        Ok(match kept.check(&ready.folder, &ready.inputs, &place, &self.cancel)? {
            Standing::Complete => Ok(Box::new(kept.report)),
            Standing::Changed(how) => Err(Some(how)),
        })
    }
}
