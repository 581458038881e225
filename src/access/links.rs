//! Links that let whoever holds one do a single thing once: the buttons of an alert.
//!
//! Promises: a link is refused unless this installation signed it, also when a single bit of it was changed; it works
//! until [`LIFE`] is over and once, also for calls at the same time, over a restart and when the clock is set back. What
//! is kept of used links is bounded by [`USED_LIMIT`]: beyond it the links that would end first end at once.
//! Never in here: HTTP, what an action does.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::{
    alerts::Action,
    durable::{self, DurableError},
    task::TaskId,
};

/// How long a link works: over a long weekend.
pub const LIFE: Duration = Duration::from_secs(4 * 24 * 60 * 60);
/// Used links that are remembered until they would have ended.
pub const USED_LIMIT: usize = 4_096;

const KEY_FILE: &str = "link-key";
const USED_FILE: &str = "links-used.json";
const USED_VERSION: u32 = 1;
/// So many used links, as JSON, stay far under this.
const FILE_LIMIT_BYTES: u64 = 1 << 20;
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 16;
const MAC_BYTES: usize = 32;
/// Version, action, end and nonce; then the task's id.
const HEAD_BYTES: usize = 1 + 1 + 8 + NONCE_BYTES;
/// Ids of ours have 13; those made by hand may be longer, up to where an address gets too long.
const TASK_LIMIT_BYTES: usize = 255;
const PAYLOAD_VERSION: u8 = 1;
/// Keeps the key's other uses, should there ever be one, apart from this.
const PURPOSE: &[u8] = b"video-compressor link\0";

type Nonce = [u8; NONCE_BYTES];

/// What a link that was not refused stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub action: Action,
    /// `None`: it is about no task.
    pub task: Option<TaskId>,
    ends_seconds: i64,
    nonce: Nonce,
}

/// Why a link does nothing.
#[derive(Debug, thiserror::Error)]
pub enum LinkRefused {
    #[error("this link was not made here, or is not whole; use the newest message")]
    NotOurs,
    #[error("this link has ended; links work for {} days, use a newer message", LIFE.as_secs() / 86_400)]
    Ended,
    #[error("this link has been used; each works once")]
    Used,
    /// It stays usable.
    #[error(
        "that the link is used cannot be written down ({0}); nothing was done, try again when the disk has room"
    )]
    Unrecorded(#[from] DurableError),
}

#[derive(Debug, thiserror::Error)]
pub enum LinksError {
    #[error(transparent)]
    Durable(#[from] DurableError),
    #[error("cannot read conf/{KEY_FILE}: {0}; mend it, or remove it: links given out so far end with it")]
    Key(io::Error),
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

/// Signs links and knows which have been used.
pub struct Links {
    /// Holds the key; cloned for each link.
    keyed: Hmac<Sha256>,
    used_file: PathBuf,
    used: Mutex<Used>,
}

impl Links {
    /// Reads the key and the used links from `conf`; makes the key where there is none (readable by this user alone).
    ///
    /// A file of used links that cannot be read ends every link given out before.
    ///
    /// # Errors
    /// When the key can be neither read nor made.
    pub fn open(conf: &Path) -> Result<Self, LinksError> {
        let key = read_or_make_key(&conf.join(KEY_FILE))?;
        let keyed = Hmac::new_from_slice(&key).map_err(|error| {
            LinksError::Key(io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
        })?;
        let used_file = conf.join(USED_FILE);
        let used = match read(&used_file).map(|bytes| bytes.map(|bytes| Used::from_bytes(&bytes))) {
            Ok(None) => Used::default(),
            Ok(Some(Ok(used))) => used,
            unreadable => {
                let cause = match unreadable {
                    Err(error) => error.to_string(),
                    Ok(read) => read.and_then(Result::err).unwrap_or_default(),
                };
                tracing::warn!(
                    "conf/{USED_FILE} cannot be read ({cause}); the links of all alerts so far have ended"
                );
                let used = Used {
                    ended_seconds: ends_seconds(Timestamp::now()),
                    links: BTreeSet::new(),
                };
                durable::replace_with_bytes(&used_file, &used.to_bytes())?;
                used
            }
        };
        Ok(Self {
            keyed,
            used_file,
            used: Mutex::new(used),
        })
    }

    /// The text of a new link. `None`, and said in the log, when there can be none.
    #[must_use]
    pub fn sign(&self, action: Action, task: Option<&TaskId>, now: Timestamp) -> Option<String> {
        let mut nonce = Nonce::default();
        if let Err(error) = getrandom::fill(&mut nonce) {
            tracing::warn!("an alert goes without buttons: the system gives no random numbers: {error}");
            return None;
        }
        let link = Link {
            action,
            task: task.cloned(),
            ends_seconds: ends_seconds(now),
            nonce,
        };
        let mut bytes = link.to_payload()?;
        let mac = self.mac(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&mac);
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What a link would do now. Changes nothing.
    ///
    /// # Errors
    /// When it would do nothing.
    pub fn look(&self, text: &str, now: Timestamp) -> Result<Link, LinkRefused> {
        let link = self.authentic(text)?;
        self.lock().check(&link, now)?;
        Ok(link)
    }

    /// Uses a link up: it is on disk that it is used when this returns. Waits for the disk.
    ///
    /// # Errors
    /// When it does nothing; it has not been used by this call then.
    pub fn spend(&self, text: &str, now: Timestamp) -> Result<Link, LinkRefused> {
        let link = self.authentic(text)?;
        let mut used = self.lock();
        used.check(&link, now)?;
        let mut with_this = used.clone();
        with_this.add(&link, now);
        durable::replace_with_bytes(&self.used_file, &with_this.to_bytes())?;
        *used = with_this;
        Ok(link)
    }

    /// Makes a link usable again whose action could not be begun. Waits for the disk.
    pub fn give_back(&self, link: &Link) {
        let mut used = self.lock();
        let mut without_this = used.clone();
        without_this.links.remove(&(link.ends_seconds, link.nonce));
        match durable::replace_with_bytes(&self.used_file, &without_this.to_bytes()) {
            Ok(_) => *used = without_this,
            Err(error) => tracing::warn!("{error}; a link that did nothing counts as used"),
        }
    }

    fn authentic(&self, text: &str) -> Result<Link, LinkRefused> {
        // Longer ones are none of ours; checked first, so that nobody has us decode megabytes.
        if text.len() > (HEAD_BYTES + TASK_LIMIT_BYTES + MAC_BYTES) * 2 {
            return Err(LinkRefused::NotOurs);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| LinkRefused::NotOurs)?;
        let (payload, mac) = bytes
            .split_last_chunk::<MAC_BYTES>()
            .ok_or(LinkRefused::NotOurs)?;
        // Compares in constant time.
        self.mac(payload)
            .verify_slice(mac)
            .map_err(|_| LinkRefused::NotOurs)?;
        Link::from_payload(payload).ok_or(LinkRefused::NotOurs)
    }

    fn mac(&self, payload: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.keyed.clone();
        mac.update(PURPOSE);
        mac.update(payload);
        mac
    }

    fn lock(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    /// `None`: the task's id does not fit.
    fn to_payload(&self) -> Option<Vec<u8>> {
        let task = self.task.as_ref().map_or("", TaskId::as_str);
        if task.len() > TASK_LIMIT_BYTES {
            return None;
        }
        let mut bytes = Vec::with_capacity(HEAD_BYTES + task.len() + MAC_BYTES);
        bytes.push(PAYLOAD_VERSION);
        bytes.push(action_number(self.action));
        bytes.extend_from_slice(&self.ends_seconds.to_be_bytes());
        bytes.extend_from_slice(&self.nonce);
        bytes.extend_from_slice(task.as_bytes());
        Some(bytes)
    }

    fn from_payload(bytes: &[u8]) -> Option<Self> {
        let (head, task) = bytes.split_first_chunk::<HEAD_BYTES>()?;
        let ([version, action], rest) = head.split_first_chunk::<2>()?;
        let (ends, nonce) = rest.split_first_chunk::<8>()?;
        let task = std::str::from_utf8(task).ok()?;
        Some(Self {
            action: Some(*version)
                .filter(|version| *version == PAYLOAD_VERSION)
                .and_then(|_| ACTIONS.into_iter().find(|known| action_number(*known) == *action))?,
            task: (!task.is_empty()).then(|| TaskId::from(task)),
            ends_seconds: i64::from_be_bytes(*ends),
            nonce: nonce.try_into().ok()?,
        })
    }
}

const ACTIONS: [Action; 3] = [Action::Retry, Action::KeepOriginal, Action::Pause];

/// Frozen: links in messages that were sent by an older version still work.
fn action_number(action: Action) -> u8 {
    match action {
        Action::Retry => 1,
        Action::KeepOriginal => 2,
        Action::Pause => 3,
    }
}

fn ends_seconds(now: Timestamp) -> i64 {
    now.as_second().saturating_add_unsigned(LIFE.as_secs())
}

/// Which links have been used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Used {
    /// Links that end then or earlier have ended, whatever the clock says: it is not known any more which of them have
    /// been used.
    ended_seconds: i64,
    /// By their end, so that those that end first come first.
    links: BTreeSet<(i64, Nonce)>,
}

impl Used {
    fn check(&self, link: &Link, now: Timestamp) -> Result<(), LinkRefused> {
        if link.ends_seconds <= now.as_second().max(self.ended_seconds) {
            return Err(LinkRefused::Ended);
        }
        if self.links.contains(&(link.ends_seconds, link.nonce)) {
            return Err(LinkRefused::Used);
        }
        Ok(())
    }

    fn add(&mut self, link: &Link, now: Timestamp) {
        self.links.insert((link.ends_seconds, link.nonce));
        while let Some(first) = self.links.first().copied() {
            if first.0 > now.as_second() && self.links.len() <= USED_LIMIT {
                break;
            }
            self.ended_seconds = self.ended_seconds.max(first.0);
            self.links.remove(&first);
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let links = self.links.iter().map(|(ends, nonce)| UsedLink {
            nonce: URL_SAFE_NO_PAD.encode(nonce),
            ends: *ends,
        });
        let file = UsedFile {
            version: USED_VERSION,
            ended: self.ended_seconds,
            used: links.collect(),
        };
        // Numbers and short texts always become JSON.
        serde_json::to_vec_pretty(&file).unwrap_or_default()
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let file: UsedFile = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if file.version != USED_VERSION {
            return Err(format!(
                "its version is {}, this program knows {USED_VERSION}",
                file.version
            ));
        }
        let links = file.used.into_iter().map(|used| {
            let nonce = URL_SAFE_NO_PAD.decode(&used.nonce).ok();
            let nonce = nonce.and_then(|nonce| Nonce::try_from(nonce).ok());
            Ok((used.ends, nonce.ok_or("a nonce in it is not 16 bytes")?))
        });
        Ok(Self {
            ended_seconds: file.ended,
            links: links.collect::<Result<_, &str>>()?,
        })
    }
}

/// `conf/links-used.json`. Times in seconds since 1970.
#[derive(Serialize, Deserialize)]
struct UsedFile {
    version: u32,
    ended: i64,
    used: Vec<UsedLink>,
}

#[derive(Serialize, Deserialize)]
struct UsedLink {
    nonce: String,
    ends: i64,
}

fn read_or_make_key(path: &Path) -> Result<[u8; KEY_BYTES], LinksError> {
    if let Some(text) = read(path).map_err(LinksError::Key)? {
        // A backup may have brought it back readable by others.
        if path.metadata().is_ok_and(|found| found.mode() & 0o077 != 0) {
            durable::set_mode(path, 0o600)?;
        }
        let key = URL_SAFE_NO_PAD.decode(text.trim_ascii()).ok();
        return key.and_then(|key| key.try_into().ok()).ok_or_else(|| {
            LinksError::Key(io::Error::new(
                io::ErrorKind::InvalidData,
                "it does not hold a key of 32 bytes",
            ))
        });
    }
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(LinksError::Random)?;
    durable::replace_with_private_bytes(path, format!("{}\n", URL_SAFE_NO_PAD.encode(key)).as_bytes())?;
    Ok(key)
}

/// `None`: there is none.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(FILE_LIMIT_BYTES).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tempfile::TempDir;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn life() -> i64 {
        i64::try_from(LIFE.as_secs()).unwrap()
    }

    fn task() -> TaskId {
        TaskId::from("0123abc")
    }

    fn links(conf: &TempDir) -> Links {
        Links::open(conf.path()).unwrap()
    }

    #[test]
    fn a_link_says_what_it_is_for_and_works_once() {
        let conf = TempDir::new().unwrap();
        let links = links(&conf);
        for (action, task) in [
            (Action::Retry, Some(task())),
            (Action::KeepOriginal, Some(TaskId::from("ä"))),
            (Action::Pause, None),
        ] {
            let text = links.sign(action, task.as_ref(), at(0)).unwrap();
            let seen = links.look(&text, at(1)).unwrap();
            assert_eq!((seen.action, seen.task.clone()), (action, task));
            assert_eq!(links.spend(&text, at(1)).unwrap(), seen);
            assert!(matches!(links.spend(&text, at(1)), Err(LinkRefused::Used)));
            assert!(matches!(links.look(&text, at(1)), Err(LinkRefused::Used)));
        }
    }

    #[test]
    fn a_link_ends_with_its_time() {
        let conf = TempDir::new().unwrap();
        let links = links(&conf);
        let text = links.sign(Action::Retry, Some(&task()), at(0)).unwrap();
        assert!(links.look(&text, at(life() - 1)).is_ok());
        for late in [life(), life() + 1, life() * 100] {
            assert!(matches!(links.spend(&text, at(late)), Err(LinkRefused::Ended)));
        }
    }

    #[test]
    fn a_link_with_any_bit_changed_is_refused() {
        let conf = TempDir::new().unwrap();
        let links = links(&conf);
        let text = links.sign(Action::Retry, Some(&task()), at(0)).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut altered = bytes.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            let altered = links.spend(&URL_SAFE_NO_PAD.encode(altered), at(1));
            assert!(matches!(altered, Err(LinkRefused::NotOurs)), "bit {bit}");
        }
        for length in 0..text.len() {
            assert!(matches!(
                links.look(&text[..length], at(1)),
                Err(LinkRefused::NotOurs)
            ));
        }
        for forged in [
            "",
            "a",
            "../../etc/passwd",
            "%00",
            "=====",
            &"A".repeat(100_000),
            &format!("{text}A"),
            &format!("{text}="),
        ] {
            assert!(matches!(links.look(forged, at(1)), Err(LinkRefused::NotOurs)));
        }
        assert!(links.spend(&text, at(1)).is_ok());
    }

    #[test]
    fn a_link_of_another_installation_is_refused() {
        let (here, there) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let text = links(&there).sign(Action::Pause, None, at(0)).unwrap();
        assert!(matches!(
            links(&here).spend(&text, at(0)),
            Err(LinkRefused::NotOurs)
        ));
    }

    #[test]
    fn of_calls_at_the_same_time_one_gets_through() {
        let conf = TempDir::new().unwrap();
        let links = links(&conf);
        let text = links.sign(Action::Retry, Some(&task()), at(0)).unwrap();
        let through = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    if links.spend(&text, at(1)).is_ok() {
                        through.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(through.into_inner(), 1);
    }

    #[test]
    fn a_used_link_stays_used_over_a_restart_and_when_the_clock_is_set_back() {
        let conf = TempDir::new().unwrap();
        let first = links(&conf);
        let text = first.sign(Action::Retry, Some(&task()), at(0)).unwrap();
        let later = first.sign(Action::Retry, Some(&task()), at(life())).unwrap();
        first.spend(&text, at(1)).unwrap();
        let second = links(&conf);
        assert!(matches!(second.spend(&text, at(2)), Err(LinkRefused::Used)));
        // The other's use finds that the first has ended, and forgets it.
        second.spend(&later, at(life() + 1)).unwrap();
        for links in [&second, &links(&conf)] {
            assert!(matches!(links.spend(&text, at(2)), Err(LinkRefused::Ended)));
            assert_eq!(links.lock().links.len(), 1);
        }
    }

    #[test]
    fn what_is_kept_of_used_links_is_bounded_and_forgets_no_use() {
        let mut used = Used::default();
        let link = |number: usize| Link {
            action: Action::Pause,
            task: None,
            ends_seconds: at(life()).as_second() + number as i64,
            nonce: (number as u128).to_be_bytes(),
        };
        for number in 0..USED_LIMIT + 10 {
            used.add(&link(number), at(0));
        }
        assert_eq!(used.links.len(), USED_LIMIT);
        for number in [0, 9, 10, USED_LIMIT + 9] {
            assert!(used.check(&link(number), at(0)).is_err(), "{number}");
        }
        assert!(used.check(&link(USED_LIMIT + 10), at(0)).is_ok());
        assert!((used.to_bytes().len() as u64) < FILE_LIMIT_BYTES);
        assert_eq!(Used::from_bytes(&used.to_bytes()), Ok(used));
    }

    #[test]
    fn a_link_given_back_works_again() {
        let conf = TempDir::new().unwrap();
        let links = links(&conf);
        let text = links.sign(Action::Pause, None, at(0)).unwrap();
        let link = links.spend(&text, at(1)).unwrap();
        links.give_back(&link);
        assert!(links.spend(&text, at(1)).is_ok());
    }

    #[test]
    fn a_use_that_cannot_be_written_down_is_none() {
        let conf = TempDir::new().unwrap();
        let mut links = links(&conf);
        let text = links.sign(Action::Pause, None, at(0)).unwrap();
        let place = std::mem::replace(&mut links.used_file, conf.path().join("gone/links-used.json"));
        assert!(matches!(
            links.spend(&text, at(1)),
            Err(LinkRefused::Unrecorded(_))
        ));
        links.used_file = place;
        assert!(links.spend(&text, at(1)).is_ok());
    }

    #[test]
    fn used_links_that_cannot_be_read_end_every_link_of_before() {
        for bad in [
            "",
            "{",
            r#"{"version":2,"ended":0,"used":[]}"#,
            r#"{"version":1,"ended":0,"used":[{"nonce":"AA","ends":1}]}"#,
        ] {
            let conf = TempDir::new().unwrap();
            let text = links(&conf).sign(Action::Pause, None, Timestamp::now()).unwrap();
            std::fs::write(conf.path().join(USED_FILE), bad).unwrap();
            for links in [links(&conf), links(&conf)] {
                assert!(
                    matches!(links.spend(&text, Timestamp::now()), Err(LinkRefused::Ended)),
                    "{bad}"
                );
            }
        }
    }

    #[test]
    fn the_key_is_for_this_user_alone_and_a_bad_one_is_named() {
        use std::os::unix::fs::PermissionsExt;
        let conf = TempDir::new().unwrap();
        let text = links(&conf).sign(Action::Pause, None, at(0)).unwrap();
        let key = conf.path().join(KEY_FILE);
        assert_eq!(key.metadata().unwrap().mode() & 0o777, 0o600);
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(links(&conf).look(&text, at(1)).is_ok());
        assert_eq!(key.metadata().unwrap().mode() & 0o777, 0o600);
        std::fs::write(&key, "short").unwrap();
        let error = Links::open(conf.path()).err().unwrap().to_string();
        assert!(
            error.contains("conf/link-key") && error.contains("remove it"),
            "{error}"
        );
    }

    #[test]
    fn used_links_keep_their_format() {
        let text = r#"{
  "version": 1,
  "ended": 1800000000,
  "used": [
    {
      "nonce": "AAAAAAAAAAAAAAAAAAAAAQ",
      "ends": 1800345600
    }
  ]
}"#;
        let used = Used::from_bytes(text.as_bytes()).unwrap();
        assert_eq!(used.links.first(), Some(&(1_800_345_600, 1_u128.to_be_bytes())));
        assert_eq!(String::from_utf8(used.to_bytes()).unwrap(), text);
    }
}
