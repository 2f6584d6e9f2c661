//! Tests of transport streams whose tracks change their packet identifier. The tests change the identifiers in the
//! packets of a recording. The output must equal the output of the original recording, to the sample.

use std::{
    fs,
    path::{Path, PathBuf},
};

use trix_core::{
    Control, ErrorKind, Job, Report, run_job,
    settings::{audio::AudioSettings, video::VideoSettings},
};
use trix_fixtures::folder;

use crate::support::{done, made_by_ffmpeg, planes, planes_and_samples, quick, samples};

/// The identifiers that ffmpeg uses.
const TABLE: u16 = 4096;
const VIDEO: u16 = 256;
const AUDIO: u16 = 257;

/// From `at` on, packets with identifier `from` get identifier `to`.
#[derive(Clone, Copy)]
struct Move {
    /// Position as a fraction of the file.
    at: f64,
    from: u16,
    to: u16,
    /// True if the program map table still lists the old identifier.
    lists_both: bool,
}

fn pid(packet: &[u8; 188]) -> u16 {
    u16::from_be_bytes([packet[1], packet[2]]) & 0x1fff
}

fn set_pid(bytes: &mut [u8], pid: u16) {
    bytes[0] = bytes[0] & 0xe0 | (pid >> 8) as u8;
    bytes[1] = pid as u8;
}

/// The CRC-32 of tables (ISO/IEC 13818-1, annex A).
fn checksum(section: &[u8]) -> u32 {
    section.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 24, |sum, _| sum << 1 ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 })
    })
}

/// Returns the packet of the program map table with `from` replaced by `to`, and with version `version`.
fn table(packet: &[u8; 188], Move { from, to, lists_both, .. }: Move, version: u8) -> [u8; 188] {
    assert_eq!(packet[3] & 0x20, 0, "a table without an adaptation field");
    let start = 5 + usize::from(packet[4]);
    let length = usize::from(u16::from_be_bytes([packet[start + 1], packet[start + 2]]) & 0xfff);
    let mut section = packet[start..start + 3 + length - 4].to_vec();
    section[5] = section[5] & !0x3e | version << 1;
    let entry = |at: usize, section: &[u8]| {
        (
            u16::from_be_bytes([section[at + 1], section[at + 2]]) & 0x1fff,
            5 + usize::from(u16::from_be_bytes([section[at + 3], section[at + 4]]) & 0xfff),
        )
    };
    let mut at = 12 + usize::from(u16::from_be_bytes([section[10], section[11]]) & 0xfff);
    while at < section.len() {
        let (pid, length) = entry(at, &section);
        if pid == from {
            let old = section[at..at + length].to_vec();
            set_pid(&mut section[at + 1..], to);
            if lists_both {
                section.extend(old);
            }
            break;
        }
        at += length;
    }
    let length = section.len() + 4 - 3;
    section[1] = section[1] & 0xf0 | (length >> 8) as u8;
    section[2] = length as u8;
    section.extend(checksum(&section).to_be_bytes());
    let mut made = *packet;
    made[start..start + section.len()].copy_from_slice(&section);
    made[start + section.len()..].fill(0xff);
    made
}

/// Returns `source` with changed identifiers. Each change happens where an access unit of its stream begins.
fn moved(source: &Path, moves: &[Move]) -> Vec<u8> {
    let bytes = fs::read(source).expect("a recording");
    let packets = bytes.as_chunks::<188>().0;
    let first = packets.iter().find(|packet| pid(packet) == TABLE).expect("a table");
    let (mut done, mut made): (Vec<Move>, Vec<u8>) = (Vec::new(), Vec::new());
    let mut counters = [15u8; 8192];
    let mut tables = *first;
    for (number, packet) in packets.iter().enumerate() {
        let place = number as f64 / packets.len() as f64;
        let due = moves.get(done.len()).filter(|due| place >= due.at).copied();
        let current = done.iter().fold(pid(packet), |pid, change| if pid == change.from { change.to } else { pid });
        let mut put = |packet: &[u8; 188]| {
            let mut packet = *packet;
            let counter = &mut counters[usize::from(pid(&packet))];
            *counter = (*counter + (packet[3] >> 4 & 1)) & 15;
            packet[3] = packet[3] & 0xf0 | *counter;
            made.extend(packet);
        };
        let begins = packet[1] & 0x40 != 0;
        // Video changes at a keyframe, which the container marks as a random access point.
        let is_start = begins && (current != VIDEO || (packet[3] & 0x20 != 0 && packet[5] & 0x40 != 0));
        if let Some(due) = due.filter(|due| current == due.from && is_start) {
            done.push(due);
            tables = table(&tables, due, done.len() as u8);
            put(&tables);
        }
        let mut packet = *packet;
        if pid(&packet) == TABLE {
            packet = tables;
        } else {
            let new = done.iter().fold(pid(&packet), |pid, change| if pid == change.from { change.to } else { pid });
            set_pid(&mut packet[1..], new);
        }
        put(&packet);
    }
    assert_eq!(done.len(), moves.len(), "every move was made");
    made
}

fn recording(name: &str, codecs: &str) -> PathBuf {
    made_by_ffmpeg(
        &format!("identifiers-{name}.ts"),
        &format!(
            "-f lavfi -i testsrc2=size=96x64:rate=25:duration=40 \
             -f lavfi -i aevalsrc=0.4*sin(2*PI*(300*t+20*t*t)):s=48000:d=40 -ac 2 -g 25 {codecs}"
        ),
    )
}

fn job(source: &Path, output: &Path, video: VideoSettings, audio: AudioSettings) -> Report {
    let mut job = Job::new(source, output);
    (job.outputs[0].video, job.outputs[0].audio) = (video, audio);
    done(&job)
}

/// The presentation time of the frame or audio frame that begins in `packet`, in ticks of 90 kHz.
fn presented(packet: &[u8; 188]) -> Option<u64> {
    let start = 4 + if packet[3] & 0x20 != 0 { 1 + usize::from(packet[4]) } else { 0 };
    let pes = packet.get(start..start + 14).filter(|pes| packet[1] & 0x40 != 0 && pes[7] & 0x80 != 0)?;
    let bits = |at: usize, mask: u8| u64::from(pes[at] & mask);
    Some(bits(9, 14) << 29 | bits(10, 255) << 22 | bits(11, 254) << 14 | bits(12, 255) << 7 | bits(13, 254) >> 1)
}

/// The packets of `pid` in `bytes`, one list for each access unit, with its time.
fn units(bytes: &[u8], wanted: u16) -> Vec<(u64, Vec<[u8; 188]>)> {
    let mut units: Vec<(u64, Vec<[u8; 188]>)> = Vec::new();
    for packet in bytes.as_chunks::<188>().0.iter().filter(|packet| pid(packet) == wanted) {
        match presented(packet) {
            Some(time) => units.push((time, vec![*packet])),
            None => units.last_mut().expect("a unit begins").1.push(*packet),
        }
    }
    units
}

/// Returns `first` with the audio of `second` from time `from` on, on the same identifier, and with the table of
/// `second` at that place.
fn recoded(first: &Path, second: &Path, from: u64) -> Vec<u8> {
    let [first, second] = [first, second].map(|path| fs::read(path).expect("a recording"));
    let later: Vec<_> = units(&second, AUDIO).into_iter().filter(|(time, _)| *time >= from).collect();
    let mut table = *second.as_chunks::<188>().0.iter().find(|packet| pid(packet) == TABLE).expect("a table");
    // Version 1 of the table. The checksum covers everything before it.
    table[10] = table[10] & !0x3e | 2;
    let end = 5 + 3 + usize::from(u16::from_be_bytes([table[6], table[7]]) & 0xfff) - 4;
    let sum = checksum(&table[5..end]);
    table[end..end + 4].copy_from_slice(&sum.to_be_bytes());
    let (mut made, mut counters) = (Vec::new(), [15u8; 8192]);
    let mut put = |packet: &[u8; 188]| {
        let mut packet = *packet;
        let counter = &mut counters[usize::from(pid(&packet))];
        *counter = (*counter + (packet[3] >> 4 & 1)) & 15;
        packet[3] = packet[3] & 0xf0 | *counter;
        made.extend(packet);
    };
    let (mut is_changed, mut next) = (false, 0);
    for packet in first.as_chunks::<188>().0 {
        if pid(packet) == AUDIO && !is_changed && presented(packet).is_some_and(|time| time >= from) {
            is_changed = true;
            put(&table);
        }
        match pid(packet) {
            AUDIO if is_changed => {
                let due = presented(packet).unwrap_or(0);
                while let Some((_, unit)) = later.get(next).filter(|(time, _)| *time <= due) {
                    unit.iter().for_each(&mut put);
                    next += 1;
                }
            }
            TABLE if is_changed => put(&table),
            _ => put(packet),
        }
    }
    later[next..].iter().for_each(|(_, unit)| unit.iter().for_each(&mut put));
    made
}

/// Returns `source` with `count` tables in its middle. The tables give its audio another codec, and the last one
/// restores it. A program association table precedes each.
fn with_many_tables(source: &Path, count: usize) -> Vec<u8> {
    assert_eq!(count % 2, 1, "the last table is the true one");
    let bytes = fs::read(source).expect("a recording");
    let packets = bytes.as_chunks::<188>().0;
    let first = *packets.iter().find(|packet| pid(packet) == TABLE).expect("a table");
    let end = 5 + 3 + usize::from(u16::from_be_bytes([first[6], first[7]]) & 0xfff) - 4;
    let audio = (17..end - 2).find(|at| first[*at..at + 2] == (0xe000 | AUDIO).to_be_bytes()).expect("the audio");
    let programs = *packets.iter().find(|packet| pid(packet) == 0).expect("the table of programmes");
    let (mut made, mut counters) = (Vec::new(), [15u8; 8192]);
    let mut put = |made: &mut Vec<u8>, mut packet: [u8; 188]| {
        let counter = &mut counters[usize::from(pid(&packet))];
        *counter = (*counter + (packet[3] >> 4 & 1)) & 15;
        packet[3] = packet[3] & 0xf0 | *counter;
        made.extend(packet);
    };
    for (number, packet) in packets.iter().enumerate() {
        if number == packets.len() / 2 {
            for table in 1..=count {
                let mut packet = first;
                packet[10] = packet[10] & !0x3e | (table as u8 & 31) << 1;
                // AC-3 and MPEG audio (ATSC A/52, annex A; ISO/IEC 13818-1, table 2-34).
                packet[audio - 1] = if table % 2 == 1 && table < count { 0x81 } else { 0x03 };
                let sum = checksum(&packet[5..end]);
                packet[end..end + 4].copy_from_slice(&sum.to_be_bytes());
                put(&mut made, programs);
                put(&mut made, packet);
            }
        }
        put(&mut made, *packet);
    }
    made
}

/// The result of one job for a source: its report, and the frames and samples that ffmpeg decodes from its output.
struct Made {
    way: &'static str,
    report: Report,
    frames: Vec<u8>,
    samples: Vec<u8>,
}

/// Encodes `source`, and copies it.
fn both_ways(source: &Path) -> [Made; 2] {
    [
        ("encoded", VideoSettings::X264(quick("")), AudioSettings::Flac),
        ("copied", VideoSettings::Copy, AudioSettings::Copy),
    ]
    .map(|(way, video, audio)| {
        let folder = folder();
        let output = folder.path().join("out.mkv");
        let report = job(source, &output, video, audio);
        let (frames, samples) = planes_and_samples(&output, 0, "s16le");
        Made { way, report, frames, samples }
    })
}

/// Asserts that `moved` gives the same frames and samples as the original recording, whose results are `plain`.
fn comes_out_like(plain: &[Made; 2], moved: &Path, what: &str) {
    for (plain, other) in plain.iter().zip(both_ways(moved)) {
        let (way, report) = (other.way, other.report);
        assert!(report.discontinuities.is_empty(), "{what}, {way}: {:?}", report.discontinuities);
        assert_eq!(report.outputs[0].plan.audio.len(), 1, "{what}, {way}");
        assert!(plain.samples == other.samples, "{what}, {way}: audio of {} differs", moved.display());
        assert!(plain.frames == other.frames, "{what}, {way}: frames of {} differ", moved.display());
    }
}

#[test]
fn no_frame_and_no_sample_is_lost_where_a_track_moves_to_another_identifier() {
    let there = |at, lists_both| Move { at, from: AUDIO, to: 300, lists_both };
    let back = |at, lists_both| Move { at, from: 300, to: AUDIO, lists_both };
    for (name, codecs) in [
        ("mp2", "-c:v mpeg2video -q:v 4 -c:a mp2"),
        ("ac3", "-c:v libx264 -preset ultrafast -c:a ac3"),
        ("aac", "-c:v libx264 -preset fast -bf 2 -c:a aac"),
    ] {
        let source = recording(name, codecs);
        let cases: [(&str, &[Move]); 5] = [
            ("once", &[there(0.5, false)]),
            ("there and back", &[there(0.3, false), back(0.6, false)]),
            ("to a third", &[there(0.4, false), Move { at: 0.7, from: 300, to: 301, lists_both: false }]),
            ("beside the old one", &[there(0.3, true), back(0.6, false)]),
            ("video and audio", &[there(0.4, false), Move { at: 0.4, from: VIDEO, to: 310, lists_both: false }]),
        ];
        let folder = folder();
        let plain = both_ways(&source);
        for (what, moves) in cases {
            let path = folder.path().join("moved.ts");
            fs::write(&path, moved(&source, moves)).expect("a file");
            comes_out_like(&plain, &path, &format!("{name}, {what}"));
        }
    }
}

#[test]
fn video_continues_to_the_frame_where_audio_changes_its_codec() {
    let recordings = ["mp2", "ac3", "aac"].map(|codec| {
        let codecs = format!("-c:v libx264 -preset fast -bf 2 -c:a {codec}");
        (codec, recording(&format!("codec-{codec}"), &codecs))
    });
    for (from, to) in [(0, 1), (1, 2), (2, 0)] {
        let folder = folder();
        let ((before, first), (after, second)) = (&recordings[from], &recordings[to]);
        let what = format!("{before} to {after}");
        let path = folder.path().join("recoded.ts");
        // ffmpeg begins at 1.4 s, and the change is 20 s later. A packet of AAC holds up to 0.15 s.
        fs::write(&path, recoded(first, second, 90_000 * 214 / 10)).expect("a file");
        let [plain, other] = ["plain", "recoded"].map(|name| folder.path().join(name).with_extension("mkv"));
        job(first, &plain, VideoSettings::X264(quick("")), AudioSettings::Flac);
        let report = job(&path, &other, VideoSettings::X264(quick("")), AudioSettings::Flac);
        assert!(report.discontinuities.is_empty(), "{what}: {:?}", report.discontinuities);
        assert!(report.damage.counts.is_empty(), "{what}: {:?}", report.damage);
        let changes = &report.outputs[0].audio_changes;
        assert!(changes.iter().any(|change| (change.time.to_f64() - 21.4).abs() < 0.2), "{what}: {changes:?}");
        assert!(planes(&plain) == planes(&other), "{what}: frames differ");
        let heard = |file: &Path| -> Vec<i16> {
            samples(file, 0, "s16le").as_chunks::<2>().0.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect()
        };
        let (plain, other) = (heard(&plain), heard(&other));
        // Blocks of the two codecs end at different positions. AC-3 has the longest blocks, with 32 ms.
        assert!(plain.len().abs_diff(other.len()) <= 2 * 1536, "{what}: {} and {}", plain.len(), other.len());
        // The frequency of the tone rises, so it matches itself only at one shift, which can be up to a block.
        let from = 25 * 48_000 * 2;
        let differing = |shift: i64| {
            let there = |at: usize| other[(at as i64 + 2 * shift) as usize];
            let far = |at: &usize| (i32::from(plain[*at]) - i32::from(there(*at))).abs() > 1500;
            (from..from + 48_000).step_by(37).filter(far).count()
        };
        let best = (-1536..=1536).min_by_key(|shift| differing(*shift)).expect("a place");
        assert!(differing(best) < 20, "{what}: {} values differ at {best} samples", differing(best));
    }
}

#[test]
fn tables_that_change_a_codec_and_back_lose_nothing_and_too_many_fail() {
    let source = recording("mp2", "-c:v mpeg2video -q:v 4 -c:a mp2");
    let folder = folder();
    let path = folder.path().join("tables.ts");
    fs::write(&path, with_many_tables(&source, 51)).expect("a file");
    comes_out_like(&both_ways(&source), &path, "51 tables");
    fs::write(&path, with_many_tables(&source, 2401)).expect("a file");
    let output = folder.path().join("out.mkv");
    let mut job = Job::new(&path, &output);
    job.outputs[0].video = VideoSettings::X264(quick(""));
    let error = run_job(&job, &Control::default()).expect_err("not all of it is read");
    assert_eq!(error.kind(), ErrorKind::MalformedInput, "{error}");
    assert!(error.time().is_some_and(|time| (15.0..25.0).contains(&time.to_f64())), "{error}");
    assert!(!output.exists());
}
