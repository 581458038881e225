//! `explain`: the plan for one file and the exact command, without encoding.

use std::path::{Path, PathBuf};

use super::{Exit, Failure, Outcome, print, print_json, setup::Setup};
use crate::{
    config::{Config, Profile},
    encode,
    plan::{self, EncodePlan, NotEncoded, Treatment},
    probe::ProbeError,
    process::Cancel,
    record,
    service::examined::{Examined, examined},
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
    let planned = examined(&file, &config.encode, &Cancel::new())
        .map_err(|error| match error {
            ProbeError::Tool(error) => Err(Failure::environment(error.to_string())),
            error => Ok(("refused", "would fail", error.to_string())),
        })
        .and_then(|Examined { info, abilities, .. }| {
            plan::plan(&info, profile, resolution, &config.encode, abilities)
                .map(|plan| (info, plan))
                .map_err(|why| match why {
                    NotEncoded::Refused(refusal) => Ok(("refused", "would fail", refusal.to_string())),
                    NotEncoded::Skipped(skip) => Ok(("skipped", "would be skipped", skip.to_string())),
                })
        });
    let (info, plan) = match planned {
        Ok(planned) => planned,
        Err(Err(failure)) => return Err(failure),
        Err(Ok((key, words, reason))) => {
            if json {
                print_json(&serde_json::json!({ "file": file.to_string_lossy(), key: reason }));
            } else {
                print(&format!("{}: {words}: {reason}\n", Shown(&file)));
            }
            return Ok(Exit::Done);
        }
    };
    let search = profile.target.map(|target| {
        format!(
            "the CRF that gives {target} is searched between {} and {} before the encode; the command has the one that is tried first",
            profile.crf_min, profile.crf_max
        )
    });
    let output = output_of(&config, &file, below, resolution, &plan);
    let commands: Vec<String> = encode::preparations(&plan, &file, &output, &config.encode)
        .into_iter()
        .chain([encode::command(&plan, &file, &output, &config.encode)])
        .map(|command| command.to_string())
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

/// The plain name; a clash is settled when the encode starts.
fn output_of(
    config: &Config,
    file: &Path,
    below: Option<&Path>,
    resolution: Resolution,
    plan: &EncodePlan,
) -> PathBuf {
    let relative = below
        .map(Path::to_owned)
        .unwrap_or_else(|| Path::new(&resolution.to_string()).join(file.file_name().unwrap_or_default()));
    config
        .folders
        .output
        .join(relative)
        .with_extension(plan.container.extension())
}
