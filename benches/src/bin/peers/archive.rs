//! The cases of a whole ingest: `trix ingest --profile archive,preview` compared with a shell script that makes the same
//! copies.
//!
//! Invariant: the script makes exactly what the profiles request. Copies that share an analysis have other streams.

use std::{fs, io, path::Path, process::Command};

use trix_core::{
    Job,
    document::Document,
    settings::video::{EncodeSettings, VideoSettings},
};

use crate::tool::{Goal, Setup, TRIX, Tool, Work};

const SHELL: &str = "shell";
const SHELL_AS_IT_COMES: &str = "shell, as it comes";

/// The tools of this case.
pub static TOOLS: [Tool; 3] = [
    Tool { name: SHELL, is_exact: true, work: Work::Programs(|setup| script(setup, true)) },
    Tool { name: TRIX, is_exact: true, work: Work::Programs(ingest) },
    // Encoders and filters choose their numbers of threads for the machine.
    Tool { name: SHELL_AS_IT_COMES, is_exact: false, work: Work::Programs(|setup| script(setup, false)) },
];

/// The project's goals, also for the peer that chooses its own numbers of threads.
pub const GOALS: [Goal; 2] = [
    Goal { tool: TRIX, peer: SHELL, wall: 0.80, cpu: None },
    Goal { tool: TRIX, peer: SHELL_AS_IT_COMES, wall: 0.80, cpu: None },
];

/// The tools of the cases in which the HEVC copies share one analysis.
pub static SHARING: [Tool; 4] = [
    Tool { name: SHELL_AS_IT_COMES, is_exact: false, work: Work::Programs(|setup| script(setup, false)) },
    Tool {
        name: "trix, each for itself",
        is_exact: false,
        work: Work::Programs(|setup| sharing(setup, "archive", "off")),
    },
    Tool { name: BALANCED, is_exact: false, work: Work::Programs(|setup| sharing(setup, "archive", "balanced")) },
    Tool { name: FAST, is_exact: false, work: Work::Programs(|setup| sharing(setup, "archive-fast", "fast")) },
];

const BALANCED: &str = "trix, balanced";
const FAST: &str = "trix, fast";

/// The project's goals for the preset slow.
pub const SHARING_GOALS: [Goal; 4] = [
    Goal { tool: BALANCED, peer: SHELL_AS_IT_COMES, wall: 0.60, cpu: None },
    Goal { tool: FAST, peer: SHELL_AS_IT_COMES, wall: 0.45, cpu: None },
    Goal { tool: BALANCED, peer: "trix, each for itself", wall: 0.75, cpu: Some(0.75) },
    Goal { tool: FAST, peer: "trix, each for itself", wall: 0.55, cpu: Some(0.55) },
];

/// The tools of case f. Each reports the time after the last encoded frame.
pub static COMPARED: [Tool; 2] = [
    Tool { name: "trix, structure", is_exact: true, work: Work::Programs(|setup| reported(setup, "structure")) },
    Tool { name: "trix, frames", is_exact: true, work: Work::Programs(|setup| reported(setup, "full")) },
];

const PROFILES: [&str; 2] = ["archive", "preview"];

/// The programs of the script analyse each copy for itself.
const EACH: (&str, &str) = ("share", "off");

/// The products of the profiles beside the five archive copies, by their names in the script: `preview`, `loudness`,
/// `stills`, `verify`, `hashes`.
const STEPS: [&str; 5] = ["preview", "loudness", "stills", "verify", "hashes"];

/// The job for the five archive copies and the preview.
///
/// # Errors
/// Those of opening the source.
pub fn job(source: &Path) -> trix_core::Result<Job> {
    of_profiles(&PROFILES, source, &[EACH])
}

/// The same with a preset for the archive copies.
///
/// # Errors
/// Those of opening the source.
pub fn job_of_preset(source: &Path, preset: &str) -> trix_core::Result<Job> {
    of_profiles(&PROFILES, source, &[EACH, ("preset", preset)])
}

/// The five archive copies.
///
/// # Errors
/// Those of opening the source.
pub fn copies(source: &Path) -> trix_core::Result<Job> {
    of_profiles(&PROFILES[..1], source, &[EACH])
}

fn of_profiles(names: &[&str], source: &Path, set: &[(&str, &str)]) -> trix_core::Result<Job> {
    let names: Vec<String> = names.iter().copied().map(str::to_owned).collect();
    let set: Vec<_> = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Ok(Document::of_profiles(&names, source, &[], &set)?.resolve(None)?.job)
}

/// The ingest of the copies, verified as `level` says, with its report in the folder.
fn reported(setup: &Setup<'_>, level: &str) -> io::Result<Vec<Command>> {
    let mut command = Command::new("bash");
    command.args(["-c", "exec \"$@\" >\"$0\""]).arg(setup.folder.join(REPORT)).arg(setup.trix);
    command.arg("ingest").arg(setup.source).arg("--output").arg(setup.folder);
    command.args(["--profile", PROFILES[0], "--set", &set(EACH), "--progress", "none", "--json"]);
    for number in 0..setup.planned_case.targets.len() {
        command.args(["--set", &format!("outputs[{number}].verify={level}")]);
    }
    Ok(vec![command])
}

/// A variable for the command line.
fn set((name, value): (&str, &str)) -> String {
    format!("{name}={value}")
}

/// The name of a report in the folder of a tool.
const REPORT: &str = "report.json";

/// Seconds from the last encoded frame to the end of all checks, from the report that a tool left in `folder`.
///
/// # Errors
/// When there is a report that does not say it.
pub fn after_last_frame(folder: &Path) -> io::Result<Option<f64>> {
    let report = match fs::read(folder.join(REPORT)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        report => serde_json::from_slice::<serde_json::Value>(&report?)?,
    };
    let seconds = report["timing"]["verify_seconds"].as_f64();
    seconds.map(Some).ok_or_else(|| io::Error::other("a report without the time of its checks"))
}

fn ingest(setup: &Setup<'_>) -> io::Result<Vec<Command>> {
    Ok(vec![ingest_of(setup, PROFILES[0], &[EACH])])
}

/// The ingest with a profile for the archive copies, which share as `share` says.
fn sharing(setup: &Setup<'_>, profile: &str, share: &str) -> io::Result<Vec<Command>> {
    Ok(vec![ingest_of(setup, profile, &[("share", share), ("preset", preset(setup)?)])])
}

fn ingest_of(setup: &Setup<'_>, profile: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(setup.trix);
    command.arg("ingest").arg(setup.source).arg("--output").arg(setup.folder);
    command.args(["--profile", &format!("{profile},{}", PROFILES[1]), "--progress", "none"]);
    command.args(variables.iter().flat_map(|variable| ["--set".to_owned(), set(*variable)]));
    command
}

/// The preset of the first archive copy, which is that of all.
fn preset<'a>(setup: &Setup<'a>) -> io::Result<&'a str> {
    let video = setup.planned_case.job.outputs.first().map(|output| &output.video);
    let Some(VideoSettings::X264(EncodeSettings { preset: Some(preset), .. })) = video else {
        return Err(io::Error::other("the first archive copy has no preset"));
    };
    Ok(preset)
}

fn script(setup: &Setup<'_>, is_exact: bool) -> io::Result<Vec<Command>> {
    let mut command = Command::new("bash");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/archive.sh")).arg(setup.source).arg(setup.folder).args(STEPS);
    command.env("PRESET", preset(setup)?);
    if is_exact {
        command.env("FILTER_THREADS", "1");
        for target in &setup.planned_case.targets {
            // For example, `master.hevc-10.mkv` becomes `hevc-10`.
            let copy = Path::new(&target.name).file_stem().map(Path::new).and_then(Path::extension);
            let copy = copy.map(|copy| copy.to_string_lossy().replace('-', "_"));
            if let Some((copy, threads)) = copy.zip(target.threads) {
                command.env(format!("THREADS_{copy}"), threads.to_string());
            }
        }
    }
    Ok(vec![command])
}
