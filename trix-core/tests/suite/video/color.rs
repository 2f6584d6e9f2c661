//! Tests of colour conversion. The expected values come from floating-point arithmetic by the text of the standards
//! (`support/colorimetry.rs`).
//!
//! A sample is correct within one code value of the exact result. Rounding takes half a code. With error diffusion to
//! fewer bits, a sample can get another half from its neighbours.

use std::path::{Path, PathBuf};

use trix_core::{
    Job,
    media::{
        color::{Range, Standard},
        format::Chroma,
    },
    settings::{
        picture::{Alpha, Tonemap},
        video::{EncodeSettings, Encoder, Ffv1Settings, VideoSettings},
    },
};
use trix_fixtures::{folder, media, program};

use crate::support::{
    self,
    colorimetry::*,
    frames::{
        Dice, Grid, Planes, assert_equal, colored, decisions, ffv1_job, filtered, joined, plan, refusal, written,
    },
    quick,
};

const NTSC_8: Space = Space::new(NTSC, WEIGHTS_601, 8);
const PAL_8: Space = Space::new(PAL, WEIGHTS_601, 8);
const HD_8: Space = Space::new(BT709, WEIGHTS_709, 8);
const HD_10: Space = Space::new(BT709, WEIGHTS_709, 10);
const UHD_8: Space = Space::new(BT2020, WEIGHTS_2020, 8);
const UHD_10: Space = Space::new(BT2020, WEIGHTS_2020, 10);

/// Tags of `space` for the `ffmpeg` program.
fn tags(space: &Space) -> String {
    let (primaries, transfer, matrix) = match (space.primaries, space.transfer) {
        (_, Transfer::Pq) => ("bt2020", "smpte2084", "bt2020nc"),
        (_, Transfer::Hlg) => ("bt2020", "arib-std-b67", "bt2020nc"),
        (BT709, _) => ("bt709", "bt709", "bt709"),
        (NTSC, _) => ("smpte170m", "smpte170m", "smpte170m"),
        (PAL, _) => ("bt470bg", "smpte170m", "bt470bg"),
        _ => ("bt2020", "bt2020-10", "bt2020nc"),
    };
    let range = if space.full { "pc" } else { "tv" };
    // RGB has no matrix, and newer releases of the program would convert frames that state one.
    let (matrix, range) = if space.weights.is_some() { (matrix, range) } else { ("gbr", "pc") };
    format!("-vf {} -color_range {range}", colored(primaries, transfer, matrix, range))
}

/// FFmpeg's name of the 4:4:4 format with the depth of `space`.
fn full_chroma(space: &Space) -> &'static str {
    match (space.weights, space.depth) {
        (Some(_), 8) => "yuv444p",
        (Some(_), 10) => "yuv444p10le",
        (None, 10) => "gbrp10le",
        other => panic!("{other:?}"),
    }
}

const WIDTH: usize = 64;
const HEIGHT: usize = 48;

/// Code values of `space`: bars of 100, 75 and 40 per cent, ramps of grey and of primaries, then random codes from
/// black to white. Most random codes are outside the gamut of the other standard.
fn codes(space: &Space) -> Planes {
    let mut dice = Dice::new(7);
    let mut rows: Vec<[u16; 3]> = Vec::new();
    let rounded = |signal: [f64; 3]| space.clipped(space.codes(signal)).map(|code| code.round() as u16);
    for level in [1.0, 0.75, 0.4] {
        let bars = (0..8).flat_map(|bar: usize| [bar; WIDTH / 8]);
        rows.extend(bars.map(|bar| rounded([1, 0, 2].map(|bit| if bar >> bit & 1 == 1 { level } else { 0.0 }))));
    }
    for which in [[1.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.5, 0.25]] {
        let ramp = (0..WIDTH * 4).map(|x| x as f64 / (WIDTH * 4 - 1) as f64);
        rows.extend(ramp.map(|level| rounded(which.map(|part| part * level))));
    }
    while rows.len() < WIDTH * HEIGHT {
        let step = 1u64 << (space.depth - 8);
        let (least, most) = if space.full { (0, 256 * step) } else { (16 * step, 236 * step) };
        rows.push([0, 1, 2].map(|_| (least + dice.below(most - least)) as u16));
    }
    (0..3).map(|plane| Grid::new(WIDTH, HEIGHT, |x, y| rows[y * WIDTH + x][plane])).collect()
}

/// Makes a source from `planes` with the tags of `space`.
fn source(folder: &Path, space: &Space, planes: &Planes) -> PathBuf {
    // Planes of RGB are in the order green, blue, red.
    let planes = match space.weights {
        Some(_) => planes.clone(),
        None => vec![planes[1].clone(), planes[2].clone(), planes[0].clone()],
    };
    let name = full_chroma(space);
    let file = folder.join("source.mkv");
    let size = (planes[0].width, planes[0].height);
    written(&file, &joined(&[planes], name), name, size, &format!("-c:v ffv1 -level 3 {}", tags(space)))
}

/// Returns the largest difference between samples and exact values, and its place.
fn worst(planes: &Planes, exact: &[[f64; 3]]) -> (f64, String) {
    let mut worst = (0.0, String::new());
    for (at, exact) in exact.iter().enumerate() {
        let found = [0, 1, 2].map(|plane| planes[plane].samples[at]);
        let off = found.iter().zip(exact).map(|(found, exact)| (f64::from(*found) - exact).abs()).fold(0.0, f64::max);
        if off > worst.0 {
            worst = (off, format!("sample {at} is {found:?} and should be {exact:.2?}"));
        }
    }
    worst
}

/// Returns the exact result for every sample of `planes`.
fn expected(planes: &Planes, of: impl Fn([f64; 3]) -> [f64; 3]) -> Vec<[f64; 3]> {
    (0..planes[0].samples.len()).map(|at| of([0, 1, 2].map(|plane| f64::from(planes[plane].samples[at])))).collect()
}

fn converts(from: Space, to: Space, ask: impl Fn(&mut Job)) {
    let folder = folder();
    let planes = codes(&from);
    let mut job = ffv1_job(&source(folder.path(), &from, &planes));
    let settings = Ffv1Settings { depth: Some(to.depth), chroma: Some(Chroma::C444), ..Default::default() };
    job.outputs[0].video = VideoSettings::Ffv1(settings);
    ask(&mut job);
    let shots = filtered(&job);
    assert_eq!(shots.len(), 1);
    let bound = if to.depth < from.depth { 1.0 } else { 0.51 };
    let (off, place) = worst(&shots[0].planes, &expected(&planes, |codes| from.convert(codes, &to)));
    assert!(off <= bound, "{from:?} to {to:?}: {place}");
}

fn to(standard: Standard) -> impl Fn(&mut Job) {
    move |job| job.outputs[0].picture.color = Some(standard)
}

#[test]
fn standard_definition_becomes_high_definition() {
    converts(NTSC_8, HD_8, to(Standard::Bt709));
    converts(PAL_8, HD_8, to(Standard::Bt709));
    converts(Space { depth: 10, ..NTSC_8 }, HD_10, to(Standard::Bt709));
    converts(Space { depth: 10, ..PAL_8 }, HD_8, to(Standard::Bt709));
}

#[test]
fn high_definition_becomes_standard_definition() {
    converts(HD_8, NTSC_8, to(Standard::Bt601With525));
    converts(HD_8, PAL_8, to(Standard::Bt601With625));
    converts(HD_10, Space { depth: 10, ..PAL_8 }, to(Standard::Bt601With625));
}

#[test]
fn high_definition_becomes_ultra_high_definition_and_back() {
    converts(HD_8, UHD_8, to(Standard::Bt2020));
    converts(HD_10, UHD_10, to(Standard::Bt2020));
    converts(UHD_8, HD_8, to(Standard::Bt709));
    converts(UHD_10, HD_10, to(Standard::Bt709));
    converts(UHD_10, HD_8, to(Standard::Bt709));
}

#[test]
fn a_range_is_converted_without_changing_the_matrix() {
    let full = |space| Space { full: true, ..space };
    let wants = |range| move |job: &mut Job| job.outputs[0].picture.range = Some(range);
    for space in [HD_8, HD_10, NTSC_8, UHD_10] {
        converts(full(space), space, wants(Range::Limited));
        converts(space, full(space), wants(Range::Full));
    }
    converts(full(HD_10), HD_8, wants(Range::Limited));
    converts(HD_10, full(HD_8), wants(Range::Full));
    converts(HD_8, full(HD_10), wants(Range::Full));
}

#[test]
fn subsampled_patches_of_colour_are_converted_like_full_ones() {
    for (from, to_space, standard, format) in [
        (PAL_8, HD_8, Standard::Bt709, "yuv420p"),
        (HD_8, NTSC_8, Standard::Bt601With525, "yuv422p"),
        (UHD_10, HD_10, Standard::Bt709, "yuv420p10le"),
        (HD_10, UHD_10, Standard::Bt2020, "yuv422p10le"),
    ] {
        let folder = folder();
        // Patches of 32x32. The test compares only their centres, because chroma changes gradually at the edges.
        let mut dice = Dice::new(3);
        let patches: Vec<[f64; 3]> = (0..12)
            .map(|_| [0, 1, 2].map(|_| dice.below(1000) as f64 / 1000.0))
            .map(|signal| from.codes(signal).map(f64::round))
            .collect();
        let layout = support::frames::format(format);
        let (width, height) = (128, 96);
        let planes: Planes = (0..3)
            .map(|plane| {
                let (w, h) = layout.plane_size(plane, width, height);
                Grid::new(w, h, |x, y| patches[y * 3 / h * 4 + x * 4 / w][plane] as u16)
            })
            .collect();
        let file = folder.path().join("patches.mkv");
        let options = format!("-c:v ffv1 -level 3 {}", tags(&from));
        written(&file, &joined(&[planes], format), format, (width, height), &options);
        let mut job = ffv1_job(&file);
        to(standard)(&mut job);
        let shots = filtered(&job);
        for (number, patch) in patches.iter().enumerate() {
            let exact = from.convert(*patch, &to_space);
            for (plane, grid) in shots[0].planes.iter().enumerate() {
                let (w, h) = (grid.width / 4, grid.height / 3);
                let middle = grid.part(number % 4 * w + w / 4, number / 4 * h + h / 4, w / 2, h / 2);
                for sample in middle.samples {
                    let off = (f64::from(sample) - exact[plane]).abs();
                    assert!(off <= 1.0, "{format}, patch {number}, plane {plane}: {sample} for {}", exact[plane]);
                }
            }
        }
    }
}

/// Makes a source of packed or planar RGB, with alpha if the format has it. Samples are in the order red, green, blue,
/// alpha.
fn rgb_source(folder: &Path, format: &str, pixels: &[[u16; 4]]) -> PathBuf {
    let (encoder, bytes): (&str, Vec<u8>) = match format {
        "rgb24" => ("png", pixels.iter().flat_map(|p| [p[0] as u8, p[1] as u8, p[2] as u8]).collect()),
        "rgba" => ("png", pixels.iter().flat_map(|p| p.map(|part| part as u8)).collect()),
        "bgr0" => ("ffv1", pixels.iter().flat_map(|p| [p[2] as u8, p[1] as u8, p[0] as u8, 0]).collect()),
        _ => {
            let plane = |part: usize| pixels.iter().flat_map(move |pixel| pixel[part].to_le_bytes());
            ("ffv1", plane(1).chain(plane(2)).chain(plane(0)).collect())
        }
    };
    let file = folder.join("rgb.mkv");
    written(&file, &bytes, format, (WIDTH, HEIGHT), &format!("-c:v {encoder}"))
}

/// Pixels of many colours and alpha values.
fn pixels(depth: u32) -> Vec<[u16; 4]> {
    let mut dice = Dice::new(11);
    let most = (1u64 << depth) - 1;
    (0..WIDTH * HEIGHT)
        .map(|at| match at {
            // The corners of the colour cube come first, opaque.
            0..64 => [1, 2, 4, 0].map(|bit| if bit == 0 || at & bit != 0 { most as u16 } else { 0 }),
            _ => [0; 4].map(|_| dice.below(most + 1) as u16),
        })
        .collect()
}

#[test]
fn rgb_becomes_ycbcr_by_the_matrix_that_was_asked_for() {
    for (format, depth, standard, to_space) in [
        ("rgb24", 8, None, HD_8),
        ("bgr0", 8, Some(Standard::Bt601With625), PAL_8),
        ("gbrp10le", 10, Some(Standard::Bt709), HD_10),
        ("gbrp10le", 10, Some(Standard::Bt2020), UHD_10),
        ("gbrp10le", 10, None, HD_8),
    ] {
        let folder = folder();
        let pixels = pixels(depth);
        let mut job = ffv1_job(&rgb_source(folder.path(), format, &pixels));
        job.outputs[0].video = VideoSettings::Ffv1(Ffv1Settings {
            chroma: Some(Chroma::C444),
            depth: Some(to_space.depth),
            ..Default::default()
        });
        job.outputs[0].picture.color = standard;
        let plan = plan(&job).unwrap();
        let written = plan.video.as_ref().expect("video").color;
        assert_eq!(written.range, Range::Limited);
        assert_eq!(written.matrix, standard.unwrap_or(Standard::Bt709).code_points().2);
        // Unstated properties stay unstated: primaries and transfer are not invented.
        assert!(!written.primaries.is_specified() && !written.transfer.is_specified(), "{written:?}");
        assert_eq!(decisions(&plan).contains("RGB becomes YCbCr by the matrix of bt709"), standard.is_none());
        let most = f64::from((1u32 << depth) - 1);
        let exact: Vec<[f64; 3]> =
            pixels.iter().map(|pixel| to_space.codes([0, 1, 2].map(|part| f64::from(pixel[part]) / most))).collect();
        let (off, place) = worst(&filtered(&job)[0].planes, &exact);
        let bound = if depth > to_space.depth { 1.0 } else { 0.51 };
        assert!(off <= bound, "{format}: {place}");
    }
}

#[test]
fn alpha_lays_rgb_on_black() {
    let folder = folder();
    let pixels = pixels(8);
    let mut job = ffv1_job(&rgb_source(folder.path(), "rgba", &pixels));
    job.outputs[0].video = VideoSettings::X264(EncodeSettings { chroma: Some(Chroma::C444), ..quick("") });
    job.outputs[0].picture.color = Some(Standard::Bt709);
    let said = decisions(&plan(&job).unwrap());
    assert!(said.contains("laid on black"), "{said}");
    let exact: Vec<[f64; 3]> = pixels
        .iter()
        .map(|pixel| {
            let opacity = f64::from(pixel[3]) / 255.0;
            HD_8.codes([0, 1, 2].map(|part| f64::from(pixel[part]) / 255.0 * opacity))
        })
        .collect();
    let (off, place) = worst(&filtered(&job)[0].planes, &exact);
    assert!(off <= 1.0, "{place}");
}

/// Planes of Y, Cb, Cr and alpha with all legal values.
fn with_opacity(space: &Space) -> Planes {
    let mut planes = codes(space);
    let mut dice = Dice::new(5);
    let most = (1u64 << space.depth) - 1;
    let opacity: Vec<u16> =
        (0..WIDTH * HEIGHT).map(|at| if at < 256 { most } else { dice.below(most + 1) } as u16).collect();
    planes.push(Grid { width: WIDTH, height: HEIGHT, samples: opacity });
    planes
}

/// Exact codes of Y, Cb and Cr, composited onto black.
fn on_black(space: &Space, planes: &Planes) -> Vec<[f64; 3]> {
    let most = space.most();
    let black = space.codes([0.0; 3]);
    (0..WIDTH * HEIGHT)
        .map(|at| {
            let opacity = f64::from(planes[3].samples[at]) / most;
            [0, 1, 2].map(|plane| black[plane] + (f64::from(planes[plane].samples[at]) - black[plane]) * opacity)
        })
        .collect()
}

#[test]
fn alpha_lays_ycbcr_on_the_black_of_its_range() {
    for (name, space) in [
        ("yuva444p", HD_8),
        ("yuva444p", Space { full: true, ..HD_8 }),
        ("yuva444p10le", HD_10),
        ("yuva444p10le", Space { full: true, ..HD_10 }),
    ] {
        let folder = folder();
        let planes = with_opacity(&space);
        let file = folder.path().join("alpha.mkv");
        let options = format!("-c:v ffv1 -level 3 {}", tags(&space));
        written(&file, &joined(std::slice::from_ref(&planes), name), name, (WIDTH, HEIGHT), &options);
        let mut job = ffv1_job(&file);
        job.outputs[0].picture.alpha = Alpha::Black;
        let shots = filtered(&job);
        assert_eq!(shots[0].planes.len(), 3);
        let (off, place) = worst(&shots[0].planes, &on_black(&space, &planes));
        assert!(off <= 1.0, "{name} {space:?}: {place}");
        // Opaque pixels do not change.
        for (found, source) in shots[0].planes.iter().zip(&planes) {
            assert_eq!(found.samples[..256], source.samples[..256], "{name}");
        }
    }
}

#[test]
fn subsampled_frames_with_alpha_are_laid_on_black() {
    let folder = folder();
    let name = "yuva420p";
    // An alpha ramp from left to right over one colour.
    let layout = support::frames::format(name);
    let planes: Planes = (0..4)
        .map(|plane| {
            let (w, h) = layout.plane_size(plane, 128, 32);
            Grid::new(w, h, |x, _| [180, 60, 200, (x * 2) as u16][plane])
        })
        .collect();
    let file = folder.path().join("alpha.mkv");
    written(&file, &joined(&[planes], name), name, (128, 32), &format!("-c:v ffv1 -level 3 {}", tags(&HD_8)));
    let mut job = ffv1_job(&file);
    job.outputs[0].video = VideoSettings::X264(quick(""));
    for (plane, grid) in filtered(&job)[0].planes.iter().enumerate() {
        let step = 128 / grid.width;
        for x in 4..grid.width - 4 {
            // In 4:2:0, chroma is sited on the left one of two columns.
            let opacity = (x * step * 2) as f64 / 255.0;
            let (black, full) = [(16.0, 180.0), (128.0, 60.0), (128.0, 200.0)][plane];
            let exact = black + (full - black) * opacity;
            let found = f64::from(grid.at(x, grid.height / 2));
            assert!((found - exact).abs() <= 1.0, "plane {plane}, column {x}: {found} for {exact}");
        }
    }
}

#[test]
fn a_source_with_alpha_can_be_refused() {
    let folder = folder();
    let mut job = ffv1_job(&rgb_source(folder.path(), "rgba", &pixels(8)));
    job.outputs[0].picture.alpha = Alpha::Refuse;
    let said = refusal(&job);
    assert!(said.contains("picture.alpha") && said.contains("alpha channel"), "{said}");
}

/// Applies the curve of libavfilter's `tonemap` to light, scaled by the brightest component, without desaturation.
fn bent(operator: Tonemap, peak: f64, light: [f64; 3]) -> [f64; 3] {
    let hable = |x: f64| {
        // John Hable's filmic curve: shoulder, linear section and toe.
        let (a, b, c, d, e, f) = (0.15, 0.50, 0.10, 0.20, 0.02, 0.30);
        (x * (x * a + b * c) + d * e) / (x * (x * a + b) + d * f) - e / f
    };
    let brightest = light.into_iter().fold(1e-6, f64::max);
    let curved = match operator {
        Tonemap::Reinhard => brightest / (brightest + 1.0) * (peak + 1.0) / peak,
        Tonemap::Hable => hable(brightest) / hable(peak),
        _ if brightest <= 0.3 => brightest,
        _ => {
            // A Moebius transform that is linear up to 0.3 and maps the peak to 1.
            let j = 0.3;
            let a = -j * j * (peak - 1.0) / (j * j - 2.0 * j + peak);
            let b = (j * j - 2.0 * j * peak + peak) / (peak - 1.0).max(1e-6);
            (b * b + 2.0 * b * j + j * j) / (b - a) * (brightest + a) / (brightest + b)
        }
    };
    light.map(|part| part * curved / brightest)
}

const PQ: Space = Space { transfer: Transfer::Pq, ..UHD_10 };
const HLG: Space = Space { transfer: Transfer::Hlg, ..UHD_10 };

/// Returns the exact codes after tone mapping.
fn mapped(from: &Space, to: &Space, operator: Tonemap, peak: f64, codes: [f64; 3]) -> [f64; 3] {
    let light = adapted(from.light(from.signal(codes)), BT2020, BT709);
    to.clipped(to.codes(values(bent(operator, peak / 203.0, light))))
}

#[test]
fn tone_mapping_is_the_stated_curve() {
    for (from, peak) in [(PQ, 1000.0), (HLG, 1000.0)] {
        let folder = folder();
        let planes = codes(&from);
        let file = source(folder.path(), &from, &planes);
        for operator in [Tonemap::Mobius, Tonemap::Hable, Tonemap::Reinhard] {
            for to_space in [HD_8, HD_10] {
                let mut job = ffv1_job(&file);
                let settings = Ffv1Settings { depth: Some(to_space.depth), ..Default::default() };
                job.outputs[0].video = VideoSettings::Ffv1(settings);
                job.outputs[0].picture.tonemap = operator;
                let exact = expected(&planes, |codes| mapped(&from, &to_space, operator, peak, codes));
                let (off, place) = worst(&filtered(&job)[0].planes, &exact);
                assert!(off <= 1.0, "{operator:?} of {:?} to {} bits: {place}", from.transfer, to_space.depth);
            }
        }
    }
}

#[test]
fn tone_mapping_keeps_grey_grey_and_brighter_brighter() {
    for from in [PQ, HLG] {
        let folder = folder();
        // Sixteen rows of each grey, so that the average removes the noise of error diffusion.
        let greys: Vec<u16> = (0..55).map(|step| 64 + step * 16).collect();
        let planes: Planes = (0..3)
            .map(|plane| Grid::new(32, greys.len() * 16, |_, y| if plane == 0 { greys[y / 16] } else { 512 }))
            .collect();
        let file = source(folder.path(), &from, &planes);
        for operator in [Tonemap::Mobius, Tonemap::Hable, Tonemap::Reinhard] {
            let mut job = ffv1_job(&file);
            job.outputs[0].video = VideoSettings::X264(EncodeSettings { depth: Some(8), ..quick("") });
            job.outputs[0].picture.tonemap = operator;
            let shot = filtered(&job).remove(0);
            for plane in &shot.planes[1..] {
                assert!(plane.samples.iter().all(|sample| *sample == 128), "{operator:?}: grey has colour");
            }
            let means: Vec<f64> = (0..greys.len())
                .map(|grey| shot.planes[0].part(0, grey * 16, 32, 16).samples)
                .map(|patch| patch.iter().map(|sample| f64::from(*sample)).sum::<f64>() / patch.len() as f64)
                .collect();
            assert!(means.is_sorted(), "{operator:?}: {means:?}");
            for (grey, mean) in greys.iter().zip(&means) {
                let exact = mapped(&from, &HD_8, operator, 1000.0, [f64::from(*grey), 512.0, 512.0])[0];
                assert!((mean - exact).abs() < 0.2, "{operator:?}, grey {grey}: {mean} for {exact}");
            }
        }
    }
}

#[test]
fn eight_bits_are_tone_mapped_unasked_and_ten_bits_are_not() {
    let folder = folder();
    let file = source(folder.path(), &PQ, &codes(&PQ));
    let mut job = ffv1_job(&file);
    job.outputs[0].video = VideoSettings::X264(EncodeSettings { depth: Some(8), ..quick("") });
    let eight = plan(&job).unwrap();
    assert!(decisions(&eight).contains("tone mapped to BT.709 (mobius, peak 1000 cd/m2"), "{}", decisions(&eight));
    let video = eight.video.expect("video");
    assert_eq!((video.color.primaries, video.color.transfer, video.color.matrix), Standard::Bt709.code_points());

    job.outputs[0].picture.tonemap = Tonemap::Off;
    let off = plan(&job).unwrap().video.expect("video");
    assert_eq!((off.color.primaries, off.color.transfer, off.color.matrix), Standard::Pq.code_points());

    job.outputs[0].picture.tonemap = Tonemap::Auto;
    job.outputs[0].video = VideoSettings::X264(quick(""));
    let ten = plan(&job).unwrap();
    assert!(!decisions(&ten).contains("tone"), "{}", decisions(&ten));
    let video = ten.video.expect("video");
    assert_eq!((video.format.depth, video.transform.tonemap), (10, None));
    assert_eq!((video.color.primaries, video.color.transfer, video.color.matrix), Standard::Pq.code_points());
}

#[test]
fn tone_mapping_uses_the_peak_of_the_mastering_display() {
    let Some(file) = media::file("sample_with_colr_mdcv_and_clli.mp4") else { return };
    let mut job = ffv1_job(&file);
    job.outputs[0].video = VideoSettings::X264(EncodeSettings { depth: Some(8), ..quick("") });
    job.outputs[0].picture.tonemap = Tonemap::Hable;
    let source = trix_core::Source::open_within(&file, Default::default()).unwrap();
    let plan = trix_core::plan(&job, &source).unwrap();
    let first = trix_core::plan::Sink::Output(trix_core::plan::OutputId(0));
    let peak = plan.sink(first).video.unwrap().transform.tonemap.expect("a curve").peak;
    // Its MaxCLL of 1100 cd/m2 is above the peak of the mastering display.
    assert_eq!(peak, 1000);
}

#[test]
fn sources_that_cannot_be_tone_mapped_are_refused_with_the_remedy() {
    let folder = folder();
    let mut job = ffv1_job(&source(folder.path(), &HD_10, &codes(&HD_10)));
    job.outputs[0].picture.tonemap = Tonemap::Hable;
    let said = refusal(&job);
    assert!(said.contains("picture.tonemap = hable") && said.contains("bt709, which is not HDR"), "{said}");

    // The transfer alone implies neither primaries nor matrix.
    let planes = codes(&PQ);
    let file = folder.path().join("half.mkv");
    let name = "yuv444p10le";
    written(
        &file,
        &joined(&[planes], name),
        name,
        (WIDTH, HEIGHT),
        "-c:v ffv1 -level 3 -vf setparams=color_trc=smpte2084",
    );
    let mut job = ffv1_job(&file);
    job.outputs[0].video = VideoSettings::X264(EncodeSettings { depth: Some(8), ..quick("") });
    let said = refusal(&job);
    for part in ["picture.source_color = primaries, matrix", "tone mapping needs them", "--color-override"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    job.outputs[0].picture.source_color = "pq".parse().unwrap();
    plan(&job).unwrap();

    let mut job = ffv1_job(&source(folder.path(), &PQ, &codes(&PQ)));
    job.outputs[0].picture.color = Some(Standard::Bt709);
    let said = refusal(&job);
    assert!(said.contains("picture.color = bt709") && said.contains("--tonemap"), "{said}");
    let mut job = ffv1_job(&source(folder.path(), &HD_10, &codes(&HD_10)));
    job.outputs[0].picture.color = Some(Standard::Hlg);
    let said = refusal(&job);
    assert!(said.contains("picture.color = hlg"), "{said}");
}

#[test]
fn an_unknown_matrix_is_reported_and_never_assumed() {
    let folder = folder();
    let file = folder.path().join("silent.mkv");
    let name = "yuv444p";
    let planes = codes(&HD_8);
    written(&file, &joined(std::slice::from_ref(&planes), name), name, (WIDTH, HEIGHT), "-c:v ffv1 -level 3");
    let mut job = ffv1_job(&file);
    let silent = plan(&job).unwrap();
    let notes = silent.notes.join("\n");
    assert!(notes.contains("does not say its matrix") && notes.contains("--color-override"), "{notes}");
    assert!(!silent.video.unwrap().color.matrix.is_specified());
    assert_equal(&filtered(&job)[0].planes, &planes, "nothing is converted");

    job.outputs[0].picture.color = Some(Standard::Bt709);
    let said = refusal(&job);
    for part in ["picture.source_color = primaries, transfer, matrix", "--color-override"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    job.outputs[0].picture.source_color = "bt601-625".parse().unwrap();
    let (off, place) = worst(&filtered(&job)[0].planes, &expected(&planes, |codes| PAL_8.convert(codes, &HD_8)));
    assert!(off <= 1.0, "{place}");
    assert!(plan(&job).unwrap().notes.iter().all(|note| !note.contains("matrix")));
}

#[test]
fn linear_light_in_floating_point_is_converted_where_it_is_stated() {
    let folder = folder();
    // A ramp from 0 to 1, equal in each channel.
    let (width, height) = (256usize, 4usize);
    let light = |x: usize| x as f32 / (width - 1) as f32;
    let plane: Vec<u8> = (0..height).flat_map(|_| (0..width).flat_map(|x| light(x).to_le_bytes())).collect();
    let raw = folder.path().join("ramp.raw");
    std::fs::write(&raw, plane.repeat(3)).expect("a file can be written");
    let line = format!("-f rawvideo -pix_fmt gbrpf32le -s {width}x{height} -i {}", raw.display());
    program::ffmpeg(&format!("{line} -frames:v 1 {}", folder.path().join("ramp1.exr").display()));
    let output = folder.path().join("out.mkv");
    let settings = EncodeSettings { depth: Some(10), ..Default::default() };
    let mut job = support::video_job(&folder.path().join("ramp%01d.exr"), &output, Encoder::Ffv1, settings);
    job.outputs[0].picture.source_color = "bt709,transfer=linear".parse().expect("an override");
    job.outputs[0].picture.color = Some(Standard::Bt709);
    support::done(&job);
    let values = program::ffmpeg(&format!("-i {} -pix_fmt gbrp10le -f rawvideo -", output.display())).stdout;
    let values: Vec<u16> = values.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    assert_eq!(values.len(), 3 * width * height);
    for (index, value) in values.into_iter().enumerate() {
        // BT.1886: light is the signal to the power of 2.4. Error diffusion adds up to one code.
        let expected = 1023.0 * f64::from(light(index % width)).powf(1.0 / 2.4);
        assert!((f64::from(value) - expected).abs() <= 1.5, "sample {index}: {value}, and {expected} is right");
    }
}
