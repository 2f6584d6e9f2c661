//! Checks the container of a film before it is encoded in chunks.
//!
//! Each chunk reads its own part of the file, and only the joining reads the whole file. Without this check, a film whose packets are
//! missing would be encoded to its end before an error says so.

use serde_json::json;
use trix_model::{
    control::cancel::Cancel,
    damage::{DamageLog, OnDamage},
    error::{Error, Result, Stage},
    plan::FrameRange,
};

use super::scenes::Findings;
use crate::{index, source::Source};

/// Bytes that are read between two looks at what was found.
const PIECE: u64 = 16 << 20;

/// Reads the file up to the last frame of `ranges`.
///
/// # Errors
/// `MalformedInput` if the structure of the container shows damage; `Io`; `Cancelled`.
pub(super) fn check(source: &Source, ranges: &[FrameRange], findings: &dyn Findings, cancel: &Cancel) -> Result<()> {
    let (Some(film), Some(last)) = (source.video(), ranges.last().filter(|_| ranges.len() > 1)) else { return Ok(()) };
    let end = index::of(source, film, None)?.end_position(last.end);
    let label = source.label();
    let unreadable = |error| Error::io(Stage::Demux, &label, "cannot be read", error);
    let again = source.again(cancel)?;
    let (Some(end), Some(mut integrity)) = (end, again.integrity().map_err(unreadable)?) else { return Ok(()) };
    let what = json!(["sound", source.identity()?, end]).to_string();
    if findings.get(&what).is_some() {
        return Ok(());
    }
    let damage = DamageLog::new(OnDamage::Fail);
    let mut reached = 0;
    while reached < end {
        reached = end.min(reached + PIECE);
        let signs = integrity.advance(reached, again.io_state()).map_err(unreadable)?;
        if cancel.is_cancelled() {
            return Err(Error::cancelled(Stage::Demux));
        }
        for sign in signs {
            let added = damage.add(sign.kind, Stage::Demux, None, sign.time, sign.detail);
            added.map_err(|error| error.in_file(&label))?;
        }
    }
    findings.put(&what, b"true");
    Ok(())
}
