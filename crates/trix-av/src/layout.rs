//! Channel layouts.

use std::ffi::c_char;

use ffmpeg_sys_next as av;

use super::{c_string, enum_field, stream::channel_labels, text};

/// A set of loudspeakers in channel order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelLayout {
    /// FFmpeg's name.
    pub name: String,
    /// Number of channels.
    pub channels: u32,
}

/// Layouts with height channels. libavutil knows these names from version 59 on; here each has its list of channels.
const HEIGHTS: [(&str, &str); 7] = [
    ("3.1.2", "FL+FR+FC+LFE+TFL+TFR"),
    ("5.1.2", "FL+FR+FC+LFE+BL+BR+TFL+TFR"),
    ("5.1.4", "FL+FR+FC+LFE+BL+BR+TFL+TFR+TBL+TBR"),
    ("7.1.2", "FL+FR+FC+LFE+BL+BR+SL+SR+TFL+TFR"),
    ("7.1.4", "FL+FR+FC+LFE+BL+BR+SL+SR+TFL+TFR+TBL+TBR"),
    ("9.1.4", "FL+FR+FC+LFE+BL+BR+FLC+FRC+SL+SR+TFL+TFR+TBL+TBR"),
    ("9.1.6", "FL+FR+FC+LFE+BL+BR+FLC+FRC+SL+SR+TFL+TFR+TBL+TBR+TSL+TSR"),
];

impl ChannelLayout {
    /// The layout with this name. `None` if FFmpeg does not know the name, or if the name states only a number of
    /// channels.
    pub fn from_name(name: &str) -> Option<Self> {
        // FFmpeg reads "6c" as the usual layout of six channels.
        let is_number = name.strip_suffix('c').is_some_and(|number| number.parse::<u32>().is_ok());
        if is_number || name.contains('\0') {
            return None;
        }
        let height = HEIGHTS.iter().find(|(known, _)| *known == name);
        let name = c_string(height.map_or(name, |(_, loudspeakers)| loudspeakers));
        // SAFETY: the string lives during the call; the layout is initialised by it and holds no allocation when its
        // order is the native one; it is uninitialised in any case.
        unsafe {
            let mut layout: av::AVChannelLayout = std::mem::zeroed();
            let code = av::av_channel_layout_from_string(&mut layout, name.as_ptr());
            let is_native = enum_field!(layout.order) == av::AVChannelOrder::AV_CHANNEL_ORDER_NATIVE as i32;
            let mut words = [0 as c_char; 128];
            av::av_channel_layout_describe(&layout, words.as_mut_ptr(), words.len());
            let channels = u32::try_from(layout.nb_channels).unwrap_or(0);
            av::av_channel_layout_uninit(&mut layout);
            (code >= 0 && is_native && channels > 0)
                .then(|| ChannelLayout { name: text(words.as_ptr()).unwrap_or_default(), channels })
        }
    }

    /// The loudspeaker of each channel in FFmpeg's abbreviations: FL, FR, FC, LFE and so on.
    pub fn loudspeakers(&self) -> Vec<String> {
        let name = c_string(&self.name);
        // SAFETY: as in `from_name`.
        unsafe {
            let mut layout: av::AVChannelLayout = std::mem::zeroed();
            let code = av::av_channel_layout_from_string(&mut layout, name.as_ptr());
            let list = if code < 0 { Vec::new() } else { channel_labels(&layout) };
            av::av_channel_layout_uninit(&mut layout);
            list
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_known_by_name_and_numbers_are_no_layouts() {
        let known = |name: &str| ChannelLayout::from_name(name).map(|layout| (layout.name, layout.channels));
        assert_eq!(known("mono"), Some(("mono".into(), 1)));
        assert_eq!(known("5.1(side)"), Some(("5.1(side)".into(), 6)));
        assert_eq!(known("FL+FR"), Some(("stereo".into(), 2)));
        let names = |name: &str| ChannelLayout::from_name(name).expect("a layout").loudspeakers().join(" ");
        assert_eq!(names("5.1"), "FL FR FC LFE BL BR");
        assert_eq!(names("5.1(side)"), "FL FR FC LFE SL SR");
        assert_eq!(names("mono"), "FC");
        for (name, _) in HEIGHTS {
            let layout = ChannelLayout::from_name(name).expect("a layout");
            // Whatever name this libavutil gives it, the name leads back to the same layout.
            assert_eq!(ChannelLayout::from_name(&layout.name).as_ref(), Some(&layout), "{name}");
            assert_eq!(layout.loudspeakers().len(), layout.channels as usize, "{name}");
        }
        for name in ["", "4c", "4 channels", "quadro", "a\0b", "ambisonic 1"] {
            assert_eq!(known(name), None, "{name}");
        }
    }
}
