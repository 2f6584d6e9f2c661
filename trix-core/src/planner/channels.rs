//! Plans the channels of a stream: kept, relabelled, mixed, or split into several tracks.
//!
//! Invariant: no channel is lost without a note, and a channel that is not mixed keeps its samples.

use trix_av::{layout::ChannelLayout, stream::StreamFacts};
use trix_model::mistake::Mistake;

use crate::{
    plan::Remix,
    planner::{audio_codec::AudioCodec, diagnostics::StreamDiagnostics},
    settings::{audio::AudioShape, job::Container},
};

/// The channels of one track.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Channels {
    /// FFmpeg's description of their layout.
    pub(super) layout: String,
    pub(super) count: u32,
    /// The layout that is assumed for channels without one.
    pub(super) assumed: Option<String>,
    pub(super) remix: Option<Remix>,
}

impl Channels {
    fn kept(layout: &str, count: u32) -> Self {
        Channels { layout: layout.to_owned(), count, assumed: None, remix: None }
    }

    fn picked(layout: &str, channels: Vec<Option<u32>>) -> Self {
        let count = channels.len() as u32;
        Channels { layout: layout.to_owned(), count, assumed: None, remix: Some(Remix::Pick { channels }) }
    }

    fn mixed(layout: &str, rows: Vec<Vec<f64>>) -> Self {
        let count = rows.len() as u32;
        Channels { layout: layout.to_owned(), count, assumed: None, remix: Some(Remix::Matrix { rows }) }
    }
}

/// The requested layout, by its name or by the rows of a matrix.
fn wanted(shape: &AudioShape) -> Option<ChannelLayout> {
    let named = shape.layout.as_deref().and_then(ChannelLayout::from_name);
    match shape.matrix.len() {
        0 => named,
        rows => named.or_else(|| layout_of_rows(rows).and_then(ChannelLayout::from_name)),
    }
}

/// The layout that a matrix of so many rows makes if none is named.
pub(super) fn layout_of_rows(rows: usize) -> Option<&'static str> {
    match rows {
        1 => Some("mono"),
        2 => Some("stereo"),
        6 => Some("5.1"),
        8 => Some("7.1"),
        _ => None,
    }
}

/// The tracks that a stream becomes: several if its channels have no layout and the codec needs one.
pub(super) fn of(
    codec: &AudioCodec,
    stream: &StreamFacts,
    shape: &AudioShape,
    diagnostics: &mut StreamDiagnostics<'_>,
) -> Vec<Channels> {
    let parts = parts(codec, stream, shape);
    if !parts.is_empty() {
        let stereo = parts.iter().filter(|part| part.count == 2).count();
        let tracks = match (stereo, parts.len() - stereo) {
            (0, mono) => format!("{mono} mono tracks"),
            (stereo, 0) => format!("{stereo} stereo tracks, one for each pair"),
            (stereo, _) => format!("{stereo} stereo tracks, one for each pair, and a mono track for the last"),
        };
        diagnostics.decide(
            format!("its {} channels become {tracks}", stream.channels),
            "the source names no layout, and more than two channels can mean anything".into(),
        );
        return parts;
    }
    vec![together(codec, stream, shape, diagnostics)]
}

/// The number of tracks that [`of`] makes.
pub(super) fn count(codec: Option<&AudioCodec>, stream: &StreamFacts, shape: &AudioShape) -> usize {
    codec.map_or(1, |codec| parts(codec, stream, shape).len().max(1))
}

/// The number of channels of a track that [`of`] makes, before they are mixed.
pub(super) fn track_channels(codec: &AudioCodec, stream: &StreamFacts, shape: &AudioShape) -> u32 {
    match (parts(codec, stream, shape).first(), wanted(shape)) {
        (Some(part), _) => part.count,
        (None, Some(wanted)) => wanted.channels,
        (None, None) => stream.channels,
    }
}

/// Splits channels without a layout into stereo tracks, with a last odd one as mono. If mono is requested, each channel
/// becomes a track. Empty if the channels stay together.
fn parts(codec: &AudioCodec, stream: &StreamFacts, shape: &AudioShape) -> Vec<Channels> {
    let count = stream.channels;
    if !is_unknown(stream) || count <= 2 || !shape.matrix.is_empty() {
        return Vec::new();
    }
    let size = match wanted(shape) {
        Some(wanted) if wanted.channels == 2 => 2,
        Some(wanted) if wanted.channels == 1 => 1,
        Some(_) => return Vec::new(),
        None if codec.layouts.is_empty() && count <= codec.channels => return Vec::new(),
        None => 2,
    };
    let numbers: Vec<Option<u32>> = (0..count).map(Some).collect();
    let part = |own: &[Option<u32>]| Channels::picked(if own.len() == 2 { "stereo" } else { "mono" }, own.to_vec());
    numbers.chunks(size).map(part).collect()
}

fn together(
    codec: &AudioCodec,
    stream: &StreamFacts,
    shape: &AudioShape,
    diagnostics: &mut StreamDiagnostics<'_>,
) -> Channels {
    let count = stream.channels;
    let wanted = wanted(shape);
    let mut assumed = None;
    let mut from = layout_of(stream);
    if is_unknown(stream) {
        // One and two channels have a usual meaning. More can mean anything, so the user has to name it.
        let meant = match (count, &wanted) {
            (_, Some(wanted)) if wanted.channels == count && shape.matrix.is_empty() => Some(wanted.name.clone()),
            (1, _) => Some("mono".to_owned()),
            (2, _) => Some("stereo".to_owned()),
            _ => None,
        };
        if let Some(meant) = meant {
            diagnostics
                .decide(format!("its {count} channels are taken for {meant}"), "the source names no layout".into());
            from.clone_from(&meant);
            assumed = Some(meant);
        }
    }
    let is_known = assumed.is_some() || !is_unknown(stream);
    let mut channels = match (&wanted, is_known) {
        _ if !shape.matrix.is_empty() => by_matrix(&from, wanted, stream, shape, diagnostics),
        (Some(wanted), true) => as_wanted(codec, &from, wanted, diagnostics),
        (Some(wanted), false) => {
            let problem = format!("stream {} has {count} channels without a layout; give a matrix", stream.index);
            diagnostics.mistakes.push(Mistake::new("audio_shape.layout", &wanted.name, problem));
            Channels::kept(&wanted.name, wanted.channels)
        }
        (None, true) => as_it_is(codec, &from, count, diagnostics),
        (None, false) => Channels::kept(&from, count),
    };
    channels.assumed = assumed;
    notes(codec, &channels, is_known, diagnostics);
    channels
}

/// Notes what a codec or a container cannot state about the channels.
fn notes(codec: &AudioCodec, channels: &Channels, is_known: bool, diagnostics: &mut StreamDiagnostics<'_>) {
    let is_named = ChannelLayout::from_name(&channels.layout).is_some();
    if !is_known && !is_named && codec.name == "flac" {
        diagnostics.note("FLAC has a meaning for every number of channels, also for these, whose layout is unknown");
    }
    if diagnostics.container == Container::Matroska && codec.name == "pcm" && channels.count > 2 && is_named {
        let layout = &channels.layout;
        diagnostics
            .note(&format!("Matroska does not state the layout of PCM; its channels stand in the order of {layout}"));
    }
    if channels.count > codec.channels && codec.layouts.is_empty() {
        let StreamDiagnostics { stream, .. } = diagnostics;
        let most = codec.channels;
        let problem =
            format!("{} holds {most} channels at the most; stream {} has {}", codec.name, stream.index, channels.count);
        diagnostics.mistakes.push(Mistake::new("audio", codec.name, problem));
    }
}

fn by_matrix(
    from: &str,
    wanted: Option<ChannelLayout>,
    stream: &StreamFacts,
    shape: &AudioShape,
    diagnostics: &mut StreamDiagnostics<'_>,
) -> Channels {
    if let Some(row) = shape.matrix.first().filter(|row| row.len() != stream.channels as usize) {
        let problem = format!("stream {} has {} channels ({from})", stream.index, stream.channels);
        diagnostics.mistakes.push(Mistake::new(
            "audio_shape.matrix",
            row.len(),
            format!("factors in a row; {problem}"),
        ));
    }
    let layout = wanted.map_or_else(|| from.to_owned(), |wanted| wanted.name);
    Channels::mixed(&layout, shape.matrix.clone())
}

/// The channels in the requested layout.
fn as_wanted(
    codec: &AudioCodec,
    from: &str,
    wanted: &ChannelLayout,
    diagnostics: &mut StreamDiagnostics<'_>,
) -> Channels {
    let Some(written) = codec.layout(&wanted.name) else {
        let problem = format!("{}; set a layout (--audio-layout)", held(codec));
        diagnostics.mistakes.push(Mistake::new("audio_shape.layout", &wanted.name, problem));
        return Channels::kept(&wanted.name, wanted.channels);
    };
    if from == written {
        return Channels::kept(&written, wanted.channels);
    }
    match renamed(from, &written) {
        Some(channels) => channels,
        None => mixed(from, &written, diagnostics),
    }
}

/// The channels in the layout of the source, or in the layout of the codec that keeps most of it.
fn as_it_is(codec: &AudioCodec, from: &str, count: u32, diagnostics: &mut StreamDiagnostics<'_>) -> Channels {
    if codec.layouts.is_empty() || codec.layouts.contains(&from) {
        return Channels::kept(from, count);
    }
    if let Some(written) = codec.layout(from) {
        diagnostics.decide(
            format!("{from} is written as {written}"),
            format!("{} has one pair of surround channels", codec.name),
        );
        return renamed(from, &written).unwrap_or_else(|| Channels::kept(&written, count));
    }
    let (mut larger, mut smaller) = (Vec::new(), Vec::new());
    for name in codec.layouts {
        let Some(layout) = ChannelLayout::from_name(name) else { continue };
        match renamed(from, name) {
            Some(channels) => larger.push(channels),
            None if layout.channels <= count => smaller.push((layout.channels, shared(from, name), *name)),
            None => {}
        }
    }
    if let Some(channels) = larger.into_iter().min_by_key(|channels| channels.count) {
        let more = channels.count - count;
        let silent = if more > 0 { format!(" with {more} silent channels") } else { String::new() };
        diagnostics.decide(
            format!("{from} is written as {}{silent}", channels.layout),
            format!("{} has no layout for {from}", codec.name),
        );
        return channels;
    }
    // A user who chooses a lossless codec does not want channels mixed.
    let smaller = smaller.into_iter().filter(|_| codec.is_lossy());
    match smaller.max_by_key(|(channels, shared, _)| (*shared, std::cmp::Reverse(*channels))) {
        Some((_, _, name)) => {
            diagnostics.note(&format!("{} cannot hold {from}, so its channels are mixed to {name}", codec.name));
            mixed(from, name, diagnostics)
        }
        None => {
            let problem = format!(
                "stream {} is {from}; {}; set a layout (--audio-layout)",
                diagnostics.stream.index,
                held(codec)
            );
            diagnostics.mistakes.push(Mistake::new("audio", codec.name, problem));
            Channels::kept(from, count)
        }
    }
}

fn held(codec: &AudioCodec) -> String {
    match codec.layouts {
        [] => format!("{} holds {} channels at the most", codec.name, codec.channels),
        layouts => format!("{} holds {}", codec.name, layouts.join(", ")),
    }
}

/// The loudspeakers of a layout. A single channel counts as mono, whatever its loudspeaker: the label states where it
/// is heard, not what it holds.
fn loudspeakers(layout: &str) -> Vec<String> {
    let list = ChannelLayout::from_name(layout).map(|layout| layout.loudspeakers()).unwrap_or_default();
    if list.len() == 1 { vec!["FC".to_owned()] } else { list }
}

/// For each loudspeaker of `to`, the index of its channel in `from`. If a layout has only one surround pair, side and
/// back count as the same.
fn places(from: &[String], to: &[String]) -> Vec<Option<usize>> {
    let has = |list: &[String], name: &str| list.iter().any(|own| own == name);
    let other = |name: &str| match name {
        "SL" => Some("BL"),
        "SR" => Some("BR"),
        "BL" => Some("SL"),
        "BR" => Some("SR"),
        _ => None,
    };
    let place = |name: &String| {
        let exact = from.iter().position(|own| own == name);
        exact.or_else(|| {
            let other = other(name).filter(|other| !has(to, other) && !has(from, name))?;
            from.iter().position(|own| own == other)
        })
    };
    to.iter().map(place).collect()
}

/// The number of channels of `from` that have a loudspeaker in `to`.
fn shared(from: &str, to: &str) -> usize {
    places(&loudspeakers(from), &loudspeakers(to)).iter().flatten().count()
}

/// The same samples under the names of `to`, if `to` has every channel of `from`. The other channels are silent.
fn renamed(from: &str, to: &str) -> Option<Channels> {
    let (own, other) = (loudspeakers(from), loudspeakers(to));
    let places = places(&own, &other);
    let is_complete = !own.is_empty() && places.iter().flatten().count() == own.len();
    // A single channel is played from the front, or from both sides if there is no centre.
    if !is_complete || (own.len() == 1 && other.len() > 1) {
        return None;
    }
    if places.iter().enumerate().all(|(at, place)| *place == Some(at)) {
        return Some(Channels { remix: Some(Remix::Relabel), ..Channels::kept(to, other.len() as u32) });
    }
    Some(Channels::picked(to, places.into_iter().map(|place| place.map(|at| at as u32)).collect()))
}

/// The channels mixed to `to`.
fn mixed(from: &str, to: &str, diagnostics: &mut StreamDiagnostics<'_>) -> Channels {
    let count = ChannelLayout::from_name(to).map_or(0, |layout| layout.channels);
    let own = loudspeakers(from);
    let is_labelled = own.len() == 1 && from != "mono";
    let others: Vec<&str> = own.iter().map(String::as_str).filter(|name| below(name).is_some()).collect();
    if others.is_empty() && !is_labelled {
        diagnostics.decide(
            format!("{from} is mixed to {to} with the coefficients of ITU-R BS.775, scaled so that nothing clips"),
            "no matrix is given".into(),
        );
        return Channels { remix: Some(Remix::Standard), ..Channels::kept(to, count) };
    }
    let rows = fold(&own, &loudspeakers(to));
    let how = match others.as_slice() {
        [] => String::new(),
        others => format!(", {} into the loudspeakers below them at -3 dB", others.join(", ")),
    };
    diagnostics.decide(
        format!("{from} is mixed to {to} with the coefficients of ITU-R BS.775{how}, scaled so that nothing clips"),
        "no matrix is given".into(),
    );
    Channels::mixed(to, rows)
}

/// The loudspeaker that receives a channel which ITU-R BS.775 does not cover.
fn below(name: &str) -> Option<&'static str> {
    Some(match name {
        "TFL" | "WL" | "BFL" | "DL" => "FL",
        "TFR" | "WR" | "BFR" | "DR" => "FR",
        "TFC" | "TC" | "BFC" => "FC",
        "TBL" | "TSL" | "SDL" => "SL",
        "TBR" | "TSR" | "SDR" => "SR",
        "TBC" => "BC",
        "LFE2" => "LFE",
        _ => return None,
    })
}

/// A mix matrix with a row for each loudspeaker of `to`. Loudspeakers that `to` lacks are mixed as ITU-R BS.775 (annex
/// 4) says; height channels go to the loudspeakers below. All factors are divided by the largest row sum above 1.
fn fold(from: &[String], to: &[String]) -> Vec<Vec<f64>> {
    let mut rows = vec![vec![0.0; from.len()]; to.len()];
    for (column, name) in from.iter().enumerate() {
        for (target, factor) in heard_from(name, to, 1.0) {
            rows[target][column] += factor;
        }
    }
    let largest = rows.iter().map(|row| row.iter().sum::<f64>()).fold(1.0, f64::max);
    rows.iter_mut().flatten().for_each(|factor| *factor /= largest);
    rows
}

fn heard_from(name: &str, to: &[String], factor: f64) -> Vec<(usize, f64)> {
    if let Some(at) = to.iter().position(|own| own == name) {
        return vec![(at, factor)];
    }
    let half = std::f64::consts::FRAC_1_SQRT_2;
    let has = |name: &str| to.iter().any(|own| own == name);
    let ways: &[(&str, f64)] = match name {
        "FC" if has("FL") => &[("FL", half), ("FR", half)],
        "FL" | "FR" if has("FC") => &[("FC", half)],
        "SL" if has("BL") => &[("BL", 1.0)],
        "SR" if has("BR") => &[("BR", 1.0)],
        "BL" if has("SL") => &[("SL", 1.0)],
        "BR" if has("SR") => &[("SR", 1.0)],
        "BC" if has("BL") => &[("BL", half), ("BR", half)],
        "BC" if has("SL") => &[("SL", half), ("SR", half)],
        "BC" => &[("FL", 0.5), ("FR", 0.5)],
        "SL" | "BL" => &[("FL", half)],
        "SR" | "BR" => &[("FR", half)],
        "FLC" => &[("FL", 1.0)],
        "FRC" => &[("FR", 1.0)],
        _ => match below(name) {
            Some(below) => return heard_from(below, to, factor * half),
            // Low-frequency effects are left out (ITU-R BS.775, annex 4).
            None => &[],
        },
    };
    ways.iter().flat_map(|(name, way)| heard_from(name, to, factor * way)).collect()
}

pub(super) fn is_unknown(stream: &StreamFacts) -> bool {
    ChannelLayout::from_name(&stream.layout).is_none()
}

/// The layout in a form that filters read: a name or a number of channels.
pub(super) fn layout_of(stream: &StreamFacts) -> String {
    ChannelLayout::from_name(&stream.layout)
        .map_or_else(|| format!("{} channels", stream.channels), |layout| layout.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_keep_their_samples_wherever_a_layout_has_a_place_for_all() {
        let numbers = |from: &str, to: &str| match renamed(from, to).map(|channels| channels.remix) {
            Some(Some(Remix::Pick { channels })) => {
                channels.iter().map(|at| at.map_or("-".to_owned(), |at| at.to_string())).collect::<Vec<_>>().join(" ")
            }
            Some(Some(Remix::Relabel)) => "same".to_owned(),
            other => format!("{other:?}"),
        };
        assert_eq!(numbers("5.1(side)", "5.1"), "same");
        assert_eq!(numbers("quad", "5.0"), "0 1 - 2 3");
        assert_eq!(numbers("2.1", "5.1"), "0 1 - 2 - -");
        assert_eq!(numbers("FL+LFE", "5.1"), "0 - - 1 - -");
        assert_eq!(numbers("LFE", "mono"), "same");
        assert_eq!(numbers("7.1", "5.1"), "None");
        assert_eq!(numbers("mono", "stereo"), "None");
        // Two surround pairs do not count as one.
        assert_eq!(numbers("7.1", "7.1(wide)"), "None");
    }

    #[test]
    fn what_no_layout_has_a_place_for_is_mixed_by_the_recommendation() {
        let list = |name: &str| loudspeakers(name);
        let rows = fold(&list("FL+FR+FC+LFE+BL+BR+TFL+TFR"), &list("stereo"));
        let half = std::f64::consts::FRAC_1_SQRT_2;
        let sum = 1.0 + 3.0 * half;
        for (at, expected) in [1.0, 0.0, half, 0.0, half, 0.0, half, 0.0].into_iter().enumerate() {
            assert!((rows[0][at] - expected / sum).abs() < 1e-12, "{rows:?}");
        }
        let rows = fold(&list("FL+FR+FC+LFE+BL+BR+SL+SR+TFL+TFR+TBL+TBR"), &list("7.1"));
        let scale = 1.0 + half;
        assert!((rows[0][8] * scale - half).abs() < 1e-12 && (rows[6][10] * scale - half).abs() < 1e-12, "{rows:?}");
        // Only low-frequency channels are left out.
        for layout in ["7.1.2", "22.2", "6.1", "octagonal"].iter().filter(|name| !list(name).is_empty()) {
            let rows = fold(&list(layout), &list("stereo"));
            for (column, name) in list(layout).iter().enumerate().filter(|(_, name)| !name.starts_with("LFE")) {
                assert!(rows.iter().any(|row| row[column] > 0.0), "{name} of {layout}");
            }
        }
    }
}
