//! Describes what a job will do, or did.

use std::fmt::Write;

use trix_core::{
    Job, Plan,
    amount::{bytes, counted},
    decision::Decision,
    plan::{EncodePlan, FilterPlan, MemoryPlan, OutputId, OutputPlan, PackageId, PackagePlan, Sink, TextPlan, Waves},
    preflight::{Preflight, Space},
    settings::package::Layout,
};

/// A plan in a few lines for each output. `free` is the memory that is free on this machine, if the plan is for it.
pub fn text(job: &Job, plan: &Plan, free: Option<u64>) -> String {
    let mut out = format!("{}\n", job.source.path.display());
    for track in &job.tracks {
        let names: Vec<String> = track.all_inputs().iter().map(|input| input.path.display().to_string()).collect();
        let _ = writeln!(out, "{}", names.join(", "));
    }
    let plans: Vec<OutputPlan> = plan.sinks().into_iter().map(|sink| plan.sink(sink)).collect();
    let shared = shared(&plans.iter().collect::<Vec<_>>());
    out.push_str(&decided(&[shared.as_slice(), &plan.decisions].concat()));
    for (number, step) in plan.filters.iter().enumerate() {
        let _ = writeln!(out, "  step {number}  {}", filter(plan, step));
    }
    let describe = |sink| self::output(&plan.sink(sink), None, &shared) + &encoded_once(plan, sink);
    for (number, output) in plan.outputs.iter().enumerate() {
        let _ = writeln!(out, "{}", output.path.display());
        out.push_str(&describe(Sink::Output(OutputId(number))));
    }
    for (number, package) in plan.packages.iter().enumerate() {
        let _ = writeln!(out, "{}", package.path.display());
        out.push_str(&self::package(package));
        for (at, rendition) in package.renditions.iter().enumerate() {
            let _ = writeln!(out, "  {}", rendition.id);
            out.push_str(&describe(Sink::Rendition { package: PackageId(number), rendition: at }));
        }
        for text in &package.subtitles {
            let _ = writeln!(out, "  {}\n{}", text.id, self::text_track(text));
        }
    }
    for still in &plan.stills {
        let _ = writeln!(out, "{}", still.path.display());
        out.push_str(&decided(&still.decisions));
    }
    let _ = writeln!(out, "machine {}", plan.machine);
    out.push_str(&memory(&plan.memory));
    out.push_str(&units(plan, free).unwrap_or_default());
    out
}

/// The most ranges of chunks that are listed.
const LISTED: usize = 3;

/// The chunks of a film, and how the machine of the plan works at them.
fn units(plan: &Plan, free: Option<u64>) -> Option<String> {
    let (chunks, unit) = plan.chunks.as_ref().zip(plan.memory.unit.as_ref())?;
    let Waves { groups, units } = plan.waves(free.or(plan.machine.memory), plan.machine.cores as usize, false);
    let encodes: u64 = groups.iter().map(|group| group.iter().map(|number| unit.encodes[*number]).sum()).max()?;
    let decodes = match groups.len() {
        1 => "the film is decoded once".to_owned(),
        count => format!("the film is decoded {count} times, each time for some of its encodes"),
    };
    let count = chunks.ranges.len();
    let mut ranges: Vec<String> = chunks.ranges.iter().take(LISTED).map(ToString::to_string).collect();
    if count > LISTED {
        ranges.push(format!("and {} more", count - LISTED));
    }
    let what = if count == 1 { "the film as one chunk" } else { "chunks of frames" };
    let at_once = units.min(count * groups.len());
    let each = bytes(unit.base + encodes);
    Some(format!("{what} {}\n        {at_once} at a time with up to {each} each; {decodes}\n", ranges.join(", ")))
}

/// What a plan needs before it runs, and what there is of it.
pub fn needs(needs: &Preflight) -> String {
    let mut out = String::new();
    if let Some(free) = needs.free_memory {
        let mark = if free < needs.memory { "! " } else { "" };
        let _ = writeln!(out, "{mark}free    {} of memory", bytes(free));
    }
    for Space { folder, estimate, free } in &needs.space {
        let mark = if free < estimate { "! " } else { "" };
        let _ = writeln!(
            out,
            "{mark}space   about {} for {}, where {} are free",
            bytes(*estimate),
            folder.display(),
            bytes(*free)
        );
    }
    for folder in &needs.missing_folders {
        let _ = writeln!(out, "folder  {} will be made", folder.display());
    }
    for path in &needs.taken {
        let _ = writeln!(out, "! taken  {} exists; --overwrite replaces it", path.display());
    }
    out
}

/// The memory estimate of a job, with its largest shares.
fn memory(plan: &MemoryPlan) -> String {
    // As many as fit into a line; `--json` prints all.
    const MOST: usize = 6;
    let mut largest: Vec<_> = plan.shares.iter().collect();
    largest.sort_by_key(|share| std::cmp::Reverse(share.bytes));
    let rest: u64 = largest.iter().skip(MOST).map(|share| share.bytes).sum();
    let mut shares: Vec<String> =
        largest.iter().take(MOST).map(|share| format!("{} {}", share.what, bytes(share.bytes))).collect();
    if rest > 0 {
        shares.push(format!("all else {}", bytes(rest)));
    }
    let bound = plan.bound.map_or_else(String::new, |bound| format!(" of {}", bytes(bound)));
    let queues = if plan.short_queues { "; one item waits at a time" } else { "" };
    format!("memory up to {}{bound}: {}{queues}\n", bytes(plan.estimate), shares.join(", "))
}

/// The settings of a package as a whole.
pub fn package(plan: &PackagePlan) -> String {
    let mut out = decided(&plan.decisions);
    let layout = match plan.settings.layout {
        Layout::Files => "each in a file",
        Layout::Single => "all of a rendition in one file",
    };
    let _ = writeln!(out, "  package segments of {} s, {layout}", plan.settings.segment.to_f64());
    for note in &plan.notes {
        let _ = writeln!(out, "  note    {note}");
    }
    out
}

/// A text rendition.
pub fn text_track(plan: &TextPlan) -> String {
    let how = if plan.subtitle.copied { "copied" } else { "converted" };
    let language = plan.tags.language.as_ref().map_or_else(String::new, |language| format!(", {language}"));
    format!("  text    {} {how}{language}", plan.subtitle.codec)
}

/// A filter step: its result, its input, and its outputs.
fn filter(plan: &Plan, step: &FilterPlan) -> String {
    let transform = &step.filtering.transform;
    let (width, height) = transform.size();
    let of = step.after.map_or_else(|| "the decoder's frames".to_owned(), |before| format!("step {before}"));
    let names: Vec<String> = step.outputs.iter().map(|sink| name(plan, *sink)).collect();
    let mut what = Vec::new();
    if transform.deinterlace.is_some() {
        what.push("deinterlaced");
    }
    if transform.inverse_telecine.is_some() {
        what.push("telecine removed");
    }
    if transform.tonemap.is_some() {
        what.push("tone mapped");
    }
    let what = if what.is_empty() { String::new() } else { format!(", {}", what.join(", ")) };
    format!("{width}x{height} {}{what}, of {of}, for {}", transform.format, names.join(", "))
}

/// The name of a file or rendition.
fn name(plan: &Plan, sink: Sink) -> String {
    match sink {
        Sink::Output(id) => plan.output(id).path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        Sink::Rendition { package, rendition } => plan.package(package).renditions[rendition].id.clone(),
    }
}

/// The encodes that a file or rendition shares with others, a line for each; empty if there are none.
fn encoded_once(plan: &Plan, sink: Sink) -> String {
    let mut lines: Vec<String> = Vec::new();
    for id in plan.content(sink).encodes() {
        let others: Vec<String> =
            plan.sinks_of(id).into_iter().filter(|other| *other != sink).map(|other| name(plan, other)).collect();
        let kind = match plan.encode(id) {
            EncodePlan::Video(_) => "video",
            EncodePlan::Audio(_) => "audio",
        };
        let line = format!("  once    {kind} encoded together with {}\n", others.join(", "));
        if !others.is_empty() && !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.concat()
}

/// The decisions that all of several outputs share.
pub fn shared(plans: &[&OutputPlan]) -> Vec<Decision> {
    let [first, rest @ ..] = plans else { return Vec::new() };
    if rest.is_empty() {
        return Vec::new();
    }
    let everywhere = |decision: &&Decision| rest.iter().all(|plan| plan.decisions.contains(decision));
    first.decisions.iter().filter(everywhere).cloned().collect()
}

/// Decisions and their reasons, in two lines.
pub fn decided(decisions: &[Decision]) -> String {
    if decisions.is_empty() {
        return String::new();
    }
    let join = |part: fn(&Decision) -> &str| decisions.iter().map(part).collect::<Vec<_>>().join("; ");
    let (what, why) = (join(|decision| &decision.what), join(|decision| &decision.why));
    format!("  decided {what}\n  because {why}\n")
}

/// The plan of an output, without the `shared` decisions, which were printed before.
pub fn output(plan: &OutputPlan, frame_threads: Option<u32>, shared: &[Decision]) -> String {
    let mut out = String::new();
    let own: Vec<Decision> = plan.decisions.iter().filter(|decision| !shared.contains(decision)).cloned().collect();
    out.push_str(&decided(&own));
    if let Some(video) = &plan.video {
        let threads =
            frame_threads.map_or_else(String::new, |threads| format!(", {}", counted(threads.into(), "frame thread")));
        let options: Vec<String> = video.options.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let options = if options.is_empty() { String::new() } else { format!(", {}", options.join(" ")) };
        let _ = writeln!(
            out,
            "  video   {} {}x{} {}, {}{options}{threads}",
            video.encoder,
            video.width,
            video.height,
            video.format,
            match &video.profile {
                Some(profile) => format!("profile {profile}"),
                None if video.encoder.is_mezzanine() => "every frame by itself".to_owned(),
                None => format!("preset {}", video.preset),
            }
        );
    }
    if let Some(copy) = &plan.video_copy {
        let _ = writeln!(out, "  video   {} copied", copy.codec);
    }
    for audio in &plan.audio {
        let how = if audio.copied { "copied" } else { "encoded" };
        let language = audio.language.as_ref().map_or_else(String::new, |language| format!(", {language}"));
        let _ = writeln!(out, "  audio   {} {how}, {} Hz {}{language}", audio.codec, audio.sample_rate, audio.layout);
    }
    let metadata = &plan.metadata;
    for subtitle in &metadata.subtitles {
        let how = if subtitle.copied { "copied" } else { "converted" };
        let tags = metadata.tags.get(&subtitle.stream).and_then(|tags| tags.language.clone());
        let language = tags.map_or_else(String::new, |language| format!(", {language}"));
        let _ = writeln!(out, "  text    {} {how}{language}", subtitle.codec);
    }
    let extras = [
        (metadata.chapters.len(), "chapter"),
        (metadata.attachments.len() + metadata.covers.len(), "attached file"),
        (metadata.metadata.len(), "tag"),
    ];
    let mut extras: Vec<String> =
        extras.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| counted(count as u64, what)).collect();
    extras.extend(metadata.timecode.iter().map(|timecode| format!("time code {timecode}")));
    if !extras.is_empty() {
        let _ = writeln!(out, "  with    {}", extras.join(", "));
    }
    for note in &plan.notes {
        let _ = writeln!(out, "  note    {note}");
    }
    out
}
