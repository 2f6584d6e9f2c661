//! Tests that every profile encodes frames that are not 4:2:0: grey, palettes, 4:1:1, alpha, odd sizes. The report has
//! the decisions.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use trix_fixtures::{folder, program};

use crate::support::trix;

/// Makes `name` in `folder` with an ffmpeg command line that ends with the file name.
fn made(folder: &Path, name: &str, line: &str) -> PathBuf {
    let file = folder.join(name);
    program::ffmpeg(&format!("{line} {}", file.display()));
    file
}

/// Three different frames of `size`.
fn clip(size: &str, filters: &str) -> String {
    format!("-f lavfi -i testsrc2=s={size}:r=25:d=0.12,{filters}")
}

/// Returns the number of frames, and the format of the first video stream, as ffmpeg decodes it.
fn frames(file: &Path) -> (u64, String) {
    let words = "-v error -of json -select_streams v:0 -count_frames -show_streams".split(' ').map(Path::new);
    let output = program::run("ffprobe", words.chain([file]));
    let seen: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let stream = &seen["streams"][0];
    let count = stream["nb_read_frames"].as_str().and_then(|count| count.parse().ok());
    (count.unwrap_or(0), stream["pix_fmt"].as_str().unwrap_or_default().to_owned())
}

/// Returns the mean luma of the first frame of each file, which ffmpeg converts to 8 bits of limited range.
fn mean_lumas(files: &[PathBuf]) -> Vec<f64> {
    let folder = folder();
    let raw: Vec<PathBuf> = (0..files.len()).map(|number| folder.path().join(number.to_string())).collect();
    let inputs: String = files.iter().map(|file| format!(" -i {}", file.display())).collect();
    let output = |(number, raw): (usize, &PathBuf)| {
        let filters = "format=yuv444p16,scale=out_range=tv,format=yuv444p";
        format!(" -map {number}:v:0 -frames:v 1 -vf {filters} -f rawvideo {}", raw.display())
    };
    let outputs: String = raw.iter().enumerate().map(output).collect();
    program::ffmpeg(&format!("{inputs}{outputs}"));
    let mean = |raw: &PathBuf| {
        let bytes = fs::read(raw).expect("a frame");
        let luma = &bytes[..bytes.len() / 3];
        luma.iter().map(|value| f64::from(*value)).sum::<f64>() / luma.len() as f64
    };
    raw.iter().map(mean).collect()
}

/// The sources: name, number of frames, mean luma in limited range.
fn sources(folder: &Path) -> Vec<(&'static str, PathBuf)> {
    let png = |name: &str, format: &str| {
        made(folder, &format!("{name}-%02d.png"), &format!("{} -pix_fmt {format}", clip("96x64", "null")))
    };
    vec![
        ("gray8", png("gray8", "gray")),
        ("gray16", png("gray16", "gray16be")),
        ("ya16", png("ya16", "ya16be")),
        ("rgba64", png("rgba64", "rgba64be")),
        ("rgb48", png("rgb48", "rgb48be")),
        (
            "pal8",
            made(
                folder,
                "pal8-%02d.bmp",
                &format!("{},split[a][b];[a]palettegen[p];[b][p]paletteuse -pix_fmt pal8", clip("96x64", "null")),
            ),
        ),
        (
            "gray10",
            made(folder, "gray10.mkv", &format!("{} -pix_fmt gray10le -c:v ffv1 -level 3", clip("96x64", "null"))),
        ),
        (
            "dv",
            made(
                folder,
                "dv.mov",
                "-f lavfi -i testsrc2=s=720x480:r=30000/1001:d=0.1001 -pix_fmt yuv411p -c:v dvvideo",
            ),
        ),
        ("float", made(folder, "float-%02d.exr", &format!("{} -pix_fmt gbrapf32le", clip("96x64", "null")))),
        (
            "vp9",
            made(
                folder,
                "vp9.webm",
                &format!("{} -c:v libvpx-vp9 -deadline realtime -pix_fmt yuva420p", clip("96x64", "format=yuva420p")),
            ),
        ),
        (
            "odd",
            made(folder, "odd-%02d.png", &format!("{} -pix_fmt rgb24", clip("160x120", "format=gbrp,scale=161:121"))),
        ),
    ]
}

#[test]
fn every_profile_takes_every_kind_of_frame() {
    let folder = folder();
    for (kind, source) in sources(folder.path()) {
        let into = folder.path().join(format!("{kind}-out"));
        let line = "ingest {} -o {} --profile preview,vod,mezzanine,archive,archive-lossless --json \
                    --set preset=ultrafast --set preview_preset=ultrafast --set vod_preset=ultrafast";
        let report = trix(line, &[&source, &into]).done().json();
        let outputs = report["outputs"].as_array().expect("outputs").clone();
        assert_eq!(outputs.len(), 8, "{kind}: preview, mezzanine, five of the archive, one without loss");
        let mut files: Vec<PathBuf> =
            outputs.iter().map(|output| PathBuf::from(output["path"].as_str().expect("a path"))).collect();
        files.retain(|path| path.is_file());
        let mut means = Vec::new();
        for (path, mean) in files.iter().zip(mean_lumas(&files)) {
            let (count, format) = frames(path);
            assert_eq!(count, 3, "{kind}: {} ({format})", path.display());
            means.push((mean, format, path));
        }
        assert!(means.len() >= 8, "{kind}");
        // All outputs have the same content, in every depth, range and codec. Another test compares alpha.
        let (first, ..) = means[0];
        for (mean, format, path) in
            means.iter().filter(|(_, format, _)| !format.contains("gbrap") && !format.contains("yuva"))
        {
            let what = format!("{kind}: {} ({format})", path.display());
            assert!((mean - first).abs() < 2.0, "{what}: a mean luma of {mean}, and {first} in the first");
        }
        let said = report["outputs"].to_string();
        match kind {
            "ya16" | "rgba64" | "float" | "vp9" => assert!(said.contains("laid on black"), "{kind}"),
            "odd" => assert!(said.contains("cropped to 160x120"), "{kind}"),
            "dv" => assert!(said.contains("4:1:1"), "{kind}"),
            "gray16" => assert!(said.contains("limited range"), "{kind}"),
            _ => {}
        }
    }
}

#[test]
fn alpha_of_vp9_is_refused_where_the_job_says_so() {
    let folder = folder();
    let line = format!("{} -c:v libvpx-vp9 -deadline realtime -pix_fmt yuva420p", clip("96x64", "format=yuva420p"));
    let source = made(folder.path(), "vp9.webm", &line);
    for options in ["", "--video ffv1", "--video copy"] {
        let output = folder.path().join("out.mkv");
        let ran = trix(&format!("encode {{}} -o {{}} --alpha refuse {options}"), &[&source, &output]);
        assert!(ran.refused(2, &source).contains("alpha channel"), "{options}");
        assert!(!output.exists(), "{options}");
    }
}
