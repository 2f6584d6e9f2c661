//! Encodes a master to HEVC at 10 bits, shows how far it is, and prints the report.
//!
//! ```text
//! cargo run --release -p trix-core --example encode -- master.mov copy.mp4
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for a terminal; the library never prints")]

use std::{env, process::ExitCode, sync::Arc};

use trix_core::{
    Control, Job, Report, Result,
    media::format::Chroma,
    run_job,
    settings::{
        audio::AudioSettings,
        job::VerifyLevel,
        video::{EncodeSettings, RateControl, VideoSettings},
    },
};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [source, output] = arguments.as_slice() else {
        eprintln!("usage: encode SOURCE OUTPUT");
        return ExitCode::from(2);
    };
    match encode(source, output) {
        Ok(report) => {
            print(&report);
            ExitCode::SUCCESS
        }
        Err(error) => {
            // The kind is what a program acts on; the text names file, stage, stream and time for people.
            eprintln!("{:?}: {error}", error.kind());
            ExitCode::FAILURE
        }
    }
}

fn encode(source: &str, output: &str) -> Result<Report> {
    let mut job = Job::new(source, output);
    job.outputs[0].video = VideoSettings::X265(EncodeSettings {
        depth: Some(10),
        chroma: Some(Chroma::C420),
        preset: Some("fast".into()),
        rate: Some(RateControl::Crf { value: 20.0 }),
        ..Default::default()
    });
    job.outputs[0].audio = AudioSettings::Aac { kbps: Some(192) };
    job.outputs[0].verify = VerifyLevel::Full;

    // Called five times a second, on a thread of its own. Another thread may keep a clone of `control.cancel`.
    let control = Control {
        progress: Some(Arc::new(|progress| {
            let expected = progress.frames_expected.map_or_else(String::new, |frames| format!(" of {frames}"));
            eprintln!("{:?}: frame {}{expected}, {:.1} fps", progress.phase, progress.frame, progress.fps);
        })),
        ..Default::default()
    };
    run_job(&job, &control)
}

fn print(report: &Report) {
    println!("{}: {} bytes", report.outputs[0].path.display(), report.outputs[0].bytes);
    if let Some(ledger) = &report.outputs[0].ledger {
        println!("{} frames decoded, {} encoded, {:?} found", ledger.decoded, ledger.encoded, ledger.found);
    }
    for check in &report.outputs[0].verification.checks {
        println!("  {}: {}", check.name, check.found);
    }
    if let Some(psnr) = report.outputs[0].verification.score.as_ref().and_then(|score| score.psnr_db) {
        println!("  PSNR {psnr:.3} dB");
    }
    for note in &report.outputs[0].plan.notes {
        println!("  note: {note}");
    }
}
