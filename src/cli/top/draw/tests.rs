//! What the screen looks like, as snapshots.

use jiff::tz::TimeZone;
use ratatui::{
    Terminal,
    backend::TestBackend,
    crossterm::event::{KeyCode, KeyEvent},
    style::Color,
};

use super::*;
use crate::cli::top::{
    picture::{Details, Receipt},
    samples,
};

fn look(palette: Palette) -> Look {
    Look {
        palette,
        now: samples::at("2026-11-22T07:00:01Z"),
        zone: TimeZone::UTC,
    }
}

fn state(screen: Screen, rows: u16) -> State {
    let mut state = State {
        screen,
        ..State::default()
    };
    state.resize_list(list_rows(rows));
    state.take_now(samples::now(), samples::at("2026-11-22T07:00:00Z"));
    state.take_rows(samples::rows(&state.want()));
    state
}

fn drawn(state: &State, columns: u16, rows: u16) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    let look = look(Palette::Colours);
    terminal.draw(|frame| draw(frame, state, &look)).unwrap();
    terminal
}

fn picture(state: &State, columns: u16, rows: u16) -> String {
    drawn(state, columns, rows).backend().to_string()
}

#[test]
fn now_on_a_wide_screen() {
    let mut state = state(Screen::Now, 18);
    let mut now = samples::now();
    now.problems.push(samples::trouble());
    state.take_now(now, samples::at("2026-11-22T07:00:00Z"));
    insta::assert_snapshot!(picture(&state, 120, 18));
}

#[test]
fn now_on_a_narrow_screen() {
    insta::assert_snapshot!(picture(&state(Screen::Now, 24), 40, 24));
}

#[test]
fn now_on_a_usual_terminal() {
    insta::assert_snapshot!(picture(&state(Screen::Now, 24), 80, 24));
}

#[test]
fn the_queue_on_a_wide_screen() {
    insta::assert_snapshot!(picture(&state(Screen::Queue, 12), 120, 12));
}

#[test]
fn the_queue_on_a_narrow_screen() {
    insta::assert_snapshot!(picture(&state(Screen::Queue, 12), 40, 12));
}

#[test]
fn the_keys() {
    let mut state = state(Screen::Queue, 20);
    state.press(KeyEvent::from(KeyCode::Char('?')));
    insta::assert_snapshot!(picture(&state, 80, 20));
}

#[test]
fn the_details_of_a_task_that_has_failed() {
    let mut state = state(Screen::Queue, 24);
    state.press(KeyEvent::from(KeyCode::End));
    state.press(KeyEvent::from(KeyCode::Enter));
    let mut task = samples::rows(&state.want()).tasks.pop().unwrap();
    task.ended = Some(samples::at("2026-11-22T06:30:00Z"));
    state.details = Some(Details {
        task,
        receipt: Receipt::Absent("No receipt: nothing was made".into()),
    });
    insta::assert_snapshot!(picture(&state, 80, 24));
}

#[test]
fn what_is_not_live_says_since_when_and_why() {
    let mut state = state(Screen::Now, 10);
    state.lost = Some("the server: connection refused; is it running, and is the address right?".into());
    for columns in [40, 80] {
        let picture = picture(&state, columns, 10);
        assert!(picture.contains("07:00:00"), "{picture}");
        assert!(picture.contains("connection refused"), "{picture}");
    }
    let mut silent = self::state(Screen::Now, 10);
    silent.heard = Some(samples::at("2026-11-22T06:59:00Z"));
    assert!(picture(&silent, 80, 10).contains("not live since 06:59:00"));
    assert!(picture(&State::default(), 80, 10).contains("connecting"));
}

#[test]
fn when_all_is_frozen_every_encode_says_so() {
    let frozen = |screen| {
        let mut state = state(screen, 20);
        let mut now = samples::now();
        let since = samples::at("2026-11-22T06:00:00Z");
        now.present
            .control
            .pause(crate::queue::WhilePaused::Freeze, since);
        state.take_now(now, since);
        picture(&state, 100, 20).matches("Frozen").count()
    };
    assert_eq!((frozen(Screen::Now), frozen(Screen::Queue)), (2, 2));
}

#[test]
fn what_is_higher_than_the_screen_is_scrolled_to_its_last_line_and_no_further() {
    let mut state = state(Screen::Queue, 12);
    state.press(KeyEvent::from(KeyCode::End));
    state.press(KeyEvent::from(KeyCode::Enter));
    let mut task = samples::rows(&state.want()).tasks.pop().unwrap();
    task.error = Some("word ".repeat(200));
    state.details = Some(Details {
        task,
        receipt: Receipt::Absent("No receipt: nothing was made".into()),
    });
    let first = picture(&state, 80, 12);
    assert!(
        first.contains("name.mkv") && !first.contains("No receipt"),
        "{first}"
    );
    for _ in 0..9 {
        state.press(KeyEvent::from(KeyCode::PageDown));
    }
    let last = picture(&state, 80, 12);
    assert!(last.contains("No receipt") && last.contains("Task "), "{last}");
}

#[test]
fn every_size_is_drawn_and_no_name_reaches_the_terminal_as_it_is() {
    for screen in [Screen::Now, Screen::Queue] {
        for columns in (1..=130).step_by(7) {
            for rows in (1..=30).step_by(4) {
                let mut state = state(screen, rows);
                state.press(KeyEvent::from(KeyCode::End));
                for key in ['c', 'n', '?', '?', '/'] {
                    let picture = picture(&state, columns, rows);
                    assert!(
                        !picture.contains(['\u{1b}', '\u{7}']),
                        "{columns}×{rows}: {picture}"
                    );
                    state.press(KeyEvent::from(KeyCode::Char(key)));
                }
            }
        }
    }
}

#[test]
fn wide_characters_keep_the_columns_behind_them_in_place() {
    let terminal = drawn(&state(Screen::Queue, 12), 120, 12);
    let buffer = terminal.backend().buffer();
    let column_of = |symbol: &str, y: u16| (60..120).find(|x| buffer[(*x, y)].symbol() == symbol);
    let line = |y: u16| -> String { (0..120).map(|x| buffer[(x, y)].symbol()).collect() };
    let size_ends = column_of("z", 3).unwrap() + 1;
    assert!(line(5).replace(' ', "").contains("映画"), "{}", line(5));
    for row in 4..9 {
        assert_eq!(column_of("B", row), Some(size_ends), "{}", line(row));
    }
}

#[test]
fn with_no_color_nothing_has_a_colour() {
    let colours = |palette| {
        let mut terminal = Terminal::new(TestBackend::new(100, 30)).unwrap();
        let look = look(palette);
        terminal
            .draw(|frame| draw(frame, &state(Screen::Queue, 30), &look))
            .unwrap();
        let cells = terminal.backend().buffer().content().to_vec();
        cells.iter().filter(|cell| cell.fg != Color::Reset).count()
    };
    assert!(colours(Palette::Colours) > 0);
    assert_eq!(colours(Palette::Plain), 0);
}

#[test]
fn a_list_whose_rows_are_not_there_yet_has_their_places() {
    let mut state = state(Screen::Queue, 12);
    state.list.rows.total = 100_000;
    state.press(KeyEvent::from(KeyCode::End));
    let picture = picture(&state, 80, 12);
    assert!(
        picture.contains("100,000 of 100,000") && picture.contains('…'),
        "{picture}"
    );
}
