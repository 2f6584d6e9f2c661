//! Compares what `probe` reports for every media file with `ffprobe` and `mediainfo`. Tables list every known
//! difference with its reason. The test fails if a difference is not in a table, or if a listed difference no longer
//! exists.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;
use trix_core::{
    Source, StreamKind,
    media::time::Rational,
    probe::{self, HdrFormat, MediaInfo, Occasion, RateKind, StreamInfo, SubtitleForm},
};
use trix_fixtures::{media, program};

use crate::support::{ffprobe, text};

/// Facts by name: the kind of the stream and its number within the kind, then the fact. Facts of the file have no
/// stream.
type Facts = BTreeMap<String, String>;

const MEASURED: &str =
    "Matroska states durations of streams in no field that libavformat reads; here the packets were read";
const MIRRORED: &str =
    "neither ffprobe nor mediainfo states that the frame is mirrored, so their angle is of a turn before it";
const UNREAD: &str = "the header does not say, and mediainfo measures nothing; here the packets were read";
const MILLIS: &str = "intervals of 33 and 34 ms are one rate that was rounded to Matroska's milliseconds";
const LAST_TRACK: &str = "ffprobe 7 goes by the last track, and not by the header of the movie";
const AVERAGE: &str = "the header gives the average rate as the largest one too, and the seconds of the stream differ by more than 5 percent";
const ASKED_FOR: &str =
    "the largest rate in the header is the one that was asked for, and the packets do not decide between CBR and VBR";
const RAW: &str =
    "an elementary stream has no times; mediainfo makes some up from the rate and its guess at the number of frames";

/// Differences from `ffprobe`: file, fact, reason.
const FFPROBE: &[(&str, &str, &str)] = &[
    ("avts.mts", "video 0.duration", "ffprobe leaves out the last two frames, in the order in which they are shown"),
    ("bt601.mov", "video 0.rate", "ffprobe divides frames by a duration that the movie's clock has rounded up"),
    (
        "hdr10-video-with-sdr-container.mp4",
        "video 0.rate",
        "ffprobe counts the last frame's duration; here the rate is that between first and last",
    ),
    ("no_duration.webm", "duration", "the container has none; here the packets were read"),
    ("no_duration.webm", "audio 0.duration", MEASURED),
    ("no_duration.webm", "video 0.duration", MEASURED),
    ("regular.mkv", "video 0.duration", MEASURED),
    ("roadtrip-vp92-10bit.webm", "video 0.duration", MEASURED),
    ("sample.mxf", "video 0.rate", "ffprobe has no average rate of two frames; here their times are measured"),
    ("sample_rotate_and_reflect.mp4", "video 0.turned", MIRRORED),
    ("sample_with_ass_subtitles.mkv", "audio 0.duration", MEASURED),
    ("sample_with_ass_subtitles.mkv", "subtitle 0.duration", MEASURED),
    ("sample_with_ass_subtitles.mkv", "video 0.duration", MEASURED),
    (
        "sample_with_ass_subtitles.mkv",
        "video 0.rate",
        "ffprobe takes the ticks of Matroska, 1000 in a second, for a rate",
    ),
];

/// Differences that occur only with some releases of a program or of FFmpeg's libraries: program, file, fact, reason.
const OF_SOME_RELEASES: &[(&str, &str, &str, &str)] = &[
    ("ffprobe", "apple-prores-422-hq.mov", "video 0.matrix", "ffprobe 7 does not decode ProRes to ask"),
    ("ffprobe", "apple-prores-422-hq.mov", "video 0.range", "ffprobe 7 does not decode ProRes to ask"),
    ("ffprobe", "black.mp4", "duration", LAST_TRACK),
    ("ffprobe", "bt601.mov", "duration", LAST_TRACK),
    (
        "ffprobe",
        "hdr10-video-with-sdr-container.mp4",
        "video 0.mastering",
        "ffprobe 7 does not tell of a stream what only its frames carry",
    ),
    ("ffprobe", "nasa_13013.mp4", "duration", LAST_TRACK),
    ("ffprobe", "no_timescale.mp4", "video 0.turned", "ffprobe 7 states a matrix that turns nothing"),
    ("ffprobe", "png.mov", "video 0.matrix", "ffprobe 5 does not say that RGB is RGB"),
    ("ffprobe", "sample_rotate_and_reflect.mp4", "duration", LAST_TRACK),
    (
        "ffprobe",
        "test_res_change.h264",
        "video 0.rate",
        "ffprobe 7 states the rate that libavformat assumes; here it is the bitstream's",
    ),
    (
        "mediainfo",
        "avts.mts",
        "duration",
        "mediainfo 22 goes by the clock of the transport stream, which ends before the frames do",
    ),
];

/// Differences from `mediainfo`: file, fact, reason.
const MEDIAINFO: &[(&str, &str, &str)] = &[
    ("apple-prores-422-hq.mov", "video 0.depth", "mediainfo does not say that ProRes 422 has 10 bits"),
    ("avts.mts", "video 0.duration", "mediainfo leaves out the last two frames, in the order in which they are shown"),
    ("bbb_2500ms.ts", "duration", "mediainfo gives the frames' duration, and the audio is longer"),
    ("bbb_2500ms.ts", "audio 0.layout", "mediainfo does not name loudspeakers of MPEG layer 2"),
    (
        "black.mp4",
        "audio 0.duration",
        "mediainfo gives the whole edit; libavformat ends with the media, which is shorter",
    ),
    ("black.mp4", "audio 0.rate mode", AVERAGE),
    (
        "hdr10-video-with-sdr-container.mp4",
        "video 0.rate",
        "mediainfo counts the last frame's duration; here the rate is that between first and last",
    ),
    ("hlg10-color-test.mp4", "audio 0.rate mode", "both rates in the header are zero: empty fields"),
    (
        "hlg10-color-test.mp4",
        "video 0.rate",
        "all intervals are 3001 ticks of 1/90000 s; mediainfo rounds to a customary rate",
    ),
    (
        "mpeg-imx-525-60.mov",
        "video 0.aspect",
        "mediainfo shows the container's 486 lines with 10:11; libavformat shows all 512 lines with it",
    ),
    ("mpeg-imx-525-60.mov", "video 0.size", "mediainfo gives the container's size; the disagreement is named here"),
    (
        "mpeg-imx-525-60.mov",
        "video 0.top first",
        "mediainfo gives the container's order; the disagreement is named here",
    ),
    ("nasa_13013.mp4", "audio 0.rate mode", ASKED_FOR),
    ("nasa_13013.mp4", "audio 1.rate mode", AVERAGE),
    ("no_duration.webm", "duration", UNREAD),
    ("no_duration.webm", "audio 0.bits", "Opus has no bits in a sample"),
    ("no_duration.webm", "audio 0.duration", UNREAD),
    ("no_duration.webm", "video 0.duration", UNREAD),
    ("no_duration.webm", "video 0.rate", UNREAD),
    (
        "park_joy_420_720p50_frm0to9_480x270.y4m",
        "video 0.depth",
        "mediainfo does not say that YUV4MPEG2 without a depth has 8 bits",
    ),
    ("png.mov", "video 0.matrix", "mediainfo does not say that RGB is RGB"),
    ("png.mov", "video 0.rate mode", "mediainfo takes PNG for constant; the packets have different sizes"),
    ("roadtrip-vp92-10bit.webm", "video 0.constant", "mediainfo takes frames that are never shown for shown ones"),
    ("roadtrip-vp92-10bit.webm", "video 0.duration", UNREAD),
    ("roadtrip-vp92-10bit.webm", "video 0.rate", UNREAD),
    ("sample.mxf", "created", "the date is zero, which stands for none"),
    ("sample.mxf", "video 0.sample aspect", "of the 576 lines that mediainfo counts, not of the 608 that are coded"),
    ("sample.mxf", "video 0.size", "mediainfo leaves out the 32 coded lines of the vertical blanking interval"),
    ("sample_rotate_and_reflect.mp4", "video 0.turned", MIRRORED),
    ("sample_with_ass_subtitles.mkv", "video 0.constant", MILLIS),
    ("sample_with_ass_subtitles.mkv", "video 0.rate", "mediainfo divides 30 frames by the span of 29 intervals"),
    ("sample_with_chapters.mp4", "audio 0.rate mode", ASKED_FOR),
    (
        "sample_with_chapters.mp4",
        "video 0.constant",
        "intervals differ by one tick of 1/90000 s, and one even grid fits all times",
    ),
    (
        "sample_with_colr_mdcv_and_clli.mp4",
        "audio 0.rate mode",
        "the header gives the average rate as the largest one too, and the stream is too short to measure",
    ),
    ("sample_with_colr_mdcv_and_clli.mp4", "video 0.tier", "mediainfo does not state the tier of AV1"),
    ("test_res_change.h264", "duration", RAW),
    ("test_res_change.h264", "video 0.constant", RAW),
    ("test_res_change.h264", "video 0.duration", RAW),
    ("test_res_change.h264", "video 0.rate", RAW),
    (
        "test_res_change.h264",
        "video 0.settings",
        "the encoder changes in mid-stream; mediainfo gives the last one, and here it is the first",
    ),
    (
        "test_res_change.h264",
        "video 0.size",
        "the size changes in mid-stream; mediainfo gives the last one, and here it is the first",
    ),
];

/// True if two values of a fact are equal: durations to 3 ms, because both programs round to milliseconds, and ratios
/// to the precision of three decimals.
fn same(fact: &str, ours: &str, theirs: &str) -> bool {
    match fact.rsplit('.').next() {
        Some("duration") => near(ours, theirs, 0.003, 0.0),
        Some("rate" | "aspect" | "sample aspect") => near(ours, theirs, 0.0006, 0.0001),
        _ => ours == theirs,
    }
}

fn near(a: &str, b: &str, absolute: f64, relative: f64) -> bool {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => (a - b).abs() <= absolute + relative * a.abs().max(b.abs()),
        _ => a == b,
    }
}

/// A list of facts. Unstated facts are absent.
#[derive(Default)]
struct List(Facts);

impl List {
    fn add(&mut self, place: &str, fact: &str, value: impl Into<Option<String>>) {
        let value: Option<String> = value.into();
        let said = value.filter(|value| !value.is_empty() && value != "unspecified" && value != "unknown");
        if let Some(value) = said {
            self.0.insert(format!("{place}{fact}"), value);
        }
    }
}

fn decimal(ratio: Rational) -> String {
    format!("{:.6}", ratio.to_f64())
}

/// The prefix of each stream: `video 0.`, `audio 1.`. `None` for streams that the other programs list differently.
fn places(info: &MediaInfo) -> Vec<Option<String>> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let place = |stream: &StreamInfo| {
        let kind = match stream.kind {
            StreamKind::Video => "video",
            StreamKind::Audio => "audio",
            StreamKind::Subtitle => "subtitle",
            StreamKind::Attachment | StreamKind::Data => return None,
        };
        let number = seen.entry(kind).or_default();
        *number += 1;
        Some(format!("{kind} {}.", *number - 1))
    };
    info.streams.iter().map(place).collect()
}

fn ours(info: &MediaInfo) -> Facts {
    let mut list = List::default();
    list.add("", "chapters", info.chapters.len().to_string());
    list.add("", "duration", info.container.duration.map(|time| time.to_f64().to_string()));
    let subtitles = info.streams.iter().filter(|stream| stream.kind == StreamKind::Subtitle).count();
    list.add("", "subtitles", subtitles.to_string());
    let date = |what| info.container.dates.iter().find(|date| date.what == what).map(|date| date.value.clone());
    list.add("", "created", date(Occasion::Created));
    list.add("", "recorded", date(Occasion::Recorded));
    for (stream, place) in info.streams.iter().zip(places(info)) {
        let Some(place) = place else { continue };
        let mut add = |fact: &str, value: Option<String>| list.add(&place, fact, value);
        add("codec", Some(stream.codec.clone()));
        add("duration", stream.duration.map(|time| time.to_f64().to_string()));
        add("language", stream.language.clone());
        add("name", stream.commercial_name.clone());
        add("tier", stream.tier.clone());
        add(
            "rate mode",
            stream.bit_rate_mode.map(|mode| if mode.kind == RateKind::Constant { "CBR" } else { "VBR" }.into()),
        );
        // mediainfo leaves out bit depth and frame rate.
        let is_given = |word: &&str| !word.starts_with("bitdepth=") && !word.starts_with("fps=");
        let settings = stream.encoder_settings.as_ref();
        let settings = settings.map(|all| all.split(' ').filter(is_given).collect::<Vec<_>>().join(" / "));
        add("settings", settings);
        if let Some(subtitle) = &stream.subtitle {
            add("text", Some((subtitle.form == SubtitleForm::Text).to_string()));
        }
        if let Some(audio) = &stream.audio {
            add("sample rate", Some(audio.sample_rate.to_string()));
            add("channels", Some(audio.channels.to_string()));
            add("layout", Some(audio.channel_labels.join(" ")));
            add("bits", audio.bit_depth.map(|bits| bits.to_string()));
        }
        let Some(video) = &stream.video else { continue };
        add("size", Some(format!("{}x{}", video.width, video.height)));
        add("rate", video.timing.map(|timing| timing.rate).or(video.average_rate).map(decimal));
        add("constant", video.timing.map(|timing| timing.is_constant.to_string()));
        add("sample aspect", video.sample_aspect.filter(|aspect| *aspect != Rational::new(1, 1)).map(decimal));
        add("aspect", video.display_aspect.map(decimal));
        add("turned", video.orientation.map(|orientation| orientation.degrees.to_string()));
        add("pixels", video.pixel_format.map(|format| format.to_string()));
        add("depth", video.bit_depth.map(|depth| depth.to_string()));
        add("chroma", video.chroma.map(|chroma| chroma.to_string()));
        add("primaries", Some(video.color.primaries.to_string()));
        add("transfer", Some(video.color.transfer.to_string()));
        add("matrix", Some(video.color.matrix.to_string()));
        add("range", Some(video.color.range.to_string()));
        if let Some(seen) = &video.bitstream {
            add("interlaced", Some((seen.interlaced > 0).to_string()));
            add("top first", (seen.interlaced > 0).then(|| (seen.top_first > 0).to_string()));
        }
        let hdr = video.hdr.as_ref();
        let has = |format| hdr.is_some_and(|hdr| hdr.formats.contains(&format)).to_string();
        add("Dolby Vision", Some(has(HdrFormat::DolbyVision)));
        add("HDR10+", Some(has(HdrFormat::Hdr10Plus)));
        add("mastering", hdr.and_then(|hdr| hdr.mastering_display).map(|display| decimal(display.max_luminance)));
        add("light", hdr.and_then(|hdr| hdr.content_light).map(|light| format!("{} {}", light.max, light.max_average)));
    }
    list.0
}

/// A ratio from `ffprobe` as a decimal. `None` for 0/0 and 0:1.
fn ratio(value: &Value) -> Option<String> {
    let ratio: Rational = text(value).parse().ok()?;
    ratio.is_positive().then(|| decimal(ratio))
}

fn ffprobe_facts(file: &Path) -> Facts {
    let json = ffprobe(file, "-show_streams -show_format -show_chapters");
    let mut list = List::default();
    let streams = json["streams"].as_array().expect("streams");
    let of = |kind: &str| streams.iter().filter(|stream| stream["codec_type"] == kind).collect::<Vec<_>>();
    list.add("", "chapters", json["chapters"].as_array().map(|chapters| chapters.len().to_string()));
    list.add("", "duration", text(&json["format"]["duration"]));
    list.add("", "subtitles", of("subtitle").len().to_string());
    for (kind, name) in [("video", "video"), ("audio", "audio"), ("subtitle", "subtitle")] {
        for (number, stream) in of(kind).into_iter().enumerate() {
            let place = format!("{name} {number}.");
            let field = |name: &str| match &stream[name] {
                Value::Number(number) => Some(number.to_string()),
                value => Some(text(value)),
            };
            let mut add = |fact: &str, value: Option<String>| list.add(&place, fact, value);
            add("codec", field("codec_name"));
            add("duration", field("duration"));
            let tags = stream["tags"].as_object().into_iter().flatten();
            let mut language = tags.filter(|(key, _)| key.eq_ignore_ascii_case("language"));
            add("language", language.next().map(|(_, code)| text(code)).filter(|code| code != "und"));
            match kind {
                "audio" => {
                    add("sample rate", field("sample_rate"));
                    add("channels", field("channels"));
                    let bits = field("bits_per_raw_sample").filter(|bits| bits != "0" && !bits.is_empty());
                    add("bits", bits.or_else(|| field("bits_per_sample")).filter(|bits| bits != "0"));
                    let layout = field("channel_layout").map(|layout| match layout.as_str() {
                        "mono" => "FC".to_owned(),
                        "stereo" => "FL FR".to_owned(),
                        "5.1(side)" => "FL FR FC LFE SL SR".to_owned(),
                        _ => layout,
                    });
                    add("layout", layout);
                }
                "video" => ffprobe_video(file, number, stream, &mut add),
                _ => {}
            }
        }
    }
    list.0
}

fn ffprobe_video(file: &Path, number: usize, stream: &Value, add: &mut dyn FnMut(&str, Option<String>)) {
    let field = |name: &str| Some(text(&stream[name]));
    add("size", Some(format!("{}x{}", stream["width"], stream["height"])));
    add("rate", ratio(&stream["avg_frame_rate"]));
    add("sample aspect", ratio(&stream["sample_aspect_ratio"]).filter(|aspect| aspect != "1.000000"));
    add("aspect", ratio(&stream["display_aspect_ratio"]));
    add("pixels", field("pix_fmt"));
    add("primaries", field("color_primaries"));
    add("transfer", field("color_transfer"));
    add("matrix", field("color_space"));
    add("range", field("color_range").map(|range| range.replace("tv", "limited").replace("pc", "full")));
    let side_data = |of: &Value, kind: &str| {
        let list = of["side_data_list"].as_array().cloned().unwrap_or_default();
        list.into_iter().find(|entry| text(&entry["side_data_type"]).starts_with(kind))
    };
    // Counter-clockwise, from the matrix before reflection.
    let turned = side_data(stream, "Display Matrix").and_then(|matrix| matrix["rotation"].as_i64());
    add(
        "turned",
        turned.filter(|degrees| degrees.unsigned_abs() <= 360).map(|degrees| (-degrees).rem_euclid(360).to_string()),
    );
    let frames = ffprobe(file, &format!("-select_streams v:{number} -show_frames -read_intervals %+#2"));
    let Some(frame) = frames["frames"].as_array().and_then(|frames| frames.first().cloned()) else { return };
    add("interlaced", Some((frame["interlaced_frame"] == 1).to_string()));
    add("top first", (frame["interlaced_frame"] == 1).then(|| (frame["top_field_first"] == 1).to_string()));
    let has = |kind: &str| side_data(&frame, kind).is_some() || side_data(stream, kind).is_some();
    add("Dolby Vision", Some((has("Dolby Vision") || has("DOVI")).to_string()));
    add("HDR10+", Some(has("HDR Dynamic Metadata SMPTE2094-40").to_string()));
    let either = |kind: &str| side_data(&frame, kind).or_else(|| side_data(stream, kind));
    add("mastering", either("Mastering display").and_then(|display| ratio(&display["max_luminance"])));
    let light = either("Content light");
    add("light", light.map(|light| format!("{} {}", light["max_content"], light["max_average"])));
}

fn mediainfo_facts(file: &Path) -> Facts {
    let output = program::run("mediainfo", [Path::new("--Output=JSON"), file]);
    let json: Value = serde_json::from_slice(&output.stdout).expect("mediainfo prints JSON");
    let tracks = json["media"]["track"].as_array().expect("tracks").clone();
    let of = |kind: &str| tracks.iter().filter(|track| track["@type"] == kind).cloned().collect::<Vec<_>>();
    let mut list = List::default();
    let general = of("General").remove(0);
    list.add("", "duration", text(&general["Duration"]));
    // If there are several dates, that of the file comes first.
    let date = |name: &str| {
        let said = text(&general[name]);
        let first = said.split(" / ").next().unwrap_or_default().to_owned();
        first
            .strip_suffix(" UTC")
            .map(|date| format!("{}Z", date.replacen(' ', "T", 1)))
            .unwrap_or(first.replacen(' ', "T", 1))
    };
    list.add("", "created", date("Encoded_Date"));
    list.add("", "recorded", date("Recorded_Date"));
    list.add("", "subtitles", of("Text").len().to_string());
    // Chapters are entries of the last menu, with times as keys (`_00_00_00_000`).
    let entries = |menu: &Value| {
        menu["extra"].as_object().map_or(0, |extra| extra.keys().filter(|key| key.starts_with('_')).count())
    };
    list.add("", "chapters", of("Menu").iter().map(entries).max().unwrap_or(0).to_string());
    for (kind, name) in [("Video", "video"), ("Audio", "audio"), ("Text", "subtitle")] {
        for (number, track) in of(kind).iter().enumerate() {
            let place = format!("{name} {number}.");
            let field = |name: &str| Some(text(&track[name]));
            let mut add = |fact: &str, value: Option<String>| list.add(&place, fact, value);
            add("codec", field("Format").map(|format| codec(&format).to_owned()));
            add("duration", field("Duration"));
            add("language", field("Language").map(|code| code.replace("en", "eng")));
            add("name", field("Format_Commercial_IfAny"));
            add("tier", field("Format_Tier"));
            add("rate mode", field("BitRate_Mode").filter(|_| kind != "Text"));
            add("settings", field("Encoded_Library_Settings"));
            add("sample rate", field("SamplingRate").filter(|_| kind == "Audio"));
            add("channels", field("Channels").filter(|_| kind == "Audio"));
            add("layout", field("ChannelLayout").map(|layout| labels(&layout)));
            add("bits", field("BitDepth").filter(|_| kind == "Audio"));
            if kind == "Video" {
                mediainfo_video(track, &mut add);
            }
        }
    }
    list.0
}

fn mediainfo_video(track: &Value, add: &mut dyn FnMut(&str, Option<String>)) {
    let field = |name: &str| Some(text(&track[name])).filter(|value| !value.is_empty());
    add("size", field("Width").zip(field("Height")).map(|(width, height)| format!("{width}x{height}")));
    add("rate", field("FrameRate"));
    add("constant", field("FrameRate_Mode").map(|mode| (mode == "CFR").to_string()));
    add("aspect", field("DisplayAspectRatio"));
    // If the file states no sample aspect ratio, mediainfo prints 1.000. Both count as unstated.
    let stated = field("PixelAspectRatio").filter(|aspect| aspect != "1.000");
    add("sample aspect", stated);
    let degrees = field("Rotation").and_then(|degrees| degrees.parse::<f64>().ok()).filter(|degrees| *degrees != 0.0);
    add("turned", degrees.map(|degrees| degrees.to_string()));
    add("depth", field("BitDepth"));
    add("chroma", field("ChromaSubsampling"));
    let code = |name: &str, table: &[(&str, &str)]| {
        let said = field(name)?;
        let found = table.iter().find(|(words, _)| *words == said);
        Some(found.map_or(said, |(_, code)| (*code).to_owned()))
    };
    add(
        "primaries",
        code(
            "colour_primaries",
            &[("BT.709", "bt709"), ("BT.601 NTSC", "smpte170m"), ("BT.601 PAL", "bt470bg"), ("BT.2020", "bt2020")],
        ),
    );
    add(
        "transfer",
        code("transfer_characteristics", &[("BT.709", "bt709"), ("PQ", "smpte2084"), ("HLG", "arib-std-b67")]),
    );
    add(
        "matrix",
        code(
            "matrix_coefficients",
            &[("BT.709", "bt709"), ("BT.601", "smpte170m"), ("BT.2020 non-constant", "bt2020nc"), ("Identity", "gbr")],
        ),
    );
    add("range", field("colour_range").map(|range| range.to_lowercase()));
    add("interlaced", field("ScanType").map(|scan| (scan != "Progressive").to_string()));
    add(
        "top first",
        field("ScanOrder")
            .filter(|_| field("ScanType").is_some_and(|scan| scan != "Progressive"))
            .map(|order| (order == "TFF").to_string()),
    );
    let hdr = field("HDR_Format").unwrap_or_default();
    add("Dolby Vision", Some(hdr.contains("Dolby Vision").to_string()));
    add("HDR10+", Some(hdr.contains("2094 App 4").to_string()));
    let most = field("MasteringDisplay_Luminance")
        .and_then(|text| Some(text.split("max: ").nth(1)?.split(' ').next()?.to_owned()));
    add("mastering", most.and_then(|most| Some(format!("{:.6}", most.parse::<f64>().ok()?))));
    let number = |name: &str| field(name).map(|text| text.split(' ').next().unwrap_or_default().to_owned());
    add("light", number("MaxCLL").zip(number("MaxFALL")).map(|(most, average)| format!("{most} {average}")));
}

/// FFmpeg's name for a format of `mediainfo`.
fn codec(format: &str) -> &str {
    match format {
        "AVC" => "h264",
        "HEVC" => "hevc",
        "AV1" => "av1",
        "VP9" => "vp9",
        "MPEG Video" => "mpeg2video",
        "ProRes" => "prores",
        "PNG" => "png",
        "AAC" => "aac",
        "AC-3" => "ac3",
        "E-AC-3" => "eac3",
        "Opus" => "opus",
        "MPEG Audio" => "mp2",
        "PCM" => "pcm_s24le",
        "ASS" => "ass",
        "Timed Text" => "mov_text",
        "YUV" => "rawvideo",
        other => other,
    }
}

/// FFmpeg's channel labels for a layout of `mediainfo`.
fn labels(layout: &str) -> String {
    let label = |name: &str| match name {
        "L" => "FL".to_owned(),
        "R" => "FR".to_owned(),
        "C" | "M" => "FC".to_owned(),
        "Ls" => "SL".to_owned(),
        "Rs" => "SR".to_owned(),
        other => other.to_owned(),
    };
    layout.split(' ').map(label).collect::<Vec<_>>().join(" ")
}

/// Returns the facts that differ, with our value first. For facts in `often_silent`, a missing value in `theirs` is no
/// difference.
fn differences(ours: &Facts, theirs: &Facts, often_silent: &[&str]) -> BTreeMap<String, (String, String)> {
    let mut found = BTreeMap::new();
    for fact in ours.keys().chain(theirs.keys()) {
        let may_be_silent = often_silent.iter().any(|name| fact.rsplit('.').next() == Some(*name));
        let agree = match (ours.get(fact), theirs.get(fact)) {
            (Some(ours), Some(theirs)) => same(fact, ours, theirs),
            (Some(_), None) => may_be_silent,
            (None, _) => false,
        };
        if !agree {
            let text = |facts: &Facts| facts.get(fact).cloned().unwrap_or_else(|| "(nothing)".to_owned());
            found.insert(fact.clone(), (text(ours), text(theirs)));
        }
    }
    found
}

fn check(program: &str, known: &[(&str, &str, &str)], facts: fn(&Path) -> Facts, often_silent: &[&str]) {
    let mut wrong = Vec::new();
    let mut looked_at = 0;
    for file in media::files() {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        // Raw planes without a header: nothing in the file describes them.
        let Ok(source) = Source::open(&file) else {
            assert_eq!(name, "sparks_ref_480x270.yuv42010le.yuv");
            continue;
        };
        looked_at += 1;
        let mut found = differences(&ours(&probe::probe(&source)), &facts(&file), often_silent);
        for (_, fact, _) in known.iter().filter(|(known, ..)| *known == name) {
            if found.remove(*fact).is_none() {
                wrong.push(format!("{name}: {fact} no longer differs from {program}"));
            }
        }
        found.retain(|fact, _| {
            !OF_SOME_RELEASES.iter().any(|(by, file, known, _)| *by == program && *file == name && known == fact)
        });
        for (fact, (ours, theirs)) in found {
            wrong.push(format!("{name}: {fact} is {ours} here and {theirs} in {program}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(looked_at >= 30 || media::folder().is_none(), "only {looked_at} files were compared");
}

#[test]
fn every_difference_from_ffprobe_has_a_reason() {
    // ffprobe reports neither whether the rate is constant nor the format of subtitles. It states depth and chroma only
    // as part of the pixel format. Without a sample aspect ratio, it reports no display aspect ratio.
    let silent = ["constant", "text", "depth", "chroma", "aspect"];
    let of_coding = ["created", "recorded", "name", "tier", "rate mode", "settings"];
    check("ffprobe", FFPROBE, ffprobe_facts, &[&silent[..], &of_coding].concat());
}

#[test]
fn every_difference_from_mediainfo_has_a_reason() {
    // mediainfo has no names for pixel formats and does not report the format of subtitles. It leaves out common
    // values: the range of MPEG-2, that HEVC is progressive, that a transport stream has a constant rate.
    // It has no commercial names for ProRes, and does not measure the bit rate.
    let often_silent = ["pixels", "text", "range", "interlaced", "constant", "name", "rate mode"];
    check("mediainfo", MEDIAINFO, mediainfo_facts, &often_silent);
}
