//! Decodes a reference once, decodes copies in parallel, and compares them frame by frame.
//!
//! Invariant: the reference is decoded once, however many copies there are, from the first frame on that one of them has. No thread waits
//! for another. Memory holds at most two windows of the reference, and one window for each way to filter it.

use std::{path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};
use trix_model::{
    control::{cancel::Token, progress::Counters},
    damage::OnDamage,
    error::{Error, ErrorKind, Result, Stage},
    time::Timestamp,
};

use super::samples::Reconstructed;
use crate::{
    decode::video::DecodedFrame,
    index,
    plan::{Cut, Filtering},
    pool,
    quality::{Comparator, Metric, Mismatch, Score},
    reading::reader::{FrameReader, Shaper},
    source::Source,
};

/// What a comparison found.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Comparison {
    /// Scores over all frames.
    pub score: Score,
    /// The first frame that is not equal, sample by sample; absent when all are.
    pub first_difference: Option<Difference>,
}

/// A frame that is not equal to that of the reference.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Difference {
    /// Which frame, from zero.
    pub frame: u64,
    /// When it is shown.
    pub time: Timestamp,
}

/// The reference that copies are compared with.
pub(crate) struct Reference {
    pub(crate) source: Source,
    pub(crate) on_damage: OnDamage,
}

/// A copy that is compared with a reference.
pub(crate) struct Copied {
    pub(crate) source: Source,
    /// The filtering of its decoded frames.
    pub(crate) filtering: Option<Filtering>,
    /// The part of the reference that it has, and the filtering of that part.
    pub(crate) taken: Taken,
    pub(crate) luma_only: bool,
    /// The frames that its encoder has reconstructed, as far as they are known.
    pub(crate) reconstructed: Reconstructed,
    pub(crate) counters: Arc<Counters>,
    pub(crate) token: Token,
}

/// A part of a reference, and its filtering.
#[derive(Clone, PartialEq)]
pub(crate) struct Taken {
    pub(crate) cut: Cut,
    pub(crate) filtering: Option<Filtering>,
}

/// Bytes of decoded or filtered reference frames before copies are compared with them: a few frames of 1080p, so
/// threads seldom wait for the slowest.
pub(crate) const WINDOW: usize = 32 << 20;

/// Compares `copies` with `reference` on all threads of the current pool, which was made for `threads` (0: one for each
/// core). Calls `failed` with the index of a copy as soon as it fails. Results are in the order of the copies.
///
/// # Errors
/// Errors of each copy. `Verification` if one side has more frames than the other, or if sizes or formats differ;
/// otherwise the errors of reading. An error of the reference becomes the error of every copy that is not finished.
pub(crate) fn compare(
    reference: Reference,
    copies: Vec<Copied>,
    metrics: &[Metric],
    threads: u32,
    failed: &(dyn Fn(usize) + Sync),
) -> Vec<Result<Comparison>> {
    let mut results: Vec<Option<Result<Comparison>>> = copies.iter().map(|_| None).collect();
    let mut error = side_by_side(reference, copies, metrics, threads, failed, &mut results).err();
    let comparisons = results.into_iter().map(|result| {
        result.unwrap_or_else(|| {
            let again = error.as_ref().map(Error::again);
            Err(std::mem::replace(&mut error, again).unwrap_or_else(|| Error::cancelled(Stage::Verify)))
        })
    });
    comparisons.collect()
}

/// Does the work of [`compare`]. Stores results of the copies in `results`, as far as the reference can be decoded.
fn side_by_side(
    reference: Reference,
    copies: Vec<Copied>,
    metrics: &[Metric],
    threads: u32,
    failed: &(dyn Fn(usize) + Sync),
    results: &mut [Option<Result<Comparison>>],
) -> Result<()> {
    let Some(token) = Token::joined(copies.iter().map(|copied| &copied.token)) else { return Ok(()) };
    // Threads of the pool decode too, so each decoder gets a share. With one copy, the decoders take turns with the scores
    // and need threads of their own: one more than cores, as libavcodec takes by itself.
    let threads = (2 * (pool::threads(threads) + 1) / (copies.len() + 1)).max(1) as u32;
    let Reference { source, on_damage } = reference;
    let facts = source.video().cloned();
    // Nothing before the first frame that a copy has is decoded.
    let starts: Option<Vec<Timestamp>> = copies.iter().map(|copied| copied.taken.cut.start).collect();
    let begin = match facts.as_ref().zip(starts.into_iter().flatten().min()) {
        Some((facts, start)) => Some(index::begin(&source, facts, start)?),
        None => None,
    };
    let mut reader = FrameReader::beginning(source, on_damage, Cut::default(), None, threads, begin)?;
    let mut views: Vec<View<'_>> = Vec::new();
    for (place, copied) in copies.into_iter().enumerate() {
        let taken = copied.taken.clone();
        let member = Member::open(place, copied, metrics, threads, failed);
        match (views.iter_mut().find(|view| view.taken == taken), &facts) {
            (Some(view), _) => view.members.push(member),
            (None, Some(facts)) => {
                let shaper = Shaper::new(facts, taken.cut, taken.filtering.clone());
                views.push(View { taken, shaper, members: vec![member] });
            }
            (None, None) => return Err(Error::bug(Stage::Verify, "the reference has no video stream")),
        }
    }
    let mut window = Window::next(&mut reader, &token);
    let ended = loop {
        let is_last = window.end.is_some();
        let (next, _) = pool::both(
            || if is_last { Window::default() } else { Window::next(&mut reader, &token) },
            || pool::map(views.iter_mut().collect(), |view: &mut View<'_>| view.take(&window)),
        );
        let end = std::mem::replace(&mut window, next).end;
        if end.is_some() || views.iter().all(View::is_over) {
            break end;
        }
    };
    for member in views.into_iter().flat_map(|view| view.members) {
        results[member.place] = member.result;
    }
    ended.unwrap_or(Ok(()))
}

/// Consecutive frames of the reference.
#[derive(Default)]
struct Window {
    frames: Vec<DecodedFrame>,
    /// The reason why no more frames follow.
    end: Option<Result<()>>,
}

impl Window {
    fn next(reader: &mut FrameReader, token: &Token) -> Self {
        let (mut window, mut bytes) = (Window::default(), 0);
        while bytes < WINDOW && window.end.is_none() {
            match reader.next_frame() {
                _ if token.is_set() => window.end = Some(Err(Error::cancelled(Stage::Verify))),
                Ok(Some(frame)) => {
                    bytes += frame.frame.bytes();
                    window.frames.push(frame);
                }
                Ok(None) => window.end = Some(Ok(())),
                Err(error) => window.end = Some(Err(error)),
            }
        }
        window
    }
}

/// The reference with one filtering, and the copies that are compared with it.
struct View<'a> {
    taken: Taken,
    shaper: Shaper,
    members: Vec<Member<'a>>,
}

impl View<'_> {
    /// Filters the frames of `window`, and compares the copies with them.
    fn take(&mut self, window: &Window) {
        let end = matches!(window.end, Some(Ok(()))).then_some(None);
        let (mut made, mut bytes) = (Vec::new(), 0);
        for frame in window.frames.iter().cloned().map(Some).chain(end) {
            if self.is_over() {
                return;
            }
            match self.shaper.push(frame) {
                Ok(frames) => {
                    bytes += frames.iter().map(|frame| frame.frame.bytes()).sum::<usize>();
                    made.extend(frames);
                }
                Err(error) => return self.fail(error),
            }
            if bytes >= WINDOW || self.shaper.is_over() {
                self.hand_on(&made);
                (made, bytes) = (Vec::new(), 0);
            }
        }
        self.hand_on(&made);
    }

    fn hand_on(&mut self, frames: &[DecodedFrame]) {
        let is_all = self.shaper.is_over();
        pool::map(self.members.iter_mut().collect(), |member: &mut Member<'_>| member.take(frames, is_all));
    }

    /// Ends all copies with `error`, because the filtered reference cannot be made.
    fn fail(&mut self, error: Error) {
        let mut error = Some(error);
        for member in self.members.iter_mut().filter(|member| member.result.is_none()) {
            let again = error.as_ref().map(Error::again);
            if let Some(error) = std::mem::replace(&mut error, again) {
                member.end(Err(error));
            }
        }
    }

    fn is_over(&self) -> bool {
        self.members.iter().all(|member| member.result.is_some())
    }
}

/// The state of a copy during comparison.
struct Member<'a> {
    place: usize,
    label: PathBuf,
    /// `None` if it cannot be opened.
    reader: Option<FrameReader>,
    luma_only: bool,
    reconstructed: Reconstructed,
    comparator: Comparator,
    first_difference: Option<Difference>,
    compared: u64,
    counters: Arc<Counters>,
    token: Token,
    failed: &'a (dyn Fn(usize) + Sync),
    /// The result, once the comparison has ended.
    result: Option<Result<Comparison>>,
}

impl<'a> Member<'a> {
    fn open(
        place: usize,
        copied: Copied,
        metrics: &[Metric],
        threads: u32,
        failed: &'a (dyn Fn(usize) + Sync),
    ) -> Self {
        let Copied { source, filtering, luma_only, reconstructed, counters, token, .. } = copied;
        let label = source.label();
        let (reader, error) = match FrameReader::new(source, OnDamage::Fail, Cut::default(), filtering, threads) {
            Ok(reader) => (Some(reader), None),
            Err(error) => (None, Some(error)),
        };
        let comparator = Comparator::new(metrics);
        let (first_difference, compared, result) = (None, 0, None);
        let mut member = Member {
            place,
            label,
            reader,
            luma_only,
            reconstructed,
            comparator,
            first_difference,
            compared,
            counters,
            token,
            failed,
            result,
        };
        if let Some(error) = error {
            member.end(Err(error));
        }
        member
    }

    /// Compares with the next frames of the reference. `is_all` is true if none follow.
    fn take(&mut self, frames: &[DecodedFrame], is_all: bool) {
        if self.result.is_some() {
            return;
        }
        match self.compare(frames, is_all) {
            Err(error) => self.end(Err(error)),
            Ok(()) if is_all => {
                let score = std::mem::replace(&mut self.comparator, Comparator::new(&[])).finish();
                let first_difference = self.first_difference;
                let failed = |error: Mismatch| {
                    let detail = format!("cannot be compared: {error}");
                    Error::new(ErrorKind::Verification, Stage::Verify, detail).in_file(&self.label).caused_by(error)
                };
                self.end(score.map(|score| Comparison { score, first_difference }).map_err(failed));
            }
            Ok(()) => {}
        }
    }

    fn compare(&mut self, frames: &[DecodedFrame], is_all: bool) -> Result<()> {
        let Some(reader) = &mut self.reader else { return Ok(()) };
        let wrong = |detail: String| Error::new(ErrorKind::Verification, Stage::Verify, detail).in_file(&self.label);
        for left in frames {
            let number = self.compared;
            if self.token.is_set() {
                return Err(Error::cancelled(Stage::Verify));
            }
            let Some(right) = reader.next_frame()? else {
                return Err(wrong(format!("ends after {number} frames; the reference goes on")));
            };
            let (left_planes, mut right_planes) = (left.frame.planes(), right.frame.planes());
            if self.luma_only {
                right_planes.truncate(1);
            }
            let time = Timestamp::new(right.pts, reader.time_base());
            self.reconstructed.compare(number, &right_planes, time).map_err(|error| error.in_file(&self.label))?;
            let equal = self.comparator.push(&left_planes, &right_planes).map_err(|error| {
                wrong(format!("frame {number} cannot be compared: {error}")).at(Some(time)).caused_by(error)
            })?;
            if !equal && self.first_difference.is_none() {
                self.first_difference = Some(Difference { frame: number, time });
            }
            self.compared += 1;
            self.counters.add_frame();
        }
        if is_all && reader.next_frame()?.is_some() {
            let number = self.compared;
            return Err(wrong(format!("goes on after the {number} frames of the reference")));
        }
        if is_all {
            self.reconstructed.finish().map_err(|error| error.in_file(&self.label))?;
        }
        Ok(())
    }

    fn end(&mut self, result: Result<Comparison>) {
        if result.is_err() {
            (self.failed)(self.place);
        }
        // The decoder is not needed while the other copies continue.
        self.reader = None;
        self.result = Some(result);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::{path::Path, sync::Mutex};
    use trix_fixtures::Clip;
    use trix_model::control::cancel::Cancel;

    fn open(file: &Path) -> Source {
        Source::open(file).unwrap()
    }

    fn found(reference: &Path, copies: &[&Path], threads: usize) -> (Vec<Result<Comparison>>, Vec<usize>) {
        let tokens = Token::new(&Cancel::default()).of_outputs(copies.len());
        let copied = copies.iter().zip(tokens).map(|(file, token)| Copied {
            source: open(file),
            filtering: None,
            taken: Taken { cut: Cut::default(), filtering: None },
            luma_only: false,
            reconstructed: Reconstructed::default(),
            counters: Arc::default(),
            token,
        });
        let copied: Vec<Copied> = copied.collect();
        let failed = Mutex::new(Vec::new());
        let reference = Reference { source: open(reference), on_damage: OnDamage::Fail };
        let found = pool::with(threads, || {
            compare(reference, copied, &Metric::DEFAULT, threads as u32, &|place| failed.lock().unwrap().push(place))
        });
        let mut failed = failed.into_inner().unwrap();
        failed.sort_unstable();
        (found.unwrap(), failed)
    }

    #[test]
    fn each_of_several_copies_has_what_it_has_alone() {
        // Two windows.
        let clip = Clip { width: 640, height: 360, frames: 120, ..Clip::default() };
        let source = clip.y4m();
        let lossy = |crf: u32| clip.encoded(&format!("-c:v libx264 -preset ultrafast -crf {crf}"), "mp4");
        let (good, bad, same) = (lossy(20), lossy(40), clip.encoded("-c:v ffv1 -level 3", "mkv"));
        let short = Clip { frames: 119, ..clip }.encoded("-c:v ffv1 -level 3", "mkv");
        let long = Clip { frames: 121, ..clip }.encoded("-c:v ffv1 -level 3", "mkv");
        let small = Clip { width: 320, ..clip }.encoded("-c:v ffv1 -level 3", "mkv");
        let copies = [&*good, &*short, &*same, &*long, &*bad, &*small];
        let alone: Vec<_> = copies.iter().map(|file| found(&source, &[file], 1).0.remove(0)).collect();
        for threads in [1, 3] {
            let (all, failed) = found(&source, &copies, threads);
            assert_eq!(failed, [1, 3, 5]);
            for ((file, alone), together) in copies.iter().zip(&alone).zip(all) {
                match (alone, together) {
                    (Ok(alone), Ok(together)) => {
                        assert_eq!(alone.score, together.score);
                        assert_eq!(together.score.frames, 120);
                        let first = |found: &Comparison| found.first_difference.map(|difference| difference.frame);
                        assert_eq!(first(alone), first(&together));
                        assert_eq!(first(&together).is_none(), *file == &*same);
                    }
                    (Err(alone), Err(together)) => {
                        assert_eq!(together.kind(), ErrorKind::Verification);
                        assert_eq!(alone.to_string(), together.to_string());
                    }
                    (alone, together) => panic!("{}: {alone:?}, {together:?}", file.display()),
                }
            }
        }
    }

    #[test]
    fn a_reference_that_cannot_be_read_to_its_end_is_an_error_of_every_copy_that_goes_on() {
        let clip = Clip { width: 640, height: 360, frames: 120, ..Clip::default() };
        let copy = clip.encoded("-c:v libx264 -preset ultrafast -crf 20", "mp4");
        let folder = trix_fixtures::folder();
        let cut = folder.path().join("cut.y4m");
        let whole = std::fs::read(clip.y4m()).unwrap();
        std::fs::write(&cut, &whole[..whole.len() - 1000]).unwrap();
        let (all, failed) = found(&cut, &[&copy, &copy], 2);
        assert_eq!(failed, [0usize; 0]);
        for result in all {
            let error = result.unwrap_err();
            assert_eq!((error.kind(), error.stage()), (ErrorKind::MalformedInput, Stage::Demux), "{error}");
        }
    }
}
