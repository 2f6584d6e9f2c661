//! Tests of `trix ingest` with the profiles `archive` and `preview` on every real file with video, and on a film with
//! external audio. A table states the result for each file, and other programs check it.
//!
//! The table has the reason of every rejection.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use serde_json::Value;
use trix_fixtures::{clip::made, folder, media, program};

use crate::support::{self, Ran, trix};

/// The tests check numbers of frames, not quality.
const QUICK: &str = "--set preset=ultrafast --set crf_h264=40 --set crf_hevc=40 --set preview_preset=ultrafast \
                     --set preview_crf=40 --json";

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn json(program: &str, line: &str, file: &Path) -> Value {
    let output = program::run(program, line.split(' ').map(Path::new).chain([file]));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The hash of a file from `sha256sum`.
fn sha256(file: &Path) -> String {
    let output = program::run("sha256sum", [file]);
    String::from_utf8_lossy(&output.stdout).split_whitespace().next().unwrap_or_default().to_owned()
}

/// The integrated loudness of the first audio track from ffmpeg's filter. `None` for silence.
fn loudness(file: &Path) -> Option<f64> {
    let line = "-hide_banner -nostdin -i {} -map 0:a:0 -af ebur128 -f null -";
    let words: Vec<PathBuf> =
        line.split(' ').map(|word| if word == "{}" { file.to_owned() } else { PathBuf::from(word) }).collect();
    let output = program::run("ffmpeg", &words);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let summary = said.rsplit("Integrated loudness:").next().unwrap_or_default();
    let value = summary.split_whitespace().skip_while(|word| *word != "I:").nth(1)?;
    // ffmpeg prints its minimum if no block passes the gate.
    value.parse().ok().filter(|value| *value > -70.0)
}

/// Appends a line for each output of a report, after a check with other programs.
fn rows(table: &mut String, report: &Value, source: &Path, folder: &Path) {
    assert_eq!(text(&report["fixity"]["sha256"]), sha256(source));
    assert_eq!(report["fixity"]["disk_bytes"], report["fixity"]["bytes"], "the source is read from the disk once");
    let mut names = Vec::new();
    for output in list(&report["outputs"]) {
        let path = PathBuf::from(text(&output["path"]));
        assert_eq!(text(&output["sha256"]), sha256(&path), "{}", path.display());
        let seen = json("ffprobe", "-v error -of json -count_packets -show_streams", &path);
        let streams = list(&seen["streams"]);
        let video = streams.iter().find(|stream| stream["codec_type"] == "video");
        let ledger = &output["ledger"];
        let shape = video.map(|video| {
            assert_eq!(text(&video["nb_read_packets"]), ledger["found"].to_string(), "{}", path.display());
            assert_eq!(ledger["encoded"], ledger["found"], "{}", path.display());
            let (width, height) = (&video["width"], &video["height"]);
            format!("{width}x{height} {} {}", text(&video["pix_fmt"]), ledger["found"])
        });
        let shape = shape.unwrap_or_else(|| "no video".to_owned());
        let audio = streams.iter().filter(|stream| stream["codec_type"] == "audio");
        let audio: Vec<String> =
            audio.map(|stream| format!("{} {}", text(&stream["codec_name"]), stream["channels"])).collect();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let short = name.split_once('.').map_or("", |(_, rest)| rest);
        let _ = writeln!(table, "  {short:<12} {shape} [{}]", audio.join(", "));
        // Copies of the same audio are measured only once.
        let is_heard = short.starts_with("h264-8") || short.starts_with("preview");
        for found in list(&output["loudness"]).iter().take(1).filter(|_| is_heard) {
            assert_eq!(found["track"], 0);
            let lufs = found["loudness"]["integrated_lufs"].as_f64();
            // ffmpeg measures the output of a lossy codec. Its blocks of 100 ms start at the first decoded sample, and
            // a short clip has only few blocks.
            let most = if short.ends_with("mp4") { 0.5 } else { 0.3 };
            match (lufs.filter(|lufs| *lufs > -69.0), loudness(&path)) {
                (Some(ours), Some(theirs)) => assert!((ours - theirs).abs() <= most, "{ours} {theirs}: {path:?}"),
                (None, None) => {}
                (ours, theirs) => panic!("{ours:?} {theirs:?}: {path:?}"),
            }
        }
        names.push(name);
    }
    for still in list(&report["stills"]) {
        for file in list(&still["files"]) {
            let path = folder.join(text(&file["name"]));
            assert_eq!(text(&file["sha256"]), sha256(&path));
            names.push(text(&file["name"]));
        }
        let found = &still["found"];
        let path = PathBuf::from(text(&still["path"]));
        let seen = json("ffprobe", "-v error -of json -show_streams", &path);
        let size = format!("{}x{}", seen["streams"][0]["width"], seen["streams"][0]["height"]);
        let line = match text(&found["type"]).as_str() {
            "poster" => {
                assert_eq!(size, format!("{}x{}", found["width"], found["height"]));
                format!("poster {size}")
            }
            "sprites" => format!("sprites {} of {}x{} on {size}", found["count"], found["width"], found["height"]),
            _ => format!("waveform {size}, {} Hz", found["sample_rate"]),
        };
        let _ = writeln!(table, "  {line}");
    }
    let mut there: Vec<String> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    there.retain(|name| !name.ends_with(".manifest.json"));
    there.sort();
    names.sort();
    assert_eq!(there, names, "what is there is what the report names");
}

fn refusal(table: &mut String, ran: &Ran, source: &Path, folder: &Path) {
    let code = ran.code.expect("no signal");
    let message: Value = serde_json::from_str(&ran.err).unwrap_or_default();
    let stated = if message.is_null() { ran.said.clone() } else { text(&message["error"]) };
    // The time depends on the threads of the decoder, so remove it.
    let reason = stated.replace(&format!("trix: {}: ", source.display()), "");
    let reason = reason.split(" (and ").next().unwrap_or_default().trim_end();
    let reason = match reason.split_once(", at ") {
        Some((before, after)) => format!("{before}: {}", after.split_once(": ").map_or("", |(_, reason)| reason)),
        None => reason.to_owned(),
    };
    let _ = writeln!(table, "  refused {code}: {reason}");
    let left = std::fs::read_dir(folder).map_or(0, Iterator::count);
    assert_eq!(left, 0, "a job that is refused leaves nothing: {}", source.display());
}

#[test]
fn every_master_is_ingested_or_refused_for_a_reason_in_the_table() {
    let Some(_) = media::folder() else { return };
    let mut table = String::new();
    for source in media::files() {
        let name = source.file_name().expect("a name").to_string_lossy().into_owned();
        if name.ends_with(".yuv") {
            // A source without a header needs a description, which a job can state but a profile cannot.
            continue;
        }
        let folder = folder();
        let out = folder.path().join("out");
        let _ = writeln!(table, "{name}");
        let line = format!("ingest {{}} -o {{}} --profile archive,preview {QUICK}");
        let mut ran = trix(&line, &[&source, &out]);
        if ran.code != Some(0) {
            refusal(&mut table, &ran, &source, &out);
            let more = match name.as_str() {
                // Four channels without labels.
                "sample.mxf" => continue,
                _ => "--on-damage conceal",
            };
            let _ = writeln!(table, "  with {more}");
            ran = trix(&format!("{line} {more}"), &[&source, &out]);
            if ran.code != Some(0) {
                refusal(&mut table, &ran, &source, &out);
                continue;
            }
        }
        let report: Value = serde_json::from_str(&ran.out).expect("a report");
        rows(&mut table, &report, &source, &out);
    }
    insta::assert_snapshot!(table);
}

#[test]
fn audio_from_beside_a_film_is_in_every_copy() {
    let film = made("ingest-film.mov", |path| {
        program::ffmpeg(&format!(
            "-f lavfi -i testsrc2=size=320x180:rate=25 -t 2 -c:v prores_ks -y {}",
            path.display()
        ));
    });
    let dub = made("ingest-dub.wav", |path| {
        program::ffmpeg(&format!("-f lavfi -i sine=f=700:r=48000:d=1.5 -c:a pcm_s24le -y {}", path.display()));
    });
    let folder = folder();
    let out = folder.path().join("out");
    let line = format!("ingest {{}} -o {{}} --profile archive,preview {QUICK} --audio");
    let mut command = support::command(&line, &[&film, &out]);
    command.arg(format!("{}:lang=rus,title=Dub,offset=100ms,length=fit", dub.display()));
    let ran = support::watch(command);
    let report: Value = serde_json::from_str(&ran.done().out).expect("a report");
    let mut table = String::new();
    rows(&mut table, &report, &film, &out);
    for output in list(&report["outputs"]) {
        let path = PathBuf::from(text(&output["path"]));
        let seen = json("ffprobe", "-v error -of json -select_streams a -show_streams", &path);
        assert_eq!(text(&seen["streams"][0]["tags"]["language"]), "rus", "{}", path.display());
    }
    insta::assert_snapshot!(table);
}
