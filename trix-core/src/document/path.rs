//! Reads and writes the paths of the parts of a job, such as `outputs[1].video.depth`.
//!
//! Invariant: a path that is written and read again has the same steps.

use std::{fmt, sync::Arc};

/// A path in a job. Paths share their common beginning, so that long keys are stored once.
#[derive(Clone, Debug, Default)]
pub(super) struct Path(Option<Arc<(Path, Step)>>);

/// A step of a path.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

impl Path {
    pub(super) fn below(&self, step: Step) -> Path {
        Path(Some(Arc::new((self.clone(), step))))
    }
}

impl fmt::Display for Path {
    /// As in TOML: a key that could be read as several steps is quoted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((above, step)) = self.0.as_deref() else { return Ok(()) };
        above.fmt(f)?;
        let key = match step {
            Step::Index(index) => return write!(f, "[{index}]"),
            Step::Key(key) => key,
        };
        if above.0.is_some() {
            f.write_str(".")?;
        }
        match key.is_empty() || key.contains(['.', '[', ']', '"']) {
            true => write!(f, "\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\"")),
            false => f.write_str(key),
        }
    }
}

/// The steps of a path such as `outputs[1].video.depth`.
pub(super) fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (mut key, mut escaped, mut end) = (String::new(), false, quoted.len());
            for (at, letter) in quoted.char_indices() {
                match letter {
                    '\\' if !escaped => escaped = true,
                    '"' if !escaped => {
                        end = at;
                        break;
                    }
                    letter => {
                        key.push(letter);
                        escaped = false;
                    }
                }
            }
            steps.push(Step::Key(key));
            rest = quoted.get(end + 1..).unwrap_or_default();
        } else if let Some(index) = rest.strip_prefix('[') {
            let (number, after) = index.split_once(']').unwrap_or((index, ""));
            // An index that is no number names no element: it becomes the largest possible index.
            steps.push(Step::Index(number.parse().unwrap_or(usize::MAX)));
            rest = after;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end > 0 {
                steps.push(Step::Key(rest[..end].to_owned()));
            }
            rest = &rest[end..];
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    steps
}
