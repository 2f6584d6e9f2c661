//! Tests of frame geometry. Rotated, cropped, padded and scaled frames equal the result of arithmetic on the planes of
//! the source, sample by sample. Trix counts changes in mid-stream and reports their times.

use std::path::{Path, PathBuf};

use trix_core::{
    Control, ErrorKind, Job, run_job,
    settings::{
        picture::{Crop, OnChange, Rotate},
        video::{EncodeSettings, Encoder, RateControl, Size, VideoSettings},
    },
};
use trix_fixtures::{clip, folder, media, program};

use crate::support::{
    self, done, ffprobe,
    frames::{
        Dice, Grid, Planes, assert_equal, decisions, decoded, ffv1_job, filtered, format, joined, plan, psnr, refusal,
        through, written,
    },
    quick, text, video_job, video_stream,
};

/// Makes frames of noise.
fn noise(name: &str, width: usize, height: usize, count: u64) -> Vec<Planes> {
    let format = format(name);
    (0..count)
        .map(|number| {
            let mut dice = Dice::new(number + 1);
            (0..format.planes())
                .map(|plane| {
                    let (width, height) = format.plane_size(plane, width, height);
                    let samples = (0..width * height).map(|_| dice.below(1 << format.depth) as u16).collect();
                    Grid { width, height, samples }
                })
                .collect()
        })
        .collect()
}

/// Writes noise as an FFV1 file.
fn ffv1(folder: &Path, name: &str, (width, height): (usize, usize), options: &str) -> (PathBuf, Vec<Planes>) {
    let source_frames = noise(name, width, height, 2);
    let file = folder.join("noise.mkv");
    written(&file, &joined(&source_frames, name), name, (width, height), &format!("{options} -c:v ffv1 -level 3"));
    (file, source_frames)
}

/// Writes noise as lossless H.264 in MP4, with the matrix `[a, b, c, d]` (in units, not 16.16) in its track header.
fn turned_source(folder: &Path, name: &str, size: (usize, usize), matrix: [i32; 4]) -> (PathBuf, Vec<Planes>) {
    let source_frames = noise(name, size.0, size.1, 3);
    let file = folder.join("turned.mp4");
    let options = "-vf setsar=16/11 -c:v libx264 -preset ultrafast -qp 0";
    written(&file, &joined(&source_frames, name), name, size, options);
    clip::turn(&file, matrix);
    (file, source_frames)
}

/// Returns the position of the matrix in the first track header (ISO/IEC 14496-12, 8.3.2, version 0).
fn matrix_place(bytes: &[u8]) -> usize {
    bytes.windows(4).position(|window| window == b"tkhd").expect("a track header") + 44
}

/// Returns `a b c d` of the first track header.
fn matrix(file: &Path) -> [i32; 4] {
    let bytes = std::fs::read(file).unwrap();
    let at = matrix_place(&bytes);
    [0, 4, 12, 16].map(|place| i32::from_be_bytes(bytes[at + place..at + place + 4].try_into().unwrap()) >> 16)
}

/// Moves each sample from (x, y) to (a x + c y, b x + d y), shifted so that coordinates are not negative.
fn moved(grid: &Grid, [a, b, c, d]: [i32; 4]) -> Grid {
    let (w, h) = (grid.width as i32 - 1, grid.height as i32 - 1);
    let (right, down) = ((a * w).min(0) + (c * h).min(0), (b * w).min(0) + (d * h).min(0));
    let (width, height) = if a == 0 { (grid.height, grid.width) } else { (grid.width, grid.height) };
    let mut samples = vec![0; width * height];
    for y in 0..grid.height as i32 {
        for x in 0..grid.width as i32 {
            let (to_x, to_y) = (a * x + c * y - right, b * x + d * y - down);
            samples[to_y as usize * width + to_x as usize] = grid.at(x as usize, y as usize);
        }
    }
    Grid { width, height, samples }
}

/// All rotations by quarter turns, and reflections.
const ORIENTATIONS: [[i32; 4]; 8] = [
    [1, 0, 0, 1],
    [0, 1, -1, 0],
    [-1, 0, 0, -1],
    [0, -1, 1, 0],
    [-1, 0, 0, 1],
    [1, 0, 0, -1],
    [0, 1, 1, 0],
    [0, -1, -1, 0],
];

fn lossless() -> EncodeSettings {
    EncodeSettings { rate: Some(RateControl::Lossless), ..quick("") }
}

#[test]
fn all_eight_orientations_come_out_upright() {
    for matrix in ORIENTATIONS {
        let folder = folder();
        let (file, source_frames) = turned_source(folder.path(), "yuv420p", (48, 32), matrix);
        let output = folder.path().join("upright.mp4");
        let job = video_job(&file, &output, Encoder::X264, lossless());
        let report = done(&job);
        let upright = matrix == ORIENTATIONS[0];
        assert_eq!(decisions(&report.outputs[0].plan).contains("the container asks players"), !upright, "{matrix:?}");
        let stream = video_stream(&output);
        let sideways = matrix[0] == 0;
        let size = if sideways { (32, 48) } else { (48, 32) };
        assert_eq!((stream["width"].as_u64(), stream["height"].as_u64()), (Some(size.0), Some(size.1)));
        assert_eq!(text(&stream["sample_aspect_ratio"]), if sideways { "11:16" } else { "16:11" }, "{matrix:?}");
        assert!(stream["side_data_list"].is_null(), "{matrix:?}: {}", stream["side_data_list"]);
        let found = decoded(&output, "yuv420p", (size.0 as usize, size.1 as usize), "");
        assert_eq!(found.len(), source_frames.len());
        for (found, source) in found.iter().zip(&source_frames) {
            let expected: Planes = source.iter().map(|plane| moved(plane, matrix)).collect();
            assert_equal(found, &expected, &format!("{matrix:?}"));
        }
    }
}

#[test]
fn chroma_that_is_halved_in_width_alone_is_turned_without_a_change_of_colour() {
    for (name, options) in
        [("yuv422p", "-vf setparams=range=tv"), ("yuv422p10le", "-vf setparams=range=pc -color_range pc")]
    {
        let folder = folder();
        // Flat colours near the limits of the range, which a wrong range would change.
        let depth = format(name).depth - 8;
        let planes: Planes = (0..3)
            .map(|plane| {
                let (w, h) = format(name).plane_size(plane, 32, 48);
                Grid::new(w, h, |_, _| [240, 30, 220][plane] << depth)
            })
            .collect();
        let file = folder.path().join("turned.mp4");
        let options = format!("-c:v libx264 -preset ultrafast -qp 0 {options}");
        written(&file, &joined(&[planes], name), name, (32, 48), &options);
        clip::turn(&file, ORIENTATIONS[1]);
        let shots = filtered(&ffv1_job(&file));
        for (plane, grid) in shots[0].planes.iter().enumerate() {
            assert_eq!((grid.width, grid.height), if plane == 0 { (48, 32) } else { (24, 32) });
            assert!(grid.samples.iter().all(|&sample| sample == [240, 30, 220][plane] << depth), "{name}: {grid:?}");
        }
    }
}

#[test]
fn frames_kept_as_coded_have_a_display_matrix_where_the_container_has_one() {
    for orientation in ORIENTATIONS {
        let folder = folder();
        let (file, source_frames) = turned_source(folder.path(), "yuv420p", (48, 32), orientation);
        let others: &[&str] = if orientation == ORIENTATIONS[1] { &["mp4", "mov", "mkv"] } else { &["mp4"] };
        for &extension in others {
            let output = folder.path().join("coded").with_extension(extension);
            let mut job = video_job(&file, &output, Encoder::X264, lossless());
            job.outputs[0].picture.rotate = Rotate::Off;
            let report = done(&job);
            let stream = video_stream(&output);
            assert_eq!(text(&stream["sample_aspect_ratio"]), "16:11");
            for (found, source) in decoded(&output, "yuv420p", (48, 32), "").iter().zip(&source_frames) {
                assert_equal(found, source, extension);
            }
            if extension == "mkv" {
                let notes = report.outputs[0].plan.notes.join("\n");
                assert!(notes.contains("turned 90 degrees clockwise, and this container cannot say so"), "{notes}");
            } else {
                assert_eq!(matrix(&output), orientation, "{extension}");
            }
        }
    }
}

#[test]
fn real_files_with_rotation_come_out_upright() {
    let Some(file) = media::file("video_90.mov") else { return };
    let folder = folder();
    let output = folder.path().join("upright.mkv");
    let mut job = ffv1_job(&file);
    job.outputs[0].path = output.clone();
    done(&job);
    // The ffmpeg program rotates the frames by the matrix.
    let line = format!("-i {} -fps_mode passthrough -f rawvideo -", file.display());
    let expected = support::frames::split(&program::ffmpeg(&line).stdout, "yuv420p", 320, 568);
    let found = decoded(&output, "yuv420p", (320, 568), "");
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert_equal(found, expected, "video_90.mov");
    }
}

#[test]
fn a_cropped_frame_is_that_part_of_the_planes() {
    for (name, rectangle) in [
        ("yuv420p", "20x10+6+8"),
        ("yuv422p", "20x9+6+7"),
        ("yuv444p", "19x9+5+7"),
        ("gray", "19x9+5+7"),
        ("yuv420p10le", "48x2+0+30"),
        ("yuv422p10le", "2x32+46+0"),
        ("yuv444p12le", "1x1+47+31"),
        ("gbrp10le", "11x13+3+5"),
    ] {
        let folder = folder();
        let (file, source_frames) = ffv1(folder.path(), name, (48, 32), "");
        let mut job = ffv1_job(&file);
        let crop: Crop = rectangle.parse().unwrap();
        job.outputs[0].picture.crop = crop;
        let Crop::Rectangle(place) = crop else { panic!("no rectangle") };
        let shots = filtered(&job);
        assert_eq!(shots.len(), source_frames.len());
        for (shot, source) in shots.iter().zip(&source_frames) {
            let expected: Planes = source
                .iter()
                .map(|plane| {
                    let (x, y) = (48 / plane.width, 32 / plane.height);
                    plane.part(place.left / x, place.top / y, place.width / x, place.height / y)
                })
                .collect();
            assert_equal(&shot.planes, &expected, &format!("{name} {rectangle}"));
        }
    }
}

#[test]
fn a_rectangle_outside_or_between_samples_is_refused_with_its_place() {
    let folder = folder();
    let (file, _) = ffv1(folder.path(), "yuv420p", (48, 32), "");
    for (rectangle, problem) in [
        ("50x10+0+0", "must lie within 48x32"),
        ("40x10+10+0", "must lie within 48x32"),
        ("10x10+0+24", "must lie within 48x32"),
        ("0x10+0+0", "must lie within 48x32"),
        ("18446744073709551614x10+4+0", "must lie within 48x32"),
        ("20x10+5+0", "even numbers"),
        ("20x10+4+1", "even numbers"),
        ("21x10+4+0", "even numbers"),
        ("20x11+4+0", "even numbers"),
    ] {
        let mut job = ffv1_job(&file);
        job.outputs[0].picture.crop = rectangle.parse().unwrap();
        let said = refusal(&job);
        assert!(said.contains(&format!("picture.crop = {rectangle}")) && said.contains(problem), "{said}");
    }
}

/// A job for a clip that `ffmpeg` makes with `filters`.
fn clip(folder: &Path, filters: &str, frames: u32, options: &str) -> Job {
    let file = folder.join("clip.mkv");
    program::ffmpeg(&format!("-f lavfi -i {filters} -frames:v {frames} {options} -c:v ffv1 {}", file.display()));
    ffv1_job(&file)
}

#[test]
fn the_letterbox_is_found_and_cut_off() {
    for (filters, rectangle) in [
        ("testsrc2=s=128x72:r=25,format=yuv420p,pad=128:96:0:12", Some("128x72+0+12")),
        ("testsrc2=s=96x96:r=25,format=yuv422p,pad=128:96:16:0", Some("96x96+16+0")),
        ("testsrc2=s=128x72:r=25,format=yuv420p10le,pad=160:96:14:12", Some("128x72+14+12")),
        ("testsrc2=s=128x96:r=25,format=yuv420p", None),
    ] {
        let folder = folder();
        let mut job = clip(folder.path(), filters, 12, "");
        job.outputs[0].picture.crop = Crop::Auto;
        let plan = plan(&job).unwrap();
        let crop = plan.video.as_ref().expect("video").transform.crop;
        let expected = rectangle.map(|text| text.parse::<Crop>().unwrap());
        assert_eq!(crop.map(Crop::Rectangle), expected, "{filters}: {}", decisions(&plan));
        let what = rectangle.map_or("nothing is cropped: no black border".into(), |text| format!("cropped to {text}"));
        assert!(decisions(&plan).contains(&what), "{}", decisions(&plan));
    }
}

#[test]
fn black_frames_are_not_cropped_to_nothing() {
    let folder = folder();
    let mut job = clip(folder.path(), "color=black:s=64x48:r=25,format=yuv420p", 12, "");
    job.outputs[0].picture.crop = Crop::Auto;
    let plan = plan(&job).unwrap();
    assert_eq!(plan.video.as_ref().expect("video").transform.crop, None);
    assert!(decisions(&plan).contains("are black"), "{}", decisions(&plan));
}

#[test]
fn the_border_of_a_real_file_is_found() {
    let Some(file) = media::file("black.mp4") else { return };
    let mut job = ffv1_job(&file);
    job.outputs[0].picture.crop = Crop::Auto;
    let plan = plan(&job).unwrap();
    let crop = plan.video.as_ref().expect("video").transform.crop;
    assert_eq!(crop.map(Crop::Rectangle), Some("640x400+120+0".parse().unwrap()), "{}", decisions(&plan));
    // No frame has content outside of the crop, and the content reaches its edges.
    let brightest = |columns: std::ops::Range<usize>| {
        let lumas = through(&file, None).into_iter().map(|mut shot| shot.planes.remove(0));
        let samples = lumas.flat_map(|luma| luma.part(columns.start, 0, columns.len(), luma.height).samples);
        samples.max().unwrap()
    };
    assert!(brightest(0..120) <= 24 && brightest(760..880) <= 24);
    assert!(brightest(120..124) > 24 && brightest(756..760) > 24);
}

#[test]
fn padding_is_black_of_the_range_and_leaves_the_frame_alone() {
    for (name, range, size, black) in [
        ("yuv420p", "tv", "64x48", [16, 128, 128]),
        ("yuv420p", "pc", "64x48", [0, 128, 128]),
        ("yuv422p10le", "tv", "64x47", [64, 512, 512]),
        ("yuv422p10le", "pc", "66x33", [0, 512, 512]),
        ("yuv420p10le", "tv", "50x34", [64, 512, 512]),
        ("yuv444p12le", "pc", "49x33", [0, 2048, 2048]),
    ] {
        let folder = folder();
        let (file, source_frames) =
            ffv1(folder.path(), name, (48, 32), &format!("-vf setparams=range={range} -color_range {range}"));
        let mut job = ffv1_job(&file);
        let size: Size = size.parse().unwrap();
        job.outputs[0].picture.pad = Some(size);
        let (width, height) = (size.width as usize, size.height as usize);
        let layout = format(name);
        let (x, y) = layout.chroma.shift();
        // Centred, or as near to the centre as whole chroma samples allow, towards the upper left.
        let (left, top) = (((width - 48) / 2) >> x << x, ((height - 32) / 2) >> y << y);
        for (shot, source) in filtered(&job).iter().zip(&source_frames) {
            let expected: Planes = (0..3)
                .map(|plane| {
                    let (w, h) = layout.plane_size(plane, width, height);
                    let (left, top) = if plane == 0 { (left, top) } else { (left >> x, top >> y) };
                    let source = &source[plane];
                    Grid::new(w, h, |x, y| match (x.checked_sub(left), y.checked_sub(top)) {
                        (Some(x), Some(y)) if x < source.width && y < source.height => source.at(x, y),
                        _ => black[plane],
                    })
                })
                .collect();
            assert_equal(&shot.planes, &expected, &format!("{name} {range} {width}x{height}"));
        }
    }
}

#[test]
fn frames_that_filters_hold_back_are_padded_too() {
    let folder = folder();
    let mut job = clip(folder.path(), "testsrc2=s=64x48:r=25,format=yuv420p", 6, "");
    job.outputs[0].picture.deinterlace = trix_core::settings::picture::Deinterlace::Fields;
    job.outputs[0].picture.pad = Some("80x64".parse().unwrap());
    job.outputs[0].path = folder.path().join("padded.mkv");
    let report = done(&job);
    assert_eq!(report.outputs[0].ledger.unwrap().encoded, 12);
    for shot in filtered(&job) {
        assert_eq!((shot.planes[0].width, shot.planes[0].height), (80, 64), "frame {}", shot.number);
    }
}

#[test]
fn padding_to_less_than_the_size_of_the_frame_is_refused() {
    let folder = folder();
    let (file, _) = ffv1(folder.path(), "yuv420p", (48, 32), "");
    for size in ["46x32", "48x30", "-2x48"] {
        let mut job = ffv1_job(&file);
        job.outputs[0].picture.pad = Some(size.parse().unwrap());
        let said = refusal(&job);
        assert!(said.contains(&format!("picture.pad = {size}")), "{said}");
    }
    // 4:2:0 in x264 needs even sides.
    let mut job = ffv1_job(&file);
    job.outputs[0].video = VideoSettings::X264(quick(""));
    job.outputs[0].picture.pad = Some("51x33".parse().unwrap());
    assert!(refusal(&job).contains("even width and height"));
}

#[test]
fn a_scaled_frame_keeps_its_shape_on_the_screen() {
    // Sample aspect ratio, crop and requested size. The display aspect ratio stays that of the source.
    for (sar, crop, size, expected) in [
        ("12/11", "none", "88x72", "12:11"),
        ("12/11", "none", "176x72", "6:11"),
        ("1/1", "none", "128x96", "11:12"),
        ("1/1", "none", "100x-2", "1:1"),
        ("16/15", "88x144+44+0", "88x72", "8:15"),
        ("64/45", "none", "256x144", "44:45"),
    ] {
        let folder = folder();
        let mut job = clip(folder.path(), &format!("testsrc2=s=176x144:r=25,format=yuv420p,setsar={sar}"), 2, "");
        job.outputs[0].picture.crop = crop.parse().unwrap();
        job.outputs[0].path = folder.path().join("scaled.mp4");
        job.outputs[0].video = VideoSettings::X264(quick(""));
        job.outputs[0].picture.size = Some(size.parse().unwrap());
        done(&job);
        let stream = video_stream(&job.outputs[0].path);
        assert_eq!(text(&stream["sample_aspect_ratio"]), expected, "{sar} {crop} {size}");
    }
}

#[test]
fn transforms_follow_each_other_as_stated() {
    // Crop in coded coordinates, then rotate, then pad.
    let folder = folder();
    let (file, source_frames) = turned_source(folder.path(), "yuv420p", (48, 32), ORIENTATIONS[1]);
    let mut job = ffv1_job(&file);
    job.outputs[0].picture.crop = "40x20+8+4".parse().unwrap();
    job.outputs[0].picture.pad = Some("24x44".parse().unwrap());
    for (shot, source) in filtered(&job).iter().zip(&source_frames) {
        let expected: Planes = source
            .iter()
            .enumerate()
            .map(|(plane, grid)| {
                let (step, black) = if plane == 0 { (1, 16) } else { (2, 128) };
                let cut = grid.part(8 / step, 4 / step, 40 / step, 20 / step);
                let turned = moved(&cut, ORIENTATIONS[1]);
                Grid::new(24 / step, 44 / step, |x, y| match (x.checked_sub(2 / step), y.checked_sub(2 / step)) {
                    (Some(x), Some(y)) if x < turned.width && y < turned.height => turned.at(x, y),
                    _ => black,
                })
            })
            .collect();
        assert_equal(&shot.planes, &expected, "cut, turned and padded");
    }
}

#[test]
fn a_change_of_size_is_scaled_counted_and_placed() {
    let Some(file) = media::file("test_res_change.h264") else { return };
    let folder = folder();
    let output = folder.path().join("steady.mp4");
    let mut job = video_job(&file, &output, Encoder::X264, quick(""));
    let source = through(&file, None);
    let sizes: Vec<(usize, usize)> = source.iter().map(|shot| (shot.planes[0].width, shot.planes[0].height)).collect();
    let changes: Vec<usize> = (1..sizes.len()).filter(|&at| sizes[at] != sizes[at - 1]).collect();
    assert!(!changes.is_empty());

    let report = done(&job);
    assert_eq!(report.outputs[0].changes.len(), changes.len());
    for (change, &at) in report.outputs[0].changes.iter().zip(&changes) {
        assert_eq!(change.time.ticks, source[at].pts, "time of the change at frame {at}");
        let ((from_w, from_h), (to_w, to_h)) = (sizes[at - 1], sizes[at]);
        assert_eq!(change.from, format!("{from_w}x{from_h} yuv420p"));
        assert_eq!(change.to, format!("{to_w}x{to_h} yuv420p"));
    }
    let stream = video_stream(&output);
    assert_eq!(stream["nb_read_frames"], sizes.len().to_string());
    assert_eq!(
        (stream["width"].as_u64(), stream["height"].as_u64()),
        (Some(sizes[0].0 as u64), Some(sizes[0].1 as u64))
    );
    // The frames are close to those of another scaler.
    let shots = filtered(&job);
    let (w, h) = sizes[0];
    let line = format!("-i {} -vf scale={w}:{h}:flags=lanczos -fps_mode passthrough -f rawvideo -", file.display());
    let theirs = support::frames::split(&program::ffmpeg(&line).stdout, "yuv420p", w, h);
    assert_eq!(shots.len(), theirs.len());
    for (number, (shot, theirs)) in shots.iter().zip(&theirs).enumerate() {
        let score = psnr(&shot.planes, theirs, 8);
        assert!(score > 38.0, "frame {number}: {score} dB");
    }

    job.outputs[0].picture.on_change = OnChange::Refuse;
    job.outputs[0].overwrite = true;
    let error = run_job(&job, &Control::default()).map(|_| ()).expect_err("a change");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let ((from_w, from_h), (to_w, to_h)) = (sizes[changes[0] - 1], sizes[changes[0]]);
    let words = format!("from {from_w}x{from_h} yuv420p to {to_w}x{to_h} yuv420p");
    assert!(error.to_string().contains(&words), "{error}");
    assert_eq!(error.time().map(|time| time.ticks), Some(source[changes[0]].pts));
}

#[test]
fn a_change_of_format_is_converted_counted_and_placed() {
    let folder = folder();
    let part = |format: &str, range: &str| {
        let path = folder.path().join("part.h264");
        program::ffmpeg(&format!(
            "-f lavfi -i testsrc2=s=64x48:r=25,format=yuv444p,scale=out_range={range},format={format} -frames:v 5 \
             -vf setparams=range={range}:colorspace=bt709 -c:v libx264 -preset ultrafast -qp 0 -color_range {range} {}",
            path.display()
        ));
        std::fs::read(path).unwrap()
    };
    for [first, second] in [
        [("yuv420p", "tv"), ("yuv444p", "tv")],
        [("yuv444p", "pc"), ("yuv420p", "pc")],
        [("yuv422p", "tv"), ("yuv420p", "tv")],
        [("yuv420p", "pc"), ("yuv422p", "tv")],
    ] {
        let file = folder.path().join("changing.h264");
        std::fs::write(&file, [part(first.0, first.1), part(second.0, second.1)].concat()).unwrap();
        let mut job = ffv1_job(&file);
        job.outputs[0].path = folder.path().join("steady.mkv");
        job.outputs[0].overwrite = true;
        let report = done(&job);
        assert_eq!(report.outputs[0].changes.len(), 1);
        let name = |(format, range): (&str, &str)| format.replace("yuv", if range == "pc" { "yuvj" } else { "yuv" });
        assert_eq!(report.outputs[0].changes[0].from, format!("64x48 {}", name(first)));
        assert_eq!(report.outputs[0].changes[0].to, format!("64x48 {}", name(second)));
        let found = decoded(&job.outputs[0].path, first.0, (64, 48), "");
        assert_eq!(found.len(), 10);
        // The same five frames twice. Luma is equal except for rounding to another range, chroma except for
        // subsampling.
        for (one, other) in found[..5].iter().zip(&found[5..]) {
            let (one_luma, other_luma) = (vec![one[0].clone()], vec![other[0].clone()]);
            match first.1 == second.1 {
                true => assert_equal(&one_luma, &other_luma, "luma"),
                false => {
                    let found = psnr(&one_luma, &other_luma, 8);
                    assert!(found > 48.0, "{first:?} {second:?}: {found}");
                }
            }
            assert!(psnr(one, other, 8) > 25.0, "{first:?} {second:?}");
        }
    }
}

#[test]
fn a_source_without_changes_reports_none() {
    let folder = folder();
    let (file, _) = ffv1(folder.path(), "yuv420p", (48, 32), "");
    let mut job = ffv1_job(&file);
    job.outputs[0].path = folder.path().join("same.mkv");
    assert!(done(&job).outputs[0].changes.is_empty());
    let json = ffprobe(&job.outputs[0].path, "-show_streams");
    assert_eq!(json["streams"][0]["codec_name"], "ffv1");
}
