//! `user` and `key`: who may use the API, changed in `conf/access.json`; a running service follows within a second.
//!
//! Promises: passwords come from the terminal or from stdin, never from the command line; a new key is shown once.
//! Never in here: what users and keys are (`access`).

use std::{
    io::{self, BufRead, IsTerminal, Write},
    path::PathBuf,
};

use clap::Subcommand;
use jiff::{SignedDuration, Timestamp};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::{Exit, Failure, Outcome, print, print_json, setup::Setup};
use crate::{
    access::{self, AccessError, Files, NewKey, Password, Role, UserName},
    durable,
};

#[derive(Debug, Subcommand)]
pub enum UserAction {
    /// Make a user; the password comes from the terminal or the first line of stdin
    Add {
        name: UserName,
        /// viewer sees, operator also sends files and steers tasks, admin may everything
        #[arg(long, value_enum)]
        role: Role,
    },
    /// Everybody who may log in
    List {
        #[arg(long)]
        json: bool,
    },
    /// Remove a user, with all keys and sessions
    Remove { name: UserName },
    /// Give a user another password, and end their sessions
    Passwd { name: UserName },
}

#[derive(Debug, Subcommand)]
pub enum KeyAction {
    /// Make a key for a program; it is printed once
    #[command(
        after_help = "Example:\n  video-compressor key add dashboard --user ann --role viewer --days 365"
    )]
    Add {
        /// What it is for
        label: String,
        /// Whose it is
        #[arg(long, value_name = "NAME")]
        user: UserName,
        /// What it may do at most
        #[arg(long, value_enum)]
        role: Role,
        /// After so many days it opens nothing; without this, it works until it is revoked
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..))]
        days: Option<u16>,
    },
    /// Every key: whose, for what, since when, last used
    List {
        #[arg(long)]
        json: bool,
    },
    /// End a key
    Revoke { id: String },
}

impl From<AccessError> for Failure {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Refused(_) | AccessError::Password(_) => Self::usage(error.to_string()),
            _ => Self::environment(error.to_string()),
        }
    }
}

/// `user`
pub fn user(setup: &Setup, action: UserAction) -> Outcome {
    let files = files(setup)?;
    match action {
        UserAction::Add { name, role } => add_user(&files, name, role),
        UserAction::List { json } => list_users(&files, json),
        UserAction::Remove { name } => {
            access::edit(&files, |accounts| accounts.remove_user(&name))?;
            print(&format!("{name}: removed, with all keys and sessions\n"));
            Ok(Exit::Done)
        }
        UserAction::Passwd { name } => {
            let known = access::read(&files)?;
            if known.user(&name).is_none() {
                return Err(AccessError::from(access::AccountError::NoSuchUser(name)).into());
            }
            let hash = ask_for_password(&name)?.hash().map_err(AccessError::from)?;
            access::edit(&files, |accounts| accounts.set_password(&name, hash))?;
            print(&format!(
                "{name}: the password is changed, all sessions have ended\n"
            ));
            Ok(Exit::Done)
        }
    }
}

/// `key`
pub fn key(setup: &Setup, action: KeyAction) -> Outcome {
    let files = files(setup)?;
    match action {
        KeyAction::Add {
            label,
            user,
            role,
            days,
        } => {
            let now = Timestamp::now();
            let expires = days.map(|days| now + SignedDuration::from_hours(24 * i64::from(days)));
            let new = NewKey {
                user,
                label,
                role,
                expires,
            };
            let ((key, secret), _) = access::edit(&files, |accounts| accounts.add_key(new, now))?;
            eprintln!(
                "key {}: {} for {}, shown only now (send it as `Authorization: Bearer …`)",
                key.id, key.role, key.user
            );
            print(&format!("{}\n", secret.text()));
            Ok(Exit::Done)
        }
        KeyAction::List { json } => list_keys(&files, json),
        KeyAction::Revoke { id } => {
            access::edit(&files, |accounts| accounts.revoke_key(&id))?;
            print(&format!("{id}: revoked\n"));
            Ok(Exit::Done)
        }
    }
}

fn files(setup: &Setup) -> Result<Files, Failure> {
    let (loaded, _) = setup.for_reading()?;
    Ok(Files::new(&loaded.config.folders.conf))
}

fn add_user(files: &Files, name: UserName, role: Role) -> Outcome {
    if access::read(files)?.user(&name).is_some() {
        return Err(AccessError::from(access::AccountError::NameTaken(name)).into());
    }
    let hash = ask_for_password(&name)?.hash().map_err(AccessError::from)?;
    // The first user may be made before the service has ever run.
    let accounts: PathBuf = files.accounts();
    if let Some(conf) = accounts.parent() {
        durable::make_directory(conf)?;
    }
    let made = name.clone();
    access::edit(files, |accounts| {
        accounts.add_user(made, role, hash, Timestamp::now())
    })?;
    access::remove_setup_token(files)?;
    print(&format!("{name}: {role}\n"));
    Ok(Exit::Done)
}

fn list_users(files: &Files, json: bool) -> Outcome {
    let accounts = access::read(files)?;
    let users = accounts.users();
    if json {
        let rows: Vec<_> = users
            .iter()
            .map(|user| serde_json::json!({ "name": user.name, "role": user.role, "created": user.created }))
            .collect();
        print_json(&serde_json::json!({ "users": rows }));
        return Ok(Exit::Done);
    }
    if users.is_empty() {
        print("no users; `video-compressor user add NAME --role admin` makes the first\n");
    }
    for user in users {
        print(&format!("{}  {}  since {}\n", user.name, user.role, user.created));
    }
    Ok(Exit::Done)
}

fn list_keys(files: &Files, json: bool) -> Outcome {
    let accounts = access::read(files)?;
    let keys = accounts.keys();
    if json {
        let rows: Vec<_> = keys
            .iter()
            .map(|key| {
                serde_json::json!({
                    "id": key.id, "user": key.user, "label": key.label, "role": key.role,
                    "created": key.created, "expires": key.expires, "last_used": key.last_used,
                })
            })
            .collect();
        print_json(&serde_json::json!({ "keys": rows }));
        return Ok(Exit::Done);
    }
    if keys.is_empty() {
        print("no keys; `video-compressor key add LABEL --user NAME --role viewer` makes one\n");
    }
    let or = |time: Option<Timestamp>, never: &str| time.map_or(never.to_owned(), |time| time.to_string());
    for key in keys {
        print(&format!(
            "{}  {}  {}  {}  expires {}  last used {}\n",
            key.id,
            key.user,
            key.role,
            key.label,
            or(key.expires, "never"),
            or(key.last_used, "never"),
        ));
    }
    Ok(Exit::Done)
}

/// From the terminal, twice and unseen; else the first line of stdin.
fn ask_for_password(name: &UserName) -> Result<Password, Failure> {
    let stdin = io::stdin();
    let text = if stdin.is_terminal() {
        let text = ask_unseen(&format!("Password for {name}: "))?;
        if ask_unseen("The same again: ")? != text {
            return Err(Failure::usage("the two are not the same; nothing was changed"));
        }
        text
    } else {
        let mut line = String::new();
        stdin.lock().read_line(&mut line)?;
        line.trim_end_matches(['\n', '\r']).to_owned()
    };
    Ok(Password::new(text).map_err(AccessError::from)?)
}

fn ask_unseen(question: &str) -> io::Result<String> {
    let mut stderr = io::stderr();
    write!(stderr, "{question}")?;
    stderr.flush()?;
    let unseen = Unseen::begin()?;
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    drop(unseen);
    writeln!(stderr)?;
    read?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

/// The terminal shows nothing of what is typed until this is dropped.
struct Unseen {
    before: Termios,
}

impl Unseen {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut unseen = before.clone();
        unseen.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &unseen)?;
        Ok(Self { before })
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing anyway.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &self.before);
    }
}
