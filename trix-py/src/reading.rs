//! How a program wants a source to be read.

use pyo3::{exceptions::PyValueError, prelude::*};
use serde::Deserialize;
use trix_core::{
    media::time::Rational,
    settings::{
        audio_tracks::AudioTracks,
        source::{Limits, RawGeometry, Reading},
    },
};

use crate::errors::unread;

/// The keyword arguments of `trix.open` and its kin. The keys are those of `source` in a job.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    limits: Limits,
    raw: Option<Raw>,
    rate: Option<Rational>,
    video_stream: Option<usize>,
    audio_tracks: Option<AudioTracks>,
}

/// Planes without a header: as text, such as `480x270:yuv420p10le:25`, or as a table.
#[derive(Deserialize)]
#[serde(untagged)]
enum Raw {
    Text(String),
    Table(RawGeometry),
}

/// Reads the keyword arguments, given as JSON.
///
/// # Errors
/// `ValueError` with what is wrong.
pub fn parse(text: &str) -> PyResult<Reading> {
    let options: Options = serde_json::from_str(text).map_err(|error| unread(&error))?;
    let raw = match options.raw {
        Some(Raw::Text(text)) => Some(text.parse().map_err(PyValueError::new_err)?),
        Some(Raw::Table(raw)) => Some(raw),
        None => None,
    };
    let Options { limits, rate, video_stream, audio_tracks, .. } = options;
    Ok(Reading { limits, raw, rate, video_stream, audio_tracks, reads_on: false })
}
