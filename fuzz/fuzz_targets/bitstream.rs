//! Fuzzes [`trix_fuzz::bitstream`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| trix_fuzz::bitstream(bytes));
