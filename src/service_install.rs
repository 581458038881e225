//! Running as a service of systemd or launchd: renders the packaged unit files for one machine's paths, puts them in
//! place and says which commands start and stop the service.
//!
//! Promises: [`render`] is pure; the files of `packaging/` are the only templates; any path that a unit can express is
//! escaped for it, any other is refused; a file that somebody edited is neither replaced nor removed unless told so.
//! Never in here: starting a child (the caller runs the commands), the meaning of a setting.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::durable;

const SYSTEM_UNIT: &str = include_str!("../packaging/systemd/video-compressor.service");
const USER_UNIT: &str = include_str!("../packaging/systemd/video-compressor-user.service");
const SYSTEM_USER: &str = include_str!("../packaging/systemd/video-compressor.sysusers.conf");
const LAUNCH_AGENT: &str = include_str!("../packaging/launchd/video-compressor.plist");
const LAUNCH_DAEMON: &str = include_str!("../packaging/launchd/video-compressor-daemon.plist");

// What the packaged files say where a machine's own values go.
const PACKAGED_BINARY: &str = "/usr/local/bin/video-compressor";
const PACKAGED_STATE: &str = "/var/lib/video-compressor";
const PACKAGED_SYSTEM_ROOT: &str = "Environment=VIDEO_COMPRESSOR_ROOT=/var/lib/video-compressor\n";
const PACKAGED_USER_ROOT: &str = "Environment=VIDEO_COMPRESSOR_ROOT=%h/.local/share/video-compressor\n";
const PACKAGED_ACCOUNT: &str = "User=video-compressor\nGroup=video-compressor\n";
const PACKAGED_STATE_DIRECTORY: &str = "# Makes /var/lib/video-compressor for that user and lets it be written.\n\
    StateDirectory=video-compressor\nStateDirectoryMode=0755\n";
const PACKAGED_HOME: &str =
    "# The homes are not there at all. See the top for folders under /home.\nProtectHome=yes\n";
const PACKAGED_LAUNCHD_ROOT: &str = "        <key>VIDEO_COMPRESSOR_ROOT</key>\n        \
    <string>/Users/Shared/video-compressor</string>\n";
const PACKAGED_LAUNCHD_LOG: &str = "<string>/Users/Shared/video-compressor/logs/launchd.log</string>";
const PACKAGED_DAEMON_USER: &str = "<key>UserName</key>\n    <string>nobody</string>";

/// The folders that `ProtectHome=` hides (systemd.exec(5)).
const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];
/// The folders that `PrivateTmp=` replaces (systemd.exec(5)).
const TEMPORARY_FOLDERS: [&str; 2] = ["/tmp", "/var/tmp"];

/// Before the checksum in the last line of every file that [`install`] writes.
const MARK: &str = "Written by `video-compressor service install`; checksum ";

/// Which program looks after the service, and for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manager {
    SystemdSystem,
    SystemdUser,
    LaunchAgent,
    LaunchDaemon,
}

/// For whom the service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The whole machine, from boot on; needs root to install.
    System,
    /// The current user, while logged in.
    User,
}

impl Manager {
    /// launchd on macOS, systemd elsewhere.
    #[must_use]
    pub const fn for_scope(scope: Scope) -> Self {
        match (scope, cfg!(target_os = "macos")) {
            (Scope::System, false) => Self::SystemdSystem,
            (Scope::User, false) => Self::SystemdUser,
            (Scope::System, true) => Self::LaunchDaemon,
            (Scope::User, true) => Self::LaunchAgent,
        }
    }
}

/// What differs from machine to machine. All paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    pub binary: PathBuf,
    pub root: PathBuf,
    pub input: PathBuf,
    pub output: PathBuf,
    pub conf: PathBuf,
    pub logs: PathBuf,
    pub archive: PathBuf,
    /// Environment variables that give the service these folders, beside `VIDEO_COMPRESSOR_ROOT`: those that differ from
    /// what the root implies. `config` knows their names.
    pub environment: Vec<(String, PathBuf)>,
    /// The account of a system service; `None`: one of its own, `video-compressor` (systemd only).
    pub user: Option<String>,
    /// The current user's home, number, and `$XDG_CONFIG_HOME` where it is set: for services of a user.
    pub home: PathBuf,
    pub user_id: u32,
    pub xdg_config_home: Option<PathBuf>,
}

/// A service ready to be installed, or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    pub files: Vec<UnitFile>,
    /// Must exist before the start, and belong to the account of the service.
    pub folders: Vec<PathBuf>,
    /// In this order, after [`install`]: make it known and (re)start it, now and at each boot or login.
    pub start: Vec<Step>,
    /// Before the files are removed.
    pub stop: Vec<Step>,
    /// After the files were removed.
    pub forget: Vec<Step>,
    /// What a person should know or do, in plain words.
    pub notes: Vec<String>,
}

impl Unit {
    /// What is left to do after [`install`], to be printed: each start command, then the notes.
    #[must_use]
    pub fn next_steps(&self) -> Vec<String> {
        let commands = self.start.iter().filter(|step| step.failure == Failure::Matters);
        commands
            .map(Step::to_string)
            .chain(self.notes.iter().cloned())
            .collect()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitFile {
    /// Where it goes.
    pub path: PathBuf,
    pub text: String,
}

/// A command for the caller to run. Displays as a line for a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub argv: Vec<String>,
    pub failure: Failure,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    Matters,
    /// The command is there for a state that may not be: stopping what may not run.
    Expected,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, argument) in self.argv.iter().enumerate() {
            let separator = if place == 0 { "" } else { " " };
            let plain = |c: char| c.is_ascii_alphanumeric() || "/._-=:@".contains(c);
            if !argument.is_empty() && argument.chars().all(plain) {
                write!(f, "{separator}{argument}")?;
            } else {
                write!(f, "{separator}'{}'", argument.replace('\'', r"'\''"))?;
            }
        }
        Ok(())
    }
}

/// What to do with a file that is not as [`install`] wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandEdits {
    Keep,
    Overwrite,
}

/// What [`install`] did with one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Created,
    Replaced,
    Unchanged,
}

#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error("{path:?}: {why}; name another path")]
    UnusablePath { path: PathBuf, why: &'static str },
    #[error("{name:?} is no account name; give an existing account with --user")]
    BadAccount { name: String },
    #[error("a LaunchDaemon needs to know whose rights it has; name an account with --user")]
    NoAccount,
    #[error("{}: edited since it was installed, or not ours; move it aside, or use --force to lose the edits", .0.display())]
    EditedByHand(PathBuf),
    #[error("cannot read {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Durable(#[from] durable::DurableError),
}

/// Fills one manager's unit with one machine's paths.
///
/// # Errors
/// `UnusablePath` for a path that a unit file cannot express or the sandbox would hide; `BadAccount`, `NoAccount`.
pub fn render(manager: Manager, paths: &Paths) -> Result<Unit, ServiceError> {
    let folders = [
        &paths.root,
        &paths.input,
        &paths.output,
        &paths.conf,
        &paths.logs,
        &paths.archive,
    ];
    let from_environment = paths.environment.iter().map(|(_, path)| path);
    for path in folders.into_iter().chain([&paths.binary]).chain(from_environment) {
        expressible(path)?;
    }
    if let Some(name) = &paths.user {
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || name.starts_with('-') || !name.chars().all(plain) {
            return Err(ServiceError::BadAccount { name: name.clone() });
        }
    }
    match manager {
        Manager::SystemdSystem => systemd_system(paths),
        Manager::SystemdUser => systemd_user(paths),
        Manager::LaunchAgent => launch_agent(paths),
        Manager::LaunchDaemon => launch_daemon(paths),
    }
}

/// Writes the files of `unit`.
///
/// # Errors
/// `EditedByHand` before anything is written; else what the file system said.
pub fn install(unit: &Unit, edits: HandEdits) -> Result<Vec<(PathBuf, Change)>, ServiceError> {
    let existing = read_unedited(unit, edits)?;
    let mut changes = Vec::new();
    for (file, existing) in unit.files.iter().zip(existing) {
        let change = match existing {
            None => {
                if let Some(parent) = file.path.parent() {
                    durable::make_directory(parent)?;
                }
                durable::create_with_bytes(&file.path, file.text.as_bytes())?;
                Change::Created
            }
            Some(old) if old == file.text.as_bytes() => Change::Unchanged,
            Some(_) => {
                durable::replace_with_bytes(&file.path, file.text.as_bytes())?;
                Change::Replaced
            }
        };
        // Service managers must be able to read it, whatever the umask of the person who installs.
        durable::set_mode(&file.path, 0o644)?;
        changes.push((file.path.clone(), change));
    }
    Ok(changes)
}

/// Stops the service through `run`, removes its files and says which. Data stays where it is.
///
/// # Errors
/// `EditedByHand` before anything is stopped; the error of `run`; else what the file system said.
pub fn uninstall<E: From<ServiceError>>(
    unit: &Unit,
    edits: HandEdits,
    mut run: impl FnMut(&Step) -> Result<(), E>,
) -> Result<Vec<PathBuf>, E> {
    let existing = read_unedited(unit, edits)?;
    if existing.iter().all(Option::is_none) {
        return Ok(Vec::new());
    }
    unit.stop.iter().try_for_each(&mut run)?;
    let mut removed = Vec::new();
    for (file, existing) in unit.files.iter().zip(existing) {
        if existing.is_some() {
            durable::remove(&file.path).map_err(ServiceError::from)?;
            removed.push(file.path.clone());
        }
    }
    unit.forget.iter().try_for_each(&mut run)?;
    Ok(removed)
}

/// The content of each file of `unit` that exists.
fn read_unedited(unit: &Unit, edits: HandEdits) -> Result<Vec<Option<Vec<u8>>>, ServiceError> {
    unit.files
        .iter()
        .map(|file| match fs::read(&file.path) {
            Ok(old)
                if edits == HandEdits::Overwrite || is_as_written(&old) || old == file.text.as_bytes() =>
            {
                Ok(Some(old))
            }
            Ok(_) => Err(ServiceError::EditedByHand(file.path.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ServiceError::Unreadable {
                path: file.path.clone(),
                source,
            }),
        })
        .collect()
}

fn systemd_system(paths: &Paths) -> Result<Unit, ServiceError> {
    let writable = outermost(paths);
    for folder in &writable {
        if under_any(folder, &TEMPORARY_FOLDERS) {
            return Err(ServiceError::UnusablePath {
                path: folder.clone(),
                why: "a system service has a /tmp of its own",
            });
        }
    }
    let mut text = systemd_common(SYSTEM_UNIT, PACKAGED_SYSTEM_ROOT, paths)?;
    let (in_homes, elsewhere): (Vec<_>, Vec<_>) =
        writable.iter().partition(|folder| under_any(folder, &HOMES));
    let mut files = Vec::new();
    let mut start = Vec::new();
    let mut notes = Vec::new();
    match &paths.user {
        Some(user) => text = swap(&text, PACKAGED_ACCOUNT, &format!("User={user}\n")),
        None => {
            files.push(marked(
                "/etc/sysusers.d/video-compressor.conf".into(),
                SYSTEM_USER,
                Syntax::Hash,
            ));
            start.push(step(&["systemd-sysusers"]));
        }
    }
    let state = Path::new(PACKAGED_STATE);
    if writable != [state] {
        let mut sandbox = String::new();
        for folder in elsewhere.iter().filter(|folder| folder.as_path() != state) {
            sandbox.push_str(&format!("ReadWritePaths={}\n", systemd_quoted("-", folder)));
        }
        if !sandbox.is_empty() {
            sandbox.insert_str(
                0,
                "# These folders may be written. \"-\": the service starts while one of them is missing.\n",
            );
        }
        let keeps_state = elsewhere.iter().any(|folder| folder.as_path() == state);
        let replacement = if keeps_state {
            format!("{PACKAGED_STATE_DIRECTORY}{sandbox}")
        } else {
            sandbox
        };
        text = swap(&text, PACKAGED_STATE_DIRECTORY, &replacement);
        let account = paths.user.as_deref().unwrap_or("video-compressor");
        let listed: Vec<_> = unit_folders(paths)
            .iter()
            .map(|folder| folder.display().to_string())
            .collect();
        notes.push(format!(
            "The account {account} must be able to read and write {}.",
            listed.join(", ")
        ));
    }
    let binary_in_home = under_any(&paths.binary, &HOMES);
    if !in_homes.is_empty() || binary_in_home {
        let mut homes = "# The homes are empty, but for what is named here.\nProtectHome=tmpfs\n".to_owned();
        for folder in in_homes {
            homes.push_str(&format!("BindPaths={}\n", systemd_quoted("-", folder)));
        }
        if binary_in_home {
            homes.push_str(&format!(
                "BindReadOnlyPaths={}\n",
                systemd_quoted("", &paths.binary)
            ));
        }
        text = swap(&text, PACKAGED_HOME, &homes);
    }
    files.push(marked(
        "/etc/systemd/system/video-compressor.service".into(),
        &text,
        Syntax::Hash,
    ));
    start.extend([
        step(&["systemctl", "daemon-reload"]),
        step(&["systemctl", "enable", "video-compressor"]),
        step(&["systemctl", "restart", "video-compressor"]),
    ]);
    notes.push("See what it does: journalctl -u video-compressor".to_owned());
    Ok(Unit {
        files,
        folders: unit_folders(paths),
        start,
        stop: vec![step(&["systemctl", "disable", "--now", "video-compressor"])],
        forget: vec![step(&["systemctl", "daemon-reload"])],
        notes,
    })
}

fn systemd_user(paths: &Paths) -> Result<Unit, ServiceError> {
    let text = systemd_common(USER_UNIT, PACKAGED_USER_ROOT, paths)?;
    let config_home = paths
        .xdg_config_home
        .clone()
        .unwrap_or_else(|| paths.home.join(".config"));
    Ok(Unit {
        files: vec![marked(
            config_home.join("systemd/user/video-compressor.service"),
            &text,
            Syntax::Hash,
        )],
        folders: unit_folders(paths),
        start: vec![
            step(&["systemctl", "--user", "daemon-reload"]),
            step(&["systemctl", "--user", "enable", "video-compressor"]),
            step(&["systemctl", "--user", "restart", "video-compressor"]),
        ],
        stop: vec![step(&[
            "systemctl",
            "--user",
            "disable",
            "--now",
            "video-compressor",
        ])],
        forget: vec![step(&["systemctl", "--user", "daemon-reload"])],
        notes: vec![
            "It ends when you log out. To let it run from boot on and stay: loginctl enable-linger"
                .to_owned(),
            "See what it does: journalctl --user -u video-compressor".to_owned(),
        ],
    })
}

fn launch_agent(paths: &Paths) -> Result<Unit, ServiceError> {
    let path = paths.home.join("Library/LaunchAgents/video-compressor.plist");
    expressible(&path)?;
    Ok(launchd_unit(
        paths,
        path,
        &launchd_common(LAUNCH_AGENT, paths),
        &format!("gui/{}", paths.user_id),
    ))
}

fn launch_daemon(paths: &Paths) -> Result<Unit, ServiceError> {
    let user = paths.user.as_ref().ok_or(ServiceError::NoAccount)?;
    let text = swap(
        &launchd_common(LAUNCH_DAEMON, paths),
        PACKAGED_DAEMON_USER,
        &format!("<key>UserName</key>\n    <string>{user}</string>"),
    );
    let path = PathBuf::from("/Library/LaunchDaemons/video-compressor.plist");
    Ok(launchd_unit(paths, path, &text, "system"))
}

fn launchd_unit(paths: &Paths, path: PathBuf, text: &str, domain: &str) -> Unit {
    let service = format!("{domain}/video-compressor");
    let shown = path.display().to_string();
    // launchd refuses to load what is loaded.
    let unload = Step {
        argv: argv(&["launchctl", "bootout", &service]),
        failure: Failure::Expected,
    };
    Unit {
        files: vec![marked(path, text, Syntax::Xml)],
        folders: unit_folders(paths),
        start: vec![
            unload.clone(),
            step(&["launchctl", "enable", &service]),
            step(&["launchctl", "bootstrap", domain, &shown]),
        ],
        stop: vec![unload],
        forget: Vec::new(),
        notes: vec![format!(
            "macOS may ask whether video-compressor may read the folders; allow it. Its log: {}",
            paths.logs.join("app.log").display()
        )],
    }
}

fn systemd_common(template: &str, packaged_root: &str, paths: &Paths) -> Result<String, ServiceError> {
    if paths.binary.to_string_lossy().contains(['"', '\'', '\\']) {
        return Err(ServiceError::UnusablePath {
            path: paths.binary.clone(),
            why: "systemd takes no program with a quote or backslash in its path",
        });
    }
    let binary = format!("ExecStart={} run\n", systemd_quoted("", &paths.binary));
    let text = swap(template, &format!("ExecStart={PACKAGED_BINARY} run\n"), &binary);
    let environment: String = environment(paths)
        .map(|(name, path)| format!("Environment={}\n", systemd_quoted(&format!("{name}="), path)))
        .collect();
    Ok(swap(&text, packaged_root, &environment))
}

fn launchd_common(template: &str, paths: &Paths) -> String {
    let string = |path: &Path| format!("<string>{}</string>", xml_escaped(path));
    let text = swap(
        template,
        &format!("<string>{PACKAGED_BINARY}</string>"),
        &string(&paths.binary),
    );
    let environment: String = environment(paths)
        .map(|(name, path)| format!("        <key>{name}</key>\n        {}\n", string(path)))
        .collect();
    let text = swap(&text, PACKAGED_LAUNCHD_ROOT, &environment);
    swap(
        &text,
        PACKAGED_LAUNCHD_LOG,
        &string(&paths.logs.join("launchd.log")),
    )
}

fn environment(paths: &Paths) -> impl Iterator<Item = (&str, &Path)> {
    let others = paths
        .environment
        .iter()
        .map(|(name, path)| (name.as_str(), path.as_path()));
    std::iter::once(("VIDEO_COMPRESSOR_ROOT", paths.root.as_path())).chain(others)
}

fn step(arguments: &[&str]) -> Step {
    Step {
        argv: argv(arguments),
        failure: Failure::Matters,
    }
}

fn argv(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|&argument| argument.to_owned()).collect()
}

/// Without those that lie in another: a rename between two of the paths a sandbox names is one between two mounts.
fn outermost(paths: &Paths) -> Vec<PathBuf> {
    let mut folders = unit_folders(paths);
    let all = folders.clone();
    folders.retain(|folder| {
        !all.iter()
            .any(|other| other != folder && folder.starts_with(other))
    });
    folders
}

/// Each folder once.
fn unit_folders(paths: &Paths) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in [
        &paths.root,
        &paths.input,
        &paths.output,
        &paths.conf,
        &paths.logs,
        &paths.archive,
    ] {
        if !folders.contains(folder) {
            folders.push(folder.clone());
        }
    }
    folders
}

fn under_any(path: &Path, parents: &[&str]) -> bool {
    parents.iter().any(|parent| path.starts_with(parent))
}

fn expressible(path: &Path) -> Result<(), ServiceError> {
    let why = match path.to_str() {
        _ if !path.is_absolute() => "not absolute",
        None => "not UTF-8, which a unit file cannot hold",
        Some(text) if text.contains(char::is_control) => "a control character, which a unit file cannot hold",
        Some(_) => return Ok(()),
    };
    Err(ServiceError::UnusablePath {
        path: path.to_owned(),
        why,
    })
}

/// Replaces the one place where a packaged file says `old`.
fn swap(text: &str, old: &str, new: &str) -> String {
    debug_assert_eq!(
        text.matches(old).count(),
        1,
        "the packaged file must say {old:?} once"
    );
    text.replacen(old, new, 1)
}

/// `prefix` and the path as one word of a unit file: quotes, backslashes and `%` mean something there.
fn systemd_quoted(prefix: &str, path: &Path) -> String {
    let escaped = path
        .to_string_lossy()
        .replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('%', "%%");
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-%+@".contains(c);
    if escaped.chars().all(plain) {
        format!("{prefix}{escaped}")
    } else {
        format!("\"{prefix}{escaped}\"")
    }
}

fn xml_escaped(path: &Path) -> String {
    path.to_string_lossy()
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[derive(Clone, Copy)]
enum Syntax {
    Hash,
    Xml,
}

fn marked(path: PathBuf, text: &str, syntax: Syntax) -> UnitFile {
    let (opening, closing) = match syntax {
        Syntax::Hash => ("# ", ""),
        Syntax::Xml => ("<!-- ", " -->"),
    };
    let checksum = xxhash_rust::xxh3::xxh3_64(text.as_bytes());
    UnitFile {
        path,
        text: format!("{text}{opening}{MARK}{checksum:016x}{closing}\n"),
    }
}

/// Whether the checksum in the last line is that of the rest.
fn is_as_written(content: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(content) else {
        return false;
    };
    let body_and_mark = text
        .rsplit_once(MARK)
        .and_then(|(before, checksum)| Some((&text[..=before.rfind('\n')?], checksum)));
    let Some((body, checksum)) = body_and_mark else {
        return false;
    };
    let checksum = checksum.trim_end().trim_end_matches(" -->");
    u64::from_str_radix(checksum, 16) == Ok(xxhash_rust::xxh3::xxh3_64(body.as_bytes()))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    fn paths(root: &str) -> Paths {
        let root = PathBuf::from(root);
        Paths {
            binary: "/usr/bin/video-compressor".into(),
            input: root.join("input"),
            output: root.join("output"),
            conf: root.join("conf"),
            logs: root.join("logs"),
            archive: root.join("input/.done"),
            environment: Vec::new(),
            user: None,
            home: "/home/ann".into(),
            user_id: 1000,
            xdg_config_home: None,
            root,
        }
    }

    /// The active lines of a systemd unit that start with one of `keys`.
    fn lines<'a>(unit: &'a Unit, keys: &[&str]) -> Vec<&'a str> {
        let text = &unit.files.last().unwrap().text;
        let wanted = |line: &&str| {
            keys.iter()
                .any(|key| line.strip_prefix(key).is_some_and(|rest| rest.starts_with('=')))
        };
        text.lines().filter(wanted).collect()
    }

    const SANDBOX: [&str; 8] = [
        "User",
        "Group",
        "StateDirectory",
        "ReadWritePaths",
        "ProtectHome",
        "BindPaths",
        "BindReadOnlyPaths",
        "Environment",
    ];

    #[test]
    fn the_system_unit_at_its_own_root_is_the_packaged_one() {
        let mut paths = paths(PACKAGED_STATE);
        paths.binary = PACKAGED_BINARY.into();
        let unit = render(Manager::SystemdSystem, &paths).unwrap();
        assert!(unit.files[1].text.starts_with(SYSTEM_UNIT));
        assert_eq!(
            unit.files[0].path,
            Path::new("/etc/sysusers.d/video-compressor.conf")
        );
        assert_eq!(
            unit.files[1].path,
            Path::new("/etc/systemd/system/video-compressor.service")
        );
    }

    #[test]
    fn the_sandbox_of_the_system_unit_opens_for_the_folders_and_for_nothing_else() {
        let mut on_a_disk = paths("/srv/my media");
        on_a_disk.output = "/mnt/100%/out".into();
        on_a_disk.environment = vec![("VIDEO_COMPRESSOR_OUTPUT".to_owned(), "/mnt/100%/out".into())];
        let mut at_home = paths("/home/ann/a \"b\":c");
        at_home.user = Some("ann".to_owned());
        at_home.binary = "/home/ann/.cargo/bin/video-compressor".into();
        let mut mixed = paths(PACKAGED_STATE);
        mixed.input = "/home/ann/drop".into();
        mixed.archive = "/home/ann/drop/.done".into();
        let table: [(Paths, &[&str]); 3] = [
            (
                on_a_disk,
                &[
                    r#"Environment="VIDEO_COMPRESSOR_ROOT=/srv/my media""#,
                    "Environment=VIDEO_COMPRESSOR_OUTPUT=/mnt/100%%/out",
                    "Environment=PATH=/usr/local/bin:/usr/bin:/bin",
                    "User=video-compressor",
                    "Group=video-compressor",
                    r#"ReadWritePaths="-/srv/my media""#,
                    "ReadWritePaths=-/mnt/100%%/out",
                    "ProtectHome=yes",
                ],
            ),
            (
                at_home,
                &[
                    r#"Environment="VIDEO_COMPRESSOR_ROOT=/home/ann/a \"b\":c""#,
                    "Environment=PATH=/usr/local/bin:/usr/bin:/bin",
                    "User=ann",
                    "ProtectHome=tmpfs",
                    r#"BindPaths="-/home/ann/a \"b\":c""#,
                    "BindReadOnlyPaths=/home/ann/.cargo/bin/video-compressor",
                ],
            ),
            (
                mixed,
                &[
                    "Environment=VIDEO_COMPRESSOR_ROOT=/var/lib/video-compressor",
                    "Environment=PATH=/usr/local/bin:/usr/bin:/bin",
                    "User=video-compressor",
                    "Group=video-compressor",
                    "StateDirectory=video-compressor",
                    "ProtectHome=tmpfs",
                    "BindPaths=-/home/ann/drop",
                ],
            ),
        ];
        for (paths, expected) in table {
            let unit = render(Manager::SystemdSystem, &paths).unwrap();
            assert_eq!(lines(&unit, &SANDBOX), expected, "{paths:?}");
        }
    }

    #[test]
    fn what_a_unit_file_cannot_say_is_refused() {
        use std::{ffi::OsString, os::unix::ffi::OsStringExt};
        let odd = PathBuf::from(OsString::from_vec(b"/srv/\xff".to_vec()));
        for (manager, root, part) in [
            (Manager::SystemdUser, "media".into(), "not absolute"),
            (
                Manager::SystemdUser,
                "/srv/a\nExecStart=x".into(),
                "control character",
            ),
            (Manager::SystemdUser, odd, "not UTF-8"),
            (Manager::SystemdSystem, "/tmp/media".into(), "/tmp of its own"),
            (Manager::LaunchDaemon, "/srv/media".into(), "--user"),
        ] {
            let mut paths = paths("/srv");
            paths.root = root;
            let message = render(manager, &paths).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
        let mut quoted = paths("/srv");
        quoted.binary = "/opt/ann's/video-compressor".into();
        let message = render(Manager::SystemdUser, &quoted).unwrap_err().to_string();
        assert!(message.contains("quote"), "{message}");
        let mut paths = paths("/srv");
        paths.user = Some("ann\nExecStart=x".to_owned());
        let refused = render(Manager::SystemdSystem, &paths);
        assert!(matches!(refused, Err(ServiceError::BadAccount { .. })));
    }

    #[test]
    fn commands_read_as_a_shell_would_take_them() {
        let unit = launchd_unit(
            &paths("/srv"),
            "/Users/an o'b/x.plist".into(),
            LAUNCH_AGENT,
            "gui/501",
        );
        let shown: Vec<_> = unit.start.iter().map(Step::to_string).collect();
        assert_eq!(
            shown,
            [
                "launchctl bootout gui/501/video-compressor",
                "launchctl enable gui/501/video-compressor",
                r"launchctl bootstrap gui/501 '/Users/an o'\''b/x.plist'",
            ]
        );
        assert_eq!(unit.next_steps()[..2], shown[1..]);
    }

    #[test]
    fn a_unit_edited_by_hand_survives_unless_forced() {
        let home = tempfile::tempdir().unwrap();
        let mut first = paths("/srv/media");
        first.home = home.path().to_owned();
        let mut second = first.clone();
        second.root = "/srv/other".into();
        let first = render(Manager::SystemdUser, &first).unwrap();
        let second = render(Manager::SystemdUser, &second).unwrap();
        let path = &first.files[0].path;
        assert_eq!(
            *path,
            home.path().join(".config/systemd/user/video-compressor.service")
        );
        let changes = |unit: &Unit, edits| {
            install(unit, edits)
                .map(|changes| changes[0].1)
                .map_err(|error| error.to_string())
        };

        assert_eq!(changes(&first, HandEdits::Keep), Ok(Change::Created));
        assert_eq!(changes(&first, HandEdits::Keep), Ok(Change::Unchanged));
        assert_eq!(changes(&second, HandEdits::Keep), Ok(Change::Replaced));

        let edited = second.files[0].text.replace("Nice=10", "Nice=5");
        fs::write(path, &edited).unwrap();
        assert!(changes(&first, HandEdits::Keep).unwrap_err().contains("--force"));
        let mut ran = Vec::new();
        let refused = uninstall(&first, HandEdits::Keep, |step| {
            ran.push(step.to_string());
            Ok::<_, ServiceError>(())
        });
        assert!(matches!(refused, Err(ServiceError::EditedByHand(_))));
        assert_eq!(fs::read_to_string(path).unwrap(), edited);
        assert!(ran.is_empty(), "{ran:?}");

        assert_eq!(changes(&first, HandEdits::Overwrite), Ok(Change::Replaced));
        assert_eq!(fs::read_to_string(path).unwrap(), first.files[0].text);
    }

    #[test]
    fn uninstalling_stops_removes_and_forgets_in_this_order_and_once() {
        let home = tempfile::tempdir().unwrap();
        let mut paths = paths("/srv/media");
        paths.home = home.path().to_owned();
        let unit = render(Manager::SystemdUser, &paths).unwrap();
        let file = unit.files[0].path.clone();
        install(&unit, HandEdits::Keep).unwrap();
        let mut ran = Vec::new();
        let mut once = || {
            uninstall(&unit, HandEdits::Keep, |step| {
                ran.push((step.to_string(), file.exists()));
                Ok::<_, ServiceError>(())
            })
            .unwrap()
        };
        assert_eq!(once().as_slice(), std::slice::from_ref(&file));
        assert_eq!(once(), [] as [PathBuf; 0]);
        assert_eq!(
            ran,
            [
                ("systemctl --user disable --now video-compressor".to_owned(), true),
                ("systemctl --user daemon-reload".to_owned(), false),
            ]
        );
    }
}
