//! A job opens its source once, and each file of external audio once: for its conditions, its plan and its run together.

use std::{fs, mem::MaybeUninit, path::Path};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use trix_core::{
    Control,
    document::{Document, Language, Resolved},
    run_opened,
};
use trix_fixtures::{folder, program};

/// Counts how often `files` are opened during `work`. The kernel joins equal events in a row, so reads are watched too.
fn openings(files: &[&Path], work: impl FnOnce()) -> Vec<usize> {
    let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).expect("inotify");
    let watched = files.iter().map(|file| inotify::add_watch(&watch, *file, WatchFlags::OPEN | WatchFlags::ACCESS));
    let watched: Vec<i32> = watched.map(|number| number.expect("a watch")).collect();
    work();
    let mut opened = vec![0; files.len()];
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut events = Reader::new(&watch, &mut buffer);
    while let Ok(event) = events.next() {
        assert!(!event.events().contains(ReadFlags::QUEUE_OVERFLOW), "events are lost");
        if let Some(number) = watched.iter().position(|own| *own == event.wd()) {
            opened[number] += usize::from(event.events().contains(ReadFlags::OPEN));
        }
    }
    opened
}

#[test]
fn a_job_opens_each_of_its_files_once() {
    let folder = folder();
    let [film, left, right, dub] =
        ["film.mkv", "left.wav", "right.wav", "dub.m4a"].map(|name| folder.path().join(name));
    let tone = |file: &Path, frequency: u32, options: &str| {
        let input = format!("-f lavfi -i sine=frequency={frequency}:sample_rate=48000:duration=2");
        program::ffmpeg(&format!("{input} {options} {}", file.display()));
    };
    tone(&left, 440, "");
    tone(&right, 660, "");
    tone(&dub, 880, "-c:a aac");
    let video = "-f lavfi -i testsrc2=size=160x90:rate=25:duration=2 -c:v libx264 -preset ultrafast";
    program::ffmpeg(&format!("{video} {}", film.display()));
    let text = format!(
        r#"
        source = {{ path = "{}" }}
        hash = true
        [[tracks]]
        inputs = [{{ path = "{}" }}, {{ path = "{}" }}]
        layout = "stereo"
        loudness = {{ integrated_lufs = -23.0 }}
        [[tracks]]
        path = "{}"
        [[outputs]]
        path = "a.mkv"
        video = {{ type = "x264", preset = "ultrafast", rate = {{ type = "bitrate", kbps = 300, passes = 2 }} }}
        audio = {{ type = "auto" }}
        [[outputs]]
        path = "b.mkv"
        when = {{ channels = ">=2" }}
        video = {{ type = "copy" }}
        audio = {{ type = "flac" }}
        "#,
        film.display(),
        left.display(),
        right.display(),
        dub.display()
    );
    let out = folder.path().join("out");
    fs::create_dir(&out).expect("a folder");
    let opened = openings(&[&film, &left, &right, &dub], || {
        let document = Document::parse(&text, Language::Toml, &[]).unwrap_or_else(|error| panic!("{error}"));
        let Resolved { job, source, .. } = document.resolve(Some(&out)).unwrap_or_else(|error| panic!("{error}"));
        let report = run_opened(&job, source, &Control::default()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(report.outputs.len(), 2);
    });
    assert_eq!(opened, [1; 4]);
}
