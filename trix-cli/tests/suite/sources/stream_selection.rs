//! Tests of stream selection: which video stream, programme and audio tracks a job takes, and how it treats streams
//! that begin late, are empty, or continue on another identifier.
//!
//! ffmpeg decodes the outputs. Sizes and numbers of frames, and the frequency of tones, identify the streams.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use trix_fixtures::{clip::made, folder, program};

use crate::support::{self, Ran, encode, encode_as, file, names, trix};

/// Input options for `seconds` seconds of frames at 25 per second.
fn frames(size: &str, seconds: u32) -> String {
    format!("-f lavfi -i testsrc2=s={size}:r=25:d={seconds}")
}

fn tone(hertz: u32, seconds: u32) -> String {
    format!("-f lavfi -i sine={hertz}:d={seconds}:r=48000")
}

/// Makes a file with the ffmpeg options in `line`.
fn clip(name: &str, line: &str) -> PathBuf {
    made(&format!("streams-{name}"), |path| {
        program::ffmpeg(&format!("{line} {}", path.display()));
    })
}

/// The streams of one kind from ffprobe.
fn streams(file: &Path, kind: &str) -> Vec<Value> {
    let line = format!("-v error -of json -count_packets -show_streams -select_streams {kind} {}", file.display());
    let output = program::run("ffprobe", line.split_whitespace());
    let json: Value = serde_json::from_slice(&output.stdout).expect("ffprobe prints JSON");
    json["streams"].as_array().cloned().unwrap_or_default()
}

/// Returns width and number of frames of the video stream.
fn film(file: &Path) -> (u64, u64) {
    let streams = streams(file, "v");
    assert_eq!(streams.len(), 1, "{}", file.display());
    let count = streams[0]["nb_read_packets"].as_str().and_then(|count| count.parse().ok());
    (streams[0]["width"].as_u64().expect("a width"), count.expect("a count"))
}

/// Returns the samples of an audio track, mixed to mono at 48 kHz.
fn samples(file: &Path, track: usize) -> Vec<i16> {
    let line = format!("-i {} -map 0:a:{track} -ac 1 -ar 48000 -f s16le -", file.display());
    let bytes = program::ffmpeg(&line).stdout;
    bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// Returns the frequency of a track between two times in Hz. 0 for silence.
fn pitch(samples: &[i16], from: f64, to: f64) -> f64 {
    let part = &samples[(from * 48_000.0) as usize..((to * 48_000.0) as usize).min(samples.len())];
    if part.iter().all(|sample| sample.unsigned_abs() < 200) {
        return 0.0;
    }
    let crossings = part.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
    crossings as f64 / 2.0 / (part.len() as f64 / 48_000.0)
}

/// Returns the frequency of each audio track in its first second, rounded to tens of Hz.
fn tones(file: &Path) -> Vec<u32> {
    let count = streams(file, "a").len();
    (0..count).map(|track| (pitch(&samples(file, track), 0.2, 0.8) / 10.0).round() as u32 * 10).collect()
}

/// All notes and decisions of a report as one text.
fn remarks(report: &Value) -> String {
    let mut all = Vec::new();
    let outputs = report["outputs"].as_array().expect("outputs");
    let packages = report["packages"].as_array().expect("packages");
    for plan in outputs.iter().chain(packages).map(|made| &made["plan"]) {
        all.extend(plan["notes"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
        for decision in plan["decisions"].as_array().into_iter().flatten() {
            all.push(format!("{}: {}", decision["what"], decision["why"]));
        }
    }
    all.join("\n")
}

const QUICK: &str = "--preset ultrafast --audio aac";

#[test]
fn the_main_video_is_neither_a_still_nor_flagged_as_not_default() {
    let still = clip("still.jpg", "-f lavfi -i color=red:s=320x320 -frames:v 1");
    let moving = clip("moving.mkv", &format!("{} {} -c:v libx264 -c:a aac", frames("160x90", 2), tone(440, 2)));
    let inputs = format!("-i {} -i {} -map 1:v -map 0:v -map 0:a -c copy", moving.display(), still.display());
    let other = clip("other.mkv", &format!("{} -c:v libx264", frames("96x64", 2)));
    let two = format!("-i {} -i {} -map 1:v -map 0:v -map 0:a -c copy", moving.display(), other.display());
    let cases = [
        // The still image is the default track and the film is not, then the reverse.
        (clip("still-default.mkv", &format!("{inputs} -disposition:v:0 default -disposition:v:1 0")), "still image"),
        (clip("still-first.mkv", &format!("{inputs} -disposition:v:0 0 -disposition:v:1 default")), "still image"),
        (clip("still-first.mov", &inputs), "still image"),
        (clip("still-first.mp4", &inputs), "still image"),
        (clip("still-fragments.mp4", &format!("{inputs} -movflags frag_keyframe+empty_moov")), "still image"),
        (
            clip("not-default.mkv", &format!("{two} -disposition:v:0 0 -disposition:v:1 default")),
            "not flagged as default",
        ),
    ];
    for (source, why) in &cases {
        let encoded = encode(source, QUICK);
        let report = encoded.done();
        assert_eq!(film(&encoded.output), (160, 50), "{}", source.display());
        let wording = remarks(&report);
        assert!(wording.contains("stream 0 (") && wording.contains(why), "{}: {wording}", source.display());
        let probed = trix("probe {} --json", &[source]).done().json();
        assert_eq!(probed["film"], 1, "{}", source.display());
        assert!(
            probed["streams"][0]["left_out"].as_str().is_some_and(|left| left.contains(why)),
            "{}",
            source.display()
        );
    }
    let copied = encode(&cases[1].0, "--video copy --audio copy");
    copied.done();
    assert_eq!(film(&copied.output), (160, 50));
    let named = encode(&cases[1].0, &format!("{QUICK} --video-stream 0"));
    let report = named.done();
    assert_eq!(film(&named.output), (320, 1));
    assert!(remarks(&report).contains("the job names stream 0"));
    let wrong = encode(&cases[1].0, &format!("{QUICK} --video-stream 2"));
    let message = wrong.refused(2).to_owned();
    assert!(message.contains("source.video_stream = 2") && message.contains("stream 1 (h264, 160x90)"), "{message}");
}

fn programmes() -> PathBuf {
    let inputs = [frames("160x90", 2), frames("320x180", 2), tone(440, 2), tone(880, 2)].join(" ");
    clip(
        "programmes.ts",
        &format!(
            "{inputs} -map 0 -map 2 -map 1 -map 3 -c:v libx264 -c:a aac -metadata:s:1 language=deu \
             -metadata:s:3 language=deu -program title=One:program_num=3:st=0:st=1 \
             -program title=Two:program_num=7:st=2:st=3"
        ),
    )
}

#[test]
fn streams_of_one_programme_stay_together() {
    let source = programmes();
    let run = |options: &str| {
        let encoded = encode(&source, &format!("{QUICK} {options}"));
        let report = encoded.done();
        (film(&encoded.output).0, tones(&encoded.output), remarks(&report))
    };
    let (width, heard, report) = run("");
    assert_eq!((width, heard), (160, vec![440]));
    assert!(report.contains("stream 3 (aac, deu) is not carried over: it belongs to programme 7"), "{report}");
    assert!(report.contains("stream 2 (h264) is not carried over"), "{report}");
    let (width, heard, report) = run("--video-stream 2");
    assert_eq!((width, heard), (320, vec![880]));
    assert!(report.contains("it belongs to programme 3, and programme 7 is taken"), "{report}");
    // A language selects among the tracks of the programme. A number counts the tracks of the file.
    assert_eq!(run("--audio-tracks de").1, [440]);
    assert_eq!(run("--audio-tracks 1").1, [880]);
    assert_eq!(run("--audio-tracks all").1, [440, 880]);
    let (_, heard, report) = run("--audio-tracks none");
    assert_eq!(heard, [0; 0]);
    assert!(report.contains("stream 1 (aac, deu) is not carried over: the job names other audio tracks"), "{report}");

    let probed = trix("probe {}", &[&source]);
    let text = &probed.done().out;
    assert!(text.contains("programme") && text.contains("the film") && text.contains("left out"), "{text}");
    let folder = folder();
    let ingested =
        trix("ingest {} -o {} --profile preview --video-stream 2 --json", &[&source, folder.path()]).done().json();
    let preview = folder.path().join("streams-programmes.preview.mp4");
    assert_eq!((film(&preview).0, tones(&preview)), (320, vec![880]), "{ingested}");
    let peaks = folder.path().join("streams-programmes.waveform.png");
    assert!(peaks.exists());
}

#[test]
fn audio_tracks_are_named_by_number_and_language() {
    let inputs = [frames("160x90", 1), tone(440, 1), tone(660, 1), tone(880, 1)].join(" ");
    let source = clip(
        "languages.mkv",
        &format!(
            "{inputs} -map 0 -map 1 -map 2 -map 3 -c:v libx264 -c:a aac -metadata:s:a:0 language=eng \
             -metadata:s:a:1 language=ger -metadata:s:a:2 language=eng"
        ),
    );
    for (names, expected) in [
        ("0", vec![440]),
        ("de", vec![660]),
        ("eng", vec![440, 880]),
        ("2,deu", vec![660, 880]),
        ("all", vec![440, 660, 880]),
    ] {
        let encoded = encode(&source, &format!("{QUICK} --audio-tracks {names}"));
        encoded.done();
        assert_eq!(tones(&encoded.output), expected, "{names}");
    }
    for (name, place) in [("3", "source.audio_tracks = 3"), ("fra", "source.audio_tracks = fra")] {
        let wrong = encode(&source, &format!("{QUICK} --audio-tracks {name}"));
        let message = wrong.refused(2).to_owned();
        assert!(message.contains(place) && message.contains("1 (stream 2 (aac, deu))"), "{message}");
    }
    assert_eq!(encode(&source, "--audio-tracks english").ran.code, Some(2));
    let folder = folder();
    let job = format!(
        "[source]\npath = \"{}\"\naudio_tracks = [1, \"en\"]\n[[outputs]]\npath = \"out.mkv\"\naudio = {{ type = \"flac\" }}\n\
         video = {{ type = \"none\" }}\n[[outputs]]\npath = \"own.mkv\"\naudio = {{ type = \"flac\" }}\ntracks = [2]\n\
         video = {{ type = \"none\" }}\n",
        source.display()
    );
    let job = file(&folder, "job.toml", job);
    trix("run {} -o {}", &[&job, folder.path()]).done();
    assert_eq!(tones(&folder.path().join("out.mkv")), [440, 660, 880]);
    // The setting of an output counts all tracks of the source.
    assert_eq!(tones(&folder.path().join("own.mkv")), [880]);
}

#[test]
fn a_track_without_a_packet_is_left_out_and_refused_where_it_is_named() {
    let empty = "-f lavfi -i anullsrc=r=48000:cl=stereo,atrim=end_sample=0";
    let inputs = format!("{} {} {empty} -map 0 -map 1 -map 2 -c:v libx264 -bf 0", frames("160x90", 2), tone(440, 2));
    for (name, options) in [
        ("empty.mkv", "-c:a aac"),
        ("empty.ts", "-c:a aac"),
        ("empty-ac3.ts", "-c:a ac3"),
        ("empty.avi", "-c:a mp2"),
        ("empty.mp4", "-c:a aac -movflags frag_keyframe+empty_moov"),
    ] {
        let source = clip(name, &format!("{inputs} {options}"));
        assert_eq!(streams(&source, "a").len(), 2, "{name}");
        for audio in ["aac", "copy"] {
            let encoded = encode_as(&source, "out.mkv", &format!("--preset ultrafast --audio {audio}"));
            let report = encoded.done_as();
            assert_eq!(tones(&encoded.output), [440], "{name}");
            let wording = remarks(&report);
            assert!(wording.contains("stream 2 (") && wording.contains("it has no packet"), "{name}: {wording}");
        }
        let named = encode(&source, &format!("{QUICK} --audio-tracks 1"));
        let message = named.refused(3).to_owned();
        assert!(message.contains("stream 2") && message.contains("it has no packet"), "{name}: {message}");
    }
    let source = clip("empty.mkv", "");
    let folder = folder();
    let report = trix("ingest {} -o {} --profile vod,preview --json", &[&source, folder.path()]).done().json();
    assert!(remarks(&report).contains("it has no packet"));
    // A video stream without frames can be the result of a truncation, so Trix skips it only if the job says so.
    let hidden = "-f lavfi -i testsrc2=s=64x64:r=25:d=1,trim=end_frame=0";
    let source = clip("empty-video.mkv", &format!("{hidden} {} -map 0 -map 1 -c:v libx264 -c:a aac", tone(440, 1)));
    let message = encode(&source, QUICK).refused(3).to_owned();
    assert!(message.contains("stream 0") && message.contains("has no frame"), "{message}");
    let encoded = encode_as(&source, "out.mkv", "--video none --audio flac");
    encoded.done_as();
    assert_eq!(tones(&encoded.output), [440]);
}

#[test]
fn a_track_that_nothing_decodes_does_not_stop_the_others() {
    let inputs = [frames("160x90", 1), tone(440, 1), tone(880, 1)].join(" ");
    let whole = clip("two-pcm.mov", &format!("{inputs} -map 0 -map 1 -map 2 -c:v libx264 -c:a pcm_s16le"));
    let mut bytes = fs::read(&whole).expect("a fixture");
    let place = support::places(&bytes, b"sowt").into_iter().next_back().expect("a sample entry");
    bytes[place..place + 4].copy_from_slice(b"qqqq");
    let folder = folder();
    let source = file(&folder, "unknown.mov", bytes);
    for options in ["--audio aac", "--audio copy"] {
        let encoded = encode_as(&source, "out.mov", &format!("--preset ultrafast {options}"));
        let report = encoded.done_as();
        assert_eq!(tones(&encoded.output), [440]);
        assert!(remarks(&report).contains("stream 2 (qqqq) is not carried over"), "{}", remarks(&report));
    }
    let message = encode(&source, &format!("{QUICK} --audio-tracks 1")).refused(3).to_owned();
    assert!(message.contains("stream 2") && message.contains("qqqq"), "{message}");
    for profile in ["archive", "preview"] {
        let out = folder.path().join(profile);
        let set = "--set preset=ultrafast";
        let set = if profile == "archive" { set } else { "" };
        let report =
            trix(&format!("ingest {{}} -o {{}} --profile {profile} {set} --json"), &[&source, &out]).done().json();
        assert!(remarks(&report).contains("stream 2 (qqqq) is not carried over"), "{profile}");
    }
}

#[test]
fn audio_that_begins_late_is_found_and_in_step() {
    let late = "-itsoffset 9 -f lavfi -i sine=440:d=3:r=48000";
    for (name, codecs) in [
        ("late.ts", "-c:v mpeg2video -c:a mp2"),
        ("late-ac3.ts", "-c:v libx264 -c:a ac3"),
        ("late.vob", "-c:v mpeg2video -c:a mp2 -f vob"),
        ("late.flv", "-c:v flv1 -c:a aac"),
    ] {
        let source = clip(name, &format!("{} {late} -map 0 -map 1 {codecs}", frames("160x90", 12)));
        let encoded = encode(&source, QUICK);
        encoded.done();
        assert_eq!(film(&encoded.output), (160, 300), "{name}");
        let heard = samples(&encoded.output, 0);
        assert_eq!(pitch(&heard, 0.1, 8.9), 0.0, "{name}");
        assert!((pitch(&heard, 9.1, 11.8) - 440.0).abs() < 5.0, "{name}: {}", pitch(&heard, 9.1, 11.8));
        let start = heard.iter().position(|sample| sample.unsigned_abs() > 1000).expect("a tone") as f64 / 48_000.0;
        assert!((start - 9.0).abs() < 0.06, "{name}: the tone begins at {start}");
        let probed = trix("probe {} --json", &[&source]).done().json();
        let audio = probed["streams"].as_array().expect("streams").iter().find(|stream| stream["kind"] == "audio");
        assert_eq!(audio.map(|audio| audio["audio"]["sample_rate"] == 48_000), Some(true), "{name}");
    }
}

/// Concatenates transport streams with continuous counters.
fn joined(name: &str, parts: &[PathBuf]) -> PathBuf {
    made(&format!("streams-{name}"), |path| {
        let mut counters: BTreeMap<u16, u8> = BTreeMap::new();
        let mut bytes: Vec<u8> = parts.iter().flat_map(|part| fs::read(part).expect("a part")).collect();
        for packet in bytes.chunks_exact_mut(188) {
            let pid = u16::from_be_bytes([packet[1], packet[2]]) & 0x1fff;
            let has_payload = packet[3] & 0x10 != 0;
            let counter = counters.entry(pid).or_insert(15);
            if has_payload {
                *counter = (*counter + 1) & 15;
            }
            packet[3] = packet[3] & 0xf0 | *counter;
        }
        fs::write(path, bytes).expect("a file can be written");
    })
}

/// Makes a part of a recording: four seconds from `second` on, with a tone on `pid`.
fn part(name: &str, second: u32, hertz: u32, pid: u32, options: &str) -> PathBuf {
    let inputs = format!("{} {}", frames("160x90", 4), tone(hertz, 4));
    clip(
        name,
        &format!(
            "{inputs} -c:v mpeg2video -c:a mp2 {options} -streamid 0:256 -streamid 1:{pid} -output_ts_offset {second} -muxdelay 0 -muxpreload 0 -f mpegts"
        ),
    )
}

#[test]
fn audio_goes_on_under_a_new_identifier() {
    let first = part("part-1.ts", 10, 440, 257, "");
    // The program map table changes in mid-file, so the second identifier is unknown at the start.
    let changed = joined("new-pid.ts", &[first.clone(), part("part-2.ts", 14, 880, 300, "")]);
    // The program map table lists both identifiers from the start.
    let listed = clip(
        "listed.ts",
        &format!(
            "{} {} -itsoffset 4 {} -map 0 -map 1 -map 2 -c:v mpeg2video -c:a mp2",
            frames("160x90", 8),
            tone(440, 4),
            tone(880, 4)
        ),
    );
    for (source, what) in
        [(&changed, "stream 2 continues stream 1 from"), (&listed, "stream 2 continues stream 1 from")]
    {
        for audio in ["aac", "copy"] {
            let encoded = encode_as(source, "out.mkv", &format!("--preset ultrafast --audio {audio}"));
            let report = encoded.done_as();
            assert_eq!(film(&encoded.output), (160, 200), "{}", source.display());
            assert_eq!(streams(&encoded.output, "a").len(), 1, "{}", source.display());
            let heard = samples(&encoded.output, 0);
            assert!((heard.len() as f64 / 48_000.0 - 8.0).abs() < 0.1, "{}: {}", source.display(), heard.len());
            assert!((pitch(&heard, 0.5, 3.5) - 440.0).abs() < 5.0, "{} {audio}", source.display());
            assert!((pitch(&heard, 4.5, 7.5) - 880.0).abs() < 5.0, "{} {audio}", source.display());
            assert!(remarks(&report).contains(what), "{}: {}", source.display(), remarks(&report));
        }
    }
    // Audio in another language is another track.
    let other = part("part-fra.ts", 14, 880, 300, "-metadata:s:a:0 language=fra");
    let foreign = joined("new-language.ts", &[first.clone(), other]);
    let encoded = encode(&foreign, QUICK);
    encoded.done();
    assert_eq!(film(&encoded.output), (160, 200));
    assert_eq!(streams(&encoded.output, "a").len(), 2);
    let heard = samples(&encoded.output, 1);
    assert!((pitch(&heard, 4.5, 7.5) - 880.0).abs() < 5.0);
    // No audio for more than ten seconds.
    let silent = clip(
        "part-silent.ts",
        &format!("{} -c:v mpeg2video -streamid 0:256 -muxdelay 0 -muxpreload 0 -f mpegts", frames("160x90", 10)),
    );
    let later = joined("audio-appears.ts", &[silent, first]);
    let encoded = encode(&later, QUICK);
    encoded.done();
    assert_eq!(film(&encoded.output), (160, 350));
    let heard = samples(&encoded.output, 0);
    assert_eq!(pitch(&heard, 0.1, 9.8), 0.0);
    assert!((pitch(&heard, 10.5, 13.5) - 440.0).abs() < 5.0);
}

#[test]
fn a_source_without_video_is_ingested_and_one_without_audio() {
    let heard = clip("alone.wav", &tone(440, 2));
    let cover = clip("cover.png", "-f lavfi -i color=red:s=64x64 -frames:v 1");
    let covered = clip(
        "covered.m4a",
        &format!(
            "{} -i {} -map 0 -map 1 -c:a aac -c:v copy -disposition:v:0 attached_pic -f mp4",
            tone(440, 2),
            cover.display()
        ),
    );
    let profiles = "archive,archive-lossless,mezzanine,vod,preview";
    for source in [&heard, &covered] {
        let folder = folder();
        let all = folder.path().join("all");
        trix(&format!("ingest {{}} -o {{}} --profile {profiles}"), &[source, &all]).done();
        for profile in profiles.split(',') {
            let out = folder.path().join(profile);
            trix(&format!("ingest {{}} -o {{}} --profile {profile}"), &[source, &out]).done();
            let made: Vec<String> =
                names(&out).into_iter().filter(|name| !name.ends_with(".png") && !name.ends_with("json")).collect();
            assert_eq!(made.len(), 1, "{profile}: {made:?}");
            let own = out.join(&made[0]);
            let own = if own.is_dir() { own.join("audio-1.mp4") } else { own };
            if own.exists() {
                assert_eq!(tones(&own), [440], "{profile}");
            }
            let has_wave = names(&out).iter().any(|name| name.ends_with(".waveform.png"));
            assert_eq!(has_wave, profile == "preview", "{profile}");
        }
    }
    let seen = clip("silent.mp4", &format!("{} -c:v libx264", frames("160x90", 1)));
    for profile in profiles.split(',') {
        let folder = folder();
        trix(&format!("ingest {{}} -o {{}} --profile {profile}"), &[&seen, folder.path()]).done();
    }
    // x264 is only the default. If the job asks for it explicitly, a source without video is an error.
    let alone = encode_as(&heard, "out.mkv", "--audio flac");
    assert!(remarks(&alone.done_as()).contains("the output has no video"));
    assert_eq!(tones(&alone.output), [440]);
    let message = encode(&heard, "--video x265 --audio aac").refused(3).to_owned();
    assert!(message.contains("no video stream"), "{message}");
    assert_eq!(encode(&heard, "--audio none").ran.code, Some(2));
}

fn atom(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len() + 8).expect("a small box");
    [&size.to_be_bytes()[..], kind, content].concat()
}

fn is_refused_as_reference(ran: &Ran, source: &Path, name: &str) {
    let message = ran.refused(3, source);
    assert!(message.contains("QuickTime reference movie") && message.contains(name), "{message}");
}

#[test]
fn reference_movies_and_ordered_chapters_are_named() {
    let folder = folder();
    let reference = atom(b"rdrf", b"\0\0\0\0url \0\0\0\x10file:///film.mov");
    let movie = atom(b"moov", &atom(b"rmra", &atom(b"rmda", &reference)));
    let source = file(&folder, "reference.mov", movie);
    is_refused_as_reference(&trix("probe {}", &[&source]), &source, "film.mov");
    is_refused_as_reference(&encode(&source, QUICK).ran, &source, "film.mov");

    // A movie whose samples are in another file. The data reference box grows, and so do its parents.
    let whole = clip("whole.mov", &format!("{} -c:v mjpeg", frames("64x64", 1)));
    let mut bytes = fs::read(&whole).expect("a fixture");
    let place = support::places(&bytes, b"dref").into_iter().next().expect("a reference");
    let url = b"file:///else.mov\0";
    assert_eq!(&bytes[place + 16..place + 24], b"url \0\0\0\x01", "a reference to the file itself");
    let entry = place + 12;
    bytes[entry + 11] = 0;
    let end = entry + 12;
    bytes.splice(end..end, url.iter().copied());
    for kind in [b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"] {
        let at = support::places(&bytes, kind).into_iter().rfind(|at| *at <= place).expect("a box") - 4;
        let size = u32::from_be_bytes(bytes[at..at + 4].try_into().expect("a size")) + url.len() as u32;
        bytes[at..at + 4].copy_from_slice(&size.to_be_bytes());
    }
    let at = entry;
    let size = u32::from_be_bytes(bytes[at..at + 4].try_into().expect("a size")) + url.len() as u32;
    bytes[at..at + 4].copy_from_slice(&size.to_be_bytes());
    let source = file(&folder, "elsewhere.mov", bytes);
    is_refused_as_reference(&encode(&source, QUICK).ran, &source, "else.mov");

    let list = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=500\ntitle=a\n[CHAPTER]\nTIMEBASE=1/1000\n\
                START=500\nEND=1000\ntitle=b\n";
    let list = file(&folder, "chapters.txt", list);
    let whole = folder.path().join("chapters.mkv");
    program::ffmpeg(&format!(
        "{} -f ffmetadata -i {} -map 0 -map_chapters 1 -c:v libx264 -write_crc32 0 {}",
        frames("64x64", 1),
        list.display(),
        whole.display()
    ));
    let mut bytes = fs::read(&whole).expect("a file");
    // EditionFlagDefault becomes EditionFlagOrdered.
    let place = support::places(&bytes, &[0x45, 0xdb, 0x81, 1]).into_iter().next().expect("a flag of the edition");
    bytes[place + 1] = 0xdd;
    let source = file(&folder, "ordered.mkv", bytes);
    let report = encode(&source, QUICK).done();
    assert!(remarks(&report).contains("the source has 2 ordered chapters"), "{}", remarks(&report));
    let report = encode(&whole, QUICK).done();
    assert!(!remarks(&report).contains("ordered chapters"));
}
