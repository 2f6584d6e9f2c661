//! Tests that Trix notices flipped bits whenever a decoder can notice them, and never loses a frame silently.

use std::{fs, ops::Range, path::Path};

use trix_fixtures::{
    Clip,
    clip::made,
    folder,
    program::{self, ffmpeg},
};

use crate::support::{Dice, damage, encode, file, trix, words};

const FRAMES: u64 = 30;

/// Returns the byte ranges of the packets from `ffprobe`, without the container headers between them.
fn payload(source: &Path, stream: &str) -> Vec<Range<usize>> {
    let line = format!("-v error -select_streams {stream} -show_entries packet=pos,size -of csv=p=0 {{}}");
    let said = program::text(&program::run("ffprobe", words(&line, &[source])));
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<usize>().ok()).expect("a number");
    let ranges = said.lines().map(|line| {
        let mut fields = line.split(',');
        // The fields are in the order in which ffprobe prints them, which is not the order of the request.
        let (size, at) = (number(fields.next()), number(fields.next()));
        at..at + size
    });
    ranges.collect()
}

/// Changes a byte in one frame after the other, and encodes with both policies each time. Returns how often Trix
/// noticed the change.
fn flip(source: &Path, rounds: u64) -> u64 {
    let whole = fs::read(source).expect("a fixture");
    let payload = payload(source, "v:0");
    let folder = folder();
    let extension = source.extension().expect("an extension").to_string_lossy();
    let mut noticed = 0;
    for round in 0..rounds {
        let mut dice = Dice(round);
        let mut bytes = whole.clone();
        let range = payload[dice.below(payload.len())].clone();
        let at = range.start + dice.below(range.len());
        bytes[at] ^= 1 << dice.below(8);
        let flipped = file(&folder, &format!("flipped-{round}-at-{at}.{extension}"), bytes);
        let strict = encode(&flipped, "--preset ultrafast");
        let lenient = encode(&flipped, "--preset ultrafast --on-damage conceal");
        if strict.ran.code == Some(0) {
            // Samples may differ, because no decoder can notice that. The number of frames must be correct.
            strict.holds(FRAMES);
            assert_eq!(damage(&lenient.holds(FRAMES)), 0, "{}", flipped.display());
        } else {
            noticed += 1;
            strict.refused(3);
            assert!(damage(&lenient.done()) > 0, "{}", flipped.display());
            trix("verify {}", &[&flipped]).refused(4, &flipped);
        }
    }
    noticed
}

#[test]
fn a_flipped_bit_in_lossless_frames_is_always_noticed() {
    // The checksum of an FFV1 slice covers all of its bits.
    let source = Clip::of("yuv420p10le").encoded("-c:v ffv1 -level 3 -slicecrc 1", "mkv");
    assert_eq!(flip(&source, 12), 12);
}

#[test]
fn a_flipped_bit_in_an_mp4_never_loses_a_frame_silently() {
    let noticed = flip(&Clip::default().encoded("-c:v libx264 -movflags +faststart", "mp4"), 12);
    assert!(noticed > 0, "no decoder misses all of them");
}

#[test]
fn a_flipped_bit_in_matroska_never_loses_a_frame_silently() {
    flip(&Clip::default().encoded("-c:v libx264 -coder vlc", "mkv"), 12);
}

#[test]
fn a_flipped_bit_in_prores_never_loses_a_frame_silently() {
    flip(&Clip::of("yuv422p10le").encoded("-c:v prores_ks", "mov"), 12);
}

#[test]
fn a_flipped_bit_in_hevc_never_loses_a_frame_silently() {
    flip(&Clip::default().encoded("-c:v libx265 -x265-params log-level=none", "mp4"), 12);
}

#[test]
fn a_flipped_bit_in_lossless_audio_is_always_noticed() {
    // Every FLAC block has a checksum.
    let source = made("ffv1-with-flac.mkv", |path| {
        let audio = "-f lavfi -i sine=frequency=440:sample_rate=48000";
        let codecs = "-c:v ffv1 -level 3 -c:a flac -t 1.2";
        ffmpeg(&format!("{audio} {} {codecs} {}", Clip::default().lavfi(), path.display()));
    });
    let whole = fs::read(&source).expect("a fixture");
    let payload = payload(&source, "a:0");
    let folder = folder();
    for round in 0..8 {
        let mut dice = Dice(round);
        let mut bytes = whole.clone();
        let range = payload[dice.below(payload.len())].clone();
        bytes[range.start + dice.below(range.len())] ^= 1 << dice.below(8);
        let flipped = file(&folder, &format!("flipped-{round}.mkv"), bytes);
        encode(&flipped, "--preset ultrafast --audio aac").refused(3);
        let lenient = encode(&flipped, "--preset ultrafast --audio aac --on-damage conceal");
        assert!(damage(&lenient.holds(FRAMES)) > 0, "{}", flipped.display());
        trix("verify {}", &[&flipped]).refused(4, &flipped);
    }
}

#[test]
fn flipped_bytes_in_a_transport_stream_end_with_an_error_or_a_count() {
    // In TS, the change can hit the framing and lose frames. Then the report and the strict policy must say so.
    let whole = fs::read(Clip::default().encoded("-c:v libx264", "ts")).expect("a fixture");
    let folder = folder();
    let mut noticed = 0;
    for round in 0..12 {
        let mut dice = Dice(round);
        let mut bytes = whole.clone();
        for _ in 0..=round {
            let at = dice.below(bytes.len());
            bytes[at] = dice.roll() as u8;
        }
        let flipped = file(&folder, &format!("flipped-{round}.ts"), bytes);
        let strict = encode(&flipped, "--preset ultrafast");
        let lenient = encode(&flipped, "--preset ultrafast --on-damage conceal");
        if strict.ran.code == Some(0) {
            strict.holds(FRAMES);
            assert_eq!(damage(&lenient.holds(FRAMES)), 0, "{}", flipped.display());
        } else {
            noticed += 1;
            strict.refused(3);
            if lenient.ran.code == Some(0) {
                assert!(damage(&lenient.done()) > 0, "{}", flipped.display());
            } else {
                lenient.refused(3);
            }
        }
    }
    assert!(noticed > 6, "only {noticed} of twelve broken streams were noticed");
}
