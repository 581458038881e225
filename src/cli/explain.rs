//! `explain`: the plan for one file and the exact command, without encoding.

use std::path::{Path, PathBuf};

use super::{Exit, Failure, Outcome, print, print_json, setup::Setup};
use crate::{
    config::{Config, Profile},
    plan::Treatment,
    process::Cancel,
    record,
    service::explained::{Explained, Named, NotExplained, Source},
    task::{Resolution, Shown},
};

/// `explain`
pub fn explain(
    setup: &Setup,
    file: &Path,
    resolution: Option<u32>,
    profile: Option<&str>,
    json: bool,
) -> Outcome {
    let (loaded, _) = setup.for_reading()?;
    let config = loaded.config;
    let file = find(&config, file)?;
    let below = file.strip_prefix(&config.folders.input).ok();
    let of_folder = below.and_then(record::resolution_of);
    let resolution = resolution
        .map(Resolution)
        .or(of_folder)
        .unwrap_or(Resolution(720));
    let profile = choose_profile(&config, resolution, profile)?;
    let output = output_of(&config, &file, below, resolution);
    let named = Named {
        input: &file,
        output: &output,
    };
    let explained = Source::of(&file, &config.encode, &Cancel::new()).and_then(|source| {
        let explained = source.explained(named, profile, resolution, &config.encode)?;
        Ok((source, explained))
    });
    let (Source { info, .. }, explained) = match explained {
        Ok(explained) => explained,
        Err(NotExplained::Tool(error)) => return Err(Failure::environment(error.to_string())),
        Err(NotExplained::Refused(reason)) => {
            return Ok(not_encoded(&file, "refused", "would fail", &reason, json));
        }
        Err(NotExplained::Skipped(reason)) => {
            return Ok(not_encoded(&file, "skipped", "would be skipped", &reason, json));
        }
    };
    let Explained {
        plan,
        output,
        preparations,
        command,
        search,
    } = explained;
    let commands: Vec<String> = preparations
        .iter()
        .chain([&command])
        .map(ToString::to_string)
        .collect();
    if json {
        print_json(&serde_json::json!({
            "file": file.to_string_lossy(),
            "resolution": resolution.to_string(),
            "profile": profile.name,
            "output": output.to_string_lossy(),
            "streams": plan.streams.iter().map(|stream| serde_json::json!({
                "source_index": stream.source_index,
                "codec": stream.codec,
                "treatment": if stream.treatment == Treatment::Copied { "copied" } else { "encoded" },
            })).collect::<Vec<_>>(),
            "lost": plan.lost.iter().map(|lost| serde_json::json!({
                "source_index": lost.source_index, "what": lost.what, "reason": lost.reason,
            })).collect::<Vec<_>>(),
            "notes": plan.notes,
            "search": search,
            "preparations": &commands[..commands.len() - 1],
            "command": commands.last(),
        }));
        return Ok(Exit::Done);
    }
    print(&format!(
        "{}: {} s, {}\n",
        Shown(&file),
        info.duration_s
            .map_or_else(|| "?".into(), |seconds| format!("{seconds:.1}")),
        indicatif::DecimalBytes(info.size_bytes)
    ));
    print(&format!(
        "folder {resolution}, profile {}, to {}\n\nstreams:\n",
        profile.name,
        Shown(&output)
    ));
    for stream in &plan.streams {
        let source = info
            .streams
            .iter()
            .find(|candidate| candidate.index == stream.source_index);
        let from = source.map_or("?", |source| source.codec_name());
        let treatment = match stream.treatment {
            Treatment::Copied => "copied".to_owned(),
            Treatment::Encoded => format!("-> {}", stream.codec),
        };
        print(&format!("  {}: {from} {treatment}\n", stream.source_index));
    }
    for lost in &plan.lost {
        print(&format!("  {} is not carried: {}\n", lost.what, lost.reason));
    }
    for note in plan.notes.iter().chain(&search) {
        print(&format!("note: {note}\n"));
    }
    print(&format!("\n{}\n", commands.join("\n\n")));
    Ok(Exit::Done)
}

fn not_encoded(file: &Path, key: &str, words: &str, reason: &str, json: bool) -> Exit {
    if json {
        print_json(&serde_json::json!({ "file": file.to_string_lossy(), key: reason }));
    } else {
        print(&format!("{}: {words}: {reason}\n", Shown(file)));
    }
    Exit::Done
}

/// A path as it is, or as `720/a.mkv` below `input/`.
fn find(config: &Config, file: &Path) -> Result<PathBuf, Failure> {
    [std::path::absolute(file)?, config.folders.input.join(file)]
        .into_iter()
        .find(|path| path.symlink_metadata().is_ok())
        .ok_or_else(|| Failure::usage(format!("{}: no such file", Shown(file))))
}

fn choose_profile<'a>(
    config: &'a Config,
    resolution: Resolution,
    wanted: Option<&str>,
) -> Result<&'a Profile, Failure> {
    let encode = &config.encode;
    let name = wanted.unwrap_or_else(|| encode.profile_name_of(Some(resolution)));
    encode.profiles.get(name).ok_or_else(|| {
        let known: Vec<&str> = encode.profiles.keys().map(String::as_str).collect();
        Failure::usage(format!(
            "--profile {name}: there is no such profile; known are {}",
            known.join(", ")
        ))
    })
}

/// The plain name, but for its extension; a clash is settled when the encode starts.
fn output_of(config: &Config, file: &Path, below: Option<&Path>, resolution: Resolution) -> PathBuf {
    let relative = below
        .map(Path::to_owned)
        .unwrap_or_else(|| Path::new(&resolution.to_string()).join(file.file_name().unwrap_or_default()));
    config.folders.output.join(relative)
}
