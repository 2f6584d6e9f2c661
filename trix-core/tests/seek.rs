//! Frames and samples from any place of a source are those that a decode from its start gives there.
//!
//! `TRIX_SEEKS` is the number of starts in each file; without it, few in files that take long.

mod support;

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    time::Instant,
};

use support::made_by_ffmpeg;
use trix_core::{
    Limits, OnDamage, Source,
    index::FromStart,
    media::time::{Rational, Timestamp},
    reading::frames::VideoFrame,
};
use trix_fixtures::{folder, media};

/// What a frame is: its number, its time, and a hash of everything that is in it.
type Told = (u64, Timestamp, u64);

fn told(frame: &VideoFrame) -> Told {
    let mut hash = DefaultHasher::new();
    let own = &frame.frame;
    for plane in own.planes() {
        plane.rows().for_each(|row| row.hash(&mut hash));
    }
    // Formats whose samples are not apart.
    own.packed().hash(&mut hash);
    (own.width(), own.height(), own.format()).hash(&mut hash);
    (own.is_interlaced(), own.is_top_field_first(), own.repeated_fields()).hash(&mut hash);
    (own.hdr(), own.color(), own.active_format()).format(&mut hash);
    (own.captions(), own.smpte_timecode(), own.dolby_vision_rpu()).hash(&mut hash);
    (&frame.extras, frame.duration).format(&mut hash);
    (frame.number, frame.time, hash.finish())
}

/// Hashes what can only be printed.
trait Printed {
    fn format(&self, hash: &mut DefaultHasher);
}

impl<T: std::fmt::Debug> Printed for T {
    fn format(&self, hash: &mut DefaultHasher) {
        format!("{self:?}").hash(hash);
    }
}

/// Numbers without a pattern, always the same.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end.max(1)
    }
}

fn opened(file: &Path) -> Source {
    Source::open(file, Limits::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// All frames of a file, decoded from its start.
fn all_of(source: &Source) -> Vec<Told> {
    source.frames().on_damage(OnDamage::Conceal).map(|frame| told(&frame.expect("a frame"))).collect()
}

fn starts(elapsed: f64) -> u64 {
    let asked = std::env::var("TRIX_SEEKS").ok().map(|text| text.parse().expect("TRIX_SEEKS is a number"));
    // About two seconds a file; each start costs no more than all of it.
    asked.unwrap_or_else(|| ((2.0 / elapsed.max(0.01)) as u64).clamp(4, 50))
}

/// Compares frames from random starts with those of a decode from the start; why decoding began at the start, if it did
/// for the last frame.
fn compare(file: &Path) -> Option<FromStart> {
    let name = file.file_name().expect("a name").to_string_lossy().into_owned();
    let source = opened(file);
    let began = Instant::now();
    let all = all_of(&source);
    let elapsed = began.elapsed().as_secs_f64();
    assert!(!all.is_empty(), "{name} has frames");
    let index = source.frame_index().expect("an index");
    if index.trouble().is_none() {
        assert_eq!(index.len(), all.len() as u64, "frames of {name}");
        for (number, time, _) in &all {
            assert_eq!(index.time(*number), Some(*time), "frame {number} of {name}");
        }
    }
    let mut draw = Draw(all.len() as u64);
    for turn in 0..starts(elapsed) {
        // The last frames are the farthest from the start.
        let first = if turn == 0 { all.len() as u64 - 1 } else { draw.below(all.len() as u64) };
        let wanted = &all[first as usize..all.len().min(first as usize + 4)];
        let frames = source.frames().on_damage(OnDamage::Conceal);
        let frames = if turn % 2 == 0 { frames.from(first) } else { frames.from(wanted[0].1) };
        let found: Vec<Told> = frames.take(wanted.len()).map(|frame| told(&frame.expect("a frame"))).collect();
        assert_eq!(found, wanted, "{name} from frame {first}");
    }
    let mut last = source.frames().on_damage(OnDamage::Conceal).from(all.len() as u64 - 1);
    assert_eq!(last.next().map(|frame| told(&frame.expect("a frame"))).as_ref(), all.last(), "{name}");
    assert!(last.next().is_none(), "{name} ends");
    let saved = index.lead_in(all.len() as u64 - 1);
    println!("{name}: {} frames, {elapsed:.1} s; the last needs {saved:?} before it", all.len());
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

#[test]
fn closed_and_open_groups_of_h264() {
    let x264 = |options: &str| format!("{FILM} -c:v libx264 -preset fast -x264-params {options}");
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
    // Nothing is ever renewed at once.
    let file = made("x264-refresh.mp4", &x264("keyint=30:intra-refresh=1:bframes=0"));
    assert_eq!(compare(&file), Some(FromStart::NoEntry));
}

#[test]
fn leading_pictures_of_hevc() {
    let x265 = |options: &str| format!("{FILM} -c:v libx265 -preset fast -x265-params log-level=none:{options}");
    for (name, options) in [
        ("closed", "keyint=50:open-gop=0:bframes=4"),
        ("open", "keyint=50:min-keyint=50:open-gop=1:bframes=4:b-pyramid=1"),
        ("long", "keyint=80:min-keyint=80:scenecut=0:open-gop=1:bframes=8:ref=5:radl=0"),
        ("radl", "keyint=40:min-keyint=40:open-gop=0:radl=2:bframes=4"),
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
            println!("{name} in {extension}: {why:?}");
            assert_eq!(why, None, "{name} in {extension}");
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
    let file = made("x264-open.mp4", "");
    let source = opened(&file);
    let all = all_of(&source);
    let time = |number: usize| all[number].1;
    let between = source.frames().from(time(60)).to(time(70)).stride(3);
    let found: Vec<Told> = between.map(|frame| told(&frame.expect("a frame"))).collect();
    assert_eq!(found, [60, 63, 66, 69].map(|number| all[number]));
    assert_eq!(source.frames().from(190).to(195).count(), 5);
    assert_eq!(told(&source.frame(123).expect("a frame").expect("a frame")), all[123]);
    assert!(source.frame(all.len() as u64).expect("no error").is_none());

    let half = Timestamp::new(1, Rational::new(1, 50));
    let order = [150usize, 150, 151, 199, 3, 0, 77];
    let times = order.iter().map(|number| time(*number).plus(half));
    let found = source.frames_at(times).map(|frame| told(&frame.expect("no error").expect("a frame")));
    assert_eq!(found.collect::<Vec<_>>(), order.map(|number| all[number]));
    let before = time(0).plus(Timestamp::new(-1, Rational::new(1, 1)));
    assert!(source.frames_at([before]).next().expect("an answer").expect("no error").is_none());
}

#[test]
fn a_source_that_is_damaged_in_front_is_decoded_from_its_start() {
    let file = made("x264-closed.ts", "");
    let mut bytes = std::fs::read(&file).expect("a fixture");
    // A packet is missing.
    let at = bytes.len() / 3 / 188 * 188;
    bytes.drain(at..at + 188);
    let folder = folder();
    let damaged = folder.path().join("damaged.ts");
    std::fs::write(&damaged, &bytes).expect("a file");
    assert_eq!(compare(&damaged), Some(FromStart::Damaged));
}
