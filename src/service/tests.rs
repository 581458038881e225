//! The table's owner, driven event by event, without the loop and without an encoder.
#![allow(clippy::disallowed_methods)]

use std::fs;

use super::*;
use crate::config::Sources;

struct Scene {
    state: State,
    _events: mpsc::Receiver<Event>,
    folder: tempfile::TempDir,
}

fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    for name in ["input/720", "output", "conf"] {
        fs::create_dir_all(folder.path().join(name)).unwrap();
    }
    let sources = Sources {
        root: folder.path().to_owned(),
        ..Sources::default()
    };
    let options = Options {
        config: Config::load(&sources).unwrap().config,
        mode: Mode::Watch,
        reload: Box::new(|| Ok(None)),
        onlooker: Box::new(|_| {}),
    };
    let (sender, events) = mpsc::channel(EVENTS_LIMIT);
    let state = State::start(options, sender).unwrap();
    Scene {
        state,
        _events: events,
        folder,
    }
}

impl Scene {
    /// Everything up to now is durable, and what was due has been done.
    fn commit(&mut self) {
        self.state.submit();
        let sequence = self.state.sequence;
        self.state
            .handle(Event::Queue(queue::Report::Committed(sequence)));
    }
}

#[test]
fn an_alert_is_not_held_back_when_nothing_changes_after_it() {
    let mut scene = scene();
    scene.commit();
    scene.state.handle(Event::Watch(watch::Report::Root {
        path: "720".into(),
        state: watch::RootState::Unavailable {
            reason: "missing".into(),
        },
    }));
    scene.state.do_what_is_due();
    assert_eq!(scene.state.deferred.len(), 0);
}
