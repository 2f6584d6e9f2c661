//! Layouts of the audio that a program gives.

use trix_av::layout::ChannelLayout;

use crate::settings::shape::TrackShape;

impl TrackShape {
    /// The loudspeakers of a layout, by whatever name. `None` if the layout is only a number of channels.
    pub(super) fn of_layout(layout: &str) -> Option<Vec<String>> {
        ChannelLayout::from_name(layout).map(|layout| layout.loudspeakers())
    }
}
