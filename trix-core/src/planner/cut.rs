//! Where copied pictures begin and end: only a keyframe can be the first, and none that is needed may be missing.
//!
//! Invariant: every picture that is copied can be decoded from the copy alone, and the pictures of the part that was
//! asked for are among them.

use trix_av::{packet::Packet, stream::StreamFacts};
use trix_bitstream::nal::{self, NalCodec};
use trix_model::{
    decision::Decision,
    error::{Error, ErrorKind, Result, Stage},
    time::{TimeBase, Timestamp},
};

use crate::{
    decode::video::frame_rate, plan::CopyPlan, planner::request::OutputRequest, source::Source,
    spec::job::SourceSettings,
};

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Outside,
    Leading,
    Inside,
    After,
}

/// Finds the place of each packet of the copied stream, in the order of the file.
pub(crate) struct CopyGate {
    plan: CopyPlan,
    seen: u64,
    /// Until a picture that is not shown before the first keyframe.
    leading: bool,
}

impl CopyGate {
    pub(crate) fn new(plan: &CopyPlan) -> Self {
        CopyGate { plan: plan.clone(), seen: 0, leading: true }
    }

    pub(crate) fn judge(&mut self, packet: &Packet, base: TimeBase) -> Place {
        let number = self.seen;
        self.seen += 1;
        if number < self.plan.skipped {
            return Place::Outside;
        }
        if self.plan.until.is_some_and(|until| number >= until) {
            return Place::After;
        }
        let time = packet.pts().or(packet.dts()).map(|ticks| Timestamp::new(ticks, base));
        if number > self.plan.skipped && self.leading {
            self.leading = time < self.plan.first;
            let kept = self.plan.closed || is_decodable_leading(&self.plan.codec, packet);
            if self.leading && !kept {
                return Place::Leading;
            }
        }
        Place::Inside
    }
}

/// Whether a picture that is shown before the keyframe it follows needs nothing from before that keyframe: RADL pictures
/// of HEVC say so. Others are told by their group ([`is_closed`]).
fn is_decodable_leading(codec: &str, packet: &Packet) -> bool {
    NalCodec::from_name(codec).is_some_and(|nal| {
        // Start codes and lengths of four bytes are told apart by the only length that looks like a start code.
        let framing = match packet.data() {
            [0, 0, 0, 1, ..] | [0, 0, 1, ..] => nal::Framing::StartCodes,
            _ => nal::Framing::Lengths(4),
        };
        nal::units(packet.data(), framing).iter().any(|unit| nal.is_decodable_leading(unit))
    })
}

/// Whether the group that a keyframe begins is closed by its own word: the flag of MPEG-2's group header (ISO/IEC
/// 13818-2, 6.2.2.6: 25 bits of time code, then `closed_gop`, then `broken_link`).
fn is_closed(codec: &str, packet: &Packet) -> bool {
    let data = packet.data();
    let header = data.windows(4).position(|window| window == [0, 0, 1, 0xb8]);
    let flags = header.and_then(|at| data.get(at + 7)).copied().unwrap_or(0);
    matches!(codec, "mpeg1video" | "mpeg2video") && flags & 0x60 == 0x40
}

/// A keyframe of the walk.
#[derive(Clone, Copy)]
struct Key {
    number: u64,
    time: Option<Timestamp>,
    closed: bool,
}

/// The keyframe before which a copy ends, and the pictures that follow it and are shown before it.
struct Tail {
    key: Key,
    /// The end that was asked for, where the copy ends because of it.
    asked: Option<Timestamp>,
    /// Whether one of the pictures is shown before that, so that they and the keyframe are copied too.
    needed: bool,
    /// When the first of them is shown.
    earliest: Option<Timestamp>,
}

/// Resolves which pictures are copied. `origin` is the start of the source.
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
            // What cannot be read is judged when it is read for good.
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
    // The walk is inside the pictures that are shown before the first keyframe, or the last.
    let mut at_head = false;
    let mut tail: Option<Tail> = None;
    let mut until = None;
    while let Some(packet) = next() {
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
        // Without a cut, the first keyframe and what is shown before it is all there is to know.
        if whole && !at_head && hidden == 0 && kept > 1 {
            break;
        }
    }
    let mut end = None;
    if let Some(Tail { key, needed, earliest, .. }) = tail {
        // Where the source ends within the pictures that follow its last keyframe, all of them are copied.
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
    tell(&Told { first, asked, end, leading, hidden, origin }, job, decisions, notes);
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

struct Told {
    first: Key,
    asked: Option<Timestamp>,
    end: Option<Timestamp>,
    leading: u64,
    hidden: u64,
    origin: Timestamp,
}

fn tell(told: &Told, job: &OutputRequest<'_>, decisions: &mut Vec<Decision>, notes: &mut Vec<String>) {
    let micro = TimeBase::new(1, 1_000_000);
    let within = |time: Timestamp| Timestamp::new(time.micros() - told.origin.micros(), micro);
    if let (Some(time), Some(start)) = (told.first.time.filter(|_| told.asked.is_some()), job.source.start) {
        decisions.push(Decision::new(
            format!("the copy begins at {}", within(time)),
            format!("copied pictures begin with a keyframe: the last at or before {start}, which was asked for"),
        ));
    }
    if let Some(time) = told.end {
        decisions.push(Decision::new(
            format!("the copy ends at {}", within(time)),
            "copied pictures end before a keyframe: the first at or after the end that was asked for",
        ));
    }
    if told.asked.is_none() && told.first.number > 0 {
        notes.push(format!(
            "{} pictures before the first keyframe are left out: nothing to decode them with",
            told.first.number
        ));
    }
    if told.leading > 0 {
        notes.push(format!(
            "{} pictures that follow the first keyframe and are shown before it are left out: they refer to pictures \
             before it, which the copy has not",
            told.leading
        ));
    }
    if told.hidden > 0 {
        notes.push(format!("{} pictures that the source's edit list hides are shown in the copy", told.hidden));
    }
}
