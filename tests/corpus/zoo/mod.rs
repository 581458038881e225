//! Small files of every kind, made with ffmpeg: what the checker runs on where there are no real clips, and what real
//! clips seldom have.

mod bad;

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    common::clips::{clip, ffmpeg},
    judge::Given,
};

/// A moving picture of two seconds that looks different from every side.
const PICTURE: &str = "-f lavfi -i testsrc2=size=320x180:rate=25:duration=2,vignette=x0=60:y0=40";
/// A sound that never repeats itself, so that a lag of any length shows.
const SOUND: &str =
    "-f lavfi -i aevalsrc=exprs=sin(2*PI*(150+200*t)*t)*(0.2+0.6*gt(mod(t\\,0.37)\\,0.2)):d=2:s=48000";
/// Six such sounds, each its own.
const SOUND_6: &str = "-f lavfi -i aevalsrc=exprs=\
    0.5*sin(2*PI*(150+200*t)*t)|0.5*sin(2*PI*(900-100*t)*t)|0.5*sin(2*PI*(400+90*t)*t)|0.5*sin(2*PI*(50+20*t)*t)|\
    0.5*sin(2*PI*(1300+70*t)*t)|0.5*sin(2*PI*(1900-60*t)*t):c=5.1(side):d=2:s=48000";
const H264: &str = "-c:v libx264 -preset ultrafast -crf 6 -pix_fmt yuv420p";
const HDR10: &str = "-pix_fmt yuv420p10le -c:v libx265 -preset ultrafast -crf 4 -color_range tv -color_primaries bt2020 \
    -color_trc smpte2084 -colorspace bt2020nc -x265-params log-level=error:hdr10=1:repeat-headers=1:max-cll=1000,200:\
    master-display=G(8500,39850)B(6550,2300)R(35400,14600)WP(15635,16450)L(10000000,50)";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// A few that have the most in them.
    Small,
    Whole,
}

/// Makes the files in `folder`.
pub fn make(folder: &Path, extent: Extent) -> Vec<Given> {
    fs::create_dir_all(folder).unwrap();
    let zoo = Zoo {
        folder,
        extra: tempfile::tempdir().unwrap(),
    };
    zoo.rich();
    zoo.turned(&[("turned-90", 90)]);
    zoo.hdr();
    if extent == Extent::Whole {
        zoo.pictures();
        zoo.turned(&[("turned-180", 180), ("turned-270", 270), ("turned-0", 0)]);
        zoo.mirrored();
        zoo.sounds();
        zoo.containers();
        zoo.times();
        zoo.names();
    }
    let mut given = crate::judge::files_of(folder);
    given.extend(zoo.bad(extent));
    given
}

/// Good sources to spoil the results of; what a spoiler needs beside them is in the folder `others`. Their names.
pub fn films(folder: &Path) -> Vec<&'static str> {
    let zoo = Zoo {
        folder,
        extra: tempfile::tempdir().unwrap(),
    };
    let (srt, ass, chapters) = zoo.texts();
    let font = zoo.file("font.ttf", &[7; 3000]);
    let others = folder.join("others");
    fs::create_dir_all(&others).unwrap();
    let later = fs::read_to_string(&chapters).unwrap().replace("700", "740");
    fs::write(others.join("chapters.txt"), later).unwrap();
    let words = fs::read_to_string(&srt).unwrap().replace("world", "word");
    fs::write(others.join("words.srt"), words).unwrap();
    ffmpeg(
        "-f lavfi -i testsrc=size=64x64 -frames:v 1",
        &others.join("cover.png"),
    );
    let cover = zoo.extra.path().join("cover.png");
    ffmpeg("-f lavfi -i testsrc2=size=64x64 -frames:v 1", &cover);
    zoo.put_with(
        "film.mkv",
        &format!(
            "{PICTURE} {SOUND} {SOUND_6} -i {srt} -i {ass} -i {chapters} -map 0 -map 1 -map 2 -map 3 -map 4 -map_metadata 5 -map_chapters 5 \
             -attach {font} -metadata:s:t mimetype=application/x-truetype-font {H264} -c:a:0 flac -ac:a:0 2 -c:a:1 flac \
             -c:s:0 srt -c:s:1 ass -metadata:s:a:0 language=eng -metadata:s:a:0 title=Original -metadata:s:a:1 language=ger \
             -metadata:s:s:0 language=eng -metadata:s:s:1 language=jpn -disposition:a:0 0 -disposition:a:1 default -disposition:s:0 default+forced \
             -color_range tv -colorspace bt709 -color_trc bt709 -color_primaries bt709"
        ),
    );
    zoo.put_with(
        "film.mp4",
        &format!(
            "{PICTURE} {SOUND} -i {srt} -i {chapters} -i {} -map 0 -map 1 -map 2 -map 4 -map_metadata 3 -map_chapters 3 {H264} -c:a aac \
             -b:a 96k -ac 2 -c:s mov_text -c:v:1 copy -disposition:v:1 attached_pic -metadata:s:a:0 language=eng -metadata:s:s:0 language=fra \
             -color_range tv -colorspace bt709 -color_trc bt709 -color_primaries bt709",
            cover.display()
        ),
    );
    zoo.hdr();
    zoo.put(
        "fields.mkv",
        &format!(
            "-f lavfi -i testsrc2=size=320x240:rate=50:duration=2 -vf tinterlace=interleave_top,fieldorder=tff,setfield=tff {H264} \
             -flags +ilme+ildct -x264-params tff=1"
        ),
    );
    vec!["film.mkv", "film.mp4", "hdr10.mkv", "fields.mkv"]
}

struct Zoo<'a> {
    folder: &'a Path,
    extra: tempfile::TempDir,
}

impl Zoo<'_> {
    fn put(&self, name: &str, arguments: &str) -> PathBuf {
        let (_, extension) = name.rsplit_once('.').unwrap();
        let made = clip(arguments, extension);
        let target = self.folder.join(name);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(made, &target).unwrap();
        target
    }

    /// Made anew each time, because the arguments name a file.
    fn put_with(&self, name: &str, arguments: &str) -> PathBuf {
        let target = self.folder.join(name);
        ffmpeg(arguments, &target);
        target
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.extra.path().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn texts(&self) -> (String, String, String) {
        let text = "1\n00:00:00,200 --> 00:00:00,800\nHello, <i>world</i>\n\n2\n00:00:01,000 --> 00:00:01,700\nTwo\nlines: žluťoučký\n\n";
        let chapters = ";FFMETADATA1\ntitle=A film\nartist=Somebody\ncomment=Of no use\n\
            [CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=700\ntitle=Début\n\
            [CHAPTER]\nTIMEBASE=1/1000\nSTART=700\nEND=1400\ntitle=Middle; with = signs\n\
            [CHAPTER]\nTIMEBASE=1/1000\nSTART=1400\nEND=2000\ntitle=End\n"
            .replace("; with = signs", "\\; with \\= signs");
        (
            self.file("words.srt", text.as_bytes()),
            self.file("words.ass", ASS.as_bytes()),
            self.file("chapters.txt", chapters.as_bytes()),
        )
    }

    /// Everything that a container can hold.
    fn rich(&self) {
        let (srt, ass, chapters) = self.texts();
        let font = self.file("font.ttf", &[7; 3000]);
        let cover = self.extra.path().join("cover.png");
        ffmpeg("-f lavfi -i testsrc=size=64x64 -frames:v 1", &cover);
        let cover = cover.to_str().unwrap();
        let pgs = self.file("bitmap.sup", &pgs());
        self.put_with(
            "rich.mkv",
            &format!(
                "{PICTURE} {SOUND} {SOUND_6} -i {srt} -i {ass} -i {pgs} -i {chapters} -map 0 -map 1 -map 2 -map 1 -map 3 -map 4 -map 5 \
                 -map_metadata 6 -map_chapters 6 -attach {font} -metadata:s:t:0 mimetype=application/x-truetype-font \
                 -attach {cover} -metadata:s:t:1 mimetype=image/png -metadata:s:t:1 filename=cover.png \
                 {H264} -c:a:0 flac -c:a:1 ac3 -b:a:1 448k -c:a:2 aac -b:a:2 60k -ac:a:2 2 -c:s:0 srt -c:s:1 ass -c:s:2 copy \
                 -metadata:s:v:0 title=Picture -metadata:s:a:0 language=eng -metadata:s:a:0 title=Original \
                 -metadata:s:a:1 language=ger -metadata:s:a:2 language=fre -metadata:s:a:2 title=Commentaire \
                 -metadata:s:s:0 language=eng -metadata:s:s:1 language=jpn -metadata:s:s:2 language=spa \
                 -disposition:a:0 0 -disposition:a:1 default -disposition:a:2 comment -disposition:s:0 forced -disposition:s:1 hearing_impaired"
            ),
        );
        self.put_with(
            "rich.mp4",
            &format!(
                "{PICTURE} {SOUND} -i {srt} -i {chapters} -i {cover} -map 0 -map 1 -map 1 -map 2 -map 4 -map_metadata 3 -map_chapters 3 \
                 {H264} -c:a aac -b:a:0 96k -b:a:1 256k -ac 2 -c:s mov_text -c:v:1 copy -disposition:v:1 attached_pic \
                 -metadata:s:a:0 language=eng -metadata:s:a:1 language=deu -metadata:s:s:0 language=fra"
            ),
        );
        self.put_with(
            "timecode.mov",
            &format!(
                "{PICTURE} {SOUND} -i {srt} -map 0 -map 1 -map 2 {H264} -c:a pcm_s16le -c:s mov_text -timecode 01:00:00:00"
            ),
        );
    }

    fn hdr(&self) {
        self.put("hdr10.mkv", &format!("{PICTURE} {HDR10}"));
    }

    fn pictures(&self) {
        let large = "-f lavfi -i testsrc2=size=640x480:rate=50:duration=2";
        self.put(
            "hdr10.mp4",
            &format!("{PICTURE} {SOUND} {HDR10} -tag:v hvc1 -c:a aac -b:a 192k -ac 2"),
        );
        self.put(
            "hlg.mkv",
            &format!(
                "{PICTURE} -pix_fmt yuv420p10le -c:v libx265 -preset ultrafast -crf 4 -color_range tv -color_primaries bt2020 \
                 -color_trc arib-std-b67 -colorspace bt2020nc -x265-params log-level=error"
            ),
        );
        self.put(
            "ten-bit.mkv",
            &format!("{PICTURE} -c:v libx264 -preset ultrafast -crf 6 -pix_fmt yuv420p10le"),
        );
        self.put(
            "ten-bit-422.mov",
            &format!("{PICTURE} -c:v prores_ks -pix_fmt yuv422p10le"),
        );
        self.put(
            "full-range.mp4",
            &format!("{PICTURE} -vf scale=out_range=full {H264} -color_range pc -colorspace bt709 -color_trc bt709 -color_primaries bt709"),
        );
        self.put(
            "bt601.mp4",
            &format!("{PICTURE} {H264} -color_range tv -colorspace smpte170m -color_trc smpte170m -color_primaries smpte170m"),
        );
        self.put(
            "rgb.mkv",
            &format!("{PICTURE} -c:v libx264rgb -preset ultrafast -crf 6"),
        );
        self.put("grey.mkv", &format!("{PICTURE} -c:v ffv1 -pix_fmt gray"));
        self.put("yuv444.mkv", &format!("{PICTURE} {H264} -pix_fmt yuv444p"));
        self.put("wide-pixels.mp4", &format!("{PICTURE} -vf setsar=4/3 {H264}"));
        self.put("tall-pixels.mkv", &format!("{PICTURE} -vf setsar=16/33 {H264}"));
        self.put(
            "odd.mkv",
            &format!("{PICTURE} -vf scale=161:121 -c:v libx264 -preset ultrafast -crf 4 -pix_fmt yuv444p"),
        );
        self.put(
            "odd-large.mkv",
            &format!(
                "{large} -vf scale=1279:719 -r 25 -t 1 -c:v libx264 -preset ultrafast -crf 6 -pix_fmt yuv444p"
            ),
        );
        self.put(
            "portrait.mp4",
            &format!("{PICTURE} -vf transpose=1,scale=540:960 {H264}"),
        );
        for (name, mode, first) in [
            ("top-first", "interleave_top", "tff"),
            ("bottom-first", "interleave_bottom", "bff"),
        ] {
            self.put(
                &format!("{name}.mkv"),
                &format!(
                    "{large} -vf tinterlace={mode},fieldorder={first},setfield={first} {H264} -flags +ilme+ildct -x264-params {first}=1"
                ),
            );
        }
        self.put(
            "top-first.mpg",
            &format!(
                "{large} {SOUND} -vf tinterlace=interleave_top,setfield=tff -c:v mpeg2video -q:v 2 -flags +ilme+ildct -top 1 -c:a mp2 -shortest"
            ),
        );
        self.put(
            "combed-unsaid.mkv",
            &format!("{large} -vf tinterlace=interleave_top {H264}"),
        );
        self.put(
            "combed-unmarked.avi",
            &format!("{large} -vf tinterlace=interleave_top -c:v ffv1 -pix_fmt yuv420p"),
        );
        self.put(
            "two-eyes.mkv",
            &format!("{PICTURE} {H264} -metadata:s:v stereo_mode=left_right"),
        );
        self.put(
            "two-pictures.mkv",
            &format!("{PICTURE} -f lavfi -i testsrc=size=160x120:rate=10:duration=2 {SOUND} -map 0 -map 1 -map 2 {H264} -c:a ac3"),
        );
    }

    fn turned(&self, turns: &[(&str, i32)]) {
        let plain = clip(
            &format!("{PICTURE} {SOUND} {H264} -c:a aac -b:a 192k -ac 2"),
            "mp4",
        );
        for (name, degrees) in turns {
            self.put_with(
                &format!("{name}.mp4"),
                &format!("-i {} -c copy -metadata:s:v:0 rotate={degrees}", plain.display()),
            );
        }
    }

    /// A display matrix that mirrors, which only a changed file can have.
    fn mirrored(&self) {
        const ONE: [u8; 4] = [0, 1, 0, 0];
        const MINUS: [u8; 4] = [0xff, 0xff, 0, 0];
        const NOTHING: [u8; 4] = [0; 4];
        let plain = fs::read(clip(&format!("{PICTURE} {H264}"), "mp4")).unwrap();
        let header = plain.windows(4).position(|window| window == b"tkhd").unwrap();
        // Version, times, number, duration, layer and volume come before the matrix (ISO 14496-12, 8.3.2).
        let matrix = header + 4 + 40;
        for (name, cells) in [
            ("mirrored-left-right", [MINUS, NOTHING, NOTHING, NOTHING, ONE]),
            ("mirrored-up-down", [ONE, NOTHING, NOTHING, NOTHING, MINUS]),
            ("mirrored-turned", [NOTHING, ONE, NOTHING, ONE, NOTHING]),
        ] {
            let mut bytes = plain.clone();
            for (place, cell) in cells.iter().enumerate() {
                bytes[matrix + place * 4..matrix + place * 4 + 4].copy_from_slice(cell);
            }
            fs::write(self.folder.join(format!("{name}.mp4")), bytes).unwrap();
        }
    }

    fn sounds(&self) {
        for (name, options) in [
            ("aac-small.mp4", "-c:a aac -b:a 48k -ac 2"),
            ("aac-large.mp4", "-c:a aac -b:a 320k -ac 2"),
            ("aac-small.mkv", "-c:a aac -b:a 40k -ac 1"),
            ("mono.mkv", "-c:a mp3 -ac 1 -b:a 160k"),
            ("flac.mkv", "-c:a flac"),
            ("pcm24.mov", "-c:a pcm_s24le -ac 2"),
            ("vorbis.mkv", "-c:a libvorbis -ac 2"),
            ("opus.mkv", "-c:a libopus -b:a 160k -ac 2"),
            ("eac3.mp4", "-c:a eac3 -ac 2"),
        ] {
            self.put(name, &format!("{PICTURE} {SOUND} {H264} {options} -shortest"));
        }
        for (name, options) in [
            ("side-ac3.mkv", "-c:a ac3 -b:a 640k"),
            ("side-flac.mkv", "-c:a flac"),
            (
                "back-aac.mp4",
                "-c:a aac -b:a 640k -filter:a aformat=channel_layouts=5.1",
            ),
            (
                "eight.mkv",
                "-c:a flac -filter:a pan=7.1|FL=c0|FR=c1|FC=c2|LFE=c3|BL=c4|BR=c5|SL=c4|SR=c5",
            ),
            ("quad.mkv", "-c:a flac -filter:a pan=quad|FL=c0|FR=c1|BL=c4|BR=c5"),
            (
                "six-one.mkv",
                "-c:a flac -filter:a pan=6.1|FL=c0|FR=c1|FC=c2|LFE=c3|BC=c4|SL=c4|SR=c5",
            ),
        ] {
            self.put(name, &format!("{PICTURE} {SOUND_6} {H264} {options} -shortest"));
        }
        self.put(
            "languages.mp4",
            &format!(
                "{PICTURE} {SOUND} {SOUND_6} -map 0 -map 1 -map 2 -map 1 {H264} -c:a aac -b:a:0 160k -b:a:1 640k -b:a:2 96k \
                 -metadata:s:a:0 language=ces -metadata:s:a:1 language=zho -metadata:s:a:2 language=mul -disposition:a:1 default -disposition:a:0 0"
            ),
        );
    }

    fn containers(&self) {
        self.put(
            "old.avi",
            &format!("{PICTURE} {SOUND} -c:v mpeg4 -bf 2 -q:v 2 -c:a mp3 -ac 2 -shortest"),
        );
        self.put(
            "camera.ts",
            &format!("{PICTURE} {SOUND} {H264} -bf 2 -c:a ac3 -ac 2"),
        );
        self.put(
            "late.ts",
            &format!("{PICTURE} {SOUND} {H264} -c:a mp2 -ac 2 -output_ts_offset 50000"),
        );
        let telemetry = self.file("telemetry.bin", &[3; 4000]);
        self.put_with(
            "data.ts",
            &format!(
                "{PICTURE} {SOUND} -f data -i {telemetry} -map 0 -map 1 -map 2 -c copy {H264} -c:a mp2 -ac 2"
            ),
        );
        self.put(
            "web.webm",
            &format!("{PICTURE} {SOUND} -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -crf 4 -b:v 0 -c:a libopus -b:a 128k -ac 2 -shortest"),
        );
        self.put(
            "flash.flv",
            &format!("{PICTURE} {SOUND} {H264} -c:a aac -b:a 192k -ac 2 -shortest"),
        );
        self.put(
            "windows.wmv",
            &format!("{PICTURE} {SOUND} -c:v wmv2 -q:v 2 -c:a wmav2 -ac 2 -shortest"),
        );
        self.put(
            "programme.mpg",
            &format!("{PICTURE} {SOUND} -c:v mpeg2video -bf 2 -q:v 2 -c:a mp2 -shortest"),
        );
        self.put(
            "already-hevc.mkv",
            &format!("{PICTURE} -c:v libx265 -preset medium -crf 34 -x265-params log-level=error"),
        );
        self.put(
            "nothing-to-gain.mp4",
            "-f lavfi -i color=c=red:size=320x180:rate=25:duration=2 -c:v libx264 -preset slow -crf 40 -pix_fmt yuv420p",
        );
    }

    fn times(&self) {
        let fast = "-f lavfi -i testsrc2=size=320x180:rate=50:duration=3";
        let plain = clip(
            &format!("{fast} {SOUND} {H264} -bf 2 -g 50 -c:a aac -b:a 192k -ac 2"),
            "mp4",
        );
        let plain = plain.display();
        self.put(
            "variable.mkv",
            &format!("{fast} -vf select=not(mod(n\\,7))+gt(n\\,90) -fps_mode passthrough {H264}"),
        );
        self.put(
            "variable.mp4",
            &format!("{fast} {SOUND} -vf select=not(mod(n\\,5))+gt(mod(n\\,40)\\,20) -fps_mode passthrough -video_track_timescale 90000 {H264} -c:a aac -b:a 192k -ac 2"),
        );
        self.put("ntsc.mkv", "-f lavfi -i testsrc2=size=320x180:rate=24000/1001:duration=2 -c:v libx264 -preset ultrafast -crf 6 -bf 3 -pix_fmt yuv420p");
        self.put("one-frame.mp4", &format!("{fast} -frames:v 1 {H264}"));
        // Cut inside a group of pictures: an edit list hides what comes before.
        self.put_with("edit-list.mp4", &format!("-ss 0.5 -i {plain} -c copy"));
        self.put_with(
            "late-sound.mkv",
            &format!("-i {plain} -itsoffset 0.7 -i {plain} -map 0:v -map 1:a -c:v copy -c:a ac3 -ac 2"),
        );
        self.put_with(
            "late-sound.mp4",
            &format!("-i {plain} -itsoffset 0.7 -i {plain} -map 0:v -map 1:a -c copy"),
        );
        self.put_with(
            "late-picture.mp4",
            &format!("-itsoffset 0.4 -i {plain} -i {plain} -map 0:v -map 1:a -c copy"),
        );
        self.put_with(
            "late-picture.mkv",
            &format!("-itsoffset 0.4 -i {plain} -i {plain} -map 0:v -map 1:a -c copy"),
        );
        self.put_with(
            "late-all.mkv",
            &format!("-i {plain} -c copy -output_ts_offset 12.34"),
        );
    }

    fn names(&self) {
        let plain = clip(&format!("{PICTURE} {SOUND} {H264} -c:a ac3 -ac 1"), "mkv");
        let folder = self.folder.join("-odd names");
        fs::create_dir_all(&folder).unwrap();
        for (place, name) in [
            "-dash.mkv",
            "a: b, 'c' \"d\" 100%.mkv",
            "žluťoučký 映画.MKV",
            "[x] (y)\\z;$HOME.mkv",
        ]
        .into_iter()
        .enumerate()
        {
            // Else they are copies of each other.
            ffmpeg(
                &format!("-i {} -c copy -metadata title={place}", plain.display()),
                &folder.join(name),
            );
        }
    }
}

const ASS: &str = "[Script Info]\nScriptType: v4.00+\nPlayResX: 320\nPlayResY: 180\n\n[V4+ Styles]\n\
    Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
    StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\n\
    Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1\n\n[Events]\n\
    Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n\
    Dialogue: 0,0:00:00.30,0:00:01.10,Default,,0,0,0,,{\\\\b1}Shout{\\\\b0} it\n";

/// A Presentation Graphic Stream of one small picture, from 0.5 s to 1.5 s.
fn pgs() -> Vec<u8> {
    fn segment(out: &mut Vec<u8>, time_s: f64, kind: u8, content: &[u8]) {
        let ticks = (time_s * 90_000.0) as u32;
        out.extend(b"PG");
        out.extend(ticks.to_be_bytes());
        out.extend([0; 4]);
        out.push(kind);
        out.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
        out.extend(content);
    }
    let mut out = Vec::new();
    // 320 × 180, composition 0 begins an epoch with one object of window 0 at 20, 20.
    let begin = [1, 64, 0, 180, 0x10, 0, 0, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 20, 0, 20];
    let window = [1, 0, 0, 20, 0, 20, 0, 8, 0, 2];
    let palette = [0, 0, 1, 200, 128, 128, 255];
    // Two lines of eight points of colour 1.
    let object = [
        0, 0, 0, 0xc0, 0, 0, 16, 0, 8, 0, 2, 0, 0x88, 1, 0, 0, 0, 0x88, 1, 0, 0, 0,
    ];
    let mut object = object;
    object[6] = u8::try_from(object.len() - 7).unwrap();
    segment(&mut out, 0.5, 0x16, &begin);
    segment(&mut out, 0.5, 0x17, &window);
    segment(&mut out, 0.5, 0x14, &palette);
    segment(&mut out, 0.5, 0x15, &object);
    segment(&mut out, 0.5, 0x80, &[]);
    segment(&mut out, 1.5, 0x16, &[1, 64, 0, 180, 0x10, 0, 1, 0, 0, 0, 0]);
    segment(&mut out, 1.5, 0x17, &window);
    segment(&mut out, 1.5, 0x80, &[]);
    out
}
