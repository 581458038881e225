//! Whether a source can become a video, from all that was found in it. Pure.
//!
//! Promises: the reason is one that a person can act on.

use super::{Probed, Rejection, sniff};
use crate::{
    config::{Damaged, EncodeConfig},
    media::{MediaInfo, Stream, StreamKind},
};

/// A film with all its fonts attached has some two hundred.
pub(super) const MOST_STREAMS: usize = 500;

/// # Errors
/// When it cannot; see [`Rejection`].
pub(super) fn judge(probed: &Probed, config: &EncodeConfig) -> Result<(), Rejection> {
    let info = &probed.info;
    if info.streams.len() > MOST_STREAMS {
        return Err(Rejection::TooManyStreams { most: MOST_STREAMS });
    }
    for stream in &info.streams {
        let Some(video) = stream.video() else { continue };
        if u64::from(video.width) * u64::from(video.height) > config.max_pixels {
            return Err(Rejection::TooLarge {
                width: video.width,
                height: video.height,
                max_pixels: config.max_pixels,
            });
        }
    }
    let Some((stream, video)) = info.main_video() else {
        return Err(Rejection::NoVideo {
            found: what_is_there(info),
        });
    };
    let is_locked = |stream: &Stream| {
        matches!(
            stream.codec_tag.as_deref(),
            Some("encv" | "drmi" | "enca" | "drms")
        ) || probed.encrypted.contains(&stream.index)
    };
    if info.streams.iter().any(is_locked) {
        return Err(Rejection::Encrypted);
    }
    let Some(codec) = &stream.codec else {
        return Err(Rejection::NoDecoder {
            codec: stream.codec_tag.clone().unwrap_or_else(|| "unknown".to_owned()),
        });
    };
    if probed
        .header_stderr
        .contains(&format!("for input stream {}", stream.index))
        && probed.header_stderr.contains("Unsupported codec")
    {
        return Err(Rejection::NoDecoder { codec: codec.clone() });
    }
    let packets = stream.packets.unwrap_or_default();
    if packets.count == 0 {
        return Err(Rejection::Damaged {
            detail: "the video stream is empty: no frame of it is in the file".into(),
        });
    }
    if video.width == 0 || video.height == 0 {
        if let Some((width, height)) = sniff::refused_size(&probed.header_stderr) {
            return Err(Rejection::TooLarge {
                width,
                height,
                max_pixels: config.max_pixels,
            });
        }
        return Err(Rejection::Damaged {
            detail: format!(
                "the picture's size is unknown, so nothing of it can be decoded ({})",
                sniff::last_line(&probed.header_stderr)
            ),
        });
    }
    if config.damaged == Damaged::Strict {
        complete(probed)?;
    }
    Ok(())
}

/// Whether the data lasts as long as the header promises.
fn complete(probed: &Probed) -> Result<(), Rejection> {
    /// Headers round, and count the last frame or a subtitle's display time: a shortfall below this proves nothing.
    const ROUNDING_S: f64 = 2.0;
    const ROUNDING_PART: f64 = 0.01;
    let info = &probed.info;
    // From zero, not from the start: an MP4 whose pictures begin at 10 s counts those 10 s as its duration.
    let data_s = info
        .streams
        .iter()
        .filter_map(|stream| stream.packets?.end_s)
        .reduce(f64::max)
        .unwrap_or(0.0);
    let header_s = info.duration_s.unwrap_or(0.0);
    let truncated = Rejection::Truncated { header_s, data_s };
    if header_s - data_s > ROUNDING_S.max(header_s * ROUNDING_PART) {
        return Err(truncated);
    }
    let said = |text: &str| probed.scan_stderr.contains(text) || probed.header_stderr.contains(text);
    // The words of ffmpeg's Matroska and MP4 demuxers for data that ends too early.
    if said("File ended prematurely") || said("partial file") {
        return Err(if header_s - data_s > 0.5 {
            truncated
        } else {
            Rejection::Damaged {
                detail: "truncated: the file ends in the middle of a packet; copy it again, or set damaged = \"salvage\""
                    .into(),
            }
        });
    }
    // An MP4's index knows how many packets there must be.
    let missing = info
        .streams
        .iter()
        .zip(&probed.counts)
        .find(|(stream, (header, read))| {
            info.is_mp4_family()
                && matches!(stream.kind, StreamKind::Video(_) | StreamKind::Audio(_))
                && stream.video().is_none_or(|video| !video.attached_picture)
                && header.is_some_and(|header| *read < header && header - read > 1)
                && *read > 0
        });
    if let Some((stream, (header, read))) = missing
        && info.duration_s.is_some()
        && stream
            .packets
            .and_then(|packets| packets.end_s)
            // The duration counts a pause before the stream or not, as the edit list has it; and where a recording is cut
            // off, its packets end long before either.
            .is_some_and(|end| stream.duration_s.is_some_and(|duration| duration - end > 0.5))
    {
        return Err(Rejection::Damaged {
            detail: format!(
                "truncated: the index lists {} packets of stream {}, {read} are in the file; copy it again, or set damaged = \"salvage\"",
                header.unwrap_or(0),
                stream.index
            ),
        });
    }
    Ok(())
}

/// `audio only`, or what else there is instead of a video.
fn what_is_there(info: &MediaInfo) -> String {
    let pictures = info.streams.iter().any(|stream| stream.video().is_some());
    let audio = info.streams.iter().any(|stream| stream.audio().is_some());
    match (audio, pictures) {
        (true, false) => "audio only".into(),
        (true, true) => "audio with a cover picture only".into(),
        (false, true) => "a picture only".into(),
        (false, false) => "neither video nor audio".into(),
    }
}
