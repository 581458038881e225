//! The page beside 100,000 tasks, in a browser: benches/page/*.mjs measure, this file has the service.
//!
//! Needs Node.js, Chromium and `scripts/get-playwright target/tools`.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::json;

use super::{
    Outcome,
    api::{Api, PASSWORD, TASKS, USER, filled},
    load::Load,
    rounds::{Figure, Limit, NotInstalled, Round, Row, Sample, USUAL_FOREIGN_SHARE},
};

const REPOSITORY: &str = env!("CARGO_MANIFEST_DIR");

pub const PAINT: Row = Row {
    name: "paint",
    figures: &[
        Figure {
            title: "Now painted with its numbers beside 100,000 tasks",
            unit: "ms",
            limit: Some(Limit::Below(200.0)),
            rival: "",
        },
        Figure {
            title: "  anything painted",
            unit: "ms",
            limit: Some(Limit::Below(200.0)),
            rival: "",
        },
    ],
    rounds: 5,
    foreign_share_limit: USUAL_FOREIGN_SHARE,
    round: || measured("paint.mjs"),
};

pub const WEIGHT: Row = Row {
    name: "weight",
    figures: &[Figure {
        title: "all files of the page, compressed",
        unit: "KB",
        limit: Some(Limit::Below(300.0)),
        rival: "",
    }],
    rounds: 1,
    // Bytes are the same on a busy machine.
    foreign_share_limit: 1.0,
    round: || measured("weight.mjs"),
};

pub const SEEN: Row = Row {
    name: "seen",
    figures: &[
        Figure {
            title: "an action seen in another page, of 20 the median",
            unit: "ms",
            limit: Some(Limit::Below(300.0)),
            rival: "",
        },
        Figure {
            title: "  and the longest",
            unit: "ms",
            limit: Some(Limit::Below(300.0)),
            rival: "",
        },
    ],
    rounds: 5,
    foreign_share_limit: USUAL_FOREIGN_SHARE,
    round: || measured("seen.mjs"),
};

pub const FRAMES: Row = Row {
    name: "frames",
    figures: &[
        Figure {
            title: "scrolling through 100,000 tasks, longest task of the page's thread",
            unit: "ms",
            limit: Some(Limit::Below(50.0)),
            rival: "",
        },
        Figure {
            title: "  filtering them",
            unit: "ms",
            limit: Some(Limit::Below(50.0)),
            rival: "",
        },
    ],
    rounds: 5,
    foreign_share_limit: USUAL_FOREIGN_SHARE,
    round: || measured("frames.mjs"),
};

/// One round: a service with a long queue, and what a script of benches/page/ measures there.
fn measured(script: &str) -> Outcome<Round> {
    let modules = Path::new(REPOSITORY).join("target/tools/playwright/node_modules");
    if !modules.is_dir() {
        return Err(NotInstalled("playwright-core").into());
    }
    let chromium = chromium()?;
    let (_root, api) = filled(TASKS)?;
    let load = Load::now();
    let figures = figures(script, &api, &modules, &chromium)?;
    Ok(Round {
        samples: figures
            .into_iter()
            .map(|value| Sample { value, rival: None })
            .collect(),
        foreign_share: load.foreign_share_since(),
    })
}

fn chromium() -> Outcome<PathBuf> {
    let name = std::env::var_os("CHROMIUM").unwrap_or_else(|| "chromium".into());
    which::which(name).map_err(|_| NotInstalled("chromium").into())
}

fn figures(script: &str, api: &Api, modules: &Path, chromium: &Path) -> Outcome<Vec<f64>> {
    let given = json!({
        "url": format!("http://{}", api.address),
        "key": api.key,
        "name": USER,
        "password": PASSWORD,
        "pictures": env!("CARGO_TARGET_TMPDIR"),
        "tools": modules,
        "chromium": chromium,
    });
    let output = Command::new("node")
        .arg(Path::new(REPOSITORY).join("benches/page").join(script))
        .arg(given.to_string())
        .stdin(Stdio::piped())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("{script} failed").into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
