//! What is compared: a source, what becomes of it, and how each program is told so.
//!
//! Invariant: both programs get the same source, the same filter chain and the same options of the encoder.

use std::{io, path::Path, path::PathBuf, process::Command};

use trix_benches::{Clip, Kind};
use trix_core::{
    Job, Limits, Source,
    filter::convert::Filtering,
    spec::{
        audio::AudioSettings,
        job::VerifyLevel,
        plan::{Plan, VideoPlan},
        video::{EncodeSettings, Encoder, RateControl, Size, VideoSettings},
    },
};

/// A job that all tools do.
#[derive(Clone, Copy)]
pub struct Case {
    /// What `--only` calls it.
    pub key: &'static str,
    /// In words.
    pub title: &'static str,
    kind: Kind,
    frames: u32,
    encoder: Encoder,
    preset: &'static str,
    crf: u32,
    width: usize,
    height: usize,
    depth: u32,
    pixel_format: &'static str,
}

/// Every case. The numbers of pictures are such that a run takes 5 to 20 seconds on two cores.
pub const CASES: [Case; 3] = [
    Case {
        key: "a",
        title: "1080p H.264 -> 720p x264 veryfast",
        kind: Kind::H264,
        frames: 500,
        encoder: Encoder::X264,
        preset: "veryfast",
        crf: 21,
        width: 1280,
        height: 720,
        depth: 8,
        pixel_format: "yuv420p",
    },
    Case {
        key: "b",
        title: "1080p H.264 -> 720p x265 medium 10-bit",
        kind: Kind::H264,
        frames: 100,
        encoder: Encoder::X265,
        preset: "medium",
        crf: 24,
        width: 1280,
        height: 720,
        depth: 10,
        pixel_format: "yuv420p10le",
    },
    Case {
        key: "c",
        title: "1080p ProRes 4:2:2 HQ -> 1080p x265 fast 10-bit 4:2:0",
        kind: Kind::ProRes,
        frames: 75,
        encoder: Encoder::X265,
        preset: "fast",
        crf: 24,
        width: 1920,
        height: 1080,
        depth: 10,
        pixel_format: "yuv420p10le",
    },
];

/// What does a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// The `ffmpeg` program with one thread for the filter.
    Ffmpeg,
    /// `trix encode --verify off`: no more work than `ffmpeg` does.
    Trix,
    /// `trix encode` as it comes: what was written is read back.
    TrixVerified,
    /// The `ffmpeg` program as it comes. It cuts pictures into a slice for each core to convert them, and the diffusion
    /// of errors ends at the edge of a slice: its output depends on the machine, and may differ from the others'.
    FfmpegAsItComes,
    /// The encoder fed from memory, through the library: what a whole job could take at the least.
    EncoderAlone,
}

impl Tool {
    /// In the order of the tables; the first is what the others are compared with.
    pub const ALL: [Tool; 5] =
        [Tool::Ffmpeg, Tool::Trix, Tool::TrixVerified, Tool::FfmpegAsItComes, Tool::EncoderAlone];

    /// What tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Ffmpeg => "ffmpeg",
            Tool::Trix => "trix",
            Tool::TrixVerified => "trix, verified",
            Tool::FfmpegAsItComes => "ffmpeg, as it comes",
            Tool::EncoderAlone => "encoder alone",
        }
    }

    /// Whether its coded pictures must be equal to those of the others.
    pub fn is_exact(self) -> bool {
        matches!(self, Tool::Ffmpeg | Tool::Trix | Tool::TrixVerified)
    }
}

impl Case {
    /// The same case with few pictures, to see whether everything works.
    pub fn quick(self) -> Self {
        Case { frames: 12, ..self }
    }

    /// Pictures in source and output.
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// The source, made on the first call.
    ///
    /// # Errors
    /// When `ffmpeg` cannot make it.
    pub fn source(&self) -> io::Result<PathBuf> {
        Clip { kind: self.kind, frames: self.frames }.file()
    }

    /// What the library is told, for the parts that run inside this program.
    ///
    /// # Errors
    /// Those of opening and planning.
    pub fn plan(&self, source: &Path) -> trix_core::Result<(VideoPlan, EncodeSettings, Filtering)> {
        let settings = EncodeSettings {
            depth: Some(self.depth),
            chroma: Some(trix_core::media::format::Chroma::C420),
            size: Some(Size { width: self.width as i32, height: self.height as i32 }),
            preset: Some(self.preset.to_owned()),
            rate: Some(RateControl::Crf { value: f64::from(self.crf) }),
            ..Default::default()
        };
        let mut job = Job::new(source, "unused.mp4");
        job.outputs[0].audio = AudioSettings::None;
        job.outputs[0].verify = VerifyLevel::Off;
        job.outputs[0].video = match self.encoder {
            Encoder::X264 => VideoSettings::X264(settings.clone()),
            Encoder::X265 => VideoSettings::X265(settings.clone()),
            Encoder::Ffv1 | Encoder::Prores => unreachable!("no case compares them"),
        };
        let mut plan = Plan::new(&job, &Source::open(source, Limits::default())?)?;
        let video = plan.outputs.swap_remove(0).video.expect("a job that encodes pictures plans pictures");
        let filtering = video.filtering();
        Ok((video, settings, filtering))
    }

    /// The command that does the case; `None` for what runs inside this program.
    pub fn command(&self, tool: Tool, trix: &Path, source: &Path, output: &Path) -> Option<Command> {
        match tool {
            Tool::Ffmpeg => Some(self.ffmpeg(source, output, Some("1"))),
            Tool::FfmpegAsItComes => Some(self.ffmpeg(source, output, None)),
            Tool::Trix => Some(self.trix(trix, source, output, "off")),
            Tool::TrixVerified => Some(self.trix(trix, source, output, "structure")),
            Tool::EncoderAlone => None,
        }
    }

    fn trix(&self, trix: &Path, source: &Path, output: &Path, verify: &str) -> Command {
        let mut command = Command::new(trix);
        command.arg("encode").arg(source).arg("--output").arg(output);
        let (encoder, size) = (self.encoder.to_string(), format!("{}x{}", self.width, self.height));
        let (depth, crf) = (self.depth.to_string(), self.crf.to_string());
        command.args(["--video", &encoder, "--preset", self.preset, "--crf", &crf]);
        command.args(["--depth", &depth, "--chroma", "420", "--size", &size]);
        command.args(["--audio", "none", "--verify", verify, "--overwrite", "--progress", "none"]);
        command
    }

    fn ffmpeg(&self, source: &Path, output: &Path, filter_threads: Option<&str>) -> Command {
        let mut command = Command::new("ffmpeg");
        command.args("-hide_banner -nostdin -v error -y".split(' '));
        if let Some(threads) = filter_threads {
            command.args(["-filter_threads", threads]);
        }
        command.arg("-i").arg(source);
        // The chain that trix_core::filter::transform builds, word for word.
        let chain = format!(
            "zscale=w={}:h={}:filter=lanczos:dither=none:rin=limited:r=limited,format=pix_fmts={}",
            self.width, self.height, self.pixel_format
        );
        // Trix keeps the source's times and writes the index first, too.
        command.args(["-an", "-vf", &chain, "-fps_mode", "passthrough", "-movflags", "+faststart"]);
        let crf = self.crf.to_string();
        match self.encoder {
            Encoder::X264 => command.args(["-c:v", "libx264"]),
            // Else libx265 writes a report of many lines at the end.
            Encoder::X265 => command.args(["-c:v", "libx265", "-x265-params", "log-level=none", "-tag:v", "hvc1"]),
            Encoder::Ffv1 | Encoder::Prores => unreachable!("no case compares them"),
        };
        command.args(["-preset", self.preset, "-crf", &crf]).arg(output);
        command
    }

    /// The kinds of units that hold coded pictures, for FFmpeg's `filter_units`: H.264 table 7-1, H.265 table 7-1.
    pub fn picture_units(&self) -> &'static str {
        match self.encoder {
            Encoder::X264 => "1-5",
            Encoder::X265 => "0-31",
            Encoder::Ffv1 | Encoder::Prores => unreachable!("no case compares them"),
        }
    }
}
