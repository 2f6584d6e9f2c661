//! Tests of every pixel format of libavutil: Trix unpacks it without loss, converts it as exact arithmetic requires, or
//! rejects it with a reason.

use trix_core::{
    Source,
    media::{PixelFormat, color::Standard, format::Chroma},
    settings::{
        job::VerifyLevel,
        video::{EncodeSettings, VideoSettings},
    },
};
use trix_fixtures::{folder, program};

use crate::support::{
    colorimetry::*,
    done,
    frames::{Dice, Grid, decisions},
    quick,
    raw::*,
    text, video_stream,
};

#[test]
fn packed_red_green_and_blue_come_back_sample_by_sample() {
    // Name, order of the components, bits per component, and whether words are big-endian.
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
    // Formats with few bits per component: components from the highest bit on.
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

const HD_8: Space = Space::new(BT709, WEIGHTS_709, 8);
const NTSC_8: Space = Space::new(NTSC, WEIGHTS_601, 8);

/// Patches of 32x32 in rows of four. The test compares only their centres, because chroma changes gradually at the
/// edges.
fn patches(space: &Space) -> Vec<[f64; 3]> {
    let mut dice = Dice::new(3);
    (0..12)
        .map(|_| [0, 1, 2].map(|_| dice.below(1000) as f64 / 1000.0))
        .map(|signal| space.codes(signal).map(f64::round))
        .collect()
}

const SIDE: usize = 32;

/// Raw bytes of patches in a format with chroma shift (x, y): planar, semi-planar (`nv`), or packed. A
/// packed format repeats a group of values, each of one component.
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
        let own = plan.video.as_ref().expect("video").format;
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
        assert_eq!(text(&video_stream(output)["pix_fmt"]), planes, "{name}");
        let decoded = program::ffmpeg(&format!("-i {} -f rawvideo -", output.display())).stdout;
        let exact = patched(&patches(&space), planes, depth);
        assert!(decoded == exact, "{name}: samples differ");
    }
}

#[test]
fn floating_point_is_scaled_to_the_values_of_the_output() {
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
    // D65 grey, primaries and mixed colours as light, and their 12-bit codes.
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
        let mut job = raw_job(folder.path(), name, &raw, EncodeSettings::default());
        assert!(trix_core::plan(&job, &Source::of(&job.source).unwrap()).is_err(), "FFV1 cannot hold it");
        job.outputs[0].video =
            VideoSettings::X264(EncodeSettings { chroma: Some(Chroma::C444), depth: Some(8), ..quick("") });
        let plan = planned(&job);
        assert!(decisions(&plan).contains("digital cinema"), "{}", decisions(&plan));
        let color = plan.video.expect("video").color;
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
        let mut job = raw_job(folder.path(), &name, &vec![1; bytes as usize], EncodeSettings::default());
        job.outputs[0].video = VideoSettings::X264(EncodeSettings { chroma: Some(Chroma::C420), ..quick("") });
        match pixel.obstacle() {
            None => {
                let (planes, format) = taken(&job);
                assert_eq!((planes.len(), format.is_plain()), (3, true), "{name}");
                converted += 1;
            }
            Some(why) => {
                let source = Source::of(&job.source).unwrap();
                let error = trix_core::plan(&job, &source).map(|_| ()).expect_err("refused");
                assert_eq!(error.kind(), trix_core::ErrorKind::Unsupported, "{error}");
                assert!(error.to_string().contains(why) && error.to_string().contains(&name), "{error}");
                refused.push(name);
            }
        }
    }
    assert!(converted > 150, "only {converted} were converted");
    assert!(refused.iter().all(|name| name.starts_with("bayer_")), "{refused:?}");
}
