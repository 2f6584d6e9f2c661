//! Describes facts of a stream in the words of operators.

use trix_model::{
    amount::bit_rate,
    color::{Color, Range},
    intervals::Timing,
    orientation::Orientation,
    time::{Rational, Timestamp},
};

use crate::probe::{
    BitRateMode, EditInfo, Method, RateKind, RateMethod, StreamInfo, TimecodeOrigin, TimingExtent, VideoInfo,
};

/// The usual name of a codec.
pub(super) fn codec(stream: &StreamInfo) -> String {
    let name = match stream.codec.as_str() {
        "h264" => "H.264",
        "hevc" => "HEVC",
        "av1" => "AV1",
        "vp8" => "VP8",
        "vp9" => "VP9",
        "mpeg2video" => "MPEG-2",
        "prores" => "ProRes",
        "dnxhd" => "DNxHD",
        "rawvideo" => "uncompressed",
        "aac" => "AAC",
        "ac3" => "AC-3",
        "eac3" => "E-AC-3",
        "dts" => "DTS",
        "flac" => "FLAC",
        "opus" => "Opus",
        pcm if pcm.starts_with("pcm_f") => "PCM floating point",
        pcm if pcm.starts_with("pcm_s") || pcm.starts_with("pcm_u") => "PCM",
        "eia_608" => "CTA-608 captions",
        "mp2" => "MPEG layer 2",
        "mp3" => "MPEG layer 3",
        "subrip" => "SubRip",
        "ass" => "ASS",
        "mov_text" => "timed text (3GPP)",
        "hdmv_pgs_subtitle" => "PGS",
        "dvb_subtitle" => "DVB subtitles",
        "bin_data" => "data",
        "tmcd" => "time code",
        "vvc" => "H.266",
        "none" => "unknown codec",
        _ if !stream.codec_description.is_empty() => &stream.codec_description,
        other => other,
    };
    let name = match stream.tag.as_deref() {
        // The tag distinguishes variants that matter to players: avc1 and avc3, hvc1 and hev1.
        Some(tag) if stream.codec != tag => format!("{name} ({})", tag.trim()),
        _ => name.to_owned(),
    };
    let profile =
        stream.profile.as_deref().map(|profile| match stream.level.and_then(|level| self::level(stream, level)) {
            Some(level) => match &stream.tier {
                Some(tier) => format!(" {profile}@{level}@{tier}"),
                None => format!(" {profile}@{level}"),
            },
            None => format!(" {profile}"),
        });
    format!("{name}{}", profile.unwrap_or_default())
}

/// A level as its standard writes it.
fn level(stream: &StreamInfo, level: i32) -> Option<String> {
    let tenths = |level: i32| format!("L{}.{}", level / 10, level % 10);
    match stream.codec.as_str() {
        "h264" if level == 9 => Some("L1b".into()),
        "h264" | "vp9" => Some(tenths(level)),
        "hevc" => Some(tenths(level / 3)),
        // AV1, A.3: two bits below the point.
        "av1" => Some(format!("L{}.{}", 2 + level / 4, level % 4)),
        // ISO/IEC 13818-2, tables 8-3 and 8-4.
        "mpeg2video" => match (stream.profile.as_deref(), level) {
            (Some("4:2:2"), 5) | (_, 8) => Some("Main".into()),
            (Some("4:2:2"), 2) | (_, 4) => Some("High".into()),
            (_, 6) => Some("High 1440".into()),
            (_, 10) => Some("Low".into()),
            _ => None,
        },
        _ => None,
    }
}

/// Size and shape: `1440x1080 (16:9), shown 1080x1920`.
pub(super) fn shape(video: &VideoInfo) -> String {
    let mut text = format!("{}x{}", video.width, video.height);
    let mut notes = Vec::new();
    notes.extend(video.display_aspect.map(aspect));
    let sample = video.sample_aspect.filter(|aspect| *aspect != Rational::new(1, 1));
    notes.extend(sample.map(|aspect| format!("samples {}:{}", aspect.num, aspect.den)));
    if !notes.is_empty() {
        text = format!("{text} ({})", notes.join(", "));
    }
    text
}

/// The size on a screen with square pixels, after rotation.
pub(super) fn screen(video: &VideoInfo) -> Option<String> {
    let wide = video.display_aspect?.to_f64() * video.height as f64;
    let (width, height) = (wide.round() as usize, video.height);
    let is_sideways = video.orientation.is_some_and(Orientation::is_sideways);
    let (width, height) = if is_sideways { (height, width) } else { (width, height) };
    ((width, height) != (video.width, video.height)).then(|| format!("as {width}x{height}"))
}

/// A display aspect: 16:9, 4:3, 2.40:1.
pub(super) fn aspect(value: Rational) -> String {
    let is_small = value.num < 30 && value.den < 30;
    if is_small { format!("{}:{}", value.num, value.den) } else { format!("{:.2}:1", value.to_f64()) }
}

/// A rate in its usual form: 25, 23.976, 59.94.
pub(super) fn decimal(rate: Rational) -> String {
    let text = format!("{:.3}", rate.to_f64());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The frame rate, and whether it is constant.
pub(super) fn rate(video: &VideoInfo) -> Option<String> {
    let Some(timing) = video.timing else {
        // An elementary stream has no times. libavformat computes them from the declared rate.
        let own = video.bitstream.as_ref().and_then(|seen| seen.rate).map(|rate| (rate, "bitstream"));
        let (rate, place) = own.or_else(|| Some((video.average_rate.or(video.declared_rate)?, "container")))?;
        return Some(format!("{} fps by the {place}, without times to measure", decimal(rate)));
    };
    let extent = match video.timing_extent {
        Some(TimingExtent::Index) => format!("all {} frames, by the index", timing.frames),
        Some(TimingExtent::AllPackets) => format!("all {} frames", timing.frames),
        _ => format!("the first {} frames", timing.frames),
    };
    Some(format!("{}, over {extent}", evenness(&timing)))
}

/// `23.976 fps, constant`, `59.94 fps, constant but for an interval of 50.1 ms` or `variable: 33.3 to 99.9 ms, 24 of 27
/// intervals 33.3 ms, 27.4 fps on average`.
pub(super) fn evenness(timing: &Timing) -> String {
    let average = decimal(timing.customary_rate);
    if timing.is_constant {
        return format!("{average} fps, constant");
    }
    let millis = |time: Timestamp| format!("{:.1}", time.to_f64() * 1e3);
    match timing.holes {
        Some(1) => return format!("{average} fps, constant but for an interval of {} ms", millis(timing.greatest)),
        Some(holes) => {
            return format!(
                "{average} fps, constant but for {holes} intervals of up to {} ms",
                millis(timing.greatest)
            );
        }
        None => {}
    }
    format!(
        "variable: {} to {} ms, {} of {} intervals {} ms, {average} fps on average",
        millis(timing.least),
        millis(timing.greatest),
        timing.most_common_count,
        timing.frames - 1,
        millis(timing.most_common),
    )
}

/// The field order from the frame flags, or else from the container.
pub(super) fn fields(video: &VideoInfo) -> String {
    let container = match video.field_order.as_str() {
        "tt" | "tb" => "interlaced, top field first",
        "bb" | "bt" => "interlaced, bottom field first",
        "progressive" => "progressive",
        _ => "field order not stated",
    };
    let Some(seen) = &video.bitstream else { return container.into() };
    let mut text = match (seen.interlaced, seen.top_first) {
        // Codecs without fields set no flags.
        (0, _) if container.starts_with("field") => "progressive".to_owned(),
        (0, _) => container.to_owned(),
        (all, top) if all == seen.frames && top == all => "interlaced, top field first".into(),
        (all, 0) if all == seen.frames => "interlaced, bottom field first".into(),
        (some, _) => format!("mixed: {some} of the first {} frames interlaced", seen.frames),
    };
    if seen.repeated_fields > 0 {
        text = format!("{text}, fields repeated in {} of the first {} frames", seen.repeated_fields, seen.frames);
    }
    text
}

/// Colour by the names of its standards.
pub(super) fn color(color: &Color) -> String {
    let primaries = known(
        &color.primaries.name(),
        &[
            ("bt709", "BT.709"),
            ("bt470bg", "BT.601 625"),
            ("smpte170m", "BT.601 525"),
            ("bt2020", "BT.2020"),
            ("smpte431", "DCI-P3"),
            ("smpte432", "Display P3"),
        ],
    );
    let transfer = known(
        &color.transfer.name(),
        &[
            ("bt709", "BT.709"),
            ("smpte170m", "BT.601"),
            ("smpte2084", "PQ"),
            ("arib-std-b67", "HLG"),
            ("bt2020-10", "BT.2020"),
            ("bt2020-12", "BT.2020"),
            ("iec61966-2-1", "sRGB"),
        ],
    );
    let matrix = known(
        &color.matrix.name(),
        &[
            ("gbr", "RGB"),
            ("bt709", "BT.709"),
            ("bt470bg", "BT.601"),
            ("smpte170m", "BT.601"),
            ("bt2020nc", "BT.2020"),
            ("bt2020c", "BT.2020 constant luminance"),
        ],
    );
    let none = "unspecified";
    let space = if primaries == none && transfer == none && matrix == none {
        "colour not stated".to_owned()
    } else if primaries == transfer && transfer == matrix {
        primaries
    } else {
        let said = |what: &str, name: &str| {
            if name == none { format!("{what} not stated") } else { format!("{what} {name}") }
        };
        format!("{}, {}, {}", said("primaries", &primaries), said("transfer", &transfer), said("matrix", &matrix))
    };
    let range = match color.range {
        Range::Unspecified => "range not stated",
        Range::Limited => "limited range",
        Range::Full => "full range",
    };
    format!("{space}, {range}")
}

fn known(name: &str, table: &[(&str, &str)]) -> String {
    let found = table.iter().find(|(code, _)| *code == name);
    found.map_or_else(|| name.to_owned(), |(_, words)| (*words).to_owned())
}

/// `CBR by the buffer model (25.0 Mbit/s)`, `VBR by packet sizes`.
pub(super) fn rate_mode(mode: BitRateMode) -> String {
    let kind = match mode.kind {
        RateKind::Constant => "CBR",
        RateKind::Variable => "VBR",
    };
    let method = match mode.method {
        RateMethod::BufferModel => "by the buffer model",
        RateMethod::EncoderSettings => "by its settings",
        RateMethod::Header => "by the header",
        RateMethod::Uncompressed => "uncompressed",
        RateMethod::PacketSizes => "by packet sizes",
    };
    match (mode.stated.map(bit_rate), mode.kind) {
        (Some(rate), RateKind::Constant) => format!("{kind} {method} ({rate})"),
        (Some(rate), RateKind::Variable) => format!("{kind} {method} (at most {rate})"),
        (None, _) => format!("{kind} {method}"),
    }
}

/// The source of a duration.
pub(super) fn method(method: Method) -> &'static str {
    match method {
        Method::StreamHeader => "by its header",
        Method::Container => "by the container's header",
        Method::Index => "by the index",
        Method::LastPackets => "by the last packets",
        Method::BitRate => "guessed from the bit rate",
        Method::Measured => "measured",
    }
}

/// The location of a time code.
pub(super) fn origin(origin: TimecodeOrigin) -> &'static str {
    match origin {
        TimecodeOrigin::Container => "container",
        TimecodeOrigin::Track => "time code track",
        TimecodeOrigin::Stream => "stream metadata",
        TimecodeOrigin::GroupOfPictures => "group of pictures",
        TimecodeOrigin::Picture => "frame",
    }
}

/// Describes an edit.
pub(super) fn edit(edit: &EditInfo) -> String {
    let duration = match edit.duration.ticks {
        0 => "the rest".to_owned(),
        _ => edit.duration.to_string(),
    };
    match edit.media_start {
        None => format!("nothing for {duration}"),
        Some(start) if edit.speed == Rational::ZERO => format!("one frame, at {start}, for {duration}"),
        Some(start) => {
            let speed = Some(edit.speed).filter(|speed| *speed != Rational::new(1, 1));
            let speed = speed.map(|speed| format!(" at speed {}", decimal(speed))).unwrap_or_default();
            format!("{duration} of the media from {start}{speed}")
        }
    }
}

/// The name of a common language, or else its code.
pub(super) fn language(code: &str) -> String {
    const COMMON: [(&str, &str); 24] = [
        ("ara", "Arabic"),
        ("chi", "Chinese"),
        ("cze", "Czech"),
        ("dan", "Danish"),
        ("dut", "Dutch"),
        ("eng", "English"),
        ("fin", "Finnish"),
        ("fre", "French"),
        ("ger", "German"),
        ("gre", "Greek"),
        ("heb", "Hebrew"),
        ("hin", "Hindi"),
        ("hun", "Hungarian"),
        ("ita", "Italian"),
        ("jpn", "Japanese"),
        ("kor", "Korean"),
        ("nor", "Norwegian"),
        ("pol", "Polish"),
        ("por", "Portuguese"),
        ("rus", "Russian"),
        ("spa", "Spanish"),
        ("swe", "Swedish"),
        ("tur", "Turkish"),
        ("ukr", "Ukrainian"),
    ];
    known(code, &COMMON)
}
