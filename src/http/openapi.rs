//! The description of the API (OpenAPI 3.1), made from the code, and the reference page made from that.
//!
//! Promises: what is described is what is routed: both come from the same list; the page loads nothing from elsewhere and
//! runs no script.
//! Never in here: single endpoints.

use std::{fmt::Write, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{HeaderValue, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use serde_json::Value;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        Content, Ref, RefOr, Response as Described, ResponseBuilder,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{
    Api,
    extract::Path,
    problem::{Kind, Problem},
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "video-compressor",
        description = "Drop a video, get it back as H.265. Everything is named by ids. Times are RFC 3339, sizes bytes. \
                       Errors are problem details (RFC 9457).",
        license(name = "MIT", identifier = "MIT"),
    ),
    modifiers(&Schemes),
    security(("key" = []), ("session" = [])),
    tags(
        (name = "tasks", description = "Files that are or were to be compressed."),
        (name = "queue", description = "All tasks together."),
        (name = "events", description = "What changes."),
        (name = "system", description = "The service and its machine: settings, log, load, numbers."),
        (name = "simple", description = "In short, as simple transcode servers have it."),
        (name = "health", description = "For those who watch over the service."),
    ),
)]
struct Head;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let components = description.components.get_or_insert_default();
        let key = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API key, as `vck_…`."))
            .build();
        components.add_security_scheme("key", SecurityScheme::Http(key));
        let cookie = ApiKeyValue::with_description(
            "vc_session",
            "A login. Changes need an Origin or Sec-Fetch-Site that is this server's.",
        );
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// The description without its endpoints.
pub fn head() -> utoipa::openapi::OpenApi {
    Head::openapi()
}

/// Gives each endpoint a name made of its method and path: those of handlers are not all different.
pub fn name_endpoints(description: &mut utoipa::openapi::OpenApi) {
    for (path, item) in &mut description.paths.paths {
        let parts = path.split('/').filter(|part| !matches!(*part, "" | "api" | "v1"));
        let words: Vec<String> = parts
            .map(
                |part| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                    Some(parameter) => format!("by_{}", parameter.trim_start_matches('*')),
                    None => part.replace(['-', '.'], "_"),
                },
            )
            .collect();
        let name = words.join("_");
        for (method, operation) in [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("delete", &mut item.delete),
            ("options", &mut item.options),
            ("head", &mut item.head),
            ("patch", &mut item.patch),
        ] {
            if let Some(operation) = operation {
                operation.operation_id = Some(format!("{method}_{name}"));
                let responses = &mut operation.responses.responses;
                responses.entry("default".to_owned()).or_insert_with(any_problem);
            }
        }
    }
}

/// What may come of every request: who calls may not, the body is no JSON, the service stops.
fn any_problem() -> RefOr<Described> {
    let problem = Content::new(Some(Ref::from_schema_name("Problem")));
    let response = ResponseBuilder::new()
        .description("A problem")
        .content("application/problem+json", problem);
    response.build().into()
}

struct Documents {
    json: String,
    page: String,
}

const STYLE: &str = "\
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem }
code { font: 0.9em ui-monospace, monospace }
h2 { margin-top: 2.5rem }
section { border-top: 1px solid #8886; padding: 0.5rem 0 }
h3 { margin: 0.5rem 0 }
h3 b { display: inline-block; min-width: 4.5rem }
table { border-collapse: collapse; width: 100% }
td { padding: 0.15rem 1rem 0.15rem 0; vertical-align: top }
td:first-child { white-space: nowrap }
";

/// The description, the page and the page of each kind of error. They tell nothing about this installation, so they ask
/// nobody who they are.
pub fn routes(description: utoipa::openapi::OpenApi) -> Router<Api> {
    let value = serde_json::to_value(&description).unwrap_or_default();
    let documents = Arc::new(Documents {
        json: value.to_string(),
        page: page(&value),
    });
    let plain = |kind: &'static str| [(header::CONTENT_TYPE, HeaderValue::from_static(kind))];
    Router::new()
        .route(
            "/api/v1/openapi.json",
            get(async move |State(documents): State<Arc<Documents>>| {
                (plain("application/json"), documents.json.clone())
            }),
        )
        .route("/api/docs", get(reference))
        .with_state(documents)
        .route(
            "/api/docs/style.css",
            get(async move || (plain("text/css"), STYLE)),
        )
        .route("/api/v1/problems/{name}", get(problem))
}

async fn reference(State(documents): State<Arc<Documents>>) -> Response {
    html(documents.page.clone())
}

fn html(page: String) -> Response {
    let policy =
        HeaderValue::from_static("default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'");
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(page)).into_response()
}

async fn problem(Path(name): Path<String>) -> Result<Response, Problem> {
    let kind = Kind::ALL.iter().find(|kind| kind.name() == name);
    let kind = kind.ok_or_else(|| Problem::not_found("there is no such kind of error"))?;
    Ok(html(whole(
        kind.title(),
        &format!(
            "<h1>{}</h1><p>Status {}. The <code>detail</code> of the answer says what, why, and the way out.</p>",
            escaped(kind.title()),
            kind.status().as_u16()
        ),
    )))
}

fn whole(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{}</title><link rel=\"stylesheet\" href=\"/api/docs/style.css\">{body}</html>",
        escaped(title)
    )
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, character| {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            character => escaped.push(character),
        }
        escaped
    })
}

/// The reference page: endpoints by tag, then the shapes.
fn page(description: &Value) -> String {
    let text = |value: &Value, key: &str| escaped(value[key].as_str().unwrap_or_default());
    let mut tags: Vec<(String, String)> = Vec::new();
    for (path, methods) in description["paths"].as_object().into_iter().flatten() {
        for (method, endpoint) in methods.as_object().into_iter().flatten() {
            let tag = endpoint["tags"][0].as_str().unwrap_or("other").to_owned();
            let section = endpoint_section(path, method, endpoint);
            match tags.iter_mut().find(|(name, _)| *name == tag) {
                Some((_, sections)) => sections.push_str(&section),
                None => tags.push((tag, section)),
            }
        }
    }
    let info = &description["info"];
    // Writing to a string cannot fail.
    let mut body = format!(
        "<h1>{} {}</h1><p>{}</p><p>For programs: <a href=\"/api/v1/openapi.json\">openapi.json</a></p>",
        text(info, "title"),
        text(info, "version"),
        text(info, "description"),
    );
    for (tag, sections) in &tags {
        let _ = write!(body, "<h2>{}</h2>{sections}", escaped(tag));
    }
    body.push_str("<h2>shapes</h2>");
    for (name, schema) in description["components"]["schemas"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let _ = write!(
            body,
            "<section id=\"{name}\"><h3>{name}</h3><p>{}</p>{}</section>",
            text(schema, "description"),
            properties(schema)
        );
    }
    whole("video-compressor: API", &body)
}

fn endpoint_section(path: &str, method: &str, endpoint: &Value) -> String {
    let text = |key: &str| escaped(endpoint[key].as_str().unwrap_or_default());
    let mut rows = String::new();
    let mut row = |name: &str, kind: &str, what: &str| {
        let _ = write!(rows, "<tr><td><code>{name}</code><td>{kind}<td>{what}");
    };
    for parameter in endpoint["parameters"].as_array().into_iter().flatten() {
        let name = escaped(parameter["name"].as_str().unwrap_or_default());
        let what = escaped(parameter["description"].as_str().unwrap_or_default());
        row(&name, parameter["in"].as_str().unwrap_or_default(), &what);
    }
    for (kind, content) in endpoint["requestBody"]["content"]
        .as_object()
        .into_iter()
        .flatten()
    {
        row("body", &escaped(kind), &shape(&content["schema"]));
    }
    for (status, response) in endpoint["responses"].as_object().into_iter().flatten() {
        let contents = response["content"].as_object();
        for (kind, content) in contents.into_iter().flatten() {
            row(status, &escaped(kind), &shape(&content["schema"]));
        }
        if contents.is_none_or(serde_json::Map::is_empty) {
            row(
                status,
                "",
                &escaped(response["description"].as_str().unwrap_or_default()),
            );
        }
    }
    format!(
        "<section><h3><b>{}</b> <code>{}</code></h3><p>{}</p><p>{}</p><table>{rows}</table></section>",
        method.to_uppercase(),
        escaped(path),
        text("summary"),
        text("description"),
    )
}

fn properties(schema: &Value) -> String {
    let mut rows = String::new();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let what = escaped(property["description"].as_str().unwrap_or_default());
        let _ = write!(
            rows,
            "<tr><td><code>{}</code><td>{}<td>{what}",
            escaped(name),
            shape(property)
        );
    }
    let choices: Vec<&str> = schema["enum"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if !choices.is_empty() {
        let _ = write!(rows, "<tr><td><code>{}</code>", escaped(&choices.join(" | ")));
    }
    format!("<table>{rows}</table>")
}

/// What a value is, in a word or a link.
fn shape(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|to| to.rsplit('/').next()) {
        return format!("<a href=\"#{0}\">{0}</a>", escaped(name));
    }
    for several in ["oneOf", "anyOf", "allOf"] {
        if let Some(shapes) = schema[several].as_array() {
            let shapes: Vec<String> = shapes.iter().map(shape).collect();
            return shapes.join(" or ");
        }
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => format!("list of {}", shape(&schema["items"])),
        Value::String(kind) => escaped(kind),
        Value::Array(kinds) => {
            let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
            escaped(&kinds.join(" or "))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_endpoint_and_every_shape_and_nothing_from_elsewhere() {
        let description = super::super::description();
        let value = serde_json::to_value(&description).unwrap();
        assert_eq!(value["openapi"], "3.1.0");
        let page = page(&value);
        for path in value["paths"].as_object().unwrap().keys() {
            assert!(page.contains(&format!("<code>{path}</code>")), "{path}");
        }
        for name in value["components"]["schemas"].as_object().unwrap().keys() {
            assert!(page.contains(&format!("id=\"{name}\"")), "{name}");
        }
        for foreign in ["<script", "src=", "href=\"http", "style=\"", "onclick"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn every_endpoint_says_what_it_does_and_has_a_name_of_its_own() {
        let value = serde_json::to_value(super::super::description()).unwrap();
        let mut names = Vec::new();
        for (path, methods) in value["paths"].as_object().unwrap() {
            for (method, endpoint) in methods.as_object().unwrap() {
                let about = format!("{method} {path}");
                assert!(endpoint["summary"].is_string(), "{about}");
                assert!(endpoint["tags"][0].is_string(), "{about}");
                names.push(endpoint["operationId"].as_str().unwrap().to_owned());
            }
        }
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count, "two endpoints share an operationId");
    }
}
