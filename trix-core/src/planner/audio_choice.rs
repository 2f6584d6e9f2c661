//! Chooses how an audio track is written where the job leaves it to Trix: as a copy, or else in the closest codec that
//! works.
//!
//! Invariant: the planner never refuses a choice that is made here.

use trix_av::stream::StreamFacts;
use trix_model::time::{Rational, Timestamp};

use crate::{
    decode::forms::{self, Change},
    package,
    planner::{
        audio_codec::{self, AudioCodec},
        channels, holding,
        request::OutputRequest,
    },
    settings::{
        audio::{AudioSettings, AudioShape},
        job::Container,
        video::VideoSettings,
    },
    source::Source,
};

/// How a track is written, and why it is not copied.
#[derive(Debug, PartialEq)]
pub(super) struct Choice {
    pub(super) settings: AudioSettings,
    pub(super) why: Option<String>,
}

/// The codecs that common players and browsers decode in MP4 and MOV.
const PLAYED: [&str; 4] = ["aac", "mp3", "ac3", "eac3"];

/// True if players that read `container` decode `codec`. Those that read another container than MP4 or MOV decode what it holds.
fn is_played(container: Container, codec: &str) -> bool {
    !container.is_iso() || PLAYED.contains(&codec)
}

/// Why the audio of a program is not copied.
pub(super) const NO_PACKETS: &str = "a program gives samples, and no packets that could be copied";

/// Chooses the settings for `stream` of `source`, or of an external file. `changed` is true if the job changes the
/// samples.
pub(super) fn choose(
    job: &OutputRequest<'_>,
    container: Container,
    stream: &StreamFacts,
    changed: bool,
    source: Option<&Source>,
) -> Choice {
    let shape = &job.output.audio_shape;
    let changes = || source.and_then(|source| change(job, container, stream, source));
    let reason = if source.is_some_and(Source::is_given) {
        Some(NO_PACKETS.to_owned())
    } else if changed {
        Some("what is moved, mixed, stretched or joined by an edit list cannot be copied".to_owned())
    } else if *shape != AudioShape::default() {
        Some("a copy keeps its channels, rate and level".to_owned())
    } else if let Err(problem) = copies(container, stream) {
        Some(problem)
    } else if job.output.compatible && !is_played(container, &stream.codec) {
        Some(format!("few players decode {} in {}", stream.codec, container.name()))
    } else if job.part.is_some() && !package::CODECS.contains(&stream.codec.as_str()) {
        Some(format!("{} has no place in a package", stream.codec))
    } else if cuts(job) && !cuts_exactly(container, stream) {
        Some(format!("{} cannot say where in a packet the audio begins and ends", container.name()))
    } else {
        changes()
    };
    let copied = Choice { settings: AudioSettings::Copy, why: None };
    let Some(reason) = reason else { return copied };
    let Some(settings) = encoding(job, container, stream) else { return copied };
    // A copy that is cut at packets, up to half a packet off, loses less than another lossy codec.
    let chosen = AudioCodec::of(settings);
    let is_for_players = job.output.compatible && chosen.is_some_and(|codec| codec.name == "aac");
    if is_for_players && !is_played(container, &stream.codec) {
        return Choice { settings, why: Some(format!("{reason}, and common players decode AAC")) };
    }
    let keeps = chosen.is_some_and(|codec| !codec.is_lossy() || codec.name == own_name(stream));
    let is_plain = !changed && job.part.is_none() && *shape == AudioShape::default();
    let can_copy = || is_plain && copies(container, stream).is_ok() && changes().is_none();
    if !keeps && can_copy() { copied } else { Choice { settings, why: Some(reason) } }
}

/// Describes the first change of codec or shape that `container` cannot describe in a copy, within the part that the
/// job takes.
fn change(job: &OutputRequest<'_>, container: Container, stream: &StreamFacts, source: &Source) -> Option<String> {
    let holds_shapes = holds_changes(container, &stream.codec);
    // The search reads the whole source, so it is skipped where no possible change would matter.
    if !forms::may_change(source, stream) || (holds_shapes && !forms::may_change_codec(source)) {
        return None;
    }
    let changes = job.probe.forms(source).changes(stream.index)?;
    let shape = changes.shape.as_ref().filter(|_| !holds_shapes);
    let first = source.start().map(|start| Timestamp::new(start, Rational::new(1, 1_000_000)));
    let start = job.source.start.unwrap_or(Timestamp::new(0, Rational::new(1, 1)));
    let end = first.zip(job.source.duration).map(|(first, duration)| first.plus(start).plus(duration));
    let is_taken = |change: &&Change| change.at.zip(end).is_none_or(|(at, end)| at < end);
    let change = [changes.codec.as_ref(), shape].into_iter().flatten().find(is_taken)?;
    let place = change.at.map_or_else(String::new, |at| format!(" at {at}"));
    Some(format!("it changes{place} from {}, which {} cannot express for a copy", change.detail, container.name()))
}

/// True if frames of `codec` may differ in `container` from the header of their track. A transport stream states only
/// the codec. Matroska states rate and channels, but players take those of the frames. The sample entries of MP4 and
/// MOV and the configuration of AAC hold for the whole track.
pub(crate) fn holds_changes(container: Container, codec: &str) -> bool {
    match container {
        Container::MpegTs | Container::M2ts => true,
        Container::Matroska => matches!(codec, "ac3" | "eac3" | "dts" | "mp1" | "mp2" | "mp3"),
        Container::Mp4 | Container::Mov | Container::WebM | Container::Mxf => false,
    }
}

/// True if the audio is cut on its own. Audio beside copied video is cut where the video is, and copied.
fn cuts(job: &OutputRequest<'_>) -> bool {
    job.is_cut() && job.output.video != VideoSettings::Copy
}

/// True if a copy that begins or ends within a packet is exact to the sample: by an edit list, by elements of Matroska,
/// or by cutting the packet, which works for PCM. Not all decoders of other lossless codecs follow such trimming.
pub(crate) fn cuts_exactly(container: Container, stream: &StreamFacts) -> bool {
    match stream.codec.as_str() {
        _ if stream.parameters.pcm_block().is_some() => true,
        "aac" | "mp1" | "mp2" | "mp3" | "ac3" | "eac3" | "opus" | "dts" | "truehd" | "mlp" => {
            container.is_iso() || container.is_matroska()
        }
        // libavformat reads edit lists of Vorbis differently from how it writes them.
        "vorbis" => container.is_matroska(),
        _ => false,
    }
}

/// Checks that `container` takes the packets of `stream` unchanged. The error says why not.
pub(super) fn copies(container: Container, stream: &StreamFacts) -> Result<(), String> {
    holding::holds(container, &stream.parameters, stream.time_base)?;
    if container == Container::Mxf && stream.sample_rate != 48_000 {
        return Err(format!("MXF holds audio at 48000 Hz, and this has {}", stream.sample_rate));
    }
    Ok(())
}

/// The codec that loses least of `stream` in `container`: its own, else a lossless one, else a lossy one. For common players,
/// AAC comes first.
fn encoding(job: &OutputRequest<'_>, container: Container, stream: &StreamFacts) -> Option<AudioSettings> {
    let (held, shape) = (audio_codec::held_by(container), &job.output.audio_shape);
    let is_held = |name: &&str| held.contains(name) && (job.part.is_none() || package::CODECS.contains(name));
    let own = own_name(stream);
    // FLAC and AAC assign a meaning to every channel.
    let is_known = stream.channels <= 2 || !channels::is_unknown(stream);
    // FLAC takes less space than PCM and keeps 24-bit integers without loss.
    let is_packed =
        own == "pcm" && (1..=24).contains(&stream.raw_bits) && !stream.codec.starts_with("pcm_f") && is_known;
    let first = if is_packed { "flac" } else { own };
    // Common players decode AAC, and few of them FLAC or PCM in an MP4.
    let of_players = if job.output.compatible && is_known { "aac" } else { first };
    let order = [of_players, first, own, "flac", "pcm", "alac", "aac", "opus", "eac3", "ac3"];
    let all = order.into_iter().filter(is_held).filter_map(settings);
    let mut all = all.filter(|settings| AudioCodec::of(*settings).is_some_and(|codec| takes(codec, stream, shape)));
    all.next().map(|settings| match AudioCodec::of(settings) {
        Some(codec) if codec.name == own => with_rate_of(settings, codec, stream),
        _ => settings,
    })
}

/// The codec of `stream` by its name in settings.
fn own_name(stream: &StreamFacts) -> &str {
    if stream.codec.starts_with("pcm_") { "pcm" } else { &stream.codec }
}

fn settings(name: &str) -> Option<AudioSettings> {
    matches!(name, "aac" | "opus" | "ac3" | "eac3" | "flac" | "alac" | "pcm").then(|| name.parse().ok()).flatten()
}

/// True if the codec has room for the channels, unchanged or mixed.
fn takes(codec: &AudioCodec, stream: &StreamFacts, shape: &AudioShape) -> bool {
    let count = channels::track_channels(codec, stream, shape);
    match codec.name {
        // Only the layouts of ALAC: nothing is mixed for a lossless codec.
        "alac" => codec.layout(&channels::layout_of(stream)).is_some(),
        _ => !codec.layouts.is_empty() || count <= codec.channels,
    }
}

/// Sets the bit rate of a lossy track that is encoded again in its own codec to that of the source.
fn with_rate_of(settings: AudioSettings, codec: &AudioCodec, stream: &StreamFacts) -> AudioSettings {
    let Some(rate) = stream.bit_rate.and_then(|rate| u32::try_from(rate.div_ceil(1000)).ok()) else { return settings };
    let most = codec.most_kbps(stream.channels, codec.nearest_rate(stream.sample_rate));
    let legal = |kbps: &u32| codec.refuses_kbps(*kbps).is_none() && *kbps <= most;
    // AC-3 has a list of legal rates: take the next above.
    match (rate..=rate.saturating_add(64)).find(legal) {
        Some(kbps) => settings.with_kbps(kbps).unwrap_or(settings),
        None => settings,
    }
}
