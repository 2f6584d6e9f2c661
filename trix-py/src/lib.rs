//! `trix._trix`: the compiled module of the Python package `trix`.
//!
//! It holds no media logic. Each function is a call into trix-core; documents travel as JSON, and `python/trix` gives them
//! types.
//!
//! Invariant: a call that can take time releases the GIL, and each failure is an exception below `trix.Error`.

mod ahead;
mod audio;
mod checking;
mod chunks;
mod command;
mod doorway;
mod errors;
mod frame;
mod inspect;
mod memory;
mod openings;
mod place;
mod reading;
mod running;
mod session;
mod source;
mod work;

#[pyo3::pymodule(gil_used = false)]
mod _trix {
    #[pymodule_export]
    use crate::audio::{Block, BlockIterator};
    #[pymodule_export]
    use crate::checking::{compare, verify};
    #[pymodule_export]
    use crate::chunks::{encode_chunk, measure_chunk, plan_chunks};
    #[pymodule_export]
    use crate::command::command;
    #[pymodule_export]
    use crate::errors::error_kinds;
    #[pymodule_export]
    use crate::frame::Frame;
    #[pymodule_export]
    use crate::inspect::{doctor, info_text, panic_on_request, probe, schema, version};
    #[pymodule_export]
    use crate::memory::Memory;
    #[pymodule_export]
    use crate::running::{Run, plan, start};
    #[pymodule_export]
    use crate::session::{Session, session};
    #[pymodule_export]
    use crate::source::{BatchIterator, FrameIterator, Source, open};
}
