//! Edit lists that are followed, shortened or refused.

use super::*;
use proptest::prelude::*;
use std::io::Cursor;

fn table(edits: &[(u32, i32)]) -> Vec<u8> {
    let mut table = vec![0; 4];
    table.extend((edits.len() as u32).to_be_bytes());
    for (duration, media) in edits {
        table.extend([duration.to_be_bytes(), media.to_be_bytes(), (1u32 << 16).to_be_bytes()].concat());
    }
    table
}

/// `table` without its gaps, in a box with a header of eight bytes.
fn shortened(table: &[u8]) -> Option<Vec<u8>> {
    without_gaps(table, table.len() as u64 + 8)
}

fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32 + 8).to_be_bytes()[..], kind, content].concat()
}

/// The edit lists of a file with one track, which has these boxes beside `tkhd`.
fn of_track(boxes: &[u8]) -> Edits {
    let mut header = [0; 24];
    // Ticks per second, or the number of the track.
    header[15] = 10;
    let track = boxed(b"trak", &[&boxed(b"tkhd", &header)[..], boxes].concat());
    let file = boxed(b"moov", &[boxed(b"mvhd", &header), track].concat());
    Edits::of(&mut Cursor::new(file)).unwrap()
}

#[test]
fn a_list_with_too_many_edits_is_reported_and_stays_as_it_is() {
    let list = |count: usize, room: usize| {
        let mut edits = vec![(1, 0); count];
        edits[2] = (5, -1);
        let content = [table(&edits), vec![0; room]].concat();
        of_track(&boxed(b"edts", &boxed(b"elst", &content)))
    };
    for room in [0, 100_000] {
        let most = list(EDITS, room);
        let track = &most.tracks[0];
        assert_eq!((track.shown, track.gaps.len(), track.trouble.is_some()), (EDITS - 1, 1, false), "{room}");
        assert_eq!(most.patches.len(), 1, "{room}");
        let (at, patch) = &most.patches[0];
        let length = u32_at(patch, 0).unwrap() as usize;
        let rest = u32_at(patch, length).unwrap() as usize;
        assert_eq!(length + rest, 8 + 8 + EDITS * 12 + room, "the room of the box, at {at}");
    }
    let above = list(EDITS + 1, 0);
    let trouble = above.tracks[0].trouble.as_ref().unwrap();
    assert_eq!(trouble.0, Timestamp::new(0, TimeBase::new(1, 10)));
    assert!(trouble.1.contains("4097 edits"), "{}", trouble.1);
    assert!(above.is_plain());
}

#[test]
fn the_gaps_of_a_track_without_a_media_header_are_found() {
    let edits = of_track(&boxed(b"edts", &boxed(b"elst", &table(&[(100, 0), (50, -1), (100, 200)]))));
    assert_eq!((edits.tracks[0].id, edits.tracks[0].gaps.len(), edits.patches.len()), (10, 1, 1));
}

#[test]
fn a_list_without_its_gaps_fills_the_same_room() {
    assert_eq!(shortened(&table(&[(100, -1), (100, 0), (100, 200)])), None);
    assert_eq!(shortened(&table(&[(100, -1)])), None);
    let with = table(&[(100, -1), (100, 0), (50, -1), (100, 200), (10, -1)]);
    let bytes = shortened(&with).unwrap();
    assert_eq!(bytes.len(), with.len() + 8);
    let size = u32_at(&bytes, 0).unwrap() as usize;
    assert_eq!(&bytes[4..8], b"elst");
    let left: Vec<(u64, i64)> = entries(&bytes[8..size]).iter().map(|edit| (edit.duration, edit.media)).collect();
    assert_eq!(left, [(100, -1), (100, 0), (100, 200)]);
    assert_eq!(&bytes[size + 4..size + 8], b"free");
    assert_eq!(u32_at(&bytes, size).map(|rest| rest as usize + size), Some(bytes.len()));
}

proptest! {
    #[test]
    fn no_bytes_are_trouble(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let file = [&b"\0\0\0\x08ftyp"[..], &bytes].concat();
        Edits::of(&mut Cursor::new(file)).unwrap();
        let moov = [&(bytes.len() as u32 + 8).to_be_bytes()[..], b"moov", &bytes].concat();
        Edits::of(&mut Cursor::new(moov)).unwrap();
        if let Some(other) = shortened(&bytes) {
            prop_assert_eq!(other.len(), bytes.len() + 8);
        }
    }

    #[test]
    fn patches_are_read_wherever_a_piece_begins(start in 0u64..40, piece in 1usize..50, from in 0u64..40) {
        let inner = Cursor::new(vec![0u8; 60]);
        let mut reader = Patched { inner, patches: vec![(start, vec![1; 9])], at: 0 };
        reader.seek(SeekFrom::Start(from)).unwrap();
        let mut found = Vec::new();
        let mut buffer = vec![0; piece];
        loop {
            let read = reader.read(&mut buffer).unwrap();
            if read == 0 {
                break;
            }
            found.extend_from_slice(&buffer[..read]);
        }
        let expected: Vec<u8> = (from..60).map(|at| u8::from((start..start + 9).contains(&at))).collect();
        prop_assert_eq!(found, expected);
    }
}
