//! The start after a fault, and what must hold then.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    common::{clips::undecodable, root::all_rows},
    step::{Step, program},
};

/// Starts the real program, and looks at what there is then.
///
/// # Errors
/// What does not hold.
pub fn oracles(step: Step, root: &Path) -> Result<(), String> {
    let ended = program(root, &["once", "--timeout", "10"])
        .status()
        .map_err(|error| error.to_string())?;
    let log = || fs::read_to_string(root.join("logs/app.log")).unwrap_or_default();
    if ended.code() != Some(0) {
        return Err(format!("once ended with {ended}: {}", log()));
    }
    let rows = all_rows(&root.join("conf"))?;
    let of_film: Vec<&Value> = rows.iter().filter(|row| row["path"] == "720/a.mkv").collect();
    let ids: BTreeSet<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    if of_film.len() != 1 || ids.len() != rows.len() {
        return Err(format!(
            "the film has {} rows: {rows:?}: {}",
            of_film.len(),
            log()
        ));
    }
    if of_film[0]["status"] != "processed" {
        return Err(format!("it ended as {}: {}", of_film[0], log()));
    }
    let source = root.join("input/720/a.mkv");
    if source.exists() == step.disposes() {
        return Err(format!(
            "the source is {}",
            if source.exists() { "still there" } else { "gone" }
        ));
    }
    if let Some(wrong) = undecodable(&root.join("output/720/a.mkv")) {
        return Err(wrong);
    }
    let left: Vec<PathBuf> = walkdir::WalkDir::new(root)
        .into_iter()
        .flatten()
        .map(walkdir::DirEntry::into_path)
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.ends_with(".part")
                || name.ends_with(".vc-tmp")
                || name.contains("corrupt")
                || name.contains("chunk-")
        })
        .collect();
    if left.is_empty() {
        Ok(())
    } else {
        Err(format!("left behind: {left:?}"))
    }
}
