//! Tests of frame properties other than YCbCr planes: palettes, layers of alpha and depth, odd sizes, sample aspect
//! ratio.

use std::path::{Path, PathBuf};

use trix_core::{
    Job, OnDamage, Source,
    media::{PixelFormat, format::Chroma, time::Rational},
    plan::Cut,
    reading::reader::FrameReader,
    settings::{
        picture::Alpha,
        source::RawGeometry,
        video::{EncodeSettings, Encoder, RateControl, VideoSettings},
    },
};
use trix_fixtures::{folder, program};

use crate::support::{
    self, done,
    frames::{Dice, decisions, decoded, plan, psnr, refusal, split, written},
    quick,
    raw::*,
    text, video_job, video_stream,
};

/// Makes frames with a palette, which `ffmpeg` writes with `options`.
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
fn a_palette_becomes_rgb() {
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
        let mut job = video_job(&source, &output, Encoder::Ffv1, EncodeSettings::default());
        let said = plan(&job).unwrap();
        assert_eq!(said.video.as_ref().expect("video").format.alpha, clear, "{name}");
        done(&job);
        // Packed formats, to which the program converts a palette by lookup only.
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
        // Composited onto black, a transparent colour becomes black.
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

/// Makes VP8 or VP9 whose right half is transparent.
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
fn an_alpha_layer_is_kept_reported_or_refused() {
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

        // FFV1 keeps alpha.
        let output = folder.path().join("out.mkv");
        let mut job = video_job(&source, &output, Encoder::Ffv1, EncodeSettings::default());
        done(&job);
        for (ours, theirs) in read(&output, "").iter().zip(&theirs) {
            support::frames::assert_equal(ours, theirs, codec);
        }
        assert_eq!(read(&output, "").len(), 10);

        // H.264 has no alpha, so Trix composites onto black.
        let output = folder.path().join("out.mp4");
        job = video_job(&source, &output, Encoder::X264, quick(""));
        let said = decisions(&plan(&job).unwrap());
        assert!(said.contains("laid on black") && said.contains("alpha"), "{said}");
        done(&job);
        let flat = decoded(&output, "yuv420p", (160, 96), "");
        let (before, after) = (f64::from(theirs[5][0].at(140, 20)), f64::from(flat[5][0].at(140, 20)));
        let exact = 16.0 + (before - 16.0) * f64::from(right) / 255.0;
        assert!((after - exact).abs() < 12.0, "{codec}: {before} became {after}, and {exact} is right");
        let mkv = folder.path().join("flat.mkv");
        done(&video_job(&source, &mkv, Encoder::X264, quick("")));
        for file in [&output, &mkv] {
            let tags = video_stream(file)["tags"].clone();
            assert!(tags["alpha_mode"].is_null() && tags["ALPHA_MODE"].is_null(), "{tags}");
        }

        job.outputs[0].picture.alpha = Alpha::Refuse;
        assert!(refusal(&job).contains("alpha channel"), "{codec}");

        // Copies keep alpha if the container supports it.
        for name in ["copy.webm", "copy.mkv", "copy.mp4"] {
            let output = folder.path().join(name);
            let mut job = Job::new(&source, &output);
            job.outputs[0].video = VideoSettings::Copy;
            if name == "copy.mp4" && codec == "libvpx" {
                // MP4 does not hold VP8.
                assert!(plan(&job).is_err());
                continue;
            }
            let notes = plan(&job).unwrap().notes.join("\n");
            let keeps = name != "copy.mp4";
            assert_eq!(notes.contains("alpha layer of stream 0 is lost"), !keeps, "{name}: {notes}");
            done(&job);
            let tags = video_stream(&output)["tags"].clone();
            let says = ["alpha_mode", "ALPHA_MODE"].iter().any(|key| text(&tags[*key]) == "1");
            assert_eq!(says, keeps, "{name}: {tags}");
            // AlphaMode of RFC 9559, 5.1.4.1.28.4: its identifier, one byte, 1.
            let bytes = std::fs::read(&output).expect("a file");
            assert_eq!(bytes.windows(4).any(|window| window == [0x53, 0xc0, 0x81, 1]), keeps, "{name}");
            if keeps {
                let copied = read(&output, &format!("-c:v {decoder}"));
                assert_eq!(copied.len(), 10, "{name}");
                for (ours, theirs) in copied.iter().zip(&theirs) {
                    support::frames::assert_equal(ours, theirs, name);
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
    // Repeat every slice NAL unit as a layer with number 1.
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
        let mut job = video_job(source, &folder.path().join("out.mkv"), Encoder::X264, quick(""));
        job.outputs[0].overwrite = true;
        let notes = plan(&job).unwrap().notes.join("\n");
        assert_eq!(notes.contains("second layer of stream 0"), has, "{notes}");
        let report = done(&job);
        assert_eq!(report.outputs[0].ledger.as_ref().expect("a ledger").encoded, 3);
    }
}

/// The NAL units of a raw stream, each with its start code of four bytes.
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
        let frame: Vec<u8> = (0..bytes).map(|at| (100 + (first + at) % 64) as u8).collect();
        std::fs::write(&raw, frame.repeat(2)).expect("a file can be written");
        let extension = if encoder == Encoder::Prores { "mov" } else { "mkv" };
        let output = folder.path().join(format!("out.{extension}"));
        let settings = if encoder.is_mezzanine() { EncodeSettings::default() } else { quick("") };
        let mut job = video_job(&raw, &output, encoder, EncodeSettings { chroma, ..settings });
        job.outputs[0].overwrite = true;
        let geometry = RawGeometry { width: 161, height: 121, pixel_format: name.into(), rate: Rational::new(25, 1) };
        job.source.raw = Some(geometry);
        let plan = planned(&job);
        let video = plan.video.as_ref().expect("video");
        assert_eq!((video.width, video.height), size, "{name} {encoder}");
        let notes = plan.notes.join("\n");
        assert_eq!(notes.contains("cropped to"), size != (161, 121), "{name} {encoder}: {notes}");
        done(&job);
        let found = video_stream(&output);
        assert_eq!((found["width"].as_u64(), found["height"].as_u64()), (Some(size.0 as u64), Some(size.1 as u64)));
        assert_eq!(text(&found["nb_read_frames"]), "2", "{name} {encoder}");
        if name == "yuv420p" || name == "yuv422p" {
            let (planes, format) = {
                let source = Source::of(&job.source).expect("a source");
                let mut reader =
                    FrameReader::new(source, OnDamage::Fail, Cut::default(), Some(video.filtering()), 1).unwrap();
                let frame = reader.next_frame().unwrap().expect("a frame");
                let luma = frame.frame.planes()[0];
                let rows: Vec<Vec<u8>> = luma.rows().map(<[u8]>::to_vec).collect();
                (rows, video.format)
            };
            if format.depth == 8 {
                for (y, row) in planes.iter().enumerate() {
                    assert_eq!(row[..], frame[y * 161..y * 161 + size.0], "{name} {encoder}, row {y}");
                }
            }
        }
    }
    // An explicit size is not adjusted.
    let raw = folder.path().join("odd.raw");
    std::fs::write(&raw, vec![128; 161 * 121 * 3]).expect("a file can be written");
    let settings = EncodeSettings { chroma: Some(Chroma::C420), ..quick("") };
    let mut job = video_job(&raw, &folder.path().join("out.mkv"), Encoder::X264, settings);
    job.outputs[0].picture.size = Some("161x121".parse().expect("a size"));
    let geometry = RawGeometry { width: 161, height: 121, pixel_format: "rgb24".into(), rate: Rational::new(25, 1) };
    job.source.raw = Some(geometry);
    let source = Source::of(&job.source).unwrap();
    let error = trix_core::plan(&job, &source).map(|_| ()).expect_err("refused").to_string();
    assert!(error.contains("160x120"), "{error}");
}

#[test]
fn a_sample_aspect_that_matroska_rounds_is_noted() {
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
        let job = video_job(&source, &output, encoder, settings);
        let notes = plan(&job).unwrap().notes.join("\n");
        assert_eq!(
            notes.contains("2740:2739") || notes.contains("2740/2739"),
            name.ends_with("mkv"),
            "{name}: {notes}"
        );
        done(&job);
        if encoder == Encoder::X264 || name.ends_with("mp4") {
            // The sample aspect ratio in the bitstream.
            let raw = folder.path().join("raw.h264");
            program::ffmpeg(&format!("-i {} -c copy {}", output.display(), raw.display()));
            assert_eq!(text(&video_stream(&raw)["sample_aspect_ratio"]), "2740:2739", "{name}");
        }
    }
    let mut job = Job::new(&source, folder.path().join("copy.mkv"));
    job.outputs[0].video = VideoSettings::Copy;
    assert!(plan(&job).unwrap().notes.join("\n").contains("display size"));
    done(&job);
}
