//! Repairs the edit list in a finished MP4 or MOV file.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Result, Seek, SeekFrom, Write},
    path::Path,
};

use trix_bitstream::edit_list::{self, Shown};
use trix_model::time::TimeBase;

/// Starts the video track of the file at `path` with the frame that is shown first. `movie` is the movie's time base.
/// False if the file does not have libavformat's structure; verification then reports what is wrong.
pub(super) fn repair(path: &Path, shown: &Shown, movie: TimeBase) -> Result<bool> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let Some((start, mut moov)) = read_moov(&mut file)? else { return Ok(false) };
    if edit_list::repair(&mut moov, shown, movie).is_none() {
        return Ok(false);
    }
    file.seek(SeekFrom::Start(start))?;
    file.write_all(&moov)?;
    Ok(true)
}

/// Reads the `moov` box. Returns its offset and its bytes.
fn read_moov(file: &mut File) -> Result<Option<(u64, Vec<u8>)>> {
    let mut at = 0;
    loop {
        let mut header = [0; 16];
        file.seek(SeekFrom::Start(at))?;
        if file.read(&mut header)? < 8 {
            return Ok(None);
        }
        let [a, b, c, d, name @ ..] = header;
        let size = match u32::from_be_bytes([a, b, c, d]) {
            1 => u64::from_be_bytes(header[8..].try_into().unwrap_or_default()),
            size => u64::from(size),
        };
        if size < 8 {
            return Ok(None);
        }
        if name.starts_with(b"moov") {
            let mut moov = Vec::new();
            file.seek(SeekFrom::Start(at))?;
            file.take(size).read_to_end(&mut moov)?;
            return Ok(Some((at, moov)));
        }
        at += size;
    }
}
