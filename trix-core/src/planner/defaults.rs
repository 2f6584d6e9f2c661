//! Chooses settings that the job leaves open, as the container needs them.
//!
//! Invariant: a default that is chosen here works. Settings of the job are never changed.

use trix_model::decision::Decision;

use crate::{
    settings::{
        container::Container,
        job::OutputSettings,
        video::{EncodeSettings, VideoSettings},
    },
    source::Source,
};

/// `output` with all settings chosen that its container needs, and the reasons.
pub(super) fn settle(output: &OutputSettings, source: &Source) -> (OutputSettings, Vec<Decision>) {
    let (mut output, mut decisions) = (output.clone(), Vec::new());
    let container = Container::from_path(&output.path);
    if output.video == VideoSettings::Auto {
        let codec = source.video().map(|stream| stream.codec.as_str());
        output.video = match (container, codec) {
            (_, None) => {
                decisions.push(Decision::new("the output has no video", "the source has none"));
                VideoSettings::None
            }
            (Some(Container::WebM), Some("vp8" | "vp9" | "av1")) => {
                let why = "WebM holds VP8, VP9 and AV1, which are not encoded here";
                decisions.push(Decision::new("frames are copied", why));
                VideoSettings::Copy
            }
            _ => VideoSettings::X264(EncodeSettings::default()),
        };
    }
    if let (Some(Container::Mxf), VideoSettings::X264(settings)) = (container, &mut output.video) {
        settings.params.entry("bframes".to_owned()).or_insert_with(|| {
            let why = "MXF cannot say in which order frames of H.264 are shown that are coded in another";
            decisions.push(Decision::new("x264 makes no B frames", why));
            "0".to_owned()
        });
    }
    (output, decisions)
}
