//! Audio in Python: blocks of samples as arrays of samples and channels.

use pyo3::{exceptions::PyValueError, prelude::*};
use trix_core::{
    AudioBlock, Error, ErrorKind, Result, Stage,
    media::{format::SampleType, time::Timestamp},
    reading::samples::Sample,
};

use crate::{ahead::Ahead, doorway::quick, errors::fraction, memory::Memory};

/// The sample type that numpy calls `name`.
///
/// # Errors
/// `ValueError` for a type that audio cannot be converted to.
pub fn sample_type(name: &str) -> PyResult<SampleType> {
    match name {
        "int16" => Ok(SampleType::I16),
        "int32" => Ok(SampleType::I32),
        "float32" => Ok(SampleType::F32),
        "float64" => Ok(SampleType::F64),
        other => Err(PyValueError::new_err(format!(
            "audio is not converted to {other}; types are int16, int32, float32 and float64"
        ))),
    }
}

/// A block of decoded audio. Its length is its number of samples of each channel. It stays valid when its source is closed.
#[pyclass(frozen, module = "trix")]
pub struct Block {
    block: AudioBlock,
}

#[pymethods]
impl Block {
    /// Number of its first sample in the stream, from 0.
    #[getter]
    fn first(&self) -> u64 {
        self.block.first
    }

    /// When its first sample is heard, in seconds, as a Fraction, in the time of the file.
    #[getter]
    fn pts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        fraction(py, self.block.time)
    }

    /// Samples per second of each channel.
    #[getter]
    fn sample_rate(&self) -> u32 {
        self.block.sample_rate()
    }

    /// The channels, such as `stereo` or `5.1`.
    #[getter]
    fn layout(&self) -> String {
        self.block.layout()
    }

    /// A copy of the samples as an array of shape (samples, channels): int16, int32, float32 or float64, uint8 where the codec
    /// has it. Floating point has full scale at 1.
    ///
    /// Raises:
    ///     Unsupported: The sample format is unknown.
    #[getter]
    fn array<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        quick(py, || memory(&self.block))?.array(py)
    }

    fn __len__(&self) -> usize {
        self.block.samples()
    }
}

/// A copy of the samples, with those of all channels in turn.
fn memory(block: &AudioBlock) -> Result<Memory> {
    let Some(format) = block.sample_format() else { return Err(unknown(block.time)) };
    match format.sample {
        SampleType::U8 => interleaved::<u8>(block, "|u1"),
        SampleType::I16 => interleaved::<i16>(block, "<i2"),
        SampleType::I32 => interleaved::<i32>(block, "<i4"),
        SampleType::I64 => interleaved::<i64>(block, "<i8"),
        SampleType::F32 => interleaved::<f32>(block, "<f4"),
        SampleType::F64 => interleaved::<f64>(block, "<f8"),
    }
}

fn interleaved<T: Sample + Send + Sync>(block: &AudioBlock, kind: &'static str) -> Result<Memory> {
    let (channels, samples) = (block.channels(), block.samples());
    let all = (0..channels).map(|channel| block.channel::<T>(channel)).collect::<Result<Vec<_>>>()?;
    let turn: Vec<T> = (0..samples).flat_map(|sample| all.iter().map(move |channel| channel[sample])).collect();
    Ok(Memory::of_audio(turn, channels, kind))
}

fn unknown(time: Timestamp) -> Error {
    Error::new(ErrorKind::Unsupported, Stage::Decode, "the sample format is unknown").at(Some(time))
}

/// The audio of a source, block by block.
#[pyclass(frozen, module = "trix._trix")]
pub struct BlockIterator {
    ahead: Ahead<AudioBlock>,
}

impl BlockIterator {
    pub fn new(ahead: Ahead<AudioBlock>) -> Self {
        BlockIterator { ahead }
    }
}

#[pymethods]
impl BlockIterator {
    fn __iter__(own: PyRef<'_, Self>) -> PyRef<'_, Self> {
        own
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Block>> {
        Ok(self.ahead.next(py, None)?.map(|block| Block { block }))
    }

    fn close(&self) {
        self.ahead.stop();
    }
}
