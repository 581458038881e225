//! The service's side of `access`, on real files.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::config::{Config, Sources};

const PASSWORD: &str = "correct horse battery";

fn config() -> HttpConfig {
    let sources = Sources {
        root: "/nowhere".into(),
        file: None,
        environment: std::collections::BTreeMap::new(),
        flags: Vec::new(),
    };
    Config::load(&sources).unwrap().config.http
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn name(text: &str) -> UserName {
    text.parse().unwrap()
}

fn hash() -> PasswordHash {
    Password::new(PASSWORD).unwrap().hash().unwrap()
}

fn attempt(name: &str, password: &str) -> Attempt {
    Attempt {
        name: name.into(),
        password: password.into(),
        address: IpAddr::from([192, 0, 2, 1]),
        agent: "test".into(),
    }
}

fn log_in(access: &Arc<Access>, attempt: Attempt, now: Timestamp) -> Result<Secret, LoginError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(access.log_in(attempt, now))
}

struct House {
    folder: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn files(&self) -> Files {
        Files::new(self.folder.path())
    }

    fn open(&self) -> Arc<Access> {
        Arc::new(Access::open(self.folder.path()).unwrap())
    }

    /// As a command does it.
    fn with(&self, user: &str, role: Role) -> &Self {
        edit(&self.files(), |accounts| {
            accounts.add_user(name(user), role, hash(), at(0))
        })
        .unwrap();
        self
    }

    fn key(&self, user: &str, role: Role) -> (Key, Secret) {
        let new = NewKey {
            user: name(user),
            label: "test".into(),
            role,
            expires: None,
        };
        edit(&self.files(), |accounts| accounts.add_key(new, at(0)))
            .unwrap()
            .0
    }
}

#[test]
fn nobody_but_this_user_may_read_what_is_written() {
    let house = House::new();
    let access = house.open();
    let token_mode = house
        .files()
        .setup_token()
        .metadata()
        .unwrap()
        .permissions()
        .mode()
        & 0o777;
    assert_eq!(token_mode, 0o600);
    house.with("ann", Role::Admin);
    access.refresh(&config(), at(0));
    log_in(&access, attempt("ann", PASSWORD), at(0)).unwrap();
    for file in [house.files().accounts(), house.files().sessions()] {
        assert_eq!(
            file.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{file:?}"
        );
    }
}

#[test]
fn a_change_by_a_command_counts_after_the_next_look() {
    let house = House::new();
    let access = house.open();
    house.with("ann", Role::Admin);
    let (key, secret) = house.key("ann", Role::Operator);
    assert!(access.by_key(secret.text(), at(1)).is_none());
    access.refresh(&config(), at(1));
    let caller = access.by_key(secret.text(), at(1)).unwrap();
    assert_eq!((caller.name.as_str(), caller.role), ("ann", Role::Operator));
    assert_eq!(caller.how, How::Key(key.id.clone()));
    assert!(access.still_knows(&caller, &config(), at(1)));
    edit(&house.files(), |accounts| accounts.revoke_key(&key.id)).unwrap();
    access.refresh(&config(), at(2));
    assert!(access.by_key(secret.text(), at(2)).is_none());
    assert!(!access.still_knows(&caller, &config(), at(2)));
    for guess in ["", "vck_", &key.id, &String::from(key.hash)] {
        assert!(access.by_key(guess, at(1)).is_none());
    }
}

#[test]
fn a_file_that_cannot_be_understood_changes_nothing_and_lets_nobody_in_at_a_start() {
    let house = House::new();
    house.with("ann", Role::Admin);
    let (_, secret) = house.key("ann", Role::Viewer);
    let access = house.open();
    crate::durable::replace_with_bytes(&house.files().accounts(), b"{").unwrap();
    access.refresh(&config(), at(1));
    assert!(access.by_key(secret.text(), at(1)).is_some());
    assert!(matches!(
        access.edit(|accounts| accounts.remove_user(&name("ann"))),
        Err(AccessError::Corrupt { .. })
    ));
    let refused = Access::open(house.folder.path()).unwrap_err();
    assert!(refused.to_string().contains("user add"), "{refused}");
}

#[test]
fn a_key_in_use_is_written_down_at_most_once_a_minute() {
    let house = House::new();
    house.with("ann", Role::Admin);
    let (_, secret) = house.key("ann", Role::Viewer);
    let access = house.open();
    let kept = || read(&house.files()).unwrap().keys()[0].last_used;
    let mut writes = Vec::new();
    for second in [0, 1, 59, 60, 61, 119] {
        access.by_key(secret.text(), at(second)).unwrap();
        access.refresh(&config(), at(second));
        writes.push(kept());
    }
    let (first, second) = (Some(at(0)), Some(at(60)));
    assert_eq!(writes, [first, first, first, second, second, second]);
    // The last use is not lost, only late.
    access.refresh(&config(), at(120));
    assert_eq!(kept(), Some(at(119)));
}

#[test]
fn a_login_begins_a_session_that_survives_a_restart_and_ends_when_told() {
    let house = House::new();
    house.with("ann", Role::Operator);
    let access = house.open();
    let config = config();
    let secret = log_in(&access, attempt("Ann", PASSWORD), at(0)).unwrap();
    drop(access);
    let access = house.open();
    let caller = access.by_session(secret.text(), &config, at(1)).unwrap();
    assert_eq!((caller.name.as_str(), caller.role), ("ann", Role::Operator));
    let How::Session(id) = &caller.how else {
        panic!("{caller:?}");
    };
    let listed = access.sessions(&config, at(1));
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0].id, listed[0].address.as_str()), (id, "192.0.2.1"));
    assert!(
        access.by_session(id, &config, at(1)).is_none(),
        "an id opens nothing"
    );
    assert!(access.end_session(id).unwrap() && !access.end_session(id).unwrap());
    assert!(access.by_session(secret.text(), &config, at(1)).is_none());
    drop(access);
    assert!(house.open().sessions(&config, at(1)).is_empty());
}

#[test]
fn a_new_password_by_a_command_ends_sessions() {
    let house = House::new();
    house.with("ann", Role::Viewer);
    let access = house.open();
    let secret = log_in(&access, attempt("ann", PASSWORD), at(0)).unwrap();
    edit(&house.files(), |accounts| {
        accounts.set_password(&name("ann"), hash())
    })
    .unwrap();
    access.refresh(&config(), at(1));
    assert!(access.by_session(secret.text(), &config(), at(1)).is_none());
    let file = String::from_utf8(std::fs::read(house.files().sessions()).unwrap()).unwrap();
    assert!(!file.contains("ann"), "{file}");
}

#[test]
fn a_wrong_name_and_a_wrong_password_look_the_same_and_are_throttled_the_same() {
    let house = House::new();
    house.with("ann", Role::Viewer);
    for user in ["ann", "nobody", "not/a/name"] {
        let access = house.open();
        for _ in 0..5 {
            let error = log_in(&access, attempt(user, "wrong password"), at(0)).unwrap_err();
            assert_eq!(error.to_string(), "name or password is wrong");
        }
        let error = log_in(&access, attempt(user, PASSWORD), at(0)).unwrap_err();
        assert!(matches!(error, LoginError::Wait(_)), "{user}: {error}");
        let after = log_in(&access, attempt(user, PASSWORD), at(1));
        assert_eq!(after.is_ok(), user == "ann");
    }
}

#[test]
fn a_name_that_nobody_has_takes_as_long_as_one_that_somebody_has() {
    let house = House::new();
    house.with("ann", Role::Viewer);
    let access = house.open();
    for user in ["ann", "nobody", "not/a/name"] {
        let given = format!("the wrong password of {user}");
        assert!(matches!(
            log_in(&access, attempt(user, &given), at(0)),
            Err(LoginError::Wrong)
        ));
        let once = ["$argon2id$v=19$m=19456,t=2,p=1"];
        assert_eq!(super::password::tests::costs_of(&given), once, "{user}");
    }
}

#[test]
fn many_attempts_at_once_are_no_way_around_the_throttle() {
    let house = House::new();
    house.with("ann", Role::Viewer);
    let access = house.open();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let outcomes = runtime.block_on(async {
        let attempts = (0..20).map(|_| access.log_in(attempt("ann", "wrong password"), at(0)));
        futures_util::future::join_all(attempts).await
    });
    let looked_at = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Err(LoginError::Wrong)));
    assert_eq!(looked_at.count(), 5);
}

#[test]
fn the_setup_token_makes_one_administrator_and_is_gone() {
    let house = House::new();
    let access = house.open();
    let path = house.files().setup_token();
    let token = std::fs::read_to_string(&path).unwrap().trim().to_owned();
    let password = Password::new(PASSWORD).unwrap();
    let set_up = |token: &str, user: &str| access.set_up(token, name(user), &password, at(0));
    for wrong in ["", "x", &token[1..]] {
        assert!(
            matches!(set_up(wrong, "ann"), Err(SetupError::WrongToken)),
            "{wrong}"
        );
    }
    set_up(&token, "ann").unwrap();
    assert!(!path.exists());
    assert_eq!(access.accounts().users()[0].role, Role::Admin);
    assert!(matches!(set_up(&token, "eve"), Err(SetupError::Done)));
    access.refresh(&config(), at(1));
    assert!(!path.exists());

    // Nobody left: the way in is the same as at first, with another token.
    edit(&house.files(), |accounts| accounts.remove_user(&name("ann"))).unwrap();
    access.refresh(&config(), at(2));
    assert_ne!(std::fs::read_to_string(&path).unwrap().trim(), token);
}

#[test]
fn an_emptied_token_file_opens_nothing() {
    let house = House::new();
    let access = house.open();
    crate::durable::replace_with_bytes(&house.files().setup_token(), b"").unwrap();
    let password = Password::new(PASSWORD).unwrap();
    let tried = access.set_up("", name("eve"), &password, at(0));
    assert!(matches!(tried, Err(SetupError::WrongToken)));
}

#[test]
fn a_user_made_by_a_command_takes_the_token_away() {
    let house = House::new();
    let access = house.open();
    assert!(house.files().setup_token().exists());
    house.with("ann", Role::Admin);
    access.refresh(&config(), at(0));
    assert!(!house.files().setup_token().exists());
}
