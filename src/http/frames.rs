//! Thumbnails, and single pictures of source and result to compare.
//!
//! Promises: pictures are made by ffmpeg as every film is read here (confined, with a time limit), few at once, and kept for
//! a while in bounded memory; of source and result the same moment is shown; a file that is not the task's any more is not
//! shown; who goes away ends the ffmpeg that worked for them.
//! Never in here: judging pictures (`quality`).

use std::{
    collections::VecDeque,
    fs,
    path::{Path as FilePath, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api,
    blocking::{EndsWithRequest, blocking},
    download::{self, etag},
    extract::{Path, Query},
    files,
    problem::{Kind, Problem, ProblemDto},
    ranges, tasks,
    who::Viewer,
};
use crate::{
    config::EncodeConfig,
    media,
    process::{self, Cancel, CommandLine, End, Limits},
    queue::Files,
    receipt,
    task::{Identity, Task},
};

/// More would take cores from encodes.
const AT_ONCE: usize = 2;
/// Requests that may wait for their turn; further ones are told to come again.
const WAITING: usize = 32;
/// Far more than a picture takes, also from a slow disk.
const LONGEST: Duration = Duration::from_secs(20);
const BIGGEST_BYTES: usize = 8 << 20;
/// Of all pictures that are kept.
const CACHE_BYTES: usize = 16 << 20;

const THUMBNAIL_WIDTH: u32 = 320;
const FRAME_WIDTH: u32 = 1280;
const WIDTHS: std::ops::RangeInclusive<u32> = 16..=3840;
/// Longer than every film.
const LATEST_SECONDS: f64 = 1e6;
/// Where a film of unknown length is likely to show something.
const BEGUN_SECONDS: f64 = 3.0;
/// Of the way through a film of known length.
const BEGUN: f64 = 0.1;

/// Makes pictures for all who ask.
#[derive(Debug)]
pub struct Frames {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    kept: Mutex<Kept>,
}

impl Default for Frames {
    fn default() -> Self {
        Self {
            running: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            kept: Mutex::default(),
        }
    }
}

/// The newest pictures, the one that was used last at the end.
#[derive(Debug, Default)]
struct Kept {
    pictures: VecDeque<(String, Bytes)>,
    bytes: usize,
}

impl Kept {
    fn get(&mut self, tag: &str) -> Option<Bytes> {
        let place = self.pictures.iter().position(|(kept, _)| kept == tag)?;
        let found = self.pictures.remove(place)?;
        let picture = found.1.clone();
        self.pictures.push_back(found);
        Some(picture)
    }

    fn put(&mut self, tag: String, picture: Bytes) {
        self.bytes += picture.len();
        self.pictures.push_back((tag, picture));
        while self.bytes > CACHE_BYTES
            && let Some((_, oldest)) = self.pictures.pop_front()
        {
            self.bytes -= oldest.len();
        }
    }
}

/// Which of the two files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Source,
    Output,
}

/// How a picture that there is not is answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    #[default]
    Problem,
    Empty,
}

impl Missing {
    fn told(self, answer: Result<Response, Problem>) -> Result<Response, Problem> {
        match (self, answer) {
            (Self::Empty, Err(problem)) if problem.kind == Kind::NotFound => {
                Ok(StatusCode::NO_CONTENT.into_response())
            }
            (_, answer) => answer,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FrameQuery {
    /// From the film's beginning.
    #[param(minimum = 0, maximum = 1_000_000)]
    at_seconds: f64,
    #[param(inline)]
    side: Side,
    /// Of the picture at most, in pixels; it is never enlarged.
    #[serde(default)]
    #[param(minimum = 16, maximum = 3840, default = 1280)]
    width: Option<u32>,
    /// `empty`: 204 where a task has no such picture, instead of 404; a browser complains of each 404.
    #[serde(default)]
    #[param(inline, default = "problem")]
    missing: Missing,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ThumbnailQuery {
    /// Of the picture at most, in pixels; it is never enlarged.
    #[serde(default)]
    #[param(minimum = 16, maximum = 3840, default = 320)]
    width: Option<u32>,
    /// `empty`: 204 where a task has no such picture, instead of 404; a browser complains of each 404.
    #[serde(default)]
    #[param(inline, default = "problem")]
    missing: Missing,
}

/// A file of a task that is what the task says.
struct Film {
    path: PathBuf,
    identity: Identity,
}

/// What the receipt knows of the time in a film.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Clock {
    duration_seconds: Option<f64>,
    frames_per_second: Option<f64>,
}

impl Clock {
    /// Where to look for the picture that is shown at `at_seconds`: half a picture before it, as the two files round their
    /// times differently.
    fn before_picture_at(&self, at_seconds: f64) -> f64 {
        match self
            .frames_per_second
            .filter(|rate| rate.is_finite() && *rate > 0.0)
        {
            // A time that was rounded down on its way here still means the picture that begins then.
            Some(rate) => (((at_seconds * rate + 0.05).floor() - 0.5) / rate).max(0.0),
            None => at_seconds,
        }
    }
}

/// A picture that is wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Wanted {
    at_seconds: f64,
    width: u32,
}

fn command(film: &FilePath, wanted: Wanted, config: &EncodeConfig) -> CommandLine {
    let Wanted { at_seconds, width } = wanted;
    // Square pixels, an even number of them, never more than there are.
    let scale =
        format!("scale=w=max(2\\,trunc(min({width}\\,iw*sar)/2)*2):h=max(2\\,trunc(ow/dar/2)*2),setsar=1");
    config
        .ffmpeg()
        .arguments(["-hide_banner", "-v", "error", "-nostdin", "-threads", "2"])
        .arguments(["-ss", &format!("{at_seconds:.3}")])
        .reads(film)
        .arguments(media::reading(film))
        .arguments(["-map", "0:v:0", "-frames:v", "1", "-vf", &scale])
        .arguments([
            "-c:v",
            "mjpeg",
            "-q:v",
            "3",
            "-pix_fmt",
            "yuvj420p",
            "-strict",
            "unofficial",
        ])
        .arguments(["-map_metadata", "-1", "-f", "image2pipe", "pipe:1"])
}

impl Frames {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` where the film has no picture at that time.
    async fn picture(
        &self,
        film: &Film,
        wanted: Wanted,
        config: &EncodeConfig,
    ) -> Result<Option<Bytes>, Problem> {
        let busy = || {
            Problem::new(
                Kind::Unavailable,
                "too many pictures are wanted at once; ask again in a moment",
            )
            .after(2)
        };
        let waiting = Arc::clone(&self.waiting)
            .try_acquire_owned()
            .map_err(|_| busy())?;
        let running = Arc::clone(&self.running)
            .acquire_owned()
            .await
            .map_err(Problem::internal)?;
        drop(waiting);
        let cancel = Cancel::new();
        let _ends = EndsWithRequest(cancel.clone());
        let command = command(&film.path, wanted, config);
        let limits = Limits {
            total: Some(LONGEST),
            stall: None,
        };
        let output = blocking(move || {
            let output = process::run(&command, limits, &cancel, BIGGEST_BYTES);
            drop(running);
            output
        });
        let output = output.await?.map_err(Problem::internal)?;
        if output.finished.end == End::TimedOut {
            return Err(Problem::new(
                Kind::Unavailable,
                format!("ffmpeg found no picture within {} s", LONGEST.as_secs()),
            )
            .after(60));
        }
        if !output.finished.succeeded() {
            // It quotes paths, which are not for every caller.
            tracing::debug!("no picture: {}", output.finished);
        }
        let is_whole = !output.stdout.is_empty() && !output.stdout_cut;
        Ok(is_whole.then(|| Bytes::from(output.stdout)))
    }
}

async fn source(api: &Api, task: &Task) -> Result<Film, Problem> {
    let gone = || {
        Problem::not_found(format!(
            "the source of task {} is not in its place any more, or another file is",
            task.id
        ))
    };
    let identity = task.source.ok_or_else(gone)?;
    if !download::is_below(&task.path) {
        return Err(gone());
    }
    let path = api.desk.config().folders.input.join(&task.path);
    let opened = path.clone();
    let (_, found) = blocking(move || files::open_plain(&opened))
        .await?
        .map_err(|_| gone())?;
    if !found.same_file(&identity) {
        return Err(gone());
    }
    Ok(Film { path, identity })
}

/// Where the source of a task is, and what it is known by.
///
/// # Errors
/// When it is not there any more, or another file is.
pub(super) async fn source_of(api: &Api, task: &Task) -> Result<(PathBuf, Identity), Problem> {
    source(api, task).await.map(|film| (film.path, film.identity))
}

async fn output(api: &Api, task: &Task) -> Result<Film, Problem> {
    let published = download::published(api, task).await?;
    Ok(Film {
        path: published.path,
        identity: published.identity,
    })
}

async fn clock(api: &Api, task: &Task) -> Result<Clock, Problem> {
    let receipt = Files::new(&api.folders.conf).receipt(&task.id);
    blocking(move || {
        let bytes = fs::read(receipt).ok()?;
        let receipt: receipt::wire::File = serde_json::from_slice(&bytes).ok()?;
        Some(Clock {
            duration_seconds: receipt.source.duration_seconds,
            frames_per_second: rate(&receipt.source),
        })
    })
    .await
    .map(Option::unwrap_or_default)
}

/// Pictures a second of the film in a file.
fn rate(media: &receipt::wire::Media) -> Option<f64> {
    let film = media.streams.iter().find(|stream| stream.kind == "video")?;
    let rate = film.video.as_ref()?.frame_rate.as_ref()?;
    let (pictures, seconds) = rate.split_once('/').unwrap_or((rate, "1"));
    Some(pictures.parse::<f64>().ok()? / seconds.parse::<f64>().ok()?)
}

fn width(asked: Option<u32>, default: u32) -> Result<u32, Problem> {
    let width = asked.unwrap_or(default);
    if WIDTHS.contains(&width) {
        Ok(width)
    } else {
        Err(Problem::invalid(format!(
            "width = {width}: allowed is {} to {}",
            WIDTHS.start(),
            WIDTHS.end()
        )))
    }
}

/// Answers with the first of the moments at which there is a picture.
async fn answer(
    api: &Api,
    request: &HeaderMap,
    film: &Film,
    moments: &[Wanted],
) -> Result<Response, Problem> {
    let told: Vec<String> = moments
        .iter()
        .map(|wanted| format!("{:.3} {}", wanted.at_seconds, wanted.width))
        .collect();
    let tag = etag(&film.identity, &told.join(" "));
    let headers = [
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, "private, max-age=3600".to_owned()),
        (header::CONTENT_TYPE, "image/jpeg".to_owned()),
    ];
    let known = request
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| ranges::names(known, &tag)) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let kept = api.frames.kept().get(&tag);
    if let Some(picture) = kept {
        return Ok((headers, picture).into_response());
    }
    let config = api.desk.config();
    for wanted in moments {
        if let Some(picture) = api.frames.picture(film, *wanted, &config.encode).await? {
            api.frames.kept().put(tag, picture.clone());
            return Ok((headers, picture).into_response());
        }
    }
    Err(Problem::not_found("the film has no picture there"))
}

/// A small picture of a film
///
/// Of the result, and of the source where there is no result.
#[utoipa::path(
    get, path = "/tasks/{id}/thumbnail", tag = "tasks",
    params(("id" = String, Path, description = "The task's id"), ThumbnailQuery),
    responses(
        (status = 200, description = "A JPEG", body = String, content_type = "image/jpeg"),
        (status = 204, description = "No picture, asked for with `missing=empty`"),
        (status = 304, description = "Still the picture that `If-None-Match` names"),
        (status = 404, description = "No such task, or neither file is there", body = ProblemDto, content_type = "application/problem+json"),
    )
)]
pub(super) async fn thumbnail(
    _: Viewer,
    State(api): State<Api>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(query): Query<ThumbnailQuery>,
) -> Result<Response, Problem> {
    let width = width(query.width, THUMBNAIL_WIDTH)?;
    let task = tasks::find(&api, &id).await?;
    query.missing.told(small(&api, &headers, &task, width).await)
}

async fn small(api: &Api, headers: &HeaderMap, task: &Task, width: u32) -> Result<Response, Problem> {
    let film = match output(api, task).await {
        Ok(film) => film,
        Err(_) => source(api, task).await?,
    };
    let duration = clock(api, task).await?.duration_seconds;
    let begun = duration.map_or(BEGUN_SECONDS, |seconds| {
        (seconds * BEGUN).clamp(0.0, LATEST_SECONDS)
    });
    let moments = [begun, 0.0].map(|at_seconds| Wanted { at_seconds, width });
    answer(api, headers, &film, &moments).await
}

/// One picture of the source or of the result
///
/// The same moment of both shows the same picture, to compare them.
#[utoipa::path(
    get, path = "/tasks/{id}/frames", tag = "tasks",
    params(("id" = String, Path, description = "The task's id"), FrameQuery),
    responses(
        (status = 200, description = "A JPEG", body = String, content_type = "image/jpeg"),
        (status = 204, description = "No picture, asked for with `missing=empty`"),
        (status = 304, description = "Still the picture that `If-None-Match` names"),
        (status = 404, description = "No such task, the file is not there, or the film is over by then",
            body = ProblemDto, content_type = "application/problem+json"),
    )
)]
pub(super) async fn frame(
    _: Viewer,
    State(api): State<Api>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(query): Query<FrameQuery>,
) -> Result<Response, Problem> {
    let width = width(query.width, FRAME_WIDTH)?;
    if !(0.0..=LATEST_SECONDS).contains(&query.at_seconds) {
        return Err(Problem::invalid(format!(
            "at_seconds = {}: allowed is 0 to {LATEST_SECONDS}",
            query.at_seconds
        )));
    }
    let task = tasks::find(&api, &id).await?;
    let wanted = Wanted {
        at_seconds: query.at_seconds,
        width,
    };
    query
        .missing
        .told(moment(&api, &headers, &task, query.side, wanted).await)
}

/// Of one of the two files the picture that is shown at that time.
async fn moment(
    api: &Api,
    headers: &HeaderMap,
    task: &Task,
    side: Side,
    wanted: Wanted,
) -> Result<Response, Problem> {
    let film = match side {
        Side::Source => source(api, task).await?,
        Side::Output => output(api, task).await?,
    };
    let at_seconds = clock(api, task).await?.before_picture_at(wanted.at_seconds);
    answer(api, headers, &film, &[Wanted { at_seconds, ..wanted }]).await
}

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(thumbnail))
        .routes(routes!(frame))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_that_is_shown_at_a_time_is_met_in_both_files() {
        let clock = Clock {
            duration_seconds: None,
            frames_per_second: Some(24_000.0 / 1001.0),
        };
        let frame = 1001.0 / 24_000.0;
        for (at, number) in [
            (0.0, 0.0),
            (0.03, 0.0),
            (0.041, 1.0),
            (0.05, 1.0),
            (10.0, 239.0),
            (10.010, 240.0),
        ] {
            // Matroska counts in milliseconds, MP4 in fractions of a picture.
            for rounding in [-0.0005, 0.0, 0.0005] {
                let sought = clock.before_picture_at(at);
                let begins = f64::max(0.0, number * frame + rounding);
                let former = (number - 1.0) * frame + rounding;
                assert!(
                    former < sought && sought <= begins,
                    "{at} {number} {rounding}: {sought}"
                );
            }
        }
        assert!((Clock::default().before_picture_at(1.5) - 1.5).abs() < 1e-9);
    }

    #[test]
    fn pictures_are_kept_in_bounded_memory_those_used_last_longest() {
        let mut kept = Kept::default();
        let picture = Bytes::from(vec![0; CACHE_BYTES / 4]);
        for tag in ["a", "b", "c", "d"] {
            kept.put(tag.to_owned(), picture.clone());
        }
        assert!(kept.get("a").is_some());
        kept.put("e".to_owned(), picture.clone());
        let known: Vec<&str> = ["a", "b", "c", "d", "e"]
            .into_iter()
            .filter(|tag| kept.get(tag).is_some())
            .collect();
        assert_eq!(known, ["a", "c", "d", "e"]);
        kept.put("big".to_owned(), Bytes::from(vec![0; CACHE_BYTES + 1]));
        assert_eq!((kept.bytes, kept.pictures.len()), (0, 0));
    }
}
