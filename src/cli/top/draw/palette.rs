//! What colours mean: green is saved or done, blue runs, amber waits for something, red has failed.
//!
//! Promises: with NO_COLOR there is none, and nothing is told by colour alone.

use ratatui::style::{Color, Modifier, Style};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Palette {
    /// The sixteen of the terminal, so that they fit its background.
    Colours,
    Plain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    Usual,
    /// What is read first.
    Strong,
    /// What is read last.
    Quiet,
    Good,
    Runs,
    Attention,
    Bad,
    /// The chosen row.
    Chosen,
}

impl Palette {
    /// As the environment says (<https://no-color.org>).
    #[must_use]
    pub fn from_environment() -> Self {
        match std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            true => Self::Plain,
            false => Self::Colours,
        }
    }

    #[must_use]
    pub fn style(self, meaning: Meaning) -> Style {
        let style = match meaning {
            Meaning::Usual => Style::new(),
            Meaning::Strong => Style::new().add_modifier(Modifier::BOLD),
            Meaning::Quiet => Style::new().add_modifier(Modifier::DIM),
            Meaning::Good => Style::new().fg(Color::Green),
            Meaning::Runs => Style::new().fg(Color::Blue),
            Meaning::Attention => Style::new().fg(Color::Yellow),
            Meaning::Bad => Style::new().fg(Color::Red),
            Meaning::Chosen => Style::new().add_modifier(Modifier::REVERSED),
        };
        match self {
            Self::Colours => style,
            Self::Plain => Style { fg: None, ..style },
        }
    }
}
