//! Tests that GStreamer reads every container, because its parsers share no code with FFmpeg's. It finds all frames,
//! and the audio at its offset from them.

use std::path::{Path, PathBuf};

use trix_core::{
    Control, ErrorKind, Job, run_job,
    settings::{audio::AudioSettings, video::VideoSettings},
};
use trix_fixtures::{folder, program};

use crate::support::{done, ffprobe, made_by_ffmpeg, mediainfo, quick, text};

/// A buffer from a demuxer of GStreamer: its display time in microseconds, and its size in bytes.
type Buffer = (i64, u64);

/// Returns the video and audio buffers that `demuxer` finds in `file`. `video` and `audio` are their media types.
fn parsed(file: &Path, demuxer: &str, video: &str, audio: &str) -> (Vec<Buffer>, Vec<Buffer>) {
    // One stream at a time, because two threads of the program would mix their lines.
    let [frames, audio] = [(video, audio), (audio, video)].map(|(kind, other)| {
        let line = format!(
            "-v filesrc location={} ! {demuxer} name=d d. ! {kind} ! queue ! identity name=seen silent=false ! \
             fakesink sync=false async=false d. ! {other} ! queue ! fakesink sync=false async=false",
            file.display()
        );
        buffers(&program::text(&program::run("gst-launch-1.0", line.split_whitespace())), "seen")
    });
    (frames, audio)
}

/// Returns the buffers that passed the element `name`. Times count from the start of their segment.
fn buffers(said: &str, name: &str) -> Vec<Buffer> {
    let number = |line: &str, key: &str| -> i64 {
        let digits = line.split_once(key).map(|(_, rest)| rest).unwrap_or_default();
        digits.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
    };
    let nanos = |line: &str| -> i64 {
        let clock = line.split_once("pts: ").and_then(|(_, rest)| rest.split_once(',')).expect("a time").0;
        let (whole, fraction) = clock.split_once('.').expect("nanoseconds");
        let seconds = whole.split(':').fold(0, |sum, part| sum * 60 + part.parse::<i64>().expect("a part of a time"));
        seconds * 1_000_000_000 + fraction.parse::<i64>().expect("nanoseconds")
    };
    let (mut list, mut shift) = (Vec::new(), 0);
    for line in said.lines().filter(|line| line.contains(&format!("({name}:sink)"))) {
        if line.contains("type: segment ") {
            shift = number(line, " time=(guint64)") - number(line, " start=(guint64)");
        // Codec headers have no time.
        } else if line.contains("last-message = chain") && !line.contains("pts: none") {
            let bytes = line.split_once("sink) (").map(|(_, rest)| number(rest, "")).expect("bytes");
            list.push(((nanos(line) + shift) / 1000, bytes as u64));
        }
    }
    list
}

/// Makes two seconds of video and audio, each with its own start offset in seconds.
fn source(name: &str, video_offset: &str, audio_offset: &str, codec: &str) -> PathBuf {
    made_by_ffmpeg(
        &format!("step-{name}-{codec}.mkv"),
        &format!(
            "-itsoffset {video_offset} -f lavfi -i testsrc2=size=64x64:rate=25:d=2 -itsoffset {audio_offset} -f lavfi \
             -i sine=sample_rate=48000:d=2 -map 0 -map 1 -c:v ffv1 -c:a {codec} -ac 1"
        ),
    )
}

#[test]
fn gstreamer_finds_every_frame_and_the_audio_in_its_place() {
    let folder = folder();
    for (name, video, audio, apart) in
        [("together", "0", "0", 0), ("late-audio", "0", "0.5", 500_000), ("late-video", "0.52", "0", -520_000)]
    {
        for (extension, demuxer, codec) in [
            ("mp4", "qtdemux", "aac"),
            ("mov", "qtdemux", "aac"),
            ("mkv", "matroskademux", "aac"),
            ("ts", "tsdemux", "aac"),
            ("m2ts", "tsdemux", "copy"),
            ("mxf", "mxfdemux", "pcm"),
        ] {
            let what = format!("{name} in {extension}");
            let output = folder.path().join(name).with_extension(extension);
            // Blu-ray has no AAC.
            let own = if extension == "m2ts" { "ac3" } else { "pcm_s16le" };
            let mut job = Job::new(source(name, video, audio, own), &output);
            let order = if extension == "mxf" { "bframes=0" } else { "bframes=2" };
            job.outputs[0].video = VideoSettings::X264(quick(order));
            job.outputs[0].audio = codec.parse().expect("a codec");
            done(&job);
            let audio_type = match codec {
                "pcm" => "audio/x-raw",
                // GStreamer uses one parser for AC-3 and E-AC-3.
                "copy" => "audio/x-eac3",
                _ => "audio/mpeg",
            };
            let (frames, audio) = parsed(&output, demuxer, "video/x-h264", audio_type);
            assert_eq!(frames.len(), 50, "{what}");
            let first = |list: &[Buffer]| list.iter().map(|(time, _)| *time).min().expect("something");
            let last = frames.iter().map(|(time, _)| *time).max().expect("something");
            assert_eq!(last - first(&frames), 49 * 40_000, "{what}");
            if extension == "mxf" {
                // Audio is as long as the video, with silence at the end: 1920 samples of 16 bits for each frame.
                assert_eq!(audio.iter().map(|(_, bytes)| bytes).sum::<u64>(), 50 * 1920 * 2, "{what}");
                assert_eq!(first(&audio), first(&frames), "{what}");
                continue;
            }
            // If audio begins late, the encoded audio has silence at its start.
            let apart = if codec == "copy" { apart } else { apart.min(0) };
            // AAC and AC-3 begin up to 1024 samples early, because of the priming.
            let found = first(&audio) - first(&frames);
            assert!((apart - 22_000..=apart + 1_000).contains(&found), "{what}: {found}");
        }
    }
}

#[test]
fn webm_takes_only_the_codecs_of_webm() {
    let source = made_by_ffmpeg(
        "web.webm",
        "-f lavfi -i testsrc2=size=64x64:rate=25:d=2 -f lavfi -i sine=sample_rate=48000:d=2 -c:v libvpx-vp9 -cpu-used 8 \
         -c:a libvorbis",
    );
    let folder = folder();
    let output = folder.path().join("copy.webm");
    let mut job = Job::new(&source, &output);
    job.outputs[0].video = VideoSettings::Copy;
    done(&job);
    let (frames, audio) = parsed(&output, "matroskademux", "video/x-vp9", "audio/x-vorbis");
    let packets = ffprobe(&source, "-count_packets -show_streams")["streams"].as_array().expect("streams").clone();
    let counts: Vec<String> = packets.iter().map(|stream| text(&stream["nb_read_packets"])).collect();
    assert_eq!(counts, [frames.len().to_string(), audio.len().to_string()]);
    let general = mediainfo(&output, "General");
    assert_eq!(text(&general[0]["Format"]), "WebM");

    job.outputs[0].video = VideoSettings::X264(quick(""));
    job.outputs[0].audio = AudioSettings::Flac;
    let error = run_job(&job, &Control::default()).expect_err("neither is of the web");
    assert_eq!(error.kind(), ErrorKind::InvalidSpec);
    assert!(error.to_string().contains("video = x264"), "{error}");
    assert!(error.to_string().contains("flac"), "{error}");
}

#[test]
fn mediainfo_names_every_container_and_what_is_in_it() {
    let folder = folder();
    for (extension, container, codec, audio) in [
        ("mp4", "MPEG-4", "aac", "AAC"),
        ("mov", "MPEG-4", "pcm", "PCM"),
        ("mkv", "Matroska", "flac", "FLAC"),
        ("ts", "MPEG-TS", "aac", "AAC"),
        ("m2ts", "BDAV", "copy", "AC-3"),
        ("mts", "BDAV", "copy", "AC-3"),
        ("mxf", "MXF", "pcm", "PCM"),
    ] {
        let output = folder.path().join("named").with_extension(extension);
        let own = if codec == "copy" { "ac3" } else { "pcm_s16le" };
        let mut job = Job::new(source("together", "0", "0", own), &output);
        job.outputs[0].video = VideoSettings::X264(quick("bframes=0"));
        job.outputs[0].audio = codec.parse().expect("a codec");
        done(&job);
        let general = mediainfo(&output, "General");
        assert_eq!(text(&general[0]["Format"]), container, "{extension}");
        if extension == "mxf" {
            assert_eq!(text(&general[0]["Format_Profile"]), "OP-1a");
        }
        let formats = [("Video", "AVC"), ("Audio", audio)].map(|(kind, format)| (mediainfo(&output, kind), format));
        for (tracks, format) in formats {
            assert_eq!(tracks.len(), 1, "{extension}");
            assert_eq!(text(&tracks[0]["Format"]), format, "{extension}");
        }
        let packets = ffprobe(&output, "-select_streams v:0 -count_packets -show_streams");
        assert_eq!(text(&packets["streams"][0]["nb_read_packets"]), "50", "{extension}");
    }
}

#[test]
fn mxf_refuses_what_it_cannot_hold() {
    let folder = folder();
    let output = folder.path().join("out.mxf");
    let mut job = Job::new(source("together", "0", "0", "pcm_s16le"), &output);
    job.outputs[0].audio = AudioSettings::Pcm;
    let refused = |job: &Job| {
        let error = run_job(job, &Control::default()).expect_err("MXF has no such thing");
        assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{error}");
        error.to_string()
    };
    job.outputs[0].video = VideoSettings::X264(quick("bframes=2"));
    assert!(refused(&job).contains("bframes=0"));
    job.outputs[0].video = VideoSettings::X265(quick(""));
    assert!(refused(&job).contains("HEVC"));
    job.outputs[0].video = VideoSettings::None;
    assert!(refused(&job).contains("beside video"));
    job.outputs[0].video = VideoSettings::Copy;
    assert!(refused(&job).contains("ffv1"));
}

#[test]
fn a_transport_stream_can_be_entered_at_every_keyframe() {
    let folder = folder();
    for (encoder, filter) in [("x264", "h264"), ("x265", "hevc")] {
        let output = folder.path().join(encoder).with_extension("ts");
        let mut job = Job::new(source("together", "0", "0", "pcm_s16le"), &output);
        job.outputs[0].audio = AudioSettings::None;
        let mut settings = quick("scenecut=0");
        (settings.gop, settings.open_gop) = (Some(10), Some(true));
        settings.preset = Some("veryfast".into());
        job.outputs[0].video =
            if encoder == "x264" { VideoSettings::X264(settings) } else { VideoSettings::X265(settings) };
        done(&job);
        let raw = folder.path().join("raw").with_extension(filter);
        program::ffmpeg(&format!("-i {} -map 0:v -c copy -f {filter} {}", output.display(), raw.display()));
        let stream = std::fs::read(&raw).expect("a raw stream");
        // Sequence parameter sets (H.264: type 7; HEVC: type 33).
        let is_set = |window: &[u8]| match encoder {
            "x264" => window[..3] == [0, 0, 1] && window[3] & 0x1f == 7,
            _ => window[..3] == [0, 0, 1] && (window[3] >> 1) & 0x3f == 33,
        };
        let sets = stream.windows(4).filter(|window| is_set(window)).count();
        let json = ffprobe(&output, "-select_streams v:0 -show_packets");
        let packets = json["packets"].as_array().expect("packets");
        let keys = packets.iter().filter(|packet| text(&packet["flags"]).starts_with('K')).count();
        assert!(keys >= 5, "{encoder}: {keys} keyframes");
        assert_eq!(sets, keys, "{encoder}");
    }
}
