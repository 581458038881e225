//! What is said of a stream or a file: language, title, dispositions, tags.

use super::{Comparison, Kinds, named};
use crate::measure::Track;

impl Comparison<'_> {
    /// Language, title, dispositions and tags of one stream.
    pub(super) fn labels(&mut self, before: &Track, after: &Track) {
        let name = named(before);
        let (was, is) = (language(before), language(after));
        if was != is && !self.receipt.mentions(&["language"]) {
            self.fault(Kinds::Language, format!("{name}: {was:?} has become {is:?}"));
        }
        let (was, is) = (before.tag("title"), title(after));
        if was.is_some_and(|was| !is.contains(&was)) && !self.receipt.mentions(&["title"]) {
            self.fault(Kinds::Title, format!("{name}: {was:?} has become {is:?}"));
        }
        let noted = |one: &&String| self.receipt.mentions(&[one]);
        let gone: Vec<_> = before
            .dispositions
            .difference(&after.dispositions)
            .filter(|one| !noted(one))
            .collect();
        let new: Vec<_> = after
            .dispositions
            .difference(&before.dispositions)
            .filter(|one| !noted(one))
            .collect();
        if !gone.is_empty() || !new.is_empty() {
            self.fault(Kinds::Disposition, format!("{name}: lost {gone:?}, new {new:?}"));
        }
        for (key, value) in &before.tags {
            let is_own = ["language", "title"].contains(&key.as_str());
            if is_own || is_technical(key, value) {
                continue;
            }
            if !same_tag(value, after.tag(key)) && !self.receipt.mentions(&[key]) {
                let found = after.tag(key);
                self.fault(
                    Kinds::Tag,
                    format!("{name}: {key}={value:?} has become {found:?}"),
                );
            }
        }
        for complaint in after.complaints.first().into_iter() {
            self.fault(
                Kinds::Decode,
                format!(
                    "{}: {} complaints, first: {complaint}",
                    named(after),
                    after.complaints.len()
                ),
            );
        }
    }
}

/// ISO 639-2 has two codes for some languages; MP4 uses the one, Matroska the other.
fn language(track: &Track) -> String {
    const TWO_CODES: [(&str, &str); 20] = [
        ("alb", "sqi"),
        ("arm", "hye"),
        ("baq", "eus"),
        ("bur", "mya"),
        ("chi", "zho"),
        ("cze", "ces"),
        ("dut", "nld"),
        ("fre", "fra"),
        ("geo", "kat"),
        ("ger", "deu"),
        ("gre", "ell"),
        ("ice", "isl"),
        ("mac", "mkd"),
        ("mao", "mri"),
        ("may", "msa"),
        ("per", "fas"),
        ("rum", "ron"),
        ("slo", "slk"),
        ("tib", "bod"),
        ("wel", "cym"),
    ];
    let code = track.tag("language").unwrap_or("und");
    TWO_CODES
        .iter()
        .find(|(bibliographic, _)| *bibliographic == code)
        .map_or(code, |(_, terminological)| terminological)
        .to_owned()
}

/// MP4 keeps a track's title in the handler's name.
fn title(track: &Track) -> Vec<&str> {
    ["title", "handler_name"]
        .into_iter()
        .filter_map(|key| track.tag(key))
        .collect()
}

pub(super) fn same_tag(value: &str, found: Option<&str>) -> bool {
    let Some(found) = found else { return false };
    // A time is the same with more or fewer decimals.
    let second = |text: &str| text.get(..19).map(|text| text.replace(' ', "T"));
    value.trim() == found.trim()
        || (value.len() >= 19
            && value.as_bytes()[4] == b'-'
            && second(value).is_some()
            && second(value) == second(found))
}

/// Tags that say how the file was written, not what is in it.
pub(super) fn is_technical(key: &str, value: &str) -> bool {
    const KEYS: [&str; 16] = [
        "major_brand",
        "minor_version",
        "compatible_brands",
        "encoder",
        "vendor_id",
        "duration",
        "bps",
        "number_of_frames",
        "number_of_bytes",
        "_statistics_writing_app",
        "_statistics_writing_date_utc",
        "_statistics_tags",
        "source_id",
        "alpha_mode",
        "isvbr",
        "devicetype",
    ];
    const HANDLERS: [&str; 7] = [
        "VideoHandler",
        "SoundHandler",
        "SubtitleHandler",
        "DataHandler",
        "TimeCodeHandler",
        "Core Media",
        "ISO Media",
    ];
    let base = key.split('-').next().unwrap_or(key);
    KEYS.contains(&base)
        || value.trim().is_empty()
        || (key == "handler_name" && HANDLERS.iter().any(|handler| value.contains(handler)))
}
