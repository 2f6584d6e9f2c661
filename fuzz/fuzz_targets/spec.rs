//! Fuzzes [`trix_fuzz::spec`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| trix_fuzz::spec(bytes));

/// libx265 3.5 copies the value of `pools` in `x265_param_parse` and frees it nowhere, not in its own program either.
///
/// LeakSanitizer asks this function what to overlook.
#[unsafe(no_mangle)]
pub extern "C" fn __lsan_default_suppressions() -> *const std::ffi::c_char {
    c"leak:x265_param_parse".as_ptr()
}
