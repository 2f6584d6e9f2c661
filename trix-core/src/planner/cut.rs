//! Finds where copied video begins and ends: it can begin only at a keyframe, and must contain every frame it refers
//! to.
//!
//! Invariant: every copied frame can be decoded from the copy alone. The copy contains all frames of the requested
//! part.

use trix_av::{packet::Packet, stream::StreamFacts};
use trix_bitstream::nal::{self, NalCodec};
use trix_model::{
    decision::Decision,
    error::{Error, ErrorKind, Result, Stage},
    time::{TimeBase, Timestamp},
};

use crate::{
    decode::frame_rate::frame_rate, plan::CopyPlan, planner::request::OutputRequest, settings::job::SourceSettings,
    source::Source,
};

/// How a packet relates to the copied part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CopyPart {
    Outside,
    Leading,
    Inside,
    After,
}

/// Classifies each packet of the copied stream, in file order.
pub(crate) struct CopyGate {
    plan: CopyPlan,
    seen: u64,
    /// True until the first frame after the leading frames of the first keyframe.
    leading: bool,
}

impl CopyGate {
    pub(crate) fn new(plan: &CopyPlan) -> Self {
        CopyGate { plan: plan.clone(), seen: 0, leading: true }
    }

    pub(crate) fn classify(&mut self, packet: &Packet, base: TimeBase) -> CopyPart {
        let number = self.seen;
        self.seen += 1;
        if number < self.plan.skipped {
            return CopyPart::Outside;
        }
        if self.plan.until.is_some_and(|until| number >= until) {
            return CopyPart::After;
        }
        let time = packet.pts().or(packet.dts()).map(|ticks| Timestamp::new(ticks, base));
        if number > self.plan.skipped && self.leading {
            self.leading = time < self.plan.first;
            let kept = self.plan.closed || is_decodable_leading(&self.plan.codec, packet);
            if self.leading && !kept {
                return CopyPart::Leading;
            }
        }
        CopyPart::Inside
    }
}

/// True if a frame that follows a keyframe and is shown before it needs nothing from before that keyframe. HEVC marks
/// such frames as RADL. For MPEG-1 and MPEG-2, the GOP header states it ([`is_closed`]).
fn is_decodable_leading(codec: &str, packet: &Packet) -> bool {
    NalCodec::from_name(codec).is_some_and(|nal| {
        // Only one length of four bytes looks like a start code, so the first bytes show which framing it is.
        let framing = match packet.data() {
            [0, 0, 0, 1, ..] | [0, 0, 1, ..] => nal::Framing::StartCodes,
            _ => nal::Framing::Lengths(4),
        };
        nal::units(packet.data(), framing).iter().any(|unit| nal.is_decodable_leading(unit))
    })
}

/// True if the GOP of a keyframe is marked as closed: the flag in MPEG-2's group header (ISO/IEC 13818-2, 6.2.2.6: 25
/// bits of time code, then `closed_gop`, then `broken_link`).
fn is_closed(codec: &str, packet: &Packet) -> bool {
    let data = packet.data();
    let header = data.windows(4).position(|window| window == [0, 0, 1, 0xb8]);
    let flags = header.and_then(|at| data.get(at + 7)).copied().unwrap_or(0);
    matches!(codec, "mpeg1video" | "mpeg2video") && flags & 0x60 == 0x40
}

/// A keyframe found during the scan.
#[derive(Clone, Copy)]
struct Key {
    number: u64,
    time: Option<Timestamp>,
    closed: bool,
}

/// The keyframe before which a copy ends, and the leading frames of that keyframe.
struct Tail {
    key: Key,
    /// The requested end, if the copy ends because of it.
    asked: Option<Timestamp>,
    /// True if a leading frame is shown before the requested end. The leading frames and the keyframe are then copied
    /// too.
    needed: bool,
    /// When the first leading frame is shown.
    earliest: Option<Timestamp>,
}

/// Resolves which packets are copied. `origin` is the start of the source.
pub(super) fn plan(
    job: &OutputRequest<'_>,
    source: &Source,
    facts: &StreamFacts,
    origin: Timestamp,
    decisions: &mut Vec<Decision>,
    notes: &mut Vec<String>,
) -> Result<CopyPlan> {
    let SourceSettings { start, duration, frames, .. } = job.source;
    let asked = start.map(|start| origin.plus(start));
    let end = duration.map(|duration| asked.unwrap_or(origin).plus(duration));
    let whole = asked.is_none() && end.is_none() && frames.is_none();

    let frame = Timestamp::new(1, frame_rate(facts).inverse());

    let mut walk = source.reopen()?;
    let mut next = || -> Option<Packet> {
        loop {
            // The pass reports read errors; here the scan only stops.
            let packet = walk.read().ok().flatten()?;
            if packet.stream() == facts.index {
                return Some(packet);
            }
        }
    };
    let time = |packet: &Packet| packet.pts().or(packet.dts()).map(|ticks| Timestamp::new(ticks, facts.time_base));
    let mut number = 0;
    let mut first: Option<Key> = None;
    let (mut leading, mut decodable, mut kept) = (0, 0, 0);
    let (mut hidden, mut first_shown) = (0, None);
    // True while the scan is among the leading frames of the first keyframe.
    let mut at_head = false;
    let mut tail: Option<Tail> = None;
    let mut until = None;
    while let Some(packet) = next() {
        if source.is_cancelled() {
            return Err(Error::cancelled(Stage::Plan));
        }
        let shown = time(&packet);
        if let Some(tail) = &mut tail {
            if shown < tail.key.time {
                tail.needed |= shown < tail.asked;
                tail.earliest = tail.earliest.min(shown).or(shown);
                number += 1;
                continue;
            }
            until = Some(if tail.needed { number } else { tail.key.number });
            break;
        }
        if packet.is_key() {
            let key = Key { number, time: shown, closed: is_closed(&facts.codec, &packet) };
            let earlier = asked.is_some_and(|asked| shown <= Some(asked));
            let hides = first.is_some() && packet.is_discarded();
            if first.is_none() || earlier || hides {
                first = Some(key);
                (leading, decodable, kept, hidden, at_head) = (0, 0, 0, 0, true);
                first_shown = shown;
            } else {
                let enough = frames.is_some_and(|frames| kept >= frames);
                if enough || end.is_some_and(|end| shown >= Some(end)) {
                    tail = Some(Tail { key, asked: end.filter(|_| !enough), needed: false, earliest: None });
                    number += 1;
                    continue;
                }
            }
        } else if at_head {
            at_head = first.is_some_and(|key| shown < key.time);
            if at_head {
                leading += 1;
                if first.is_some_and(|key| key.closed) || is_decodable_leading(&facts.codec, &packet) {
                    decodable += 1;
                    kept += 1;
                    first_shown = first_shown.min(shown);
                }
                number += 1;
                continue;
            }
            if whole && hidden == 0 {
                break;
            }
        }
        hidden += u64::from(packet.is_discarded());
        kept += u64::from(first.is_some());
        number += 1;
        // Without a cut, only the first keyframe and its leading frames matter.
        if whole && !at_head && hidden == 0 && kept > 1 {
            break;
        }
    }
    let mut end = None;
    if let Some(Tail { key, needed, earliest, .. }) = tail {
        // If the source ends within the leading frames of its last keyframe, all of them are copied.
        until = until.or((!needed).then_some(key.number));
        end = if needed { key.time.map(|time| time.plus(frame)) } else { earliest.or(key.time) };
    }
    let Some(first) = first else {
        return Err(Error::new(ErrorKind::Unsupported, Stage::Plan, "no keyframe to begin a copy with")
            .in_file(&source.label())
            .in_stream(facts.index));
    };
    let end = end.filter(|_| until.is_some());
    let leading = leading - decodable;
    note(&CopyStart { first, asked, end, leading, hidden, origin }, job, decisions, notes);
    Ok(CopyPlan {
        stream: facts.index,
        codec: facts.codec.clone(),
        first: first.time,
        end,
        skipped: first.number,
        until,
        leading,
        first_shown,
        closed: first.closed,
    })
}

struct CopyStart {
    first: Key,
    asked: Option<Timestamp>,
    end: Option<Timestamp>,
    leading: u64,
    hidden: u64,
    origin: Timestamp,
}

fn note(copy: &CopyStart, job: &OutputRequest<'_>, decisions: &mut Vec<Decision>, notes: &mut Vec<String>) {
    let micro = TimeBase::new(1, 1_000_000);
    let within = |time: Timestamp| Timestamp::new(time.micros() - copy.origin.micros(), micro);
    if let (Some(time), Some(start)) = (copy.first.time.filter(|_| copy.asked.is_some()), job.source.start) {
        decisions.push(Decision::new(
            format!("the copy begins at {}", within(time)),
            format!("copied frames begin with a keyframe: the last at or before {start}, which was asked for"),
        ));
    }
    if let Some(time) = copy.end {
        decisions.push(Decision::new(
            format!("the copy ends at {}", within(time)),
            "copied frames end before a keyframe: the first at or after the end that was asked for",
        ));
    }
    if copy.asked.is_none() && copy.first.number > 0 {
        notes.push(format!(
            "{} frames before the first keyframe are left out: nothing to decode them with",
            copy.first.number
        ));
    }
    if copy.leading > 0 {
        notes.push(format!(
            "{} frames that follow the first keyframe and are shown before it are left out: they refer to frames \
             before it, and the copy does not have these",
            copy.leading
        ));
    }
    if copy.hidden > 0 {
        notes.push(format!("{} frames that the source's edit list hides are shown in the copy", copy.hidden));
    }
}
