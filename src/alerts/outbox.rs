//! The alerts that one channel has not taken yet: summing up, order, limits.
//!
//! Promises: pure but for fresh keys; never more than [`OUTBOX_LIMIT`] entries; every alert given up is counted in `dropped`.
//! Never in here: file system, network, clock (times come as arguments).

use std::{
    collections::VecDeque,
    fmt,
    hash::{BuildHasher, RandomState},
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::{
    Alert,
    message::{self, Summary},
};
use crate::config::AlertKind;

/// Entries beyond this many push out the oldest.
pub const OUTBOX_LIMIT: usize = 1_000;
/// Longer names and reasons are cut, so that the outbox has a bound in bytes too (a path has at most 4,096).
const TEXT_LIMIT_BYTES: usize = 1_024;

/// Names what is delivered, the same for each try, also after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u128);

impl Key {
    /// A new one, from the standard library's own source of random keys.
    pub fn random() -> Self {
        let half = || u128::from(RandomState::new().hash_one(0_u8));
        Self(half() << 64 | half())
    }

    #[cfg(test)]
    pub fn from_number(number: u128) -> Self {
        Self(number)
    }

    /// The inverse of [`Key::to_string`].
    pub fn from_text(text: &str) -> Option<Self> {
        u128::from_str_radix(text, 16).ok().map(Self)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Whether alerts are gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bundling {
    /// A burst is one message.
    Digest,
    /// Every alert by itself, at once.
    Each,
}

/// One try to deliver something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivery {
    pub key: Key,
    /// When the first of it happened.
    pub added: Timestamp,
    pub content: Content,
    pub body_limit_bytes: usize,
}

impl Delivery {
    pub fn new(content: Content, key: Key, added: Timestamp) -> Self {
        Self {
            key,
            added,
            content,
            body_limit_bytes: message::BODY_LIMIT_BYTES,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    Alerts(Summary),
    /// So many alerts were given up.
    Dropped(u64),
    Test,
}

/// What is on disk of an outbox.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct StoredOutbox {
    pub dropped: u64,
    /// Oldest first.
    pub entries: Vec<StoredEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredEntry {
    pub added: Timestamp,
    pub key: Key,
    pub summary: Summary,
}

/// Names one entry while the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EntryId(u64);

/// What one request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    Entry(EntryId),
    /// The message that says how many alerts were dropped.
    Dropped(u64),
}

#[derive(Debug)]
struct Entry {
    id: EntryId,
    key: Key,
    added: Timestamp,
    /// When it may be sent; until then alerts of its kind join it.
    due: Instant,
    summary: Summary,
    body_limit_bytes: usize,
    /// How often the server answered that it failed on this very entry: others go first then.
    server_errors: u32,
}

#[derive(Debug)]
pub(super) struct Outbox {
    bundling: Bundling,
    entries: VecDeque<Entry>,
    dropped: u64,
    in_flight: Option<Item>,
    next_id: u64,
}

/// What to do with an entry that is too large for the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TooLarge {
    Shortened,
    GivenUp,
}

impl Outbox {
    /// From disk. Everything is due: whoever restarts does not wait for more of the same.
    pub fn restored(stored: StoredOutbox, bundling: Bundling, now: Instant) -> Self {
        let mut outbox = Self {
            bundling,
            entries: VecDeque::new(),
            dropped: stored.dropped,
            in_flight: None,
            next_id: 0,
        };
        for StoredEntry { added, key, summary } in stored.entries {
            outbox.push(summary, now, added, key);
        }
        outbox
    }

    pub fn to_stored(&self) -> StoredOutbox {
        let stored = |entry: &Entry| StoredEntry {
            added: entry.added,
            key: entry.key,
            summary: entry.summary.clone(),
        };
        StoredOutbox {
            dropped: self.dropped,
            entries: self.entries.iter().map(stored).collect(),
        }
    }

    /// `key` names the entry that the alert becomes, if it joins none.
    pub fn add(&mut self, mut alert: Alert, now: Instant, added: Timestamp, gather: Duration, key: Key) {
        for text in alert.texts_mut() {
            if text.len() > TEXT_LIMIT_BYTES {
                *text = message::cut(std::mem::take(text), TEXT_LIMIT_BYTES);
            }
        }
        if self.bundling == Bundling::Each {
            return self.push(Summary::of(alert), now, added, key);
        }
        let kind = alert.kind();
        let in_flight = self.in_flight;
        let mut same_kind = self
            .entries
            .iter_mut()
            .rev()
            .filter(|entry| entry.summary.kind() == kind && in_flight != Some(Item::Entry(entry.id)));
        match behaviour(kind) {
            Behaviour::Merges => match same_kind.next() {
                Some(entry) if now < entry.due => entry.summary.absorb(alert),
                _ => self.push(Summary::of(alert), now + gather, added, key),
            },
            Behaviour::Concludes => {
                self.close_windows(now);
                self.push(Summary::of(alert), now, added, key);
            }
            // Said again before the first could be sent, it would only take room.
            Behaviour::Urgent if same_kind.any(|entry| entry.summary.is_just(&alert)) => {}
            Behaviour::Urgent => self.push(Summary::of(alert), now, added, key),
            Behaviour::Replaces => {
                self.entries
                    .retain(|entry| entry.summary.kind() != kind || in_flight == Some(Item::Entry(entry.id)));
                self.push(Summary::of(alert), now, added, key);
            }
        }
    }

    fn push(&mut self, summary: Summary, due: Instant, added: Timestamp, key: Key) {
        self.entries.push_back(Entry {
            id: EntryId(self.next_id),
            key,
            added,
            due,
            summary,
            body_limit_bytes: message::BODY_LIMIT_BYTES,
            server_errors: 0,
        });
        self.next_id += 1;
        while self.entries.len() > OUTBOX_LIMIT {
            let oldest = usize::from(self.is_in_flight(&self.entries[0]));
            self.drop_at(oldest);
        }
    }

    fn drop_at(&mut self, index: usize) {
        if let Some(entry) = self.entries.remove(index) {
            self.dropped = self.dropped.saturating_add(entry.summary.count());
        }
    }

    /// Nothing joins the present entries any more; they may be sent.
    pub fn close_windows(&mut self, now: Instant) {
        for entry in &mut self.entries {
            entry.due = entry.due.min(now);
        }
    }

    /// Drops what is older than `max_age`. Returns whether that changed anything.
    pub fn expire(&mut self, now: Timestamp, max_age: Duration) -> bool {
        let before = self.dropped;
        // A clock that was set back gives a negative age: young.
        let is_old = |entry: &Entry| {
            Duration::try_from(now.duration_since(entry.added)).is_ok_and(|age| age > max_age)
        };
        while let Some(index) = self
            .entries
            .iter()
            .position(|entry| is_old(entry) && !self.is_in_flight(entry))
        {
            self.drop_at(index);
        }
        self.dropped != before
    }

    /// When there is something to send: `now` or later.
    pub fn next_due(&self, now: Instant) -> Option<Instant> {
        if self.dropped > 0 {
            return Some(now);
        }
        let earliest = self.entries.iter().map(|entry| entry.due).min()?;
        Some(earliest.max(now))
    }

    /// Takes what is to be sent next, if something is due and nothing under way.
    pub fn begin(&mut self, now: Instant, time: Timestamp) -> Option<Delivery> {
        if self.in_flight.is_some() {
            return None;
        }
        let (item, delivery) = if self.dropped > 0 {
            let content = Content::Dropped(self.dropped);
            let delivery = Delivery::new(content, Key::random(), time);
            (Item::Dropped(self.dropped), delivery)
        } else {
            let entry = self
                .entries
                .iter()
                .filter(|entry| entry.due <= now)
                .min_by_key(|entry| (entry.server_errors, entry.due, entry.id))?;
            let delivery = Delivery {
                key: entry.key,
                added: entry.added,
                content: Content::Alerts(entry.summary.clone()),
                body_limit_bytes: entry.body_limit_bytes,
            };
            (Item::Entry(entry.id), delivery)
        };
        self.in_flight = Some(item);
        Some(delivery)
    }

    /// The request is over and its entry stays.
    pub fn put_back(&mut self) {
        self.in_flight = None;
    }

    /// The request is over and its entry goes: it was delivered, or the server will never take it.
    pub fn remove_in_flight(&mut self) {
        match self.in_flight.take() {
            Some(Item::Entry(id)) => self.entries.retain(|entry| entry.id != id),
            Some(Item::Dropped(count)) => self.dropped = self.dropped.saturating_sub(count),
            None => {}
        }
    }

    /// The server failed on the entry that was under way.
    pub fn put_back_behind_others(&mut self) {
        if let Some(entry) = self.take_in_flight_entry() {
            entry.server_errors = entry.server_errors.saturating_add(1);
        }
    }

    /// The entry that was under way is tried once more with a shorter text, then given up.
    pub fn shorten_or_give_up(&mut self) -> TooLarge {
        let item = self.in_flight;
        match self.take_in_flight_entry() {
            Some(entry) if entry.body_limit_bytes > message::SHORT_BODY_LIMIT_BYTES => {
                entry.body_limit_bytes = message::SHORT_BODY_LIMIT_BYTES;
                TooLarge::Shortened
            }
            _ => {
                self.in_flight = item;
                self.remove_in_flight();
                TooLarge::GivenUp
            }
        }
    }

    fn take_in_flight_entry(&mut self) -> Option<&mut Entry> {
        let item = self.in_flight.take()?;
        self.entries
            .iter_mut()
            .find(|entry| item == Item::Entry(entry.id))
    }

    fn is_in_flight(&self, entry: &Entry) -> bool {
        self.in_flight == Some(Item::Entry(entry.id))
    }

    pub fn has_request_under_way(&self) -> bool {
        self.in_flight.is_some()
    }

    /// When the first of what waits happened.
    pub fn oldest(&self) -> Option<Timestamp> {
        self.entries.iter().map(|entry| entry.added).min()
    }

    /// Alerts that are not delivered, the notice of dropped ones not counted.
    pub fn waiting(&self) -> u64 {
        self.entries.iter().map(|entry| entry.summary.count()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.dropped == 0
    }
}

enum Behaviour {
    /// Gathers with others of its kind.
    Merges,
    /// Ends what came before it: that is sent first, without waiting for more.
    Concludes,
    /// Is sent at once.
    Urgent,
    /// Takes the place of an older one of its kind, which says nothing any more.
    Replaces,
}

fn behaviour(kind: AlertKind) -> Behaviour {
    match kind {
        AlertKind::Queued
        | AlertKind::Started
        | AlertKind::Done
        | AlertKind::Failed
        | AlertKind::Skipped
        | AlertKind::Archived => Behaviour::Merges,
        AlertKind::Progress => Behaviour::Replaces,
        AlertKind::RotationComplete | AlertKind::AllDone => Behaviour::Concludes,
        AlertKind::DiskLow | AlertKind::RootUnavailable | AlertKind::Attention => Behaviour::Urgent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::{
        Sizes, Wording,
        message::{Message, Names},
    };

    const GATHER: Duration = Duration::from_secs(10);
    const SECOND: Duration = Duration::from_secs(1);

    struct Scene {
        outbox: Outbox,
        now: Instant,
    }

    impl Scene {
        fn new() -> Self {
            Self {
                outbox: Outbox::restored(StoredOutbox::default(), Bundling::Digest, Instant::now()),
                now: Instant::now(),
            }
        }

        fn add(&mut self, alert: Alert) {
            let key = Key::random();
            self.outbox
                .add(alert, self.now, Timestamp::UNIX_EPOCH, GATHER, key);
        }

        fn begin(&mut self) -> Option<Message> {
            let delivery = self.outbox.begin(self.now, Timestamp::UNIX_EPOCH)?;
            Some(message::of_content(
                &delivery.content,
                Names::Shown,
                delivery.body_limit_bytes,
            ))
        }

        fn send_all(&mut self) -> Vec<String> {
            let mut titles = Vec::new();
            while let Some(message) = self.begin() {
                titles.push(message.title);
                self.outbox.remove_in_flight();
            }
            titles
        }
    }

    fn queued(file: &str) -> Alert {
        Alert::Queued {
            file: file.to_owned(),
            task: None,
        }
    }

    fn started(file: &str) -> Alert {
        Alert::Started {
            file: file.to_owned(),
            task: None,
            resumed_percent: None,
        }
    }

    fn attention(text: &str) -> Alert {
        Alert::Attention {
            what: Wording::free_of_names(text),
        }
    }

    fn all_done() -> Alert {
        Alert::AllDone {
            done: 2,
            failed: 0,
            skipped: 0,
            sizes: Sizes::default(),
        }
    }

    #[test]
    fn alerts_of_one_kind_gather_until_the_window_ends() {
        let mut scene = Scene::new();
        (0..37).for_each(|_| scene.add(queued("720/a.mkv")));
        scene.add(started("720/b.mkv"));
        assert!(scene.send_all().is_empty());
        assert_eq!(scene.outbox.next_due(scene.now), Some(scene.now + GATHER));
        scene.now += GATHER;
        scene.add(queued("720/late.mkv"));
        assert_eq!(scene.send_all(), ["37 videos queued", "Started: b.mkv"]);
        scene.now += GATHER;
        assert_eq!(scene.send_all(), ["Queued: late.mkv"]);
        assert!(scene.outbox.is_empty());
    }

    #[test]
    fn nothing_joins_an_entry_under_way() {
        let mut scene = Scene::new();
        scene.add(queued("720/a.mkv"));
        scene.outbox.close_windows(scene.now);
        let under_way = scene.outbox.begin(scene.now, Timestamp::UNIX_EPOCH).unwrap();
        assert!(matches!(under_way.content, Content::Alerts(_)));
        scene.add(queued("720/b.mkv"));
        scene.outbox.remove_in_flight();
        assert_eq!(scene.outbox.waiting(), 1);
        scene.now += GATHER;
        assert_eq!(scene.send_all(), ["Queued: b.mkv"]);
    }

    #[test]
    fn the_end_of_the_work_sends_what_came_before_it_first() {
        let mut scene = Scene::new();
        scene.add(queued("720/a.mkv"));
        scene.now += SECOND;
        scene.add(all_done());
        assert_eq!(scene.send_all(), ["Queued: a.mkv", "All done: 2 done"]);
    }

    #[test]
    fn an_urgent_alert_goes_out_at_once_and_ends_no_gathering() {
        let mut scene = Scene::new();
        scene.add(queued("720/a.mkv"));
        scene.now += SECOND;
        scene.add(attention("the watch limit is reached"));
        scene.add(attention("the watch limit is reached"));
        assert_eq!(scene.send_all(), ["Attention needed"]);
        assert_eq!(scene.outbox.waiting(), 1);
    }

    #[test]
    fn only_the_newest_progress_waits_to_be_told() {
        let progress = |encodes| Alert::Progress {
            encodes,
            left: None,
            lines: Vec::new(),
        };
        let mut scene = Scene::new();
        scene.add(progress(1));
        scene.add(all_done());
        scene.add(progress(2));
        scene.add(progress(3));
        let first = scene.begin().unwrap();
        assert!(!first.title.contains("Compressing"), "{first:?}");
        scene.outbox.remove_in_flight();
        let newest = scene.begin().unwrap();
        assert_eq!(newest.title, "Compressing 3 videos");
        scene.add(progress(4));
        scene.outbox.remove_in_flight();
        let later = scene.begin().unwrap();
        assert_eq!(later.title, "Compressing 4 videos");
        scene.outbox.remove_in_flight();
        assert!(scene.outbox.is_empty());
    }

    #[test]
    fn the_oldest_are_dropped_beyond_the_limit_and_counted() {
        let mut scene = Scene::new();
        (0..3).for_each(|_| scene.add(queued("720/a.mkv")));
        for number in 0..OUTBOX_LIMIT {
            scene.add(attention(&format!("number {number}")));
        }
        assert_eq!(scene.outbox.entries.len(), OUTBOX_LIMIT);
        assert_eq!(scene.outbox.dropped, 3);
        let titles = scene.send_all();
        assert_eq!(titles[0], "3 alerts were dropped");
        assert_eq!(titles.len(), OUTBOX_LIMIT + 1);
    }

    #[test]
    fn the_entry_under_way_is_never_dropped() {
        let mut scene = Scene::new();
        scene.add(attention("first"));
        scene.begin().unwrap();
        for number in 0..OUTBOX_LIMIT {
            scene.add(attention(&format!("number {number}")));
        }
        assert_eq!(scene.outbox.dropped, 1);
        scene.outbox.remove_in_flight();
        assert_eq!(scene.outbox.entries.len(), OUTBOX_LIMIT - 1);
    }

    #[test]
    fn alerts_dropped_while_the_notice_is_under_way_are_told_later() {
        let mut scene = Scene::new();
        scene.outbox.dropped = 2;
        assert_eq!(
            scene
                .outbox
                .begin(scene.now, Timestamp::UNIX_EPOCH)
                .unwrap()
                .content,
            Content::Dropped(2)
        );
        scene.outbox.dropped += 1;
        scene.outbox.remove_in_flight();
        assert_eq!(scene.send_all(), ["1 alert was dropped"]);
    }

    #[test]
    fn what_is_too_old_is_dropped_but_not_when_the_clock_was_set_back() {
        let mut scene = Scene::new();
        scene.add(queued("720/a.mkv"));
        let day = Duration::from_secs(86_400);
        assert!(!scene.outbox.expire(Timestamp::UNIX_EPOCH - 3 * day, day));
        assert!(!scene.outbox.expire(Timestamp::UNIX_EPOCH + day, day));
        assert!(scene.outbox.expire(Timestamp::UNIX_EPOCH + day + SECOND, day));
        assert_eq!(scene.send_all(), ["1 alert was dropped"]);
    }

    #[test]
    fn an_entry_that_breaks_the_server_lets_others_pass() {
        let mut scene = Scene::new();
        scene.add(attention("poison"));
        scene.add(attention("fine"));
        let poison = scene.begin().unwrap();
        scene.outbox.put_back_behind_others();
        let next = scene.begin().unwrap();
        assert_eq!(
            (poison.message.as_str(), next.message.as_str()),
            ("poison", "fine")
        );
    }

    #[test]
    fn a_message_too_large_is_shortened_once_then_given_up() {
        let mut scene = Scene::new();
        scene.add(attention(&"long ".repeat(1_000)));
        let long = scene.begin().unwrap();
        assert_eq!(scene.outbox.shorten_or_give_up(), TooLarge::Shortened);
        let short = scene.begin().unwrap();
        assert!(
            short.message.len() <= message::SHORT_BODY_LIMIT_BYTES
                && short.message.len() < long.message.len()
        );
        assert_eq!(scene.outbox.shorten_or_give_up(), TooLarge::GivenUp);
        assert!(scene.outbox.is_empty());
    }

    #[test]
    fn texts_are_bounded() {
        let mut scene = Scene::new();
        scene.add(queued(&"é".repeat(10_000)));
        let stored = scene.outbox.to_stored();
        let Some(Alert::Queued { file, .. }) = stored.entries[0].summary.examples().next() else {
            panic!("not a queued alert")
        };
        assert!(file.len() <= TEXT_LIMIT_BYTES);
    }

    #[test]
    fn what_was_stored_is_due_at_once_after_a_restart() {
        let mut scene = Scene::new();
        scene.add(queued("720/a.mkv"));
        scene.add(queued("720/b.mkv"));
        scene.outbox = Outbox::restored(scene.outbox.to_stored(), Bundling::Digest, scene.now);
        assert_eq!(scene.send_all(), ["2 videos queued"]);
    }

    #[test]
    fn a_program_gets_each_alert_by_itself_in_order_and_at_once() {
        let mut scene = Scene::new();
        scene.outbox.bundling = Bundling::Each;
        scene.add(queued("720/a.mkv"));
        scene.add(queued("720/b.mkv"));
        scene.add(attention("the watch limit is reached"));
        scene.add(attention("the watch limit is reached"));
        scene.add(started("720/a.mkv"));
        assert_eq!(
            scene.send_all(),
            [
                "Queued: a.mkv",
                "Queued: b.mkv",
                "Attention needed",
                "Attention needed",
                "Started: a.mkv"
            ]
        );
    }

    #[test]
    fn an_entry_keeps_its_key_over_tries_and_a_restart() {
        let mut scene = Scene::new();
        scene.add(attention("look"));
        scene.add(attention("look again"));
        let first = scene.outbox.begin(scene.now, Timestamp::UNIX_EPOCH).unwrap();
        scene.outbox.put_back();
        assert_eq!(
            scene.outbox.begin(scene.now, Timestamp::UNIX_EPOCH).unwrap(),
            first
        );
        scene.outbox = Outbox::restored(scene.outbox.to_stored(), Bundling::Digest, scene.now);
        assert_eq!(
            scene.outbox.begin(scene.now, Timestamp::UNIX_EPOCH).unwrap(),
            first
        );
        scene.outbox.remove_in_flight();
        assert_ne!(
            scene.outbox.begin(scene.now, Timestamp::UNIX_EPOCH).unwrap().key,
            first.key
        );
        assert_eq!(Key::from_text(&first.key.to_string()), Some(first.key));
    }
}
