//! An open source in Python: frames and audio, read ahead on threads of the engine.

use std::{path::PathBuf, sync::Arc};

use pyo3::{exceptions::PyValueError, prelude::*};
use trix_core::{
    Cancel, Error, OnDamage, Result, Stage,
    media::{format::SampleType, time::Timestamp},
    probe,
    reading::{
        frames::{Frames, Place},
        samples::Samples,
    },
};

use crate::{
    ahead::{Ahead, Sender},
    audio, doorway,
    errors::{closed, raised},
    frame::{Conversion, Converters, Frame},
    inspect::json,
    openings::Openings,
    place::PlaceArgument,
    reading,
};

/// ReadSettings frames are read.
struct ReadSettings {
    conversion: Conversion,
    is_converted: bool,
    on_damage: OnDamage,
    threads: u32,
}

/// Reads `$frames` as a [`ReadSettings`] says: `Frames`, `FramesAt` and `Batch` have the same methods.
macro_rules! with_settings {
    ($frames:expr, $settings:expr) => {{
        let (mut frames, ReadSettings { conversion, is_converted, on_damage, threads }) = ($frames, $settings);
        if is_converted {
            frames = frames.source_color(conversion.color);
            frames = conversion.size.iter().fold(frames, |frames, (width, height)| frames.size(*width, *height));
            frames = conversion.format.iter().fold(frames, |frames, format| frames.format(*format));
        }
        frames.on_damage(on_damage).threads(threads)
    }};
}

/// An open source. Its readers have cancel handles below its own.
#[pyclass(frozen, module = "trix._trix")]
pub struct Source {
    openings: Arc<Openings>,
    cancel: Cancel,
    converters: Arc<Converters>,
}

impl Source {
    /// Refuses to read after `close`, as a file of Python does.
    fn check_open(&self) -> PyResult<()> {
        if self.cancel.is_cancelled() { Err(closed()) } else { Ok(()) }
    }

    /// Runs `work` with an opening of its own, on a thread that waits for no other.
    fn call<T: Send + 'static>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&trix_core::Source) -> Result<T> + Send + 'static,
    ) -> PyResult<T> {
        self.check_open()?;
        let (openings, cancel) = (Arc::clone(&self.openings), self.cancel.child());
        let own = cancel.clone();
        let found = doorway::call(py, &cancel, move || work(&openings.again(&own)?));
        // Another thread may have closed the source meanwhile.
        found.or_else(|error| self.check_open().and(Err(error)))
    }

    /// Starts a thread that reads ahead.
    fn ahead<T: Send + 'static>(
        &self,
        py: Python<'_>,
        name: &str,
        read: impl FnOnce(&trix_core::Source, &Sender<T>) -> Result<()> + Send + 'static,
    ) -> PyResult<Ahead<T>> {
        doorway::refuse_fork().map_err(|error| raised(py, &error))?;
        self.check_open()?;
        let (openings, (opening, cancel)) = (Arc::clone(&self.openings), self.openings.free(&self.cancel));
        let own = cancel.clone();
        let work = move |sender: &Sender<T>| {
            let source = opening.map_or_else(|| openings.again(&own), Ok)?;
            read(&source, sender)?;
            // From here on, nobody cancels the handle because of this reader.
            if sender.end() {
                openings.leave(source, own);
            }
            Ok(())
        };
        Ahead::start(name, self.cancel.clone(), cancel, work).map_err(|error| raised(py, &error))
    }
}

/// Opens a file, or the files that a pattern stands for.
///
/// # Errors
/// Those of opening.
#[pyfunction]
pub fn open(py: Python<'_>, path: PathBuf, reading: &str) -> PyResult<Source> {
    let (cancel, reading) = (Cancel::default(), reading::parse(reading)?);
    let own = cancel.clone();
    let source = doorway::call(py, &cancel, move || trix_core::Source::open_until(&path, &reading, &own))?;
    let openings = Arc::new(Openings::new(source));
    Ok(Source { openings, cancel, converters: Arc::default() })
}

#[pymethods]
impl Source {
    fn close(&self, py: Python<'_>) {
        self.cancel.cancel();
        // The locks belong to threads of another process after a fork.
        if !doorway::is_forked() {
            py.detach(|| self.openings.close());
        }
    }

    #[getter]
    fn closed(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// What the source holds, as JSON.
    fn info(&self, py: Python<'_>) -> PyResult<String> {
        json(&self.call(py, |source| Ok(probe::probe(source)))?)
    }

    /// The number of frames: from the index if that is exact, else by decoding.
    fn count(&self, py: Python<'_>) -> PyResult<u64> {
        self.call(py, |source| {
            let index = source.frame_index()?;
            if index.trouble().is_none() {
                return Ok(index.len());
            }
            source.frames().try_fold(0, |count, frame| frame.map(|_| count + 1))
        })
    }

    /// The times of all frames as numerators, and their denominator; `None` if the index is not exact.
    fn times(&self, py: Python<'_>) -> PyResult<Option<Vec<(i64, i64)>>> {
        self.call(py, |source| {
            let index = source.frame_index()?;
            let time = |time: Timestamp| (time.ticks.saturating_mul(time.base.num), time.base.den);
            let times = (0..index.len()).filter_map(|number| index.time(number)).map(time).collect();
            Ok(index.trouble().is_none().then_some(times))
        })
    }

    #[pyo3(signature = (start, stop, stride, *, size, format, color, conceal, threads))]
    #[expect(clippy::too_many_arguments, reason = "they are the keyword arguments of Python")]
    fn frames(
        &self,
        py: Python<'_>,
        start: Option<PlaceArgument>,
        stop: Option<PlaceArgument>,
        stride: u64,
        size: Option<(usize, usize)>,
        format: Option<&str>,
        color: Option<&str>,
        conceal: bool,
        threads: u32,
    ) -> PyResult<FrameIterator> {
        let settings = settings(size, format, color, conceal, threads)?;
        let start = start.map(|at| at.frame()).transpose()?;
        let stop = stop.map(|at| at.frame()).transpose()?;
        let ahead = self.ahead(py, "trix-frames", move |source, sender| {
            let mut frames = with_settings!(source.frames(), settings).stride(stride);
            frames = start.into_iter().fold(frames, Frames::from);
            frames = stop.into_iter().fold(frames, Frames::to);
            for frame in frames {
                let frame = frame?;
                let bytes = frame.frame.bytes();
                if !sender.send(Some(frame), bytes) {
                    break;
                }
            }
            Ok(())
        })?;
        Ok(FrameIterator { ahead, converters: Arc::clone(&self.converters) })
    }

    /// The frames at the given places, which are all numbers or all times; `None` where there is no frame.
    #[pyo3(signature = (places, *, size, format, color, conceal, threads))]
    #[expect(clippy::too_many_arguments, reason = "they are the keyword arguments of Python")]
    fn chosen(
        &self,
        py: Python<'_>,
        places: Vec<PlaceArgument>,
        size: Option<(usize, usize)>,
        format: Option<&str>,
        color: Option<&str>,
        conceal: bool,
        threads: u32,
    ) -> PyResult<FrameIterator> {
        let settings = settings(size, format, color, conceal, threads)?;
        let (mut numbers, mut times) = (Vec::new(), Vec::new());
        for place in &places {
            match place.frame()? {
                Place::Number(number) => numbers.push(number),
                Place::Time(time) => times.push(time),
            }
        }
        if !numbers.is_empty() && !times.is_empty() {
            return Err(PyValueError::new_err("frames are asked for by numbers or by times, not by both"));
        }
        let ahead = self.ahead(py, "trix-frames-at", move |source, sender| {
            let batch = if times.is_empty() { source.batch(numbers) } else { source.batch_at(times) };
            with_settings!(batch, settings).read_in_order(|frame| {
                let bytes = frame.as_ref().map_or(0, |frame| frame.frame.bytes());
                sender.send(frame, bytes).then_some(()).ok_or_else(|| Error::cancelled(Stage::Decode))
            })
        })?;
        Ok(FrameIterator { ahead, converters: Arc::clone(&self.converters) })
    }

    /// The frames with the given numbers, with the position of each number, in the order in which they are decoded.
    #[pyo3(signature = (numbers, *, size, format, color, conceal, threads))]
    #[expect(clippy::too_many_arguments, reason = "they are the keyword arguments of Python")]
    fn batch(
        &self,
        py: Python<'_>,
        numbers: Vec<u64>,
        size: Option<(usize, usize)>,
        format: Option<&str>,
        color: Option<&str>,
        conceal: bool,
        threads: u32,
    ) -> PyResult<BatchIterator> {
        let settings = settings(size, format, color, conceal, threads)?;
        let ahead = self.ahead(py, "trix-batch", move |source, sender| {
            with_settings!(source.batch(numbers), settings).read(|position, frame| {
                let bytes = frame.as_ref().map_or(0, |frame| frame.frame.bytes());
                sender.send((position, frame), bytes).then_some(()).ok_or_else(|| Error::cancelled(Stage::Decode))
            })
        })?;
        Ok(BatchIterator { ahead, converters: Arc::clone(&self.converters) })
    }

    #[pyo3(signature = (start, stop, *, stream, rate, layout, sample, conceal))]
    #[expect(clippy::too_many_arguments, reason = "they are the keyword arguments of Python")]
    fn audio(
        &self,
        py: Python<'_>,
        start: Option<PlaceArgument>,
        stop: Option<PlaceArgument>,
        stream: Option<usize>,
        rate: Option<u32>,
        layout: Option<String>,
        sample: Option<&str>,
        conceal: bool,
    ) -> PyResult<audio::BlockIterator> {
        let start = start.map(|at| at.sample()).transpose()?;
        let stop = stop.map(|at| at.sample()).transpose()?;
        let sample = sample.map(audio::sample_type).transpose()?;
        let ahead = self.ahead(py, "trix-samples", move |source, sender| {
            let on_damage = if conceal { OnDamage::Conceal } else { OnDamage::Fail };
            let mut samples = source.samples().on_damage(on_damage);
            samples = stream.into_iter().fold(samples, Samples::stream);
            samples = rate.into_iter().fold(samples, Samples::rate);
            samples = layout.iter().fold(samples, |samples, layout| samples.layout(layout));
            samples = sample.into_iter().fold(samples, |samples, sample: SampleType| samples.sample(sample));
            samples = start.into_iter().fold(samples, Samples::from);
            samples = stop.into_iter().fold(samples, Samples::to);
            for block in samples {
                let block = block?;
                let bytes = block.frame.bytes();
                if !sender.send(block, bytes) {
                    break;
                }
            }
            Ok(())
        })?;
        Ok(audio::BlockIterator::new(ahead))
    }
}

fn settings(
    size: Option<(usize, usize)>,
    format: Option<&str>,
    color: Option<&str>,
    conceal: bool,
    threads: u32,
) -> PyResult<ReadSettings> {
    let is_converted = size.is_some() || format.is_some() || color.is_some();
    let on_damage = if conceal { OnDamage::Conceal } else { OnDamage::Fail };
    Ok(ReadSettings { conversion: Conversion::parse(size, format, color)?, is_converted, on_damage, threads })
}

/// The frames of a source, one after the other.
#[pyclass(frozen, module = "trix._trix")]
pub struct FrameIterator {
    ahead: Ahead<Option<trix_core::VideoFrame>>,
    converters: Arc<Converters>,
}

#[pymethods]
impl FrameIterator {
    /// The next frame, or `None` where there is no frame, in a tuple; `None` at the end.
    fn next(&self, py: Python<'_>, number: Option<u64>) -> PyResult<Option<(Option<Frame>,)>> {
        let found = self.ahead.next(py, number)?;
        Ok(found.map(|frame| (frame.map(|frame| Frame::new(frame, &self.converters)),)))
    }

    fn close(&self) {
        self.ahead.stop();
    }
}

/// Frames of a batch, with the position of each in the list of numbers.
#[pyclass(frozen, module = "trix._trix")]
pub struct BatchIterator {
    ahead: Ahead<(usize, Option<trix_core::VideoFrame>)>,
    converters: Arc<Converters>,
}

#[pymethods]
impl BatchIterator {
    fn __iter__(own: PyRef<'_, Self>) -> PyRef<'_, Self> {
        own
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<(usize, Option<Frame>)>> {
        let found = self.ahead.next(py, None)?;
        Ok(found.map(|(position, frame)| (position, frame.map(|frame| Frame::new(frame, &self.converters)))))
    }
}
