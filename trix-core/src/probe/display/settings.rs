//! The settings of an encoder on one line.
//!
//! Invariant: the line is no longer than asked for, and says by `...` that more settings follow.

/// The settings that matter most, in the order in which they are shown, without the difference between `-` and `_`.
const FIRST: [&str; 17] = [
    "rc",
    "crf",
    "bitrate",
    "qp",
    "vbv_maxrate",
    "vbv_bufsize",
    "nal_hrd",
    "strict_cbr",
    "keyint",
    "min_keyint",
    "keyint_min",
    "bframes",
    "ref",
    "rd",
    "me",
    "subme",
    "aq",
];

/// The most important of `all` settings, in at most `width` columns. `None` if there are no settings.
pub(super) fn brief(all: &str, width: usize) -> Option<String> {
    const MORE: &str = " ...";
    let words: Vec<&str> = all.split_whitespace().collect();
    let joined = words.join(" ");
    if joined.is_empty() || joined.chars().count() <= width {
        return Some(joined).filter(|joined| !joined.is_empty());
    }
    let is_called = |word: &str, name: &str| word.split('=').next().unwrap_or(word).replace('-', "_") == name;
    let mut chosen: Vec<&str> =
        FIRST.iter().filter_map(|name| words.iter().find(|word| is_called(word, name)).copied()).collect();
    if chosen.is_empty() {
        chosen = words;
    }
    let mut line = String::new();
    let mut columns = 0;
    for word in chosen {
        let word: String = word.chars().take(width.saturating_sub(MORE.len())).collect();
        let more = word.chars().count() + usize::from(columns > 0);
        if columns + more + MORE.len() > width {
            break;
        }
        if columns > 0 {
            line.push(' ');
        }
        line.push_str(&word);
        columns += more;
    }
    Some(line + MORE)
}

#[cfg(test)]
mod tests {
    use super::brief;

    #[test]
    fn the_settings_that_matter_come_first_and_fit() {
        let x264 = "cabac=1 ref=3 deblock=1:0:0 analyse=0x3:0x113 me=hex subme=7 psy=1 psy_rd=1.00:0.00 keyint=250 \
                    keyint_min=25 scenecut=40 bframes=3 rc=crf mbtree=1 crf=23.0 qcomp=0.60 aq=1:1.00";
        let expected = "rc=crf crf=23.0 keyint=250 keyint_min=25 bframes=3 ref=3 me=hex subme=7 aq=1:1.00 ...";
        assert_eq!(brief(x264, 85).as_deref(), Some(expected));
        assert_eq!(brief(x264, 30).as_deref(), Some("rc=crf crf=23.0 keyint=250 ..."));
        assert_eq!(brief("rc=crf crf=23", 30).as_deref(), Some("rc=crf crf=23"));
        assert_eq!(brief("  ", 30), None);
        let unknown = "quality of a kind that nobody knows, and more of it";
        assert_eq!(brief(unknown, 30).as_deref(), Some("quality of a kind that ..."));
        let long = "x".repeat(90);
        assert_eq!(brief(&long, 20).map(|line| line.len()), Some(20));
    }
}
