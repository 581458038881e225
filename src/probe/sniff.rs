//! What the first bytes of a file say when ffprobe only says "invalid data". Pure.

use super::Rejection;

/// How much of a file's start is looked at, in bytes.
pub const START_BYTES: usize = 4096;

/// What a file is by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Mp4,
    Matroska,
    /// MPEG transport stream, with the length of its packets in bytes.
    TransportStream(u64),
    Playlist(&'static str),
    Zeros,
    Text,
    Other,
}

#[must_use]
pub fn kind(start: &[u8]) -> Kind {
    const MP4_BOXES: [&[u8]; 10] = [
        b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid", b"moof", b"styp",
    ];
    let trimmed = start
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(start)
        .trim_ascii_start();
    let has = |needle: &[u8]| start.windows(needle.len()).any(|window| window == needle);
    let sync = |offset: usize, step: usize| {
        start.len() > offset + step
            && (offset..start.len())
                .step_by(step)
                .take(4)
                .all(|place| start[place] == 0x47)
    };
    if start.get(4..8).is_some_and(|name| MP4_BOXES.contains(&name)) {
        Kind::Mp4
    } else if start.starts_with(b"\x1a\x45\xdf\xa3") {
        Kind::Matroska
    } else if sync(0, 188) {
        Kind::TransportStream(188)
    } else if sync(4, 192) {
        Kind::TransportStream(192)
    } else if trimmed.starts_with(b"#EXTM3U") {
        Kind::Playlist("HLS")
    } else if trimmed.starts_with(b"ffconcat") {
        Kind::Playlist("concat")
    } else if trimmed.starts_with(b"v=0") {
        Kind::Playlist("SDP")
    } else if trimmed.starts_with(b"<") && has(b"<MPD") {
        Kind::Playlist("DASH")
    } else if trimmed.starts_with(b"<") && has(b"<svg") {
        Kind::Playlist("SVG")
    } else if start.iter().all(|&byte| byte == 0) {
        Kind::Zeros
    } else if is_text(start) {
        Kind::Text
    } else {
        Kind::Other
    }
}

fn is_text(start: &[u8]) -> bool {
    // A character may be cut at the end of what was read.
    let valid = start.utf8_chunks().next().map_or(0, |chunk| chunk.valid().len());
    valid + 4 > start.len()
        && start
            .iter()
            .all(|&byte| byte >= 0x20 || matches!(byte, b'\n' | b'\r' | b'\t' | 0x0c))
}

/// Turns ffprobe's refusal into the reason for a person.
#[must_use]
pub fn explain(start: &[u8], stderr: &str) -> Rejection {
    if let Some(format) = format_not_whitelisted(stderr) {
        return match format {
            "hls" => Rejection::Playlist { kind: "HLS" },
            "concat" => Rejection::Playlist { kind: "concat" },
            "dash" | "webm_dash_manifest" => Rejection::Playlist { kind: "DASH" },
            "sdp" => Rejection::Playlist { kind: "SDP" },
            "svg_pipe" => Rejection::Playlist { kind: "SVG" },
            other => match kind(start) {
                Kind::Playlist(kind) => Rejection::Playlist { kind },
                Kind::Text => Rejection::NotAVideo {
                    detail: "it is text".into(),
                },
                _ => Rejection::NotAVideo {
                    detail: format!("it is a file of the kind {other}"),
                },
            },
        };
    }
    match kind(start) {
        Kind::Playlist(kind) => Rejection::Playlist { kind },
        Kind::Mp4 if stderr.contains("moov atom not found") => Rejection::IndexMissing,
        Kind::Zeros => Rejection::NotAVideo {
            detail: "it begins with zeros only, so the copy never finished; copy it again".into(),
        },
        Kind::Text => Rejection::NotAVideo {
            detail: "it is text".into(),
        },
        Kind::Mp4 | Kind::Matroska | Kind::TransportStream(_) => Rejection::Damaged {
            detail: format!(
                "the file is damaged or truncated ({}); copy it again",
                last_line(stderr)
            ),
        },
        Kind::Other => Rejection::NotAVideo {
            detail: format!("no known container ({})", last_line(stderr)),
        },
    }
}

/// The demuxer that ffprobe would have used: `[hls @ 0x…] Format not on whitelist '…'`.
fn format_not_whitelisted(stderr: &str) -> Option<&str> {
    let line = stderr
        .lines()
        .find(|line| line.contains("Format not on whitelist"))?;
    line.strip_prefix('[')?.split([' ', ',', ']']).next()
}

/// The last thing ffprobe said, without the file's name.
pub fn last_line(stderr: &str) -> &str {
    let line = stderr
        .lines()
        .map(str::trim)
        .rfind(|line| !line.is_empty())
        .unwrap_or("no reason given");
    if line.starts_with("file:") {
        line.rsplit(": ").next().unwrap_or(line)
    } else {
        line
    }
}

/// Where ffmpeg's decoder refused a picture for our pixel limit: `Picture size 16000x16000 exceeds specified max …`.
pub fn refused_size(stderr: &str) -> Option<(u32, u32)> {
    let size = stderr
        .lines()
        .find(|line| line.contains("exceeds specified max pixel count") || line.contains("is invalid"))?
        .split_once("Picture size ")?
        .1
        .split(' ')
        .next()?;
    let (width, height) = size.split_once('x')?;
    Some((width.parse().ok()?, height.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_what_a_file_is() {
        let mut ts = vec![0u8; 1000];
        let mut m2ts = vec![0u8; 1000];
        for packet in 0..5 {
            ts[packet * 188] = 0x47;
            m2ts[packet * 192 + 4] = 0x47;
        }
        let cases: [(&[u8], Kind); 12] = [
            (b"\0\0\0\x20ftypisom", Kind::Mp4),
            (b"\x1a\x45\xdf\xa3\x01", Kind::Matroska),
            (&ts, Kind::TransportStream(188)),
            (&m2ts, Kind::TransportStream(192)),
            (b"\n#EXTM3U\n", Kind::Playlist("HLS")),
            (b"ffconcat version 1.0", Kind::Playlist("concat")),
            (b"v=0\r\no=- 0", Kind::Playlist("SDP")),
            (b"<?xml version='1.0'?><MPD>", Kind::Playlist("DASH")),
            (b"<svg xmlns=''>", Kind::Playlist("SVG")),
            (&[0; 100], Kind::Zeros),
            ("Grüße, no video".as_bytes(), Kind::Text),
            (b"\x00\x01\xff\xfe", Kind::Other),
        ];
        for (start, expected) in cases {
            assert_eq!(kind(start), expected, "{}", start.escape_ascii());
        }
        for length in 0..8 {
            assert_ne!(kind(&b"\0\0\0\x20ftyp"[..length]), Kind::Mp4);
        }
    }

    #[test]
    fn a_refusal_of_ffprobe_becomes_a_reason() {
        let moov = "[mov,mp4,m4a @ 0x5] moov atom not found\nfile:a: b.mp4: Invalid data found when processing input\n";
        let hls = "[hls @ 0x55] Format not on whitelist 'mov'\nfile:a.mp4: Invalid argument\n";
        let mp3 = "[mp3 @ 0x55] Format not on whitelist 'mov'\nfile:a.mp4: Invalid argument\n";
        let cases: [(&[u8], &str, Rejection); 5] = [
            (b"\0\0\0\x20ftypisom", moov, Rejection::IndexMissing),
            (b"hello", moov, Rejection::NotAVideo { detail: "it is text".into() }),
            (b"#EXTM3U", hls, Rejection::Playlist { kind: "HLS" }),
            (b"ID3\x03", mp3, Rejection::NotAVideo { detail: "it is a file of the kind mp3".into() }),
            (
                b"\x1a\x45\xdf\xa3",
                moov,
                Rejection::Damaged {
                    detail: "the file is damaged or truncated (Invalid data found when processing input); copy it again"
                        .into(),
                },
            ),
        ];
        for (start, stderr, expected) in cases {
            assert_eq!(explain(start, stderr), expected);
        }
    }
}
