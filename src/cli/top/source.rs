//! Where `top` gets what it shows, and who carries out its orders.
//!
//! Promises: whatever a source does, however long it takes, holds up neither the screen nor the keys.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender},
    time::{Duration, Instant},
};

use super::{
    Message,
    picture::{Details, Now, Order, Rows, Want},
};
use crate::task::TaskId;

/// Between two looks at how everything stands.
const EVERY: Duration = Duration::from_secs(1);

/// The queue of this machine, or one elsewhere. Errors are sentences for the person.
pub trait Source: Send {
    /// # Errors
    /// When it cannot be told how everything stands.
    fn now(&mut self) -> Result<Now, String>;

    /// The part of a list that is wanted.
    ///
    /// # Errors
    /// When the queue cannot be read.
    fn rows(&mut self, want: &Want) -> Result<Rows, String>;

    /// # Errors
    /// When there is no such task, or it cannot be read.
    fn details(&mut self, id: &TaskId) -> Result<Details, String>;

    /// Carries an order out; what was done.
    ///
    /// # Errors
    /// Why it was not.
    fn obey(&mut self, order: &Order) -> Result<String, String>;
}

/// What the screen asks of a source.
#[derive(Debug)]
pub enum Ask {
    Show(Want),
    Obey(Order),
}

/// Asks the source every second, and at once for what is asked here, until nobody listens.
pub fn work(mut source: impl Source, asks: &Receiver<Ask>, answers: &Sender<Message>) {
    let mut want = Want::default();
    let mut next = Instant::now();
    loop {
        let wait = next.saturating_duration_since(Instant::now());
        let mut orders = Vec::new();
        match asks.recv_timeout(wait) {
            Ok(ask) => {
                // Of many wants only the last one is what is on the screen.
                for ask in std::iter::once(ask).chain(asks.try_iter()) {
                    match ask {
                        Ask::Show(newer) => want = newer,
                        Ask::Obey(order) => orders.push(order),
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        // Also when keys are pressed all the time.
        let is_due = !orders.is_empty() || Instant::now() >= next;
        let told = orders.iter().map(|order| Message::Told(source.obey(order)));
        let mut messages: Vec<Message> = told.collect();
        if is_due {
            messages.push(match source.now() {
                Ok(now) => Message::Now(Box::new(now)),
                Err(why) => Message::Lost(why),
            });
            next = Instant::now() + EVERY;
        }
        if want.count > 0 {
            messages.push(match source.rows(&want) {
                Ok(rows) => Message::Rows(rows),
                Err(why) => Message::Lost(why),
            });
        }
        if let Some(id) = &want.details {
            messages.push(match source.details(id) {
                Ok(details) => Message::Details(Box::new(details)),
                Err(why) => Message::Told(Err(why)),
            });
        }
        for message in messages {
            if answers.send(message).is_err() {
                return;
            }
        }
    }
}
