//! ffmpeg's names of pixel formats, and its print of a display matrix. Pure.

use crate::media::{Chroma, Orientation};

/// From ffmpeg's names: `yuv422p10le`, `gray`, `rgb24`, `p010le`.
pub(super) fn pixel_layout(name: &str) -> (Chroma, u32) {
    let chroma = if name.starts_with("gray") || name.starts_with("mono") || name.starts_with("ya") {
        Chroma::Gray
    } else if name.contains("420") || matches!(name, "nv12" | "nv21") || name.starts_with("p01") {
        Chroma::C420
    } else if name.contains("422")
        || matches!(name, "nv16" | "nv20le" | "nv20be")
        || name.starts_with("p21")
        || name.starts_with("y21")
    {
        Chroma::C422
    } else if name.contains("444") || matches!(name, "nv24" | "nv42") || name.starts_with("p41") {
        Chroma::C444
    } else {
        Chroma::Other
    };
    // The digits at the end; nv12 and the like count bits per pixel there, not per component.
    let stem = name.trim_end_matches("le").trim_end_matches("be");
    let letters = stem.trim_end_matches(|character: char| character.is_ascii_digit());
    let depth = match stem {
        "nv20" | "p210" | "p410" | "y210" => 10,
        "y212" => 12,
        // These count the bits of a whole pixel.
        "rgb48" | "bgr48" | "rgba64" | "bgra64" | "p216" | "p416" => 16,
        _ if letters.ends_with('v') => 8,
        _ => stem[letters.len()..]
            .parse()
            .ok()
            .filter(|depth| (9..=16).contains(depth))
            .unwrap_or(8),
    };
    (chroma, depth)
}

/// From ffprobe's print of the nine numbers (16.16 fixed point; the third column is 2.30).
pub(super) fn orientation(matrix: &str) -> Orientation {
    let numbers: Vec<f64> = matrix
        .lines()
        .filter_map(|line| line.split_once(':'))
        .flat_map(|(_, row)| row.split_whitespace())
        .filter_map(|number| number.parse().ok())
        .collect();
    let [a, b, _, c, d, ..] = numbers[..] else {
        return Orientation::default();
    };
    let mirrored = a * d - b * c < 0.0;
    // The image of the x axis; mirroring comes first and turns its sign.
    let (x, y) = if mirrored { (-a, -b) } else { (a, b) };
    let degrees = y.atan2(x).to_degrees();
    let quarter_turns = (degrees / 90.0).round();
    let clockwise_degrees = match quarter_turns as i64 {
        1 => 90,
        2 | -2 => 180,
        -1 => 270,
        _ => 0,
    };
    Orientation {
        clockwise_degrees,
        mirrored,
        // ffmpeg takes what is nearer than that for a right angle.
        askew: (degrees - quarter_turns * 90.0).abs() > 1.0,
    }
}
