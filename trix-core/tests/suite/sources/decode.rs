//! Tests that the reader yields the same frames as the `ffmpeg` program, sample by sample, for real files of many
//! origins, intact and damaged.

use std::{
    io::Read,
    path::Path,
    process::{Child, Command, Stdio},
};

use trix_core::{Error, ErrorKind, OnDamage, Source, plan::Cut, reading::reader::FrameReader};
use trix_fixtures::{Clip, media, program};

use crate::support::planes;

/// Files without decodable video, with the kind of the error.
const REFUSED: &[(&str, ErrorKind)] = &[
    // Raw planes without a header: nothing in the file states their size.
    ("sparks_ref_480x270.yuv42010le.yuv", ErrorKind::Unsupported),
    // Audio only.
    ("sample_eac3joc.mp4", ErrorKind::Unsupported),
];

/// Files with damage that the decoder detects.
const DAMAGED: &[&str] = &["corrupted.mp4", "no_timescale.mp4", "sample_with_invalid_nalu.mp4"];

/// Files with RGB and alpha. The reader does not return their samples as planes, so the test counts frames.
const OPAQUE: &[&str] = &["png.mov"];

fn reader(file: &Path, on_damage: OnDamage, threads: u32) -> Result<FrameReader, Error> {
    FrameReader::new(Source::open(file)?, on_damage, Cut::default(), None, threads)
}

/// Starts `ffmpeg`, which writes the planes of every frame of the first video stream to its standard output. It does
/// not drop, duplicate, rotate or scale frames.
fn foreign(file: &Path, threads: u32) -> Child {
    let threads = threads.to_string();
    Command::new("ffmpeg")
        .args(["-nostdin", "-v", "quiet", "-threads", &threads, "-noautorotate"])
        .args(program::uncropped().split_whitespace())
        .arg("-i")
        .arg(file)
        .args("-map 0:v:0 -fps_mode passthrough -noautoscale -f rawvideo -".split(' '))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("ffmpeg runs")
}

/// Compares all frames and returns their sizes.
fn compare(file: &Path, on_damage: OnDamage, threads: u32) -> Vec<(usize, usize)> {
    let name = file.display();
    let mut reader = reader(file, on_damage, threads).unwrap_or_else(|error| panic!("{error}"));
    let mut ffmpeg = foreign(file, threads);
    let mut theirs = ffmpeg.stdout.take().expect("a pipe");
    let mut sizes = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap_or_else(|error| panic!("{error}")) {
        let planes = frame.frame.planes();
        assert!(!planes.is_empty(), "{name}: a frame without planes");
        assert_eq!(frame.number, sizes.len() as u64, "{name}: frames are numbered from zero");
        let mut expected = Vec::new();
        for (index, plane) in planes.iter().enumerate() {
            expected.resize(plane.row_bytes() * plane.height, 0);
            let read = theirs.read_exact(&mut expected);
            assert!(read.is_ok(), "{name}: ffmpeg has only {} frames", sizes.len());
            for (row, (ours, theirs)) in plane.rows().zip(expected.chunks(plane.row_bytes())).enumerate() {
                assert!(ours == theirs, "{name}: frame {}, plane {index}, row {row} differs", frame.number);
            }
        }
        sizes.push((frame.frame.width(), frame.frame.height()));
    }
    let mut rest = Vec::new();
    theirs.read_to_end(&mut rest).expect("the pipe can be read");
    assert_eq!(rest.len(), 0, "{name}: ffmpeg has more than {} frames", sizes.len());
    ffmpeg.wait().expect("ffmpeg ends");
    sizes
}

/// Reads until the end or the first error. Returns the number of frames.
fn count(file: &Path, on_damage: OnDamage) -> Result<u64, Error> {
    let mut reader = reader(file, on_damage, 0)?;
    let mut count = 0;
    while reader.next_frame()?.is_some() {
        count += 1;
    }
    Ok(count)
}

fn name(file: &Path) -> &str {
    file.file_name().and_then(|name| name.to_str()).expect("a name")
}

/// Every second intact file, starting with file `first`. Two tests share the files, because they run in parallel.
fn whole_files(first: usize) -> Vec<std::path::PathBuf> {
    let mut files = media::files();
    files.retain(|file| {
        let name = name(file);
        !DAMAGED.contains(&name) && !OPAQUE.contains(&name) && !REFUSED.iter().any(|(refused, _)| *refused == name)
    });
    files.into_iter().skip(first).step_by(2).collect()
}

fn decode_like_ffmpeg(files: Vec<std::path::PathBuf>) {
    for file in files {
        let sizes = compare(&file, OnDamage::Fail, 0);
        assert!(!sizes.is_empty(), "{}: no frame", file.display());
    }
}

#[test]
fn real_files_decode_to_the_planes_that_ffmpeg_decodes() {
    decode_like_ffmpeg(whole_files(0));
}

#[test]
fn more_real_files_decode_to_the_planes_that_ffmpeg_decodes() {
    decode_like_ffmpeg(whole_files(1));
}

#[test]
fn a_stream_that_changes_its_size_yields_frames_of_both() {
    let Some(file) = media::file("test_res_change.h264") else { return };
    let mut sizes = compare(&file, OnDamage::Fail, 0);
    sizes.dedup();
    assert!(sizes.len() > 1, "only {sizes:?}");
}

#[test]
fn files_without_decodable_frames_are_refused_by_kind() {
    for &(name, kind) in REFUSED {
        let Some(file) = media::file(name) else { return };
        match count(&file, OnDamage::Fail) {
            Ok(count) => panic!("{name}: {count} frames"),
            Err(error) => assert_eq!(error.kind(), kind, "{error}"),
        }
    }
}

#[test]
fn frames_that_are_not_ycbcr_are_counted_like_ffmpeg_counts_them() {
    for name in OPAQUE {
        let Some(file) = media::file(name) else { return };
        let pixels = 320 * 240 * 4;
        assert_eq!(count(&file, OnDamage::Fail).unwrap(), (planes(&file).len() / pixels) as u64, "{name}");
    }
}

#[test]
fn damage_is_an_error_that_names_file_and_stream() {
    for name in DAMAGED {
        let Some(file) = media::file(name) else { return };
        let error = count(&file, OnDamage::Fail).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::MalformedInput, "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn concealed_damage_decodes_as_in_ffmpeg_and_is_reported() {
    for name in DAMAGED {
        let Some(file) = media::file(name) else { return };
        // With several threads, concealment depends on what other threads have decoded so far.
        assert!(!compare(&file, OnDamage::Conceal, 1).is_empty(), "{name}: no frame");
        let mut reader = reader(&file, OnDamage::Conceal, 1).unwrap();
        while reader.next_frame().unwrap().is_some() {}
        assert!(!reader.damage().is_empty(), "{name}: nothing reported");
    }
}

#[test]
fn synthesised_codecs_decode_to_the_planes_that_ffmpeg_decodes() {
    for (format, options, extension) in [
        ("yuv422p10le", "-c:v prores_ks -profile:v 3", "mov"),
        ("yuv422p", "-c:v dnxhd -profile:v dnxhr_hq", "mxf"),
        ("yuv422p", "-c:v mpeg2video -flags +ildct+ilme -bf 2 -q:v 3", "mxf"),
        ("yuv444p12le", "-c:v ffv1 -level 3 -g 1", "mkv"),
        ("gray16le", "-c:v ffv1 -level 3", "mkv"),
        ("yuv420p", "-c:v libx264 -preset fast -bf 3", "ts"),
        ("yuv420p10le", "-c:v libx265 -preset ultrafast", "mp4"),
    ] {
        let clip = Clip { width: 320, height: 192, frames: 12, ..Clip::of(format) };
        let sizes = compare(&clip.encoded(options, extension), OnDamage::Fail, 0);
        assert_eq!(sizes, vec![(320, 192); 12], "{options}");
    }
}

#[test]
fn threads_of_the_decoder_do_not_change_frames() {
    let file = Clip::default().encoded("-c:v libx264 -preset medium", "mp4");
    for threads in [1, 2, 4] {
        assert_eq!(compare(&file, OnDamage::Fail, threads).len(), 30);
    }
}
