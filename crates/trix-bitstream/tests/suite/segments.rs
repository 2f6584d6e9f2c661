//! Headers and segments of tracks.

use mp4_atom::{
    Any, Avc1, Avcc, Btrt, Codec, Decode, DecodeMaybe, Encode, Moov, Mp4a, Sidx, Stsd, Visual,
    esds::{DecoderConfig, DecoderSpecific, EsDescriptor, Esds, SLConfig},
};
use proptest::prelude::*;
use trix_bitstream::{
    cmaf::{
        boundaries::Boundaries,
        codecs,
        fragment::{self, Facts, Sample},
        header::{self, Header, Track},
        samples::SampleForm,
    },
    manifest::{Content, SegmentPlace, Video},
    nal::{self, Framing, NalCodec},
};
use trix_model::time::{Rational, TimeBase, Timestamp};

use crate::support::{audio, video};

fn atoms(mut bytes: &[u8]) -> Vec<Any> {
    let mut list = Vec::new();
    while !bytes.is_empty() {
        list.push(Any::decode_maybe(&mut bytes).expect("a box").expect("a whole box"));
    }
    list
}

/// Data, duration, offset, and whether decoding can start there.
type Made = (Vec<u8>, u32, i32, bool);

fn samples() -> impl Strategy<Value = Vec<Made>> {
    let one = (prop::collection::vec(any::<u8>(), 0..40), 1u32..1_000_000, -1_000_000i32..1_000_000, any::<bool>());
    prop::collection::vec(one, 1..20)
}

proptest! {
    #[test]
    fn a_segment_is_read_with_the_times_that_were_written(
        list in samples(),
        sequence in 1u32..,
        decode_time in 0u64..1 << 60,
    ) {
        let samples: Vec<Sample<'_>> = list
            .iter()
            .map(|(data, duration, offset, sync)| {
                // In two parts, as slices come with their lengths.
                let (one, other) = data.split_at(data.len() / 2);
                let data = vec![one.into(), other.into()];
                Sample { data, duration: *duration, offset: *offset, sync: *sync }
            })
            .collect();
        let written = fragment::write(sequence, decode_time, &samples).unwrap();
        let data: Vec<u8> = list.iter().flat_map(|(data, ..)| data.iter().copied()).collect();
        let bytes = [&written.head[..], &data].concat();
        prop_assert_eq!(written.bytes, bytes.len() as u64);
        prop_assert_eq!(written.first_sample_end, (written.head.len() + list[0].0.len()) as u64);

        let starts = list.iter().scan(decode_time, |at, (_, duration, ..)| {
            let start = *at;
            *at += u64::from(*duration);
            Some(start)
        });
        let shown: Vec<i64> = starts.zip(&list).map(|(start, (_, _, offset, _))| start as i64 + i64::from(*offset)).collect();
        let expected = Facts {
            sequence,
            decode_time,
            duration: list.iter().map(|(_, duration, ..)| u64::from(*duration)).sum(),
            earliest: *shown.iter().min().unwrap(),
            samples: list.len() as u32,
            starts_with_sync: list[0].3,
        };
        prop_assert_eq!(fragment::read(&bytes), Some(expected));
        prop_assert_eq!(fragment::read(&[&bytes[..], &[0]].concat()), None);
        prop_assert_eq!(fragment::read(&bytes[..bytes.len() - 1]), None);

        let found = atoms(&bytes);
        let [Any::Styp(_), Any::Moof(moof), Any::Mdat(mdat)] = found.as_slice() else { panic!("{found:?}") };
        prop_assert_eq!(&mdat.data, &data);
        prop_assert_eq!(moof.mfhd.sequence_number, sequence);
        let track = &moof.traf[0];
        prop_assert_eq!(track.tfdt.as_ref().map(|tfdt| tfdt.base_media_decode_time), Some(decode_time));
        let run = &track.trun[0];
        // The data follow the fragment, which follows the 28 bytes of styp.
        prop_assert_eq!(run.data_offset, Some(written.head.len() as i32 - 28));
        let entries: Vec<_> = run.samples.iter().collect();
        prop_assert_eq!(entries.len(), list.len());
        for (entry, (data, duration, offset, sync)) in entries.iter().zip(&list) {
            prop_assert_eq!(entry.duration, Some(*duration));
            prop_assert_eq!(entry.size, Some(data.len() as u32));
            prop_assert_eq!(entry.cts, Some(i64::from(*offset)));
            // ISO/IEC 14496-12, 8.8.3.1: sample_is_non_sync_sample.
            prop_assert_eq!(entry.flags.map(|flags| flags >> 16 & 1 == 0), Some(*sync));
        }
    }

    #[test]
    fn an_index_names_every_segment(
        start in -1000i64..1_000_000,
        list in prop::collection::vec((1u64..1 << 31, 1u64..1 << 32), 1..50),
        timescale in 1u32..,
    ) {
        let place = |(bytes, duration): &(u64, u64)| {
            SegmentPlace { start, duration: *duration, at: 0, bytes: *bytes, key_bytes: *bytes }
        };
        let places: Vec<SegmentPlace> = list.iter().map(place).collect();
        let bytes = fragment::index(&places, timescale).unwrap();
        let index = Sidx::decode(&mut &bytes[..]).expect("an index");
        prop_assert_eq!((index.timescale, index.first_offset), (timescale, 0));
        prop_assert_eq!(index.earliest_presentation_time, start.max(0) as u64);
        let found: Vec<(u64, u64)> = index
            .references
            .iter()
            .map(|one| (one.referenced_size.into(), one.subsegment_duration.into()))
            .collect();
        prop_assert_eq!(found, list);
        prop_assert!(index.references.iter().all(|one| one.starts_with_sap && one.sap_type == 1));
    }

    #[test]
    fn a_header_of_video_states_size_time_and_language(
        video in video(),
        timescale in 1u32..,
        shift in 0u32..1 << 31,
        language in "[a-z]{3}",
        rates in (any::<u64>(), any::<u64>(), any::<u64>()),
    ) {
        // A Dolby Vision entry is checked below: this parser does not know it.
        let video = Video { dolby_vision: None, ..video };
        let entry = Avc1 {
            visual: Visual { width: video.width as u16, height: video.height as u16, ..Visual::default() },
            avcc: Avcc::new(&[0x67, 0x4d, 0x40, 0x1f], &[0x68, 1]).unwrap(),
            btrt: Some(Btrt::default()),
            ..Avc1::default()
        };
        let mut description = Vec::new();
        Stsd { codecs: vec![entry.clone().into()] }.encode(&mut description).unwrap();
        let content = Content::Video(video.clone());
        let track = Track { content: &content, timescale, shift, language: &language, description: &description };
        let mut header = Header::new(&track).unwrap();
        let size = header.bytes().len();
        let (millis, average, peak) = rates;
        header.complete(millis, average, peak);
        prop_assert_eq!(header.bytes().len(), size);
        prop_assert_eq!(header::shift_of(header.bytes()), shift);
        let named = Some("avc1.4D401F".to_owned());
        prop_assert_eq!(codecs::in_header(header.bytes()), named.clone());
        prop_assert_eq!(codecs::name(header.entry()), named);

        let found = atoms(header.bytes());
        let [Any::Ftyp(ftyp), Any::Moov(moov)] = found.as_slice() else { panic!("{found:?}") };
        // A brand without edit lists (ISO/IEC 23000-19, 7.2).
        prop_assert_eq!(ftyp.compatible_brands.contains(&b"cmf2".into()), shift == 0);
        let (found_shift, tkhd) = (edit(moov), &moov.trak[0].tkhd);
        prop_assert_eq!(found_shift, u64::from(shift));
        let (width, height) = video.shown_size();
        let shown = (u32::from(tkhd.width.integer()), u32::from(tkhd.height.integer()));
        prop_assert_eq!(shown, (width, height));
        let matrix = &tkhd.matrix;
        let [a, b, _, c, d, ..] = video.orientation.to_matrix();
        prop_assert_eq!([matrix.a, matrix.b, matrix.c, matrix.d], [a, b, c, d]);
        let media = &moov.trak[0].mdia;
        prop_assert_eq!((media.mdhd.timescale, &media.mdhd.language), (timescale, &language));
        let stated = moov.mvex.as_ref().and_then(|mvex| mvex.mehd.as_ref()).map(|mehd| mehd.fragment_duration);
        prop_assert_eq!(stated, Some(millis));
        let [average, peak] = [average, peak].map(|rate| u32::try_from(rate).unwrap_or(u32::MAX));
        let btrt = Some(Btrt { buffer_size_db: 0, max_bitrate: peak, avg_bitrate: average });
        prop_assert_eq!(&media.minf.stbl.stsd.codecs, &vec![Codec::from(Avc1 { btrt, ..entry })]);
    }

    #[test]
    fn video_that_needs_dolby_vision_has_an_entry_of_its_own(video in video()) {
        let entry = [&94u32.to_be_bytes()[..], b"hvc1", &[0; 78], &8u32.to_be_bytes(), b"free"].concat();
        let description = [&110u32.to_be_bytes()[..], b"stsd", &1u64.to_be_bytes(), &entry].concat();
        let needs = video.dolby_vision.is_some_and(|config| config.profile == 5);
        let content = Content::Video(video);
        let track = Track { content: &content, timescale: 25, shift: 0, language: "und", description: &description };
        let header = Header::new(&track).unwrap();
        let (code, rest) = header.entry().split_at(4);
        prop_assert_eq!(code, if needs { b"dvh1" } else { b"hvc1" });
        prop_assert_eq!(rest, &description[24..]);
    }

    #[test]
    fn a_header_of_audio_states_its_rates(audio in audio(), shift in 0u32..1 << 31, average in 0u32.., peak in 0u32..) {
        let specific = DecoderSpecific { profile: 2, freq_index: 3, chan_conf: 2, ..Default::default() };
        let config = DecoderConfig {
            object_type_indication: 0x40,
            stream_type: 5,
            dec_specific: Some(specific),
            ..Default::default()
        };
        let es_desc = EsDescriptor { es_id: 1, dec_config: config, sl_config: SLConfig {}, ..Default::default() };
        let entry = Mp4a {
            audio: mp4_atom::Audio {
                data_reference_index: 1,
                channel_count: audio.channels as u16,
                sample_size: 16,
                sample_rate: (audio.sample_rate as u16).into(),
            },
            esds: Esds { es_desc },
            btrt: Some(Btrt::default()),
            taic: None,
        };
        let mut description = Vec::new();
        Stsd { codecs: vec![entry.into()] }.encode(&mut description).unwrap();
        let content = Content::Audio(audio);
        let track = Track { content: &content, timescale: 48_000, shift, language: "und", description: &description };
        let mut header = Header::new(&track).unwrap();
        header.complete(1, average.into(), peak.into());
        prop_assert_eq!(codecs::in_header(header.bytes()), Some("mp4a.40.2".to_owned()));
        prop_assert_eq!(header::shift_of(header.bytes()), shift);
        let found = atoms(header.bytes());
        let [Any::Ftyp(_), Any::Moov(moov)] = found.as_slice() else { panic!("{found:?}") };
        prop_assert_eq!(edit(moov), u64::from(shift));
        let [Codec::Mp4a(found)] = moov.trak[0].mdia.minf.stbl.stsd.codecs.as_slice() else { panic!("{moov:?}") };
        let config = &found.esds.es_desc.dec_config;
        prop_assert_eq!((config.max_bitrate, config.avg_bitrate), (peak, average));
        let stated = found.btrt.as_ref().map(|btrt| (btrt.max_bitrate, btrt.avg_bitrate));
        prop_assert_eq!(stated, Some((peak, average)));
    }

    #[test]
    fn boundaries_are_keyframes_in_order_and_never_change(
        distances in prop::collection::vec(1i64..400, 1..60),
        target in (1i64..40, 1i64..10),
    ) {
        let base = TimeBase::new(1, 100);
        let keyframes: Vec<i64> = distances.iter().scan(0, |at, distance| { *at += distance; Some(*at) }).collect();
        let target = Rational::new(target.0, target.1);
        let mut boundaries = Boundaries::new(target);
        let mut known: Vec<Timestamp> = Vec::new();
        for ticks in &keyframes {
            boundaries.keyframe(Timestamp::new(*ticks, base));
            let now: Vec<Timestamp> = (0..).map_while(|index| boundaries.get(index)).collect();
            prop_assert_eq!(&now[..known.len()], &known[..]);
            known = now;
        }
        boundaries.finish(Timestamp::new(keyframes[keyframes.len() - 1] + 1, base));
        let all: Vec<i64> = (0..).map_while(|index| boundaries.get(index)).map(|time| time.rescale(base)).collect();
        prop_assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
        prop_assert!(all.iter().all(|ticks| keyframes[1..].contains(ticks)), "{:?} in {:?}", all, keyframes);
    }

    #[test]
    fn samples_keep_every_unit_but_parameter_sets(
        units in prop::collection::vec(prop::collection::vec(1u8.., 1..30), 1..8),
    ) {
        let codec = NalCodec::H264;
        let slices: Vec<&[u8]> = units.iter().map(Vec::as_slice).filter(|unit| !codec.is_parameter_set(unit)).collect();
        let sets: Vec<&[u8]> = units.iter().map(Vec::as_slice).filter(|unit| codec.is_parameter_set(unit)).collect();
        let extradata = nal::with_start_codes(sets.iter().copied()).concat();
        let packet = nal::with_start_codes(units.iter().map(Vec::as_slice)).concat();
        let form = SampleForm::of("h264", &extradata);
        let sample = form.sample(&packet).expect("known parameter sets").concat();
        prop_assert_eq!(nal::units(&sample, Framing::Lengths(4)), slices);
        if !sets.is_empty() {
            prop_assert!(SampleForm::of("h264", &[]).sample(&packet).is_err());
        }
    }
}

/// The first presented tick.
fn edit(moov: &Moov) -> u64 {
    let edits = moov.trak[0].edts.as_ref().and_then(|edts| edts.elst.as_ref()).map_or(&[][..], |elst| &elst.entries);
    assert!(edits.len() <= 1);
    edits.first().map_or(0, |edit| edit.media_time.expect("no empty edit"))
}

#[test]
fn a_description_without_an_entry_is_refused() {
    let audio = Content::Audio(trix_bitstream::manifest::Audio { sample_rate: 48_000, channels: 2 });
    for description in [&b""[..], b"\0\0\0\x0cstsd\0\0\0\0", b"\0\0\0\x10stsd\0\0\0\0\0\0\0\x01", b"\0\0\0\xffstsd"] {
        let track = Track { content: &audio, timescale: 1, shift: 0, language: "und", description };
        assert!(Header::new(&track).is_err(), "{description:?}");
    }
}
