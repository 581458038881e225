//! How the machine is: processor, memory, disks, temperatures, and what each encode takes of them. `top` reads this machine
//! by the same [`Subject`].
//!
//! Promises: read only when somebody asks, and at most once a second however many do; a disk that does not answer holds up
//! nobody for longer than a few seconds; processes are named by number alone (a command line may hold anything).
//! Never in here: how much of the machine encodes may take (`schedule`).

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sysinfo::{Components, MINIMUM_CPU_UPDATE_INTERVAL, Pid, ProcessRefreshKind, ProcessesToUpdate, System};
use tokio::{sync::Mutex, task::JoinHandle};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api,
    problem::{Kind, Problem},
    who::Viewer,
};
use crate::{
    cgroup,
    config::{Folders, WatchConfig},
    service::LiveEncode,
};

/// A reading is as good as new for so long.
const FRESH: Duration = Duration::from_secs(1);
/// Loads are averages since the last reading; after so long, that says nothing about now.
const AVERAGED: Duration = Duration::from_secs(10);
/// Nobody waits longer for a reading.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads the machine for all who ask.
#[derive(Debug, Default)]
pub struct Machine(Mutex<Readings>);

#[derive(Debug, Default)]
struct Readings {
    last: Option<Reading>,
    /// One that is under way; it outlives who asked for it.
    running: Option<JoinHandle<Reading>>,
}

/// One look at the machine; the next one is told by the difference.
#[derive(Debug)]
pub struct Reading {
    at: Instant,
    system: System,
    pub load: Arc<LoadDto>,
}

/// What a reading is about.
#[derive(Debug)]
pub struct Subject {
    pub encodes: Vec<LiveEncode>,
    /// As [`folders`] names them.
    pub folders: Vec<(String, PathBuf)>,
    pub service: Pid,
    pub started: Instant,
}

/// How the machine is at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LoadDto {
    #[schema(value_type = String, format = DateTime)]
    pub read: Timestamp,
    /// Since the service began to answer.
    pub uptime_seconds: u64,
    pub cpu: CpuDto,
    pub memory: MemoryDto,
    /// Of the service itself, without its encoders.
    pub service: ProcessDto,
    pub disks: Vec<DiskDto>,
    /// Empty where the system tells none.
    pub temperatures: Vec<TemperatureDto>,
    /// In the order in which they were started.
    pub encodes: Vec<EncodeLoadDto>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CpuDto {
    /// Of all cores together, 0 to 100.
    pub percent: f64,
    /// Of each core, 0 to 100.
    pub core_percent: Vec<f64>,
    /// Over 1, 5 and 15 minutes.
    pub load_average: [f64; 3],
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MemoryDto {
    pub total_bytes: u64,
    pub used_bytes: u64,
    pub available_bytes: u64,
    pub swap_total_bytes: u64,
    pub swap_used_bytes: u64,
    /// What this service may use together with its encoders, where that is limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_bytes: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProcessDto {
    pub pid: u32,
    /// Of one core: above 100 with several.
    pub cpu_percent: f64,
    pub rss_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DiskDto {
    /// The folder that lies on it: `input`, `output`, `conf`, `logs`, or a resolution folder on a disk of its own, as
    /// `input/720`.
    pub folder: String,
    pub total_bytes: u64,
    /// For this service.
    pub free_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TemperatureDto {
    pub sensor: String,
    pub celsius: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critical_celsius: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EncodeLoadDto {
    /// The task's id.
    pub task: String,
    /// As `encoding`, `measuring the quality of`.
    pub stage: String,
    /// Its ffmpeg processes.
    pub ffmpeg: Vec<ProcessDto>,
}

impl Machine {
    /// How the machine is now, at most a second old.
    ///
    /// # Errors
    /// When a disk does not answer in time.
    pub(super) async fn load(&self, api: &Api) -> Result<Arc<LoadDto>, Problem> {
        tokio::time::timeout(PATIENCE, self.fetch(api))
            .await
            .unwrap_or_else(|_| {
                Err(Problem::new(
                    Kind::Unavailable,
                    "a disk of the folders does not answer; `status` says which is out of reach",
                )
                .after(PATIENCE.as_secs()))
            })
    }

    async fn fetch(&self, api: &Api) -> Result<Arc<LoadDto>, Problem> {
        let mut readings = self.0.lock().await;
        let Readings { last, running } = &mut *readings;
        if let Some(last) = last.as_ref().filter(|last| last.at.elapsed() < FRESH) {
            return Ok(Arc::clone(&last.load));
        }
        let reading = running.get_or_insert_with(|| {
            let subject = Subject::of(api);
            let former = last.take();
            tokio::task::spawn_blocking(move || subject.read(former))
        });
        let read = reading.await;
        *running = None;
        let reading = last.insert(read.map_err(Problem::internal)?);
        Ok(Arc::clone(&reading.load))
    }
}

impl Subject {
    fn of(api: &Api) -> Self {
        let board = api.desk.board();
        Self {
            encodes: board.live.encodes.clone(),
            folders: folders(&board.config.folders, &board.config.watch),
            service: Pid::from_u32(std::process::id()),
            started: api.started,
        }
    }

    /// Takes a moment when there is no former reading.
    #[must_use]
    pub fn read(&self, former: Option<Reading>) -> Reading {
        let known = former.filter(|former| former.at.elapsed() < AVERAGED);
        let mut is_new = known.is_none();
        let mut system = known.map_or_else(System::new, |former| former.system);
        let encoders = self.encodes.iter().flat_map(|encode| &encode.child_pids);
        let wanted: BTreeSet<Pid> = encoders
            .map(|pid| Pid::from_u32(*pid))
            .chain([self.service])
            .collect();
        is_new |= wanted.iter().any(|pid| system.process(*pid).is_none());
        // Those of former readings too, or the ended ones would be kept for ever.
        let pids: BTreeSet<Pid> = wanted
            .into_iter()
            .chain(system.processes().keys().copied())
            .collect();
        let pids: Vec<Pid> = pids.into_iter().collect();
        refresh(&mut system, &pids);
        if is_new {
            std::thread::sleep(MINIMUM_CPU_UPDATE_INTERVAL);
            refresh(&mut system, &pids);
        }
        system.refresh_memory();
        Reading {
            at: Instant::now(),
            load: Arc::new(self.load(&system)),
            system,
        }
    }

    fn load(&self, system: &System) -> LoadDto {
        let average = System::load_average();
        let process = |pid: Pid| {
            let process = system.process(pid)?;
            Some(ProcessDto {
                pid: pid.as_u32(),
                cpu_percent: rounded(process.cpu_usage()),
                rss_bytes: process.memory(),
            })
        };
        let encodes = self.encodes.iter().map(|encode| EncodeLoadDto {
            task: encode.id.clone(),
            stage: encode.stage.clone(),
            ffmpeg: encode
                .child_pids
                .iter()
                .filter_map(|pid| process(Pid::from_u32(*pid)))
                .collect(),
        });
        LoadDto {
            read: Timestamp::now(),
            uptime_seconds: self.started.elapsed().as_secs(),
            cpu: CpuDto {
                percent: rounded(system.global_cpu_usage()),
                core_percent: system
                    .cpus()
                    .iter()
                    .map(|core| rounded(core.cpu_usage()))
                    .collect(),
                load_average: [average.one, average.five, average.fifteen],
            },
            memory: MemoryDto {
                total_bytes: system.total_memory(),
                used_bytes: system.used_memory(),
                available_bytes: system.available_memory(),
                swap_total_bytes: system.total_swap(),
                swap_used_bytes: system.used_swap(),
                limit_bytes: cgroup::available().memory_bytes,
            },
            service: process(self.service).unwrap_or(ProcessDto {
                pid: self.service.as_u32(),
                cpu_percent: 0.0,
                rss_bytes: 0,
            }),
            disks: self
                .folders
                .iter()
                .filter_map(|(name, path)| disk(name, path))
                .collect(),
            temperatures: temperatures(),
            encodes: encodes.collect(),
        }
    }
}

fn refresh(system: &mut System, pids: &[Pid]) {
    system.refresh_cpu_usage();
    let kind = ProcessRefreshKind::nothing().with_cpu().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(pids), true, kind);
}

/// The folders whose disks matter, by their names for callers.
#[must_use]
pub fn folders(folders: &Folders, watch: &WatchConfig) -> Vec<(String, PathBuf)> {
    let main = [
        ("input", &folders.input),
        ("output", &folders.output),
        ("conf", &folders.conf),
        ("logs", &folders.logs),
    ];
    let mut found: Vec<(String, PathBuf)> = main.map(|(name, path)| (name.to_owned(), path.clone())).into();
    for (name, path) in [main[0], main[1]] {
        let resolutions = watch.resolutions.iter().map(ToString::to_string);
        found.extend(
            resolutions
                .map(|resolution| (format!("{name}/{resolution}"), path.join(resolution)))
                .filter(|(_, path)| path.is_symlink()),
        );
    }
    found
}

/// `None` for a folder that is not there.
fn disk(folder: &str, path: &Path) -> Option<DiskDto> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(DiskDto {
        folder: folder.to_owned(),
        total_bytes: disk.f_blocks.saturating_mul(disk.f_frsize),
        free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
    })
}

fn temperatures() -> Vec<TemperatureDto> {
    let components = Components::new_with_refreshed_list();
    let known = components.iter().filter_map(|component| {
        let celsius = component.temperature().filter(|celsius| celsius.is_finite())?;
        Some(TemperatureDto {
            sensor: component.label().to_owned(),
            celsius: rounded(celsius),
            critical_celsius: component
                .critical()
                .filter(|celsius| celsius.is_finite())
                .map(rounded),
        })
    });
    known.collect()
}

/// To a tenth; JSON has no word for what is not a number.
fn rounded(number: f32) -> f64 {
    let number = if number.is_finite() {
        f64::from(number)
    } else {
        0.0
    };
    (number * 10.0).round() / 10.0
}

/// The machine's load: processor, memory, disks, temperatures, and each ffmpeg
#[utoipa::path(
    get, path = "/system", tag = "system",
    responses((status = 200, description = "At most a second old", body = LoadDto))
)]
pub(super) async fn get(_: Viewer, State(api): State<Api>) -> Result<axum::Json<Arc<LoadDto>>, Problem> {
    api.machine.load(&api).await.map(axum::Json)
}

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get))
}
