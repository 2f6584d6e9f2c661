//! `trix doctor`, `trix schema`, `trix completions`: about Trix itself.

use clap::CommandFactory;
use trix_core::{
    Error, ErrorKind, Stage, doctor as health,
    document::key_table,
    schema::{self, Name},
};

use crate::{
    args::{Cli, Completions, Doctor, Schema, SchemaName},
    exit, output, render,
};

/// Shows versions, depths and codecs. A missing library is an input/output error: a package must be installed.
pub fn doctor(args: &Doctor) -> u8 {
    let found = health::examine();
    if args.json {
        output::json(&found);
    } else {
        output::text(&render::doctor::text(&found));
    }
    if found.ok { exit::DONE } else { exit::code(trix_core::ErrorKind::Io) }
}

/// Prints a JSON Schema.
pub fn schema(args: &Schema) -> u8 {
    if args.table {
        let SchemaName::Job = args.name else {
            let error = Error::new(
                ErrorKind::InvalidSpec,
                Stage::Plan,
                "--table shows the keys of a job: trix schema job --table",
            );
            return output::failure(&error, false);
        };
        output::verbatim(&key_table());
        return exit::DONE;
    }
    let name = match args.name {
        SchemaName::Job => Name::Job,
        SchemaName::Plan => Name::Plan,
        SchemaName::MediaInfo => Name::MediaInfo,
        SchemaName::Report => Name::Report,
        SchemaName::Progress => Name::Progress,
        SchemaName::Event => Name::Event,
        SchemaName::Verify => Name::Verify,
        SchemaName::Compare => Name::Compare,
        SchemaName::Doctor => Name::Doctor,
        SchemaName::Error => Name::Error,
        SchemaName::Manifest => Name::Manifest,
        SchemaName::Summary => Name::Summary,
        SchemaName::Status => Name::Status,
    };
    output::json(&schema::of(name));
    exit::DONE
}

/// Prints a completion script.
pub fn completions(args: &Completions) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "trix", &mut script);
    output::verbatim(&String::from_utf8_lossy(&script));
    exit::DONE
}
