//! Takes a whole section out of a settings file's text. Pure.
//!
//! Promises: the section's headers and keys are gone, in whatever way they are written; comments on lines of their own stay.

use std::ops::Range;

use toml_edit::{Item, Table};

use super::{EditError, line_of, next_line, parse, unset_inline};

/// The text without the section, which it may not have.
pub(super) fn remove(text: &str, path: &[String]) -> Result<String, EditError> {
    let document = parse(text)?;
    let mut item = document.as_item();
    for part in path {
        item = match item {
            Item::Table(table) => table.get(part).unwrap_or(&Item::None),
            Item::Value(_) => return unset_inline(text, path),
            Item::None | Item::ArrayOfTables(_) => return Ok(text.to_owned()),
        };
    }
    let mut lines = Vec::new();
    match item {
        Item::Table(table) => of_table(text, table, &mut lines),
        item => of_value(text, item, &mut lines),
    }
    lines.sort_unstable_by_key(|lines| lines.start);
    let mut left = text.to_owned();
    for lines in lines.into_iter().rev() {
        left.replace_range(lines, "");
    }
    Ok(left)
}

fn of_table(text: &str, table: &Table, lines: &mut Vec<Range<usize>>) {
    let header = table.span().filter(|span| text[span.clone()].starts_with('['));
    if let Some(header) = header {
        let start = line_of(text, header.start).start;
        // The blank line that sets a section off.
        let blank = usize::from(text[..start].ends_with("\n\n"));
        lines.push(start - blank..next_line(text, header.end));
    }
    for (_, item) in table {
        match item {
            Item::Table(table) => of_table(text, table, lines),
            item => of_value(text, item, lines),
        }
    }
}

fn of_value(text: &str, item: &Item, lines: &mut Vec<Range<usize>>) {
    if let Some(value) = item.as_value().and_then(toml_edit::Value::span) {
        lines.push(line_of(text, value.start).start..next_line(text, value.end));
    }
}
