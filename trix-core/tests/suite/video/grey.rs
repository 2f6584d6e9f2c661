//! Tests of greyscale video in every depth, range and matrix, with and without alpha.

use trix_core::{
    Source,
    media::{
        color::{Range, Standard},
        format::Chroma,
    },
    settings::{
        job::VerifyLevel,
        picture::Alpha,
        video::{EncodeSettings, Encoder, RateControl, VideoSettings},
    },
};
use trix_fixtures::{folder, program};

use crate::support::{
    done,
    frames::{Grid, decisions},
    quick,
    raw::*,
    video_job,
};

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

/// Black and white as single bits, eight per byte.
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
        // Limited range if the output is YCbCr.
        let mut job = raw_job(folder.path(), name, &raw, EncodeSettings::default());
        job.outputs[0].video = VideoSettings::X264(EncodeSettings { chroma: Some(Chroma::C420), ..quick("") });
        let (planes, _) = taken(&job);
        close(&planes[0], &luma, 0.0, name, |value| if value as u16 == white { 235.0 } else { 16.0 });
        assert!(planes[1..].iter().all(|plane| plane.samples.iter().all(|sample| *sample == 128)), "{name}");
    }
}

#[test]
fn grey_becomes_luma_of_every_depth_and_range_with_neutral_chroma() {
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
                // Test every range with one target, and every depth once.
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
                // 9-bit values of limited range are clipped to the maximum of the depth.
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
    // With a stated matrix, and without any stated property.
    for says in ["bt601-625", ""] {
        let settings = EncodeSettings { depth: Some(10), chroma: Some(Chroma::C420), ..Default::default() };
        let mut job = raw_job(folder.path(), "gray10le", &raw, settings);
        job.outputs[0].picture.color = Some(Standard::Bt709);
        if !says.is_empty() {
            job.outputs[0].picture.source_color = says.parse().expect("an override");
        }
        let (planes, _) = taken(&job);
        // Grey does not depend on primaries.
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
        // x265 accepts no smaller frames.
        let geometry = job.source.raw.as_mut().expect("raw");
        (geometry.width, geometry.height) = (WIDTH as u32, HEIGHT as u32);
        let wide = raw.repeat(2);
        std::fs::write(&job.source.path, &wide).expect("a file can be written");
        job.source.raw.as_mut().expect("raw").height = 2 * HEIGHT as u32;
        job.outputs[0] = video_job(&job.source.path, &folder.path().join(name), encoder, settings).outputs.remove(0);
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
fn grey_with_alpha_is_kept_or_laid_on_black() {
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

        // ProRes has 10 bits. Opaque pixels stay opaque.
        let mut mezzanine = raw_job(folder.path(), name, &raw, EncodeSettings::default());
        mezzanine.outputs[0].video = VideoSettings::Prores(Default::default());
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
        let source = Source::of(&job.source).unwrap();
        let refused = trix_core::plan(&job, &source).map(|_| ()).expect_err("refused").to_string();
        assert!(refused.contains("alpha channel"), "{refused}");
    }
}
