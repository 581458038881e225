//! The table that is printed at the end.

use super::rounds::{ATTEMPTS_FACTOR, Figure, Limit, Round, Rounds, Row, USUAL_FOREIGN_SHARE};

const HEAD: [&str; 7] = [
    "figure",
    "rounds",
    "median",
    "min to max",
    "limit",
    "ratio to",
    "verdict",
];

pub fn print(results: &[(&Row, Rounds)]) {
    let mut lines = vec![HEAD.map(ToOwned::to_owned)];
    for (row, rounds) in results {
        for (index, figure) in row.figures.iter().enumerate() {
            lines.push(line(figure, index, rounds));
        }
    }
    let widths: Vec<usize> = (0..HEAD.len())
        .map(|column| {
            lines
                .iter()
                .map(|line| line[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    for line in &lines {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        println!("{}", cells.join("  ").trim_end());
    }
    println!(
        "\nA round counts when other programs used at most {:.0} % of the machine, for films 3 %; up to {ATTEMPTS_FACTOR} \
         times the rounds wanted are tried. The median of the quiet rounds decides (within, over); with too few of them the \
         verdict is inconclusive. What loud rounds gave is shown in brackets and decides nothing.",
        USUAL_FOREIGN_SHARE * 100.0
    );
}

fn line(figure: &Figure, index: usize, rounds: &Rounds) -> [String; 7] {
    let is_loud = rounds.quiet.is_empty();
    let shown = if is_loud { &rounds.loud } else { &rounds.quiet };
    let values = sorted(shown.iter().map(|round| round.samples[index].value));
    let ratios = sorted(shown.iter().filter_map(|round| ratio(round, index)));
    let bracket = |text: String| if is_loud { format!("[{text}]") } else { text };
    let (median, range) = match (values.first(), values.last()) {
        (Some(least), Some(most)) => (
            bracket(format!("{} {}", short(middle(&values)), figure.unit)),
            bracket(format!("{} to {}", short(*least), short(*most))),
        ),
        _ => ("-".into(), "-".into()),
    };
    [
        figure.title.to_owned(),
        format!("{}/{}", rounds.quiet.len(), rounds.wanted),
        median,
        range,
        match figure.limit {
            None => "-".into(),
            Some(Limit::Below(limit)) => format!("< {} {}", short(limit), figure.unit),
            Some(Limit::AtLeast(limit)) => format!(">= {} {}", short(limit), figure.unit),
        },
        if ratios.is_empty() {
            "-".into()
        } else {
            bracket(format!("{} x {}", short(middle(&ratios)), figure.rival))
        },
        verdict(figure, index, rounds),
    ]
}

fn verdict(figure: &Figure, index: usize, rounds: &Rounds) -> String {
    if let (Some(trouble), true) = (&rounds.trouble, rounds.quiet.is_empty()) {
        return trouble.clone();
    }
    let Some(limit) = figure.limit else {
        return "-".into();
    };
    let keeps = |value: f64| match limit {
        Limit::Below(limit) => value < limit,
        Limit::AtLeast(limit) => value >= limit,
    };
    let kept = rounds
        .quiet
        .iter()
        .filter(|round| keeps(round.samples[index].value))
        .count();
    let total = rounds.quiet.len();
    if total < rounds.wanted {
        format!(
            "inconclusive (quiet rounds: {total} of {}, tried {})",
            rounds.wanted,
            total + rounds.loud.len()
        )
    } else {
        let median = middle(&sorted(
            rounds.quiet.iter().map(|round| round.samples[index].value),
        ));
        let word = if keeps(median) { "within" } else { "OVER" };
        if kept == 0 || kept == total {
            word.into()
        } else {
            format!("{word} ({kept} of {total} rounds are within)")
        }
    }
}

fn ratio(round: &Round, index: usize) -> Option<f64> {
    let sample = round.samples[index];
    sample
        .rival
        .filter(|rival| *rival > 0.0)
        .map(|rival| sample.value / rival)
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The middle one of sorted values, the mean of the two middle ones of an even number.
pub fn middle(values: &[f64]) -> f64 {
    let half = values.len() / 2;
    match values {
        [] => f64::NAN,
        _ if values.len() % 2 == 1 => values[half],
        _ => f64::midpoint(values[half - 1], values[half]),
    }
}

/// Three figures that count.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || size == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
