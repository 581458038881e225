//! Accepts connections and answers on them.
//!
//! Promises: a connection that sends its head slowly, or nothing, is closed after [`HEAD_LIMIT`]; no more than
//! [`CONNECTIONS_LIMIT`] are open; a stop lets requests end that run, for at most [`STOP_LIMIT`].
//! Never in here: what is answered.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    response::Response,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// Each takes some 30 KiB; the rest wait in the system's queue.
pub const CONNECTIONS_LIMIT: usize = 1024;
/// For the head of a request, and between two of a connection.
const HEAD_LIMIT: Duration = Duration::from_secs(20);
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// Of a request's head.
const HEAD_BUFFER_BYTES: usize = 64 * 1024;
/// After the system could not give a connection, as without free file descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(200);
/// For requests that run at a stop.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Runs until `stop` says so, or its sender is gone.
pub async fn run(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_LIMIT));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            _ = stop.changed() => break,
        };
        if let Some((stream, peer, place)) = accepted {
            let serving = serve(stream, peer, tls.clone(), router.clone(), graceful.watcher());
            tokio::spawn(async move {
                serving.await;
                drop(place);
            });
        }
    }
    drop(listener);
    if timeout(STOP_LIMIT, graceful.shutdown()).await.is_err() {
        tracing::debug!("some requests were cut off by the stop");
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    // Never closed.
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, place)),
        Err(error) => {
            tracing::debug!("a connection could not be accepted: {error}");
            sleep(ACCEPT_RETRY).await;
            None
        }
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    router: Router,
    watcher: Watcher,
) {
    // Answers are small and wait for nothing; without it each would wait for an acknowledgement.
    drop(stream.set_nodelay(true));
    let Some(tls) = tls else {
        return answer(stream, peer, router, watcher).await;
    };
    match timeout(HANDSHAKE_LIMIT, tls.accept(stream)).await {
        Ok(Ok(stream)) => answer(stream, peer, router, watcher).await,
        Ok(Err(error)) => tracing::debug!("{peer}: no TLS: {error}"),
        Err(_) => tracing::debug!("{peer}: no TLS in time"),
    }
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
    watcher: Watcher,
) {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let router = router.clone();
        async move { Ok::<Response, Infallible>(one(router, peer, request.map(Body::new)).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(HEAD_BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!("{peer}: {error}");
    }
}

async fn one(router: Router, peer: SocketAddr, mut request: Request) -> Response {
    request.extensions_mut().insert(ConnectInfo(peer));
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
