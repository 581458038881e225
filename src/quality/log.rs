//! Reads what ffmpeg's comparing filters print. Pure.
//!
//! Promises: any line is accepted; what is not understood is left out.

use super::Scores;

/// What equal pictures count as.
const MOST_XPSNR_DB: f64 = 100.0;

/// Sums up the lines of one comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    frames: u64,
    ssim_sum: f64,
    worst_ssim: Option<f64>,
    vmaf: Option<f64>,
    xpsnr_db: Option<f64>,
}

impl Tally {
    /// A line of the SSIM filter's statistics, one for each frame:
    /// `n:1 Y:0.991382 U:0.992000 V:0.990000 All:0.991621 (20.768)`. Says whether it was one.
    pub fn frame(&mut self, line: &str) -> bool {
        let all = line
            .starts_with("n:")
            .then(|| line.split_whitespace().find_map(|word| word.strip_prefix("All:")))
            .flatten()
            .and_then(|number| number.parse().ok())
            .filter(|ssim: &f64| ssim.is_finite());
        let Some(ssim) = all else { return false };
        self.frames += 1;
        self.ssim_sum += ssim;
        self.worst_ssim = Some(self.worst_ssim.map_or(ssim, |worst| worst.min(ssim)));
        true
    }

    /// The log, at whose end the filters give their results: `[libvmaf @ 0x5] VMAF score: 95.013`,
    /// `[Parsed_xpsnr_2 @ 0x5] XPSNR  y: 38.1  u: 41.2  v: 42.3  (minimum: 38.1)`.
    pub fn ending(&mut self, log: &str) {
        let number = |text: &str| text.trim().parse().ok().filter(|number: &f64| number.is_finite());
        for line in log.lines() {
            if let Some((_, score)) = line.split_once("VMAF score: ") {
                self.vmaf = number(score).or(self.vmaf);
            }
            if let Some((_, rest)) = line.split_once("XPSNR ")
                && let Some((_, least)) = rest.split_once("(minimum: ")
            {
                // Equal pictures are "inf".
                let db = least.trim_end_matches([')', ' ']).parse::<f64>().ok();
                self.xpsnr_db = db
                    .filter(|db| !db.is_nan())
                    .map(|db| db.min(MOST_XPSNR_DB))
                    .or(self.xpsnr_db);
            }
        }
    }

    /// `None` when no frame was compared.
    #[allow(clippy::cast_precision_loss)]
    pub fn scores(&self) -> Option<Scores> {
        Some(Scores {
            frames: self.frames,
            ssim: self.ssim_sum / self.frames as f64,
            worst_ssim: self.worst_ssim?,
            vmaf: self.vmaf,
            xpsnr_db: self.xpsnr_db,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_of_ffmpeg_are_read() {
        let ssim = [
            // ffmpeg 5.1.9, and 9.0.2.
            "n:1 Y:0.996217 U:0.997345 V:0.997604 All:0.996637 (24.731998)",
            "n:2 Y:0.992126 U:0.996000 V:0.994000 All:0.993417 (21.815700)",
            "n:3 Y:1.000000 U:1.000000 V:1.000000 All:1.000000 (inf)",
            "frame=3",
            "progress=end",
        ];
        let logs = [
            ("", None, None),
            // ffmpeg 9.0.2.
            (
                "  Stream #0:1: Video: wrapped_avframe, yuv420p(progressive), 640x272 [SAR 1:1 DAR 40:17], 25 fps\n\
                 [Parsed_xpsnr_4 @ 0x7f9f44004580] XPSNR  y: 38.4721  u: 53.9608  v: 53.5342  (minimum: 38.4721)\n\
                 [Parsed_libvmaf_3 @ 0x7f9f44004080] VMAF score: 86.556728\n\
                 [out#0/null @ 0x5612362df5c0] video:31KiB audio:0KiB subtitle:0KiB other streams:0KiB\n",
                Some(86.556_728),
                Some(38.4721),
            ),
            (
                "[Parsed_xpsnr_1 @ 0x7fb65c002700] XPSNR  y: inf  u: inf  v: inf  (minimum: inf)\n",
                None,
                Some(MOST_XPSNR_DB),
            ),
        ];
        for (log, vmaf, xpsnr_db) in logs {
            let mut tally = Tally::default();
            assert_eq!(ssim.iter().filter(|line| tally.frame(line)).count(), 3);
            tally.ending(log);
            let scores = tally.scores().unwrap();
            assert!((scores.ssim - 0.996_684_666).abs() < 1e-8);
            assert_eq!(
                (scores.frames, scores.worst_ssim, scores.vmaf, scores.xpsnr_db),
                (3, 0.993_417, vmaf, xpsnr_db)
            );
        }
    }

    #[test]
    fn no_frame_is_no_score() {
        let mut tally = Tally::default();
        for line in ["", "n:1", "n:1 All:nan (nan)", "All:0.5", "VMAF score: 3"] {
            assert!(!tally.frame(line), "{line}");
        }
        assert_eq!(tally.scores(), None);
    }

    proptest! {
        #[test]
        fn no_line_panics(line in "(n:|VMAF score: |XPSNR |\\(minimum: |All:)*.*") {
            let mut tally = Tally::default();
            tally.frame(&line);
            tally.ending(&line);
            let _ = tally.scores();
        }
    }
}
