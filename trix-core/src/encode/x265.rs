//! The x265 encoder: alone, as a lead, or as a follower.

use trix_av::{frame::Frame, packet::Packet, stream::VideoCodec, x265::Encoder};
use trix_bitstream::sei;
use trix_model::{error::Result, frame_facts::FieldOrder};

use super::{
    encoder::{Coding, Encoded, Headers, VideoEncoder, failed},
    shared::{self, Following, Link, ToFollower},
};

/// An encoder of x265.
pub(super) struct X265 {
    encoder: Encoder,
    fields: Option<FieldOrder>,
    part: Part,
}

/// Its part in a group that shares one analysis.
enum Part {
    Alone,
    Lead(Vec<ToFollower>),
    Follower(Following),
}

impl X265 {
    /// An encoder of frames, or of frames with these fields.
    pub(super) fn new(encoder: Encoder, fields: Option<FieldOrder>, link: Option<Link>) -> Self {
        let part = match link {
            None => Part::Alone,
            Some(Link::Lead(followers)) => Part::Lead(followers),
            Some(Link::Follower { decisions, waits, .. }) => Part::Follower(Following::new(decisions, waits)),
        };
        X265 { encoder, fields, part }
    }

    /// Adds the field order message that the parameter sets announce. x265 writes it only with a buffer model.
    fn with_field_order(&self, encoded: Option<Encoded>) -> Option<Encoded> {
        let Some(order) = self.fields else { return encoded };
        encoded.map(|frame| match sei::with_field_order(frame.packet.data(), order) {
            Some(parts) => Encoded { packet: Packet::joined(&parts), ..frame },
            None => frame,
        })
    }

    /// True if others follow its analysis.
    fn leads(&self) -> bool {
        matches!(self.part, Part::Lead(_))
    }

    /// Encodes a frame; `None`: one that is left.
    fn encode(&mut self, frame: Option<(&Frame, u64, Coding)>) -> Result<Option<Encoded>> {
        let encoded = match (&mut self.part, frame) {
            (Part::Follower(following), Some((frame, number, _))) => {
                following.push(&mut self.encoder, frame, number)?
            }
            (Part::Follower(following), None) => following.finish(&mut self.encoder)?,
            (Part::Alone | Part::Lead(_), frame) => {
                let frame = frame.map(|(frame, number, coding)| (frame, number as i64, coding));
                let encoded = self.encoder.encode(frame).map_err(failed);
                encoded.map_err(|error| if self.leads() { shared::of_lead(error) } else { error })?
            }
        };
        if let Part::Lead(followers) = &mut self.part {
            shared::send(&mut self.encoder, followers);
        }
        Ok(self.with_field_order(encoded))
    }
}

impl VideoEncoder for X265 {
    fn headers(&mut self) -> Result<Headers> {
        let headers = self.encoder.headers().map_err(failed)?;
        if self.fields.is_none() {
            return Ok(headers);
        }
        Ok(Headers { parameter_sets: sei::of_interlaced_source(&headers.parameter_sets), ..headers })
    }

    fn push(&mut self, frame: &Frame, number: u64, coding: Coding) -> Result<Option<Encoded>> {
        self.encode(Some((frame, number, coding)))
    }

    fn finish(&mut self) -> Result<Option<Encoded>> {
        self.encode(None)
    }

    fn release_followers(&mut self) {
        if let Part::Lead(followers) = &mut self.part {
            followers.clear();
        }
    }

    fn codec(&self) -> Option<VideoCodec> {
        Some(VideoCodec::Hevc)
    }

    fn frame_threads(&self) -> Option<u32> {
        Some(self.encoder.frame_threads())
    }

    fn complaints(&self) -> Vec<String> {
        Vec::new()
    }
}
