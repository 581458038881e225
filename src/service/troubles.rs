//! What is wrong at present, in words and with the way out, for people who look.
//!
//! Promises: what is listed is wrong now, and no longer listed when it is mended; one that goes on keeps its beginning;
//! a pause is no trouble.
//! Never in here: telling a phone or the log (`alive`, `edits`, …).

use std::{
    path::Path,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{State, job::Stage, jobs::Running, now};
use crate::{
    alerts::Stuck,
    config::{Http, HttpConfig, Tls},
    encode::Progress,
    record,
    task::{Shown, WaitingFor},
    watch,
};

/// An encode tells how far it is twice a second.
const STALLED_AFTER: Duration = Duration::from_secs(120);
/// Alerts that wait longer than this after a failed try are stuck.
const ALERTS_STUCK_AFTER: Duration = Duration::from_secs(600);

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    pub kind: TroubleKind,
    /// The folder, channel or task's id that it is about; empty: the service.
    pub about: String,
    /// One sentence.
    pub message: String,
    /// What a person can do.
    pub way_out: String,
    pub since: Timestamp,
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TroubleKind {
    FolderUnavailable,
    NoSpace,
    EncoderMissing,
    QueueNotWritten,
    /// The file system tells of no changes.
    SweepOnly,
    AlertsStuck,
    SettingsMistake,
    EncodeStalled,
    /// Passwords can be read on their way.
    NoTls,
}

/// A trouble of this moment, before it is known since when.
struct Found {
    kind: TroubleKind,
    about: String,
    message: String,
    way_out: String,
    /// Where it is known.
    since: Option<Timestamp>,
}

impl Found {
    fn new(kind: TroubleKind, message: String, way_out: impl Into<String>) -> Self {
        Self {
            kind,
            about: String::new(),
            message,
            way_out: way_out.into(),
            since: None,
        }
    }

    fn about(self, about: impl Into<String>) -> Self {
        Self {
            about: about.into(),
            ..self
        }
    }

    /// What was there before goes on.
    fn since(self, before: &[Trouble], now: Timestamp) -> Trouble {
        let known = before
            .iter()
            .find(|trouble| trouble.kind == self.kind && trouble.about == self.about);
        Trouble {
            kind: self.kind,
            about: self.about,
            message: self.message,
            way_out: self.way_out,
            since: self.since.or(known.map(|trouble| trouble.since)).unwrap_or(now),
        }
    }
}

impl State {
    /// Looks at everything that can be wrong.
    pub(super) fn look_for_troubles(&mut self) {
        let found = self.queue_trouble().into_iter().chain(self.settings_trouble());
        let found = found
            .chain(self.folder_troubles())
            .chain(self.space_trouble())
            .chain(self.encoder_trouble())
            .chain(self.stalled_encodes())
            .chain(self.sweep_trouble())
            .chain(
                self.alerts
                    .stuck(ALERTS_STUCK_AFTER)
                    .into_iter()
                    .map(alerts_trouble),
            )
            .chain(tls_trouble(&self.config.http));
        let now = now();
        self.troubles = found.map(|found| found.since(&self.troubles, now)).collect();
    }

    fn queue_trouble(&self) -> Option<Found> {
        let error = self.queue_failure.as_ref()?;
        Some(Found::new(
            TroubleKind::QueueNotWritten,
            format!("The queue cannot be written: {error}."),
            "Look at the disk of conf/: is it full, read-only or gone? Until then changes are kept in memory, and no \
             encode is begun.",
        ))
    }

    fn settings_trouble(&self) -> Option<Found> {
        let error = self.settings_mistake.as_ref()?;
        Some(Found::new(
            TroubleKind::SettingsMistake,
            format!("The settings have a mistake: {error}"),
            "Mend it in the settings file; until then the former settings are in force.",
        ))
    }

    fn folder_troubles(&self) -> impl Iterator<Item = Found> {
        self.roots.iter().filter_map(|(path, state)| {
            let watch::RootState::Unavailable { reason } = state else {
                return None;
            };
            let folder = record::encode_path(&Path::new("input").join(path)).0;
            let found = Found::new(
                TroubleKind::FolderUnavailable,
                format!("{} is out of reach: {reason}.", Shown(Path::new(&folder))),
                "Mount its disk again, or make the folder readable for the service. Its tasks wait and go on by themselves.",
            );
            Some(found.about(folder))
        })
    }

    fn space_trouble(&self) -> Option<Found> {
        let waiting = self
            .table
            .iter()
            .filter(|task| task.waiting_for == Some(WaitingFor::Space))
            .count();
        let tasks = match waiting {
            0 => return None,
            1 => "1 task waits".to_owned(),
            _ => format!("{waiting} tasks wait"),
        };
        Some(Found::new(
            TroubleKind::NoSpace,
            format!("{tasks} for room on the disk of output/."),
            format!(
                "Free some space: an encode needs as much as its source beside the {} that are kept free \
                 (min_free_bytes). It goes on by itself.",
                indicatif::DecimalBytes(self.config.publish.min_free_bytes)
            ),
        ))
    }

    fn encoder_trouble(&self) -> Option<Found> {
        let reason = self.encoder_trouble.as_ref()?;
        Some(Found::new(
            TroubleKind::EncoderMissing,
            format!("Nothing can be encoded: {reason}."),
            "Install an ffmpeg with libx265, or name it in the settings (ffmpeg_path). It is looked for each minute.",
        ))
    }

    fn stalled_encodes(&self) -> impl Iterator<Item = Found> {
        let all_stand_still = self.stands_still();
        let is_stalled = move |running: &&Running| {
            let may_stand = all_stand_still || running.is_frozen;
            !may_stand && stands(running.stage, running.progress, running.got_on.elapsed())
        };
        self.running.iter().filter(is_stalled).map(|running| {
            let found = Found::new(
                TroubleKind::EncodeStalled,
                format!("{} gets no further.", Shown(&running.path)),
                format!(
                    "Look at the disks and the load of the machine. After {} seconds without progress (stall_seconds) \
                     it is stopped and tried again.",
                    self.config.encode.stall.as_secs()
                ),
            );
            found.about(running.id.as_str())
        })
    }

    fn sweep_trouble(&self) -> Option<Found> {
        let watch::Mode::SweepOnly { reason } = &self.watching else {
            return None;
        };
        Some(Found::new(
            TroubleKind::SweepOnly,
            format!(
                "New files are found every {} seconds only: {reason}.",
                self.config.watch.sweep.as_secs()
            ),
            "No file is missed. `video-compressor doctor` says how to have them found at once.",
        ))
    }
}

fn alerts_trouble(stuck: Stuck) -> Found {
    let found = Found::new(
        TroubleKind::AlertsStuck,
        format!("Alerts do not reach {}: {}.", stuck.channel, stuck.hint),
        "Send a test alert from the settings, which says what is wrong. The alerts wait.",
    );
    Found {
        since: Some(stuck.since),
        ..found.about(stuck.channel)
    }
}

fn tls_trouble(http: &HttpConfig) -> Option<Found> {
    let is_readable = http.enabled == Http::On
        && http.tls == Tls::Off
        && !http.listen.ip().is_loopback()
        && http.trusted_proxies.is_empty();
    is_readable.then(|| {
        Found::new(
            TroubleKind::NoTls,
            "Other machines reach this page without TLS: passwords can be read on their way.".to_owned(),
            "Set http.tls, or name the proxy that does it in http.trusted_proxies.",
        )
    })
}

impl Running {
    /// Takes down that it goes on.
    pub(super) fn got_on(&mut self) {
        self.got_on = Instant::now();
    }
}

/// Whether an encode that has told nothing new for so long stands. Before its first word and after its last frame it
/// tells nothing anyway.
fn stands(stage: Stage, progress: Option<Progress>, quiet: Duration) -> bool {
    let percent = progress.map(|progress| progress.percent.unwrap_or(0.0));
    stage == Stage::Encoding && percent.is_some_and(|percent| percent < 100.0) && quiet >= STALLED_AFTER
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;
    use crate::{
        config::PlainHttp,
        durable::DurableError,
        queue::Report,
        service::{
            Event,
            tests::{Scene, scene},
        },
    };

    fn kinds(scene: &mut Scene) -> Vec<(TroubleKind, String)> {
        scene.state.look_for_troubles();
        let troubles = scene.state.troubles.iter();
        troubles
            .map(|trouble| (trouble.kind, trouble.about.clone()))
            .collect()
    }

    fn is_away(scene: &mut Scene, state: watch::RootState) {
        let path = "720".into();
        scene
            .state
            .handle(Event::Watch(watch::Report::Root { path, state }));
    }

    #[test]
    fn what_is_wrong_is_listed_from_its_beginning_until_it_is_mended() {
        let mut scene = scene();
        assert_eq!(kinds(&mut scene), []);
        let reason = "missing".into();
        is_away(&mut scene, watch::RootState::Unavailable { reason });
        assert_eq!(
            kinds(&mut scene),
            [(TroubleKind::FolderUnavailable, "input/720".to_owned())]
        );
        scene.state.troubles[0].since = Timestamp::UNIX_EPOCH;
        kinds(&mut scene);
        assert_eq!(scene.state.troubles[0].since, Timestamp::UNIX_EPOCH);
        is_away(&mut scene, watch::RootState::Available);
        assert_eq!(kinds(&mut scene), []);
    }

    #[test]
    fn an_encode_stands_when_it_has_told_nothing_new_for_long_where_it_would_tell() {
        let at = |percent| {
            Some(Progress {
                percent,
                ..Progress::default()
            })
        };
        for (stage, progress, quiet_s, expected) in [
            (Stage::Encoding, at(Some(50.0)), 119, false),
            (Stage::Encoding, at(Some(50.0)), 120, true),
            (Stage::Encoding, at(None), 120, true),
            (Stage::Encoding, None, 120, false),
            (Stage::Encoding, at(Some(100.0)), 120, false),
            (Stage::Joining, at(Some(50.0)), 120, false),
        ] {
            let quiet = Duration::from_secs(quiet_s);
            assert_eq!(
                stands(stage, progress, quiet),
                expected,
                "{stage} {progress:?} {quiet:?}"
            );
        }
    }

    #[test]
    fn each_thing_that_can_be_wrong_says_so_with_the_way_out() {
        type Break = fn(&mut Scene);
        let table: [(TroubleKind, Break); 6] = [
            (TroubleKind::QueueNotWritten, |scene| {
                let full = DurableError {
                    action: "write",
                    path: "conf/tasks.json".into(),
                    source: std::io::ErrorKind::StorageFull.into(),
                };
                scene.state.handle(Event::Queue(Report::Failing(full)));
            }),
            (TroubleKind::SettingsMistake, |scene| {
                scene.state.reload = Box::new(|| Err("crf = 99".into()));
                drop(scene.state.reload_settings());
            }),
            (TroubleKind::NoSpace, |scene| {
                scene.task("720/a.mkv", |task| task.waiting_for = Some(WaitingFor::Space));
            }),
            (TroubleKind::EncoderMissing, |scene| {
                scene.state.encoder_trouble = Some("no ffmpeg".into());
            }),
            (TroubleKind::SweepOnly, |scene| {
                let reason = "too many watches".into();
                scene.state.watching = watch::Mode::SweepOnly { reason };
            }),
            (TroubleKind::NoTls, |scene| {
                let http = &mut scene.state.config.http;
                http.enabled = Http::On;
                http.listen = ([192, 168, 1, 2], 8265).into();
                http.plain = PlainHttp::Anywhere;
            }),
        ];
        for (kind, break_it) in table {
            let mut scene = scene();
            break_it(&mut scene);
            assert_eq!(kinds(&mut scene), [(kind, String::new())]);
            let trouble = &scene.state.troubles[0];
            assert!(
                trouble.message.ends_with('.') || kind == TroubleKind::SettingsMistake,
                "{trouble:?}"
            );
            assert!(trouble.way_out.ends_with('.'), "{trouble:?}");
        }
    }
}
