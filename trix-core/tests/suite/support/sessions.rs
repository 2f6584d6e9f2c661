//! Sessions for tests. A session can repeat a job with the frames and audio of its source, or write computed frames and
//! audio.

use std::{
    fs,
    path::{Path, PathBuf},
};

use trix_core::{
    AudioBlock, Control, Error, ErrorKind, Job, PlaneInput, Report, Session, Source, VideoFrame,
    media::{
        PixelFormat,
        color::{Color, Matrix, Range},
        time::{Rational, Timestamp},
    },
    settings::{
        job::{OutputSettings, SourceSettings},
        shape::{Shape, TrackShape, VideoShape},
        track::Disposition,
        video::VideoSettings,
    },
};

pub const RATE: Rational = Rational::new(25, 1);

pub fn named(folder: &tempfile::TempDir, name: &str) -> PathBuf {
    folder.path().join(name)
}

/// The names in a folder, including hidden ones.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

pub fn refused<T>(result: Result<T, Error>, kind: ErrorKind, message: &str) {
    let error = result.err().expect("a refusal");
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(message), "{error}");
}

pub fn begun(job: &Job, shape: &Shape) -> Session {
    Session::open(job, shape, &Control::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// The same job without a source.
pub fn without_source(job: &Job) -> Job {
    Job { source: SourceSettings::default(), ..job.clone() }
}

/// Writes the outputs of `job` with a session, from the frames of its source and the audio tracks in these languages.
pub fn given(job: &Job, languages: &[&str]) -> Report {
    let source = Source::open(&job.source.path).unwrap();
    let mut frames = source.frames().map(Result::unwrap).peekable();
    let streams: Vec<usize> = (0..languages.len()).map(|track| track + 1).collect();
    let mut tracks: Vec<_> =
        streams.iter().map(|stream| source.samples().stream(*stream).map(Result::unwrap).peekable()).collect();
    let mut audio = Vec::new();
    for (track, language) in tracks.iter_mut().zip(languages) {
        let shape = TrackShape::of(track.peek().expect("audio")).unwrap();
        let language = Some((*language).to_owned()).filter(|language| !language.is_empty());
        // In Matroska, ffmpeg marks the first of several audio tracks as default.
        let disposition = if audio.is_empty() && languages.len() > 1 { vec![Disposition::Default] } else { Vec::new() };
        audio.push(TrackShape { language, disposition, bits: Some(24), ..shape });
    }
    let video = VideoShape::of(frames.peek().expect("a frame"), RATE).unwrap();
    let mut session = begun(&without_source(job), &Shape { video: Some(video), audio, ..Shape::default() });
    for frame in frames {
        let time = frame.time;
        session.write_frame(frame).unwrap_or_else(|error| panic!("{error}"));
        for (number, track) in tracks.iter_mut().enumerate() {
            while let Some(block) = track.next_if(|block| block.time <= time) {
                session.write_audio_to(number, block).unwrap_or_else(|error| panic!("{error}"));
            }
        }
    }
    for (number, track) in tracks.into_iter().enumerate() {
        track.for_each(|block| session.write_audio_to(number, block).unwrap_or_else(|error| panic!("{error}")));
    }
    session.finish().unwrap_or_else(|error| panic!("{error}"))
}

/// A job that writes grey frames losslessly, and the shape of its session.
pub fn grey(path: &Path) -> (Job, Shape) {
    let output =
        OutputSettings { path: path.to_owned(), video: VideoSettings::Ffv1(Default::default()), ..Default::default() };
    let format = PixelFormat::from_name("gray").expect("a format");
    let color = Color { matrix: Matrix(1), range: Range::Full, ..Color::default() };
    let video = VideoShape { color, ..VideoShape::new(64, 48, format, RATE) };
    (Job { outputs: vec![output], ..Job::default() }, Shape { video: Some(video), ..Shape::default() })
}

/// Grey frame number `number`.
pub fn frame(number: i64) -> VideoFrame {
    let samples = vec![number as u8; 64 * 48];
    let format = PixelFormat::from_name("gray").expect("a format");
    let time = Timestamp::new(number, RATE.inverse());
    VideoFrame::from_planes(format, 64, 48, &[PlaneInput::bytes(&samples, 64)], time).unwrap()
}

/// The stereo audio at 48 kHz for frame `number`, one frame long.
pub fn block(number: i64) -> AudioBlock {
    audio(number, 1920)
}

/// A stereo block at 48 kHz with `samples` samples that begins at frame `number`.
pub fn audio(number: i64, samples: usize) -> AudioBlock {
    let first = 1920 * number;
    let wave: Vec<i16> = (0..samples as i64).map(|at| (((first + at) * 37) % 20_000 - 10_000) as i16).collect();
    AudioBlock::from_samples(&[&wave, &wave], "stereo", 48_000, Timestamp::new(first, Rational::new(1, 48_000)))
        .unwrap()
}
