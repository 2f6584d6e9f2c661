//! What a job resolves to, as plain data: every default is settled.

mod audio;
mod carried;
mod filter;
mod loudness;
mod memory;
mod output;
mod package;
mod side;
mod video;

pub use self::{
    audio::{AudioPlan, MustLast, Remix, Resampler, SoundTarget},
    carried::{AttachmentPlan, Carried, CoverPlan, SubtitlePlan, TrackTags},
    filter::{Cut, Deinterlacing, FilterPlan, Filtering, ToneMapping, Transform, Waypoint},
    loudness::{Loudness, Normalisation, Settled},
    memory::{MemoryPlan, MemoryShare},
    output::OutputPlan,
    package::{PackagePlan, RenditionPlan, TextPlan},
    video::{CopyPlan, VideoPlan},
};
pub(crate) use self::{
    filter::Verdict,
    memory::{PACKETS, PICTURES},
    side::SideTrack,
};
