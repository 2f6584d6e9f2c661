//! Channel layouts.

use std::ffi::c_char;

use ffmpeg_sys_next as av;
use trix_model::layout::Loudspeakers;

use super::{c_string, enum_field, stream::channel_labels, text};

/// A set of loudspeakers in channel order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelLayout {
    /// FFmpeg's name.
    pub name: String,
    /// Number of channels.
    pub channels: u32,
}

impl ChannelLayout {
    /// The layout with this name. `None` if FFmpeg does not know the name, or if the name states only a number of
    /// channels.
    pub fn from_name(name: &str) -> Option<Self> {
        // FFmpeg reads "6c" as the usual layout of six channels.
        let is_number = name.strip_suffix('c').is_some_and(|number| number.parse::<u32>().is_ok());
        if is_number || name.contains('\0') {
            return None;
        }
        let known = Loudspeakers::from_text(name);
        let name = c_string(name);
        // SAFETY: the string lives during the call; the layout is initialised by it and holds no allocation when its
        // order is the native one; it is uninitialised in any case.
        unsafe {
            let mut layout: av::AVChannelLayout = std::mem::zeroed();
            // Releases of libavutil differ in the names that they know.
            let code = match known {
                Some(set) => av::av_channel_layout_from_mask(&mut layout, set.0),
                None => av::av_channel_layout_from_string(&mut layout, name.as_ptr()),
            };
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
    use proptest::prelude::*;

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
        for name in ["3.1.2", "5.1.2", "5.1.4", "7.1.2", "7.1.4", "9.1.4", "9.1.6"] {
            let layout = ChannelLayout::from_name(name).expect("a layout");
            // Whatever name this libavutil gives it, the name leads back to the same layout.
            assert_eq!(ChannelLayout::from_name(&layout.name).as_ref(), Some(&layout), "{name}");
            assert_eq!(layout.loudspeakers().len(), layout.channels as usize, "{name}");
        }
        for name in ["", "4c", "4 channels", "quadro", "a\0b", "ambisonic 1"] {
            assert_eq!(known(name), None, "{name}");
        }
    }

    /// The loudspeakers that libavutil reads in `text`, and the name that it gives them.
    fn by_libavutil(text: &str) -> Option<(u64, String)> {
        let name = c_string(text);
        // SAFETY: the string lives during the call, which initialises the layout; the mask of a layout in native order
        // is the member of the union that is set; the buffer is as long as stated.
        unsafe {
            let mut layout: av::AVChannelLayout = std::mem::zeroed();
            let code = av::av_channel_layout_from_string(&mut layout, name.as_ptr());
            let is_native = enum_field!(layout.order) == av::AVChannelOrder::AV_CHANNEL_ORDER_NATIVE as i32;
            let read = (code >= 0 && is_native && layout.nb_channels > 0).then(|| {
                let mut words = [0 as c_char; 1024];
                av::av_channel_layout_describe(&layout, words.as_mut_ptr(), words.len());
                (layout.u.mask, super::text(words.as_ptr()).unwrap_or_default())
            });
            av::av_channel_layout_uninit(&mut layout);
            read
        }
    }

    #[test]
    fn the_model_names_the_layouts_of_libavutil_as_it_does() {
        let mut next = std::ptr::null_mut();
        let mut count = 0;
        // SAFETY: the first call takes null, each further one what the call before it left; layouts are static.
        while let Some(layout) = unsafe { av::av_channel_layout_standard(&mut next).as_ref() } {
            // SAFETY: standard layouts are in native order; a mask is set.
            let mask = unsafe { layout.u.mask };
            // Newer releases name more layouts than the model does.
            let name = Loudspeakers(mask).to_string();
            assert_eq!(by_libavutil(&name).map(|(mask, _)| mask), Some(mask), "{name}");
            assert_eq!(Loudspeakers::from_text(&name), Some(Loudspeakers(mask)));
            count += 1;
        }
        assert!(count >= 29, "{count} layouts");
    }

    /// Lists that libavutil can read, and texts of their parts that it hardly can.
    fn texts() -> impl Strategy<Value = String> {
        let names =
            ["FL", "FR", "FC", "LFE", "BL", "BR", "BC", "SL", "SR", "TFL", "TBR", "USR18", "DL", "WL", "LFE2", "BFR"];
        let parts = vec![
            " ",
            "\t",
            "1",
            "12",
            " channels (",
            "channels(",
            ")",
            "0x3",
            "017",
            "7.1",
            "(side)",
            "ambisonic ",
            "-",
        ];
        let list = proptest::sample::subsequence(names.to_vec(), 1..8).prop_map(|names| names.join("+"));
        let noise = prop_oneof![
            6 => proptest::sample::select(names.to_vec()),
            5 => Just("+"),
            1 => proptest::sample::select(parts),
        ];
        let noise = proptest::collection::vec(noise, 0..9).prop_map(|parts| parts.concat());
        let counted = (1..9u32, list.clone(), 0..3u32).prop_map(|(number, list, own)| match own {
            0 => format!("{number} channels ({list})"),
            1 => format!(" {}channels  ({list}+)", list.split('+').count()),
            _ => format!("{} channels ({list})", list.split('+').count()),
        });
        prop_oneof![list, noise, counted, any::<u64>().prop_map(|bits| (bits >> (bits % 64)).to_string())]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn the_model_reads_layouts_as_libavutil_does(text in texts()) {
            let own = Loudspeakers::from_text(&text);
            prop_assert_eq!(own.map(|set| (set.0, set.to_string())), by_libavutil(&text), "{:?}", text);
        }
    }
}
