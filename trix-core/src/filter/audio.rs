//! The audio format of a track, and the filters that convert to it.
//!
//! Invariant: sample `n` of the output is heard `n / rate` seconds after the origin, or where the offset and tempo of
//! an edit put it, whatever gaps or overlaps the source's times have. Sample 0 always exists: silence precedes audio
//! that begins later. So no track needs a start time of its own, which Matroska could state only to the millisecond and
//! many players ignore.

use trix_av::{AvError, frame::Frame, layout::ChannelLayout, stream::StreamFacts};
use trix_model::{
    error::{Error, ErrorKind, Stage},
    time::{Rational, Timestamp},
};

use super::{
    audio_edit::{amplify, limiter},
    resampler::{INSIDE, best, options},
};
use crate::{
    plan::{AudioTarget, Remix},
    settings::audio_edit::AudioEdit,
};

/// The unchanged audio of a stream, as lossless 64-bit floating point.
pub(crate) fn target_like(facts: &StreamFacts) -> AudioTarget {
    let named = ChannelLayout::from_name(&facts.layout).map(|layout| layout.name);
    // One and two channels have a usual meaning. More channels can mean anything.
    let usual = [(1, "mono"), (2, "stereo")].into_iter().find(|(count, _)| *count == facts.channels);
    let usual = usual.filter(|_| named.is_none()).map(|(_, name)| name.to_owned());
    let start = facts.start.unwrap_or(0);
    AudioTarget {
        sample_format: "dblp".to_owned(),
        bits: None,
        dithered: false,
        sample_rate: facts.sample_rate,
        resampler: None,
        layout: named.or_else(|| usual.clone()).unwrap_or_else(|| format!("{} channels", facts.channels)),
        assumed_layout: usual,
        remix: None,
        block: 0,
        origin: Timestamp::new(start, facts.time_base),
        end: None,
        lead: 0,
        tail: 0,
    }
}

/// Any layout with this number of channels. `None` if libavutil has fewer loudspeaker positions.
pub(super) fn any_layout(channels: usize) -> Option<String> {
    const LOUDSPEAKERS: [&str; 30] = [
        "FL", "FR", "FC", "LFE", "BL", "BR", "FLC", "FRC", "BC", "SL", "SR", "TC", "TFL", "TFC", "TFR", "TBL", "TBC",
        "TBR", "DL", "DR", "WL", "WR", "SDL", "SDR", "LFE2", "TSL", "TSR", "BFC", "BFL", "BFR",
    ];
    match channels {
        1 => Some("mono".to_owned()),
        _ => LOUDSPEAKERS.get(..channels).map(|list| list.join("+")),
    }
}

/// The filters that convert blocks like `frame` to the format of `target`, in processing order. `remix` describes the
/// change of channels. Its input is the layout `first`, that of the first block of the source.
pub(super) fn chain(
    target: &AudioTarget,
    edit: &AudioEdit,
    frame: &Frame,
    remix: Option<&Remix>,
    first: Option<&str>,
) -> String {
    let AudioTarget { sample_format, sample_rate, layout, .. } = target;
    let mut chain = Vec::new();
    match remix {
        Some(Remix::Relabel) => {
            let same: Vec<String> = (0..frame.channels()).map(|channel| channel.to_string()).collect();
            chain.push(format!("channelmap={}:{layout}", same.join("|")));
        }
        Some(Remix::Matrix { rows }) => {
            let rows = rows.iter().enumerate().map(|(to, row)| {
                let terms: Vec<String> =
                    row.iter().enumerate().map(|(from, factor)| format!("{factor:.12}*c{from}")).collect();
                format!("c{to}={}", terms.join("+"))
            });
            let rows: Vec<String> = rows.collect();
            // The matrix applies to the layout that the source had at first.
            chain.extend(first.map(|first| format!("aresample=ochl={first}:osf=dblp:rematrix_maxval=1:{INSIDE}")));
            chain.push(format!("aformat=sample_fmts=dblp,pan={layout}|{}", rows.join("|")));
        }
        Some(Remix::Pick { channels }) => {
            let channels = channels.iter().enumerate().map(|(to, from)| match from {
                Some(from) => format!("c{to}=c{from}"),
                None => format!("c{to}=0*c0"),
            });
            let channels: Vec<String> = channels.collect();
            chain.extend(first.map(|first| format!("aresample=ochl={first}:osf=dblp:rematrix_maxval=1:{INSIDE}")));
            // In 64-bit floating point, which holds every integer sample exactly.
            chain.push(format!("aformat=sample_fmts=dblp,pan={layout}|{}", channels.join("|")));
        }
        Some(Remix::Standard) | None => {}
    }
    chain.extend(amplify(edit));
    let declared = edit.declared_rates(frame.sample_rate(), *sample_rate);
    let is_resampled = declared.map_or(frame.sample_rate() != *sample_rate, |(from, to)| from != to);
    let resampler = is_resampled.then(|| target.resampler.unwrap_or_else(best));
    let is_mixed = matches!(remix, Some(Remix::Standard | Remix::Matrix { .. }));
    let is_short = target.bits.is_some_and(|bits| bits <= 24);
    let dithered = target.dithered || (is_short && (edit.changes_values() || is_mixed || is_resampled));
    let mix = match remix {
        Some(Remix::Standard) => format!(":ochl={layout}:rematrix_maxval=1"),
        _ => String::new(),
    };
    let resample = resampler.map_or_else(String::new, |resampler| format!(":{}", options(resampler)));
    let dither = match (dithered, target.bits) {
        (true, Some(24)) => ":dither_method=triangular:output_sample_bits=24",
        (true, _) => ":dither_method=triangular",
        (false, _) => "",
    };
    // One pass for channels, rate and depth.
    let is_changed = dithered || resampler.is_some() || remix == Some(&Remix::Standard) || edit.changes_values();
    let inner = if is_changed { format!(":{INSIDE}") } else { String::new() };
    let osr = declared.map_or(i64::from(*sample_rate), |(_, to)| to);
    chain.extend(declared.map(|(from, _)| format!("asetrate={from}")));
    match limiter(edit, *sample_rate, resampler.unwrap_or_else(best)) {
        // A limiter must run before the rounding, and at the output rate.
        Some(limiter) => {
            chain.push(format!("aresample=osr={osr}:osf=dblp{mix}{resample}{inner}"));
            chain.extend(declared.map(|_| format!("asetrate={sample_rate}")));
            chain.push(limiter);
            chain.push(format!("aresample=osr={sample_rate}:osf={sample_format}{dither}:{INSIDE}"));
        }
        None => {
            chain.push(format!("aresample=osr={osr}:osf={sample_format}{mix}{resample}{dither}{inner}"));
            chain.extend(declared.map(|_| format!("asetrate={sample_rate}")));
        }
    }
    let mut last = format!("aformat=sample_fmts={sample_format}:sample_rates={sample_rate}");
    // A bare number of channels is not a layout and stays unchanged.
    if ChannelLayout::from_name(layout).is_some() {
        last.push_str(&format!(":channel_layouts={layout}"));
    }
    chain.push(format!("{last},asettb=1/{sample_rate},asetpts=N"));
    chain.join(",")
}

/// Number of output samples for each input sample of a block at `rate` samples a second.
pub(super) fn ratio(target: &AudioTarget, edit: &AudioEdit, rate: u32) -> Rational {
    let (rate, own) = (i64::from(rate.max(1)), i64::from(target.sample_rate));
    match edit.keeps_pitch() {
        true => Rational::new(own, rate),
        false => match edit.declared_rates(rate as u32, target.sample_rate) {
            Some((from, to)) => Rational::new(to, from),
            None => Rational::new(own, rate),
        },
    }
}

pub(super) fn failed(stream: usize, code: AvError) -> Error {
    Error::new(ErrorKind::Codec, Stage::Filter, format!("conversion of audio failed: {code}"))
        .in_stream(stream)
        .caused_by(code)
}
