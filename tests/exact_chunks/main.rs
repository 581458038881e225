//! A film in chunks is the film in one run: the same frames at the same times, the same sound, tags and streams.
//! The clips are made here, small and short, and cut far shorter than a film would be, at any frame.
#![allow(clippy::disallowed_methods, clippy::cast_precision_loss)]

mod run;

use std::{fs, path::Path, time::Duration};

use run::{InChunks, Result, Source, decoded_times, packet_times, ssim};
use tempfile::TempDir;
use video_compressor::{
    chunk::{self, Chunk, ChunkSettings, FrameIndex, Whole},
    encode::{
        EncodeError, Next,
        chunk::{ChunkError, encode_chunk, found_files, join},
    },
    media::{MediaInfo, StreamKind},
    probe,
    process::Cancel,
};

/// Chunks of this many frames, whatever the keyframes are: a prime.
const FRAMES: u32 = 23;

/// A cut at every [`FRAMES`] frames, less often in a longer film; what is left over belongs to the last chunk.
fn often(index: &FrameIndex) -> Vec<u32> {
    let frames = u32::try_from(index.times().len()).unwrap();
    let apart = FRAMES.max(frames / 5);
    (apart..=frames.saturating_sub(FRAMES))
        .step_by(apart as usize)
        .collect()
}

/// `arguments` are ffmpeg's, parted by blanks; `IN` and `OUT` name files in the folder.
fn made(folder: &TempDir, name: &str, arguments: &str) -> Source {
    let path = folder.path().join(name);
    make(arguments, &path);
    Source::new(&path, folder.path(), "ultrafast")
}

fn make(arguments: &str, output: &Path) {
    let arguments: Vec<&str> = ["-hide_banner", "-nostdin", "-v", "error", "-y"]
        .into_iter()
        .chain(arguments.split_whitespace())
        .chain([output.to_str().unwrap()])
        .collect();
    run::output_of("ffmpeg", &arguments);
}

/// What must be the same in both ways.
fn comparable(info: &MediaInfo) -> MediaInfo {
    let mut info = info.clone();
    info.size_bytes = 0;
    info.bit_rate = None;
    info.duration_s = None;
    info.bytes_by_second.clear();
    for stream in &mut info.streams {
        stream.bit_rate = None;
        stream.duration_s = None;
        // The times are compared more closely; bytes differ.
        stream.packets = None;
        // Matroska writes how long each stream is, to the nanosecond.
        stream.tags.remove("DURATION");
        stream.tags.remove("BPS");
    }
    info
}

fn is_of_variable_rate(info: &MediaInfo) -> bool {
    info.main_video()
        .is_some_and(|(stream, video)| stream.frame_rate() != video.average_frame_rate)
}

fn forget_rates(info: &mut MediaInfo) {
    for stream in &mut info.streams {
        if let StreamKind::Video(video) = &mut stream.kind {
            (video.average_frame_rate, video.real_frame_rate) = (None, None);
        }
    }
}

/// What a reader of both files would see, line by line.
fn differences(whole: &MediaInfo, joined: &MediaInfo) -> String {
    let lines = |info: &MediaInfo| format!("{:#?}", comparable(info));
    let (whole, joined) = (lines(whole), lines(joined));
    let only = |lines: &str, others: &str, sign: char| -> Vec<String> {
        let others: Vec<&str> = others.lines().collect();
        lines
            .lines()
            .filter(|line| !others.contains(line))
            .map(|line| format!("{sign}{line}"))
            .collect()
    };
    if whole == joined {
        return String::new();
    }
    let mut found = only(&whole, &joined, '-');
    found.extend(only(&joined, &whole, '+'));
    found.push("(and what stands in another order)".into());
    found.join("\n")
}

fn exact(source: &Source) -> (Result, InChunks) {
    compared(source, often).unwrap()
}

/// Both ways, compared in all respects.
fn compared(
    source: &Source,
    cut: impl Fn(&FrameIndex) -> Vec<u32>,
) -> std::result::Result<(Result, InChunks), Whole> {
    let chunks = source.in_chunks(cut)?;
    let whole = source.in_one_run();
    let joined = &chunks.result;
    let name = source.path.display();
    let mut with_rates = (whole.info.clone(), joined.info.clone());
    if is_of_variable_rate(&source.info) {
        // Then a rate in a header is a guess, and there are several.
        forget_rates(&mut with_rates.0);
        forget_rates(&mut with_rates.1);
    }
    let differences = differences(&with_rates.0, &with_rates.1);
    assert!(differences.is_empty(), "{name}:\n{differences}");

    let (source_times, _) = decoded_times(&source.path, &source.info);
    let (joined_times, tick) = decoded_times(&joined.file, &joined.info);
    let (whole_times, _) = decoded_times(&whole.file, &whole.info);
    assert_eq!(source_times.len(), joined_times.len(), "{name}");
    // MP4 rounds the start of all to the millisecond, in one run too.
    let start = whole_times[0];
    assert!(
        (start - (source_times[0] - source.plan.origin_s)).abs() <= 0.001,
        "{name}"
    );
    for (time, found) in source_times.iter().zip(&joined_times) {
        let off = (found - start) - (time - source_times[0]);
        assert!(off.abs() <= tick / 2.0 + 2e-6, "{name}: {off} at {time}");
    }
    let (all, worst) = ssim(&joined.file, &whole.file);
    assert!(all > 0.93 && worst > 0.85, "{name}: {all} {worst}");

    for stream in &whole.info.streams {
        if !matches!(stream.kind, StreamKind::Audio(_) | StreamKind::Subtitle) {
            continue;
        }
        let before = packet_times(&whole.file, stream.index);
        let after = packet_times(&joined.file, stream.index);
        assert_eq!(before.len(), after.len(), "{name}");
        let off = before
            .iter()
            .zip(&after)
            .map(|(before, after)| (before - after).abs())
            .fold(0.0, f64::max);
        assert!(off <= 0.001_1, "{name}: {off}");
    }
    Ok((whole, chunks))
}

const PICTURE: &str = "-f lavfi -i testsrc2=size=128x96:duration=3:rate";
const SOUND: &str = "-f lavfi -i sine=frequency=440:duration=3";
const H264: &str = "-c:v libx264 -preset ultrafast -x264-params bframes=2:b-adapt=0 -pix_fmt yuv420p";

#[test]
fn constant_rates_with_sound_in_mp4() {
    for rate in ["25", "24000/1001", "30000/1001"] {
        let folder = tempfile::tempdir().unwrap();
        let source = made(
            &folder,
            "in.mp4",
            &format!(
                "{PICTURE}={rate} {SOUND} {H264} -g 12 -c:a ac3 -metadata title=T -metadata:s:a language=ger"
            ),
        );
        exact(&source);
    }
}

#[test]
fn frames_of_many_lengths() {
    for name in ["in.mkv", "in.mp4"] {
        let folder = tempfile::tempdir().unwrap();
        let source = made(
            &folder,
            name,
            &format!(
                "{PICTURE}=30 {SOUND} -vf select='not(eq(mod(n\\,7)\\,3))*not(between(n\\,30\\,44))' -fps_mode vfr {H264} -g 15 -c:a aac -b:a 200k"
            ),
        );
        exact(&source);
    }
}

#[test]
fn open_groups_of_pictures() {
    for name in ["in.mp4", "in.ts"] {
        let folder = tempfile::tempdir().unwrap();
        let source = made(
            &folder,
            name,
            &format!(
                "{PICTURE}=25 {SOUND} -c:v libx264 -preset veryfast -x264-params open-gop=1:bframes=3:b-adapt=0:keyint=12:min-keyint=12:scenecut=0 -pix_fmt yuv420p -c:a mp2"
            ),
        );
        exact(&source);
    }
}

#[test]
fn mpeg2_in_transport_and_program_streams() {
    for name in ["in.ts", "in.mpg"] {
        let folder = tempfile::tempdir().unwrap();
        let source = made(
            &folder,
            name,
            &format!("{PICTURE}=25 {SOUND} -c:v mpeg2video -bf 2 -g 12 -q:v 4 -c:a mp2"),
        );
        exact(&source);
    }
}

#[test]
fn avi_with_b_frames_whose_packets_carry_no_times() {
    let folder = tempfile::tempdir().unwrap();
    let source = made(
        &folder,
        "in.avi",
        &format!("{PICTURE}=25 {SOUND} -c:v mpeg4 -bf 2 -g 12 -q:v 4 -c:a mp3"),
    );
    exact(&source);
}

#[test]
fn films_that_begin_late_or_far_from_zero() {
    for (name, options) in [
        ("in.mp4", "-output_ts_offset 10 -c:a ac3"),
        ("in.mkv", "-output_ts_offset 0.437 -c:a ac3"),
        ("in.ts", "-output_ts_offset 5000 -c:a ac3"),
        ("in.flv", "-output_ts_offset 3600 -c:a mp3"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let rate = if name == "in.flv" { "-ar 44100" } else { "" };
        let source = made(
            &folder,
            name,
            &format!("{PICTURE}=25 {SOUND} {H264} -g 12 {rate} {options}"),
        );
        exact(&source);
    }
}

#[test]
fn edit_lists_that_begin_between_two_keyframes() {
    let folder = tempfile::tempdir().unwrap();
    let uncut = folder.path().join("uncut.mp4");
    make(
        &format!("{PICTURE}=25 {SOUND} {H264} -g 25 -c:a aac -b:a 200k"),
        &uncut,
    );
    let source = made(
        &folder,
        "in.mp4",
        &format!("-ss 0.5 -i {} -c copy", uncut.display()),
    );
    assert!(source.index().unwrap().keyframes().first() != Some(&0));
    exact(&source);
}

#[test]
fn hdr10_with_chapters_subtitles_an_attachment_and_a_cover() {
    let folder = tempfile::tempdir().unwrap();
    let text = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let subtitles = text(
        "in.srt",
        "1\n00:00:00,500 --> 00:00:01,000\nHello\n\n2\n00:00:02,000 --> 00:00:02,500\nBye\n",
    );
    let chapters = text(
        "in.txt",
        ";FFMETADATA1\ntitle=Film\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=3000\ntitle=Two\n",
    );
    let font = text("in.ttf", "not really a font");
    let cover = folder.path().join("cover.jpg");
    make("-f lavfi -i testsrc2=size=64x64 -frames:v 1", &cover);
    let source = made(
        &folder,
        "in.mkv",
        &format!(
            "{PICTURE}=25 {SOUND} -i {subtitles} -i {chapters} -map 0 -map 1 -map 2 -map_metadata 3 -map_chapters 3 \
             -attach {font} -metadata:s:t:0 mimetype=application/x-truetype-font \
             -attach {} -metadata:s:t:1 mimetype=image/jpeg -metadata:s:t:1 filename=cover.jpg \
             -c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc -color_range tv \
             -x265-params keyint=12:log-level=error:hdr10=1:repeat-headers=1:max-cll=1000,400:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1) \
             -c:a flac -c:s copy -metadata:s:s:0 language=ger -disposition:s:0 forced",
            cover.display()
        ),
    );
    let (_, joined) = exact(&source);
    let (_, video) = joined.result.info.main_video().unwrap();
    assert!(video.hdr.mastering_display.is_some() && video.hdr.content_light.is_some());
}

#[test]
fn fields_that_are_joined_with_a_look_at_their_neighbours() {
    for (name, codec) in [
        ("in.ts", "-c:v mpeg2video -g 12 -bf 2 -q:v 4 -c:a mp2"),
        (
            "in.mp4",
            "-c:v libx264 -preset ultrafast -g 12 -x264-params tff=1 -c:a aac -b:a 200k",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let source = made(
            &folder,
            name,
            &format!(
                "-f lavfi -i testsrc2=size=128x96:duration=3:rate=50 {SOUND} -vf tinterlace=interleave_top,fieldorder=tff -flags +ildct+ilme -pix_fmt yuv420p {codec}"
            ),
        );
        exact(&source);
    }
}

#[test]
fn one_frame_and_one_keyframe() {
    let folder = tempfile::tempdir().unwrap();
    let one = made(&folder, "one.mp4", &format!("{PICTURE}=25 {H264} -frames:v 1"));
    let index = one.index().unwrap();
    assert_eq!((index.times(), index.keyframes()), (&[0][..], &[0][..]));
    let folder = tempfile::tempdir().unwrap();
    let long = made(
        &folder,
        "long.mkv",
        &format!("{PICTURE}=25 {H264} -g 9999 -sc_threshold 0"),
    );
    let (_, joined) = exact(&long);
    assert_eq!(joined.index.keyframes(), [0]);
    assert_eq!(joined.index.decode_from(60, 0), None);
}

#[test]
fn a_second_film_and_two_sounds_are_encoded_beside_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let source = made(
        &folder,
        "in.mkv",
        &format!(
            "{PICTURE}=25 -f lavfi -i testsrc=size=96x64:duration=3:rate=10 {SOUND} -f lavfi -i sine=frequency=880:duration=2 \
             -map 0 -map 2 -map 1 -map 3 {H264} -g 12 -c:a ac3 -metadata:s:a:1 language=fre"
        ),
    );
    exact(&source);
}

#[test]
fn turned_and_squeezed_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let flat = folder.path().join("flat.mp4");
    make(&format!("{PICTURE}=25 {H264} -g 12 -vf setsar=16/11"), &flat);
    let source = made(
        &folder,
        "in.mp4",
        &format!("-i {} -c copy -metadata:s:v rotate=90", flat.display()),
    );
    exact(&source);
}

/// With `EXACT_DIR=…`, any folder's films; `EXACT_SECONDS=…` and `EXACT_PRESET=…` for chunks and an encode as in earnest,
/// `EXACT_FFMPEG=…` for another ffmpeg.
#[test]
fn every_film_of_a_folder_is_the_same_in_chunks() {
    let Some(folder) = std::env::var_os("EXACT_DIR").filter(|named| !named.is_empty()) else {
        println!("runs with EXACT_DIR=…");
        return;
    };
    let setting = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let preset = setting("EXACT_PRESET").unwrap_or_else(|| "ultrafast".into());
    let chunk_s: Option<f64> = setting("EXACT_SECONDS").map(|seconds| seconds.parse().unwrap());
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    println!("| film | frames | chunks | bytes of the film | SSIM to the source, one run → chunks |");
    let mut wrong = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let config = run::config();
        if let Err(error) = probe::probe_source(&file, &config, &Cancel::new()) {
            println!("| {name} | {error} |");
            continue;
        }
        let compared = std::panic::catch_unwind(|| {
            let folder = tempfile::tempdir().unwrap();
            let source = Source::new(&file, folder.path(), &preset);
            let cut = |index: &FrameIndex| match chunk_s {
                None => often(index),
                Some(seconds) => every(seconds, index),
            };
            let (whole, chunks) = match compared(&source, cut) {
                Ok(both) => both,
                Err(reason) => return format!("| {name} | {reason} |"),
            };
            let size = |result: &Result| result.info.main_video().unwrap().0.packets.unwrap().bytes as f64;
            let quality = |result: &Result| ssim(&result.file, &source.path).0;
            let same_size = source.plan.picture()
                == source
                    .info
                    .main_video()
                    .map(|(_, video)| (video.width, video.height));
            format!(
                "| {name} | {} | {} | {:+.2} % | {} |",
                chunks.index.times().len(),
                cut(&chunks.index).len() + 1,
                (size(&chunks.result) / size(&whole) - 1.0) * 100.0,
                if same_size {
                    format!("{:.5} → {:.5}", quality(&whole), quality(&chunks.result))
                } else {
                    "another size".into()
                }
            )
        });
        match compared {
            Ok(line) => println!("{line}"),
            Err(panic) => {
                let said = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                println!("| {name} | WRONG: {said} |");
                wrong.push(name);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// Cuts at the keyframes nearest to each multiple.
fn every(seconds: f64, index: &FrameIndex) -> Vec<u32> {
    let settings = ChunkSettings {
        longer_than: Duration::ZERO,
        length: Duration::from_secs_f64(seconds),
        slots: 1,
        longest_pre_roll: Duration::from_secs(600),
        spare_keyframes: 1,
    };
    chunk::cut(index, &settings)
        .map(|chunks| chunks.iter().skip(1).map(|chunk| chunk.first).collect())
        .unwrap_or_default()
}

#[test]
fn a_chunk_counts_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let source = made(&folder, "in.mp4", &format!("{PICTURE}=25 {H264} -g 12"));
    let work = folder.path().join("work");
    fs::create_dir(&work).unwrap();
    let index = source.index().unwrap();
    let film = source.film(&index, &work);
    let chunk = |number, first, end| Chunk { number, first, end };
    let names = || -> Vec<_> {
        let mut found = found_files(&work).unwrap();
        found.sort_by(|one, other| one.name.cmp(&other.name));
        found
            .into_iter()
            .map(|file| file.name.into_string().unwrap())
            .collect()
    };

    // Nothing stays of what was ended, whoever ended it.
    let cancel = Cancel::new();
    let given_up = encode_chunk(&film, chunk(0, 0, 30), &cancel, |_| {}, |_| Next::GiveUp);
    assert!(
        matches!(given_up, Ok(_) | Err(ChunkError::Encode(EncodeError::GivenUp))),
        "{given_up:?}"
    );
    let first = encode_chunk(&film, chunk(0, 0, 30), &cancel, |_| {}, |_| Next::GoOn).unwrap();
    cancel.cancel();
    let cancelled = encode_chunk(&film, chunk(1, 30, 75), &cancel, |_| {}, |_| Next::GoOn);
    assert!(
        matches!(cancelled, Err(ChunkError::Encode(EncodeError::Cancelled))),
        "{cancelled:?}"
    );
    assert_eq!(names(), ["chunk-00000.mp4"]);

    // A chunk that is made twice is the same, to the byte.
    let cancel = Cancel::new();
    let again = encode_chunk(&film, chunk(0, 0, 30), &cancel, |_| {}, |_| Next::GoOn).unwrap();
    assert_eq!((again.bytes, again.hash), (first.bytes, first.hash));
    let found = found_files(&work).unwrap();
    assert_eq!((found[0].bytes, found[0].hash), (first.bytes, first.hash));

    // What another run left behind is found, to be swept.
    fs::write(work.join(".vc-chunk-00007.mp4.part"), "torn").unwrap();
    assert_eq!(names(), [".vc-chunk-00007.mp4.part", "chunk-00000.mp4"]);

    // A chunk of another encode cannot be joined.
    let mut other = Source::new(&source.path, folder.path(), "superfast");
    other.config = source.config.clone();
    let second = encode_chunk(
        &other.film(&index, &work),
        chunk(1, 30, 75),
        &cancel,
        |_| {},
        |_| Next::GoOn,
    );
    let chunks = [(chunk(0, 0, 30), first), (chunk(1, 30, 75), second.unwrap())];
    let part = folder.path().join("joined.mp4");
    let joined = join(&film, &chunks, None, &part, &cancel, |_| {}, |_| Next::GoOn);
    assert!(
        matches!(
            joined,
            Err(ChunkError::Whole(Whole::ParametersDiffer { number: 1 }))
        ),
        "{joined:?}"
    );
    // Nor a film of which something is missing.
    let joined = join(&film, &chunks[..1], None, &part, &cancel, |_| {}, |_| Next::GoOn);
    assert!(
        matches!(
            joined,
            Err(ChunkError::Whole(Whole::JoinedCount {
                expected: 75,
                found: 30
            }))
        ),
        "{joined:?}"
    );
}

#[test]
fn frames_that_are_one_too_early_are_seen() {
    let folder = tempfile::tempdir().unwrap();
    let source = made(&folder, "in.mp4", &format!("{PICTURE}=25 {H264} -g 12"));
    let work = folder.path().join("work");
    fs::create_dir(&work).unwrap();
    let index = source.index().unwrap();
    let film = source.film(&index, &work);
    let chunk = |first| Chunk {
        number: 0,
        first,
        end: first + 30,
    };
    let made = encode_chunk(&film, chunk(29), &Cancel::new(), |_| {}, |_| Next::GoOn).unwrap();
    let scores = |first| -> Vec<f64> {
        let arguments =
            source
                .plan
                .comparison_arguments(&index, chunk(first), &source.path, &work.join(&made.file));
        let arguments: Vec<&str> = arguments
            .iter()
            .map(|argument| argument.to_str().unwrap())
            .collect();
        let (_, log) = run::output_of("ffmpeg", &arguments);
        let mut lines: Vec<(u32, f64)> = log
            .lines()
            .filter_map(|line| {
                let (place, rest) = line.strip_prefix("[Parsed_ssim_")?.split_once(' ')?;
                let all = rest.split_once("All:")?.1.split_whitespace().next()?;
                Some((place.parse().ok()?, all.parse().ok()?))
            })
            .collect();
        lines.sort_by_key(|(place, _)| *place);
        lines.into_iter().map(|(_, ssim)| ssim).collect()
    };
    let [as_it_is, ahead, behind] = scores(29)[..] else {
        panic!()
    };
    assert!(
        as_it_is > ahead + 0.01 && as_it_is > behind + 0.01,
        "{as_it_is} {ahead} {behind}"
    );
    // Taken for the chunk that begins one frame later or earlier, it is better when shifted back.
    let [as_it_is, _, behind] = scores(30)[..] else {
        panic!()
    };
    assert!(behind > as_it_is + 0.01, "{as_it_is} {behind}");
    let [as_it_is, ahead, _] = scores(28)[..] else {
        panic!()
    };
    assert!(ahead > as_it_is + 0.01, "{as_it_is} {ahead}");
}

#[test]
fn what_cannot_be_cut_says_why() {
    // Two films in a row without a new clock: the second begins at zero again.
    let folder = tempfile::tempdir().unwrap();
    let one = folder.path().join("one.ts");
    make(&format!("{PICTURE}=25 {H264} -g 12 -output_ts_offset 100"), &one);
    let other = folder.path().join("other.ts");
    make(&format!("{PICTURE}=25 {H264} -g 12"), &other);
    let both = folder.path().join("both.ts");
    fs::write(
        &both,
        [fs::read(&one).unwrap(), fs::read(&other).unwrap()].concat(),
    )
    .unwrap();
    let source = Source::new(&both, folder.path(), "ultrafast");
    let found = source.index();
    assert!(matches!(found, Err(Whole::ClockJumps { .. })), "{found:?}");
}
