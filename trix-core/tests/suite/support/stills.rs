//! Stills as files and as samples: made from a source, written, and decoded by the `ffmpeg` program.

use std::path::{Path, PathBuf};

use trix_core::{
    Control, Job,
    media::time::Timestamp,
    run_job,
    settings::{job::SourceSettings, still::StillSettings},
    still::StillReport,
};
use trix_fixtures::{TempDir, program};

use super::made_by_ffmpeg;

/// A file of a still.
#[derive(Debug, PartialEq)]
pub struct StillFile {
    pub path: PathBuf,
    pub bytes: Vec<u8>,
}

/// A still that a job made.
#[derive(Debug, PartialEq)]
pub struct Still {
    pub files: Vec<StillFile>,
    pub report: StillReport,
}

/// Runs a job that makes only stills and reads their files. The result has the paths of `stills`.
///
/// # Errors
/// Those of the job.
pub fn make(source: &Path, stills: &[StillSettings]) -> trix_core::Result<Vec<Still>> {
    let folder = TempDir::new().unwrap();
    let source = SourceSettings { path: source.to_owned(), ..Default::default() };
    let mut job = Job { source, stills: stills.to_vec(), ..Default::default() };
    job.write_into(folder.path());
    let report = run_job(&job, &Control::default())?;
    let read =
        |path: &Path| StillFile { path: path.to_owned(), bytes: std::fs::read(folder.path().join(path)).unwrap() };
    let made = report.stills.into_iter().map(|still| {
        let names = still.files.iter().map(|file| Path::new(&file.name));
        Still { files: names.map(read).collect(), report: still.found }
    });
    Ok(made.collect())
}

/// As [`make`], for stills that must succeed.
pub fn made(source: &Path, stills: &[StillSettings]) -> Vec<Still> {
    make(source, stills).unwrap_or_else(|error| panic!("{}: {error}", source.display()))
}

/// Writes the files of a still into a folder.
pub fn written(still: &Still, folder: &TempDir) -> Vec<PathBuf> {
    let write = |file: &StillFile| {
        let path = folder.path().join(&file.path);
        std::fs::write(&path, &file.bytes).unwrap();
        path
    };
    still.files.iter().map(write).collect()
}

pub fn seconds(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// An image as red, green and blue bytes.
pub struct Rgb {
    pub width: usize,
    pub height: usize,
    pub samples: Vec<u8>,
}

impl Rgb {
    pub fn at(&self, x: usize, y: usize) -> [u8; 3] {
        let at = 3 * (y * self.width + x);
        self.samples[at..at + 3].try_into().unwrap()
    }

    pub fn part(&self, left: usize, top: usize, width: usize, height: usize) -> Rgb {
        let rows = (top..top + height).flat_map(|y| &self.samples[3 * (y * self.width + left)..][..3 * width]);
        Rgb { width, height, samples: rows.copied().collect() }
    }
}

/// Exact conversion by swscale, for chroma in full resolution or sited between luma samples.
pub const EXACT: &str = "flags=lanczos+accurate_rnd+full_chroma_int+full_chroma_inp";

/// The same, for chroma in the default position of H.264 and HEVC.
pub const SWS: &str = "flags=lanczos+accurate_rnd+full_chroma_int+full_chroma_inp:in_h_chr_pos=0:in_v_chr_pos=128";

/// The first `count` frames after a filter chain, as the `ffmpeg` program converts them.
pub fn all_shown(file: &Path, chain: &str, count: usize) -> Vec<Rgb> {
    let chain = if chain.is_empty() { "null" } else { chain };
    let line = format!(
        "{} -i {} -map 0:v:0 -vf {chain},scale={EXACT},format=rgb24 -fps_mode passthrough -frames:v {count} -f image2pipe -c:v ppm -",
        program::uncropped(),
        file.display()
    );
    let bytes = program::ffmpeg(&line).stdout;
    let mut rest = bytes.as_slice();
    let mut images = Vec::new();
    while !rest.is_empty() {
        // P6, width and height, 255, samples.
        let mut parts = rest.splitn(5, |byte| byte.is_ascii_whitespace());
        let mut next = || String::from_utf8(parts.next().expect("a header").to_vec()).unwrap();
        assert_eq!(next(), "P6");
        let (width, height): (usize, usize) = (next().parse().unwrap(), next().parse().unwrap());
        assert_eq!(next(), "255");
        let (samples, after) = parts.next().expect("samples").split_at(3 * width * height);
        images.push(Rgb { width, height, samples: samples.to_vec() });
        rest = after;
    }
    images
}

/// The first frame of [`all_shown`].
pub fn shown(file: &Path, chain: &str) -> Rgb {
    all_shown(file, chain, 1).remove(0)
}

pub fn psnr(ours: &Rgb, theirs: &Rgb) -> f64 {
    assert_eq!((ours.width, ours.height), (theirs.width, theirs.height), "sizes");
    let sum: f64 = ours.samples.iter().zip(&theirs.samples).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * ours.samples.len() as f64 / sum).log10()
}

/// Moving frames with noise, tagged BT.709, 12 seconds at 25 frames per second; the stated duration is exact.
pub fn film() -> PathBuf {
    made_by_ffmpeg(
        "still-film.mp4",
        "-f lavfi -i testsrc2=size=640x360:rate=25:duration=12,noise=alls=6:allf=t:all_seed=3,scale=out_color_matrix=bt709,\
         format=yuv420p,setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv -c:v libx264 -preset \
         ultrafast -crf 10 -color_primaries bt709 -color_trc bt709 -colorspace bt709 -color_range tv -f mp4",
    )
}
