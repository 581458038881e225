//! Numbers for Prometheus, in the OpenMetrics text format.
//!
//! Promises: made when they are asked for; no name of a file is in them.
//! Never in here: what the numbers mean for the service.

use std::sync::atomic::AtomicU64;

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use prometheus_client::{
    encoding::text,
    metrics::{family::Family, gauge::Gauge, info::Info},
    registry::{Metric, Registry, Unit},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Api, problem::Problem, system::LoadDto, who::Viewer};
use crate::{
    queue::Control,
    service::desk::{Board, QueueState},
    task::Status,
};

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Statuses that are counted even when no task has them, so that a graph begins at 0.
const COUNTED: [Status; 9] = [
    Status::Queued,
    Status::Processing,
    Status::Processed,
    Status::Skipped,
    Status::Cancelled,
    Status::Failed,
    Status::ErrorMissingInput,
    Status::ErrorNoResolution,
    Status::ErrorException,
];

type Labels = Vec<(&'static str, String)>;
type Number = Gauge<f64, AtomicU64>;

/// The gauges of one scrape.
struct Gauges(Registry);

impl Gauges {
    fn one(&mut self, name: &str, help: &str, unit: Option<Unit>, value: f64) {
        let gauge = Number::default();
        gauge.set(value);
        self.put(name, help, unit, gauge);
    }

    fn each(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        values: impl IntoIterator<Item = (Labels, f64)>,
    ) {
        let family = Family::<Labels, Number>::default();
        for (labels, value) in values {
            family.get_or_create(&labels).set(value);
        }
        self.put(name, help, unit, family);
    }

    fn put(&mut self, name: &str, help: &str, unit: Option<Unit>, metric: impl Metric) {
        match unit {
            Some(unit) => self.0.register_with_unit(name, help, unit, metric),
            None => self.0.register(name, help, metric),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus counts in 64-bit floats")]
fn bytes(bytes: u64) -> f64 {
    bytes as f64
}

#[expect(clippy::cast_precision_loss, reason = "see bytes")]
fn count(count: usize) -> f64 {
    count as f64
}

/// Prometheus says it in the singular.
fn ratio() -> Unit {
    Unit::Other("ratio".to_owned())
}

fn flag(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

fn registry(board: &Board, load: Option<&LoadDto>) -> Registry {
    let mut gauges = Gauges(Registry::with_prefix("video_compressor"));
    let version = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
    gauges.0.register("build", "The program", version);
    of_board(&mut gauges, board);
    if let Some(load) = load {
        of_machine(&mut gauges, load);
    }
    gauges.0
}

fn of_board(gauges: &mut Gauges, board: &Board) {
    let of_status = |status: &Status| board.tasks.iter().filter(|task| task.status == *status).count();
    gauges.each(
        "tasks",
        "Tasks of the queue, without those of the archives",
        None,
        COUNTED.map(|status| (vec![("status", status.to_string())], count(of_status(&status)))),
    );
    let waiting = board.tasks.iter().filter(|task| task.status == Status::Queued);
    gauges.one(
        "queued_size",
        "Sources that wait to be compressed",
        Some(Unit::Bytes),
        bytes(waiting.map(|task| task.size_before_bytes).sum()),
    );
    gauges.one(
        "paused",
        "1 while no encode may begin because somebody said so",
        None,
        flag(is_paused(&board.control)),
    );
    gauges.one(
        "queue_failing",
        "1 while the queue cannot be written to its disk",
        None,
        flag(board.queue == QueueState::Failing),
    );
    let live = &board.live;
    gauges.one(
        "settling_files",
        "Files that are still being copied",
        None,
        bytes(live.settling),
    );
    gauges.one(
        "unavailable_folders",
        "Folders that are out of reach",
        None,
        count(live.unavailable.len()),
    );
    gauges.one("encodes", "Encodes under way", None, count(live.encodes.len()));
    let each = |number: fn(&crate::service::LiveEncode) -> Option<f64>| {
        live.encodes
            .iter()
            .filter_map(move |encode| Some((vec![("task", encode.id.clone())], number(encode)?)))
            .collect::<Vec<_>>()
    };
    gauges.each(
        "encode_progress",
        "How far each encode is, 0 to 1",
        Some(ratio()),
        each(|encode| encode.percent.map(|percent| percent / 100.0)),
    );
    gauges.each(
        "encode_speed",
        "Seconds of film that each encode does in a second",
        Some(ratio()),
        each(|encode| encode.speed),
    );
}

fn of_machine(gauges: &mut Gauges, load: &LoadDto) {
    let disk = |number: fn(&super::system::DiskDto) -> u64| {
        load.disks
            .iter()
            .map(move |disk| (vec![("folder", disk.folder.clone())], bytes(number(disk))))
            .collect::<Vec<_>>()
    };
    gauges.each(
        "disk_free",
        "Free space for the service",
        Some(Unit::Bytes),
        disk(|disk| disk.free_bytes),
    );
    gauges.each(
        "disk_size",
        "Size of the disk",
        Some(Unit::Bytes),
        disk(|disk| disk.total_bytes),
    );
    let uptime = std::time::Duration::from_secs(load.uptime_seconds);
    gauges.one(
        "uptime",
        "Since the API answers",
        Some(Unit::Seconds),
        uptime.as_secs_f64(),
    );
    gauges.one(
        "resident_memory",
        "Of the service without its encoders",
        Some(Unit::Bytes),
        bytes(load.service.rss_bytes),
    );
    gauges.one(
        "cpu_load",
        "Of the service without its encoders; 1 is one core",
        Some(ratio()),
        load.service.cpu_percent / 100.0,
    );
    let encoders = load.encodes.iter().flat_map(|encode| {
        encode.ffmpeg.iter().map(|ffmpeg| {
            (
                encode.task.clone(),
                bytes(ffmpeg.rss_bytes),
                ffmpeg.cpu_percent / 100.0,
            )
        })
    });
    // An encode may have several processes; what matters is what they take together.
    let mut together = std::collections::BTreeMap::<String, (f64, f64)>::new();
    for (task, memory, cpu) in encoders {
        let sum = together.entry(task).or_default();
        *sum = (sum.0 + memory, sum.1 + cpu);
    }
    let of = |number: fn(&(f64, f64)) -> f64| {
        together
            .iter()
            .map(|(task, sums)| (vec![("task", task.clone())], number(sums)))
            .collect::<Vec<_>>()
    };
    gauges.each(
        "encode_resident_memory",
        "Of the processes of each encode",
        Some(Unit::Bytes),
        of(|sums| sums.0),
    );
    gauges.each(
        "encode_cpu_load",
        "Of the processes of each encode; 1 is one core",
        Some(ratio()),
        of(|sums| sums.1),
    );
}

fn is_paused(control: &Control) -> bool {
    control.paused_since.is_some()
}

/// Numbers for Prometheus (OpenMetrics)
#[utoipa::path(
    get, path = "/metrics", tag = "system",
    responses((status = 200, description = "Of the queue, the encodes and the machine", body = String, content_type = "application/openmetrics-text"))
)]
pub(super) async fn get(_: Viewer, State(api): State<Api>) -> Result<Response, Problem> {
    // A disk that hangs is told by other numbers.
    let load = api.machine.load(&api).await.ok();
    let board = api.desk.board();
    let mut body = String::new();
    text::encode(&mut body, &registry(&board, load.as_deref())).map_err(Problem::internal)?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], body).into_response())
}

/// The route at the root of the server.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get))
}
