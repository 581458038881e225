//! What was measured, as a table in Markdown, and the page that keeps it.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use crate::{drive, judge::Line};

/// Between these two lines of a page stands what was measured; the rest is written by hand.
const BEGIN: &str = "<!-- measured: begin -->";
const END: &str = "<!-- measured: end -->";

/// The table, in Markdown.
pub fn table(lines: &[Line]) -> String {
    let mut text = String::from(
        "| clip | folder | container | streams | frames | bytes before | after | change | SSIM | time error | sound moves | aspect error | verdict |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for line in lines {
        let (before, after) = line.bytes;
        let size = if after == 0 {
            " | ".to_owned()
        } else {
            let change = (after as f64 / before.max(1) as f64 - 1.0) * 100.0;
            format!("{after} | {change:+.0} %").replace('-', "−")
        };
        let (frames, measured) = line.figures.as_ref().map_or_else(
            || (String::new(), " | | ".to_owned()),
            |figures| {
                let sync = figures
                    .sync_ms
                    .map_or_else(String::new, |sync| format!("{sync:.1} ms"));
                (
                    figures.frames.to_string(),
                    format!(
                        "{:.3} ms | {sync} | {:.2} %",
                        figures.timestamp_ms, figures.aspect_percent
                    ),
                )
            },
        );
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {frames} | {before} | {size} | {} | {measured} | {} |",
            line.clip,
            line.folder,
            changed(&line.containers),
            changed(&line.streams),
            line.quality,
            verdict(line)
        );
    }
    text
}

fn changed((before, after): &(String, String)) -> String {
    if after.is_empty() || before == after {
        before.clone()
    } else {
        format!("{before} → {after}")
    }
}

fn verdict(line: &Line) -> String {
    if line.faults.is_empty() {
        return line.verdict.clone();
    }
    let kinds: BTreeSet<String> = line
        .faults
        .iter()
        .map(|fault| format!("{:?}", fault.kind))
        .collect();
    let kinds: Vec<String> = kinds.into_iter().collect();
    format!("**{}: {}**", line.verdict, kinds.join(", "))
}

/// Puts what was measured in its place on a page.
pub fn keep(page: &Path, lines: &[Line]) {
    let text = fs::read_to_string(page).unwrap();
    let (head, rest) = text.split_once(BEGIN).expect("the page has a place for it");
    let (_, foot) = rest.split_once(END).expect("the place has an end");
    let page_text = format!("{head}{BEGIN}\n{}\n{END}{foot}", measured(lines));
    fs::write(page, page_text).unwrap();
}

fn measured(lines: &[Line]) -> String {
    let encoders: BTreeSet<&str> = lines.iter().filter_map(|line| line.encoder.as_deref()).collect();
    let clips: BTreeSet<&str> = lines.iter().map(|line| line.clip.as_str()).collect();
    let faults = lines.iter().filter(|line| !line.faults.is_empty()).count();
    let mut text = format!(
        "Measured on {} with {}; {}; profile `{}`. {} clips, {} results, {faults} of them with a fault.\n\n{}",
        jiff::Zoned::now().date(),
        encoders.into_iter().collect::<Vec<_>>().join(" and "),
        machine(),
        drive::profile(),
        clips.len(),
        lines.len(),
        table(lines)
    );
    text.push_str("\nWhat the receipts and the archive of errors say of them:\n\n");
    let mut said: Vec<String> = Vec::new();
    for line in lines {
        said.extend(line.notes.iter().map(|note| {
            // Two folders often say the same.
            format!("- {}: {note}\n", line.clip)
        }));
        said.extend(
            line.faults
                .iter()
                .map(|fault| format!("- **{} in {}/: {fault}**\n", line.clip, line.folder)),
        );
    }
    said.dedup();
    text.push_str(&said.concat());
    text
}

fn machine() -> String {
    let processor = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!(
        "{}, {cores} cores",
        processor.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
    )
}
