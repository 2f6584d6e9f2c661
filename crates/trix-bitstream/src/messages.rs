//! The messages in an SEI unit of H.264 or HEVC.
//!
//! Invariant: types, sizes and payloads are read without emulation prevention, as the standards count them.

/// Calls `visit` with the type and payload of every message in an SEI unit.
pub(crate) fn each_message(body: &[u8], mut visit: impl FnMut(usize, &[u8])) {
    let body = unescaped(body);
    let mut rest = body.as_slice();
    // At the end, only the trailing bits are left.
    while rest.len() > 2 {
        let (Some(kind), Some(size)) = (number(&mut rest), number(&mut rest)) else { return };
        let Some((message, after)) = rest.split_at_checked(size) else { return };
        rest = after;
        visit(kind, message);
    }
}

/// Reads the type or size of a message. A byte of 255 means that more bytes follow.
fn number(rest: &mut &[u8]) -> Option<usize> {
    let mut sum = 0;
    loop {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        sum += usize::from(byte);
        if byte != 255 {
            return Some(sum);
        }
    }
}

/// Removes emulation prevention.
pub(crate) fn unescaped(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut zeros = 0;
    for &byte in body {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        out.push(byte);
        zeros = if byte == 0 { zeros + 1 } else { 0 };
    }
    out
}
