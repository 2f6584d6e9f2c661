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

    /// Sends a packet. `None` marks the end of the stream. `AGAIN` if output must be received before.
    pub fn send(&mut self, packet: Option<&Packet>) -> Result<(), AvError> {
        // libavcodec takes a packet without bytes for the end of the stream.
        if packet.is_some_and(|packet| packet.data().is_empty()) {
            return Err(AvError::INVALID);
        }
        // The filter takes over the reference that it gets, and leaves that packet blank.
        let own = packet.map(Packet::shared).transpose()?;
        let packet = own.as_ref().map_or(ptr::null_mut(), Packet::as_ptr);
        // SAFETY: both are valid, and nobody else has the packet; null means the end.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_that_was_sent_keeps_its_bytes() {
        let (parameters, time_base) = (CodecParameters::new(), TimeBase::new(1, 25));
        let mut filter = BitstreamFilter::open("null", &parameters, time_base).expect("a filter");
        let packet = Packet::copy_of(&[1, 2, 3]);
        filter.send(Some(&packet)).expect("a packet");
        assert_eq!(packet.data(), [1, 2, 3]);
        assert_eq!(filter.send(Some(&packet)).err(), Some(AvError::AGAIN));
        let received = filter.receive().expect("no error").expect("a packet");
        assert_eq!(received.data(), [1, 2, 3]);
        // An empty packet is not the end of the stream.
        assert_eq!(filter.send(Some(&Packet::new())).err(), Some(AvError::INVALID));
        filter.send(Some(&packet)).expect("a packet");
    }
}
