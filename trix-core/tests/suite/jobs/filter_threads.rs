//! Several frames are converted at once, in the order and with the bytes of one after the other.

use std::{fs, path::Path};

use trix_core::{
    Control, Job, Plan, Source,
    error::ErrorKind,
    media::time::Rational,
    plan, run,
    settings::{
        job::OutputSettings,
        picture::{Crop, Deinterlace, FrameRate, OnChange, PictureSettings, Rectangle, Tonemap},
        video::{EncodeSettings, Encoder, Ffv1Settings, Size, VideoSettings},
    },
};
use trix_fixtures::{Clip, folder};

use super::chunk_filters::with_change_of_size;
use crate::support::video_job;

/// A job that encodes `source` without loss, once for each of `pictures`.
fn job(source: &Path, folder: &Path, pictures: Vec<PictureSettings>) -> Job {
    let mut job = video_job(source, Path::new(""), Encoder::Ffv1, EncodeSettings::default());
    let first = job.outputs.remove(0);
    let outputs = pictures.into_iter().enumerate();
    job.outputs = outputs
        .map(|(number, picture)| OutputSettings {
            path: folder.join(format!("{number}.mkv")),
            picture,
            ..first.clone()
        })
        .collect();
    job
}

fn planned(job: &Job, threads: u32) -> Plan {
    let mut plan =
        plan(job, &Source::open(&job.source.path).expect("a source")).unwrap_or_else(|error| panic!("{error}"));
    plan.filter_threads = threads;
    plan.overwrite();
    plan
}

/// Asserts that `job` gives the same files and the same account with one thread for filters and with several.
fn same_with_threads(job: &Job) {
    let made = |threads: u32| {
        let report = run(&planned(job, threads), &Control::default()).unwrap_or_else(|error| panic!("{error}"));
        let files: Vec<Vec<u8>> = job.outputs.iter().map(|output| fs::read(&output.path).expect("a file")).collect();
        let accounts: Vec<_> = report.outputs.into_iter().map(|output| (output.ledger, output.changes)).collect();
        (files, accounts)
    };
    let (files, accounts) = made(1);
    for threads in [2, 5] {
        let (other, also) = made(threads);
        assert_eq!(accounts, also, "{threads} threads");
        for (number, (one, several)) in files.iter().zip(&other).enumerate() {
            assert!(one == several, "output {number} has other bytes with {threads} threads");
        }
    }
}

fn size(width: i32, height: i32) -> PictureSettings {
    PictureSettings { size: Some(Size { width, height }), ..PictureSettings::default() }
}

#[test]
fn every_conversion_gives_the_same_frames_on_any_number_of_threads() {
    let clip = Clip { frames: 40, ..Clip::default() };
    let source = clip.encoded("-pix_fmt yuv422p10le -c:v ffv1", "mkv");
    let folder = folder();
    let pictures = vec![
        PictureSettings::default(),
        size(96, 54),
        size(320, 320),
        PictureSettings { pad: Some(Size { width: 200, height: 180 }), ..size(96, 54) },
        PictureSettings {
            crop: Crop::Rectangle(Rectangle { width: 120, height: 80, left: 6, top: 8 }),
            ..PictureSettings::default()
        },
        PictureSettings { rate: Some(FrameRate(Rational::new(30, 1))), ..size(96, 54) },
        PictureSettings { rate: Some(FrameRate(Rational::new(10, 1))), ..size(64, 36) },
    ];
    let mut job = job(&source, folder.path(), pictures);
    for (number, depth) in [(1, 8), (2, 12)] {
        job.outputs[number].video = VideoSettings::Ffv1(Ffv1Settings { depth: Some(depth), ..Default::default() });
    }
    same_with_threads(&job);
    job.scale_from_larger = true;
    same_with_threads(&job);
}

#[test]
fn fields_are_the_same_on_any_number_of_threads() {
    let clip = Clip { frames: 40, ..Clip::default() };
    let source = clip.encoded("-vf setfield=tff -flags +ildct+ilme -c:v mpeg2video -q:v 2", "mkv");
    let folder = folder();
    let [off, on, fields] = [Deinterlace::Off, Deinterlace::On, Deinterlace::Fields];
    let pictures = vec![
        PictureSettings { deinterlace: off, ..PictureSettings::default() },
        PictureSettings { deinterlace: on, ..size(96, 54) },
        PictureSettings { deinterlace: fields, ..PictureSettings::default() },
        PictureSettings { deinterlace: fields, ..size(96, 54) },
    ];
    same_with_threads(&job(&source, folder.path(), pictures));
}

#[test]
fn light_opacity_and_turns_are_the_same_on_any_number_of_threads() {
    let folder = folder();
    let clip = Clip { frames: 12, ..Clip::default() };
    let bright = clip.encoded(
        "-pix_fmt yuv420p10le -c:v ffv1 -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc",
        "mkv",
    );
    let toned = PictureSettings { tonemap: Tonemap::Hable, ..size(96, 54) };
    same_with_threads(&job(&bright, folder.path(), vec![toned]));
    let clear = clip.encoded("-vf format=yuva444p,geq=lum=lum(X\\,Y):cb=128:cr=128:a=X -c:v ffv1", "mkv");
    same_with_threads(&job(&clear, folder.path(), vec![size(96, 54), PictureSettings::default()]));
    let turned = clip.encoded("-c:v libx264 -qp 10 -metadata:s:v:0 rotate=90", "mov");
    same_with_threads(&job(&turned, folder.path(), vec![PictureSettings::default(), size(54, 96)]));
}

#[test]
fn films_shorter_than_the_threads_and_changes_of_size_are_whole() {
    let folder = folder();
    for frames in [1, 2, 3] {
        let source = Clip { frames, ..Clip::default() }.y4m();
        same_with_threads(&job(&source, folder.path(), vec![size(96, 54)]));
    }
    let source = with_change_of_size(folder.path());
    same_with_threads(&job(&source, folder.path(), vec![size(100, 60), PictureSettings::default()]));
    let refused = PictureSettings { on_change: OnChange::Refuse, ..size(100, 60) };
    let job = job(&source, folder.path(), vec![refused]);
    let said = [1, 5].map(|threads| {
        let error = run(&planned(&job, threads), &Control::default()).expect_err("a change");
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        error.to_string()
    });
    assert_eq!(said[0], said[1]);
    assert!(said[0].contains("00:00:02.520"), "{}", said[0]);
}
