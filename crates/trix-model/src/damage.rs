//! Damage in a source, and what to do about it.
//!
//! Invariant: every sign of damage passes through [`DamageLog::add`], so that failing and counting cannot disagree.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, ErrorKind, Result, Stage},
    time::Timestamp,
};

/// The reaction to damage in a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnDamage {
    /// Stop with an error that names the place.
    #[default]
    Fail,
    /// Keep the output of the decoder, count the damage, and report it.
    Conceal,
}

impl OnDamage {
    /// Threads for a video decoder if the caller asks for `threads` (0: one for each core). With several threads, the
    /// output for damaged data depends on how far each thread got. One thread always gives the same output, so that a
    /// verification can compare it with a second decoding.
    pub fn decoder_threads(self, threads: u32) -> u32 {
        if self == OnDamage::Conceal { 1 } else { threads }
    }
}

/// Kinds of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DamageKind {
    /// The container's structure is broken.
    Container,
    /// The source ends before its container says.
    Truncated,
    /// A packet is incomplete or flagged as corrupt.
    Packet,
    /// A decoder refused a packet: nothing came out of it.
    Undecodable,
    /// A decoder put out a frame and complained: broken syntax, a concealed part.
    Frame,
    /// A checksum does not match its data: a slice of FFV1, a block of FLAC, a cluster of Matroska.
    Checksum,
    /// A frame refers to one that is not there.
    MissingReference,
    /// Packets of a transport stream are missing, by their counters.
    Continuity,
    /// Packets of a transport stream arrived broken, by their error indicator.
    Transport,
    /// Files of a sequence are missing, by their numbers.
    MissingFile,
    /// A frame of a sequence has another size or format than the first.
    Shape,
}

impl DamageKind {
    /// The kind of damage that a message of libavcodec or libavformat describes. `other` if the message does not say.
    pub fn of_message(text: &str, other: DamageKind) -> Self {
        let text = text.to_ascii_lowercase();
        let says = |signs: &[&str]| signs.iter().any(|sign| text.contains(sign));
        // The words of libavcodec 59: FFV1, FLAC, AC-3, PNG, HEVC ("mismatching checksum of plane"), TrueHD, DCA.
        if says(&["crc mismatch", "crc error", "crc check failed", "checksum"]) {
            DamageKind::Checksum
        // H.264 (the first six), HEVC, MPEG-4, VP9 (the last two).
        } else if says(&[
            "missing reference",
            "reference frame missing",
            "frame num gap",
            "unref short",
            "co located pocs unavailable",
            "reference not available",
            "could not find ref with poc",
            "referenced frame missing",
            "requested reference",
            "not all references are available",
        ]) {
            DamageKind::MissingReference
        } else {
            other
        }
    }
}

/// One sign of damage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Damage {
    /// Kind of the damage.
    pub kind: DamageKind,
    /// Index of the stream, where known.
    pub stream: Option<usize>,
    /// Time in the stream, as near as the decoder states it (its threads run a few frames ahead).
    pub time: Option<Timestamp>,
    /// Description.
    pub detail: String,
}

/// All damage found in a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DamageReport {
    /// Number of occurrences of each kind.
    pub counts: BTreeMap<DamageKind, u64>,
    /// The first signs of damage, in order of occurrence.
    pub first: Vec<Damage>,
}

impl DamageReport {
    /// True if there is no damage.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Number of signs of damage.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }
}

/// Number of places that a report lists. A broken file can have damage in every frame.
const LISTED: usize = 100;

/// Something that was added to a [`DamageLog`].
#[derive(Clone, Copy, Debug)]
pub enum Entry<'a> {
    /// Damage that is tolerated.
    Damage(&'a Damage),
    /// A note that was not known before.
    Note(&'a str),
}

/// A function that is called with each entry of a log.
pub type OnEntry = Box<dyn Fn(Entry<'_>) + Send + Sync>;

/// Collects damage from all stages that read the source.
pub struct DamageLog {
    policy: OnDamage,
    /// Is called with each entry; it must not wait.
    on_entry: Option<OnEntry>,
    report: Mutex<DamageReport>,
    notes: Mutex<Vec<String>>,
}

impl DamageLog {
    /// An empty log.
    pub fn new(policy: OnDamage) -> Self {
        DamageLog { policy, on_entry: None, report: Mutex::default(), notes: Mutex::default() }
    }

    /// Calls `on_entry` with each entry from now on.
    pub fn observed(self, on_entry: OnEntry) -> Self {
        DamageLog { on_entry: Some(on_entry), ..self }
    }

    /// Records damage.
    ///
    /// # Errors
    /// `MalformedInput` if the policy does not tolerate damage.
    pub fn add(
        &self,
        kind: DamageKind,
        stage: Stage,
        stream: Option<usize>,
        time: Option<Timestamp>,
        detail: String,
    ) -> Result<()> {
        if self.policy == OnDamage::Fail {
            let error = Error::new(ErrorKind::MalformedInput, stage, detail).at(time);
            return Err(match stream {
                Some(stream) => error.in_stream(stream),
                None => error,
            });
        }
        let damage = Damage { kind, stream, time, detail };
        if let Some(on_entry) = &self.on_entry {
            on_entry(Entry::Damage(&damage));
        }
        let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
        *report.counts.entry(kind).or_default() += 1;
        if report.first.len() < LISTED {
            report.first.push(damage);
        }
        Ok(())
    }

    /// Records a note for readers of the report about something that is not damage. Each note is kept once.
    pub fn note(&self, note: String) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.len() < LISTED && !notes.contains(&note) {
            if let Some(on_entry) = &self.on_entry {
                on_entry(Entry::Note(&note));
            }
            notes.push(note);
        }
    }

    /// The notes so far.
    pub fn notes(&self) -> Vec<String> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The damage found so far.
    pub fn report(&self) -> DamageReport {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
