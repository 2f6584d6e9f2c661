//! Frames with given numbers or at given times, read by several decoders at once.
//!
//! Invariant: a frame has the same samples, number, time and side data as in a decode from the start, whichever decoder
//! reads it.

use std::{
    num::NonZero,
    panic,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use trix_model::{damage::OnDamage, error::Result, time::Timestamp};

use super::{
    frames::{Place, PlanConversion, Settings, Wanted},
    frames_at::FramesAt,
    in_order::Queue,
    video_frame::VideoFrame,
};
use crate::{index::FrameIndex, source::Source};

/// Frames with given numbers or at given times, in any order. [`Batch::read`] and [`Batch::read_in_order`] read them.
pub struct Batch<'a> {
    source: &'a Source,
    places: Vec<Place>,
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
        let places = numbers.into_iter().map(Place::Number).collect();
        Batch { source: self, places, how: Settings::default() }
    }

    /// The frame on screen at each of the given times, read as [`Source::batch`] does.
    ///
    /// ```
    /// # let master = trix_fixtures::clip::master();
    /// use trix_core::{Source, media::time::{Rational, Timestamp}};
    ///
    /// let source = Source::open(&master)?;
    /// let times = [1, 0].map(|second| Timestamp::new(second, Rational::new(1, 1)));
    /// let mut numbers = Vec::new();
    /// source.batch_at(times).read_in_order(|frame| {
    ///     numbers.push(frame.map(|frame| frame.number));
    ///     Ok(())
    /// })?;
    /// assert_eq!(numbers, [Some(25), Some(0)]);
    /// # Ok::<(), trix_core::Error>(())
    /// ```
    pub fn batch_at(&self, times: impl IntoIterator<Item = Timestamp>) -> Batch<'_> {
        let places = times.into_iter().map(Place::Time).collect();
        Batch { source: self, places, how: Settings::default() }
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

    /// Reads the frames. `take` gets the position of each place in the list, and its frame; `None` where there is none: after
    /// the last frame, or at a time before the first. Several threads call it, in the order in which the frames are decoded.
    ///
    /// # Errors
    /// Those of [`Frames`](super::frames::Frames) and those of `take`; the first one ends the reading.
    pub fn read(self, take: impl Fn(usize, Option<VideoFrame>) -> Result<()> + Sync) -> Result<()> {
        let mut positions: Vec<usize> = (0..self.places.len()).collect();
        let index = self.source.frame_index()?;
        positions.sort_by_key(|position| number_of(self.places[*position], &index));
        let runs = self.runs(&positions, &index);
        if runs.len() < 2 {
            return positions
                .iter()
                .zip(self.one_run(&positions))
                .try_for_each(|(position, frame)| take(*position, frame?));
        }
        self.readers(runs)?.read(|_, position, frame| take(position, frame), |_| ())
    }

    /// Reads the frames like [`Batch::read`], and calls `take` on this thread with one after the other, in the order of the
    /// list. Frames that are decoded before their turn wait, in at most 64 MiB and a frame for each decoder.
    ///
    /// # Errors
    /// Those of [`Batch::read`].
    pub fn read_in_order(self, mut take: impl FnMut(Option<VideoFrame>) -> Result<()>) -> Result<()> {
        let positions: Vec<usize> = (0..self.places.len()).collect();
        let runs = self.runs(&positions, &*self.source.frame_index()?);
        if runs.len() < 2 {
            return self.one_run(&positions).try_for_each(|frame| take(frame?));
        }
        let readers = self.readers(runs)?;
        let queue = &Queue::default();
        thread::scope(|scope| {
            let reading = scope.spawn(move || {
                let _end = queue.closed_at_end();
                readers.read(|run, _, frame| queue.push(run, frame), |run| queue.end(run))
            });
            let mut taken = Ok(());
            while let Some(frame) = queue.next() {
                taken = take(frame);
                if taken.is_err() {
                    queue.leave();
                    break;
                }
            }
            let read = reading.join().unwrap_or_else(|panic| panic::resume_unwind(panic));
            taken.and(read)
        })
    }

    /// Divides the positions into runs, each of which begins with another entry point of the decoder. Without an exact index,
    /// there is one run.
    fn runs(&self, positions: &[usize], index: &FrameIndex) -> Vec<Vec<usize>> {
        let entry = |position: &usize| {
            let number = number_of(self.places[*position], index).unwrap_or(0).min(index.len());
            index.lead_in(number).map_or(0, |lead| number.saturating_sub(lead))
        };
        positions.chunk_by(|one, other| entry(one) == entry(other)).map(<[usize]>::to_vec).collect()
    }

    /// The number of decoder threads.
    fn threads_in_all(&self) -> usize {
        match self.how.threads {
            0 => thread::available_parallelism().map_or(1, NonZero::get),
            threads => threads as usize,
        }
    }

    /// The frames of a single run, read on this thread without another opening of the source.
    fn one_run(&self, positions: &[usize]) -> FramesAt<'_> {
        let how = Settings { threads: self.threads_in_all() as u32, ..self.how };
        self.source.selected(positions.iter().map(|position| self.places[*position]).collect()).set(how)
    }

    /// Opens the source for each core.
    fn readers(&self, runs: Vec<Vec<usize>>) -> Result<Readers<'_>> {
        let threads = self.threads_in_all();
        let workers = threads.min(runs.len());
        let how = Settings { threads: (threads / workers) as u32, ..self.how };
        let sources = (0..workers).map(|_| self.source.reopen()).collect::<Result<_>>()?;
        Ok(Readers { sources, places: &self.places, runs, how })
    }
}

/// Openings of a source, and what each has to read.
struct Readers<'a> {
    sources: Vec<Source>,
    places: &'a [Place],
    /// Positions of places.
    runs: Vec<Vec<usize>>,
    how: Settings,
}

impl Readers<'_> {
    /// Reads all runs. `take` gets the number of the run, the position and the frame, and `end` the number of each run that
    /// was read.
    fn read(
        self,
        take: impl Fn(usize, usize, Option<VideoFrame>) -> Result<()> + Sync,
        end: impl Fn(usize) + Sync,
    ) -> Result<()> {
        let Readers { sources, places, runs, how } = self;
        let next = AtomicUsize::new(0);
        let work = |source: Source| {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(run) = runs.get(number) else { return Ok(()) };
                let frames = source.selected(run.iter().map(|position| places[*position]).collect()).set(how);
                for (position, frame) in run.iter().zip(frames) {
                    if let Err(error) = frame.and_then(|frame| take(number, *position, frame)) {
                        next.store(runs.len(), Ordering::Relaxed);
                        return Err(error);
                    }
                }
                end(number);
            }
        };
        let work = &work;
        thread::scope(|scope| {
            let started: Vec<_> = sources.into_iter().map(|source| scope.spawn(move || work(source))).collect();
            let ended = started.into_iter().map(|own| own.join().unwrap_or_else(|panic| panic::resume_unwind(panic)));
            ended.fold(Ok(()), Result::and)
        })
    }
}

/// The number of the frame at a place; `None` for a time before the first frame.
fn number_of(place: Place, index: &FrameIndex) -> Option<u64> {
    match place {
        Place::Number(number) => Some(number),
        Place::Time(time) => index.number_showing(time),
    }
}
