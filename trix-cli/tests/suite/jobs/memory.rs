//! Tests that the memory of a job does not grow with the duration of its source, because all queues are bounded in
//! bytes.

use trix_fixtures::Clip;

use crate::support::encode;

#[test]
fn a_job_ten_times_as_long_takes_no_more_memory() {
    let clip = |frames| {
        Clip { width: 320, height: 240, frames, ..Clip::default() }.encoded("-c:v libx264 -preset ultrafast", "mp4")
    };
    for codec in ["x264", "x265"] {
        let options = format!("--video {codec} --preset ultrafast --audio none");
        let peak = |frames: u32| {
            let encoded = encode(&clip(frames), &options);
            encoded.holds(frames.into());
            encoded.ran.peak_kib
        };
        let (short, long) = (peak(60), peak(600));
        // A short run can end between two samples of its memory. 540 more frames would be 60 MiB.
        assert!(long < short + 20 * 1024, "{codec}: {short} KiB for 60 frames, {long} KiB for 600");
    }
}
