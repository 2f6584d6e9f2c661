//! What chunks read of a source: their part of the file, after the container was checked as a whole.

use std::fs;

use trix_core::{
    Cancel, ChunkControl, Control, ErrorKind, encode_chunk, run_job,
    settings::{
        job::Chunks,
        video::{EncodeSettings, Encoder},
    },
};
use trix_fixtures::{Clip, folder};

use super::chunks::planned;
use crate::support::{made_by_ffmpeg, video_job};

fn fast() -> EncodeSettings {
    EncodeSettings { preset: Some("ultrafast".to_owned()), ..EncodeSettings::default() }
}

/// Bytes that this thread has read: other tests may run in the same process.
fn bytes_read() -> u64 {
    let told = fs::read_to_string("/proc/thread-self/io").expect("the account of this thread");
    let count = told.lines().find_map(|line| line.strip_prefix("rchar: ")).expect("a count");
    count.parse().expect("a number")
}

#[test]
fn a_chunk_reads_its_part_of_the_file_and_little_else() {
    let clip = Clip { frames: 750, width: 640, height: 360, ..Clip::default() };
    let h264 = "-c:v libx264 -preset ultrafast -qp 12 -g 25";
    // Without audio, a transport stream is searched for it.
    let transport = made_by_ffmpeg(
        "noise-and-tone.ts",
        &format!(
            "-f lavfi -i testsrc2=s=640x360:r=25,noise=alls=12:allf=t:all_seed=7,format=yuv420p -f lavfi -i sine -t 30 {h264} \
             -c:a aac -f mpegts"
        ),
    );
    let sources = [clip.encoded("-c:v mpeg2video -q:v 2 -g 12 -bf 2", "mxf"), clip.encoded(h264, "mkv"), transport];
    for source in sources {
        let folder = folder();
        let mut job = video_job(&source, &folder.path().join("out.mkv"), Encoder::X264, fast());
        job.chunks = Chunks::On;
        // The index of the source is made here.
        let plan = planned(&job);
        let last = plan.chunks.as_ref().expect("chunks").ranges.len() - 1;
        assert!(last > 1, "{}", source.display());
        let (size, before) = (fs::metadata(&source).expect("a file").len(), bytes_read());
        encode_chunk(&plan, last, &folder.path().join("store"), &Cancel::default())
            .unwrap_or_else(|error| panic!("{error}"));
        let read = bytes_read() - before;
        assert!(
            size > 20 << 20 && (size / 20..size * 6 / 10).contains(&read),
            "{}: {read} of {size} bytes",
            source.display()
        );
    }
}

#[test]
fn a_film_with_missing_packets_fails_before_a_chunk_is_encoded() {
    let source = made_by_ffmpeg(
        "missing-audio-packets.ts",
        "-f lavfi -i testsrc2=s=192x108:r=25 -f lavfi -i sine -t 40 -c:v libx264 -preset ultrafast -g 25 -c:a aac -f mpegts",
    );
    let mut bytes = fs::read(&source).expect("a file");
    let is_audio = |packet: &[u8]| packet[1] & 0x5f == 1 && packet[2] == 1;
    let count = bytes.len() / 188;
    let missing = (count * 3 / 4..count).find(|at| is_audio(&bytes[at * 188..])).expect("an audio packet") * 188;
    bytes.drain(missing..missing + 188);
    let folder = folder();
    let source = folder.path().join("source.ts");
    fs::write(&source, bytes).expect("a file");
    let store = folder.path().join("store");
    let mut job = video_job(&source, &folder.path().join("out.mkv"), Encoder::X264, fast());
    job.chunks = Chunks::On;
    let chunks = ChunkControl { store: Some(store.clone()), ..ChunkControl::default() };
    let error = run_job(&job, &Control { chunks, ..Control::default() }).expect_err("packets are missing");
    assert_eq!(error.kind(), ErrorKind::MalformedInput, "{error}");
    assert!(error.to_string().contains("packets of PID 257 are missing at byte"), "{error}");
    let entries = fs::read_dir(&store).map(|entries| entries.flatten().map(|entry| entry.path()).collect::<Vec<_>>());
    let is_chunk = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "chunk");
    assert!(!entries.unwrap_or_default().iter().any(is_chunk), "no chunk is encoded");
}
