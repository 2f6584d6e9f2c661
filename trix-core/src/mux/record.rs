//! The record of a track: what an encoder emitted, or what a file holds, in a comparable form.
//!
//! Invariant: the same code makes the record while writing and while reading back. A record does not grow with the
//! duration.

use serde::{Deserialize, Serialize};
use trix_av::{
    packet::Packet,
    stream::{CodecParameters, StreamKind},
};
use trix_bitstream::{
    nal::{self, Framing, NalCodec, Random},
    sei,
};
use trix_model::{
    extras::ExtrasCount,
    time::{TimeBase, Timestamp},
};
use xxhash_rust::xxh3::Xxh3;

/// What was written to, or read from, one track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TrackRecord {
    /// Frames, audio or subtitles.
    pub kind: StreamKind,
    /// FFmpeg's name of the codec.
    pub codec: String,
    /// Compressed frames, blocks of audio, or subtitles.
    pub packets: u64,
    /// The number of packets at which decoding can start. In H.264, these are flagged frames that are IDR or have a
    /// recovery point.
    pub keyframes: u64,
    /// How many of them an edit list hides: decoded, but not presented.
    pub hidden: u64,
    /// Bytes of compressed data.
    pub bytes: u64,
    /// When the first is presented.
    pub start: Option<Timestamp>,
    /// When the last is presented.
    pub last: Option<Timestamp>,
    /// When the last one ends.
    pub end: Option<Timestamp>,
    /// XXH3 over the essence: coded slices of H.264 and HEVC, all bytes of other codecs; in hexadecimal.
    pub essence: String,
    /// Frames with captions or dynamic HDR metadata in them.
    pub extras: ExtrasCount,
    /// XXH3 over the presentation times in the order of decoding, counted from the first of them; for subtitles of text
    /// also over how long each is shown; in hexadecimal.
    pub times: String,
}

/// Builds the record of one track.
pub struct TrackRecorder {
    kind: StreamKind,
    codec: String,
    nal: Option<NalCodec>,
    framing: Framing,
    time_base: TimeBase,
    essence: Xxh3,
    times: Xxh3,
    extras: ExtrasCount,
    packets: u64,
    keyframes: u64,
    hidden: u64,
    bytes: u64,
    first: Option<i64>,
    start: Option<i64>,
    last: Option<i64>,
    end: Option<i64>,
}

impl TrackRecorder {
    /// Creates a record of packets with `parameters` and with times in `time_base`.
    pub fn new(parameters: &CodecParameters, time_base: TimeBase) -> Self {
        let codec = parameters.codec_name();
        let nal = NalCodec::from_name(&codec);
        let framing = nal.map_or(Framing::Opaque, |nal| nal.framing(parameters.extradata()));
        TrackRecorder {
            kind: parameters.kind(),
            codec,
            nal,
            framing,
            time_base,
            essence: Xxh3::new(),
            times: Xxh3::new(),
            extras: ExtrasCount::default(),
            packets: 0,
            keyframes: 0,
            hidden: 0,
            bytes: 0,
            first: None,
            start: None,
            last: None,
            end: None,
        }
    }

    /// Adds a packet to the record.
    pub fn enter(&mut self, packet: &Packet) {
        // Some encoders end with a packet without data (FLAC's checksum of the whole stream). MP4 text tracks fill gaps
        // with empty samples.
        if packet.data().is_empty() || (self.codec == "mov_text" && packet.data().starts_with(&[0, 0])) {
            return;
        }
        self.packets += 1;
        let units = self.nal.map(|nal| (nal, nal::units(packet.data(), self.framing)));
        // FFmpeg's parser flags each I-frame of a stream of H.264 with one reference frame.
        let says_no = |nal: NalCodec, unit: &[u8]| nal == NalCodec::H264 && nal.random_access(unit) == Random::None;
        let is_entry = units.as_ref().is_none_or(|(nal, units)| !units.iter().all(|unit| says_no(*nal, unit)));
        self.keyframes += u64::from(packet.is_key() && is_entry);
        self.hidden += u64::from(packet.is_discarded());
        self.bytes += packet.data().len() as u64;
        self.extras.alpha_layer += u64::from(packet.has_alpha_layer());
        // Relative to the first time, because a transport stream has its own clock. A separate check compares the first
        // time.
        let first = packet.pts().map(|pts| pts.saturating_sub(*self.first.get_or_insert(pts)));
        self.times.update(&first.unwrap_or(i64::MIN).to_le_bytes());
        if matches!(self.codec.as_str(), "subrip" | "ass" | "webvtt" | "mov_text") {
            self.times.update(&packet.duration().to_le_bytes());
        }
        if let Some(pts) = packet.pts() {
            self.start = Some(self.start.map_or(pts, |start| start.min(pts)));
            self.last = Some(self.last.map_or(pts, |last| last.max(pts)));
            let end = pts.saturating_add(packet.duration());
            self.end = Some(self.end.map_or(end, |last| last.max(end)));
        }
        match units {
            Some((nal, units)) => {
                self.extras.add(&sei::extras(&units, nal));
                for unit in units {
                    if nal.is_slice(unit) {
                        // A muxer that writes lengths may include zeros that belong to the next start code.
                        self.essence.update(nal::trim(unit));
                    }
                }
            }
            None => self.essence.update(self.without_adts(packet.data())),
        }
    }

    /// Removes the ADTS header. AAC in a transport stream has one in every packet, which the muxers of MP4 and Matroska
    /// move to the stream's description (ISO 13818-7, 6.2: 7 bytes, 9 with a checksum). No raw AAC packet starts with
    /// the same bits.
    fn without_adts<'a>(&self, data: &'a [u8]) -> &'a [u8] {
        match data {
            [0xff, second, ..] if self.codec == "aac" && second & 0xf6 == 0xf0 => {
                let header = if second & 1 == 1 { 7 } else { 9 };
                data.get(header..).unwrap_or_default()
            }
            _ => data,
        }
    }

    /// Returns the finished record.
    pub fn close(self) -> TrackRecord {
        let time = |ticks: i64| Timestamp::new(ticks, self.time_base);
        TrackRecord {
            start: self.start.map(time),
            last: self.last.map(time),
            end: self.end.map(time),
            essence: format!("{:016x}", self.essence.digest()),
            times: format!("{:016x}", self.times.digest()),
            extras: self.extras,
            kind: self.kind,
            codec: self.codec,
            packets: self.packets,
            keyframes: self.keyframes,
            hidden: self.hidden,
            bytes: self.bytes,
        }
    }
}
