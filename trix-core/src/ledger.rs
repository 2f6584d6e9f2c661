//! The account of every frame that the decoder yields.
//!
//! Invariant: decoded = taken by the filters + dropped, taken + added = encoded + dropped by filters, encoded = emitted =
//! found in the file; or the job fails.

use serde::{Deserialize, Serialize};
use trix_model::error::{Error, ErrorKind, Result, Stage};

use crate::filter::frames::FilterCounts;

/// What became of the frames of a source, for one output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Ledger {
    /// Frames that the decoder yielded, and those before them that it left aside.
    pub decoded: u64,
    /// Of these, frames before the start that was asked for which were not decoded: decoding began behind them, and the
    /// packets of the source were counted.
    pub not_decoded: u64,
    /// Frames before those, which refer to frames that the source does not have: it begins in mid-group.
    pub left_out_at_start: u64,
    /// Of these, frames before the start that was asked for.
    pub dropped_before_start: u64,
    /// Of these, frames after the end, or beyond the number, that was asked for.
    pub dropped_after_end: u64,
    /// What the filter stage did to the number of frames.
    pub filter: FilterCounts,
    /// Frames that went into the encoder.
    pub encoded: u64,
    /// Compressed frames that came out of it.
    pub emitted: u64,
    /// Frames that a second look found in the written file; `None` when verification is off.
    pub found: Option<u64>,
    /// Frames of the source whose time was missing or did not increase, and was set one frame after the one before.
    pub times_repaired: u64,
}

impl Ledger {
    /// Checks that the sums agree.
    ///
    /// # Errors
    /// `Verification` with the sums that do not.
    pub fn balance(&self) -> Result<()> {
        let wrong = |what: String| Err(Error::new(ErrorKind::Verification, Stage::Verify, what));
        let dropped = self.dropped_before_start + self.dropped_after_end;
        let filter = self.filter;
        if self.decoded != filter.taken + dropped {
            return wrong(format!(
                "the ledger does not add up: {} frames decoded, {} filtered and {dropped} dropped",
                self.decoded, filter.taken
            ));
        }
        let added = filter.added_by_fields + filter.repeated_by_rate;
        let removed = filter.dropped_by_telecine + filter.dropped_by_rate;
        if filter.taken + added != filter.given + removed || filter.given != self.encoded {
            return wrong(format!(
                "the ledger does not add up: {} frames filtered, {added} added, {removed} removed, {} encoded",
                filter.taken, self.encoded
            ));
        }
        if self.encoded != self.emitted {
            return wrong(format!(
                "the ledger does not add up: {} frames encoded, {} frames emitted",
                self.encoded, self.emitted
            ));
        }
        match self.found {
            Some(found) if found != self.emitted => {
                wrong(format!("the file holds {found} frames; {} were emitted", self.emitted))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gap_in_the_account_is_found() {
        let good = Ledger {
            decoded: 10,
            not_decoded: 1,
            left_out_at_start: 0,
            dropped_before_start: 2,
            dropped_after_end: 1,
            filter: FilterCounts {
                taken: 7,
                given: 10,
                added_by_fields: 4,
                dropped_by_rate: 3,
                repeated_by_rate: 2,
                dropped_by_telecine: 0,
            },
            encoded: 10,
            emitted: 10,
            found: Some(10),
            times_repaired: 0,
        };
        good.balance().unwrap();
        for bad in [
            Ledger { decoded: 11, ..good },
            Ledger { encoded: 11, emitted: 11, found: Some(11), ..good },
            Ledger { filter: FilterCounts { repeated_by_rate: 3, ..good.filter }, ..good },
            Ledger { filter: FilterCounts { taken: 8, ..good.filter }, ..good },
            Ledger { emitted: 9, found: Some(9), ..good },
            Ledger { found: Some(9), ..good },
        ] {
            assert_eq!(bad.balance().unwrap_err().kind(), ErrorKind::Verification);
        }
    }
}
