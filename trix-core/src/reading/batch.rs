//! Frames with given numbers, read by several decoders at once.
//!
//! Invariant: a frame has the same samples, number, time and side data as in a decode from the start, whichever decoder
//! reads it.

use std::{
    num::NonZero,
    panic,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use trix_model::{damage::OnDamage, error::Result};

use super::{
    frames::{PlanConversion, Settings, Wanted},
    video_frame::VideoFrame,
};
use crate::{index::FrameIndex, source::Source};

/// Frames with given numbers, in any order. [`Batch::read`] reads them.
pub struct Batch<'a> {
    source: &'a Source,
    numbers: Vec<u64>,
    how: Settings,
}

impl Source {
    /// The frames with the given numbers. It is the fastest way to read many: each decoder reads the frames that follow one
    /// entry point, and there is a decoder for each core.
    ///
    /// ```
    /// # let master = trix_fixtures::clip::master();
    /// use std::sync::Mutex;
    /// use trix_core::Source;
    ///
    /// let source = Source::open(&master)?;
    /// let found = Mutex::new(vec![None; 3]);
    /// source.batch([40, 3, 999]).read(|position, frame| {
    ///     found.lock().expect("no panic")[position] = frame.map(|frame| frame.number);
    ///     Ok(())
    /// })?;
    /// assert_eq!(found.into_inner().expect("no panic"), [Some(40), Some(3), None]);
    /// # Ok::<(), trix_core::Error>(())
    /// ```
    pub fn batch(&self, numbers: impl IntoIterator<Item = u64>) -> Batch<'_> {
        Batch { source: self, numbers: numbers.into_iter().collect(), how: Settings::default() }
    }
}

impl Batch<'_> {
    /// Sets how damage is handled. By default, the first damage is an error.
    pub fn on_damage(self, on_damage: OnDamage) -> Self {
        let how = Settings { on_damage, ..self.how };
        Batch { how, ..self }
    }

    /// Sets the number of threads of all decoders together. 0, the default, means one for each core.
    pub fn threads(self, threads: u32) -> Self {
        let how = Settings { threads, ..self.how };
        Batch { how, ..self }
    }

    /// Changes what frames are converted to. `plan` plans the conversion when the first frame is requested.
    pub(crate) fn converted(self, change: impl FnOnce(&mut Wanted), plan: PlanConversion) -> Self {
        Batch { how: self.how.converted(change, plan), ..self }
    }

    /// Reads the frames. `take` gets the position of each number in the list, and its frame; `None` for a number after the
    /// last frame. Several threads call it, in the order in which the frames are decoded.
    ///
    /// # Errors
    /// Those of [`Frames`](super::frames::Frames) and those of `take`; the first one ends the reading.
    pub fn read(self, take: impl Fn(usize, Option<VideoFrame>) -> Result<()> + Sync) -> Result<()> {
        let Batch { source, numbers, how } = self;
        let runs = runs(&numbers, &*source.frame_index()?);
        let threads = match how.threads {
            0 => thread::available_parallelism().map_or(1, NonZero::get),
            threads => threads as usize,
        };
        let workers = threads.min(runs.len());
        let how = Settings { threads: (threads / workers.max(1)) as u32, ..how };
        let sources = (0..workers).map(|_| source.reopen()).collect::<Result<Vec<_>>>()?;
        let next = AtomicUsize::new(0);
        let work = |source: Source| {
            while let Some(run) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                let frames = source.frames_numbered(run.iter().map(|position| numbers[*position])).set(how);
                for (position, frame) in run.iter().zip(frames) {
                    if let Err(error) = frame.and_then(|frame| take(*position, frame)) {
                        next.store(runs.len(), Ordering::Relaxed);
                        return Err(error);
                    }
                }
            }
            Ok(())
        };
        let work = &work;
        thread::scope(|scope| {
            let started: Vec<_> = sources.into_iter().map(|source| scope.spawn(move || work(source))).collect();
            let ended = started.into_iter().map(|own| own.join().unwrap_or_else(|panic| panic::resume_unwind(panic)));
            ended.fold(Ok(()), Result::and)
        })
    }
}

/// The positions of the numbers, ascending by number. Each run begins with another entry point of the decoder.
fn runs(numbers: &[u64], index: &FrameIndex) -> Vec<Vec<usize>> {
    let mut positions: Vec<usize> = (0..numbers.len()).collect();
    positions.sort_by_key(|position| numbers[*position]);
    let entry = |position: &usize| {
        let number = numbers[*position].min(index.len());
        index.lead_in(number).map_or(0, |lead| number.saturating_sub(lead))
    };
    positions.chunk_by(|one, other| entry(one) == entry(other)).map(<[usize]>::to_vec).collect()
}
