//! Runs `trix` on a terminal.

use std::{
    fs::File,
    io::Read,
    path::Path,
    process::{Command, Stdio},
};

/// Runs a command with a terminal of so many columns and rows as standard error, and returns what it showed.
pub fn on_a_terminal(mut command: Command, columns: u16, rows: u16) -> String {
    use rustix::{pty, termios};
    let terminal = pty::openpt(pty::OpenptFlags::RDWR | pty::OpenptFlags::NOCTTY).expect("a terminal");
    pty::grantpt(&terminal).expect("a terminal");
    pty::unlockpt(&terminal).expect("a terminal");
    let name = pty::ptsname(&terminal, Vec::new()).expect("its name").into_string().expect("UTF-8");
    let screen = File::options().read(true).write(true).open(Path::new(&name)).expect("its other side");
    let size = termios::Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    termios::tcsetwinsize(&screen, size).expect("a size");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(screen);
    let mut child = command.spawn().expect("trix runs");
    drop(command);
    let mut terminal = File::from(terminal);
    let (mut shown, mut block) = (Vec::new(), [0; 4096]);
    // The read fails when the last process closes its side.
    while let Ok(count @ 1..) = terminal.read(&mut block) {
        shown.extend_from_slice(&block[..count]);
    }
    child.wait().expect("trix ends");
    String::from_utf8(shown).expect("UTF-8").replace("\r\n", "\n")
}

/// The rows of text that were shown on a terminal of `columns`, one after the other. Between control characters and
/// sequences, text goes on in the next row when a row is full.
pub fn rows(shown: &str, columns: u16) -> Vec<String> {
    let mut rows = vec![String::new()];
    let mut letters = shown.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => {
                // A sequence ends with a letter.
                letters.find(char::is_ascii_alphabetic);
                rows.push(String::new());
            }
            letter if letter.is_control() => rows.push(String::new()),
            letter => {
                if rows.last().is_some_and(|row| row.chars().count() == usize::from(columns)) {
                    rows.push(String::new());
                }
                rows.last_mut().expect("a row").push(letter);
            }
        }
    }
    rows.retain(|row| !row.trim().is_empty());
    rows
}
