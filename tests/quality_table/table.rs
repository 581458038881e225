//! The table, in Markdown: each row is shown and kept as soon as it is known.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::PathBuf};

/// Between these two lines of a page stands what was measured; the rest is written by hand.
const BEGIN: &str = "<!-- measured: begin -->";
const END: &str = "<!-- measured: end -->";
/// From here on a quality in dB is judged by what it lacks to 1.
const HIGH_DB: f64 = 18.0;

pub struct Row {
    pub film: String,
    pub seconds: f64,
    pub preset: &'static str,
    pub metric: &'static str,
    pub target: f64,
    pub crf: f64,
    pub probes: usize,
    pub tried_on: String,
    pub on_trial: f64,
    /// As the receipt says it.
    pub whole: f64,
    /// Of every frame, measured by ffmpeg alone.
    pub by_ffmpeg: f64,
    pub note: Option<String>,
    pub search_seconds: f64,
    pub encode_seconds: f64,
    pub encoder: String,
}

impl Row {
    /// Whether a bound decided and not the target.
    fn is_bound(&self) -> bool {
        let bounds = ["is out of reach", "is surpassed"];
        self.note
            .as_ref()
            .is_some_and(|note| bounds.iter().any(|bound| note.contains(bound)))
    }

    /// ± 0.4 dB below 18 dB, ± 0.0013 SSIM from there on, ± 0.8 VMAF.
    fn is_inside(&self) -> bool {
        let loss = |db: f64| 10_f64.powf(-db / 10.0);
        match self.metric {
            "vmaf" => (self.by_ffmpeg - self.target).abs() <= 0.8,
            "ssim_db" if self.target >= HIGH_DB => (loss(self.by_ffmpeg) - loss(self.target)).abs() <= 0.0013,
            _ => (self.by_ffmpeg - self.target).abs() <= 0.4,
        }
    }

    fn verdict(&self) -> &'static str {
        match (self.is_bound(), self.is_inside()) {
            (true, _) => "bound",
            (false, true) => "inside",
            (false, false) => "**outside**",
        }
    }

    fn markdown(&self) -> String {
        let tried_on = self
            .tried_on
            .replace(" samples with the first CRF, ", " + ")
            .replace(" of them with each further one", "")
            .replace("the whole film", "whole");
        format!(
            "| {} | {:.0} | {} | {} {} | {} | {} | {tried_on} | {:.2} | {:.2} | {:.2} | {} | {:.1} | {:.1} |",
            self.film,
            self.seconds,
            self.preset,
            self.metric,
            self.target,
            self.crf,
            self.probes,
            self.on_trial,
            self.whole,
            self.by_ffmpeg,
            self.verdict(),
            self.search_seconds,
            self.encode_seconds
        )
    }
}

pub struct Table {
    page: Option<PathBuf>,
    left_out: Vec<String>,
    rows: Vec<Row>,
    failures: Vec<String>,
}

impl Table {
    pub fn new(page: Option<PathBuf>, left_out: Vec<String>) -> Self {
        Self {
            page,
            left_out,
            rows: Vec::new(),
            failures: Vec::new(),
        }
    }

    pub fn add(&mut self, row: Row) {
        println!("{}", row.markdown());
        self.rows.push(row);
        self.keep();
    }

    pub fn failed(&mut self, what: &str) {
        println!("{what}");
        self.failures.push(what.to_owned());
        self.keep();
    }

    pub fn end(&self) {
        println!("{}", self.text());
    }

    pub fn outside(&self) -> Vec<String> {
        let rows = self
            .rows
            .iter()
            .filter(|row| !row.is_bound() && !row.is_inside())
            .map(Row::markdown);
        rows.chain(self.failures.iter().cloned()).collect()
    }

    fn keep(&self) {
        let Some(page) = &self.page else { return };
        let text = fs::read_to_string(page).unwrap();
        let (head, rest) = text.split_once(BEGIN).expect("the page has a place for it");
        let (_, foot) = rest.split_once(END).expect("the place has an end");
        fs::write(page, format!("{head}{BEGIN}\n{}\n{END}{foot}", self.text())).unwrap();
    }

    fn text(&self) -> String {
        let encoders: BTreeSet<&str> = self.rows.iter().map(|row| row.encoder.as_str()).collect();
        let aimed: Vec<&Row> = self.rows.iter().filter(|row| !row.is_bound()).collect();
        let inside = aimed.iter().filter(|row| row.is_inside()).count();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut text = format!(
            "Measured on {} with {}, {cores} cores. {inside} of {} results that no bound decided are inside.\n\n\
             | film | s | preset | target | CRF | tries | tried on (samples) | on trial | whole, by the receipt | whole, by ffmpeg | | search, s | encode, s |\n\
             |---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
            jiff::Zoned::now().date(),
            encoders.into_iter().collect::<Vec<_>>().join(" and "),
            aimed.len(),
        );
        for row in &self.rows {
            let _ = writeln!(text, "{}", row.markdown());
        }
        let _ = write!(text, "\n{}", self.costs());
        if !self.left_out.is_empty() {
            let _ = write!(text, "\nLeft out: {}.\n", self.left_out.join("; "));
        }
        for failure in &self.failures {
            let _ = write!(text, "\n- **{failure}**\n");
        }
        text
    }

    fn costs(&self) -> String {
        let mut text = String::new();
        for (name, is_whole) in [("tried as a whole", true), ("tried on samples", false)] {
            let rows: Vec<&Row> = self
                .rows
                .iter()
                .filter(|row| (row.tried_on == "the whole film") == is_whole && !row.is_bound())
                .collect();
            if rows.is_empty() {
                continue;
            }
            let sum = |of: &dyn Fn(&Row) -> f64| rows.iter().map(|row| of(row)).sum::<f64>();
            let _ = writeln!(
                text,
                "Films {name}: {:.1} tries on average, the search {:.2} times as long as the encode.",
                sum(&|row| row.probes as f64) / rows.len() as f64,
                sum(&|row| row.search_seconds) / sum(&|row| row.encode_seconds)
            );
        }
        text
    }
}
