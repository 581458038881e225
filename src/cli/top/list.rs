//! The list of the queue as it is on the screen: which rows, and which of them is chosen. Pure.
//!
//! Promises: the chosen row is on the screen, and stays the same task when the list moves under it.
//! Never in here: keys.

use super::picture::{Order, Rows, View};
use crate::task::{Status, TaskId};

/// The list of the queue.
#[derive(Debug, Default)]
pub struct List {
    pub view: View,
    pub rows: Rows,
    /// Place of the chosen task in the whole list.
    pub chosen: usize,
    /// Which task that is, as far as it is known.
    pub chosen_id: Option<TaskId>,
    /// Place of the first row on the screen.
    pub top: usize,
    /// Rows on the screen.
    pub height: usize,
}

/// Where a task is moved to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Sooner,
    Later,
}

impl List {
    /// A part of the list has come.
    pub fn take(&mut self, rows: Rows) {
        // The answer to what was wanted before.
        if rows.view != self.view {
            return;
        }
        self.rows = rows;
        let known = self.chosen_id.as_ref().and_then(|id| self.rows.place_of(id));
        let last = self.rows.total.saturating_sub(1);
        self.choose(known.unwrap_or(self.chosen).min(last));
    }

    pub fn look_at(&mut self, view: View) {
        if view != self.view {
            self.view = view;
            self.rows = Rows::default();
            self.chosen_id = None;
            self.choose(0);
        }
    }

    pub fn choose(&mut self, place: usize) {
        self.chosen = place;
        self.chosen_id = self.rows.at(place).map(|task| task.id.clone());
        self.follow();
    }

    /// `None`: it does not wait, or there is nothing that it could change places with.
    pub fn move_chosen(&mut self, way: Way) -> Option<Order> {
        let waiting = |place: usize| {
            let task = self.rows.at(place)?;
            (task.status == Status::Queued).then(|| task.id.clone())
        };
        let id = waiting(self.chosen)?;
        let (to, before) = match way {
            Way::Sooner => {
                let above = self.chosen.checked_sub(1)?;
                (above, Some(waiting(above)?))
            }
            Way::Later => {
                let below = self.chosen + 1;
                waiting(below)?;
                (below, waiting(below + 1))
            }
        };
        // So that a second press goes on from the first.
        self.rows
            .tasks
            .swap(self.chosen - self.rows.first, to - self.rows.first);
        self.choose(to);
        Some(Order::Place { id, before })
    }

    /// The chosen row is on the screen.
    pub fn follow(&mut self) {
        let height = self.height.max(1);
        if self.chosen < self.top {
            self.top = self.chosen;
        } else if self.chosen >= self.top + height {
            self.top = self.chosen + 1 - height;
        }
        self.top = self.top.min(self.rows.total.saturating_sub(height));
        // The total may be that of a list that is not there yet.
        self.top = self.top.min(self.chosen);
    }
}
