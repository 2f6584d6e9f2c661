//! The compared cases: a source, the job, and the tools that do it.

use std::{
    io,
    path::{Path, PathBuf},
};

use trix_benches::{Clip, Kind};
use trix_core::{Job, settings::video::Encoder};

use crate::{
    archive, ladder, single,
    tool::{Goal, Tool},
};

/// A job that several tools do.
#[derive(Clone, Copy)]
pub struct Case {
    /// Name of the case for `--only`.
    pub key: &'static str,
    /// Description.
    pub title: &'static str,
    kind: Kind,
    frames: u32,
    /// The tools, in the order of the tables. The first is the reference for the others.
    pub tools: &'static [Tool],
    /// The project's goals for this case.
    pub goals: &'static [Goal],
    /// True if a tool runs several processes at once. Then memory must be summed while they run.
    pub has_pipes: bool,
    job: fn(&Path) -> trix_core::Result<Job>,
}

/// All cases. With these numbers of frames, a run takes 5 to 20 seconds on two cores; that of a whole archive, one to
/// five minutes.
pub const CASES: [Case; 9] = [
    Case {
        key: "a",
        title: "1080p H.264 -> 720p x264 veryfast",
        kind: Kind::H264,
        frames: 500,
        tools: &single::TOOLS,
        goals: &[],
        has_pipes: false,
        job: |source| Ok(single::job(source, Encoder::X264, 8, "veryfast", 21, (1280, 720))),
    },
    Case {
        key: "b",
        title: "1080p H.264 -> 720p x265 medium 10-bit",
        kind: Kind::H264,
        frames: 100,
        tools: &single::TOOLS,
        goals: &[],
        has_pipes: false,
        job: |source| Ok(single::job(source, Encoder::X265, 10, "medium", 24, (1280, 720))),
    },
    Case {
        key: "c",
        title: "1080p ProRes 4:2:2 HQ -> 1080p x265 fast 10-bit 4:2:0",
        kind: Kind::ProRes,
        frames: 75,
        tools: &single::TOOLS,
        goals: &[],
        has_pipes: false,
        job: |source| Ok(single::job(source, Encoder::X265, 10, "fast", 24, (1920, 1080))),
    },
    Case {
        key: "d",
        title: "ladder: 1080p H.264 -> 1080p, 720p, 480p and 360p x264 veryfast",
        kind: Kind::H264,
        frames: 250,
        tools: &ladder::TOOLS,
        goals: &ladder::GOALS,
        has_pipes: false,
        job: |source| Ok(ladder::job(source, &ladder::SIZES)),
    },
    Case {
        key: "e",
        title: "archive ingest: 1080p ProRes 4:2:2 HQ with PCM -> profiles archive and preview",
        kind: Kind::Master,
        frames: 75,
        tools: &archive::TOOLS,
        goals: &archive::GOALS,
        has_pipes: true,
        job: archive::job,
    },
    Case {
        key: "f",
        title: "after the last frame: 1080p ProRes 4:2:2 HQ with PCM -> profile archive, frames of all copies compared",
        kind: Kind::Master,
        frames: 75,
        tools: &archive::COMPARED,
        goals: &[],
        has_pipes: false,
        job: archive::copies,
    },
    Case {
        key: "g",
        title: "ladder: 2160p HEVC 10 bits -> 1440p, 1080p, 720p, 480p and 360p x264 veryfast 8 bits",
        kind: Kind::Hevc2160p,
        frames: 75,
        tools: &ladder::LARGE_TOOLS,
        goals: &ladder::LARGE_GOALS,
        has_pipes: false,
        job: |source| Ok(ladder::job(source, &ladder::LARGE_SIZES)),
    },
    Case {
        key: "h",
        title: "archive ingest of real clips, preset slow: 1080p ProRes 4:2:2 HQ with PCM -> profiles archive and preview",
        kind: Kind::Film,
        frames: 80,
        tools: &archive::SHARING,
        goals: &archive::SHARING_GOALS,
        has_pipes: true,
        job: |source| archive::job_of_preset(source, "slow"),
    },
    Case {
        key: "i",
        title: "the same, preset medium",
        kind: Kind::Film,
        frames: 80,
        tools: &archive::SHARING,
        goals: &[],
        has_pipes: true,
        job: |source| archive::job_of_preset(source, "medium"),
    },
];

impl Case {
    /// The same case with few frames, for a functional test.
    pub fn quick(self) -> Self {
        Case { frames: 12, ..self }
    }

    /// Number of frames in source and outputs.
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// Why the source cannot be made on this machine, if so.
    pub fn lacks(&self) -> Option<String> {
        (self.kind == Kind::Film).then(trix_benches::missing).flatten()
    }

    /// Path of the source. The first call makes it.
    ///
    /// # Errors
    /// If `ffmpeg` cannot make it.
    pub fn source(&self) -> io::Result<PathBuf> {
        Clip { kind: self.kind, frames: self.frames }.file()
    }

    /// The job for the library.
    ///
    /// # Errors
    /// Those of opening the source.
    pub fn job(&self, source: &Path) -> trix_core::Result<Job> {
        (self.job)(source)
    }
}
