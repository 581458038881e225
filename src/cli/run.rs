//! `run` and `once`: makes the folders, takes the lock, starts the log, runs the service.

use std::{
    path::Path,
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use super::{Exit, Failure, Outcome, doctor, logging, print, setup::Setup, terminal::Console};
use crate::{
    access::Links,
    alerts::{self, Sizes},
    config::{self, Config, FileState, Folders, Http, Loaded},
    durable::{self, Lock, LockAttempt},
    encode::tools,
    http, process, publish,
    queue::Files,
    receipt,
    service::{self, Mode, Options, Reloaded, Service, ServiceError, Summary, desk::Desk},
    task::{Identity, Shown},
};

/// No look at the lock takes longer.
const LOOK_LIMIT: Duration = Duration::from_secs(1);
/// What a shell shows for a program ended by Ctrl-C.
const ENDED_AT_ONCE: i32 = 130;

/// Runs the service.
pub fn run(setup: &Setup, mode: Mode) -> Outcome {
    give_large_buffers_back();
    let loaded = setup.load()?;
    make_folders(&loaded.config)?;
    publish::check_group(&loaded.config.publish).map_err(|error| Failure::usage(error.to_string()))?;
    let conf = loaded.config.folders.conf.clone();
    let _lock = take_lock(&conf)?;
    let console = Console::new();
    let _guard = logging::start(&loaded.config.log, &loaded.config.folders.logs, console.clone())?;
    if let Err(unusable) = tools::encoder_works(&loaded.config.encode) {
        return Err(Failure::environment(unusable.to_string()));
    }
    for problem in doctor::unmeasurable_targets(&loaded.config.encode) {
        tracing::error!("{problem}; until then its files fail");
    }
    service::end_orphans(&conf);
    greet(setup, &loaded.config, mode);

    let links = open_links(&loaded.config, mode)?;
    let options = Options {
        config: loaded.config.clone(),
        mode,
        reload: reload(setup, loaded),
        onlooker: console.onlooker(),
        signer: links.as_ref().map(signer),
    };
    let mut service = Service::new(options);
    let api = match links {
        Some(links) => Some(start_api(service.desk(), setup, links)?),
        None => None,
    };
    stop_on_signals(&service, api.as_ref().map(http::Handle::stopper))?;
    let result = service.run();
    if let Some(api) = api {
        api.stop();
    }
    let summary = result.map_err(|error| match error {
        ServiceError::Load(_) | ServiceError::Durable(_) | ServiceError::Thread(_) => {
            Failure::environment(error.to_string())
        }
    })?;
    Ok(match mode {
        Mode::Watch => Exit::Done,
        Mode::Once { .. } => say_goodbye(summary),
    })
}

/// Those of the buttons of alerts, which only a service that answers over HTTP can have.
/// None where nothing answers HTTP.
fn open_links(config: &Config, mode: Mode) -> Result<Option<Arc<Links>>, Failure> {
    if config.http.enabled == Http::Off || mode != Mode::Watch {
        return Ok(None);
    }
    let links = Links::open(&config.folders.conf).map_err(|error| Failure::environment(error.to_string()))?;
    Ok(Some(Arc::new(links)))
}

fn signer(links: &Arc<Links>) -> alerts::Signer {
    let links = Arc::clone(links);
    Arc::new(move |action, task| links.sign(action, task, jiff::Timestamp::now()))
}

/// The text of a long queue takes megabytes for a moment. By itself glibc raises the size from which it asks the system
/// for such a buffer, and so returns it, with each one it has seen; naming a size stops that.
fn give_large_buffers_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const LARGE_BYTES: libc::c_int = 1024 * 1024;
        // SAFETY: mallopt takes two numbers and is allowed at any time; no other thread runs yet.
        // A refusal (0) costs memory and nothing else.
        let _ = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BYTES) };
    }
}

fn make_folders(config: &Config) -> Result<(), Failure> {
    let Folders {
        input, output, conf, ..
    } = &config.folders;
    let resolutions = config
        .watch
        .resolutions
        .iter()
        .map(|resolution| input.join(resolution.to_string()));
    // A resolution folder may be a symlink whose disk is not there; that is for the watch to report.
    let missing = resolutions.filter(|folder| folder.symlink_metadata().is_err());
    for folder in [input, output, conf].into_iter().cloned().chain(missing) {
        durable::make_directory(&folder).map_err(|error| {
            Failure::environment(format!(
                "{error}; make it for this user, or choose another with the settings"
            ))
        })?;
    }
    Ok(())
}

fn take_lock(conf: &Path) -> Result<Lock, Failure> {
    let path = Files::new(conf).instance_lock();
    let until = Instant::now() + LOOK_LIMIT;
    loop {
        match Lock::attempt(&path, &std::process::id().to_string())? {
            LockAttempt::Taken(lock) => return Ok(lock),
            // `status` holds the lock for a moment to see whether it is free; the pid in it is then an old one.
            LockAttempt::HeldBy(pid) if !is_alive(&pid) && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(20));
            }
            LockAttempt::HeldBy(pid) => {
                return Err(Failure::environment(format!(
                    "another instance (pid {pid}) works with {}; stop it first, or give another --root",
                    Shown(conf)
                )));
            }
        }
    }
}

fn is_alive(pid: &str) -> bool {
    let pid = pid.parse().ok().and_then(rustix::process::Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

fn greet(setup: &Setup, config: &Config, mode: Mode) {
    let resolutions: Vec<String> = config.watch.resolutions.iter().map(ToString::to_string).collect();
    let alerts = match alerts::names(&config.alerts).join(", ") {
        names if names.is_empty() => "off (set ntfy_topic to get them on your phone)".into(),
        names => format!("to {names}"),
    };
    let last = match mode {
        Mode::Watch => "Ctrl-C stops; `video-compressor status` shows what is going on",
        Mode::Once { .. } => "ends when everything is done",
    };
    print(&format!(
        "video-compressor {version}, root {root} ({why})\n  \
         drop videos into  {input}/{{{resolutions}}}/\n  \
         results appear in {output}\n  \
         sources           {after}\n  \
         alerts            {alerts}\n  \
         {last}\n",
        version = env!("CARGO_PKG_VERSION"),
        root = Shown(&setup.root.path),
        why = setup.root.why,
        input = Shown(&config.folders.input),
        resolutions = resolutions.join(","),
        output = Shown(&config.folders.output),
        after = match config.publish.after_success {
            config::AfterSuccess::Keep => "stay where they are".to_owned(),
            config::AfterSuccess::Archive =>
                format!("are moved to {} when done", Shown(&config.publish.archive_dir)),
            config::AfterSuccess::Delete => "are deleted when done".to_owned(),
        },
    ));
}

/// Looks whether the settings file changed, and reads everything again when it did.
fn reload(setup: &Setup, mut loaded: Loaded) -> Box<dyn FnMut() -> Result<Option<Reloaded>, String>> {
    let look = |file: &Path| file.metadata().ok().map(|metadata| Identity::from(&metadata));
    let sources = setup.sources.clone();
    let mut seen = look(&loaded.file);
    Box::new(move || {
        let found = look(&loaded.file);
        // An editor may remove the file before it writes the new one; that is not "all defaults".
        if found == seen || (found.is_none() && loaded.file_state == FileState::Read) {
            return Ok(None);
        }
        seen = found;
        let new = Config::load(&sources).map_err(|error| error.to_string())?;
        // A resolution may be new. What stands in its way does not undo the other changes.
        if let Err(failure) = make_folders(&new.config) {
            tracing::warn!("{}", failure.message);
        }
        let needs_restart = config::changes_needing_restart(&loaded, &new)
            .into_iter()
            .map(ToOwned::to_owned)
            .collect();
        loaded = new;
        Ok(Some(Reloaded {
            config: loaded.config.clone(),
            needs_restart,
        }))
    })
}

fn start_api(desk: Desk, setup: &Setup, links: Arc<Links>) -> Result<http::Handle, Failure> {
    http::start(desk, setup.sources.clone(), links).map_err(|error| Failure::environment(error.to_string()))
}

/// The first signal stops in order, the second at once; encoders go with it. The API stops first.
fn stop_on_signals(service: &Service, api: Option<http::Stopper>) -> Result<(), Failure> {
    let stopper = service.stopper();
    let asked = AtomicBool::new(false);
    ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::SeqCst) {
            process::kill_all();
            std::process::exit(ENDED_AT_ONCE);
        }
        if let Some(api) = &api {
            api.stop();
        }
        stopper.stop();
    })
    .map_err(|error| Failure::environment(format!("cannot listen for signals: {error}")))
}

fn say_goodbye(summary: Summary) -> Exit {
    let Summary {
        done,
        failed,
        skipped,
        unsettled,
        left,
        sizes,
    } = summary;
    let Sizes {
        before_bytes,
        after_bytes,
    } = sizes;
    print(&format!(
        "{done} compressed ({}), {failed} failed, {skipped} skipped{}{}\n",
        receipt::sizes(before_bytes, after_bytes),
        if unsettled > 0 {
            format!(", {unsettled} left because they are still being copied")
        } else {
            String::new()
        },
        if left > 0 {
            format!(", {left} left in the queue (`status` says why)")
        } else {
            String::new()
        },
    ));
    if failed > 0 || left > 0 {
        Exit::Failed
    } else {
        Exit::Done
    }
}
