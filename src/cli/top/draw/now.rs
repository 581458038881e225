//! *Now*: what is wrong, what is encoded, how much is left, how the machine is.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

use super::{
    Look, WIDE_COLUMNS, film,
    palette::Meaning,
    put,
    text::{columns, counted, cut, cut_middle, duration, fps, left, right, shown, speed, wrapped},
    words,
};
use crate::{
    cli::top::{
        picture::{Motion, Now, Trouble, Weight},
        state::State,
    },
    http::system::LoadDto,
    receipt,
    service::LiveEncode,
    task::Status,
};

/// Name, bar, numbers, and a line between this and the next.
const ENCODE_ROWS: usize = 4;
const SIDE_COLUMNS: u16 = 44;
/// Of the words before the numbers.
const LABEL_COLUMNS: usize = 14;
/// A sentence is not read in longer lines.
const SENTENCE_COLUMNS: usize = 75;
const TROUBLE_ROWS: usize = 3;

pub fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, look: &Look) {
    let Some(now) = &state.now else {
        let text = state.lost.as_deref().unwrap_or("Waiting for the first answer.");
        let lines = wrapped(&shown(text), usize::from(area.width).min(SENTENCE_COLUMNS));
        put(frame, area, lines.into_iter().map(Line::from));
        return;
    };
    let mut top = troubles(now, area.width.into(), look);
    if !top.is_empty() {
        top.push(Line::default());
    }
    let top_rows = u16::try_from(top.len()).unwrap_or(u16::MAX).min(area.height / 2);
    let [above, rest] = Layout::vertical([Constraint::Length(top_rows), Constraint::Fill(1)]).areas(area);
    put(frame, above, top.into_iter());
    if area.width >= WIDE_COLUMNS {
        let [main, _, side] = Layout::horizontal([
            Constraint::Fill(1),
            Constraint::Length(3),
            Constraint::Length(SIDE_COLUMNS),
        ])
        .areas(rest);
        draw_encodes(frame, main, now, state, look);
        let lines = totals(now, usize::from(side.width), look);
        put(frame, side, lines.into_iter());
        return;
    }
    let below = totals(now, rest.width.into(), look);
    let rows = u16::try_from(below.len()).unwrap_or(u16::MAX);
    // One encode is seen however small the screen is.
    let rows = rows.min(rest.height.saturating_sub(4));
    let [main, side] = Layout::vertical([Constraint::Fill(1), Constraint::Length(rows)]).areas(rest);
    draw_encodes(frame, main, now, state, look);
    put(frame, side, below.into_iter());
}

/// What is wrong, and what holds new encodes up.
fn troubles(now: &Now, width: usize, look: &Look) -> Vec<Line<'static>> {
    let width = width.min(SENTENCE_COLUMNS).saturating_sub(2);
    let notice = |meaning, mark: &str, title: &str, text: &str| -> Vec<Line<'static>> {
        let mut lines = Vec::new();
        for (index, line) in wrapped(&shown(title), width)
            .into_iter()
            .take(TROUBLE_ROWS)
            .enumerate()
        {
            let mark = if index == 0 { mark } else { " " };
            lines.push(look.line(meaning, format!("{mark} {line}")));
        }
        let text = wrapped(&shown(text), width);
        let text = text.into_iter().take(TROUBLE_ROWS);
        lines.extend(text.map(|line| look.line(Meaning::Quiet, format!("  {line}"))));
        lines
    };
    let wrong = now.problems.iter().flat_map(|problem| {
        let Trouble {
            weight,
            message,
            way_out,
            since,
        } = problem;
        let since = since.map_or_else(String::new, |since| format!(" Since {}.", look.clock(since)));
        let meaning = match weight {
            Weight::Grave => Meaning::Bad,
            Weight::Mild => Meaning::Attention,
        };
        notice(meaning, "!", message, &format!("{way_out}{since}"))
    });
    let rest = words::rest(now, &look.zone);
    let rest = rest.map(|(title, text)| notice(Meaning::Attention, "‖", &title, &text));
    wrong.chain(rest.into_iter().flatten()).collect()
}

fn draw_encodes(frame: &mut Frame<'_>, area: Rect, now: &Now, state: &State, look: &Look) {
    let encodes = now.encodes();
    let width = usize::from(area.width);
    if encodes.is_empty() {
        let lines = wrapped(words::idle(now), width.min(SENTENCE_COLUMNS));
        put(frame, area, lines.into_iter().map(Line::from));
        return;
    }
    let shown_at_once = (usize::from(area.height) + 1) / ENCODE_ROWS;
    let fits = shown_at_once.max(1);
    let first = (state.encode + 1).saturating_sub(fits);
    let mut lines: Vec<Line<'_>> = encodes
        .iter()
        .enumerate()
        .skip(first)
        .take(fits)
        .flat_map(|(index, encode)| {
            let is_chosen = index == state.encode && encodes.len() > 1;
            let source_bytes = now.source_bytes.get(&encode.id).copied();
            self::encode((encode, now.motion(encode)), source_bytes, is_chosen, width, look)
        })
        .collect();
    let unseen = encodes.len().saturating_sub(fits);
    if unseen > 0 && lines.len() < usize::from(area.height) + 1 {
        // In the place of the line between two.
        lines.pop();
        lines.push(look.line(Meaning::Quiet, format!("{unseen} more; ↑ ↓ show them")));
    }
    put(frame, area, lines.into_iter());
}

fn encode(
    (encode, motion): (&LiveEncode, Motion),
    source_bytes: Option<u64>,
    is_chosen: bool,
    width: usize,
    look: &Look,
) -> Vec<Line<'static>> {
    let place = encode.path.rfind('/').map_or(0, |slash| slash + 1);
    let (folder, name) = encode.path.split_at(place);
    let folder = cut_middle(&shown(folder.trim_end_matches('/')), width / 3);
    let name = cut_middle(&shown(name), width.saturating_sub(columns(&folder) + 2));
    let blank = width.saturating_sub(columns(&name) + columns(&folder));
    let name_meaning = match is_chosen {
        true => Meaning::Chosen,
        false => Meaning::Strong,
    };
    let tone = match motion {
        Motion::Frozen => Meaning::Attention,
        Motion::Goes => Meaning::Usual,
    };
    let bar = film::bar(encode.pieces.as_deref(), encode.percent, width)
        .into_iter()
        .map(|(cell, meaning)| look.span(meaning, cell));
    vec![
        Line::from(vec![
            look.span(name_meaning, name),
            Span::raw(" ".repeat(blank)),
            look.span(Meaning::Quiet, folder),
        ]),
        Line::from_iter(bar),
        look.line(tone, numbers((encode, motion), source_bytes, width)),
        Line::default(),
    ]
}

/// The numbers of an encode in fixed places; the less important ones only where there is room.
fn numbers((encode, motion): (&LiveEncode, Motion), source_bytes: Option<u64>, width: usize) -> String {
    let percent = encode
        .percent
        .map_or_else(|| "–".to_owned(), |percent| format!("{percent:.0} %"));
    let time = match (motion, encode.seconds_left) {
        (Motion::Frozen, _) => "Frozen".to_owned(),
        (Motion::Goes, Some(seconds)) => format!("{} left", duration(seconds)),
        (Motion::Goes, None) => words::stage(&encode.stage),
    };
    let (sizes, change) = projection(encode, source_bytes);
    // Text, columns, and how long it is kept.
    let fields = [
        (right(&percent, 5), 6),
        (format!("  {}", left(&time, 17)), 5),
        (right(&encode.fps.map_or_else(String::new, fps), 8), 2),
        (right(&encode.speed.map_or_else(String::new, speed), 8), 3),
        (right(&sizes, 22), 1),
        (right(&change, 8), 4),
    ];
    let mut kept: Vec<&(String, u8)> = fields.iter().collect();
    while kept.iter().map(|(text, _)| columns(text)).sum::<usize>() > width {
        let least = kept.iter().map(|(_, worth)| *worth).min();
        kept.retain(|(_, worth)| Some(*worth) != least);
    }
    kept.into_iter().map(|(text, _)| text.as_str()).collect()
}

/// As `2.9 GB → 1.1 GB` and `−62 %`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate"
)]
fn projection(encode: &LiveEncode, source_bytes: Option<u64>) -> (String, String) {
    let projected = encode.projected.map(|size| size.likely_bytes as u64);
    match (source_bytes, projected) {
        (Some(before), Some(after)) => (
            format!("{} → {}", receipt::size(before), receipt::size(after)),
            receipt::change(before, after).unwrap_or_default(),
        ),
        (Some(before), None) => (receipt::size(before), String::new()),
        (None, Some(after)) => (format!("→ {}", receipt::size(after)), String::new()),
        (None, None) => Default::default(),
    }
}

fn totals(now: &Now, width: usize, look: &Look) -> Vec<Line<'static>> {
    let row = |(label, meaning, text): (String, Meaning, String)| {
        let room = width.saturating_sub(LABEL_COLUMNS);
        Line::from(vec![
            look.span(Meaning::Quiet, left(&label, LABEL_COLUMNS - 1)),
            Span::raw(" "),
            look.span(meaning, cut(&text, room)),
        ])
    };
    let mut rows = vec![to_go(now), saved(now)];
    match &now.machine {
        Some(machine) => rows.extend(self::machine(machine)),
        None => rows.push(("Machine".into(), Meaning::Quiet, "–".into())),
    }
    let summary = wrapped(&words::summary(now), width).into_iter();
    let summary = summary.map(|text| look.line(Meaning::Usual, text));
    summary.chain(rows.into_iter().map(row)).collect()
}

/// Label, what it means, and the text.
type Row = (String, Meaning, String);

fn to_go(now: &Now) -> Row {
    let is_busy = now.count(&Status::Queued) + now.count(&Status::Processing) > 0;
    let text = match &now.present.live {
        _ if !is_busy => "Nothing".to_owned(),
        Some(live) => {
            let time = live.queue.seconds_left.map_or_else(|| "…".to_owned(), duration);
            format!("{time}, {} left", receipt::size(live.queue.bytes))
        }
        None => "–".to_owned(),
    };
    ("To go".into(), Meaning::Usual, text)
}

fn saved(now: &Now) -> Row {
    let text = now.saved.map(|saved| {
        let size = receipt::size(saved.bytes.unsigned_abs());
        let sign = if saved.bytes < 0 { "−" } else { "" };
        let films = usize::try_from(saved.files).unwrap_or(usize::MAX);
        format!("{sign}{size} by {}", counted(films, "film", "films"))
    });
    let meaning = if text.is_some() {
        Meaning::Good
    } else {
        Meaning::Quiet
    };
    ("Saved so far".into(), meaning, text.unwrap_or_else(|| "–".into()))
}

fn machine(machine: &LoadDto) -> Vec<Row> {
    const FULL_PERCENT: f64 = 95.0;
    const NAMED_FOLDERS: usize = 3;
    let memory = &machine.memory;
    let used = format!(
        "{} of {}",
        receipt::size(memory.used_bytes),
        receipt::size(memory.total_bytes)
    );
    let mut rows = vec![
        // A busy processor is what this program is for.
        (
            "Processor".into(),
            Meaning::Usual,
            format!("{:.0} %", machine.cpu.percent),
        ),
        ("Memory".into(), Meaning::Usual, used),
    ];
    let hottest = machine
        .temperatures
        .iter()
        .max_by(|one, other| one.celsius.total_cmp(&other.celsius));
    rows.extend(hottest.map(|hottest| {
        let text = format!("{:.0} °C {}", hottest.celsius, shown(&hottest.sensor));
        ("Temperature".into(), Meaning::Usual, text)
    }));
    let mut disks: Vec<(Vec<&str>, u64, u64)> = Vec::new();
    for disk in &machine.disks {
        // Folders of one disk have the same numbers.
        let same = |(_, total, free): &&mut (Vec<&str>, u64, u64)| {
            (*total, *free) == (disk.total_bytes, disk.free_bytes)
        };
        match disks.iter_mut().find(same) {
            Some((folders, ..)) => folders.push(&disk.folder),
            None => disks.push((vec![&disk.folder], disk.total_bytes, disk.free_bytes)),
        }
    }
    rows.extend(disks.into_iter().map(|(folders, total, free)| {
        let label = match folders.len() > NAMED_FOLDERS {
            true => "Disk".to_owned(),
            false => shown(&folders.join(", ")),
        };
        let meaning = match percent_of(total.saturating_sub(free), total) >= FULL_PERCENT {
            true => Meaning::Attention,
            false => Meaning::Usual,
        };
        let text = format!("{} free of {}", receipt::size(free), receipt::size(total));
        (label, meaning, text)
    }));
    rows
}

#[expect(clippy::cast_precision_loss, reason = "a percentage")]
fn percent_of(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 * 100.0 / whole as f64
}
