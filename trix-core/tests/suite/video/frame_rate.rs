//! Tests of conversion to a constant frame rate: the number of frames, their times, and the source frame of each.

use std::path::{Path, PathBuf};

use trix_core::{
    Report,
    settings::{
        picture::FrameRate,
        video::{EncodeSettings, Encoder, RateControl},
    },
};
use trix_fixtures::folder;

use crate::support::{
    self, done,
    frames::{decoded, plan, written},
    quick, text, times, video_job, video_stream,
};

/// Makes flat frames whose luma is their number, at the times of `filter` or at `rate`.
fn numbered(folder: &Path, count: u8, rate: &str, name: &str, filter: &str) -> PathBuf {
    let bytes: Vec<u8> =
        (0..count).flat_map(|number| [vec![number + 16; 64 * 64], vec![128; 64 * 32]].concat()).collect();
    let file = folder.join(name);
    let options = format!("{filter} -c:v libx264 -preset ultrafast -qp 0@{rate}");
    written(&file, &bytes, "yuv420p", (64, 64), &options)
}

/// Encodes with a constant rate. Returns the numbers of the source frames in display order.
fn converted(source: &Path, output: &Path, rate: &str) -> (Report, Vec<usize>) {
    let settings = EncodeSettings { rate: Some(RateControl::Lossless), ..quick("") };
    let mut job = video_job(source, output, Encoder::X264, settings);
    let asked: FrameRate = rate.parse().unwrap();
    job.outputs[0].picture.rate = Some(asked);
    job.outputs[0].overwrite = true;
    let report = done(&job);
    let shown: Vec<usize> = decoded(output, "yuv420p", (64, 64), "")
        .iter()
        .map(|planes| {
            let first = planes[0].samples[0];
            assert!(planes[0].samples.iter().all(|sample| *sample == first), "a frame is whole");
            usize::from(first) - 16
        })
        .collect();
    // Frames are on the time grid: exactly in MP4, within a millisecond in Matroska.
    let (ticks, (num, den)) = times(output, "v:0");
    assert_eq!(ticks.len(), shown.len());
    let (rate_num, rate_den) = (i128::from(asked.0.num), i128::from(asked.0.den));
    for (position, tick) in ticks.iter().enumerate() {
        let exact = position as i128 * rate_den * i128::from(den);
        let found = i128::from(tick - ticks[0]) * i128::from(num) * rate_num;
        let most = if output.extension().is_some_and(|name| name == "mkv") { i128::from(num) * rate_num } else { 0 };
        assert!((found - exact).abs() <= most, "frame {position} at tick {tick} of {num}/{den}");
    }
    let stream = video_stream(output);
    let (average, asked) = (text(&stream["avg_frame_rate"]), asked.to_string());
    assert_eq!(average.trim_end_matches("/1"), asked);
    (report, shown)
}

/// Returns the source frame at each position: the last frame whose time, rounded to positions (halves up), is not
/// later. The last frame lasts `length`. Times are `times[n]` / `base` seconds.
fn expected(times: &[i64], length: i64, base: i64, (num, den): (i64, i64)) -> Vec<usize> {
    let position = |time: i64| (2 * (time - times[0]) * num + base * den).div_euclid(2 * base * den);
    let end = position(times[times.len() - 1] + length);
    (0..end).map(|at| times.iter().rposition(|time| position(*time) <= at).unwrap()).collect()
}

/// Compares the ledger with the frames in the output.
fn check_ledger(report: &Report, count: usize, shown: &[usize]) {
    let ledger = report.outputs[0].ledger.unwrap();
    let mut distinct = shown.to_vec();
    distinct.dedup();
    assert!(distinct.is_sorted());
    let (repeated, dropped) = (shown.len() - distinct.len(), count - distinct.len());
    assert_eq!(
        (ledger.decoded, ledger.filter.taken, ledger.filter.given, ledger.encoded, ledger.found),
        (count as u64, count as u64, shown.len() as u64, shown.len() as u64, Some(shown.len() as u64))
    );
    assert_eq!((ledger.filter.repeated_by_rate, ledger.filter.dropped_by_rate), (repeated as u64, dropped as u64));
}

#[test]
fn constant_rates_are_converted_into_each_other() {
    let folder = folder();
    for (from, base, step, to, ratio, output) in [
        ("24", 24, 1, "25", (25, 1), "out.mp4"),
        ("25", 25, 1, "24", (24, 1), "out.mp4"),
        ("50", 50, 1, "25", (25, 1), "out.mov"),
        ("25", 25, 1, "50", (50, 1), "out.mkv"),
        ("24000/1001", 24_000, 1001, "30000/1001", (30_000, 1001), "out.mp4"),
        ("30000/1001", 30_000, 1001, "23.976", (24_000, 1001), "out.mkv"),
        ("60000/1001", 60_000, 1001, "29.97", (30_000, 1001), "out.mp4"),
        ("25", 25, 1, "25", (25, 1), "out.mp4"),
    ] {
        let count = 60;
        let source = numbered(folder.path(), count, from, "source.mp4", "-y");
        let (report, shown) = converted(&source, &folder.path().join(output), to);
        let times: Vec<i64> = (0..i64::from(count)).map(|number| number * step).collect();
        assert_eq!(shown, expected(&times, step, base, ratio), "{from} to {to}");
        check_ledger(&report, count.into(), &shown);
        // The duration is that of the source, within half a frame.
        let exact = f64::from(count) * step as f64 / base as f64 * ratio.0 as f64 / ratio.1 as f64;
        assert!((shown.len() as f64 - exact).abs() <= 0.501, "{from} to {to}: {} for {exact}", shown.len());
    }
}

#[test]
fn variable_times_become_a_constant_rate() {
    let folder = folder();
    // A third of a frame early or late, then gaps, then five frames in quick succession.
    let at = |number: i64| number * 40 + [0, 13, -13][number as usize % 3] + number / 10 * 200;
    let mut times: Vec<i64> = (0..40).map(at).collect();
    let end = times[39];
    times.extend((1..=5).map(|number| end + 7 * number));
    let branches = "N*40+eq(mod(N\\,3)\\,1)*13-eq(mod(N\\,3)\\,2)*13+floor(N/10)*200";
    let filter = format!(
        "-vf settb=1/1000,setpts='if(gte(N\\,40)\\,{end}+(N-39)*7\\,{branches})' -fps_mode vfr -enc_time_base 1/1000 -video_track_timescale 1000 \
         -bsf:v setts=duration=if(eq(N\\,44)\\,40\\,DURATION)"
    );
    for (name, output) in [("source.mp4", "out.mp4"), ("source.mkv", "out.mkv")] {
        let filter =
            if name.ends_with("mkv") { filter.replace("-video_track_timescale 1000", "") } else { filter.clone() };
        let source = numbered(folder.path(), 45, "25", name, &filter.replace('\'', ""));
        let (found, base) = support::times(&source, "v:0");
        let found: Vec<i64> = found.iter().map(|tick| (tick - found[0]) * 1000 * base.0 / base.1).collect();
        assert_eq!(found, times, "the source has the times that it should have");
        for (rate, ratio) in [("25", (25, 1)), ("30000/1001", (30_000, 1001))] {
            let (report, shown) = converted(&source, &folder.path().join(output), rate);
            // The last frame lasts as long as its packet states, or else one frame at the rate that the source states.
            let packets = support::ffprobe(&source, "-select_streams v:0 -show_packets");
            let last = packets["packets"]
                .as_array()
                .unwrap()
                .iter()
                .max_by_key(|packet| support::number::<i64>(&packet["pts"]));
            let stated = last.unwrap()["duration_time"].as_str().and_then(|time| time.parse::<f64>().ok());
            let own = report.outputs[0].plan.video.as_ref().unwrap().source_rate;
            let length = stated.map_or((own.den * 1000 + own.num / 2) / own.num, |time| (1000.0 * time).round() as i64);
            assert_eq!(shown, expected(&times, length, 1000, ratio), "{name} at {rate}");
            check_ledger(&report, 45, &shown);
        }
    }
}

#[test]
fn fields_are_counted_before_the_rate_is_made_even() {
    let folder = folder();
    let source = numbered(folder.path(), 20, "25", "source.mp4", "");
    let mut job = video_job(&source, &folder.path().join("out.mp4"), Encoder::X264, quick(""));
    job.outputs[0].picture.deinterlace = trix_core::settings::picture::Deinterlace::Fields;
    job.outputs[0].picture.rate = Some("30".parse().unwrap());
    let ledger = done(&job).outputs[0].ledger.unwrap();
    assert_eq!((ledger.decoded, ledger.filter.taken, ledger.filter.added_by_fields), (20, 20, 20));
    assert_eq!(ledger.filter.taken + ledger.filter.added_by_fields - ledger.filter.dropped_by_rate, ledger.encoded);
    assert_eq!(video_stream(&job.outputs[0].path)["nb_read_frames"], ledger.encoded.to_string());
    assert_eq!(ledger.encoded, 24);
}

#[test]
fn the_plan_says_which_rate_is_made() {
    let folder = folder();
    let source = numbered(folder.path(), 4, "24", "source.mp4", "");
    let mut job = video_job(&source, &folder.path().join("out.mp4"), Encoder::X264, quick(""));
    let own = plan(&job).unwrap().video.unwrap();
    assert_eq!((own.resampled_rate, own.rate.to_string()), (None, "24/1".to_owned()));
    job.outputs[0].picture.rate = Some("25".parse().unwrap());
    let made = plan(&job).unwrap().video.unwrap();
    assert_eq!(
        (made.rate.to_string(), made.resampled_rate.map(|rate| rate.to_string())),
        ("25/1".into(), Some("25/1".into()))
    );
    assert!(made.constant_rate);
}
