//! Tests of the facts that `probe` finds in files made for the purpose.

use std::{fs, path::Path};

use trix_core::{
    Cancel, Limits, Source, StreamKind,
    media::time::{Rational, Timestamp},
    probe::{
        self, Disagreement, HdrFormat, MediaInfo, Method, Subject, SubtitleForm, TimecodeOrigin, TimingExtent,
        VideoInfo,
    },
    settings::video::Encoder,
};
use trix_fixtures::{Clip, media};

use crate::support::{done, ffprobe, made_by_ffmpeg, quick, text, times, video_job, video_stream};

fn look(file: &Path) -> MediaInfo {
    probe::probe(&Source::open(file).expect("a source"))
}

fn look_into(bytes: Vec<u8>) -> MediaInfo {
    probe::probe(&Source::from_bytes(bytes, Limits::default()).expect("a source"))
}

fn video(info: &MediaInfo) -> &VideoInfo {
    info.streams.iter().find_map(|stream| stream.video.as_ref()).expect("video")
}

fn about(info: &MediaInfo, what: Subject) -> Vec<(&str, &str)> {
    let said = |found: &Disagreement| found.what == what;
    let found = info.disagreements.iter().filter(|found| said(found));
    found.map(|found| (found.container.as_str(), found.bitstream.as_str())).collect()
}

/// The bytes of `file`, with `content` at `at` bytes after the name of the first box `kind` in its header.
fn patched(file: &Path, kind: &[u8; 4], at: usize, content: &[u8]) -> Vec<u8> {
    let mut bytes = fs::read(file).expect("a file");
    let find =
        |from: usize, kind: &[u8; 4]| from + bytes[from..].windows(4).position(|name| name == kind).expect("a box");
    let place = find(find(0, b"moov"), kind);
    bytes[place + 4 + at..][..content.len()].copy_from_slice(content);
    bytes
}

const X264: &str = "-c:v libx264 -preset ultrafast -bf 0";

#[test]
fn every_rotation_and_mirror_is_reported_as_players_show_it() {
    for (degrees, matrix) in [(90, [0, 1, -1, 0]), (180, [-1, 0, 0, -1]), (270, [0, -1, 1, 0])] {
        // In the track header box, a and b are at offsets 40 and 44. c and d follow 12 bytes later.
        let upright = Clip::default().encoded(X264, "mp4");
        let word = |value: i32| (value << 16).to_be_bytes();
        let mut turned = patched(&upright, b"tkhd", 40, &[word(matrix[0]), word(matrix[1])].concat());
        let place = turned.windows(4).position(|window| window == b"tkhd").expect("a track header");
        turned[place + 4 + 52..][..8].copy_from_slice(&[word(matrix[2]), word(matrix[3])].concat());
        let info = look_into(turned.clone());
        let orientation = video(&info).orientation.expect("an orientation");
        assert_eq!((orientation.degrees, orientation.mirrored), (degrees, false));
        // ffprobe reports the same. It counts counter-clockwise.
        let folder = trix_fixtures::folder();
        let file = folder.path().join("turned.mp4");
        fs::write(&file, turned).expect("a file");
        let said = video_stream(&file)["side_data_list"][0]["rotation"].as_i64().expect("a rotation");
        assert_eq!((-said).rem_euclid(360), i64::from(degrees));
    }
    assert_eq!(video(&look(&Clip::default().encoded(X264, "mp4"))).orientation, None);
    // Reflected, and also rotated.
    for (name, degrees) in [("sample_rotate_and_reflect.mp4", 270)] {
        let Some(file) = media::file(name) else { continue };
        let orientation = video(&look(&file)).orientation.expect("an orientation");
        assert_eq!((orientation.degrees, orientation.mirrored), (degrees, true));
    }
}

#[test]
fn a_variable_rate_is_measured_in_every_container() {
    // Every fifth frame is missing.
    let line = "-vf select='mod(n\\,5)' -fps_mode passthrough -video_track_timescale 12800";
    for (extension, extent) in [("mp4", TimingExtent::Index), ("mkv", TimingExtent::AllPackets)] {
        let file = Clip::default().encoded(&format!("{X264} {line}"), extension);
        let info = look(&file);
        let found = video(&info);
        let timing = found.timing.expect("times");
        assert_eq!((timing.frames, timing.is_constant, found.timing_extent), (30, false, Some(extent)));
        // From the packets in ffprobe.
        let (ticks, (num, den)) = times(&file, "v:0");
        let steps: Vec<i64> = ticks.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let time = |ticks: Option<&i64>| Timestamp::new(*ticks.expect("steps"), Rational::new(num, den));
        assert_eq!((timing.least, timing.greatest), (time(steps.iter().min()), time(steps.iter().max())));
        assert_eq!(timing.least, timing.most_common);
        let usual = steps.iter().filter(|step| Some(*step) == steps.iter().min()).count();
        assert_eq!(timing.most_common_count, usual as u64);
        // By decoding all frames.
        let source = Source::open(&file).expect("a source");
        let counted = probe::probe_and_count(source, 1, &Cancel::default()).expect("a count");
        let counted = counted.full_decode_count.expect("a full count").streams[&0].intervals.expect("times");
        assert_eq!((counted.frames, counted.least, counted.greatest), (30, timing.least, timing.greatest));
    }
}

#[test]
fn a_constant_rate_is_constant_in_every_container() {
    for extension in ["mp4", "mov", "mkv", "ts", "avi", "flv", "y4m"] {
        let clip = Clip { rate: "30000/1001", frames: 60, ..Clip::default() };
        let file = if extension == "y4m" { clip.y4m() } else { clip.encoded(X264, extension) };
        let info = look(&file);
        let timing = video(&info).timing.expect("times");
        let rate = Rational::new(30_000, 1001);
        assert_eq!((timing.frames, timing.is_constant, timing.customary_rate), (60, true, rate), "{extension}");
        assert_eq!(about(&info, Subject::FrameRate), [], "{extension}");
    }
}

#[test]
fn no_more_is_read_than_the_bound_and_the_index_is_complete() {
    let clip = Clip { width: 64, height: 64, frames: 3000, ..Clip::default() };
    let stream = look(&clip.encoded(X264, "mkv")).streams.remove(0);
    let measured = stream.measured.expect("packets");
    assert_eq!((measured.is_whole, measured.packets), (false, 2000));
    let found = stream.video.expect("video");
    assert_eq!(found.timing_extent, Some(TimingExtent::FirstPackets));
    assert!(found.timing.is_some_and(|timing| timing.is_constant && timing.frames <= 2000));
    let stream = look(&clip.encoded(X264, "mp4")).streams.remove(0);
    let found = stream.video.expect("video");
    assert_eq!(found.timing_extent, Some(TimingExtent::Index));
    assert_eq!(found.timing.map(|timing| timing.frames), Some(3000));
    // A limit in bytes applies too.
    let limits = Limits { probe_bytes: 64 << 10, ..Limits::default() };
    let source = Source::open_within(clip.encoded(X264, "mkv"), limits).expect("a source");
    let measured = probe::probe(&source).streams.remove(0).measured.expect("packets");
    assert!(!measured.is_whole && measured.bytes < 80 << 10, "{measured:?}");
}

#[test]
fn hdr10_and_hlg_are_named_with_what_they_carry() {
    let display =
        "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400";
    let tags = "-vf setparams=color_primaries=bt2020:colorspace=bt2020nc:range=tv:color_trc";
    let hdr10 = format!("-c:v libx265 -preset ultrafast {tags}=smpte2084 -x265-params log-level=0:{display}");
    for extension in ["mp4", "mkv"] {
        let line = format!("{} {hdr10}", Clip::of("yuv420p10le").lavfi());
        let info = look(&made_by_ffmpeg(&format!("hdr10.{extension}"), &line));
        let hdr = video(&info).hdr.clone().expect("HDR");
        assert_eq!((hdr.summary.as_str(), &hdr.formats[..]), ("HDR10", &[HdrFormat::Hdr10][..]));
        let display = hdr.mastering_display.expect("a display");
        assert_eq!(display.to_string(), "Display P3, 0.0001 to 1000 cd/m2");
        assert_eq!(hdr.content_light.map(|light| (light.max, light.max_average)), Some((1000, 400)));
        assert_eq!(info.disagreements, []);
    }
    let pq = format!("-c:v libx265 -preset ultrafast {tags}=smpte2084 -x265-params log-level=0");
    let info = look(&Clip::of("yuv420p10le").encoded(&pq, "mp4"));
    assert_eq!(video(&info).hdr.as_ref().map(|hdr| hdr.summary.as_str()), Some("PQ without static metadata"));
    let hlg = format!("-c:v libx265 -preset ultrafast {tags}=arib-std-b67 -x265-params log-level=0");
    let info = look(&Clip::of("yuv420p10le").encoded(&hlg, "mkv"));
    assert_eq!(video(&info).hdr.as_ref().map(|hdr| hdr.summary.as_str()), Some("HLG"));
    assert_eq!(video(&look(&Clip::default().encoded(X264, "mp4"))).hdr, None);
}

#[test]
fn real_masters_are_known_by_their_dynamic_range() {
    for (name, summary) in [
        ("regular.mkv", "Dolby Vision profile 8.1, level 1, over HDR10"),
        ("hdr10-video-with-sdr-container.mp4", "HDR10+"),
        ("sample_with_colr_mdcv_and_clli.mp4", "HDR10"),
        ("hlg10-color-test.mp4", "HLG"),
    ] {
        let Some(file) = media::file(name) else { continue };
        assert_eq!(video(&look(&file)).hdr.as_ref().map(|hdr| hdr.summary.as_str()), Some(summary), "{name}");
    }
}

#[test]
fn dolby_vision_is_known_by_its_processing_units_alone() {
    let Some(file) = media::file("regular.mkv") else { return };
    let line = format!("-i {} -c copy", file.display());
    let raw = look(&made_by_ffmpeg("dolby-vision.hevc", &line));
    let found = video(&raw);
    let summary = "Dolby Vision profile 8, by its processing units alone, over HDR10";
    assert_eq!(found.hdr.as_ref().map(|hdr| (hdr.summary.as_str(), hdr.dolby_vision)), Some((summary, None)));
    assert_eq!(raw.disagreements, []);
    // The container could state Dolby Vision but does not.
    let silent = look(&made_by_ffmpeg("dolby-vision.ts", &line));
    let stated = about(&silent, Subject::DolbyVision);
    assert_eq!(stated, [("none", "processing units in 24 of the first 24 frames")]);
}

#[test]
fn a_processing_unit_of_dolby_vision_need_not_end_its_frame() {
    let Some(file) = media::file("regular.mkv") else { return };
    let copied = made_by_ffmpeg("dolby-vision.mp4", &format!("-i {} -c copy", file.display()));
    let mut bytes = std::fs::read(copied).expect("a fixture");
    // The header of a processing unit, and its first byte. The four bytes before it are its length.
    const UNIT: [u8; 3] = [62 << 1, 1, 25];
    // The length, the header and the content of filler data, which replaces the end of each unit.
    const FILLER: [u8; 8] = [0, 0, 0, 4, 38 << 1, 1, 0xff, 0x80];
    for at in 4..bytes.len() - UNIT.len() {
        let length = u32::from_be_bytes(std::array::from_fn(|byte| bytes[at - 4 + byte])) as usize;
        if bytes[at..].starts_with(&UNIT) && (FILLER.len()..1000).contains(&length) {
            let short = length - FILLER.len();
            bytes[at - 4..at].copy_from_slice(&(short as u32).to_be_bytes());
            bytes[at + short..at + length].copy_from_slice(&FILLER);
        }
    }
    let folder = trix_fixtures::folder();
    let path = folder.path().join("filled.mp4");
    std::fs::write(&path, bytes).expect("a file");
    let info = look(&path);
    let seen = video(&info).bitstream.as_ref().map(|seen| (seen.frames, seen.dolby_vision, seen.dolby_vision_profile));
    assert_eq!(seen, Some((24, 24, Some(8))));
}

#[test]
fn static_hdr_metadata_of_h264_is_read() {
    let display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)";
    let options =
        format!("{X264} -vf setparams=color_trc=smpte2084 -x264-params mastering-display={display}:cll=1000,400");
    let line = format!("{} {options}", Clip::of("yuv420p10le").lavfi());
    let info = look(&made_by_ffmpeg("hdr10-h264.ts", &line));
    let hdr = video(&info).hdr.clone().expect("HDR");
    assert_eq!(hdr.summary, "HDR10");
    assert_eq!(hdr.mastering_display.map(|display| display.in_steps()[8..].to_vec()), Some(vec![10_000_000, 1]));
    assert_eq!(hdr.content_light.map(|light| (light.max, light.max_average)), Some((1000, 400)));
}

#[test]
fn a_container_that_lies_about_colour_aspect_or_fields_is_contradicted() {
    let tagged = "-vf setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv";
    let file = Clip::default().encoded(&format!("{X264} {tagged} -movflags +write_colr"), "mp4");
    assert_eq!(look(&file).disagreements, []);
    // `nclx`, then primaries, transfer and matrix with 16 bits each, then the full-range flag.
    let info = look_into(patched(&file, b"colr", 4, &[0, 9, 0, 16, 0, 9, 0x80]));
    assert_eq!(about(&info, Subject::Primaries), [("bt2020", "bt709")]);
    assert_eq!(about(&info, Subject::Transfer), [("smpte2084", "bt709")]);
    assert_eq!(about(&info, Subject::Matrix), [("bt2020nc", "bt709")]);
    assert_eq!(about(&info, Subject::Range), [("full", "limited")]);
    assert_eq!(info.disagreements.len(), 4);

    let anamorphic = Clip::default().encoded(&format!("{X264} -vf setsar=16/11"), "mp4");
    assert_eq!(look(&anamorphic).disagreements, []);
    let info = look_into(patched(&anamorphic, b"pasp", 0, &[0, 0, 0, 12, 0, 0, 0, 11]));
    assert_eq!(about(&info, Subject::SampleAspect), [("12:11", "16:11")]);
    assert_eq!(about(&info, Subject::DisplayAspect), [("sample entry 4:3", "16:9")]);
    // The display size of the track.
    let info = look_into(patched(&anamorphic, b"tkhd", 76, &[0, 192, 0, 0, 0, 144, 0, 0]));
    assert_eq!(about(&info, Subject::DisplayAspect), [("track header 4:3", "16:9")]);

    let fields = Clip::of("yuv422p").encoded("-c:v mpeg2video -flags +ilme+ildct -top 1 -field_order tt", "mov");
    assert_eq!(about(&look(&fields), Subject::FieldOrder), []);
    assert!(["tt", "tb"].iter().any(|order| video_stream(&fields)["field_order"] == *order));
    let info = look_into(patched(&fields, b"fiel", 0, &[2, 6]));
    assert_eq!(about(&info, Subject::FieldOrder), [("bottom field first", "top field first")]);
    let info = look_into(patched(&fields, b"fiel", 0, &[1, 0]));
    assert_eq!(about(&info, Subject::FieldOrder), [("progressive", "top field first")]);
}

#[test]
fn colour_that_only_the_container_states_is_read_and_copied() {
    let folder = trix_fixtures::folder();
    // A ProRes stream without colour properties, in a container that has them. Primaries, transfer and matrix are 2.
    // They are 14 bytes after the start of the frame header (SMPTE RDD 36).
    let mut bytes = fs::read(trix_fixtures::master()).expect("a master");
    let frames: Vec<usize> = (0..bytes.len() - 4).filter(|at| bytes[*at..].starts_with(b"icpf")).collect();
    frames.iter().for_each(|at| bytes[at + 4 + 14..][..3].fill(2));
    let master = folder.path().join("master.mov");
    fs::write(&master, bytes).expect("a file");
    let info = look(&master);
    let (color, own) = (video(&info).color, video(&info).bitstream.as_ref().expect("video").color);
    assert!(!own.primaries.is_specified());
    assert_eq!([color.primaries.to_string(), color.transfer.to_string(), color.matrix.to_string()], ["bt709"; 3]);
    let output = folder.path().join("out.mp4");
    done(&video_job(&master, &output, Encoder::X264, quick("")));
    let copy = video_stream(&output);
    assert_eq!([&copy["color_primaries"], &copy["color_transfer"], &copy["color_space"]], ["bt709"; 3]);
}

#[test]
fn a_container_that_lies_about_size_depth_or_profile_is_contradicted() {
    let file = Clip::default().encoded(X264, "mp4");
    // Width and height of the sample entry.
    let info = look_into(patched(&file, b"avc1", 24, &[1, 0, 0, 144]));
    let found = about(&info, Subject::Size);
    assert_eq!(found, [("256x144", "176x144")]);
    // AVCProfileIndication.
    let info = look_into(patched(&file, b"avcC", 1, &[77]));
    assert_eq!(about(&info, Subject::Profile), [("Main", "Constrained Baseline")]);
    let hevc = Clip::default().encoded("-c:v libx265 -preset ultrafast -x265-params log-level=0 -tag:v hvc1", "mp4");
    assert_eq!(look(&hevc).disagreements, []);
    let info = look_into(patched(&hevc, b"hvcC", 17, &[0xf8 | 2]));
    assert_eq!(about(&info, Subject::BitDepth), [("10 bits", "8 bits")]);
}

#[test]
fn contradicting_durations_are_reported() {
    let file = Clip::default().encoded(&format!("{X264} -video_track_timescale 25"), "mp4");
    let info = look(&file);
    assert_eq!((info.disagreements.len(), info.streams[0].duration_method), (0, Some(Method::StreamHeader)));
    assert_eq!(info.streams[0].duration, Some(Timestamp::new(30, Rational::new(1, 25))));
    let info = look_into(patched(&file, b"mdhd", 16, &[0, 0, 0, 100]));
    let media: Vec<_> = about(&info, Subject::Duration);
    assert!(media.contains(&("media header 00:00:04.000", "index 00:00:01.200")), "{media:?}");
    let info = look_into(patched(&file, b"tkhd", 20, &[0, 0, 0x27, 0x10]));
    let track: Vec<_> = about(&info, Subject::Duration);
    assert!(track.contains(&("track header 00:00:10.000", "edit list 00:00:01.200")), "{track:?}");
    let info = look_into(patched(&file, b"mvhd", 16, &[0, 0, 0x27, 0x10]));
    assert_eq!(about(&info, Subject::Duration), [("container 00:00:10.000", "streams 00:00:01.200")]);
}

#[test]
fn the_origin_of_a_duration_is_reported() {
    let clip = Clip::default();
    for (options, extension, method) in [
        (X264, "mp4", Method::StreamHeader),
        (X264, "mkv", Method::Measured),
        (X264, "ts", Method::Measured),
        ("-c:v ffv1", "avi", Method::StreamHeader),
    ] {
        let stream = look(&clip.encoded(options, extension)).streams.remove(0);
        assert_eq!(stream.duration_method, Some(method), "{extension}");
        let seconds = stream.duration.expect("a duration").to_f64();
        assert!((seconds - 1.2).abs() < 0.002, "{extension}: {seconds}");
    }
    let raw = look(&clip.encoded(X264, "h264")).streams.remove(0);
    assert_eq!((raw.duration, raw.duration_method), (None, None));
    let guessed = made_by_ffmpeg("sine.ac3", "-f lavfi -i sine=duration=3:sample_rate=48000 -c:a ac3");
    let info = look(&guessed);
    assert_eq!(info.container.duration_method, Some(Method::BitRate));
    assert_eq!(info.streams[0].duration_method, Some(Method::Measured));
}

#[test]
fn an_edit_list_and_audio_priming_are_reported() {
    let clip = Clip::default();
    let late = made_by_ffmpeg(
        "late-audio.mp4",
        &format!(
            "{} -itsoffset 0.5 -f lavfi -i sine=duration=1:sample_rate=48000 {X264} -c:a aac -map 0 -map 1",
            clip.lavfi()
        )
        .replacen("-frames:v 30 -itsoffset", "-itsoffset", 1)
        .replacen("testsrc2=", "testsrc2=duration=1.2:", 1),
    );
    let info = look(&late);
    let audio_stream = info.streams.iter().find(|stream| stream.kind == StreamKind::Audio).expect("audio");
    let [empty, shown] = &audio_stream.edits[..] else { panic!("{:?}", audio_stream.edits) };
    assert_eq!(empty.media_start, None);
    // The priming of the encoder lies before the half second.
    assert!((empty.duration.to_f64() - 0.5).abs() < 0.03, "{empty:?}");
    assert!(shown.media_start.is_some());
    let plain = made_by_ffmpeg("primed.mp4", "-f lavfi -i sine=duration=1:sample_rate=48000 -c:a aac");
    let audio = look(&plain).streams.remove(0).audio.expect("audio");
    assert_eq!((audio.priming, audio.block_samples, audio.bit_depth), (Some(1024), Some(1024), None));
}

#[test]
fn time_codes_are_found_where_they_stand() {
    let clip = Clip { rate: "30000/1001", ..Clip::default() };
    let track = look(&clip.encoded(&format!("{X264} -timecode 01:02:03;04"), "mov"));
    let [code] = &track.timecodes[..] else { panic!("{:?}", track.timecodes) };
    assert_eq!((code.value.to_string().as_str(), code.value.drop_frame), ("01:02:03;04", true));
    assert_eq!(code.origin, TimecodeOrigin::Track);
    let group = look(&Clip::default().encoded("-c:v mpeg2video -timecode 10:00:00:00", "m2v"));
    let [code] = &group.timecodes[..] else { panic!("{:?}", group.timecodes) };
    assert_eq!((code.value.to_string().as_str(), code.origin), ("10:00:00:00", TimecodeOrigin::GroupOfPictures));
    let both = look(&Clip::of("yuv422p").encoded("-c:v mpeg2video -timecode 10:00:00:00", "mxf"));
    assert!(both.timecodes.len() >= 2 && both.timecodes.iter().all(|code| code.value.hours == 10), "{both:?}");
    assert_eq!(about(&both, Subject::Timecode), []);
}

#[test]
fn subtitles_attachments_chapters_and_dispositions_are_listed() {
    let folder = trix_fixtures::folder();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("a.srt"), "1\n00:00:00,100 --> 00:00:00,900\nHello\n").expect("a file");
    fs::write(path("font.ttf"), [7; 1234]).expect("a file");
    let chapters = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=400\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=400\nEND=1200\n";
    fs::write(path("chapters.txt"), chapters).expect("a file");
    let out = path("out.mkv");
    trix_fixtures::program::ffmpeg(&format!(
        "-i {} -i {} -i {} -map 0 -map 1 -map_chapters 2 {X264} -c:s srt -metadata:s:s:0 language=ger \
         -disposition:s:0 forced+hearing_impaired -attach {} -metadata:s:t mimetype=font/ttf {}",
        Clip::default().y4m().display(),
        path("a.srt").display(),
        path("chapters.txt").display(),
        path("font.ttf").display(),
        out.display()
    ));
    let info = look(&out);
    let of = |kind: StreamKind| info.streams.iter().find(|stream| stream.kind == kind).expect("a stream");
    let subtitle = of(StreamKind::Subtitle);
    assert_eq!((subtitle.codec.as_str(), subtitle.language.as_deref()), ("subrip", Some("ger")));
    let facts = subtitle.subtitle.as_ref().expect("subtitles");
    assert_eq!((facts.form, facts.is_forced, facts.is_for_hearing_impaired), (SubtitleForm::Text, true, true));
    let attachment = of(StreamKind::Attachment).attachment.as_ref().expect("a file");
    assert_eq!((attachment.name.as_deref(), attachment.media_type.as_deref()), (Some("font.ttf"), Some("font/ttf")));
    assert_eq!(attachment.bytes, 1234);
    let titles: Vec<_> =
        info.chapters.iter().map(|chapter| (chapter.start.micros(), chapter.title.as_deref())).collect();
    assert_eq!(titles, [(0, Some("One")), (400_000, None)]);

    // The same track with another codec ID, padded with a zero byte. `probe` does not examine its content.
    let mut bytes = fs::read(&out).expect("a file");
    let place = bytes.windows(11).position(|window| window == b"S_TEXT/UTF8").expect("a name of a codec");
    bytes[place..place + 11].copy_from_slice(b"S_HDMV/PGS\0");
    let info = look_into(bytes);
    let forms: Vec<_> = info.streams.iter().filter_map(|stream| Some(stream.subtitle.as_ref()?.form)).collect();
    assert_eq!(forms, [SubtitleForm::Bitmap]);
}

#[test]
fn programmes_of_a_transport_stream_are_listed() {
    let clip = Clip::default();
    let file = made_by_ffmpeg(
        "two-programmes.ts",
        &format!(
            "-i {0} -i {0} -map 0 -map 1 {X264} -program title=One:program_num=7:st=0 -program title=Two:program_num=9:st=1",
            clip.y4m().display()
        ),
    );
    let programs = look(&file).programs;
    let listed: Vec<_> =
        programs.iter().map(|program| (program.number, program.name.as_deref(), &program.streams[..])).collect();
    assert_eq!(listed, [(7, Some("One"), &[0][..]), (9, Some("Two"), &[1][..])]);
    assert_eq!(ffprobe(&file, "-show_programs")["programs"].as_array().map(Vec::len), Some(2));
}

#[test]
fn channels_are_named_by_their_position() {
    for (layout, labels) in [("stereo", "FL FR"), ("5.1", "FL FR FC LFE BL BR"), ("7.1", "FL FR FC LFE BL BR SL SR")] {
        let line = format!("-f lavfi -i anullsrc=channel_layout={layout}:sample_rate=48000 -t 0.2 -c:a flac");
        let file = made_by_ffmpeg(&format!("layout-{layout}.mkv"), &line);
        let audio = look(&file).streams.remove(0).audio.expect("audio");
        assert_eq!((audio.layout.as_str(), audio.channel_labels.join(" ").as_str()), (layout, labels));
        assert_eq!(text(&ffprobe(&file, "-show_streams")["streams"][0]["channel_layout"]), layout);
    }
    if let Some(file) = media::file("sample_eac3joc.mp4") {
        assert_eq!(look(&file).streams[0].audio.as_ref().and_then(|audio| audio.joint_objects), Some(16));
    }
}

/// Returns `stream` with a caption SEI message of H.264 (ATSC A/53, 6.2.3) before each slice.
fn with_captions(stream: &[u8], triples: &[[u8; 3]]) -> Vec<u8> {
    let mut payload = vec![0xb5, 0, 0x31, b'G', b'A', b'9', b'4', 3, 0x40 | triples.len() as u8, 0xff];
    payload.extend(triples.concat());
    payload.push(0xff);
    let mut message = vec![0, 0, 0, 1, 6, 4, payload.len() as u8];
    message.extend(payload);
    message.push(0x80);
    let mut out = Vec::new();
    let mut at = 0;
    while at < stream.len() {
        let is_slice =
            stream[at..].starts_with(&[0, 0, 1]) && stream.get(at + 3).is_some_and(|unit| matches!(unit & 31, 1 | 5));
        if is_slice {
            out.extend(&message);
        }
        out.push(stream[at]);
        at += 1;
    }
    out
}

#[test]
fn captions_are_found_and_padding_is_not_taken_for_captions() {
    let plain = fs::read(Clip::default().encoded(&format!("{X264} -x264-params slices=1:sliced-threads=0"), "h264"))
        .expect("a file");
    let seen = |triples: &[[u8; 3]]| {
        let info = look_into(with_captions(&plain, triples));
        let seen = video(&info).bitstream.clone().expect("video");
        assert_eq!(seen.frames, 24);
        (seen.captions, seen.captions_608, seen.captions_708)
    };
    assert_eq!(seen(&[[0xfc, 0x94, 0x2c], [0xff, 0x02, 0x21]]), (24, 24, 24));
    assert_eq!(seen(&[[0xfc, 0x94, 0x2c], [0xfa, 0, 0]]), (24, 24, 0));
    assert_eq!(seen(&[[0xfc, 0x80, 0x80], [0xfa, 0, 0]]), (24, 0, 0));
    let info = look_into(plain.clone());
    assert_eq!(video(&info).bitstream.as_ref().map(|seen| seen.captions), Some(0));
}

#[test]
fn a_full_decode_finds_a_change_of_size() {
    let Some(file) = media::file("test_res_change.h264") else { return };
    let source = Source::open(&file).expect("a source");
    let full_decode_count = probe::probe_and_count(source, 1, &Cancel::default())
        .expect("a count")
        .full_decode_count
        .expect("a full count");
    let sizes: Vec<_> =
        full_decode_count.streams[&0].sizes.iter().map(|size| (size.first, size.width, size.height)).collect();
    assert_eq!(sizes, [(0, 848, 464), (49, 424, 232)]);
    // Decoded by the `ffmpeg` program.
    let frames = ffprobe(&file, "-select_streams v:0 -show_frames -show_entries frame=width");
    let widths: Vec<_> =
        frames["frames"].as_array().expect("frames").iter().map(|frame| frame["width"].as_u64()).collect();
    assert_eq!(widths.iter().filter(|width| **width == Some(848)).count(), 49);
}
