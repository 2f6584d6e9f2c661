//! Channel layouts.

use std::ffi::{c_char, c_int};

use ffmpeg_sys_next as av;
use trix_model::layout::Loudspeakers;

use super::{AvError, c_string, check, enum_field, text};

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
        // Releases of libavutil differ in the names that they know.
        let layout = match known {
            Some(set) => Owned::of_mask(set.0),
            None => Owned::of_name(name),
        };
        let layout = layout.ok()?;
        let channels = u32::try_from(layout.0.nb_channels).unwrap_or(0);
        if !layout.is_native() || channels == 0 {
            return None;
        }
        // SAFETY: the layout is valid.
        Some(ChannelLayout { name: unsafe { described(&layout.0) }, channels })
    }

    /// The loudspeaker of each channel in FFmpeg's abbreviations: FL, FR, FC, LFE and so on.
    pub fn loudspeakers(&self) -> Vec<String> {
        // SAFETY: the layout is valid.
        Owned::of_name(&self.name).map(|layout| unsafe { channel_labels(&layout.0) }).unwrap_or_default()
    }
}

/// An owned `AVChannelLayout`.
pub(crate) struct Owned(pub(crate) av::AVChannelLayout);

impl Owned {
    fn empty() -> Self {
        // SAFETY: zeros are a layout without channels.
        Owned(unsafe { std::mem::zeroed() })
    }

    /// The layout that FFmpeg calls `name`.
    fn of_name(name: &str) -> Result<Self, AvError> {
        let mut this = Owned::empty();
        parse(name, &mut this.0)?;
        Ok(this)
    }

    /// The layout of the loudspeakers in `mask`.
    fn of_mask(mask: u64) -> Result<Self, AvError> {
        let mut this = Owned::empty();
        // SAFETY: the layout is ours and empty.
        check(unsafe { av::av_channel_layout_from_mask(&mut this.0, mask) })?;
        Ok(this)
    }

    fn is_native(&self) -> bool {
        // SAFETY: the field has the size of a C int and is initialised.
        unsafe { enum_field!(self.0.order) == av::AVChannelOrder::AV_CHANNEL_ORDER_NATIVE as i32 }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: the layout is ours; the call frees what it holds.
        unsafe { av::av_channel_layout_uninit(&mut self.0) };
    }
}

/// Sets an empty `layout` to the one that FFmpeg calls `name`.
pub(crate) fn parse(name: &str, layout: &mut av::AVChannelLayout) -> Result<(), AvError> {
    let name = c_string(name);
    // SAFETY: the string lives during the call, which overwrites the layout.
    check(unsafe { av::av_channel_layout_from_string(layout, name.as_ptr()) }).map(drop)
}

/// FFmpeg's description of `layout`. Empty if libavutil cannot describe it.
///
/// # Safety
/// `layout` is valid.
pub(crate) unsafe fn described(layout: &av::AVChannelLayout) -> String {
    let mut words = vec![0 as c_char; 128];
    // The second time, the buffer is long enough.
    for _ in 0..2 {
        // SAFETY: promised by the caller; the buffer is as long as stated.
        let code = unsafe { av::av_channel_layout_describe(layout, words.as_mut_ptr(), words.len()) };
        match usize::try_from(code) {
            // FFmpeg 5.1 does not count the NUL.
            Ok(needed) if needed >= words.len() => words.resize(needed + 1, 0),
            // SAFETY: the buffer ends with a NUL after the call.
            Ok(_) => return unsafe { text(words.as_ptr()) }.unwrap_or_default(),
            Err(_) => break,
        }
    }
    String::new()
}

/// For channels in another order than libavutil's own: the layout of the same loudspeakers in libavutil's order, and where each of its
/// channels is in `layout`. `None` for channels in that order, and for those that are no set of loudspeakers.
///
/// # Safety
/// `layout` is valid.
pub(crate) unsafe fn in_usual_order(layout: &av::AVChannelLayout) -> Option<(Owned, Vec<usize>)> {
    const CUSTOM: c_int = 2;
    // SAFETY: the field has the size of a C int and is initialised.
    if unsafe { enum_field!(layout.order) } != CUSTOM {
        return None;
    }
    let count = u32::try_from(layout.nb_channels).ok()?;
    let mut mask = 0u64;
    for index in 0..count {
        // SAFETY: the layout is valid; the call takes any index, and what it returns has the size of a C int.
        let channel = unsafe {
            let channel = av::av_channel_layout_channel_from_index(layout, index);
            enum_field!(channel)
        };
        mask |= 1u64.checked_shl(u32::try_from(channel).ok()?)?;
    }
    let usual = Owned::of_mask(mask).ok().filter(|usual| usual.0.nb_channels == layout.nb_channels)?;
    let places = (0..count).map(|index| {
        // SAFETY: both layouts are valid.
        let place = unsafe {
            let channel = av::av_channel_layout_channel_from_index(&usual.0, index);
            av::av_channel_layout_index_from_channel(layout, channel)
        };
        usize::try_from(place).ok()
    });
    let places = places.collect::<Option<Vec<usize>>>()?;
    Some((usual, places))
}

/// FFmpeg's abbreviations of the channels of a layout. Empty if the order is unknown.
///
/// # Safety
/// `layout` is valid.
pub(crate) unsafe fn channel_labels(layout: &av::AVChannelLayout) -> Vec<String> {
    const UNSPECIFIED: c_int = 0;
    // SAFETY: the field has the size of a C int and is initialised.
    let order = unsafe { enum_field!(layout.order) };
    if order == UNSPECIFIED {
        return Vec::new();
    }
    // No layout has more channels than libavutil has bits for.
    (0..layout.nb_channels.clamp(0, 64) as u32)
        .map(|index| {
            let mut name = [0 as c_char; 32];
            // SAFETY: the layout is valid; the call takes any index.
            let channel = unsafe { av::av_channel_layout_channel_from_index(layout, index) };
            // SAFETY: the buffer is as long as stated, and ends with a NUL after the call.
            unsafe {
                av::av_channel_name(name.as_mut_ptr(), name.len(), channel);
                text(name.as_ptr()).unwrap_or_default()
            }
        })
        .collect()
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
        // The names of 41 loudspeakers take more bytes than those of any usual layout.
        let many = ChannelLayout::from_name("0x1ffffffffff").expect("a layout");
        assert!(many.channels == 41 && many.name.len() > 128 && many.name.ends_with(')'), "{many:?}");
        assert_eq!(ChannelLayout::from_name(&many.name), Some(many));
        for name in ["", "4c", "4 channels", "quadro", "a\0b", "ambisonic 1"] {
            assert_eq!(known(name), None, "{name}");
        }
    }

    /// The loudspeakers that libavutil reads in `text`, and the name that it gives them.
    fn by_libavutil(text: &str) -> Option<(u64, String)> {
        let layout = Owned::of_name(text).ok().filter(|layout| layout.is_native() && layout.0.nb_channels > 0)?;
        let mut words = [0 as c_char; 1024];
        // SAFETY: the layout is valid; the buffer is as long as stated. The mask of a layout in native order is the
        // member of the union that is set.
        unsafe {
            av::av_channel_layout_describe(&layout.0, words.as_mut_ptr(), words.len());
            Some((layout.0.u.mask, super::text(words.as_ptr()).unwrap_or_default()))
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
            let (own, theirs) = (own.map(|set| (set.0, set.to_string())), by_libavutil(&text));
            // Newer releases of libavutil have names for more loudspeakers.
            let is_unnamed = own.as_ref().is_some_and(|(_, words)| words.contains("USR"));
            match (own, theirs) {
                (Some((own, _)), Some((theirs, _))) if is_unnamed => prop_assert_eq!(own, theirs, "{:?}", text),
                (own, theirs) => prop_assert_eq!(own, theirs, "{:?}", text),
            }
        }
    }
}
