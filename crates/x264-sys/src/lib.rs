//! Raw bindings to libx264, generated from the header of the library that is installed.
//!
//! Nothing here is safe or friendly; `trix-av`'s `x264` is the only intended caller. One library serves 8 and 10
//! bits: `x264_param_t::i_bitdepth` chooses when an encoder is opened.

#![allow(non_camel_case_types, non_snake_case, non_upper_case_globals)]
#![allow(missing_docs, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
include!(concat!(env!("OUT_DIR"), "/entry.rs"));
