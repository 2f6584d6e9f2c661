//! Tests of the source hash. Trix computes it from the bytes that it reads anyway. The hash equals that of `sha256sum`,
//! and Trix reads every byte of the file from disk only once.

use std::{
    fs::{self, File, FileTimes},
    io::{self, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use trix_core::{
    Cancel, ErrorKind, Job, Limits, OnDamage, Source,
    damage::DamageLog,
    demux::Demuxer,
    probe::probe,
    source::{Fixity, SourceHasher, Stamp, Storage},
};
use trix_fixtures::{Clip, clip::made, folder, media, program};

const X264: &str = "-c:v libx264 -preset ultrafast";

fn open(path: &Path) -> Source {
    Source::open(path).unwrap_or_else(|error| panic!("{error}"))
}

/// Computes the hash with another program.
fn sha256sum(path: &Path) -> String {
    let text = program::text(&program::run("sha256sum", ["--".as_ref(), path.as_os_str()]));
    text.trim_start_matches('\\').split(' ').next().expect("a hash").to_owned()
}

/// Uses a source as a job does, without decoding all of it: opens and probes it, samples frames for combing and
/// borders, and reads it to its end together with the checks of its container. Returns the number of packets.
fn used(source: Source, path: &Path) -> u64 {
    let _ = probe(&source);
    // It does not matter whether planning succeeds, because it has sampled the frames.
    let _ = trix_core::plan(&Job::new(path, "copy.mkv"), &source);
    read_to_the_end(source)
}

fn read_to_the_end(source: Source) -> u64 {
    let mut demuxer = Demuxer::new(source, Arc::new(DamageLog::new(OnDamage::Conceal)));
    let mut packets = 0;
    while demuxer.next_packet().unwrap_or_else(|error| panic!("{error}")).is_some() {
        packets += 1;
    }
    packets
}

fn finish(hasher: &SourceHasher) -> Fixity {
    hasher.finish(&Cancel::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// Uses a whole file and returns its hash.
fn hashed(path: &Path) -> Fixity {
    let source = open(path);
    let hasher = source.hash_source();
    assert!(used(source, path) > 0, "{}", path.display());
    let fixity = finish(&hasher);
    assert_eq!(fixity.sha256, sha256sum(path), "{}", path.display());
    assert_eq!(fixity.bytes, fs::metadata(path).expect("a file").len());
    fixity
}

/// Uses a whole file and asserts that its hash needed only one reading.
fn read_once(path: &Path) {
    let fixity = hashed(path);
    assert_eq!(fixity.disk_bytes, fixity.bytes, "{}", path.display());
}

#[test]
fn every_media_file_is_read_once_and_its_hash_is_that_of_sha256sum() {
    let mut opened = 0;
    for file in media::files() {
        // Some files have neither a header nor frames.
        if Source::open(&file).is_ok() {
            read_once(&file);
            opened += 1;
        }
    }
    assert!(opened > 20 || media::folder().is_none(), "{opened}");
}

#[test]
fn every_container_is_read_once() {
    // Ten to forty megabytes, more than the block cache keeps.
    let clip = Clip { width: 640, height: 360, frames: 90, ..Clip::default() };
    let mpeg2 = "-c:v mpeg2video -q:v 2 -qmin 1";
    let tone = "-f lavfi -i sine=sample_rate=48000 -shortest -c:a pcm_s16le";
    let mut files = vec![
        clip.encoded(&format!("{X264} -qp 2"), "mp4"),
        clip.encoded(&format!("{X264} -qp 2 -movflags +faststart"), "mp4"),
        clip.encoded(&format!("{X264} -qp 2 -movflags +frag_keyframe+empty_moov -g 10"), "mp4"),
        clip.encoded("-c:v prores_ks -profile:v 3", "mov"),
        clip.encoded(&format!("{X264} -qp 2"), "mkv"),
        clip.encoded("-c:v ffv1", "mkv"),
        clip.encoded(&format!("{X264} -qp 2"), "ts"),
        clip.encoded(mpeg2, "mxf"),
        clip.encoded(mpeg2, "mpg"),
        clip.encoded("-c:v rawvideo", "avi"),
        clip.encoded("-c:v rawvideo", "nut"),
        clip.y4m(),
    ];
    files.push(made("fixity-with-audio.mov", |path| {
        let video = clip.lavfi().replace(" -frames:v 90", "");
        program::ffmpeg(&format!("{video} {tone} -frames:v 90 -c:v prores_ks {}", path.display()));
    }));
    for file in files {
        read_once(&file);
    }
}

/// Makes a QuickTime file with a hole of zeros before its index. No track refers to the hole.
fn with_a_hole(path: &Path, hole: u64) {
    let clip = Clip { width: 320, height: 180, frames: 30, ..Clip::default() };
    let whole = fs::read(clip.encoded("-c:v prores_ks", "mov")).expect("a clip");
    let (mut at, mut file) = (0, File::create(path).expect("a file"));
    while at < whole.len() {
        let length = u32::from_be_bytes(whole[at..at + 4].try_into().expect("four bytes")) as usize;
        // Insert a large `free` box (ISO/IEC 14496-12, 8.1.2) before the index. The offsets in the index stay correct.
        if &whole[at + 4..at + 8] == b"moov" {
            file.write_all(&[0, 0, 0, 1]).and_then(|()| file.write_all(b"free")).expect("written");
            file.write_all(&hole.to_be_bytes()).expect("written");
            let end = at as u64 + hole;
            file.set_len(end).expect("a hole");
            file.write_all_at(&whole[at..], end).expect("written");
            return;
        }
        file.write_all(&whole[at..at + length]).expect("written");
        at += length;
    }
    panic!("no index");
}

#[test]
fn bytes_that_the_demuxer_skips_are_hashed_too() {
    let folder = folder();
    let file = folder.path().join("hole.mov");
    with_a_hole(&file, 200 << 20);
    read_once(&file);
}

/// Makes two tracks of raw frames with the same display times. Each track fills one half of the file.
fn far_apart(path: &Path, frames: usize) {
    let input = "-f lavfi -i testsrc2=size=640x360:rate=25,noise=alls=12:allf=t:all_seed=7,format=uyvy422";
    let tracks = format!("-map 0:v -map 1:v -frames:v:0 {frames} -frames:v:1 {frames} -c:v rawvideo");
    program::ffmpeg(&format!("{input} {input} {tracks} {}", path.display()));
    let mut file = fs::read(path).expect("a file");
    // The index follows the frames. Each track has a table of chunk offsets (ISO/IEC 14496-12, 8.7.5).
    let index = file.windows(4).rposition(|name| name == b"moov").expect("an index");
    let tables: Vec<usize> =
        (index..file.len() - 4).filter(|at| &file[*at..at + 4] == b"stco").map(|at| at + 12).collect();
    let number = |file: &[u8], at: usize| u32::from_be_bytes(file[at..at + 4].try_into().expect("four bytes")) as usize;
    let entries: Vec<usize> = tables
        .into_iter()
        .flat_map(|table| (0..number(&file, table - 4)).map(move |chunk| table + 4 * chunk))
        .collect();
    // A chunk ends where the next chunk of any track begins.
    let mut ends: Vec<usize> = entries.iter().map(|entry| number(&file, *entry)).chain([index - 4]).collect();
    ends.sort_unstable();
    let first = ends[0];
    let mut media = Vec::new();
    for entry in entries {
        let (from, to) = (number(&file, entry), first + media.len());
        let end = ends[ends.partition_point(|end| *end <= from)];
        media.extend_from_slice(&file[from..end]);
        file[entry..entry + 4].copy_from_slice(&(to as u32).to_be_bytes());
    }
    file[first..first + media.len()].copy_from_slice(&media);
    fs::write(path, file).expect("written");
}

#[test]
fn tracks_that_lie_far_apart_are_read_once_as_far_as_memory_goes() {
    let folder = folder();
    let file = folder.path().join("far.mov");
    // Frames of 460800 bytes, 69 MB in each half.
    far_apart(&file, 150);
    // Packets alternate every second between the tracks, which are far apart in the file.
    let places = "-v error -show_entries packet=stream_index,pos -of csv=p=0";
    let found = program::run("ffprobe", places.split(' ').chain([file.to_str().expect("a path")]));
    let places: Vec<u64> = program::text(&found)
        .lines()
        .take(100)
        .map(|line| line.split(',').nth(1).and_then(|place| place.parse().ok()).expect("a place"))
        .collect();
    let jumps = places.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) > 50 << 20).count();
    assert!(jumps >= 3, "{places:?}");
    read_once(&file);
    // 147 MB, more than the memory can hold until the hash reaches it. At most half of the file is read again.
    far_apart(&file, 320);
    let fixity = hashed(&file);
    assert!((fixity.bytes..=fixity.bytes * 3 / 2).contains(&fixity.disk_bytes), "{fixity:?}");
    println!("{} of {} bytes, halves far apart", fixity.disk_bytes, fixity.bytes);
}

#[test]
fn a_file_that_does_not_fit_into_memory_is_read_once() {
    let folder = folder();
    let file = folder.path().join("large.avi");
    // 207 MB.
    let clip = Clip { width: 640, height: 360, frames: 600, ..Clip::default() };
    program::ffmpeg(&format!("{} -c:v rawvideo {}", clip.lavfi(), file.display()));
    read_once(&file);
}

#[test]
fn the_part_that_a_job_needs_is_not_read_again_for_the_hash() {
    let clip = Clip { width: 640, height: 360, frames: 90, ..Clip::default() };
    let file = clip.encoded("-c:v rawvideo", "avi");
    let source = open(&file);
    let hasher = source.hash_source();
    let mut demuxer = Demuxer::new(source, Arc::new(DamageLog::new(OnDamage::Fail)));
    for _ in 0..20 {
        assert!(demuxer.next_packet().expect("packets").is_some());
    }
    drop(demuxer);
    let fixity = finish(&hasher);
    assert_eq!((fixity.sha256, fixity.disk_bytes), (sha256sum(&file), fixity.bytes));
}

#[test]
fn a_second_reading_uses_the_blocks_in_memory() {
    let file = Clip { frames: 60, ..Clip::default() }.encoded(&format!("{X264} -qp 2"), "mkv");
    let source = open(&file);
    let hasher = source.hash_source();
    let packets = used(source, &file);
    let again = hasher.open().expect("a source");
    assert_eq!(read_to_the_end(again), packets);
    let fixity = finish(&hasher);
    assert_eq!(fixity.disk_bytes, fixity.bytes);
}

#[test]
fn a_probe_reads_no_more_for_the_hash_that_nobody_asked_for() {
    let clip = Clip { width: 640, height: 360, frames: 600, ..Clip::default() };
    let folder = folder();
    let file = folder.path().join("large.mov");
    program::ffmpeg(&format!("{} -c:v rawvideo {}", clip.lavfi(), file.display()));
    let source = open(&file);
    let opened = source.disk_bytes();
    let _ = probe(&source);
    let (probed, whole) = (source.disk_bytes(), fs::metadata(&file).expect("a file").len());
    // With the index at the end, a probe reads at most 64 MiB of frames: the limit of a packet scan.
    assert!(opened < 4 << 20 && probed < (68 << 20) && whole > 190 << 20, "{opened} and {probed} of {whole}");
    // If the hash is requested later, it is correct, and the blocks from the packet scan are still in memory.
    let fixity = source.fixity().expect("a hash");
    assert_eq!((fixity.sha256, fixity.disk_bytes), (sha256sum(&file), whole));
}

/// A file with slow reads: it counts the bytes and limits the bytes per second.
struct Slow {
    file: File,
    bytes_per_second: u64,
    read: Arc<AtomicU64>,
}

impl Storage for Slow {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let count = self.file.read_at(buffer, offset)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        thread::sleep(Duration::from_nanos(count as u64 * 1_000_000_000 / self.bytes_per_second));
        Ok(count)
    }

    fn stamp(&self) -> io::Result<Stamp> {
        Ok(Stamp { bytes: self.file.metadata()?.len(), modified: (0, 0), file: (0, 0) })
    }
}

fn slow(path: &Path, bytes_per_second: u64) -> (Source, Arc<AtomicU64>) {
    let read = Arc::default();
    let storage = Slow { file: File::open(path).expect("a file"), bytes_per_second, read: Arc::clone(&read) };
    (Source::from_storage(Box::new(storage), path, Limits::default()).unwrap_or_else(|error| panic!("{error}")), read)
}

#[test]
fn a_job_with_a_hash_reads_a_slow_source_once() {
    // Matroska, because its checks read the file in addition to the demuxer.
    let file = Clip { width: 640, height: 360, frames: 90, ..Clip::default() }.encoded("-c:v ffv1", "mkv");
    let size = fs::metadata(&file).expect("a file").len();
    let all = || {
        let began = Instant::now();
        let (source, read) = slow(&file, size / 2);
        let hasher = source.hash_source();
        let _ = probe(&source);
        read_to_the_end(source);
        let fixity = finish(&hasher);
        let took = began.elapsed();
        assert_eq!((read.load(Ordering::Relaxed), fixity.disk_bytes), (size, size));
        assert_eq!(fixity.sha256, sha256sum(&file));
        took
    };
    // One reading takes two seconds, two readings take four. A busy machine can take longer for the rest.
    let took = (0..3).map(|_| all()).find(|took| *took < Duration::from_millis(3200));
    assert!(took.is_some_and(|took| took >= Duration::from_secs(2)), "{took:?}");
}

#[test]
fn a_hash_over_a_slow_line_can_be_cancelled() {
    let file = Clip { width: 640, height: 360, frames: 90, ..Clip::default() }.y4m();
    let (source, read) = slow(&file, 20_000_000);
    let hasher = source.hash_source();
    let cancel = Cancel::default();
    thread::scope(|scope| {
        let hashing = scope.spawn(|| hasher.finish(&cancel));
        thread::sleep(Duration::from_millis(200));
        let asked = Instant::now();
        cancel.cancel();
        let error = hashing.join().expect("no panic").expect_err("no hash");
        assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
        assert!(asked.elapsed() < Duration::from_millis(200), "{:?}", asked.elapsed());
    });
    assert!(read.load(Ordering::Relaxed) < fs::metadata(&file).expect("a file").len());
}

/// Copies a file of 30 MB that a test can change.
fn copy(folder: &Path) -> PathBuf {
    let path = folder.join("source.y4m");
    fs::copy(Clip { width: 640, height: 360, frames: 90, ..Clip::default() }.y4m(), &path).expect("a copy");
    path
}

/// Returns the kind and message of the error for a file that `change` modifies after it was opened.
fn refusal_after(change: impl Fn(&Path)) -> (ErrorKind, String) {
    let folder = folder();
    let path = copy(folder.path());
    let source = open(&path);
    let hasher = source.hash_source();
    change(&path);
    let error = hasher.finish(&Cancel::default()).expect_err("it changed");
    let text = error.to_string();
    assert!(text.starts_with(path.to_str().expect("a path")), "{text}");
    (error.kind(), text)
}

#[test]
fn a_file_that_changes_while_it_is_read_is_reported() {
    let append = |path: &Path| {
        File::options().append(true).open(path).and_then(|mut file| file.write_all(b"more")).expect("written");
    };
    let (kind, text) = refusal_after(append);
    assert!(kind == ErrorKind::MalformedInput && text.contains("and has"), "{text}");

    let rewrite = |path: &Path| {
        let file = File::options().write(true).open(path).expect("a file");
        file.write_all_at(b"x", 1 << 20).expect("written");
        file.set_times(FileTimes::new().set_modified(std::time::SystemTime::UNIX_EPOCH)).expect("a time");
    };
    let (kind, text) = refusal_after(rewrite);
    assert!(kind == ErrorKind::MalformedInput && text.ends_with("it was written to"), "{text}");

    let replace = |path: &Path| {
        let other = path.with_extension("new");
        fs::copy(path, &other).and_then(|_| fs::rename(&other, path)).expect("another file");
    };
    let (kind, text) = refusal_after(replace);
    assert!(kind == ErrorKind::MalformedInput && text.contains("another file"), "{text}");

    let (kind, text) = refusal_after(|path| fs::remove_file(path).expect("a file"));
    assert!(kind == ErrorKind::Io, "{text}");

    let cut = |path: &Path| File::options().write(true).open(path).and_then(|file| file.set_len(5 << 20)).expect("cut");
    let (kind, text) = refusal_after(cut);
    assert!(kind == ErrorKind::Io && text.contains("became shorter") && text.contains("5242880 of"), "{text}");
}

#[test]
fn a_file_that_is_cut_while_it_is_demuxed_is_an_error_of_reading() {
    let folder = folder();
    let path = copy(folder.path());
    let mut demuxer = Demuxer::new(open(&path), Arc::new(DamageLog::new(OnDamage::Conceal)));
    assert!(demuxer.next_packet().expect("a packet").is_some());
    File::options().write(true).open(&path).and_then(|file| file.set_len(5 << 20)).expect("cut");
    let error = loop {
        match demuxer.next_packet() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it passes as whole"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    assert!(error.to_string().contains("became shorter"), "{error}");
}

/// Makes an image sequence of 30 files.
fn numbered(folder: &Path) -> PathBuf {
    let clip = Clip { frames: 30, ..Clip::of("rgb24") };
    program::ffmpeg(
        &format!("{} -start_number 5 {}", clip.lavfi(), folder.join("a %03d.png").display()).replace("a %", "a_%"),
    );
    folder.join("a_%03d.png")
}

#[test]
fn each_image_of_a_sequence_has_a_hash_and_so_has_their_list() {
    let folder = folder();
    let pattern = numbered(folder.path());
    let source = open(&pattern);
    let hasher = source.hash_source();
    assert_eq!(used(source, &pattern), 30);
    let fixity = finish(&hasher);
    let command = format!("cd '{}' && LC_ALL=C sha256sum a_*.png", folder.path().display());
    let list = program::text(&program::run("sh", ["-c", &command]));
    let ours: Vec<String> = fixity.files.iter().map(|file| format!("{}  {}", file.sha256, file.name)).collect();
    assert_eq!(ours, list.lines().collect::<Vec<_>>());
    let whole = program::text(&program::run("sh", ["-c", &format!("{command} | sha256sum")]));
    assert_eq!(fixity.sha256, whole[..64]);
    let sizes = fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.unwrap().metadata().unwrap().len());
    let size: u64 = sizes.sum();
    assert_eq!((fixity.bytes, fixity.disk_bytes), (size, size));
    assert_eq!(fixity.files.iter().map(|file| file.bytes).sum::<u64>(), size);
}

#[test]
fn a_name_with_a_backslash_is_listed_as_sha256sum_lists_it() {
    let folder = folder();
    let clip = Clip { frames: 1, ..Clip::of("rgb24") };
    program::ffmpeg(&format!("{} -update 1 {}", clip.lavfi(), folder.path().join("one.png").display()));
    fs::rename(folder.path().join("one.png"), folder.path().join("a\\b 7.png")).expect("a name");
    let fixity = open(&folder.path().join("a\\b %d.png")).fixity().expect("a hash");
    let command = format!("cd '{}' && sha256sum * | sha256sum", folder.path().display());
    assert_eq!(fixity.sha256, program::text(&program::run("sh", ["-c", &command]))[..64]);
}

#[test]
fn images_of_a_sequence_that_change_are_reported() {
    let folder = folder();
    let pattern = numbered(folder.path());
    let source = open(&pattern);
    let hasher = source.hash_source();
    assert_eq!(used(source, &pattern), 30);
    let changed = |name: &str| {
        let error = hasher.finish(&Cancel::default()).expect_err("it changed");
        assert_eq!(error.kind(), ErrorKind::MalformedInput, "{error}");
        assert!(error.to_string().contains(name), "{error}");
    };
    File::options().append(true).open(folder.path().join("a_020.png")).unwrap().write_all(b"more").expect("written");
    changed("a_020.png: it had");
    fs::write(folder.path().join("a_035.png"), b"one more").expect("written");
    changed("other files");
}

#[test]
fn a_source_in_memory_has_a_hash() {
    let file = Clip::default().encoded(X264, "mp4");
    let source = Source::from_bytes(fs::read(&file).expect("a clip"), Limits::default()).expect("a source");
    let fixity = source.fixity().expect("a hash");
    assert_eq!((fixity.sha256, fixity.disk_bytes), (sha256sum(&file), 0));
}

#[test]
fn a_fixity_is_written_and_read_as_json() {
    let fixity = open(&Clip::default().encoded(X264, "mp4")).fixity().expect("a hash");
    let json = serde_json::to_value(&fixity).expect("JSON");
    let keys: Vec<&String> = json.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["bytes", "disk_bytes", "sha256"]);
    assert!(json["sha256"].as_str().is_some_and(|text| text.len() == 64 && text == text.to_lowercase()));
}
