//! The integration tests of the program `trix`. Each folder holds the tests of one subject.

mod support;

/// Jobs and sources that Trix rejects, and its messages.
mod refusals {
    mod outputs;
    mod settings;
    mod sources;
}

/// Sources with changed bits, and truncated sources.
mod damage {
    mod flipped_bits;
    mod real_media;
    mod truncated;
}

/// Unusual sources, and stream selection.
mod sources {
    mod frame_kinds;
    mod headerless;
    mod odd_shapes;
    mod stream_selection;
}

/// Whole jobs: commands, failures, interrupts, memory.
mod jobs {
    mod archive_memory;
    mod chunks;
    mod commands;
    mod environment;
    mod failures;
    mod ingest;
    mod interrupts;
    mod isolation;
    mod kills;
    mod memory;
    mod profiles;
    mod records;
    mod valgrind;
}

/// Copies of every media file.
mod real_media {
    mod ingest;
    mod masters;
}

/// The form and the words of messages.
mod messages {
    mod forms;
    mod page;
    mod progress;
}

/// The pages for users: every command is run, and its output compared.
mod documents {
    mod masters;
    mod pages;
    mod shape;
}

mod browser;
mod help;
mod interface;
mod probe;
mod scores;
