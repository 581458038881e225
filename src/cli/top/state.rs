//! What is on the screen and what a key does to it. Pure.
//!
//! Promises: the same state and the same key always give the same state and the same order; the chosen task stays chosen
//! when the list moves under it.
//! Never in here: the terminal, the clock, files, the network.

use jiff::Timestamp;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{
    list::{List, Way},
    picture::{Details, Now, Order, Rows, SortBy, Tab, View, Want},
};
use crate::{
    queue::WhilePaused,
    task::{Status, Task, TaskId},
};

/// The API gives no more at once.
const ROWS_LIMIT: usize = 500;
const PRIORITY_STEP: i32 = 1;

/// Everything that is shown.
#[derive(Debug, Default)]
pub struct State {
    pub screen: Screen,
    pub over: Over,
    /// `None`: nothing has been heard yet.
    pub now: Option<Now>,
    /// When something was heard last.
    pub heard: Option<Timestamp>,
    /// Why nothing is heard, since the last time.
    pub lost: Option<String>,
    /// Which encode of *Now* is chosen.
    pub encode: usize,
    pub list: List,
    pub details: Option<Details>,
    pub told: Option<Told>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Screen {
    #[default]
    Now,
    Queue,
}

/// What lies over the screen and takes the keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Over {
    #[default]
    Nothing,
    Help,
    Details {
        id: TaskId,
        scrolled: u16,
    },
    Question {
        order: Order,
        text: String,
    },
    /// A search is typed; the former one comes back with Esc.
    Search {
        former: String,
    },
}

/// The answer to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    Done(String),
    Refused(String),
}

/// What a key asks for beyond what is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    Quit,
    Order(Order),
}

/// What is chosen, for an order about it.
struct Chosen {
    id: TaskId,
    name: String,
    status: Status,
    priority: Option<i32>,
    is_frozen: bool,
}

impl State {
    /// What is to be fetched for the screen: the rows on it, and as many above and below.
    #[must_use]
    pub fn want(&self) -> Want {
        let List {
            top, height, view, ..
        } = &self.list;
        let first = top.saturating_sub(*height);
        Want {
            view: view.clone(),
            first,
            count: (top - first + 2 * height).clamp(1, ROWS_LIMIT),
            details: match &self.over {
                Over::Details { id, .. } => Some(id.clone()),
                _ => None,
            },
        }
    }

    pub fn take_now(&mut self, now: Now, at: Timestamp) {
        self.encode = self.encode.min(now.encodes().len().saturating_sub(1));
        self.now = Some(now);
        self.heard = Some(at);
        self.lost = None;
    }

    pub fn take_rows(&mut self, rows: Rows) {
        self.list.take(rows);
    }

    /// Rows on the screen.
    pub fn resize_list(&mut self, height: usize) {
        self.list.height = height;
        self.list.follow();
    }

    /// A key was pressed.
    pub fn press(&mut self, key: KeyEvent) -> Option<Asked> {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return matches!(key.code, KeyCode::Char('c')).then_some(Asked::Quit);
        }
        if key.modifiers.contains(KeyModifiers::ALT) {
            return None;
        }
        match std::mem::take(&mut self.over) {
            Over::Nothing => self.press_on_screen(key.code),
            Over::Help => {
                if !matches!(key.code, KeyCode::Esc | KeyCode::Char('?' | 'q') | KeyCode::Enter) {
                    self.over = Over::Help;
                }
                None
            }
            Over::Details { id, scrolled } => self.press_on_details(key.code, id, scrolled),
            Over::Question { order, text } => match key.code {
                KeyCode::Char('y' | 'Y') => Some(Asked::Order(order)),
                KeyCode::Char('n' | 'N' | 'q') | KeyCode::Esc => None,
                _ => {
                    self.over = Over::Question { order, text };
                    None
                }
            },
            Over::Search { former } => {
                self.press_on_search(key.code, former);
                None
            }
        }
    }

    fn press_on_screen(&mut self, code: KeyCode) -> Option<Asked> {
        self.told = None;
        match code {
            KeyCode::Char('K') => return self.move_chosen(Way::Sooner),
            KeyCode::Char('J') => return self.move_chosen(Way::Later),
            KeyCode::Char('q') => return Some(Asked::Quit),
            KeyCode::Char('?') | KeyCode::F(1) => self.over = Over::Help,
            KeyCode::Tab | KeyCode::BackTab | KeyCode::Left | KeyCode::Right => {
                self.screen = match self.screen {
                    Screen::Now => Screen::Queue,
                    Screen::Queue => Screen::Now,
                };
            }
            KeyCode::Char('1') => self.screen = Screen::Now,
            KeyCode::Char('2') => self.screen = Screen::Queue,
            KeyCode::Char('/') => {
                self.screen = Screen::Queue;
                self.over = Over::Search {
                    former: self.list.view.text.clone(),
                };
            }
            KeyCode::Esc if self.screen == Screen::Queue => self.list.look_at(View {
                text: String::new(),
                ..self.list.view.clone()
            }),
            KeyCode::Char('f') if self.screen == Screen::Queue => {
                let tab = self.list.view.tab.next();
                self.list.look_at(View {
                    tab,
                    sort: tab.sort(),
                    ..self.list.view.clone()
                });
            }
            KeyCode::Char('s') if self.screen == Screen::Queue => self.list.look_at(View {
                sort: self.list.view.sort.next(),
                ..self.list.view.clone()
            }),
            KeyCode::Enter => {
                if let Some(chosen) = self.chosen() {
                    self.details = None;
                    self.over = Over::Details {
                        id: chosen.id,
                        scrolled: 0,
                    };
                }
            }
            code => {
                self.walk(code);
                return self.order(code);
            }
        }
        None
    }

    fn press_on_details(&mut self, code: KeyCode, id: TaskId, scrolled: u16) -> Option<Asked> {
        let to = |scrolled| Over::Details {
            id: id.clone(),
            scrolled,
        };
        match code {
            KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q') => self.details = None,
            KeyCode::Up | KeyCode::Char('k') => self.over = to(scrolled.saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => self.over = to(scrolled.saturating_add(1)),
            KeyCode::PageUp => self.over = to(scrolled.saturating_sub(10)),
            KeyCode::PageDown => self.over = to(scrolled.saturating_add(10)),
            KeyCode::Home => self.over = to(0),
            code => {
                self.over = to(scrolled);
                return self.order(code);
            }
        }
        None
    }

    fn press_on_search(&mut self, code: KeyCode, former: String) {
        let mut text = self.list.view.text.clone();
        match code {
            KeyCode::Enter => return,
            KeyCode::Esc => text.clone_from(&former),
            KeyCode::Backspace => drop(text.pop()),
            // What is pasted may hold anything.
            KeyCode::Char(character) if !character.is_control() => text.push(character),
            _ => {}
        }
        if code != KeyCode::Esc {
            self.over = Over::Search { former };
        }
        if text != self.list.view.text {
            self.list.look_at(View {
                text,
                ..self.list.view.clone()
            });
        }
    }

    fn walk(&mut self, code: KeyCode) {
        let page = self.list.height.saturating_sub(1).max(1);
        let (place, last) = match self.screen {
            Screen::Now => (self.encode, self.encodes().saturating_sub(1)),
            Screen::Queue => (self.list.chosen, self.list.rows.total.saturating_sub(1)),
        };
        let to = match code {
            KeyCode::Up | KeyCode::Char('k') => place.saturating_sub(1),
            KeyCode::Down | KeyCode::Char('j') => place + 1,
            KeyCode::PageUp => place.saturating_sub(page),
            KeyCode::PageDown => place + page,
            KeyCode::Home | KeyCode::Char('g') => 0,
            KeyCode::End | KeyCode::Char('G') => last,
            _ => return,
        };
        match self.screen {
            Screen::Now => self.encode = to.min(last),
            Screen::Queue => self.list.choose(to.min(last)),
        }
    }

    fn order(&mut self, code: KeyCode) -> Option<Asked> {
        let order = match code {
            KeyCode::Char(' ') => self.pause_or_resume(WhilePaused::Finish)?,
            KeyCode::Char('Z') => self.pause_or_resume(WhilePaused::Freeze)?,
            KeyCode::Char('R') => Order::RetryFailed,
            code => return self.order_about(code, self.chosen()?),
        };
        Some(Asked::Order(order))
    }

    fn order_about(&mut self, code: KeyCode, chosen: Chosen) -> Option<Asked> {
        let Chosen {
            id,
            name,
            status,
            priority,
            is_frozen,
        } = chosen;
        let refused = |why: &str| Some(Told::Refused(format!("{name}: {why}")));
        let order = match code {
            KeyCode::Char('c') | KeyCode::Delete if status.may_become(&Status::Cancelled) => {
                let lost = match status {
                    Status::Processing => " What is encoded of it is lost.",
                    _ => "",
                };
                let text = format!("Cancel {name}? Its source stays.{lost}");
                self.over = Over::Question {
                    order: Order::Cancel(id),
                    text,
                };
                return None;
            }
            KeyCode::Char('c') | KeyCode::Delete => {
                self.told = refused("is over, there is nothing to cancel");
                return None;
            }
            KeyCode::Char('r') if status.is_finished() => Order::Retry(id),
            KeyCode::Char('r') => {
                self.told = refused("is not over, there is nothing to retry");
                return None;
            }
            KeyCode::Char('z') if status == Status::Processing => match is_frozen {
                true => Order::Thaw(id),
                false => Order::Freeze(id),
            },
            KeyCode::Char('z') => {
                self.told = refused("is not encoded, there is nothing to freeze");
                return None;
            }
            KeyCode::Char('+' | '=' | '-') if status.is_finished() => {
                self.told = refused("is over, its priority means nothing");
                return None;
            }
            KeyCode::Char('+' | '=') => {
                let priority = priority?.saturating_add(PRIORITY_STEP);
                self.foresee_priority(&id, priority);
                Order::Priority(id, priority)
            }
            KeyCode::Char('-') => {
                let priority = priority?.saturating_sub(PRIORITY_STEP);
                self.foresee_priority(&id, priority);
                Order::Priority(id, priority)
            }
            _ => return None,
        };
        Some(Asked::Order(order))
    }

    /// One place up or down in the order of encoding.
    fn move_chosen(&mut self, way: Way) -> Option<Asked> {
        if self.screen != Screen::Queue {
            return None;
        }
        let view = &self.list.view;
        if (view.tab, view.sort) != (Tab::ToDo, SortBy::Turn) || !view.text.is_empty() {
            let why = "tasks are moved in To do, in the order of encoding, without a search";
            self.told = Some(Told::Refused(why.into()));
            return None;
        }
        let order = self.list.move_chosen(way)?;
        Some(Asked::Order(order))
    }

    /// `None` before it is known how it stands, and without a service for what only a service can do.
    fn pause_or_resume(&self, running: WhilePaused) -> Option<Order> {
        let control = &self.now.as_ref()?.present.control;
        Some(match (control.paused_since, control.while_paused == running) {
            (Some(_), true) => Order::Resume,
            // Space ends any pause; Z makes what runs in one stand still.
            (Some(_), false) if running == WhilePaused::Finish => Order::Resume,
            _ => Order::Pause(running),
        })
    }

    /// So that a second press goes on from the first.
    fn foresee_priority(&mut self, id: &TaskId, priority: i32) {
        let in_details = self.details.as_mut().map(|details| &mut details.task);
        for task in self.list.rows.tasks.iter_mut().chain(in_details) {
            if task.id == *id {
                task.priority = priority;
            }
        }
    }

    fn encodes(&self) -> usize {
        self.now.as_ref().map_or(0, |now| now.encodes().len())
    }

    fn chosen(&self) -> Option<Chosen> {
        let of_task = |task: &Task| Chosen {
            id: task.id.clone(),
            name: task.shown().to_string(),
            status: task.status.clone(),
            priority: Some(task.priority),
            is_frozen: self
                .now
                .as_ref()
                .is_some_and(|now| now.encode_of(&task.id).is_some_and(|encode| encode.frozen)),
        };
        if let Over::Details { id, .. } = &self.over {
            let details = self.details.as_ref().filter(|details| details.task.id == *id)?;
            return Some(of_task(&details.task));
        }
        match self.screen {
            Screen::Queue => self.list.rows.at(self.list.chosen).map(of_task),
            Screen::Now => {
                let encode = self.now.as_ref()?.encodes().get(self.encode)?;
                Some(Chosen {
                    id: encode.id.as_str().into(),
                    name: crate::task::Shown(encode.path.as_ref()).to_string(),
                    status: Status::Processing,
                    priority: None,
                    is_frozen: encode.frozen,
                })
            }
        }
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
