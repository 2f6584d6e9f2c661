//! What the encode of a chunk leaves: the coded frames, and the account of them.
//!
//! Invariant: a record lists as many packets as frames.

use serde::{Deserialize, Serialize};
use trix_model::{extras::ExtrasCount, plan::FrameRange, time::Timestamp};

use crate::filter::{convert::Change, frames::FilterCounts};

/// The account of a chunk of one encode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChunkRecord {
    /// The frames of the source.
    pub(crate) range: FrameRange,
    /// The parameter sets of the stream; empty if they are in the packets.
    pub(crate) parameter_sets: Vec<u8>,
    /// Bytes that name the encoder. They stand before the first packet of a film, and in no chunk.
    pub(crate) info: usize,
    /// The frames that went into the encoder.
    pub(crate) frames: Vec<FrameTime>,
    /// The packets, in decoding order.
    pub(crate) packets: Vec<PacketEntry>,
    /// The times of the decoded frames, in ticks of the source.
    pub(crate) times: Vec<i64>,
    /// The filter steps of the encode, the first one first.
    pub(crate) steps: Vec<StepAccount>,
    /// Notes on the source.
    pub(crate) notes: Vec<String>,
    /// Warnings of the encoder.
    pub(crate) warnings: Vec<String>,
}

/// When a frame is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FrameTime(
    /// Ticks from the origin of the encode.
    pub(crate) i64,
    /// Its own duration in ticks, if it states one.
    pub(crate) Option<i64>,
);

/// A coded frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PacketEntry {
    /// Number of the frame in the chunk, from zero.
    pub(crate) frame: i64,
    /// Position in decoding order. Negative for the first packets if frames are reordered.
    pub(crate) position: i64,
    /// True if decoding can start here.
    pub(crate) key: bool,
    /// Size in bytes.
    pub(crate) bytes: usize,
    /// A checksum of the samples that a decoder must find in it, for some frames of an encode that follows another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) samples: Option<u32>,
}

/// What a filter step did with the frames of a chunk.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepAccount {
    /// Frames that it got.
    pub(crate) decoded: u64,
    /// Frames that went in and came out.
    pub(crate) counts: FilterCounts,
    /// Captions and dynamic HDR metadata of the frames.
    pub(crate) extras: ExtrasCount,
    /// Where the source changed its size or format.
    pub(crate) changes: Vec<Change>,
    /// What its first frame was.
    pub(crate) begins: Option<Look>,
    /// What its last frame was: format and colour.
    pub(crate) ends: Option<[String; 2]>,
}

/// What a frame of the source was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Look {
    pub(crate) time: Timestamp,
    /// Format and colour.
    pub(crate) look: [String; 2],
}

impl Look {
    /// The change from what the frame before was.
    pub(crate) fn change(self, before: &[String; 2]) -> Option<Change> {
        let differs = before.iter().zip(self.look).find(|(from, to)| *from != to);
        differs.map(|(from, to)| Change { time: self.time, from: from.clone(), to })
    }
}

impl ChunkRecord {
    /// True if the packets have `bytes` bytes, and each frame has one packet.
    pub(super) fn is_whole(&self, bytes: u64) -> bool {
        let sum = self.packets.iter().try_fold(0u64, |sum, packet| sum.checked_add(packet.bytes as u64));
        let mut numbers: Vec<i64> = self.packets.iter().map(|packet| packet.frame).collect();
        numbers.sort_unstable();
        sum == Some(bytes)
            && numbers.len() == self.frames.len()
            && numbers.iter().zip(0..).all(|(number, wanted)| *number == wanted)
    }
}
