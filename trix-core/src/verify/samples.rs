//! Compares the samples that a decoder finds in a file with those that the encoder has reconstructed.
//!
//! An encoder that follows the analysis of another one predicts from frames that it has reconstructed itself. If a wrong record made it
//! code something else than it reconstructs, every decoder would show other frames than the encoder meant.
//!
//! Invariant: every frame of the file is decoded, because each depends on others.

use std::{collections::BTreeMap, path::Path};

use trix_model::{
    check::Check,
    control::cancel::Token,
    damage::OnDamage,
    error::{Error, ErrorKind, Result, Stage},
    format::FrameFormat,
    time::Timestamp,
};

use crate::{plan::Cut, reading::reader::FrameReader, source::Source};

/// Decodes the file at `path`, whose frames have `format`, and compares the frames of which there are checksums in `expected`.
///
/// # Errors
/// `Verification` with the first frame that differs, or if frames are missing; those of reading; `Cancelled`.
pub(crate) fn compare(path: &Path, format: FrameFormat, expected: &BTreeMap<u64, u32>, token: &Token) -> Result<Check> {
    let source = Source::open(path)?;
    let mut reader = FrameReader::new(source, OnDamage::Fail, Cut::default(), None, 1)?;
    let wrong = |detail: String| Error::new(ErrorKind::Verification, Stage::Verify, detail).in_file(path);
    let mut left = expected.clone();
    while let Some(frame) = reader.next_frame()? {
        if token.is_set() {
            return Err(Error::cancelled(Stage::Verify));
        }
        let Some(samples) = left.remove(&frame.number) else { continue };
        if frame.frame.checksum(format.planes()) != samples {
            let detail = format!("frame {} decodes to other samples than its encoder has reconstructed", frame.number);
            return Err(wrong(detail).at(Some(Timestamp::new(frame.pts, reader.time_base()))));
        }
    }
    match left.first_key_value() {
        Some((number, _)) => Err(wrong(format!("frame {number}, which its encoder has reconstructed, is missing"))),
        None => Ok(Check::equal("reconstructed frames", expected.len(), expected.len())),
    }
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
            expected.insert(frame.number, frame.frame.checksum(3));
        }
        assert_eq!(expected.len(), 30);
        let compare = |expected: &BTreeMap<u64, u32>| compare(&file, format, expected, &Token::new(&Cancel::default()));
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
