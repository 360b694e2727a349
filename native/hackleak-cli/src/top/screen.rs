//! The view in a terminal.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::mpsc::TryRecvError;
use std::time::Duration;

use anyhow::{Context, anyhow};
use hackleak_image::reader::ProcessState;
use hackleak_report::numbers::{bytes, counted, thousands};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Cell, Paragraph, Row, Sparkline, Table};
use ratatui::{DefaultTerminal, Frame};

use super::names::{self, Names};
use super::order::Order;
use super::plain::{signed, state, title};
use super::sample::{self, Sample, Samples};
use super::table::History;
use crate::terminal;

/// How soon a sample is shown that has come meanwhile; keys are shown at once.
const TICK: Duration = Duration::from_millis(100);
/// The most columns of the curve of live bytes.
const CURVE: usize = 1 << 10;

/// Shows the process until `q`.
pub(super) fn show(path: &Path, interval: Duration, order: Order) -> anyhow::Result<()> {
    let image = sample::open(path)?;
    let (samples, _stop) = sample::stream(path, interval);
    let mut view = View {
        title: title(&image),
        names: Names::of(path),
        history: History::default(),
        curve: VecDeque::new(),
        order,
        paused: false,
        coloured: terminal::colours(&std::io::stdout()),
    };
    drop(image);
    let mut terminal = ratatui::try_init().context("cannot use this terminal")?;
    let done = run(&mut terminal, &mut view, &samples);
    ratatui::restore();
    done
}

fn run(terminal: &mut DefaultTerminal, view: &mut View, samples: &Samples) -> anyhow::Result<()> {
    loop {
        match samples.try_recv() {
            Ok(sample) => view.take(sample.map_err(|error| anyhow!("{error}"))?),
            // The last sample stays; only `q` ends the view.
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => {}
        }
        terminal
            .draw(|frame| view.draw(frame))
            .context("cannot draw")?;
        if !event::poll(TICK).context("cannot read the keyboard")? {
            continue;
        }
        if let Event::Key(key) = event::read().context("cannot read the keyboard")?
            && key.kind == KeyEventKind::Press
        {
            match key.code {
                KeyCode::Char('q') | KeyCode::Esc => return Ok(()),
                KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                    return Ok(());
                }
                KeyCode::Char('g') => view.order = Order::Growth,
                KeyCode::Char('b') => view.order = Order::Bytes,
                KeyCode::Char('p') | KeyCode::Char(' ') => view.paused = !view.paused,
                _ => {}
            }
        }
    }
}

struct View {
    title: String,
    names: Names,
    history: History,
    /// Live bytes per sample.
    curve: VecDeque<u64>,
    order: Order,
    paused: bool,
    coloured: bool,
}

impl View {
    fn take(&mut self, sample: Sample) {
        if self.paused {
            return;
        }
        if self.curve.len() == CURVE {
            self.curve.pop_front();
        }
        self.curve.push_back(sample.held.bytes);
        self.history.push(sample);
    }

    fn colour(&self, colour: Color) -> Style {
        if self.coloured {
            Style::new().fg(colour)
        } else {
            Style::new()
        }
    }

    fn draw(&mut self, frame: &mut Frame<'_>) {
        let width = frame.area().width as usize;
        let memory = self.history.newest().map(Sample::memory_lines);
        let memory: Vec<Line<'_>> = memory
            .into_iter()
            .flatten()
            .flat_map(|line| wrapped(&line, width))
            .map(Line::from)
            .collect();
        let [head, of_memory, curve, sites, checkpoints, foot] = Layout::vertical([
            Constraint::Length(2),
            Constraint::Length(memory.len() as u16),
            Constraint::Length(4),
            Constraint::Min(3),
            Constraint::Length(5),
            Constraint::Length(1),
        ])
        .areas(frame.area());
        self.draw_head(frame, head);
        frame.render_widget(Paragraph::new(memory), of_memory);
        let width = curve.width as usize;
        let shown: Vec<u64> = self
            .curve
            .iter()
            .skip(self.curve.len().saturating_sub(width))
            .copied()
            .collect();
        let line = Sparkline::default()
            .block(Block::new().title("live bytes"))
            .data(shown)
            .style(self.colour(Color::Cyan));
        frame.render_widget(line, curve);
        self.draw_sites(frame, sites);
        self.draw_checkpoints(frame, checkpoints);
        frame.render_widget(
            Paragraph::new("q quit   g by growth   b by bytes   p pause")
                .style(Style::new().add_modifier(Modifier::DIM)),
            foot,
        );
    }

    fn draw_head(&self, frame: &mut Frame<'_>, area: Rect) {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let Some(sample) = self.history.newest() else {
            let text = format!("{}: reading the image", self.title);
            frame.render_widget(Paragraph::new(text), area);
            return;
        };
        let of_state = match sample.state {
            ProcessState::Running => self.colour(Color::Green),
            _ => self.colour(Color::Yellow),
        };
        let mut first = vec![
            Span::styled(format!("{}  ", self.title), bold),
            Span::styled(state(sample), of_state),
            Span::raw(format!(
                "  {} live in {} at {}  ",
                bytes(sample.held.bytes),
                counted(sample.held.count, "block"),
                counted(sample.sites.len() as u64, "site")
            )),
            Span::styled(format!("{} bytes/s", signed(self.history.growth())), bold),
        ];
        if self.paused {
            first.push(Span::styled("  paused", self.colour(Color::Yellow)));
        }
        if sample.incomplete {
            first.push(Span::styled("  incomplete", self.colour(Color::Red)));
        }
        let second = format!(
            "{}, {} ({}/s); a look takes {} ms",
            counted(sample.allocations, "allocation"),
            counted(sample.frees, "free"),
            signed(self.history.allocations()),
            sample.took.as_millis()
        );
        frame.render_widget(
            Paragraph::new(vec![Line::from(first), Line::from(second)]),
            area,
        );
    }

    fn draw_sites(&mut self, frame: &mut Frame<'_>, area: Rect) {
        let rows = self.history.rows(self.order, area.height as usize);
        self.names.want(rows.iter().map(|row| row.stack));
        let right = |text: String| Cell::from(Line::from(text).right_aligned());
        let body = rows.iter().map(|row| {
            let style = if row.growth >= 1.0 {
                self.colour(Color::Red)
            } else {
                Style::new()
            };
            Row::new([
                right(signed(row.growth)).style(style),
                right(thousands(row.held.bytes)),
                right(thousands(row.held.count)),
                Cell::from(self.names.get(row.stack).to_owned()),
            ])
        });
        let mark = |order, text: &str| match order == self.order {
            true => format!("▾{text}"),
            false => text.to_owned(),
        };
        let header = Row::new([
            right(mark(Order::Growth, "bytes/s")),
            right(mark(Order::Bytes, "live bytes")),
            right("blocks".to_owned()),
            Cell::from("site"),
        ])
        .style(Style::new().add_modifier(Modifier::REVERSED));
        let widths = [
            Constraint::Length(14),
            Constraint::Length(17),
            Constraint::Length(12),
            Constraint::Fill(1),
        ];
        frame.render_widget(Table::new(body, widths).header(header), area);
    }

    fn draw_checkpoints(&self, frame: &mut Frame<'_>, area: Rect) {
        let Some(sample) = self.history.newest() else {
            return;
        };
        let title = counted(sample.checkpoints as u64, "checkpoint");
        let room = (area.height as usize).saturating_sub(1);
        let lines = sample.newest.iter().rev().take(room).map(|taken| {
            Line::from(format!(
                "epoch {}  {}",
                taken.epoch,
                names::printable(&taken.label)
            ))
        });
        let list = Paragraph::new(lines.collect::<Vec<_>>()).block(Block::new().title(title));
        frame.render_widget(list, area);
    }
}

/// The text in lines of at most `width` characters, if its words are not longer.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else {
            continue;
        };
        let needed = line.chars().count() + 1 + word.chars().count();
        if line.is_empty() {
            line.push_str(word);
        } else if needed <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn lines_end_between_words() {
        assert_eq!(wrapped("a bc def g", 4), ["a bc", "def", "g"]);
        assert_eq!(wrapped("abcdef g", 3), ["abcdef", "g"]);
        assert_eq!(wrapped("", 3), [""]);
    }
}
