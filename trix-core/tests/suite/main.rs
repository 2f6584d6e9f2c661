//! The integration tests of the engine. Each folder holds the tests of one subject.

mod support;

/// Containers and streams of sources, as Trix reads them.
mod sources {
    mod concatenated;
    mod damage;
    mod decode;
    mod fixity;
    pub mod formats;
    mod landing;
    mod packet_identifiers;
    mod recorders;
    mod seek;
    mod timestamp_repair;
}

/// The facts that `probe` reports.
mod probe {
    mod coding;
    mod cross_check;
    mod facts;
}

/// Frames and audio that a program owns, and sessions that encode them.
mod frames {
    mod owned;
    mod session;
    mod session_ends;
    mod session_input;
    mod session_lead;
    mod session_products;
}

/// Frames: encoded, copied, converted, scaled.
mod video {
    mod alignment;
    mod bit_exact;
    mod coded_frames;
    mod color;
    mod copy;
    mod fields;
    mod frame_rate;
    mod geometry;
    mod grey;
    mod hdr;
    mod layers;
    mod lossless;
    mod mezzanine;
    mod pixel_formats;
    mod scaling_cascade;
}

/// Audio of the source, and external audio (`external_*`).
mod audio {
    mod channel_layouts;
    mod conversion;
    mod edits;
    mod format_changes;
    mod loudness_jobs;
    mod loudness_meter;
    mod external_lengths;
    mod external_metadata;
    mod external_placement;
    mod external_settings;
    mod sync;
    mod tracks;
}

/// Containers that Trix writes, as other programs read them.
mod containers {
    mod frame_times;
    mod gstreamer;
    mod headers;
    mod metadata;
}

/// HLS and DASH packages.
mod packages {
    mod jobs;
    mod lengths;
    mod players;
    mod refusals;
    mod segments;
}

/// Posters, thumbnails, waveforms.
mod stills {
    mod jobs;
    mod posters_and_sprites;
    mod preview;
    mod waveforms;
}

/// Job documents and profiles.
mod documents {
    mod guide;
    mod languages_and_mistakes;
    mod made;
    mod merging;
    mod places;
    mod profiles;
    mod properties;
    mod round_trips;
}

/// Whole jobs: several outputs, cancellation, equal bytes, memory.
mod jobs {
    mod cancel;
    mod chunk_division;
    mod chunk_ends;
    mod chunk_filters;
    mod filter_threads;
    mod chunk_rates;
    mod chunk_reading;
    pub mod chunks;
    mod determinism;
    mod events;
    mod finish;
    mod leaks;
    mod machines;
    mod memory_bound;
    mod openings;
    mod outputs;
    mod plan_travels;
    mod shared_analysis;
    mod shared_encodes;
    mod targets;
    mod trials;
}

mod fuzz_corpus;
mod invariants;
mod platform;
mod properties;
mod structure;
mod vendored;
