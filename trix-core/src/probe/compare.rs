//! Finds disagreements between the container and its streams: the main cause of copies that look or play wrong.
//!
//! Invariant: a missing value is no disagreement. Both sides must state a value, and both are quoted.

use std::fmt;

use trix_av::{pixel::PixelFormat, stream::StreamFacts};
use trix_model::{
    color::Range,
    time::{Rational, TimeBase, Timestamp},
};

use super::{
    disagreement::{Disagreement, Subject},
    info::{StreamInfo, VideoInfo},
};
use crate::{
    reading::bitstream_facts::BitstreamFacts,
    source::{
        Source,
        movie::{Movie, Track, track_of},
    },
};

/// Display aspect ratio (width / height) of a frame. Samples without an aspect ratio count as square.
pub(super) fn display_aspect(width: usize, height: usize, sample_aspect: Option<Rational>) -> Option<Rational> {
    let sample = sample_aspect.unwrap_or(Rational::new(1, 1));
    let (width, height) = (i64::try_from(width).ok()?, i64::try_from(height).ok()?);
    let aspect = Rational::new(width.checked_mul(sample.num)?, height.checked_mul(sample.den)?);
    aspect.is_positive().then(|| aspect.nearest_within(10_000))
}

/// Field order that the frames themselves state. `None` if they differ.
pub(super) fn field_order(bitstream_facts: &BitstreamFacts) -> Option<&'static str> {
    match (bitstream_facts.interlaced, bitstream_facts.top_first) {
        (0, _) => Some("progressive"),
        (all, top) if all == bitstream_facts.frames && top == all => Some("top field first"),
        (all, 0) if all == bitstream_facts.frames => Some("bottom field first"),
        _ => None,
    }
}

/// Finds all disagreements of `source`.
pub(super) fn disagreements(source: &Source, movie: Option<&Movie>, streams: &[StreamInfo]) -> Vec<Disagreement> {
    let mut list = List(Vec::new());
    for (facts, info) in source.streams().iter().zip(streams) {
        // A cover image is shown on its own; the container's properties do not matter for it.
        if facts.is_attached_picture {
            continue;
        }
        let declared = source.input.declared().get(facts.index);
        let track = movie.and_then(|movie| track_of(movie, facts));
        if let Some(video) = &info.video
            && let Some(bitstream_facts) = &video.bitstream
        {
            let mut about = About { list: &mut list, stream: facts.index };
            if let Some(declared) = declared {
                about.shape(declared, bitstream_facts, track);
                about.colour(declared, bitstream_facts);
                about.configuration(facts, bitstream_facts);
                about.fields(declared, bitstream_facts);
                about.hdr(facts, declared, bitstream_facts, &source.input.demuxer());
            }
            about.rate(declared, video, bitstream_facts, movie.is_some());
        }
        let mut about = About { list: &mut list, stream: facts.index };
        if let Some(declared) = declared {
            about.audio(declared, facts);
        }
        if let Some(track) = track {
            about.track_durations(track, movie.is_some_and(|movie| movie.is_fragmented));
        }
    }
    list.durations(source, movie, streams);
    list.timecodes(source, streams);
    list.0
}

struct List(Vec<Disagreement>);

impl List {
    fn add(
        &mut self,
        what: Subject,
        stream: Option<usize>,
        container: impl fmt::Display,
        bitstream: impl fmt::Display,
    ) {
        let (container, bitstream) = (container.to_string(), bitstream.to_string());
        self.0.push(Disagreement { what, stream, container, bitstream });
    }

    /// Compares the duration of the whole file with its longest stream.
    fn durations(&mut self, source: &Source, movie: Option<&Movie>, streams: &[StreamInfo]) {
        let ends = |of: &dyn Fn(&StreamInfo) -> Option<Timestamp>| streams.iter().filter_map(of).max();
        let micro = TimeBase::new(1, 1_000_000);
        let (declared, longest) = match movie {
            Some(movie) => (movie.duration, ends(&|info| track_end(movie, info))),
            None => {
                let declared = source.input.declared_duration().map(|ticks| Timestamp::new(ticks, micro));
                let start = source.start().unwrap_or(0);
                let whole = |info: &StreamInfo| {
                    let end = info.measured.as_ref().filter(|measured| measured.is_whole)?.end?;
                    Some(Timestamp::new(end.micros().saturating_sub(start), micro))
                };
                (declared, ends(&whole))
            }
        };
        if let (Some(declared), Some(longest)) = (declared, longest)
            && !are_close(declared, longest)
        {
            self.add(
                Subject::Duration,
                None,
                format!("container {}", span(declared)),
                format!("streams {}", span(longest)),
            );
        }
    }

    fn timecodes(&mut self, source: &Source, streams: &[StreamInfo]) {
        use crate::probe::info::TimecodeOrigin as Origin;
        let all = crate::probe::timecodes::timecodes(source, streams);
        let is_container = |origin| matches!(origin, Origin::Container | Origin::Track | Origin::Stream);
        let Some(container) = all.iter().find(|code| is_container(code.origin)) else { return };
        for code in all.iter().filter(|code| !is_container(code.origin) && code.value != container.value) {
            self.add(Subject::Timecode, code.stream, container.value, code.value);
        }
    }
}

struct About<'a> {
    list: &'a mut List,
    stream: usize,
}

impl About<'_> {
    fn add(&mut self, what: Subject, container: impl fmt::Display, bitstream: impl fmt::Display) {
        self.list.add(what, Some(self.stream), container, bitstream);
    }

    fn shape(&mut self, declared: &StreamFacts, bitstream_facts: &BitstreamFacts, track: Option<&Track>) {
        let said = declared.width > 0 && declared.height > 0;
        if said && (declared.width, declared.height) != (bitstream_facts.width, bitstream_facts.height) {
            let container = format!("{}x{}", declared.width, declared.height);
            self.add(Subject::Size, container, format!("{}x{}", bitstream_facts.width, bitstream_facts.height));
        }
        let aspect = Some(declared.sample_aspect).filter(|aspect| aspect.is_positive());
        if let (Some(container), Some(bitstream)) = (aspect, bitstream_facts.sample_aspect)
            && container != bitstream
        {
            self.add(Subject::SampleAspect, ratio(container), ratio(bitstream));
        }
        // A container states the aspect ratio by frame size and sample aspect ratio. MP4 and MOV also state it by the
        // display size of the track.
        let made =
            aspect.filter(|_| said).and_then(|aspect| display_aspect(declared.width, declared.height, Some(aspect)));
        let header =
            track.and_then(|track| track.shown).map(|(width, height)| Rational::new(width.into(), height.into()));
        let Some(bitstream) =
            display_aspect(bitstream_facts.width, bitstream_facts.height, bitstream_facts.sample_aspect)
        else {
            return;
        };
        for (name, container) in [("sample entry", made), ("track header", header)] {
            if let Some(container) = container.filter(|container| !within(*container, bitstream, 0.01)) {
                let container = aspect_text(container);
                let container = if track.is_some() { format!("{name} {container}") } else { container };
                self.add(Subject::DisplayAspect, container, aspect_text(bitstream));
            }
        }
    }

    fn colour(&mut self, declared: &StreamFacts, bitstream_facts: &BitstreamFacts) {
        let (container, bitstream) = (declared.color, bitstream_facts.color);
        if container.primaries.is_specified()
            && bitstream.primaries.is_specified()
            && container.primaries != bitstream.primaries
        {
            self.add(Subject::Primaries, container.primaries, bitstream.primaries);
        }
        if container.transfer.is_specified()
            && bitstream.transfer.is_specified()
            && container.transfer != bitstream.transfer
        {
            self.add(Subject::Transfer, container.transfer, bitstream.transfer);
        }
        if container.matrix.is_specified() && bitstream.matrix.is_specified() && container.matrix != bitstream.matrix {
            self.add(Subject::Matrix, container.matrix, bitstream.matrix);
        }
        let is_said = |range: Range| range != Range::Unspecified;
        if is_said(container.range) && is_said(bitstream.range) && container.range != bitstream.range {
            self.add(Subject::Range, container.range, bitstream.range);
        }
    }

    /// Compares the container's codec configuration record with the parameter sets.
    fn configuration(&mut self, facts: &StreamFacts, bitstream_facts: &BitstreamFacts) {
        let record = facts.parameters.extradata();
        let depth = match (facts.codec.as_str(), record.first()) {
            // ISO/IEC 14496-15, 8.3.3: bitDepthLumaMinus8 in the low three bits of byte 17.
            ("hevc", Some(1)) => record.get(17).map(|byte| u32::from(byte & 7) + 8),
            // AV1 in ISO BMFF, 2.3: high_bitdepth and twelve_bit in byte 2.
            ("av1", Some(0x81)) => record.get(2).map(|byte| match byte >> 5 & 3 {
                0b11 => 12,
                0b10 => 10,
                _ => 8,
            }),
            _ => None,
        };
        let found = bitstream_facts.pixel_format.map(PixelFormat::depth);
        if let (Some(container), Some(bitstream)) = (depth, found)
            && container != bitstream
        {
            self.add(Subject::BitDepth, format!("{container} bits"), format!("{bitstream} bits"));
        }
        // ISO/IEC 14496-15: AVCProfileIndication in byte 1; general_profile_idc in the low five bits of byte 1.
        let profile = match (facts.codec.as_str(), record.first()) {
            ("h264", Some(1)) => record.get(1).and_then(|byte| h264_profiles(*byte)),
            ("hevc", Some(1)) => record.get(1).and_then(|byte| hevc_profile(byte & 0x1f)).map(|name| vec![name]),
            _ => None,
        };
        if let (Some(container), Some(bitstream)) = (profile, &bitstream_facts.profile)
            && !container.contains(&bitstream.as_str())
        {
            self.add(Subject::Profile, container[0], bitstream);
        }
    }

    fn fields(&mut self, declared: &StreamFacts, bitstream_facts: &BitstreamFacts) {
        // Other codecs have no field flag, or libavcodec 59 does not read it (HEVC).
        const FLAGGED: [&str; 8] = ["mpeg1video", "mpeg2video", "mpeg4", "h264", "vc1", "prores", "dnxhd", "dvvideo"];
        if !FLAGGED.contains(&declared.codec.as_str()) {
            return;
        }
        let container = match declared.field_order {
            "progressive" => "progressive",
            "tt" | "tb" => "top field first",
            "bb" | "bt" => "bottom field first",
            _ => return,
        };
        match field_order(bitstream_facts) {
            Some(bitstream) if bitstream == container => {}
            Some(bitstream) => self.add(Subject::FieldOrder, container, bitstream),
            None => {
                let mixed = format!(
                    "{} of the first {} frames are two fields",
                    bitstream_facts.interlaced, bitstream_facts.frames
                );
                self.add(Subject::FieldOrder, container, mixed);
            }
        }
    }

    fn hdr(&mut self, facts: &StreamFacts, declared: &StreamFacts, bitstream_facts: &BitstreamFacts, container: &str) {
        if let (Some(container), Some(bitstream)) = (declared.hdr.mastering, bitstream_facts.hdr.mastering)
            && container.in_steps() != bitstream.in_steps()
        {
            self.add(Subject::MasteringDisplay, container, bitstream);
        }
        if let (Some(container), Some(bitstream)) = (declared.hdr.light, bitstream_facts.hdr.light)
            && container != bitstream
        {
            self.add(Subject::ContentLight, container, bitstream);
        }
        // libavcodec passes on the RPUs of HEVC only.
        if facts.codec != "hevc" {
            return;
        }
        let with = format!(
            "processing units in {} of the first {} frames",
            bitstream_facts.dolby_vision, bitstream_facts.frames
        );
        // An elementary stream cannot hold a configuration record.
        let has_place = facts.codec != container;
        match facts.dolby_vision {
            Some(config) if config.has_rpu && bitstream_facts.dolby_vision == 0 => {
                self.add(Subject::DolbyVision, config, with)
            }
            Some(config) if bitstream_facts.dolby_vision_profile.is_some_and(|profile| profile != config.profile) => {
                let profile = bitstream_facts.dolby_vision_profile.unwrap_or_default();
                self.add(Subject::DolbyVision, config, format!("processing units of profile {profile}"));
            }
            None if bitstream_facts.dolby_vision > 0 && has_place => self.add(Subject::DolbyVision, "none", with),
            _ => {}
        }
    }

    fn rate(
        &mut self,
        declared: Option<&StreamFacts>,
        video: &VideoInfo,
        bitstream_facts: &BitstreamFacts,
        is_indexed: bool,
    ) {
        let declared = declared.map(|declared| declared.average_rate).filter(|rate| rate.is_positive());
        let measured = video.timing.map(|timing| timing.customary_rate);
        // Film and video rates differ by a thousandth.
        let same = |a: Rational, b: Rational| within(a, b, 0.0005);
        let Some(container) = measured.or(declared) else { return };
        // libavformat computes the average rate of MP4 and MOV from the same index that was measured here.
        if let Some(declared) = declared.filter(|_| !is_indexed)
            && video.timing.is_some_and(|timing| timing.is_constant)
            && !within(declared, container, 0.01)
        {
            self.add(Subject::FrameRate, fps(declared), format!("its times {}", fps(container)));
        }
        // If frames have times of their own, encoders write the clock of these times as the rate. No level of H.264 or
        // HEVC allows more than 300 frames a second.
        const MOST: Rational = Rational::new(300, 1);
        let Some(bitstream) = bitstream_facts.rate.filter(|rate| *rate <= MOST) else { return };
        let common = video.timing.map(|timing| {
            let interval = timing.most_common;
            let seconds = interval.ticks.checked_mul(interval.base.num).unwrap_or(0);
            Rational::new(interval.base.den, seconds.max(1))
        });
        let agrees = match (video.timing, common) {
            (Some(timing), Some(common)) if !timing.is_constant && timing.holes.is_none() => {
                within(common, bitstream, 0.02) || within(container, bitstream, 0.02)
            }
            _ => same(container, bitstream) || declared.is_some_and(|declared| same(declared, bitstream)),
        };
        if !agrees {
            self.add(Subject::FrameRate, fps(container), fps(bitstream));
        }
    }

    fn audio(&mut self, declared: &StreamFacts, facts: &StreamFacts) {
        if declared.channels > 0 && facts.channels > 0 && declared.channels != facts.channels {
            self.add(Subject::Channels, declared.channels, facts.channels);
        }
        if declared.sample_rate > 0 && facts.sample_rate > 0 && declared.sample_rate != facts.sample_rate {
            let hertz = |rate: u32| format!("{rate} Hz");
            self.add(Subject::SampleRate, hertz(declared.sample_rate), hertz(facts.sample_rate));
        }
    }

    fn track_durations(&mut self, track: &Track, is_fragmented: bool) {
        let Some(media) = track.media_duration.filter(|_| !is_fragmented) else { return };
        let mut compare = |names: (&str, &str), a: Timestamp, b: Timestamp| {
            if !are_close(a, b) {
                self.add(Subject::Duration, format!("{} {}", names.0, span(a)), format!("{} {}", names.1, span(b)));
            }
        };
        if let Some(indexed) = track.indexed_duration() {
            compare(("media header", "index"), media, indexed);
        }
        let Some(header) = track.duration else { return };
        match edited(track) {
            Some(edited) => compare(("track header", "edit list"), header, edited),
            None => compare(("track header", "media"), header, media),
        }
    }
}

/// Total duration of an edit list. `None` if the track has no edit list with a duration.
fn edited(track: &Track) -> Option<Timestamp> {
    let base = track.edits.first()?.duration.base;
    let total = track.edits.iter().fold(0i64, |sum, edit| sum.saturating_add(edit.duration.ticks));
    (total > 0).then_some(Timestamp::new(total, base))
}

/// End of a track by its header, or by its media if the header states none.
fn track_end(movie: &Movie, info: &StreamInfo) -> Option<Timestamp> {
    let track = movie.tracks.iter().find(|track| i64::from(track.id) == i64::from(info.id))?;
    track.duration.or(track.media_duration)
}

/// True if two durations are equal for a viewer: they differ by at most two frames, or a thousandth.
fn are_close(a: Timestamp, b: Timestamp) -> bool {
    const SLACK: u64 = 80_000;
    let difference = a.micros().abs_diff(b.micros());
    difference <= SLACK.max(a.micros().unsigned_abs().max(b.micros().unsigned_abs()) / 1000)
}

/// True if two ratios differ by at most `part` of the greater one.
fn within(a: Rational, b: Rational, part: f64) -> bool {
    let (a, b) = (a.to_f64(), b.to_f64());
    (a - b).abs() <= part * a.abs().max(b.abs())
}

/// libavcodec's names of an H.264 profile (Rec. ITU-T H.264, A.2). Constraint flags make variants of some profiles.
fn h264_profiles(indication: u8) -> Option<Vec<&'static str>> {
    Some(match indication {
        66 => vec!["Baseline", "Constrained Baseline"],
        77 => vec!["Main"],
        88 => vec!["Extended"],
        100 => vec!["High"],
        110 => vec!["High 10", "High 10 Intra"],
        122 => vec!["High 4:2:2", "High 4:2:2 Intra"],
        244 => vec!["High 4:4:4 Predictive", "High 4:4:4 Intra"],
        44 => vec!["CAVLC 4:4:4"],
        _ => return None,
    })
}

/// libavcodec's name of an HEVC profile (Rec. ITU-T H.265, A.3).
fn hevc_profile(general: u8) -> Option<&'static str> {
    Some(match general {
        1 => "Main",
        2 => "Main 10",
        3 => "Main Still Picture",
        4 => "Rext",
        _ => return None,
    })
}

fn ratio(value: Rational) -> String {
    format!("{}:{}", value.num, value.den)
}

/// The usual form of a display aspect ratio: 16:9, 4:3, 2.400:1.
fn aspect_text(value: Rational) -> String {
    let is_small = value.num < 30 && value.den < 30;
    if is_small { ratio(value) } else { format!("{:.3}:1", value.to_f64()) }
}

fn fps(rate: Rational) -> String {
    let text = format!("{:.3}", rate.to_f64());
    format!("{} fps", text.trim_end_matches('0').trim_end_matches('.'))
}

fn span(duration: Timestamp) -> String {
    duration.to_string()
}
