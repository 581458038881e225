//! What `top` shows, from wherever it comes.
//!
//! Never in here: where it comes from, how it looks.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use crate::{
    cli::status::Present,
    http::system::LoadDto,
    queue::WhilePaused,
    receipt::wire,
    service::LiveEncode,
    task::{Savings, Status, Task, TaskId},
};

/// How everything stands.
#[derive(Debug, Clone)]
pub struct Now {
    pub present: Present,
    /// Of the sources that are encoded, by the task's id.
    pub source_bytes: BTreeMap<String, u64>,
    /// `None`: not counted yet.
    pub saved: Option<Savings>,
    /// `None`: it could not be read.
    pub machine: Option<Arc<LoadDto>>,
    pub problems: Vec<Trouble>,
}

/// Something that is wrong, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub weight: Weight,
    pub message: String,
    pub way_out: String,
    /// `None`: it is not known.
    pub since: Option<Timestamp>,
}

/// What comes of a trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Work goes on.
    Mild,
    /// Some or all work stands still.
    Grave,
}

/// Whether an encode gets anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    Goes,
    /// A person has frozen it, alone or with all others.
    Frozen,
}

/// What new encodes do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// No service works here.
    Absent,
    Begins,
    /// Outside the hours of `schedule`.
    Outside {
        begins: Timestamp,
    },
    Paused {
        since: Timestamp,
        running: WhilePaused,
    },
}

impl Now {
    #[must_use]
    pub fn encodes(&self) -> &[LiveEncode] {
        self.present.live.as_ref().map_or(&[], |live| &live.encodes)
    }

    #[must_use]
    pub fn encode_of(&self, id: &TaskId) -> Option<&LiveEncode> {
        self.encodes().iter().find(|encode| encode.id == id.as_str())
    }

    #[must_use]
    pub fn motion(&self, encode: &LiveEncode) -> Motion {
        match encode.frozen || self.present.control.freezes() {
            true => Motion::Frozen,
            false => Motion::Goes,
        }
    }

    /// Tasks of the queue with this status.
    #[must_use]
    pub fn count(&self, status: &Status) -> usize {
        self.present.counts.get(status.as_str()).copied().unwrap_or(0)
    }

    #[must_use]
    pub fn count_in(&self, tab: Tab) -> usize {
        match tab.statuses() {
            [] => self.present.counts.values().sum(),
            statuses => statuses.iter().map(|status| self.count(status)).sum(),
        }
    }

    #[must_use]
    pub fn pace(&self) -> Pace {
        let control = &self.present.control;
        let outside = self.present.live.as_ref().and_then(|live| live.hours_begin);
        match (&self.present.pid, control.paused_since, outside) {
            (None, ..) => Pace::Absent,
            (_, Some(since), _) => Pace::Paused {
                since,
                running: control.while_paused,
            },
            (_, None, Some(begins)) => Pace::Outside { begins },
            (_, None, None) => Pace::Begins,
        }
    }
}

/// Which tasks the list has: the tabs of the page's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tab {
    #[default]
    ToDo,
    Failed,
    Done,
    Cancelled,
    All,
}

impl Tab {
    pub const EVERY: [Self; 5] = [Self::ToDo, Self::Failed, Self::Done, Self::Cancelled, Self::All];

    /// Empty: any.
    #[must_use]
    pub fn statuses(self) -> &'static [Status] {
        match self {
            Self::ToDo => &[Status::Processing, Status::Queued],
            Self::Failed => &[
                Status::Failed,
                Status::ErrorMissingInput,
                Status::ErrorNoResolution,
                Status::ErrorException,
            ],
            Self::Done => &[Status::Processed, Status::Skipped],
            Self::Cancelled => &[Status::Cancelled],
            Self::All => &[],
        }
    }

    /// The statuses as the API is asked for them.
    #[must_use]
    pub fn query(self) -> String {
        let statuses: Vec<&str> = self.statuses().iter().map(Status::as_str).collect();
        statuses.join(",")
    }

    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::ToDo => "To do",
            Self::Failed => "Failed",
            Self::Done => "Done",
            Self::Cancelled => "Cancelled",
            Self::All => "All",
        }
    }

    /// The order in which a person expects them.
    #[must_use]
    pub fn sort(self) -> SortBy {
        match self {
            Self::ToDo => SortBy::Turn,
            Self::Failed | Self::Done | Self::Cancelled => SortBy::LastEnded,
            Self::All => SortBy::Newest,
        }
    }

    #[must_use]
    pub fn next(self) -> Self {
        next_of(&Self::EVERY, self)
    }
}

/// In which order the list has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortBy {
    #[default]
    Turn,
    Newest,
    LastEnded,
    Path,
    Largest,
    Priority,
}

impl SortBy {
    pub const EVERY: [Self; 6] = [
        Self::Turn,
        Self::Newest,
        Self::LastEnded,
        Self::Path,
        Self::Largest,
        Self::Priority,
    ];

    /// As the API calls it.
    #[must_use]
    pub fn query(self) -> &'static str {
        match self {
            Self::Turn => "turn",
            Self::Newest => "-added",
            Self::LastEnded => "-ended",
            Self::Path => "path",
            Self::Largest => "-size",
            Self::Priority => "-priority",
        }
    }

    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Turn => "order of encoding",
            Self::Newest => "newest first",
            Self::LastEnded => "ended last first",
            Self::Path => "path, A to Z",
            Self::Largest => "largest first",
            Self::Priority => "highest priority first",
        }
    }

    #[must_use]
    pub fn next(self) -> Self {
        next_of(&Self::EVERY, self)
    }
}

fn next_of<T: Copy + PartialEq + Default>(every: &[T], of: T) -> T {
    let place = every.iter().position(|one| *one == of);
    let next = place.and_then(|place| every.get(place + 1)).or(every.first());
    next.copied().unwrap_or_default()
}

/// Which list is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    pub tab: Tab,
    pub sort: SortBy,
    /// Part of the path, in any case.
    pub text: String,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    pub view: View,
    /// The place of the first of `tasks` in the list.
    pub first: usize,
    /// Of the whole list.
    pub total: usize,
    pub tasks: Vec<Task>,
}

impl Rows {
    /// `None`: it is not in this part.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<&Task> {
        self.tasks.get(place.checked_sub(self.first)?)
    }

    #[must_use]
    pub fn place_of(&self, id: &TaskId) -> Option<usize> {
        let place = self.tasks.iter().position(|task| task.id == *id)?;
        Some(self.first + place)
    }
}

/// One task in full.
#[derive(Debug, Clone, PartialEq)]
pub struct Details {
    pub task: Task,
    pub receipt: Receipt,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Receipt {
    Read(Box<wire::File>),
    /// Why there is none to show.
    Absent(String),
}

/// What is to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Want {
    pub view: View,
    pub first: usize,
    pub count: usize,
    pub details: Option<TaskId>,
}

/// What a person orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    Pause(WhilePaused),
    Resume,
    Cancel(TaskId),
    Retry(TaskId),
    RetryFailed,
    Priority(TaskId, i32),
    /// Begun right before another one; `None`: last.
    Place {
        id: TaskId,
        before: Option<TaskId>,
    },
    /// One encode stands still, with all that it has.
    Freeze(TaskId),
    Thaw(TaskId),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_comes_round() {
        let tab = Tab::EVERY.iter().fold(Tab::default(), |tab, expected| {
            assert_eq!(tab, *expected);
            tab.next()
        });
        assert_eq!(tab, Tab::default());
        let sort = SortBy::EVERY.iter().fold(SortBy::default(), |sort, expected| {
            assert_eq!(sort, *expected);
            sort.next()
        });
        assert_eq!(sort, SortBy::default());
    }

    #[test]
    fn every_task_is_in_a_tab_beside_all() {
        for status in [
            "queued",
            "processing",
            "processed",
            "skipped",
            "cancelled",
            "failed",
            "error_missing_input",
            "error_no_resolution",
            "error_exception",
        ] {
            let tabs = Tab::EVERY
                .iter()
                .filter(|tab| tab.statuses().contains(&status.into()));
            assert_eq!(tabs.count(), 1, "{status}");
        }
    }

    #[test]
    fn every_order_of_the_list_is_one_that_the_api_knows() {
        for sort in SortBy::EVERY {
            assert!(
                sort.query().parse::<crate::http::page::Sort>().is_ok(),
                "{sort:?}"
            );
        }
    }

    #[test]
    fn a_row_is_found_by_its_place_in_the_whole_list() {
        let task = |id: &str| Task::new(id.into(), "720/a".into(), None, Timestamp::UNIX_EPOCH);
        let rows = Rows {
            first: 10,
            total: 100,
            tasks: vec![task("a"), task("b")],
            ..Rows::default()
        };
        assert_eq!(rows.at(11).map(|task| task.id.as_str()), Some("b"));
        assert_eq!(rows.place_of(&"b".into()), Some(11));
        assert!(rows.at(9).is_none() && rows.at(12).is_none() && rows.place_of(&"c".into()).is_none());
    }
}
