//! The fuzz targets as plain functions.
//!
//! The test suite (`trix-core/tests/suite/fuzz_corpus.rs`) includes this file as a module and runs the same code on the
//! committed seeds, without a fuzzer. Invariant: a target returns for any input bytes. [`LIMITS`] and [`PACKETS`] bound
//! its work, not the values in the input.

use std::sync::Arc;

use trix_core::{
    Cancel, Job, Limits, OnDamage, Source,
    damage::DamageLog,
    demux::Demuxer,
    document::{Document, Language, Traits},
    media::{
        color::Color,
        format::{Chroma, FrameFormat},
    },
    plan::{Cut, Filtering, Transform},
    probe::{probe as describe, probe_and_count},
    reading::reader::FrameReader,
    settings::picture::Resampler,
};

/// Limits for a source of the fuzzer: small, so that an input takes only milliseconds.
const LIMITS: Limits =
    Limits { streams: 8, side: 512, pixels: 512 * 512, packet_bytes: 1 << 20, probe_bytes: 256 << 10 };

/// Maximum number of packets of a source to decode. An index of a few bytes can declare millions of packets.
const PACKETS: usize = 128;

/// The source for plans: video and audio, one second each.
const SOURCE: &[u8] = include_bytes!("../seeds/probe/h264-aac.mkv");

/// Handles `bytes` as a media file: opens it, describes it, reads its packets and decodes them.
pub fn probe(bytes: &[u8]) {
    let bytes: Arc<[u8]> = bytes.into();
    let open = || Source::from_bytes(Arc::clone(&bytes), LIMITS);
    let Ok(source) = open() else { return };
    let info = describe(&source);
    serde_json::to_string(&info).expect("a description can be written as JSON");

    let damage = Arc::new(DamageLog::new(OnDamage::Conceal));
    let mut demuxer = Demuxer::new(source, Arc::clone(&damage));
    let mut packets = 0;
    while let Ok(Some(packet)) = demuxer.next_packet() {
        assert!(packet.data().len() as u64 <= LIMITS.packet_bytes, "a packet beyond the limit came through");
        packets += 1;
        if packets > PACKETS {
            return;
        }
    }

    if let Ok(source) = open()
        && let Ok(info) = probe_and_count(source, 1, &Cancel::default())
    {
        serde_json::to_string(&info).expect("a census can be written as JSON");
    }
    if let Ok(source) = open() {
        let format = FrameFormat::ycbcr(Chroma::C420, 8);
        let transform = Transform::to(32, 32, format, Resampler::Bilinear, Color::default());
        let cut = Cut { start: None, end: None, frames: Some(4) };
        if let Ok(mut reader) = FrameReader::new(source, OnDamage::Conceal, cut, Some(Filtering::by(transform)), 1) {
            let mut last = None;
            while let Ok(Some(picture)) = reader.next_frame() {
                assert_eq!((picture.frame.width(), picture.frame.height()), (32, 32));
                assert!(last < Some(picture.pts), "times do not increase");
                last = Some(picture.pts);
            }
        }
    }
}

/// Handles `bytes` as a job in JSON, and as a document in each language. A job is planned against a small source, or
/// rejected. It must survive serialisation, and two plans for it must be equal.
pub fn spec(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        [Language::Toml, Language::Yaml, Language::Json].into_iter().for_each(|language| document(text, language));
    }
    if let Ok(job) = serde_json::from_slice::<Job>(bytes) {
        plan(&job);
    }
}

/// Handles `text` as a document. It is rejected with line numbers that exist in it, or gives a job for each kind of
/// source.
fn document(text: &str, language: Language) {
    // The input must not refer to files of this machine.
    if text.contains("inherits") {
        return;
    }
    let document = match Document::parse(text, language, &[]) {
        Ok(document) => document,
        Err(error) => {
            for line in error.mistakes().iter().filter_map(|mistake| mistake.line.as_deref()) {
                let number: usize = line.rsplit(':').next().and_then(|number| number.parse().ok()).unwrap_or(0);
                assert!((1..=text.lines().count() + 1).contains(&number), "{line} is no line of the document");
            }
            return;
        }
    };
    let large = Traits {
        video: true,
        audio: true,
        hdr: true,
        interlaced: true,
        height: 2160.0,
        channels: 6.0,
        ..Traits::default()
    };
    for traits in [Traits::default(), large] {
        if let Ok(job) = document.job(&traits) {
            plan(&job);
        }
    }
}

/// Plans `job`, and its copy after serialisation.
fn plan(job: &Job) {
    let text = serde_json::to_string(job).expect("a job can be written as JSON");
    let again: Job = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in a written job: {text}"));
    assert_eq!(*job, again, "a job does not survive {text}");

    let source = Source::from_bytes(SOURCE, Limits::default()).expect("the source of the plans can be opened");
    let plans = [job, &again].map(|job| match trix_core::plan(job, &source) {
        Ok(plan) => serde_json::to_string(&plan).expect("a plan can be written as JSON"),
        Err(error) => error.to_string(),
    });
    assert_eq!(plans[0], plans[1], "one job, two plans");
}
