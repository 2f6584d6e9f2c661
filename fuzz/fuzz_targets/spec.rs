//! Fuzzes [`trix_fuzz::spec`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| trix_fuzz::spec(bytes));

/// libx265 3.5 copies the value of `pools` in `x265_param_parse` and never frees it, not even in its own program.
///
/// LeakSanitizer calls this function to get its list of suppressions.
#[unsafe(no_mangle)]
pub extern "C" fn __lsan_default_suppressions() -> *const std::ffi::c_char {
    c"leak:x265_param_parse".as_ptr()
}
