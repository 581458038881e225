//! What lies over the screen: the keys, and one task in full.

use ratatui::{
    Frame,
    layout::Rect,
    text::Line,
    widgets::{Block, Clear},
};

use super::{
    Look,
    palette::Meaning,
    put,
    text::{duration, left, shown, wrapped},
    words,
};
use crate::{
    cli::top::{
        picture::{Details, Motion, Now, Receipt},
        state::State,
    },
    receipt::{self, wire},
};

const KEYS: [(&str, &str); 17] = [
    ("Tab 1 2", "Now, Queue"),
    ("↑ ↓ PgUp PgDn", "move (also j k, Home End, g G)"),
    ("Enter", "details of one task"),
    ("space", "pause or resume"),
    ("Z", "freeze all, or resume"),
    ("z", "freeze or thaw one encode"),
    ("c Del", "cancel"),
    ("r", "retry"),
    ("R", "retry all failed"),
    ("+ -", "priority"),
    ("K J", "one place sooner, one later"),
    ("/", "search"),
    ("f", "other states: to do, failed, done, …"),
    ("s", "sort"),
    ("Esc", "back; ends the search"),
    ("?", "these keys"),
    ("q Ctrl-C", "quit; the service goes on"),
];
const KEY_COLUMNS: usize = 14;
const LABEL_COLUMNS: usize = 10;
const DETAILS_COLUMNS: u16 = 100;
/// Border and a blank beside it.
const BORDER_COLUMNS: u16 = 4;

pub fn draw_help(frame: &mut Frame<'_>, area: Rect, look: &Look) {
    let lines: Vec<Line<'_>> = KEYS
        .iter()
        .map(|(keys, what)| {
            Line::from(vec![
                look.span(Meaning::Strong, left(keys, KEY_COLUMNS)),
                look.span(Meaning::Usual, *what),
            ])
        })
        .collect();
    window(frame, area, "Keys", 50, lines, 0, look);
}

pub fn draw_details(frame: &mut Frame<'_>, area: Rect, state: &State, scrolled: u16, look: &Look) {
    let width = area.width.min(DETAILS_COLUMNS);
    let inner = usize::from(width.saturating_sub(BORDER_COLUMNS));
    let lines = match &state.details {
        Some(details) => about(details, state.now.as_ref(), inner, look),
        None => vec![look.line(Meaning::Quiet, "Reading it.")],
    };
    window(frame, area, "Details", width, lines, scrolled, look);
}

/// In the middle of the screen, as high as its lines need.
fn window(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    width: u16,
    lines: Vec<Line<'_>>,
    scrolled: u16,
    look: &Look,
) {
    let width = width.min(area.width);
    let wanted = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let height = wanted.min(area.height);
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    frame.render_widget(Clear, place);
    let more = match wanted > area.height {
        true => " ↑ ↓ more · Esc back ",
        false => " Esc back ",
    };
    let block = Block::bordered()
        .title(format!(" {title} "))
        .title_bottom(Line::from(more).right_aligned())
        .border_style(look.palette.style(Meaning::Quiet));
    frame.render_widget(block, place);
    let inner = Rect {
        x: place.x + 2,
        y: place.y + 1,
        width: place.width.saturating_sub(BORDER_COLUMNS),
        height: place.height.saturating_sub(2),
    };
    // The last line stays on the screen.
    let most = wanted.saturating_sub(2).saturating_sub(inner.height);
    let skipped = usize::from(scrolled.min(most));
    put(frame, inner, lines.into_iter().skip(skipped));
}

fn about(details: &Details, now: Option<&Now>, width: usize, look: &Look) -> Vec<Line<'static>> {
    let task = &details.task;
    let motion = now.and_then(|now| Some(now.motion(now.encode_of(&task.id)?)));
    let motion = motion.unwrap_or(Motion::Goes);
    let moment = |time: jiff::Timestamp| {
        time.to_zoned(look.zone.clone())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string()
    };
    let mut lines: Vec<Line<'_>> = Vec::new();
    for text in in_pieces(&task.shown().to_string(), width) {
        lines.push(look.line(Meaning::Strong, text));
    }
    let size = match task.size_after_bytes {
        Some(after) => receipt::sizes(task.size_before_bytes, after),
        None if task.size_before_bytes > 0 => receipt::size(task.size_before_bytes),
        None => String::new(),
    };
    let waits = task
        .waiting_for
        .as_ref()
        .map(|waiting| words::waits(waiting).to_owned());
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let rows = [
        (
            "State",
            words::tone(task, motion),
            words::status(&task.status, motion),
        ),
        ("Waits", Meaning::Attention, waits.unwrap_or_default()),
        ("Error", Meaning::Bad, text(&task.error)),
        ("Reason", Meaning::Usual, text(&task.reason)),
        ("Size", Meaning::Usual, size),
        ("Summary", Meaning::Usual, text(&task.summary)),
        ("Priority", Meaning::Usual, task.priority.to_string()),
        (
            "Profile",
            Meaning::Usual,
            task.profile
                .clone()
                .unwrap_or_else(|| "that of its folder".into()),
        ),
        (
            "Added",
            Meaning::Usual,
            task.added.map(moment).unwrap_or_default(),
        ),
        (
            "Started",
            Meaning::Usual,
            task.started.map(moment).unwrap_or_default(),
        ),
        (
            "Ended",
            Meaning::Usual,
            task.ended.map(moment).unwrap_or_default(),
        ),
        ("Task", Meaning::Quiet, task.id.to_string()),
    ];
    for (label, meaning, text) in rows {
        lines.extend(row(label, meaning, &text, width, look));
    }
    lines.push(Line::default());
    match &details.receipt {
        Receipt::Absent(why) => lines.extend(
            wrapped(&shown(why), width)
                .into_iter()
                .map(|line| look.line(Meaning::Quiet, line)),
        ),
        Receipt::Read(receipt) => {
            for (label, text) in in_short(receipt) {
                lines.extend(row(label, Meaning::Usual, &text, width, look));
            }
        }
    }
    lines
}

/// What a receipt says, in short.
fn in_short(receipt: &wire::File) -> Vec<(&'static str, String)> {
    let media = |media: &wire::Media| {
        let video = media.streams.iter().find(|stream| stream.video.is_some());
        let picture = video.and_then(|stream| {
            let video = stream.video.as_ref()?;
            Some(format!("{}×{}", video.width, video.height))
        });
        let codec = video.and_then(|stream| stream.codec.clone());
        let length = media.duration_seconds.map(duration);
        let streams = format!("{} streams", media.streams.len());
        let parts = [
            Some(receipt::size(media.size_bytes)),
            picture,
            codec,
            length,
            Some(streams),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    };
    let quality = receipt.quality.as_ref().map(|quality| {
        let value = |name: &str, value: Option<f64>| value.map(|value| format!("{name} {value:.2}"));
        [
            value("VMAF", quality.vmaf),
            value("SSIM dB", quality.ssim_db),
            value("XPSNR dB", quality.xpsnr_db),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
    });
    let mut rows = vec![("Source", media(&receipt.source))];
    rows.extend(receipt.output.as_ref().map(|output| ("Output", media(output))));
    rows.extend(
        quality
            .filter(|text| !text.is_empty())
            .map(|text| ("Quality", text)),
    );
    rows.extend(
        receipt
            .time
            .encode_seconds
            .map(|seconds| ("Encoded", format!("in {}", duration(seconds)))),
    );
    rows.extend(receipt.notes.iter().map(|note| ("Note", note.clone())));
    rows.extend(
        receipt
            .lost
            .iter()
            .map(|lost| ("Lost", format!("{}: {}", lost.what, lost.reason))),
    );
    rows.extend(receipt.remarks.iter().map(|remark| ("Remark", remark.clone())));
    rows
}

fn row(label: &str, meaning: Meaning, text: &str, width: usize, look: &Look) -> Vec<Line<'static>> {
    let lines = wrapped(&shown(text), width.saturating_sub(LABEL_COLUMNS));
    let rows = lines.into_iter().enumerate().map(|(index, text)| {
        let label = if index == 0 { label } else { "" };
        Line::from(vec![
            look.span(Meaning::Quiet, left(label, LABEL_COLUMNS)),
            look.span(meaning, text),
        ])
    });
    rows.collect()
}

/// A path in lines that are as long as they may be, with nothing left out.
fn in_pieces(path: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for character in path.chars() {
        let last = lines.last_mut().map_or(0, |line| {
            let mut longer = line.clone();
            longer.push(character);
            super::text::columns(&longer)
        });
        if last > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push(character);
        }
    }
    lines
}
