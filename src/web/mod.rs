//! The page: static files inside the program, which use nothing of it but the API.
//!
//! Promises: the files tell nothing about this installation, so they ask nobody who they are; each stands at an address
//! that changes with its content, so that a browser asks for it once; a page runs no script but these files, and text
//! becomes no HTML, whatever stands in it.
//! `files/joined/` is what `make page` makes of `modules/`, where people edit; a test of `tests/page.rs` holds one to the other.
//! Never in here: data, and decisions about what is shown (the files), who may (`http`).

use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::{LazyLock, OnceLock},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::GzEncoder};
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};

/// Where people can be in the page: all of it is one document.
pub const ADDRESSES: [&str; 9] = [
    "/",
    "/queue",
    "/history",
    "/add",
    "/tasks/{id}",
    "/settings",
    "/settings/{*section}",
    "/login",
    "/help",
];
/// Where its files are, by [`Page::version`] and their path.
pub const FILES: &str = "/page/{version}/{*path}";

const DOCUMENT: &str = "index.html";
/// Stands in the document where the version belongs.
const VERSION_MARK: &str = "VERSION";
/// Hexadecimal digits of the hash that are enough to tell versions apart.
const VERSION_LENGTH: usize = 16;
/// A build for work on the page reads the folder each time, so that a change shows when the page is loaded again.
const IS_READ_AGAIN: bool = cfg!(debug_assertions);
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
                      connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
const KEPT_FOR_GOOD: &str = "public, max-age=31536000, immutable";
const ASKED_FOR_EACH_TIME: &str = "no-cache";

#[derive(RustEmbed)]
#[folder = "src/web/files"]
struct Files;

/// All files, ready to be sent.
pub struct Page {
    version: String,
    document: File,
    files: BTreeMap<String, File>,
}

struct File {
    content_type: &'static str,
    plain: Bytes,
    gzipped: OnceLock<Option<Bytes>>,
}

/// The page of this program.
pub fn page() -> &'static Page {
    static PAGE: LazyLock<Page> = LazyLock::new(Page::read);
    &PAGE
}

impl Page {
    fn read() -> Self {
        let mut all: BTreeMap<String, EmbeddedFile> = Files::iter()
            .filter_map(|path| Files::get(&path).map(|file| (path.into_owned(), file)))
            .collect();
        let version = version(&all);
        let document = all.remove(DOCUMENT).map(|file| marked(&file.data, &version));
        Self {
            document: File::new(DOCUMENT, document.unwrap_or_default()),
            files: all
                .into_iter()
                .map(|(path, file)| {
                    let file = File::new(&path, file.data.into_owned());
                    (path, file)
                })
                .collect(),
            version,
        }
    }

    /// Another one for each change of any file.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The document at every one of [`ADDRESSES`]. It is small, so it has no `ETag`.
    #[must_use]
    pub fn document(&self, request: &HeaderMap) -> Response {
        let policy = [(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY))];
        if IS_READ_AGAIN && let Some(file) = Files::get(DOCUMENT) {
            let document = File::new(DOCUMENT, marked(&file.data, &self.version));
            return (policy, document.answer(request, ASKED_FOR_EACH_TIME)).into_response();
        }
        (policy, self.document.answer(request, ASKED_FOR_EACH_TIME)).into_response()
    }

    /// A file of this version; `None` when there is none of that name, or it is of another version.
    #[must_use]
    pub fn file(&self, version: &str, path: &str, request: &HeaderMap) -> Option<Response> {
        if version != self.version || path == DOCUMENT {
            return None;
        }
        if IS_READ_AGAIN {
            let file = File::new(path, Files::get(path)?.data.into_owned());
            return Some(file.answer(request, ASKED_FOR_EACH_TIME));
        }
        Some(self.files.get(path)?.answer(request, KEPT_FOR_GOOD))
    }
}

fn version(files: &BTreeMap<String, EmbeddedFile>) -> String {
    let hash = files.iter().fold(Sha256::new(), |hash, (path, file)| {
        hash.chain_update(path)
            .chain_update([0])
            .chain_update(file.metadata.sha256_hash())
    });
    let digits = hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>();
    digits.chars().take(VERSION_LENGTH).collect()
}

fn marked(document: &[u8], version: &str) -> Vec<u8> {
    String::from_utf8_lossy(document)
        .replace(VERSION_MARK, version)
        .into_bytes()
}

impl File {
    fn new(path: &str, content: Vec<u8>) -> Self {
        Self {
            content_type: content_type(path).unwrap_or("application/octet-stream"),
            plain: content.into(),
            gzipped: OnceLock::new(),
        }
    }

    fn answer(&self, request: &HeaderMap, cached: &'static str) -> Response {
        let headers: [(HeaderName, &'static str); 3] = [
            (header::CONTENT_TYPE, self.content_type),
            (header::CACHE_CONTROL, cached),
            (header::VARY, "Accept-Encoding"),
        ];
        match self.gzipped().filter(|_| takes_gzip(request)) {
            Some(gzipped) => {
                let encoding = [(header::CONTENT_ENCODING, "gzip")];
                (headers, encoding, Body::from(gzipped.clone())).into_response()
            }
            None => (headers, Body::from(self.plain.clone())).into_response(),
        }
    }

    /// `None` when it would not be smaller.
    fn gzipped(&self) -> Option<&Bytes> {
        let gzipped = self.gzipped.get_or_init(|| {
            let gzipped = gzip(&self.plain).ok()?;
            (gzipped.len() < self.plain.len()).then(|| gzipped.into())
        });
        gzipped.as_ref()
    }
}

fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    encoder.finish()
}

fn takes_gzip(request: &HeaderMap) -> bool {
    let accepted = request.get_all(header::ACCEPT_ENCODING).iter();
    let mut codings = accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    codings.any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next() == Some("gzip");
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        is_gzip && weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0))
    })
}

fn content_type(path: &str) -> Option<&'static str> {
    let (_, extension) = path.rsplit_once('.')?;
    Some(match extension {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
