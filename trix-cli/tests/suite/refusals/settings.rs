//! Tests that Trix rejects a wrong job before it runs, and reports all mistakes, each with the legal values.

use trix_fixtures::{Clip, master, program};

use crate::support::{self, encode};

/// Asserts that the job is rejected without output, and that the message contains each of `parts`.
fn refused(options: &str, parts: &[&str]) -> String {
    let encoded = encode(&Clip::default().encoded("-c:v libx264", "mp4"), options);
    assert_eq!(encoded.ran.code, Some(2), "{options}: {:?}", encoded.ran);
    assert_eq!(support::names(encoded.folder.path()), [""; 0]);
    for part in parts {
        assert!(encoded.ran.err.contains(part), "{options}: {part} is not named: {:?}", encoded.ran);
    }
    encoded.ran.err
}

#[test]
fn an_unknown_container_is_refused_with_the_known_ones() {
    let folder = trix_fixtures::folder();
    let source = Clip::default().encoded("-c:v libx264", "mp4");
    for name in ["out.avi", "out", "out.wmv", "mp4", ".mp4"] {
        let output = folder.path().join(name);
        let ran = support::trix("encode {} -o {}", &[&source, &output]);
        assert_eq!(ran.code, Some(2), "{name}: {ran:?}");
        for known in ["mp4", "mov", "mkv", "webm", "ts", "m2ts", "mts", "mxf"] {
            assert!(ran.err.contains(&format!(".{known}")), "{name}, {known}: {ran:?}");
        }
        assert_eq!(support::names(folder.path()), [""; 0]);
    }
}

#[test]
fn audio_that_a_container_does_not_hold_is_refused() {
    for options in ["--audio pcm", "--audio copy"] {
        let encoded = encode(&master(), options);
        let message = encoded.refused(2);
        assert!(message.contains("pcm") && message.contains("mp4"), "{message}");
    }
}

#[test]
fn subtitles_and_attachments_are_refused_where_the_container_lacks_them() {
    refused("--subtitles ass --audio aac", &["subtitles", "ass", "mov_text"]);
    refused("--subtitles pgs", &["subtitles", "pgs", "webvtt"]);
    refused("--metadata isrc=x --audio aac", &["metadata.isrc", "x", "title"]);
    refused("--metadata timecode=1:2 --audio aac", &["metadata.timecode", "1:2", "HH:MM:SS:FF"]);
    refused("--metadata title", &["title", "KEY=VALUE"]);
    refused("--metadata title=a --metadata title=b", &["title", "twice"]);
}

#[test]
fn unknown_names_are_refused_with_the_known_ones() {
    refused("--preset quick", &["video.preset", "quick", "ultrafast", "placebo"]);
    refused("--video x265 --preset quick", &["video.preset", "quick", "ultrafast", "placebo"]);
    refused("--tune movie", &["video.tune", "movie", "film"]);
    refused("--video x265 --tune film", &["video.tune", "film", "grain"]);
    refused("--profile main11", &["video.profile", "main11", "high"]);
    refused("--video x265 --profile high", &["video.profile", "high", "main10"]);
    refused("--level 9.9", &["video.level", "9.9"]);
}

#[test]
fn a_misspelled_parameter_is_refused_with_the_closest_name() {
    refused("--param ref-frames=3", &["ref-frames"]);
    refused("--param submee=7", &["submee", "subme'"]);
    refused("--param bframe=3", &["bframe", "bframes"]);
    refused("--video x265 --param psyrd=2", &["psyrd", "psy-rd"]);
    refused("--video x265 --param ctuu=32", &["ctuu", "ctu"]);
}

#[test]
fn a_parameter_with_a_senseless_value_is_refused() {
    refused("--param bframes=many", &["bframes", "many"]);
    refused("--param me=sideways", &["me", "sideways"]);
    refused("--video x265 --param ctu=seven", &["ctu", "seven"]);
    refused("--param bframes=3 --param bframes=4", &["bframes", "twice"]);
    refused("--param bframes", &["bframes", "KEY=VALUE"]);
}

#[test]
fn depths_that_an_encoder_lacks_are_refused_with_those_it_has() {
    refused("--depth 12", &["video.depth", "12", "8", "10"]);
    refused("--depth 9", &["video.depth", "9", "8", "10"]);
    refused("--video x265 --depth 14", &["video.depth", "14", "8", "10", "12"]);
    refused("--video x265 --depth 0", &["video.depth", "0", "8", "10", "12"]);
}

#[test]
fn numbers_outside_their_range_are_refused_with_the_range() {
    refused("--crf 77", &["77", "51"]);
    refused("--video x265 --crf 77", &["77", "51"]);
    refused("--crf NaN", &["NaN", "51"]);
    refused("--crf=-3", &["-3", "51"]);
    refused("--qp 300", &["300"]);
    refused("--bitrate 0", &["video.rate", "0"]);
    refused("--bitrate 1000 --passes 3", &["passes", "3", "2"]);
    refused("--gop 0", &["video.gop", "0"]);
    refused("--frames 0", &["frames", "0"]);
    refused("--duration 0", &["duration"]);
    refused("--threads 100000", &["threads", "100000"]);
    refused("--size 0x0", &["0x0"]);
    refused("--size 100000x100000", &["100000x100000"]);
    refused("--size 175x143", &["175x143", "174x142"]);
    refused("--maxrate 4000", &["maxrate", "bufsize"]);
}

#[test]
fn a_start_after_the_end_of_the_source_is_refused_or_malformed() {
    // Planning may distrust the declared duration, so two codes are possible. In any case, nothing is written.
    let encoded = encode(&Clip::default().encoded("-c:v libx264", "mp4"), "--start 01:00:00");
    assert!(encoded.ran.code == Some(2) || encoded.ran.code == Some(3), "{:?}", encoded.ran);
    encoded.refused(encoded.ran.code.expect("a code"));
}

#[test]
fn two_rate_controls_are_refused() {
    for options in ["--crf 20 --qp 20", "--crf 20 --bitrate 900", "--lossless --qp 4", "--bitrate 900 --lossless"] {
        refused(options, &["cannot be used with"]);
    }
    refused("--passes 2", &["--bitrate"]);
    refused("--open-gop --closed-gop", &["cannot be used with"]);
    // Encoder parameters cannot replace the rate control of the job.
    refused("--crf 20 --param crf=30", &["crf"]);
    refused("--param qp=30", &["qp"]);
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let options = "--preset quick --depth 12 --crf 99 --gop 0 --param submee=7 --tune movie --level 77 --audio pcm";
    let wording = refused(options, &["quick", "12", "99", "gop", "subme", "movie", "77"]);
    assert!(wording.lines().count() >= 7, "each on a line of its own: {wording}");
}

#[test]
fn options_that_ffv1_and_prores_lack_are_refused_together_with_all_other_mistakes() {
    let options = "--video ffv1 --preset slow --crf 20 --profile hq --depth 9 --audio pcm";
    let lacks = "video.preset = slow: ffv1 has no presets; preset is a setting of x264, x265";
    let wording =
        refused(options, &[lacks, "video.rate: ffv1 has no rate control", "video.profile = hq", "video.depth = 9"]);
    assert!(wording.lines().count() >= 4, "each on a line of its own: {wording}");
    refused("--video prores --gop 25", &["video.gop = 25: prores codes every frame by itself"]);
}

#[test]
fn options_of_an_encoder_need_an_encoder() {
    refused("--video copy --crf 20", &["--video"]);
    refused("--video none --preset fast", &["--video"]);
    refused("--video none --audio none", &["video", "audio"]);
}

#[test]
fn channels_and_rate_of_audio_are_read_from_the_command_line_and_checked() {
    refused("--audio flac --audio-layout quadro", &["audio_shape.layout", "quadro", "stereo"]);
    refused("--audio opus --audio-rate 44100", &["audio_shape.sample_rate", "44100", "48000"]);
    refused("--audio flac --audio-matrix 1,0,0;0,1", &["audio_shape.matrix", "row"]);
    refused("--audio flac --audio-matrix 1,a", &["'a'", "factor"]);
    refused("--audio copy --audio-layout mono", &["audio_shape", "codec"]);
    refused("--audio ac3:200", &["audio.kbps", "200", "192"]);
    let options = "--preset ultrafast --audio ac3:96 --audio-matrix .5,-.5 --audio-rate 44100";
    let encoded = encode(&master(), options);
    let track = encoded.done()["outputs"][0]["plan"]["audio"][0].clone();
    assert_eq!(track["remix"]["rows"], serde_json::json!([[0.5, -0.5]]));
    assert_eq!((&track["layout"], &track["sample_rate"]), (&"mono".into(), &44_100.into()));
}

#[test]
fn a_typing_mistake_is_reported_with_the_way_to_the_help() {
    refused("--bogus", &["--bogus", "--help"]);
    refused("--chroma 411", &["411", "420"]);
    refused("--audio mp3", &["mp3", "aac"]);
    refused("--start soon", &["soon"]);
    refused("--size wide", &["wide"]);
    assert_eq!(support::trix("", &[]).code, Some(2));
    assert_eq!(support::trix("transmogrify", &[]).code, Some(2));
    let help = support::trix("--help", &[]);
    assert!(help.done().out.contains("Exit codes:"), "{help:?}");
}

#[test]
fn a_refused_job_reads_no_frame_of_the_source() {
    // Planning uses only what the source declares, so a long source must not take more time.
    let long = Clip { width: 640, height: 360, frames: 400, ..Clip::default() }
        .encoded("-c:v libx264 -preset ultrafast", "mp4");
    let encoded = encode(&long, "--preset quick");
    assert!(encoded.refused(2).contains("quick"));
    assert!(encoded.ran.took.as_secs_f64() < 2.0, "{:?}", encoded.ran);
    assert_eq!(program::text(&program::run("ls", ["-A".as_ref(), encoded.folder.path().as_os_str()])), "");
}
