//! One film: once in one run, once in chunks, and what both gave.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use video_compressor::{
    chunk::{Chunk, FrameIndex, Whole},
    config::{AudioPolicy, Damaged, Deinterlace, DynamicHdr, EncodeConfig, OnLoss, Profile},
    encode::{
        self, Next,
        chunk::{ChunkError, Film, encode_beside, encode_chunk, join},
    },
    media::MediaInfo,
    plan::{self, EncodePlan},
    probe::{self, IndexError},
    process::Cancel,
    task::Resolution,
    verify::{self, Verdict},
};

pub fn config() -> EncodeConfig {
    EncodeConfig {
        ffmpeg_path: std::env::var_os("EXACT_FFMPEG").map_or_else(|| "ffmpeg".into(), PathBuf::from),
        ffprobe_path: "ffprobe".into(),
        priority: video_compressor::process::Priority::default(),
        confinement: video_compressor::confine::Confinement::Auto,
        child_memory_bytes: 0,
        threads: 0,
        stall: Duration::from_secs(60),
        damaged: Damaged::Strict,
        deinterlace: Deinterlace::Auto,
        dynamic_hdr: DynamicHdr::Static,
        on_loss: OnLoss::Note,
        min_saving_percent: -1000.0,
        max_pixels: 8192 * 4320,
        profiles: BTreeMap::new(),
        default_profile: "quick".into(),
        resolution_profiles: BTreeMap::new(),
    }
}

pub fn profile(preset: &str) -> Profile {
    Profile {
        name: "quick".into(),
        preset: preset.into(),
        crf: 26.0,
        target: None,
        crf_min: 12.0,
        crf_max: 40.0,
        // With another preset, those of the profile `medium`.
        x265_params: match preset {
            "ultrafast" => "aq-mode=3:bframes=4:ref=2",
            _ => "aq-mode=3:bframes=6:ref=4:psy-rd=1.5:rd=3",
        }
        .into(),
        audio: AudioPolicy::Aac,
    }
}

/// A source and everything that both ways have in common.
pub struct Source {
    pub path: PathBuf,
    pub info: MediaInfo,
    pub plan: EncodePlan,
    pub config: EncodeConfig,
    /// Where results are put.
    pub folder: PathBuf,
}

pub struct Result {
    pub file: PathBuf,
    pub info: MediaInfo,
}

pub struct InChunks {
    pub result: Result,
    pub index: FrameIndex,
}

impl Source {
    pub fn new(path: &Path, folder: &Path, preset: &str) -> Self {
        let config = config();
        let info = probe::probe_source(path, &config, &Cancel::new()).unwrap();
        let plan = plan::plan(
            &info,
            &profile(preset),
            Resolution(1080),
            &config,
            plan::Abilities::default(),
        )
        .unwrap();
        Self {
            path: path.to_owned(),
            info,
            plan,
            config,
            folder: folder.to_owned(),
        }
    }

    pub fn index(&self) -> std::result::Result<FrameIndex, Whole> {
        let (stream, _) = self.info.main_video().unwrap();
        match probe::index(
            &self.path,
            &self.info,
            stream,
            &self.config,
            &Cancel::new(),
            |_| {},
        ) {
            Err(IndexError::Whole(whole)) => Err(whole),
            index => Ok(index.unwrap()),
        }
    }

    pub fn film<'a>(&'a self, index: &'a FrameIndex, work: &'a Path) -> Film<'a> {
        Film {
            plan: &self.plan,
            source: &self.path,
            index,
            work,
            config: &self.config,
        }
    }

    fn judged(&self, file: PathBuf) -> Result {
        let info = probe::probe_output(&file, &self.config, &Cancel::new()).unwrap();
        let verdict = verify::verify(&self.plan, &self.info, &info, None);
        assert!(
            matches!(verdict, Verdict::Accepted { .. }),
            "{}: {verdict:?}",
            file.display()
        );
        Result { file, info }
    }

    pub fn in_one_run(&self) -> Result {
        let file = self
            .folder
            .join(format!("whole.{}", self.plan.container.extension()));
        encode::encode(
            &self.plan,
            &self.path,
            &file,
            &self.config,
            &Cancel::new(),
            |_| {},
            |_| Next::GoOn,
        )
        .unwrap();
        self.judged(file)
    }

    /// `cut` gives the places at which chunks begin, without the first.
    pub fn in_chunks(&self, cut: impl Fn(&FrameIndex) -> Vec<u32>) -> std::result::Result<InChunks, Whole> {
        let work = self.folder.join("it's #1, 100 % work?");
        fs::create_dir_all(&work).unwrap();
        let whole = |error: ChunkError| match error {
            ChunkError::Whole(whole) => whole,
            error => panic!("{}: {error}", self.path.display()),
        };
        let index = self.index()?;
        let film = self.film(&index, &work);
        let frames = u32::try_from(index.times().len()).unwrap();
        let mut starts = vec![0];
        starts.extend(cut(&index));
        let ends = starts.iter().copied().skip(1).chain([frames]);
        let cancel = Cancel::new();
        let chunks: std::result::Result<Vec<_>, _> = (0..)
            .zip(starts.iter().zip(ends))
            .map(|(number, (&first, end))| {
                let chunk = Chunk { number, first, end };
                let finished = encode_chunk(&film, chunk, &cancel, |_| {}, |_| Next::GoOn)?;
                Ok((chunk, finished))
            })
            .collect();
        let chunks = chunks.map_err(whole)?;
        let beside = encode_beside(&film, &cancel, |_| {}, |_| Next::GoOn).map_err(whole)?;
        let file = self
            .folder
            .join(format!("joined.{}", self.plan.container.extension()));
        join(
            &film,
            &chunks,
            beside.as_ref(),
            &file,
            &cancel,
            |_| {},
            |_| Next::GoOn,
        )
        .map_err(whole)?;
        let result = self.judged(file);
        Ok(InChunks { result, index })
    }
}

/// Runs ffmpeg or ffprobe.
pub fn output_of(program: &str, arguments: &[&str]) -> (String, String) {
    let output = Command::new(program).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {stderr}");
    (stdout, stderr)
}

/// The times of the decoded frames of a file's film, in seconds on the file's own clock, and the tick.
pub fn decoded_times(file: &Path, info: &MediaInfo) -> (Vec<f64>, f64) {
    let (stream, _) = info.main_video().unwrap();
    let file = file.to_str().unwrap();
    let map = format!("0:{}", stream.index);
    let (timebase, tick) = (stream.timebase.to_string(), stream.timebase.as_f64());
    let (lines, _) = output_of(
        "ffmpeg",
        &[
            "-v",
            "error",
            "-nostdin",
            "-copyts",
            "-i",
            file,
            "-map",
            &map,
            "-fps_mode",
            "passthrough",
            "-enc_time_base",
            &timebase,
            "-c:v",
            "wrapped_avframe",
            "-f",
            "framecrc",
            "-",
        ],
    );
    let times = lines
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(',').nth(2).unwrap().trim().parse::<f64>().unwrap() * tick)
        .collect();
    (times, tick)
}

/// SSIM of two files of one size, frame by frame in their order: of all and of the worst.
pub fn ssim(one: &Path, other: &Path) -> (f64, f64) {
    let (lines, _) = output_of(
        "ffmpeg",
        &[
            "-v",
            "error",
            "-nostdin",
            "-i",
            one.to_str().unwrap(),
            "-i",
            other.to_str().unwrap(),
            "-filter_complex",
            "[0:V:0]settb=1/1000,setpts=N[a];[1:V:0]settb=1/1000,setpts=N[b];[a][b]ssim=stats_file=-",
            "-f",
            "null",
            "-",
        ],
    );
    let scores: Vec<f64> = lines
        .lines()
        .filter_map(|line| line.split_once("All:")?.1.split_whitespace().next()?.parse().ok())
        .collect();
    assert!(!scores.is_empty());
    let worst = scores.iter().copied().fold(1.0, f64::min);
    (scores.iter().sum::<f64>() / scores.len() as f64, worst)
}

/// The times of a stream's packets in seconds.
pub fn packet_times(file: &Path, stream: u32) -> Vec<f64> {
    let (lines, _) = output_of(
        "ffprobe",
        &[
            "-v",
            "error",
            "-select_streams",
            &stream.to_string(),
            "-show_entries",
            "packet=pts_time",
            "-of",
            "default=nk=1:nw=1",
            file.to_str().unwrap(),
        ],
    );
    lines
        .lines()
        .filter_map(|line| line.trim().parse().ok())
        .collect()
}
