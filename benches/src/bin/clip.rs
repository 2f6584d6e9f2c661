//! Prints the path of a clip of the benchmarks. The clip is made if it is missing.

use std::{error::Error, io::Write};

use clap::Parser;
use trix_benches::{Clip, Kind};

/// Makes a clip of the benchmarks.
#[derive(Parser)]
struct Arguments {
    /// How it is compressed.
    #[arg(value_enum)]
    kind: Kind,
    /// Number of frames.
    frames: u32,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { kind, frames } = Arguments::parse();
    let path = Clip { kind, frames }.file()?;
    writeln!(std::io::stdout(), "{}", path.display())?;
    Ok(())
}
