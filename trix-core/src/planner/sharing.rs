//! Groups the HEVC encodes of a job that can share one analysis.
//!
//! Invariant: the encodes of a group get the same frames at the same times, and agree in every option that decides about the division
//! of the film into groups of pictures, the types of frames and the division of frames into blocks.

use trix_av::pixel::PixelFormat;
use trix_model::{amount::bytes, decision::Decision, error::Error};

use crate::{
    encode::options,
    plan::{
        Cut, EncodeId, EncodePlan, FilePlan, FilterPlan, Filtering, FollowMode, OutputId, Plan, Sharing, Sink, StepId,
        UnitMemory, VideoEncode,
    },
    settings::{job::ShareAnalysis, video::Encoder},
    source::Source,
};

/// Options whose values may differ in a group. Whether they are set may not: x265 then treats quantisers differently.
const FREE: [&str; 3] = ["crf", "qp", "bitrate"];

/// Options that may differ in a group.
const OF_THREADS: [&str; 3] = ["pools", "numa-pools", "frame-threads"];

/// The depth that leads where frames have more than 8 bits. The lookahead of x265 decides better with their samples than with 8 bits, and
/// copies of 8 bits lose less with its decisions than those of 10 with decisions about 8 (docs/decisions/shared-analysis.md).
const DEEP: u32 = 10;

/// The memory for the chunks of a film.
#[derive(Clone, Copy)]
pub(super) struct Room<'a> {
    /// What the encode of a chunk takes.
    pub(super) unit: &'a UnitMemory,
    /// Bytes that it may take.
    pub(super) most: u64,
}

impl Room<'_> {
    /// Why a group does not fit: its encodes run together.
    fn lacks(self, group: &[EncodeId]) -> Option<String> {
        let together = vec![group.iter().map(|id| id.0).collect()];
        let needed = UnitMemory { together, ..self.unit.clone() }.least();
        let is_too_much = group.len() > 1 && needed > self.most;
        is_too_much.then(|| format!("together they take up to {}, of {}", bytes(needed), bytes(self.most)))
    }
}

/// Sets the part of each encode in a group. `chunks` is the memory for those of a film that is encoded in chunks. Returns the decisions.
pub(super) fn plan(
    share: ShareAnalysis,
    source: &Source,
    encodes: &mut [EncodePlan],
    files: &[FilePlan],
    filters: &mut [FilterPlan],
    chunks: Option<Room<'_>>,
) -> Vec<Decision> {
    let mode = match share {
        ShareAnalysis::Off => return Vec::new(),
        ShareAnalysis::Balanced => FollowMode::Balanced,
        ShareAnalysis::Fast => FollowMode::Fast,
    };
    let mut decisions = Vec::new();
    let mut groups: Vec<Vec<EncodeId>> = Vec::new();
    let mut alone = Vec::new();
    for (number, encode) in encodes.iter().enumerate() {
        let Some(own) = encode.video().filter(|own| own.video.encoder == Encoder::X265) else { continue };
        let id = EncodeId(number);
        // Frames of followers are compared with those of their encoders when a file is checked.
        let is_in_file = files.iter().any(|file| file.content.video == Some(id));
        let reason = match is_in_file {
            true => refusal(own),
            false => Some("only packages have its packets".to_owned()),
        };
        if let Some(reason) = reason {
            alone.push((id, reason));
            continue;
        }
        let first = |group: &&mut Vec<EncodeId>| group.first().and_then(|first| encodes[first.0].video());
        let fits =
            |group: &&mut Vec<EncodeId>| first(group).is_some_and(|first| difference(first, own, filters).is_none());
        match groups.iter_mut().find(fits) {
            Some(group) => group.push(id),
            None => groups.push(vec![id]),
        }
    }
    let largest = groups.iter().filter(|group| group.len() > 1).max_by_key(|group| group.len());
    let largest = largest.or(groups.first()).and_then(|group| group.first()).copied();
    for group in &mut groups {
        if let Some(reason) = chunks.and_then(|room| room.lacks(group)) {
            alone.extend(group.iter().map(|id| (*id, reason.clone())));
            continue;
        }
        let [id] = group.as_slice() else {
            decisions.push(settle(group, source, encodes, files, mode));
            need_steps(group, encodes, files, filters);
            continue;
        };
        let other = largest.and_then(|first| encodes[first.0].video());
        let own = encodes[id.0].video();
        let reason = other.zip(own).and_then(|(other, own)| difference(other, own, filters));
        alone.push((*id, reason.unwrap_or_else(|| "no other output has the same frames and settings".to_owned())));
    }
    let told = |(id, reason): (EncodeId, String)| {
        let what = format!("{} is analysed for itself", name(id, files));
        Decision::new(what, format!("it cannot share an analysis: {reason}"))
    };
    decisions.extend(alone.into_iter().map(told));
    decisions
}

/// Makes one encode the lead of its group, and the others its followers.
fn settle(
    group: &mut [EncodeId],
    source: &Source,
    encodes: &mut [EncodePlan],
    files: &[FilePlan],
    mode: FollowMode,
) -> Decision {
    let depth = |id: &EncodeId| encodes[id.0].video().map_or(0, |own| own.video.format.depth);
    let stream = encodes[group[0].0].video().and_then(|own| source.streams().get(own.video.stream));
    let of_source = stream.and_then(|facts| PixelFormat::from_raw(facts.format)).map_or(8, PixelFormat::depth);
    // Equal depths keep the order of the job.
    group.sort_by_key(depth);
    let best = match group.iter().position(|id| depth(id) == DEEP) {
        _ if of_source <= 8 => 0,
        Some(deep) => deep,
        None => group.partition_point(|id| depth(id) < depth(&group[group.len() - 1])),
    };
    group[..=best].rotate_right(1);
    let (lead, followers) = (group[0], group[1..].to_vec());
    let preset = encodes[lead.0].video().map_or_else(String::new, |own| own.video.preset.clone());
    let names: Vec<String> = followers.iter().map(|id| name(*id, files)).collect();
    let what = format!("{} is analysed, and {} share its analysis", name(lead, files), names.join(" and "));
    let parts = followers.iter().map(|id| (*id, Sharing::Follower { lead, mode })).collect::<Vec<_>>();
    for (id, part) in parts.into_iter().chain([(lead, Sharing::Lead { followers })]) {
        if let EncodePlan::Video(own) = &mut encodes[id.0] {
            own.sharing = Some(part);
        }
    }
    Decision::new(what, format!("share_analysis is {mode}{}", expected(&preset, mode)))
}

/// Notes that the files of followers need the frames of the lead: they go on without its file.
fn need_steps(group: &[EncodeId], encodes: &[EncodePlan], files: &[FilePlan], filters: &mut [FilterPlan]) {
    let is_follower = |file: &FilePlan| file.content.video.is_some_and(|id| group[1..].contains(&id));
    let all = files.iter().enumerate().filter(|(_, file)| is_follower(file));
    let sinks: Vec<Sink> = all.map(|(number, _)| Sink::Output(OutputId(number))).collect();
    let mut next = encodes[group[0].0].video().map(|lead| lead.video.filter);
    while let Some(step) = next.and_then(|step| filters.get_mut(step.0)) {
        let missing = sinks.iter().filter(|sink| !step.outputs.contains(sink)).copied().collect::<Vec<_>>();
        step.outputs.extend(missing);
        next = step.after;
    }
}

/// The name of the first file that has the packets of an encode.
fn name(id: EncodeId, files: &[FilePlan]) -> String {
    let file = files.iter().find(|file| file.content.video == Some(id));
    file.and_then(|file| file.path.file_name())
        .map_or(format!("encode {id}"), |name| name.to_string_lossy().into_owned())
}

/// What a follower costs and loses: per cent of the processor time of an analysis of its own, and per cent of more bytes at equal SSIM
/// (means over the clips of docs/benchmarks.md).
fn expected(preset: &str, mode: FollowMode) -> String {
    let (time, loss) = match (preset, mode) {
        ("slow", FollowMode::Balanced) => (40, 1),
        ("slow", FollowMode::Fast) => (15, 4),
        _ => return String::new(),
    };
    format!(
        ", where a copy that follows takes about {time} % of its processor time, and {loss} % more bytes for equal SSIM"
    )
}

/// The plan in which each encode is analysed for itself, after the lead of a group failed with `error`.
pub(crate) fn without(mut plan: Plan, error: &Error) -> Plan {
    for encode in &mut plan.encodes {
        if let EncodePlan::Video(own) = encode {
            own.sharing = None;
        }
    }
    plan.decisions.push(Decision::new("each output is analysed for itself", error.to_string()));
    plan
}

/// The numbers of the encodes of each group.
pub(super) fn groups(encodes: &[EncodePlan]) -> Vec<Vec<usize>> {
    let group = |(lead, encode): (usize, &EncodePlan)| match encode.video()?.sharing.as_ref()? {
        Sharing::Lead { followers } => Some([lead].into_iter().chain(followers.iter().map(|id| id.0)).collect()),
        Sharing::Follower { .. } => None,
    };
    encodes.iter().enumerate().filter_map(group).collect()
}

/// Why an encode can neither lead nor follow.
fn refusal(own: &VideoEncode) -> Option<String> {
    let video = &own.video;
    if video.passes > 1 {
        return Some("it has two passes".to_owned());
    }
    let parameters = options::x265_parameters(video, None)?;
    parameters.unshareable().map(|(option, reason)| format!("{option}: {reason}"))
}

/// The first difference for which two encodes cannot share an analysis.
fn difference(one: &VideoEncode, other: &VideoEncode, filters: &[FilterPlan]) -> Option<String> {
    let (a, b) = (&one.video, &other.video);
    let sizes = [a, b].map(|video| format!("{}x{}", video.width, video.height));
    if sizes[0] != sizes[1] {
        return Some(format!("sizes differ: {} and {}", sizes[0], sizes[1]));
    }
    let chroma = [a, b].map(|video| (video.format.chroma, video.format.rgb));
    let rates = [a, b].map(|video| (video.rate, video.resampled_rate));
    let ends = [one, other].map(|own| own.origin);
    let pairs = [
        ("chroma subsampling differs", chroma[0] == chroma[1]),
        ("frame rates differ", rates[0] == rates[1]),
        ("their times differ", ends[0] == ends[1]),
        ("their frames differ", frames_of(a.filter, filters) == frames_of(b.filter, filters)),
        ("fields differ", a.fields == b.fields),
        ("presets differ", a.preset == b.preset),
        ("tunes differ", a.tune == b.tune),
        ("one is lossless", a.lossless == b.lossless),
        ("forced keyframes differ", (&a.keyframes, a.key_interval) == (&b.keyframes, b.key_interval)),
    ];
    if let Some((what, _)) = pairs.into_iter().find(|(_, is_equal)| !is_equal) {
        return Some(what.to_owned());
    }
    let bound = |own: &VideoEncode| -> Vec<(String, String)> {
        let options = own.video.options.iter().filter(|(name, _)| !OF_THREADS.contains(&name.as_str()));
        let value = |name: &str, value: &str| if FREE.contains(&name) { String::new() } else { value.to_owned() };
        let mut bound: Vec<_> = options.map(|(name, own)| (name.clone(), value(name, own))).collect();
        bound.sort();
        bound
    };
    let (left, right) = (bound(one), bound(other));
    let lacks = |own: &[(String, String)], option: &(String, String)| !own.contains(option);
    let differs = left.iter().find(|option| lacks(&right, option)).or(right.iter().find(|option| lacks(&left, option)));
    differs.map(|(name, _)| format!("the option {name} differs"))
}

/// How the frames that come out of a step are made, apart from their depth, and of which frames.
fn frames_of(step: StepId, filters: &[FilterPlan]) -> Vec<(Cut, Filtering)> {
    let chain = std::iter::successors(filters.get(step.0), |step| step.after.and_then(|after| filters.get(after.0)));
    let frames = chain.map(|step| {
        let mut filtering = step.filtering.clone();
        filtering.transform.format.depth = 0;
        filtering.transform.packing = None;
        (step.cut, filtering)
    });
    frames.collect()
}
