//! Changes of the settings file by program: from its text to its new text. Pure.
//!
//! Promises: every byte outside the lines of the changed keys stays as it is, and so do comments behind values; a new key
//! stands below its commented-out default where the file has that; the result was parsed again and differs in nothing but
//! the changes.
//! Never in here: what a value may be (`load` judges the result), reading or writing files.

mod removal;
#[cfg(test)]
mod tests;

use std::ops::Range;

use toml::Value;
use toml_edit::{Document, DocumentMut, Item, Table};

use super::{
    SETTINGS, Secrecy,
    load::nearest,
    profile::{self, PROFILE_KEYS},
    setting,
    value::escaped,
};

/// What one key is to become.
#[derive(Clone, PartialEq)]
pub struct Change {
    /// As `config show` names it: `sweep_seconds`, `http.enabled`, `profiles.mine.crf`, `resolution.2160.profile`. Or
    /// `profiles.mine`, for all that the file says of that profile.
    pub key: String,
    /// `None`: its default again. A profile as a whole has no value.
    pub value: Option<Value>,
}

/// Why a text was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("unknown key {key}{hint}")]
    UnknownKey { key: String, hint: String },
    #[error(
        "the settings file is not valid TOML, so it cannot be changed from here: {0}; mend it by hand first"
    )]
    NotToml(String),
    #[error("{0} is written in a way that cannot be changed from here; change it in the settings file")]
    Unclear(String),
}

impl EditError {
    /// The key that was asked for, where it is about one.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::UnknownKey { key, .. } | Self::Unclear(key) => Some(key),
            Self::NotToml(_) => None,
        }
    }
}

/// A value may be a secret.
impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Change({})", self.key)
    }
}

/// The text of a settings file after `changes`, one after the other.
///
/// # Errors
/// When a key does not exist or the text cannot be changed.
pub fn edit(text: &str, changes: &[Change]) -> Result<String, EditError> {
    let mut edited = text.to_owned();
    for change in changes {
        let path = path(&change.key)?;
        if is_profile(&path) && change.value.is_some() {
            return Err(EditError::UnknownKey {
                key: escaped(&change.key),
                hint: "; give its keys one by one".into(),
            });
        }
        let next = match &change.value {
            Some(value) => set(&edited, &path, value)?,
            None if is_profile(&path) => removal::remove(&edited, &path)?,
            None => unset(&edited, &path)?,
        };
        verify(&edited, &next, &path, change)?;
        edited = next;
    }
    Ok(edited)
}

/// The parts of a key that may stand in the file.
fn path(key: &str) -> Result<Vec<String>, EditError> {
    let unknown = |hint: String| {
        Err(EditError::UnknownKey {
            key: escaped(key),
            hint,
        })
    };
    let parts: Vec<&str> = key.split('.').collect();
    match parts[..] {
        ["profiles", name, part] if profile::is_name(name) => {
            if !PROFILE_KEYS.iter().any(|row| row.key == part) {
                let known = PROFILE_KEYS.map(|row| row.key).join(", ");
                return unknown(format!("; allowed is {known}"));
            }
        }
        ["profiles", name] if profile::is_name(name) => {}
        ["profiles", _] | ["profiles", _, _] => {
            return unknown(format!("; allowed as a name is {}", profile::NAME_ALLOWED));
        }
        ["resolution", number, "profile"] if profile::resolution(number).is_some() => {}
        ["resolution", _, "profile"] => {
            return unknown(format!(
                "; allowed as a resolution is {}",
                profile::RESOLUTION_ALLOWED
            ));
        }
        _ => match setting(key) {
            Some(setting) if setting.is_allowed_in_file() => {}
            Some(setting) => {
                return unknown(format!(
                    " in the file that lies in it; use {} or ${}",
                    setting.flag(),
                    setting.variable()
                ));
            }
            None => {
                let near = nearest(key, SETTINGS.iter().map(|setting| setting.key));
                return unknown(near.map_or_else(String::new, |near| format!("; did you mean {near}?")));
            }
        },
    }
    Ok(parts.into_iter().map(ToOwned::to_owned).collect())
}

fn is_profile(path: &[String]) -> bool {
    matches!(path, [section, _] if section == "profiles")
}

fn parse(text: &str) -> Result<Document<&str>, EditError> {
    // The message alone: the error in full quotes the line, which may hold a secret.
    Document::parse(text).map_err(|error| EditError::NotToml(escaped(error.message())))
}

/// Where the parts of a path lead.
enum Found<'a> {
    Value(Range<usize>),
    /// Everything but the last part is there.
    Section(&'a Table),
    /// The value is, or would be, inside of `{ … }`.
    Inline,
    Nothing,
}

fn find<'a>(root: &'a Table, path: &[String]) -> Found<'a> {
    let Some((key, sections)) = path.split_last() else {
        return Found::Nothing;
    };
    let mut table = root;
    for section in sections {
        match table.get(section) {
            Some(Item::Table(inner)) => table = inner,
            Some(Item::Value(_)) => return Found::Inline,
            Some(Item::None | Item::ArrayOfTables(_)) | None => return Found::Nothing,
        }
    }
    match table.get(key) {
        Some(Item::Value(value)) => value.span().map_or(Found::Inline, Found::Value),
        // The header of a section within it does not make a section: `[profiles.mine]` says nothing of `[profiles]`.
        _ if table.is_implicit() && !table.is_dotted() => Found::Nothing,
        _ => Found::Section(table),
    }
}

fn set(text: &str, path: &[String], value: &Value) -> Result<String, EditError> {
    let document = parse(text)?;
    let value_text = value.to_string();
    let key = path.last().map_or("", String::as_str);
    let place = match find(document.as_table(), path) {
        Found::Value(span) => return Ok(spliced(text, span, &value_text)),
        Found::Inline => return set_inline(text, path, &value_text),
        Found::Section(table) if table.is_dotted() => {
            let (at, before) =
                last_of_dotted(text, table).ok_or_else(|| EditError::Unclear(path.join(".")))?;
            return Ok(with_line(text, at, &format!("{before}{key} = {value_text}")));
        }
        Found::Section(table) => place_in_section(text, &document, table, key),
        Found::Nothing => {
            let section = &path[..path.len() - 1];
            return Ok(with_section(text, &document, section, key, &value_text));
        }
    };
    Ok(with_line(text, place, &format!("{key} = {value_text}")))
}

fn unset(text: &str, path: &[String]) -> Result<String, EditError> {
    let document = parse(text)?;
    let span = match find(document.as_table(), path) {
        Found::Value(span) => span,
        Found::Inline => return unset_inline(text, path),
        Found::Section(_) | Found::Nothing => return Ok(text.to_owned()),
    };
    let key = path.last().map_or("", String::as_str);
    let lines = line_of(text, span.start).start..line_of(text, span.end).end;
    let after_value = text[span.end..lines.end].trim();
    let line_before = text[..lines.start].lines().next_back().unwrap_or_default();
    let with_newline = lines.start
        ..text[lines.end..]
            .find('\n')
            .map_or(lines.end, |end| lines.end + end + 1);
    if after_value.is_empty() && is_commented(line_before, key) {
        return Ok(spliced(text, with_newline, ""));
    }
    let secret = setting(&path.join(".")).filter(|setting| setting.secrecy == Secrecy::Secret);
    let commented: Vec<String> = match secret {
        Some(secret) => {
            let (before, behind) = (&text[lines.start..span.start], &text[span.end..lines.end]);
            vec![format!("#{before}{}{behind}", secret.default)]
        }
        None => text[lines.clone()]
            .lines()
            .map(|line| format!("#{line}"))
            .collect(),
    };
    Ok(spliced(text, lines, &commented.join("\n")))
}

/// The line that has this byte, without its end.
fn line_of(text: &str, byte: usize) -> Range<usize> {
    let start = text[..byte].rfind('\n').map_or(0, |end| end + 1);
    let end = text[byte..].find('\n').map_or(text.len(), |end| byte + end);
    let end = if text[..end].ends_with('\r') && end > byte {
        end - 1
    } else {
        end
    };
    start..end
}

fn spliced(text: &str, range: Range<usize>, new: &str) -> String {
    format!("{}{new}{}", &text[..range.start], &text[range.end..])
}

/// `at` is the start of a line, or the end of the text.
fn with_line(text: &str, at: usize, line: &str) -> String {
    let (before, after) = text.split_at(at);
    let gap = if before.is_empty() || before.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    format!("{before}{gap}{line}\n{after}")
}

/// The start of the line behind the one that has this byte.
fn next_line(text: &str, byte: usize) -> usize {
    text[byte..].find('\n').map_or(text.len(), |end| byte + end + 1)
}

/// Whether a line is the commented-out setting `key`, as the shipped file has them.
fn is_commented(line: &str, key: &str) -> bool {
    line.strip_prefix('#')
        .and_then(|line| line.strip_prefix(key))
        .is_some_and(|rest| rest.trim_start().starts_with('='))
}

fn commented_header(line: &str) -> Option<&str> {
    line.strip_prefix("#[")?.split(']').next()
}

/// Starts of the lines with the headers of sections.
fn headers(table: &Table, found: &mut Vec<usize>) {
    for (_, item) in table {
        let tables: Vec<&Table> = match item {
            Item::Table(table) => vec![table],
            Item::ArrayOfTables(tables) => tables.iter().collect(),
            Item::Value(_) | Item::None => Vec::new(),
        };
        for table in tables {
            found.extend(table.span().map(|span| span.start));
            headers(table, found);
        }
    }
}

/// The bytes of all values, which may go over several lines that look like anything.
fn values(table: &Table, found: &mut Vec<Range<usize>>) {
    for (_, item) in table {
        match item {
            Item::Value(value) => found.extend(value.span()),
            Item::Table(table) => values(table, found),
            Item::ArrayOfTables(tables) => tables.iter().for_each(|table| values(table, found)),
            Item::None => {}
        }
    }
}

/// The lines of a text that are no part of a value: where each starts, and what it says.
fn plain_lines<'a>(text: &'a str, document: &Document<&str>) -> Vec<(usize, &'a str)> {
    let mut within = Vec::new();
    values(document.as_table(), &mut within);
    let mut start = 0;
    text.split_inclusive('\n')
        .map(|line| {
            let at = start;
            start += line.len();
            (at, line.trim_end())
        })
        .filter(|(at, _)| !within.iter().any(|value| value.start < *at && *at < value.end))
        .collect()
}

/// Where a new key of a section goes: below its commented-out default, else behind the section's last key, else at its start.
fn place_in_section(text: &str, document: &Document<&str>, table: &Table, key: &str) -> usize {
    let mut starts = Vec::new();
    headers(document.as_table(), &mut starts);
    let header = table.span().filter(|span| !span.is_empty());
    let body = header.map_or(0, |span| next_line(text, span.end));
    let end = starts.into_iter().filter(|start| *start >= body).min();
    let end = end.unwrap_or(text.len());
    let lines = plain_lines(text, document);
    let section = lines
        .iter()
        .filter(|(at, _)| (body..end).contains(at))
        // What is commented out below a commented-out header belongs to that one.
        .take_while(|(_, line)| commented_header(line).is_none());
    let commented = section.clone().filter(|(_, line)| is_commented(line, key)).last();
    if let Some((at, _)) = commented {
        return next_line(text, *at);
    }
    let mut own = Vec::new();
    values(table, &mut own);
    let last = own
        .into_iter()
        .map(|value| value.end)
        .filter(|value| (body..end).contains(value))
        .max();
    match last {
        Some(last) => next_line(text, last),
        // The root's first lines are what the file says of itself.
        None if body == 0 => section
            .take_while(|(_, line)| line.starts_with('#'))
            .last()
            .map_or(0, |(at, _)| next_line(text, *at)),
        None => body,
    }
}

/// The start of the line behind the last key of `http.enabled = …` and the like, and how such a line begins.
fn last_of_dotted<'a>(text: &'a str, table: &Table) -> Option<(usize, &'a str)> {
    let last = |item: &Item| item.as_value().and_then(toml_edit::Value::span);
    let (name, value) = table
        .iter()
        .filter_map(|(name, item)| Some((name, last(item)?)))
        .max_by_key(|(_, value)| value.end)?;
    let key = table.key(name)?.span()?;
    Some((
        next_line(text, value.end),
        &text[line_of(text, key.start).start..key.start],
    ))
}

/// A new section with one key: in place of the commented-out one, else at the end.
fn with_section(text: &str, document: &Document<&str>, section: &[String], key: &str, value: &str) -> String {
    let name = section.join(".");
    let lines = plain_lines(text, document);
    let is_header = |line: &str| line.starts_with('[') || commented_header(line).is_some();
    let commented = lines
        .iter()
        .position(|(_, line)| commented_header(line) == Some(&name));
    if let Some(header) = commented {
        let body: Vec<_> = lines[header + 1..]
            .iter()
            .take_while(|(_, line)| !is_header(line))
            .collect();
        let is_free = body
            .iter()
            .all(|(_, line)| line.is_empty() || line.starts_with('#'));
        if is_free {
            let at_header = next_line(text, lines[header].0);
            let commented_key = body.iter().rfind(|(_, line)| is_commented(line, key));
            let at_key = commented_key.map_or(at_header, |(at, _)| next_line(text, *at));
            let with_key = with_line(text, at_key, &format!("{key} = {value}"));
            return with_line(&with_key, at_header, &format!("[{name}]"));
        }
    }
    with_line(text, text.len(), &format!("\n[{name}]\n{key} = {value}"))
}

fn set_inline(text: &str, path: &[String], value: &str) -> Result<String, EditError> {
    let unclear = || EditError::Unclear(path.join("."));
    let value: toml_edit::Value = value.parse().map_err(|_| unclear())?;
    let mut document: DocumentMut = parse(text)?.into_mut();
    let (key, sections) = path.split_last().ok_or_else(unclear)?;
    let mut item = document.as_item_mut();
    for section in sections {
        let table = item.as_table_like_mut().ok_or_else(unclear)?;
        item = table
            .entry(section)
            .or_insert(Item::Value(toml_edit::InlineTable::new().into()));
    }
    let table = item.as_table_like_mut().ok_or_else(unclear)?;
    table.insert(key, Item::Value(value));
    Ok(document.to_string())
}

fn unset_inline(text: &str, path: &[String]) -> Result<String, EditError> {
    let unclear = || EditError::Unclear(path.join("."));
    let mut document: DocumentMut = parse(text)?.into_mut();
    let (key, sections) = path.split_last().ok_or_else(unclear)?;
    let mut item = document.as_item_mut();
    for section in sections {
        let table = item.as_table_like_mut().ok_or_else(unclear)?;
        let Some(inner) = table.get_mut(section) else {
            return Ok(text.to_owned());
        };
        item = inner;
    }
    item.as_table_like_mut().ok_or_else(unclear)?.remove(key);
    Ok(document.to_string())
}

/// The new text says what the old one said, but for the change.
fn verify(old: &str, new: &str, path: &[String], change: &Change) -> Result<(), EditError> {
    let unclear = || EditError::Unclear(path.join("."));
    let mut wanted: toml::Table = old.parse().map_err(|_| unclear())?;
    let found: toml::Table = new.parse().map_err(|_| unclear())?;
    let (key, sections) = path.split_last().ok_or_else(unclear)?;
    match &change.value {
        Some(value) => {
            let mut table = &mut wanted;
            for section in sections {
                let entry = table
                    .entry(section.clone())
                    .or_insert_with(|| Value::Table(toml::Table::new()));
                table = entry.as_table_mut().ok_or_else(unclear)?;
            }
            table.insert(key.clone(), value.clone());
        }
        None => {
            let mut table = Some(&mut wanted);
            for section in sections {
                table = table
                    .and_then(|table| table.get_mut(section))
                    .and_then(Value::as_table_mut);
            }
            if let Some(table) = table {
                table.remove(key);
            }
        }
    }
    if without_empty(found) == without_empty(wanted) {
        Ok(())
    } else {
        Err(unclear())
    }
}

/// A section without keys says nothing.
fn without_empty(table: toml::Table) -> toml::Table {
    let kept = table.into_iter().map(|(key, value)| match value {
        Value::Table(table) => (key, Value::Table(without_empty(table))),
        value => (key, value),
    });
    kept.filter(|(_, value)| value.as_table().is_none_or(|table| !table.is_empty()))
        .collect()
}
