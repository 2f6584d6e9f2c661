//! An index as bytes, for another process that reads the same source.
//!
//! Invariant: only an index that was made by reading all packets is saved. One from a header is read again as fast.

use serde::{Deserialize, Serialize};
use trix_model::time::TimeBase;

use super::{
    frames::{Coded, FrameIndex},
    from_start::FromStart,
};

/// What an index is made of.
#[derive(Serialize, Deserialize)]
struct Saved {
    time_base: TimeBase,
    packets: Vec<Coded>,
    trouble: Option<FromStart>,
}

/// An index of a stream with this time base, as bytes. `None` if it comes from a header.
pub(super) fn written(index: &FrameIndex, time_base: TimeBase) -> Option<Vec<u8>> {
    let (packets, trouble) = index.read_packets()?;
    serde_json::to_vec(&Saved { time_base, packets: packets.to_vec(), trouble }).ok()
}

/// The index in these bytes. `None` if they are not one of a stream with this time base.
pub(super) fn read(bytes: &[u8], time_base: TimeBase) -> Option<FrameIndex> {
    let saved: Saved = serde_json::from_slice(bytes).ok()?;
    (saved.time_base == time_base).then(|| FrameIndex::new(time_base, saved.packets, None, saved.trouble))
}
