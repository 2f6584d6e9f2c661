//! Owner of an `AVPacket`.

use std::{
    ptr::{self, NonNull},
    sync::Arc,
};

use ffmpeg_sys_next as av;

use super::{AvError, check, stream::CodecParameters};

/// Kinds of side data of a packet.
pub use av::AVPacketSideDataType as PacketSide;
use trix_model::time::{TimeBase, Timestamp};

/// A compressed frame of video or audio. Its bytes are reference-counted.
pub struct Packet {
    raw: NonNull<av::AVPacket>,
    /// The new codec, if the codec of the stream changes at this packet.
    change: Option<Arc<CodecChange>>,
}

/// The codec of a stream from a packet on.
pub struct CodecChange {
    /// Name of the codec.
    pub to: String,
    /// Time of the change, if known more precisely than by the packet's time.
    pub time: Option<Timestamp>,
    /// The parameters for a decoder. `None` if the demuxer continues as if nothing had changed, so that its packets are
    /// useless.
    pub parameters: Option<CodecParameters>,
}

// SAFETY: a packet is plain data whose buffer is reference-counted atomically by libavutil.
unsafe impl Send for Packet {}

impl Default for Packet {
    fn default() -> Self {
        Packet::new()
    }
}

impl Packet {
    /// An empty packet.
    ///
    /// # Panics
    /// If the process is out of memory, like every allocation in Rust.
    pub fn new() -> Self {
        // SAFETY: no preconditions.
        let raw = NonNull::new(unsafe { av::av_packet_alloc() }).expect("memory for a packet");
        Packet { raw, change: None }
    }

    /// A packet with a copy of `data`, for encoders that own their output.
    pub fn copy_of(data: &[u8]) -> Self {
        Packet::joined(&[data])
    }

    /// A packet with a copy of `parts`, one after the other.
    ///
    /// # Panics
    /// If the parts have 2 GiB or more, or if the process is out of memory.
    pub fn joined(parts: &[impl AsRef<[u8]>]) -> Self {
        let packet = Packet::new();
        let length: usize = parts.iter().map(|part| part.as_ref().len()).sum();
        let size = i32::try_from(length).expect("an encoder's packet is below 2 GiB");
        // SAFETY: on success the packet has `size` writable bytes.
        check(unsafe { av::av_new_packet(packet.as_ptr(), size) }).expect("memory for a packet");
        let mut at = 0;
        for part in parts.iter().map(AsRef::as_ref) {
            assert!(part.len() <= length - at, "parts have the same length each time");
            // SAFETY: `part.len()` bytes from `at` on lie within the packet's `length` bytes, and nothing else refers to
            // them yet.
            unsafe { ptr::copy_nonoverlapping(part.as_ptr(), (*packet.as_ptr()).data.add(at), part.len()) };
            at += part.len();
        }
        assert_eq!(at, length, "parts have the same length each time");
        packet
    }

    /// This packet without the times, flags and side data that an encoder set. The bytes are not copied.
    pub fn bare(mut self) -> Self {
        // SAFETY: the packet is ours; the call frees what is beside the bytes.
        unsafe { av::av_packet_free_side_data(self.as_ptr()) };
        self.set_times(None, None, 0);
        self.raw_mut().flags = 0;
        self
    }

    /// A copy of this packet with other bytes: those of `parts`, one after the other. Times, flags and stream stay the
    /// same.
    pub fn with_parts(&self, parts: &[impl AsRef<[u8]>]) -> Self {
        let mut packet = Packet::joined(parts);
        packet.set_times(self.pts(), self.dts(), self.duration());
        packet.set_stream(self.stream());
        packet.raw_mut().flags = self.raw().flags;
        packet.change.clone_from(&self.change);
        packet
    }

    /// The new codec, if the codec of the stream changes at this packet.
    pub fn change(&self) -> Option<&CodecChange> {
        self.change.as_deref()
    }

    /// Marks that the codec of the stream changes at this packet.
    pub fn set_change(&mut self, change: CodecChange) {
        self.change = Some(Arc::new(change));
    }

    /// The new codec configuration from this packet on, if the container provides one.
    pub fn new_extradata(&self) -> Option<&[u8]> {
        self.side_data(PacketSide::AV_PKT_DATA_NEW_EXTRADATA).filter(|data| !data.is_empty())
    }

    /// Removes a configuration that only repeats the current one. A muxer would write it over the first one, which may
    /// have less space.
    pub fn drop_new_extradata(&mut self) {
        let kind = PacketSide::AV_PKT_DATA_NEW_EXTRADATA;
        if self.side_data(kind).is_some() {
            // SAFETY: the packet is ours and has data of this kind, of which nothing is left.
            unsafe { av::av_packet_shrink_side_data(self.as_ptr(), kind, 0) };
        }
    }

    /// A second packet that shares the same bytes.
    pub fn shared(&self) -> Result<Self, AvError> {
        let mut packet = Packet::new();
        packet.change.clone_from(&self.change);
        // SAFETY: both are valid; a packet that owns its bytes by reference count, as all of ours do, is not copied.
        check(unsafe { av::av_packet_ref(packet.as_ptr(), self.as_ptr()) })?;
        Ok(packet)
    }

    /// Side data as text, such as the settings or name of a cue.
    pub fn side_text(&self, kind: PacketSide) -> Option<String> {
        self.side_data(kind).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    fn side_data(&self, kind: PacketSide) -> Option<&[u8]> {
        let mut size = 0;
        // SAFETY: the packet is valid; the call returns a place in it with `size` bytes, or null.
        unsafe {
            let data = av::av_packet_get_side_data(self.as_ptr(), kind, &mut size);
            (!data.is_null()).then(|| std::slice::from_raw_parts(data, size))
        }
    }

    /// True if the packet carries an alpha frame beside the main one (Matroska's BlockAdditional number 1).
    pub fn has_alpha_layer(&self) -> bool {
        let added = self.side_data(PacketSide::AV_PKT_DATA_MATROSKA_BLOCKADDITIONAL);
        // The number comes before the data, most significant byte first.
        added.and_then(|data| data.first_chunk::<8>()).is_some_and(|number| u64::from_be_bytes(*number) == 1)
    }

    pub(crate) fn as_ptr(&self) -> *mut av::AVPacket {
        self.raw.as_ptr()
    }

    fn raw(&self) -> &av::AVPacket {
        // SAFETY: the pointer is valid and only changed through `&mut self` or before it is shared.
        unsafe { self.raw.as_ref() }
    }

    fn raw_mut(&mut self) -> &mut av::AVPacket {
        // SAFETY: as above, and we hold the only reference.
        unsafe { self.raw.as_mut() }
    }

    /// The compressed bytes.
    pub fn data(&self) -> &[u8] {
        let raw = self.raw();
        if raw.data.is_null() || raw.size <= 0 {
            return &[];
        }
        // SAFETY: libavcodec keeps `size` readable bytes at `data`.
        unsafe { std::slice::from_raw_parts(raw.data, raw.size as usize) }
    }

    /// Index of the stream in its file.
    pub fn stream(&self) -> usize {
        self.raw().stream_index.max(0) as usize
    }

    /// Sets the index of the stream.
    pub fn set_stream(&mut self, index: usize) {
        self.raw_mut().stream_index = index as i32;
    }

    /// Presentation time in ticks of the stream.
    pub fn pts(&self) -> Option<i64> {
        known(self.raw().pts)
    }

    /// Decoding time in ticks of the stream.
    pub fn dts(&self) -> Option<i64> {
        known(self.raw().dts)
    }

    /// Duration in ticks of the stream. 0 if unknown.
    pub fn duration(&self) -> i64 {
        self.raw().duration
    }

    /// Offset of the bytes in the file, if the demuxer knows it.
    pub fn position(&self) -> Option<u64> {
        u64::try_from(self.raw().pos).ok()
    }

    /// Increases the offset in the file, if the packet has one.
    pub fn move_position(&mut self, by: u64) {
        if let Some(position) = self.position() {
            self.raw_mut().pos = i64::try_from(position.saturating_add(by)).unwrap_or(i64::MAX);
        }
    }

    /// Attaches a new codec configuration that is valid from this packet on.
    pub fn set_new_extradata(&mut self, data: &[u8]) -> Result<(), AvError> {
        let kind = PacketSide::AV_PKT_DATA_NEW_EXTRADATA;
        // SAFETY: the packet is ours; what the call returns has room for `data`.
        unsafe {
            let room = av::av_packet_new_side_data(self.as_ptr(), kind, data.len());
            if room.is_null() {
                return Err(AvError(-12));
            }
            ptr::copy_nonoverlapping(data.as_ptr(), room, data.len());
        }
        Ok(())
    }

    /// Sets presentation time, decoding time and duration, in ticks of the stream.
    pub fn set_times(&mut self, pts: Option<i64>, dts: Option<i64>, duration: i64) {
        let raw = self.raw_mut();
        raw.pts = pts.unwrap_or(av::AV_NOPTS_VALUE);
        raw.dts = dts.unwrap_or(av::AV_NOPTS_VALUE);
        raw.duration = duration;
    }

    /// Marks the last `samples` decoded samples of this packet as padding.
    pub fn set_padding(&mut self, samples: u32) {
        // Data layout: libavcodec's packet.h, AV_PKT_DATA_SKIP_SAMPLES.
        const SIZE: usize = 10;
        // SAFETY: the packet is ours; the call returns as many writable bytes, or null.
        unsafe {
            let kind = av::AVPacketSideDataType::AV_PKT_DATA_SKIP_SAMPLES;
            let data = av::av_packet_new_side_data(self.as_ptr(), kind, SIZE);
            assert!(!data.is_null(), "memory for side data");
            let data = std::slice::from_raw_parts_mut(data, SIZE);
            data.fill(0);
            data[4..8].copy_from_slice(&samples.to_le_bytes());
        }
    }

    /// Converts all times from time base `from` to `to`.
    pub fn rescale(&mut self, from: TimeBase, to: TimeBase) {
        if from == to {
            return;
        }
        let convert = |ticks: i64| Timestamp::new(ticks, from).rescale(to);
        let (pts, dts, duration) = (self.pts().map(convert), self.dts().map(convert), convert(self.duration()));
        self.set_times(pts, dts, duration);
    }

    /// True if decoding can start here.
    pub fn is_key(&self) -> bool {
        self.raw().flags & av::AV_PKT_FLAG_KEY != 0
    }

    /// Sets whether decoding can start here.
    pub fn set_key(&mut self, key: bool) {
        let raw = self.raw_mut();
        raw.flags = if key { raw.flags | av::AV_PKT_FLAG_KEY } else { raw.flags & !av::AV_PKT_FLAG_KEY };
    }

    /// True if the demuxer knows that bytes are missing or wrong.
    pub fn is_corrupt(&self) -> bool {
        self.raw().flags & av::AV_PKT_FLAG_CORRUPT != 0
    }

    /// True if an edit list marks the packet as decoded but not shown.
    pub fn is_discarded(&self) -> bool {
        self.raw().flags & av::AV_PKT_FLAG_DISCARD != 0
    }
}

fn known(ticks: i64) -> Option<i64> {
    (ticks != av::AV_NOPTS_VALUE).then_some(ticks)
}

impl Clone for Packet {
    /// Shares the bytes by reference count.
    fn clone(&self) -> Self {
        self.shared().expect("memory for a reference")
    }
}

impl Drop for Packet {
    fn drop(&mut self) {
        let mut pointer = self.raw.as_ptr();
        // SAFETY: we own the packet; the call frees it and its reference to the data.
        unsafe { av::av_packet_free(&mut pointer) };
    }
}

const _: () = {
    const fn is_send<T: Send>() {}
    is_send::<Packet>();
};
