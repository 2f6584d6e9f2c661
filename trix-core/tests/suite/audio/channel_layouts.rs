//! Tests of channel labels, of layouts that have no name or that a codec lacks, and of sources with many channels.
//! Without settings for channels, every source must be accepted.

use std::path::{Path, PathBuf};

use serde_json::Value;
use trix_core::{
    Job, Report, Source,
    settings::{
        audio::{AudioSettings, AudioShape},
        video::VideoSettings,
    },
};
use trix_fixtures::folder;

use crate::support::{self, done, ffprobe, made_by_ffmpeg, quick, samples_of_tracks, text};

/// Returns the floating-point samples of every audio track, by track and channel.
fn tracks(file: &Path) -> Vec<Vec<Vec<f64>>> {
    let json = ffprobe(file, "-select_streams a -show_streams");
    let streams = json["streams"].as_array().expect("streams");
    let decoded = samples_of_tracks(file, streams.len(), "f64le");
    let channels = |(stream, bytes): (&Value, &Vec<u8>)| -> Vec<Vec<f64>> {
        let count = stream["channels"].as_u64().expect("channels") as usize;
        let all: Vec<f64> = bytes.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        (0..count).map(|channel| all.iter().skip(channel).step_by(count).copied().collect()).collect()
    };
    streams.iter().zip(&decoded).map(channels).collect()
}

/// Returns the samples of the first audio track, by channel.
fn channels(file: &Path) -> Vec<Vec<f64>> {
    tracks(file).swap_remove(0)
}

/// Returns the amplitude of a tone in the middle of a second (Goertzel).
fn strength(samples: &[f64], frequency: u32) -> f64 {
    let samples = &samples[12_000..36_000];
    let (sin, cos) = (std::f64::consts::TAU * f64::from(frequency) / 48_000.0).sin_cos();
    let (mut re, mut im, mut s, mut c) = (0.0, 0.0, 0.0, 1.0);
    for sample in samples {
        (re, im) = (re + sample * c, im + sample * s);
        (s, c) = (s * cos + c * sin, c * cos - s * sin);
    }
    2.0 * f64::hypot(re, im) / samples.len() as f64
}

/// The frequency of the tone of channel `number`. It has a whole number of periods in a tenth of a second.
fn frequency(number: usize) -> u32 {
    300 + 110 * number as u32
}

/// Makes one second of audio in which each channel has its own tone.
fn tones(name: &str, count: usize, layout: &str, codec: &str) -> PathBuf {
    let expressions: Vec<String> = (0..count).map(|number| format!("0.2*sin({}*2*PI*t)", frequency(number))).collect();
    let line = format!(
        "-f lavfi -i testsrc2=size=64x64:rate=25:d=1 -f lavfi -i aevalsrc={}:c={layout}:s=48000:d=1 -c:v mpeg2video -c:a {codec}",
        expressions.join("|")
    );
    made_by_ffmpeg(name, &line)
}

fn job(source: &Path, output: &Path, codec: &str) -> Job {
    let mut job = Job::new(source, output);
    job.outputs[0].video = VideoSettings::X264(quick("threads=1"));
    job.outputs[0].audio = codec.parse().expect("a codec");
    job
}

fn layout(name: &str) -> AudioShape {
    AudioShape { layout: Some(name.into()), ..Default::default() }
}

fn remarks(report: &Report) -> String {
    let plan = &report.outputs[0].plan;
    let decisions = plan.decisions.iter().map(|decision| format!("{} ({})", decision.what, decision.why));
    decisions.chain(plan.notes.iter().cloned()).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_label_does_not_change_what_a_mono_track_holds() {
    let labels = ["FL", "FR", "FC", "LFE", "SL", "SR", "BL"];
    let mut line = "-f lavfi -i testsrc2=size=64x64:rate=25:d=1".to_owned();
    for number in 0..labels.len() {
        line.push_str(&format!(" -f lavfi -i aevalsrc=0.2*sin({}*2*PI*t):c=FC:s=48000:d=1", frequency(number)));
    }
    let maps: Vec<String> = (0..=labels.len()).map(|number| format!("-map {number}")).collect();
    let filters = labels.iter().enumerate();
    let filters = filters.map(|(at, label)| format!("-filter:a:{at} channelmap=map=FC-{label}:channel_layout={label}"));
    let filters: Vec<String> = filters.collect();
    let line = format!("{line} {} {} -c:v mpeg2video -c:a pcm_s24le", maps.join(" "), filters.join(" "));
    let source = made_by_ffmpeg("labels.mov", &line);
    let folder = folder();
    for (codec, extension) in [
        ("aac", "mp4"),
        ("opus", "mkv"),
        ("ac3", "mov"),
        ("eac3", "ts"),
        ("alac", "mov"),
        ("flac", "mkv"),
        ("pcm", "mov"),
        ("pcm", "mkv"),
        ("auto", "mp4"),
        ("auto", "mxf"),
    ] {
        let output = folder.path().join(codec).with_extension(extension);
        done(&job(&source, &output, codec));
        let found = tracks(&output);
        assert_eq!(found.len(), labels.len(), "{codec} in {extension}");
        for (track, (label, found)) in labels.iter().zip(&found).enumerate() {
            let what = format!("{label} as {codec} in {extension}");
            assert_eq!(found.len(), 1, "{what}");
            let level = 20.0 * (strength(&found[0], frequency(track)) / 0.2).log10();
            assert!(level.abs() < 0.1, "{what}: {level} dB");
        }
    }
    // A request for another layout changes nothing: the track stays mono.
    let output = folder.path().join("both.mkv");
    let mut both = job(&source, &output, "flac");
    both.outputs[0].audio_shape = layout("stereo");
    done(&both);
    let found = tracks(&output);
    assert_eq!(found.len(), labels.len());
    for (track, sides) in found.iter().enumerate() {
        let levels: Vec<f64> = sides.iter().map(|side| strength(side, frequency(track)) / 0.2).collect();
        assert!(
            levels.len() == 2 && levels.iter().all(|level| (level * level - 0.5).abs() < 0.0015),
            "{track}: {levels:?}"
        );
    }
}

#[test]
fn pairs_of_channels_without_a_layout_become_stereo_tracks() {
    let folder = folder();
    // Matroska does not state the layout of PCM.
    for (count, layout) in [(3, "3.0"), (4, "4.0"), (6, "5.1"), (8, "7.1"), (16, "hexadecagonal")] {
        let source = tones(&format!("pairs-{count}.mkv"), count, layout, "pcm_s24le");
        for (codec, extension) in [("aac", "mp4"), ("opus", "mkv"), ("ac3", "mov"), ("alac", "mov")] {
            let output = folder.path().join(format!("{count}-{codec}")).with_extension(extension);
            let report = done(&job(&source, &output, codec));
            let what = format!("{count} channels in {codec}");
            assert!(remarks(&report).contains(&format!("its {count} channels become")), "{what}: {}", remarks(&report));
            let tracks = tracks(&output);
            assert_eq!(tracks.len(), count.div_ceil(2), "{what}");
            for (track, found) in tracks.iter().enumerate() {
                let own: Vec<usize> = (2 * track..(2 * track + 2).min(count)).collect();
                assert_eq!(found.len(), own.len(), "{what}, track {track}");
                for (channel, number) in found.iter().zip(&own) {
                    let level = strength(channel, frequency(*number));
                    assert!((level - 0.2).abs() < 0.012, "{what}, channel {number}: {level}");
                    for other in (0..count).filter(|other| other != number) {
                        assert!(strength(channel, frequency(other)) < 0.002, "{what}: {other} in {number}");
                    }
                }
            }
        }
        // In PCM, the channels stay in one track. If the job asks for stereo or mono tracks, every sample keeps its
        // value.
        let whole = channels(&source);
        for (codec, shape, size) in [("pcm", None, count), ("flac", Some("stereo"), 2), ("pcm", Some("mono"), 1)] {
            let output = folder.path().join(format!("{count}-{size}-{codec}.mkv"));
            let mut job = job(&source, &output, codec);
            job.outputs[0].audio_shape.layout = shape.map(str::to_owned);
            done(&job);
            let found = tracks(&output);
            assert_eq!(found.len(), whole.chunks(size).len(), "{count} channels as {codec} of {size}");
            for (track, (found, own)) in found.iter().zip(whole.chunks(size)).enumerate() {
                assert!(found == own, "{count} channels as {codec} of {size}: track {track}");
            }
        }
    }
}

#[test]
fn every_pair_is_a_rendition_of_a_package() {
    let source = tones("pairs-8.mkv", 8, "7.1", "pcm_s24le");
    let mut job: Job = serde_json::from_value(serde_json::json!({
        "source": { "path": source },
        "packages": [{ "path": "out", "audio": { "type": "aac" }, "ladder": [] }],
    }))
    .expect("a job");
    let folder = folder();
    job.packages[0].path = folder.path().join("out");
    done(&job);
    for track in 0..4 {
        let playlist = folder.path().join(format!("out/audio-{}/media.m3u8", track + 1));
        let playlist = if playlist.is_file() { playlist } else { only_playlist(&folder.path().join("out"), track + 1) };
        for (at, channel) in channels(&playlist).iter().enumerate() {
            let level = strength(channel, frequency(2 * track + at));
            assert!((level - 0.2).abs() < 0.005, "track {track}, channel {at}: {level}");
        }
    }
    assert!(!folder.path().join("out/audio-5").exists());
}

fn only_playlist(package: &Path, number: usize) -> PathBuf {
    let list = std::fs::read_dir(package.join(format!("audio-{number}"))).expect("a folder");
    let mut list = list.filter_map(|entry| Some(entry.ok()?.path()));
    list.find(|path| path.extension().is_some_and(|own| own == "m3u8")).expect("a playlist")
}

#[test]
fn a_layout_that_a_codec_lacks_is_written_in_the_nearest_one() {
    let folder = folder();
    // For each channel of the output: the channels of the source that it contains, each with its factor.
    type Heard = &'static [&'static [(usize, f64)]];
    let cases: [(&str, usize, &str, &str, Heard); 4] = [
        ("quad", 4, "aac", "5.0", &[&[(0, 1.0)], &[(1, 1.0)], &[], &[(2, 1.0)], &[(3, 1.0)]]),
        ("quad", 4, "alac", "5.0", &[&[(0, 1.0)], &[(1, 1.0)], &[], &[(2, 1.0)], &[(3, 1.0)]]),
        (
            "5.1(side)",
            6,
            "opus",
            "5.1",
            &[&[(0, 1.0)], &[(1, 1.0)], &[(2, 1.0)], &[(3, 1.0)], &[(4, 1.0)], &[(5, 1.0)]],
        ),
        // Left is FL + 0.7071 TFL and so on, divided by the largest sum of factors.
        (
            "FL+FR+FC+LFE+BL+BR+TFL+TFR",
            8,
            "flac:stereo",
            "stereo",
            &[
                &[(0, 0.3204), (2, 0.2265), (4, 0.2265), (6, 0.2265)],
                &[(1, 0.3204), (2, 0.2265), (5, 0.2265), (7, 0.2265)],
            ],
        ),
    ];
    for (layout, count, codec, written, heard) in cases {
        let source = tones(&format!("lacks-{count}-{}.mov", layout.len()), count, layout, "pcm_s24le");
        let (codec, shape) = codec.split_once(':').map_or((codec, None), |(codec, shape)| (codec, Some(shape)));
        let output = folder.path().join(format!("{count}-{codec}.mkv"));
        let mut job = job(&source, &output, codec);
        job.outputs[0].audio_shape.layout = shape.map(str::to_owned);
        let report = done(&job);
        assert!(remarks(&report).contains(written), "{layout} in {codec}: {}", remarks(&report));
        let found = channels(&output);
        assert_eq!(found.len(), heard.len(), "{layout} in {codec}");
        for (channel, heard) in found.iter().zip(heard) {
            for number in 0..count {
                let expected = heard.iter().find(|(from, _)| *from == number).map_or(0.0, |(_, factor)| factor * 0.2);
                let level = strength(channel, frequency(number));
                // Lossy codecs cut the LFE channel above 120 Hz.
                let is_low = number == 3 && layout.starts_with("5.1");
                assert!(
                    is_low || (level - expected).abs() < 0.003,
                    "{layout} in {codec}: {number}: {level}, {expected}"
                );
            }
        }
    }
    // A note states what is lost when AC-3 gets 7.1.
    let source = tones("lacks-7.1.mov", 8, "7.1", "pcm_s16le");
    let report = done(&job(&source, &folder.path().join("mixed.mkv"), "ac3"));
    assert!(remarks(&report).contains("ac3 cannot hold 7.1, so its channels are mixed to 5.1"), "{}", remarks(&report));
}

#[test]
fn a_map_of_many_channels_keeps_their_order() {
    let film = made_by_ffmpeg("film-64.mkv", "-f lavfi -i testsrc2=size=64x64:rate=25:d=1 -c:v ffv1");
    let folder = folder();
    for (count, name) in [(8, "5.1.2"), (10, "5.1.4"), (10, "7.1.2"), (12, "7.1.4"), (16, "9.1.6"), (24, "22.2")] {
        let wave = folder.path().join(format!("{name}.wav"));
        let all: Vec<Vec<f64>> =
            (0..count).map(|number| support::waves::tone(f64::from(frequency(number)), 0.2, 48_000, 48_000)).collect();
        support::waves::write_wave(&wave, &all, 48_000, 24);
        let wanted = channels(&wave);
        for extension in ["mkv", "mov", "mp4"] {
            let output = folder.path().join(format!("{name}.{extension}"));
            let mut job = job(&film, &output, "auto");
            let track = format!("{}:map={name}", wave.display());
            job.tracks.push(track.parse().expect("a track"));
            let report = done(&job);
            let codec = report.outputs[0].plan.audio[0].codec.clone();
            if extension == "mp4" && count > 8 {
                // No lossless codec in MP4 has this many channels.
                assert!(!remarks(&report).is_empty(), "{name}");
                continue;
            }
            assert!(codec.starts_with("pcm") || codec == "flac", "{name} in {extension}: {codec}");
            let found = channels(&output);
            assert_eq!(found.len(), count, "{name} in {extension}");
            assert!(found == wanted, "{name} in {extension}");
        }
    }
}

#[test]
fn no_default_is_ever_refused() {
    let folder = folder();
    let web = "-f lavfi -i testsrc2=size=64x64:rate=25:d=1 -f lavfi -i sine=sample_rate=48000:d=1";
    let sources: Vec<PathBuf> = [
        ("any-aac.mp4", "-c:v libx264 -preset ultrafast -c:a aac"),
        ("any-mp3.mkv", "-c:v libx264 -preset ultrafast -c:a libmp3lame -ar 44100"),
        ("any-vp9.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus"),
        ("any-vp8.webm", "-c:v libvpx -deadline realtime -c:a libvorbis"),
        ("any-dts.mkv", "-c:v mpeg4 -c:a dca -strict -2"),
        ("any-truehd.mkv", "-c:v ffv1 -c:a truehd -strict -2"),
        ("any-flac.mkv", "-c:v mjpeg -c:a flac -ar 96000"),
        ("any-float.mov", "-c:v prores_ks -c:a pcm_f32le -ac 6"),
        ("any-u8.avi", "-c:v mjpeg -c:a pcm_u8 -ar 22050"),
        ("any-alac.mkv", "-c:v mpeg2video -c:a alac"),
        ("any-wavpack.mkv", "-c:v mpeg2video -c:a wavpack"),
        ("any-wma.mkv", "-c:v mpeg2video -c:a wmav2"),
        ("any-ac3.ts", "-c:v mpeg2video -c:a ac3"),
        ("any-mlp.mkv", "-c:v mpeg2video -c:a mlp -strict -2"),
    ]
    .into_iter()
    .map(|(name, codecs)| made_by_ffmpeg(name, &format!("{web} {codecs}")))
    .chain([tones("pairs-8.mkv", 8, "7.1", "pcm_s24le"), tones("pairs-16.mkv", 16, "hexadecagonal", "pcm_s24le")])
    .collect();
    for source in &sources {
        let is_web = source.extension().is_some_and(|own| own == "webm");
        for extension in ["mp4", "mov", "mkv", "webm", "ts", "m2ts", "mxf"] {
            if extension == "webm" && !is_web {
                continue;
            }
            // Other containers are tested only with a cut: a whole copy is not harder for them.
            let whole = matches!(extension, "mp4" | "mkv");
            for cut in [false, true].into_iter().filter(|cut| *cut || whole) {
                let output = folder.path().join("any").with_extension(extension);
                let mut job = Job::new(source, &output);
                job.outputs[0].overwrite = true;
                job.outputs[0].verify = trix_core::settings::job::VerifyLevel::Structure;
                if cut {
                    job.source.start = Some("0.1".parse().expect("a time"));
                    job.source.frames = Some(10);
                }
                let report = done(&job);
                let what = format!("{} in {extension}", source.display());
                assert!(!report.outputs[0].plan.audio.is_empty(), "{what}");
                let json = ffprobe(&output, "-count_packets -show_streams");
                let streams = json["streams"].as_array().expect("streams");
                let counts: Vec<String> = streams.iter().map(|own| text(&own["nb_read_packets"])).collect();
                assert!(counts.len() >= 2 && counts.iter().all(|count| count != "0"), "{what}: {counts:?}");
            }
        }
    }
}

#[test]
fn an_audio_codec_that_a_container_lacks_is_refused() {
    let folder = folder();
    let source = made_by_ffmpeg(
        "any-aac.mp4",
        "-f lavfi -i testsrc2=size=64x64:rate=25:d=1 -f lavfi -i sine=sample_rate=48000:d=1 -c:v libx264 -preset ultrafast -c:a aac",
    );
    let opened = Source::open(&source).expect("a source");
    for (extension, audio) in [("mxf", AudioSettings::Copy), ("webm", AudioSettings::Aac { kbps: None })] {
        let mut job = Job::new(&source, folder.path().join("no").with_extension(extension));
        job.outputs[0].audio = audio;
        let error = trix_core::plan(&job, &opened).expect_err("no such pair");
        assert!(error.to_string().contains("audio = "), "{error}");
    }
}
