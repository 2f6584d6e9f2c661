//! A packet that the decoder refuses.

use std::sync::Arc;

use trix_av::packet::Packet;
use trix_fixtures::clip;
use trix_model::{
    damage::{DamageKind, DamageLog, OnDamage},
    error::{ErrorKind, Result},
};

use super::AudioDecoder;
use crate::source::Source;

/// Sends one byte to the decoder of audio whose samples have six.
fn refused(damage: &Arc<DamageLog>) -> Result<()> {
    let source = Source::open(clip::master()).expect("a source");
    let facts = source.audio().next().expect("an audio stream");
    let mut decoder = AudioDecoder::new(source.label(), facts, Arc::clone(damage)).expect("a decoder");
    let mut packet = Packet::copy_of(&[1]);
    packet.set_times(Some(0), Some(0), 1);
    decoder.push(Some(&packet))?;
    assert!(decoder.receive()?.is_none(), "no audio");
    Ok(())
}

#[test]
fn a_packet_that_is_refused_is_one_damage_in_the_words_of_the_decoder() {
    let damage = Arc::new(DamageLog::new(OnDamage::Conceal));
    refused(&damage).expect("damage that is tolerated");
    let found = damage.report();
    assert_eq!((found.total(), found.counts.get(&DamageKind::Undecodable)), (1, Some(&1)), "{found:?}");
    assert!(found.first[0].detail.contains("PCM packet"), "{found:?}");

    let error = refused(&Arc::new(DamageLog::new(OnDamage::Fail))).expect_err("damage");
    assert_eq!(error.kind(), ErrorKind::MalformedInput, "{error}");
    assert!(error.to_string().contains("PCM packet"), "{error}");
}
