//! *Queue*: the rows of the list that are on the screen.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    Look, WIDE_COLUMNS,
    palette::Meaning,
    put,
    text::{columns, cut, cut_middle, duration, left, right, shown, thousands},
    words,
};
use crate::{
    cli::top::{
        picture::{Motion, Now, Tab},
        state::State,
    },
    receipt,
    service::LiveEncode,
    task::Task,
};

/// From so many columns on a row has room for what it is about.
const MIDDLE_COLUMNS: u16 = 72;
/// The longest: `Left as it is`.
const STATUS_COLUMNS: usize = 13;
const NARROW_STATUS_COLUMNS: usize = 9;
const SIZE_COLUMNS: usize = 9;
const SHORT_COLUMNS: usize = 8;
const PRIORITY_COLUMNS: usize = 8;
const RESOLUTION_COLUMNS: usize = 6;

/// What a row has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Narrow,
    Middle,
    Wide,
}

impl Layout {
    fn status(self) -> usize {
        match self {
            Self::Narrow => NARROW_STATUS_COLUMNS,
            Self::Middle | Self::Wide => STATUS_COLUMNS,
        }
    }

    fn of(width: u16) -> Self {
        match width {
            WIDE_COLUMNS.. => Self::Wide,
            MIDDLE_COLUMNS.. => Self::Middle,
            _ => Self::Narrow,
        }
    }

    /// Columns of the name and of what it is about.
    fn flexible(self, width: usize) -> (usize, usize) {
        let fixed = match self {
            Self::Narrow => NARROW_STATUS_COLUMNS + 1 + SHORT_COLUMNS + 1,
            Self::Middle => STATUS_COLUMNS + SIZE_COLUMNS + 4,
            Self::Wide => STATUS_COLUMNS + SIZE_COLUMNS + PRIORITY_COLUMNS + RESOLUTION_COLUMNS + 6,
        };
        let rest = width.saturating_sub(fixed);
        match self {
            Self::Narrow => (rest, 0),
            Self::Middle => (rest - rest / 3, rest / 3),
            Self::Wide => (rest - rest * 2 / 5, rest * 2 / 5),
        }
    }
}

pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, look: &Look) {
    let list = &state.list;
    let layout = Layout::of(area.width);
    let width = usize::from(area.width);
    let mut lines = vec![summary(state, width, look), names(layout, width, look)];
    if list.rows.view == list.view && list.rows.total == 0 {
        lines.push(Line::default());
        let text = match (&state.now, list.view.text.is_empty(), list.view.tab) {
            (None, ..) => "",
            (_, false, _) => "No file is called like this. Esc ends the search, f looks in other states.",
            (_, true, Tab::ToDo) => "Nothing waits. New files in input begin by themselves.",
            (_, true, Tab::Failed) => "Nothing has failed.",
            (_, true, Tab::Done) => "Nothing is done yet.",
            (_, true, Tab::Cancelled) => "Nothing was cancelled.",
            (_, true, Tab::All) => "The queue is empty. Drop a video into input/720 to begin.",
        };
        let wrapped = super::text::wrapped(text, width);
        lines.extend(wrapped.into_iter().map(|line| look.line(Meaning::Usual, line)));
    }
    let places = (list.top..list.rows.total).take(list.height);
    lines.extend(places.map(|place| {
        let line = match list.rows.at(place) {
            Some(task) => row(task, encode_of(state.now.as_ref(), task), layout, width, look),
            None => look.line(Meaning::Quiet, left("…", width)),
        };
        match place == list.chosen {
            true => line.style(look.palette.style(Meaning::Chosen)),
            false => line,
        }
    }));
    put(frame, area, lines.into_iter());
}

/// An encode, and whether it gets anywhere.
type Encode<'a> = (&'a LiveEncode, Motion);

fn encode_of<'a>(now: Option<&'a Now>, task: &Task) -> Option<Encode<'a>> {
    let now = now?;
    let encode = now.encode_of(&task.id)?;
    Some((encode, now.motion(encode)))
}

/// Which tasks, in which order, and where in the list one is.
fn summary(state: &State, width: usize, look: &Look) -> Line<'static> {
    let list = &state.list;
    let total = list.rows.total;
    let place = match total {
        0 => String::new(),
        _ => format!("{} of {}", thousands(list.chosen + 1), thousands(total)),
    };
    let room = width.saturating_sub(columns(&place) + 1);
    let mut spans = Vec::new();
    let mut left_over = room;
    let title = |tab: Tab| match state.now.as_ref().map_or(0, |now| now.count_in(tab)) {
        0 => tab.title().to_owned(),
        count => format!("{} {}", tab.title(), thousands(count)),
    };
    let all: usize = Tab::EVERY.iter().map(|tab| columns(&title(*tab)) + 2).sum();
    // Where there is no room for all of them the chosen one is enough.
    for tab in Tab::EVERY
        .into_iter()
        .filter(|tab| all <= room || *tab == list.view.tab)
    {
        let meaning = match tab == list.view.tab {
            true => Meaning::Strong,
            false => Meaning::Quiet,
        };
        let text = cut(&format!("{}  ", title(tab)), left_over);
        left_over = left_over.saturating_sub(columns(&text));
        spans.push(look.span(meaning, text));
    }
    let mut rest = list.view.sort.title().to_owned();
    if !list.view.text.is_empty() {
        rest = format!("/{}  {rest}", shown(&list.view.text));
    }
    spans.push(look.span(Meaning::Quiet, left(&rest, left_over)));
    spans.push(look.span(Meaning::Quiet, format!(" {place}")));
    Line::from(spans)
}

fn names(layout: Layout, width: usize, look: &Look) -> Line<'static> {
    let (name, about) = layout.flexible(width);
    let status = left("State", layout.status());
    let text = match layout {
        Layout::Narrow => format!("{status} {} {}", left("Name", name), right("", SHORT_COLUMNS)),
        Layout::Middle => format!(
            "{status} {} {}  {}",
            left("Name", name),
            right("Size", SIZE_COLUMNS),
            left("", about)
        ),
        Layout::Wide => format!(
            "{status} {} {} {} {}  {}",
            left("Name", name),
            right("For", RESOLUTION_COLUMNS),
            right("Priority", PRIORITY_COLUMNS),
            right("Size", SIZE_COLUMNS),
            left("", about)
        ),
    };
    look.line(Meaning::Quiet, text)
}

fn row(task: &Task, encode: Option<Encode<'_>>, layout: Layout, width: usize, look: &Look) -> Line<'static> {
    let (name_columns, about_columns) = layout.flexible(width);
    let name = left(&cut_middle(&task.shown().to_string(), name_columns), name_columns);
    let motion = encode.map_or(Motion::Goes, |(_, motion)| motion);
    let status = look.span(
        words::tone(task, motion),
        left(&words::status(&task.status, motion), layout.status()),
    );
    let size = || right(&size(task), SIZE_COLUMNS);
    let about = || left(&shown(&about(task, encode)), about_columns);
    let rest = match layout {
        Layout::Narrow => format!(" {name} {}", right(&short(task, encode), SHORT_COLUMNS)),
        Layout::Middle => format!(" {name} {}  {}", size(), about()),
        Layout::Wide => format!(
            " {name} {} {} {}  {}",
            right(
                &task
                    .resolution
                    .map_or_else(String::new, |height| format!("{height}p")),
                RESOLUTION_COLUMNS
            ),
            right(&priority(task), PRIORITY_COLUMNS),
            size(),
            about()
        ),
    };
    Line::from(vec![status, Span::raw(rest)])
}

fn priority(task: &Task) -> String {
    match task.priority {
        0 => String::new(),
        priority => format!("{priority:+}").replace('-', "−"),
    }
}

fn size(task: &Task) -> String {
    match task.size_before_bytes {
        0 => String::new(),
        bytes => receipt::size(bytes),
    }
}

/// The one thing worth knowing, in few columns.
fn short(task: &Task, encode: Option<Encode<'_>>) -> String {
    let percent = encode.and_then(|(encode, _)| encode.percent);
    let saved = || receipt::change(task.size_before_bytes, task.size_after_bytes?);
    match percent {
        Some(percent) => format!("{percent:.0} %"),
        None => saved().unwrap_or_else(|| size(task)),
    }
}

/// What a task is about: how far, what it waits for, what came of it.
fn about(task: &Task, encode: Option<Encode<'_>>) -> String {
    /// A whole log in an error costs nothing here.
    const LIMIT_COLUMNS: usize = 400;
    if let Some((encode, motion)) = encode {
        let percent = encode.percent.map(|percent| format!("{percent:.0} %"));
        let time = match encode.seconds_left {
            Some(seconds) => format!("{} left", duration(seconds)),
            None => words::stage(&encode.stage),
        };
        let time = Some(time).filter(|_| motion == Motion::Goes);
        let parts: Vec<String> = [percent, time].into_iter().flatten().collect();
        return parts.join(" · ");
    }
    let waits = task
        .waiting_for
        .as_ref()
        .map(|waiting| words::waits(waiting).to_owned());
    let saved = || receipt::change(task.size_before_bytes, task.size_after_bytes?);
    let text = waits
        .or_else(|| task.error.clone())
        .or_else(|| task.reason.clone())
        .or_else(saved)
        .or_else(|| task.summary.clone());
    cut(&text.unwrap_or_default(), LIMIT_COLUMNS)
}
