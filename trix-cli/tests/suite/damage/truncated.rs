//! A truncated source never passes as whole, and the report says what is missing.

use std::{fs, path::PathBuf};

use trix_fixtures::{Clip, folder};

use crate::support::{Encoded, damage, decodable, encode, file, trix};

const OPTIONS: &str = "--preset ultrafast";

/// `source` without its end: nine files, from one tenth to nine tenths of it.
fn tenths(source: &PathBuf, mut look: impl FnMut(usize, PathBuf)) {
    let bytes = fs::read(source).expect("a fixture");
    let folder = folder();
    let extension = source.extension().expect("an extension").to_string_lossy();
    for tenth in 1..10 {
        let cut = &bytes[..bytes.len() * tenth / 10];
        look(tenth, file(&folder, &format!("cut-{tenth}.{extension}"), cut));
    }
}

/// With the lenient policy: an error, or an output that says what is missing and holds what could be decoded.
fn tells_what_is_missing(encoded: &Encoded) {
    if encoded.ran.code == Some(0) {
        let report = encoded.done();
        assert!(damage(&report) > 0, "nothing is said to be wrong: {:?}", encoded.ran);
        assert_eq!(report["outputs"][0]["ledger"]["emitted"], decodable(&encoded.output));
    } else {
        encoded.refused(3);
    }
}

/// Every cut is noticed, by both policies and by `trix verify`.
fn every_cut_is_noticed(source: &PathBuf) {
    tenths(source, |_, cut| {
        encode(&cut, OPTIONS).refused(3);
        tells_what_is_missing(&encode(&cut, &format!("{OPTIONS} --on-damage conceal")));
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
    // Cuts that fall between two fragments would leave a file that is whole by its own account; tenths fall inside.
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
    // No tenth of this file falls between two frames; such a cut would leave a shorter file that is whole.
    every_cut_is_noticed(&Clip::default().y4m());
}

#[test]
fn a_matroska_file_that_lost_only_its_last_bytes_is_noticed() {
    // What was lost is shorter than any tolerance on durations: the sizes that the container declares must be held.
    let source = Clip::default().encoded("-c:v libx264", "mkv");
    let bytes = fs::read(source).expect("a fixture");
    let folder = folder();
    for lost in [1, 40, 400, 2000] {
        encode(&file(&folder, &format!("lost-{lost}.mkv"), &bytes[..bytes.len() - lost]), OPTIONS).refused(3);
    }
}

#[test]
fn a_cut_transport_stream_gives_every_frame_that_is_whole() {
    // A transport stream declares neither its length nor how many frames it has, and the size of a PES packet of
    // frames is mostly left open. Where the last frame happens to end at the cut, nobody can tell; else its decoder
    // complains.
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
