//! A path as a person may see it.
//!
//! Promises: one line, no control characters, nothing that moves a terminal's cursor or turns the writing direction.
//! Never in here: paths for machines (those keep every byte).

use std::{fmt, path::Path};

/// Shows a path with what could deceive a terminal or a log escaped.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a>(pub &'a Path);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.to_string_lossy().chars() {
            // U+200E.. and U+2066..: marks that turn the direction of the text around them.
            if character.is_control()
                || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            {
                write!(f, "{}", character.escape_default())?;
            } else {
                fmt::Write::write_char(f, character)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_write_lines_or_colours_of_their_own() {
        for (name, shown) in [
            ("720/a.mkv", "720/a.mkv"),
            ("a\nb\u{1b}[31m.mkv", "a\\nb\\u{1b}[31m.mkv"),
            ("a\u{202e}vkm.exe", "a\\u{202e}vkm.exe"),
            ("Ünïcode 🎬.mp4", "Ünïcode 🎬.mp4"),
        ] {
            assert_eq!(Shown(Path::new(name)).to_string(), shown);
        }
    }
}
