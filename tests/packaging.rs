//! The packaged files and scripts, as the programs that read them see them: systemd, launchd's format, sh and make.
#![allow(clippy::disallowed_methods)]

mod common;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use video_compressor::service_install::{Manager, Paths, Unit, render};

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

fn program(name: &str) -> Option<PathBuf> {
    which::which(name).ok()
}

fn write_script(path: &Path, body: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn paths(folder: &Path) -> Paths {
    let root = folder.join("a \"videos\" 100%");
    Paths {
        binary: folder.join("bin of 100%/video-compressor"),
        input: root.join("input"),
        output: folder.join("out&put"),
        conf: root.join("conf"),
        logs: root.join("logs"),
        archive: root.join("input/.done"),
        environment: vec![("VIDEO_COMPRESSOR_OUTPUT".to_owned(), folder.join("out&put"))],
        user: Some("ann".to_owned()),
        home: folder.to_owned(),
        user_id: 501,
        xdg_config_home: None,
        root,
    }
}

/// A folder with one executable for each of `stubs` (name, body), to be the whole PATH of a script.
fn fake_path(stubs: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, body) in stubs {
        write_script(&folder.path().join(name), body);
    }
    folder
}

fn install_ffmpeg(stubs: &[(&str, &str)], arguments: &[&str]) -> (i32, String) {
    let path = fake_path(stubs);
    let output = Command::new("/bin/sh")
        .arg(Path::new(REPOSITORY).join("scripts/install-ffmpeg"))
        .args(arguments)
        .env_clear()
        .env("PATH", path.path())
        .output()
        .unwrap();
    (output.status.code().unwrap(), said(&output))
}

const ROOT: (&str, &str) = ("id", "echo 0");
const ANN: (&str, &str) = ("id", "echo 1000");
const SUDO: (&str, &str) = ("sudo", "exec \"$@\"");
const FFPROBE: (&str, &str) = ("ffprobe", ":");
const COMPLETE: (&str, &str) = ("ffmpeg", "echo ' V....D libx265 x'");
const WITHOUT_X265: (&str, &str) = ("ffmpeg", "echo ' V....D libx264 x'");
const UNTOUCHED: &str = "echo the package manager was run; exit 9";
const FEDORA: (&str, &str) = (
    "rpm",
    "case \"$*\" in '-E %fedora') echo 41;; '-q ffmpeg-free') :;; *) exit 1;; esac",
);
const RHEL: (&str, &str) = (
    "rpm",
    "case \"$*\" in '-E %fedora') echo %fedora;; '-E %rhel') echo 9;; *) exit 1;; esac",
);

#[test]
fn the_dry_run_names_the_commands_of_each_package_manager_and_runs_none() {
    let apt = ("apt-get", UNTOUCHED);
    let dnf = ("dnf", UNTOUCHED);
    type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);
    let table: [Row; 9] = [
        (
            "Debian as root",
            &[ROOT, apt],
            &[
                "apt-get update",
                "env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ffmpeg",
            ],
        ),
        (
            "Debian as a user",
            &[ANN, SUDO, apt],
            &[
                "sudo apt-get update",
                "sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ffmpeg",
            ],
        ),
        (
            "an ffmpeg without libx265 does not do",
            &[ROOT, apt, WITHOUT_X265, FFPROBE],
            &[
                "apt-get update",
                "env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ffmpeg",
            ],
        ),
        (
            "Fedora with ffmpeg-free",
            &[ROOT, dnf, FEDORA],
            &[
                "dnf install -y https://mirrors.rpmfusion.org/free/fedora/rpmfusion-free-release-41.noarch.rpm",
                "dnf swap -y ffmpeg-free ffmpeg --allowerasing",
            ],
        ),
        (
            "RHEL without any",
            &[ANN, SUDO, dnf, RHEL],
            &[
                "sudo dnf install -y https://dl.fedoraproject.org/pub/epel/epel-release-latest-9.noarch.rpm",
                "sudo crb enable",
                "sudo dnf install -y https://mirrors.rpmfusion.org/free/el/rpmfusion-free-release-9.noarch.rpm",
                "sudo dnf install -y ffmpeg --allowerasing",
            ],
        ),
        ("Alpine", &[ROOT, ("apk", UNTOUCHED)], &["apk add ffmpeg"]),
        ("macOS", &[ANN, ("brew", UNTOUCHED)], &["brew install ffmpeg"]),
        (
            "Debian as a user without sudo",
            &[ANN, apt],
            &[
                "(as root) apt-get update",
                "(as root) env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ffmpeg",
            ],
        ),
        (
            "ffmpeg without ffprobe",
            &[ROOT, ("apk", UNTOUCHED), COMPLETE],
            &["apk add ffmpeg"],
        ),
    ];
    for (name, stubs, expected) in table {
        let (code, said) = install_ffmpeg(stubs, &["--dry-run"]);
        let commands: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("  ")).collect();
        assert_eq!(commands, expected, "{name}");
        assert_eq!(code, 0, "{name}: {said}");
    }
    // What is chosen here depends on the machine: whether pacman's lists are there, which openSUSE it is.
    for (name, stub, parts) in [
        (
            "Arch",
            "pacman",
            vec!["  pacman -S", "--needed --noconfirm ffmpeg"],
        ),
        (
            "openSUSE",
            "zypper",
            vec![
                "addrepo",
                "packman/suse/openSUSE_",
                "--allow-vendor-change --from packman ffmpeg",
            ],
        ),
    ] {
        let (code, said) = install_ffmpeg(&[ROOT, (stub, UNTOUCHED)], &["--dry-run"]);
        assert!(parts.iter().all(|part| said.contains(part)), "{name}: {said}");
        assert_eq!(code, 0, "{name}");
    }
}

#[test]
fn a_complete_ffmpeg_is_left_alone() {
    let installed = install_ffmpeg(&[ROOT, COMPLETE, FFPROBE, ("apt-get", UNTOUCHED)], &[]);
    assert_eq!(installed, (0, String::new()));
}

#[test]
fn installing_ends_with_the_reason_when_it_cannot_be_done() {
    for (name, stubs, code, part) in [
        ("no package manager", vec![ROOT], 3, "yourself"),
        ("not root, no sudo", vec![ANN, ("apk", UNTOUCHED)], 3, "no sudo"),
        (
            "the manager fails",
            vec![ROOT, ("apk", "exit 7")],
            1,
            "that failed: apk add ffmpeg",
        ),
        (
            "still no libx265",
            vec![ROOT, ("apk", ":"), WITHOUT_X265, FFPROBE],
            3,
            "no libx265",
        ),
    ] {
        let (ended, said) = install_ffmpeg(&stubs, &[]);
        assert_eq!(ended, code, "{name}: {said}");
        assert!(said.contains(part), "{name}: {said}");
    }
}

/// `systemd-analyze` on the last file of `unit`, under the name that it will have.
fn systemd_analyze(unit: &Unit, folder: &Path, arguments: &[&str]) -> Output {
    let file = unit.files.last().unwrap();
    let copy = folder.join(file.path.file_name().unwrap());
    fs::write(&copy, &file.text).unwrap();
    Command::new("systemd-analyze")
        .args(arguments)
        .arg(copy)
        .env("XDG_RUNTIME_DIR", folder)
        .output()
        .unwrap()
}

#[test]
fn systemd_takes_the_units_without_a_word_and_finds_the_system_one_well_locked() {
    const NAME: &str = "systemd_takes_the_units_without_a_word_and_finds_the_system_one_well_locked";
    if !common::all_tests_wanted(NAME) {
        return;
    }
    if program("systemd-analyze").is_none() {
        return common::skip(NAME, "systemd-analyze");
    }
    let folder = tempfile::tempdir().unwrap();
    let mut own_root = paths(Path::new("/var/lib/video-compressor"));
    own_root.binary = folder.path().join("video-compressor");
    own_root.user = None;
    let mut elsewhere = paths(Path::new("/srv/media: 100%"));
    elsewhere.binary = folder.path().join("bin of 100%/video-compressor");
    let mut at_home = paths(Path::new("/home/ann"));
    at_home.binary.clone_from(&elsewhere.binary);
    for paths in [own_root, elsewhere, at_home] {
        write_script(&paths.binary, "");
        for (manager, scope) in [
            (Manager::SystemdSystem, "--system"),
            (Manager::SystemdUser, "--user"),
        ] {
            let unit = render(manager, &paths).unwrap();
            let verified = systemd_analyze(&unit, folder.path(), &["verify", "--man=no", scope]);
            assert_eq!(said(&verified), "", "{manager:?} {paths:?}");
            assert!(verified.status.success());
        }
        // 20 stands for 2.0.
        let unit = render(Manager::SystemdSystem, &paths).unwrap();
        let judged = systemd_analyze(
            &unit,
            folder.path(),
            &["security", "--offline=true", "--threshold=20"],
        );
        assert!(judged.status.success(), "{}", said(&judged));
        assert!(said(&judged).contains("Overall exposure level"));
    }
}

#[test]
fn launchd_finds_every_key_it_needs_and_only_absolute_paths() {
    let given = paths(Path::new("/Users/ann & bob <1>"));
    let rendered = |manager| render(manager, &given).unwrap().files[0].text.clone();
    let packaged =
        |name| fs::read_to_string(Path::new(REPOSITORY).join("packaging/launchd").join(name)).unwrap();
    let as_packaged = Paths {
        binary: "/usr/local/bin/video-compressor".into(),
        root: "/Users/Shared/video-compressor".into(),
        logs: "/Users/Shared/video-compressor/logs".into(),
        ..given.clone()
    };
    for (text, paths, user) in [
        (packaged("video-compressor.plist"), &as_packaged, None),
        (
            packaged("video-compressor-daemon.plist"),
            &as_packaged,
            Some("nobody"),
        ),
        (rendered(Manager::LaunchAgent), &given, None),
        (rendered(Manager::LaunchDaemon), &given, Some("ann")),
    ] {
        let plist = plist::Value::from_reader_xml(text.as_bytes()).unwrap();
        let plist = plist.as_dictionary().unwrap();
        let string = |key: &str| plist.get(key).and_then(plist::Value::as_string);
        assert_eq!(string("Label"), Some("video-compressor"));
        assert_eq!(string("ProcessType"), Some("Background"));
        assert_eq!(string("UserName"), user);
        assert_eq!(plist["RunAtLoad"].as_boolean(), Some(true));
        let restart = plist["KeepAlive"].as_dictionary().unwrap();
        assert_eq!(restart["SuccessfulExit"].as_boolean(), Some(false));
        let arguments: Vec<_> = plist["ProgramArguments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|argument| argument.as_string().unwrap())
            .collect();
        assert_eq!(arguments, [paths.binary.to_str().unwrap(), "run"]);
        let environment = plist["EnvironmentVariables"].as_dictionary().unwrap();
        let root = environment["VIDEO_COMPRESSOR_ROOT"].as_string().unwrap();
        assert_eq!(Path::new(root), paths.root);
        let search: Vec<_> = environment["PATH"].as_string().unwrap().split(':').collect();
        assert!(search.contains(&"/opt/homebrew/bin") && search.contains(&"/usr/local/bin"));
        let error_log = string("StandardErrorPath").unwrap();
        assert_eq!(Path::new(error_log), paths.logs.join("launchd.log"));
        let output_log = string("StandardOutPath").unwrap();
        for path in search
            .into_iter()
            .chain([arguments[0], root, error_log, output_log])
        {
            assert!(Path::new(path).is_absolute(), "{path}");
        }
    }
}

fn files_below(folder: &Path) -> Vec<String> {
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter();
    entries
        .map(Result::unwrap)
        .filter(|entry| !entry.file_type().is_dir())
        .map(|entry| entry.path().strip_prefix(folder).unwrap().display().to_string())
        .collect()
}

#[test]
fn make_install_stages_every_file_without_cargo_and_make_uninstall_removes_them() {
    const NAME: &str = "make_install_stages_every_file_without_cargo_and_make_uninstall_removes_them";
    let Some(make) = program("make") else {
        return common::skip(NAME, "make");
    };
    if cfg!(target_os = "macos") {
        return common::skip(NAME, "Linux, where the systemd units are installed");
    }
    let folder = tempfile::tempdir().unwrap();
    let binary = folder.path().join("built/video-compressor");
    write_script(
        &binary,
        "case \"$1\" in man) : > \"$3/video-compressor.1\"; : > \"$3/video-compressor-run.1\";; completions) echo \"$2\";; esac",
    );
    let config = folder.path().join("video-compressor.toml");
    fs::write(&config, "").unwrap();
    let stage = folder.path().join("stage with space");
    let run = |target: &str| {
        let output = Command::new(&make)
            .current_dir(REPOSITORY)
            .args([target, "CARGO=no-such-cargo", "PREFIX=/opt/vc"])
            .arg(format!("BINARY={}", binary.display()))
            .arg(format!("CONFIG={}", config.display()))
            .arg(format!("DESTDIR={}", stage.display()))
            .env_remove("MAKEFLAGS")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", said(&output));
    };
    run("install");
    assert_eq!(
        files_below(&stage.join("opt/vc")),
        [
            "bin/video-compressor",
            "lib/systemd/system/video-compressor.service",
            "lib/systemd/user/video-compressor.service",
            "lib/sysusers.d/video-compressor.conf",
            "share/bash-completion/completions/video-compressor",
            "share/doc/video-compressor/LICENSE",
            "share/doc/video-compressor/video-compressor.toml",
            "share/fish/vendor_completions.d/video-compressor.fish",
            "share/man/man1/video-compressor-run.1",
            "share/man/man1/video-compressor.1",
            "share/zsh/site-functions/_video-compressor",
        ]
    );
    for scope in ["system", "user"] {
        let unit = stage
            .join("opt/vc/lib/systemd")
            .join(scope)
            .join("video-compressor.service");
        let text = fs::read_to_string(unit).unwrap();
        assert!(
            text.contains("\nExecStart=/opt/vc/bin/video-compressor run\n"),
            "{text}"
        );
    }
    run("uninstall");
    assert_eq!(files_below(&stage), [] as [&str; 0]);
}

#[test]
fn scripts_are_posix_shell_and_executable() {
    let mut scripts: Vec<_> = fs::read_dir(Path::new(REPOSITORY).join("scripts"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    scripts.push(Path::new(REPOSITORY).join(".ci/run"));
    for script in scripts {
        let text = fs::read_to_string(&script).unwrap();
        let shell = text.lines().next().unwrap().trim_start_matches("#!");
        let mut words = shell.split(' ');
        let parsed = Command::new(words.next().unwrap())
            .args(words)
            .arg("-n")
            .arg(&script)
            .output()
            .unwrap();
        assert!(parsed.status.success(), "{}", said(&parsed));
        let mode = script.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{} is not executable", script.display());
    }
}
