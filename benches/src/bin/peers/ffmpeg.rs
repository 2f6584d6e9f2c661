//! The parts of `ffmpeg` command lines that several cases share.
//!
//! Invariant: what is said here of a target is what its plan says, word for word; what is left to `ffmpeg` and the
//! encoders is left to them as a whole.

use std::{path::Path, process::Command};

use trix_core::spec::video::{EncodeSettings, RateControl};

use crate::case::Target;

/// Who decides about what changes streams, but is no matter of quality.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Trix's plan decides about the threads of encoders. Filters have one thread, and x264 the instructions that Trix
    /// lets it use: so streams are equal.
    AsTrix,
    /// `ffmpeg` and the encoders decide, for the machine.
    Own,
}

/// An `ffmpeg` that reads `source`.
pub fn reading(source: &Path, manner: Manner) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args("-hide_banner -nostdin -v error -y".split(' '));
    if manner == Manner::AsTrix {
        command.args(["-filter_threads", "1", "-filter_complex_threads", "1"]);
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
pub fn output(command: &mut Command, target: &Target, settings: &EncodeSettings, manner: Manner, folder: &Path) {
    // Trix keeps the source's times and writes the index first, too.
    command.args(["-an", "-fps_mode", "passthrough", "-movflags", "+faststart"]);
    let threads = target.threads.filter(|_| manner == Manner::AsTrix).map(|threads| threads.to_string());
    if target.encoder == "x264" {
        command.args(["-c:v", "libx264"]);
        if let Some(threads) = &threads {
            command.args(["-threads", threads]);
        }
        if manner == Manner::AsTrix && !target.width.div_ceil(16).is_multiple_of(8) && has_avx512() {
            // Trix keeps x264 from AVX-512 here, whose macroblock tree reads memory that nobody wrote.
            command.args(["-x264-params", "asm=SSE2Fast,LZCNT,AVX2"]);
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

/// Whether x264 finds all of AVX-512 that it asks for.
fn has_avx512() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    #[cfg(not(target_arch = "x86_64"))]
    return false;
}
