//! Elements of Matroska (RFC 8794).
//!
//! Invariant: no length is trusted beyond the bytes that are present.

/// Identifier and content length of the element at the start of `bytes`, and the size of this header in bytes (RFC
/// 8794, 4 and 5).
pub fn head_of(bytes: &[u8]) -> Option<(u32, u64, usize)> {
    let id_width = bytes.first()?.leading_zeros() as usize + 1;
    if id_width > 4 {
        return None;
    }
    let element = bytes.get(..id_width)?.iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
    let size_width = bytes.get(id_width)?.leading_zeros() as usize + 1;
    let raw = bytes.get(id_width..id_width + size_width).filter(|_| size_width <= 8)?;
    let size = raw.iter().fold(0, |size, byte| size << 8 | u64::from(*byte)) & !(1 << (7 * size_width));
    Some((element, size, id_width + size_width))
}
