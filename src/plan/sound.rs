//! What becomes of one audio stream. Pure.

use super::{Container, Draft, Expected, Treatment, described, timing};
use crate::{
    config::AudioPolicy,
    media::{Audio, Stream},
};

/// Bits per second for each channel.
const AAC_RATE_PER_CHANNEL: u64 = 64_000;
/// AAC's own limit: 6,144 bits per channel in each frame of 1,024 samples.
const AAC_BITS_PER_SAMPLE: u64 = 6;
/// Encoders miss the rate they are asked for by this many per cent; encoding such a track again would only harm it.
const RATE_TOLERANCE_PERCENT: u64 = 5;
/// AAC's highest rate; ffmpeg converts what is above by itself.
const AAC_LARGEST_SAMPLE_RATE_HZ: u32 = 96_000;
/// Layouts that ffmpeg's encoder writes so that players read them back (seen with 5.1.9).
const AAC_LAYOUTS: [&str; 12] = [
    "mono",
    "stereo",
    "2.1",
    "3.0",
    "3.0(back)",
    "quad",
    "quad(side)",
    "4.0",
    "5.0",
    "5.1",
    "6.0(front)",
    "7.1",
];
/// What ffmpeg takes for PCM that does not say its layout. Coded sound without one has speakers that ffmpeg cannot name.
const LARGEST_GUESSED: u32 = 6;
/// FLAC in Matroska says every layout that ffmpeg has a name for, up to this many channels.
const FLAC_CHANNELS: u32 = 8;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sound {
    Copy {
        reason: &'static str,
    },
    Aac {
        bits_per_second: u64,
        force_layout: Option<&'static str>,
        resampled: Resampled,
    },
    /// Lossless; for Matroska.
    Flac {
        reason: &'static str,
    },
    Lost {
        reason: &'static str,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resampled {
    No,
    /// To AAC's highest rate.
    Down,
}

/// What becomes of a stream in `container`. A copy or FLAC that does not fit into MP4 is for the choice of the
/// container to notice.
#[must_use]
pub fn sound(stream: &Stream, audio: &Audio, policy: AudioPolicy, container: Container) -> Sound {
    let Some(codec) = stream.codec.as_deref() else {
        return Sound::Lost {
            reason: "ffmpeg does not know its codec",
        };
    };
    let copies = if is_cut(stream, container) || overlaps(stream) {
        Copies::WouldBeWrong
    } else {
        Copies::AreRight
    };
    let sound = wanted(stream, audio, codec, policy, copies);
    match sound {
        Sound::Copy { .. } if container == Container::Matroska && !fits_matroska(codec) => {
            if is_decodable(audio) {
                Sound::Flac {
                    reason: "Matroska cannot hold its codec",
                }
            } else {
                Sound::Lost {
                    reason: "this ffmpeg cannot decode it, and Matroska cannot hold its codec",
                }
            }
        }
        sound => sound,
    }
}

/// Whether a copy would play what the source's edit list hides, or play it at another time. A decoder gives only what is
/// shown. One piece from the start on can be copied into MP4, whose own edit list then hides the rest.
#[must_use]
pub fn is_cut(stream: &Stream, container: Container) -> bool {
    /// An encoder's priming, seconds: at most 2,112 samples at 16 kHz.
    const PRIMING_S: f64 = 0.15;
    /// The start of a piece that begins with the film.
    const AT_ONCE_S: f64 = 0.05;
    stream.packets.is_some_and(|packets| {
        let is_trimmed = packets.hidden_before_s > PRIMING_S;
        let is_late = packets.first_s.is_some_and(|first| first > AT_ONCE_S);
        packets.in_pieces || (is_trimmed && (is_late || container == Container::Matroska))
    })
}

/// Whether times of the stream go back, as where recordings were joined. No container takes that, copied or encoded.
fn overlaps(stream: &Stream) -> bool {
    stream.packets.is_some_and(|packets| packets.overlaps)
}

/// What a copy of a stream would be, if its codec allows one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Copies {
    AreRight,
    WouldBeWrong,
}

fn wanted(stream: &Stream, audio: &Audio, codec: &str, policy: AudioPolicy, copies: Copies) -> Sound {
    if !is_decodable(audio) {
        return Sound::Copy {
            reason: "it cannot be decoded",
        };
    }
    let is_pcm = codec.starts_with("pcm_");
    if policy == AudioPolicy::Copy && copies == Copies::AreRight {
        // Matroska does not say which channels there are in PCM; FLAC is the same samples, and does.
        let layout_would_be_lost =
            audio.channels > 2 && audio.channels <= FLAC_CHANNELS && audio.layout.is_some();
        return if layout_would_be_lost && is_pcm && fits_flac(codec) {
            Sound::Flac {
                reason: "the profile copies audio, and as PCM it would lose its channel layout",
            }
        } else {
            Sound::Copy {
                reason: "the profile copies audio",
            }
        };
    }
    let target = target_rate(audio);
    if codec == "aac"
        && copies == Copies::AreRight
        && stream
            .measured_bit_rate()
            .is_some_and(|rate| rate * 100 <= target * (100 + RATE_TOLERANCE_PERCENT))
    {
        return Sound::Copy {
            reason: "it is AAC at or below the target rate",
        };
    }
    let force_layout = match audio.layout.as_deref() {
        Some("5.1(side)") => Some("5.1"),
        Some("5.0(side)") => Some("5.0"),
        Some("downmix") => Some("stereo"),
        Some(layout) if AAC_LAYOUTS.contains(&layout) => None,
        None if is_pcm && audio.channels <= LARGEST_GUESSED => None,
        // ffmpeg does not guess it for coded sound, and AAC's encoder wants one.
        None if audio.channels == 1 => Some("mono"),
        None if audio.channels == 2 => Some("stereo"),
        None => {
            return Sound::Copy {
                reason: "its channel layout is unknown",
            };
        }
        Some(_) if is_pcm && audio.channels <= FLAC_CHANNELS => {
            return Sound::Flac {
                reason: "AAC cannot say its channel layout",
            };
        }
        _ => {
            return Sound::Copy {
                reason: "AAC cannot say its channel layout",
            };
        }
    };
    Sound::Aac {
        bits_per_second: target,
        force_layout,
        resampled: if audio.sample_rate_hz > AAC_LARGEST_SAMPLE_RATE_HZ {
            Resampled::Down
        } else {
            Resampled::No
        },
    }
}

fn is_decodable(audio: &Audio) -> bool {
    audio.sample_format.is_some() && audio.channels > 0 && audio.sample_rate_hz > 0
}

fn target_rate(audio: &Audio) -> u64 {
    let channels = u64::from(audio.channels);
    (AAC_RATE_PER_CHANNEL * channels).min(AAC_BITS_PER_SAMPLE * u64::from(audio.sample_rate_hz) * channels)
}

/// Whether an MP4 that players accept can hold this codec.
#[must_use]
pub fn fits_mp4(codec: &str) -> bool {
    matches!(
        codec,
        "aac" | "ac3" | "eac3" | "mp3" | "alac" | "opus" | "dts" | "mpegh_3d_audio"
    )
}

/// Whether ffmpeg can write it into Matroska and read it back (tried with 5.1.9, or listed in its muxer). Not TTA: its end
/// is lost.
fn fits_matroska(codec: &str) -> bool {
    const CODECS: [&str; 45] = [
        "aac",
        "ac3",
        "adpcm_g722",
        "adpcm_ima_wav",
        "adpcm_ms",
        "adpcm_swf",
        "adpcm_yamaha",
        "alac",
        "atrac3",
        "cook",
        "dts",
        "eac3",
        "flac",
        "g723_1",
        "gsm_ms",
        "mlp",
        "mp1",
        "mp2",
        "mp3",
        "opus",
        "pcm_alaw",
        "pcm_f32le",
        "pcm_f64le",
        "pcm_mulaw",
        "pcm_s16be",
        "pcm_s16le",
        "pcm_s24be",
        "pcm_s24le",
        "pcm_s32be",
        "pcm_s32le",
        "pcm_s64le",
        "pcm_u8",
        "qdm2",
        "ra_144",
        "ra_288",
        "sipr",
        "speex",
        "truehd",
        "vorbis",
        "wavpack",
        "wmalossless",
        "wmapro",
        "wmav1",
        "wmav2",
        "wmavoice",
    ];
    CODECS.contains(&codec)
}

/// Whether FLAC holds every bit of these samples: ffmpeg's encoder takes 24.
fn fits_flac(codec: &str) -> bool {
    [
        "pcm_s16",
        "pcm_s24",
        "pcm_u16",
        "pcm_u24",
        "pcm_s8",
        "pcm_u8",
        "pcm_bluray",
        "pcm_dvd",
    ]
    .iter()
    .any(|prefix| codec.starts_with(prefix))
}

/// Of WMA that begins later than the film. ffmpeg 9 knows no time of what its decoder gives first, and counts it from zero.
fn late_start(stream: &Stream, origin_s: f64) -> Vec<String> {
    /// Times in ASF are whole milliseconds.
    const TICK_S: f64 = 0.001;
    let first_s = stream.packets.and_then(|packets| packets.first_s);
    let late_s = first_s.map_or(0.0, |first_s| first_s - origin_s);
    if late_s <= TICK_S || !stream.codec_name().starts_with("wma") {
        return Vec::new();
    }
    let earliest_s = late_s - TICK_S;
    vec![format!(
        "asetpts='if(lt(T,{earliest_s:.6}),PTS+{late_s:.6}/TB,PTS)'"
    )]
}

impl Draft<'_> {
    /// Drops what is there twice, so that times only grow, and fills what is then missing (FFmpeg Resampler
    /// Documentation, `async` and `min_hard_comp`, in seconds). The sound is off by 10 ms at most.
    fn in_step(&mut self, stream: &Stream) -> Option<&'static str> {
        if !overlaps(stream) {
            return None;
        }
        self.notes.push(format!(
            "{}: parts of it overlap, as where recordings were joined; what is there twice is cut off, and gaps become \
             silence",
            described(stream)
        ));
        Some("aresample=async=1:min_hard_comp=0.01")
    }

    pub(super) fn add_audio(&mut self, stream: &Stream, audio: &Audio) {
        let name = described(stream);
        // A header that no decoder has confirmed may be wrong.
        let channels = audio.sample_format.as_ref().map_or(0, |_| audio.channels);
        match sound(stream, audio, self.profile.audio, self.container) {
            Sound::Copy { reason } => {
                self.notes.push(format!("{name} is copied: {reason}"));
                let codec = stream.codec_name().to_owned();
                self.keep(stream, &codec, Treatment::Copied, Expected::Audio { channels });
            }
            Sound::Aac {
                bits_per_second,
                force_layout,
                resampled,
            } => {
                if is_cut(stream, self.container) {
                    self.notes.push(format!(
                        "{name} is encoded: a copy would play what its edit list hides"
                    ));
                }
                if resampled == Resampled::Down {
                    self.notes.push(format!(
                        "{name}: {} Hz becomes 96000 Hz, the highest that AAC has",
                        audio.sample_rate_hz
                    ));
                }
                self.option("c", "aac");
                self.option("b", bits_per_second.to_string());
                if timing::drops_priming(self.container, self.abilities.priming, stream, self.origin_s) {
                    self.option("bsf", "noise=drop=not(n)");
                }
                let mut filters = late_start(stream, self.origin_s);
                filters.extend(self.in_step(stream).map(str::to_owned));
                if let Some(layout) = force_layout {
                    self.notes.push(match audio.layout.as_deref() {
                        Some(said) => format!(
                            "{name}: the channel layout {said} is written as {layout}, which AAC does not tell from it"
                        ),
                        None => format!("{name}: its channel layout is not said, and taken for {layout}"),
                    });
                    filters.push(format!("aformat=channel_layouts={layout}"));
                }
                if !filters.is_empty() {
                    self.option("filter", filters.join(","));
                }
                self.keep(stream, "aac", Treatment::Encoded, Expected::Audio { channels });
            }
            Sound::Flac { reason } => {
                self.notes.push(format!("{name} becomes FLAC: {reason}"));
                self.option("c", "flac");
                if let Some(filter) = self.in_step(stream) {
                    self.option("filter", filter);
                }
                self.keep(stream, "flac", Treatment::Encoded, Expected::Audio { channels });
            }
            Sound::Lost { reason } => self.lose(stream, reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        media::{Packets, StreamKind},
        plan::tests::audio_stream,
    };

    #[test]
    fn audio_is_encoded_copied_or_named_as_lost() {
        let aac = |bits_per_second, force_layout| Sound::Aac {
            bits_per_second,
            force_layout,
            resampled: Resampled::No,
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
                Some(134_400),
                at_or_below.clone(),
            ),
            (
                "aac",
                2,
                Some("stereo"),
                48_000,
                Some(134_401),
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
                "pcm_s16le",
                7,
                Some("6.1"),
                48_000,
                None,
                Sound::Flac {
                    reason: "AAC cannot say its channel layout",
                },
            ),
            (
                "pcm_s16le",
                24,
                None,
                48_000,
                None,
                Sound::Copy {
                    reason: "its channel layout is unknown",
                },
            ),
            ("pcm_s16le", 6, None, 48_000, None, aac(384_000, None)),
            ("tta", 1, None, 48_000, None, aac(64_000, Some("mono"))),
            ("speex", 2, None, 48_000, None, aac(128_000, Some("stereo"))),
            (
                "aac",
                6,
                None,
                48_000,
                Some(640_000),
                Sound::Copy {
                    reason: "its channel layout is unknown",
                },
            ),
            (
                "pcm_s24le",
                2,
                Some("downmix"),
                48_000,
                None,
                aac(128_000, Some("stereo")),
            ),
            (
                "flac",
                2,
                Some("stereo"),
                192_000,
                None,
                Sound::Aac {
                    bits_per_second: 128_000,
                    force_layout: None,
                    resampled: Resampled::Down,
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
            let found = sound(
                &stream,
                stream.audio().unwrap(),
                AudioPolicy::Aac,
                Container::Matroska,
            );
            assert_eq!(found, expected, "{codec} {layout:?}");
        }
    }

    #[test]
    fn sound_whose_times_go_back_is_not_copied() {
        for (overlaps, policy, is_copied) in [
            (false, AudioPolicy::Aac, true),
            (false, AudioPolicy::Copy, true),
            (true, AudioPolicy::Aac, false),
            (true, AudioPolicy::Copy, false),
        ] {
            let mut stream = audio_stream(1, "aac", 2, Some("stereo"), 48_000);
            stream.bit_rate = Some(96_000);
            stream.packets = Some(crate::media::Packets {
                overlaps,
                ..Default::default()
            });
            let found = sound(&stream, stream.audio().unwrap(), policy, Container::Mp4);
            assert_eq!(
                matches!(found, Sound::Copy { .. }),
                is_copied,
                "{overlaps} {policy:?}"
            );
        }
    }

    #[test]
    fn what_an_edit_list_hides_is_not_copied() {
        use Container::{Matroska, Mp4};
        for (hidden_before_s, in_pieces, first_s, container, is_copied) in [
            (0.0, false, 0.0, Mp4, true),
            (0.021, false, 0.0, Mp4, true),
            (0.021, false, 0.7, Mp4, true),
            (1.0, false, -0.01, Mp4, true),
            (0.132, false, 0.0, Matroska, true),
            (1.0, false, 0.0, Matroska, false),
            (1.0, false, 0.5, Mp4, false),
            (0.021, true, 0.0, Mp4, false),
        ] {
            let mut stream = audio_stream(1, "aac", 2, Some("stereo"), 48_000);
            stream.bit_rate = Some(96_000);
            stream.packets = Some(crate::media::Packets {
                hidden_before_s,
                in_pieces,
                first_s: Some(first_s),
                ..Default::default()
            });
            for policy in [AudioPolicy::Aac, AudioPolicy::Copy] {
                let found = sound(&stream, stream.audio().unwrap(), policy, container);
                assert_eq!(
                    matches!(found, Sound::Copy { .. }),
                    is_copied,
                    "{hidden_before_s} {in_pieces} {first_s} {container:?}"
                );
            }
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
            sound(
                &stream,
                stream.audio().unwrap(),
                AudioPolicy::Aac,
                Container::Matroska
            ),
            Sound::Copy { .. }
        ));
        stream.packets = Some(packets(170_000));
        assert!(matches!(
            sound(
                &stream,
                stream.audio().unwrap(),
                AudioPolicy::Aac,
                Container::Matroska
            ),
            Sound::Aac { .. }
        ));
    }

    #[test]
    fn what_cannot_be_copied_as_it_is_becomes_flac_or_is_lost() {
        let lossless = |codec: &str, channels, layout: Option<&str>, container| {
            let stream = audio_stream(1, codec, channels, layout, 48_000);
            sound(&stream, stream.audio().unwrap(), AudioPolicy::Copy, container)
        };
        let is_copy = |sound: &Sound| matches!(sound, Sound::Copy { .. });
        let is_flac = |sound: &Sound| matches!(sound, Sound::Flac { .. });
        use Container::{Matroska, Mp4};
        for (codec, channels, layout, container, expected) in [
            ("pcm_s16le", 2, Some("stereo"), Matroska, true),
            ("pcm_s16le", 6, Some("5.1"), Matroska, false),
            ("pcm_f32le", 6, Some("5.1"), Matroska, true),
            ("pcm_bluray", 2, Some("stereo"), Matroska, false),
            ("nellymoser", 1, Some("mono"), Matroska, false),
            ("tta", 2, Some("stereo"), Matroska, false),
            ("dts", 7, Some("6.1"), Matroska, true),
            ("mpegh_3d_audio", 2, Some("stereo"), Mp4, true),
        ] {
            let found = lossless(codec, channels, layout, container);
            assert!(
                if expected {
                    is_copy(&found)
                } else {
                    is_flac(&found)
                },
                "{codec}: {found:?}"
            );
        }
        let mut stream = audio_stream(1, "mpegh_3d_audio", 2, Some("stereo"), 48_000);
        let StreamKind::Audio(audio) = &mut stream.kind else {
            unreachable!("it was made as audio");
        };
        audio.sample_format = None;
        for (container, expected) in [(Mp4, "Copy"), (Matroska, "Lost")] {
            for policy in [AudioPolicy::Copy, AudioPolicy::Aac] {
                let found = sound(&stream, stream.audio().unwrap(), policy, container);
                assert!(format!("{found:?}").starts_with(expected), "{found:?}");
            }
        }
    }

    #[test]
    fn only_wma_that_begins_late_is_kept_from_beginning_at_zero() {
        for (codec, first_s, origin_s, expected) in [
            (
                "wmav2",
                0.387,
                0.0,
                Some("asetpts='if(lt(T,0.386000),PTS+0.387000/TB,PTS)'"),
            ),
            (
                "wmav2",
                100.5,
                100.0,
                Some("asetpts='if(lt(T,0.499000),PTS+0.500000/TB,PTS)'"),
            ),
            ("wmav2", 0.0, 0.0, None),
            ("ac3", 0.387, 0.0, None),
        ] {
            let mut stream = audio_stream(1, codec, 2, None, 8_000);
            stream.packets = Some(Packets {
                first_s: Some(first_s),
                ..Packets::default()
            });
            let found = late_start(&stream, origin_s);
            assert_eq!(found.first().map(String::as_str), expected, "{codec} {first_s}");
        }
    }

    #[test]
    fn the_copy_policy_copies_whatever_has_a_name() {
        let mut stream = audio_stream(1, "truehd", 8, Some("7.1"), 48_000);
        assert!(matches!(
            sound(
                &stream,
                stream.audio().unwrap(),
                AudioPolicy::Copy,
                Container::Matroska
            ),
            Sound::Copy { .. }
        ));
        stream.codec = None;
        assert!(matches!(
            sound(
                &stream,
                stream.audio().unwrap(),
                AudioPolicy::Copy,
                Container::Matroska
            ),
            Sound::Lost { .. }
        ));
    }
}
