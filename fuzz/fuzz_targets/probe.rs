//! Fuzzes [`trix_fuzz::probe`].
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| trix_fuzz::probe(bytes));
