//! Tests that subtitles of every format, chapters, tags, dispositions, attachments and timecodes reach the output, or
//! that the report names what is lost.

use std::{
    fs,
    path::{Path, PathBuf},
};

use trix_core::{
    Control, ErrorKind, Job, Report,
    media::time::{Rational, Timestamp},
    run_job,
    settings::{audio::AudioSettings, subtitle::SubtitleSettings, video::VideoSettings},
};
use trix_fixtures::{clip::made, folder, program};

use crate::support::{done, ffprobe, made_by_ffmpeg, mediainfo, number, quick, text};

/// Subtitles with letters beyond ASCII, commas, several lines, and gaps. The second and the third event overlap.
const EVENTS: [(i64, i64, &str); 4] =
    [(200, 600, "Grüße, Welt"), (800, 1400, "one, two"), (1100, 1700, "drei\nvier"), (1700, 1900, "Конец")];

fn clock(millis: i64) -> String {
    format!("00:00:{:02},{:03}", millis / 1000, millis % 1000)
}

fn srt() -> PathBuf {
    made("words.srt", |path| {
        let event = |(index, (start, end, text)): (usize, &(i64, i64, &str))| {
            format!("{}\n{} --> {}\n{text}\n\n", index + 1, clock(*start), clock(*end))
        };
        fs::write(path, EVENTS.iter().enumerate().map(event).collect::<String>()).expect("a fixture");
    })
}

/// Makes two seconds of MPEG-2, which most containers hold. `options` apply to what comes from `inputs`.
fn film(name: &str, inputs: &str, options: &str) -> PathBuf {
    made_by_ffmpeg(
        name,
        &format!("-f lavfi -i testsrc2=size=64x64:rate=25 {inputs} -map 0 -t 2 -c:v mpeg2video {options}"),
    )
}

/// The same subtitles in each text codec, in a container that holds it.
fn subtitled(codec: &str) -> PathBuf {
    let extension = if codec == "mov_text" { "mp4" } else { "mkv" };
    // MP4 text events cannot overlap. This test does not check how the program resolves that.
    let words = srt();
    film(
        &format!("words-{codec}.{extension}"),
        &format!("-i {}", words.display()),
        &format!("-map 1 -c:s {codec} -metadata:s:s:0 language=ger -disposition:s:0 forced"),
    )
}

/// Returns, for each millisecond at which the text changes, the lines on screen.
fn shown(events: &[(i64, i64, String)]) -> Vec<(i64, String)> {
    let mut instants: Vec<i64> = events.iter().flat_map(|(start, end, _)| [*start, *end]).collect();
    instants.sort_unstable();
    instants.dedup();
    let mut list: Vec<(i64, String)> = Vec::new();
    for at in instants {
        let lines: Vec<&str> = events
            .iter()
            .filter(|(start, end, _)| (*start..*end).contains(&at))
            .flat_map(|(_, _, text)| text.lines())
            .collect();
        let lines = lines.join("|");
        if list.last().is_none_or(|(_, last)| *last != lines) {
            list.push((at, lines));
        }
    }
    list
}

/// Returns the events of subtitle track `track` as the `ffmpeg` program reads them, without markup.
fn events(file: &Path, track: usize) -> Vec<(i64, i64, String)> {
    let srt = program::text(&program::ffmpeg(&format!("-i {} -map 0:s:{track} -f srt -", file.display())));
    let millis = |text: &str| -> i64 {
        let mut parts = text.trim().split([':', ',']).map(|part| part.parse::<i64>().expect("a time"));
        let mut next = || parts.next().expect("a part of a time");
        ((next() * 60 + next()) * 60 + next()) * 1000 + next()
    };
    srt.replace('\r', "")
        .split("\n\n")
        .filter(|block| !block.trim().is_empty())
        .map(|block| {
            let mut lines = block.trim_start().lines().skip(1);
            let (start, end) = lines.next().and_then(|line| line.split_once("-->")).expect("times");
            let mut words = lines.collect::<Vec<_>>().join("\n");
            while let (Some(from), Some(to)) = (words.find('<'), words.find('>')) {
                words.replace_range(from..=to, "");
            }
            (millis(start), millis(end), words)
        })
        .collect()
}

fn job(source: &Path, output: &Path) -> Job {
    let mut job = Job::new(source, output);
    job.outputs[0].video = VideoSettings::Copy;
    job
}

/// Returns all notes and decisions of a report.
fn remarks(report: &Report) -> String {
    let decisions =
        report.outputs[0].plan.decisions.iter().map(|decision| format!("{}: {}", decision.what, decision.why));
    report.outputs[0].plan.notes.iter().cloned().chain(decisions).collect::<Vec<_>>().join("\n")
}

#[test]
fn subtitle_text_is_kept_from_every_format_to_every_other() {
    let folder = folder();
    let expected = shown(&EVENTS.map(|(start, end, text)| (start, end, text.to_owned())));
    for from in ["subrip", "ass", "webvtt", "mov_text"] {
        let source = subtitled(from);
        let before = shown(&events(&source, 0));
        if from != "mov_text" {
            assert_eq!(before.len(), expected.len(), "{from}: {before:?}");
        }
        for (to, settings, extension) in [
            ("subrip", SubtitleSettings::Subrip, "mkv"),
            ("ass", SubtitleSettings::Ass, "mkv"),
            ("webvtt", SubtitleSettings::Webvtt, "mkv"),
            ("mov_text", SubtitleSettings::MovText, "mp4"),
            ("mov_text", SubtitleSettings::MovText, "mov"),
        ] {
            let output = folder.path().join(format!("{from}-{to}")).with_extension(extension);
            let mut job = job(&source, &output);
            job.outputs[0].subtitles = settings;
            done(&job);
            let what = format!("{from} to {to} in {extension}");
            let stream = ffprobe(&output, "-select_streams s -show_streams")["streams"][0].clone();
            assert_eq!(text(&stream["codec_name"]), to, "{what}");
            assert_eq!(text(&stream["tags"]["language"]), "ger", "{what}");
            let after = shown(&events(&output, 0));
            // ASS counts hundredths of a second, and the program prints milliseconds.
            let near = |a: i64, b: i64| (a - b).abs() <= 10;
            assert_eq!(after.len(), before.len(), "{what}: {after:?}");
            for ((at, words), (should, expected)) in after.iter().zip(&before) {
                assert!(near(*at, *should), "{what}: {at} for {should}");
                assert_eq!(words, expected, "{what} at {at}");
            }
        }
    }
}

#[test]
fn text_becomes_what_the_container_holds_and_the_report_says_so() {
    let folder = folder();
    for (from, extension, codec) in [
        ("subrip", "mp4", Some("mov_text")),
        ("ass", "mov", Some("mov_text")),
        ("mov_text", "mkv", Some("subrip")),
        ("ass", "mkv", Some("ass")),
        ("webvtt", "ts", None),
        ("subrip", "mxf", None),
    ] {
        let output = folder.path().join(from).with_extension(extension);
        let report = done(&job(&subtitled(from), &output));
        let streams =
            ffprobe(&output, "-select_streams s -show_streams")["streams"].as_array().expect("streams").clone();
        let found: Vec<String> = streams.iter().map(|stream| text(&stream["codec_name"])).collect();
        assert_eq!(found, codec.into_iter().collect::<Vec<_>>(), "{from} in {extension}");
        let named = remarks(&report).contains("stream 1") && remarks(&report).contains(from);
        assert!(codec == Some(from) || named, "{from} in {extension}: {}", remarks(&report));
    }
    let output = folder.path().join("none.mkv");
    let mut none = job(&subtitled("subrip"), &output);
    none.outputs[0].subtitles = SubtitleSettings::None;
    let report = done(&none);
    assert!(
        report.outputs[0].plan.notes.is_empty(),
        "what was asked for is no loss: {:?}",
        report.outputs[0].plan.notes
    );
    assert_eq!(ffprobe(&output, "-select_streams s -show_streams")["streams"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_cut_clips_subtitles_and_chapters_to_its_span() {
    let folder = folder();
    let at = |millis: i64| Some(Timestamp::new(millis, Rational::new(1, 1000)));
    let list = made("parts.ffmeta", |path| {
        let part = |(start, end, title): (i64, i64, &str)| {
            format!("[CHAPTER]\nTIMEBASE=1/1000\nSTART={start}\nEND={end}\ntitle={title}\n")
        };
        let parts = [(0, 900, "first"), (900, 1500, "second"), (1500, 2000, "third")].map(part);
        fs::write(path, format!(";FFMETADATA1\n{}", parts.concat())).expect("a fixture");
    });
    let words = srt();
    let source = film(
        "parts.mkv",
        &format!("-i {} -f ffmetadata -i {}", words.display(), list.display()),
        "-map 1 -c:s srt -map_chapters 2",
    );
    for extension in ["mkv", "mp4", "mov"] {
        let output = folder.path().join("cut").with_extension(extension);
        let mut job = Job::new(&source, &output);
        job.outputs[0].video = VideoSettings::X264(quick(""));
        job.outputs[0].audio = AudioSettings::None;
        (job.source.start, job.source.duration) = (at(1000), at(600));
        done(&job);
        let expected = [(0, 400, "one, two"), (100, 600, "drei\nvier")];
        let expected = expected.map(|(start, end, text)| (start, end, text.to_owned()));
        assert_eq!(shown(&events(&output, 0)), shown(&expected), "{extension}");
        let chapters = ffprobe(&output, "-show_chapters")["chapters"].as_array().expect("chapters").clone();
        let found: Vec<(f64, f64, String)> = chapters
            .iter()
            .map(|chapter| {
                (number(&chapter["start_time"]), number(&chapter["end_time"]), text(&chapter["tags"]["title"]))
            })
            .collect();
        assert_eq!(found, [(0.0, 0.5, "second".into()), (0.5, 0.6, "third".into())], "{extension}");
    }
}

#[test]
fn chapters_are_read_back_by_foreign_programs() {
    let list = made("chapters.ffmeta", |path| {
        let text = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=800\ntitle=Début\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=800\n\
                    END=2000\ntitle=Ende\n";
        fs::write(path, text).expect("a fixture");
    });
    let source = film("chapters.mkv", &format!("-f ffmetadata -i {}", list.display()), "-map_chapters 1");
    let web = made_by_ffmpeg(
        "chapters.webm",
        &format!(
            "-f lavfi -i testsrc2=size=64x64:rate=25:d=2 -f ffmetadata -i {} -map 0 -map_chapters 1 -c:v libvpx-vp9 -cpu-used 8",
            list.display()
        ),
    );
    let folder = folder();
    for (source, extension) in [(&source, "mp4"), (&source, "mov"), (&source, "mkv"), (&web, "webm")] {
        let output = folder.path().join("chapters").with_extension(extension);
        done(&job(source, &output));
        let chapters = ffprobe(&output, "-show_chapters")["chapters"].as_array().expect("chapters").clone();
        let found: Vec<(f64, String)> =
            chapters.iter().map(|chapter| (number(&chapter["start_time"]), text(&chapter["tags"]["title"]))).collect();
        assert_eq!(found, [(0.0, "Début".to_owned()), (0.8, "Ende".to_owned())], "{extension}");
        let menus = mediainfo(&output, "Menu");
        let menu = menus.iter().map(ToString::to_string).collect::<String>();
        for words in ["00_00_00_000", "Début", "00_00_00_800", "Ende"] {
            assert!(menu.contains(words), "{words} in {extension} by mediainfo: {menu}");
        }
    }
    for extension in ["ts", "mxf"] {
        let job = job(&source, &folder.path().join("chapters").with_extension(extension));
        assert!(remarks(&done(&job)).contains("2 chapters are not carried over"), "{extension}");
    }
}

/// Returns the tags that each container can hold, each with a valid value.
fn tags_of(extension: &str) -> Vec<&'static str> {
    match extension {
        "mp4" => vec![
            "title",
            "artist",
            "album_artist",
            "composer",
            "album",
            "date",
            "comment",
            "genre",
            "copyright",
            "grouping",
            "lyrics",
            "description",
            "synopsis",
            "show",
            "episode_id",
            "network",
            "keywords",
            "season_number",
            "track",
            "disc",
            "creation_time",
        ],
        "mov" => vec![
            "title",
            "artist",
            "album",
            "date",
            "comment",
            "genre",
            "copyright",
            "make",
            "model",
            "location",
            "creation_time",
        ],
        "mkv" => vec!["title", "artist", "comment", "isrc", "a_name_of_ones_own", "creation_time"],
        "ts" => vec!["title", "service_provider"],
        _ => vec!["material_package_name"],
    }
}

#[test]
fn tags_are_set_copied_and_taken_away() {
    let folder = folder();
    let source = film("plain.mkv", "", "");
    for extension in ["mp4", "mov", "mkv", "ts", "mxf"] {
        let first = folder.path().join("tags").with_extension(extension);
        let mut set = job(&source, &first);
        let tags = tags_of(extension);
        for key in &tags {
            let value = match *key {
                "creation_time" => "2020-02-29T12:00:00Z".to_owned(),
                "track" | "disc" => "3/12".to_owned(),
                "season_number" => "7".to_owned(),
                key => format!("Wert von {key}"),
            };
            set.outputs[0].metadata.insert((*key).to_owned(), value);
        }
        done(&set);
        let json = ffprobe(&first, "-show_format -show_programs").to_string().to_lowercase();
        for (key, value) in &set.outputs[0].metadata {
            let key = if extension == "ts" && key == "title" { "service_name" } else { key };
            let value = value.trim_end_matches('z').trim_end_matches('Z').to_lowercase();
            assert!(json.contains(&format!("\"{key}\":\"{value}")), "{key} in {extension}: {json}");
        }
        if extension == "mxf" {
            continue;
        }
        // Copied to the same container, without one of the tags.
        let second = folder.path().join("copied").with_extension(extension);
        let mut copied = job(&first, &second);
        copied.outputs[0].metadata.insert("title".into(), String::new());
        let report = done(&copied);
        assert!(!remarks(&report).contains("no place"), "{extension}: {}", remarks(&report));
        let expected: Vec<&str> = tags.iter().copied().filter(|key| *key != "title").collect();
        for key in expected {
            assert!(report.outputs[0].plan.metadata.metadata.contains_key(key), "{key} of {extension}");
        }
        if extension != "ts" {
            assert!(!report.outputs[0].plan.metadata.metadata.contains_key("title"), "{extension}");
        }
        // If the job asks for a tag that the container cannot hold, that is a mistake. If the source has such a tag, a
        // note names it.
        let third = folder.path().join("third.mxf");
        let mut lost = job(&first, &third);
        if extension == "mkv" {
            assert!(remarks(&done(&lost)).contains("isrc"), "{extension}");
        }
        lost.outputs[0].metadata.insert("isrc".into(), "x".into());
        let error = run_job(&lost, &Control::default()).expect_err("MXF has no such place");
        assert_eq!(error.kind(), ErrorKind::InvalidSpec);
        assert!(error.to_string().contains("metadata.isrc"), "{error}");
    }
}

#[test]
fn dispositions_are_kept_where_the_container_has_them_and_reported_elsewhere() {
    let folder = folder();
    let all = ["dub", "original", "comment", "forced", "hearing_impaired", "visual_impaired", "clean_effects"];
    for purpose in all {
        let source = folder.path().join(format!("{purpose}.mkv"));
        // Matroska cannot hold all of them, but NUT can.
        let source = source.with_extension("nut");
        program::ffmpeg(&format!(
            "-f lavfi -i testsrc2=size=64x64:rate=25 -f lavfi -i sine=sample_rate=48000 -t 0.4 -map 0 -map 1 \
             -c:v mpeg2video -c:a ac3 -metadata:s:a language=eng -disposition:a:0 {purpose} {}",
            source.display()
        ));
        let known = text(&ffprobe(&source, "-select_streams a -show_entries stream_disposition").to_string().into());
        if !known.contains(&format!("\"{purpose}\":1")) {
            continue;
        }
        for (extension, held) in [
            ("mp4", &["dub", "comment", "forced", "hearing_impaired", "visual_impaired"][..]),
            ("mov", &[]),
            ("mkv", &["dub", "original", "comment", "forced", "hearing_impaired", "visual_impaired"]),
            ("ts", &["hearing_impaired", "visual_impaired", "clean_effects"]),
        ] {
            let output = folder.path().join(purpose).with_extension(extension);
            let report = done(&job(&source, &output));
            let found =
                ffprobe(&output, "-select_streams a -show_streams")["streams"][0]["disposition"][purpose].as_u64();
            let holds = held.contains(&purpose);
            assert_eq!(found, Some(u64::from(holds)), "{purpose} in {extension}");
            assert_eq!(remarks(&report).contains(&format!("purpose {purpose}")), !holds, "{purpose} in {extension}");
        }
    }
}

#[test]
fn fonts_and_covers_are_carried_where_there_is_a_place() {
    let font = made("font.ttf", |path| fs::write(path, b"\0\x01\0\0 no real font, but its bytes").expect("a fixture"));
    let cover = made_by_ffmpeg("cover.png", "-f lavfi -i color=red:size=16x16 -frames:v 1");
    let folder = folder();
    let source = film(
        "attached.mkv",
        "",
        &format!(
            "-attach {} -metadata:s:t:0 mimetype=font/ttf -metadata:s:t:0 filename=font.ttf -attach {} \
             -metadata:s:t:1 mimetype=image/png -metadata:s:t:1 filename=cover.png",
            font.display(),
            cover.display()
        ),
    );
    for extension in ["mkv", "mp4", "mov", "ts"] {
        let output = folder.path().join("attached").with_extension(extension);
        let report = done(&job(&source, &output));
        let streams = ffprobe(&output, "-show_streams")["streams"].as_array().expect("streams").clone();
        let attached = streams.iter().find(|stream| stream["disposition"]["attached_pic"].as_u64() == Some(1));
        assert_eq!(attached.is_some(), matches!(extension, "mkv" | "mp4"), "{extension}");
        if let Some(attached) = attached {
            let line = format!("-i {} -map 0:{} -c copy -f image2pipe -", output.display(), attached["index"]);
            let found = program::ffmpeg(&line).stdout;
            assert!(found == fs::read(&cover).expect("the cover"), "{extension}: the cover differs");
        } else {
            assert!(remarks(&report).contains("cover image"), "{extension}: {}", remarks(&report));
        }
        if extension == "mkv" {
            let dumped = folder.path().join("dumped.ttf");
            let options = ["-v", "error", "-y", "-dump_attachment:t:0"].map(std::ffi::OsString::from);
            let rest = [dumped.clone().into(), "-i".into(), output.clone().into()];
            program::attempt("ffmpeg", options.into_iter().chain(rest));
            assert_eq!(fs::read(dumped).expect("the font"), fs::read(&font).expect("the font"));
        } else {
            assert!(remarks(&report).contains("font.ttf"), "{extension}: {}", remarks(&report));
        }
    }
}

#[test]
fn attachments_and_tags_are_written_alike_every_time() {
    let font = made("same.ttf", |path| fs::write(path, b"some bytes").expect("a fixture"));
    let words = srt();
    let source = film(
        "same.mkv",
        &format!("-i {}", words.display()),
        &format!(
            "-map 1 -c:s srt -metadata title=x -attach {} -metadata:s:t:0 mimetype=font/ttf -metadata:s:t:0 filename=a.ttf",
            font.display()
        ),
    );
    let folder = folder();
    for extension in ["mkv", "mp4", "mov", "ts", "mxf"] {
        let [one, two] = ["one", "two"].map(|name| {
            let output = folder.path().join(name).with_extension(extension);
            done(&job(&source, &output));
            fs::read(output).expect("the output")
        });
        assert!(one == two, "{extension}");
    }
}

#[test]
fn time_code_is_carried_and_moves_on_with_a_cut() {
    let folder = folder();
    let at = |num: i64, den: i64| Some(Timestamp::new(num, Rational::new(1, den)));
    for (name, rate, code, start, frames, later) in [
        ("pal", "25", "10:59:59:20", at(1, 1), 25, "11:00:00:20"),
        ("ntsc", "30000/1001", "00:00:59;20", at(1001, 3000), 10, "00:01:00;02"),
        ("film", "24000/1001", "01:00:00:00", at(1, 2), 12, "01:00:00:12"),
    ] {
        let source = made_by_ffmpeg(
            &format!("timecode-{name}.mov"),
            &format!("-f lavfi -i testsrc2=size=64x64:rate={rate} -t 2 -c:v mpeg2video -timecode {code}"),
        );
        for extension in ["mov", "mp4", "mkv", "mxf"] {
            let output = folder.path().join(name).with_extension(extension);
            done(&job(&source, &output));
            let remarks_of = |output: &Path| {
                let json = ffprobe(output, "-show_streams -show_format");
                let streams = json["streams"].as_array().expect("streams").clone();
                let mut codes: Vec<String> = streams.iter().map(|stream| text(&stream["tags"]["timecode"])).collect();
                codes.extend(["timecode", "TIMECODE"].map(|key| text(&json["format"]["tags"][key])));
                codes.retain(|code| !code.is_empty());
                codes.dedup();
                codes
            };
            assert_eq!(remarks_of(&output), [code], "{name} in {extension}");
            let by_mediainfo = program::text(&program::run("mediainfo", [Path::new("--Output=JSON"), &output]));
            assert!(
                by_mediainfo.contains(&format!("\"TimeCode_FirstFrame\":\"{code}\"")) || by_mediainfo.contains(code),
                "{name} in {extension}"
            );

            let cut = folder.path().join(format!("{name}-cut")).with_extension(extension);
            let mut job = Job::new(&source, &cut);
            job.outputs[0].audio = AudioSettings::None;
            job.outputs[0].video = VideoSettings::X264(quick("bframes=0"));
            job.source.start = start;
            let report = done(&job);
            assert_eq!(
                report.outputs[0].ledger.map(|ledger| ledger.dropped_before_start),
                Some(frames),
                "{name} in {extension}"
            );
            assert_eq!(remarks_of(&cut), [later], "{name}, cut, in {extension}");
        }
        let report = done(&job(&source, &folder.path().join(name).with_extension("ts")));
        assert!(remarks(&report).contains(code), "{name} in ts: {}", remarks(&report));
    }
}

/// Makes bitmap subtitles of a Blu-ray (PGS): one small image from 0.2 s to 1.2 s.
fn pgs() -> PathBuf {
    made("box.sup", |path| {
        let mut file = Vec::new();
        let mut segment = |millis: u32, kind: u8, data: &[u8]| {
            file.extend(b"PG");
            file.extend((millis * 90).to_be_bytes());
            file.extend([0; 4]);
            file.push(kind);
            file.extend((data.len() as u16).to_be_bytes());
            file.extend(data);
        };
        // Composition: 64x64, epoch start, object 0 in window 0 at (8, 40).
        segment(200, 0x16, &[0, 64, 0, 64, 0x10, 0, 0, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0, 40]);
        segment(200, 0x17, &[1, 0, 0, 8, 0, 40, 0, 16, 0, 8]);
        segment(200, 0x14, &[0, 0, 1, 235, 128, 128, 255]);
        // Eight rows, each with a run of 16 samples of colour 1 and an end of line.
        let lines = [0x00, 0x90, 0x01, 0x00, 0x00].repeat(8);
        let head = [0, 0, 0, 0xc0, 0, 0, lines.len() as u8 + 4, 0, 16, 0, 8];
        segment(200, 0x15, &[&head[..], &lines].concat());
        segment(200, 0x80, &[]);
        segment(1200, 0x16, &[0, 64, 0, 64, 0x10, 0, 1, 0, 0, 0, 0]);
        segment(1200, 0x17, &[1, 0, 0, 8, 0, 40, 0, 16, 0, 8]);
        segment(1200, 0x80, &[]);
        fs::write(path, file).expect("a fixture");
    })
}

#[test]
fn bitmap_subtitles_go_to_matroska_and_are_reported_elsewhere() {
    let folder = folder();
    let sup = pgs();
    for (codec, encoder) in [("hdmv_pgs_subtitle", "copy"), ("dvb_subtitle", "dvbsub"), ("dvd_subtitle", "dvdsub")] {
        let first = film(
            &format!("{codec}-untimed.mkv"),
            &format!("-i {}", sup.display()),
            &format!("-map 1 -c:s {encoder} -s:s 64x64"),
        );
        // ffmpeg writes bitmap subtitles without an end time, so they are one second apart and last one second.
        let source = made_by_ffmpeg(
            &format!("{codec}.mkv"),
            &format!("-i {} -map 0 -c copy -bsf:s setts=ts=200+N*1000:duration=1000", first.display()),
        );
        let packets = |file: &Path| {
            let line = format!("-i {} -map 0:s -c copy -f framehash -hash md5 -", file.display());
            let list = program::text(&program::ffmpeg(&line));
            let hash = |line: &str| line.rsplit(',').next().map(|hash| hash.trim().to_owned());
            list.lines().filter(|line| !line.starts_with('#')).filter_map(hash).collect::<Vec<_>>()
        };
        for extension in ["mkv", "mp4", "mov", "ts", "mxf"] {
            let output = folder.path().join(codec).with_extension(extension);
            let report = done(&job(&source, &output));
            let held = extension == "mkv" || (codec, extension) == ("dvb_subtitle", "ts");
            assert_eq!(report.outputs[0].plan.metadata.subtitles.len(), usize::from(held), "{codec} in {extension}");
            let named = remarks(&report).contains(&format!("stream 1 ({codec})"));
            assert_eq!(named, !held, "{codec} in {extension}: {}", remarks(&report));
            if extension == "mkv" {
                assert_eq!(packets(&output), packets(&source), "{codec}");
                assert!(!packets(&output).is_empty(), "{codec}");
            }
        }
    }
}

#[test]
fn titles_of_tracks_are_read_by_other_parsers_in_every_container_that_holds_them() {
    let words = srt();
    let source = film(
        "titled.mkv",
        &format!("-f lavfi -i sine=d=2 -i {}", words.display()),
        "-map 1 -map 2 -c:a flac -c:s subrip -metadata:s:v:0 title=Film -metadata:s:a:0 title=Дубляж \
         -metadata:s:a:0 language=rus -metadata:s:s:0 title=Slova",
    );
    let folder = folder();
    for (extension, subtitles) in
        [("mp4", SubtitleSettings::MovText), ("mov", SubtitleSettings::MovText), ("mkv", SubtitleSettings::Copy)]
    {
        let output = folder.path().join(format!("titled.{extension}"));
        let mut job = Job::new(&source, &output);
        job.outputs[0].video = VideoSettings::X264(quick(""));
        job.outputs[0].audio = AudioSettings::Aac { kbps: None };
        job.outputs[0].subtitles = subtitles;
        done(&job);
        let stated = ffprobe(&output, "-show_streams");
        // libavformat returns the handler name of an MP4 track as its title.
        let key = if extension == "mkv" { "title" } else { "handler_name" };
        let titles: Vec<String> =
            stated["streams"].as_array().expect("streams").iter().map(|stream| text(&stream["tags"][key])).collect();
        assert_eq!(titles, ["Film", "Дубляж", "Slova"], "{extension}");
        assert_eq!(text(&mediainfo(&output, "Video")[0]["Title"]), "Film", "{extension}");
        // In MOV, mediainfo reads letters beyond ASCII as MacRoman.
        if extension != "mov" {
            assert_eq!(text(&mediainfo(&output, "Audio")[0]["Title"]), "Дубляж", "{extension}");
        }
    }
}
