//! Plans the audio tracks: codec, depth, rate and channels, with all decisions about them.

use trix_av::{layout::ChannelLayout, stream::StreamFacts};
use trix_model::{
    decision::Decision,
    error::{Error, ErrorKind, Result, Stage},
    mistake::Mistake,
    time::Timestamp,
};

use crate::{
    filter::resampler,
    plan::{AudioPlan, Remix, Resampler, StreamId},
    planner::{
        audio_choice::{self, Choice},
        audio_codec::{self, AudioCodec},
        channels::{self, Channels, layout_of, layout_of_rows},
        diagnostics::StreamDiagnostics,
        external_audio::ExternalAudio,
        holding,
        request::OutputRequest,
        sample_depth::{bits, is_float, precision},
    },
    settings::{
        audio::{AudioDrift, AudioSettings, AudioShape},
        audio_edit::AudioEdit,
        job::Container,
        track::LoudnessTarget,
    },
    source::{
        Source,
        selection::{Lack, unusable},
    },
};

/// Mistakes of the audio settings that do not depend on the source.
pub(super) fn check_numbers(job: &OutputRequest<'_>, mistakes: &mut Vec<Mistake>) {
    let (settings, shape) = (job.output.audio, &job.output.audio_shape);
    if let (Some(codec), Some(kbps)) = (AudioCodec::of(settings), settings.kbps())
        && let Some(problem) = codec.refuses_kbps(kbps)
    {
        mistakes.push(Mistake::new("audio.kbps", kbps, problem));
    }
    if *shape != AudioShape::default() && matches!(settings, AudioSettings::Copy | AudioSettings::None) {
        let problem = "has no effect on audio that is not encoded; name a codec";
        mistakes.push(Mistake::new("audio_shape", "", problem));
    }
    if let Some(rate) = shape.sample_rate.filter(|rate| !(1000..=768_000).contains(rate)) {
        mistakes.push(Mistake::new("audio_shape.sample_rate", rate, "must be 1000 to 768000 Hz"));
    } else if let (Some(rate), Some(codec)) = (shape.sample_rate, AudioCodec::of(settings))
        && !codec.rates.is_empty()
        && !codec.rates.contains(&rate)
    {
        let legal: Vec<String> = codec.rates.iter().map(u32::to_string).collect();
        let problem = format!("{} is encoded at {} Hz", codec.name, legal.join(", "));
        mistakes.push(Mistake::new("audio_shape.sample_rate", rate, problem));
    }
    for (field, value, problem) in shape.loudness.iter().flat_map(LoudnessTarget::mistakes) {
        mistakes.push(Mistake::new(format!("audio_shape.{field}"), value, problem));
    }
    let rows = shape.matrix.len();
    let columns = shape.matrix.first().map_or(0, Vec::len);
    if shape.matrix.iter().any(|row| row.len() != columns) || (rows > 0 && columns == 0) {
        let problem = "every row needs a factor for each channel of the source";
        mistakes.push(Mistake::new("audio_shape.matrix", "", problem));
    }
    // A factor of 16 is 24 dB. A larger one is a typing mistake.
    if let Some(factor) = shape.matrix.iter().flatten().find(|factor| !(-16.0..=16.0).contains(*factor)) {
        mistakes.push(Mistake::new("audio_shape.matrix", factor, "factors are -16 to 16"));
    }
    match (&shape.layout, shape.layout.as_deref().map(ChannelLayout::from_name)) {
        (Some(name), Some(None)) => {
            let problem = "is no channel layout; known are mono, stereo, 2.1, 3.0, quad, 5.0, 5.1, 6.1, 7.1 and others \
                           of `ffmpeg -layouts`";
            mistakes.push(Mistake::new("audio_shape.layout", name, problem));
        }
        (_, Some(Some(layout))) if rows > 0 && layout.channels as usize != rows => {
            let problem = format!("{} has {} channels, so the matrix needs as many rows", layout.name, layout.channels);
            mistakes.push(Mistake::new("audio_shape.matrix", rows, problem));
        }
        (None, _) if rows > 0 && layout_of_rows(rows).is_none() => {
            mistakes.push(Mistake::new("audio_shape.matrix", rows, "so many rows need a layout"));
        }
        _ => {}
    }
}

pub(super) fn plan(
    job: &OutputRequest<'_>,
    source: &Source,
    container: Container,
    mistakes: &mut Vec<Mistake>,
    decisions: &mut Vec<Decision>,
    notes: &mut Vec<String>,
) -> Result<Vec<AudioPlan>> {
    let settings = job.output.audio;
    if settings == AudioSettings::None {
        return Ok(Vec::new());
    }
    let codec = AudioCodec::of(settings);
    if let Some(codec) = codec.filter(|codec| !audio_codec::held_by(container).contains(&codec.name)) {
        let held = audio_codec::held_by(container).join(", ");
        let problem = format!("{} cannot hold {}; it holds {held}", container.muxer(), codec.name);
        mistakes.push(Mistake::new("audio", settings, problem));
    }
    let mut list = Vec::new();
    let external = job.external_audio.iter().map(|track| (&track.facts, Some(track)));
    let all: Vec<(&StreamFacts, Option<&ExternalAudio>)> =
        source.audio().map(|stream| (stream, None)).chain(external).collect();
    for number in job.output.tracks.iter().flatten().filter(|number| **number >= all.len()) {
        let problem = format!("there are {} audio tracks, counted from 0", all.len());
        mistakes.push(Mistake::new("tracks", number, problem));
    }
    let taken = |number: usize, stream: &StreamFacts, external_audio: Option<&ExternalAudio>| match &job.output.tracks {
        Some(named) => named.contains(&number),
        None => external_audio.is_some() || source.selection().audio().contains(&stream.index),
    };
    let kept = all
        .into_iter()
        .enumerate()
        .filter(|(number, (stream, external_audio))| taken(*number, stream, *external_audio));
    for (_, (stream, external_audio)) in kept {
        let lack = source.selection().lack(stream.index).filter(|_| external_audio.is_none());
        if let Some(lack) = lack {
            let is_named = job.output.tracks.is_some() || source.selection().is_named(stream.index);
            let can_copy = *lack != Lack::Empty
                && matches!(settings, AudioSettings::Copy | AudioSettings::Auto)
                && holding::holds(container, &stream.parameters, stream.time_base).is_ok();
            if !can_copy && is_named {
                return Err(unusable(stream, lack).in_file(&source.label()));
            }
            // The note about this stream stands with those about other streams.
            if !can_copy {
                continue;
            }
            notes.push(format!(
                "stream {} is copied without being decoded, and its loudness is not measured: {lack}",
                stream.index
            ));
        }
        let composed = external_audio.is_none() && source.is_composed(stream.index);
        let given = external_audio.is_none() && source.is_given();
        let changed = composed
            || given
            || external_audio
                .is_some_and(|external_audio| !external_audio.is_whole || external_audio.settings.changes());
        let mut diagnostics = StreamDiagnostics { stream, container, mistakes, decisions, notes };
        let settings = match settings {
            // A stream without a decoder is copied.
            AudioSettings::Auto if lack.is_some() => AudioSettings::Copy,
            AudioSettings::Auto => {
                let source = external_audio.is_none().then_some(source);
                chosen(audio_choice::choose(job, container, stream, changed, source), &mut diagnostics)
            }
            // A changed track cannot be copied; a lossless codec keeps all of it.
            AudioSettings::Copy if changed => match audio_codec::lossless(container) {
                Some(codec) => {
                    let why = match composed {
                        true => "its edit list joins several parts, which a copy of its packets cannot express",
                        false if given => audio_choice::NO_PACKETS,
                        false => "what is moved, mixed or stretched cannot be copied",
                    };
                    diagnostics.decide("encoded without loss".into(), why.into());
                    codec.or(settings)
                }
                None => {
                    let name = container.name();
                    let problem = format!("{name} holds no lossless audio, and this track has to be changed");
                    diagnostics.mistakes.push(Mistake::new("audio", settings, problem));
                    continue;
                }
            },
            settings => settings,
        };
        let tracks = match AudioCodec::of(settings) {
            None => {
                check_copy(job, &mut diagnostics);
                vec![copied(stream)]
            }
            Some(codec) => {
                if stream.sample_rate == 0 || stream.channels == 0 {
                    let detail = "an audio stream without rate or channels";
                    return Err(Error::new(ErrorKind::MalformedInput, Stage::Plan, detail)
                        .in_file(&source.label())
                        .in_stream(stream.index));
                }
                let tracks = channels::of(codec, stream, &job.output.audio_shape, &mut diagnostics);
                tracks.into_iter().map(|own| encoded(job, settings, codec, own, &mut diagnostics)).collect()
            }
        };
        let parts = tracks.into_iter().enumerate();
        for (_, mut plan) in parts.filter(|(number, _)| job.part.is_none_or(|part| part == *number)) {
            if let Some(external_audio) = external_audio {
                // Its times are those of its own file.
                plan.corrects_drift = false;
                plan.stream = StreamId::Side { track: stream.index - source.streams().len(), index: stream.index };
                plan.origin = Some(external_audio.start);
                plan.edit = external_audio.settings.edit(None);
                plan.loudness = external_audio.settings.loudness.or(plan.loudness);
            }
            if plan.bits.is_some_and(|bits| bits <= 24) && (plan.edit.changes_values() || plan.loudness.is_some()) {
                plan.dithered = true;
            }
            list.push(plan);
        }
    }
    Ok(list)
}

/// The number of output tracks for each audio stream of the source, then for each external audio track.
pub(super) fn parts(job: &OutputRequest<'_>, source: &Source, container: Container) -> Vec<usize> {
    let external = job.external_audio.iter();
    let external = external.map(|track| (&track.facts, !track.is_whole || track.settings.changes(), None));
    let changed = |stream: &StreamFacts| source.is_given() || source.is_composed(stream.index);
    let all = source.audio().map(|stream| (stream, changed(stream), Some(source))).chain(external);
    let count = |(stream, changed, source): (&StreamFacts, bool, Option<&Source>)| {
        let settings = match job.output.audio {
            AudioSettings::Auto => audio_choice::choose(job, container, stream, changed, source).settings,
            settings => settings,
        };
        channels::count(AudioCodec::of(settings), stream, &job.output.audio_shape)
    };
    all.map(count).collect()
}

/// Records the choice if it is not a copy.
fn chosen(choice: Choice, diagnostics: &mut StreamDiagnostics<'_>) -> AudioSettings {
    if let Some(why) = choice.why {
        let what = format!("{} is encoded as {}", diagnostics.stream.codec, choice.settings);
        diagnostics.decide(what, why);
    }
    choice.settings
}

fn check_copy(job: &OutputRequest<'_>, diagnostics: &mut StreamDiagnostics<'_>) {
    let StreamDiagnostics { stream, container, .. } = diagnostics;
    let (stream, container) = (*stream, *container);
    if let Err(problem) = audio_choice::copies(container, stream) {
        let held = audio_codec::held_by(container).join(", ");
        diagnostics.mistakes.push(Mistake::new("audio", "copy", format!("{problem}; it holds {held}")));
    } else if job.is_cut() && !audio_choice::cuts_exactly(container, stream) {
        let name = container.name();
        diagnostics.note(&format!(
            "the copy is cut at its packets, as {name} cannot state more: it begins and ends up to half a packet beside \
             the cut, in step with the frames"
        ));
    }
}

fn copied(stream: &StreamFacts) -> AudioPlan {
    AudioPlan {
        stream: StreamId::Source(stream.index),
        codec: stream.codec.clone(),
        copied: true,
        lossless: true,
        sample_format: None,
        bits: None,
        sample_rate: stream.sample_rate,
        layout: layout_of(stream),
        assumed_layout: None,
        remix: None,
        resampler: None,
        dithered: false,
        bit_rate: stream.bit_rate,
        language: named(stream, "language"),
        title: named(stream, "title"),
        is_default: stream.is_default,
        edit: AudioEdit::default(),
        loudness: None,
        settled: None,
        origin: None,
        must_last: None,
        corrects_drift: false,
    }
}

fn encoded(
    job: &OutputRequest<'_>,
    settings: AudioSettings,
    codec: &AudioCodec,
    channels: Channels,
    diagnostics: &mut StreamDiagnostics<'_>,
) -> AudioPlan {
    let (shape, stream) = (&job.output.audio_shape, diagnostics.stream);
    let Channels { layout, count: channels, assumed, remix } = channels;

    // MXF holds audio at 48 kHz (SMPTE ST 382).
    let needed = (diagnostics.container == Container::Mxf).then_some(48_000);
    let sample_rate = codec.nearest_rate(shape.sample_rate.or(needed).unwrap_or(stream.sample_rate));
    let resampler = (sample_rate != stream.sample_rate).then(resampler::best);
    if let Some(resampler) = resampler {
        let from = stream.sample_rate;
        if shape.sample_rate.is_none() {
            diagnostics.decide(
                format!("{from} Hz become {sample_rate} Hz"),
                match needed {
                    Some(_) => format!("MXF holds no audio at {from} Hz"),
                    None => format!("{} is not encoded at {from} Hz", codec.name),
                },
            );
        }
        if resampler == Resampler::Swr {
            diagnostics.note("libswresample was built without soxr, so its own resampler changes the sample rate");
        }
    }

    // MXF holds 16 and 24 bits (SMPTE ST 382).
    let settings = match settings {
        AudioSettings::Pcm if diagnostics.container == Container::Mxf && bits(stream) > 16 => AudioSettings::Pcm24,
        settings => settings,
    };
    let (name, sample_format, bits) = format(settings, stream);
    let mixed = matches!(remix, Some(Remix::Standard | Remix::Matrix { .. }));
    let precision = precision(stream);
    // Mixed or resampled audio has more bits than either side.
    let dithered = bits.is_some_and(|bits| bits < precision || (bits <= 24 && (mixed || resampler.is_some())));
    if let Some(bits) = bits.filter(|bits| *bits < precision) {
        let from = if is_float(stream) { "floating point".to_owned() } else { format!("{precision} bits") };
        diagnostics.decide(format!("triangular dither to {bits} bits"), format!("the source has {from}"));
        if matches!(settings, AudioSettings::Flac | AudioSettings::Alac) && stream.codec.starts_with("pcm_") {
            diagnostics
                .note(&format!("{name} holds 24 bits at the most, so its samples do not all come back as they were"));
        }
    }
    if stream.codec.contains("pcm_f64") && bits.is_none() {
        diagnostics.note("64-bit floating point becomes 32-bit floating point");
    }

    let bit_rate = match settings.kbps() {
        None => codec.default_rate(channels, &layout),
        Some(kbps) => {
            let most = codec.most_kbps(channels, sample_rate);
            if kbps > most && codec.refuses_kbps(kbps).is_none() {
                let problem = format!("at most {most} kbit/s for {layout} at {sample_rate} Hz");
                diagnostics.mistakes.push(Mistake::new("audio.kbps", kbps, problem));
            }
            Some(u64::from(kbps) * 1000)
        }
    };
    AudioPlan {
        stream: StreamId::Source(stream.index),
        codec: name.to_owned(),
        copied: false,
        lossless: bit_rate.is_none(),
        sample_format: Some(sample_format.to_owned()),
        bits,
        sample_rate,
        layout,
        assumed_layout: assumed,
        remix,
        resampler,
        dithered,
        bit_rate,
        language: named(stream, "language"),
        title: named(stream, "title"),
        is_default: stream.is_default,
        edit: AudioEdit::default(),
        loudness: shape.loudness,
        settled: None,
        origin: None,
        must_last: None,
        corrects_drift: job.source.audio_drift == AudioDrift::Stretch,
    }
}

/// Records decisions about encoded audio that begins later than the output, at `origin` in the source's time.
pub(super) fn say_silence(plans: &[AudioPlan], source: &Source, origin: Timestamp, decisions: &mut Vec<Decision>) {
    for plan in plans.iter().filter(|plan| !plan.copied) {
        let Some(index) = plan.stream.source() else { continue };
        let Some(stream) = source.streams().get(index) else { continue };
        let start = stream.start.map_or(origin, |ticks| Timestamp::new(ticks, stream.time_base));
        let micros = start.micros().saturating_sub(origin.micros());
        if micros > 0 {
            let millis = format!("{}.{:03}", micros / 1000, micros % 1000);
            let what = format!("stream {index}: {millis} ms of silence come first");
            decisions.push(Decision::new(what, "it begins later, and not every container states that to the sample"));
        }
    }
}

fn named(stream: &StreamFacts, key: &str) -> Option<String> {
    let entry = stream.metadata.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
    entry.map(|(_, value)| value.clone()).filter(|value| !value.is_empty() && value != "und")
}

/// The codec, the encoder's sample format, and the significant bits of integers.
fn format(settings: AudioSettings, stream: &StreamFacts) -> (&'static str, &'static str, Option<u32>) {
    let deep = bits(stream) > 16;
    match settings {
        AudioSettings::Aac { .. } => ("aac", "fltp", None),
        AudioSettings::Opus { .. } => ("opus", "flt", None),
        AudioSettings::Ac3 { .. } => ("ac3", "fltp", None),
        AudioSettings::Eac3 { .. } => ("eac3", "fltp", None),
        AudioSettings::Flac if deep => ("flac", "s32", Some(24)),
        AudioSettings::Flac => ("flac", "s16", Some(16)),
        AudioSettings::Alac if deep => ("alac", "s32p", Some(24)),
        AudioSettings::Alac => ("alac", "s16p", Some(16)),
        AudioSettings::Pcm16 => ("pcm_s16le", "s16", Some(16)),
        AudioSettings::Pcm24 => ("pcm_s24le", "s32", Some(24)),
        AudioSettings::Pcm32 => ("pcm_s32le", "s32", Some(32)),
        AudioSettings::Pcmf32 => ("pcm_f32le", "flt", None),
        AudioSettings::Pcm | AudioSettings::Auto | AudioSettings::Copy | AudioSettings::None => match bits(stream) {
            _ if is_float(stream) => ("pcm_f32le", "flt", None),
            0..=16 => ("pcm_s16le", "s16", Some(16)),
            17..=24 => ("pcm_s24le", "s32", Some(24)),
            _ => ("pcm_s32le", "s32", Some(32)),
        },
    }
}
