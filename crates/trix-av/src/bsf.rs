//! Owner of a bitstream filter of libavcodec.

use std::ptr::{self, NonNull};

use ffmpeg_sys_next as av;
use trix_model::time::TimeBase;

use super::{AvError, c_string, check, packet::Packet, stream::CodecParameters};
use crate::rational::rational;

/// A filter from packets to packets.
pub struct BitstreamFilter(NonNull<av::AVBSFContext>);

// SAFETY: the context is used through this owner only; libavcodec has no thread affinity.
unsafe impl Send for BitstreamFilter {}

impl BitstreamFilter {
    /// Opens a filter by FFmpeg's name, for packets with `parameters` and with times in `time_base`.
    pub fn open(name: &str, parameters: &CodecParameters, time_base: TimeBase) -> Result<Self, AvError> {
        let name = c_string(name);
        // SAFETY: the name lives during the call.
        let filter = unsafe { av::av_bsf_get_by_name(name.as_ptr()) };
        if filter.is_null() {
            return Err(AvError(av::AVERROR_BSF_NOT_FOUND));
        }
        let mut raw = ptr::null_mut();
        // SAFETY: filters are static; the call sets the pointer to a new context.
        check(unsafe { av::av_bsf_alloc(filter, &mut raw) })?;
        let mut this = BitstreamFilter(NonNull::new(raw).ok_or(AvError(av::AVERROR_BUG))?);
        let raw = this.raw_mut();
        // SAFETY: a context has input parameters from its creation on; both are valid.
        check(unsafe { av::avcodec_parameters_copy(raw.par_in, parameters.as_ptr()) })?;
        raw.time_base_in = rational(time_base);
        // SAFETY: the context is ours, and its input is described.
        check(unsafe { av::av_bsf_init(raw) })?;
        Ok(this)
    }

    fn raw_mut(&mut self) -> &mut av::AVBSFContext {
        // SAFETY: the pointer is valid until drop, and we hold the only reference.
        unsafe { self.0.as_mut() }
    }

    /// Sends a packet. `None` marks the end of the stream. All output must have been received before.
    pub fn send(&mut self, packet: Option<&Packet>) -> Result<(), AvError> {
        let packet = packet.map_or(ptr::null_mut(), Packet::as_ptr);
        // SAFETY: both are valid; the call takes over the packet's reference and leaves it blank; null means the end.
        check(unsafe { av::av_bsf_send_packet(self.0.as_ptr(), packet) }).map(drop)
    }

    /// Receives a packet. `None` if the filter needs more input, or after the end.
    pub fn receive(&mut self) -> Result<Option<Packet>, AvError> {
        let packet = Packet::new();
        // SAFETY: both are valid and ours.
        match check(unsafe { av::av_bsf_receive_packet(self.0.as_ptr(), packet.as_ptr()) }) {
            Ok(_) => Ok(Some(packet)),
            Err(AvError::AGAIN | AvError::EOF) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for BitstreamFilter {
    fn drop(&mut self) {
        let mut raw = self.0.as_ptr();
        // SAFETY: we own the context.
        unsafe { av::av_bsf_free(&mut raw) };
    }
}
