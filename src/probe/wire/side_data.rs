//! Side data of streams and of frames: how a picture lies, stereo, HDR. Pure.

use serde::Deserialize;

use super::{
    picture::orientation,
    value::{parsed, text},
};
use crate::media::{ContentLight, DolbyVision, Hdr, MasteringDisplay, Orientation, Rational, SaidBy, Stereo};

/// The fields of all kinds of side data that we read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SideData {
    #[serde(deserialize_with = "text")]
    pub(super) side_data_type: Option<String>,
    #[serde(deserialize_with = "text")]
    displaymatrix: Option<String>,
    #[serde(rename = "type", deserialize_with = "text")]
    arrangement: Option<String>,
    #[serde(deserialize_with = "text")]
    inverted: Option<String>,
    #[serde(deserialize_with = "text")]
    pub(super) projection: Option<String>,
    #[serde(deserialize_with = "text")]
    dv_profile: Option<String>,
    #[serde(deserialize_with = "text")]
    dv_bl_signal_compatibility_id: Option<String>,
    #[serde(deserialize_with = "text")]
    max_content: Option<String>,
    #[serde(deserialize_with = "text")]
    max_average: Option<String>,
    #[serde(deserialize_with = "text")]
    red_x: Option<String>,
    #[serde(deserialize_with = "text")]
    red_y: Option<String>,
    #[serde(deserialize_with = "text")]
    green_x: Option<String>,
    #[serde(deserialize_with = "text")]
    green_y: Option<String>,
    #[serde(deserialize_with = "text")]
    blue_x: Option<String>,
    #[serde(deserialize_with = "text")]
    blue_y: Option<String>,
    #[serde(deserialize_with = "text")]
    white_point_x: Option<String>,
    #[serde(deserialize_with = "text")]
    white_point_y: Option<String>,
    #[serde(deserialize_with = "text")]
    min_luminance: Option<String>,
    #[serde(deserialize_with = "text")]
    max_luminance: Option<String>,
}

pub(super) fn named<'a>(sides: &'a [SideData], name: &str) -> Option<&'a SideData> {
    sides
        .iter()
        .find(|side| side.side_data_type.as_deref() == Some(name))
}

pub(super) fn turned(sides: &[SideData]) -> Option<Orientation> {
    let side = named(sides, "Display Matrix").or_else(|| named(sides, "3x3 displaymatrix"))?;
    Some(orientation(side.displaymatrix.as_deref()?))
}

pub(super) fn stereo(sides: &[SideData], said_by: SaidBy) -> Option<Stereo> {
    let side = named(sides, "Stereo 3D")?;
    let arrangement = side.arrangement.clone()?;
    // What is said to be one picture for both eyes is an ordinary film.
    (arrangement != "2D").then(|| Stereo {
        arrangement,
        inverted: side.inverted.as_deref() == Some("1"),
        said_by,
    })
}

pub(super) fn hdr(sides: &[SideData]) -> Hdr {
    let mut hdr = Hdr::default();
    for side in sides {
        match side.side_data_type.as_deref() {
            Some("Mastering display metadata") => hdr.mastering_display = mastering_display(side),
            Some("Content light level metadata") => {
                hdr.content_light = parsed(side.max_content.as_ref())
                    .zip(parsed(side.max_average.as_ref()))
                    .map(|(max_content, max_average)| ContentLight {
                        max_content,
                        max_average,
                    });
            }
            Some(kind) if kind.contains("SMPTE2094-40") => hdr.hdr10_plus = true,
            Some("DOVI configuration record") => {
                hdr.dolby_vision = Some(DolbyVision {
                    profile: parsed(side.dv_profile.as_ref()),
                    compatibility: parsed(side.dv_bl_signal_compatibility_id.as_ref()),
                });
            }
            Some(kind) if kind.contains("Dolby Vision") => {
                hdr.dolby_vision.get_or_insert_default();
            }
            _ => {}
        }
    }
    hdr
}

fn mastering_display(side: &SideData) -> Option<MasteringDisplay> {
    let in_units = |text: Option<&String>, unit: f64| {
        let units = fraction_or_zero(text)? * unit;
        (0.0..=f64::from(u32::MAX))
            .contains(&units)
            .then(|| units.round() as u32)
    };
    let point = |x: &Option<String>, y: &Option<String>| {
        Some((in_units(x.as_ref(), 50_000.0)?, in_units(y.as_ref(), 50_000.0)?))
    };
    Some(MasteringDisplay {
        green: point(&side.green_x, &side.green_y)?,
        blue: point(&side.blue_x, &side.blue_y)?,
        red: point(&side.red_x, &side.red_y)?,
        white_point: point(&side.white_point_x, &side.white_point_y)?,
        max_luminance: in_units(side.max_luminance.as_ref(), 10_000.0)?,
        min_luminance: in_units(side.min_luminance.as_ref(), 10_000.0)?,
    })
}

fn fraction_or_zero(text: Option<&String>) -> Option<f64> {
    let (numerator, denominator) = text?.split_once('/')?;
    let numerator: u64 = numerator.trim().parse().ok()?;
    Rational::new(numerator, denominator.trim().parse().ok()?).map(Rational::as_f64)
}
