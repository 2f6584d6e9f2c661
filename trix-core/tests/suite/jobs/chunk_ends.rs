//! What an encoder sees of a film after the end of its chunk.

use std::{fs, path::Path};

use trix_core::settings::{
    job::Chunks,
    video::{EncodeSettings, Encoder, RateControl},
};
use trix_fixtures::{Clip, folder, program};

use super::chunks::{divided, planned, ran};
use crate::support::{made_by_ffmpeg, video_job};

/// Frames of each chunk.
const LENGTH: u64 = 75;

/// The bytes of the packets of the first chunk of a film, which ffmpeg changes by `change`.
fn first_chunk(folder: &Path, encoder: Encoder, change: &str) -> Vec<u8> {
    let film = made_by_ffmpeg(
        &format!("mandelbrot-{}.mkv", change.replace(|own: char| !own.is_ascii_alphanumeric(), "-")),
        &format!(
            "-f lavfi -i mandelbrot=s=320x180:r=25:end_scale=0.01 -frames:v 150 {change} -pix_fmt yuv420p -c:v libx264 -qp 0 -preset ultrafast"
        ),
    );
    let output = folder.join("out.mkv");
    let rate = Some(RateControl::Crf { value: 30.0 });
    let settings = EncodeSettings { preset: Some("fast".to_owned()), rate, ..EncodeSettings::default() };
    let mut job = video_job(&film, &output, encoder, settings);
    (job.chunks, job.outputs[0].overwrite) = (Chunks::On, true);
    let mut plan = planned(&job);
    plan.chunks = Some(divided(150, LENGTH, 0));
    ran(&plan);
    let line = format!("-i {} -map 0:v:0 -c copy -frames:v {LENGTH} -f data -", output.display());
    program::ffmpeg(&line).stdout
}

#[test]
fn an_encoder_sees_frames_after_its_chunk_only_where_that_is_of_use() {
    let folder = folder();
    let changes = [
        "-vf negate=enable='gte(n,75)'",
        "-vf drawbox=c=white:t=fill:enable='gte(n,75)'",
        "",
        "-vf negate=enable='gte(n,80)'",
    ];
    let made = |encoder| changes.map(|change| first_chunk(folder.path(), encoder, change));
    let [one, other, goes_on, ends_soon] = made(Encoder::X264);
    assert!(one.len() > 1000 && one == other, "frames of another scene change a chunk");
    assert!(goes_on != ends_soon, "frames of the same scene are not seen");
    let all = made(Encoder::X265);
    assert!(all[0].len() > 1000 && all.iter().all(|own| *own == all[0]), "x265 is given nothing after its chunk");
}

#[test]
fn x265_looks_no_further_than_a_frame_whose_type_is_set() {
    // Therefore nothing is lost if it is given nothing after that frame.
    let folder = folder();
    let film = Clip { frames: 90, ..Clip::default() }.y4m();
    let types = folder.path().join("types");
    fs::write(&types, "49 P 24\n").expect("room");
    let path = |name: &str| folder.path().join(name).display().to_string();
    for preset in ["fast", "medium", "slow"] {
        let [part, whole] = ["50", "90"].map(|frames| {
            let (raw, types) = (path("raw.hevc"), types.display().to_string());
            let options =
                ["--preset", preset, "--crf", "24", "--pools", "1", "--frame-threads", "1", "--log-level", "none"];
            let files = ["--qpfile", &types, "--frames", frames, "--output", &raw, &film.display().to_string()];
            program::run("x265", options.into_iter().chain(files));
            // The message about the settings has the number of frames.
            program::ffmpeg(&format!("-i {raw} -c copy -bsf:v filter_units=remove_types=39 -f hevc -")).stdout
        });
        assert!(part.len() > 1000 && whole.len() > part.len() && whole.starts_with(&part), "preset {preset}");
    }
}
