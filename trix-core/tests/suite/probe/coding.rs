//! Tests of what `probe` says of coding: commercial names, tiers, kinds of bit rates, encoders; and of programs and
//! dates.

use std::{fs, path::Path};

use trix_core::{
    Source,
    media::time::Rational,
    probe::{self, BitRateMode, MediaInfo, Occasion, RateKind, RateMethod, StreamInfo},
};
use trix_fixtures::{Clip, clip, media, program};

use crate::support::{made_by_ffmpeg, text};

fn look(file: &Path) -> MediaInfo {
    probe::probe(&Source::open(file).expect("a source"))
}

fn first(file: &Path) -> StreamInfo {
    look(file).streams.remove(0)
}

const X264: &str = "-c:v libx264 -preset ultrafast -bf 0";

/// What `mediainfo` says of `file`: a field of the first track of a kind.
fn mediainfo(file: &Path, kind: &str, field: &str) -> String {
    let output = program::run("mediainfo", [Path::new("--Output=JSON"), file]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("mediainfo prints JSON");
    let tracks = json["media"]["track"].as_array().expect("tracks");
    let track = tracks.iter().find(|track| track["@type"] == kind).expect("a track");
    text(&track[field])
}

/// A transport stream without some of its packets: those from `from` to `to`, in parts of the whole.
fn with_hole(file: &Path, from: f64, to: f64) -> Vec<u8> {
    const PACKET: usize = 188;
    let bytes = fs::read(file).expect("a file");
    let at = |part: f64| (bytes.len() as f64 / PACKET as f64 * part) as usize * PACKET;
    [&bytes[..at(from)], &bytes[at(to)..]].concat()
}

#[test]
fn the_rate_of_a_transport_stream_with_a_hole_is_that_of_its_frames() {
    for (rate, customary) in [("60000/1001", Rational::new(60_000, 1001)), ("24/1", Rational::new(24, 1))] {
        let whole = Clip { rate, frames: 120, ..Clip::default() }.encoded(&format!("{X264} -g 12"), "ts");
        let folder = trix_fixtures::folder();
        let file = folder.path().join("hole.ts");
        fs::write(&file, with_hole(&whole, 0.5, 0.55)).expect("a file");
        let info = look(&file);
        let timing = info.streams[0].video.as_ref().and_then(|video| video.timing).expect("times");
        assert!((100..120).contains(&timing.frames), "{timing:?}");
        assert_eq!((timing.is_constant, timing.holes), (false, Some(1)), "{timing:?}");
        assert_eq!(timing.customary_rate, customary);
        assert!((timing.rate.to_f64() / customary.to_f64() - 1.0).abs() < 0.001, "{timing:?}");
        assert!(info.to_string().contains(" fps, constant but for an interval of "), "{info}");
    }
}

#[test]
fn a_hole_is_seen_in_every_container() {
    // Frames 50 to 54 are missing.
    let line = "-vf select='not(between(n\\,50\\,54))' -fps_mode passthrough";
    for extension in ["mp4", "mov", "mkv", "ts", "flv"] {
        let clip = Clip { rate: "30000/1001", frames: 115, ..Clip::default() };
        let info = look(&clip.encoded(&format!("{X264} {line}"), extension));
        let timing = info.streams[0].video.as_ref().and_then(|video| video.timing).expect("times");
        let found = (timing.is_constant, timing.holes, timing.customary_rate);
        assert_eq!(found, (false, Some(1), Rational::new(30_000, 1001)), "{extension}");
        assert_eq!(info.disagreements, [], "{extension}");
    }
}

#[test]
fn matroska_states_its_own_programs_and_not_those_of_its_source() {
    let movie = Clip::default().encoded(&format!("{X264} -brand mp42"), "mp4");
    assert_eq!(look(&movie).container.brand.as_deref(), Some("mp42"));
    let line = format!("-i {} -c copy -metadata major_brand=mp42", movie.display());
    let info = look(&made_by_ffmpeg("made-from-mp4.mkv", &line));
    assert_eq!(info.container.brand, None);
    assert!(!info.to_string().contains("brand"), "{info}");
    let muxer = info.container.muxing_application.expect("a muxer");
    assert!(muxer.starts_with("Lavf"), "{muxer}");
    assert_eq!(info.container.writing_application, Some(muxer));
    for (name, writer, muxer) in [
        (
            "regular.mkv",
            "mkvmerge v89.0 ('And the Melody Still Lingers On (Night in Tunisia)') 64-bit",
            "libebml v1.4.5 + libmatroska v1.7.1",
        ),
        (
            "sample_with_ass_subtitles.mkv",
            "mkvmerge v49.0.0 ('Sick Of Losing Soulmates') 64-bit",
            "libebml v1.4.0 + libmatroska v1.6.2",
        ),
        ("no_duration.webm", "Chrome", "Chrome"),
    ] {
        let Some(file) = media::file(name) else { continue };
        let found = look(&file).container;
        assert_eq!(found.writing_application.as_deref(), Some(writer), "{name}");
        assert_eq!((found.muxing_application.as_deref(), found.brand), (Some(muxer), None), "{name}");
    }
}

#[test]
fn dates_are_written_as_people_write_them() {
    let line = |tags: &str| format!("{X264} {tags}");
    let date = "-metadata creation_time=2014-03-09T15:32:41Z";
    for extension in ["mp4", "mov", "mkv", "mxf"] {
        let file = made_by_ffmpeg(
            &format!("dated.{extension}"),
            &format!("{} {} -pix_fmt yuv420p -s 1280x720 -r 25", Clip::default().lavfi(), line(date)),
        );
        let info = look(&file);
        let what = if extension == "mxf" { "modified" } else { "created" };
        assert!(info.to_string().contains(&format!("  {what:<12} 2014-03-09 15:32:41 UTC\n")), "{extension}: {info}");
        assert_eq!(info.container.dates[0].value, "2014-03-09T15:32:41Z", "{extension}");
    }
    let key = "-movflags use_metadata_tags -metadata com.apple.quicktime.creationdate=2014-03-09T16:32:41+0100";
    let file = made_by_ffmpeg("recorded.mov", &format!("{} {}", Clip::default().lavfi(), line(key)));
    let info = look(&file);
    let found = &info.container.dates[0];
    assert_eq!((found.what, found.value.as_str()), (Occasion::Recorded, "2014-03-09T16:32:41+01:00"));
    assert!(info.to_string().contains("  recorded     2014-03-09 16:32:41 +01:00\n"), "{info}");
    // A camcorder writes the date into its frames.
    if let Some(file) = media::file("avts.mts") {
        let info = look(&file);
        assert_eq!(info.container.dates[0].value, "2020-03-11T09:29:13-05:00");
        assert_eq!(info.streams[0].encoder.as_deref(), Some("Sony PXW-X180"));
    }
}

#[test]
fn real_masters_have_their_commercial_names() {
    for (name, expected) in [
        ("mpeg-imx-525-60.mov", Some("IMX 30")),
        ("sample.mxf", Some("IMX 50")),
        ("hdv-1080p25.mov", Some("HDV 1080p")),
        ("xdcam-ex-1080i50.mov", Some("XDCAM EX 35")),
        ("apple-prores-422-hq.mov", Some("Apple ProRes 422 HQ")),
        ("sample_eac3joc.mp4", Some("Dolby Digital Plus with Dolby Atmos")),
        ("bbb_2500ms.ts", None),
        ("nasa_13013.mp4", None),
    ] {
        let Some(file) = media::file(name) else { continue };
        assert_eq!(first(&file).commercial_name.as_deref(), expected, "{name}");
    }
}

#[test]
fn made_files_have_the_names_that_mediainfo_gives_them() {
    let of = |size: &str, rate: &str, format: &str| {
        format!("-f lavfi -i testsrc2=size={size}:rate={rate},noise=alls=20:allf=t,format={format} -frames:v 10")
    };
    let mpeg2 = |rate: &str| format!("-c:v mpeg2video -b:v {rate} -minrate {rate} -maxrate {rate} -g 12 -bf 2");
    let fields = "-flags +ildct+ilme";
    let hd = of("1920x1080", "25", "yuv422p");
    for (name, line, expected) in [
        (
            "name-imx.mxf",
            format!(
                "{} -c:v mpeg2video -b:v 50M -minrate 50M -maxrate 50M -bufsize 2000000 -rc_init_occupancy 2000000 -g 1 \
                 -intra_vlc 1 -non_linear_quant 1 -dc 10 -ps 1 -qmin 1 -qmax 3 -rc_max_vbv_use 1 -rc_min_vbv_use 1 \
                 -flags +ildct+low_delay -f mxf_d10",
                of("720x608", "25", "yuv422p")
            ),
            "IMX 50",
        ),
        (
            "name-hdv.ts",
            format!("{} {} -bufsize 7340032 {fields} -aspect 16:9", of("1440x1080", "25", "yuv420p"), mpeg2("25M")),
            "HDV 1080i",
        ),
        (
            "name-hdv-720.ts",
            format!("{} {} -bufsize 7340032", of("1280x720", "50", "yuv420p"), mpeg2("19.7M")),
            "HDV 720p",
        ),
        (
            "name-xdcam-hd422.mxf",
            format!(
                "{} {} -bufsize 17825792 -rc_init_occupancy 17825792 -intra_vlc 1 -dc 10 -non_linear_quant 1 -qmax 28 \
                 {fields}",
                hd.replace("-frames:v 10", "-frames:v 30"),
                mpeg2("50M")
            ),
            "XDCAM HD422",
        ),
        (
            "name-xdcam-35.mxf",
            format!(
                "{} -c:v mpeg2video -b:v 30M -maxrate 35M -bufsize 17825792 -g 12 -bf 2 {fields}",
                of("1920x1080", "25", "yuv420p").replace("-frames:v 10", "-frames:v 30")
            ),
            "XDCAM HD 35",
        ),
        ("name-dvcpro.mov", format!("{} -c:v dvvideo", of("720x576", "25", "yuv411p")), "DVCPRO"),
        ("name-dvcpro-hd.mov", format!("{} -c:v dvvideo", of("1440x1080", "25", "yuv422p")), "DVCPRO HD"),
        ("name-dnxhd.mov", format!("{hd} -c:v dnxhd -b:v 120M"), "DNxHD 120"),
        (
            "name-dnxhr.mov",
            format!("{} -c:v dnxhd -profile:v dnxhr_hqx", of("1920x1080", "25", "yuv422p10le")),
            "DNxHR HQX",
        ),
    ] {
        let file = made_by_ffmpeg(name, &line);
        assert_eq!(first(&file).commercial_name.as_deref(), Some(expected), "{name}");
        assert_eq!(mediainfo(&file, "Video", "Format_Commercial_IfAny"), expected, "{name}");
    }
    // mediainfo goes by the tag alone here, and not by the frames.
    for (class, size, format) in
        [(50, "1440x1080", "yuv420p10le"), (100, "1920x1080", "yuv422p10le"), (200, "1920x1080", "yuv422p10le")]
    {
        let options = format!("avcintra-class={class}:colorprim=bt709:transfer=bt709:colormatrix=bt709");
        let line = format!("{} -c:v libx264 -x264-params {options} -flags +ildct", of(size, "25", format));
        let file = made_by_ffmpeg(&format!("name-avci-{class}.ts"), &line);
        assert_eq!(first(&file).commercial_name, Some(format!("AVC-Intra {class}")));
    }
    // An ordinary copy has no such name.
    assert_eq!(first(&Clip::default().encoded(X264, "mp4")).commercial_name, None);
    assert_eq!(first(&clip::master()).commercial_name.as_deref(), Some("Apple ProRes 422 HQ"));
}

#[test]
fn the_tier_of_hevc_is_reported() {
    let quiet = "-c:v libx265 -preset ultrafast -x265-params log-level=0";
    let high = "level-idc=5.1:high-tier=1:vbv-maxrate=100000:vbv-bufsize=100000";
    for (options, tier) in [(quiet.to_owned(), "Main"), (format!("{quiet}:{high}"), "High")] {
        for extension in ["mp4", "ts"] {
            let file = Clip::default().encoded(&options, extension);
            let info = look(&file);
            assert_eq!(info.streams[0].tier.as_deref(), Some(tier), "{extension}");
            assert!(info.to_string().contains(&format!("@{tier}")), "{info}");
            assert_eq!(mediainfo(&file, "Video", "Format_Tier"), tier, "{extension}");
        }
    }
    assert_eq!(first(&Clip::default().encoded(X264, "mp4")).tier, None);
}

#[test]
fn constant_and_variable_bit_rates_are_told_apart() {
    use RateKind::{Constant, Variable};
    use RateMethod::{BufferModel, EncoderSettings, Header, PacketSizes, Uncompressed};

    let mode = |file: &Path| first(file).bit_rate_mode;
    let is = |found: Option<BitRateMode>, kind, method| {
        let found = found.expect("a mode");
        assert_eq!((found.kind, found.method), (kind, method));
        found.stated
    };
    let clip = Clip { frames: 50, ..Clip::default() };
    let x264 = |model: &str, most: u32| {
        format!(
            "-c:v libx264 -preset ultrafast -b:v 500k -x264-params nal-hrd={model}:vbv-maxrate={most}:vbv-bufsize=500"
        )
    };
    for extension in ["ts", "mp4"] {
        let file = clip.encoded(&x264("vbr", 800), extension);
        let stated = is(mode(&file), Variable, BufferModel).expect("a rate");
        assert_eq!(mediainfo(&file, "Video", "BitRate_Mode"), "VBR");
        assert_eq!(mediainfo(&file, "Video", "BitRate_Maximum").parse::<u64>().ok(), Some(stated));
    }
    let file = clip.encoded(&x264("cbr", 500), "ts");
    is(mode(&file), Constant, BufferModel);
    assert_eq!(mediainfo(&file, "Video", "BitRate_Mode"), "CBR");
    let hevc = |most: u32| {
        format!(
            "-c:v libx265 -preset ultrafast -x265-params \
             log-level=0:bitrate=500:vbv-maxrate={most}:vbv-bufsize=500:hrd=1"
        )
    };
    is(mode(&clip.encoded(&format!("{}:strict-cbr=1", hevc(500)), "mkv")), Constant, BufferModel);
    is(mode(&clip.encoded(&hevc(800), "mp4")), Variable, BufferModel);
    // What a file says of its audio is from its header.
    let line = "-f lavfi -i sine=frequency=440:sample_rate=48000 -t 3 -c:a aac -b:a 128k";
    let file = made_by_ffmpeg("rate.m4a", line);
    // Here it only says what was asked for, and three seconds are too short to measure.
    assert_eq!(mode(&file), None);
    // Without an average, the rate is variable. The number follows kind and type of the stream, buffer and largest rate.
    let mut bytes = fs::read(&file).expect("a file");
    let decoder = bytes.windows(3).position(|bytes| bytes == [0x17, 0x40, 0x15]).expect("a decoder configuration") + 1;
    bytes[decoder + 9..decoder + 13].fill(0);
    let folder = trix_fixtures::folder();
    let file = folder.path().join("without-average.m4a");
    fs::write(&file, &bytes).expect("a file");
    is(mode(&file), Variable, Header);
    // Two empty fields say nothing.
    bytes[decoder + 5..decoder + 9].fill(0);
    fs::write(&file, &bytes).expect("a file");
    assert_eq!(mode(&file), None);
    if let Some(file) = media::file("nasa_13013.mp4") {
        assert_eq!(look(&file).streams[1].bit_rate_mode, None);
    }
    is(mode(&clip.encoded(X264, "mp4")), Variable, EncoderSettings);
    is(mode(&clip.encoded("-c:v prores_ks", "mov")), Variable, PacketSizes);
    let plain = "-c:v mpeg2video -b:v 4M -maxrate 6M -bufsize 1835008";
    let stated = is(mode(&clip.encoded(plain, "ts")), Variable, BufferModel);
    assert_eq!(stated, Some(6_000_000));
    for (name, options, kind, method) in [
        ("rate.wav", "-c:a pcm_s16le", Constant, Uncompressed),
        ("rate-c.mp3", "-c:a libmp3lame -b:a 128k", Constant, Header),
        ("rate-v.mp3", "-c:a libmp3lame -q:a 4", Variable, Header),
        ("rate-c.mp2", "-c:a mp2 -b:a 192k", Constant, PacketSizes),
        ("rate.ac3", "-c:a ac3 -b:a 192k", Constant, PacketSizes),
        ("rate.flac", "-c:a flac", Variable, PacketSizes),
    ] {
        let line = format!("-f lavfi -i sine=frequency=440:sample_rate=48000 -t 3 {options}");
        let file = made_by_ffmpeg(name, &line);
        is(mode(&file), kind, method);
        let said = mediainfo(&file, "Audio", "BitRate_Mode");
        assert_eq!(said, if kind == Constant { "CBR" } else { "VBR" }, "{name}");
    }
    for (name, kind) in [("mpeg-imx-525-60.mov", Constant), ("xdcam-ex-1080i50.mov", Variable), ("avts.mts", Variable)]
    {
        let Some(file) = media::file(name) else { continue };
        is(mode(&file), kind, BufferModel);
    }
}

#[test]
fn audio_of_one_encoder_has_one_kind_of_bit_rate() {
    // libavformat states the nominal rate or the average as the largest one, whichever is larger.
    let modes = ["0.05", "0.9"].map(|level| {
        let line = format!("-f lavfi -i anoisesrc=d=6:a={level}:c=pink:seed=1 -ac 2 -c:a aac -b:a 96k");
        first(&made_by_ffmpeg(&format!("noise-{level}.m4a"), &line)).bit_rate_mode
    });
    assert_eq!(modes[0], modes[1]);
    assert_eq!(modes[0].map(|mode| mode.method), Some(RateMethod::PacketSizes));
    // The rate that was asked for is not what the file has.
    for (number, source) in
        ["anoisesrc=d=6:a=0.9:c=pink:seed=1", "sine=frequency=440:sample_rate=48000:d=6"].into_iter().enumerate()
    {
        let modes = ["96k", "320k"].map(|rate| {
            let line = format!("-f lavfi -i {source} -ac 2 -c:a aac -b:a {rate}");
            first(&made_by_ffmpeg(&format!("asked-{number}-{rate}.m4a"), &line)).bit_rate_mode
        });
        assert_eq!(modes[0], modes[1], "{source}");
    }
}

#[test]
fn packets_without_content_say_nothing_of_a_bit_rate() {
    for (name, line) in [
        ("silence.opus", "-f lavfi -i anullsrc=r=48000:cl=stereo -t 6 -c:a libopus -vbr on"),
        ("still.mov", "-f lavfi -i color=gray:s=160x90:r=25:d=2 -c:v png"),
        ("silence-mp3.mkv", "-f lavfi -i anullsrc=r=44100:cl=stereo -t 6 -c:a libmp3lame -q:a 4"),
        ("silence-v.mp3", "-f lavfi -i anullsrc=r=44100:cl=stereo -t 6 -c:a libmp3lame -q:a 4 -write_xing 0"),
    ] {
        assert_eq!(first(&made_by_ffmpeg(name, line)).bit_rate_mode, None, "{name}");
    }
    // Frames of MPEG audio and AC-3 fill the rate, whatever they hold.
    for codec in ["mp2", "ac3"] {
        let line = format!("-f lavfi -i anullsrc=r=44100:cl=stereo -t 3 -c:a {codec} -b:a 192k");
        let found = first(&made_by_ffmpeg(&format!("silence-{codec}.ts"), &line)).bit_rate_mode;
        let found = found.map(|mode| (mode.kind, mode.method));
        assert_eq!(found, Some((RateKind::Constant, RateMethod::PacketSizes)), "{codec}");
    }
    // So do frames of DV, DNxHD and DTS.
    for (name, line) in [
        ("still-dv.mov", "-f lavfi -i color=gray:s=720x576:r=25:d=2,format=yuv420p -c:v dvvideo"),
        ("still-dnxhd.mov", "-f lavfi -i color=gray:s=1920x1080:r=25:d=1,format=yuv422p -c:v dnxhd -b:v 120M"),
        ("still-dnxhd.mxf", "-f lavfi -i smptebars=s=1920x1080:r=25:d=1,format=yuv422p -c:v dnxhd -b:v 120M"),
        ("silence-dts.mkv", "-f lavfi -i anullsrc=r=48000:cl=stereo -t 3 -c:a dca -strict -2 -b:a 768k"),
    ] {
        let found = first(&made_by_ffmpeg(name, line)).bit_rate_mode.map(|mode| (mode.kind, mode.method));
        assert_eq!(found, Some((RateKind::Constant, RateMethod::PacketSizes)), "{name}");
    }
}

#[test]
fn a_lossless_codec_never_has_a_constant_rate() {
    for (name, line) in [
        ("silence-alac.m4a", "-f lavfi -i anullsrc=r=48000:cl=stereo -t 6 -c:a alac"),
        (
            "silence-8.flac",
            "-f lavfi -i anullsrc=r=48000:cl=7.1 -t 6 -c:a flac -sample_fmt s32 -bits_per_raw_sample 24",
        ),
        ("silence-truehd.mkv", "-f lavfi -i anullsrc=r=48000:cl=5.1 -t 6 -c:a truehd -strict -2"),
    ] {
        let found = first(&made_by_ffmpeg(name, line)).bit_rate_mode;
        assert_ne!(found.map(|mode| mode.kind), Some(RateKind::Constant), "{name}");
    }
    // Samples that are not compressed have one.
    let found = first(&made_by_ffmpeg("plain.mov", "-f lavfi -i testsrc2=s=160x90:d=1 -c:v r210")).bit_rate_mode;
    assert_eq!(found.map(|mode| (mode.kind, mode.method)), Some((RateKind::Constant, RateMethod::Uncompressed)));
}

#[test]
fn still_frames_between_others_do_not_hide_a_variable_rate() {
    // Each frame comes ten times.
    let line = "-f lavfi -i testsrc2=s=160x90:r=1:d=6,fps=10 -c:v prores_ks";
    let found = first(&made_by_ffmpeg("slides.mov", line)).bit_rate_mode.map(|mode| (mode.kind, mode.method));
    assert_eq!(found, Some((RateKind::Variable, RateMethod::PacketSizes)));
}

#[test]
fn a_broadcast_wave_states_the_time_of_its_date() {
    let line = "-f lavfi -i sine=d=0.2 -write_bext 1 -metadata origination_date=2014-03-09 \
                -metadata origination_time=15:32:41";
    let file = made_by_ffmpeg("bext.wav", line);
    let info = look(&file);
    let found: Vec<_> = info.container.dates.iter().map(|date| (date.what, date.value.as_str())).collect();
    assert_eq!(found, [(Occasion::Created, "2014-03-09T15:32:41")]);
    assert!(info.to_string().contains("  created      2014-03-09 15:32:41\n"), "{info}");
    assert_eq!(mediainfo(&file, "General", "Encoded_Date"), "2014-03-09 15:32:41");
    // EBU Tech 3285, 2.3: any of several characters may separate the parts. The time may be missing.
    for (number, separator) in ["_", ".", ":", "/"].into_iter().enumerate() {
        let day = ["2014", "03", "09"].join(separator);
        let line = format!("-f lavfi -i sine=d=0.2 -write_bext 1 -metadata origination_date={day}");
        let info = look(&made_by_ffmpeg(&format!("bext-day-{number}.wav"), &line));
        let found: Vec<_> = info.container.dates.iter().map(|date| (date.what, date.value.as_str())).collect();
        assert_eq!(found, [(Occasion::Dated, "2014-03-09")], "{day}");
    }
}

#[test]
fn filling_and_tags_do_not_hide_the_header_of_an_mp3() {
    let line = "-f lavfi -i sine=frequency=440:sample_rate=48000 -t 3 -c:a libmp3lame -q:a 4 -id3v2_version 0";
    let audio = fs::read(made_by_ffmpeg("bare.mp3", line)).expect("a file");
    // A tag of 2 MiB that holds only filling, as one with a cover image would be.
    let tag = [&b"ID3\x04\0\0\x01\0\0\0"[..], &vec![0; 1 << 21]].concat();
    let folder = trix_fixtures::folder();
    let file = folder.path().join("tagged.mp3");
    for filling in [0, 6000, 60_000] {
        fs::write(&file, [&tag[..], &vec![0; filling], &audio].concat()).expect("a file");
        let found = first(&file).bit_rate_mode.map(|mode| (mode.kind, mode.method));
        assert_eq!(found, Some((RateKind::Variable, RateMethod::Header)), "{filling}");
    }
}

#[test]
fn encoders_and_their_settings_are_fields_of_the_stream() {
    let file = Clip::default().encoded(X264, "mp4");
    let info = look(&file);
    let stream = &info.streams[0];
    let encoder = stream.encoder.as_deref().expect("an encoder");
    assert!(encoder.starts_with("x264 - core "), "{encoder}");
    assert_eq!(encoder, mediainfo(&file, "Video", "Encoded_Library"));
    let settings = stream.encoder_settings.as_deref().expect("settings");
    assert_eq!(settings.replace(' ', " / "), mediainfo(&file, "Video", "Encoded_Library_Settings"));
    let shown = info.to_string();
    let line = shown.lines().find(|line| line.starts_with("  settings ")).expect("a line of settings");
    assert!(line.contains("rc=crf crf=23.0") && line.ends_with(" ...") && line.chars().count() <= 100, "{line}");
    // Tags of Matroska.
    let line = format!(
        "{} -c:v ffv1 -metadata:s:v encoder=Grinder -metadata:s:v ENCODER_SETTINGS=coarse -fflags +bitexact -flags:v +bitexact",
        Clip::default().lavfi()
    );
    let stream = first(&made_by_ffmpeg("encoder-tags.mkv", &line));
    assert_eq!((stream.encoder.as_deref(), stream.encoder_settings.as_deref()), (Some("Grinder"), Some("coarse")));
}
