//! The common parts of `ffmpeg` command lines.
//!
//! Invariant: arguments for a target match its plan exactly. Everything else is left to `ffmpeg` and the encoders.

use std::{path::Path, process::Command};

use trix_core::settings::video::{EncodeSettings, RateControl};

use crate::tool::Target;

/// Who decides about settings that change streams without affecting quality.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Trix's plan sets the threads of encoders. Filters have one thread, and x264 gets the instruction sets that Trix
    /// lets it use. So streams are equal.
    AsTrix,
    /// `ffmpeg` and the encoders decide, depending on the machine.
    Own,
}

/// An `ffmpeg` command that reads `source`.
pub fn reading(source: &Path, manner: Manner) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args("-hide_banner -nostdin -v error -y".split(' '));
    if manner == Manner::AsTrix {
        command.args(["-filter_threads", "1", "-filter_complex_threads", "1"]);
    }
    command.arg("-i").arg(source);
    command
}

/// The filter chain that `trix_core::filter::transform` builds.
pub fn chain(target: &Target) -> String {
    if !target.converted {
        return "null".to_owned();
    }
    let dither = if target.loses_bits { "error_diffusion" } else { "none" };
    format!(
        "zscale=w={}:h={}:filter=lanczos:dither={dither}:rin=limited:r=limited,format=pix_fmts={}",
        target.width, target.height, target.pixel_format
    )
}

/// Adds an output: its encoding and its file.
pub fn output(command: &mut Command, target: &Target, settings: &EncodeSettings, manner: Manner, folder: &Path) {
    // Trix also keeps the source's times and writes the index first.
    command.args(["-an", "-fps_mode", "passthrough", "-movflags", "+faststart"]);
    let threads = target.threads.filter(|_| manner == Manner::AsTrix).map(|threads| threads.to_string());
    if target.encoder == "x264" {
        command.args(["-c:v", "libx264"]);
        if let Some(threads) = &threads {
            command.args(["-threads", threads]);
        }
        if manner == Manner::AsTrix && !target.width.div_ceil(16).is_multiple_of(8) && has_avx512() {
            // Trix disables AVX-512 in x264 here, because its macroblock tree reads uninitialised memory.
            command.args(["-x264-params", "asm=SSE2Fast,LZCNT,AVX2"]);
        }
    } else {
        // Otherwise libx265 writes a long report at the end.
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

/// True if the CPU has all parts of AVX-512 that x264 needs.
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
