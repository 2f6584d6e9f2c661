//! `trix run`, `plan`, `profiles`: read job documents and run them.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use trix_core::{
    Control, Error, ErrorKind, Ingest, Job, Plan as Written, Result, Source, Stage,
    document::{Document, Language, PROFILES, Resolved, user_profiles},
    media::path_text,
    mistake::hint,
    plan_for,
    preflight::preflight,
    run_opened, settle_targets, trial,
};

use super::{
    files::Files,
    running::{Watching, execute, watched},
};
use crate::{
    args::{Plan, Profiles, ProgressChoice, Run, Running},
    exit, output,
    render::{clock, events::Log, padded, plan},
};

/// Runs a job file, or a plan that `trix plan --json` wrote.
pub fn run(args: &Run) -> u8 {
    if let Some(plan) = written_plan(&args.job) {
        let ready = plan.and_then(|plan| match args.setting.pairs().is_empty() && args.output.is_none() {
            true => {
                let files = Files::default().with_plan(&plan).with([args.job.clone()]);
                files.open(&args.running.records).map(|written| (plan, written))
            }
            false => Err(refused(&args.job, "a plan runs as it is; --set and --output belong to a job".into())),
        });
        return match ready {
            Ok((mut plan, written)) => {
                if args.running.overwrite {
                    plan.overwrite();
                }
                let work = |control: &Control| trix_core::run(&plan, control);
                let watching =
                    Watching::new(args.running.progress, &written.log, None).with_chunks(&args.running.chunk_run);
                execute(watching, written, args.running.json, work, |error| error)
            }
            Err(error) => output::failure(&error, args.running.json),
        };
    }
    let document = Document::open(&args.job, &args.setting.pairs());
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
    let set: Vec<(String, String)> = args.setting.pairs().into_iter().chain(args.streams.set()).collect();
    let document = match args.profile.as_slice() {
        [] => Document::open(&args.job, &set),
        profiles => Document::of_profiles(profiles, &args.job, &args.audio, &set),
    };
    resolved(document, args.output.as_deref(), args.json, |document, Resolved { job, traits, source }| {
        let job = match settled(job, &source) {
            Ok(job) => job,
            Err(error) => return output::failure(&document.explain(&traits, error), args.json),
        };
        let planned = match &args.machine {
            Some(machine) => plan_for(&job, &source, machine),
            None => trix_core::plan(&job, &source),
        };
        match planned {
            Ok(planned) if args.json => output::json(&planned),
            Ok(planned) => {
                let mut needs = preflight(&planned, &source);
                needs.taken.extend(taken_manifest(args, &set));
                let free = needs.free_memory.filter(|_| args.machine.is_none());
                output::text(&(plan::text(&job, &planned, free) + &plan::needs(&needs)));
                if args.time {
                    return time(&job, &planned, &source);
                }
            }
            Err(error) => return output::failure(&document.explain(&traits, error), args.json),
        }
        exit::DONE
    })
}

/// The job with the rate factors for its targets of quality.
fn settled(job: Job, source: &Source) -> Result<Job> {
    match job.open_targets().is_empty() {
        true => Ok(job),
        false => watched(Watching::new(ProgressChoice::Auto, &Log::none(), None), |control| {
            settle_targets(&job, source, control)
        }),
    }
}

/// The manifest that `trix ingest` with these profiles would have to replace.
fn taken_manifest(args: &Plan, set: &[(String, String)]) -> Option<PathBuf> {
    let own = set.iter().rev().find(|(key, _)| key == "stem").map(|(_, name)| name.clone());
    let name = own.or_else(|| Some(path_text::to_text(Path::new(args.job.file_stem()?))))?;
    let manifest = Ingest::manifest_in(args.output.as_deref().unwrap_or(Path::new("")), &name);
    (!args.profile.is_empty() && manifest.symlink_metadata().is_ok()).then_some(manifest)
}

/// Encodes the first seconds of a job into a folder for temporary files, and tells from that how long the job will take.
fn time(job: &Job, planned: &Written, source: &Source) -> u8 {
    let watching = Watching::new(ProgressChoice::Auto, &Log::none(), Some(source.reading_place()));
    match watched(watching, |control| trial(job, planned, source, control, None)) {
        Ok(Some(seconds)) => output::text(&format!("time    about {} on this machine\n", clock(seconds))),
        Ok(None) => output::text("time    unknown: the source does not state its length\n"),
        Err(error) => return output::failure(&error, false),
    }
    exit::DONE
}

/// Lists profiles, shows one, or checks one.
pub fn profiles(args: &Profiles) -> u8 {
    let print_notes = |document: &Document| {
        document.notes().iter().for_each(|note| output::note(&format!("{}: {}", note.what, note.why)));
    };
    match (&args.check, &args.name) {
        (Some(path), _) => match Document::open(path, &[]) {
            Ok(document) => {
                let about = document.description().map_or_else(String::new, |about| format!(": {about}"));
                output::text(&format!("{} is sound{about}\n", path.display()));
                print_notes(&document);
                exit::DONE
            }
            Err(error) => output::failure(&error, false),
        },
        (None, None) => {
            list_profiles();
            exit::DONE
        }
        (None, Some(name)) if args.resolved => match Document::of_profile(name) {
            Ok(document) => match document.merged() {
                Ok(text) => {
                    output::text(&text);
                    print_notes(&document);
                    exit::DONE
                }
                Err(error) => output::failure(&error, false),
            },
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
        output::text(&format!("{}{about}\n", padded(name, 18)));
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
    let written = match Files::default().with_job(&job).with_document(document).open(&running.records) {
        Ok(written) => written,
        Err(error) => return output::failure(&error, running.json),
    };
    let watching = Watching::new(running.progress, &written.log, Some(source.reading_place()));
    let watching = watching.with_chunks(&running.chunk_run);
    let work = |control: &Control| run_opened(&job, source, control);
    execute(watching, written, running.json, work, |error| document.explain(&traits, error))
}
