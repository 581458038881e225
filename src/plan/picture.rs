//! The picture of one video stream: its size, filters, and what x265 is told. Pure.

use super::{Skip, dolby_vision};
use crate::{
    config::Profile,
    media::{Chroma, Orientation, Rational, SaidBy, Stereo, Stream, Video},
    task::Resolution,
};

/// Whether ffmpeg cuts off what a container says is not to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContainerCropping {
    /// As in ffmpeg 5.1.
    #[default]
    Never,
    /// Unless `-apply_cropping codec` says not to, as in ffmpeg 9.0. Many players do not, and what is cut off is lost.
    UnlessTold,
}

/// x265 takes nothing smaller, in pixels a side.
pub const SMALLEST_SIDE: u32 = 16;
/// By how much the displayed aspect may be off before the sample aspect corrects it.
const ASPECT_TOLERANCE: f64 = 0.005;
/// A picture above this many pixels has room for only 6 frames at level 4 (ITU-T H.265, table A.8: 3/4 of
/// `MaxLumaPs` 2,228,224), so more than 4 references signal level 5, which many players refuse.
const PIXELS_FOR_MANY_REFERENCES: u64 = 1_671_168;
const REFERENCES_ABOVE: u32 = 4;

/// The size of the output's picture, upright.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub width: u32,
    pub height: u32,
    pub sample_aspect: Rational,
}

/// The upright stored picture: ffmpeg turns it before any filter of ours.
fn upright(video: &Video) -> (u32, u32, Rational) {
    let Rational {
        numerator,
        denominator,
    } = video.sample_aspect;
    match Rational::new(denominator, numerator) {
        Some(turned) if video.orientation.swaps_sides() => (video.height, video.width, turned),
        _ => (video.width, video.height, video.sample_aspect),
    }
}

/// Fits the picture into the 16:9 box of the resolution's height, turned for portrait. Never enlarges, sides are even,
/// the displayed aspect stays.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn fitted(video: &Video, resolution: Resolution) -> Size {
    let (width, height, sample_aspect) = upright(video);
    let displayed_width = f64::from(width) * sample_aspect.as_f64();
    let displayed_height = f64::from(height);
    let long = f64::from((resolution.0 * 16).div_ceil(9).next_multiple_of(2));
    let short = f64::from(resolution.0);
    let (box_width, box_height) = if displayed_height > displayed_width {
        (short, long)
    } else {
        (long, short)
    };
    let scale = (box_width / displayed_width)
        .min(box_height / displayed_height)
        .min(1.0);
    let even = |side: u32| {
        let nearest = (f64::from(side) * scale / 2.0).round() as u32 * 2;
        // A strip is not made thinner than x265 takes; its sample aspect makes up for it.
        nearest.max(SMALLEST_SIDE).min(side / 2 * 2).max(2)
    };
    let (even_width, even_height) = (even(width), even(height));
    Size {
        width: even_width,
        height: even_height,
        sample_aspect: corrected(width, height, sample_aspect, even_width, even_height),
    }
}

/// The sample aspect under which the new picture is shown as the old one was.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn corrected(width: u32, height: u32, sample_aspect: Rational, new_width: u32, new_height: u32) -> Rational {
    /// What a 16-bit field in the stream can say.
    const LARGEST: u128 = 65_535;
    let old = sample_aspect.as_f64() * f64::from(width) / f64::from(height);
    let kept = sample_aspect.as_f64() * f64::from(new_width) / f64::from(new_height);
    if (kept / old - 1.0).abs() <= ASPECT_TOLERANCE {
        return sample_aspect;
    }
    let mut numerator = u128::from(sample_aspect.numerator) * u128::from(width) * u128::from(new_height);
    let mut denominator = u128::from(sample_aspect.denominator) * u128::from(height) * u128::from(new_width);
    let mut divisor = (numerator, denominator);
    while divisor.1 != 0 {
        divisor = (divisor.1, divisor.0 % divisor.1);
    }
    numerator /= divisor.0.max(1);
    denominator /= divisor.0.max(1);
    let excess = numerator.max(denominator).div_ceil(LARGEST).max(1);
    Rational::new(
        (numerator / excess).max(1) as u64,
        (denominator / excess).max(1) as u64,
    )
    .unwrap_or(sample_aspect)
}

/// # Errors
/// When no player of the result would show the picture as it was.
pub fn presentable(video: &Video) -> Result<(), Skip> {
    if video.orientation.askew {
        return Err(Skip::Askew);
    }
    Ok(())
}

/// Whether parts of the picture can be seen through, by the pixel format or, for VP8 and VP9, by the tag.
#[must_use]
pub fn is_transparent(stream: &Stream, video: &Video) -> bool {
    const WITH_ALPHA: [&str; 10] = [
        "yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya8", "ya16", "ayuv", "vuya",
    ];
    let by_tag = stream
        .tags
        .iter()
        .any(|(key, value)| key.eq_ignore_ascii_case("alpha_mode") && value == "1");
    let by_format = video
        .pixel_format
        .as_deref()
        .is_some_and(|format| WITH_ALPHA.iter().any(|name| format.starts_with(name)));
    by_tag || by_format
}

/// Matroska's word for it, as ffmpeg takes it; `None` for what only a few formats know.
#[must_use]
pub fn stereo_mode(stereo: &Stereo) -> Option<&'static str> {
    if stereo.said_by == SaidBy::Container {
        return None;
    }
    Some(match (stereo.arrangement.as_str(), stereo.inverted) {
        ("side by side", false) => "left_right",
        ("side by side", true) => "right_left",
        ("top and bottom", false) => "top_bottom",
        ("top and bottom", true) => "bottom_top",
        ("checkerboard", false) => "checkerboard_lr",
        ("checkerboard", true) => "checkerboard_rl",
        ("interleaved lines", false) => "row_interleaved_lr",
        ("interleaved lines", true) => "row_interleaved_rl",
        ("interleaved columns", false) => "col_interleaved_lr",
        ("interleaved columns", true) => "col_interleaved_rl",
        ("frame alternate", false) => "block_lr",
        ("frame alternate", true) => "block_rl",
        _ => return None,
    })
}

/// x265's number of the place of the chroma samples. `left` is what everybody assumes, and the only place in other
/// layouts than 4:2:0.
fn chroma_place(video: &Video) -> Option<ChromaPlace> {
    let place = |number, horizontal, vertical| {
        Some(ChromaPlace {
            number,
            horizontal,
            vertical,
        })
    };
    if video.chroma != Chroma::C420 {
        return None;
    }
    match video.colour.chroma_location.as_deref()? {
        "center" => place(1, 128, 128),
        "topleft" => place(2, 0, 0),
        "top" => place(3, 128, 0),
        "bottomleft" => place(4, 0, 256),
        "bottom" => place(5, 128, 256),
        _ => None,
    }
}

/// Where the chroma samples of 4:2:0 lie.
struct ChromaPlace {
    /// In the stream (ITU-T H.265, E.3.1).
    number: u32,
    /// To the right of the first luma sample, in 1/256 of a luma sample, as the scaler takes it.
    horizontal: u32,
    /// Below it.
    vertical: u32,
}

/// Bits per component in the output: the source's, where x265 has them.
#[must_use]
pub fn bit_depth(video: &Video) -> u32 {
    match video.bit_depth {
        0..=8 => 8,
        9..=10 => 10,
        _ => 12,
    }
}

#[must_use]
pub fn pixel_format(video: &Video) -> &'static str {
    match bit_depth(video) {
        8 => "yuv420p",
        10 => "yuv420p10le",
        _ => "yuv420p12le",
    }
}

/// RGB and the like come without a YUV matrix: they get BT.709.
fn is_rgb(video: &Video) -> bool {
    video.chroma == Chroma::Other
        && video
            .pixel_format
            .as_deref()
            .is_none_or(|name| !name.starts_with("yuv"))
}

/// Whether the picture is turned by a filter of ours. ffmpeg turns by what the container says; where only some pictures
/// say it (5.1 believes each for itself), it would turn those and leave the others.
#[must_use]
pub fn turns_by_filter(video: &Video) -> bool {
    video.orientation_said_by == SaidBy::Pictures && video.orientation != Orientation::default()
}

/// Filters that turn the stored picture upright, and take away what says that it lies.
fn turning(orientation: Orientation) -> &'static str {
    match (orientation.mirrored, orientation.clockwise_degrees) {
        (false, 90) => "sidedata=mode=delete:type=DISPLAYMATRIX,transpose=clock",
        (false, 180) => "sidedata=mode=delete:type=DISPLAYMATRIX,hflip,vflip",
        (false, 270) => "sidedata=mode=delete:type=DISPLAYMATRIX,transpose=cclock",
        (true, 90) => "sidedata=mode=delete:type=DISPLAYMATRIX,hflip,transpose=clock",
        (true, 180) => "sidedata=mode=delete:type=DISPLAYMATRIX,vflip",
        (true, 270) => "sidedata=mode=delete:type=DISPLAYMATRIX,hflip,transpose=cclock",
        (true, _) => "sidedata=mode=delete:type=DISPLAYMATRIX,hflip",
        (false, _) => "null",
    }
}

/// The filter chain, from the upright picture to what x265 gets. `fields` is the filter that joins fields.
#[must_use]
pub fn filters(video: &Video, size: Size, fields: Option<&str>) -> String {
    let mut chain = Vec::new();
    chain.extend(fields.map(str::to_owned));
    if turns_by_filter(video) {
        chain.push(turning(video.orientation).to_owned());
    }
    let (width, height, sample_aspect) = upright(video);
    let mut scale = Vec::new();
    // Later pictures of another size become as large as the first ones.
    let is_scaled = (width, height) != (size.width, size.height) || video.other_size.is_some();
    if is_scaled {
        scale.push(format!("w={}:h={}:flags=lanczos", size.width, size.height));
        if let Some(ChromaPlace {
            horizontal, vertical, ..
        }) = chroma_place(video)
        {
            scale.push(format!(
                "in_h_chr_pos={horizontal}:in_v_chr_pos={vertical}:out_h_chr_pos={horizontal}:out_v_chr_pos={vertical}"
            ));
        }
    }
    let full_range = video.colour.range.as_deref() == Some("pc") && !is_rgb(video);
    if full_range {
        // Else the change of pixel format squeezes it to the narrow range.
        scale.push("in_range=full:out_range=full".to_owned());
    }
    if is_rgb(video) {
        scale.push("out_color_matrix=bt709:out_range=tv".to_owned());
    }
    if !scale.is_empty() {
        chain.push(format!("scale={}", scale.join(":")));
    }
    chain.push(format!("format={}", pixel_format(video)));
    // The scaler changes the sample aspect to keep the exact shape; ours is the one that is expected.
    if sample_aspect != Rational::ONE || size.sample_aspect != Rational::ONE || is_scaled {
        chain.push(format!("setsar={}:max=65535", size.sample_aspect));
    }
    chain.join(",")
}

/// ffmpeg's options for the colour tags, with the values that the source has.
#[must_use]
pub fn colour_tags(video: &Video) -> Vec<(&'static str, String)> {
    let colour = &video.colour;
    let (matrix, range) = if is_rgb(video) {
        (Some("bt709".to_owned()), Some("tv".to_owned()))
    } else {
        (colour.matrix.clone(), colour.range.clone())
    };
    [
        ("color_range", range),
        ("color_primaries", colour.primaries.clone()),
        ("color_trc", colour.transfer.clone()),
        ("colorspace", matrix),
    ]
    .into_iter()
    .filter_map(|(option, value)| Some((option, value?)))
    .collect()
}

/// Mastering display or light level: HDR10 has them, some HLG and plain BT.2020 as well.
#[must_use]
pub fn has_static_hdr(video: &Video) -> bool {
    video.hdr.mastering_display.is_some() || video.hdr.content_light.is_some()
}

/// The chroma location that must be found again; `None` where it is what everybody assumes.
#[must_use]
pub fn chroma_location(video: &Video) -> Option<String> {
    chroma_place(video).and_then(|_| video.colour.chroma_location.clone())
}

/// What goes into `-x265-params`.
#[must_use]
pub fn encoder_parameters(
    profile: &Profile,
    stream: &Stream,
    video: &Video,
    size: Size,
    threads: u32,
    dynamic_hdr: dolby_vision::Treatment,
) -> String {
    let pixels = u64::from(size.width) * u64::from(size.height);
    let mut parameters: Vec<String> = profile
        .x265_params
        .split(':')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| match parameter.split_once('=') {
            Some(("ref", references))
                if pixels > PIXELS_FOR_MANY_REFERENCES
                    && references
                        .parse::<u32>()
                        .is_ok_and(|references| references > REFERENCES_ABOVE) =>
            {
                format!("ref={REFERENCES_ABOVE}")
            }
            _ => parameter.to_owned(),
        })
        .collect();
    let set = |name: &str| {
        parameters
            .iter()
            .any(|parameter| parameter.split('=').next() == Some(name))
    };
    let mut ours = Vec::new();
    // x265 takes its rate from the timebase else, which is far too fine here: level and quality would suffer.
    if let Some(rate) = stream.frame_rate()
        && u32::try_from(rate.numerator.max(rate.denominator)).is_ok()
    {
        ours.push(("fps", rate.to_string()));
    }
    if threads > 0 {
        ours.push(("pools", threads.to_string()));
    }
    if let Some(place) = chroma_place(video) {
        ours.push(("chromaloc", place.number.to_string()));
    }
    if has_static_hdr(video) {
        if let Some(display) = video.hdr.mastering_display {
            let point = |(x, y): (u32, u32)| format!("({x},{y})");
            ours.push((
                "master-display",
                format!(
                    "G{}B{}R{}WP{}L({},{})",
                    point(display.green),
                    point(display.blue),
                    point(display.red),
                    point(display.white_point),
                    display.max_luminance,
                    display.min_luminance
                ),
            ));
        }
        if let Some(light) = video.hdr.content_light {
            ours.push(("max-cll", format!("{},{}", light.max_content, light.max_average)));
        }
        ours.push(("hdr10", "1".to_owned()));
        ours.push(("repeat-headers", "1".to_owned()));
    }
    if dynamic_hdr.dolby_vision().is_some() {
        let frame_rate = stream.frame_rate().map(Rational::as_f64);
        let wanted = dolby_vision::encoder_parameters(size, frame_rate);
        ours.extend(
            wanted
                .into_iter()
                .filter(|(name, _)| ours.iter().all(|(known, _)| known != name))
                .collect::<Vec<_>>(),
        );
    }
    ours.push(("log-level", "error".to_owned()));
    let ours: Vec<String> = ours
        .into_iter()
        .filter(|(name, _)| !set(name))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    parameters.extend(ours);
    parameters.join(":")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn video(width: u32, height: u32, aspect: (u64, u64), clockwise_degrees: u32) -> Video {
        Video {
            width,
            height,
            sample_aspect: Rational::new(aspect.0, aspect.1).unwrap(),
            orientation: Orientation {
                clockwise_degrees,
                ..Orientation::default()
            },
            bit_depth: 8,
            ..Video::default()
        }
    }

    #[test]
    fn pictures_fit_their_box_and_are_never_enlarged() {
        let cases = [
            // source, sample aspect, turned, folder -> size, sample aspect
            ((1920, 1080), (1, 1), 0, 720, (1280, 720), (1, 1)),
            ((1920, 1080), (1, 1), 0, 480, (854, 480), (1, 1)),
            ((1920, 1080), (1, 1), 0, 1080, (1920, 1080), (1, 1)),
            ((1920, 1080), (1, 1), 0, 2160, (1920, 1080), (1, 1)),
            ((854, 480), (1, 1), 0, 480, (854, 480), (1, 1)),
            ((1920, 800), (1, 1), 0, 720, (1280, 534), (1, 1)),
            ((640, 480), (1, 1), 0, 480, (640, 480), (1, 1)),
            ((1440, 1080), (1, 1), 0, 720, (960, 720), (1, 1)),
            ((1080, 1920), (1, 1), 0, 720, (720, 1280), (1, 1)),
            ((1920, 1080), (1, 1), 90, 720, (720, 1280), (1, 1)),
            ((1920, 1080), (1, 1), 180, 720, (1280, 720), (1, 1)),
            ((642, 642), (1, 1), 0, 480, (480, 480), (1, 1)),
            ((161, 121), (1, 1), 0, 480, (160, 120), (1, 1)),
            // PAL 16:9: 1047 wide when shown.
            ((720, 576), (16, 11), 0, 720, (720, 576), (16, 11)),
            ((720, 576), (16, 11), 0, 480, (588, 470), (16, 11)),
            ((720, 576), (16, 11), 90, 720, (576, 720), (11, 16)),
            ((1440, 1080), (4, 3), 0, 720, (960, 720), (4, 3)),
            // A narrow strip, where rounding shows.
            ((1000, 37), (1, 1), 0, 480, (854, 32), (16000, 15799)),
            // A strip that would be thinner than x265 takes.
            ((8192, 96), (1, 1), 0, 480, (854, 16), (2048, 1281)),
            ((16, 8192), (1, 1), 0, 480, (16, 854), (427, 4096)),
            ((16, 16), (1, 1), 0, 480, (16, 16), (1, 1)),
            ((8, 8), (1, 1), 0, 480, (8, 8), (1, 1)),
        ];
        for (size, aspect, turned, folder, expected, expected_aspect) in cases {
            let found = fitted(&video(size.0, size.1, aspect, turned), Resolution(folder));
            let found_aspect = (found.sample_aspect.numerator, found.sample_aspect.denominator);
            assert_eq!(
                ((found.width, found.height), found_aspect),
                (expected, expected_aspect),
                "{size:?} {aspect:?} in {folder}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_picture_keeps_its_shape_and_fits(
            width in 32u32..8000, height in 32u32..8000, num in 1u64..3000, den in 1u64..3000,
            quarter in 0u32..4, folder in prop::sample::select(vec![480u32, 720, 1080, 2160]),
        ) {
            let video = video(width, height, (num, den), quarter * 90);
            let (shown_width, shown_height) = video.displayed_size();
            prop_assume!((0.1..10.0).contains(&(shown_width / shown_height)) && (0.1..10.0).contains(&(num as f64 / den as f64)));
            let size = fitted(&video, Resolution(folder));
            prop_assert!(size.width.is_multiple_of(2) && size.height.is_multiple_of(2));
            let (stored_width, stored_height) = if quarter % 2 == 1 { (height, width) } else { (width, height) };
            prop_assert!(size.width <= stored_width && size.height <= stored_height);
            let before = shown_width / shown_height;
            let after = f64::from(size.width) * size.sample_aspect.as_f64() / f64::from(size.height);
            prop_assert!((after / before - 1.0).abs() < 0.0051, "{before} {after} {size:?}");
            let long = f64::from((folder * 16).div_ceil(9).next_multiple_of(2));
            // Rounding to even may add one pixel: to the width, or to the height and with it, where the aspect was
            // corrected, as much to the width as is shown beside one row.
            let sample = size.sample_aspect.as_f64();
            prop_assert!(f64::from(size.width) * sample <= (long + before) * 1.0051 + sample);
            prop_assert!(f64::from(size.height) <= long + 1.0);
        }
    }

    #[test]
    fn many_references_are_cut_where_they_would_raise_the_level() {
        let slow = Profile {
            name: "slow".into(),
            preset: "slow".into(),
            crf: 24.0,
            target: None,
            crf_min: 12.0,
            crf_max: 40.0,
            x265_params: "aq-mode=3:ref=6".into(),
            audio: crate::config::AudioPolicy::Aac,
        };
        let size = |width, height| Size {
            width,
            height,
            sample_aspect: Rational::ONE,
        };
        let stream = super::super::tests::video_stream(0, "h264", video(1920, 1080, (1, 1), 0));
        let parameters = |size| {
            encoder_parameters(
                &slow,
                &stream,
                stream.video().unwrap(),
                size,
                0,
                dolby_vision::Treatment::Nothing,
            )
        };
        assert!(parameters(size(1280, 720)).starts_with("aq-mode=3:ref=6:"));
        assert!(parameters(size(1920, 1080)).starts_with("aq-mode=3:ref=4:"));
    }
}
