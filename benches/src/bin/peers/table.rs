//! The results as a page of Markdown, which is read well on a terminal, too.

use std::fmt::Write;

use trix_benches::RATE;

use crate::{
    case::Tool,
    results::{CaseResult, Run, Series},
};

/// What stands over every table.
const COLUMNS: [&str; 10] =
    ["case", "tool", "wall s (min..max)", "CPU s", "peak MiB", "kbit/s", "PSNR dB", "SSIM", "wall / ffmpeg", "paired"];

/// The whole page.
pub fn markdown(run: &Run) -> String {
    let machine = &run.machine;
    let mut page = format!("# Trix and ffmpeg, {}\n\n", machine.date);
    let mut line = |text: String| {
        page.push_str(&text);
        page.push('\n');
    };
    if run.quick {
        line("A few pictures and one run each: this shows that everything works, and nothing about speed.\n".into());
    }
    line(format!("- {}, {} cores, {:.0} GiB, {}", machine.cpu, machine.cores, machine.memory_gib, machine.system));
    let libraries: Vec<String> = machine.libraries.iter().map(|(name, version)| format!("{name} {version}")).collect();
    line(format!("- trix {} with {}", machine.trix, libraries.join(", ")));
    line(format!("- {}", machine.ffmpeg.join("; ")));
    line(format!("- rounds: {}; load before the first: {}\n", run.runs, machine.load));

    let rows: Vec<[String; 10]> = run.cases.iter().flat_map(rows).collect();
    table(&mut page, &rows);
    page.push('\n');
    for case in &run.cases {
        notes(&mut page, case);
    }
    page.push_str(NOTES);
    page
}

/// How to read the numbers.
const NOTES: &str = "
How to read this:

- Every tool does a case once a round, in an order that turns from round to round. Wall and CPU are medians over the
  rounds, of the kernel's account of the process. `wall / ffmpeg` divides medians; `paired` is the median of the
  ratios within each round. Differences smaller than the spread (min..max) are noise.
- `trix` runs with `--verify off`, since ffmpeg does not look at what it wrote; `trix, verified` is the default.
- `ffmpeg` has `-filter_threads 1`: with more, it converts pictures in slices, which breaks the diffusion of rounding
  errors at their edges and makes its output depend on the number of cores. `ffmpeg, as it comes` has more.
- `encoder alone` times the encoder over pictures that lie decoded and converted in memory; its kbit/s are those of
  the bare stream. It bounds what a job can gain around the encoder.
- PSNR and SSIM are over all planes, against the converted source that the encoder takes in. kbit/s are those of the
  whole file.
";

fn rows(case: &CaseResult) -> Vec<[String; 10]> {
    let peer = case.of(Tool::Ffmpeg);
    case.series.iter().map(|series| row(case, series, peer)).collect()
}

fn row(case: &CaseResult, series: &Series, peer: Option<&Series>) -> [String; 10] {
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".into());
    let (wall, least, most) = series.wall();
    let last = series.costs.last();
    let peak = series.costs.iter().map(|cost| cost.peak_bytes).max().filter(|bytes| *bytes > 0);
    let seconds = f64::from(case.frames) / f64::from(RATE);
    let ratio = peer.filter(|peer| peer.tool != series.tool).map(|peer| series.ratio(peer));
    [
        case.case.to_owned(),
        series.tool.to_owned(),
        format!("{wall:.2} ({least:.2}..{most:.2})"),
        format!("{:.2}", series.cpu()),
        or_dash(peak.map(|bytes| format!("{:.0}", bytes as f64 / 1024.0 / 1024.0))),
        or_dash(last.map(|cost| format!("{:.0}", cost.output_bytes as f64 * 8.0 / 1000.0 / seconds))),
        or_dash(series.quality.and_then(|quality| quality.psnr_db).map(|psnr| format!("{psnr:.3}"))),
        or_dash(series.quality.and_then(|quality| quality.ssim).map(|ssim| format!("{ssim:.5}"))),
        or_dash(ratio.map(|(medians, _)| format!("{medians:.3}"))),
        or_dash(ratio.map(|(_, paired)| format!("{paired:.3}"))),
    ]
}

/// Columns are padded, so that the source is a table, too.
fn table(page: &mut String, rows: &[[String; 10]]) {
    let width = |at: usize| rows.iter().map(|row| row[at].len()).chain([COLUMNS[at].len()]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..COLUMNS.len()).map(width).collect();
    let mut line = |cells: Vec<String>| {
        let _ = writeln!(page, "| {} |", cells.join(" | "));
    };
    let left = |at: usize| at < 2;
    line(COLUMNS.iter().zip(&widths).map(|(name, width)| format!("{name:<width$}")).collect());
    let rule = |(at, width): (usize, &usize)| if left(at) { "-".repeat(*width) } else { "-".repeat(width - 1) + ":" };
    line(widths.iter().enumerate().map(rule).collect());
    for row in rows {
        let pad = |(at, (cell, width)): (usize, (&String, &usize))| {
            if left(at) { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        };
        line(row.iter().zip(&widths).enumerate().map(pad).collect());
    }
}

fn notes(page: &mut String, case: &CaseResult) {
    let same = if case.same_pictures {
        "the coded pictures of ffmpeg and trix are equal, bit for bit, in every run"
    } else {
        "the coded pictures of ffmpeg and trix DIFFER: they did not do the same work"
    };
    let megabytes = case.source_bytes as f64 / 1e6;
    let _ = writeln!(
        page,
        "- {}: {}; {} pictures, source of {megabytes:.0} MB; {same}.",
        case.case, case.title, case.frames
    );
    if let (Some(trix), Some(alone)) = (case.of(Tool::Trix), case.of(Tool::EncoderAlone)) {
        let (medians, paired) = trix.ratio(alone);
        let _ =
            writeln!(page, "  A whole job takes {medians:.3} times as long as its encoder alone (paired {paired:.3}).");
    }
}
