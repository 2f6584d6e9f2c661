//! Owner of a demuxer: an `AVFormatContext` that reads from a Rust reader.

use std::{
    ffi::{CStr, c_char, c_int},
    ptr::{self, NonNull},
    sync::Arc,
};

use ffmpeg_sys_next as av;
use trix_model::time::Rational;

use super::{
    AvError, Dictionary, ability, c_string, check, enum_field,
    io::{AvIo, IoState, ReadSeek},
    log::Sink,
    named::demuxer_named,
    packet::Packet,
    rational::rational,
    stream::{self, CodecParameters, StreamFacts},
    text,
};

/// An open demuxer, or the streams of a source that has none.
pub struct Input {
    context: NonNull<av::AVFormatContext>,
    // Dropped after `context`, which still reads from it while it closes.
    io: Option<AvIo>,
    /// Facts that the container alone states, before any packet was analysed.
    declared: Vec<StreamFacts>,
    /// True if frame rates are guesses of the demuxer: an elementary stream states its rate only in its frames, if at
    /// all.
    guesses_rate: bool,
    /// What another opening found in the packets of each stream, in place of [`Self::find_streams`].
    found: Vec<CodecParameters>,
    sink: Arc<Sink>,
    state: Arc<IoState>,
}

// SAFETY: the context is used through this owner only; libavformat has no thread affinity.
unsafe impl Send for Input {}

/// Limits on what a file may cost before its first packet.
#[derive(Clone, Copy)]
pub struct InputBounds {
    /// Maximum number of bytes read to identify the streams.
    pub probe_bytes: u64,
    /// Maximum number of streams.
    pub streams: u32,
    /// Maximum number of pixels in a frame.
    pub pixels: u64,
}

/// A demuxer that the caller selected, instead of the one that the content suggests.
pub struct Stated {
    /// FFmpeg's name.
    pub demuxer: &'static str,
    /// Options of this demuxer.
    pub options: Vec<(&'static str, String)>,
}

/// Why a file could not be opened.
pub enum OpenError {
    /// It is not a known container.
    Unrecognised,
    /// Its container is not allowed. Holds FFmpeg's name of it.
    Refused(String),
    /// The demuxer failed.
    Failed(AvError),
}

impl Input {
    /// Detects the container and reads its header. With `stated`, uses that demuxer instead.
    ///
    /// `name` only lets the detection consider the file name extension; nothing is opened by it. `allowed` decides by
    /// the demuxer's name whether the demuxer may run.
    pub fn open(
        reader: Box<dyn ReadSeek>,
        state: Arc<IoState>,
        sink: Arc<Sink>,
        name: &str,
        bounds: InputBounds,
        stated: Option<&Stated>,
        allowed: impl Fn(&str) -> bool,
    ) -> Result<Self, OpenError> {
        let fail = |code| OpenError::Failed(AvError(code));
        let entered = sink.enter();
        let io = AvIo::new(reader, Arc::clone(&state)).map_err(|error| fail(-error.raw_os_error().unwrap_or(5)))?;
        let name = c_string(name);
        let format = match stated {
            Some(stated) => {
                demuxer_named(&c_string(stated.demuxer)).ok_or_else(|| OpenError::Refused(stated.demuxer.to_owned()))?
            }
            None => detected(&io, &name, bounds, allowed)?,
        };
        // SAFETY: no preconditions.
        let mut context = unsafe { av::avformat_alloc_context() };
        // SAFETY: the context is null or valid and ours.
        let raw = unsafe { context.as_mut() }.ok_or(fail(-12))?;
        raw.opaque = sink.opaque();
        raw.pb = io.as_ptr();
        raw.io_open = Some(refuse_to_open);
        raw.error_recognition = av::AV_EF_CRCCHECK as c_int;
        // One more than the limit: some demuxers ignore surplus streams and continue, and one surplus stream must stay
        // visible.
        let streams = bounds.streams.saturating_add(1).min(i32::MAX as u32).to_string();
        let probe = bounds.probe_bytes.to_string();
        let own = stated.map_or(&[][..], |stated| &stated.options);
        let general =
            [("max_streams", streams.as_str()), ("probesize", probe.as_str()), ("protocol_whitelist", "none")];
        let mut options =
            Dictionary::new(general.into_iter().chain(own.iter().map(|(name, value)| (*name, value.as_str()))));
        // SAFETY: all pointers are ours and valid. On failure the call frees the context; `io` frees the reader.
        check(unsafe { av::avformat_open_input(&mut context, name.as_ptr(), format, options.as_mut()) })
            .map_err(OpenError::Failed)?;
        let context = NonNull::new(context).ok_or(fail(av::AVERROR_BUG))?;
        drop(entered);
        // SAFETY: the class of a demuxer is null or static.
        let guesses_rate = stated.is_none() && unsafe { ability::class_has_option(format.priv_class, c"framerate") };
        let mut input =
            Input { context, io: Some(io), declared: Vec::new(), guesses_rate, found: Vec::new(), sink, state };
        input.declared = input.streams();
        for facts in input.declared.iter_mut().filter(|_| guesses_rate) {
            (facts.average_rate, facts.base_rate) = (Rational::new(0, 1), Rational::new(0, 1));
        }
        Ok(input)
    }

    /// Streams with these parameters, without a demuxer and without packets.
    ///
    /// # Panics
    /// If the process is out of memory, like every allocation in Rust.
    pub fn without_reader(parameters: &[CodecParameters]) -> Self {
        // SAFETY: no preconditions.
        let context = NonNull::new(unsafe { av::avformat_alloc_context() }).expect("memory for a demuxer");
        for own in parameters {
            // SAFETY: the context is ours, and so are the streams that the call adds to it.
            let stream = unsafe { av::avformat_new_stream(context.as_ptr(), ptr::null()).as_ref() };
            let stream = stream.expect("memory for a stream");
            // SAFETY: every stream has parameters; both are valid.
            check(unsafe { av::avcodec_parameters_copy(stream.codecpar, own.as_ptr()) })
                .expect("memory for parameters");
        }
        let (sink, state) = (Sink::new(), Arc::default());
        let mut input =
            Input { context, io: None, declared: Vec::new(), guesses_rate: false, found: Vec::new(), sink, state };
        input.declared = input.streams();
        input
    }

    /// Reads far enough to find the parameters of every stream.
    pub fn find_streams(&mut self, bounds: InputBounds) -> Result<(), AvError> {
        let _entered = self.sink.enter();
        let pixels = bounds.pixels.to_string();
        let own = || Dictionary::new([("max_pixels", pixels.as_str()), ("threads", "1")]);
        let options: Vec<Dictionary> = (0..self.stream_count()).map(|_| own()).collect();
        let mut raw: Vec<_> = options.into_iter().map(Dictionary::into_raw).collect();
        // SAFETY: the context is ours. The list has a dictionary for each stream, as the call asks for.
        let code = unsafe { av::avformat_find_stream_info(self.context.as_ptr(), raw.as_mut_ptr()) };
        // SAFETY: the call replaces each dictionary by the entries that it did not use, which are ours.
        raw.into_iter().for_each(|left| drop(unsafe { Dictionary::from_raw(left) }));
        check(code).map(drop)
    }

    /// Takes over what [`Self::find_streams`] found in `other`, another opening of the same file, whose streams are `streams`.
    /// For containers whose header describes all streams.
    pub fn take_found(&mut self, other: &Self, streams: &[StreamFacts]) {
        let (start, duration) = (other.raw().start_time, other.raw().duration);
        let context = self.raw_mut();
        (context.start_time, context.duration) = (start, duration);
        for facts in streams {
            let Some(stream) = self.stream_pointer(facts.index) else { continue };
            // SAFETY: the stream is valid and ours. libavformat derives durations of packets from its rates.
            unsafe {
                (*stream).avg_frame_rate = rational(facts.average_rate);
                (*stream).r_frame_rate = rational(facts.base_rate);
            }
        }
        self.found = streams.iter().map(|facts| facts.parameters.clone()).collect();
    }

    /// Sets the duration of a packet of audio without one, as libavformat does if it found the number of samples in a packet
    /// itself.
    fn complete(&self, packet: &mut Packet) {
        let (index, bytes) = (packet.stream(), packet.data().len());
        let Some((known, stream)) = self.found.get(index).zip(self.raw_stream(index)) else { return };
        let samples = known.samples_in(bytes);
        if packet.duration() > 0 || samples <= 0 {
            return;
        }
        let rate = i64::from(known.raw().sample_rate.max(1));
        let (num, den) = (i64::from(stream.time_base.num.max(1)), i64::from(stream.time_base.den));
        packet.set_times(packet.pts(), packet.dts(), samples.saturating_mul(den) / rate.saturating_mul(num));
    }

    pub(crate) fn raw(&self) -> &av::AVFormatContext {
        // SAFETY: valid until drop.
        unsafe { self.context.as_ref() }
    }

    pub(crate) fn raw_mut(&mut self) -> &mut av::AVFormatContext {
        // SAFETY: valid until drop, and borrowed exclusively.
        unsafe { self.context.as_mut() }
    }

    /// Stream `index`, valid until the context is closed. `None` if there is no such stream.
    fn stream_pointer(&self, index: usize) -> Option<*mut av::AVStream> {
        // SAFETY: `streams` holds `nb_streams` valid pointers.
        (index < self.stream_count()).then(|| unsafe { *self.raw().streams.add(index) })
    }

    pub(crate) fn raw_stream(&self, index: usize) -> Option<&av::AVStream> {
        // SAFETY: the pointer is valid as long as the context, which is borrowed.
        self.stream_pointer(index).map(|stream| unsafe { &*stream })
    }

    /// The facts known about every stream.
    pub fn streams(&self) -> Vec<StreamFacts> {
        let mut list: Vec<StreamFacts> = (0..self.stream_count()).filter_map(|index| self.stream(index)).collect();
        for facts in list.iter_mut().filter(|_| self.guesses_rate) {
            if let Some(rate) = facts.parameters.bitstream_rate() {
                (facts.average_rate, facts.base_rate) = (rate, rate);
            }
        }
        list
    }

    /// Offset in the file up to which the demuxer has read, including data that it has not parsed yet.
    pub fn reached(&self) -> u64 {
        // SAFETY: the reader belongs to the context and lives as long as it.
        unsafe { self.raw().pb.as_ref() }.map_or(0, |io| u64::try_from(io.pos).unwrap_or(0))
    }

    /// The current parameters of stream `index`, if its codec is no longer `known`.
    pub fn change_of(&self, index: usize, known: c_int) -> Option<CodecParameters> {
        let own = self.raw_stream(index)?.codecpar;
        // SAFETY: parameters live as long as their stream, and their codec is read as an integer.
        unsafe { (enum_field!((*own).codec_id) != known).then(|| CodecParameters::copy_of(own)) }
    }

    /// Facts that the header of the container alone states about its streams. [`Self::streams`] adds facts from the
    /// packets.
    pub fn declared(&self) -> &[StreamFacts] {
        &self.declared
    }

    /// Reads the next packet of any stream. `None` at the end.
    pub fn read(&mut self) -> Result<Option<Packet>, AvError> {
        if self.raw().iformat.is_null() {
            return Ok(None);
        }
        let _entered = self.sink.enter();
        let mut packet = Packet::new();
        // SAFETY: both are valid and ours.
        match check(unsafe { av::av_read_frame(self.context.as_ptr(), packet.as_ptr()) }) {
            Ok(_) => {
                self.complete(&mut packet);
                Ok(Some(packet))
            }
            Err(AvError::EOF) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Seeks to the last keyframe of stream `index` at or before `ticks`, as precisely as the container allows.
    pub fn seek(&mut self, index: usize, ticks: i64) -> Result<(), AvError> {
        if self.raw().iformat.is_null() {
            return Ok(());
        }
        let _entered = self.sink.enter();
        let (index, backward) = (c_int::try_from(index).unwrap_or(-1), av::AVSEEK_FLAG_BACKWARD as c_int);
        // SAFETY: the context is valid and ours.
        check(unsafe { av::av_seek_frame(self.context.as_ptr(), index, ticks, backward) }).map(drop)
    }

    /// Seeks to byte `position` of the file, for containers that can be read from any position.
    pub fn seek_byte(&mut self, position: u64) -> Result<(), AvError> {
        if self.raw().iformat.is_null() {
            return Ok(());
        }
        let _entered = self.sink.enter();
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        // SAFETY: the context is valid and ours; -1 stands for no stream in particular.
        check(unsafe { av::av_seek_frame(self.context.as_ptr(), -1, position, av::AVSEEK_FLAG_BYTE as c_int) })
            .map(drop)
    }

    /// The times of the keyframes of stream `index` in ticks, ascending, and their byte positions, as far as the demuxer
    /// knows them.
    pub fn keyframes(&self, index: usize) -> Vec<(i64, i64)> {
        let Some(stream) = self.stream_pointer(index) else { return Vec::new() };
        // SAFETY: the stream is valid.
        let count = unsafe { av::avformat_index_get_entries_count(stream) };
        // SAFETY: the call returns a valid entry or null for each number. Nothing in between moves the entries.
        let entry = |number| unsafe { av::avformat_index_get_entry(stream, number).as_ref() };
        let keys = (0..count).filter_map(entry).filter(|entry| entry.flags() & av::AVINDEX_KEYFRAME as c_int != 0);
        keys.map(|entry| (entry.timestamp, entry.pos)).collect()
    }

    /// From now on, packets of stream `index` are not handed on; of containers that list them, they are not even read.
    pub fn discard(&mut self, index: usize) {
        if let Some(stream) = self.stream_pointer(index) {
            // SAFETY: the stream is valid and ours.
            unsafe { (*stream).discard = av::AVDiscard::AVDISCARD_ALL };
        }
    }

    /// From now on, packets are handed on as the container lists them, whatever is in them. To be called before the first
    /// is read.
    pub fn forgo_content(&mut self) {
        self.raw_mut().flags |= av::AVFMT_FLAG_NOPARSE;
    }

    /// Number of streams known so far. A transport stream can announce more in mid-file.
    pub fn stream_count(&self) -> usize {
        self.raw().nb_streams as usize
    }

    /// The facts known so far about stream `index`.
    pub fn stream(&self, index: usize) -> Option<StreamFacts> {
        // SAFETY: the stream is valid, and its demuxer is open.
        self.stream_pointer(index).map(|stream| unsafe { stream::facts(stream) })
    }

    /// Receives the messages of this demuxer.
    pub fn sink(&self) -> &Arc<Sink> {
        &self.sink
    }

    /// State shared with the reader of this demuxer.
    pub fn io_state(&self) -> &Arc<IoState> {
        &self.state
    }
}

/// The demuxer that the content of `io` suggests, if it is `allowed`.
fn detected(
    io: &AvIo,
    name: &CStr,
    bounds: InputBounds,
    allowed: impl Fn(&str) -> bool,
) -> Result<&'static av::AVInputFormat, OpenError> {
    let mut format: *const av::AVInputFormat = ptr::null();
    let limit = u32::try_from(bounds.probe_bytes).unwrap_or(u32::MAX);
    // SAFETY: the reader is valid and the name lives during the call.
    let score = check(unsafe {
        av::av_probe_input_buffer2(io.as_ptr(), &mut format, name.as_ptr(), ptr::null_mut(), 0, limit)
    });
    let score = score.map_err(|error| match error {
        AvError::INVALID => OpenError::Unrecognised,
        error => OpenError::Failed(error),
    })?;
    // SAFETY: demuxers are static.
    let format = unsafe { format.as_ref() }.ok_or(OpenError::Failed(AvError(score)))?;
    // SAFETY: the names of demuxers are static.
    let demuxer = unsafe { text(format.name) }.unwrap_or_default();
    if allowed(&demuxer) { Ok(format) } else { Err(OpenError::Refused(demuxer)) }
}

impl Drop for Input {
    fn drop(&mut self) {
        let _entered = self.sink.enter();
        let mut context = self.context.as_ptr();
        // SAFETY: we own the context; a custom reader is not freed by this call but by `io`, afterwards.
        unsafe { av::avformat_close_input(&mut context) };
        self.io = None;
    }
}

/// Rejects every attempt of a demuxer to open another file or address.
unsafe extern "C" fn refuse_to_open(
    _: *mut av::AVFormatContext,
    _: *mut *mut av::AVIOContext,
    _: *const c_char,
    _: c_int,
    _: *mut *mut av::AVDictionary,
) -> c_int {
    -rustix::io::Errno::PERM.raw_os_error()
}
