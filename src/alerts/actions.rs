//! What a message lets its reader do: which buttons stand below it.
//!
//! Promises: pure; a button names one task or none, never the tasks of a whole burst; "keep original" is offered only
//! where the source stays when the result goes.
//! Never in here: signatures, addresses, what an action does.

use std::sync::Arc;

use super::{Alert, Source, message::Summary};
use crate::task::TaskId;

/// What a signed link does, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Queues a failed task again.
    Retry,
    /// Removes the result that this service made; the source stays as it is, and is not compressed again by itself.
    KeepOriginal,
    /// Begins no more encodes; running ones go on to their end.
    Pause,
}

impl Action {
    /// The word on the button.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Retry => "Retry",
            Self::KeepOriginal => "Keep original",
            Self::Pause => "Pause",
        }
    }
}

/// Makes the secret part of a link; `None`: there can be none now.
pub type Signer = Arc<dyn Fn(Action, Option<&TaskId>) -> Option<String> + Send + Sync>;

/// One button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Button {
    Act(Action, Option<TaskId>),
    /// Leads to the service.
    Open,
}

/// The buttons below a message, the most useful first; ntfy takes three.
pub(super) fn buttons(summary: &Summary) -> Vec<Button> {
    let alone = (summary.count() == 1)
        .then(|| summary.examples().next())
        .flatten();
    let about_the_task = match alone {
        Some(Alert::Failed { task: Some(task), .. }) => Some((Action::Retry, task)),
        Some(Alert::Done {
            task: Some(task),
            source: Source::Stays,
            ..
        }) => Some((Action::KeepOriginal, task)),
        _ => None,
    };
    let about_the_queue = summary.examples().next().filter(|first| {
        matches!(
            first,
            Alert::Queued { .. } | Alert::Started { .. } | Alert::Progress { .. }
        )
    });
    about_the_task
        .map(|(action, task)| Button::Act(action, Some(task.clone())))
        .into_iter()
        .chain(about_the_queue.map(|_| Button::Act(Action::Pause, None)))
        .chain([Button::Open])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::{Sizes, Wording};
    use std::time::Duration;

    fn summary(alerts: impl IntoIterator<Item = Alert>) -> Summary {
        let mut alerts = alerts.into_iter();
        let mut summary = Summary::of(alerts.next().unwrap());
        alerts.for_each(|alert| summary.absorb(alert));
        summary
    }

    #[test]
    fn a_message_offers_what_can_be_done_about_it() {
        let task = Some(TaskId::from("0123"));
        let file = || "720/a.mkv".to_owned();
        let reason = || Wording::free_of_names("odd");
        let failed = |task: &Option<TaskId>| Alert::Failed {
            file: file(),
            task: task.clone(),
            reason: reason(),
        };
        let done = |source, task: &Option<TaskId>| Alert::Done {
            file: file(),
            task: task.clone(),
            source,
            sizes: Sizes::default(),
            took: Duration::ZERO,
            summary: None,
        };
        let retry = Button::Act(Action::Retry, task.clone());
        let keep = Button::Act(Action::KeepOriginal, task.clone());
        let pause = Button::Act(Action::Pause, None);
        let queued = Alert::Queued {
            file: file(),
            task: task.clone(),
        };
        for (alerts, expected) in [
            (vec![failed(&task)], vec![retry, Button::Open]),
            (vec![failed(&None)], vec![Button::Open]),
            (vec![failed(&task), failed(&task)], vec![Button::Open]),
            (vec![done(Source::Stays, &task)], vec![keep, Button::Open]),
            (vec![done(Source::Goes, &task)], vec![Button::Open]),
            (vec![done(Source::Stays, &None)], vec![Button::Open]),
            (
                vec![done(Source::Stays, &task), done(Source::Stays, &task)],
                vec![Button::Open],
            ),
            (vec![queued.clone()], vec![pause.clone(), Button::Open]),
            (vec![queued.clone(), queued], vec![pause.clone(), Button::Open]),
            (
                vec![Alert::Progress {
                    encodes: 1,
                    left: None,
                    lines: Vec::new(),
                }],
                vec![pause, Button::Open],
            ),
            (vec![Alert::Attention { what: reason() }], vec![Button::Open]),
        ] {
            assert_eq!(buttons(&summary(alerts.clone())), expected, "{alerts:?}");
        }
    }
}
