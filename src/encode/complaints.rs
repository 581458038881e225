//! Whose a line is that ffmpeg wrote while it encoded: of what reads the source, or of what writes the result.
//!
//! Promises: a line that cannot be told apart counts as the source's. Pure.

/// What stands before ` @ 0x…` in lines of what writes the result. Demuxers have other names than the muxers beside them
/// (`mov,mp4,…` and `mp4`).
const WRITERS: [&str; 10] = [
    "mp4", "matroska", "libx265", "swscaler", "SWR",
    // From ffmpeg 6 on, as `out#0/mp4` and `aost#0:1/aac`.
    "out#", "vost#", "aost#", "sost#", "dost#",
];
/// Encoders have the names of their decoders. At the level of errors, only FLAC's goes on after a complaint.
const OF_ENCODERS: [&str; 1] = ["Channel layout not supported by Flac"];
/// libnuma, which x265 asks about the machine's memory and which a container may refuse (numa(3), `numa_warn` and
/// `numa_error`).
const OF_LIBNUMA: [&str; 4] = ["libnuma: ", "numa_", "set_mempolicy: ", "mbind: "];
/// Of what reads the source, but no damage: the chapters are read from another place.
const HARMLESS: [&str; 1] = ["Referenced QT chapter track not found"];

/// The lines that tell of damage in the source, in their order.
#[must_use]
pub(super) fn of_the_source(stderr: &str) -> String {
    let mut kept = String::new();
    let mut is_before_kept = true;
    for line in stderr.lines() {
        // It goes with the line before it.
        let is_repetition = line.trim_start().starts_with("Last message repeated");
        let keeps = if is_repetition {
            is_before_kept
        } else {
            !is_of_result(line)
        };
        if keeps {
            kept.push_str(line);
            kept.push('\n');
        }
        is_before_kept = keeps;
    }
    kept
}

fn is_of_result(line: &str) -> bool {
    let line = line.trim_start();
    let says = |texts: &[&str]| texts.iter().any(|text| line.contains(text));
    let writer = line.strip_prefix('[').and_then(|rest| rest.split_once(" @ 0x"));
    let is_writer = |name: &str| {
        WRITERS
            .iter()
            .any(|writer| name == *writer || (writer.ends_with('#') && name.starts_with(writer)))
    };
    line.starts_with("x265 [")
        || OF_LIBNUMA.iter().any(|beginning| line.starts_with(beginning))
        || writer.is_some_and(|(name, _)| is_writer(name))
        || says(&OF_ENCODERS)
        || says(&HARMLESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_writes_the_result_is_no_damage_of_the_source() {
        let cases = [
            ("[h264 @ 0x5] no frame!\n", true),
            (
                "[mov,mp4,m4a,3gp,3g2,mj2 @ 0x5] stream 0, offset 0x30: partial file\n",
                true,
            ),
            ("[matroska,webm @ 0x5] File ended prematurely\n", true),
            ("[flac @ 0x5] invalid sync code\n", true),
            ("[aac @ 0x5] Number of bands (31) exceeds limit (12).\n", true),
            ("Error while decoding stream #0:0: Invalid data found\n", true),
            ("[vist#0:0/h264 @ 0x5] corrupt decoded frame\n", true),
            (
                "[flac @ 0x55bd] Channel layout not supported by Flac, output stream will have incorrect channel layout.\n",
                false,
            ),
            (
                "[mov,mp4,m4a,3gp,3g2,mj2 @ 0x5] Referenced QT chapter track not found\n",
                false,
            ),
            ("[mp4 @ 0x5] pts has no value\n", false),
            (
                "[matroska @ 0x5] Codec for stream 1 does not use global headers\n",
                false,
            ),
            ("[out#0/mp4 @ 0x5] x\n", false),
            ("[aost#0:1/aac @ 0x5] x\n", false),
            ("x265 [warning]: x\n", false),
            ("libnuma: Warning: node 0 not allowed\n", false),
            (
                "numa_sched_setaffinity_v2_int() failed: Invalid argument\n",
                false,
            ),
            ("set_mempolicy: Operation not permitted\n", false),
        ];
        for (line, is_of_source) in cases {
            let found = of_the_source(line);
            assert_eq!(found, if is_of_source { line } else { "" }, "{line}");
        }
    }

    #[test]
    fn a_repetition_goes_with_the_line_before_it() {
        let stderr = "[mp4 @ 0x5] pts has no value\n    Last message repeated 3 times\n\
                      [h264 @ 0x5] no frame!\n    Last message repeated 2 times\n";
        assert_eq!(
            of_the_source(stderr),
            "[h264 @ 0x5] no frame!\n    Last message repeated 2 times\n"
        );
        assert_eq!(of_the_source(""), "");
    }
}
