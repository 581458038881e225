//! A service elsewhere, by its API.
//!
//! Promises: no request is about more tasks than are on the screen, or run.

use std::sync::Arc;

use serde_json::json;

use super::{
    picture::{Details, Now, Order, Receipt, Rows, Tab, Trouble, Want},
    source::Source,
};
use crate::{
    cli::{
        change::running_ones,
        counted,
        remote::{
            client::{Client, RemoteError, encoded},
            tasks,
        },
        show::why_absent,
    },
    receipt::wire,
    task::TaskId,
};

/// See the module.
pub struct Remote {
    client: Client,
}

impl Remote {
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    fn fetch_now(&self) -> Result<Now, RemoteError> {
        let (present, encoded) = tasks::look(&self.client)?;
        let sizes = encoded
            .iter()
            .map(|task| (task.id.to_string(), task.size_before_bytes));
        Ok(Now {
            source_bytes: sizes.collect(),
            saved: present.live.as_ref().map(|live| live.saved),
            // A disk that does not answer there is no reason to show nothing.
            machine: self.client.get("/system").ok().map(Arc::new),
            problems: Trouble::of(&present),
            present,
        })
    }

    fn act(&self, action: &serde_json::Value) -> Result<usize, RemoteError> {
        let done = self.client.post("/tasks/actions", action)?;
        Ok(done["ids"].as_array().map_or(0, Vec::len))
    }

    fn carry_out(&self, order: &Order) -> Result<String, RemoteError> {
        let client = &self.client;
        let step = |id: &TaskId, step: &str| {
            client.post(&format!("/tasks/{}/{step}", encoded(id.as_str())), &json!({}))
        };
        Ok(match order {
            Order::Pause(running) => {
                tasks::begin_pause(client, *running)?;
                format!("paused: no new encode is started, {}", running_ones(*running))
            }
            Order::Resume => {
                tasks::end_pause(client)?;
                "resumed".into()
            }
            Order::Cancel(id) => {
                tasks::end(client, id)?;
                "cancelled; its source stays".into()
            }
            Order::Retry(id) => {
                tasks::queue_again(client, id, false)?;
                "queued again".into()
            }
            Order::RetryFailed => {
                let filter = json!({ "status": Tab::Failed.query() });
                let count = self.act(&json!({ "action": "retry", "filter": filter }))?;
                match count {
                    0 => "nothing to do".into(),
                    count => format!("{} queued again", counted(count as u64, "task", "tasks")),
                }
            }
            Order::Priority(id, priority) => {
                self.act(&json!({ "action": "priority", "priority": priority, "ids": [id.as_str()] }))?;
                format!("priority {priority}")
            }
            Order::Place { id, before } => {
                let before = before.as_ref().map(TaskId::as_str);
                let place = format!("/tasks/{}/place", encoded(id.as_str()));
                client.post(&place, &json!({ "before": before }))?;
                "moved in the queue".into()
            }
            Order::Freeze(id) => {
                step(id, "freeze")?;
                "stands still, with all that it has".into()
            }
            Order::Thaw(id) => {
                step(id, "thaw")?;
                "goes on".into()
            }
        })
    }
}

fn in_words(error: &RemoteError) -> String {
    format!("the server: {error}")
}

impl Source for Remote {
    fn now(&mut self) -> Result<Now, String> {
        self.fetch_now().map_err(|error| in_words(&error))
    }

    fn rows(&mut self, want: &Want) -> Result<Rows, String> {
        let query = format!(
            "offset={}&limit={}&sort={}&status={}&q={}",
            want.first,
            want.count,
            want.view.sort.query(),
            want.view.tab.query(),
            encoded(&want.view.text)
        );
        let (tasks, total) = tasks::part(&self.client, &query).map_err(|error| in_words(&error))?;
        Ok(Rows {
            view: want.view.clone(),
            first: want.first,
            total,
            tasks,
        })
    }

    fn details(&mut self, id: &TaskId) -> Result<Details, String> {
        let task = tasks::one(&self.client, id).map_err(|error| in_words(&error))?;
        let receipt = match tasks::receipt(&self.client, id) {
            Ok(value) => match wire::File::from_value(&value) {
                Ok(receipt) => Receipt::Read(Box::new(receipt)),
                Err(error) => Receipt::Absent(format!("The receipt cannot be shown: {error}")),
            },
            Err(RemoteError::Refused { status: 404, .. }) => {
                Receipt::Absent(format!("No receipt: {}", why_absent(&task)))
            }
            Err(error) => Receipt::Absent(format!("The receipt cannot be read: {}", in_words(&error))),
        };
        Ok(Details { task, receipt })
    }

    fn obey(&mut self, order: &Order) -> Result<String, String> {
        self.carry_out(order).map_err(|error| in_words(&error))
    }
}
