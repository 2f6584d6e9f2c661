//! Tests of the environment of a job: standard output that fails, limits on file sizes, folders that disappear, file
//! names with any bytes, and timecodes at high frame rates.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use trix_core::media::path_text;
use trix_fixtures::{Clip, folder, program};

use crate::support::{command, decodable, finish, names, start, trix, watch};

fn source() -> PathBuf {
    Clip::default().encoded("-c:v libx264 -bf 0", "mp4")
}

/// Runs a command with `out` as its standard output. Returns the exit code and standard error.
fn into(line: &str, paths: &[&Path], out: impl Into<Stdio>) -> (Option<i32>, String) {
    let mut command = command(line, paths);
    command.stdin(Stdio::null()).stdout(out).stderr(Stdio::piped());
    let done = command.spawn().expect("trix runs").wait_with_output().expect("trix ends");
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(!said.contains("panicked"), "{line}: {said}");
    (done.status.code(), said)
}

#[test]
fn every_command_fails_when_it_cannot_print() {
    let (folder, source) = (folder(), source());
    let output = folder.path().join("out.mkv");
    for line in [
        "probe {}",
        "probe {} --json",
        "verify {}",
        "plan --profile preview {} --json",
        "doctor",
        "profiles",
        "profiles preview",
        "schema report",
        "completions bash",
        "man",
        "--help",
        "encode --help",
        "--version",
    ] {
        let paths: &[&Path] = if line.contains("{}") { &[&source] } else { &[] };
        let (code, said) = into(line, paths, File::create("/dev/full").expect("a full device"));
        assert_eq!(code, Some(5), "{line}: {said}");
        assert!(said.contains("standard output") && said.contains("No space left"), "{line}: {said}");
    }
    for json in ["", "--json"] {
        let line = format!("encode {{}} -o {{}} --video ffv1 --overwrite {json}");
        let (code, said) = into(&line, &[&source, &output], File::create("/dev/full").expect("a full device"));
        assert_eq!(code, Some(5), "{line}: {said}");
        // The output file stays. It is complete, only the report is lost.
        assert_eq!(decodable(&output), 30, "{said}");
    }
}

#[test]
fn a_closed_pipe_is_an_error_only_where_a_report_was_lost() {
    let (folder, source) = (folder(), source());
    let output = folder.path().join("out.mkv");
    let closed = || {
        let (read, write) = std::io::pipe().expect("a pipe");
        drop(read);
        write
    };
    for line in ["probe {} --json", "probe {}", "verify {}"] {
        assert_eq!(into(line, &[&source], closed()), (Some(0), String::new()), "{line}");
    }
    let line = "encode {} -o {} --video ffv1 --overwrite";
    assert_eq!(into(line, &[&source, &output], closed()), (Some(0), String::new()));
    let (code, said) = into(&format!("{line} --json"), &[&source, &output], closed());
    assert!(code == Some(5) && said.contains("standard output"), "{code:?}: {said}");
}

#[test]
fn a_limit_of_file_size_is_an_error_of_the_output_and_leaves_nothing() {
    let source = Clip { width: 640, height: 480, frames: 25, ..Clip::default() }.encoded("-c:v libx264 -bf 0", "mp4");
    for (line, named) in [
        ("encode {} -o {}/out.mkv --video ffv1", "out.mkv"),
        ("encode {} -o {}/out.mp4 --lossless --preset ultrafast", "out.mp4"),
        ("ingest {} -o {} --profile vod", "vod"),
    ] {
        let folder = folder();
        let line = line.replacen("{}", &source.display().to_string(), 1);
        let line = line.replacen("{}", &folder.path().display().to_string(), 1);
        let mut shell = Command::new("bash");
        shell.arg("-c").arg(format!("ulimit -f 16; exec {} {line}", env!("CARGO_BIN_EXE_trix")));
        let ran = watch(shell);
        assert_eq!(ran.code, Some(5), "{ran:?}");
        assert!(ran.err.contains("File too large") && ran.err.contains(named), "{ran:?}");
        assert_eq!(names(folder.path()), [""; 0], "{ran:?}");
    }
}

#[test]
fn a_folder_that_vanishes_ends_the_job_early_and_is_named() {
    let source = Clip { width: 640, height: 480, frames: 250, ..Clip::default() }.encoded("-c:v libx264 -bf 0", "mp4");
    let folder = folder();
    let within = folder.path().join("within");
    fs::create_dir(&within).expect("a folder");
    let output = within.join("out.mkv");
    let running = start(command("encode {} -o {} --preset placebo --threads 1", &[&source, &output]));
    let began = Instant::now();
    while names(&within).is_empty() {
        assert!(began.elapsed() < Duration::from_secs(20), "the job does not begin");
        thread::sleep(Duration::from_millis(10));
    }
    fs::remove_dir_all(&within).expect("a folder can be removed");
    let removed = Instant::now();
    let ran = finish(running);
    assert!(ran.refused(5, &output).contains("gone"), "{ran:?}");
    assert!(removed.elapsed() < Duration::from_secs(5), "noticed only after {:?}", removed.elapsed());
    assert!(!within.exists());
}

/// File names that are legal: percent signs, text like a pattern, bytes that are not UTF-8.
fn odd_names() -> Vec<OsString> {
    let names: [&[u8]; 5] = [b"100% a.mp4", b"x%04d.mp4", b"caf\xe9.mp4", b"%s\xff%n.mp4", b"a:b %%.mp4"];
    names.into_iter().map(|name| OsString::from_vec(name.to_vec())).collect()
}

#[test]
fn files_of_any_name_are_encoded_ingested_and_reported() {
    for name in odd_names() {
        let folder = folder();
        let odd = folder.path().join(OsStr::from_bytes(b"in %d\xfe"));
        fs::create_dir(&odd).expect("a folder");
        let source = odd.join(&name);
        fs::copy(self::source(), &source).expect("a copy");
        for extension in ["mkv", "mp4"] {
            let output = source.with_extension(format!("copy.{extension}"));
            let line = "encode {} -o {} --preset ultrafast --json";
            let report = trix(line, &[&source, &output]).done().json();
            let stated = report["source"].as_str().map(path_text::from_text);
            assert_eq!(stated.as_deref(), Some(source.as_path()), "the report names its source");
            let stated = report["outputs"][0]["path"].as_str().map(path_text::from_text);
            assert_eq!(stated.as_deref(), Some(output.as_path()), "and its output");
            assert_eq!(decodable(&output), 30);
        }
        let made = folder.path().join(OsStr::from_bytes(b"made%d\xe9"));
        trix("ingest {} -o {} --profile preview --json", &[&source, &made]).done();
        let stem = source.file_stem().expect("a stem").as_bytes();
        let preview = made.join(OsStr::from_bytes(&[stem, b".preview.mp4"].concat()));
        assert_eq!(decodable(&preview), 30);
        let vtt = made.join(OsStr::from_bytes(&[stem, b".sprites.vtt"].concat()));
        let text = fs::read_to_string(vtt).expect("a WebVTT file is UTF-8");
        let address: String = stem.iter().fold(String::new(), |text, byte| match byte {
            b'a'..=b'z' | b'0'..=b'9' => text + std::str::from_utf8(&[*byte]).expect("ASCII"),
            other => text + &format!("%{other:02X}"),
        });
        assert!(text.contains(&format!("\n{address}.sprites.jpg#xywh=")), "{text}");
    }
}

#[test]
fn an_external_track_may_have_any_name() {
    let folder = folder();
    let audio = folder.path().join(OsStr::from_bytes(b"t\xf6ne 50%.wav"));
    program::run(
        "ffmpeg",
        "-v error -f lavfi -i sine=440:d=1.2:r=48000".split(' ').map(OsStr::new).chain([audio.as_os_str()]),
    );
    let made = folder.path().join("made");
    let track = OsString::from_vec([audio.as_os_str().as_bytes(), b":lang=deu"].concat());
    trix("ingest {} -o {} --profile preview --audio {}", &[&source(), &made, Path::new(&track)]).done();
    let preview = made.join(source().with_extension("preview.mp4").file_name().expect("a name"));
    let said = program::text(&program::run(
        "ffprobe",
        ["-v", "error", "-select_streams", "a", "-show_entries", "stream_tags=language", "-of", "csv=p=0"]
            .map(OsStr::new)
            .into_iter()
            .chain([preview.as_os_str()]),
    ));
    assert_eq!(said.trim(), "deu");
}

#[test]
fn sequences_may_have_percent_signs_and_any_bytes_in_their_names() {
    for (before, pattern) in [
        (&b"100%."[..], &b"100%.%03d.png"[..]),
        (b"100%.", b"100%%.%03d.png"),
        (b"a%%.", b"a%%.%03d.png"),
        (b"a%%.", b"a%%%%.%03d.png"),
        (b"c\xe9 %s.", b"c\xe9 %s.%03d.png"),
    ] {
        let folder = folder();
        let source = Clip { width: 32, height: 32, frames: 4, format: "rgb24", ..Clip::default() };
        program::ffmpeg(&format!("{} {}/plain.%03d.png", source.lavfi(), folder.path().display()));
        for number in 1..=4 {
            let name = [before, format!("{number:03}.png").as_bytes()].concat();
            let plain = folder.path().join(format!("plain.{number:03}.png"));
            fs::rename(plain, folder.path().join(OsStr::from_bytes(&name))).expect("a name");
        }
        let source = folder.path().join(OsStr::from_bytes(pattern));
        let output = folder.path().join("out.mkv");
        let report = trix("encode {} -o {} --video ffv1 --json", &[&source, &output]).done().json();
        assert_eq!(report["outputs"][0]["ledger"]["emitted"], 4, "{}", source.display());
        assert_eq!(decodable(&output), 4);
    }
}

/// Returns hours, minutes, seconds and frames of each timecode that ffprobe finds in a file, and its drop-frame flag.
fn time_codes(file: &Path) -> Vec<(Vec<u32>, bool)> {
    let said = program::text(&program::run(
        "ffprobe",
        ["-v", "error", "-show_entries", "stream_tags=timecode:format_tags=timecode", "-of", "default=nk=1:nw=1"]
            .map(OsStr::new)
            .into_iter()
            .chain([file.as_os_str()]),
    ));
    let read = |line: &str| {
        let parts = line.split([':', ';']).map(|part| part.parse().expect("a number")).collect();
        (parts, line.contains(';'))
    };
    said.lines().map(read).collect()
}

#[test]
fn time_codes_of_fast_films_are_carried() {
    for (rate, text, frames) in [
        ("48", "10:20:30:45", [10, 20, 30, 45]),
        ("50", "10:20:30:45", [10, 20, 30, 45]),
        ("60000/1001", "10:20:00;04", [10, 20, 0, 4]),
        ("96", "10:20:30:95", [10, 20, 30, 95]),
        ("100", "10:20:30:99", [10, 20, 30, 99]),
        ("120", "10:20:30:119", [10, 20, 30, 119]),
        ("120000/1001", "10:21:00;08", [10, 21, 0, 8]),
        ("120000/1001", "10:20:30:45", [10, 20, 30, 45]),
        ("240", "10:20:30:200", [10, 20, 30, 200]),
    ] {
        let clip = Clip { rate, frames: 24, width: 64, height: 48, ..Clip::default() };
        let drop = text.contains(';');
        for from in ["mov", "mkv", "mp4"] {
            let (source, set) = match from {
                "mov" => {
                    (clip.encoded(&format!("-r {rate} -c:v libx264 -bf 0 -timecode {text}"), "mov"), String::new())
                }
                "mkv" => (
                    clip.encoded(&format!("-r {rate} -c:v libx264 -bf 0 -metadata timecode={text}"), "mkv"),
                    String::new(),
                ),
                _ => (
                    clip.encoded(&format!("-r {rate} -c:v libx264 -bf 0"), "mp4"),
                    format!("--metadata timecode={text}"),
                ),
            };
            for to in ["mov", "mp4", "mkv"] {
                let folder = folder();
                let output = folder.path().join(format!("out.{to}"));
                let ran = trix(&format!("encode {{}} -o {{}} --preset ultrafast {set}"), &[&source, &output]);
                ran.done();
                let found = time_codes(&output);
                assert!(!found.is_empty(), "{from} to {to} at {rate}: {ran:?}");
                for found in found {
                    assert_eq!(found, (frames.to_vec(), drop), "{from} to {to} at {rate}");
                }
            }
        }
    }
}

#[test]
fn time_codes_of_mxf_go_both_ways() {
    for (rate, text, frames) in
        [("50", "10:20:30:45", [10, 20, 30, 45]), ("60000/1001", "10:20:01;45", [10, 20, 1, 45])]
    {
        let clip = Clip { rate, frames: 24, width: 64, height: 48, ..Clip::default() };
        let source = clip.encoded(&format!("-c:v libx264 -bf 0 -timecode {text}"), "mxf");
        let folder = folder();
        for to in ["mov", "mxf"] {
            let output = folder.path().join(format!("out.{to}"));
            trix("encode {} -o {} --preset ultrafast --param bframes=0", &[&source, &output]).done();
            let found = time_codes(&output);
            assert!(!found.is_empty() && found.iter().all(|found| found.0 == frames), "{to}: {found:?}");
        }
    }
}

#[test]
fn a_time_code_that_is_not_carried_is_named() {
    let clip = Clip { frames: 50, width: 320, height: 180, ..Clip::default() };
    let source = clip.encoded("-c:v libx264 -bf 0 -timecode 10:20:30:12", "mov");
    let folder = folder();
    let made = folder.path().join("vod");
    let ran = trix("ingest {} -o {} --profile vod --set vod_preset=ultrafast", &[&source, &made]);
    let stated = |text: &str| text.lines().filter(|line| line.contains("time code 10:20:30:12")).count();
    assert_eq!(stated(&ran.done().out), 1, "{}", ran.out);
    for options in ["--fps 30", "--video none --audio none", "-o {}"] {
        let line = match options {
            "-o {}" => "encode {} -o {}.ts --preset ultrafast --overwrite".to_owned(),
            _ => format!("encode {{}} -o {{}}.mov --preset ultrafast --overwrite {options}"),
        };
        let base = folder.path().join("out");
        let line = line.replacen("{}", &source.display().to_string(), 1).replacen("{}", &base.display().to_string(), 1);
        let ran = trix(&line, &[]);
        if ran.code == Some(0) {
            assert_eq!(stated(&ran.out), 1, "{line}: {}", ran.out);
        } else {
            assert_eq!(ran.code, Some(2), "{line}: {ran:?}");
        }
    }
    // In MPEG-2, GOP headers have a timecode.
    let tape = clip.encoded("-c:v mpeg2video -timecode 10:20:30:12", "ts");
    let ran = trix("encode {} -o {} --preset ultrafast", &[&tape, &folder.path().join("tape.mov")]);
    assert_eq!(stated(&ran.done().out), 1, "{}", ran.out);
    // In MOV, the number of frames per second is stored in one byte.
    let fast = Clip { rate: "300", frames: 12, width: 64, height: 48, ..Clip::default() };
    let fast = fast.encoded("-c:v libx264 -bf 0 -metadata timecode=10:20:30:12", "mkv");
    let ran = trix("encode {} -o {} --preset ultrafast", &[&fast, &folder.path().join("fast.mov")]);
    assert_eq!(stated(&ran.done().out), 1, "{}", ran.out);
}
