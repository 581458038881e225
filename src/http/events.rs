//! What changes, as a stream (server-sent events).
//!
//! Promises: what one board changes against the one before is told once, and to all streams from one place; a stream
//! that was cut off goes on where it was, or is told to begin anew (`reset`); what is kept for that, and for streams that
//! read slowly, is bounded by [`KEPT_EVENTS`]; a stream ends when its caller may no longer look.
//! Never in here: what a task looks like (`tasks`).

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        IntoResponse, Response, Sse,
        sse::{Event as SseEvent, KeepAlive},
    },
};
use futures_util::{Stream, stream};
use jiff::Timestamp;
use serde::Serialize;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, broadcast, watch},
    time::{MissedTickBehavior, interval},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api,
    problem::{Kind, Problem, ProblemDto},
    queue::QueueDto,
    tasks::{ProgressDto, TaskDto},
    who::{Caller, Viewer},
};
use crate::{
    config::Config,
    service::desk::Board,
    task::{Task, TaskId},
};

/// Events that a stream which was cut off can be given again, and that a slow one may lie behind.
const KEPT_EVENTS: usize = 1024;
/// More tasks at once are not told one by one.
const TASKS_AT_ONCE: usize = 256;
/// Between two looks at the board: changes of one moment are told together.
const GATHER: Duration = Duration::from_millis(100);
const STREAMS_LIMIT: usize = 512;
/// An idle stream says that it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Between two looks whether a caller may still look.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(events))
}

/// Where all streams get their events from. Clones are the same.
#[derive(Clone)]
pub struct Feed {
    kept: Arc<Mutex<Kept>>,
    sender: broadcast::Sender<Arc<Event>>,
    places: Arc<Semaphore>,
    stopped: watch::Receiver<bool>,
}

struct Kept {
    /// Tells this run's numbers from those of another.
    epoch: String,
    /// Of the newest event.
    number: u64,
    /// Oldest first.
    events: VecDeque<Arc<Event>>,
}

/// One thing that has changed.
#[derive(Debug, PartialEq, Eq)]
struct Event {
    /// `None`: it comes with others, and only the last of them tells where the stream is.
    number: Option<u64>,
    name: &'static str,
    /// JSON.
    data: String,
}

/// What a stream that was cut off is given.
#[derive(Debug, PartialEq, Eq)]
enum Resumed {
    /// What it has missed.
    With(Vec<Arc<Event>>),
    /// It cannot be told any more what it has missed.
    Anew,
}

impl Feed {
    /// All streams end when `stopped` says so.
    #[must_use]
    pub fn new(stopped: watch::Receiver<bool>) -> Self {
        let kept = Kept {
            epoch: format!("{:x}", Timestamp::now().as_millisecond()),
            number: 0,
            events: VecDeque::new(),
        };
        Self {
            kept: Arc::new(Mutex::new(kept)),
            sender: broadcast::Sender::new(KEPT_EVENTS),
            places: Arc::new(Semaphore::new(STREAMS_LIMIT)),
            stopped,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To all streams.
    pub fn tell(&self, name: &'static str, data: &impl Serialize) {
        let Ok(data) = serde_json::to_string(data) else {
            return;
        };
        let mut kept = self.lock();
        let event = kept.keep(name, data);
        // Under the lock, so that who begins to listen misses none and gets none twice.
        drop(self.sender.send(event));
    }

    /// Begins to listen: what `last` has missed, and all that comes.
    fn listen(&self, last: Option<&str>) -> (Resumed, broadcast::Receiver<Arc<Event>>, String, u64) {
        let kept = self.lock();
        let resumed = last.map_or(Resumed::Anew, |last| kept.since(last));
        (resumed, self.sender.subscribe(), kept.epoch.clone(), kept.number)
    }
}

impl Kept {
    fn keep(&mut self, name: &'static str, data: String) -> Arc<Event> {
        self.number += 1;
        let event = Arc::new(Event {
            number: Some(self.number),
            name,
            data,
        });
        if self.events.len() >= KEPT_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(Arc::clone(&event));
        event
    }

    /// What came after the event of this id, as `EPOCH-NUMBER`.
    fn since(&self, last: &str) -> Resumed {
        let number = last
            .rsplit_once('-')
            .filter(|(epoch, _)| *epoch == self.epoch)
            .and_then(|(_, number)| number.parse::<u64>().ok())
            .filter(|number| *number <= self.number);
        let oldest = self.number - self.events.len() as u64;
        match number {
            Some(number) if number >= oldest => {
                let missed = self.events.iter().filter(|event| event.number > Some(number));
                Resumed::With(missed.cloned().collect())
            }
            _ => Resumed::Anew,
        }
    }
}

/// A task that is no longer in the queue.
#[derive(Debug, Serialize)]
struct Removed<'a> {
    id: &'a str,
}

/// The lists are to be read anew.
#[derive(Debug, Serialize)]
struct Reset {
    reason: &'static str,
}

impl Reset {
    fn of(reason: &'static str) -> Self {
        Self { reason }
    }
}

/// Others are in force.
#[derive(Debug, Serialize)]
struct SettingsEvent {}

/// How far everything is that runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct LiveDto {
    encodes: Vec<EncodeDto>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct EncodeDto {
    id: String,
    frozen: bool,
    progress: ProgressDto,
}

impl From<&Board> for LiveDto {
    fn from(board: &Board) -> Self {
        let encodes = board.live.encodes.iter().map(|encode| EncodeDto {
            id: encode.id.clone(),
            frozen: encode.frozen,
            progress: ProgressDto::from(encode),
        });
        Self {
            encodes: encodes.collect(),
        }
    }
}

/// What a board changes against the one before, by tasks.
#[derive(Debug, PartialEq)]
struct Difference<'a> {
    changed: Vec<&'a Arc<Task>>,
    removed: Vec<&'a TaskId>,
}

/// Both are in the order in which tasks came; new ones come at the end.
fn difference<'a>(before: &'a [Arc<Task>], now: &'a [Arc<Task>]) -> Difference<'a> {
    let mut difference = Difference {
        changed: Vec::new(),
        removed: Vec::new(),
    };
    let mut left = now.iter();
    let mut next = left.next();
    for old in before {
        match next {
            Some(new) if Arc::ptr_eq(old, new) => next = left.next(),
            Some(new) if old.id == new.id => {
                // One that was written down again may be the same in another place.
                if old != new {
                    difference.changed.push(new);
                }
                next = left.next();
            }
            _ => difference.removed.push(&old.id),
        }
    }
    difference.changed.extend(next.into_iter().chain(left));
    difference
}

/// Tells all streams what changes, for as long as the service runs.
pub async fn follow(api: Api) {
    let mut changes = api.desk.changes();
    let mut told = Told::of(&api.desk.board());
    while changes.changed().await.is_ok() {
        told.go_on(&api.desk.board(), &api.feed);
        tokio::time::sleep(GATHER).await;
    }
}

/// What the streams know.
struct Told {
    tasks: Arc<Vec<Arc<Task>>>,
    live: LiveDto,
    queue: QueueDto,
    config: Arc<Config>,
}

impl Told {
    fn of(board: &Board) -> Self {
        Self {
            tasks: Arc::clone(&board.tasks),
            live: LiveDto::from(board),
            queue: QueueDto::from(board),
            config: Arc::clone(&board.config),
        }
    }

    fn go_on(&mut self, board: &Board, feed: &Feed) {
        let before = std::mem::replace(self, Self::of(board));
        if !Arc::ptr_eq(&before.tasks, &self.tasks) {
            let difference = difference(&before.tasks, &self.tasks);
            if difference.changed.len() + difference.removed.len() > TASKS_AT_ONCE {
                feed.tell("reset", &Reset::of("many tasks have changed at once"));
            } else {
                for id in difference.removed {
                    feed.tell("removed", &Removed { id: id.as_str() });
                }
                for task in difference.changed {
                    feed.tell("task", &TaskDto::on(board, task));
                }
            }
        }
        if before.live != self.live {
            feed.tell("live", &self.live);
        }
        if before.queue != self.queue {
            feed.tell("queue", &self.queue);
        }
        if !Arc::ptr_eq(&before.config, &self.config) {
            feed.tell("settings", &SettingsEvent {});
        }
    }
}

/// Streams what changes (`text/event-stream`).
///
/// `task`: a task as it is now. `removed`: one that has left the queue for an archive. `live`: how far each encode is, at
/// most once a second. `queue`: how the queue stands. `uploads`: an upload as it is now, as `{"id", "upload"}`; `upload`
/// is `null` when it is gone. `settings`: others are in force. `reset`: read the lists anew, what has changed since
/// cannot be told. `alive`: nothing, when nothing else was told for 20 seconds. Send the id of the last event that came
/// as `Last-Event-ID` (browsers do it by themselves) to go on from there.
#[utoipa::path(
    get,
    path = "/events",
    tag = "events",
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that came.")),
    responses(
        (status = 200, content_type = "text/event-stream", body = String),
        (status = "4XX", body = ProblemDto, content_type = "application/problem+json"),
        (status = 503, body = ProblemDto, content_type = "application/problem+json"),
    )
)]
async fn events(
    Viewer(caller): Viewer,
    State(api): State<Api>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let place = Arc::clone(&api.feed.places).try_acquire_owned().map_err(|_| {
        let message = format!("{STREAMS_LIMIT} streams are open already; close one");
        Problem::new(Kind::Unavailable, message).after(30)
    })?;
    let last = headers.get("last-event-id").and_then(|last| last.to_str().ok());
    let stream = open(api, caller, last, place);
    // As an event: a page cannot see a comment.
    let alive = SseEvent::default().event("alive").data("{}");
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).event(alive);
    Ok(Sse::new(stream).keep_alive(keep_alive).into_response())
}

/// One stream.
struct Listener {
    api: Api,
    caller: Caller,
    receiver: broadcast::Receiver<Arc<Event>>,
    epoch: String,
    /// To be sent first.
    first: VecDeque<Arc<Event>>,
    ask_again: tokio::time::Interval,
    stopped: watch::Receiver<bool>,
    _place: OwnedSemaphorePermit,
}

fn open(
    api: Api,
    caller: Caller,
    last: Option<&str>,
    place: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<SseEvent, Infallible>> + use<> {
    let (resumed, receiver, epoch, number) = api.feed.listen(last);
    let first = match resumed {
        Resumed::With(missed) => missed.into(),
        Resumed::Anew => beginning(&api.desk.board(), number, last.is_some()),
    };
    let mut ask_again = interval(ASK_AGAIN);
    ask_again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let listener = Listener {
        stopped: api.feed.stopped.clone(),
        api,
        caller,
        receiver,
        epoch,
        first,
        ask_again,
        _place: place,
    };
    stream::unfold(listener, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    })
}

/// What a stream begins with that has missed nothing, or too much. Only the last has an id: who is cut off among them
/// begins anew.
fn beginning(board: &Board, number: u64, has_missed: bool) -> VecDeque<Arc<Event>> {
    let reset = has_missed.then(|| {
        json(
            "reset",
            &Reset::of("what has changed since cannot be told any more"),
        )
    });
    let events = [
        reset.flatten(),
        json("live", &LiveDto::from(board)),
        json("queue", &QueueDto::from(board)),
    ];
    let mut events: VecDeque<Event> = events.into_iter().flatten().collect();
    if let Some(last) = events.back_mut() {
        last.number = Some(number);
    }
    events.into_iter().map(Arc::new).collect()
}

fn json(name: &'static str, data: &impl Serialize) -> Option<Event> {
    let data = serde_json::to_string(data).ok()?;
    Some(Event {
        number: None,
        name,
        data,
    })
}

impl Listener {
    /// `None` ends the stream.
    async fn next(&mut self) -> Option<SseEvent> {
        if let Some(event) = self.first.pop_front() {
            return Some(self.told(&event));
        }
        loop {
            tokio::select! {
                received = self.receiver.recv() => match received {
                    Ok(event) => return Some(self.told(&event)),
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        let (_, receiver, _, number) = self.api.feed.listen(None);
                        self.receiver = receiver;
                        self.first = beginning(&self.api.desk.board(), number, true);
                        let event = self.first.pop_front()?;
                        return Some(self.told(&event));
                    }
                    Err(broadcast::error::RecvError::Closed) => return None,
                },
                _ = self.ask_again.tick() => {
                    let config = self.api.desk.config();
                    if !self.api.access.still_knows(&self.caller, &config.http, Timestamp::now()) {
                        return None;
                    }
                }
                _ = self.stopped.changed() => return None,
            }
        }
    }

    fn told(&self, event: &Event) -> SseEvent {
        let told = SseEvent::default().event(event.name).data(&event.data);
        match event.number {
            Some(number) => told.id(format!("{}-{number}", self.epoch)),
            None => told,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Resolution, Status};
    use proptest::prelude::*;

    fn task(number: usize) -> Arc<Task> {
        let id = format!("t{number:03}");
        Arc::new(Task::new(
            id.as_str().into(),
            format!("720/{id}.mkv").into(),
            Some(Resolution(720)),
            Timestamp::UNIX_EPOCH,
        ))
    }

    #[derive(Debug, Clone, Copy)]
    enum Fate {
        Stays,
        Changes,
        IsCopied,
        Leaves,
    }

    proptest! {
        #[test]
        fn a_difference_names_each_task_that_changed_came_or_left_and_no_other(
            fates in prop::collection::vec(
                prop::sample::select(vec![Fate::Stays, Fate::Changes, Fate::IsCopied, Fate::Leaves]), 0..30),
            new in 0..5_usize,
        ) {
            let before: Vec<Arc<Task>> = (0..fates.len()).map(task).collect();
            let mut now = Vec::new();
            let (mut changed, mut removed) = (Vec::new(), Vec::new());
            for (task, fate) in before.iter().zip(&fates) {
                match fate {
                    Fate::Stays => now.push(Arc::clone(task)),
                    Fate::IsCopied => now.push(Arc::new(Task::clone(task))),
                    Fate::Changes => {
                        let mut other = Task::clone(task);
                        other.status = Status::Failed;
                        changed.push(other.id.clone());
                        now.push(Arc::new(other));
                    }
                    Fate::Leaves => removed.push(&task.id),
                }
            }
            let came: Vec<Arc<Task>> = (fates.len()..fates.len() + new).map(task).collect();
            changed.extend(came.iter().map(|task| task.id.clone()));
            now.extend(came.iter().cloned());
            let found = difference(&before, &now);
            let found_changed: Vec<TaskId> = found.changed.iter().map(|task| task.id.clone()).collect();
            prop_assert_eq!((found_changed, found.removed), (changed, removed));
        }

        #[test]
        fn a_stream_that_was_cut_off_gets_exactly_what_it_missed_or_begins_anew(
            told in 0..(2 * KEPT_EVENTS as u64),
            seen in 0..(2 * KEPT_EVENTS as u64),
        ) {
            let mut kept = Kept { epoch: "e".into(), number: 0, events: VecDeque::new() };
            for _ in 0..told {
                kept.keep("task", String::new());
            }
            let missed: Vec<u64> = match kept.since(&format!("e-{seen}")) {
                Resumed::With(missed) => missed.iter().filter_map(|event| event.number).collect(),
                Resumed::Anew => {
                    prop_assert!(seen > told || told - seen > KEPT_EVENTS as u64);
                    return Ok(());
                }
            };
            prop_assert!(seen <= told);
            prop_assert_eq!(missed, (seen + 1..=told).collect::<Vec<u64>>());
        }
    }

    #[test]
    fn an_id_of_another_run_or_of_none_begins_anew() {
        let mut kept = Kept {
            epoch: "e".into(),
            number: 0,
            events: VecDeque::new(),
        };
        kept.keep("task", String::new());
        for last in [
            "",
            "e",
            "e-",
            "e-x",
            "f-1",
            "e-2",
            "e--1",
            "e-99999999999999999999",
        ] {
            assert_eq!(kept.since(last), Resumed::Anew, "{last:?}");
        }
        assert!(matches!(kept.since("e-1"), Resumed::With(missed) if missed.is_empty()));
    }
}
