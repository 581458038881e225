//! From one TOML value to one typed value.
//!
//! Promises: an error is a short remark to be put behind "allowed is …", or empty when nothing is to be added.
//! Never in here: keys, defaults, files.

use std::{collections::BTreeSet, net::SocketAddr, ops::RangeInclusive, path::PathBuf, time::Duration};

use ipnet::IpNet;
use lettre::message::Mailbox;
use toml::Value;
use url::Url;

use super::{AlertKind, MailSecurity, MailServer, SecretText};
use crate::schedule::hours::{Hours, HoursError};

/// What a parser gives: the value, or a remark on what is wrong with it.
pub(super) type Parsed<T> = Result<T, String>;

/// Letters of a value that an error message shows.
const SHOWN_CHARACTERS: usize = 80;

impl AlertKind {
    pub const ALL: [Self; 12] = [
        Self::Queued,
        Self::Started,
        Self::Progress,
        Self::Done,
        Self::Failed,
        Self::Skipped,
        Self::Archived,
        Self::RotationComplete,
        Self::AllDone,
        Self::DiskLow,
        Self::RootUnavailable,
        Self::Attention,
    ];

    /// The name in `ntfy_events`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Started => "started",
            Self::Progress => "progress",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Archived => "archived",
            Self::RotationComplete => "rotation_complete",
            Self::AllDone => "all_done",
            Self::DiskLow => "disk_low",
            Self::RootUnavailable => "root_unavailable",
            Self::Attention => "attention",
        }
    }
}

/// The value as an error shows it: on one line, without control characters, cut when long.
pub(super) fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => format!("{text:?}"),
        other => escaped(&other.to_string()),
    };
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Control characters escaped, so that a name cannot rewrite the terminal.
pub(super) fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut line, character| {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
        line
    })
}

/// Text of a variable or a flag as a value of the same type as `default`.
pub(super) fn from_text(default: &Value, text: &str) -> Value {
    let words = || text.split(|letter: char| letter == ',' || letter.is_whitespace());
    let parsed = match default {
        Value::Integer(_) | Value::Float(_) => text.trim().parse().map(Value::Integer).ok().or_else(|| {
            text.trim()
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
                .map(Value::Float)
        }),
        Value::Boolean(_) => text.trim().parse().map(Value::Boolean).ok(),
        Value::Array(_) => Some(Value::Array(
            words().filter(|word| !word.is_empty()).map(Value::from).collect(),
        )),
        _ => None,
    };
    parsed.unwrap_or_else(|| Value::from(text))
}

fn string(value: &Value) -> Parsed<&str> {
    value
        .as_str()
        .ok_or_else(|| format!("this is {}, not text in quotes", with_article(value.type_str())))
}

fn with_article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{article} {kind}")
}

/// Text on one line.
pub(super) fn text(value: &Value) -> Parsed<String> {
    let text = string(value)?;
    match text.contains(char::is_control) {
        true => Err("it holds a line break or another control character".into()),
        false => Ok(text.to_owned()),
    }
}

/// Text on one line, where none means "not set".
pub(super) fn optional_text(value: &Value) -> Parsed<Option<String>> {
    text(value).map(|text| Some(text).filter(|text| !text.is_empty()))
}

/// Visible ASCII without blanks, as a header value needs it.
pub(super) fn header_word(value: &Value) -> Parsed<Option<String>> {
    match optional_text(value)? {
        Some(word) if !is_header_word(&word) => Err("it holds a blank or a character beyond ASCII".into()),
        word => Ok(word),
    }
}

pub(super) fn is_header_word(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|letter| letter.is_ascii_graphic())
}

/// ntfy's own rule for a topic: `^[-_A-Za-z0-9]{1,64}$`.
pub(super) fn topic(value: &Value) -> Parsed<Option<String>> {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    match optional_text(value)? {
        Some(topic) if topic.len() > 64 || !topic.chars().all(allowed) => Err(String::new()),
        topic => Ok(topic),
    }
}

pub(super) fn user(value: &Value) -> Parsed<Option<String>> {
    match optional_text(value)? {
        // A colon ends the name in HTTP basic authentication (RFC 7617).
        Some(user) if user.contains(':') => Err(String::new()),
        user => Ok(user),
    }
}

pub(super) fn base_url(value: &Value) -> Parsed<String> {
    let text = text(value)?;
    let url: ureq::http::Uri = text.parse().map_err(|_| "it is not an address".to_owned())?;
    if !matches!(url.scheme_str(), Some("http" | "https")) || url.host().is_none_or(str::is_empty) {
        return Err(String::new());
    }
    if text.contains(['?', '#', '@']) {
        return Err("it holds a query, a fragment or a user name".into());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// A web address of any path. An error never quotes it: some are as good as passwords.
fn web_address(text: &str) -> Parsed<Url> {
    let url = Url::parse(text).map_err(|_| "it is not an address".to_owned())?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(String::new());
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("it holds a user name or a fragment".into());
    }
    Ok(url)
}

/// Scheme, host and port of a web address.
pub(super) fn origin(value: &Value) -> Parsed<Option<Url>> {
    let Some(text) = optional_text(value)? else {
        return Ok(None);
    };
    let url = web_address(&text)?;
    match url.path() == "/" && url.query().is_none() {
        true => Ok(Some(url)),
        false => Err("it holds a path or a query".into()),
    }
}

/// As the login server writes it, to the letter: tokens are compared with it.
pub(super) fn issuer(value: &Value) -> Parsed<Option<String>> {
    let text = optional_text(value)?;
    match text.as_deref().map(web_address).transpose()? {
        Some(url) if url.query().is_some() => Err("it holds a query".into()),
        // Whoever can read along could name themselves administrator.
        Some(url) if url.scheme() == "http" && !is_this_machine(&url) => {
            Err("http:// is only for this machine".into())
        }
        _ => Ok(text),
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

pub(super) fn webhooks(value: &Value) -> Parsed<Vec<Url>> {
    words(value)?.iter().map(|word| web_address(word)).collect()
}

pub(super) fn socket_address(value: &Value) -> Parsed<SocketAddr> {
    string(value)?.parse().map_err(|_| String::new())
}

/// Names and addresses as they stand in a URL: lower case, IPv6 in brackets.
pub(super) fn hosts(value: &Value) -> Parsed<BTreeSet<String>> {
    let host = |word: String| {
        let is_plain_ipv6 = word.parse::<std::net::Ipv6Addr>().is_ok();
        let written = if is_plain_ipv6 { format!("[{word}]") } else { word };
        let parsed = url::Host::parse(&written).map_err(|_| format!("{written:?} is neither"))?;
        Ok(parsed.to_string())
    };
    words(value)?.into_iter().map(host).collect()
}

pub(super) fn networks(value: &Value) -> Parsed<Vec<IpNet>> {
    let network = |word: String| {
        let alone = || {
            word.parse()
                .ok()
                .map(|address: std::net::IpAddr| IpNet::from(address))
        };
        word.parse()
            .ok()
            .or_else(alone)
            .ok_or_else(|| format!("{word:?} is neither"))
    };
    words(value)?.into_iter().map(network).collect()
}

pub(super) fn word_set(value: &Value) -> Parsed<BTreeSet<String>> {
    Ok(words(value)?.into_iter().collect())
}

pub(super) fn secret(value: &Value) -> Parsed<Option<SecretText>> {
    Ok(optional_text(value)?.map(SecretText::new))
}

pub(super) fn mail_server(value: &Value) -> Parsed<Option<MailServer>> {
    let Some(text) = optional_text(value)? else {
        return Ok(None);
    };
    let url = Url::parse(&text).map_err(|_| "it is not an address".to_owned())?;
    let (security, port) = match url.scheme() {
        "smtps" => (MailSecurity::Tls, 465),
        "smtp+starttls" => (MailSecurity::StartTls, 587),
        "smtp" => (MailSecurity::Plain, 25),
        _ => return Err(String::new()),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the user belongs into email_user and email_password".into());
    }
    let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    let host = url.host_str().filter(|host| !host.is_empty() && is_bare);
    Ok(Some(MailServer {
        security,
        host: host.ok_or_else(String::new)?.to_owned(),
        port: url.port().unwrap_or(port),
    }))
}

pub(super) fn mailbox(value: &Value) -> Parsed<Option<Mailbox>> {
    optional_text(value)?.map(|text| one_mailbox(&text)).transpose()
}

/// Names of people have blanks and commas, so this list is none of words.
pub(super) fn mailboxes(value: &Value) -> Parsed<Vec<Mailbox>> {
    match value {
        Value::Array(values) => values.iter().map(|value| one_mailbox(&text(value)?)).collect(),
        _ => words(value)?.iter().map(|word| one_mailbox(word)).collect(),
    }
}

fn one_mailbox(text: &str) -> Parsed<Mailbox> {
    text.parse().map_err(|_| format!("{text:?} is no address"))
}

pub(super) fn flag(value: &Value) -> Parsed<bool> {
    value.as_bool().ok_or_else(String::new)
}

pub(super) fn whole<T: TryFrom<i64>>(value: &Value, range: RangeInclusive<i64>) -> Parsed<T> {
    let number = value.as_integer().filter(|number| range.contains(number));
    number
        .and_then(|number| T::try_from(number).ok())
        .ok_or_else(String::new)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a range check decides, and its ends are small"
)]
pub(super) fn number(value: &Value, range: RangeInclusive<f64>) -> Parsed<f64> {
    let number = match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    };
    number
        .filter(|number| range.contains(number))
        .ok_or_else(String::new)
}

pub(super) fn seconds(value: &Value, range: RangeInclusive<f64>) -> Parsed<Duration> {
    let seconds = number(value, range)?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// Hours as a length of time.
pub(super) fn hours_long(value: &Value, range: RangeInclusive<f64>) -> Parsed<Duration> {
    Ok(Duration::from_secs_f64(number(value, range)? * 3600.0))
}

/// Gigabytes (10⁹) as bytes.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is of small positive numbers"
)]
pub(super) fn gigabytes(value: &Value, range: RangeInclusive<f64>) -> Parsed<u64> {
    Ok((number(value, range)? * 1e9) as u64)
}

/// Hours of the day; empty for all of them.
pub(super) fn hours(value: &Value) -> Parsed<Hours> {
    let text = string(value)?;
    text.parse().map_err(|error: HoursError| error.to_string())
}

/// One word of a closed list.
pub(super) fn choice<T: Copy>(value: &Value, choices: &[(&str, T)]) -> Parsed<T> {
    let word = string(value)?;
    let found = choices.iter().find(|(name, _)| *name == word);
    found.map(|(_, choice)| *choice).ok_or_else(String::new)
}

pub(super) fn path(value: &Value) -> Parsed<PathBuf> {
    optional_path(value)?.ok_or_else(|| "it is empty".into())
}

pub(super) fn optional_path(value: &Value) -> Parsed<Option<PathBuf>> {
    let Some(text) = optional_text(value)? else {
        return Ok(None);
    };
    match text == "~" || text.starts_with("~/") {
        true => Err("`~` is not expanded here: write the whole path".into()),
        false => Ok(Some(text.into())),
    }
}

/// Bytes: a whole number, or text such as `10GiB`, `500 MB`, `1.5TiB`.
pub(super) fn bytes(value: &Value) -> Parsed<u64> {
    const UNITS: [(&str, u64); 9] = [
        ("b", 1),
        ("kb", 1_000),
        ("mb", 1_000_000),
        ("gb", 1_000_000_000),
        ("tb", 1_000_000_000_000),
        ("kib", 1 << 10),
        ("mib", 1 << 20),
        ("gib", 1 << 30),
        ("tib", 1 << 40),
    ];
    /// Above this, a fraction of a byte is lost in `f64`, and no disk is that big.
    const MOST_BYTES: u64 = 1 << 53;

    let total = match value {
        Value::Integer(number) => u64::try_from(*number).ok(),
        Value::String(text) => {
            let text = text.trim();
            let end = text
                .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
                .unwrap_or(text.len());
            let (digits, unit) = text.split_at(end);
            let unit = match unit.trim() {
                "" => Some(1),
                unit => UNITS
                    .iter()
                    .find(|(name, _)| unit.eq_ignore_ascii_case(name))
                    .map(|(_, bytes)| *bytes),
            };
            let whole = digits.parse::<u64>().ok();
            unit.and_then(|unit| match whole {
                Some(whole) => whole.checked_mul(unit),
                None => fraction_of_bytes(digits, unit),
            })
        }
        _ => None,
    };
    total.filter(|total| *total <= MOST_BYTES).ok_or_else(String::new)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "no sign is parsed, the cast saturates and the caller has an upper bound"
)]
fn fraction_of_bytes(digits: &str, unit: u64) -> Option<u64> {
    digits
        .parse::<f64>()
        .ok()
        .map(|number| (number * unit as f64) as u64)
}

/// Permission bits; the owner must be able to read and write what the service replaces later.
pub(super) fn mode(value: &Value) -> Parsed<Option<u32>> {
    let Some(text) = optional_text(value)? else {
        return Ok(None);
    };
    let digits = (3..=4).contains(&text.len()) && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    let mode = u32::from_str_radix(&text, 8).ok().filter(|_| digits);
    match mode {
        Some(mode) if mode & 0o600 != 0o600 => Err("the owner must be able to read and write".into()),
        Some(mode) if mode <= 0o777 => Ok(Some(mode)),
        _ => Err(String::new()),
    }
}

pub(super) fn group(value: &Value) -> Parsed<Option<String>> {
    match optional_text(value)? {
        Some(group) if group.contains([':', ' ', '/']) => Err(String::new()),
        group => Ok(group),
    }
}

/// The words of a list, or of one text with commas or blanks between them.
fn words(value: &Value) -> Parsed<Vec<String>> {
    match value {
        Value::String(text) => words(&from_text(&Value::Array(Vec::new()), text)),
        Value::Array(values) => values.iter().map(text).collect(),
        _ => Err(String::new()),
    }
}

/// File name extensions in lower case without the dot.
pub(super) fn extensions(value: &Value) -> Parsed<BTreeSet<String>> {
    let extension = |word: String| {
        let bare = word.trim().trim_start_matches('.').to_ascii_lowercase();
        let fits =
            (1..=10).contains(&bare.len()) && bare.bytes().all(|letter| letter.is_ascii_alphanumeric());
        fits.then_some(bare)
            .ok_or_else(|| format!("{word:?} is not an extension"))
    };
    let extensions: BTreeSet<String> = words(value)?.into_iter().map(extension).collect::<Parsed<_>>()?;
    match extensions.is_empty() {
        true => Err("the list is empty".into()),
        false => Ok(extensions),
    }
}

pub(super) fn events(value: &Value) -> Parsed<BTreeSet<AlertKind>> {
    let event = |word: String| {
        let found = AlertKind::ALL.into_iter().find(|kind| kind.name() == word);
        found.ok_or_else(|| format!("there is no event {word:?}"))
    };
    words(value)?.into_iter().map(event).collect()
}

/// A level, or a tracing filter such as `info,video_compressor::watch=debug`.
pub(super) fn log_filter(value: &Value) -> Parsed<String> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let text = text(value)?;
    // tracing takes a bare word that is no level for the name of a module: a typing error would silence the log.
    let bare_words = text.split(',').filter(|part| !part.contains('='));
    for word in bare_words {
        if !LEVELS.contains(&word.trim()) {
            return Err(format!("{word:?} is not a level"));
        }
    }
    // The parser of tracing-subscriber 0.3 panics inside some characters of several bytes.
    if !text.is_ascii() {
        return Err("module names have only ASCII letters".into());
    }
    // Values of fields are regular expressions; some take tracing-subscriber for ever to prepare.
    if text.contains(['[', '{']) {
        return Err("spans and fields cannot be chosen; write module=level".into());
    }
    match tracing_subscriber::EnvFilter::builder().parse(&text) {
        Ok(_) => Ok(text),
        Err(error) => Err(error.to_string()),
    }
}
