//! The plan that a job resolves to, as plain data: every default is resolved.

mod audio;
mod metadata;
#[doc(hidden)]
pub mod check;
mod chunks;
mod content;
mod encode;
mod file;
mod filter;
mod ids;
mod job;
mod loudness;
mod memory;
mod output;
mod package;
mod still;
mod video;
mod view;

pub use self::{
    audio::{AudioPlan, AudioTarget, MustLast, Remix, Resampler},
    chunks::{ChunkPlan, FrameRange},
    content::{AudioContent, ContentPlan},
    encode::{AudioEncode, EncodePlan, FollowMode, Sharing, VideoEncode},
    file::FilePlan,
    filter::{Cut, Deinterlacing, FilterPlan, Filtering, ToneMapping, Transform, Waypoint},
    ids::{EncodeId, OutputId, PackageId, Product, Sink, StepId, StillId, StreamId},
    job::{ExternalAudioPlan, Identity, Plan, SourcePlan},
    loudness::{Loudness, Normalisation, Settled},
    memory::{MemoryPlan, MemoryShare, UnitMemory, Waves},
    metadata::{AttachmentPlan, CoverPlan, Metadata, SubtitlePlan, TrackTags},
    output::OutputPlan,
    package::{PackagePlan, RenditionPlan, TextPlan},
    still::{Span, StillInput, StillPlan},
    video::{CopyPlan, VideoPlan},
    view::View,
};
#[doc(hidden)]
pub use self::{
    filter::Verdict,
    ids::{PerProduct, PerSink},
    memory::{FRAMES, PACKETS},
    output::end_by_frames,
};
