//! Measures audio before a job runs: the drift of its clocks, and its loudness.
//!
//! Invariant: audio is measured as the encoder will receive it. Audio that several outputs share is measured once.

use std::collections::BTreeMap;

use trix_model::{
    control::cancel::Cancel,
    damage::OnDamage,
    decision::Decision,
    error::{Error, Result, Stage},
    time::Rational,
};

use crate::{
    decode::timing::Drift,
    loudness,
    plan::{AudioContent, AudioEncode, AudioPlan, EncodeId, EncodePlan, Plan, Settled, StreamId},
    planner::external_audio::ExternalAudio,
    reading::audio_reader::AudioReader,
    settings::{audio_edit::AudioEdit, track::LoudnessTarget},
    source::Source,
};

/// True if audio has to be read before the job can run.
pub(super) fn has_to_read(plan: &Plan) -> bool {
    let mut audio = plan.encodes.iter().filter_map(EncodePlan::audio).map(|own| &own.audio);
    audio.any(|audio| audio.loudness.is_some() || audio.corrects_drift)
}

/// Measures every track that has a loudness target, and sets the gain in its plan.
///
/// # Errors
/// Errors of reading and measuring; `Cancelled`.
pub(super) fn settle(
    plan: &mut Plan,
    external_audio: &[ExternalAudio],
    source: &Source,
    cancel: &Cancel,
) -> Result<()> {
    settle_drift(plan, source, cancel)?;
    let mut known: Vec<(AudioPlan, Settled)> = Vec::new();
    for number in 0..plan.encodes.len() {
        let EncodePlan::Audio(own) = &plan.encodes[number] else { continue };
        let Some(target) = own.audio.loudness else { continue };
        let same = |(other, _): &&(AudioPlan, Settled)| is_same_audio(other, &own.audio);
        let settled = match known.iter().find(same) {
            Some((_, settled)) => settled.clone(),
            None => {
                let settled = measure(own, &target, external_audio, source, cancel)?;
                known.push((own.audio.clone(), settled.clone()));
                settled
            }
        };
        let EncodePlan::Audio(own) = &mut plan.encodes[number] else { continue };
        own.audio.edit = settled.normalisation.applied_to(own.audio.edit);
        own.audio.settled = Some(settled);
    }
    Ok(())
}

/// Measures the drift between timestamps and samples of tracks where the job corrects it.
fn settle_drift(plan: &mut Plan, source: &Source, cancel: &Cancel) -> Result<()> {
    let mut known: BTreeMap<usize, Option<Drift>> = BTreeMap::new();
    let mut corrected: BTreeMap<EncodeId, Decision> = BTreeMap::new();
    for (number, encode) in plan.encodes.iter_mut().enumerate() {
        let EncodePlan::Audio(own) = encode else { continue };
        let audio = &mut own.audio;
        if !audio.corrects_drift {
            continue;
        }
        let Some(stream) = audio.stream.source() else { continue };
        let found = match known.get(&stream) {
            Some(found) => *found,
            None => {
                let found = measure_drift(source, stream, cancel)?;
                known.insert(stream, found);
                found
            }
        };
        let Some(Drift { parts_per_million, apart }) = found else { continue };
        audio.edit.drift = Rational::new(MILLION.saturating_add(parts_per_million), MILLION);
        audio.dithered |= audio.bits.is_some_and(|bits| bits <= 24);
        let what = format!("stream {stream}: the audio is resampled by {parts_per_million} parts per million");
        let why = format!("its times and its samples are {apart} apart at the end");
        corrected.insert(EncodeId(number), Decision::new(what, why));
    }
    for sink in plan.sinks() {
        let content = plan.content_mut(sink);
        for track in &content.audio {
            let AudioContent::Encoded(id) = track else { continue };
            content.decisions.extend(corrected.get(id).cloned());
        }
    }
    Ok(())
}

const MILLION: i64 = 1_000_000;

fn measure_drift(source: &Source, stream: usize, cancel: &Cancel) -> Result<Option<Drift>> {
    // The pass judges damage.
    let mut reader = AudioReader::new(source.reopen()?, Some(stream), OnDamage::Conceal)?;
    while reader.next_block()?.is_some() {
        if cancel.is_cancelled() {
            return Err(Error::cancelled(Stage::Decode));
        }
    }
    Ok(reader.drift())
}

/// True if two plans have the same audio, in any codec.
fn is_same_audio(one: &AudioPlan, other: &AudioPlan) -> bool {
    let of = |plan: &AudioPlan| {
        let AudioPlan { stream, sample_rate, loudness, edit, origin, .. } = *plan;
        (stream, sample_rate, loudness, edit, origin, plan.layout.clone(), plan.remix.clone())
    };
    of(one) == of(other)
}

fn measure(
    encode: &AudioEncode,
    target: &LoudnessTarget,
    external_audio: &[ExternalAudio],
    source: &Source,
    cancel: &Cancel,
) -> Result<Settled> {
    let AudioEncode { audio, origin, end, .. } = encode;
    let heard = audio.heard_within(*origin, *end);
    let label = match audio.stream.external_audio() {
        None => source.label(),
        Some(number) => external_audio[number].settings.all_inputs()[0].path.clone(),
    };
    let open = |edit: AudioEdit| -> Result<AudioReader> {
        // The pass judges damage.
        let on_damage = OnDamage::Conceal;
        let reader = match audio.stream {
            StreamId::Source(index) => AudioReader::new(source.reopen()?, Some(index), on_damage)?,
            StreamId::Side { track: number, .. } => external_audio[number].reader(on_damage)?,
        };
        Ok(reader.converted(heard.clone(), edit))
    };
    loudness::settle(open, audio.edit, target, cancel).map_err(|error: Error| error.in_file(&label))
}
