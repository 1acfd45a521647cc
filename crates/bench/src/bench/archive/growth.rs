//! How search grows with the archive: a table in Markdown and a plot, of archives of 100 meetings up to the largest.

use super::Figures;
use anyhow::{Context, Result};
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// Sizes of the archives, in meetings.
const SIZES: [u32; 5] = [100, 300, 1_000, 3_000, 10_000];

/// Width and height of one panel between its axes, in pixels.
const PANEL: (f64, f64) = (300.0, 220.0);
/// Left and upper corner of the first panel.
const CORNER: (f64, f64) = (56.0, 40.0);
/// From the left of one panel to that of the next: there are the names of the lines, and the other scale.
const STEP: f64 = 470.0;
/// Width and height of the drawing.
const DRAWING: (f64, f64) = (950.0, 310.0);

/// The sizes up to the largest, and that itself.
pub(super) fn sizes(largest: u32) -> Vec<u32> {
    SIZES.into_iter().filter(|size| *size < largest).chain([largest]).collect()
}

/// Prints the table, and writes the plot into `folder`.
pub(super) fn report(folder: &Path, all: &[Figures]) -> Result<()> {
    println!("\n{}", table(all));
    let path = folder.join("archive-growth.svg");
    fs::write(&path, plot(all)).with_context(|| format!("could not write {}", path.display()))?;
    println!("written to {}", path.display());
    Ok(())
}

fn table(all: &[Figures]) -> String {
    let mut text = String::from(
        "| meetings | search p50, p95 | `LIKE` p50 | list | ten hours | segments | index | per hour | commit |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for of in all {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | {:.1}, {:.1} ms | {:.0} ms | {:.1} ms | {:.1} ms | {} MB | {} MB | {:.2} s | {:.2} × |",
            of.meetings,
            of.search_ms.0,
            of.search_ms.1,
            of.like_ms,
            of.list_ms,
            of.open_ms,
            of.segments_mb,
            of.search_mb,
            of.index_seconds / f64::from(of.meetings),
            of.commit,
        );
    }
    text
}

/// A line of the plot.
struct Line {
    name: &'static str,
    colour: &'static str,
    value: fn(&Figures) -> f64,
}

const TIMES: [Line; 5] = [
    Line { name: "LIKE, p50", colour: "#8a8a8a", value: |of| of.like_ms },
    Line { name: "search, p95", colour: "#c2571a", value: |of| of.search_ms.1 },
    Line { name: "search, p50", colour: "#2a6fdb", value: |of| of.search_ms.0 },
    Line { name: "ten hours opened", colour: "#7a4fc9", value: |of| of.open_ms },
    Line { name: "list, first page", colour: "#2b8a57", value: |of| of.list_ms },
];
const SIZES_ON_DISK: [Line; 2] = [
    Line { name: "segments", colour: "#8a8a8a", value: |of| of.segments_mb as f64 },
    Line { name: "search", colour: "#2a6fdb", value: |of| of.search_mb as f64 },
];

/// Two panels beside each other, all scales logarithmic: what grows with the archive is a rising line, what does not is
/// level. The text has the colour of the page around it, light or dark.
fn plot(all: &[Figures]) -> String {
    let (width, height) = DRAWING;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\" role=\"img\">\n\
         <title>Search in archives of 100 to 10 000 meetings: milliseconds and megabytes</title>\n\
         <style>text {{ fill: #444 }} .grid {{ stroke: #8888; stroke-width: .5 }}\n\
         @media (prefers-color-scheme: dark) {{ text {{ fill: #ccc }} }}</style>\n"
    );
    panel(&mut svg, all, CORNER.0, "milliseconds", &TIMES);
    panel(&mut svg, all, CORNER.0 + STEP, "megabytes", &SIZES_ON_DISK);
    svg.push_str("</svg>\n");
    svg
}

fn panel(svg: &mut String, all: &[Figures], left: f64, unit: &str, lines: &[Line]) {
    let (width, height) = PANEL;
    let (top, bottom) = (CORNER.1, CORNER.1 + height);
    let meetings = |of: &Figures| f64::from(of.meetings);
    let across = Scale::new(all.iter().map(meetings), left, left + width);
    let values = lines.iter().flat_map(|line| all.iter().map(line.value));
    let up = Scale::new(values, bottom, top);
    // Writing to a String cannot fail.
    let _ = writeln!(svg, "<text x=\"{left}\" y=\"{}\">{unit}</text>", top - 14.0);
    for power in up.powers() {
        let y = up.at(power);
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{left}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{power}</text>",
            left + width,
            left - 6.0,
            y + 4.0
        );
    }
    for of in all {
        let x = across.at(meetings(of));
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{top}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            bottom + 16.0,
            of.meetings
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">meetings of an hour</text>",
        left + width / 2.0,
        bottom + 36.0
    );
    let ends = lines.iter().map(|line| all.last().map_or(top, |of| up.at((line.value)(of)))).collect();
    for (line, y) in lines.iter().zip(apart(ends, 14.0)) {
        let points: Vec<String> = all
            .iter()
            .map(|of| format!("{:.1},{:.1}", across.at(meetings(of)), up.at((line.value)(of))))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" style=\"fill: {colour}\">{}</text>",
            points.join(" "),
            left + width + 8.0,
            y + 4.0,
            line.name,
            colour = line.colour,
        );
    }
}

/// Moves labels down until none covers another; they stay in their order.
fn apart(wanted: Vec<f64>, least: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    let mut placed = wanted;
    for pair in 1..order.len() {
        let (above, below) = (order[pair - 1], order[pair]);
        placed[below] = placed[below].max(placed[above] + least);
    }
    placed
}

/// A logarithmic scale over whole powers of ten.
struct Scale {
    first: i32,
    last: i32,
    from: f64,
    to: f64,
}

impl Scale {
    fn new(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (least, most) = values
            .filter(|value| *value > 0.0)
            .fold((f64::INFINITY, 0.0_f64), |(least, most), value| (least.min(value), most.max(value)));
        let first = if least.is_finite() { least.log10().floor() as i32 } else { 0 };
        let last = if most > 0.0 { most.log10().ceil() as i32 } else { 1 };
        Self { first, last: last.max(first + 1), from, to }
    }

    fn at(&self, value: f64) -> f64 {
        let least = 10_f64.powi(self.first);
        let share = (value.max(least).log10() - f64::from(self.first)) / f64::from(self.last - self.first);
        self.from + share * (self.to - self.from)
    }

    fn powers(&self) -> impl Iterator<Item = f64> {
        (self.first..=self.last).map(|power| 10_f64.powi(power))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(meetings: u32) -> Figures {
        Figures {
            meetings,
            search_ms: (5.0, 20.0),
            like_ms: f64::from(meetings),
            list_ms: 0.9,
            open_ms: 8.0,
            segments_mb: i64::from(meetings) / 6,
            search_mb: i64::from(meetings) / 5,
            index_seconds: f64::from(meetings) * 0.25,
            commit: 1.02,
            met: true,
        }
    }

    #[test]
    fn sizes_end_with_the_largest() {
        assert_eq!(sizes(10_000), SIZES);
        assert_eq!(sizes(500), [100, 300, 500]);
        assert_eq!(sizes(50), [50]);
    }

    #[test]
    fn the_table_has_a_row_for_each_archive() {
        let rows = table(&[figures(100), figures(1_000)]);
        assert!(
            rows.ends_with(
                "| 1000 | 5.0, 20.0 ms | 1000 ms | 0.9 ms | 8.0 ms | 166 MB | 200 MB | 0.25 s | 1.02 × |\n"
            ),
            "{rows}"
        );
        assert_eq!(rows.lines().count(), 4);
    }

    #[test]
    fn a_value_that_grows_tenfold_rises_by_one_power_of_the_scale() {
        let scale = Scale::new([30.0, 700.0].into_iter(), 200.0, 0.0);
        assert_eq!(scale.powers().collect::<Vec<_>>(), [10.0, 100.0, 1_000.0]);
        assert!((scale.at(20.0) - scale.at(200.0) - 100.0).abs() < 1e-9);
        assert_eq!((scale.at(10.0), scale.at(1_000.0)), (200.0, 0.0));
        assert_eq!(apart(vec![50.0, 40.0, 90.0], 14.0), [54.0, 40.0, 90.0]);
        let drawn = plot(&[figures(100), figures(1_000)]);
        assert_eq!(drawn.matches("<polyline").count(), TIMES.len() + SIZES_ON_DISK.len());
    }
}
