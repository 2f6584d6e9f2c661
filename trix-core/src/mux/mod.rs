//! Writes compressed tracks into a container.
//!
//! Invariant: every packet of a file passes through [`Muxer::write`], which keeps the records that verification
//! compares with the file. A file gets its final name only in [`part::PartFile::commit`].

pub mod codec_delay;
mod edit_list;
mod edit_units;
pub mod json_file;
pub mod part;
pub(crate) mod patience;
pub mod record;

use std::path::{Path, PathBuf};

use trix_av::{
    AvError,
    bsf::BitstreamFilter,
    output::{NewStream, Output},
    packet::Packet,
    side_data,
    stream::{CodecParameters, StreamKind},
};
use trix_bitstream::{codec_delay::Missing, edit_list::Shown, in_band::InBand};
use trix_model::{
    chapter::Chapter,
    error::{Error, ErrorKind, Result, Stage},
    frame_facts::Display,
    time::{Rational, TimeBase, Timestamp},
};

use edit_units::EditUnits;
use patience::{Arrival, Patience};
use record::{TrackRecord, TrackRecorder};

use crate::settings::job::Container;

/// A track to write.
pub struct TrackSpec {
    /// The codec parameters.
    pub parameters: CodecParameters,
    /// Time base of the packets.
    pub time_base: TimeBase,
    /// Frame rate; `None` for audio and subtitles.
    pub rate: Option<Rational>,
    /// Language, title and other tags.
    pub metadata: Vec<(String, String)>,
    /// Dispositions of the track, by FFmpeg's names.
    pub disposition: Vec<String>,
    /// Display metadata of a video track for the container.
    pub display: Display,
    /// True if an encoder that looks ahead makes the packets.
    pub looks_ahead: bool,
    /// True for cut audio: everything from the first packet to time zero is decoded but not heard.
    pub hides_start: bool,
}

/// An attachment, such as a font.
pub struct Attached<'a> {
    /// File name.
    pub name: &'a str,
    /// Media type (RFC 6838).
    pub media_type: &'a str,
    /// Content.
    pub data: Vec<u8>,
}

/// A cover image that the container stores with its tags.
pub struct CoverSpec {
    /// The codec parameters.
    pub parameters: CodecParameters,
    /// The coded image.
    pub data: Vec<u8>,
}

/// Content of a file beside its tracks.
#[derive(Default)]
pub struct FileMetadata<'a> {
    /// Tags of the whole file.
    pub metadata: Vec<(String, String)>,
    /// Chapters.
    pub chapters: &'a [Chapter],
    /// Attachments.
    pub attachments: Vec<Attached<'a>>,
    /// Cover images.
    pub covers: Vec<CoverSpec>,
}

/// A file that is being written.
pub struct Muxer {
    output: Output,
    path: PathBuf,
    container: Container,
    movie: TimeBase,
    tracks: Vec<OutputTrack>,
    edit_units: Option<EditUnits>,
    delays: Vec<Option<Missing>>,
    patience: Patience,
}

struct OutputTrack {
    from: TimeBase,
    to: TimeBase,
    /// Delay of the times in the file relative to the audible times, in ticks of `from`.
    delay: i64,
    /// True if the first packet determines the delay.
    finds_delay: bool,
    record: TrackRecorder,
    is_video: bool,
    in_band: Option<InBand>,
    /// Joins packets that belong to one frame.
    joiner: Option<BitstreamFilter>,
    /// Presentation time of the first frame in the file, and the earliest one, in ticks of the file.
    shown: Option<(i64, i64)>,
}

impl Muxer {
    /// Starts a file at `path`, which must exist, with `tracks` and `file_metadata`. `arrival` says how packets come.
    ///
    /// # Errors
    /// `Io` if the disk fails, `Unsupported` if the container cannot hold the tracks.
    pub fn new(
        container: Container,
        path: &Path,
        mut tracks: Vec<TrackSpec>,
        file_metadata: &FileMetadata<'_>,
        arrival: Arrival,
    ) -> Result<Self> {
        let fail = |code: AvError| error_of(code, path, &[]);
        let mut output = Output::create(container.muxer(), path).map_err(fail)?;
        output.set_metadata(&file_metadata.metadata);
        output.set_chapters(file_metadata.chapters).map_err(fail)?;
        let (mut rewriters, mut delays) = (Vec::new(), Vec::new());
        let has_timecode = file_metadata.metadata.iter().any(|(key, _)| key == "timecode");
        for track in &mut tracks {
            let parameters = &track.parameters;
            let rewriter = InBand::new(&parameters.codec_name(), parameters.extradata());
            let rewriter = rewriter.filter(|_| container.wants_parameter_sets_in_band());
            if let Some(rewriter) = &rewriter {
                track.parameters = parameters.clone().with_extradata(&rewriter.extradata());
            }
            rewriters.push(rewriter);
            let missing = if hides_start(container, track) {
                // The first packet determines the delay. The muxer would write another delay: that of an encoder.
                track.parameters.set_priming(0);
                Some(codec_delay::later(&track.metadata))
            } else {
                let delay = codec_delay::of(container, &track.parameters);
                delay.and_then(|delay| codec_delay::missing(delay, &track.parameters.codec_name(), &track.metadata))
            };
            if let Some(missing) = &missing {
                track.metadata.retain(|(key, _)| key != "title");
                track.metadata.push(("title".to_owned(), missing.placeholder()));
            }
            delays.push(missing);
            for (key, _) in track.metadata.iter_mut().filter(|(key, _)| container.is_iso() && key == "title") {
                // All players read the handler's name. Few read the name in the track's user data.
                "handler_name".clone_into(key);
            }
            let tick = track.rate.and_then(|rate| match container {
                // The MXF muxer takes the time base of video for its frame rate.
                Container::Mxf => Some(rate.inverse()),
                // If a time code counts frames, a frame must last a whole number of ticks.
                Container::Mp4 | Container::Mov if has_timecode => with_whole_frames(track.time_base, rate),
                _ => None,
            });
            output
                .add_stream(&NewStream {
                    parameters: &track.parameters,
                    time_base: tick.unwrap_or(track.time_base),
                    rate: track.rate,
                    metadata: &track.metadata,
                    disposition: &track.disposition,
                    side_data: &side_data::of_display(&track.display),
                })
                .map_err(fail)?;
        }
        let covers = add_file_metadata(&mut output, file_metadata).map_err(fail)?;
        let movie = TimeBase::new(1, movie_timescale(&tracks));
        let timescale = movie.den.to_string();
        let options: &[(&str, &str)] = match container {
            Container::Mp4 | Container::Mov => {
                &[("movflags", "+faststart"), ("strict", "-2"), ("movie_timescale", &timescale)]
            }
            // Blocks hold only presentation times. A shift because of a negative first decoding time would shift the
            // presentation.
            Container::Matroska | Container::WebM => &[("avoid_negative_ts", "disabled"), ("strict", "-2")],
            // Data arrive 0.7 s before they are decoded, as a receiver's buffer needs (ISO/IEC 13818-1, 2.4.2). The
            // `ffmpeg` program uses the same value.
            Container::MpegTs => &[("max_delay", "700000"), ("mpegts_m2ts_mode", "0")],
            Container::M2ts => &[("max_delay", "700000"), ("mpegts_m2ts_mode", "1")],
            Container::Mxf => &[],
        };
        let video = tracks.iter().filter_map(|track| Some((track.rate?, track.looks_ahead)));
        let patience = Patience::new(arrival, tracks.len(), video);
        output.set_patience(patience.micros());
        output.write_header(options).map_err(|code| error_of(code, path, &output.complaints()))?;
        for (index, data) in covers {
            let mut packet = Packet::copy_of(data);
            packet.set_stream(index);
            packet.set_times(Some(0), Some(0), 0);
            packet.set_key(true);
            output.write(packet).map_err(|code| error_of(code, path, &output.complaints()))?;
        }
        let edit_units = (container == Container::Mxf).then(|| edit_units(&tracks, patience.most_apart())).flatten();
        let tracks = tracks
            .into_iter()
            .zip(rewriters)
            .enumerate()
            .map(|(index, (track, in_band))| {
                let to = output.time_base(index);
                let delay = codec_delay::to_add(container, &track.parameters);
                let delay = delay.map_or(0, |delay| delay.rescale(track.time_base));
                let finds_delay = hides_start(container, &track);
                let record = TrackRecorder::new(&track.parameters, to);
                let is_video = track.parameters.kind() == StreamKind::Video;
                // WebM and other containers store VP9 frames that are not shown in one packet with the next shown
                // frame.
                let joiner = (track.parameters.codec_name() == "vp9")
                    .then(|| BitstreamFilter::open("vp9_superframe", &track.parameters, track.time_base))
                    .transpose()
                    .map_err(fail)?;
                Ok(OutputTrack {
                    from: track.time_base,
                    to,
                    delay,
                    finds_delay,
                    record,
                    is_video,
                    in_band,
                    joiner,
                    shown: None,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Muxer { output, path: path.to_owned(), container, movie, tracks, edit_units, delays, patience })
    }

    /// Writes a packet of track `track`, with times in that track's time base.
    ///
    /// # Errors
    /// `Io` if the disk fails, `Codec` if libavformat fails.
    pub fn write(&mut self, track: usize, mut packet: Packet) -> Result<()> {
        let Some(state) = self.tracks.get_mut(track) else {
            return Err(Error::bug(Stage::Mux, format!("a packet for track {track}, which does not exist")));
        };
        if let Some(in_band) = &state.in_band
            && let Some(parts) = in_band.rewrite(packet.data(), packet.is_key())
        {
            packet = packet.with_parts(&parts);
        }
        if let Some(joiner) = &mut state.joiner {
            let joined = joiner.send(Some(&packet)).and_then(|()| joiner.receive());
            let joined = joined.map_err(|code| error_of(code, &self.path, &[]))?;
            let Some(joined) = joined else { return Ok(()) };
            packet = joined;
        }
        let Some(units) = &mut self.edit_units else {
            return self.put(track, packet, None);
        };
        let time = packet.pts().map(|pts| Timestamp::new(pts, state.from));
        if state.is_video {
            units.frame(time.map_or(-1, |time| time.rescale(state.to)));
            self.put(track, packet, None)?;
        } else if !units.take(track, time, packet.data()) {
            return self.put(track, packet, None);
        }
        self.put_ready()
    }

    /// Ends a track, while others go on. Their packets need not wait for it. MXF needs audio beside each frame, so silence
    /// follows audio that has ended.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn end(&mut self, track: usize) -> Result<()> {
        self.patience.end(track);
        self.output.set_patience(self.patience.micros());
        let is_video = self.tracks.get(track).is_some_and(|state| state.is_video);
        let Some(units) = &mut self.edit_units else { return Ok(()) };
        if is_video {
            units.end_frames()
        } else {
            units.end_audio(track)
        }
        self.put_ready()
    }

    /// Writes the audio that is due in MXF.
    fn put_ready(&mut self) -> Result<()> {
        let ready = self.edit_units.as_mut().map(EditUnits::ready).unwrap_or_default();
        ready.into_iter().try_for_each(|(track, base, packet)| self.put(track, packet, Some(base)))
    }

    fn put(&mut self, track: usize, mut packet: Packet, base: Option<TimeBase>) -> Result<()> {
        let state = &mut self.tracks[track];
        let from = base.unwrap_or(state.from);
        packet.set_stream(track);
        let (pts, dts, duration) = (packet.pts(), packet.dts(), packet.duration());
        packet.rescale(from, state.to);
        state.record.enter(&packet);
        if let Some(pts) = packet.pts() {
            let (_, earliest) = state.shown.get_or_insert((pts, pts));
            *earliest = (*earliest).min(pts);
        }
        if std::mem::take(&mut state.finds_delay) {
            state.delay = pts.map_or(0, i64::saturating_neg).max(0);
            if let Some(missing) = self.delays.get_mut(track).and_then(Option::as_mut) {
                let delay = Timestamp::new(state.delay, from);
                if !missing.settle(delay) {
                    let detail = format!("Matroska cannot state a codec delay of {delay}");
                    return Err(Error::new(ErrorKind::Unsupported, Stage::Mux, detail).in_stream(track));
                }
            }
        }
        if state.delay != 0 {
            let later = |ticks: i64| ticks.saturating_add(state.delay);
            packet.set_times(pts.map(later), dts.map(later), duration);
            packet.rescale(from, state.to);
        }
        let time = packet.dts().map(|ticks| Timestamp::new(ticks, self.tracks[track].to));
        if time.is_some_and(|time| self.patience.reach(track, time)) {
            self.output.set_patience(self.patience.micros());
        }
        self.output.write(packet).map_err(|code| error_of(code, &self.path, &self.output.complaints()))
    }

    /// Bytes written so far.
    pub fn position(&self) -> u64 {
        self.output.position()
    }

    /// Writes pending packets and the index. Returns the records of what the file must hold, and notes about lost
    /// content.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn finish(mut self) -> Result<(Vec<TrackRecord>, Vec<String>)> {
        let mut notes = Vec::new();
        if let Some(units) = &mut self.edit_units {
            let (rest, said) = units.finish().map_err(|error| error.in_file(&self.path))?;
            notes = said;
            rest.into_iter().try_for_each(|(track, base, packet)| self.put(track, packet, Some(base)))?;
        }
        self.output.finish().map_err(|code| error_of(code, &self.path, &[]))?;
        codec_delay::complete(&self.path, &self.delays)?;
        for (index, track) in self.tracks.iter().enumerate().filter(|(_, track)| track.is_video) {
            let Some((first, earliest)) = track.shown.filter(|(first, earliest)| earliest < first) else { continue };
            if self.container.is_iso() {
                let [first, earliest] = [first, earliest].map(|ticks| Timestamp::new(ticks, track.to));
                let shown = Shown { track: index, first, earliest };
                let is_repaired = edit_list::repair(&self.path, &shown, self.movie)
                    .map_err(|error| Error::io(Stage::Mux, &self.path, "cannot be written", error))?;
                if !is_repaired {
                    notes.push(format!("track {index}: players may show its first frame late"));
                }
            }
        }
        Ok((self.tracks.into_iter().map(|track| track.record.close()).collect(), notes))
    }
}

/// True if the first packet of a track determines its codec delay. For Opus, the header states the delay.
fn hides_start(container: Container, track: &TrackSpec) -> bool {
    track.hides_start && container.is_matroska() && track.parameters.codec_name() != "opus"
}

/// Adds attachments and covers. Returns the streams of the cover images with their data.
fn add_file_metadata<'a>(
    output: &mut Output,
    file_metadata: &'a FileMetadata<'_>,
) -> Result<Vec<(usize, &'a [u8])>, AvError> {
    let millis = TimeBase::new(1, 1000);
    for Attached { name, media_type, data } in &file_metadata.attachments {
        let metadata = [("filename", name), ("mimetype", media_type)];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), (*value).to_owned()));
        let parameters = CodecParameters::for_attachment(data);
        let stream = NewStream {
            parameters: &parameters,
            time_base: millis,
            rate: None,
            metadata: &metadata,
            disposition: &[],
            side_data: &[],
        };
        output.add_stream(&stream)?;
    }
    let mut covers = Vec::new();
    for CoverSpec { parameters, data } in &file_metadata.covers {
        let disposition = ["attached_pic".to_owned()];
        let stream = NewStream {
            parameters,
            time_base: millis,
            rate: None,
            metadata: &[],
            disposition: &disposition,
            side_data: &[],
        };
        covers.push((output.add_stream(&stream)?, data.as_slice()));
    }
    Ok(covers)
}

/// For MXF: the buffer that keeps audio beside its frames.
fn edit_units(tracks: &[TrackSpec], most_apart: Option<Timestamp>) -> Option<EditUnits> {
    let mut units = EditUnits::new(tracks.iter().find_map(|track| track.rate)?, most_apart);
    for (index, track) in tracks.iter().enumerate() {
        if let Some((rate, block)) = track.parameters.pcm_block() {
            units.add_audio(index, rate, block);
        }
    }
    Some(units)
}

/// Movie timescale of an MP4 in ticks a second: fine enough to state every track's start exactly.
fn movie_timescale(tracks: &[TrackSpec]) -> i64 {
    // With a finer scale, times of a long film need 64 bits, and some players read 32.
    const MOST: i64 = 1_000_000;
    tracks.iter().map(|track| track.time_base.den).fold(1000, |scale, den| {
        let common = scale / gcd(scale, den) * den;
        if den > 0 && common <= MOST { common } else { scale }
    })
}

/// The coarsest refinement of `base` in which frames at `rate` last whole ticks. `None` if it would be too fine.
fn with_whole_frames(base: TimeBase, rate: Rational) -> Option<TimeBase> {
    let ticks = (base.den / gcd(base.den, rate.num).max(1)).checked_mul(rate.num)?;
    (base.num == 1 && ticks <= 1_000_000).then(|| TimeBase::new(1, ticks))
}

fn gcd(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn error_of(code: AvError, path: &Path, said: &[String]) -> Error {
    let said = if said.is_empty() { String::new() } else { format!(" ({})", said.join("; ")) };
    match code.io().filter(|error| error.kind() != std::io::ErrorKind::InvalidInput) {
        // The file existed when the job began.
        Some(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Error::new(ErrorKind::Io, Stage::Mux, format!("{}{said}", part::GONE))
        }
        Some(error) => Error::new(ErrorKind::Io, Stage::Mux, format!("cannot be written: {error}{said}")),
        None if code == AvError::INVALID || code.io().is_some() => {
            Error::new(ErrorKind::Unsupported, Stage::Mux, format!("the container refuses the tracks: {code}{said}"))
        }
        None => Error::new(ErrorKind::Codec, Stage::Mux, format!("cannot be written: {code}{said}")),
    }
    .in_file(path)
    .caused_by(code)
}
