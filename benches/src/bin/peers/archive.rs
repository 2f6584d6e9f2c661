//! The case of a whole ingest: `trix ingest --profile archive,preview` compared with a shell script that makes the same
//! copies.
//!
//! Invariant: the script makes exactly what the profiles request.

use std::{io, path::Path, process::Command};

use trix_core::{Job, document::Document};

use crate::case::{Goal, Setup, TRIX, Tool, Work};

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

const PROFILES: [&str; 2] = ["archive", "preview"];

/// The products of the profiles beside the five archive copies, by their names in the script: `preview`, `loudness`,
/// `stills`, `verify`, `hashes`.
const STEPS: [&str; 5] = ["preview", "loudness", "stills", "verify", "hashes"];

/// The job for the five archive copies and the preview.
///
/// # Errors
/// Those of opening the source.
pub fn job(source: &Path) -> trix_core::Result<Job> {
    Ok(Document::of_profiles(&PROFILES.map(str::to_owned), source, &[], &[])?.resolve(None)?.0)
}

fn ingest(setup: &Setup<'_>) -> io::Result<Vec<Command>> {
    let mut command = Command::new(setup.trix);
    command.arg("ingest").arg(setup.source).arg("--output").arg(setup.folder);
    command.args(["--profile", &PROFILES.join(","), "--progress", "none"]);
    Ok(vec![command])
}

fn script(setup: &Setup<'_>, is_exact: bool) -> io::Result<Vec<Command>> {
    let mut command = Command::new("bash");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/archive.sh")).arg(setup.source).arg(setup.folder).args(STEPS);
    if is_exact {
        command.env("FILTER_THREADS", "1");
        for target in &setup.told.targets {
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
