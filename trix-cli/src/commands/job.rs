//! `trix ingest`, `run`, `plan`, `profiles`: read job documents and run them.

use std::{
    fs::File,
    io::{BufRead, BufReader, IsTerminal, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use trix_core::{
    Control, Error, ErrorKind, Job, Plan as Written, Report, Stage,
    document::{Document, Language, PROFILES, Resolved, user_profiles},
    mistake::hint,
    plan_for, run_opened,
};

use super::interrupt::cancel_on_interrupt;
use crate::{
    args::{DamageChoice, DriftChoice, Ingest, Plan, Profiles, ProgressChoice, Run, Running},
    exit, output,
    render::{plan, progress::Bar, report},
};

/// Makes every copy of the given profiles.
pub fn ingest(args: &Ingest) -> u8 {
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
    let document = Document::of_profiles(&args.profile, &args.source, &args.audio, &set);
    resolved(document, Some(&args.output), args.running.json, |document, resolved| {
        if let Err(error) = std::fs::create_dir_all(&args.output) {
            return output::failure(&Error::io(Stage::Mux, &args.output, "cannot be made", error), args.running.json);
        }
        start(document, resolved, &args.running)
    })
}

/// Runs a job file, or a plan that `trix plan --json` wrote.
pub fn run(args: &Run) -> u8 {
    if let Some(plan) = written_plan(&args.job) {
        let plan = plan.and_then(|plan| match args.setting.set.is_empty() && args.output.is_none() {
            true => Ok(plan),
            false => Err(refused(&args.job, "a plan runs as it is; --set and --output belong to a job".into())),
        });
        return match plan {
            Ok(mut plan) => {
                if args.running.overwrite {
                    plan.overwrite();
                }
                execute(
                    |control| trix_core::run(&plan, control),
                    args.running.progress,
                    args.running.json,
                    |error| error,
                )
            }
            Err(error) => output::failure(&error, args.running.json),
        };
    }
    let document = Document::open(&args.job, &args.setting.set);
    resolved(document, args.output.as_deref(), args.running.json, |document, resolved| {
        start(document, resolved, &args.running)
    })
}

/// The largest plan, in bytes. The plan of a job with one output has a few thousand.
const MOST_BYTES: u64 = 64 << 20;

/// Reads a plan; `None` if the file is no plan. [`Document::open`] then reports why the file cannot be read.
fn written_plan(path: &Path) -> Option<Result<Written, Error>> {
    // Opening a named pipe would wait for a writer.
    std::fs::metadata(path).ok()?.is_file().then_some(())?;
    let mut file = BufReader::new(File::open(path).ok()?).take(MOST_BYTES);
    // A plan is an object. Anything else, such as a film, is not read any further.
    let first = file.fill_buf().ok()?.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    (first == Some(b'{')).then_some(())?;
    let value: serde_json::Value = serde_json::from_reader(file).ok()?;
    // A job has neither of these keys, and a report not the second.
    (value.get("trix")?.is_u64() && value.get("external_audio").is_some()).then_some(())?;
    let plan = serde_json::from_value(value);
    Some(plan.map_err(|error| refused(path, format!("is not a plan of this version: {error}"))))
}

fn refused(path: &Path, detail: String) -> Error {
    Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail).in_file(path)
}

/// Shows what a job would do.
pub fn plan(args: &Plan) -> u8 {
    let set: Vec<(String, String)> = args.setting.set.iter().cloned().chain(args.streams.set()).collect();
    let document = match args.profile.as_slice() {
        [] => Document::open(&args.job, &set),
        profiles => Document::of_profiles(profiles, &args.job, &args.audio, &set),
    };
    resolved(document, args.output.as_deref(), args.json, |document, Resolved { job, traits, source }| {
        let machine = args.machine.unwrap_or_else(trix_core::this_machine);
        match plan_for(&job, &source, &machine) {
            Ok(planned) if args.json => output::json(&planned),
            Ok(planned) => output::text(&plan::text(&job, &planned)),
            Err(error) => return output::failure(&document.explain(&traits, error), args.json),
        }
        // `ingest` creates its folder; `run` creates none.
        if args.profile.is_empty() {
            for folder in missing_folders(&job) {
                output::note(&format!("{}: the folder does not exist; trix run needs it", folder.display()));
            }
        }
        exit::DONE
    })
}

/// The missing folders that a job writes to, without duplicates.
fn missing_folders(job: &Job) -> Vec<PathBuf> {
    let stills = job.stills.iter().flat_map(|still| still.paths());
    let files = job.outputs.iter().map(|output| output.path.clone());
    let all = files.chain(job.packages.iter().map(|package| package.path.clone())).chain(stills);
    let mut missing: Vec<PathBuf> = all.filter_map(|path| path.parent().map(Path::to_owned)).collect();
    missing.retain(|folder| !folder.as_os_str().is_empty() && !folder.is_dir());
    missing.sort();
    missing.dedup();
    missing
}

/// Lists profiles, shows one, or checks one.
pub fn profiles(args: &Profiles) -> u8 {
    match (&args.check, &args.name) {
        (Some(path), _) => match Document::open(path, &[]) {
            Ok(document) => {
                let about = document.description().map_or_else(String::new, |about| format!(": {about}"));
                output::text(&format!("{} is sound{about}\n", path.display()));
                notes(&document);
                exit::DONE
            }
            Err(error) => output::failure(&error, false),
        },
        (None, None) => {
            list_profiles();
            exit::DONE
        }
        (None, Some(name)) if args.resolved => match Document::of_profile(name) {
            Ok(document) => {
                output::text(&document.merged());
                notes(&document);
                exit::DONE
            }
            Err(error) => output::failure(&error, false),
        },
        (None, Some(name)) => match profile_text(name) {
            Ok(text) => {
                output::text(&text);
                exit::DONE
            }
            Err(error) => output::failure(&error, false),
        },
    }
}

/// Lists the profiles of Trix, and those of the user.
fn list_profiles() {
    let line = |name: &str, document: Result<Document, Error>| {
        let about = match document {
            Ok(document) => document.description().unwrap_or_default().to_owned(),
            Err(_) => format!("has mistakes; trix profiles {name} --resolved shows them"),
        };
        output::text(&format!("{name:<18}{about}\n"));
    };
    for profile in PROFILES {
        line(profile.name, Document::parse(profile.text, Language::Toml, &[]));
    }
    for (name, path) in user_profiles() {
        line(&name, Document::open(&path, &[]));
    }
}

/// The text of a profile, as its file has it.
fn profile_text(name: &str) -> Result<String, Error> {
    let own = user_profiles();
    if let Some((_, path)) = own.iter().find(|(own, _)| own == name) {
        return std::fs::read_to_string(path).map_err(|error| Error::io(Stage::Plan, path, "cannot be read", error));
    }
    if let Some(profile) = PROFILES.iter().find(|profile| profile.name == name) {
        return Ok(profile.text.to_owned());
    }
    let names = PROFILES.iter().map(|profile| profile.name).chain(own.iter().map(|(name, _)| name.as_str()));
    let names: Vec<&str> = names.collect();
    let hint = hint(name, &names);
    let detail = format!("there is no profile '{name}'; {hint}profiles are {}", names.join(", "));
    Err(Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail))
}

/// Prints what may surprise in a document that was merged.
fn notes(document: &Document) {
    document.notes().iter().for_each(|note| output::note(note));
}

/// Opens the source of a document, and calls `go_on` with the job for it.
fn resolved(
    document: Result<Document, Error>,
    folder: Option<&Path>,
    as_json: bool,
    go_on: impl FnOnce(&Document, Resolved) -> u8,
) -> u8 {
    let document = match document {
        Ok(document) => document,
        Err(error) => return output::failure(&error, as_json),
    };
    notes(&document);
    match document.resolve(folder) {
        Ok(resolved) => go_on(&document, resolved),
        Err(error) => output::failure(&error, as_json),
    }
}

fn start(document: &Document, resolved: Resolved, running: &Running) -> u8 {
    let Resolved { mut job, traits, source } = resolved;
    if running.overwrite {
        job.overwrite();
    }
    let work = |control: &Control| run_opened(&job, source, control);
    execute(work, running.progress, running.json, |error| document.explain(&traits, error))
}

/// Runs `work` and shows its report. `explain` adds to an error what only the caller knows.
pub fn execute(
    work: impl FnOnce(&Control) -> Result<Report, Error>,
    progress: ProgressChoice,
    as_json: bool,
    explain: impl FnOnce(Error) -> Error,
) -> u8 {
    let mut control = Control { cancel: cancel_on_interrupt(), ..Control::default() };
    let mut bar = None;
    match progress {
        ProgressChoice::None => {}
        ProgressChoice::Auto if !std::io::stderr().is_terminal() => {}
        ProgressChoice::Auto | ProgressChoice::Bar => {
            let shown = Arc::new(Bar::new());
            bar = Some(Arc::clone(&shown));
            control.progress = Some(Arc::new(move |progress| shown.show(progress)));
        }
        ProgressChoice::Json => {
            control.progress = Some(Arc::new(|progress| {
                output::line(&serde_json::to_string(progress).unwrap_or_default());
            }));
        }
    }
    let result = work(&control);
    if let Some(bar) = bar {
        bar.clear();
    }
    match result {
        Ok(done) => {
            if as_json {
                output::json(&done);
            } else {
                output::text(&report::text(&done));
            }
            // All products that were made are complete. The exit code reports those that failed.
            done.failed.first().map_or(exit::DONE, |failed| exit::code(failed.kind))
        }
        Err(error) => output::failure(&explain(error), as_json),
    }
}
