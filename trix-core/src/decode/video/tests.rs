//! A decoder whose packets do not come, or yield nothing.

use std::sync::Arc;

use trix_av::packet::Packet;
use trix_fixtures::Clip;
use trix_model::{
    damage::{DamageLog, OnDamage},
    error::ErrorKind,
    time::{TimeBase, Timestamp},
};

use super::VideoDecoder;
use crate::decode::placement::DURATIONS;
use crate::{index, source::Source};

fn source() -> Source {
    Source::open(Clip::default().encoded("-c:v ffv1 -level 3 -g 5", "mkv")).expect("a source")
}

fn decoder(source: &Source, on_damage: OnDamage) -> VideoDecoder {
    let damage = Arc::new(DamageLog::new(on_damage));
    let facts = source.video().expect("a video stream");
    VideoDecoder::new(source.label(), facts, 1, source.limits().pixels, damage).expect("a decoder")
}

#[test]
fn the_end_before_the_first_packet_of_a_cut_is_an_error() {
    let source = source();
    let start = Timestamp::new(20, TimeBase::new(1, 25));
    let begin = index::begin(&source, source.video().expect("a video stream"), start).expect("an index");
    let begin = begin.expect("a place at which decoding can start");
    let mut decoder = decoder(&source, OnDamage::Fail).beginning_at(&begin);
    decoder.push(None).expect("the end");
    let error = decoder.receive().err().expect("the first packet is missing");
    assert_eq!(error.kind(), ErrorKind::MalformedInput, "{error}");
    assert_eq!(error.time().map(|time| time.micros()), Some(800_000), "{error}");
}

#[test]
fn durations_of_packets_without_frames_take_little_memory() {
    let source = source();
    let mut decoder = decoder(&source, OnDamage::Conceal);
    for number in 0..DURATIONS as i64 + 10 {
        // Not a frame of FFV1.
        let mut packet = Packet::copy_of(&[0xff; 8]);
        packet.set_times(Some(number * 40), Some(number * 40), 40);
        decoder.push(Some(&packet)).expect("damage that is tolerated");
        assert!(decoder.receive().expect("damage that is tolerated").is_none());
    }
    let durations = decoder.placement.durations.as_ref().expect("Matroska states durations");
    assert_eq!(durations.len(), DURATIONS);
    assert_eq!(durations.first_key_value(), Some((&400, &40)));
}
