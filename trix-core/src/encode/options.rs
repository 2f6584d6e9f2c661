//! Converts settings to the option names and values of x264 and x265, and lets the libraries validate them.
//!
//! Invariant: the order matches that of the encoders' own programs (preset and tune, options, profile), so that equal
//! options give equal streams.

use std::{collections::BTreeMap, path::Path};

use trix_av::{x264, x264::OptionError, x265};
use trix_model::{
    hdr::StaticHdr,
    mistake::{Mistake, hint},
};

use crate::{
    encode::{
        option_names,
        option_spelling::{instead, spelled, subject},
    },
    plan::VideoPlan,
    settings::video::{EncodeSettings, Encoder, RateControl},
};

/// The number of the encoding pass, and the file of its statistics.
#[derive(Clone, Copy, Debug)]
pub struct Pass<'a> {
    /// 1 or 2.
    pub number: u32,
    /// The first pass writes this file, the second reads it.
    pub stats: &'a Path,
}

/// The options for `settings`, in the order in which they are set.
pub fn list(
    encoder: Encoder,
    settings: &EncodeSettings,
    hdr: &StaticHdr,
    threads: Option<u32>,
) -> Vec<(String, String)> {
    let mut list: Vec<(String, String)> = Vec::new();
    let mut set = |name: &str, value: String| list.push((name.to_owned(), value));
    match settings.rate {
        // The factor for a target is found before a job is run. Estimates of space and memory are those of the encoder's default.
        None | Some(RateControl::Target { .. }) => {}
        Some(RateControl::Crf { value }) => set("crf", value.to_string()),
        Some(RateControl::Qp { value }) => set("qp", value.to_string()),
        Some(RateControl::Lossless) => match encoder {
            Encoder::X264 => set("qp", "0".into()),
            Encoder::X265 => set("lossless", "1".into()),
            Encoder::Ffv1 | Encoder::Prores => {}
        },
        Some(RateControl::Bitrate { kbps, .. }) => set("bitrate", kbps.to_string()),
    }
    if let Some(kbps) = settings.maxrate {
        set("vbv-maxrate", kbps.to_string());
    }
    if let Some(kbit) = settings.bufsize {
        set("vbv-bufsize", kbit.to_string());
    }
    if let Some(gop) = settings.gop {
        set("keyint", gop.to_string());
    }
    if let Some(open) = settings.open_gop {
        set("open-gop", u32::from(open).to_string());
    }
    if let Some(level) = &settings.level {
        set(if encoder == Encoder::X264 { "level" } else { "level-idc" }, level.clone());
    }
    if let Some(threads) = threads {
        set(if encoder == Encoder::X264 { "threads" } else { "pools" }, threads.to_string());
    }
    let (display, light) = match encoder {
        Encoder::X264 => ("mastering-display", "cll"),
        _ => ("master-display", "max-cll"),
    };
    let is_free = |option: &str| !settings.params.keys().any(|name| spelled(name) == option);
    if let Some(mastering) = hdr.mastering.filter(|_| is_free(display)) {
        set(display, mastering.as_option());
    }
    if let Some(content) = hdr.light.filter(|_| is_free(light)) {
        set(light, format!("{},{}", content.max, content.max_average));
    }
    for (name, value) in &settings.params {
        set(&spelled(name), value.clone());
    }
    list
}

/// Levels of H.264 (table A-1) and HEVC (table A.8). The encoder decides which of them allows the frame size.
const LEVELS: &[&str] = &[
    "1", "1b", "1.1", "1.2", "1.3", "2", "2.1", "2.2", "3", "3.1", "3.2", "4", "4.1", "4.2", "5", "5.1", "5.2", "6",
    "6.1", "6.2",
];

/// The setting that an option belongs to. For most options, it has the same name.
fn setting(option: &str) -> &str {
    match option {
        "crf" | "qp" | "bitrate" | "lossless" => "rate",
        "vbv-maxrate" => "maxrate",
        "vbv-bufsize" => "bufsize",
        "keyint" => "gop",
        "open-gop" => "open_gop",
        "level-idc" => "level",
        other => other,
    }
}

/// The parameters of one of the two libraries.
enum Parameters {
    X264(x264::Parameters),
    X265(x265::Parameters),
}

impl Parameters {
    fn set(&mut self, name: &str, value: &str) -> Result<(), OptionError> {
        match self {
            Parameters::X264(parameters) => parameters.set(name, value),
            Parameters::X265(parameters) => parameters.set(name, value),
        }
    }
}

/// All mistakes in the options of `settings`, each listed separately.
pub(crate) fn mistakes(encoder: Encoder, settings: &EncodeSettings, depth: u32, threads: Option<u32>) -> Vec<Mistake> {
    let mut found = Vec::new();
    let mut usable = EncodeSettings { params: Default::default(), ..settings.clone() };
    for (key, value, known) in [
        ("preset", &mut usable.preset, option_names::PRESETS),
        ("tune", &mut usable.tune, option_names::tunes(encoder)),
        ("profile", &mut usable.profile, option_names::profiles(encoder)),
    ] {
        let Some(name) = value.as_deref() else { continue };
        // x264 accepts several tunes at once, separated by commas and similar characters.
        let parts: Vec<&str> = if key == "tune" { name.split([',', '.', '-', '+']).collect() } else { vec![name] };
        if !parts.iter().all(|part| known.contains(part)) {
            let unknown = parts.iter().find(|part| !known.contains(part)).copied().unwrap_or(name);
            let problem =
                format!("is no {key} of {encoder}; {}{encoder} knows {}", hint(unknown, known), known.join(", "));
            found.push(Mistake::new(format!("video.{key}"), name, problem));
            // The invalid value is dropped, so that the other options are still checked and all mistakes are reported
            // at once.
            *value = None;
        }
    }
    let Some(mut parameters) = defaults(encoder, depth, usable.preset.as_deref(), usable.tune.as_deref()) else {
        let tune = settings.tune.as_deref().unwrap_or("");
        found.push(Mistake::new("video.tune", tune, format!("{encoder} takes no such combination of preset and tune")));
        return found;
    };
    let set = list(encoder, &usable, &StaticHdr::default(), threads);
    for (name, value) in &set {
        let known_level = setting(name) != "level" || LEVELS.contains(&value.as_str());
        if !known_level || parameters.set(name, value).is_err() {
            let legal = match known_level {
                true => String::new(),
                false => format!("; {}levels are {}", hint(value, LEVELS), LEVELS.join(", ")),
            };
            let problem = format!("is not a value that {encoder} takes for it{legal}");
            found.push(Mistake::new(format!("video.{}", setting(name)), value, problem));
        }
    }
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    for (name, value) in &settings.params {
        let (option, subject) = (spelled(name), subject(name));
        let mut wrong = |problem: String| found.push(Mistake::new(format!("video.params.{name}"), value, problem));
        if let Some(instead) = instead(name) {
            wrong(format!("is not set this way: {instead}"));
        } else if set
            .iter()
            .any(|(other, _)| !matches!(other.as_str(), "threads" | "pools") && setting(other) == setting(&subject))
        {
            wrong(format!("video.{} is set already", setting(&subject)));
        } else if let Some(first) = names.get(&option) {
            wrong(format!("video.params.{first} is set already"));
        } else if encoder != Encoder::X264 || option != SLOW_FIRST_PASS {
            match parameters.set(&option, value) {
                Ok(()) => {}
                Err(OptionError::Name) => {
                    let closest = option_names::closest(encoder, &option);
                    wrong(match closest.map(|closest| (closest, instead(closest))) {
                        Some((closest, None)) => format!("{encoder} has no such option; did you mean '{closest}'?"),
                        Some((closest, Some(instead))) => {
                            format!("{encoder} has no such option; did you mean '{closest}'? For that, {instead}")
                        }
                        None => format!("{encoder} has no such option; `{encoder} --fullhelp` lists them"),
                    })
                }
                Err(OptionError::Value) => wrong(format!("is not a value that {encoder} takes for it")),
            }
        }
        names.entry(option).or_insert(name);
    }
    found.extend(crashing(&parameters, settings));
    found
}

/// Detects combinations that make the encoder's library overwrite memory.
fn crashing(parameters: &Parameters, settings: &EncodeSettings) -> Option<Mistake> {
    let Parameters::X265(parameters) = parameters else { return None };
    if !parameters.overwrite_memory() {
        return None;
    }
    let slices = settings.params.iter().find(|(name, _)| subject(name) == "slices");
    let problem = "crashes x265 without wavefronts; leave wpp on and pools above 0";
    Some(Mistake::new("video.params.slices", slices.map_or("", |(_, value)| value.as_str()), problem))
}

/// True if the installed library has an option of this name.
#[cfg(test)]
pub(crate) fn is_known(encoder: Encoder, name: &str) -> bool {
    if encoder == Encoder::X264 && name == SLOW_FIRST_PASS {
        return true;
    }
    // An invalid value yields a different error from an unknown name. If the value is accepted, the name exists too.
    defaults(encoder, 8, None, None).is_some_and(|mut parameters| parameters.set(name, "1") != Err(OptionError::Name))
}

/// Sets the options of threads that `plan` leaves to x264 or x265 to the numbers that the library would choose on a
/// machine with `cores` cores, so that the stream does not depend on the machine that runs the plan. Returns the number of
/// threads; zero for other encoders.
pub(crate) fn settle_threads(plan: &mut VideoPlan, cores: u32) -> u32 {
    let (width, height) = (plan.width, plan.height);
    let is_count = |value: &str| value.parse::<u32>().is_ok_and(|count| count > 0);
    let options = |plan: &mut VideoPlan| std::mem::take(&mut plan.options);
    match plan.encoder {
        Encoder::X264 => {
            let threads = x264_parameters(plan, None).map_or(1, |parameters| parameters.threads(height, cores));
            plan.options = settled(options(plan), &["threads"], threads, is_count);
            threads
        }
        Encoder::X265 => {
            let threads = x265_parameters(plan, None).map(|parameters| parameters.threads(width, height, cores));
            let x265::Threads { pool, frames } = threads.unwrap_or(x265::Threads { pool: 1, frames: 1 });
            let is_pool = |value: &str| !matches!(value, "" | "*");
            plan.options = settled(options(plan), &["pools", "numa-pools"], pool, is_pool);
            plan.options = settled(options(plan), &["frame-threads"], frames, is_count);
            pool.max(1)
        }
        Encoder::Ffv1 | Encoder::Prores => 0,
    }
}

/// `options` with the first of `names` set to `count`, unless one of them `is_set` to a value already.
fn settled(
    mut options: Vec<(String, String)>,
    names: &[&str],
    count: u32,
    is_set: impl Fn(&str) -> bool,
) -> Vec<(String, String)> {
    let is_one = |name: &str| names.contains(&spelled(name).as_str());
    options.retain(|(name, value)| !is_one(name) || is_set(value));
    if !options.iter().any(|(name, _)| is_one(name)) {
        options.push((names[0].to_owned(), count.to_string()));
    }
    options
}

/// An option that the `x264` program handles itself.
const SLOW_FIRST_PASS: &str = "slow-firstpass";

fn defaults(encoder: Encoder, depth: u32, preset: Option<&str>, tune: Option<&str>) -> Option<Parameters> {
    match encoder {
        Encoder::Ffv1 | Encoder::Prores => None,
        Encoder::X264 => x264::Parameters::new(preset, tune).map(Parameters::X264),
        Encoder::X265 => x265::Parameters::new(depth, preset, tune).map(Parameters::X265),
    }
}

impl Pass<'_> {
    fn options(self) -> [(String, String); 2] {
        [("pass".to_owned(), self.number.to_string()), ("stats".to_owned(), self.stats.display().to_string())]
    }
}

/// The x264 parameters for `plan`. `None` only if [`mistakes`] reports a mistake.
pub(crate) fn x264_parameters(plan: &VideoPlan, pass: Option<Pass<'_>>) -> Option<x264::Parameters> {
    let mut parameters = x264::Parameters::new(Some(&plan.preset), plan.tune.as_deref())?;
    let own = plan.options.iter().filter(|(name, _)| name != SLOW_FIRST_PASS);
    for (name, value) in pass.into_iter().flat_map(Pass::options).collect::<Vec<_>>().iter().chain(own) {
        parameters.set(name, value).ok()?;
    }
    let slow = plan.options.iter().any(|(name, value)| name == SLOW_FIRST_PASS && value != "0");
    if pass.is_some_and(|pass| pass.number == 1) && !slow {
        parameters.apply_fast_first_pass();
    }
    Some(parameters)
}

/// The x265 parameters for `plan`. `None` only if [`mistakes`] reports a mistake.
pub(crate) fn x265_parameters(plan: &VideoPlan, pass: Option<Pass<'_>>) -> Option<x265::Parameters> {
    let mut parameters = x265::Parameters::new(plan.format.depth, Some(&plan.preset), plan.tune.as_deref())?;
    for (name, value) in pass.into_iter().flat_map(Pass::options).collect::<Vec<_>>().iter().chain(&plan.options) {
        parameters.set(name, value).ok()?;
    }
    Some(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes_of(params: &[(&str, &str)]) -> Vec<String> {
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let settings = EncodeSettings { params, ..Default::default() };
        mistakes(Encoder::X265, &settings, 8, None).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn slices_without_wavefronts_are_refused_in_every_spelling() {
        let refused = ["video.params.slices = 4: crashes x265 without wavefronts; leave wpp on and pools above 0"];
        for (name, value) in [
            ("wpp", "0"),
            ("wpp", "false"),
            ("wpp", "no"),
            ("no-wpp", "1"),
            ("no_wpp", "1"),
            ("nowpp", "1"),
            ("--wpp", "0"),
            ("pools", "none"),
            ("pools", "0"),
            ("pools", "-"),
            ("pools", "x"),
            ("numa-pools", "none"),
            ("numa_pools", "none"),
        ] {
            assert_eq!(mistakes_of(&[("slices", "4"), (name, value)]), refused, "{name}={value}");
            assert_eq!(mistakes_of(&[("slices", "1"), (name, value)]), Vec::<String>::new(), "{name}={value}");
        }
        let low = mistakes_of(&[("--slices", "4"), ("wpp", "0")]);
        assert!(low.len() == 1 && low[0].contains("crashes x265"), "{low:?}");
        for (name, value) in [("wpp", "1"), ("no-wpp", "false"), ("pools", "4"), ("pools", "*"), ("pools", "+,-")] {
            assert_eq!(mistakes_of(&[("slices", "4"), (name, value)]), Vec::<String>::new(), "{name}={value}");
        }
    }
}
