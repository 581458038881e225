//! The screen, drawn from the state. Pure but for the screen.
//!
//! Promises: the same state looks the same; every width from 40 columns has room for what matters most; names of others are
//! shown harmlessly.
//! Never in here: what a key does.

mod film;
mod now;
mod over;
mod palette;
mod queue;
mod text;
mod words;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

use self::{
    palette::Meaning,
    text::{columns, cut, shown, thousands},
};
pub use palette::Palette;

use super::{
    picture::Tab,
    state::{Over, Screen, State, Told},
};

/// Nothing less is drawn.
const LEAST_COLUMNS: u16 = 40;
const LEAST_ROWS: u16 = 8;
/// From so many columns on there is room beside the encodes and for more columns of the queue.
const WIDE_COLUMNS: u16 = 100;
/// What is older is not live.
const LIVE_FOR: SignedDuration = SignedDuration::from_secs(5);
/// Tabs, a line below them, and the line at the foot.
const FRAME_ROWS: u16 = 3;
/// Of the queue: what is shown, and the names of the columns.
const QUEUE_HEAD_ROWS: u16 = 2;

/// How it is drawn.
#[derive(Debug, Clone)]
pub struct Look {
    pub palette: Palette,
    pub now: Timestamp,
    pub zone: TimeZone,
}

/// The screen's parts.
struct Parts {
    head: Rect,
    body: Rect,
    foot: Rect,
}

impl Look {
    fn span(&self, meaning: Meaning, text: impl Into<String>) -> Span<'static> {
        Span::styled(text.into(), self.palette.style(meaning))
    }

    fn line(&self, meaning: Meaning, text: impl Into<String>) -> Line<'static> {
        Line::from(self.span(meaning, text))
    }

    fn clock(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string()
    }
}

/// Rows of the queue that a screen of so many has room for.
#[must_use]
pub fn list_rows(rows: u16) -> usize {
    rows.saturating_sub(FRAME_ROWS + QUEUE_HEAD_ROWS).into()
}

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, state: &State, look: &Look) {
    let area = frame.area();
    if area.width < LEAST_COLUMNS || area.height < LEAST_ROWS {
        let least = format!("top needs {LEAST_COLUMNS} columns and {LEAST_ROWS} rows; q quits");
        let lines = text::wrapped(&least, area.width.into());
        put(frame, area, lines.into_iter().map(Line::from));
        return;
    }
    let [head, _, body, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(area);
    let parts = Parts { head, body, foot };
    draw_head(frame, &parts, state, look);
    match state.screen {
        Screen::Now => now::draw(frame, parts.body, state, look),
        Screen::Queue => queue::draw(frame, parts.body, state, look),
    }
    draw_foot(frame, &parts, state, look);
    match &state.over {
        Over::Help => over::draw_help(frame, area, look),
        Over::Details { scrolled, .. } => over::draw_details(frame, area, state, *scrolled, look),
        Over::Nothing | Over::Question { .. } | Over::Search { .. } => {}
    }
}

/// Lines from the top of an area on, as many as there is room for.
fn put<'a>(frame: &mut Frame<'_>, area: Rect, lines: impl Iterator<Item = Line<'a>>) {
    for (row, line) in area.rows().zip(lines) {
        frame.render_widget(line, row);
    }
}

fn draw_head(frame: &mut Frame<'_>, parts: &Parts, state: &State, look: &Look) {
    let tab = |screen: Screen, text: String| {
        let meaning = match state.screen == screen {
            true => Meaning::Chosen,
            false => Meaning::Usual,
        };
        look.span(meaning, format!(" {text} "))
    };
    let count = state.now.as_ref().map(|now| now.count_in(Tab::ToDo));
    let queue = count.map_or_else(
        || "Queue".to_owned(),
        |count| format!("Queue {}", thousands(count)),
    );
    let tabs = Line::from(vec![
        tab(Screen::Now, "Now".into()),
        Span::raw(" "),
        tab(Screen::Queue, queue),
    ]);
    let room = usize::from(parts.head.width).saturating_sub(tabs.width() + 2);
    let (meaning, liveness) = liveness(state, room, look);
    let room_for_name = room.saturating_sub(columns(&liveness) + 3);
    let name = state
        .now
        .as_ref()
        .map(|now| text::cut_middle(&shown(&now.present.of.1), room_for_name))
        .filter(|name| columns(name) > 3);
    let mut told = Vec::new();
    if let Some(name) = name {
        told.push(look.span(Meaning::Quiet, format!("{name} · ")));
    }
    told.push(look.span(meaning, liveness));
    frame.render_widget(Line::from(told).right_aligned(), parts.head);
    frame.render_widget(tabs, parts.head);
}

/// Whether what is shown is true now.
fn liveness(state: &State, room: usize, look: &Look) -> (Meaning, String) {
    match state.heard {
        None => (Meaning::Quiet, cut("connecting", room)),
        Some(heard) if state.lost.is_some() || look.now.duration_since(heard) > LIVE_FOR => {
            let clock = look.clock(heard);
            let text = format!("not live since {clock}");
            let text = if columns(&text) > room {
                format!("lost {clock}")
            } else {
                text
            };
            (Meaning::Attention, cut(&text, room))
        }
        Some(_) => (Meaning::Quiet, cut("live", room)),
    }
}

fn draw_foot(frame: &mut Frame<'_>, parts: &Parts, state: &State, look: &Look) {
    let width = usize::from(parts.foot.width);
    let line = match (&state.over, &state.told, &state.lost) {
        (Over::Question { text, .. }, ..) => {
            let answers = "  y yes  n no";
            let text = cut(text, width.saturating_sub(columns(answers)));
            Line::from(vec![
                look.span(Meaning::Attention, text),
                look.span(Meaning::Strong, answers),
            ])
        }
        (Over::Search { .. }, ..) => {
            let text = shown(&state.list.view.text);
            let keys = "  Enter keep  Esc back";
            let room = width.saturating_sub(columns(keys) + 2);
            Line::from(vec![
                look.span(Meaning::Strong, format!("/{}▏", text::cut_start(&text, room))),
                look.span(Meaning::Quiet, keys),
            ])
        }
        (_, Some(Told::Done(text)), _) => look.line(Meaning::Good, cut(&shown(text), width)),
        (_, Some(Told::Refused(text)), _) => look.line(Meaning::Bad, cut(&shown(text), width)),
        (_, None, Some(lost)) => look.line(Meaning::Attention, cut(&shown(lost), width)),
        (_, None, None) => look.line(Meaning::Quiet, cut(hints(state), width)),
    };
    frame.render_widget(line, parts.foot);
}

fn hints(state: &State) -> &'static str {
    match state.screen {
        Screen::Now => "? keys  q quit  Tab queue  space pause  Enter details  c cancel  z freeze",
        Screen::Queue => {
            "? keys  q quit  Tab now  / search  f filter  s sort  c cancel  r retry  + - priority  Enter details"
        }
    }
}

#[cfg(test)]
mod tests;
