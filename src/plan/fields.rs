//! Whether a picture's two fields are made one, and how. Pure.

use crate::{
    config::Deinterlace,
    media::{FieldCounts, FieldOrder, Video},
};

/// What is done about fields. Always one picture for each picture: the number of frames and their times stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fields {
    /// Progressive, or left alone by choice.
    Leave,
    /// Pictures that are interlaced are deinterlaced, the others are not touched. idet looks at each one first, because
    /// marks are often wrong: the other field first (then deinterlacing does more harm than none: SSIM 0.89 after, 0.93
    /// before, 0.99 with idet), or whole pictures sent as fields. Where idet is in doubt, the mark stays.
    Marked,
    /// Every picture; the marks are missing.
    All(Parity),
    /// Film whose fields were repeated to get to 30 pictures a second: the fields that belong together are put
    /// together again, which loses nothing; only what still shows combs is deinterlaced.
    Telecined,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parity {
    /// As each picture is marked; top first where it is not.
    AsMarked,
    TopFirst,
    BottomFirst,
}

/// Fewer pictures with a clear result prove nothing: a progressive test chart fools idet for up to 37 pictures in a row.
const ENOUGH_PICTURES: u64 = 40;
/// Of the interlaced pictures, those of one parity, in percent. Interlaced clips gave 100; progressive ones that fool
/// idet (test charts, 3 of 40 clips) gave 60 to 64, with one exception (see [`SHARE`]).
const ONE_PARITY: u64 = 95;
/// Of the pictures with a result, the interlaced ones, in percent. Interlaced clips gave 100; the exception, a
/// progressive MPEG-4 clip, 37.
const SHARE: u64 = 50;
/// Pictures that repeat the top field of the one before, and as many the bottom field, in percent. The 3:2 pattern
/// repeats each in every fifth picture; a clip of it gave 20 and 20, all others 0.
const REPEATED: u64 = 12;

#[must_use]
pub fn fields(video: &Video, policy: Deinterlace) -> Fields {
    match policy {
        Deinterlace::Off => return Fields::Leave,
        Deinterlace::On => return Fields::All(Parity::AsMarked),
        Deinterlace::Auto => {}
    }
    let counts = video.fields.unwrap_or_default();
    let all = counts.pictures();
    let is_telecined =
        all >= ENOUGH_PICTURES && counts.repeated_top.min(counts.repeated_bottom) * 100 >= all * REPEATED;
    match video.field_order {
        FieldOrder::TopFirst | FieldOrder::BottomFirst if is_telecined => Fields::Telecined,
        FieldOrder::TopFirst | FieldOrder::BottomFirst => Fields::Marked,
        FieldOrder::Unknown => by_counts(counts),
        // No count is worth more than a header that says so: test charts fool idet in all pictures of a second.
        FieldOrder::Progressive => Fields::Leave,
    }
}

fn by_counts(counts: FieldCounts) -> Fields {
    let interlaced = counts.top_first + counts.bottom_first;
    let one_parity = counts.top_first.max(counts.bottom_first);
    let clear = interlaced + counts.progressive;
    if interlaced < ENOUGH_PICTURES
        || interlaced * 100 < clear * SHARE
        || one_parity * 100 < interlaced * ONE_PARITY
    {
        Fields::Leave
    } else if counts.top_first > counts.bottom_first {
        Fields::All(Parity::TopFirst)
    } else {
        Fields::All(Parity::BottomFirst)
    }
}

impl Fields {
    /// The filter; `None` when nothing is to be done.
    #[must_use]
    pub fn filter(self, video: &Video, policy: Deinterlace) -> Option<&'static str> {
        match self {
            Self::Leave if policy != Deinterlace::Off && video.field_order == FieldOrder::Unknown => {
                // Some decoders (DV) mark every picture as interlaced; the result must not say so.
                Some("setfield=prog")
            }
            Self::Leave => None,
            Self::Marked => Some("idet,bwdif=mode=send_frame:parity=auto:deint=interlaced"),
            Self::All(Parity::AsMarked) => Some("bwdif=mode=send_frame:parity=auto:deint=all"),
            Self::All(Parity::TopFirst) => Some("bwdif=mode=send_frame:parity=tff:deint=all"),
            Self::All(Parity::BottomFirst) => Some("bwdif=mode=send_frame:parity=bff:deint=all"),
            Self::Telecined => {
                Some("fieldmatch=combmatch=full,bwdif=mode=send_frame:parity=auto:deint=interlaced")
            }
        }
    }

    /// One sentence for the receipt, without the stream's name; `None` when there is nothing to say.
    #[must_use]
    pub fn note(self, video: &Video, policy: Deinterlace) -> Option<String> {
        let seen = video.fields.map_or_else(String::new, |counts| {
            format!(
                " (idet on {} pictures: {} top field first, {} bottom field first, {} progressive, {} unclear; \
                 repeated fields: {} top, {} bottom)",
                counts.pictures(),
                counts.top_first,
                counts.bottom_first,
                counts.progressive,
                counts.undetermined,
                counts.repeated_top,
                counts.repeated_bottom
            )
        });
        Some(match (self, video.field_order) {
            (Self::Leave, FieldOrder::TopFirst | FieldOrder::BottomFirst) => {
                "is interlaced and stays so (deinterlace = \"off\")".to_owned()
            }
            (Self::Leave, FieldOrder::Unknown) if policy == Deinterlace::Auto && video.fields.is_some() => {
                format!("does not say its field order and looks progressive{seen}")
            }
            (Self::Leave, _) => return None,
            (Self::Marked, _) => {
                format!(
                    "is interlaced: deinterlaced, one picture for each pair of fields; what looks progressive stays as it is{seen}"
                )
            }
            (Self::All(Parity::AsMarked), _) => {
                "is deinterlaced in any case (deinterlace = \"on\"), one picture for each pair of fields"
                    .to_owned()
            }
            (Self::All(_), _) => {
                format!("looks interlaced: deinterlaced, one picture for each pair of fields{seen}")
            }
            (Self::Telecined, _) => format!(
                "is film at 30 pictures a second with repeated fields: its film pictures are put together again{seen}"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_joined_where_the_header_or_the_pictures_say_so() {
        use Deinterlace::{Auto, Off, On};
        use FieldOrder::{BottomFirst, Progressive, TopFirst, Unknown};
        use Fields::{All, Leave, Marked, Telecined};
        let cases = [
            // field order; idet: top, bottom, progressive, unclear, repeated top and bottom; setting
            (Progressive, None, Auto, Leave),
            (Unknown, None, Auto, Leave),
            (TopFirst, None, Auto, Marked),
            (BottomFirst, None, Auto, Marked),
            (TopFirst, None, Off, Leave),
            (Progressive, None, On, All(Parity::AsMarked)),
            // Clips with fields.
            (Unknown, Some([75, 0, 0, 0, 0, 0]), Auto, All(Parity::TopFirst)),
            (Unknown, Some([0, 75, 0, 0, 0, 0]), Auto, All(Parity::BottomFirst)),
            // Fields in half of the pictures.
            (Unknown, Some([60, 1, 55, 9, 0, 0]), Auto, All(Parity::TopFirst)),
            // Progressive clips that fool idet.
            (Unknown, Some([0, 32, 55, 9, 0, 0]), Auto, Leave),
            (Unknown, Some([44, 25, 6, 0, 0, 0]), Auto, Leave),
            (Unknown, Some([37, 24, 16, 0, 0, 0]), Auto, Leave),
            (Unknown, Some([25, 0, 0, 0, 0, 0]), Auto, Leave),
            (Progressive, Some([75, 0, 0, 0, 0, 0]), Auto, Leave),
            // Nothing moves.
            (Unknown, Some([0, 0, 0, 150, 0, 0]), Auto, Leave),
            (Unknown, Some([5, 0, 0, 20, 0, 0]), Auto, Leave),
            // 3:2 pulldown.
            (BottomFirst, Some([90, 0, 0, 0, 18, 18]), Auto, Telecined),
            (TopFirst, Some([90, 0, 0, 0, 18, 1]), Auto, Marked),
            (TopFirst, Some([3, 0, 0, 0, 3, 3]), Auto, Marked),
        ];
        for (field_order, seen, policy, expected) in cases {
            let counts = seen.map(
                |[
                    top_first,
                    bottom_first,
                    progressive,
                    undetermined,
                    repeated_top,
                    repeated_bottom,
                ]| {
                    FieldCounts {
                        top_first,
                        bottom_first,
                        progressive,
                        undetermined,
                        repeated_top,
                        repeated_bottom,
                    }
                },
            );
            let video = Video {
                field_order,
                fields: counts,
                ..Video::default()
            };
            let found = fields(&video, policy);
            assert_eq!(found, expected, "{field_order:?} {seen:?} {policy:?}");
            let is_silent = found.note(&video, policy).is_none();
            assert_eq!(
                is_silent,
                found == Leave && (field_order == Progressive || (field_order == Unknown && seen.is_none())),
                "{field_order:?} {seen:?} {policy:?}"
            );
        }
    }
}
