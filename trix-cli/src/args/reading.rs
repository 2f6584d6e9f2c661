//! Arguments that describe a source which does not describe itself.

use std::path::Path;

use clap::Args;
use trix_core::{
    Result, Source,
    media::time::Rational,
    spec::source::{RawGeometry, Reading as Stated},
};

/// Of the file that a command is about: the source, or the file that is judged.
#[derive(Args)]
pub struct Reading {
    /// The source is planes without a header: size, FFmpeg's pixel format, frames in a second
    #[arg(long, value_name = "WxH:FORMAT:RATE", help_heading = "Source")]
    pub raw: Option<RawGeometry>,
    /// Frames in a second of numbered frames (shot.%04d.dpx) [default: what they say, else 25]
    #[arg(long, value_name = "N/D", conflicts_with = "raw", help_heading = "Source")]
    pub source_rate: Option<Rational>,
}

/// Of the file that another is compared with.
#[derive(Args)]
pub struct OtherReading {
    /// The reference is planes without a header
    #[arg(long, value_name = "WxH:FORMAT:RATE", help_heading = "Source")]
    pub reference_raw: Option<RawGeometry>,
}

impl Reading {
    /// Opens `path` as the arguments describe it.
    pub fn open(&self, path: &Path) -> Result<Source> {
        let stated = Stated { raw: self.raw.clone(), rate: self.source_rate, ..Stated::default() };
        Source::open_as(path, &stated)
    }
}

impl OtherReading {
    /// Opens `path` as the arguments describe it.
    pub fn open(&self, path: &Path) -> Result<Source> {
        let stated = Stated { raw: self.reference_raw.clone(), ..Stated::default() };
        Source::open_as(path, &stated)
    }
}
