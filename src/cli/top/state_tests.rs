//! Keys and lists as tables: what is on the screen before, what is pressed, what is then asked for and shown.

use super::super::{
    picture::{Receipt, SortBy, Tab},
    samples,
};
use super::*;

/// Keys by their names, or the characters themselves.
fn press(state: &mut State, keys: &str) -> Vec<Asked> {
    let key = |name: &str| match name {
        "tab" => KeyCode::Tab,
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "space" => KeyCode::Char(' '),
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "pgup" => KeyCode::PageUp,
        "pgdn" => KeyCode::PageDown,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "back" => KeyCode::Backspace,
        "del" => KeyCode::Delete,
        one => KeyCode::Char(one.chars().next().unwrap()),
    };
    keys.split_whitespace()
        .filter_map(|name| state.press(KeyEvent::from(key(name))))
        .collect()
}

/// A screen that has heard of two encodes and of all tasks of a short queue.
fn state() -> State {
    let mut state = State::default();
    state.resize_list(3);
    state.take_now(samples::now(), Timestamp::UNIX_EPOCH);
    state.take_rows(samples::rows(&state.want()));
    state
}

fn orders(keys: &str) -> Vec<Asked> {
    press(&mut state(), keys)
}

#[test]
fn a_key_orders_what_it_says_about_the_chosen_task() {
    let order = |order| vec![Asked::Order(order)];
    for (keys, expected) in [
        ("q", vec![Asked::Quit]),
        ("space", order(Order::Pause(WhilePaused::Finish))),
        ("Z", order(Order::Pause(WhilePaused::Freeze))),
        ("R", order(Order::RetryFailed)),
        // Of Now: the first encode, then the second.
        ("z", order(Order::Freeze("t0".into()))),
        ("down z", order(Order::Thaw("t1".into()))),
        ("down down down z", order(Order::Thaw("t1".into()))),
        ("c", vec![]),
        ("c n", vec![]),
        ("c esc q", vec![Asked::Quit]),
        ("c x y", order(Order::Cancel("t0".into()))),
        // It is not known here which priority an encode's task has.
        ("+", vec![]),
        ("r", vec![]),
        // Of the queue: t0 and t1 run, t2 waits, t3 is done, t4 has failed.
        ("2 down down c y", order(Order::Cancel("t2".into()))),
        ("tab down down del y", order(Order::Cancel("t2".into()))),
        ("2 down down down c y", vec![]),
        ("2 down down down r", order(Order::Retry("t3".into()))),
        ("2 end r", order(Order::Retry("t4".into()))),
        ("2 down down r", vec![]),
        ("2 down down z", vec![]),
        ("2 down down +", order(Order::Priority("t2".into(), 6))),
        ("2 down down -", order(Order::Priority("t2".into(), 4))),
        (
            "2 down down + + -",
            vec![
                Asked::Order(Order::Priority("t2".into(), 6)),
                Asked::Order(Order::Priority("t2".into(), 7)),
                Asked::Order(Order::Priority("t2".into(), 6)),
            ],
        ),
        // What lies over the screen takes the keys.
        ("? c y", vec![]),
        ("? q q", vec![Asked::Quit]),
        ("/ q space R esc", vec![]),
    ] {
        assert_eq!(orders(keys), expected, "{keys}");
    }
}

#[test]
fn what_cannot_be_done_is_said_and_ordered_nowhere() {
    for (keys, said) in [
        ("2 down down r", "is not over"),
        ("2 down down z", "is not encoded"),
        ("2 end c", "is over"),
        ("2 end +", "its priority means nothing"),
        ("2 end -", "its priority means nothing"),
    ] {
        let mut state = state();
        assert_eq!(press(&mut state, keys), [], "{keys}");
        let Some(Told::Refused(text)) = &state.told else {
            panic!("{keys}: {:?}", state.told);
        };
        assert!(text.contains(said), "{keys}: {text}");
        press(&mut state, "up");
        assert_eq!(state.told, None, "the next key takes it away");
    }
}

#[test]
fn space_ends_any_pause_and_z_makes_what_runs_in_one_stand_still() {
    for (paused, keys, expected) in [
        (None, "space", Order::Pause(WhilePaused::Finish)),
        (None, "Z", Order::Pause(WhilePaused::Freeze)),
        (Some(WhilePaused::Finish), "space", Order::Resume),
        (Some(WhilePaused::Finish), "Z", Order::Pause(WhilePaused::Freeze)),
        (Some(WhilePaused::Freeze), "space", Order::Resume),
        (Some(WhilePaused::Freeze), "Z", Order::Resume),
    ] {
        let mut state = state();
        let mut now = samples::now();
        if let Some(running) = paused {
            now.present.control.pause(running, Timestamp::UNIX_EPOCH);
        }
        state.take_now(now, Timestamp::UNIX_EPOCH);
        assert_eq!(
            press(&mut state, keys),
            [Asked::Order(expected)],
            "{paused:?} {keys}"
        );
    }
    let mut unknown = State::default();
    assert_eq!(
        press(&mut unknown, "space Z c r z + enter 2 down end c enter"),
        []
    );
}

#[test]
fn ctrl_c_quits_wherever_one_is_and_other_controls_do_nothing() {
    for keys in ["2", "?", "/ a", "c", "enter"] {
        let mut state = state();
        press(&mut state, keys);
        let with = |character, modifiers| KeyEvent::new(KeyCode::Char(character), modifiers);
        assert_eq!(state.press(with('q', KeyModifiers::CONTROL)), None);
        assert_eq!(state.press(with('q', KeyModifiers::ALT)), None);
        assert_eq!(
            state.press(with('c', KeyModifiers::CONTROL)),
            Some(Asked::Quit),
            "{keys}"
        );
    }
}

#[test]
fn a_search_narrows_the_list_as_it_is_typed_and_esc_brings_the_former_back() {
    for (keys, text, tab) in [
        ("/ a b", "ab", Tab::ToDo),
        ("/ a b back", "a", Tab::ToDo),
        ("/ back back a", "a", Tab::ToDo),
        ("/ a enter / b esc", "a", Tab::ToDo),
        ("/ a enter f", "a", Tab::Failed),
        ("2 f f / a enter esc", "", Tab::Done),
        ("/ a esc", "", Tab::ToDo),
    ] {
        let mut state = state();
        press(&mut state, keys);
        assert_eq!(state.screen, Screen::Queue);
        let view = state.want().view;
        assert_eq!((view.text.as_str(), view.tab), (text, tab), "{keys}");
    }
    let mut state = state();
    press(&mut state, "2 end s");
    assert_eq!(state.want().view.sort, SortBy::Newest);
    press(&mut state, "f");
    assert_eq!(
        state.want().view.sort,
        SortBy::LastEnded,
        "other tasks come in the order in which they are expected"
    );
    assert_eq!(state.list.chosen, 0, "another list begins at its beginning");
}

#[test]
fn what_is_fetched_are_the_rows_on_the_screen_and_as_many_around_them() {
    for (total, height, keys, chosen, top, first, count) in [
        (0, 10, "2 down end", 0, 0, 0, 20),
        (5, 10, "2 end", 4, 0, 0, 20),
        (100_000, 10, "2", 0, 0, 0, 20),
        (100_000, 10, "2 pgdn", 9, 0, 0, 20),
        (100_000, 10, "2 pgdn pgdn", 18, 9, 0, 29),
        (100_000, 10, "2 end", 99_999, 99_990, 99_980, 30),
        (100_000, 10, "2 end pgup", 99_990, 99_990, 99_980, 30),
        (100_000, 10, "2 G g", 0, 0, 0, 20),
        (100_000, 300, "2 end", 99_999, 99_700, 99_400, 500),
        (100_000, 0, "2 end", 99_999, 99_999, 99_999, 1),
    ] {
        let mut state = State::default();
        state.resize_list(height);
        state.take_rows(Rows {
            total,
            ..Rows::default()
        });
        press(&mut state, keys);
        let want = state.want();
        assert_eq!(
            (state.list.chosen, state.list.top, want.first, want.count),
            (chosen, top, first, count),
            "{total} {height} {keys}"
        );
    }
}

#[test]
fn the_chosen_task_stays_chosen_when_the_list_moves_under_it() {
    let mut state = state();
    press(&mut state, "2 down down");
    let rows = |ids: &[&str]| Rows {
        total: ids.len(),
        tasks: ids
            .iter()
            .map(|id| samples::task(id, "queued", "720/a.mkv"))
            .collect(),
        ..Rows::default()
    };
    state.take_rows(rows(&["t9", "t0", "t1", "t2"]));
    assert_eq!((state.list.chosen, state.list.top), (3, 1));
    // It is gone: what is in its place is chosen.
    state.take_rows(rows(&["t9", "t0", "t1"]));
    assert_eq!(state.list.chosen_id, Some("t1".into()));
    state.take_rows(rows(&[]));
    assert_eq!((state.list.chosen, state.list.top), (0, 0));
    // What answers a list that is not looked at any more is no list to look at.
    press(&mut state, "f");
    state.take_rows(rows(&["t9"]));
    assert_eq!(state.list.rows.total, 0);
}

#[test]
fn fewer_rows_on_the_screen_still_show_the_chosen_one() {
    let mut state = State::default();
    state.resize_list(20);
    state.take_rows(Rows {
        total: 100,
        ..Rows::default()
    });
    press(&mut state, "2 pgdn");
    assert_eq!((state.list.chosen, state.list.top), (19, 0));
    state.resize_list(5);
    assert_eq!(state.list.top, 15);
    state.resize_list(50);
    assert!(state.list.top <= 19 && state.list.top + 50 > 19);
}

#[test]
fn a_waiting_task_is_moved_one_place_at_a_time_and_stays_chosen() {
    let place = |id: &str, before: Option<&str>| {
        Asked::Order(Order::Place {
            id: id.into(),
            before: before.map(Into::into),
        })
    };
    for (keys, expected, chosen) in [
        // t0 runs, t1 to t3 wait.
        ("2 J", vec![], 0),
        ("2 down K", vec![], 1),
        ("2 down J", vec![place("t1", Some("t3"))], 2),
        ("2 down J J", vec![place("t1", Some("t3")), place("t1", None)], 3),
        (
            "2 down J J J",
            vec![place("t1", Some("t3")), place("t1", None)],
            3,
        ),
        (
            "2 end K K K",
            vec![place("t3", Some("t2")), place("t3", Some("t1"))],
            1,
        ),
        ("1 J K", vec![], 0),
    ] {
        let mut state = State::default();
        state.resize_list(10);
        let row =
            |(number, status): (usize, &&str)| samples::task(&format!("t{number}"), status, "720/a.mkv");
        state.take_rows(Rows {
            total: 4,
            tasks: ["processing", "queued", "queued", "queued"]
                .iter()
                .enumerate()
                .map(row)
                .collect(),
            ..Rows::default()
        });
        assert_eq!(press(&mut state, keys), expected, "{keys}");
        assert_eq!(state.list.chosen, chosen, "{keys}");
    }
    for keys in ["2 f J", "2 s J", "/ a enter J"] {
        let mut state = state();
        assert_eq!(press(&mut state, keys), []);
        assert!(matches!(state.told, Some(Told::Refused(_))), "{keys}");
    }
}

#[test]
fn details_are_those_of_the_chosen_task_and_orders_there_are_about_it() {
    let mut state = state();
    press(&mut state, "2 down down enter");
    assert_eq!(state.want().details, Some("t2".into()));
    assert_eq!(press(&mut state, "+"), [], "it has not been read yet");
    state.details = Some(Details {
        task: samples::task("t2", "queued", "720/a.mkv"),
        receipt: Receipt::Absent(String::new()),
    });
    assert_eq!(
        press(&mut state, "down down + +"),
        [
            Asked::Order(Order::Priority("t2".into(), 1)),
            Asked::Order(Order::Priority("t2".into(), 2)),
        ]
    );
    assert!(matches!(state.over, Over::Details { scrolled: 2, .. }));
    assert_eq!(
        press(&mut state, "c y"),
        [Asked::Order(Order::Cancel("t2".into()))]
    );
    press(&mut state, "enter esc");
    assert_eq!((state.over.clone(), state.want().details), (Over::Nothing, None));
}
