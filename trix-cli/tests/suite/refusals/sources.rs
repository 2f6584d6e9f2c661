//! Tests that Trix rejects an unreadable media file at once with one message, and leaves nothing behind.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
};

use trix_fixtures::{
    Clip,
    clip::made,
    folder, media,
    program::{self, ffmpeg},
};

use crate::support::{self, Dice, encode, file, trix, words};

/// Asserts that every command that reads a source rejects this one with `code`, and that the message contains `why`.
fn every_command_refuses(source: &Path, code: i32, why: &str) {
    let encoded = encode(source, "");
    assert!(encoded.refused(code).contains(why), "{why}: {:?}", encoded.ran);
    for line in ["probe {}", "probe --count {}", "verify {}"] {
        let ran = trix(line, &[source]);
        assert!(ran.refused(code, source).contains(why), "{line}, {why}: {ran:?}");
    }
    let whole = Clip::default().y4m();
    trix("compare {} {}", &[source, &whole]).refused(code, source);
    trix("compare {} {}", &[&whole, source]).refused(code, source);
}

#[test]
fn a_missing_file_is_an_input_error() {
    let folder = folder();
    every_command_refuses(&folder.path().join("absent.mp4"), 5, "No such file");
}

#[test]
fn a_directory_is_an_input_error() {
    let folder = folder();
    every_command_refuses(folder.path(), 5, "is a directory");
}

#[test]
fn a_pipe_is_refused_without_waiting_for_a_writer() {
    let folder = folder();
    let pipe = folder.path().join("pipe.mp4");
    program::run("mkfifo", [&pipe]);
    every_command_refuses(&pipe, 5, "no regular file");
    every_command_refuses(Path::new("/dev/zero"), 5, "no regular file");
}

#[test]
fn an_unreadable_file_is_an_input_error() {
    let folder = folder();
    let source = folder.path().join("secret.mp4");
    fs::copy(Clip::default().encoded("-c:v libx264", "mp4"), &source).expect("a copy");
    fs::set_permissions(&source, Permissions::from_mode(0o0)).expect("permissions");
    // Without capabilities, file modes apply to root as well.
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-all", "--inh-caps=-all", env!("CARGO_BIN_EXE_trix")]);
    command.args(words("probe {}", &[&source]));
    assert!(support::watch(command).refused(5, &source).contains("Permission denied"));
}

#[test]
fn an_empty_file_is_malformed() {
    let folder = folder();
    for name in ["empty.mp4", "empty.mkv", "empty.y4m", "empty"] {
        every_command_refuses(&file(&folder, name, ""), 3, "empty");
    }
}

#[test]
fn text_is_malformed() {
    let folder = folder();
    let text = "A letter, not a film.\n".repeat(400);
    for name in ["letter.txt", "letter.mp4", "letter.mkv", "letter.mov", "letter.ts", "letter.y4m", "letter.264"] {
        encode(&file(&folder, name, &text), "").refused(3);
        let source = file(&folder, name, "?");
        trix("probe {}", &[&source]).refused(3, &source);
    }
}

#[test]
fn random_bytes_are_malformed_whatever_their_name() {
    let folder = folder();
    let mut dice = Dice(1);
    for extension in ["mp4", "mkv", "mov", "ts", "mxf", "h264", "265", "m2v", "y4m", "dat"] {
        for round in 0..3 {
            let bytes: Vec<u8> = (0..60_000).map(|_| dice.roll() as u8).collect();
            let source = file(&folder, &format!("noise-{round}.{extension}"), bytes);
            encode(&source, "").refused(3);
            // A raw stream has no header, so random bytes can look like one. Trix must never accept them as intact.
            let counted = trix("verify {}", &[&source]);
            assert!([Some(3), Some(4)].contains(&counted.code), "{}: {counted:?}", source.display());
        }
    }
}

#[test]
fn a_header_alone_is_malformed() {
    let folder = folder();
    let sources = [
        Clip::default().encoded("-c:v libx264 -movflags +faststart", "mp4"),
        Clip::of("yuv422p10le").encoded("-c:v prores_ks -movflags +faststart", "mov"),
        Clip::default().encoded("-c:v libx264", "mkv"),
        Clip::of("yuv422p").encoded("-c:v mpeg2video -qscale:v 2", "mxf"),
        Clip::default().encoded("-c:v libx264", "ts"),
        Clip::default().y4m(),
    ];
    for source in sources {
        let bytes = fs::read(&source).expect("a fixture");
        let name = source.file_name().expect("a name").to_string_lossy().into_owned();
        for length in [1, 16, 100, 188, 700] {
            let cut = file(&folder, &format!("{length}-{name}"), &bytes[..length]);
            encode(&cut, "").refused(3);
            encode(&cut, "--on-damage conceal").refused(3);
            let probed = trix("probe {}", &[&cut]);
            assert!([Some(0), Some(3)].contains(&probed.code), "{}: {probed:?}", cut.display());
        }
    }
}

#[test]
fn playlists_and_scripts_are_refused_wherever_they_point() {
    let local = Clip::default().encoded("-c:v libx264", "ts");
    let here = local.display().to_string();
    for target in [here.as_str(), "http://127.0.0.1:9/a.ts", "file:///etc/passwd", "a.ts"] {
        let folder = folder();
        fs::copy(&local, folder.path().join("a.ts")).expect("a copy");
        let m3u8 = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.2,\n{target}\n#EXT-X-ENDLIST\n");
        let concat = format!("ffconcat version 1.0\nfile '{target}'\n");
        let sdp = format!(
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns={target}\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n\
             a=rtpmap:96 H264/90000\n"
        );
        let mpd = format!(
            "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" \
             mediaPresentationDuration=\"PT1S\" profiles=\"urn:mpeg:dash:profile:isoff-on-demand:2011\"><Period>\
             <AdaptationSet mimeType=\"video/mp4\"><Representation id=\"0\" bandwidth=\"1\"><BaseURL>{target}</BaseURL>\
             </Representation></AdaptationSet></Period></MPD>\n"
        );
        let scripts = [("list.m3u8", &m3u8), ("list.ffconcat", &concat), ("list.sdp", &sdp), ("list.mpd", &mpd)];
        for (name, text) in scripts {
            let script = file(&folder, name, text);
            let message = encode(&script, "").refused(3).to_owned();
            assert!(message.contains("playlist or script"), "{message}");
            // The content decides, not the file name.
            let disguised = file(&folder, &format!("{name}.mp4"), text);
            let message = encode(&disguised, "").refused(3).to_owned();
            assert!(message.contains("playlist or script"), "{message}");
        }
    }
}

#[test]
fn urls_and_patterns_are_read_as_names_of_missing_files() {
    for name in
        ["http://127.0.0.1:9/a.mp4", "concat:a.ts|b.ts", "pipe:0", "-", "frame%03d.png", "data:video/mp4;base64,A"]
    {
        every_command_refuses(Path::new(&format!("./{name}")), 5, "No such file");
    }
    let ran = trix("probe {}", &[Path::new("http://127.0.0.1:9/a.mp4")]);
    assert!(ran.refused(5, Path::new("http://127.0.0.1:9/a.mp4")).contains("No such file"), "{ran:?}");
}

#[test]
fn a_still_image_is_refused_as_a_video() {
    let image = made("still.png", |path| {
        ffmpeg(&format!("-f lavfi -i testsrc2=size=64x64 -frames:v 1 {}", path.display()));
    });
    every_command_refuses(&image, 3, "");
}

#[test]
fn more_streams_than_the_limit_are_refused() {
    let source = made("300-streams.mkv", |path| {
        let maps = "-map 0:v ".repeat(300);
        ffmpeg(&format!("-f lavfi -i color=size=16x16 {maps} -frames:v 1 -c:v ffv1 {}", path.display()));
    });
    // Some releases of libavformat ignore the streams above the limit. A limit is not damage, so no policy conceals it.
    for policy in ["", "--on-damage conceal"] {
        let encoded = encode(&source, policy);
        let message = encoded.refused(3);
        assert!(message.contains("more than 256 streams"), "{message}");
        assert_eq!(encoded.ran.json()["error"]["kind"], "limit");
    }
    let most = made("256-streams.mkv", |path| {
        let maps = "-map 0:v ".repeat(256);
        ffmpeg(&format!("-f lavfi -i color=size=16x16 {maps} -frames:v 1 -c:v ffv1 {}", path.display()));
    });
    encode(&most, "--preset ultrafast --audio none").holds(1);
}

#[test]
fn real_media_with_broken_structure_end_with_an_error_or_a_count() {
    for name in ["corrupted.mp4", "no_timescale.mp4", "sample_with_invalid_nalu.mp4", "test_res_change.h264"] {
        let Some(source) = media::file(name) else { return };
        let strict = encode(&source, "--preset ultrafast --audio none");
        if strict.ran.code != Some(0) {
            strict.refused(3);
        }
        let lenient = encode(&source, "--preset ultrafast --audio none --on-damage conceal");
        if lenient.ran.code == Some(0) {
            let report =
                lenient.holds(lenient.ran.json()["outputs"][0]["ledger"]["encoded"].as_u64().expect("a ledger"));
            let damaged = support::damage(&report) > 0;
            assert_eq!(damaged, strict.ran.code == Some(3), "{name}: both policies see the same damage");
        } else {
            lenient.refused(3);
        }
    }
}
