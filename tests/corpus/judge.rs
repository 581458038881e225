//! Says what a file deserves, looks at what it got, and writes the table.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    compare::{self, Fault, Figures, Kinds, Order},
    drive::{self, Job, Outcome},
    measure::{self, Kind, Media},
};

/// What is the matter with a source, by its own bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    Good,
    /// Its decoder complains. Published with a note, or refused: both are right.
    Damaged,
    Truncated,
    Undecodable,
    NoVideo,
    Unreadable,
    Empty,
}

impl Condition {
    /// Words of which one must be in the reason.
    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Empty => &["empty"],
            Self::NoVideo => &["no video"],
            Self::Truncated => &["truncated", "shorter", "damaged"],
            _ => &[" "],
        }
    }
}

/// A source and what is known of it before it goes in.
pub struct Source {
    pub name: String,
    pub path: PathBuf,
    pub media: Result<Media, String>,
    pub condition: Condition,
    /// Of a file made to be bad: words of which one must be in the reason.
    pub must_fail: Option<&'static [&'static str]>,
}

/// More frames than this are not encoded a second time.
const SHORT_FRAMES: usize = 2000;

impl Source {
    fn is_short(&self) -> bool {
        let video = self.media.as_ref().ok().and_then(Media::main_video);
        let frames = video.and_then(|video| video.frames.as_ref());
        frames.is_some_and(|frames| frames.times_s.len() <= SHORT_FRAMES)
    }
}

fn condition(path: &Path, media: &Result<Media, String>) -> Condition {
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() == 0) {
        return Condition::Empty;
    }
    let Ok(media) = media else {
        return Condition::Unreadable;
    };
    if media.of_kind(Kind::Video).next().is_none() {
        return Condition::NoVideo;
    }
    if media.of_kind(Kind::Video).all(|track| track.frames.is_none()) {
        return Condition::Undecodable;
    }
    if let (Some(header), Some(end), Some(start)) = (media.duration_s, media.end_of_all_s(), media.start_s())
        && header > end - start.min(0.0) + 1.0 + header * 0.02
    {
        return Condition::Truncated;
    }
    let complains = |track: &measure::Track| {
        matches!(track.kind, Kind::Video | Kind::Audio) && !track.complaints.is_empty()
    };
    if media.tracks.iter().any(complains) {
        Condition::Damaged
    } else {
        Condition::Good
    }
}

/// One line of the table.
pub struct Line {
    pub clip: String,
    pub folder: u64,
    pub verdict: String,
    /// Of source and result.
    pub bytes: (u64, u64),
    pub containers: (String, String),
    pub streams: (String, String),
    /// As the receipt says.
    pub quality: String,
    pub encoder: Option<String>,
    pub figures: Option<Figures>,
    pub notes: Vec<String>,
    pub faults: Vec<Fault>,
}

/// A file to be judged; of one made to be bad, words of which one must be in the reason.
pub type Given = (PathBuf, Option<&'static [&'static str]>);

/// Every file of a folder, at any depth, that has a video's name.
pub fn files_of(folder: &Path) -> Vec<Given> {
    let mut files: Vec<PathBuf> = walkdir::WalkDir::new(folder)
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .filter(|path| {
            let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
            extension.is_some_and(|extension| drive::EXTENSIONS.iter().any(|known| extension == *known))
        })
        .collect();
    files.sort();
    files.into_iter().map(|file| (file, None)).collect()
}

/// Runs every file through the binary into each of its folders and judges what comes out.
pub fn judge(folder: &Path, files: Vec<Given>) -> Vec<Line> {
    let sources = in_parallel(&files, |(path, must_fail)| {
        let media = measure::measure(path);
        Source {
            name: path
                .strip_prefix(folder)
                .unwrap_or(path)
                .to_str()
                .unwrap_or("?")
                .to_owned(),
            path: path.clone(),
            condition: condition(path, &media),
            media,
            must_fail: *must_fail,
        }
    });
    let mut jobs: Vec<(&Source, Job)> = Vec::new();
    for source in &sources {
        let mut folders = match &source.media {
            Ok(media) if source.condition != Condition::NoVideo => drive::folders(media),
            _ => vec![720],
        };
        if let Ok(media) = &source.media
            && source.condition == Condition::Good
            && source.must_fail.is_none()
            && drive::has_sound_to_copy(media)
        {
            folders.push(drive::COPIES_SOUND);
        }
        for folder in folders {
            let job = Job {
                clip: source.path.clone(),
                name: source.name.clone(),
                folder,
            };
            jobs.push((source, job));
        }
    }
    let mut lines = round(&jobs, Round::Ordinary);
    // What is skipped as it is not worth it must yet be right when it is asked for.
    let again: Vec<(&Source, Job)> = jobs
        .iter()
        .zip(&lines)
        .filter(|((source, job), line)| {
            line.verdict == "skipped" && source.is_short() && job.folder != drive::COPIES_SOUND
        })
        .map(|(job, _)| job.clone())
        .collect();
    if !again.is_empty() {
        let anyway = round(&again, Round::Anyway).into_iter();
        // Some are skipped for other reasons than their size, which has been judged already.
        lines.extend(anyway.filter(|line| line.verdict != "skipped"));
        lines.sort_by(|a, b| (&a.clip, a.folder).cmp(&(&b.clip, b.folder)));
    }
    lines
}

/// How the binary is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    Ordinary,
    /// Results of any size are taken, and metadata of HDR that changes with the scene may go.
    Anyway,
}

fn round(jobs: &[(&Source, Job)], round: Round) -> Vec<Line> {
    let settings: &[(&str, &str)] = match round {
        Round::Ordinary => &[("min_saving", "5")],
        Round::Anyway => &[("min_saving", "-10000"), ("dynamic_hdr", "\"static\"")],
    };
    let all: Vec<Job> = jobs.iter().map(|(_, job)| job.clone()).collect();
    let (root, outcomes) = drive::run(&all, settings);
    let lines = in_parallel(jobs, |(source, job)| {
        let nothing = Outcome::default();
        line(source, job, outcomes.get(&job.path()).unwrap_or(&nothing), round)
    });
    if std::env::var_os("CORPUS_KEEP").is_some() {
        root.keep();
    }
    lines
}

pub fn line(source: &Source, job: &Job, outcome: &Outcome, round: Round) -> Line {
    let mut line = Line {
        clip: source.name.clone(),
        folder: job.folder,
        verdict: outcome.status.clone(),
        bytes: (fs::metadata(&source.path).map_or(0, |metadata| metadata.len()), 0),
        containers: (extension(&source.path), String::new()),
        streams: (
            source.media.as_ref().map_or_else(|_| String::new(), streams),
            String::new(),
        ),
        quality: outcome.quality.clone(),
        encoder: outcome.encoder.clone(),
        figures: None,
        notes: Vec::new(),
        faults: Vec::new(),
    };
    let mut fault = |kind, text: String| line.faults.push(Fault { kind, text });
    if let Some(changed) = &outcome.source_changed {
        fault(Kinds::Source, changed.clone());
    }
    let archive = if outcome.status == "failed" || outcome.status.starts_with("error_") {
        "tasks-err.json."
    } else {
        "tasks.json."
    };
    if outcome.found_in.len() != 1 || !outcome.found_in[0].starts_with(archive) {
        fault(
            Kinds::Receipt,
            format!("{:?} is found in {:?}", outcome.status, outcome.found_in),
        );
    }
    match outcome.status.as_str() {
        "processed" => {
            let must_fail = source.must_fail.is_some()
                || !matches!(source.condition, Condition::Good | Condition::Damaged);
            if must_fail {
                fault(
                    Kinds::Accepted,
                    format!("{:?}, and yet published", source.condition),
                );
            }
            published(source, job, outcome, round, &mut line);
            if round == Round::Anyway {
                line.verdict = "processed when asked for".to_owned();
            }
        }
        "skipped" => skipped(source, outcome, &mut line),
        "failed" => {
            let words = source.must_fail.unwrap_or(source.condition.words());
            if source.condition == Condition::Good && source.must_fail.is_none() {
                fault(Kinds::Refused, outcome.reason.clone());
            } else if !words
                .iter()
                .any(|word| outcome.reason.to_lowercase().contains(word))
            {
                fault(
                    Kinds::Reason,
                    format!("{:?}, but the reason says: {}", source.condition, outcome.reason),
                );
            }
            if outcome.output.as_ref().is_some_and(|output| output.exists()) {
                fault(Kinds::Accepted, "failed, and yet there is an output".to_owned());
            }
            line.notes.push(outcome.reason.clone());
        }
        other => fault(
            Kinds::Receipt,
            format!("the task is {other:?} at the end: {}", outcome.reason),
        ),
    }
    line
}

fn published(source: &Source, job: &Job, outcome: &Outcome, round: Round, line: &mut Line) {
    let mut fault = |kind, text: &str| {
        line.faults.push(Fault {
            kind,
            text: text.to_owned(),
        });
    };
    let Some(receipt) = &outcome.receipt else {
        return fault(Kinds::Receipt, "there is none");
    };
    let Some(output) = outcome.output.as_deref().filter(|output| output.exists()) else {
        return fault(Kinds::Receipt, "processed, and there is no output");
    };
    let output = match measure::measure(output) {
        Ok(output) => output,
        Err(error) => return fault(Kinds::Decode, &error),
    };
    line.bytes.1 = output.bytes;
    line.containers.1 = extension(&output.path);
    line.streams.1 = streams(&output);
    let Ok(media) = &source.media else { return };
    if source.condition == Condition::Damaged && !receipt.notes.iter().any(|note| note.contains("decoder")) {
        fault(
            Kinds::Receipt,
            "the source's decoder complains and the receipt does not say so",
        );
    }
    let order = Order {
        folder: job.folder,
        must_shrink: round == Round::Ordinary,
        copies_sound: job.folder == drive::COPIES_SOUND,
    };
    let (faults, figures) = compare::compare(media, &output, receipt, order);
    line.faults.extend(faults);
    line.notes.extend(
        receipt
            .lost
            .iter()
            .map(|(index, reason)| format!("stream {index} not carried: {reason}")),
    );
    line.figures = Some(figures);
}

fn skipped(source: &Source, outcome: &Outcome, line: &mut Line) {
    line.notes.push(outcome.reason.clone());
    let mut fault = |kind, text: String| line.faults.push(Fault { kind, text });
    if outcome.reason.len() < 10 {
        fault(Kinds::Reason, format!("skipped for {:?}", outcome.reason));
    }
    if source.must_fail.is_some() || !matches!(source.condition, Condition::Good | Condition::Damaged) {
        fault(
            Kinds::Accepted,
            format!("{:?} is skipped, not failed", source.condition),
        );
    }
    let output = outcome.output.as_deref().filter(|output| output.exists());
    if let Some(output) = output {
        line.bytes.1 = fs::metadata(output).map_or(0, |metadata| metadata.len());
    }
    let same = output.map(|output| fs::read(output).ok() == fs::read(&source.path).ok());
    let is_copied = outcome
        .receipt
        .as_ref()
        .is_some_and(|receipt| receipt.is_of_a_copy);
    if same == Some(false) || (is_copied && same.is_none()) {
        line.faults.push(Fault {
            kind: Kinds::Copied,
            text: "output/ has not the bytes of the skipped source".to_owned(),
        });
    }
}

/// Applies `work` to each item on a few threads; the results are in the items' order.
pub fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(2, |count| count.get().min(4));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((place, item)) = {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    items.get(place).map(|item| (place, item))
                } {
                    let result = work(item);
                    results.lock().unwrap().push((place, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

fn extension(path: &Path) -> String {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.unwrap_or_default().to_lowercase()
}

/// How many streams of each kind there are, as `1 video, 2 audio, 8 subtitles`.
fn streams(media: &Media) -> String {
    let kinds = [
        (Kind::Video, "video"),
        (Kind::Cover, "cover"),
        (Kind::Audio, "audio"),
        (Kind::Subtitle, "subtitles"),
        (Kind::Attachment, "attached"),
        (Kind::Data, "data"),
    ];
    let counted = kinds.iter().filter_map(|(kind, name)| {
        let count = media
            .of_kind(*kind)
            .filter(|track| !compare::is_chapter_track(media, track))
            .count();
        (count > 0).then(|| format!("{count} {name}"))
    });
    let chapters = match media.chapters.len() {
        0 => None,
        count => Some(format!("{count} chapters")),
    };
    counted.chain(chapters).collect::<Vec<_>>().join(", ")
}

/// Every fault, one a line.
pub fn faults(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        for fault in &line.faults {
            let _ = writeln!(text, "{} in {}/: {fault}", line.clip, line.folder);
        }
    }
    text
}
