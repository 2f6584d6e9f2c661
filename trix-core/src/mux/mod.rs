//! Writes compressed tracks into a container.
//!
//! Invariant: whatever goes into a file passes through [`Muxer::write`], which keeps the books that verification
//! compares with the file; a file has its final name only after [`part::PartFile::commit`].

pub mod codec_delay;
pub mod part;
pub mod record;

use std::path::{Path, PathBuf};

use codec_delay::Missing;
use record::{Bookkeeper, TrackRecord};

use crate::{
    error::{Error, ErrorKind, Result, Stage},
    ffi::{AvError, output::Output, side_data, stream::CodecParameters},
    media::{
        hdr::{DolbyVision, StaticHdr},
        orientation::Orientation,
        packet::Packet,
        time::{Rational, TimeBase},
    },
    spec::job::Container,
};

/// A track to be written.
pub struct TrackSpec {
    /// What the muxer must know of the codec.
    pub parameters: CodecParameters,
    /// Seconds in a tick of the packets' times.
    pub time_base: TimeBase,
    /// Pictures in a second; `None` for sound.
    pub rate: Option<Rational>,
    /// Language and title.
    pub metadata: Vec<(String, String)>,
    /// Whether players pick it by default.
    pub is_default: bool,
    /// What the container says beside the samples, for pictures.
    pub display: Display,
}

/// What a container says of pictures beside their samples.
#[derive(Clone, Copy, Debug, Default)]
pub struct Display {
    /// How a player turns pictures.
    pub orientation: Orientation,
    /// Static HDR metadata.
    pub hdr: StaticHdr,
    /// Configuration of Dolby Vision.
    pub dolby_vision: Option<DolbyVision>,
}

/// A file being written.
pub struct Muxer {
    output: Output,
    path: PathBuf,
    tracks: Vec<Track>,
    delays: Vec<Option<Missing>>,
}

struct Track {
    from: TimeBase,
    to: TimeBase,
    /// Ticks of `from` by which times are later in the file than what is heard.
    delay: i64,
    books: Bookkeeper,
}

impl Muxer {
    /// Starts a file of `tracks` at `path`, which must exist.
    ///
    /// # Errors
    /// `Io` when the disk refuses, `Unsupported` when the container cannot hold the tracks.
    pub fn new(container: Container, path: &Path, tracks: &[TrackSpec]) -> Result<Self> {
        let fail = |code: AvError| error_of(code, path, &[]);
        let mut output = Output::create(container.muxer(), path).map_err(fail)?;
        let mut delays = Vec::new();
        for track in tracks {
            let TrackSpec { parameters, time_base, rate, metadata, is_default, display } = track;
            let side_data = side_data::of_display(display);
            let mut metadata = metadata.clone();
            let delay = codec_delay::of(container, parameters);
            let missing = Missing::new(delay, &parameters.codec_name(), &metadata);
            if let Some(missing) = &missing {
                metadata.retain(|(key, _)| key != "title");
                metadata.push(("title".to_owned(), missing.placeholder()));
            }
            delays.push(missing);
            output.add_stream(parameters, *time_base, *rate, &metadata, *is_default, &side_data).map_err(fail)?;
        }
        let timescale = movie_timescale(tracks).to_string();
        let options: &[(&str, &str)] = match container {
            Container::Mp4 | Container::Mov => {
                &[("movflags", "+faststart"), ("strict", "-2"), ("movie_timescale", &timescale)]
            }
            // Blocks hold presentation times only; shifting everything because the first decoding time lies before
            // zero would shift what is seen.
            Container::Matroska => &[("avoid_negative_ts", "disabled"), ("strict", "-2")],
        };
        output.write_header(options).map_err(|code| error_of(code, path, &output.complaints()))?;
        let tracks = tracks
            .iter()
            .enumerate()
            .map(|(index, track)| {
                let to = output.time_base(index);
                let delay = codec_delay::of(container, &track.parameters);
                let delay = delay.map_or(0, |delay| delay.rescale(track.time_base));
                Track { from: track.time_base, to, delay, books: Bookkeeper::new(&track.parameters, to) }
            })
            .collect();
        Ok(Muxer { output, path: path.to_owned(), tracks, delays })
    }

    /// Writes a packet of track `track`, whose times count that track's time base.
    ///
    /// # Errors
    /// `Io` when the disk refuses, `Codec` when libavformat does.
    pub fn write(&mut self, track: usize, mut packet: Packet) -> Result<()> {
        let Some(state) = self.tracks.get_mut(track) else {
            return Err(Error::bug(Stage::Mux, format!("a packet for track {track}, which does not exist")));
        };
        packet.set_stream(track);
        let (pts, dts, duration) = (packet.pts(), packet.dts(), packet.duration());
        packet.rescale(state.from, state.to);
        state.books.enter(&packet);
        if state.delay != 0 {
            let later = |ticks: i64| ticks.saturating_add(state.delay);
            packet.set_times(pts.map(later), dts.map(later), duration);
            packet.rescale(state.from, state.to);
        }
        self.output.write(packet).map_err(|code| error_of(code, &self.path, &self.output.complaints()))
    }

    /// Bytes written so far.
    pub fn position(&self) -> u64 {
        self.output.position()
    }

    /// Writes what is outstanding, and the index; returns what the file must hold.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn finish(self) -> Result<Vec<TrackRecord>> {
        self.output.finish().map_err(|code| error_of(code, &self.path, &[]))?;
        codec_delay::complete(&self.path, &self.delays)?;
        Ok(self.tracks.into_iter().map(|track| track.books.close()).collect())
    }
}

/// Ticks in a second in which an MP4 counts the delay of each track: so many that every track's start is exact.
fn movie_timescale(tracks: &[TrackSpec]) -> i64 {
    // Beyond this, times of a long film need 64 bits where some players read 32.
    const MOST: i64 = 1_000_000;
    let gcd = |mut a: i64, mut b: i64| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    tracks.iter().map(|track| track.time_base.den).fold(1000, |scale, den| {
        let common = scale / gcd(scale, den) * den;
        if den > 0 && common <= MOST { common } else { scale }
    })
}

fn error_of(code: AvError, path: &Path, said: &[String]) -> Error {
    let said = if said.is_empty() { String::new() } else { format!(" ({})", said.join("; ")) };
    match code.io().filter(|error| error.kind() != std::io::ErrorKind::InvalidInput) {
        Some(error) => Error::new(ErrorKind::Io, Stage::Mux, format!("cannot be written: {error}{said}")),
        None if code == AvError::INVALID || code.io().is_some() => {
            Error::new(ErrorKind::Unsupported, Stage::Mux, format!("the container refuses the tracks: {code}{said}"))
        }
        None => Error::new(ErrorKind::Codec, Stage::Mux, format!("cannot be written: {code}{said}")),
    }
    .in_file(path)
    .caused_by(code)
}
