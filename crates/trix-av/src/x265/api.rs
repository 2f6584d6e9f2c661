//! The function tables of the library, one for each depth.
//!
//! Invariant: the sizes of the structs in the header were compared with those of the library before the first call.

use std::ffi::c_int;

use trix_model::format::{Chroma, FrameFormat};
use x265_sys as x265;

use crate::text;

/// The function table of one depth.
#[derive(Clone, Copy)]
pub(super) struct Api(pub(super) &'static x265::x265_api);

impl Api {
    pub(super) fn of(depth: u32) -> Option<Self> {
        // SAFETY: returns null or a static table; its sizes are compared before anything in it is used.
        let api = unsafe { x265::api_get(depth as c_int).as_ref()? };
        let same = api.sizeof_param as usize == size_of::<x265::x265_param>()
            && api.sizeof_picture as usize == size_of::<x265::x265_picture>()
            && api.sizeof_analysis_data as usize == size_of::<x265::x265_analysis_data>()
            && api.bit_depth == depth as c_int;
        same.then_some(Api(api))
    }
}

/// Calls a function of the table. Every build of the library sets every entry.
macro_rules! call {
    ($api:expr, $name:ident ( $($argument:expr),* )) => {
        ($api.0.$name.expect("libx265 fills its function table"))($($argument),*)
    };
}
pub(super) use call;

/// The number of a chroma format.
pub(super) fn csp(format: FrameFormat) -> c_int {
    (match format.chroma {
        Chroma::C400 => x265::X265_CSP_I400,
        Chroma::C420 => x265::X265_CSP_I420,
        Chroma::C422 => x265::X265_CSP_I422,
        Chroma::C444 => x265::X265_CSP_I444,
    }) as c_int
}

/// The version and the supported bit depths of the library, e.g. `3.5+1` and `[8, 10, 12]`.
pub fn build() -> (String, Vec<u32>) {
    let depths: Vec<u32> = [8, 10, 12].into_iter().filter(|&depth| Api::of(depth).is_some()).collect();
    let version = depths.first().and_then(|&depth| Api::of(depth));
    // SAFETY: the table holds a static string.
    let version = version.and_then(|api| unsafe { text(api.0.version_str) }).unwrap_or_default();
    (version, depths)
}
