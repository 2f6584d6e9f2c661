//! Arguments that describe a source if it does not describe itself.

use std::path::Path;

use clap::Args;
use trix_core::{
    Result, Source,
    media::time::Rational,
    settings::source::{RawGeometry, Reading as Stated},
};

/// Arguments for the main file of a command: the source, or the file to score.
#[derive(Args)]
pub struct Reading {
    /// The source is raw frames without a header: size, FFmpeg's pixel format, frames per second
    #[arg(long, value_name = "WxH:FORMAT:RATE", help_heading = "Source")]
    pub raw: Option<RawGeometry>,
    /// Frames per second of an image sequence (shot.%04d.dpx) [default: the rate in its files, else 25]
    #[arg(long, value_name = "N/D", conflicts_with = "raw", help_heading = "Source")]
    pub source_rate: Option<Rational>,
}

/// Arguments for the reference file.
#[derive(Args)]
pub struct OtherReading {
    /// The reference is raw frames without a header
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
