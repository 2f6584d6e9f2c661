//! Makes only the stills of a source: one reading and one decoding, on the calling thread.
//!
//! Invariant: video and audio reach the stages in decoder order, each exactly once. Reading ends when no stage needs
//! more.

use std::sync::Arc;

use trix_av::packet::Packet;
use trix_model::{
    damage::{DamageLog, DamageReport, OnDamage},
    decision::Decision,
    error::Result,
};

use super::{Still, Stills};
use crate::{
    decode::{audio::AudioDecoder, video::VideoDecoder},
    demux::Demuxer,
    source::Source,
    spec::{picture::PictureSettings, still::StillSettings},
};

/// The stills of a source.
#[derive(Clone, Debug)]
pub struct Made {
    /// The stills, in the order of the request.
    pub stills: Vec<Still>,
    /// Decisions about the video that the settings left open.
    pub decisions: Vec<Decision>,
    /// Damage found in the source.
    pub damage: DamageReport,
}

/// Makes `stills` of the whole `source`, with `threads` threads for decoding video (0: one for each core). Writes no
/// files.
///
/// # Errors
/// Those of [`Stills::new`], of the decoders and of [`Stills::finish`].
pub fn make(
    source: Source,
    stills: &[StillSettings],
    picture: &PictureSettings,
    on_damage: OnDamage,
    threads: u32,
) -> Result<Made> {
    let label = source.label();
    let mut stages = Stills::new(stills, &source, picture, None)?;
    let decisions = stages.decisions().to_vec();
    let damage = Arc::new(DamageLog::new(on_damage));
    let mut pictures = match source.video().filter(|_| stages.wants_pictures()) {
        Some(facts) => {
            let threads = on_damage.decoder_threads(threads);
            let pixels = source.limits().pixels;
            Some(VideoDecoder::new(label.clone(), facts, threads, pixels, Arc::clone(&damage))?)
        }
        None => None,
    };
    let heard = stages.sound_streams();
    let heard = source.streams().iter().filter(|facts| heard.contains(&facts.index));
    let mut sounds: Vec<AudioDecoder> =
        heard.map(|facts| AudioDecoder::new(label.clone(), facts, Arc::clone(&damage))).collect::<Result<_>>()?;

    let mut demuxer = Demuxer::new(source, Arc::clone(&damage));
    loop {
        if pictures.is_some() && !stages.wants_pictures() {
            pictures = None;
        }
        if pictures.is_none() && sounds.is_empty() {
            break;
        }
        let packet = demuxer.next_packet()?;
        let of = packet.as_ref().map(Packet::stream);
        if let Some(decoder) = pictures.as_mut().filter(|decoder| of.is_none_or(|of| of == decoder.stream())) {
            decoder.push(packet.as_ref())?;
            while let Some(picture) = decoder.receive()? {
                stages.push_picture(&picture).map_err(|error| error.in_file(&label))?;
            }
        }
        for decoder in sounds.iter_mut().filter(|decoder| of.is_none_or(|of| of == decoder.stream())) {
            decoder.push(packet.as_ref())?;
            while let Some(frame) = decoder.receive()? {
                stages.push_sound(decoder.stream(), &frame);
            }
        }
        if packet.is_none() {
            break;
        }
    }
    let stills = stages.finish(None).map_err(|error| error.in_file(&label))?;
    Ok(Made { stills, decisions, damage: damage.report() })
}
