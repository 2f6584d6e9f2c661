//! The steps of a film in chunks: divided, encoded chunk by chunk on any machine, joined.

use std::path::PathBuf;

use pyo3::prelude::*;
use trix_core::{Cancel, ChunkDone, Error, Plan, encode_chunk as encode, measure_chunk as measure};

use crate::{
    doorway::call,
    errors::raised,
    inspect::json,
    work::{Work, plan_of},
};

/// The plan of a job whose film is encoded in chunks, as JSON.
///
/// # Errors
/// `Unsupported` if the job needs the whole film; those of planning.
#[pyfunction]
pub fn plan_chunks(py: Python<'_>, work: &str) -> PyResult<String> {
    let (cancel, work) = (Cancel::default(), Work::parse(work)?);
    let own = cancel.clone();
    json(&call(py, &cancel, move || work.planned_in_chunks(&own))?)
}

/// Encodes chunk `number` of a plan into the folder `store`. Returns its first frame, the frame after its last one, and true if it
/// was not there.
///
/// # Errors
/// Those of decoding, encoding and writing.
#[pyfunction]
pub fn encode_chunk(py: Python<'_>, plan: &str, number: usize, store: PathBuf) -> PyResult<(u64, u64, bool)> {
    made(py, plan, move |plan, cancel| encode(plan, number, &store, cancel))
}

/// Makes the first of two passes of chunk `number` of a plan, as [`encode_chunk`] makes the chunk.
///
/// # Errors
/// As [`encode_chunk`].
#[pyfunction]
pub fn measure_chunk(py: Python<'_>, plan: &str, number: usize, store: PathBuf) -> PyResult<(u64, u64, bool)> {
    made(py, plan, move |plan, cancel| measure(plan, number, &store, cancel))
}

fn made(
    py: Python<'_>,
    plan: &str,
    work: impl FnOnce(&Plan, &Cancel) -> Result<ChunkDone, Error> + Send + 'static,
) -> PyResult<(u64, u64, bool)> {
    let (cancel, plan) = (Cancel::default(), plan_of(plan).map_err(|error| raised(py, &error))?);
    let own = cancel.clone();
    let ChunkDone { range, is_new } = call(py, &cancel, move || work(&plan, &own))?;
    Ok((range.start, range.end, is_new))
}
