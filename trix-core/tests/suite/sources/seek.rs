//! Tests that frames and samples after a seek equal those of a decode from the start of the source.
//!
//! `TRIX_SEEKS` is the number of seeks in each file. Without it, slow files get few seeks.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    time::Instant,
};

use trix_core::{
    Error, ErrorKind, FromStart, OnDamage, Source, Stage,
    media::time::{Rational, Timestamp},
    reading::{frames::VideoFrame, samples::SamplePlace},
    settings::{
        audio::AudioSettings,
        video::{EncodeSettings, Encoder, RateControl},
    },
};
use trix_fixtures::{folder, media};

use crate::support::{done, made_by_ffmpeg, planes, quick, samples, video_job};

/// Identifies a frame: its number, its time, and a hash of its samples and properties.
type FrameDigest = (u64, Timestamp, u64);

fn digest(frame: &VideoFrame) -> FrameDigest {
    let mut hash = DefaultHasher::new();
    let own = &frame.frame;
    for plane in own.planes() {
        plane.rows().for_each(|row| row.hash(&mut hash));
    }
    // Formats whose samples are packed.
    own.packed().hash(&mut hash);
    (own.width(), own.height(), own.format()).hash(&mut hash);
    (own.is_interlaced(), own.is_top_field_first(), own.repeated_fields()).hash(&mut hash);
    (own.hdr(), own.color(), own.active_format()).format(&mut hash);
    // The HEVC decoder loses Dolby Vision metadata of some frames. `extras` has that of the packets.
    (own.captions(), own.smpte_timecode()).hash(&mut hash);
    (&frame.extras, frame.duration).format(&mut hash);
    (frame.number, frame.time, hash.finish())
}

/// Hashes the `Debug` output of values that do not implement `Hash`.
trait Printed {
    fn format(&self, hash: &mut DefaultHasher);
}

impl<T: std::fmt::Debug> Printed for T {
    fn format(&self, hash: &mut DefaultHasher) {
        format!("{self:?}").hash(hash);
    }
}

/// A pseudo-random generator with a fixed seed.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end.max(1)
    }
}

fn opened(file: &Path) -> Source {
    Source::open(file).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns all frames of a file, decoded from its start.
fn all_of(source: &Source) -> Vec<FrameDigest> {
    source.frames().on_damage(OnDamage::Conceal).map(|frame| digest(&frame.expect("a frame"))).collect()
}

fn damage_of(source: &Source) -> u64 {
    let mut frames = source.frames().on_damage(OnDamage::Conceal);
    frames.by_ref().for_each(drop);
    frames.damage().total()
}

fn starts(elapsed: f64) -> u64 {
    let asked = std::env::var("TRIX_SEEKS").ok().map(|text| text.parse().expect("TRIX_SEEKS is a number"));
    // About two seconds per file. A seek never costs more than a decode of the whole file.
    asked.unwrap_or_else(|| ((2.0 / elapsed.max(0.01)) as u64).clamp(4, 50))
}

/// Compares frames after random seeks with those of a decode from the start. If the decode of the last frame began at
/// the start, returns the reason.
fn compare(file: &Path) -> Option<FromStart> {
    let name = file.file_name().expect("a name").to_string_lossy().into_owned();
    let source = opened(file);
    let began = Instant::now();
    let all = all_of(&source);
    let elapsed = began.elapsed().as_secs_f64();
    assert!(!all.is_empty(), "{name} has frames");
    let index = source.frame_index().expect("an index");
    // The index cannot recognise packets that will not decode.
    let is_sound = damage_of(&source) == 0;
    if index.trouble().is_none() && is_sound {
        assert_eq!(index.len(), all.len() as u64, "frames of {name}");
        for (number, time, _) in &all {
            assert_eq!(index.time(*number), Some(*time), "frame {number} of {name}");
        }
    }
    // If damage ends the reading, the decoder leaves out frames that are not asked for.
    let on_damage = if is_sound { OnDamage::Fail } else { OnDamage::Conceal };
    let mut draw = Draw(all.len() as u64);
    for turn in 0..starts(elapsed) {
        // The last frame is the farthest from the start.
        let first = if turn == 0 { all.len() as u64 - 1 } else { draw.below(all.len() as u64) };
        let wanted = &all[first as usize..all.len().min(first as usize + 4)];
        let frames = source.frames().on_damage(on_damage);
        let frames = if turn % 2 == 0 { frames.from(first) } else { frames.from(wanted[0].1) };
        let found: Vec<FrameDigest> = frames.take(wanted.len()).map(|frame| digest(&frame.expect("a frame"))).collect();
        assert_eq!(found, wanted, "{name} from frame {first}");
    }
    // The number of seeks depends on the machine, and must not decide which frames follow.
    let mut draw = Draw(!(all.len() as u64));
    let some: Vec<u64> = (0..all.len() as u64).filter(|_| draw.below(4) == 0).collect();
    for some in [some.clone(), some.into_iter().rev().collect()] {
        let frames = source.frames_numbered(some.iter().copied()).on_damage(on_damage);
        let found: Vec<_> = frames.map(|frame| digest(&frame.expect("no error").expect("a frame"))).collect();
        let wanted: Vec<_> = some.iter().map(|number| all[*number as usize]).collect();
        assert_eq!(found, wanted, "{name} at {some:?}");
        let mut found = Vec::new();
        let batch = source.batch_at(wanted.iter().map(|(_, time, _)| *time)).on_damage(on_damage);
        let read = batch.read_in_order(|frame| {
            found.extend(frame.map(|frame| digest(&frame)));
            Ok(())
        });
        read.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(found, wanted, "{name} at {some:?}, by several decoders");
    }
    let found: Vec<_> =
        source.frames().on_damage(on_damage).stride(7).map(|frame| digest(&frame.expect("a frame"))).collect();
    assert_eq!(found, all.iter().step_by(7).copied().collect::<Vec<_>>(), "every seventh frame of {name}");
    let mut last = source.frames().on_damage(on_damage).from(all.len() as u64 - 1);
    assert_eq!(last.next().map(|frame| digest(&frame.expect("a frame"))).as_ref(), all.last(), "{name}");
    assert!(last.next().is_none(), "{name} ends");
    last.from_start()
}

fn made(name: &str, line: &str) -> PathBuf {
    made_by_ffmpeg(&format!("seek-{name}"), line)
}

const FILM: &str = "-f lavfi -i testsrc2=size=192x144:rate=25:duration=8,noise=alls=12:allf=t";

#[test]
fn real_files_from_random_starts() {
    for file in media::files() {
        let raw = file.extension().is_some_and(|extension| extension == "yuv");
        if raw || opened(&file).frame_index().is_err() {
            continue;
        }
        println!("{}: {:?}", file.display(), compare(&file));
    }
}

fn x264(options: &str) -> String {
    format!("{FILM} -c:v libx264 -preset fast -x264-params {options}")
}

#[test]
fn closed_and_open_groups_of_h264() {
    for (name, options) in [
        ("closed", "keyint=50:bframes=3"),
        ("open", "keyint=50:open-gop=1:bframes=3:b-pyramid=normal"),
        ("long", "keyint=90:min-keyint=90:scenecut=0:open-gop=1:bframes=8:b-adapt=2:ref=6:weightp=2"),
        ("fields", "keyint=40:tff=1:bframes=2"),
    ] {
        for extension in ["mp4", "mkv", "ts", "mov"] {
            let file = made(&format!("x264-{name}.{extension}"), &x264(options));
            assert_eq!(compare(&file), None, "{name} in {extension}");
        }
    }
    // With intra refresh, no frame is a random access point.
    let file = made("x264-refresh.mp4", &x264("keyint=30:intra-refresh=1:bframes=0"));
    assert_eq!(compare(&file), Some(FromStart::NoEntry));
}

#[test]
fn leading_frames_of_hevc() {
    let x265 = |options: &str| format!("{FILM} -c:v libx265 -preset fast -x265-params log-level=none:{options}");
    for (name, options) in [
        ("closed", "keyint=50:open-gop=0:bframes=4"),
        ("open", "keyint=50:min-keyint=50:open-gop=1:bframes=4:b-pyramid=1"),
        ("long", "keyint=80:min-keyint=80:scenecut=0:open-gop=1:bframes=8:ref=5:radl=0"),
        ("radl", "keyint=40:min-keyint=40:open-gop=0:radl=2:bframes=4"),
        // Frames of the upper layers refer to frames to which no frame of their own layer refers.
        ("layers", "keyint=50:open-gop=0:bframes=4:b-pyramid=1:temporal-layers=3"),
        (
            "hdr",
            "keyint=50:open-gop=1:repeat-headers=1:hdr10=1:max-cll=1000,400:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)",
        ),
    ] {
        for extension in ["mp4", "mkv", "ts"] {
            let pixels = if name == "hdr" { " -pix_fmt yuv420p10le" } else { "" };
            let file = made(&format!("x265-{name}.{extension}"), &format!("{}{pixels}", x265(options)));
            let why = compare(&file);
            assert_eq!(why, None, "{name} in {extension}");
        }
    }
    let file = made("x265-refresh.mkv", &x265("keyint=30:intra-refresh=1:bframes=0"));
    assert_eq!(compare(&file), Some(FromStart::NoEntry));
}

#[test]
fn groups_of_mpeg2() {
    let mpeg2 = "-c:v mpeg2video -g 15 -bf 2 -b:v 4M";
    for (name, options) in [
        ("open", mpeg2.to_owned()),
        ("closed", format!("{mpeg2} -flags +cgop -sc_threshold 1000000000")),
        ("fields", format!("{mpeg2} -flags +ildct+ilme -top 1")),
    ] {
        for extension in ["ts", "mxf", "mpg", "mkv", "mov"] {
            let file = made(&format!("mpeg2-{name}.{extension}"), &format!("{FILM} {options}"));
            let why = compare(&file);
            // Program streams can omit the time of a frame.
            assert!(
                why.is_none() || extension == "mpg" && why == Some(FromStart::Times),
                "{name} in {extension}: {why:?}"
            );
        }
    }
}

#[test]
fn other_codecs() {
    for (name, options) in [
        ("ffv1.mkv", "-c:v ffv1 -g 1"),
        ("ffv1-groups.mkv", "-c:v ffv1 -level 3 -g 12"),
        ("prores.mov", "-c:v prores_ks"),
        ("dnxhr.mxf", "-vf scale=256:144 -c:v dnxhd -profile:v dnxhr_lb -pix_fmt yuv422p"),
        ("mjpeg.mov", "-c:v mjpeg"),
        ("vp9.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 40 -b:v 300k"),
        ("vp8.webm", "-c:v libvpx -deadline realtime -cpu-used 8 -g 40 -b:v 300k -auto-alt-ref 1 -lag-in-frames 10"),
        ("mpeg4.mp4", "-c:v mpeg4 -bf 2 -g 25 -b:v 800k"),
    ] {
        let file = made(name, &format!("{FILM} {options}"));
        assert_eq!(compare(&file), None, "{name}");
    }
    let file = made("mjpeg.avi", &format!("{FILM} -c:v mjpeg"));
    println!("avi: {:?}", compare(&file));
}

#[test]
fn frames_by_number_time_and_stride() {
    let file = made("x264-stride.mp4", &x264("keyint=50:open-gop=1:bframes=3"));
    let source = opened(&file);
    let all = all_of(&source);
    let time = |number: usize| all[number].1;
    let between = source.frames().from(time(60)).to(time(70)).stride(3);
    let found: Vec<FrameDigest> = between.map(|frame| digest(&frame.expect("a frame"))).collect();
    assert_eq!(found, [60, 63, 66, 69].map(|number| all[number]));
    assert_eq!(source.frames().from(190).to(195).count(), 5);
    assert_eq!(digest(&source.frame(123).expect("a frame").expect("a frame")), all[123]);
    assert!(source.frame(all.len() as u64).expect("no error").is_none());

    let half = Timestamp::new(1, Rational::new(1, 50));
    let order = [150usize, 150, 151, 199, 3, 0, 77];
    let times = order.iter().map(|number| time(*number).plus(half));
    let found = source.frames_at(times).map(|frame| digest(&frame.expect("no error").expect("a frame")));
    assert_eq!(found.collect::<Vec<_>>(), order.map(|number| all[number]));
    let mut taken = 0;
    let stopped = source.batch(0..200).read_in_order(|_| {
        taken += 1;
        if taken < 60 { Ok(()) } else { Err(Error::cancelled(Stage::Decode)) }
    });
    assert_eq!((taken, stopped.map_err(|error| error.kind())), (60, Err(ErrorKind::Cancelled)));
    let before = time(0).plus(Timestamp::new(-1, Rational::new(1, 1)));
    assert!(source.frames_at([before]).next().expect("an answer").expect("no error").is_none());
}

#[test]
fn a_source_that_is_damaged_in_front_is_decoded_from_its_start() {
    let file = made("x264-damaged.ts", &x264("keyint=50:bframes=3"));
    let mut bytes = std::fs::read(&file).expect("a fixture");
    // Remove one packet.
    let at = bytes.len() / 3 / 188 * 188;
    bytes.drain(at..at + 188);
    let folder = folder();
    let damaged = folder.path().join("damaged.ts");
    std::fs::write(&damaged, &bytes).expect("a file");
    assert_eq!(compare(&damaged), Some(FromStart::Damaged));
}

/// Returns the position of the first sample, and the bytes of each channel.
fn heard(source: &Source, from: Option<SamplePlace>, to: Option<SamplePlace>) -> (Option<u64>, Vec<Vec<u8>>) {
    let mut samples = source.samples().on_damage(OnDamage::Conceal);
    samples = from.into_iter().fold(samples, |samples, from| samples.from(from));
    samples = to.into_iter().fold(samples, |samples, to| samples.to(to));
    let (mut first, mut channels) = (None, Vec::new());
    for block in samples {
        let block = block.expect("a block");
        first.get_or_insert(block.first);
        channels.resize(block.frame.channels(), Vec::new());
        for (channel, bytes) in channels.iter_mut().enumerate() {
            bytes.extend(block.frame.channel(channel));
        }
    }
    (first, channels)
}

#[test]
fn samples_from_anywhere() {
    const AUDIO: &str = "-f lavfi -i aevalsrc=0.4*sin(t*3000)+0.3*random(0)|0.5*sin(t*t*900):s=48000:d=5";
    for (name, options) in [
        ("pcm.mov", "-c:a pcm_s16le"),
        ("flac.mkv", "-c:a flac"),
        ("aac.mp4", "-c:a aac"),
        ("mp3.mp3", "-c:a libmp3lame"),
        ("ac3.ts", "-c:a ac3"),
        ("opus.webm", "-c:a libopus"),
        ("vorbis.ogg", "-c:a libvorbis"),
    ] {
        let file = made(&format!("sound-{name}"), &format!("{AUDIO} {options}"));
        let source = opened(&file);
        let (_, all) = heard(&source, None, None);
        let count: u64 = source.samples().map(|block| block.expect("a block").frame.samples() as u64).sum();
        let width = all[0].len() / count as usize;
        assert!(count > 230_000, "{name}: {count} samples");
        let mut draw = Draw(count);
        for _ in 0..8 {
            let (from, length) = (draw.below(count - 1), 1 + draw.below(5000));
            let to = (from + length).min(count);
            let (first, part) = heard(&source, Some(from.into()), Some(to.into()));
            assert_eq!(first, Some(from), "{name}");
            let range = from as usize * width..to as usize * width;
            assert!(part.iter().zip(&all).all(|(part, all)| *part == all[range.clone()]), "{name} from {from} to {to}");
        }
    }
}

#[test]
fn a_job_decodes_only_what_its_cut_needs() {
    let folder = folder();
    for (extension, options) in [("mp4", ""), ("mkv", ""), ("ts", ""), ("mov", "-c:a pcm_s16le ")] {
        let line = x264("keyint=25:min-keyint=25:open-gop=1:bframes=3");
        let line = format!("-f lavfi -i sine=f=300:r=48000:d=8 {line} {options}-shortest");
        let file = made(&format!("job.{extension}"), &line);
        let second = |count| Timestamp::new(count, Rational::new(1, 1));
        let whole = folder.path().join("whole.mkv");
        let part = folder.path().join("part.mkv");
        let settings = EncodeSettings { rate: Some(RateControl::Lossless), ..quick("") };
        let mut job = video_job(&file, &whole, Encoder::X264, settings);
        job.outputs[0].audio = AudioSettings::Flac;
        job.outputs[0].overwrite = true;
        done(&job);
        job.outputs[0].path = part.clone();
        (job.source.start, job.source.duration) = (Some(second(6)), Some(second(1)));
        let report = done(&job);
        let seek = report.seek.expect("a cut begins somewhere");
        assert_eq!(seek.from_start, None, "{extension}");
        assert!(seek.not_decoded >= 110, "{extension}: {seek:?}");
        let ledger = report.outputs[0].ledger.expect("a ledger");
        assert_eq!((ledger.not_decoded, ledger.dropped_before_start), (seek.not_decoded, 150), "{extension}");
        assert_eq!((ledger.encoded, ledger.decoded), (25, 175 + ledger.dropped_after_end), "{extension}");
        let frames = planes(&whole);
        let size = 192 * 144 * 3 / 2;
        assert!(planes(&part) == frames[150 * size..175 * size], "frames of {extension}");
        let audio = samples(&whole, 0, "s32le");
        assert!(samples(&part, 0, "s32le") == audio[6 * 48_000 * 4..7 * 48_000 * 4], "samples of {extension}");
    }
}

#[test]
fn a_header_that_is_wrong_about_keyframes_is_not_believed() {
    // The table of keyframes names a wrong packet instead of the last keyframe.
    let file = made("x264-lies.mp4", &x264("keyint=60:min-keyint=60:scenecut=0:bframes=2"));
    let mut bytes = std::fs::read(&file).expect("a fixture");
    let at = bytes.windows(4).position(|name| name == b"stss").expect("a table of keyframes");
    // Four entries: 1, 61, 121, 181.
    let entry = at + 12 + 3 * 4;
    assert_eq!(bytes[entry..entry + 4], 181u32.to_be_bytes());
    bytes[entry..entry + 4].copy_from_slice(&190u32.to_be_bytes());
    let folder = folder();
    let lying = folder.path().join("lying.mp4");
    std::fs::write(&lying, &bytes).expect("a file");
    assert_eq!(compare(&lying), None);
    let source = opened(&lying);
    let index = source.frame_index().expect("an index");
    assert!(index.lead_in(195).expect("an entry") > 60, "the true keyframe before the last is 121");
}

#[test]
fn edit_lists_and_odd_times() {
    let x264 = x264("keyint=30:min-keyint=30:open-gop=1:bframes=3");
    let plain = made("odd.mp4", &x264);
    let copy =
        |name: &str, options: &str, more: &str| made(name, &format!("{options} -i {} -c copy {more}", plain.display()));
    for (file, expected) in [
        // Begins in mid-GOP. The edit list hides the frames before the cut.
        (copy("odd-late.mp4", "-ss 1.7", ""), None),
        (copy("odd-negative.mp4", "", "-use_editlist 0 -movflags negative_cts_offsets"), None),
        (copy("odd-cues.mkv", "", "-write_crc32 0 -live 1"), None),
        (copy("odd-fragments.mp4", "", "-movflags frag_keyframe+empty_moov"), None),
        (made("odd-growing.mkv", &format!("{x264} -vf setpts=(N*N+20*N)/500/TB -fps_mode passthrough")), None),
        (copy("odd-raw.264", "", ""), Some(FromStart::Times)),
    ] {
        assert_eq!(compare(&file), expected, "{}", file.display());
    }
}
