//! Tests that Trix never accepts a truncated source as whole, and that the report states what is missing.

use std::{fs, path::PathBuf};

use trix_fixtures::{Clip, folder};

use crate::support::{Encoded, damage, decodable, encode, file, trix};

const OPTIONS: &str = "--preset ultrafast";

/// Calls `look` with nine truncated copies of `source`, from one tenth to nine tenths.
fn tenths(source: &PathBuf, mut look: impl FnMut(usize, PathBuf)) {
    let bytes = fs::read(source).expect("a fixture");
    let folder = folder();
    let extension = source.extension().expect("an extension").to_string_lossy();
    for tenth in 1..10 {
        let cut = &bytes[..bytes.len() * tenth / 10];
        look(tenth, file(&folder, &format!("cut-{tenth}.{extension}"), cut));
    }
}

/// Asserts that the lenient policy gives an error, or an output that holds all decodable frames with a report of the
/// loss.
fn states_what_is_missing(encoded: &Encoded) {
    if encoded.ran.code == Some(0) {
        let report = encoded.done();
        assert!(damage(&report) > 0, "nothing is said to be wrong: {:?}", encoded.ran);
        assert_eq!(report["outputs"][0]["ledger"]["emitted"], decodable(&encoded.output));
    } else {
        encoded.refused(3);
    }
}

/// Asserts that both policies and `trix verify` notice every truncation.
fn every_cut_is_noticed(source: &PathBuf) {
    tenths(source, |_, cut| {
        encode(&cut, OPTIONS).refused(3);
        states_what_is_missing(&encode(&cut, &format!("{OPTIONS} --on-damage conceal")));
        let verified = trix("verify {}", &[&cut]);
        assert!([Some(3), Some(4)].contains(&verified.code), "{}: {verified:?}", cut.display());
    });
}

#[test]
fn a_cut_mp4_with_its_index_last_cannot_be_opened() {
    let source = Clip::default().encoded("-c:v libx264", "mp4");
    tenths(&source, |_, cut| {
        encode(&cut, OPTIONS).refused(3);
        encode(&cut, &format!("{OPTIONS} --on-damage conceal")).refused(3);
        trix("verify {}", &[&cut]).refused(3, &cut);
    });
}

#[test]
fn a_cut_mp4_with_its_index_first_is_noticed() {
    every_cut_is_noticed(&Clip::default().encoded("-c:v libx264 -movflags +faststart", "mp4"));
}

#[test]
fn a_cut_prores_master_is_noticed() {
    every_cut_is_noticed(&Clip::of("yuv422p10le").encoded("-c:v prores_ks -movflags +faststart", "mov"));
}

#[test]
fn a_cut_fragmented_mp4_is_noticed() {
    // A cut between two fragments would leave a valid file. Tenths of this file are inside fragments.
    let options = "-c:v libx264 -g 10 -movflags +frag_keyframe+empty_moov";
    every_cut_is_noticed(&Clip::default().encoded(options, "mp4"));
}

#[test]
fn a_cut_matroska_file_is_noticed() {
    every_cut_is_noticed(&Clip::default().encoded("-c:v libx264", "mkv"));
}

#[test]
fn a_cut_lossless_matroska_file_is_noticed() {
    every_cut_is_noticed(&Clip::of("yuv422p10le").encoded("-c:v ffv1 -level 3 -slicecrc 1", "mkv"));
}

#[test]
fn a_cut_mxf_file_is_noticed() {
    every_cut_is_noticed(&Clip::of("yuv422p").encoded("-c:v mpeg2video -qscale:v 2", "mxf"));
}

#[test]
fn a_cut_y4m_file_is_noticed() {
    // No tenth of this file is between two frames. Such a cut would leave a valid, shorter file.
    every_cut_is_noticed(&Clip::default().y4m());
}

#[test]
fn a_matroska_file_that_lost_only_its_last_bytes_is_noticed() {
    // The loss is shorter than any tolerance for durations, so Trix must check the sizes that the container states.
    let source = Clip::default().encoded("-c:v libx264", "mkv");
    let bytes = fs::read(source).expect("a fixture");
    let folder = folder();
    for lost in [1, 40, 400, 2000] {
        encode(&file(&folder, &format!("lost-{lost}.mkv"), &bytes[..bytes.len() - lost]), OPTIONS).refused(3);
    }
}

#[test]
fn a_cut_transport_stream_gives_every_frame_that_is_whole() {
    // A transport stream states neither its length nor its number of frames, and video PES packets mostly have no size.
    // If the last frame ends exactly at the cut, nobody can notice it. Otherwise the decoder reports an error.
    let mut whole = 0;
    tenths(&Clip::default().encoded("-c:v libx264", "ts"), |tenth, cut| {
        let strict = encode(&cut, OPTIONS);
        if strict.ran.code == Some(0) {
            whole += 1;
            strict.holds(decodable(&cut));
        } else {
            strict.refused(3);
        }
        let lenient = encode(&cut, &format!("{OPTIONS} --on-damage conceal"));
        if lenient.ran.code == Some(0) {
            let report = lenient.holds(decodable(&cut));
            assert_eq!(damage(&report) > 0, strict.ran.code == Some(3), "both policies see the same at {tenth}");
        } else {
            lenient.refused(3);
        }
    });
    assert!(whole < 5, "{whole} of nine cuts went unnoticed; they cannot all fall between frames");
}
