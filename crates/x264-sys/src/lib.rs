//! Raw bindings to libx264, generated from the header of the installed library.
//!
//! Nothing here is safe to use directly. Only `trix-av`'s `x264` should call it. One library encodes 8 and 10 bits:
//! `x264_param_t::i_bitdepth` selects the depth when an encoder is opened.

#![allow(non_camel_case_types, non_snake_case, non_upper_case_globals)]
#![allow(missing_docs, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
include!(concat!(env!("OUT_DIR"), "/entry.rs"));
