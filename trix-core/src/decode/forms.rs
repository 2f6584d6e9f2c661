//! Detects changes of codec or format within audio tracks. Frames of many codecs describe themselves, and a recording
//! of a broadcast changes where its programmes change.
//!
//! Invariant: nothing is decoded. Damage is reported by the later full read.

use std::{collections::BTreeMap, sync::Arc};

use trix_av::stream::{StreamFacts, StreamKind};
use trix_bitstream::audio_header::{self, AudioHeader};
use trix_model::{
    damage::{DamageLog, OnDamage},
    time::Timestamp,
};

use crate::{demux::Demuxer, source::Source};

/// The first change of a track.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    /// The time of the change, if it is known.
    pub(crate) at: Option<Timestamp>,
    /// The state before and after, as text.
    pub(crate) detail: String,
}

/// The changes of a track in mid-file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Changes {
    /// A change of codec.
    pub(crate) codec: Option<Change>,
    /// A change of sample rate or channels.
    pub(crate) shape: Option<Change>,
}

/// The audio tracks of a source that change, by stream index.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Forms(BTreeMap<usize, Changes>);

impl Forms {
    /// Reads all packets of `source`. Without [`reads_on`](crate::settings::source::Reading::reads_on), it reads nothing.
    pub(crate) fn of(source: &Source) -> Self {
        let mut forms = Forms::default();
        let Some(again) = source.reopen().ok().filter(|_| source.reads_on()) else { return forms };
        let audio: BTreeMap<usize, StreamFacts> = again.audio().map(|facts| (facts.index, facts.clone())).collect();
        let mut before: BTreeMap<usize, AudioHeader> = BTreeMap::new();
        let mut demuxer = Demuxer::new(again, Arc::new(DamageLog::new(OnDamage::Conceal)));
        while let Ok(Some(packet)) = demuxer.next_packet()
            && !source.is_cancelled()
        {
            let Some(facts) = audio.get(&packet.stream()) else { continue };
            let at = packet.pts().or(packet.dts()).map(|ticks| Timestamp::new(ticks, facts.time_base));
            if let Some(change) = packet.change() {
                forms.note(facts.index, true, change.time.or(at), format!("{} to {}", facts.codec, change.to));
            }
            let Some(header) = audio_header::read(&facts.codec, packet.data()) else { continue };
            let Some(before) = before.insert(facts.index, header).filter(|before| *before != header) else { continue };
            forms.note(facts.index, before.codec != header.codec, at, format!("{before} to {header}"));
        }
        forms
    }

    fn note(&mut self, stream: usize, is_codec: bool, at: Option<Timestamp>, detail: String) {
        let changes = self.0.entry(stream).or_default();
        let place = if is_codec { &mut changes.codec } else { &mut changes.shape };
        place.get_or_insert(Change { at, detail });
    }

    /// The changes of the track of `stream`.
    pub(crate) fn changes(&self, stream: usize) -> Option<&Changes> {
        self.0.get(&stream)
    }
}

/// True if the container of `source` does not guarantee uniform packets in `stream`, and the packets describe
/// themselves.
pub(crate) fn may_change(source: &Source, stream: &StreamFacts) -> bool {
    const UNIFORM: [&str; 5] = ["mov,mp4,m4a,3gp,3g2,mj2", "mxf", "wav", "w64", "aiff"];
    stream.kind == StreamKind::Audio
        && audio_header::describes_itself(&stream.codec)
        && !UNIFORM.contains(&source.input.demuxer().as_str())
}

/// True if the container of `source` can change the codec of a stream.
pub(crate) fn may_change_codec(source: &Source) -> bool {
    matches!(source.input.demuxer().as_str(), "mpegts" | "mpeg" | "flv")
}
