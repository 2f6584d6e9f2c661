//! Times the steps of a film in chunks: the plan, each chunk, reading the store, and the joining. Prints JSON. `benches/chunks.py` binds
//! it to one core, so that wall time is CPU time.

use std::{error::Error, io::Write, path::PathBuf, time::Instant};

use clap::Parser;
use serde_json::json;
use trix_core::{
    Cancel, Control, Job, Source, encode_chunk, plan_chunks,
    settings::{
        audio::AudioSettings,
        job::VerifyLevel,
        video::{EncodeSettings, Encoder, RateControl, VideoSettings},
    },
    stitch,
};

/// Times the steps of a film in chunks.
#[derive(Parser)]
struct Arguments {
    /// The film.
    source: PathBuf,
    /// A folder for chunks and output.
    folder: PathBuf,
    /// x264 or x265.
    encoder: String,
    /// The preset.
    preset: String,
    /// Bits per sample.
    depth: u32,
    /// The quality.
    crf: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { source, folder, encoder, preset, depth, crf } = Arguments::parse();
    let mut job = Job::new(&source, folder.join("film.mkv"));
    let settings = EncodeSettings {
        preset: Some(preset),
        depth: Some(depth),
        rate: Some(RateControl::Crf { value: crf }),
        ..EncodeSettings::default()
    };
    let output = &mut job.outputs[0];
    (output.audio, output.verify, output.overwrite) = (AudioSettings::None, VerifyLevel::Off, true);
    let encoder = if encoder == "x264" { Encoder::X264 } else { Encoder::X265 };
    output.video = VideoSettings::of(encoder, settings).0;

    let began = Instant::now();
    let plan = plan_chunks(&job, &Source::of(&job.source)?)?;
    let planned = began.elapsed().as_secs_f64();
    let store = folder.join("store");
    let mut units = Vec::new();
    for number in 0..plan.chunks.as_ref().map_or(0, |chunks| chunks.ranges.len()) {
        let began = Instant::now();
        let done = encode_chunk(&plan, number, &store, &Cancel::default())?;
        units.push(json!({ "frames": done.range.frames(), "seconds": began.elapsed().as_secs_f64() }));
    }
    // Nothing is encoded: the source is opened, and each entry is read and compared with its hash.
    let began = Instant::now();
    for number in 0..units.len() {
        encode_chunk(&plan, number, &store, &Cancel::default())?;
    }
    let read = began.elapsed().as_secs_f64();
    let began = Instant::now();
    stitch(&plan, &store, &Control::default())?;
    let joined = began.elapsed().as_secs_f64();
    let found = json!({ "plan_seconds": planned, "units": units, "store_seconds": read, "stitch_seconds": joined });
    Ok(writeln!(std::io::stdout(), "{found}")?)
}
