//! How far an import is: a bar on a terminal, a line every few seconds elsewhere.

use std::{
    cell::Cell,
    io::IsTerminal as _,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// How far an import is.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    done: Cell<u64>,
    total: u64,
    began: Instant,
    told: Cell<Instant>,
}

impl Progress {
    pub(super) fn new(total: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total);
            let style = ProgressStyle::with_template(
                "{bar:40} {pos}/{len} rows  {per_sec}  {eta} left  {msg}",
            );
            match style {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        let now = Instant::now();
        Self {
            bar,
            done: Cell::new(0),
            total,
            began: now,
            told: Cell::new(now),
        }
    }

    /// One more row.
    #[expect(clippy::print_stderr, reason = "a command talks to its terminal")]
    pub(super) fn step(&self, refused: usize) {
        self.done.set(self.done.get() + 1);
        if let Some(bar) = &self.bar {
            bar.inc(1);
            if refused > 0 {
                bar.set_message(format!("{refused} refused"));
            }
        } else if self.told.get().elapsed() >= EVERY {
            self.told.set(Instant::now());
            eprintln!(
                "{} of {} rows, {refused} refused, {:.0?}",
                self.done.get(),
                self.total,
                self.began.elapsed()
            );
        }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
