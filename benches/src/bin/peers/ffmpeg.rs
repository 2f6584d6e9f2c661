//! The parts of `ffmpeg` command lines that several cases share.
//!
//! Invariant: what is said here of a target is what its plan says, word for word.

use std::{path::Path, process::Command};

use trix_core::spec::video::{EncodeSettings, RateControl};

use crate::case::Target;

/// An `ffmpeg` that reads `source`, with a number of threads for each filter or with its own.
pub fn reading(source: &Path, filter_threads: Option<&str>) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args("-hide_banner -nostdin -v error -y".split(' '));
    if let Some(threads) = filter_threads {
        command.args(["-filter_threads", threads, "-filter_complex_threads", threads]);
    }
    command.arg("-i").arg(source);
    command
}

/// The chain that `trix_core::filter::transform` builds, for sources that have no more bits than the target.
pub fn chain(target: &Target) -> String {
    if !target.converted {
        return "null".to_owned();
    }
    format!(
        "zscale=w={}:h={}:filter=lanczos:dither=none:rin=limited:r=limited,format=pix_fmts={}",
        target.width, target.height, target.pixel_format
    )
}

/// Adds an output: how it is encoded, and its file.
pub fn output(command: &mut Command, target: &Target, settings: &EncodeSettings, threads: Option<u32>, folder: &Path) {
    // Trix keeps the source's times and writes the index first, too.
    command.args(["-an", "-fps_mode", "passthrough", "-movflags", "+faststart"]);
    let threads = threads.map(|threads| threads.to_string());
    if target.encoder == "x264" {
        command.args(["-c:v", "libx264"]);
        if let Some(threads) = &threads {
            command.args(["-threads", threads]);
        }
    } else {
        // Else libx265 writes a report of many lines at the end.
        let pools = threads.map_or_else(String::new, |threads| format!(":pools={threads}"));
        command.args(["-c:v", "libx265", "-x265-params", &format!("log-level=none{pools}"), "-tag:v", "hvc1"]);
    }
    if let Some(preset) = &settings.preset {
        command.args(["-preset", preset]);
    }
    if let Some(RateControl::Crf { value }) = settings.rate {
        command.args(["-crf", &value.to_string()]);
    }
    command.arg(folder.join(&target.name));
}
