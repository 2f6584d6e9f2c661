//! Compares the samples that a decoder finds in a file with those that the encoder has reconstructed.
//!
//! An encoder that follows the analysis of another one predicts from frames that it has reconstructed itself. If a wrong record made it
//! code something else than it reconstructs, every decoder would show other frames than the encoder meant.
//!
//! Invariant: every frame of the file is decoded, because each depends on others.

use std::{collections::BTreeMap, path::Path};

use trix_av::planes::checksum;
use trix_model::{
    check::Check,
    control::cancel::Token,
    damage::OnDamage,
    error::{Error, ErrorKind, Result, Stage},
    format::FrameFormat,
    frame_facts::Plane,
    time::Timestamp,
};

use crate::{plan::Cut, reading::reader::FrameReader, source::Source};

/// The frames of a file that an encoder has reconstructed, and that were not found yet.
#[derive(Default)]
pub(crate) struct Reconstructed {
    /// The checksum of each, by number.
    left: BTreeMap<u64, u32>,
    /// Planes that were encoded. A decoder may add others.
    planes: usize,
}

impl Reconstructed {
    /// The frames of these checksums, of a file with frames of `format`.
    pub(crate) fn new(expected: &BTreeMap<u64, u32>, format: FrameFormat) -> Self {
        Reconstructed { left: expected.clone(), planes: format.planes() }
    }

    /// Compares frame `number`, shown at `time`, if its samples are known.
    ///
    /// # Errors
    /// `Verification` if it has other samples.
    pub(crate) fn compare(&mut self, number: u64, planes: &[Plane<'_>], time: Timestamp) -> Result<()> {
        match self.left.remove(&number) {
            Some(expected) if checksum(&planes[..self.planes.min(planes.len())]) != expected => {
                let detail = format!("frame {number} decodes to other samples than its encoder has reconstructed");
                Err(wrong(detail).at(Some(time)))
            }
            _ => Ok(()),
        }
    }

    /// Makes sure that no frame is left.
    ///
    /// # Errors
    /// `Verification` if one is.
    pub(crate) fn finish(&self) -> Result<()> {
        match self.left.first_key_value() {
            Some((number, _)) => Err(wrong(format!("frame {number}, which its encoder has reconstructed, is missing"))),
            None => Ok(()),
        }
    }
}

/// The check that all of these frames were found.
pub(crate) fn check(expected: &BTreeMap<u64, u32>) -> Check {
    Check::equal("reconstructed frames", expected.len(), expected.len())
}

fn wrong(detail: String) -> Error {
    Error::new(ErrorKind::Verification, Stage::Verify, detail)
}

/// Decodes the file at `path`, whose frames have `format`, with `threads`, and compares the frames of which there are checksums in
/// `expected`.
///
/// # Errors
/// Those of [`Reconstructed`]; those of reading; `Cancelled`.
pub(crate) fn compare(
    path: &Path,
    format: FrameFormat,
    expected: &BTreeMap<u64, u32>,
    threads: u32,
    token: &Token,
) -> Result<Check> {
    let mut reader = FrameReader::new(Source::open(path)?, OnDamage::Fail, Cut::default(), None, threads)?;
    let mut left = Reconstructed::new(expected, format);
    while let Some(frame) = reader.next_frame()? {
        if token.is_set() {
            return Err(Error::cancelled(Stage::Verify));
        }
        let time = Timestamp::new(frame.pts, reader.time_base());
        left.compare(frame.number, &frame.frame.planes(), time).map_err(|error| error.in_file(path))?;
    }
    left.finish().map_err(|error| error.in_file(path))?;
    Ok(check(expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    use trix_fixtures::Clip;
    use trix_model::{control::cancel::Cancel, format::Chroma};

    #[test]
    fn a_frame_that_decodes_to_something_else_is_named_with_its_time() {
        let clip = Clip { frames: 30, ..Clip::default() };
        let file = clip.encoded("-c:v libx264 -preset ultrafast -bf 2 -crf 30", "mp4");
        let format = FrameFormat::ycbcr(Chroma::C420, 8);
        let source = Source::open(&file).unwrap();
        let mut reader = FrameReader::new(source, OnDamage::Fail, Cut::default(), None, 1).unwrap();
        let mut expected = BTreeMap::new();
        while let Some(frame) = reader.next_frame().unwrap() {
            expected.insert(frame.number, checksum(&frame.frame.planes()));
        }
        assert_eq!(expected.len(), 30);
        let compare =
            |expected: &BTreeMap<u64, u32>| compare(&file, format, expected, 1, &Token::new(&Cancel::default()));
        assert!(compare(&expected).unwrap().ok);
        for wrong in [0, 17, 29] {
            let mut other = expected.clone();
            *other.get_mut(&wrong).unwrap() ^= 1;
            let error = compare(&other).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Verification);
            let said = error.to_string();
            assert!(said.contains(&format!("frame {wrong} decodes to other samples")), "{said}");
            assert!(said.contains(&format!("at 00:00:0{}.{:03}", wrong / 25, wrong % 25 * 40)), "{said}");
        }
        expected.insert(30, 0);
        let error = compare(&expected).unwrap_err();
        assert!(error.to_string().contains("frame 30, which its encoder has reconstructed, is missing"), "{error}");
    }
}
