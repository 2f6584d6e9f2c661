//! Tests of interlaced video. Trix detects fields, keeps their order, or deinterlaces them like another implementation.
//! Inverse telecine restores the film frames.

use std::path::{Path, PathBuf};

use trix_core::{
    media::frame_facts::FieldOrder,
    plan::Deinterlacing,
    settings::{
        picture::Deinterlace,
        video::{EncodeSettings, Encoder, Ffv1Settings, RateControl, VideoSettings},
    },
};
use trix_fixtures::{folder, program};

use crate::support::{
    done, ffprobe,
    frames::{
        Grid, Planes, assert_equal, decisions, decoded, ffv1_job, filtered, joined, plan, refusal, split, through,
        written,
    },
    mediainfo, program_is_of_this_release, quick, text, times, video_job, video_stream,
};

/// Fifty moving images per second as fields of 25 frames, top field first.
const FIELDS: &str = "scroll=h=0.04,tinterlace=interleave_top";
/// The same, bottom field first.
const LOWER_FIRST: &str = "scroll=h=0.04,tinterlace=interleave_bottom";
/// Twenty-five progressive moving frames per second.
const WHOLE: &str = "scroll=h=0.08,framestep=2";

/// Makes a clip of 24 frames with `ffmpeg`, from fifty moving frames per second and `filters`.
fn clip(folder: &Path, name: &str, (size, format): (&str, &str), filters: &str, options: &str) -> PathBuf {
    let file = folder.join(name);
    program::ffmpeg(&format!(
        "-f lavfi -i testsrc2=s={size}:r=50 -vf {filters},format={format} -frames:v 24 {options} {}",
        file.display()
    ));
    file
}

/// Returns the decisions about fields for an x264 output.
fn decided(file: &Path) -> (Option<Deinterlacing>, Option<FieldOrder>, String) {
    let job = video_job(file, Path::new("never-written.mp4"), Encoder::X264, quick(""));
    let plan = plan(&job).unwrap();
    let said = decisions(&plan);
    let video = plan.video.expect("video");
    (video.transform.deinterlace, video.fields, said)
}

const SD: (&str, &str) = ("180x144", "yuv420p");
const LOSSLESS: &str = "-c:v libx264 -preset ultrafast -qp 0";
const MPEG2: &str = "-c:v mpeg2video -q:v 2";

#[test]
fn flagged_fields_are_deinterlaced_in_their_order() {
    let folder = folder();
    for (name, filters, options, order) in [
        ("a.mkv", FIELDS.to_owned(), format!("{LOSSLESS} -flags +ildct+ilme"), FieldOrder::Top),
        ("b.mkv", LOWER_FIRST.to_owned(), format!("{LOSSLESS} -flags +ildct+ilme"), FieldOrder::Bottom),
        ("c.mkv", format!("{FIELDS},setfield=tff"), format!("{MPEG2} -flags +ildct+ilme"), FieldOrder::Top),
        ("d.mkv", format!("{LOWER_FIRST},setfield=bff"), format!("{MPEG2} -flags +ildct+ilme"), FieldOrder::Bottom),
        ("e.mkv", FIELDS.to_owned(), "-c:v ffv1 -level 3".into(), FieldOrder::Top),
        // FFV1 version 1 states no field order, but its container does.
        ("e1.mkv", FIELDS.to_owned(), "-c:v ffv1 -level 1".into(), FieldOrder::Top),
        ("e2.mkv", LOWER_FIRST.to_owned(), "-c:v ffv1 -level 1".into(), FieldOrder::Bottom),
        ("e3.mov", LOWER_FIRST.to_owned(), "-pix_fmt uyvy422 -c:v rawvideo".into(), FieldOrder::Bottom),
        ("f.mov", LOWER_FIRST.to_owned(), "-c:v prores_ks -flags +ildct+ilme".into(), FieldOrder::Bottom),
        ("g.y4m", FIELDS.to_owned(), String::new(), FieldOrder::Top),
        ("h.y4m", LOWER_FIRST.to_owned(), String::new(), FieldOrder::Bottom),
    ] {
        let file = clip(folder.path(), name, SD, &filters, &options);
        let (deinterlace, fields, said) = decided(&file);
        assert_eq!(deinterlace, Some(Deinterlacing { order, each_field: false }), "{name}: {said}");
        assert_eq!(fields, None);
        let words = if order == FieldOrder::Top { "upper field first" } else { "lower field first" };
        assert!(said.contains(&format!("deinterlaced, {words}: flagged, and ")), "{name}: {said}");
        assert!(said.contains("% of ") && said.contains("frames are combed"), "{name}: {said}");
    }
}

#[test]
fn fields_flagged_in_the_wrong_order_are_detected() {
    let folder = folder();
    for (name, filters, options, order) in [
        ("a.mkv", format!("{FIELDS},setfield=bff"), "-c:v ffv1 -level 3".to_owned(), FieldOrder::Top),
        ("b.mkv", format!("{LOWER_FIRST},setfield=tff"), format!("{MPEG2} -flags +ildct+ilme"), FieldOrder::Bottom),
        ("c.mkv", format!("{FIELDS},setfield=bff"), format!("{LOSSLESS} -flags +ildct+ilme"), FieldOrder::Top),
    ] {
        let file = clip(folder.path(), name, SD, &filters, &options);
        let (deinterlace, _, said) = decided(&file);
        assert_eq!(deinterlace, Some(Deinterlacing { order, each_field: false }), "{name}: {said}");
        assert!(said.contains("flagged the other way round, and "), "{name}: {said}");
    }
}

#[test]
fn progressive_frames_flagged_as_interlaced_are_not_deinterlaced() {
    let folder = folder();
    for (name, options) in [
        ("a.mkv", format!("{LOSSLESS} -flags +ildct+ilme")),
        ("b.mkv", format!("{MPEG2} -flags +ildct+ilme")),
        ("c.mkv", "-c:v ffv1 -level 3".to_owned()),
    ] {
        let file = clip(folder.path(), name, SD, &format!("{WHOLE},setfield=tff"), &options);
        let (deinterlace, fields, said) = decided(&file);
        assert_eq!((deinterlace, fields), (None, None), "{name}: {said}");
        assert!(said.contains("not deinterlaced: flagged as interlaced, but 0 % of "), "{name}: {said}");
    }
}

#[test]
fn frames_flagged_as_progressive_are_not_measured() {
    let folder = folder();
    for (name, options) in [("a.mkv", LOSSLESS), ("b.mkv", MPEG2), ("c.mkv", "-c:v ffv1 -level 3"), ("d.y4m", "")] {
        let file = clip(folder.path(), name, SD, WHOLE, options);
        let (deinterlace, fields, said) = decided(&file);
        assert_eq!((deinterlace, fields), (None, None), "{name}: {said}");
        assert!(!said.contains("interlaced"), "{name}: {said}");
    }
}

/// Removes the field order from a Y4M file.
fn silent(file: &Path) {
    let bytes = std::fs::read(file).unwrap();
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    let header = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let words: Vec<&str> = header.split(' ').filter(|word| !word.starts_with('I')).collect();
    std::fs::write(file, [words.join(" ").as_bytes(), &bytes[end..]].concat()).unwrap();
}

#[test]
fn unflagged_broadcast_sizes_are_measured_for_combing() {
    let folder = folder();
    for (name, size, filters, expected) in [
        ("a.y4m", "96x576", FIELDS, Some(FieldOrder::Top)),
        ("b.y4m", "96x480", LOWER_FIRST, Some(FieldOrder::Bottom)),
        ("c.y4m", "96x1080", FIELDS, Some(FieldOrder::Top)),
        ("d.y4m", "96x576", WHOLE, None),
        // Not a size of television.
        ("e.y4m", "96x400", FIELDS, None),
    ] {
        let file = clip(folder.path(), name, (size, "yuv420p"), filters, "");
        silent(&file);
        let (deinterlace, fields, said) = decided(&file);
        assert_eq!(deinterlace.map(|how| how.order), expected, "{name}: {said}");
        assert_eq!(fields, None);
        assert_eq!(said.contains("not flagged, but "), expected.is_some(), "{name}: {said}");
    }
}

#[test]
fn flagged_stills_are_deinterlaced_since_nothing_can_be_measured() {
    let folder = folder();
    let filters = "trim=end_frame=1,loop=loop=60:size=1,setfield=tff";
    let file = clip(folder.path(), "still.mkv", SD, filters, "-c:v ffv1 -level 3");
    let (deinterlace, _, said) = decided(&file);
    assert_eq!(deinterlace, Some(Deinterlacing { order: FieldOrder::Top, each_field: false }), "{said}");
    assert!(said.contains("too little moves"), "{said}");
}

/// Planes without `rows` rows at the top and at the bottom.
fn without_outer(planes: &Planes, rows: usize) -> Planes {
    let inner = planes.iter().map(|plane| Grid {
        samples: plane.samples[rows * plane.width..(plane.height - rows) * plane.width].to_vec(),
        height: plane.height - 2 * rows,
        ..plane.clone()
    });
    inner.collect()
}

#[test]
fn deinterlaced_frames_equal_those_of_the_same_filter_in_ffmpeg() {
    let folder = folder();
    for (name, format, filters, order) in [
        ("a.mkv", "yuv420p", FIELDS, "tff"),
        ("b.mkv", "yuv422p10le", FIELDS, "tff"),
        ("c.mkv", "yuv420p", LOWER_FIRST, "bff"),
    ] {
        let file = clip(folder.path(), name, ("180x144", format), filters, "-c:v ffv1 -level 3");
        for (how, mode, count) in [(Deinterlace::On, "send_frame", 24), (Deinterlace::Fields, "send_field", 48)] {
            let mut job = ffv1_job(&file);
            job.outputs[0].picture.deinterlace = how;
            let shots = filtered(&job);
            let theirs = decoded(&file, format, (180, 144), &format!("-vf bwdif=mode={mode}:parity={order}:deint=all"));
            assert_eq!((shots.len(), theirs.len()), (count, count), "{name} {mode}");
            for (number, (shot, theirs)) in shots.iter().zip(&theirs).enumerate() {
                // Releases of the filter differ in the outer rows of the first and the last frame.
                let is_outer = number == 0 || number + 1 == count;
                let rows = if is_outer && !program_is_of_this_release() { 4 } else { 0 };
                let [ours, theirs] = [&shot.planes, theirs].map(|planes| without_outer(planes, rows));
                assert_equal(&ours, &theirs, &format!("{name} {mode} frame {number}"));
                assert_eq!(shot.number as usize, number * 24 / count, "{name} {mode}: the frame it was made of");
            }
        }
    }
}

#[test]
fn each_field_is_shown_for_half_a_frame() {
    let folder = folder();
    for (rate, extension) in [("50", "mp4"), ("60000/1001", "mov"), ("50", "mkv")] {
        let file = folder.path().join("source.mkv");
        program::ffmpeg(&format!(
            "-f lavfi -i testsrc2=s=64x64:r={rate} -vf {FIELDS} -frames:v 12 -c:v libx264 -preset ultrafast -qp 0 \
             -flags +ildct+ilme {}",
            file.display()
        ));
        for (how, count) in [(Deinterlace::On, 12), (Deinterlace::Fields, 24)] {
            let output = folder.path().join("fields").with_extension(extension);
            let mut job = video_job(&file, &output, Encoder::X264, quick(""));
            job.outputs[0].picture.deinterlace = how;
            job.outputs[0].overwrite = true;
            let report = done(&job);
            let ledger = report.outputs[0].ledger.unwrap();
            assert_eq!((ledger.decoded, ledger.encoded), (12, count));
            assert_eq!(ledger.filter.added_by_fields, count - 12);
            let (ticks, (num, den)) = times(&output, "v:0");
            assert_eq!(ticks.len() as u64, count);
            // This Matroska source counts milliseconds, so half of a frame duration is rounded.
            let (frames, seconds) = if rate == "50" { (25, 1) } else { (30_000, 1001) };
            let frames = frames * if how == Deinterlace::Fields { 2 } else { 1 };
            for (position, tick) in ticks.iter().enumerate() {
                let exact = position as f64 * seconds as f64 / frames as f64;
                let found = (tick - ticks[0]) as f64 * num as f64 / den as f64;
                assert!((found - exact).abs() < 0.0011, "{rate} {extension} {how:?}: frame {position} at {found}");
            }
            let stream = video_stream(&output);
            let expected = if how == Deinterlace::Fields {
                rate.to_owned()
            } else if rate == "50" {
                "25".into()
            } else {
                "30000/1001".into()
            };
            let found = text(&stream["r_frame_rate"]);
            assert_eq!(found.trim_end_matches("/1"), expected, "{extension} {how:?}");
            assert_eq!(text(&stream["field_order"]), "progressive", "{extension}");
        }
    }
}

/// Returns the field flags of the first frame and of the stream, as `ffprobe` reports them.
fn flags(file: &Path) -> (i64, i64, String) {
    let json = ffprobe(file, "-select_streams v:0 -show_frames -show_streams -read_intervals %+#1");
    let frame = &json["frames"][0];
    let number = |key: &str| frame[key].as_i64().unwrap();
    (number("interlaced_frame"), number("top_field_first"), text(&json["streams"][0]["field_order"]))
}

/// Returns the distinct values of a header field in a stream. The program must report no errors.
fn header_values(file: &Path, field: &str) -> Vec<u32> {
    let line = format!("-hide_banner -i {} -c copy -bsf:v trace_headers -f null -", file.display());
    let said = String::from_utf8_lossy(&program::run("ffmpeg", line.split(' ')).stderr).into_owned();
    assert!(!said.contains("out of range"), "{said}");
    let values = said.lines().filter(|line| line.contains(&format!(" {field} ")));
    let mut values: Vec<u32> = values.map(|line| line.rsplit(' ').next().unwrap().parse().unwrap()).collect();
    values.sort_unstable();
    values.dedup();
    values
}

#[test]
fn fields_that_stay_are_flagged_in_their_order() {
    let folder = folder();
    for (filters, top) in [(FIELDS, true), (LOWER_FIRST, false)] {
        let file = clip(folder.path(), "fields.mkv", ("192x128", "yuv422p10le"), filters, "-c:v ffv1 -level 3 -y");
        let source = through(&file, None);
        for (encoder, name) in [
            (Encoder::X264, "x264.mp4"),
            (Encoder::X265, "x265.mkv"),
            (Encoder::Ffv1, "ffv1.mkv"),
            (Encoder::Prores, "prores.mov"),
        ] {
            let output = folder.path().join(name);
            let mut settings = EncodeSettings::default();
            if !encoder.is_mezzanine() {
                settings = EncodeSettings { rate: Some(RateControl::Lossless), ..quick("") };
            }
            let mut job = video_job(&file, &output, encoder, settings);
            if !encoder.is_mezzanine() {
                job.outputs[0].picture.deinterlace = Deinterlace::Off;
            }
            job.outputs[0].overwrite = true;
            let report = done(&job);
            let order = if top { FieldOrder::Top } else { FieldOrder::Bottom };
            assert_eq!(report.outputs[0].plan.video.as_ref().unwrap().fields, Some(order), "{name}");
            if encoder.is_mezzanine() {
                assert!(decisions(&report.outputs[0].plan).contains("fields are kept and flagged"), "{name}");
            }
            let (interlaced, first, stream) = flags(&output);
            let track = mediainfo(&output, "Video").remove(0);
            assert_eq!(stream, if top { "tt" } else { "bb" }, "{name}");
            let scan = if encoder == Encoder::X264 { "MBAFF" } else { "Interlaced" };
            let order = if top { "TFF" } else { "BFF" };
            assert_eq!((text(&track["ScanType"]), text(&track["ScanOrder"])), (scan.into(), order.into()), "{name}");
            // libavcodec reads no field flags from HEVC, so the test reads the bitstream.
            match encoder {
                Encoder::X265 => {
                    // H.265 table D.2: both fields in this order.
                    assert_eq!(header_values(&output, "pic_struct"), [if top { 3 } else { 4 }], "{name}");
                    assert_eq!(header_values(&output, "source_scan_type"), [0], "{name}");
                    assert_eq!(header_values(&output, "general_progressive_source_flag"), [0], "{name}");
                    assert_eq!(header_values(&output, "general_interlaced_source_flag"), [1], "{name}");
                }
                _ => assert_eq!((interlaced, first), (1, i64::from(top)), "{name}"),
            }
            if encoder != Encoder::Prores {
                // Rows stay in place.
                for (found, source) in decoded(&output, "yuv422p10le", (192, 128), "").iter().zip(&source) {
                    assert_equal(found, &source.planes, name);
                }
            }
        }
    }
}

/// Returns the rows of one field.
fn field(grid: &Grid, first: usize) -> Grid {
    Grid::new(grid.width, grid.height / 2, |x, y| grid.at(x, 2 * y + first))
}

#[test]
fn chroma_of_fields_that_stay_is_halved_field_by_field() {
    let folder = folder();
    for (name, filters) in [("a.mkv", FIELDS), ("b.mkv", LOWER_FIRST)] {
        // Each field has its own colour. A mix of the fields would have another colour.
        let (width, height) = (64, 32);
        let planes: Planes = (0..3)
            .map(|plane| {
                Grid::new(width >> plane.min(1), height, |_, y| [[60, 180], [90, 170], [200, 50]][plane][y % 2])
            })
            .collect();
        let file = folder.path().join(name);
        let order = if filters == FIELDS { "tff" } else { "bff" };
        let options = format!("-vf setfield={order} -c:v ffv1 -level 3");
        written(&file, &joined(&[planes], "yuv422p"), "yuv422p", (width, height), &options);
        let mut job = ffv1_job(&file);
        job.outputs[0].video =
            VideoSettings::X264(EncodeSettings { chroma: Some("420".parse().unwrap()), ..quick("") });
        job.outputs[0].picture.deinterlace = Deinterlace::Off;
        let shot = filtered(&job).remove(0);
        let expected: Planes = (0..3)
            .map(|plane| {
                let by = usize::from(plane > 0);
                Grid::new(width >> by, height >> by, |_, y| [[60, 180], [90, 170], [200, 50]][plane][y % 2])
            })
            .collect();
        assert_equal(&shot.planes, &expected, name);

        // With motion, each field becomes what it would become as a separate frame.
        let file = clip(folder.path(), &format!("moving-{name}"), ("128x64", "yuv422p"), filters, "-c:v ffv1 -level 3");
        let source = through(&file, None);
        job.source.path = file;
        let shots = filtered(&job);
        let apart: Vec<Planes> = source
            .iter()
            .flat_map(|shot| [0, 1].map(|first| shot.planes.iter().map(|plane| field(plane, first)).collect()))
            .collect();
        let fields = folder.path().join("fields.mkv");
        written(&fields, &joined(&apart, "yuv422p"), "yuv422p", (128, 32), "-c:v ffv1 -level 3");
        let mut job = ffv1_job(&fields);
        job.outputs[0].video =
            VideoSettings::Ffv1(Ffv1Settings { chroma: Some("420".parse().unwrap()), ..Default::default() });
        let expected = filtered(&job);
        assert_eq!(expected.len(), 2 * shots.len());
        for (number, shot) in shots.iter().enumerate() {
            for first in [0, 1] {
                let found: Planes = shot.planes.iter().map(|plane| field(plane, first)).collect();
                assert_equal(
                    &found,
                    &expected[2 * number + first].planes,
                    &format!("{name}, frame {number}, field {first}"),
                );
            }
        }
    }
}

#[test]
fn crops_and_padding_never_swap_fields() {
    let folder = folder();
    for (format, crop) in [("yuv422p", "64x30+0+1"), ("yuv420p", "64x28+0+2"), ("yuv422p", "64x31+0+0")] {
        let file = clip(folder.path(), "fields.mkv", ("64x32", format), FIELDS, "-c:v ffv1 -level 3 -y");
        let mut job = ffv1_job(&file);
        job.outputs[0].picture.crop = crop.parse().unwrap();
        let said = refusal(&job);
        assert!(said.contains(&format!("picture.crop = {crop}")) && said.contains("both fields"), "{said}");
        // If the frames are deinterlaced first, the crop swaps no fields.
        job.outputs[0].picture.deinterlace = Deinterlace::On;
        plan(&job).unwrap();
    }
    // Centred padding would put an odd number of rows, or of chroma rows, on top. The planner adjusts it by one.
    for (format, rows, step) in [("yuv422p", 38, 2), ("yuv420p", 36, 4)] {
        let file = clip(folder.path(), "fields.mkv", ("64x32", format), FIELDS, "-c:v ffv1 -level 3 -y");
        let mut job = ffv1_job(&file);
        job.outputs[0].picture.pad = Some(format!("64x{rows}").parse().unwrap());
        let top = plan(&job).unwrap().video.unwrap().transform.pad.unwrap().top;
        assert_eq!(top % step, 0, "{format}: {top} rows above");
    }
}

#[test]
fn fields_of_a_frame_that_is_turned_over_change_their_order() {
    let folder = folder();
    let file = clip(folder.path(), "fields.mov", ("64x32", "yuv422p"), FIELDS, "-c:v ffv1 -level 3");
    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes.windows(4).position(|window| window == b"tkhd").unwrap() + 44;
    for (place, value) in [(0, -1i32), (16, -1)] {
        bytes[at + place..at + place + 4].copy_from_slice(&(value << 16).to_be_bytes());
    }
    std::fs::write(&file, bytes).unwrap();
    let mut job = ffv1_job(&file);
    // The number of rows is even, so the rotation moves even rows to odd positions.
    assert_eq!(plan(&job).unwrap().video.unwrap().fields, Some(FieldOrder::Bottom));
    job.outputs[0].picture.rotate = trix_core::settings::picture::Rotate::Off;
    job.outputs[0].path = "never-written.mov".into();
    job.outputs[0].video = VideoSettings::Prores(Default::default());
    assert_eq!(plan(&job).unwrap().video.unwrap().fields, Some(FieldOrder::Top));
}

#[test]
fn inverse_telecine_restores_the_film_frames() {
    let folder = folder();
    // Film at 24000/1001, and the same film as fields at 30000/1001 (3:2 pulldown).
    let source = "-f lavfi -i testsrc2=s=176x144:r=24000/1001";
    let filters = "scroll=h=0.06,format=yuv420p";
    let film = program::ffmpeg(&format!("{source} -vf {filters} -frames:v 40 -f rawvideo -")).stdout;
    let film = split(&film, "yuv420p", 176, 144);
    for (name, options) in
        [("a.mkv", "-c:v ffv1 -level 3"), ("b.mp4", "-c:v libx264 -preset ultrafast -qp 0 -flags +ildct+ilme")]
    {
        let file = folder.path().join(name);
        program::ffmpeg(&format!(
            "{source} -vf {filters},telecine=pattern=23 -frames:v 50 {options} {}",
            file.display()
        ));
        let output = folder.path().join(format!("film-{name}"));
        let mut job = video_job(&file, &output, Encoder::X264, quick(""));
        job.outputs[0].picture.inverse_telecine = true;
        let report = done(&job);
        let ledger = report.outputs[0].ledger.unwrap();
        assert_eq!((ledger.decoded, ledger.filter.dropped_by_telecine, ledger.encoded), (50, 10, 40));
        let stream = video_stream(&output);
        assert_eq!(text(&stream["avg_frame_rate"]), "24000/1001");
        assert_eq!(text(&stream["field_order"]), "progressive");
        assert_eq!(text(&stream["nb_read_frames"]), "40");
        let (ticks, (num, den)) = times(&output, "v:0");
        for (position, tick) in ticks.iter().enumerate() {
            // Within one tick in Matroska, exactly in MP4.
            let exact = i128::from(den) * 1001 * position as i128;
            let found = i128::from(num * (tick - ticks[0])) * 24_000;
            let most = if name == "a.mkv" { i128::from(num) * 24_000 } else { 0 };
            assert!((found - exact).abs() <= most, "{name}: frame {position} at {tick} of {num}/{den}");
        }
        let shots = filtered(&job);
        assert_eq!(shots.len(), 40);
        for (number, (shot, film)) in shots.iter().zip(&film).enumerate() {
            assert_equal(&shot.planes, film, &format!("{name} frame {number}"));
        }
    }
}

#[test]
fn inverse_telecine_is_refused_where_it_makes_no_sense() {
    let folder = folder();
    let file = clip(folder.path(), "deep.mkv", ("64x32", "yuv420p10le"), FIELDS, "-c:v ffv1 -level 3");
    let mut job = ffv1_job(&file);
    job.outputs[0].picture.inverse_telecine = true;
    job.outputs[0].picture.deinterlace = Deinterlace::On;
    let said = refusal(&job);
    assert!(said.contains("needs a source of 8 bits") && said.contains("excludes deinterlacing"), "{said}");
}
