//! Makes a unit fail, for tests.
//!
//! Invariant: without the feature `fault-injection`, no unit fails because of it.

use std::{env, fs, hint, net::UdpSocket, panic, process, thread, time::Duration};

use trix_model::error::{Error, ErrorKind, Result, Stage};

/// Fails as the variable `TRIX_FAULT` says, for example `crash:35:1`: the kind of the failure, the number of the frame, and the
/// number of attempts that fail. The kinds are `fail`, `panic`, `crash`, `hang`, `eat`, and `write`, `read` and `socket`, which fail if
/// the process can write a file, read one or open a socket.
///
/// # Errors
/// `Codec` for `fail`, and for `write`, `read` and `socket` where they succeed.
pub(super) fn strike(frame: u64, attempt: u32) -> Result<()> {
    if cfg!(not(feature = "fault-injection")) {
        return Ok(());
    }
    let Ok(text) = env::var("TRIX_FAULT") else { return Ok(()) };
    let mut parts = text.split(':');
    let kind = parts.next();
    let mut number = || parts.next().and_then(|number| number.parse::<u64>().ok());
    if number() != Some(frame) || number().is_some_and(|most| u64::from(attempt) > most) {
        return Ok(());
    }
    match kind {
        Some("fail") => Err(Error::new(ErrorKind::Codec, Stage::Encode, "the test asked for this failure")),
        // Without the message of the panic hook.
        Some("panic") => panic::resume_unwind(Box::new("the test asked for this panic".to_owned())),
        Some("crash") => process::abort(),
        Some("hang") => loop {
            thread::sleep(Duration::from_secs(1));
        },
        Some("eat") => {
            let mut eaten: Vec<Vec<u8>> = Vec::new();
            loop {
                eaten.push(hint::black_box(vec![1; 64 << 20]));
            }
        }
        Some(kind) => escape(kind),
        None => Ok(()),
    }
}

/// Tries what a unit does not need.
fn escape(kind: &str) -> Result<()> {
    let path = env::temp_dir().join(format!("trix-escape-{}", process::id()));
    let found = match kind {
        "write" if fs::write(&path, "out").is_ok() => "it wrote a file",
        "read" if fs::read("/etc/passwd").is_ok() => "it read a file",
        "socket" if UdpSocket::bind("127.0.0.1:0").is_ok() => "it opened a socket",
        _ => return Ok(()),
    };
    let _ = fs::remove_file(path);
    Err(Error::new(ErrorKind::Codec, Stage::Encode, format!("the unit is not confined: {found}")))
}
