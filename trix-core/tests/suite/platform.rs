//! Tests that Trix writes the same output with different releases of the libraries.

use std::{
    fs,
    path::{Path, PathBuf},
};

use trix_core::{
    Job, doctor,
    media::time::Rational,
    probe,
    settings::{
        audio::AudioSettings,
        video::{Encoder, VideoSettings},
    },
    source::Source,
};
use trix_fixtures::folder;

use crate::support::{done, ffprobe, made_by_ffmpeg, mediainfo, quick, samples, text, video_job, video_stream};

const AUDIO: &str =
    "-f lavfi -i aevalsrc=0.4*sin(2*PI*440*t)*lt(mod(t\\,0.25)\\,0.1)|0.3*sin(2*PI*660*t):c=stereo:s=48000";

/// Makes an elementary stream, which has no header for a frame rate.
fn elementary(name: &str, rate: &str, options: &str) -> PathBuf {
    let slug = rate.replace('/', "-");
    made_by_ffmpeg(
        &format!("platform-{slug}-{name}"),
        &format!("-f lavfi -i testsrc2=s=128x96:r={rate} -frames:v 30 {options}"),
    )
}

#[test]
fn elementary_streams_have_the_rate_of_their_bitstream() {
    let folder = folder();
    for rate in ["30000/1001", "24", "50"] {
        for (name, options) in [
            ("a.h264", "-c:v libx264 -preset ultrafast"),
            ("b.h264", "-c:v libx264 -preset veryfast -bf 2"),
            ("a.hevc", "-c:v libx265 -preset ultrafast -x265-params log-level=0"),
            ("a.m2v", "-c:v mpeg2video -q:v 4"),
        ] {
            let source = elementary(name, rate, options);
            let output = folder.path().join("copy.mp4");
            let mut job = video_job(&source, &output, Encoder::X264, quick(""));
            job.outputs[0].overwrite = true;
            let report = done(&job);
            let message = video_stream(&output);
            let whole = if rate.contains('/') { rate.to_owned() } else { format!("{rate}/1") };
            assert_eq!(text(&message["avg_frame_rate"]), whole, "{name}");
            assert_eq!(text(&message["nb_read_frames"]), "30", "{name}");
            assert_eq!(report.outputs[0].ledger.expect("a ledger").encoded, 30, "{name}");

            let info = probe::probe(&Source::open(&source).expect("a source"));
            assert_eq!(info.disagreements, [], "{name}");
            let video = info.streams[0].video.as_ref().expect("video");
            let (num, den) = rate.split_once('/').unwrap_or((rate, "1"));
            let rate = Rational::new(num.parse().expect("a number"), den.parse().expect("a number"));
            assert_eq!(video.average_rate, Some(rate), "{name}");
        }
    }
}

/// Returns the maximum and minimum luminance of the mastering display of `file`, in steps of 0.0001 cd/m2.
fn luminances(file: &Path) -> Option<[u32; 2]> {
    let info = probe::probe(&Source::open(file).expect("a source"));
    let display = info.streams[0].video.as_ref().expect("video").hdr.clone()?.mastering_display?;
    let steps = display.in_steps();
    Some([steps[8], steps[9]])
}

#[test]
fn a_mastering_display_is_carried_even_where_its_light_is_out_of_range() {
    // A peak of 0.1 cd/m2. Encoders write it when a user gives values in cd/m2 instead of steps of 0.0001.
    let source = made_by_ffmpeg(
        "platform-dark-display.mkv",
        "-f lavfi -i testsrc2=s=128x96:r=25 -frames:v 5 -pix_fmt yuv420p10le \
         -vf setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc:range=tv -c:v libx265 \
         -preset ultrafast -x265-params \
         log-level=0:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(1000,50)",
    );
    assert_eq!(luminances(&source), Some([1000, 50]));
    let folder = folder();
    for (encoder, name) in [(Encoder::X265, "copy.mkv"), (Encoder::X265, "copy.mp4"), (Encoder::X264, "copy.mov")] {
        let output = folder.path().join(name);
        let mut job = video_job(&source, &output, encoder, quick(""));
        job.outputs[0].overwrite = true;
        done(&job);
        assert_eq!(luminances(&output), Some([1000, 50]), "{name}");
        let track = mediainfo(&output, "Video").remove(0);
        let message = text(&track["MasteringDisplay_Luminance"]);
        assert!(message.contains("0.0050") && message.contains("0.1000"), "{name}: {message}");
    }
}

#[test]
fn audio_with_priming_begins_at_zero_in_matroska_encoded_or_copied() {
    let folder = folder();
    let film = made_by_ffmpeg(
        "platform-film.mkv",
        &format!("-f lavfi -i testsrc2=s=128x96:r=25 {AUDIO} -t 2 -c:v ffv1 -c:a pcm_s16le"),
    );
    let heard = samples(&film, 0, "s16le");
    for (name, audio) in [
        ("aac", AudioSettings::Aac { kbps: None }),
        ("opus", AudioSettings::Opus { kbps: None }),
        ("ac3", AudioSettings::Ac3 { kbps: None }),
    ] {
        let encoded = folder.path().join(format!("{name}.mkv"));
        let mut job = video_job(&film, &encoded, Encoder::X264, quick(""));
        job.outputs[0].audio = audio;
        done(&job);
        let copied = folder.path().join(format!("{name}-copy.mkv"));
        let mut job = video_job(&encoded, &copied, Encoder::X264, quick(""));
        job.outputs[0].audio = AudioSettings::Copy;
        done(&job);
        for file in [&encoded, &copied] {
            let tracks = ffprobe(file, "-show_streams");
            let mut early = 0.0;
            for stream in tracks["streams"].as_array().expect("streams") {
                let start: f64 = text(&stream["start_time"]).parse().expect("a time");
                if text(&stream["codec_type"]) == "audio" {
                    early = -start * 48_000.0;
                }
                // Only samples that a decoder discards lie before the first frame.
                assert!((-0.045..0.001).contains(&start), "{}: {start}", file.display());
            }
            let found = samples(file, 0, "s16le");
            // Some releases of the program also decode the priming, and state its time in milliseconds.
            let (extra, early) = ((found.len() as i64 - heard.len() as i64) / 4, early.round() as i64);
            assert!((0..=early + 1024).contains(&extra), "{}: {extra} samples more", file.display());
            let lag = lag(&heard, &found);
            assert!(lag == 0 || (lag - early).abs() <= 24, "{}: {lag} samples late, not {early}", file.display());
        }
    }
}

/// Returns by how many samples the first channel of `found` is later than that of `heard`: the lag within 100 ms with
/// the smallest difference.
fn lag(heard: &[u8], found: &[u8]) -> i64 {
    let first = |bytes: &[u8]| -> Vec<i64> {
        bytes.chunks_exact(4).map(|block| i64::from(i16::from_le_bytes([block[0], block[1]]))).collect()
    };
    let (heard, found) = (first(heard), first(found));
    let distance = |lag: &i64| -> i64 {
        (6000..42_000)
            .step_by(3)
            .map(|at: i64| (heard[at as usize] - found.get((at + lag) as usize).copied().unwrap_or(0)).abs())
            .sum()
    };
    (-4800..4800).min_by_key(distance).expect("a lag")
}

#[test]
fn five_channels_become_two_by_the_standard_downmix() {
    let film = made_by_ffmpeg(
        "platform-surround.mov",
        "-f lavfi -i testsrc2=s=128x96:r=25 -f lavfi -i \
         aevalsrc=0|0|0.5*sin(2*PI*440*t)|0|0|0:c=5.1:s=48000 -t 1 -c:v mpeg4 -c:a pcm_s16le",
    );
    let folder = folder();
    let output = folder.path().join("stereo.mkv");
    let mut job = video_job(&film, &output, Encoder::X264, quick(""));
    job.outputs[0].audio = AudioSettings::Pcm16;
    job.outputs[0].audio_shape.layout = Some("stereo".into());
    done(&job);
    let found = samples(&output, 0, "s16le");
    let peak = |channel: usize| {
        found.chunks_exact(4).map(|b| i16::from_le_bytes([b[2 * channel], b[2 * channel + 1]]).unsigned_abs()).max()
    };
    // The centre goes to both sides, 3 dB lower. The sum of all factors (1 + 2 / sqrt 2) stays below full scale.
    let expected = 0.5 * 32767.0 * std::f64::consts::FRAC_1_SQRT_2 / (1.0 + std::f64::consts::SQRT_2);
    for channel in 0..2 {
        let peak = f64::from(peak(channel).expect("samples"));
        assert!((peak - expected).abs() < 16.0, "channel {channel}: {peak} for {expected}");
    }
}

#[test]
fn channels_that_a_file_has_in_another_order_are_put_in_order() {
    // The tag of the layout says: L, R, C, LFE, side, back. libavutil has the back before the side.
    const SIDE_BEFORE_BACK: [u8; 4] = [0x00, 0x80, 0x00, 0x08];
    let tones: Vec<String> = (1..=8).map(|number| format!("0.2*sin({}*2*PI*t)", 100 * number)).collect();
    let line = format!("-f lavfi -i aevalsrc={}:c=7.1:s=48000:d=1 -c:a pcm_s16le", tones.join("|"));
    let mut bytes = fs::read(made_by_ffmpeg("platform-7.1.mov", &line)).expect("a file");
    let tag = bytes.windows(4).rposition(|name| name == b"chan").expect("a layout") + 8;
    bytes[tag..tag + 4].copy_from_slice(&SIDE_BEFORE_BACK);
    let folder = folder();
    let (source, output) = (folder.path().join("source.mov"), folder.path().join("copy.mkv"));
    fs::write(&source, bytes).expect("a file");

    let facts = probe::probe(&Source::open(&source).expect("a source"));
    let audio = facts.streams[0].audio.as_ref().expect("audio");
    assert_eq!((audio.channels, audio.layout.as_str()), (8, "7.1"));
    let mut job = Job::new(&source, &output);
    job.outputs[0].video = VideoSettings::None;
    job.outputs[0].audio = "flac".parse().expect("a codec");
    done(&job);

    // Older releases of libavformat take this tag for the order of libavutil.
    let version = doctor::examine().libraries.into_iter().find(|library| library.name == "libavformat");
    let major = version.and_then(|library| library.version.split('.').next()?.parse::<u32>().ok()).expect("a version");
    let order: [usize; 8] = if major < 61 { [0, 1, 2, 3, 4, 5, 6, 7] } else { [0, 1, 2, 3, 6, 7, 4, 5] };
    let (given, written) = (samples(&source, 0, "s16le"), samples(&output, 0, "s16le"));
    let given = given.as_chunks::<2>().0.as_chunks::<8>().0;
    let expected: Vec<[[u8; 2]; 8]> = given.iter().map(|moment| order.map(|place| moment[place])).collect();
    assert!(given.len() == 48_000 && written.as_chunks::<2>().0.as_chunks::<8>().0 == expected);
}
