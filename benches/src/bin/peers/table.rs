//! The results as a Markdown page that is also readable in a terminal.

use std::fmt::Write;

use trix_benches::RATE;

use crate::{
    measure::median,
    results::{CaseResult, Output, Run, Series},
    single::ENCODER_ALONE,
    tool::TRIX,
};

/// Column heads of the table of costs.
const COSTS: [&str; 11] = [
    "case",
    "tool",
    "wall s (min..max)",
    "CPU s",
    "peak MiB",
    "kbit/s",
    "PSNR dB",
    "SSIM",
    "wall / peer",
    "paired",
    "CPU / peer",
];

/// Column heads of the table of outputs.
const OUTPUTS: [&str; 6] = ["case", "output", "kbit/s", "PSNR dB", "SSIM", "of"];

/// The whole page.
pub fn markdown(run: &Run) -> String {
    let machine = &run.machine;
    let mut page = format!("# Trix and its peers, {}\n\n", machine.date);
    let mut line = |text: String| {
        page.push_str(&text);
        page.push('\n');
    };
    if run.quick {
        line("A few frames and one run each: this shows that everything works, and nothing about speed.\n".into());
    }
    line(format!("- {}, {} cores, {:.0} GiB, {}", machine.cpu, machine.cores, machine.memory_gib, machine.system));
    let libraries: Vec<String> = machine.libraries.iter().map(|(name, version)| format!("{name} {version}")).collect();
    line(format!("- trix {} with {}", machine.trix, libraries.join(", ")));
    line(format!("- {}", machine.peers.join("; ")));
    line(format!("- rounds: {}; load before the first: {}\n", run.runs, machine.load));

    let rows: Vec<[String; 11]> = run.cases.iter().flat_map(costs).collect();
    table(&mut page, &COSTS, &rows, &[0, 1]);
    let rows: Vec<[String; 6]> = run.cases.iter().flat_map(outputs).collect();
    if !rows.is_empty() {
        page.push('\n');
        table(&mut page, &OUTPUTS, &rows, &[0, 1, 5]);
    }
    page.push('\n');
    for case in &run.cases {
        notes(&mut page, case, machine.cores);
    }
    page.push_str(NOTES);
    page
}

/// Explains the numbers.
const NOTES: &str = "
How to read this:

- Every tool does a case once a round, in an order that turns from round to round. Wall and CPU are medians over the
  rounds, of the kernel's account of the process and its children. The peer is the first tool of the case; `wall / peer`
  divides medians; `paired` is the median of the ratios within each round. Differences smaller than the spread
  (min..max) are noise.
- What went elsewhere is the time of the machine's cores that other programs had during the runs, and that the host of a
  virtual machine took. Where it is more than a few per cent, wall times say little, and tools that run more threads
  at once gain by it.
- `trix` runs with `--verify off` in a to d and g, since ffmpeg does not look at what it wrote; `trix, verified` is the
  default. In e, h and i both sides read back what they wrote.
- ffmpeg has one thread for each filter: with more, it converts frames in slices, which breaks the diffusion of
  rounding errors at their edges and makes its output depend on the number of cores. In d, e and g, encoders have the
  numbers of threads of Trix's plan, which belong to the identity of a stream. What is called `as it comes` has the
  numbers that ffmpeg and the encoders choose.
- Peak memory is the kernel's of the largest process; in e, h and i it is that of all processes together, looked at ten times a
  second, for both sides. Of several runs it is that of the largest.
- `encoder alone` times the encoder over frames that lie decoded and converted in memory; its kbit/s are those of
  the bare stream. It bounds what a job can gain around the encoder.
- PSNR and SSIM are over all planes, against the converted source that the encoder takes in. kbit/s are those of the
  whole files. Of several outputs the table of costs says the sum of the rates and the lowest and highest score.
";

fn costs(case: &CaseResult) -> Vec<[String; 11]> {
    let peer = case.series.first();
    case.series.iter().map(|series| cost(case, series, peer)).collect()
}

fn cost(case: &CaseResult, series: &Series, peer: Option<&Series>) -> [String; 11] {
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".into());
    let (wall, least, most) = series.wall();
    let last = series.costs.last();
    let peak = series.costs.iter().map(|cost| cost.peak_bytes).max().filter(|bytes| *bytes > 0);
    let peer = peer.filter(|peer| peer.tool != series.tool);
    let ratio = peer.map(|peer| series.ratio(peer));
    [
        case.case.to_owned(),
        series.tool.to_owned(),
        format!("{wall:.2} ({least:.2}..{most:.2})"),
        format!("{:.2}", series.cpu()),
        or_dash(peak.map(|bytes| format!("{:.0}", bytes as f64 / 1024.0 / 1024.0))),
        or_dash(last.map(|cost| kilobits(case, cost.output_bytes))),
        span(series, |output| output.quality?.psnr_db, 3),
        span(series, |output| output.quality?.ssim, 5),
        or_dash(ratio.map(|(medians, _)| format!("{medians:.3}"))),
        or_dash(ratio.map(|(_, paired)| format!("{paired:.3}"))),
        or_dash(peer.map(|peer| format!("{:.3}", series.cpu() / peer.cpu()))),
    ]
}

/// Rows for each output of a case with several outputs, and for each distinct stream of it.
fn outputs(case: &CaseResult) -> Vec<[String; 6]> {
    let mut rows = Vec::new();
    let count = case.series.iter().map(|series| series.outputs.len()).max().unwrap_or(0);
    for number in (0..count).filter(|_| count > 1) {
        let mut streams: Vec<(&Output, Vec<&str>)> = Vec::new();
        for series in &case.series {
            let Some(output) = series.outputs.get(number) else { continue };
            match streams.iter_mut().find(|(other, _)| other.frames.last() == output.frames.last()) {
                Some((_, tools)) => tools.push(series.tool),
                None => streams.push((output, vec![series.tool])),
            }
        }
        rows.extend(streams.into_iter().map(|(output, tools)| {
            let quality = output.quality;
            let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".into());
            [
                case.case.to_owned(),
                output.name.clone(),
                kilobits(case, output.bytes),
                or_dash(quality.and_then(|quality| quality.psnr_db).map(|psnr| format!("{psnr:.3}"))),
                or_dash(quality.and_then(|quality| quality.ssim).map(|ssim| format!("{ssim:.5}"))),
                tools.join("; "),
            ]
        }));
    }
    rows
}

fn kilobits(case: &CaseResult, bytes: u64) -> String {
    let seconds = f64::from(case.frames) / f64::from(RATE);
    format!("{:.0}", bytes as f64 * 8.0 / 1000.0 / seconds)
}

/// The lowest and highest score of a tool's outputs. One number if there is one output.
fn span(series: &Series, score: fn(&Output) -> Option<f64>, digits: usize) -> String {
    let scores = || series.outputs.iter().filter_map(score);
    let (least, most) = (scores().fold(f64::INFINITY, f64::min), scores().fold(f64::NEG_INFINITY, f64::max));
    match scores().count() {
        0 => "-".into(),
        1 => format!("{most:.digits$}"),
        _ => format!("{least:.digits$}..{most:.digits$}"),
    }
}

/// Writes a table with padded columns, so that its source also looks like a table. The columns in `left` hold words.
fn table<const N: usize>(page: &mut String, columns: &[&str; N], rows: &[[String; N]], left: &[usize]) {
    let width = |at: usize| rows.iter().map(|row| row[at].len()).chain([columns[at].len()]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut line = |cells: Vec<String>| {
        let _ = writeln!(page, "| {} |", cells.join(" | "));
    };
    line(columns.iter().zip(&widths).map(|(name, width)| format!("{name:<width$}")).collect());
    let rule = |(at, width): (usize, &usize)| {
        if left.contains(&at) { "-".repeat(*width) } else { "-".repeat(width - 1) + ":" }
    };
    line(widths.iter().enumerate().map(rule).collect());
    for row in rows {
        let pad = |(at, (cell, width)): (usize, (&String, &usize))| {
            if left.contains(&at) { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        };
        line(row.iter().zip(&widths).enumerate().map(pad).collect());
    }
}

fn notes(page: &mut String, case: &CaseResult, cores: usize) {
    let exact: Vec<&str> = case.series.iter().filter(|series| series.is_exact).map(|series| series.tool).collect();
    let exact = exact.join("; ");
    let same = if exact.is_empty() {
        "the tools write different streams".to_owned()
    } else if case.same_frames {
        format!("the coded frames of {exact} are equal, bit for bit, in every run")
    } else {
        format!("the coded frames of {exact} DIFFER: they did not do the same work")
    };
    let megabytes = case.source_bytes as f64 / 1e6;
    let _ =
        writeln!(page, "- {}: {}; {} frames, source of {megabytes:.0} MB; {same}.", case.case, case.title, case.frames);
    let elsewhere: Vec<f64> = case.series.iter().flat_map(|series| series.elsewhere(cores)).collect();
    let most = elsewhere.iter().copied().fold(0.0, f64::max);
    let _ = writeln!(
        page,
        "  {:.1} % of the cores' time went elsewhere (median of all runs; {:.1} % in the worst).",
        100.0 * median(elsewhere),
        100.0 * most
    );
    if let (Some(trix), Some(alone)) = (case.of(TRIX), case.of(ENCODER_ALONE)) {
        let (medians, paired) = trix.ratio(alone);
        let _ =
            writeln!(page, "  A whole job takes {medians:.3} times as long as its encoder alone (paired {paired:.3}).");
    }
    for series in &case.series {
        let seconds: Vec<f64> = series.costs.iter().filter_map(|cost| cost.after_last_frame).collect();
        if !seconds.is_empty() {
            let (least, most) = seconds
                .iter()
                .fold((f64::INFINITY, 0.0), |(least, most): (f64, f64), one| (least.min(*one), most.max(*one)));
            let median = median(seconds);
            let _ = writeln!(
                page,
                "  {}: {median:.2} s after the last encoded frame ({least:.2}..{most:.2}).",
                series.tool
            );
        }
    }
    for goal in case.goals {
        let Some((tool, peer)) = case.of(goal.tool).zip(case.of(goal.peer)) else { continue };
        let wall = judged("wall", tool.paired(peer, |cost| cost.wall), goal.wall);
        let cpu = goal.cpu.map(|most| judged("CPU", tool.paired(peer, |cost| cost.cpu), most));
        let figures: Vec<String> = [Some(wall), cpu].into_iter().flatten().collect();
        let _ = writeln!(page, "  {} against {}, paired: {}.", goal.tool, goal.peer, figures.join(", "));
    }
}

fn judged(what: &str, ratio: f64, most: f64) -> String {
    let verdict = if ratio <= most { "met" } else { "missed" };
    format!("{what} {ratio:.3} (goal {most:.2}: {verdict})")
}
