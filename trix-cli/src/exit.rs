//! The exit codes of the process.

use trix_core::ErrorKind;

/// Success.
pub const DONE: u8 = 0;

/// The exit code for an error of `kind`. Only this function maps kinds to numbers.
pub fn code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::InvalidSpec => 2,
        ErrorKind::MalformedInput | ErrorKind::Unsupported | ErrorKind::Limit => 3,
        ErrorKind::Verification => 4,
        ErrorKind::Io => 5,
        // 128 + SIGINT, as shells do.
        ErrorKind::Cancelled => 130,
        // Codec, Bug, and kinds that are added later.
        _ => 1,
    }
}

/// The code of the worse of two results, for several masters. A bug or an interruption is worst, then what may have gone
/// wrong unseen, then the machine, the source, and the job.
pub fn worse(one: u8, other: u8) -> u8 {
    const ORDER: [u8; 7] = [DONE, 2, 3, 5, 4, 1, 130];
    let rank = |code: u8| ORDER.iter().position(|own| *own == code).unwrap_or(ORDER.len());
    if rank(other) > rank(one) { other } else { one }
}

/// The text about exit codes in `--help`.
pub const HELP: &str = "\
Exit codes:
  0    done
  1    a bug, or a codec that failed
  2    wrong usage, or an invalid job
  3    the source is damaged, unsupported or over a limit
  4    verification failed
  5    input/output: missing file, permission, full disk, taken name
  130  interrupted";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_the_documented_code() {
        for kind in ErrorKind::ALL {
            let expected = match kind {
                ErrorKind::InvalidSpec => 2,
                ErrorKind::Unsupported | ErrorKind::MalformedInput | ErrorKind::Limit => 3,
                ErrorKind::Verification => 4,
                ErrorKind::Io => 5,
                ErrorKind::Cancelled => 130,
                ErrorKind::Codec | ErrorKind::Bug => 1,
                other => panic!("{other:?} has no documented exit code"),
            };
            assert_eq!(code(kind), expected, "{kind:?}");
            assert!(HELP.lines().any(|line| line.trim_start().starts_with(&format!("{expected} "))), "{kind:?}");
        }
    }
}
