//! Who may: users with roles, API keys, sessions, and how often somebody may try.
//!
//! Promises: `conf/access.json` is the truth about users and keys, whoever changes it, and is taken over within a second;
//! one that cannot be understood changes nothing. Passwords and secrets are kept as hashes alone, in files that only this
//! user may read, and reach no log. A check of a caller touches no disk.
//! Never in here: HTTP, what a role may do where.

mod accounts;
mod file;
mod links;
mod password;
mod secret;
mod session;
mod setup;
#[cfg(test)]
mod tests;
mod throttle;

use std::{
    collections::HashMap,
    net::IpAddr,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::spawn_blocking,
};

pub use accounts::{AccountError, Accounts, Key, NewKey, Role, User, UserName};
pub use file::{AccessError, Files, edit, read};
pub use links::{Link, LinkRefused, Links, LinksError};
pub use password::{Password, PasswordError, PasswordHash};
pub use secret::{NoRandomness, Secret, SecretHash, new_id};
pub use session::{Holder, Session};
pub use setup::remove as remove_setup_token;

use session::{Sessions, Terms};
use throttle::Throttle;

use crate::{
    config::HttpConfig,
    durable::{self, Lock},
    task::{Identity, Shown},
};

/// Passwords hashed at once; each takes 19 MiB and a core.
const HASHED_AT_ONCE: usize = 2;
/// Passwords that wait for that at most.
const WAITING_FOR_HASHES: usize = 32;
/// How exactly the last use of a key is kept.
const USE_GRAIN: Duration = Duration::from_secs(60);

/// Somebody who was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// For people to read.
    pub name: String,
    pub role: Role,
    pub how: How,
    pub holder: Holder,
}

impl Caller {
    /// The account, unless an OpenID provider vouches for the caller.
    #[must_use]
    pub fn user(&self) -> Option<&UserName> {
        match &self.holder {
            Holder::User { name, .. } => Some(name),
            Holder::Oidc { .. } => None,
        }
    }
}

/// By what somebody was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// The id of the API key.
    Key(String),
    /// The id of the session.
    Session(String),
}

/// A login as it comes in.
pub struct Attempt {
    pub name: String,
    pub password: String,
    pub address: IpAddr,
    pub agent: String,
}

/// Why somebody is not logged in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The same for a name that nobody has.
    #[error("name or password is wrong")]
    Wrong,
    #[error("too many attempts; try again in {} s", .0.as_secs() + 1)]
    Wait(Duration),
    #[error("too many logins at once; try again in a moment")]
    Busy,
    #[error(transparent)]
    Access(#[from] AccessError),
}

/// Why there is no first administrator now.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("the setup token is wrong; it stands in conf/setup-token on the machine itself")]
    WrongToken,
    #[error("there are users already; log in as one of them")]
    Done,
    #[error(transparent)]
    Access(#[from] AccessError),
}

/// Everything that is known about who may.
#[derive(Debug)]
pub struct Access {
    files: Files,
    known: RwLock<Known>,
    sessions: Mutex<Sessions>,
    /// Held across a write of `sessions.json`, so that an older state never lands on a newer one.
    saving: Mutex<()>,
    /// A session was used, and the file does not know yet.
    sessions_unsaved: AtomicBool,
    /// Since the file was written last.
    key_uses: Mutex<HashMap<String, Timestamp>>,
    throttle: Mutex<Throttle>,
    hashing: Semaphore,
    waiting: Semaphore,
}

#[derive(Debug)]
struct Known {
    accounts: Arc<Accounts>,
    /// Of the file when it was looked at last.
    file: Option<Identity>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Access {
    /// Reads what there is. Sessions that cannot be read are over.
    ///
    /// # Errors
    /// When users or keys cannot be read or understood: then nobody may be let in.
    pub fn open(conf: &Path) -> Result<Self, AccessError> {
        let files = Files::new(conf);
        let file = file::identity(&files.accounts());
        let accounts = read(&files)?;
        let sessions = match file::read_bytes(&files.sessions())? {
            Some(bytes) => Sessions::parse(&bytes).unwrap_or_else(|reason| {
                let path = files.sessions();
                tracing::warn!(
                    "{} cannot be understood ({reason}); everybody logs in again",
                    Shown(&path)
                );
                Sessions::default()
            }),
            None => Sessions::default(),
        };
        let access = Self {
            files,
            known: RwLock::new(Known {
                accounts: Arc::new(accounts),
                file,
            }),
            sessions: Mutex::new(sessions),
            saving: Mutex::new(()),
            sessions_unsaved: AtomicBool::new(false),
            key_uses: Mutex::default(),
            throttle: Mutex::default(),
            hashing: Semaphore::new(HASHED_AT_ONCE),
            waiting: Semaphore::new(WAITING_FOR_HASHES),
        };
        access.keep_setup_token()?;
        Ok(access)
    }

    /// Users and keys as they are now.
    #[must_use]
    pub fn accounts(&self) -> Arc<Accounts> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&known.accounts)
    }

    /// Who shows this key.
    #[must_use]
    pub fn by_key(&self, text: &str, now: Timestamp) -> Option<Caller> {
        let accounts = self.accounts();
        let hash = SecretHash::of(text);
        let key = accounts.keys().iter().find(|key| key.hash == hash)?;
        let role = key.role_at(&accounts, now)?;
        let owner = accounts.user(&key.user)?;
        locked(&self.key_uses).insert(key.id.clone(), now);
        Some(Caller {
            name: owner.name.to_string(),
            role,
            how: How::Key(key.id.clone()),
            holder: owner.into(),
        })
    }

    /// Who shows this cookie.
    #[must_use]
    pub fn by_session(&self, text: &str, config: &HttpConfig, now: Timestamp) -> Option<Caller> {
        let accounts = self.accounts();
        let terms = terms(&accounts, config);
        let mut sessions = locked(&self.sessions);
        let session = sessions.find(SecretHash::of(text))?;
        let role = session.role_at(terms, now)?;
        let caller = Caller {
            name: session.holder.name().to_owned(),
            role,
            how: How::Session(session.id.clone()),
            holder: session.holder.clone(),
        };
        let id = session.id.clone();
        if sessions.used(&id, now) {
            self.sessions_unsaved.store(true, Ordering::Relaxed);
        }
        Some(caller)
    }

    /// Whether somebody who was recognised before still may what he could: for answers that go on for long.
    #[must_use]
    pub fn still_knows(&self, caller: &Caller, config: &HttpConfig, now: Timestamp) -> bool {
        let accounts = self.accounts();
        let role = match &caller.how {
            How::Key(id) => {
                let key = accounts.keys().iter().find(|key| key.id == *id);
                key.and_then(|key| key.role_at(&accounts, now))
            }
            How::Session(id) => {
                let sessions = locked(&self.sessions);
                let session = sessions.all().iter().find(|session| session.id == *id);
                session.and_then(|session| session.role_at(terms(&accounts, config), now))
            }
        };
        role.is_some_and(|role| role >= caller.role)
    }

    /// Every session that stands.
    #[must_use]
    pub fn sessions(&self, config: &HttpConfig, now: Timestamp) -> Vec<Session> {
        let accounts = self.accounts();
        let terms = terms(&accounts, config);
        let sessions = locked(&self.sessions);
        let standing = sessions.all().iter();
        standing
            .filter(|session| session.role_at(terms, now).is_some())
            .cloned()
            .collect()
    }

    /// Checks name and password, and begins a session; its secret is for the cookie.
    ///
    /// # Errors
    /// Why not, in words that are the same whether there is such a user or not.
    pub async fn log_in(self: &Arc<Self>, attempt: Attempt, now: Timestamp) -> Result<Secret, LoginError> {
        let (address, agent) = (attempt.address, attempt.agent.clone());
        let holder = self.check_password(attempt, now).await?;
        let access = Arc::clone(self);
        let begun = blocking(move || access.begin_session(holder, address, &agent, now));
        Ok(begun.await?)
    }

    /// Checks name and password.
    ///
    /// # Errors
    /// As [`Access::log_in`].
    pub async fn check_password(
        self: &Arc<Self>,
        attempt: Attempt,
        now: Timestamp,
    ) -> Result<Holder, LoginError> {
        let Attempt {
            name,
            password,
            address,
            ..
        } = attempt;
        self.begin_attempt(&name, address, now)?;
        let _place = self.place_to_hash().await.ok_or(LoginError::Busy)?;
        let accounts = self.accounts();
        let user = name.parse().ok().and_then(|name: UserName| accounts.user(&name));
        let hash = user.map(|user| user.password.clone());
        let is_right = blocking(move || password::is_right(&password, hash.as_ref())).await;
        let user = user.filter(|_| is_right).ok_or(LoginError::Wrong)?;
        locked(&self.throttle).succeeded(&name, address);
        Ok(user.into())
    }

    /// A place among those who may hash now. None: too many wait already.
    async fn place_to_hash(&self) -> Option<SemaphorePermit<'_>> {
        let _waiting = self.waiting.try_acquire().ok()?;
        self.hashing.acquire().await.ok()
    }

    /// Counts an attempt at a secret that is no password.
    ///
    /// # Errors
    /// How long to wait first.
    pub fn begin_attempt(&self, at: &str, address: IpAddr, now: Timestamp) -> Result<(), LoginError> {
        let begun = locked(&self.throttle).begin(at, address, now);
        begun.map_err(LoginError::Wait)
    }

    /// Hashes a new password when there is a place.
    ///
    /// # Errors
    /// When too many wait, or there is no memory.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, LoginError> {
        let _place = self.place_to_hash().await.ok_or(LoginError::Busy)?;
        blocking(move || password.hash().map_err(AccessError::from))
            .await
            .map_err(LoginError::Access)
    }

    /// Begins a session for somebody whose word was checked. Writes to disk.
    ///
    /// # Errors
    /// When it cannot be kept; there is none then.
    pub fn begin_session(
        &self,
        holder: Holder,
        address: IpAddr,
        agent: &str,
        now: Timestamp,
    ) -> Result<Secret, AccessError> {
        let secret = locked(&self.sessions).begin(holder, address.to_canonical().to_string(), agent, now)?;
        self.save_sessions().inspect_err(|_| {
            let mut sessions = locked(&self.sessions);
            if let Some(id) = sessions.find(secret.hash()).map(|session| session.id.clone()) {
                sessions.end(&id);
            }
        })?;
        Ok(secret)
    }

    /// Ends a session. Writes to disk. Whether there was one.
    ///
    /// # Errors
    /// It has ended, but may be there again after a restart.
    pub fn end_session(&self, id: &str) -> Result<bool, AccessError> {
        let was_there = locked(&self.sessions).end(id);
        if was_there {
            self.save_sessions()?;
        }
        Ok(was_there)
    }

    fn save_sessions(&self) -> Result<(), AccessError> {
        let path = self.files.sessions();
        let _saving = locked(&self.saving);
        let bytes = locked(&self.sessions)
            .to_bytes()
            .map_err(|error| AccessError::Corrupt {
                path: path.clone(),
                reason: error.to_string(),
            })?;
        durable::replace_with_private_bytes(&path, &bytes)?;
        Ok(())
    }

    /// Changes users or keys. Writes to disk; from then on the change counts.
    ///
    /// # Errors
    /// When it is refused or cannot be written; nothing has changed then.
    pub fn edit<T>(
        &self,
        change: impl FnOnce(&mut Accounts) -> Result<T, AccountError>,
    ) -> Result<T, AccessError> {
        let held = Lock::wait(&self.files.lock())?;
        self.edit_locked(&held, change)
    }

    fn edit_locked<T>(
        &self,
        _held: &Lock,
        change: impl FnOnce(&mut Accounts) -> Result<T, AccountError>,
    ) -> Result<T, AccessError> {
        let (result, accounts) = file::edit_locked(&self.files, change)?;
        self.take_over(accounts, file::identity(&self.files.accounts()));
        Ok(result)
    }

    fn take_over(&self, accounts: Accounts, file: Option<Identity>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *known = Known {
            accounts: Arc::new(accounts),
            file,
        };
    }

    /// Makes the first administrator. Hashes and writes to disk.
    ///
    /// # Errors
    /// When the token is not right, or there is somebody already.
    pub fn set_up(
        &self,
        token: &str,
        name: UserName,
        password: &Password,
        now: Timestamp,
    ) -> Result<(), SetupError> {
        if !setup::opens(&self.files, token)? {
            return Err(self.why_no_setup()?);
        }
        let hash = password.hash().map_err(AccessError::from)?;
        let held = Lock::wait(&self.files.lock()).map_err(AccessError::from)?;
        // Of two at once, the second finds a user.
        if !setup::opens(&self.files, token)? || !read(&self.files)?.users().is_empty() {
            return Err(self.why_no_setup()?);
        }
        self.edit_locked(&held, |accounts| accounts.add_user(name, Role::Admin, hash, now))?;
        setup::remove(&self.files)?;
        Ok(())
    }

    fn why_no_setup(&self) -> Result<SetupError, AccessError> {
        Ok(if read(&self.files)?.users().is_empty() {
            SetupError::WrongToken
        } else {
            SetupError::Done
        })
    }

    fn keep_setup_token(&self) -> Result<(), AccessError> {
        let path = self.files.setup_token();
        if !self.accounts().users().is_empty() {
            return match path.symlink_metadata() {
                Ok(_) => setup::remove(&self.files),
                Err(_) => Ok(()),
            };
        }
        if setup::make(&self.files)? {
            tracing::warn!(
                "there is no user yet: `video-compressor user add NAME --role admin` makes one, or the page does \
                 with the token in {}",
                Shown(&path)
            );
        }
        Ok(())
    }

    /// Takes over what a command changed, and keeps what was used when: to be called each second. Writes to disk at most
    /// once a minute for each key and session.
    pub fn refresh(&self, config: &HttpConfig, now: Timestamp) {
        for result in [
            self.read_again(),
            self.keep_setup_token(),
            self.keep_key_uses(now),
            self.keep_sessions(config, now),
        ] {
            if let Err(error) = result {
                tracing::warn!("{error}");
            }
        }
    }

    fn read_again(&self) -> Result<(), AccessError> {
        let file = file::identity(&self.files.accounts());
        {
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            if known.file == file {
                return Ok(());
            }
            // One that cannot be understood is told of once.
            known.file = file;
        }
        // Without the lock, a change of our own in between would be taken back for a moment.
        let _held = Lock::wait(&self.files.lock())?;
        let file = file::identity(&self.files.accounts());
        let accounts = read(&self.files)?;
        self.take_over(accounts, file);
        tracing::info!("users and keys read again");
        Ok(())
    }

    fn keep_key_uses(&self, now: Timestamp) -> Result<(), AccessError> {
        let accounts = self.accounts();
        let is_due = |id: &str| {
            let key = accounts.keys().iter().find(|key| key.id == id);
            // One that is gone has nothing to be kept.
            key.is_none_or(|key| {
                key.last_used.is_none_or(|last| {
                    Duration::try_from(now.duration_since(last)).is_ok_and(|since| since >= USE_GRAIN)
                })
            })
        };
        let due: Vec<(String, Timestamp)> = locked(&self.key_uses).extract_if(|id, _| is_due(id)).collect();
        if due.is_empty() {
            return Ok(());
        }
        self.edit(|accounts| {
            for (id, when) in &due {
                accounts.used_key(id, *when);
            }
            Ok(())
        })
    }

    fn keep_sessions(&self, config: &HttpConfig, now: Timestamp) -> Result<(), AccessError> {
        let accounts = self.accounts();
        let swept = locked(&self.sessions).sweep(terms(&accounts, config), now);
        let used = self.sessions_unsaved.swap(false, Ordering::Relaxed);
        if swept || used {
            self.save_sessions()
        } else {
            Ok(())
        }
    }
}

fn terms<'a>(accounts: &'a Accounts, config: &'a HttpConfig) -> Terms<'a> {
    Terms {
        accounts,
        lifetime: config.session,
        issuer: config.oidc.as_ref().map(|oidc| oidc.issuer.as_str()),
    }
}

impl From<&User> for Holder {
    fn from(user: &User) -> Self {
        Self::User {
            name: user.name.clone(),
            stamp: user.stamp.clone(),
        }
    }
}

/// Off the threads that answer. A panic goes on in the caller.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going; nobody waits for an answer.
            Err(_) => std::future::pending().await,
        },
    }
}
