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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex, mpsc};

    use super::*;
    use crate::cli::top::{picture::View, samples};

    /// Tells the samples, and writes down what it was asked.
    struct Told(Arc<Mutex<Vec<String>>>);

    impl Told {
        fn note(&self, text: String) {
            self.0.lock().unwrap().push(text);
        }
    }

    impl Source for Told {
        fn now(&mut self) -> Result<Now, String> {
            self.note("now".into());
            Ok(samples::now())
        }

        fn rows(&mut self, want: &Want) -> Result<Rows, String> {
            self.note(format!("rows {}", want.first));
            Ok(samples::rows(want))
        }

        fn details(&mut self, id: &TaskId) -> Result<Details, String> {
            self.note(format!("details {id}"));
            Err("gone".into())
        }

        fn obey(&mut self, order: &Order) -> Result<String, String> {
            self.note(format!("{order:?}"));
            Ok("done".into())
        }
    }

    fn from(first: usize) -> Ask {
        Ask::Show(Want {
            view: View::default(),
            first,
            count: 10,
            details: Some("t4".into()),
        })
    }

    #[test]
    fn of_many_wants_the_last_one_is_fetched_and_orders_come_before_what_they_change() {
        let noted = Arc::new(Mutex::new(Vec::new()));
        let (asks, asked) = mpsc::channel();
        let (messages, inbox) = mpsc::channel();
        for ask in [from(1), from(2), Ask::Obey(Order::Resume), from(3)] {
            asks.send(ask).unwrap();
        }
        drop(asks);
        work(Told(Arc::clone(&noted)), &asked, &messages);
        drop(messages);
        assert_eq!(*noted.lock().unwrap(), ["Resume", "now", "rows 3", "details t4"]);
        let answers: Vec<Message> = inbox.iter().collect();
        assert!(matches!(
            answers.as_slice(),
            [
                Message::Told(Ok(_)),
                Message::Now(_),
                Message::Rows(_),
                Message::Told(Err(_))
            ]
        ));
    }

    #[test]
    fn the_work_ends_when_nobody_listens() {
        let (_asks, asked) = mpsc::channel();
        let (messages, inbox) = mpsc::channel();
        drop(inbox);
        work(Told(Arc::default()), &asked, &messages);
    }
}
