//! Runs `trix` on a terminal.

use std::{
    fs::File,
    io::Read,
    path::Path,
    process::{Command, Stdio},
};

use console::measure_text_width;

/// A terminal.
pub struct Terminal {
    /// The side of the person.
    pub person: File,
    /// The side of the program.
    pub program: File,
}

impl Terminal {
    /// A terminal of so many columns and rows.
    pub fn new(columns: u16, rows: u16) -> Self {
        use rustix::{pty, termios};
        // A program that had this side too would keep the terminal open.
        let flags = pty::OpenptFlags::RDWR | pty::OpenptFlags::NOCTTY | pty::OpenptFlags::CLOEXEC;
        let person = pty::openpt(flags).expect("a terminal");
        pty::grantpt(&person).expect("a terminal");
        pty::unlockpt(&person).expect("a terminal");
        let name = pty::ptsname(&person, Vec::new()).expect("its name").into_string().expect("UTF-8");
        let program = File::options().read(true).write(true).open(Path::new(&name)).expect("its other side");
        let size = termios::Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        termios::tcsetwinsize(&program, size).expect("a size");
        Terminal { person: person.into(), program }
    }
}

/// Runs a command with a terminal of so many columns and rows as standard error, and returns what it showed.
pub fn on_a_terminal(mut command: Command, columns: u16, rows: u16) -> String {
    let Terminal { mut person, program } = Terminal::new(columns, rows);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(program);
    let mut child = command.spawn().expect("trix runs");
    drop(command);
    let (mut shown, mut block) = (Vec::new(), [0; 4096]);
    // The read fails when the last process closes its side.
    while let Ok(count @ 1..) = person.read(&mut block) {
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
                let row = rows.last_mut().expect("a row");
                row.push(letter);
                if measure_text_width(row) > usize::from(columns) {
                    row.pop();
                    rows.push(letter.into());
                }
            }
        }
    }
    rows.retain(|row| !row.trim().is_empty());
    rows
}

/// `text` without the sequences that set styles.
pub fn without_styles(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}
