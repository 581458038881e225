//! States in words, the same as on the page. Pure.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    palette::Meaning,
    text::{counted, shown},
};
use crate::{
    cli::top::picture::{Motion, Now, Pace},
    queue::WhilePaused,
    task::{Status, Task, WaitingFor},
};

/// What a task's state is called.
#[must_use]
pub fn status(status: &Status, motion: Motion) -> String {
    let word = match status {
        Status::Processing if motion == Motion::Frozen => "Frozen",
        Status::Queued => "Waiting",
        Status::Processing => "Encoding",
        Status::Processed => "Done",
        Status::Skipped => "Left as it is",
        Status::Cancelled => "Cancelled",
        Status::Failed | Status::ErrorException => "Failed",
        Status::ErrorMissingInput => "File is gone",
        Status::ErrorNoResolution => "No resolution",
        Status::Unknown(text) => return shown(text),
    };
    word.to_owned()
}

#[must_use]
pub fn tone(task: &Task, motion: Motion) -> Meaning {
    match &task.status {
        Status::Processing if motion == Motion::Frozen => Meaning::Attention,
        Status::Processing => Meaning::Runs,
        Status::Queued if task.waiting_for.is_some() => Meaning::Attention,
        Status::Processed => Meaning::Good,
        status if status.is_failure() => Meaning::Bad,
        _ => Meaning::Quiet,
    }
}

#[must_use]
pub fn waits(waiting_for: &WaitingFor) -> &'static str {
    match waiting_for {
        WaitingFor::Space => "Waits for room on the disk",
        WaitingFor::Folder => "Waits for its folder",
        WaitingFor::Encoder => "Waits for the encoder",
        WaitingFor::Task(_) => "Waits for its twin",
    }
}

/// `encoding` as `Encoding`, `measuring the quality of` as `Measuring the quality`.
#[must_use]
pub fn stage(text: &str) -> String {
    let text = shown(text);
    let words = text
        .strip_suffix(" of")
        .or(text.strip_suffix(" for"))
        .unwrap_or(&text);
    let mut characters = words.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => "Beginning".to_owned(),
    }
}

fn files_wait(waiting: usize) -> String {
    counted(waiting, "file waits", "files wait")
}

/// What all is about in one line.
#[must_use]
pub fn summary(now: &Now) -> String {
    let running = now.count(&Status::Processing);
    let waiting = now.count(&Status::Queued);
    let settling = now.present.live.as_ref().map_or(0, |live| live.settling);
    let settling = usize::try_from(settling).unwrap_or(usize::MAX);
    let (one, many) = match now.present.control.freezes() {
        true => ("encode stands still", "encodes stand still"),
        false => ("encode runs", "encodes run"),
    };
    let parts = [
        (running > 0).then(|| counted(running, one, many)),
        (waiting > 0).then(|| files_wait(waiting)),
        (settling > 0).then(|| counted(settling, "file is arriving", "files are arriving")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        return "Nothing waits".to_owned();
    }
    parts.join(", ")
}

/// Why nothing is begun although nothing is wrong: what it is, and what comes of it.
#[must_use]
pub fn rest(now: &Now, zone: &TimeZone) -> Option<(String, String)> {
    let at = |time: Timestamp| time.to_zoned(zone.clone()).strftime("%a %H:%M").to_string();
    let files = match now.count(&Status::Queued) {
        0 => "New files wait".to_owned(),
        waiting => files_wait(waiting),
    };
    match now.pace() {
        Pace::Absent | Pace::Begins => None,
        Pace::Paused { since, running } => {
            let running = match running {
                WhilePaused::Finish => "What is running goes on to its end",
                WhilePaused::Freeze => "What was running stands still",
            };
            Some((
                format!("Paused since {}", at(since)),
                format!("{files} until you go on (space). {running}."),
            ))
        }
        Pace::Outside { begins } => Some((
            format!("Quiet hours until {}", at(begins)),
            format!("{files} until then, by the schedule in the settings."),
        )),
    }
}

/// What is said when nothing is encoded.
#[must_use]
pub fn idle(now: &Now) -> &'static str {
    let arriving = now
        .present
        .live
        .as_ref()
        .is_some_and(|live| live.settling + live.measuring > 0);
    let is_new = now.present.counts.is_empty() && now.saved.is_none_or(|saved| saved.files == 0);
    match (now.pace(), now.count(&Status::Queued), arriving) {
        (Pace::Absent, ..) | (_, 1.., _) => "Nothing runs at the moment.",
        (_, 0, true) => "Files are arriving. They begin by themselves when they have been copied whole.",
        (_, 0, false) if is_new => {
            "Drop a video to begin: put it into input/720, or into the folder of another resolution. It comes back in output."
        }
        (_, 0, false) => "All done. Nothing waits. New files in input begin by themselves.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::top::samples;

    #[test]
    fn every_state_has_a_word_and_a_tone() {
        for (text, word, meaning) in [
            ("queued", "Waiting", Meaning::Quiet),
            ("processing", "Encoding", Meaning::Runs),
            ("processed", "Done", Meaning::Good),
            ("skipped", "Left as it is", Meaning::Quiet),
            ("cancelled", "Cancelled", Meaning::Quiet),
            ("failed", "Failed", Meaning::Bad),
            ("error_missing_input", "File is gone", Meaning::Bad),
            ("error_no_resolution", "No resolution", Meaning::Bad),
            ("error_exception", "Failed", Meaning::Bad),
            ("new\u{1b}[m", "new\\u{1b}[m", Meaning::Quiet),
        ] {
            let task = samples::task("t", text, "720/a.mkv");
            assert_eq!(
                (status(&task.status, Motion::Goes), tone(&task, Motion::Goes)),
                (word.into(), meaning)
            );
        }
        let running = samples::task("t", "processing", "720/a.mkv");
        assert_eq!(
            (
                status(&running.status, Motion::Frozen),
                tone(&running, Motion::Frozen)
            ),
            ("Frozen".into(), Meaning::Attention)
        );
    }

    #[test]
    fn a_stage_is_called_as_on_the_page() {
        for (text, expected) in [
            ("", "Beginning"),
            ("encoding", "Encoding"),
            ("measuring the quality of", "Measuring the quality"),
            ("trying CRF 24.5 for", "Trying CRF 24.5"),
        ] {
            assert_eq!(stage(text), expected);
        }
    }

    #[test]
    fn how_everything_stands_is_said_in_words() {
        let now = samples::now();
        assert_eq!(summary(&now), "2 encodes run, 1 file waits, 2 files are arriving");
        assert_eq!(rest(&now, &TimeZone::UTC), None);

        let mut paused = samples::now();
        paused
            .present
            .control
            .pause(WhilePaused::Freeze, samples::at("2026-11-22T12:04:00Z"));
        assert!(summary(&paused).starts_with("2 encodes stand still"));
        let (title, text) = rest(&paused, &TimeZone::UTC).unwrap();
        assert_eq!(title, "Paused since Sun 12:04");
        assert!(
            text.contains("1 file waits") && text.contains("stands still"),
            "{text}"
        );

        let mut outside = samples::now();
        outside.present.counts.clear();
        outside.present.live.as_mut().unwrap().hours_begin = Some(samples::at("2026-11-22T22:00:00Z"));
        let (title, text) = rest(&outside, &TimeZone::UTC).unwrap();
        assert_eq!(title, "Quiet hours until Sun 22:00");
        assert!(text.contains("New files wait"), "{text}");
    }

    #[test]
    fn what_is_said_when_nothing_runs_says_why() {
        for (settling, waiting, saved, is_there, expected) in [
            (0, 0, 0, true, "Drop a video"),
            (0, 0, 3, true, "All done"),
            (2, 0, 0, true, "arriving"),
            (2, 4, 0, true, "Nothing runs"),
            (0, 0, 0, false, "Nothing runs"),
        ] {
            let mut now = samples::now();
            now.present.counts = match waiting {
                0 => Default::default(),
                waiting => [("queued".to_owned(), waiting)].into(),
            };
            now.present.live.as_mut().unwrap().settling = settling;
            now.saved.as_mut().unwrap().files = saved;
            if !is_there {
                now.present.pid = None;
            }
            assert!(idle(&now).contains(expected), "{}", idle(&now));
        }
    }
}
