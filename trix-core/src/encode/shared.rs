//! Encodes that share one analysis: a lead sends what it has decided about each frame to its followers.
//!
//! A follower keeps its frames until the decisions about them arrive, which is when the lead has coded them. It takes them in that order.
//! The queue of decisions has no limit of its own: a lead decides about no frame that it has not got, and the queues of frames keep lead
//! and followers close to each other. A limit could stop the lead while a follower waits for a frame that is behind the lead's own.
//!
//! Invariant: a follower codes every frame that its lead gives, with the decisions about this frame, or fails.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, TryRecvError, channel},
    },
};

use trix_av::{
    frame::Frame,
    x265::{self, Analysis, Refinement, Role},
};
use trix_model::error::{Error, Result, Stage};

use super::encoder::{Encoded, failed};
use crate::plan::{EncodeId, FollowMode, Sharing};

/// The end of a queue at a lead.
pub(super) type ToFollower = Sender<Arc<Analysis>>;

/// The end of a queue at a follower.
type FromLead = Receiver<Arc<Analysis>>;

/// The queues between encodes that are opened together.
pub(crate) struct Queues {
    /// Both ends of each queue, by follower. That of the follower is there until it is opened.
    queues: BTreeMap<EncodeId, (ToFollower, Option<FromLead>)>,
    /// True if each encode has a thread of its own.
    waits: bool,
}

/// How an encoder is connected to others.
pub(crate) enum Link {
    /// It sends its decisions to these.
    Lead(Vec<ToFollower>),
    /// It receives the decisions of a lead.
    Follower {
        /// Where they come.
        decisions: FromLead,
        /// What it decides anew.
        mode: FollowMode,
        /// True if it can wait for them.
        waits: bool,
    },
}

impl Queues {
    /// For encodes that have threads of their own, or share one.
    pub(crate) fn new(own_threads: bool) -> Self {
        Queues { queues: BTreeMap::new(), waits: own_threads }
    }

    /// The ends of the queues for encode `id`. `None` if it is analysed for itself.
    ///
    /// # Errors
    /// `Bug` for a follower that has its end already.
    pub(crate) fn link(&mut self, id: EncodeId, sharing: Option<&Sharing>) -> Result<Option<Link>> {
        Ok(match sharing {
            None => None,
            Some(Sharing::Lead { followers }) => {
                Some(Link::Lead(followers.iter().map(|follower| self.queue(*follower).0.clone()).collect()))
            }
            Some(Sharing::Follower { mode, .. }) => {
                let twice = || Error::bug(Stage::Encode, format!("encode {id} is opened twice"));
                let decisions = self.queue(id).1.take().ok_or_else(twice)?;
                Some(Link::Follower { decisions, mode: *mode, waits: self.waits })
            }
        })
    }

    fn queue(&mut self, follower: EncodeId) -> &mut (ToFollower, Option<FromLead>) {
        self.queues.entry(follower).or_insert_with(|| {
            let (sender, receiver) = channel();
            (sender, Some(receiver))
        })
    }
}

impl Link {
    /// The part of the encoder.
    pub(super) fn role(&self) -> Role {
        match self {
            Link::Lead(_) => Role::Lead,
            Link::Follower { mode: FollowMode::Balanced, .. } => {
                Role::Follower(Refinement { intra: 3, inter: 3, mv: 1 })
            }
            Link::Follower { mode: FollowMode::Fast, .. } => Role::Follower(Refinement { intra: 3, inter: 0, mv: 1 }),
        }
    }
}

/// Sends the decisions of a lead to its followers. One that has ended takes no more.
pub(super) fn send(encoder: &mut x265::Encoder, followers: &mut Vec<ToFollower>) {
    if let Some(analysis) = encoder.take_analysis().map(Arc::new) {
        followers.retain(|follower| follower.send(Arc::clone(&analysis)).is_ok());
    }
}

/// The end of each error of the encoder of a lead.
const OF_LEAD: &str = "other outputs follow its analysis";

/// The error of the encoder of a lead.
pub(super) fn of_lead(error: Error) -> Error {
    error.and(OF_LEAD)
}

/// True if the encoder of a lead failed. Errors that come from another process have only their text.
pub(crate) fn is_of_lead(error: &Error) -> bool {
    error.to_string().contains(OF_LEAD)
}

/// What a follower has received.
pub(super) struct Following {
    decisions: FromLead,
    /// True if the lead runs in another thread, so that its decisions can be waited for.
    waits: bool,
    /// Frames whose decisions have not come, by number.
    frames: BTreeMap<u64, Frame>,
    /// Decisions about a frame that has not come.
    next: Option<Arc<Analysis>>,
    /// True if the lead has given all frames that anyone takes.
    is_over: bool,
}

impl Following {
    pub(super) fn new(decisions: FromLead, waits: bool) -> Self {
        Following { decisions, waits, frames: BTreeMap::new(), next: None, is_over: false }
    }

    /// Takes the next frame, and codes one of which everything is there.
    pub(super) fn push(&mut self, encoder: &mut x265::Encoder, frame: &Frame, number: u64) -> Result<Option<Encoded>> {
        self.receive(false)?;
        if self.is_over {
            return encoder.encode(None).map_err(failed);
        }
        self.frames.insert(number, frame.clone());
        self.step(encoder)
    }

    /// Codes a frame that is left. `None`: all are coded, or the decisions about the next one have not come.
    pub(super) fn finish(&mut self, encoder: &mut x265::Encoder) -> Result<Option<Encoded>> {
        while !self.frames.is_empty() {
            self.receive(self.waits)?;
            if self.is_over {
                self.frames.clear();
                break;
            }
            let Some(next) = &self.next else { return Ok(None) };
            if !self.frames.contains_key(&next.frame()) {
                let detail = format!("frame {} was analysed and did not come", next.frame());
                return Err(Error::bug(Stage::Encode, detail));
            }
            if let Some(encoded) = self.step(encoder)? {
                return Ok(Some(encoded));
            }
        }
        encoder.encode(None).map_err(failed)
    }

    /// Takes the next decisions, if they are there.
    fn receive(&mut self, waits: bool) -> Result<()> {
        if self.next.is_some() {
            return Ok(());
        }
        let received =
            if waits { self.decisions.recv().map_err(TryRecvError::from) } else { self.decisions.try_recv() };
        match received {
            Ok(analysis) => self.next = Some(analysis),
            Err(TryRecvError::Empty) => {}
            // In one thread, an encoder that fails ends all.
            Err(TryRecvError::Disconnected) if !self.waits => self.is_over = true,
            Err(TryRecvError::Disconnected) => {
                // The error of the lead says why.
                let ended = Error::cancelled(Stage::Encode);
                return Err(ended.and("the encode whose analysis it follows has ended"));
            }
        }
        Ok(())
    }

    /// Codes the next frame, if it and the decisions about it are there.
    fn step(&mut self, encoder: &mut x265::Encoder) -> Result<Option<Encoded>> {
        let frame = self.next.as_ref().and_then(|analysis| self.frames.remove(&analysis.frame()));
        let Some((frame, analysis)) = frame.zip(self.next.as_ref()) else { return Ok(None) };
        let encoded = encoder.follow(&frame, analysis).map_err(failed)?;
        self.next = None;
        Ok(encoded)
    }
}

#[cfg(test)]
mod tests {
    use trix_model::{
        error::ErrorKind,
        format::{Chroma, FrameFormat},
        time::Rational,
    };

    use super::*;

    #[test]
    fn a_follower_whose_lead_has_ended_ends_too_and_leaves_the_reason_to_it() {
        let format = FrameFormat::ycbcr(Chroma::C420, 8);
        let mut parameters = x265::Parameters::new(8, Some("ultrafast"), None).unwrap();
        parameters.set("pools", "1").unwrap();
        parameters.set_frame(64, 64, format, Rational::new(25, 1));
        let mut queues = Queues::new(true);
        let (lead, follower) = (EncodeId(0), EncodeId(1));
        let part = Sharing::Follower { lead, mode: FollowMode::Fast };
        let link = queues.link(follower, Some(&part)).unwrap().unwrap();
        assert!(queues.link(follower, Some(&part)).is_err(), "it has its end already");
        let of_lead = queues.link(lead, Some(&Sharing::Lead { followers: vec![follower] })).unwrap();
        parameters.share(link.role());
        let mut encoder = x265::Encoder::open(parameters, format).map_err(|refused| refused.0).unwrap();
        let Link::Follower { decisions, waits, .. } = link else { panic!("a follower") };
        let mut following = Following::new(decisions, waits);
        assert!(following.push(&mut encoder, &Frame::grey(64, 64), 0).unwrap().is_none(), "it waits for its lead");
        drop((queues, of_lead));
        let error = following.finish(&mut encoder).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        assert!(error.to_string().contains("the encode whose analysis it follows has ended"), "{error}");
    }
}
