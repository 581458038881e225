//! What only decoded frames show. Pure.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    side_data::{SideData, hdr, named, stereo, turned},
    value::{list, texts},
};
use crate::media::{Hdr, Orientation, SaidBy, Stereo};

#[derive(Debug, Default, Deserialize)]
struct FramesReport {
    #[serde(default, deserialize_with = "list")]
    frames: Vec<WireFrame>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireFrame {
    #[serde(deserialize_with = "texts")]
    tags: BTreeMap<String, String>,
    #[serde(deserialize_with = "list")]
    side_data_list: Vec<SideData>,
}

/// What only decoded frames show.
#[derive(Debug, Default, PartialEq)]
pub struct FromFrames {
    pub hdr: Hdr,
    pub orientation: Option<Orientation>,
    pub stereo: Option<Stereo>,
    pub closed_captions: bool,
}

/// From the side data of the first frames, as `-show_frames` prints it.
pub fn from_frames(json: &str) -> Option<FromFrames> {
    let report: FramesReport = serde_json::from_str(json).ok()?;
    let by_tag = report
        .frames
        .iter()
        .find_map(|frame| stereo_by_tag(frame.tags.get("stereo_mode")?));
    let has_dolby_vision = |frame: &WireFrame| {
        let mut kinds = frame
            .side_data_list
            .iter()
            .filter_map(|side| side.side_data_type.as_deref());
        // The decoder repeats the parsed form on frames that have none of their own.
        kinds.any(|kind| kind == "Dolby Vision RPU Data")
    };
    let dolby_vision_in_pictures = !report.frames.is_empty() && report.frames.iter().all(has_dolby_vision);
    let sides: Vec<SideData> = report
        .frames
        .into_iter()
        .flat_map(|frame| frame.side_data_list)
        .collect();
    Some(FromFrames {
        hdr: Hdr {
            dolby_vision_in_pictures,
            ..hdr(&sides)
        },
        orientation: turned(&sides),
        // ffprobe 5.1 names the kind of a frame's side data only.
        stereo: stereo(&sides, SaidBy::Pictures).or(by_tag),
        closed_captions: named(&sides, "ATSC A53 Part 4 Closed Captions").is_some(),
    })
}

/// By the tag that the H.264 decoder gives a frame; the words are Matroska's.
fn stereo_by_tag(mode: &str) -> Option<Stereo> {
    let (arrangement, inverted) = match mode {
        "left_right" => ("side by side", false),
        "right_left" => ("side by side", true),
        "top_bottom" => ("top and bottom", false),
        "bottom_top" => ("top and bottom", true),
        "checkerboard_lr" => ("checkerboard", false),
        "checkerboard_rl" => ("checkerboard", true),
        "row_interleaved_lr" => ("interleaved lines", false),
        "row_interleaved_rl" => ("interleaved lines", true),
        "col_interleaved_lr" => ("interleaved columns", false),
        "col_interleaved_rl" => ("interleaved columns", true),
        _ => return None,
    };
    Some(Stereo {
        arrangement: arrangement.to_owned(),
        inverted,
        said_by: SaidBy::Pictures,
    })
}
