//! `top`: *Now* and *Queue* of the page in a terminal, of this machine or of one elsewhere.
//!
//! Promises: the terminal is as it was before however this ends (a key, a signal, a panic, a lost terminal); nothing that a
//! disk or a network does holds up the keys.
//! Never in here: what a key does (`state`), how it looks (`draw`), where it comes from (`local`, `remote`).

mod draw;
mod list;
mod local;
mod picture;
mod remote;
#[cfg(test)]
mod samples;
mod source;
mod state;
mod trouble;

use std::{
    io::{self, IsTerminal},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};

use jiff::{Timestamp, tz::TimeZone};
use ratatui::{
    DefaultTerminal,
    crossterm::event::{self, Event, KeyEvent, KeyEventKind},
};

use self::{
    draw::{Look, Palette},
    local::Local,
    picture::{Details, Now, Rows},
    remote::Remote,
    source::{Ask, Source, work},
    state::{Asked, State, Told},
};
use super::{Exit, Failure, Outcome, remote::client::Client, setup::Setup};

/// A server that is silent for longer is asked again.
pub const SILENCE_LIMIT: Duration = Duration::from_secs(10);
/// The clock goes on, and so does how long nothing was heard.
const DRAWN_EVERY: Duration = Duration::from_secs(1);

/// What reaches the screen.
enum Message {
    Key(KeyEvent),
    Resized,
    /// A signal, or the terminal is gone; or a part of this program has failed.
    End(Exit),
    Now(Box<Now>),
    Rows(Rows),
    Details(Box<Details>),
    /// The answer to an order.
    Told(Result<String, String>),
    /// Why nothing could be told.
    Lost(String),
}

/// `top` of this machine.
pub fn local(setup: &Setup) -> Outcome {
    needs_terminal()?;
    run(Local::new(setup)?)
}

/// `top` of a service elsewhere.
pub fn remote(client: Client) -> Outcome {
    needs_terminal()?;
    run(Remote::new(client))
}

fn needs_terminal() -> Result<(), Failure> {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    if io::stdin().is_terminal() && io::stdout().is_terminal() && !is_dumb {
        return Ok(());
    }
    Err(Failure::environment(
        "top needs a terminal; `video-compressor status` prints the same once",
    ))
}

/// Gives the terminal back, whatever happens.
struct Screen(DefaultTerminal);

impl Screen {
    fn open() -> io::Result<Self> {
        // Also gives it back on a panic of any thread, before the panic is told.
        ratatui::try_init().map(Self).inspect_err(|_| ratatui::restore())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        drop(self.0.show_cursor());
        // A terminal that is gone needs nothing back.
        drop(ratatui::try_restore());
    }
}

fn run(source: impl Source + 'static) -> Outcome {
    let (messages, inbox) = mpsc::channel();
    let (asks, asked) = mpsc::channel();
    let on_signal = messages.clone();
    ctrlc::set_handler(move || drop(on_signal.send(Message::End(Exit::Done))))
        .map_err(|error| Failure::environment(format!("cannot listen for signals: {error}")))?;
    let mut screen = Screen::open()
        .map_err(|error| Failure::environment(format!("the terminal cannot be used: {error}")))?;
    let keys = messages.clone();
    thread::spawn(move || read_keys(&keys));
    let worker = thread::spawn(move || work(source, &asked, &messages));
    let shown = show(&mut screen.0, &inbox, &asks);
    drop(screen);
    if worker.is_finished() && worker.join().is_err() {
        return Err(Failure::environment(
            "a part of this program has failed; see above",
        ));
    }
    shown.map_err(|error| Failure::environment(format!("the terminal: {error}")))?;
    Ok(Exit::Done)
}

fn read_keys(messages: &Sender<Message>) {
    loop {
        let message = match event::read() {
            Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => Message::Key(key),
            Ok(Event::Resize(..)) => Message::Resized,
            Ok(_) => continue,
            Err(_) => Message::End(Exit::Done),
        };
        let is_end = matches!(message, Message::End(_));
        if messages.send(message).is_err() || is_end {
            return;
        }
    }
}

/// Until a person or a signal ends it.
fn show(terminal: &mut DefaultTerminal, inbox: &Receiver<Message>, asks: &Sender<Ask>) -> io::Result<Exit> {
    let mut state = State::default();
    let mut look = Look {
        palette: Palette::from_environment(),
        now: Timestamp::now(),
        zone: TimeZone::system(),
    };
    let mut wanted = None;
    loop {
        look.now = Timestamp::now();
        let size = terminal.size()?;
        state.resize_list(draw::list_rows(size.height));
        terminal.draw(|frame| draw::draw(frame, &state, &look))?;
        let want = state.want();
        if wanted.as_ref() != Some(&want) {
            wanted = Some(want.clone());
            // A worker that is gone has said so.
            drop(asks.send(Ask::Show(want)));
        }
        let first = match inbox.recv_timeout(DRAWN_EVERY) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return Ok(Exit::Failed),
        };
        // Everything that is there before the next drawing: a held key draws once.
        for message in std::iter::once(first).chain(inbox.try_iter()) {
            if let Message::End(exit) = message {
                return Ok(exit);
            }
            match take(&mut state, message) {
                Some(Asked::Quit) => return Ok(Exit::Done),
                Some(Asked::Order(order)) => drop(asks.send(Ask::Obey(order))),
                None => {}
            }
        }
    }
}

fn take(state: &mut State, message: Message) -> Option<Asked> {
    match message {
        Message::Key(key) => return state.press(key),
        Message::Resized | Message::End(_) => {}
        Message::Now(now) => state.take_now(*now, Timestamp::now()),
        Message::Rows(rows) => state.take_rows(rows),
        Message::Details(details) => state.details = Some(*details),
        Message::Told(Ok(text)) => state.told = Some(Told::Done(text)),
        Message::Told(Err(text)) => state.told = Some(Told::Refused(text)),
        Message::Lost(why) => state.lost = Some(why),
    }
    None
}
