//! `trix ingest`: makes every copy of one or more masters.
//!
//! Invariant: a failure of one master does not keep the others from being done. Two masters never write the same file. All
//! names that are taken are reported before the first frame is decoded.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    path::{Path, PathBuf},
    time::Instant,
};

use trix_core::{
    Cancel, Error, ErrorKind, FileId, Ingest, Ingested, Report, Stage,
    control::progress::Reading,
    document::Document,
    manifest::Standing,
    preflight::Space,
    report::{MasterResult, MasterState, Summary},
};

use super::{
    files::Files,
    interrupt::cancel_on_interrupt,
    masters::{self, Master},
    running::{self, Watching, watched},
    written::Written,
};
use crate::{
    args::{self, DamageChoice, DriftChoice, Running},
    exit, output,
    render::{events::Log, report, summary},
};

/// Makes every copy of the given profiles.
pub fn ingest(args: &args::Ingest) -> u8 {
    let found = match masters::find(&args.sources, &args.output, args.recursive) {
        Ok(found) => found,
        Err(error) => return output::failure(&error, args.running.json),
    };
    let mut run = Run { args, settings: settings(args), cancel: cancel_on_interrupt() };
    if let ([master], true) = (found.masters.as_slice(), found.is_one_file) {
        return run.one(master);
    }
    run.several(&found.masters)
}

/// The settings of the options, as keys and values.
fn settings(args: &args::Ingest) -> Vec<(String, String)> {
    let mut set = args.setting.pairs();
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

/// What became of a master.
enum Done {
    /// The report, and why the manifest could not be written, if so.
    Made(Box<Report>, Option<Error>),
    /// The report of the job that made the files.
    Kept(Box<Report>),
}

struct Run<'a> {
    args: &'a args::Ingest,
    settings: Vec<(String, String)>,
    cancel: Cancel,
}

impl Run<'_> {
    /// Does one master that was named, and shows its report.
    fn one(&mut self, master: &Master) -> u8 {
        let Running { json, records, .. } = &self.args.running;
        let ready = self.ready(master).and_then(|ready| {
            self.is_free(&ready)?;
            let written = with_ready(Files::default(), &ready).open(records)?;
            Ok((ready, written))
        });
        let (done, written) = match ready {
            Ok((ready, written)) => (self.done(ready, String::new(), &written.log), written),
            Err(error) => return output::failure(&error, *json),
        };
        match done {
            Ok(Done::Made(report, lost)) => {
                let code = running::finished(&report, *json, written);
                lost.map_or(code, |error| exit::worse(code, output::failure(&error, false)))
            }
            Ok(Done::Kept(report)) => {
                match json {
                    true => output::json(&report),
                    false => output::text(&summary::kept(&master.source, &report)),
                }
                written.report(&*report)
            }
            Err(error) => written.failure(&error, *json),
        }
    }

    /// Does several masters, one after the other, and sums up.
    fn several(&mut self, masters: &[Master]) -> u8 {
        let (written, mut refused) = match self.checked(masters) {
            Ok(checked) => checked,
            Err(error) => return output::failure(&error, self.args.running.json),
        };
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
                    None => self.ready(master).and_then(|ready| self.done(ready, title, &written.log)).inspect_err(
                        |error| {
                            output::failure_of(&[&master.source], error);
                        },
                    ),
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
        exit::worse(worst, written.report(&summary))
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

    /// Opens what is written down, and finds the masters that cannot be done: their jobs have mistakes, or names are taken.
    /// All are reported now, before the first frame.
    ///
    /// # Errors
    /// A mistake of the whole command: in a document, or in the name of the report or the log. Nothing was written then.
    fn checked(&mut self, masters: &[Master]) -> Result<(Written, BTreeMap<usize, Error>), Error> {
        let mut files = Files::default().with_tracks(&self.args.audio);
        // All masters have the same documents.
        if let Some(first) = masters.first() {
            files = files.with_document(&self.document(first)?.0);
        }
        let sources: BTreeSet<FileId> = masters.iter().map(|master| FileId::of(&master.source)).collect();
        files = masters.iter().fold(files, |files, master| files.with_source(&master.source));
        let mut refused = BTreeMap::new();
        let mut owners: BTreeMap<FileId, PathBuf> = BTreeMap::new();
        let mut space = Vec::new();
        for (number, master) in masters.iter().enumerate() {
            if self.cancel.is_cancelled() {
                return Err(Error::cancelled(Stage::Plan));
            }
            let checked = self.ready(master).and_then(|ready| {
                files = with_ready(std::mem::take(&mut files), &ready);
                self.claim(&ready, &sources, &mut owners)?;
                self.is_free(&ready)?;
                // Copies that may be left out need no space.
                if !self.may_skip(&ready) {
                    space.extend(ready.space()?);
                }
                Ok(())
            });
            if let Err(error) = checked {
                owners.retain(|_, owner| *owner != master.source);
                refused.insert(number, error);
            }
        }
        let written = files.open(&self.args.running.records)?;
        let mut said: Vec<(String, &Error, Vec<&Path>)> = Vec::new();
        for (number, error) in &refused {
            let (source, text) = (masters[*number].source.as_path(), error.to_string());
            written.log.unprinted(&format!("{}: not begun: {error}", source.display()));
            match said.iter_mut().find(|(known, ..)| *known == text) {
                Some((_, _, masters)) => masters.push(source),
                None => said.push((text, error, vec![source])),
            }
        }
        said.iter().for_each(|(_, error, masters)| output::failure_of(masters, error));
        let short = Space::sum(space).into_iter().filter_map(|space| space.shortage("the copies of all masters"));
        short.for_each(|short| output::note(&short));
        Ok((written, refused))
    }

    /// Refuses a name that an earlier master has, or that is itself a master.
    fn claim(
        &self,
        ready: &Ingest,
        sources: &BTreeSet<FileId>,
        owners: &mut BTreeMap<FileId, PathBuf>,
    ) -> Result<(), Error> {
        for (path, _) in ready.products() {
            let id = FileId::of(&path);
            let refused = |detail: String| Err(Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail).in_file(&path));
            if sources.contains(&id) {
                return refused("is a master; use another folder with -o".into());
            }
            match owners.entry(id) {
                Entry::Vacant(free) => drop(free.insert(ready.job().source.path.clone())),
                Entry::Occupied(owner) => {
                    let remedy = match self.own_stem() {
                        Some(_) => "--set stem gives all masters one name; leave it out",
                        None => "use ${stem} in its path",
                    };
                    return refused(format!("is made of {} already; {remedy}", owner.get().display()));
                }
            }
        }
        Ok(())
    }

    /// Refuses names that are taken. Copies that may be left out, because they are complete, are no mistake.
    fn is_free(&self, ready: &Ingest) -> Result<(), Error> {
        if self.may_skip(ready) { Ok(()) } else { ready.refuse_existing() }
    }

    fn may_skip(&self, ready: &Ingest) -> bool {
        self.args.skip_existing && ready.manifest().is_file()
    }

    /// The name that the command line gives to the copies.
    fn own_stem(&self) -> Option<&str> {
        self.settings.iter().rev().find(|(key, _)| key == "stem").map(|(_, name)| name.as_str())
    }

    /// The document of a master, and the name of its copies.
    fn document(&self, master: &Master) -> Result<(Document, String), Error> {
        let name = self.own_stem().unwrap_or(&master.name).to_owned();
        let mut set = self.settings.clone();
        set.push(("stem".to_owned(), name.clone()));
        Ok((Document::of_profiles(&self.args.profile, &master.source, &self.args.audio, &set)?, name))
    }

    /// Opens a master and makes the job for it.
    fn ready(&self, master: &Master) -> Result<Ingest, Error> {
        let (document, name) = self.document(master)?;
        Ingest::prepare(document, &self.args.output.join(&master.folder), &name, self.args.running.overwrite)
    }

    /// Makes the copies of a master, or finds them complete.
    fn done(&self, ready: Ingest, title: String, log: &Log) -> Result<Done, Error> {
        let progress = self.args.running.progress;
        if self.args.skip_existing {
            let master = ready.job().source.path.display();
            let watch = |place| running::reading(progress, Reading::CheckCopies, place);
            match ready.standing(&self.cancel, watch)? {
                None => {}
                Some(Standing::Complete(report)) => {
                    log.begin().iter().for_each(|failed| output::line(failed));
                    log.line(&format!("{master}: kept"));
                    return Ok(Done::Kept(report));
                }
                Some(Standing::Changed(how)) => {
                    output::note(&format!("{master}: its copies are not skipped: {how}"));
                    ready.refuse_existing()?;
                }
            }
        }
        let (place, cancel, log) = (Some(ready.reading_place()), self.cancel.clone(), log.clone());
        if !title.is_empty() {
            log.line(&title);
        }
        let watching = Watching { progress, log, title, place, cancel, chunks: self.args.running.chunk_run.control() };
        let Ingested { report, unlisted } = watched(watching, |control| ready.run(control))?;
        Ok(Done::Made(Box::new(report), unlisted))
    }
}

/// Adds what a master is made of, and what is made of it.
fn with_ready(files: Files, ready: &Ingest) -> Files {
    files.with_document(ready.document()).with_job(ready.job()).with([ready.manifest().to_owned()])
}
