//! A frame in Python.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::{exceptions::PyValueError, prelude::*};
use trix_core::{
    FrameConverter, Result, VideoFrame,
    media::{PixelFormat, frame_facts::FrameType},
    settings::picture::ColorOverride,
};

use crate::{
    doorway,
    errors::{fraction, raised, record, unread},
    memory::Memory,
};

/// What frames are converted to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conversion {
    pub size: Option<(usize, usize)>,
    pub format: Option<PixelFormat>,
    pub color: ColorOverride,
}

impl Conversion {
    /// Reads the arguments of Python. `color` is JSON with the keys of `source_color` in a job.
    ///
    /// # Errors
    /// `ValueError` for a format or a colour that does not exist.
    pub fn parse(size: Option<(usize, usize)>, format: Option<&str>, color: Option<&str>) -> PyResult<Self> {
        let format = match format {
            Some(name) => Some(PixelFormat::from_name(name).ok_or_else(|| {
                PyValueError::new_err(format!("'{name}' is no pixel format, such as yuv420p, rgb24 or gbrp10le"))
            })?),
            None => None,
        };
        let color = color.map(serde_json::from_str).transpose();
        let color = color.map_err(|error| unread(&error))?.unwrap_or_default();
        Ok(Conversion { size, format, color })
    }

    fn converter(&self) -> FrameConverter {
        let mut converter = FrameConverter::new().source_color(self.color);
        if let Some((width, height)) = self.size {
            converter = converter.size(width, height);
        }
        match self.format {
            Some(format) => FrameConverter::format(converter, format),
            None => converter,
        }
    }
}

/// Converters that the frames of a source use in turn, since making one costs more than a conversion.
#[derive(Default)]
pub struct Converters(Mutex<Vec<(Conversion, FrameConverter)>>);

/// The most converters that are kept for one source.
const MOST_CONVERTERS: usize = 8;

impl Converters {
    fn convert(&self, frame: VideoFrame, to: &Conversion) -> Result<VideoFrame> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread that converts meanwhile makes a converter of its own.
        let own = {
            let mut kept = lock();
            let place = kept.iter().position(|(known, _)| known == to);
            place.map(|place| kept.remove(place).1)
        };
        let mut converter = own.unwrap_or_else(|| to.converter());
        let converted = converter.convert(frame);
        let mut kept = lock();
        if kept.len() >= MOST_CONVERTERS {
            kept.remove(0);
        }
        kept.push((to.clone(), converter));
        converted
    }
}

/// A frame of video.
#[pyclass(frozen, module = "trix")]
pub struct Frame {
    pub frame: Arc<VideoFrame>,
    converters: Arc<Converters>,
}

impl Frame {
    pub fn new(frame: VideoFrame, converters: &Arc<Converters>) -> Self {
        Frame { frame: Arc::new(frame), converters: Arc::clone(converters) }
    }
}

#[pymethods]
impl Frame {
    #[getter]
    fn number(&self) -> u64 {
        self.frame.number
    }

    #[getter]
    fn pts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        fraction(py, self.frame.time)
    }

    #[getter]
    fn duration<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.frame.duration.map(|duration| fraction(py, duration)).transpose()
    }

    #[getter]
    fn width(&self) -> usize {
        self.frame.width()
    }

    #[getter]
    fn height(&self) -> usize {
        self.frame.height()
    }

    #[getter]
    fn format(&self) -> Option<String> {
        self.frame.format().map(|format| format.name().into_owned())
    }

    #[getter]
    fn depth(&self) -> u32 {
        self.frame.format().map_or(0, PixelFormat::depth)
    }

    #[getter]
    fn picture_type(&self) -> Option<&'static str> {
        self.frame.frame_type().map(|kind| match kind {
            FrameType::I => "I",
            FrameType::P => "P",
            FrameType::B => "B",
        })
    }

    #[getter]
    fn is_key(&self) -> bool {
        self.frame.is_key()
    }

    #[getter]
    fn fields(&self) -> Option<&'static str> {
        self.frame.fields().map(|order| if order.name() == "tff" { "top" } else { "bottom" })
    }

    #[getter]
    fn sample_aspect<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let aspect = self.frame.sample_aspect;
        aspect.is_positive().then(|| crate::errors::ratio(py, aspect.num.into(), aspect.den)).transpose()
    }

    #[getter]
    fn color<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        record(py, "Color", &self.frame.color())
    }

    #[getter]
    fn mastering<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.frame.hdr.mastering.map(|mastering| record(py, "MasteringDisplay", &mastering)).transpose()
    }

    #[getter]
    fn content_light<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.frame.hdr.light.map(|light| record(py, "ContentLight", &light)).transpose()
    }

    #[getter]
    fn captions(&self) -> Option<&[u8]> {
        Some(self.frame.extras.captions.as_slice()).filter(|captions| !captions.is_empty())
    }

    #[getter]
    fn hdr10_plus(&self) -> Option<&[u8]> {
        self.frame.extras.hdr10_plus.as_deref()
    }

    #[getter]
    fn dolby_vision(&self) -> Option<&[u8]> {
        self.frame.extras.dolby_vision.as_deref()
    }

    #[getter]
    fn planes<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let components = self.components(py)?;
        components.iter().map(|component| Memory::of_component(&self.frame, component).array(py)).collect()
    }

    /// The samples side by side, as rows, columns and components; `None` if they lie in planes.
    #[getter]
    fn pixels<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let components = self.components(py)?;
        Memory::of_pixels(&self.frame, &components).map(|memory| memory.array(py)).transpose()
    }

    #[pyo3(signature = (*, size=None, format=None, color=None))]
    fn converted(
        &self,
        py: Python<'_>,
        size: Option<(usize, usize)>,
        format: Option<&str>,
        color: Option<&str>,
    ) -> PyResult<Frame> {
        let to = Conversion::parse(size, format, color)?;
        let frame = VideoFrame::clone(&self.frame);
        let number = Some(frame.number);
        let convert = || self.converters.convert(frame, &to).map_err(|error| error.of_frame(number));
        let converted = doorway::quick(py, convert)?;
        Ok(Frame::new(converted, &self.converters))
    }
}

impl Frame {
    fn components(&self, py: Python<'_>) -> PyResult<Vec<trix_core::media::Component<'_>>> {
        self.frame.components().map_err(|error| raised(py, &error.of_frame(Some(self.frame.number))))
    }
}
