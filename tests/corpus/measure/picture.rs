//! What is seen of a video track.

use std::{collections::BTreeMap, path::Path};

use serde_json::Value;

use super::{
    Frames, Picture, SIDE,
    tools::{decode, ffmpeg, list, probe, ratio, text},
};

pub(super) fn picture(path: &Path, index: u64, stream: &Value) -> Picture {
    let mut picture = Picture {
        width: stream["width"].as_u64().unwrap_or(0),
        height: stream["height"].as_u64().unwrap_or(0),
        sample_aspect: ratio(&text(&stream["sample_aspect_ratio"]), ':')
            .filter(|aspect| *aspect > 0.0)
            .unwrap_or(1.0),
        pixel_format: text(&stream["pix_fmt"]),
        range: known(stream, "color_range"),
        matrix: known(stream, "color_space"),
        transfer: known(stream, "color_transfer"),
        primaries: known(stream, "color_primaries"),
        is_said_progressive: stream["field_order"] == "progressive",
        ..Picture::default()
    };
    let select = index.to_string();
    let first = probe(
        path,
        &[
            "-select_streams",
            &select,
            "-show_frames",
            "-read_intervals",
            "%+#12",
        ],
    )
    .unwrap_or_default();
    let first = list(&first["frames"]);
    if let Some(frame) = first.first() {
        // The decoder knows some values that the container's reader does not.
        let told = |key: &str| known(frame, key);
        picture.range = picture.range.or_else(|| told("color_range"));
        picture.matrix = picture.matrix.or_else(|| told("color_space"));
        picture.transfer = picture.transfer.or_else(|| told("color_transfer"));
        picture.primaries = picture.primaries.or_else(|| told("color_primaries"));
    }
    let interlaced = first
        .iter()
        .filter(|frame| frame["interlaced_frame"] == 1)
        .count();
    picture.is_flagged_interlaced = interlaced * 2 > first.len();
    let of_first = first.first().map(|frame| list(&frame["side_data_list"]));
    for data in list(&stream["side_data_list"])
        .iter()
        .chain(of_first.unwrap_or_default())
    {
        let name = text(&data["side_data_type"]);
        if name.contains("Display Matrix") || name.contains("displaymatrix") {
            orientation(&mut picture, &text(&data["displaymatrix"]));
        } else if name == "Stereo 3D" || name == "Spherical Mapping" {
            picture.projection.insert(name, data.to_string());
        } else if name.contains("Closed Captions") {
            picture.may_have_captions = true;
        } else if ["Mastering", "Content light", "DOVI", "Dolby", "2094", "HDR10+"]
            .iter()
            .any(|part| name.contains(part))
        {
            let name = if name.contains("2094") {
                "HDR10+".to_owned()
            } else {
                name
            };
            picture.hdr.insert(name, numbers(data));
        }
    }
    picture
}

/// Names of unknown values are all the same to a viewer.
fn known(of: &Value, key: &str) -> Option<String> {
    of[key]
        .as_str()
        .filter(|value| !["unknown", "unspecified", "reserved"].contains(value))
        .map(str::to_owned)
}

/// `00000000:            0       65536           0` and two more lines like it.
fn orientation(picture: &mut Picture, matrix: &str) {
    let rows: Vec<Vec<i64>> = matrix
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(_, row)| {
            row.split_whitespace()
                .filter_map(|cell| cell.parse().ok())
                .collect()
        })
        .collect();
    let [first, second, ..] = rows.as_slice() else {
        return;
    };
    let ([a, b, ..], [c, d, ..]) = (first.as_slice(), second.as_slice()) else {
        return;
    };
    picture.is_turned = b.abs() > a.abs();
    picture.has_orientation = !(*a > 0 && *b == 0 && *c == 0 && *d > 0);
}

/// Every number of a side data, in the order of its keys.
fn numbers(data: &Value) -> Vec<f64> {
    let of = |value: &Value| match value {
        Value::String(text) => ratio(text, '/').or_else(|| text.parse().ok()),
        other => other.as_f64(),
    };
    let sorted: BTreeMap<_, _> = data.as_object().into_iter().flatten().collect();
    sorted.values().filter_map(|value| of(value)).collect()
}

pub(super) fn frames(path: &Path, index: u64, complaints: &mut Vec<String>) -> Option<Frames> {
    let small = format!("showinfo=checksum=0,scale={SIDE}:{SIDE}:flags=area,format=gray");
    let map = format!("0:{index}");
    let kept = [
        "-fps_mode",
        "passthrough",
        "-enc_time_base",
        "-1",
        "-map",
        &map,
        "-c:v",
    ];
    let mut arguments = kept.to_vec();
    arguments.extend(["rawvideo", "-vf", &small, "-f", "rawvideo", "pipe:1"]);
    arguments.extend(kept);
    // Nothing is copied or scaled for the list: only times count there.
    arguments.push("wrapped_avframe");
    let decoded = decode(path, &arguments, complaints);
    let pictures: Vec<Vec<u8>> = decoded
        .bytes
        .chunks_exact(SIDE * SIDE)
        .map(<[u8]>::to_vec)
        .collect();
    let times_s: Vec<f64> = decoded.listed.iter().map(|(start, _)| *start).collect();
    let aspects = decoded.log.lines().filter_map(aspect).collect();
    let (combed, clean) = combing(path, &map);
    (!pictures.is_empty()).then_some(Frames {
        times_s,
        aspects,
        pictures,
        combed,
        clean,
    })
}

/// What is behind ` sar:16/15 s:720x576 ` in a line of the filter showinfo.
fn aspect(line: &str) -> Option<f64> {
    let behind = |label: &str| line.split(label).nth(1)?.split_whitespace().next();
    let (width, height) = behind(" s:")?.split_once('x')?;
    let (width, height): (f64, f64) = (width.parse().ok()?, height.parse().ok()?);
    let sample = ratio(behind(" sar:")?, '/').filter(|aspect| *aspect > 0.0);
    Some(width / height * sample.unwrap_or(1.0))
}

/// How many of the first frames look combed, and how many do not.
fn combing(path: &Path, map: &str) -> (u64, u64) {
    let (_, log) = ffmpeg(
        path,
        &["-map", map, "-frames:v", "60", "-vf", "idet", "-f", "null", "-"],
    );
    let multi = log.lines().rfind(|line| line.contains("Multi frame detection"));
    let count = |label: &str| {
        let after = multi?.split(label).nth(1)?;
        after.split_whitespace().next()?.parse::<u64>().ok()
    };
    (
        count("TFF:").unwrap_or(0) + count("BFF:").unwrap_or(0),
        count("Progressive:").unwrap_or(0),
    )
}
