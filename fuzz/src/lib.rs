//! The fuzz targets as plain functions.
//!
//! The test suite (`trix-core/tests/suite/fuzz_corpus.rs`) includes this file as a module and runs the same code on the
//! committed seeds, without a fuzzer. Invariant: a target returns for any input bytes. [`LIMITS`] and [`PACKETS`] bound
//! its work, not the values in the input.

use std::sync::Arc;

use trix_bitstream::{
    audio_header, boxes,
    checks::{self, Borders, head},
    cmaf::{
        codecs, fragment,
        header::{self, Header, Track},
        samples::SampleForm,
    },
    codec_delay, ebml, edit_list,
    entry::Entries,
    essence, extent, hls,
    in_band::InBand,
    manifest::{self, Content},
    mpeg_audio, mpeg_video,
    nal::{self, Framing, NalCodec},
    rpu, sample_entry, segment_info, sei, sequence_set,
    steady::{self, Steady},
    thumbnails, vpx, vvc, webvtt,
};
use trix_core::{
    Cancel, Job, Limits, OnDamage, Source,
    damage::DamageLog,
    demux::Demuxer,
    document::{Document, Language, Traits},
    media::{
        color::Color,
        format::{Chroma, FrameFormat},
        time::{Rational, Timestamp},
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
        serde_json::to_string(&info).expect("a full count can be written as JSON");
    }
    if let Ok(source) = open() {
        let format = FrameFormat::ycbcr(Chroma::C420, 8);
        let transform = Transform::to(32, 32, format, Resampler::Bilinear, Color::default());
        let cut = Cut { start: None, end: None, frames: Some(4) };
        if let Ok(mut reader) = FrameReader::new(source, OnDamage::Conceal, cut, Some(Filtering::by(transform)), 1) {
            let mut last = None;
            while let Ok(Some(frame)) = reader.next_frame() {
                assert_eq!((frame.frame.width(), frame.frame.height()), (32, 32));
                assert!(last < Some(frame.pts), "times do not increase");
                last = Some(frame.pts);
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

/// FFmpeg's names of the demuxers whose files are checked.
const DEMUXERS: [&str; 10] =
    ["matroska,webm", "flv", "mxf", "ogg", "mpegts", "mov,mp4,m4a,3gp,3g2,mj2", "asf", "avi", "wav", "none"];

/// Handles `bytes` as everything that `trix-bitstream` reads: coded frames, headers, whole files, playlists.
pub fn bitstream(bytes: &[u8]) {
    frames(bytes);
    files(bytes);
    tracks(bytes);
    let text = String::from_utf8_lossy(bytes);
    if let Ok(playlist) = hls::read::playlist(&text) {
        assert!(playlist.segments.len() <= text.lines().count(), "more segments than lines");
    }
    let cues = webvtt::blocks(&text).filter_map(|block| webvtt::Cue::new(0, 10, block)).collect::<Vec<_>>();
    assert_eq!(webvtt::blocks(&webvtt::whole(&cues)).count(), cues.len(), "a cue that is not one block");
    let cue = thumbnails::Cue { sheet: bytes, place: [0; 4], start: 0, end: 1 };
    assert_eq!(thumbnails::write("", [cue]).lines().count(), 4, "an address of several lines");
}

/// Handles `bytes` as a coded frame, and as codec-specific data.
fn frames(bytes: &[u8]) {
    let (one, other) = bytes.split_at(bytes.len() / 2);
    for (name, codec) in [("h264", NalCodec::H264), ("hevc", NalCodec::Hevc)] {
        for framing in [Framing::StartCodes, Framing::Lengths(4), Framing::Lengths(1), codec.framing(bytes)] {
            let units = nal::units(bytes, framing);
            sei::signature(&units, codec);
            sei::static_hdr(&units, codec);
            sei::camera(&units, codec);
            for unit in &units {
                sequence_set::read(unit, codec);
            }
            let extras = sei::extras(&nal::units(bytes, framing), codec);
            sei::with_extras(bytes, codec, &extras);
            units.into_iter().for_each(|unit| {
                codec.random_access(unit);
                rpu::profile(unit);
            });
        }
        codec.configuration(bytes);
        if let Some(converter) = InBand::new(name, one) {
            converter.rewrite(other, true);
            converter.extradata();
        }
    }
    for name in ["h264", "hevc", "mpeg2video", "aac", "vp9"] {
        let mut entries = Entries::new(name, one, false);
        entries.push(bytes, true);
        entries.push(other, false);
        vpx::is_hidden(name, bytes);
        for extradata in [&[][..], one] {
            if let Ok(parts) = SampleForm::of(name, extradata).sample(other) {
                assert!(
                    parts.iter().map(|part| part.len()).sum::<usize>() <= 4 * other.len() + 4,
                    "a sample that grew"
                );
            }
        }
    }
    for name in ["ac3", "eac3", "dts", "mp3", "aac", "flac"] {
        audio_header::read(name, bytes);
    }
    vvc::is_byte_stream(bytes);
}

/// Handles `bytes` as a whole file, and as the start of one.
fn files(bytes: &[u8]) {
    for demuxer in DEMUXERS {
        if let Some(mut check) = checks::of(demuxer) {
            let mut signs = Vec::new();
            bytes.chunks(1 + bytes.len() / 7).for_each(|piece| check.feed(piece, &mut signs));
            check.end(&mut signs);
        }
        if let Some(at) = head::head_of(demuxer).and_then(|is_head| head::find(bytes, is_head)) {
            assert!(at < bytes.len(), "a header behind the end");
        }
    }
    if let Some(mut borders) = Borders::of(bytes, 0) {
        borders.feed(bytes);
    }
    let mut steady = Steady::new(0x100, [0x101], u64::MAX);
    for piece in bytes.chunks(1 + bytes.len() / 7) {
        if steady.feed(piece) != steady::State::Open {
            break;
        }
    }
    assert!(steady.places().into_iter().all(|(_, at)| at < bytes.len() as u64), "a frame behind the end");
    let mut walk = essence::Walk::new(0);
    while let Some(head) = usize::try_from(walk.at()).ok().and_then(|at| bytes.get(at..)) {
        let before = walk.at();
        if walk.step(&head[..head.len().min(essence::HEAD)]).is_err() {
            break;
        }
        assert!(walk.at() > before, "a walk that stands still");
    }
    extent::declared(bytes);
    ebml::head_of(bytes);
    segment_info::read(bytes);
    mpeg_video::rates(bytes);
    mpeg_audio::tag_size(bytes);
    mpeg_audio::is_constant(bytes);
    boxes::all(bytes, 0..bytes.len()).for_each(|(_, content)| assert!(content.end <= bytes.len()));
}

/// Handles `bytes` as parts of a package, and as what is corrected in a finished file.
fn tracks(bytes: &[u8]) {
    if let Some(facts) = fragment::read(bytes) {
        assert!(u64::from(facts.samples) <= bytes.len() as u64, "more samples than bytes");
    }
    header::shift_of(bytes);
    codecs::in_header(bytes);
    codecs::name(bytes);
    sample_entry::decoder_config(bytes);
    sample_entry::aperture(bytes);
    sample_entry::bit_rates(bytes);
    sample_entry::joint_objects(bytes);
    for name in [b"avcC", b"esds", b"btrt"] {
        let found = sample_entry::child(bytes, 0..bytes.len(), name);
        assert!(found.is_none_or(|found| found.end <= bytes.len()), "a box behind the end");
    }
    let content = Content::Audio(manifest::Audio { sample_rate: 48_000, channels: 2 });
    let track = Track { content: &content, timescale: 48_000, shift: 1024, language: "und", description: bytes };
    if let Ok(mut header) = Header::new(&track) {
        let length = header.bytes().len();
        header.complete(1000, 1, u64::MAX);
        assert_eq!((header.bytes().len(), header::shift_of(header.bytes())), (length, 1024), "another header");
    }
    let time = |ticks| Timestamp::new(ticks, Rational::new(1, 12_800));
    for track in 0..2 {
        let shown = edit_list::Shown { track, first: time(1024), earliest: time(0) };
        let mut changed = bytes.to_vec();
        edit_list::repair(&mut changed, &shown, Rational::new(1, 1000));
        assert_eq!(changed.len(), bytes.len(), "bytes that move");
    }
    let mut missing = codec_delay::Missing::new("title");
    assert!(missing.settle(time(100)), "a short delay");
    let mut changed = bytes.to_vec();
    codec_delay::enter(&mut changed, &[Some(missing), None]);
    assert_eq!(changed.len(), bytes.len(), "bytes that move");
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
