//! Every layout of samples that libavutil names: taken apart without loss, converted as exact arithmetic says, or refused
//! with the reason.

mod support;

use std::path::{Path, PathBuf};

use support::{
    colorimetry::*,
    done, picture_job, picture_stream,
    pictures::{Dice, Grid, Planes, decisions, decoded, plan, psnr, refusal, split, written},
    quick, text,
};
use trix_core::{
    Job, OnDamage,
    media::{
        PixelFormat,
        color::{Range, Standard},
        format::{Chroma, PictureFormat},
        time::Rational,
    },
    plan::{Cut, OutputPlan},
    planner::Plan,
    reading::reader::PictureReader,
    spec::{
        job::VerifyLevel,
        picture::Alpha,
        source::RawGeometry,
        video::{EncodeSettings, Encoder, RateControl, VideoSettings},
    },
};
use trix_fixtures::{folder, program};

const WIDTH: usize = 64;
const HEIGHT: usize = 48;

/// A job that makes FFV1 of raw pictures of `name`.
fn raw_job(folder: &Path, name: &str, bytes: &[u8], settings: EncodeSettings) -> Job {
    let file = folder.join("source.raw");
    std::fs::write(&file, bytes).expect("a file can be written");
    let mut job = picture_job(&file, &folder.join("out.mkv"), Encoder::Ffv1, settings);
    let rate = Rational::new(25, 1);
    let raw = RawGeometry { width: WIDTH as u32, height: HEIGHT as u32, pixel_format: name.to_owned(), rate };
    job.source.raw = Some(raw);
    job
}

/// The plan of a job, whose source may be raw.
fn planned(job: &Job) -> OutputPlan {
    let source = job.source.open().unwrap_or_else(|error| panic!("{error}"));
    Plan::new(job, &source).unwrap_or_else(|error| panic!("{error}")).outputs.remove(0)
}

/// The first picture that a job's encoder would take in, and its format.
fn taken(job: &Job) -> (Planes, PictureFormat) {
    let plan = planned(job).video.expect("pictures are encoded");
    let source = job.source.open().expect("a source");
    let mut reader = PictureReader::new(source, OnDamage::Fail, Cut::default(), Some(plan.filtering()), 1).unwrap();
    let picture = reader.next_picture().unwrap_or_else(|error| panic!("{error}")).expect("a picture");
    if let Some(packing) = &plan.transform.packing {
        let bytes = picture.frame.packed().expect("samples");
        let place = |part: char| packing.find(part).map(|place| (place, bytes.clone()));
        let plane = |(place, bytes): (usize, Vec<u8>)| {
            Grid::new(plan.width, plan.height, |x, y| bytes[(y * plan.width + x) * 4 + place].into())
        };
        return ("gbra".chars().filter_map(place).map(plane).collect(), plan.format);
    }
    let planes = picture.frame.planes().into_iter().map(|plane| Grid {
        width: plane.width,
        height: plane.height,
        samples: match plane.depth {
            0..=8 => plane.rows().flatten().map(|&byte| byte.into()).collect(),
            _ => plane.rows().flat_map(|row| row.chunks(2)).map(|s| u16::from_le_bytes([s[0], s[1]])).collect(),
        },
    });
    (planes.collect(), plan.format)
}

/// Noise of `depth` bits, with the lowest and the highest value.
fn noise(seed: u64, width: usize, height: usize, depth: u32) -> Grid {
    let mut dice = Dice::new(seed);
    let mut samples: Vec<u16> = (0..width * height).map(|_| dice.below(1 << depth) as u16).collect();
    (samples[0], samples[1]) = (0, ((1u32 << depth) - 1) as u16);
    Grid { width, height, samples }
}

fn word(value: u16, big: bool) -> [u8; 2] {
    if big { value.to_be_bytes() } else { value.to_le_bytes() }
}

/// Asserts that samples are what `exact` says of those of the source, within `bound`.
fn close(found: &Grid, source: &Grid, bound: f64, what: &str, exact: impl Fn(f64) -> f64) {
    assert_eq!((found.width, found.height), (source.width, source.height), "{what}");
    for (at, (found, source)) in found.samples.iter().zip(&source.samples).enumerate() {
        let right = exact(f64::from(*source));
        let off = (f64::from(*found) - right).abs();
        assert!(off <= bound, "{what}: sample {at}, {source} in the source, is {found} and should be {right}");
    }
}

#[test]
fn packed_red_green_and_blue_come_back_sample_by_sample() {
    // Where each part stands, and in how many bits: from the first byte on, or from the lowest bit of a word on.
    let bytes: [(&str, &str, u32, bool); 18] = [
        ("rgb24", "rgb", 8, false),
        ("bgr24", "bgr", 8, false),
        ("argb", "argb", 8, false),
        ("rgba", "rgba", 8, false),
        ("abgr", "abgr", 8, false),
        ("bgra", "bgra", 8, false),
        ("0rgb", "0rgb", 8, false),
        ("rgb0", "rgb0", 8, false),
        ("0bgr", "0bgr", 8, false),
        ("bgr0", "bgr0", 8, false),
        ("rgb48be", "rgb", 16, true),
        ("rgb48le", "rgb", 16, false),
        ("bgr48be", "bgr", 16, true),
        ("bgr48le", "bgr", 16, false),
        ("rgba64be", "rgba", 16, true),
        ("rgba64le", "rgba", 16, false),
        ("bgra64be", "bgra", 16, true),
        ("bgra64le", "bgra", 16, false),
    ];
    for (name, order, depth, big) in bytes {
        let parts: Vec<Grid> = (0..4).map(|part| noise(part + 1, WIDTH, HEIGHT, depth)).collect();
        let mut raw = Vec::new();
        for at in 0..WIDTH * HEIGHT {
            for part in order.chars() {
                let value = "rgba".find(part).map_or(0, |part| parts[part].samples[at]);
                if depth == 8 { raw.push(value as u8) } else { raw.extend(word(value, big)) }
            }
        }
        let folder = folder();
        let (planes, format) = taken(&raw_job(folder.path(), name, &raw, EncodeSettings::default()));
        assert_eq!((format.rgb, format.depth, format.alpha), (true, depth, order.contains('a')), "{name}");
        for (plane, part) in planes.iter().zip([1, 2, 0, 3]) {
            close(plane, &parts[part], 0.0, name, |value| value);
        }
        assert_eq!(planes.len(), if order.contains('a') { 4 } else { 3 }, "{name}");
    }
    // Of few bits: bits of each part from the highest on, red first.
    for (name, order, bits, big) in [
        ("rgb565le", "rgb", [5, 6, 5], false),
        ("rgb565be", "rgb", [5, 6, 5], true),
        ("bgr565le", "bgr", [5, 6, 5], false),
        ("rgb555le", "rgb", [5, 5, 5], false),
        ("bgr555be", "bgr", [5, 5, 5], true),
        ("rgb444le", "rgb", [4, 4, 4], false),
        ("bgr444be", "bgr", [4, 4, 4], true),
    ] {
        let parts: Vec<Grid> =
            order.chars().zip(1..).zip(bits).map(|((_, seed), bits)| noise(seed, WIDTH, HEIGHT, bits)).collect();
        let of = |at: usize| (0..3).fold(0, |word, part| word << bits[part] | parts[part].samples[at]);
        let raw: Vec<u8> = (0..WIDTH * HEIGHT).flat_map(|at| word(of(at), big)).collect();
        let folder = folder();
        let (planes, format) = taken(&raw_job(folder.path(), name, &raw, EncodeSettings::default()));
        assert_eq!((format.rgb, format.depth, format.alpha), (true, 8, false), "{name}");
        for (plane, part) in planes.iter().zip("gbr".chars()) {
            let part = order.find(part).expect("a part");
            let most = f64::from((1u32 << bits[part]) - 1);
            close(plane, &parts[part], 0.5, name, |value| value * 255.0 / most);
        }
    }
}

#[test]
fn planes_of_red_green_and_blue_come_back_at_every_depth() {
    for (name, depth, alpha) in [
        ("gbrp", 8, false),
        ("gbrap", 8, true),
        ("gbrp9le", 9, false),
        ("gbrp9be", 9, false),
        ("gbrp10be", 10, false),
        ("gbrp12le", 12, false),
        ("gbrp14be", 14, false),
        ("gbrp16be", 16, false),
        ("gbrap10le", 10, true),
        ("gbrap12be", 12, true),
        ("gbrap16be", 16, true),
    ] {
        let parts: Vec<Grid> =
            (0..if alpha { 4 } else { 3 }).map(|part| noise(part + 1, WIDTH, HEIGHT, depth)).collect();
        let raw = raw_planes(&parts, depth, name.ends_with("be"));
        let folder = folder();
        let (planes, format) = taken(&raw_job(folder.path(), name, &raw, EncodeSettings::default()));
        assert!(format.rgb && format.alpha == alpha && format.depth >= depth, "{name}: {format:?}");
        assert_eq!(planes.len(), parts.len(), "{name}");
        let (most, wanted) = (f64::from((1u32 << depth) - 1), f64::from((1u32 << format.depth) - 1));
        for (plane, part) in planes.iter().zip(&parts) {
            let bound = if depth == format.depth { 0.0 } else { 0.51 };
            close(plane, part, bound, name, |value| value * wanted / most);
        }
    }
}

fn raw_planes(planes: &[Grid], depth: u32, big: bool) -> Vec<u8> {
    let samples = planes.iter().flat_map(|plane| &plane.samples);
    if depth == 8 {
        return samples.map(|sample| *sample as u8).collect();
    }
    samples.flat_map(|sample| word(*sample, big)).collect()
}

/// Every grey that libavutil knows: name and depth.
const GREYS: [(&str, u32); 12] = [
    ("gray", 8),
    ("gray9le", 9),
    ("gray9be", 9),
    ("gray10le", 10),
    ("gray10be", 10),
    ("gray12le", 12),
    ("gray12be", 12),
    ("gray14le", 14),
    ("gray14be", 14),
    ("gray16le", 16),
    ("gray16be", 16),
    ("monob", 1),
];

#[test]
fn grey_of_every_depth_stays_grey_without_a_loss() {
    for (name, depth) in GREYS.into_iter().filter(|(_, depth)| *depth > 1) {
        let luma = noise(depth.into(), WIDTH, HEIGHT, depth);
        let raw = raw_planes(std::slice::from_ref(&luma), depth, name.ends_with("be"));
        let folder = folder();
        let (planes, format) = taken(&raw_job(folder.path(), name, &raw, EncodeSettings::default()));
        assert_eq!((format.chroma, format.rgb, planes.len()), (Chroma::C400, false, 1), "{name}");
        assert!(format.depth >= depth, "{name}");
        close(&planes[0], &luma, 0.0, name, |value| value * f64::from(1u32 << (format.depth - depth)));
    }
}

/// Black and white by single bits, eight to a byte.
#[test]
fn single_bits_are_black_and_white() {
    for (name, white) in [("monob", 1), ("monow", 0)] {
        let luma = noise(3, WIDTH, HEIGHT, 1);
        let byte = |bits: &[u16]| bits.iter().fold(0, |byte, bit| byte << 1 | *bit as u8);
        let raw: Vec<u8> = luma.samples.chunks(8).map(byte).collect();
        let folder = folder();
        let (planes, format) = taken(&raw_job(folder.path(), name, &raw, EncodeSettings::default()));
        assert_eq!((format.chroma, format.depth), (Chroma::C400, 8), "{name}");
        close(&planes[0], &luma, 0.0, name, |value| if value as u16 == white { 255.0 } else { 0.0 });
        // In video range where the output is video.
        let mut job = raw_job(folder.path(), name, &raw, EncodeSettings::default());
        job.outputs[0].video = VideoSettings::X264(EncodeSettings { chroma: Some(Chroma::C420), ..quick("") });
        let (planes, _) = taken(&job);
        close(&planes[0], &luma, 0.0, name, |value| if value as u16 == white { 235.0 } else { 16.0 });
        assert!(planes[1..].iter().all(|plane| plane.samples.iter().all(|sample| *sample == 128)), "{name}");
    }
}

#[test]
fn grey_becomes_luma_of_every_depth_and_range_beside_chroma_that_is_none() {
    let wanted = [(8, Chroma::C420), (10, Chroma::C422), (8, Chroma::C444), (8, Chroma::C400), (12, Chroma::C444)];
    for (name, depth) in GREYS.into_iter().filter(|(_, depth)| *depth > 1) {
        let luma = noise(depth.into(), WIDTH, HEIGHT, depth);
        let raw = raw_planes(std::slice::from_ref(&luma), depth, name.ends_with("be"));
        let folder = folder();
        for (number, (to_depth, chroma)) in wanted.into_iter().enumerate() {
            let settings = EncodeSettings { depth: Some(to_depth), chroma: Some(chroma), ..Default::default() };
            let mut job = raw_job(folder.path(), name, &raw, settings);
            let most = |depth: u32| f64::from((1u32 << depth) - 1);
            let step = f64::from(1u32 << (to_depth - 8));
            let limited = |value: f64| value * f64::from(1u32 << to_depth) / f64::from(1u32 << depth);
            let full = |value: f64| value * most(to_depth) / most(depth);
            let squeezed = |value: f64| (16.0 + 219.0 * value / most(depth)) * step;
            for (says, range, exact) in [
                ("", None, &limited as &dyn Fn(f64) -> f64),
                ("bt709", None, &limited),
                ("bt709,range=full", None, &full),
                ("bt709,range=full", Some(Range::Limited), &squeezed),
                ("range=full", Some(Range::Limited), &squeezed),
            ] {
                // Each way once for every depth, all ways for one target.
                if number > 0 && says != "bt709" && range.is_none() {
                    continue;
                }
                job.outputs[0].picture.range = range;
                job.outputs[0].picture.source_color = match says {
                    "" => Default::default(),
                    says => says.parse().expect("an override"),
                };
                let what = format!("{name} to {to_depth} bits {chroma}, {says:?}, {range:?}");
                let (planes, _) = taken(&job);
                assert_eq!(planes.len(), chroma.planes(), "{what}");
                // What clips: 9 bits of limited range spread to no more than the depth holds.
                close(&planes[0], &luma, 1.0, &what, |value| exact(value).min(most(to_depth)));
                let neutral = 1 << (to_depth - 1);
                for plane in &planes[1..] {
                    assert!(plane.samples.iter().all(|sample| *sample == neutral), "{what}: chroma");
                }
            }
        }
    }
}

#[test]
fn grey_takes_part_in_conversions_of_colour() {
    let luma = Grid::new(WIDTH, HEIGHT, |x, y| (64 + (x * 13 + y * 7) % 877) as u16);
    let raw = raw_planes(std::slice::from_ref(&luma), 10, false);
    let folder = folder();
    // With a matrix that is stated, and with nothing that is.
    for says in ["bt601-625", ""] {
        let settings = EncodeSettings { depth: Some(10), chroma: Some(Chroma::C420), ..Default::default() };
        let mut job = raw_job(folder.path(), "gray10le", &raw, settings);
        job.outputs[0].picture.color = Some(Standard::Bt709);
        if !says.is_empty() {
            job.outputs[0].picture.source_color = says.parse().expect("an override");
        }
        let (planes, _) = taken(&job);
        // Grey is grey by any primaries.
        close(&planes[0], &luma, 0.51, says, |value| value);
        assert!(planes[1..].iter().all(|plane| plane.samples.iter().all(|sample| *sample == 512)), "{says}");
        assert!(planned(&job).notes.iter().all(|note| !note.contains("matrix")), "grey needs no matrix");
    }
}

#[test]
fn grey_with_a_stated_matrix_goes_through_every_encoder() {
    let luma = Grid::new(WIDTH, HEIGHT, |x, y| (16 + (x * 3 + y) % 219) as u16);
    let raw = raw_planes(std::slice::from_ref(&luma), 8, false);
    let folder = folder();
    for (encoder, chroma, name) in [
        (Encoder::X264, Chroma::C400, "a.mkv"),
        (Encoder::X264, Chroma::C420, "b.mp4"),
        (Encoder::X265, Chroma::C400, "c.mkv"),
        (Encoder::X265, Chroma::C422, "d.mov"),
        (Encoder::Ffv1, Chroma::C400, "e.mkv"),
        (Encoder::Ffv1, Chroma::C444, "f.mkv"),
        (Encoder::Prores, Chroma::C422, "g.mov"),
    ] {
        let settings = if encoder.is_mezzanine() { EncodeSettings::default() } else { quick("") };
        let rate = (!encoder.is_mezzanine()).then_some(RateControl::Lossless);
        let settings = EncodeSettings { chroma: Some(chroma), rate, ..settings };
        let mut job = raw_job(folder.path(), "gray", &raw, EncodeSettings::default());
        // x265 takes nothing smaller.
        let geometry = job.source.raw.as_mut().expect("raw");
        (geometry.width, geometry.height) = (WIDTH as u32, HEIGHT as u32);
        let wide = raw.repeat(2);
        std::fs::write(&job.source.path, &wide).expect("a file can be written");
        job.source.raw.as_mut().expect("raw").height = 2 * HEIGHT as u32;
        job.outputs[0] = picture_job(&job.source.path, &folder.path().join(name), encoder, settings).outputs.remove(0);
        job.outputs[0].picture.source_color = "bt709".parse().expect("an override");
        if !encoder.is_mezzanine() {
            job.outputs[0].verify = VerifyLevel::Full;
        }
        done(&job);
        let bytes = program::ffmpeg(&format!("-i {} -f rawvideo -", job.outputs[0].path.display())).stdout;
        if encoder != Encoder::Prores {
            assert!(bytes[..wide.len()] == wide, "{name}: luma differs");
        }
    }
}

#[test]
fn grey_with_opacity_is_kept_or_laid_on_black() {
    for (name, depth) in [("ya8", 8), ("ya16le", 16), ("ya16be", 16)] {
        let (luma, opacity) = (noise(1, WIDTH, HEIGHT, depth), noise(2, WIDTH, HEIGHT, depth));
        let pairs = luma.samples.iter().zip(&opacity.samples).flat_map(|(luma, opacity)| [*luma, *opacity]);
        let raw: Vec<u8> = match depth {
            8 => pairs.map(|value| value as u8).collect(),
            _ => pairs.flat_map(|value| word(value, name.ends_with("be"))).collect(),
        };
        let folder = folder();
        let mut job = raw_job(folder.path(), name, &raw, EncodeSettings::default());
        let (planes, format) = taken(&job);
        assert_eq!((format.depth, format.alpha, planes.len()), (depth, true, 4), "{name}");
        close(&planes[0], &luma, 0.0, name, |value| value);
        close(&planes[3], &opacity, 0.0, name, |value| value);

        // ProRes has 10 bits; what is opaque stays it.
        let mut mezzanine = raw_job(folder.path(), name, &raw, EncodeSettings::default());
        mezzanine.outputs[0].video = VideoSettings::Prores(EncodeSettings::default());
        let (planes, format) = taken(&mezzanine);
        assert!(format.alpha && format.depth == 10, "{name}: {format:?}");
        close(&planes[3], &opacity, 0.51, name, |value| value * 1023.0 / f64::from((1u32 << depth) - 1));

        job.outputs[0].video = VideoSettings::X264(EncodeSettings { depth: Some(8), ..quick("") });
        assert!(decisions(&planned(&job)).contains("laid on black"), "{name}");
        let (planes, _) = taken(&job);
        let most = f64::from((1u32 << depth) - 1);
        for (at, found) in planes[0].samples.iter().enumerate() {
            let value = f64::from(luma.samples[at]) * 256.0 / f64::from(1u32 << depth);
            let right = 16.0 + (value - 16.0) * f64::from(opacity.samples[at]) / most;
            let right = right.clamp(0.0, 255.0);
            let off = (f64::from(*found) - right).abs();
            assert!(off <= 1.1, "{name}, sample {at}: {found}, and {right} is right");
        }
        job.outputs[0].picture.alpha = Alpha::Refuse;
        let source = job.source.open().unwrap();
        let refused = Plan::new(&job, &source).map(|_| ()).expect_err("refused").to_string();
        assert!(refused.contains("alpha channel"), "{refused}");
    }
}

const HD_8: Space = Space::new(BT709, WEIGHTS_709, 8);
const NTSC_8: Space = Space::new(NTSC, WEIGHTS_601, 8);

/// Patches of 32x32 in rows of four, of which the middle is looked at: chroma is smooth from one patch to the next.
fn patches(space: &Space) -> Vec<[f64; 3]> {
    let mut dice = Dice::new(3);
    (0..12)
        .map(|_| [0, 1, 2].map(|_| dice.below(1000) as f64 / 1000.0))
        .map(|signal| space.codes(signal).map(f64::round))
        .collect()
}

const SIDE: usize = 32;

/// Raw bytes of patches in a layout with chroma shifted by (x, y): planes, or both kinds of chroma in one (`nv`), or all
/// in one row (`packed`: which part each number of a group is).
fn patched(colors: &[[f64; 3]], name: &str, depth: u32) -> Vec<u8> {
    let (x, y) = PixelFormat::from_name(name).expect("a format").chroma_shift();
    let (width, height) = (4 * SIDE, 3 * SIDE);
    let at = |part: usize, x: usize, y: usize| colors[(y / SIDE) * 4 + x / SIDE][part] as u16;
    let big = name.ends_with("be");
    let shift = match name {
        _ if name.starts_with("p0") || name.starts_with("p2") || name.starts_with("y2") => 16 - depth,
        _ if name.starts_with("nv20") => 6 * u32::from(!name.starts_with("nv20")),
        _ => 0,
    };
    let mut raw = Vec::new();
    let mut put = |value: u16| match depth {
        8 => raw.push(value as u8),
        _ => raw.extend(word(value << shift, big)),
    };
    let groups: &[(&str, &[(usize, usize)])] = &[
        ("uyvy422", &[(1, 0), (0, 0), (2, 0), (0, 1)]),
        ("yuyv422", &[(0, 0), (1, 0), (0, 1), (2, 0)]),
        ("yvyu422", &[(0, 0), (2, 0), (0, 1), (1, 0)]),
        ("y210le", &[(0, 0), (1, 0), (0, 1), (2, 0)]),
        ("uyyvyy411", &[(1, 0), (0, 0), (0, 1), (2, 0), (0, 2), (0, 3)]),
    ];
    if let Some((_, group)) = groups.iter().find(|(own, _)| *own == name) {
        let step = 1 << x;
        for row in 0..height {
            for column in (0..width).step_by(step) {
                group.iter().for_each(|(part, more)| put(at(*part, column + more, row)));
            }
        }
        return raw;
    }
    (0..height).for_each(|row| (0..width).for_each(|column| put(at(0, column, row))));
    let (w, h) = (width >> x, height >> y);
    let order = if matches!(name, "nv21" | "nv42") { [2, 1] } else { [1, 2] };
    if name.starts_with("nv") || name.starts_with('p') {
        for row in 0..h {
            for column in 0..w {
                order.iter().for_each(|part| put(at(*part, column << x, row << y)));
            }
        }
    } else {
        for part in order {
            (0..h).for_each(|row| (0..w).for_each(|column| put(at(part, column << x, row << y))));
        }
    }
    raw
}

#[test]
fn every_subsampling_of_chroma_is_converted_to_every_other() {
    let layouts: [(&str, u32, Chroma); 27] = [
        ("yuv411p", 8, Chroma::C422),
        ("yuvj411p", 8, Chroma::C422),
        ("uyyvyy411", 8, Chroma::C422),
        ("yuv410p", 8, Chroma::C420),
        ("yuv440p", 8, Chroma::C444),
        ("yuvj440p", 8, Chroma::C444),
        ("yuv440p10le", 10, Chroma::C444),
        ("yuv440p10be", 10, Chroma::C444),
        ("yuv440p12le", 12, Chroma::C444),
        ("yuv440p12be", 12, Chroma::C444),
        ("uyvy422", 8, Chroma::C422),
        ("yuyv422", 8, Chroma::C422),
        ("yvyu422", 8, Chroma::C422),
        ("y210le", 10, Chroma::C422),
        ("nv12", 8, Chroma::C420),
        ("nv21", 8, Chroma::C420),
        ("nv16", 8, Chroma::C422),
        ("nv24", 8, Chroma::C444),
        ("nv42", 8, Chroma::C444),
        ("p010le", 10, Chroma::C420),
        ("p010be", 10, Chroma::C420),
        ("p210le", 10, Chroma::C422),
        ("nv20le", 10, Chroma::C422),
        ("yuv420p9be", 9, Chroma::C420),
        ("yuv422p10be", 10, Chroma::C422),
        ("yuv444p14le", 14, Chroma::C444),
        ("yuv420p16be", 16, Chroma::C420),
    ];
    for (name, depth, natural) in layouts {
        let full = name.starts_with("yuvj");
        let space = Space { depth, full, ..NTSC_8 };
        let colors = patches(&space);
        let folder = folder();
        let raw = patched(&colors, name, depth);
        let job = |chroma: Option<Chroma>, to_depth: Option<u32>| {
            let settings = EncodeSettings { chroma, depth: to_depth, ..Default::default() };
            let mut job = raw_job(folder.path(), name, &raw, settings);
            let geometry = job.source.raw.as_mut().expect("raw");
            (geometry.width, geometry.height) = (4 * SIDE as u32, 3 * SIDE as u32);
            job.outputs[0].picture.source_color = "bt601-525".parse().expect("an override");
            job
        };
        let plan = planned(&job(None, None));
        let own = plan.video.as_ref().expect("pictures").format;
        assert_eq!((own.chroma, own.rgb, own.alpha), (natural, false, false), "{name}");
        let is_odd = PixelFormat::from_name(name).and_then(PixelFormat::odd_chroma).is_some();
        let mut coded = job(None, None);
        coded.outputs[0].video = VideoSettings::X264(quick(""));
        let said = decisions(&planned(&coded));
        assert_eq!(said.contains("is not encoded as it is"), is_odd, "{name}: {said}");
        for (chroma, to_depth, standard) in [
            (Some(natural), None, None),
            (Some(Chroma::C420), Some(8), None),
            (Some(Chroma::C444), Some(8), Some(Standard::Bt709)),
            (Some(Chroma::C422), Some(10), None),
        ] {
            let mut job = job(chroma, to_depth);
            job.outputs[0].picture.color = standard;
            let (planes, format) = taken(&job);
            let to = match standard {
                None => Space { depth: format.depth, ..space },
                Some(_) => Space { depth: format.depth, full, ..HD_8 },
            };
            for (number, patch) in colors.iter().enumerate() {
                let exact = space.convert(*patch, &to);
                for (plane, grid) in planes.iter().enumerate() {
                    let (w, h) = (grid.width / 4, grid.height / 3);
                    let middle = grid.part(number % 4 * w + w * 3 / 8, number / 4 * h + h * 3 / 8, w / 4, h / 4);
                    for sample in middle.samples {
                        let off = (f64::from(sample) - exact[plane]).abs();
                        let what = format!("{name} to {format:?} {standard:?}, patch {number}, plane {plane}");
                        assert!(off <= 1.0, "{what}: {sample}, and {} is right", exact[plane]);
                    }
                }
            }
            if standard.is_none() && format.depth == depth {
                let luma = Grid::new(4 * SIDE, 3 * SIDE, |x, y| colors[y / SIDE * 4 + x / SIDE][0] as u16);
                close(&planes[0], &luma, 0.0, name, |value| value);
            }
        }
    }
}

#[test]
fn ffv1_keeps_chroma_that_other_encoders_do_not_take() {
    for (name, depth, planes) in [
        ("yuv411p", 8, "yuv411p"),
        ("yuvj411p", 8, "yuv411p"),
        ("uyyvyy411", 8, "yuv411p"),
        ("yuv410p", 8, "yuv410p"),
        ("yuv440p", 8, "yuv440p"),
        ("yuv440p10be", 10, "yuv440p10le"),
        ("yuv440p12le", 12, "yuv440p12le"),
    ] {
        let space = Space { depth, ..NTSC_8 };
        let folder = folder();
        let mut job = raw_job(folder.path(), name, &patched(&patches(&space), name, depth), EncodeSettings::default());
        let geometry = job.source.raw.as_mut().expect("raw");
        (geometry.width, geometry.height) = (4 * SIDE as u32, 3 * SIDE as u32);
        job.outputs[0].verify = VerifyLevel::Full;
        let report = done(&job);
        assert_eq!(report.outputs[0].verification.lossless_frames, Some(1), "{name}");
        let output = &job.outputs[0].path;
        assert_eq!(text(&picture_stream(output)["pix_fmt"]), planes, "{name}");
        let decoded = program::ffmpeg(&format!("-i {} -f rawvideo -", output.display())).stdout;
        let exact = patched(&patches(&space), planes, depth);
        assert!(decoded == exact, "{name}: samples differ");
    }
}

#[test]
fn floating_point_is_spread_over_the_values_of_the_output() {
    let light = |x: usize, part: usize| (x + 64 * part) as f32 / 255.0;
    for (name, parts, big) in [
        ("gbrpf32le", 3, false),
        ("gbrpf32be", 3, true),
        ("gbrapf32le", 4, false),
        ("gbrapf32be", 4, true),
        ("grayf32le", 1, false),
        ("grayf32be", 1, true),
    ] {
        let plane = |part: usize| {
            let samples = (0..HEIGHT).flat_map(|_| 0..WIDTH).map(move |x| light(x, part));
            samples.flat_map(move |value| if big { value.to_be_bytes() } else { value.to_le_bytes() })
        };
        let raw: Vec<u8> = (0..parts).flat_map(plane).collect();
        let folder = folder();
        let (planes, format) = taken(&raw_job(folder.path(), name, &raw, EncodeSettings::default()));
        assert_eq!((format.rgb, format.depth, format.alpha), (true, 16, parts == 4), "{name}");
        for (number, plane) in planes.iter().enumerate() {
            let part = if parts == 1 { 0 } else { number };
            let source = Grid::new(WIDTH, HEIGHT, |x, _| x as u16);
            close(plane, &source, 0.51, name, |x| f64::from(light(x as usize, part)) * 65535.0);
        }
    }
}

#[test]
fn digital_cinema_is_rendered_for_bt709() {
    // Grey of D65, primaries, and colours between them, as light; and their codes of 12 bits.
    let to_xyz = [
        [0.412_390_8, 0.357_584_3, 0.180_480_8],
        [0.212_639_0, 0.715_168_7, 0.072_192_3],
        [0.019_330_8, 0.119_194_8, 0.950_532_2],
    ];
    let light = |at: usize| match at {
        0..64 => [at as f64 / 63.0; 3],
        _ => [at % 7, at % 5, at % 3].map(|part| 0.05 + part as f64 / 8.0),
    };
    let code = |part: f64| (4095.0 * (part.max(0.0) * 48.0 / 52.37).powf(1.0 / 2.6)).round();
    let codes = |at: usize| {
        let rgb = light(at);
        to_xyz.map(|row| code(row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2]) as u16)
    };
    for (name, big) in [("xyz12le", false), ("xyz12be", true)] {
        let raw: Vec<u8> = (0..WIDTH * HEIGHT).flat_map(codes).flat_map(|code| word(code << 4, big)).collect();
        let folder = folder();
        let mut job = raw_job(folder.path(), name, &raw, quick(""));
        assert!(Plan::new(&job, &job.source.open().unwrap()).is_err(), "FFV1 cannot hold it");
        job.outputs[0].video =
            VideoSettings::X264(EncodeSettings { chroma: Some(Chroma::C444), depth: Some(8), ..quick("") });
        let plan = planned(&job);
        assert!(decisions(&plan).contains("digital cinema"), "{}", decisions(&plan));
        let color = plan.video.expect("pictures").color;
        assert_eq!((color.primaries, color.transfer, color.matrix), Standard::Bt709.code_points());
        let (planes, _) = taken(&job);
        for at in 0..WIDTH * HEIGHT {
            let exact = HD_8.clipped(HD_8.codes(values(light(at))));
            for (plane, exact) in planes.iter().zip(exact) {
                let off = (f64::from(plane.samples[at]) - exact).abs();
                assert!(off <= 1.6, "{name}, sample {at}: {}, and {exact} is right", plane.samples[at]);
            }
        }
    }
}

#[test]
fn every_layout_that_libavutil_names_is_converted_or_refused_with_the_reason() {
    let listed = program::run("ffmpeg", ["-v", "error", "-pix_fmts"]).stdout;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let names = listed.lines().filter_map(|line| {
        let (flags, name) = (line.split_whitespace().next()?, line.split_whitespace().nth(1)?);
        (flags.len() == 5 && name != "=" && flags.bytes().all(|flag| b".IOHPB".contains(&flag)) && !flags.contains('H'))
            .then(|| name.to_owned())
    });
    let (mut converted, mut refused) = (0, Vec::new());
    for name in names {
        let pixel = PixelFormat::from_name(&name).unwrap_or_else(|| panic!("libavutil does not know {name}"));
        let Some(bytes) = pixel.image_bytes(WIDTH as u32, HEIGHT as u32) else { panic!("{name} has no size") };
        let folder = folder();
        let mut job = raw_job(folder.path(), &name, &vec![1; bytes as usize], quick(""));
        job.outputs[0].video = VideoSettings::X264(EncodeSettings { chroma: Some(Chroma::C420), ..quick("") });
        match pixel.obstacle() {
            None => {
                let (planes, format) = taken(&job);
                assert_eq!((planes.len(), format.is_plain()), (3, true), "{name}");
                converted += 1;
            }
            Some(why) => {
                let source = job.source.open().unwrap();
                let error = Plan::new(&job, &source).map(|_| ()).expect_err("refused");
                assert_eq!(error.kind(), trix_core::ErrorKind::Unsupported, "{error}");
                assert!(error.to_string().contains(why) && error.to_string().contains(&name), "{error}");
                refused.push(name);
            }
        }
    }
    assert!(converted > 150, "only {converted} were converted");
    assert!(refused.iter().all(|name| name.starts_with("bayer_")), "{refused:?}");
}

/// Pictures with a palette, as `ffmpeg` writes them with `options`.
fn with_palette(folder: &Path, clear: bool, name: &str, options: &str) -> PathBuf {
    let file = folder.join(name);
    let opacity = if clear { "format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='255*gt(X,40)'," } else { "" };
    let reserve = u8::from(clear);
    program::ffmpeg(&format!(
        "-f lavfi -i testsrc2=s={WIDTH}x{HEIGHT}:r=25:d=0.12 -lavfi {opacity}split[a][b];[a]palettegen=reserve_transparent={reserve}\
         [p];[b][p]paletteuse -pix_fmt pal8 {options} {}",
        file.display()
    ));
    file
}

#[test]
fn a_palette_is_looked_up() {
    for (name, clear, options) in [
        ("p%02d.png", false, ""),
        ("p%02d.png", true, ""),
        ("p%02d.bmp", false, ""),
        ("p%02d.tif", false, ""),
        ("p.mov", false, "-c:v png"),
        ("p.avi", false, "-c:v zmbv"),
        ("p.nut", false, "-c:v rawvideo"),
    ] {
        let folder = folder();
        let source = with_palette(folder.path(), clear, name, options);
        let output = folder.path().join("out.mkv");
        let mut job = picture_job(&source, &output, Encoder::Ffv1, EncodeSettings::default());
        let said = plan(&job).unwrap();
        assert_eq!(said.video.as_ref().expect("pictures").format.alpha, clear, "{name}");
        done(&job);
        // Packed, which the program looks up without a conversion.
        let packed = |file: &Path| {
            let (format, bytes) = if clear { ("rgba", 4) } else { ("rgb24", 3) };
            let line = format!("-i {} -fps_mode passthrough -pix_fmt {format} -f rawvideo -", file.display());
            let samples = program::ffmpeg(&line).stdout;
            assert_eq!(samples.len(), 3 * WIDTH * HEIGHT * bytes, "{name}");
            samples
        };
        assert!(packed(&source) == packed(&output), "{name}: colours differ");
        job.outputs[0].picture.alpha = Alpha::Refuse;
        match clear {
            true => assert!(refusal(&job).contains("alpha channel"), "{name}"),
            false => drop(plan(&job).unwrap()),
        }
        // Laid on black, a colour that is not opaque is black.
        job.outputs[0].picture.alpha = Alpha::Auto;
        job.outputs[0].overwrite = true;
        job.outputs[0].video = VideoSettings::X264(EncodeSettings {
            rate: Some(RateControl::Qp { value: 0 }),
            chroma: Some(Chroma::C444),
            ..quick("")
        });
        assert_eq!(decisions(&plan(&job).unwrap()).contains("laid on black"), clear, "{name}");
        done(&job);
        let ours = decoded(&output, "yuv444p", (WIDTH, HEIGHT), "");
        let theirs = match clear {
            true => {
                "-vf format=gbrap,premultiply=inplace=1,format=gbrp,scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int"
            }
            false => "-vf format=gbrp,scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int",
        };
        let theirs = decoded(&source, "yuv444p", (WIDTH, HEIGHT), theirs);
        for (ours, theirs) in ours.iter().zip(&theirs) {
            let db = psnr(ours, theirs, 8);
            assert!(db > 45.0, "{name}: {db} dB");
        }
    }
}

/// VP8 or VP9 whose right half is not there.
fn with_layer(folder: &Path, codec: &str) -> PathBuf {
    let file = folder.join("layer.webm");
    let opacity = "format=yuva420p,geq=lum='p(X,Y)':cb='p(X,Y)':cr='p(X,Y)':a='if(lt(X,W/2),255,40)'";
    program::ffmpeg(&format!(
        "-f lavfi -i testsrc2=s=160x96:r=25:d=0.4,{opacity} -c:v {codec} -pix_fmt yuva420p -auto-alt-ref 0 -deadline realtime {}",
        file.display()
    ));
    file
}

#[test]
fn an_alpha_layer_is_kept_told_or_refused() {
    for (codec, decoder) in [("libvpx", "libvpx"), ("libvpx-vp9", "libvpx-vp9")] {
        let folder = folder();
        let source = with_layer(folder.path(), codec);
        let read = |file: &Path, decoder: &str| {
            let line = format!("{decoder} -i {} -fps_mode passthrough -pix_fmt yuva420p -f rawvideo -", file.display());
            split(&program::ffmpeg(&line).stdout, "yuva420p", 160, 96)
        };
        let theirs = read(&source, &format!("-c:v {decoder}"));
        assert_eq!(theirs.len(), 10);
        let (left, right) = (theirs[5][3].at(20, 48), theirs[5][3].at(140, 48));
        assert!(left > 250 && (30..50).contains(&right), "{codec}: the layer is not one: {left}, {right}");

        // FFV1 holds it.
        let output = folder.path().join("out.mkv");
        let mut job = picture_job(&source, &output, Encoder::Ffv1, EncodeSettings::default());
        done(&job);
        for (ours, theirs) in read(&output, "").iter().zip(&theirs) {
            support::pictures::assert_equal(ours, theirs, codec);
        }
        assert_eq!(read(&output, "").len(), 10);

        // H.264 does not, and lays it on black.
        let output = folder.path().join("out.mp4");
        job = picture_job(&source, &output, Encoder::X264, quick(""));
        let said = decisions(&plan(&job).unwrap());
        assert!(said.contains("laid on black") && said.contains("alpha"), "{said}");
        done(&job);
        let flat = decoded(&output, "yuv420p", (160, 96), "");
        let (before, after) = (f64::from(theirs[5][0].at(140, 20)), f64::from(flat[5][0].at(140, 20)));
        let exact = 16.0 + (before - 16.0) * f64::from(right) / 255.0;
        assert!((after - exact).abs() < 12.0, "{codec}: {before} became {after}, and {exact} is right");
        let mkv = folder.path().join("flat.mkv");
        done(&picture_job(&source, &mkv, Encoder::X264, quick("")));
        for file in [&output, &mkv] {
            let tags = picture_stream(file)["tags"].clone();
            assert!(tags["alpha_mode"].is_null() && tags["ALPHA_MODE"].is_null(), "{tags}");
        }

        job.outputs[0].picture.alpha = Alpha::Refuse;
        assert!(refusal(&job).contains("alpha channel"), "{codec}");

        // Copies keep it where the container has a place.
        for name in ["copy.webm", "copy.mkv", "copy.mp4"] {
            let output = folder.path().join(name);
            let mut job = Job::new(&source, &output);
            job.outputs[0].video = VideoSettings::Copy;
            if name == "copy.mp4" && codec == "libvpx" {
                // MP4 holds no VP8.
                assert!(plan(&job).is_err());
                continue;
            }
            let notes = plan(&job).unwrap().notes.join("\n");
            let keeps = name != "copy.mp4";
            assert_eq!(notes.contains("alpha layer of stream 0 is lost"), !keeps, "{name}: {notes}");
            done(&job);
            let tags = picture_stream(&output)["tags"].clone();
            let says = ["alpha_mode", "ALPHA_MODE"].iter().any(|key| text(&tags[*key]) == "1");
            assert_eq!(says, keeps, "{name}: {tags}");
            // AlphaMode of RFC 9559, 5.1.4.1.28.4: its identifier, one byte, 1.
            let bytes = std::fs::read(&output).expect("a file");
            assert_eq!(bytes.windows(4).any(|window| window == [0x53, 0xc0, 0x81, 1]), keeps, "{name}");
            if keeps {
                let copied = read(&output, &format!("-c:v {decoder}"));
                assert_eq!(copied.len(), 10, "{name}");
                for (ours, theirs) in copied.iter().zip(&theirs) {
                    support::pictures::assert_equal(ours, theirs, name);
                }
            }
            job.outputs[0].picture.alpha = Alpha::Refuse;
            assert!(refusal(&job).contains("alpha"), "{name}");
        }
    }
}

#[test]
fn a_second_layer_of_hevc_is_named() {
    let folder = folder();
    let plain = folder.path().join("plain.hevc");
    let source = "-f lavfi -i testsrc2=s=96x64:r=25:d=0.12";
    program::ffmpeg(&format!(
        "{source} -c:v libx265 -preset ultrafast -x265-params log-level=none {}",
        plain.display()
    ));
    let bytes = std::fs::read(&plain).expect("a stream");
    // Every unit of slices once more, as a layer with the number 1.
    let mut layered = Vec::new();
    for unit in units_with_start_codes(&bytes) {
        layered.extend_from_slice(unit);
        if unit[4] >> 1 & 0x3f < 32 {
            let from = layered.len();
            layered.extend_from_slice(unit);
            layered[from + 5] |= 1 << 3;
        }
    }
    let file = folder.path().join("layered.hevc");
    std::fs::write(&file, layered).expect("a file can be written");
    for (source, has) in [(&plain, false), (&file, true)] {
        let mut job = picture_job(source, &folder.path().join("out.mkv"), Encoder::X264, quick(""));
        job.outputs[0].overwrite = true;
        let notes = plan(&job).unwrap().notes.join("\n");
        assert_eq!(notes.contains("second layer of stream 0"), has, "{notes}");
        let report = done(&job);
        assert_eq!(report.outputs[0].ledger.as_ref().expect("a ledger").encoded, 3);
    }
}

/// Units of a raw stream, each with its start code of four bytes.
fn units_with_start_codes(bytes: &[u8]) -> Vec<&[u8]> {
    let starts = bytes.windows(4).enumerate().filter(|(_, window)| *window == [0, 0, 0, 1]);
    let starts: Vec<usize> = starts.map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    starts.iter().zip(ends).map(|(start, end)| &bytes[*start..end]).collect()
}

#[test]
fn odd_sizes_lose_a_row_and_a_column_where_chroma_is_subsampled() {
    let folder = folder();
    for (name, encoder, chroma, size) in [
        ("rgb24", Encoder::X264, Some(Chroma::C420), (160, 120)),
        ("rgb24", Encoder::X264, None, (161, 121)),
        ("yuv420p", Encoder::X264, None, (160, 120)),
        ("yuv422p", Encoder::X265, None, (160, 121)),
        ("gray", Encoder::X265, Some(Chroma::C420), (160, 120)),
        ("yuv411p", Encoder::X264, None, (160, 121)),
        ("yuv420p", Encoder::Prores, None, (160, 121)),
        ("yuv420p", Encoder::Ffv1, None, (161, 121)),
    ] {
        let raw = folder.path().join("odd.raw");
        let pixel = PixelFormat::from_name(name).expect("a format");
        let bytes = pixel.image_bytes(161, 121).expect("a size") as usize;
        let mut dice = Dice::new(9);
        let first = dice.below(100) as usize;
        let picture: Vec<u8> = (0..bytes).map(|at| (100 + (first + at) % 64) as u8).collect();
        std::fs::write(&raw, picture.repeat(2)).expect("a file can be written");
        let extension = if encoder == Encoder::Prores { "mov" } else { "mkv" };
        let output = folder.path().join(format!("out.{extension}"));
        let settings = if encoder.is_mezzanine() { EncodeSettings::default() } else { quick("") };
        let mut job = picture_job(&raw, &output, encoder, EncodeSettings { chroma, ..settings });
        job.outputs[0].overwrite = true;
        let geometry = RawGeometry { width: 161, height: 121, pixel_format: name.into(), rate: Rational::new(25, 1) };
        job.source.raw = Some(geometry);
        let plan = planned(&job);
        let video = plan.video.as_ref().expect("pictures");
        assert_eq!((video.width, video.height), size, "{name} {encoder}");
        let notes = plan.notes.join("\n");
        assert_eq!(notes.contains("cropped to"), size != (161, 121), "{name} {encoder}: {notes}");
        done(&job);
        let found = picture_stream(&output);
        assert_eq!((found["width"].as_u64(), found["height"].as_u64()), (Some(size.0 as u64), Some(size.1 as u64)));
        assert_eq!(text(&found["nb_read_frames"]), "2", "{name} {encoder}");
        if name == "yuv420p" || name == "yuv422p" {
            let (planes, format) = {
                let source = job.source.open().expect("a source");
                let mut reader =
                    PictureReader::new(source, OnDamage::Fail, Cut::default(), Some(video.filtering()), 1).unwrap();
                let picture = reader.next_picture().unwrap().expect("a picture");
                let luma = picture.frame.planes()[0];
                let rows: Vec<Vec<u8>> = luma.rows().map(<[u8]>::to_vec).collect();
                (rows, video.format)
            };
            if format.depth == 8 {
                for (y, row) in planes.iter().enumerate() {
                    assert_eq!(row[..], picture[y * 161..y * 161 + size.0], "{name} {encoder}, row {y}");
                }
            }
        }
    }
    // What was asked for is not changed.
    let raw = folder.path().join("odd.raw");
    std::fs::write(&raw, vec![128; 161 * 121 * 3]).expect("a file can be written");
    let size = Some("161x121".parse().expect("a size"));
    let settings = EncodeSettings { chroma: Some(Chroma::C420), size, ..quick("") };
    let mut job = picture_job(&raw, &folder.path().join("out.mkv"), Encoder::X264, settings);
    let geometry = RawGeometry { width: 161, height: 121, pixel_format: "rgb24".into(), rate: Rational::new(25, 1) };
    job.source.raw = Some(geometry);
    let source = job.source.open().unwrap();
    let error = Plan::new(&job, &source).map(|_| ()).expect_err("refused").to_string();
    assert!(error.contains("160x120"), "{error}");
}

#[test]
fn a_sample_aspect_that_matroska_rounds_is_a_note() {
    let folder = folder();
    let bytes = vec![128; 128 * 96 * 3 / 2 * 3];
    let source = folder.path().join("source.mov");
    let options = "-vf setsar=2740/2739:max=5000 -c:v libx264 -qp 0 -preset ultrafast";
    written(&source, &bytes, "yuv420p", (128, 96), options);
    for (name, encoder) in [
        ("a.mkv", Encoder::X264),
        ("b.mkv", Encoder::Ffv1),
        ("c.mkv", Encoder::X265),
        ("d.mp4", Encoder::X264),
        ("e.mov", Encoder::Prores),
    ] {
        let output = folder.path().join(name);
        let settings = if encoder.is_mezzanine() { EncodeSettings::default() } else { quick("") };
        let job = picture_job(&source, &output, encoder, settings);
        let notes = plan(&job).unwrap().notes.join("\n");
        assert_eq!(
            notes.contains("2740:2739") || notes.contains("2740/2739"),
            name.ends_with("mkv"),
            "{name}: {notes}"
        );
        done(&job);
        if encoder == Encoder::X264 || name.ends_with("mp4") {
            // What the bitstream itself says.
            let raw = folder.path().join("raw.h264");
            program::ffmpeg(&format!("-i {} -c copy {}", output.display(), raw.display()));
            assert_eq!(text(&picture_stream(&raw)["sample_aspect_ratio"]), "2740:2739", "{name}");
        }
    }
    let mut job = Job::new(&source, folder.path().join("copy.mkv"));
    job.outputs[0].video = VideoSettings::Copy;
    assert!(plan(&job).unwrap().notes.join("\n").contains("display size"));
    done(&job);
}
