//! The links of buttons: each does one thing once, for whoever holds it.
//!
//! Promises: looking changes nothing; of calls at the same time one acts; an action that was begun is carried to its end
//! even when the caller is gone; nobody learns more than the path of the link's own task, and not that with
//! `include_names = false`; a link that is not ours looks like what is not there.
//! Never in here: signatures and what has been used (`access`), how a task changes (`service`).

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use jiff::Timestamp;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api,
    extract::Path,
    problem::{Kind, Problem, ProblemDto},
};
use crate::{
    access::{Link, LinkRefused},
    alerts::Action,
    queue::WhilePaused,
    service::desk::{Force, Order, Refusal},
    task::TaskId,
};

/// The routes below `/api/v1`.
pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(show, act))
}

/// A page that says what the link does, with a button that does it. Works without a login.
#[utoipa::path(
    get, path = "/act/{token}", tag = "links",
    params(("token" = String, Path, description = "From a button of an alert")),
    responses(
        (status = 200, description = "What the link does", content_type = "text/html", body = String),
        (status = 404, description = "No link of ours", body = ProblemDto, content_type = "application/problem+json"),
        (status = 410, description = "Used, or ended", body = ProblemDto, content_type = "application/problem+json"),
    ),
    security(()),
)]
async fn show(State(api): State<Api>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    match api.links.look(&token, Timestamp::now()) {
        Ok(link) => page(
            StatusCode::OK,
            link.action.label(),
            &question(&api, &link),
            Form::Confirm,
        ),
        Err(refused) => refusal(refused.into(), &headers),
    }
}

/// Does what the link is for, once. Works without a login: the link is the permission.
#[utoipa::path(
    post, path = "/act/{token}", tag = "links",
    params(("token" = String, Path, description = "From a button of an alert")),
    responses(
        (status = 200, description = "Done", content_type = "text/html", body = String),
        (status = 404, description = "No link of ours, or its task is gone", body = ProblemDto, content_type = "application/problem+json"),
        (status = 409, description = "It does not go with the task's state; the link is used all the same", body = ProblemDto, content_type = "application/problem+json"),
        (status = 410, description = "Used, or ended", body = ProblemDto, content_type = "application/problem+json"),
        (status = 503, description = "The service stops, or its disk takes no writes", body = ProblemDto, content_type = "application/problem+json"),
    ),
    security(()),
)]
async fn act(State(api): State<Api>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    // On a task of its own: a phone that loses its network between the two steps must not use a link up for nothing.
    let done = tokio::spawn(spend_and_order(api, token)).await;
    let mut response = match done {
        Ok(Ok(action)) => page(StatusCode::OK, action.label(), done_text(action), Form::None),
        Ok(Err(problem)) => refusal(problem, &headers),
        Err(panic) => refusal(Problem::internal(panic), &headers),
    };
    // ntfy's web app calls from its own pages. The link is the whole permission, so whoever holds it may see the answer.
    response
        .headers_mut()
        .insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

async fn spend_and_order(api: Api, token: String) -> Result<Action, Problem> {
    let links = api.links.clone();
    let spent = tokio::task::spawn_blocking(move || links.spend(&token, Timestamp::now())).await;
    let link = spent.map_err(Problem::internal)??;
    let order = order(&link).ok_or_else(not_ours)?;
    match api.desk.order(order).await {
        Ok(_) => Ok(link.action),
        Err(refusal) => {
            let action = link.action;
            if refusal == Refusal::Stopping {
                let links = api.links.clone();
                let given_back = tokio::task::spawn_blocking(move || links.give_back(&link)).await;
                given_back.map_err(Problem::internal)?;
            }
            Err(without_names(&api, action, refusal))
        }
    }
}

/// `None`: a link without the task that its action needs, which we do not sign.
fn order(link: &Link) -> Option<Order> {
    let task = || link.task.clone();
    Some(match link.action {
        Action::Retry => Order::Retry {
            ids: vec![task()?],
            force: Force::No,
        },
        Action::KeepOriginal => Order::KeepOriginal(task()?),
        Action::Pause => Order::Pause(WhilePaused::Finish),
    })
}

/// The desk's reasons name files.
fn without_names(api: &Api, action: Action, refusal: Refusal) -> Problem {
    let problem = Problem::from(refusal);
    if api.desk.config().alerts.include_names || problem.kind != Kind::Conflict {
        return problem;
    }
    let detail = match action {
        Action::Retry => "the task is not one that has failed any more",
        Action::KeepOriginal => "the result stays: the original or the result is not as it was any more",
        Action::Pause => "it cannot be paused now",
    };
    Problem::conflict(detail)
}

impl From<LinkRefused> for Problem {
    fn from(refused: LinkRefused) -> Self {
        match refused {
            LinkRefused::NotOurs => not_ours(),
            LinkRefused::Ended | LinkRefused::Used => Self::new(Kind::Gone, refused.to_string()),
            LinkRefused::Unrecorded(error) => {
                tracing::error!("a link was not followed: {error}");
                Self::new(
                    Kind::Unavailable,
                    "that the link is used cannot be written down; nothing was done, try again when the disk has room",
                )
            }
        }
    }
}

fn not_ours() -> Problem {
    Problem::not_found(LinkRefused::NotOurs.to_string())
}

fn question(api: &Api, link: &Link) -> String {
    let what = task_text(api, link.task.as_ref());
    match link.action {
        Action::Retry => format!("Compress {what} again?"),
        Action::KeepOriginal => format!(
            "Remove the compressed result of {what}? The original stays as it is, and is not compressed again by itself."
        ),
        Action::Pause => "Pause? Running encodes go on to their end, no more are begun.".to_owned(),
    }
}

/// The path below `input/`, or a word for it.
fn task_text(api: &Api, task: Option<&TaskId>) -> String {
    let board = api.desk.board();
    let shown = board
        .tasks
        .iter()
        .find(|known| Some(&known.id) == task && board.config.alerts.include_names)
        .map(|known| known.shown().to_string());
    shown.unwrap_or_else(|| "the video".to_owned())
}

fn done_text(action: Action) -> &'static str {
    match action {
        Action::Retry => "It is queued again.",
        Action::KeepOriginal => "The result was removed; the original stays.",
        Action::Pause => "Paused. `video-compressor resume` goes on.",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A button that posts to the page's own address.
    Confirm,
    None,
}

/// Programs get the one form of errors, people a page.
fn refusal(problem: Problem, headers: &HeaderMap) -> Response {
    let wants_page = headers
        .get(header::ACCEPT)
        .and_then(|accepted| accepted.to_str().ok())
        .is_some_and(|accepted| accepted.contains("text/html"));
    match wants_page {
        true => page(
            problem.kind.status(),
            problem.kind.title(),
            &problem.detail,
            Form::None,
        ),
        false => problem.into_response(),
    }
}

/// Without script, style or anything that is loaded.
fn page(status: StatusCode, title: &str, text: &str, form: Form) -> Response {
    let (title, text) = (escaped(title), escaped(text));
    let button = match form {
        Form::Confirm => format!("<form method=\"post\"><button>{title}</button></form>\n"),
        Form::None => String::new(),
    };
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"robots\" content=\"noindex\">\n\
         <title>{title}</title>\n<h1>{title}</h1>\n<p>{text}</p>\n{button}</html>\n"
    );
    let mut response = (status, Html(page)).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// As text of HTML.
fn escaped(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut html, character| {
            match character {
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                '"' => html.push_str("&quot;"),
                '\'' => html.push_str("&#39;"),
                _ => html.push(character),
            }
            html
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_is_text_on_the_page() {
        assert_eq!(
            escaped("720/<script>alert('x')</script>&\".mkv"),
            "720/&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;.mkv"
        );
    }

    #[test]
    fn refusals_look_like_what_they_are() {
        for (refused, status) in [
            (LinkRefused::NotOurs, 404),
            (LinkRefused::Ended, 410),
            (LinkRefused::Used, 410),
        ] {
            assert_eq!(Problem::from(refused).kind.status().as_u16(), status);
        }
    }

    #[test]
    fn a_browser_gets_a_page_and_a_program_a_problem() {
        for (accept, expected) in [
            (
                Some("text/html,application/xhtml+xml;q=0.9"),
                "text/html; charset=utf-8",
            ),
            (Some("*/*"), "application/problem+json"),
            (None, "application/problem+json"),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            }
            let response = refusal(LinkRefused::Used.into(), &headers);
            assert_eq!(response.headers()[header::CONTENT_TYPE], expected);
            assert_eq!(response.status(), StatusCode::GONE);
        }
    }
}
