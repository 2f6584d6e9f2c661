//! Channel layouts by their names: sets of loudspeakers.
//!
//! Invariant: a text means the same loudspeakers with every installed library, and with libavutil wherever it knows the
//! text. (libavutil also reads quotes, backslashes, `@` and a number of 0 in lists of loudspeakers, and `USR` with numbers
//! that are not plain decimals. No layout needs them.)

use std::fmt;

/// A set of loudspeakers, one bit for each, in the order of libavutil (`enum AVChannel`) and WAVE (dwChannelMask).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Loudspeakers(pub u64);

/// The layouts that libavutil 57 has names for (channel_layout.h).
const NAMED: [(&str, &str); 29] = [
    ("mono", "FC"),
    ("stereo", "FL+FR"),
    ("2.1", "FL+FR+LFE"),
    ("3.0", "FL+FR+FC"),
    ("3.0(back)", "FL+FR+BC"),
    ("4.0", "FL+FR+FC+BC"),
    ("quad", "FL+FR+BL+BR"),
    ("quad(side)", "FL+FR+SL+SR"),
    ("3.1", "FL+FR+FC+LFE"),
    ("5.0", "FL+FR+FC+BL+BR"),
    ("5.0(side)", "FL+FR+FC+SL+SR"),
    ("4.1", "FL+FR+FC+LFE+BC"),
    ("5.1", "FL+FR+FC+LFE+BL+BR"),
    ("5.1(side)", "FL+FR+FC+LFE+SL+SR"),
    ("6.0", "FL+FR+FC+BC+SL+SR"),
    ("6.0(front)", "FL+FR+FLC+FRC+SL+SR"),
    ("hexagonal", "FL+FR+FC+BL+BR+BC"),
    ("6.1", "FL+FR+FC+LFE+BC+SL+SR"),
    ("6.1(back)", "FL+FR+FC+LFE+BL+BR+BC"),
    ("6.1(front)", "FL+FR+LFE+FLC+FRC+SL+SR"),
    ("7.0", "FL+FR+FC+BL+BR+SL+SR"),
    ("7.0(front)", "FL+FR+FC+FLC+FRC+SL+SR"),
    ("7.1", "FL+FR+FC+LFE+BL+BR+SL+SR"),
    ("7.1(wide)", "FL+FR+FC+LFE+BL+BR+FLC+FRC"),
    ("7.1(wide-side)", "FL+FR+FC+LFE+FLC+FRC+SL+SR"),
    ("octagonal", "FL+FR+FC+BL+BR+BC+SL+SR"),
    ("hexadecagonal", "FL+FR+FC+BL+BR+BC+SL+SR+TFL+TFC+TFR+TBL+TBC+TBR+WL+WR"),
    ("downmix", "DL+DR"),
    ("22.2", "FL+FR+FC+LFE+BL+BR+FLC+FRC+BC+SL+SR+TC+TFL+TFC+TFR+TBL+TBC+TBR+LFE2+TSL+TSR+BFC+BFL+BFR"),
];

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

/// The bits of loudspeakers with a name.
const BITS: [(&str, u32); 30] = [
    ("FL", 0),
    ("FR", 1),
    ("FC", 2),
    ("LFE", 3),
    ("BL", 4),
    ("BR", 5),
    ("FLC", 6),
    ("FRC", 7),
    ("BC", 8),
    ("SL", 9),
    ("SR", 10),
    ("TC", 11),
    ("TFL", 12),
    ("TFC", 13),
    ("TFR", 14),
    ("TBL", 15),
    ("TBC", 16),
    ("TBR", 17),
    ("DL", 29),
    ("DR", 30),
    ("WL", 31),
    ("WR", 32),
    ("SDL", 33),
    ("SDR", 34),
    ("LFE2", 35),
    ("TSL", 36),
    ("TSR", 37),
    ("BFC", 38),
    ("BFL", 39),
    ("BFR", 40),
];

/// White space around the names in a list.
const SPACES: [char; 4] = [' ', '\n', '\t', '\r'];

impl Loudspeakers {
    /// Reads a layout in one of FFmpeg's forms: a name (`5.1(side)`), loudspeakers in their order (`FL+FR+LFE`), these
    /// with their number (`3 channels (FL+FR+LFE)`), or bits (`0x3f`). `None` for everything else, a bare number of
    /// channels such as `6c` or `6 channels` included.
    pub fn from_text(text: &str) -> Option<Self> {
        let named = NAMED.iter().chain(&HEIGHTS).find(|(name, _)| *name == text);
        named
            .and_then(|(_, list)| of_list(list))
            .or_else(|| of_list(text))
            .or_else(|| counted(text))
            .or_else(|| bits(text))
    }

    /// Number of channels.
    pub fn count(self) -> usize {
        self.0.count_ones() as usize
    }
}

impl fmt::Display for Loudspeakers {
    /// Writes FFmpeg's name of the layout, or the loudspeakers with their number if FFmpeg 5.1 has no name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, _)) = NAMED.iter().find(|(_, list)| of_list(list) == Some(*self)) {
            return f.write_str(name);
        }
        let name = |bit: u32| match BITS.iter().find(|(_, known)| *known == bit) {
            Some((name, _)) => (*name).to_owned(),
            None => format!("USR{bit}"),
        };
        let names: Vec<String> = (0..u64::BITS).filter(|bit| self.0 >> bit & 1 == 1).map(name).collect();
        write!(f, "{} channels ({})", names.len(), names.join("+"))
    }
}

/// Reads loudspeakers in ascending order. One `+` may stand at the end.
fn of_list(list: &str) -> Option<Loudspeakers> {
    let mut bits = 0;
    for name in list.strip_suffix('+').unwrap_or(list).split('+') {
        let bit = loudspeaker(name.trim_matches(SPACES))?;
        if bits >> bit != 0 {
            return None;
        }
        bits |= 1 << bit;
    }
    Some(Loudspeakers(bits))
}

/// The bit of a loudspeaker by its name, or by its number: `USR18`.
fn loudspeaker(name: &str) -> Option<u32> {
    let number = |text: &str| text.parse().ok().filter(|bit: &u32| *bit < u64::BITS && bit.to_string() == text);
    let known = BITS.iter().find(|(known, _)| *known == name).map(|(_, bit)| *bit);
    known.or_else(|| name.strip_prefix("USR").and_then(number))
}

/// Reads loudspeakers with their number before them.
fn counted(text: &str) -> Option<Loudspeakers> {
    let text = text.trim_ascii_start();
    let text = text.strip_prefix('+').unwrap_or(text);
    let (number, rest) = text.split_at(text.find(|byte: char| !byte.is_ascii_digit())?);
    let rest = rest.trim_ascii_start().strip_prefix("channels")?.trim_ascii_start().strip_prefix('(')?;
    let set = rest.strip_suffix(')').and_then(of_list)?;
    (number.parse() == Ok(set.count())).then_some(set)
}

/// Reads the bits as a number: decimal, hexadecimal after `0x`, octal after `0`.
fn bits(text: &str) -> Option<Loudspeakers> {
    let text = text.trim_start_matches(|byte: char| byte.is_ascii_whitespace() || byte == '\x0b');
    let text = text.strip_prefix('+').unwrap_or(text);
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&text[2..], 16),
        [b'0', ..] => (text, 8),
        _ => (text, 10),
    };
    // `from_str_radix` would accept a sign.
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(digits, radix).ok().filter(|bits| is_plain && *bits != 0).map(Loudspeakers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_layout_is_read_and_numbers_of_channels_are_none() {
        let name = |text: &str| Loudspeakers::from_text(text).map(|set| set.to_string());
        for (text, expected) in [
            ("mono", "mono"),
            ("5.1(side)", "5.1(side)"),
            ("FL+FR", "stereo"),
            (" FL + FR +", "stereo"),
            ("3", "stereo"),
            ("0x3f", "5.1"),
            ("077", "5.1"),
            ("2 channels (FL+FR)", "stereo"),
            ("LFE2", "1 channels (LFE2)"),
            ("USR18+USR20", "2 channels (USR18+USR20)"),
            ("5.1.2", "8 channels (FL+FR+FC+LFE+BL+BR+TFL+TFR)"),
        ] {
            assert_eq!(name(text).as_deref(), Some(expected), "{text}");
        }
        let unknown =
            ["", "+", "FR+FL", "FL+FL", "FL++FR", "6c", "6 channels", "3 channels (FL+FR)", "0", "08", "0x", "-3"];
        for text in unknown.into_iter().chain(["quadro", "ambisonic 1", "FL\0", "USR64", "USR", "99999999999999999999"])
        {
            assert_eq!(name(text), None, "{text}");
        }
    }

    #[test]
    fn a_written_layout_is_read_again() {
        for set in NAMED.iter().chain(&HEIGHTS).map(|(_, list)| of_list(list).expect("loudspeakers")) {
            assert_eq!(Loudspeakers::from_text(&set.to_string()), Some(set), "{set}");
        }
        assert_eq!(Loudspeakers::from_text(&Loudspeakers(u64::MAX).to_string()), Some(Loudspeakers(u64::MAX)));
    }
}
