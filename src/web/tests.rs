use super::*;
use axum::http::StatusCode;

const MOST_COMPRESSED_BYTES: usize = 300_000;

fn asking(encoding: Option<&'static str>) -> HeaderMap {
    encoding
        .map(|encoding| (header::ACCEPT_ENCODING, HeaderValue::from_static(encoding)))
        .into_iter()
        .collect()
}

fn header_of(response: &Response, name: HeaderName) -> &str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

async fn body(response: Response) -> Vec<u8> {
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
    body.unwrap().to_vec()
}

fn paths() -> impl Iterator<Item = &'static String> {
    page().files.keys()
}

fn text(path: &str) -> String {
    String::from_utf8(Files::get(path).unwrap().data.into_owned()).unwrap()
}

#[tokio::test]
async fn the_document_allows_its_own_files_alone_and_is_asked_for_each_time() {
    let response = page().document(&asking(None));
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        header_of(&response, header::CONTENT_TYPE),
        "text/html; charset=utf-8"
    );
    assert_eq!(header_of(&response, header::CACHE_CONTROL), "no-cache");
    let policy = header_of(&response, header::CONTENT_SECURITY_POLICY).to_owned();
    for wanted in [
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ] {
        assert!(
            policy.split("; ").any(|part| part == wanted),
            "{wanted}: {policy}"
        );
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    let document = String::from_utf8(body(response).await).unwrap();
    assert!(document.contains(&format!("/page/{}/joined/app.js", page().version())));
    assert!(!document.contains(VERSION_MARK));
}

#[test]
fn the_document_has_nothing_that_its_policy_forbids() {
    let document = text(DOCUMENT);
    assert_eq!(
        document.matches("<script").count(),
        document.matches("<script src=").count() + document.matches("<script type=\"module\" src=").count()
    );
    for forbidden in [" style=", "<style", " onclick", "javascript:", "http:", "https:"] {
        assert!(!document.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn what_the_document_names_is_there() {
    let document = text(DOCUMENT);
    let named: Vec<&str> = document
        .split("/page/VERSION/")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(named.len() > 10, "{named:?}");
    for path in named {
        assert!(page().files.contains_key(path), "{path}");
    }
}

/// The modules that stand after `word` in a module; all of them are in one folder.
fn modules_after(word: &str, path: &str) -> Vec<String> {
    let (text, word) = (text(path), format!("{word}'./"));
    text.split(&word)
        .skip(1)
        .filter_map(|rest| rest.split('\'').next())
        .map(|name| format!("joined/{name}"))
        .collect()
}

/// Those that a module needs before it runs.
fn imports(path: &str) -> Vec<String> {
    modules_after("from ", path)
}

#[test]
fn all_that_the_first_view_needs_is_loaded_at_once() {
    let document = text(DOCUMENT);
    let mut needed = vec!["joined/app.js".to_owned(), "joined/now.js".to_owned()];
    let mut seen = 0;
    while let Some(path) = needed.get(seen).cloned() {
        for import in imports(&path) {
            if !needed.contains(&import) {
                needed.push(import);
            }
        }
        seen += 1;
    }
    assert_eq!(
        document.matches("modulepreload").count(),
        needed.len(),
        "{needed:?}"
    );
    for path in needed {
        let preload = format!("<link rel=\"modulepreload\" href=\"/page/VERSION/{path}\">");
        assert!(document.contains(&preload), "{preload}");
    }
}

#[test]
fn every_import_names_a_file_that_is_there() {
    let mut count = 0;
    for path in paths().filter(|path| path.ends_with(".js")) {
        for import in [imports(path), modules_after("import(", path)].concat() {
            assert!(page().files.contains_key(&import), "{import}, imported by {path}");
            count += 1;
        }
    }
    assert!(count > 20, "{count}");
}

#[test]
fn every_file_has_a_content_type() {
    for path in paths() {
        assert!(content_type(path).is_some(), "{path}");
    }
}

#[test]
fn all_files_together_are_light() {
    let sizes = page().files.values().map(|file| {
        let gzipped = file.gzipped().map(Bytes::len);
        gzipped.unwrap_or(file.plain.len())
    });
    let sum: usize = sizes.sum();
    assert!(sum < MOST_COMPRESSED_BYTES, "{sum} bytes");
}

#[tokio::test]
async fn a_file_is_compressed_for_those_who_take_it_so() {
    for (accepted, encoding) in [
        (None, ""),
        (Some("gzip, deflate, br"), "gzip"),
        (Some("br;q=1.0, gzip;q=0.5"), "gzip"),
        (Some("gzip;q=0"), ""),
        (Some("identity"), ""),
        (Some("x-gzip-like"), ""),
    ] {
        let response = page()
            .file(page().version(), "joined/app.js", &asking(accepted))
            .unwrap();
        assert_eq!(
            header_of(&response, header::CONTENT_ENCODING),
            encoding,
            "{accepted:?}"
        );
        assert_eq!(header_of(&response, header::VARY), "Accept-Encoding");
        let content = body(response).await;
        let plain = match encoding {
            "gzip" => {
                let mut plain = Vec::new();
                io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&content[..]), &mut plain).unwrap();
                plain
            }
            _ => content,
        };
        assert_eq!(plain, text("joined/app.js").into_bytes(), "{accepted:?}");
    }
}

#[test]
fn a_kept_file_is_kept_for_good() {
    let file = page().files.get("joined/app.js").unwrap();
    let response = file.answer(&asking(None), KEPT_FOR_GOOD);
    assert_eq!(
        header_of(&response, header::CACHE_CONTROL),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(
        header_of(&response, header::CONTENT_TYPE),
        "text/javascript; charset=utf-8"
    );
}

#[test]
fn other_names_other_versions_and_what_lies_outside_are_not_there() {
    let version = page().version();
    for (version, path) in [
        (version, "joined/nothing.js"),
        (version, "index.html"),
        (version, "../mod.rs"),
        (version, "/etc/hostname"),
        (version, ""),
        ("0000000000000000", "joined/app.js"),
        ("", "joined/app.js"),
    ] {
        assert!(
            page().file(version, path, &asking(None)).is_none(),
            "{version} {path}"
        );
    }
}

#[test]
fn another_content_is_another_version() {
    let all = |paths: &[&str]| {
        let files = paths
            .iter()
            .map(|path| ((*path).to_owned(), Files::get(path).unwrap()));
        version(&files.collect())
    };
    assert_eq!(all(&["joined/app.js"]), all(&["joined/app.js"]));
    assert_eq!(all(&["joined/app.js"]).len(), VERSION_LENGTH);
    assert_ne!(all(&["joined/app.js"]), all(&["joined/app.js", "first.js"]));
    assert_ne!(all(&["joined/app.js"]), all(&["first.js"]));
}
