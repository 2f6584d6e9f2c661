use super::*;
use proptest::prelude::*;
use std::io::Cursor;

fn boxed(kind: &[u8; 4], content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    [&(content.len() as u32 + 8).to_be_bytes()[..], kind, &content].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// A header with one track of 25 frames per second in a movie of 1000 ticks, with this edit list and these tables.
fn movie(edits: &[u32], durations: &[u32], offsets: &[u32]) -> Vec<u8> {
    let header = |fields: &[u32], rest: usize| [words(fields), vec![0; rest]].concat();
    let shown = words(&[1024 << 16, 576 << 16]);
    let tkhd = boxed(b"tkhd", &[&header(&[7, 0, 0, 3, 0, 4000], 52), &shown]);
    let mdhd = boxed(b"mdhd", &[&words(&[0, 0, 0, 25, 100, 0])]);
    let table = |kind: &[u8; 4], entries: &[u32], width: usize| {
        boxed(kind, &[&words(&[0, (entries.len() / width) as u32]), &words(entries)])
    };
    let stbl = boxed(b"stbl", &[&table(b"stts", durations, 2), &table(b"ctts", offsets, 2)]);
    let mdia = boxed(b"mdia", &[&boxed(b"minf", &[&stbl]), &mdhd]);
    let edts = boxed(b"edts", &[&table(b"elst", edits, 3)]);
    let trak = boxed(b"trak", &[&tkhd, &edts, &mdia]);
    let moov = boxed(b"moov", &[&boxed(b"mvhd", &[&words(&[0, 0, 0, 1000, 5000, 0])]), &trak]);
    [boxed(b"ftyp", &[b"qt  "]), moov].concat()
}

fn track(file: Vec<u8>) -> Track {
    read(&mut Cursor::new(file)).unwrap().tracks.remove(0)
}

#[test]
fn a_header_says_what_it_holds() {
    let file = movie(&[500, u32::MAX, 1 << 16, 3000, 2, 1 << 16], &[100, 1], &[]);
    let found = read(&mut Cursor::new(file)).unwrap();
    let second = |ticks: i64, base: i64| Some(Timestamp::new(ticks, Rational::new(1, base)));
    assert_eq!((found.duration, found.is_fragmented), (second(5, 1), false));
    let track = &found.tracks[0];
    assert_eq!((track.id, track.shown), (3, Some((1024 << 16, 576 << 16))));
    assert_eq!((track.duration, track.media_duration), (second(4, 1), second(4, 1)));
    assert_eq!((track.samples(), track.indexed_duration()), (100, second(4, 1)));
    let [empty, shown] = &track.edits[..] else { panic!("two edits") };
    assert_eq!((Some(empty.duration), empty.media_start), (second(1, 2), None));
    assert_eq!((Some(shown.duration), shown.media_start), (second(3, 1), second(2, 25)));
    assert_eq!(shown.speed, Rational::new(1, 1));
    assert!(!track.shows_all());
    // 75 of 77: three seconds from the third sample on.
    assert_eq!(track.intervals().unwrap().timing().unwrap().frames, 75);
}

#[test]
fn reordered_samples_are_measured_in_the_order_in_which_they_are_shown() {
    // I P B B, presented at 2, 5, 3, 4.
    let track = track(movie(&[4000, 2, 1 << 16], &[4, 1], &[1, 2, 1, 4, 2, 1]));
    let timing = track.intervals().unwrap().timing().unwrap();
    assert!(timing.is_constant && timing.frames == 4);
    assert_eq!(track.earliest().map(|time| time.ticks), Some(2));
    let uneven = self::track(movie(&[], &[10, 1, 1, 3, 10, 1], &[]));
    assert!(uneven.shows_all());
    let timing = uneven.intervals().unwrap().timing().unwrap();
    assert_eq!((timing.is_constant, timing.greatest.ticks, timing.most_common_count), (false, 3, 19));
}

#[test]
fn the_first_sample_of_another_codec_is_placed() {
    let track = |second: [u8; 4]| Track {
        scale: 48_000,
        durations: vec![(3, 1024), (10, 1000)],
        codecs: vec![*b"mp4a", second],
        chunks: vec![(1, 2, 1), (3, 3, 2)],
        ..Track::default()
    };
    let place = Timestamp::new(3 * 1024 + 1000, Rational::new(1, 48_000));
    assert_eq!(track(*b"ac-3").foreign(), Some((place, *b"ac-3")));
    assert_eq!(track(*b"mp4a").foreign(), None);
    assert_eq!(Track { chunks: vec![(1, 2, 9)], ..track(*b"ac-3") }.foreign(), None);
}

#[test]
fn tables_that_lie_about_their_length_yield_what_is_there() {
    let mut file = movie(&[], &[u32::MAX, 1, u32::MAX, u32::MAX], &[u32::MAX, 7]);
    let place = file.windows(4).position(|window| window == b"stts").unwrap();
    file[place + 8..place + 12].copy_from_slice(&u32::MAX.to_be_bytes());
    let track = track(file);
    assert_eq!(track.samples(), 2 * u64::from(u32::MAX));
    // Too many samples to measure one by one.
    assert!(track.intervals().is_none());
}

#[test]
fn the_descriptor_of_audio_stands_behind_the_fields_of_its_version() {
    let decoder = [&[4, 17, 0x40, 0x15, 0, 0, 0][..], &words(&[96_000, 72_000])].concat();
    let esds = boxed(b"esds", &[&[0; 4], &[3, 25, 0, 1, 0], &decoder]);
    let wave = boxed(b"wave", &[&boxed(b"frma", &[b"mp4a"]), &esds]);
    let atmos = boxed(b"dec3", &[&[0x10, 0x00, 0x20, 0x0f, 0x00, 0x01, 16]]);
    // The version of the description, and that of the entry with its fields. Zeros of these fields look like the end of
    // the boxes, and a number like the size of one.
    for (description, version, fields, expected) in
        [(0, 0, 28, true), (0, 1, 44, true), (0, 2, 64, true), (1, 1, 28, true), (0, 0, 44, false), (0, 2, 28, false)]
    {
        let found = |kind: &[u8; 4], content: &[u8]| {
            let mut head = vec![0; fields];
            head[9] = version;
            let stsd = boxed(b"stsd", &[&[description, 0, 0, 0], &words(&[1]), &boxed(kind, &[&head, content])]);
            let trak = boxed(b"trak", &[&boxed(b"mdia", &[&boxed(b"minf", &[&boxed(b"stbl", &[&stsd])])])]);
            self::track(boxed(b"moov", &[&trak]))
        };
        let rates = expected.then_some((96_000, 72_000));
        assert_eq!(found(b"mp4a", &esds).bit_rates, rates, "{version}");
        assert_eq!(found(b"mp4a", &wave).bit_rates, rates, "{version}");
        assert_eq!(found(b"ec-3", &atmos).joint_objects, expected.then_some(16), "{version}");
    }
}

#[test]
fn fragments_are_known_without_the_tables() {
    let whole = movie(&[], &[100, 1], &[]);
    assert!(!is_fragmented(&mut Cursor::new(&whole)));
    let moov = [&boxed(b"mvhd", &[&words(&[0, 0, 0, 1000, 5000, 0])])[..], &boxed(b"mvex", &[])].concat();
    let file = boxed(b"moov", &[&moov]);
    assert!(is_fragmented(&mut Cursor::new(&file)) && read(&mut Cursor::new(&file)).unwrap().is_fragmented);
    assert!(!is_fragmented(&mut Cursor::new(&boxed(b"mvex", &[]))));
}

proptest! {
    #[test]
    fn no_bytes_are_trouble(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = read(&mut Cursor::new(bytes));
    }

    #[test]
    fn no_broken_header_is_trouble(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        end in any::<prop::sample::Index>(),
    ) {
        let mut file = movie(&[500, u32::MAX, 1 << 16, 3000, 2, 1 << 16], &[100, 1], &[50, 2, 50, 3]);
        for (place, value) in changes {
            let place = place.index(file.len());
            file[place] = value;
        }
        file.truncate(end.index(file.len()) + 1);
        if let Some(movie) = read(&mut Cursor::new(file)) {
            for track in &movie.tracks {
                let _ = (track.intervals().and_then(|intervals| intervals.timing()), track.indexed_duration());
                let _ = (track.earliest(), track.shows_all());
            }
        }
    }
}
