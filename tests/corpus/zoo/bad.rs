//! Files that must not be published, each with what its reason must say.

use std::{fs, path::Path};

use super::{Extent, H264, SOUND, Zoo};
use crate::{common::clips::clip, judge::Given};

impl Zoo<'_> {
    /// What must not be published, with words of which one must be in the reason.
    pub(super) fn bad(&self, extent: Extent) -> Vec<Given> {
        let whole = clip(
            &format!("-f lavfi -i testsrc2=size=320x180:rate=25:duration=6 {H264} -movflags +faststart"),
            "mp4",
        );
        let index_at_end = clip(
            &format!("-f lavfi -i testsrc2=size=320x180:rate=25:duration=5 {H264}"),
            "mp4",
        );
        let matroska = clip(
            &format!("-f lavfi -i testsrc2=size=320x180:rate=25:duration=6 {H264}"),
            "mkv",
        );
        let encrypted = clip(
            &format!(
                "-f lavfi -i testsrc2=size=320x180:rate=25:duration=2 {H264} -encryption_scheme cenc-aes-ctr \
                 -encryption_key 76a6c65c5ea762046bd749a2e632ccbb -encryption_kid a7e61c373e219033c21091fa607bf3b8"
            ),
            "mp4",
        );
        let sound = clip(&format!("{SOUND} -c:a aac"), "mp4");
        let bytes = |path: &Path| fs::read(path).unwrap();
        let cut = |path: &Path| {
            let mut bytes = bytes(path);
            bytes.truncate(bytes.len() / 2);
            bytes
        };
        let mut unknown = bytes(&whole);
        for place in 0..unknown.len() - 4 {
            if &unknown[place..place + 4] == b"avc1" {
                unknown[place..place + 4].copy_from_slice(b"zz9z");
            }
        }
        let mut noise = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            noise = noise
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (noise >> 56) as u8
        })
        .take(40_000)
        .collect();
        let mut damaged = bytes(&whole);
        let middle = damaged.len() / 2;
        damaged[middle..middle + 6000].copy_from_slice(&noise[..6000]);
        type Bad = (&'static str, Vec<u8>, &'static [&'static str]);
        let all: [Bad; 11] = [
            ("empty.mp4", Vec::new(), &["empty"]),
            ("cut.mp4", cut(&whole), &["truncated"]),
            ("no-index.mp4", cut(&index_at_end), &["truncated"]),
            ("cut.mkv", cut(&matroska), &["truncated"]),
            ("encrypted.mp4", bytes(&encrypted), &["encrypt", "protected"]),
            ("sound.mp4", bytes(&sound), &["no video"]),
            ("cover-only.m4v", self.cover_only(), &["no video"]),
            ("unknown-codec.mp4", unknown, &["codec", "decod"]),
            (
                "noise.mkv",
                noise,
                &["not a video", "no video", "cannot be read", "not a "],
            ),
            ("damaged.mp4", damaged, &["damaged"]),
            (
                "text.mkv",
                b"Dear diary, this is no film.\n".repeat(40),
                &["text"],
            ),
        ];
        let count = if extent == Extent::Small { 6 } else { all.len() };
        let folder = self.folder.join("bad");
        fs::create_dir_all(&folder).unwrap();
        all.into_iter()
            .take(count)
            .map(|(name, bytes, words)| {
                let path = folder.join(name);
                fs::write(&path, bytes).unwrap();
                (path, Some(words))
            })
            .collect()
    }

    fn cover_only(&self) -> Vec<u8> {
        let made = clip(
            &format!(
                "{SOUND} -f lavfi -i testsrc=size=64x64:duration=0.04 -map 0 -map 1 -c:a aac -c:v mjpeg -pix_fmt yuvj420p -disposition:v attached_pic"
            ),
            "mp4",
        );
        fs::read(made).unwrap()
    }
}
