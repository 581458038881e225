//! The receipt of one file: what went in, what came out, and how. Pure.
//!
//! Promises: everything that was changed or lost is named; the task in it is enough to build a lost queue again.
//! Never in here: writing the file.

use serde_json::{Value, json};

use crate::{
    media::{MediaInfo, Stream, StreamKind},
    plan::{EncodePlan, Expected, Treatment},
    record,
    task::Task,
};

/// The form of the file; a reader that knows only older ones must not guess.
const VERSION: u32 = 1;

/// Everything that a receipt says.
pub struct Receipt<'a> {
    /// As it will be once the output has its name.
    pub task: &'a Task,
    /// Quoted for a shell.
    pub command: String,
    pub source: &'a MediaInfo,
    pub output: &'a MediaInfo,
    pub plan: &'a EncodePlan,
    /// Of the verification.
    pub remarks: &'a [String],
    pub name_note: Option<&'a str>,
    pub encode_seconds: f64,
    /// What the source's decoder said, if anything.
    pub decoder_complaints: &'a str,
}

impl Receipt<'_> {
    /// The file's content.
    ///
    /// # Errors
    /// Never in practice: everything has a JSON form.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let notes = self
            .plan
            .notes
            .iter()
            .map(String::as_str)
            .chain(self.remarks.iter().map(String::as_str));
        let lost: Vec<Value> = self
            .plan
            .lost
            .iter()
            .map(|lost| json!({ "stream": lost.source_index, "what": lost.what, "reason": lost.reason }))
            .collect();
        let receipt = json!({
            "version": VERSION,
            "task": record::to_value(self.task)?,
            "source": file(self.source),
            "output": file(self.output),
            "profile": self.plan.profile,
            "notes": notes.chain(self.name_note).collect::<Vec<_>>(),
            "lost": lost,
            "encode_seconds": self.encode_seconds,
            "command": self.command,
            "decoder_complaints": (!self.decoder_complaints.trim().is_empty()).then_some(self.decoder_complaints),
        });
        let mut bytes = serde_json::to_vec_pretty(&receipt)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

fn file(info: &MediaInfo) -> Value {
    json!({
        "container": info.formats.join(","),
        "size_bytes": info.size_bytes,
        "duration_seconds": info.duration_s,
        "chapters": info.chapters.len(),
        "streams": info.streams.iter().map(stream).collect::<Vec<_>>(),
    })
}

fn stream(stream: &Stream) -> Value {
    let mut value = json!({
        "index": stream.index,
        "codec": stream.codec,
        "language": stream.language,
        "title": stream.title,
        "packets": stream.packets.map(|packets| packets.count),
    });
    let details = match &stream.kind {
        StreamKind::Video(video) => json!({
            "kind": if video.attached_picture { "picture" } else { "video" },
            "width": video.width,
            "height": video.height,
            "pixel_format": video.pixel_format,
            "frame_rate": stream.frame_rate().map(|rate| rate.to_string()),
            "primaries": video.colour.primaries,
            "transfer": video.colour.transfer,
            "matrix": video.colour.matrix,
            "range": video.colour.range,
        }),
        StreamKind::Audio(audio) => json!({
            "kind": "audio",
            "channels": audio.channels,
            "layout": audio.layout,
            "sample_rate_hz": audio.sample_rate_hz,
            "bit_rate": stream.measured_bit_rate(),
        }),
        StreamKind::Subtitle => json!({ "kind": "subtitle" }),
        StreamKind::Attachment => json!({ "kind": "attachment" }),
        StreamKind::Data => json!({ "kind": "data" }),
        StreamKind::Unknown => json!({ "kind": "unknown" }),
    };
    if let (Value::Object(value), Value::Object(details)) = (&mut value, details) {
        value.extend(details);
        value.retain(|_, value| !value.is_null());
    }
    value
}

/// One line for `tasks.json`, the log and the phone: `4.2 GB -> 1.1 GB (-74 %), 1920x1080, 2 audio, 5 subtitles`.
#[must_use]
pub fn summary(source: &MediaInfo, output: &MediaInfo, plan: &EncodePlan) -> String {
    let mut parts = vec![sizes(source.size_bytes, output.size_bytes)];
    let count = |wanted: fn(&Expected) -> bool| {
        plan.streams
            .iter()
            .filter(|stream| wanted(&stream.expected))
            .count()
    };
    parts.extend(
        plan.streams
            .iter()
            .find_map(|stream| match (&stream.expected, stream.treatment) {
                (Expected::Video { width, height, .. }, Treatment::Encoded) => {
                    Some(format!("{width}x{height}"))
                }
                _ => None,
            }),
    );
    for (number, what) in [
        (
            count(|expected| matches!(expected, Expected::Audio { .. })),
            "audio",
        ),
        (
            count(|expected| matches!(expected, Expected::Subtitle)),
            "subtitles",
        ),
    ] {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    }
    if !plan.lost.is_empty() {
        parts.push(format!("{} not carried (see the receipt)", plan.lost.len()));
    }
    parts.join(", ")
}

/// `4.2 GB -> 1.1 GB (-74 %)`
#[must_use]
pub fn sizes(before_bytes: u64, after_bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a percentage")]
    let change = (after_bytes as f64 / before_bytes.max(1) as f64 - 1.0) * 100.0;
    format!(
        "{} -> {} ({change:+.0} %)",
        indicatif::DecimalBytes(before_bytes),
        indicatif::DecimalBytes(after_bytes)
    )
}
