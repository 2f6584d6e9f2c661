//! Raw bindings to libx265, generated from the header of the installed library.
//!
//! Nothing here is safe to use directly. Only `trix-av`'s `x265` should call it. One process can use 8, 10 and 12 bits
//! at once: [`api_get`] returns one function table for each depth that the library was built with.

#![allow(non_camel_case_types, non_snake_case, non_upper_case_globals)]
#![allow(missing_docs, clippy::all)]

include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
include!(concat!(env!("OUT_DIR"), "/entry.rs"));
