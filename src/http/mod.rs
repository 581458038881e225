//! The API over HTTP: an adapter above the service, on threads of its own.
//!
//! Promises: reaches the service only through its desk; nothing of it runs when it is turned off; no request can hold
//! up the service's loop; every error has one form (`problem`); every change asks who calls (`who`).
//! Never in here: decisions about tasks (`service`), about people (`access`).

mod about;
mod account;
mod archive;
mod blocking;
mod choices;
mod download;
mod events;
mod extract;
mod files;
mod frames;
mod health;
mod links;
mod logs;
mod metrics;
mod oidc;
mod openapi;
pub mod page;
pub mod problem;
mod profiles;
mod queue;
mod ranges;
mod report;
mod server;
mod settings;
mod simple;
pub mod system;
mod tasks;
mod tls;
mod uploads;
mod who;

pub use tls::fingerprint;
/// For `crate::fuzzing`.
#[cfg(fuzzing)]
pub mod fuzzing {
    pub use super::{uploads::fuzzing::upload, who::fuzzing::*};
}

use std::{
    any::Any,
    net::{SocketAddr, TcpListener},
    ops::Deref,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::DefaultBodyLimit,
    http::{HeaderMap, Method, Response as HttpResponse, StatusCode, Uri, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tower_http::{catch_panic::CatchPanicLayer, timeout::RequestBodyTimeoutLayer};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    access::{Access, AccessError, Links},
    config::{Folders, Sources},
    service::desk::Desk,
    web,
};
use extract::Path;
use problem::{Kind, Problem};
use tls::{Certificate, TlsError};

/// Threads that answer.
const WORKERS: usize = 2;
/// Threads that wait for disks and children.
const BLOCKING_LIMIT: usize = 64;
/// Of a body that is read whole. Uploads and downloads are streams.
const BODY_LIMIT_BYTES: usize = 1024 * 1024;
/// Between two parts of a body.
const BODY_IDLE_LIMIT: Duration = Duration::from_secs(60);
/// At a stop, for work that waits for a disk.
const BLOCKING_STOP_LIMIT: Duration = Duration::from_secs(1);
/// Between two looks at what has changed in the files of `access`, and what is kept for a while.
const HOUSEKEEPING: Duration = Duration::from_secs(1);

/// What every handler can reach.
#[derive(Clone)]
pub struct Api(Arc<Parts>);

/// See [`Api`], which derefs to it.
pub struct Parts {
    pub desk: Desk,
    pub access: Arc<Access>,
    pub uploads: uploads::Uploads,
    pub links: Arc<Links>,
    pub feed: events::Feed,
    pub archive: archive::Archive,
    pub folders: Folders,
    /// Where it listens.
    pub address: SocketAddr,
    pub settings: settings::Settings,
    pub machine: system::Machine,
    pub frames: frames::Frames,
    pub started: Instant,
}

impl Deref for Api {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Why it cannot answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error(
        "cannot listen on {address}: {source}; another program may have the port, choose one with http.listen"
    )]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("cannot start a thread: {0}; the system's limit of threads may be reached")]
    Thread(#[from] std::io::Error),
}

/// A server that runs, until [`Handle::stop`].
pub struct Handle {
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
    address: SocketAddr,
}

/// Starts answering, on a thread of its own with a runtime of its own. The service need not run yet.
///
/// # Errors
/// When the address cannot be had, or what is needed to know who may cannot be read.
pub fn start(desk: Desk, sources: Sources, links: Arc<Links>) -> Result<Handle, HttpError> {
    let config = desk.config();
    let listen = config.http.listen;
    let refused = |source| HttpError::Listen {
        address: listen,
        source,
    };
    let listener = TcpListener::bind(listen).map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let certificate = Certificate::open(&config.http, &config.folders.conf)?;
    let tls = certificate.as_ref().map(Certificate::acceptor).transpose()?;
    let (stop, stopped) = watch::channel(false);
    let api = Api(Arc::new(Parts {
        access: Arc::new(Access::open(&config.folders.conf)?),
        uploads: uploads::Uploads::new(desk.clone()),
        links,
        feed: events::Feed::new(stopped.clone()),
        archive: archive::Archive::new(&config.folders.conf),
        folders: config.folders.clone(),
        address,
        settings: settings::Settings::new(sources),
        machine: system::Machine::default(),
        frames: frames::Frames::default(),
        started: Instant::now(),
        desk,
    }));
    let scheme = if tls.is_some() { "https" } else { "http" };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING_LIMIT)
        .thread_name("http")
        .enable_all()
        .build()?;
    let thread = thread::Builder::new().name("http".into()).spawn(move || {
        runtime.spawn(events::follow(api.clone()));
        runtime.spawn(keep_house(api.clone(), certificate));
        runtime.spawn(api.uploads.clone().keep_swept());
        runtime.spawn(api.uploads.clone().keep_told(api.feed.clone()));
        runtime.block_on(run(listener, tls, router(api), stopped));
        runtime.shutdown_timeout(BLOCKING_STOP_LIMIT);
    })?;
    tracing::info!("the page and the API are at {scheme}://{address}");
    Ok(Handle {
        stop,
        thread,
        address,
    })
}

/// Asks a server to stop. Clones reach the same one.
#[derive(Clone)]
pub struct Stopper(watch::Sender<bool>);

impl Stopper {
    /// Takes no new requests from now on. Safe to call from the thread that handles signals.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Handle {
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stop.clone())
    }

    /// Where it listens; the port is the real one when any was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no new requests, lets running ones end for a few seconds, and ends.
    pub fn stop(self) {
        self.stop.send_replace(true);
        if self.thread.join().is_err() {
            tracing::error!("the API ended in a panic; please report it");
        }
    }
}

async fn run(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    stopped: watch::Receiver<bool>,
) {
    match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => server::run(listener, tls, router, stopped).await,
        Err(error) => tracing::error!("the API cannot listen: {error}; restart the service"),
    }
}

/// What is looked at each second.
async fn keep_house(api: Api, certificate: Option<Arc<Certificate>>) {
    loop {
        tokio::time::sleep(HOUSEKEEPING).await;
        let (api, certificate) = (api.clone(), certificate.clone());
        let looked = blocking::blocking(move || {
            if let Some(certificate) = certificate {
                certificate.refresh();
            }
            api.access.refresh(&api.desk.config().http, Timestamp::now());
            api.archive.forget_unused();
        });
        // A panic in it has been told.
        drop(looked.await);
    }
}

/// All endpoints, and what they are like.
fn endpoints() -> (Router<Api>, utoipa::openapi::OpenApi) {
    let below_v1 = OpenApiRouter::new()
        .merge(tasks::routes())
        .merge(download::routes())
        .merge(frames::routes())
        .merge(queue::routes())
        .merge(events::routes())
        .merge(system::routes())
        .merge(report::routes())
        .merge(about::routes())
        .merge(choices::routes())
        .merge(logs::routes())
        .merge(settings::routes())
        .merge(profiles::routes())
        .merge(uploads::routes())
        .merge(account::routes())
        .merge(oidc::routes())
        .merge(links::routes())
        .merge(simple::routes());
    let (router, mut description) = OpenApiRouter::with_openapi(openapi::head())
        .nest("/api/v1", below_v1)
        .merge(health::routes())
        .merge(metrics::routes())
        .split_for_parts();
    openapi::name_endpoints(&mut description);
    (router, description)
}

/// What the API is like, for tests and for documents.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    endpoints().1
}

fn router(api: Api) -> Router {
    let (router, description) = endpoints();
    let router = router
        .merge(openapi::routes(description))
        .merge(pages())
        .fallback(nothing_here)
        .method_not_allowed_fallback(async || {
            Problem::new(
                Kind::MethodNotAllowed,
                "this address knows other methods; /api/docs shows them",
            )
        })
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .layer(RequestBodyTimeoutLayer::new(BODY_IDLE_LIMIT))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(problem::with_instance))
        .with_state(api.clone());
    who::guard(router, api)
}

/// What people open: the page, and its files.
fn pages() -> Router<Api> {
    let file = async |Path((version, path)): Path<(String, String)>, request: HeaderMap| {
        let file = web::page().file(&version, &path, &request);
        file.ok_or_else(|| {
            Problem::not_found("the page has no such file, or is another version by now; load it again")
        })
    };
    web::ADDRESSES
        .iter()
        .fold(Router::new(), |router, address| {
            router.route(
                address,
                get(async |request: HeaderMap| web::page().document(&request)),
            )
        })
        .route(web::FILES, get(file))
}

/// The page for a person who has mistyped an address, an error of the usual form for a program.
async fn nothing_here(method: Method, uri: Uri, request: HeaderMap) -> Response {
    let accepted = request
        .get(header::ACCEPT)
        .and_then(|accepted| accepted.to_str().ok());
    let is_person = method == Method::GET && accepted.is_some_and(|accepted| accepted.contains("text/html"));
    if is_person && !uri.path().starts_with("/api/") {
        return (StatusCode::NOT_FOUND, web::page().document(&request)).into_response();
    }
    Problem::not_found("there is nothing at this address; /api/docs shows what there is").into_response()
}

fn panicked(what: Box<dyn Any + Send>) -> HttpResponse<Body> {
    let text = what.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| what.downcast_ref::<&str>().copied());
    Problem::internal(format!("panic: {}", text.unwrap_or("of an unknown kind"))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_like_any_other_and_tells_nothing() {
        for what in [
            Box::new("secret") as Box<dyn Any + Send>,
            Box::new(String::from("secret")),
            Box::new(1),
        ] {
            let response = panicked(what);
            assert_eq!(response.status(), 500);
            let body = axum::body::to_bytes(response.into_body(), usize::MAX)
                .await
                .unwrap();
            let text = String::from_utf8_lossy(&body).into_owned();
            assert!(
                text.contains("/problems/internal") && !text.contains("secret"),
                "{text}"
            );
        }
    }
}
