//! Good results, each spoiled in one way: the checker must name that, and nothing else.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    common::clips::ffmpeg,
    compare::{self, Kinds, Order, Receipt},
    drive::{self, Job},
    judge::in_parallel,
    measure::{self, Media},
    zoo,
};

/// Encodes the picture anew, well enough that only what a filter does to it shows.
const AGAIN: &str = "-c:v libx265 -preset ultrafast -crf 8 -x265-params log-level=error -fps_mode passthrough -enc_time_base -1";
/// The same for HDR10, with all its tags but without its side data.
const HDR_TAGS: &str = "-c:v libx265 -preset ultrafast -crf 8 -color_range tv -color_primaries bt2020 -color_trc smpte2084 \
    -colorspace bt2020nc -fps_mode passthrough -x265-params log-level=error";
const HDR_DATA: &str = ":hdr10=1:max-cll=1000,200:master-display=G(8500,39850)B(6550,2300)R(35400,14600)WP(15635,16450)L(10000000,50)";

/// One way to spoil: which result, how, what must be named, and what else may be.
struct Spoil {
    of: &'static str,
    what: &'static str,
    /// ffmpeg's options behind the inputs; `{other}` is a file of [`others`].
    options: String,
    named: Kinds,
    /// What follows from it by necessity.
    also: &'static [Kinds],
}

fn spoil(of: &'static str, what: &'static str, named: Kinds, options: impl Into<String>) -> Spoil {
    Spoil {
        of,
        what,
        options: options.into(),
        named,
        also: &[],
    }
}

impl Spoil {
    fn and(mut self, also: &'static [Kinds]) -> Self {
        self.also = also;
        self
    }
}

fn spoils() -> Vec<Spoil> {
    use Kinds as K;
    let (mkv, mp4, hdr) = ("film.mkv", "film.mp4", "hdr10.mkv");
    let with = |options: &str| format!("-map 0 -c copy {options}");
    let picture = |options: &str| format!("-map 0 -c copy {AGAIN} {options}");
    vec![
        spoil(mkv, "a subtitle is missing", K::Stream, with("-map -0:s:1")),
        spoil(mkv, "a sound is missing", K::Stream, with("-map -0:a:1")),
        spoil(mkv, "a sound too many", K::Stream, with("-map 0:a:1")),
        spoil(mkv, "the font is missing", K::Attachment, with("-map -0:t")),
        spoil(mkv, "chapters are missing", K::Chapter, with("-map_chapters -1")),
        spoil(
            mkv,
            "a chapter begins elsewhere",
            K::Chapter,
            "-i {chapters} -map 0 -c copy -map_chapters 1",
        ),
        spoil(
            mkv,
            "another language",
            K::Language,
            with("-metadata:s:a:0 language=ita"),
        ),
        spoil(mkv, "no language", K::Language, with("-metadata:s:s:1 language=")),
        spoil(
            mkv,
            "another title",
            K::Title,
            with("-metadata:s:a:0 title=Other"),
        ),
        spoil(
            mkv,
            "not forced any more",
            K::Disposition,
            with("-disposition:s:0 default"),
        ),
        spoil(
            mkv,
            "another default sound",
            K::Disposition,
            with("-disposition:a:0 default -disposition:a:1 0"),
        ),
        spoil(mkv, "a tag is missing", K::Tag, with("-metadata artist=")),
        spoil(
            mkv,
            "picture 1.5 frames late",
            K::Sync,
            "-itsoffset 0.06 -i {self} -map 1:v -map 0:a -map 0:s -map 0:t -c copy -map_chapters 0",
        )
        .and(&[K::Chapter]),
        spoil(
            mkv,
            "the second half 1.5 frames late",
            K::Timestamp,
            picture("-vf setpts=PTS+gt(N\\,25)*0.06/TB"),
        ),
        spoil(
            mkv,
            "one frame half a frame late",
            K::Timestamp,
            picture("-vf setpts=PTS+eq(N\\,25)*0.02/TB"),
        ),
        spoil(
            mkv,
            "pictures one frame late under right times",
            K::Timestamp,
            picture("-vf tpad=start=1:start_mode=clone,trim=end_frame=50"),
        ),
        spoil(
            mkv,
            "constant frames of another rate",
            K::FrameCount,
            "-map 0 -c copy -c:v libx265 -preset ultrafast -crf 8 -x265-params log-level=error -vf fps=30",
        ),
        spoil(
            mkv,
            "one frame dropped",
            K::FrameCount,
            picture("-vf select=not(eq(n\\,20))"),
        ),
        spoil(
            mkv,
            "one frame doubled",
            K::FrameCount,
            picture("-vf tpad=stop=1:stop_mode=clone"),
        ),
        spoil(mkv, "shown wider", K::Aspect, with("-aspect 2:1")).and(&[K::Enlarged]),
        spoil(
            mkv,
            "shown one percent narrower",
            K::Aspect,
            picture("-vf setsar=99/100"),
        ),
        spoil(mkv, "mirrored", K::Orientation, picture("-vf hflip")),
        spoil(mkv, "upside down", K::Orientation, picture("-vf vflip")),
        spoil(mkv, "turned round", K::Orientation, picture("-vf hflip,vflip")),
        spoil(mkv, "another picture", K::Picture, picture("-vf negate")),
        spoil(mkv, "darker", K::Picture, picture("-vf eq=brightness=-0.08")),
        spoil(
            mkv,
            "wrong colour tags",
            K::Colour,
            picture("-color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc"),
        ),
        spoil(mkv, "enlarged", K::Enlarged, picture("-vf scale=640:360")),
        spoil(
            mkv,
            "smaller than it had to be",
            K::Shrunk,
            picture("-vf scale=240:136,setsar=136/135"),
        ),
        spoil(mkv, "more bits", K::BitDepth, picture("-pix_fmt yuv420p10le")),
        spoil(
            mkv,
            "another codec",
            K::Codec,
            with("-c:v libx264 -preset ultrafast -crf 8 -fps_mode passthrough"),
        ),
        spoil(mkv, "5.1 mixed down", K::Channels, with("-c:a:1 aac -ac:a:1 2")),
        spoil(
            mkv,
            "channels in each other's place",
            K::Sound,
            with("-c:a:1 aac -b:a:1 384k -filter:a:1 pan=5.1|c0=c2|c1=c1|c2=c0|c3=c3|c4=c4|c5=c5"),
        ),
        spoil(mkv, "silence", K::Sound, with("-c:a:0 aac -filter:a:0 volume=0")),
        spoil(
            mkv,
            "sound 60 ms late",
            K::Sync,
            with("-c:a:0 aac -b:a:0 128k -filter:a:0 adelay=60:all=1,atrim=end=2"),
        ),
        spoil(
            mkv,
            "other words",
            K::Subtitle,
            "-i {other words} -map 0 -map -0:s -map 1 -map 0:s:1 -c copy -metadata:s:s:0 language=eng -disposition:s:0 default+forced",
        ),
        spoil(
            mkv,
            "subtitles late",
            K::Sync,
            "-itsoffset 0.1 -i {self} -map 0 -map -0:s -map 1:s -c copy",
        ),
        spoil(mp4, "the cover is missing", K::Cover, with("-map -0:v:1")),
        spoil(
            mp4,
            "another cover",
            K::Cover,
            "-i {picture} -map 0 -map -0:v:1 -map 1 -c copy -disposition:v:1 attached_pic",
        ),
        spoil(
            mp4,
            "small AAC encoded anew",
            K::Copied,
            with("-c:a aac -b:a 40k"),
        ),
        spoil(
            mp4,
            "turned by a tag",
            K::Orientation,
            with("-metadata:s:v:0 rotate=180"),
        ),
        spoil(
            mp4,
            "wrong colour tags",
            K::Colour,
            with("-bsf:v:0 hevc_metadata=colour_primaries=9:transfer_characteristics=18:matrix_coefficients=9"),
        ),
        spoil(
            mp4,
            "sound 40 ms early",
            K::Sync,
            "-itsoffset 0.04 -i {self} -map 1:v -map 0:a -map 0:s -c copy -disposition:v:1 attached_pic -map_chapters 0",
        )
        .and(&[K::Chapter]),
        spoil(mp4, "chapters are missing", K::Chapter, with("-map_chapters -1")),
        spoil(
            mp4,
            "another language",
            K::Language,
            with("-metadata:s:s:0 language=ita"),
        ),
        spoil(
            hdr,
            "no HDR data",
            K::Hdr,
            format!("-map 0 {HDR_TAGS} -pix_fmt yuv420p10le"),
        ),
        spoil(
            hdr,
            "other light levels",
            K::Hdr,
            format!(
                "-map 0 {HDR_TAGS}{} -pix_fmt yuv420p10le",
                HDR_DATA.replace("1000,200", "400,100")
            ),
        ),
        spoil(
            hdr,
            "eight bits",
            K::BitDepth,
            format!("-map 0 {HDR_TAGS}{HDR_DATA} -pix_fmt yuv420p"),
        ),
        spoil(
            hdr,
            "HLG's tag",
            K::Colour,
            format!("-map 0 {HDR_TAGS}{HDR_DATA} -pix_fmt yuv420p10le").replace("smpte2084", "arib-std-b67"),
        ),
        spoil(
            "fields.mkv",
            "still interlaced",
            K::Interlaced,
            "-i {source} -map 1 -c:v libx265 -preset ultrafast -crf 8 -x265-params log-level=error",
        ),
        spoil(mkv, "the end is missing", K::FrameCount, with("-t 1.2")).and(&[
            K::Length,
            K::Chapter,
            K::Sound,
        ]),
    ]
}

/// Results of the real binary, and what they are results of.
struct Good {
    name: &'static str,
    source: Media,
    output: Media,
    receipt: Receipt,
}

const ORDER: Order = Order {
    folder: 480,
    must_shrink: false,
    copies_sound: false,
};

fn kinds(good: &Good, output: &Media) -> (BTreeSet<Kinds>, String) {
    let (faults, _) = compare::compare(&good.source, output, &good.receipt, ORDER);
    let text: Vec<String> = faults.iter().map(ToString::to_string).collect();
    (faults.iter().map(|fault| fault.kind).collect(), text.join("\n  "))
}

#[test]
fn every_way_to_spoil_a_result_is_named_as_what_it_is() {
    if !crate::common::all_tests_wanted("every_way_to_spoil_a_result_is_named_as_what_it_is") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let names = zoo::films(folder.path());
    let jobs: Vec<Job> = names
        .iter()
        .map(|name| Job {
            clip: folder.path().join(name),
            name: (*name).to_owned(),
            folder: ORDER.folder,
        })
        .collect();
    let (_root, outcomes) = drive::run(&jobs, &[("min_saving", "-10000")]);
    let good = in_parallel(&names.iter().zip(&jobs).collect::<Vec<_>>(), |(name, job)| {
        let outcome = &outcomes[&job.path()];
        let output = outcome.output.clone().unwrap_or_else(|| panic!("{outcome:?}"));
        Good {
            name,
            source: measure::measure(&job.clip).unwrap(),
            output: measure::measure(&output).unwrap_or_else(|error| panic!("{error} {outcome:?}")),
            receipt: outcome.receipt.clone().unwrap(),
        }
    });
    for good in &good {
        let (found, text) = kinds(good, &good.output);
        assert!(found.is_empty(), "{} as it is:\n  {text}", good.name);
    }
    let complaints = in_parallel(&spoils(), |spoil| {
        let good = good.iter().find(|good| good.name == spoil.of).unwrap();
        judge_spoiled(folder.path(), good, spoil)
    });
    let complaints: Vec<String> = complaints.into_iter().flatten().collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    for good in good.iter().filter(|good| good.name.starts_with("film")) {
        damaged(folder.path(), good);
    }
    of_no_use(&good[0]);
    of_richer_sources(&good[0]);
}

/// What the checker should have said and has not.
fn judge_spoiled(folder: &Path, good: &Good, spoil: &Spoil) -> Option<String> {
    let spoiled = spoiled(folder, good, spoil);
    let (found, text) = kinds(good, &measure::measure(&spoiled).unwrap());
    let expected = BTreeSet::from([spoil.named]);
    let too_many = found
        .iter()
        .any(|kind| *kind != spoil.named && !spoil.also.contains(kind));
    (!found.is_superset(&expected) || too_many).then(|| {
        format!(
            "{}, {}: {:?} is to be named, found:\n  {text}",
            spoil.of, spoil.what, spoil.named
        )
    })
}

fn spoiled(folder: &Path, good: &Good, spoil: &Spoil) -> PathBuf {
    let output = &good.output.path;
    let extension = output.extension().unwrap().to_str().unwrap();
    let name = format!("{}-{}", spoil.of, spoil.what).replace([' ', '.', '\''], "-");
    let target = folder.join(format!("{name}.{extension}"));
    let others = folder.join("others");
    let options = spoil
        .options
        .replace("{self}", output.to_str().unwrap())
        .replace("{source}", good.source.path.to_str().unwrap())
        .replace("{chapters}", others.join("chapters.txt").to_str().unwrap())
        .replace("{other words}", others.join("words.srt").to_str().unwrap())
        .replace("{picture}", others.join("cover.png").to_str().unwrap());
    // Times stay as they are, so that only the spoiling moves anything.
    let times = if extension == "mkv" {
        "-copyts -avoid_negative_ts disabled"
    } else {
        // The track of the chapters is made anew from them.
        "-map -0:d"
    };
    ffmpeg(
        &format!(
            "-i {} {options} -max_muxing_queue_size 9999 {times}",
            output.display()
        ),
        &target,
    );
    target
}

/// Bytes changed and bytes missing: what a decoder or the frames tell.
fn damaged(folder: &Path, good: &Good) {
    let bytes = fs::read(&good.output.path).unwrap();
    let extension = good.output.path.extension().unwrap().to_str().unwrap();
    let mut holed = bytes.clone();
    let middle = holed.len() / 2;
    holed[middle..middle + 400].fill(0x55);
    let cut = &bytes[..bytes.len() * 2 / 3];
    for (what, content) in [("holed", holed.as_slice()), ("cut", cut)] {
        let path = folder.join(format!("{what}.{extension}"));
        fs::write(&path, content).unwrap();
        let Ok(media) = measure::measure(&path) else {
            continue;
        };
        let (found, text) = kinds(good, &media);
        assert!(
            found.contains(&Kinds::Decode) || found.contains(&Kinds::FrameCount),
            "{} {what}:\n  {text}",
            good.name
        );
    }
}

/// A result is of use only when it is smaller, and a loss only with a reason.
fn of_no_use(good: &Good) {
    let order = Order {
        must_shrink: true,
        ..ORDER
    };
    let mut large = good.output.clone();
    large.bytes = good.source.bytes * 96 / 100;
    let (faults, _) = compare::compare(&good.source, &large, &good.receipt, order);
    assert_eq!(
        faults.iter().map(|fault| fault.kind).collect::<Vec<_>>(),
        [Kinds::Size]
    );
    let mut without = good.output.clone();
    let last = without
        .tracks
        .iter()
        .rposition(|track| track.kind == measure::Kind::Subtitle)
        .unwrap();
    without.tracks.remove(last);
    let mut receipt = good.receipt.clone();
    let index = good.source.of_kind(measure::Kind::Subtitle).last().unwrap().index;
    receipt.lost.insert(index, String::new());
    let (faults, _) = compare::compare(&good.source, &without, &receipt, ORDER);
    let found: Vec<Kinds> = faults.iter().map(|fault| fault.kind).collect();
    assert_eq!(found, [Kinds::Receipt, Kinds::Stream]);
}

/// What ffmpeg cannot write is spoiled the other way round: as if the source had had it.
fn of_richer_sources(good: &Good) {
    let with = |change: fn(&mut measure::Track)| {
        let mut source = good.source.clone();
        change(&mut source.tracks[0]);
        let (faults, _) = compare::compare(&source, &good.output, &good.receipt, ORDER);
        faults.iter().map(|fault| fault.kind).collect::<Vec<_>>()
    };
    let captions = with(|video| {
        video.captions.push(measure::Cue {
            start_s: 0.2,
            end_s: 0.8,
            text: "Hello".into(),
        });
    });
    assert_eq!(captions, [Kinds::Subtitle]);
    let two_eyes = with(|video| {
        video
            .picture
            .projection
            .insert("Stereo 3D".into(), "side by side".into());
    });
    assert_eq!(two_eyes, [Kinds::Projection]);
    let narrower = with(|video| video.picture.sample_aspect *= 1.006);
    assert_eq!(narrower, [Kinds::Aspect]);
    let wider_later = with(|video| {
        let frames = video.frames.as_mut().unwrap();
        frames
            .aspects
            .iter_mut()
            .skip(25)
            .for_each(|aspect| *aspect *= 4.0 / 3.0);
    });
    assert_eq!(wider_later, [Kinds::Aspect]);
    let primed = with(|video| {
        let frames = video.frames.as_mut().unwrap();
        frames.times_s.iter_mut().for_each(|time| *time += 0.022);
    });
    assert!(primed.contains(&Kinds::Sync), "{primed:?}");
}
