//! Tries out for real what the settings in force name: the ways to reach somebody, and ffmpeg.
//!
//! Promises: one try at a time, and of each kind not more often than each [`PAUSE`]; no secrets, no addresses beyond a host's
//! name, and nothing of what stands at an address that the API can change.
//! Never in here: what is sent (`alerts`), what ffmpeg is asked (`encode`).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Extension, extract::State};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    alerts::{self, ChannelTest, Means},
    config::Config,
    encode::tools,
    http::{
        Api,
        blocking::blocking,
        extract::Json,
        problem::{Kind, Problem, ProblemDto},
        who::Admin,
    },
};

/// From the begin of a try to the next one of its kind: each sends somebody a message.
const PAUSE: Duration = Duration::from_secs(5);

/// What can be tried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum What {
    Ntfy,
    Email,
    Webhook,
    Ffmpeg,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrialDto {
    what: What,
}

/// What came of a try.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct TrialResultDto {
    /// `ntfy`, `e-mail`, `webhook 1 (hooks.example.org)`, `ffmpeg`.
    target: String,
    ok: bool,
    /// What the other side said, or why there was no answer.
    detail: String,
    /// What it means and what to do; `null` when there is nothing to do.
    way_out: Option<String>,
    took_ms: u64,
}

/// When each kind was tried last; held while something is tried.
type Last = Arc<Mutex<[Option<Instant>; 4]>>;

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl TrialResultDto {
    fn of(test: ChannelTest, means: Means) -> Self {
        let ChannelTest {
            channel,
            report,
            took,
        } = test;
        Self {
            target: channel,
            ok: report.delivered,
            detail: match (report.status, means) {
                (Some(status), Means::Ntfy) => said_by_ntfy(status, &report.body),
                (Some(status), Means::Mail | Means::Webhook) => format!("{status}: {}", report.body),
                (None, _) => report.body,
            },
            way_out: (!report.delivered).then_some(report.hint),
            took_ms: milliseconds(took),
        }
    }
}

/// The address of ntfy can be changed over the API: were all told that answers there, this would read what only this machine
/// reaches. So it is the status, and what an ntfy server calls an error.
fn said_by_ntfy(status: u16, body: &str) -> String {
    #[derive(Deserialize)]
    struct Said {
        code: u32,
        error: String,
    }
    match serde_json::from_str::<Said>(body) {
        Ok(Said { code, error }) => format!("HTTP {status}: {error} ({code})"),
        Err(_) => format!("HTTP {status}"),
    }
}

impl What {
    fn tried(self, config: &Config) -> Vec<TrialResultDto> {
        let (means, name, setting) = match self {
            Self::Ntfy => (Means::Ntfy, "ntfy", "ntfy_topic"),
            Self::Email => (Means::Mail, "e-mail", "email_server, email_from and email_to"),
            Self::Webhook => (Means::Webhook, "webhook", "webhook_urls and webhook_secret"),
            Self::Ffmpeg => return vec![ffmpeg(config)],
        };
        let tests = alerts::test(&config.alerts, &[means]);
        if tests.is_empty() {
            return vec![TrialResultDto {
                target: name.to_owned(),
                ok: false,
                detail: format!("{name} is off"),
                way_out: Some(format!("set {setting}")),
                took_ms: 0,
            }];
        }
        tests
            .into_iter()
            .map(|test| TrialResultDto::of(test, means))
            .collect()
    }
}

fn ffmpeg(config: &Config) -> TrialResultDto {
    let began = Instant::now();
    let result = tools::encoder_works(&config.encode);
    let (ok, detail, way_out) = match result {
        Ok(()) => {
            let version = tools::ffmpeg_version(&config.encode);
            (
                true,
                format!("{version}; a test encode with libx265 worked"),
                None,
            )
        }
        Err(unusable) => (false, unusable.problem, Some(unusable.way_out)),
    };
    TrialResultDto {
        target: "ffmpeg".to_owned(),
        ok,
        detail,
        way_out,
        took_ms: milliseconds(began.elapsed()),
    }
}

/// Sends a test message on each channel of a kind, or encodes a test picture
#[utoipa::path(
    post, path = "/settings/test", tag = "system",
    request_body = TrialDto,
    responses(
        (status = 200, description = "One for each channel, in the order of the settings", body = [TrialResultDto]),
        (status = 429, description = "Something is being tried, or was a moment ago; Retry-After says how long to wait",
            body = ProblemDto, content_type = "application/problem+json"),
    )
)]
pub(super) async fn post(
    Admin(caller): Admin,
    State(api): State<Api>,
    Extension(last): Extension<Last>,
    Json(trial): Json<TrialDto>,
) -> Result<axum::Json<Vec<TrialResultDto>>, Problem> {
    let too_often = |wait: Duration| {
        let detail = "something is being tried out, or was a moment ago; try again in a few seconds";
        Problem::new(Kind::TooManyRequests, detail).after(wait.as_secs() + 1)
    };
    let what = trial.what;
    // Kept by the work, which goes on when the caller does not wait for it.
    let mut last = last.try_lock_owned().map_err(|_| too_often(PAUSE))?;
    let of_this_kind = &mut last[what as usize];
    if let Some(began) = of_this_kind
        && let Some(wait) = PAUSE.checked_sub(began.elapsed())
    {
        return Err(too_often(wait));
    }
    *of_this_kind = Some(Instant::now());
    let config = api.desk.config();
    tracing::info!("{} tries out {what:?}", caller.name);
    let tried = blocking(move || {
        let tried = what.tried(&config);
        drop(last);
        tried
    });
    tried.await.map(axum::Json)
}

/// The routes below `/api/v1`.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(post))
        .layer(Extension(Last::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_answer_at_ntfy_s_address_only_an_error_of_ntfy_is_told() {
        for (body, told) in [
            (
                r#"{"code":40301,"http":403,"error":"forbidden"}"#,
                "HTTP 403: forbidden (40301)",
            ),
            (r#"{"id":"x","message":"a secret of somebody else"}"#, "HTTP 403"),
            (r#"{"error":"a secret of somebody else"}"#, "HTTP 403"),
            ("ami-id\nhostname", "HTTP 403"),
            ("", "HTTP 403"),
        ] {
            assert_eq!(said_by_ntfy(403, body), told);
        }
    }
}
