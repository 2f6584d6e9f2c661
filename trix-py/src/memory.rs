//! Memory of the engine as arrays of numpy, without a copy.
//!
//! Invariant: an array keeps the frame or block alive that it shows, and nobody can write to it.

use std::sync::Arc;

use pyo3::{
    prelude::*,
    sync::PyOnceLock,
    types::{PyDict, PyTuple},
};
use trix_core::{VideoFrame, media::Component};

/// What numpy needs to know of samples in memory: its array interface, version 3.
#[pyclass(frozen, module = "trix._trix")]
pub struct Memory {
    /// What holds the samples.
    _owner: Arc<dyn Send + Sync>,
    address: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
    kind: &'static str,
}

#[pymethods]
impl Memory {
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let interface = PyDict::new(py);
        interface.set_item("version", 3)?;
        interface.set_item("shape", PyTuple::new(py, &self.shape)?)?;
        interface.set_item("strides", PyTuple::new(py, &self.strides)?)?;
        interface.set_item("typestr", self.kind)?;
        // True: read-only.
        interface.set_item("data", (self.address, true))?;
        Ok(interface)
    }
}

impl Memory {
    /// The array that shows this memory.
    ///
    /// # Errors
    /// `ImportError` without numpy.
    pub fn array(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        static ASARRAY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let asarray =
            ASARRAY.get_or_try_init(py, || Ok::<_, PyErr>(py.import("numpy")?.getattr("asarray")?.unbind()))?;
        asarray.bind(py).call1((Bound::new(py, self)?,))
    }

    /// The samples of one component, as rows and columns.
    pub fn of_component(owner: &Arc<VideoFrame>, component: &Component<'_>) -> Self {
        Memory {
            _owner: Arc::clone(owner) as Arc<dyn Send + Sync>,
            address: component.data.as_ptr() as usize,
            shape: vec![component.height, component.width],
            strides: vec![component.stride, component.step],
            kind: kind(component.depth),
        }
    }

    /// The samples of components that lie side by side, as rows, columns and components in the order of the memory. `None` if
    /// they do not.
    pub fn of_pixels(owner: &Arc<VideoFrame>, components: &[Component<'_>]) -> Option<Self> {
        let place = |component: &Component<'_>| component.data.as_ptr() as usize;
        let mut components: Vec<&Component<'_>> = components.iter().collect();
        components.sort_by_key(|component| place(component));
        let first = *components.first()?;
        let bytes = if first.depth > 8 { 2 } else { 1 };
        let is_beside = |(number, own): (usize, &&Component<'_>)| {
            place(own) == place(first) + number * bytes && own.stride == first.stride && own.step == first.step
        };
        components.iter().enumerate().all(is_beside).then(|| Memory {
            _owner: Arc::clone(owner) as Arc<dyn Send + Sync>,
            address: place(first),
            shape: vec![first.height, first.width, components.len()],
            strides: vec![first.stride, first.step, bytes],
            kind: kind(first.depth),
        })
    }

    /// Interleaved samples of audio, as samples and channels.
    pub fn of_audio<T: Send + Sync + 'static>(samples: Vec<T>, channels: usize, kind: &'static str) -> Self {
        let (bytes, owner) = (size_of::<T>(), Arc::new(samples));
        Memory {
            address: owner.as_ptr() as usize,
            shape: vec![owner.len() / channels.max(1), channels],
            strides: vec![bytes * channels, bytes],
            kind,
            _owner: owner,
        }
    }
}

/// Numpy's name of the type of samples of `depth` bits.
fn kind(depth: u32) -> &'static str {
    if depth > 8 { "<u2" } else { "|u1" }
}
