//! What becomes of one audio stream. Pure.

use crate::{
    config::AudioPolicy,
    media::{Audio, Stream},
};

/// Bits per second for each channel.
const AAC_RATE_PER_CHANNEL: u64 = 64_000;
/// AAC's own limit: 6,144 bits per channel in each frame of 1,024 samples.
const AAC_BITS_PER_SAMPLE: u64 = 6;
/// Layouts that ffmpeg's encoder writes so that players read them back (seen with 5.1.9).
const AAC_LAYOUTS: [&str; 10] = [
    "mono",
    "stereo",
    "2.1",
    "3.0",
    "quad",
    "quad(side)",
    "4.0",
    "5.0",
    "5.1",
    "7.1",
];
/// What ffmpeg takes for a stream that does not say its layout.
const LARGEST_GUESSED: u32 = 6;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sound {
    Copy {
        reason: &'static str,
    },
    Aac {
        bits_per_second: u64,
        force_layout: Option<&'static str>,
    },
    Lost {
        reason: &'static str,
    },
}

#[must_use]
pub fn sound(stream: &Stream, audio: &Audio, policy: AudioPolicy) -> Sound {
    let Some(codec) = stream.codec.as_deref() else {
        return Sound::Lost {
            reason: "ffmpeg does not know its codec",
        };
    };
    if policy == AudioPolicy::Copy {
        return Sound::Copy {
            reason: "the profile copies audio",
        };
    }
    if audio.channels == 0 || audio.sample_rate_hz == 0 {
        return Sound::Copy {
            reason: "it cannot be decoded",
        };
    }
    let target = target_rate(audio);
    if codec == "aac" && stream.measured_bit_rate().is_some_and(|rate| rate <= target) {
        return Sound::Copy {
            reason: "it is AAC at or below the target rate",
        };
    }
    let force_layout = match audio.layout.as_deref() {
        Some("5.1(side)") => Some("5.1"),
        Some("5.0(side)") => Some("5.0"),
        Some(layout) if AAC_LAYOUTS.contains(&layout) => None,
        None if audio.channels <= LARGEST_GUESSED => None,
        _ => {
            return Sound::Copy {
                reason: "AAC cannot say its channel layout",
            };
        }
    };
    Sound::Aac {
        bits_per_second: target,
        force_layout,
    }
}

fn target_rate(audio: &Audio) -> u64 {
    let channels = u64::from(audio.channels);
    (AAC_RATE_PER_CHANNEL * channels).min(AAC_BITS_PER_SAMPLE * u64::from(audio.sample_rate_hz) * channels)
}

/// Whether an MP4 that players accept can hold this codec.
#[must_use]
pub fn fits_mp4(codec: &str) -> bool {
    matches!(codec, "aac" | "ac3" | "eac3" | "mp3" | "alac" | "opus" | "dts")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::audio_stream;

    #[test]
    fn audio_is_encoded_copied_or_named_as_lost() {
        let aac = |bits_per_second, force_layout| Sound::Aac {
            bits_per_second,
            force_layout,
        };
        let at_or_below = Sound::Copy {
            reason: "it is AAC at or below the target rate",
        };
        let cases = [
            // codec, channels, layout, Hz, bits per second
            (
                "ac3",
                2,
                Some("stereo"),
                48_000,
                Some(192_000),
                aac(128_000, None),
            ),
            ("ac3", 1, Some("mono"), 48_000, Some(192_000), aac(64_000, None)),
            (
                "ac3",
                6,
                Some("5.1(side)"),
                48_000,
                None,
                aac(384_000, Some("5.1")),
            ),
            (
                "dts",
                5,
                Some("5.0(side)"),
                48_000,
                None,
                aac(320_000, Some("5.0")),
            ),
            ("vorbis", 6, Some("5.1"), 48_000, None, aac(384_000, None)),
            ("flac", 8, Some("7.1"), 96_000, None, aac(512_000, None)),
            ("wmav2", 1, Some("mono"), 8_000, None, aac(48_000, None)),
            ("pcm_s16le", 2, None, 48_000, None, aac(128_000, None)),
            (
                "aac",
                2,
                Some("stereo"),
                48_000,
                Some(128_000),
                at_or_below.clone(),
            ),
            (
                "aac",
                2,
                Some("stereo"),
                48_000,
                Some(128_001),
                aac(128_000, None),
            ),
            ("aac", 2, Some("stereo"), 48_000, None, aac(128_000, None)),
            (
                "dts",
                7,
                Some("6.1"),
                48_000,
                None,
                Sound::Copy {
                    reason: "AAC cannot say its channel layout",
                },
            ),
            (
                "ac3",
                0,
                None,
                0,
                None,
                Sound::Copy {
                    reason: "it cannot be decoded",
                },
            ),
        ];
        for (codec, channels, layout, hz, rate, expected) in cases {
            let mut stream = audio_stream(1, codec, channels, layout, hz);
            stream.bit_rate = rate;
            let found = sound(&stream, stream.audio().unwrap(), AudioPolicy::Aac);
            assert_eq!(found, expected, "{codec} {layout:?}");
        }
    }

    #[test]
    fn a_missing_bit_rate_is_measured_from_the_packets() {
        let mut stream = audio_stream(1, "aac", 2, Some("stereo"), 48_000);
        let packets = |bytes| crate::media::Packets {
            count: 100,
            bytes,
            first_s: Some(1.0),
            end_s: Some(11.0),
            ..Default::default()
        };
        stream.packets = Some(packets(150_000));
        assert!(matches!(
            sound(&stream, stream.audio().unwrap(), AudioPolicy::Aac),
            Sound::Copy { .. }
        ));
        stream.packets = Some(packets(170_000));
        assert!(matches!(
            sound(&stream, stream.audio().unwrap(), AudioPolicy::Aac),
            Sound::Aac { .. }
        ));
    }

    #[test]
    fn the_copy_policy_copies_whatever_has_a_name() {
        let mut stream = audio_stream(1, "truehd", 8, Some("7.1"), 48_000);
        assert!(matches!(
            sound(&stream, stream.audio().unwrap(), AudioPolicy::Copy),
            Sound::Copy { .. }
        ));
        stream.codec = None;
        assert!(matches!(
            sound(&stream, stream.audio().unwrap(), AudioPolicy::Copy),
            Sound::Lost { .. }
        ));
    }
}
