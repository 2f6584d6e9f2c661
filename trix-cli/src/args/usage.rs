//! Wrong usage: what the parser of arguments refused, said as a person would.
//!
//! Invariant: every message names the argument as it was typed, and what is legal there.

use std::borrow::Cow;

use clap::{
    Command, CommandFactory, Error,
    error::{ContextKind, ContextValue, ErrorKind},
};
use trix_core::mistake::{Excerpt, closest, hint, none_of};

use super::{Cli, habits, typed::Typed};
use crate::render::problem::Problem;

/// The problems in the arguments `typed`, of which the parser reported `error`.
pub fn problems(error: &Error, typed: &Typed) -> Vec<Problem> {
    let mut cli = Cli::command();
    cli.build();
    let named = typed.words().iter().find_map(|word| cli.find_subcommand(word));
    let usage = Usage { error, typed, cli: &cli, command: named };
    let mut problems = usage.problems();
    if usage.is_about_help() {
        let of = named.map_or(String::new(), |command| format!(" {}", command.get_name()));
        problems.push(Problem { message: format!("See trix{of} --help."), excerpt: None });
    }
    problems
}

struct Usage<'a> {
    error: &'a Error,
    typed: &'a Typed,
    cli: &'a Command,
    /// The subcommand that was typed.
    command: Option<&'a Command>,
}

impl Usage<'_> {
    fn problems(&self) -> Vec<Problem> {
        let one = |message: String, excerpt: Option<Excerpt>| vec![Problem { message, excerpt }];
        let (option, value) = (self.option(), self.one(ContextKind::InvalidValue));
        match self.error.kind() {
            ErrorKind::InvalidValue if value.is_empty() => {
                let given = self.typed.options(&option);
                let wanted = needs(&option).map_or_else(|| format!("a value: {}", self.value_name()), str::to_owned);
                one(format!("{option} needs {wanted}"), given.last().map(|found| found.excerpt_of_end()))
            }
            ErrorKind::InvalidValue => {
                let known = self.many(ContextKind::ValidValue);
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                one(format!("{option}: {}", none_of(&value, &known)), self.excerpt(&option, &value, &value))
            }
            ErrorKind::ValueValidation => {
                let inner = std::error::Error::source(self.error).map_or(String::new(), ToString::to_string);
                let (message, part) = match needs(&option) {
                    Some(needs) => (format!("{option} needs {needs}, and '{value}' is none"), value.as_str()),
                    None => (format!("{option}: {inner}"), quoted(&inner).unwrap_or(&value)),
                };
                one(message, self.excerpt(&option, &value, part))
            }
            ErrorKind::UnknownArgument => self.unknown(),
            ErrorKind::InvalidSubcommand => {
                one(self.no_command(), self.word(&self.one(ContextKind::InvalidSubcommand)))
            }
            ErrorKind::ArgumentConflict => {
                let other = self.many(ContextKind::PriorArg);
                let other: Vec<&str> = other.iter().map(|own| name_of(own)).collect();
                let message = match other.as_slice() {
                    [other] if *other == option => format!("{option} is given twice"),
                    _ => format!("{option} cannot be used with {}", other.join(", ")),
                };
                one(message, self.typed.options(&option).last().map(|found| found.excerpt()))
            }
            ErrorKind::MissingRequiredArgument => one(self.missing(), None),
            ErrorKind::TooManyValues => {
                let message = format!("{option} takes no value, and '{value}' is given");
                one(message, self.excerpt(&option, &value, &value))
            }
            _ => {
                let text = self.error.to_string();
                let first = text.lines().next().unwrap_or_default();
                one(first.trim_start_matches("error: ").to_owned(), None)
            }
        }
    }

    /// True if the help of the command says more than the message.
    fn is_about_help(&self) -> bool {
        !matches!(self.error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::TooManyValues)
    }

    fn one(&self, kind: ContextKind) -> String {
        match self.error.get(kind) {
            Some(ContextValue::String(text)) => text.clone(),
            Some(ContextValue::Strings(texts)) => texts.first().cloned().unwrap_or_default(),
            _ => String::new(),
        }
    }

    fn many(&self, kind: ContextKind) -> Vec<String> {
        match self.error.get(kind) {
            Some(ContextValue::String(text)) => vec![text.clone()],
            Some(ContextValue::Strings(texts)) => texts.clone(),
            _ => Vec::new(),
        }
    }

    /// The argument that the parser names, such as `--crf` or `SOURCE`.
    fn option(&self) -> String {
        name_of(&self.one(ContextKind::InvalidArg)).to_owned()
    }

    /// What the option takes, by the name of its value.
    fn value_name(&self) -> String {
        let known = self.many(ContextKind::ValidValue);
        if !known.is_empty() {
            return known.join(", ");
        }
        let argument = self.one(ContextKind::InvalidArg);
        argument.split_once(' ').map_or("VALUE", |(_, name)| name).trim_matches(['<', '>']).to_owned()
    }

    /// The option with its value, and `part` of it as what is wrong; without the option, the value alone.
    fn excerpt(&self, option: &str, value: &str, part: &str) -> Option<Excerpt> {
        let found = self.typed.options(option);
        let meant = found.iter().find(|found| found.value().contains(value));
        meant.map(|found| found.excerpt_of(part)).or_else(|| self.word(value))
    }

    fn word(&self, word: &str) -> Option<Excerpt> {
        self.typed.word(word).map(|found| found.excerpt())
    }

    /// The name of the command.
    fn title(&self) -> &str {
        self.command.unwrap_or(self.cli).get_name()
    }

    fn has(&self, long: &str) -> bool {
        has(self.command.unwrap_or(self.cli), long)
    }

    /// Arguments that the command does not have.
    fn unknown(&self) -> Vec<Problem> {
        let habits = self.habits();
        if !habits.is_empty() {
            return habits;
        }
        // As it was typed: it can have spaces and brackets.
        let argument = self.one(ContextKind::InvalidArg);
        let one = |message: String, word: &str| vec![Problem { message, excerpt: self.word(word) }];
        let title = self.title();
        if !argument.starts_with('-') {
            let message = match title {
                "encode" => format!(
                    "{title} takes one source, and '{argument}' is one more; name the output with -o {}",
                    for_a_shell(&argument)
                ),
                _ => format!("{title} takes no further argument, and '{argument}' is one"),
            };
            return one(message, &argument);
        }
        let argument = argument.split('=').next().unwrap_or_default().to_owned();
        let words = self.typed.words();
        // A negative number looks like an option.
        if argument[1..].starts_with(|first: char| first.is_ascii_digit())
            && let Some(at) = words.iter().position(|word| word.starts_with(&argument))
            && let Some(before) = at.checked_sub(1).and_then(|at| words.get(at))
        {
            let wanted = needs(before).unwrap_or("a value");
            let (value, text) = (&words[at], format!("{before} {}", words[at]));
            let excerpt = Excerpt::new(None, &text, before.len() + 1..text.len());
            let message = format!("{before} needs {wanted}, and '{value}' is none");
            return vec![Problem { message, excerpt: Some(excerpt) }];
        }
        // The parser names only the first letter of what has one dash.
        let is_long = argument.starts_with("--");
        let whole = words.iter().find(|word| {
            *word == &argument || word.starts_with(&format!("{argument}=")) || (!is_long && word.starts_with(&argument))
        });
        // Behind a letter that is an option, another letter of the word is named.
        let letter = argument.chars().nth(1).filter(|_| argument.len() == 2);
        let is_around = |word: &&String| {
            !word.starts_with("--") && word.starts_with('-') && letter.is_some_and(|letter| word[1..].contains(letter))
        };
        let whole = whole.or_else(|| words.iter().find(is_around));
        let (typed, whole) = (whole.map_or(argument.as_str(), String::as_str), whole);
        let name = typed.split('=').next().unwrap_or_default().trim_start_matches('-');
        let all: Vec<&str> =
            self.command.unwrap_or(self.cli).get_arguments().filter_map(|own| own.get_long()).collect();
        let elsewhere = self.cli.get_subcommands().find(|other| has(other, name));
        let message = match (closest(name, &all), elsewhere) {
            (Some(near), _) if near == name => {
                format!("{title} has no option -{name}; long options have two dashes: --{near}")
            }
            (_, Some(other)) if typed.starts_with("--") => {
                format!("{title} has no option --{name}; trix {} has it", other.get_name())
            }
            (Some(near), _) => {
                format!("{title} has no option {}; did you mean --{near}?", typed.split('=').next().unwrap_or_default())
            }
            (None, _) => format!("{title} has no option {}", typed.split('=').next().unwrap_or_default()),
        };
        one(message, whole.map_or("", String::as_str))
    }

    /// The options of ffmpeg among the arguments.
    fn habits(&self) -> Vec<Problem> {
        let words = self.typed.words();
        let title = self.command.map_or("encode", Command::get_name);
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(word) = words.get(at).filter(|word| *word != "--") {
            at += 1;
            let next = words.get(at).map(String::as_str);
            if word.starts_with("--") || !word.starts_with('-') || self.is_short(word) {
                // The value of an option of Trix is no option of ffmpeg.
                if self.takes_value(word) {
                    at += 1;
                }
                continue;
            }
            let value = next.filter(|_| !habits::is_flag(word));
            let instead = match word.as_str() {
                "-i" => {
                    let source = value.map_or("FILE".into(), for_a_shell);
                    let end = if self.has("output") || self.command.is_none() { " -o OUT" } else { "" };
                    format!("the source stands without -i: trix {title} {source}{end}")
                }
                word => match habits::instead(word, value) {
                    Some(instead) if self.fits(&instead) => format!("{word} is an option of ffmpeg; {instead}"),
                    Some(instead) => format!(
                        "{word} is an option of ffmpeg, and {title} has none for it; trix encode has: {instead}"
                    ),
                    None => continue,
                },
            };
            let text = value.map_or(word.clone(), |value| format!("{word} {value}"));
            let excerpt = Some(Excerpt::new(None, &text, 0..word.len()));
            found.push(Problem { message: instead, excerpt });
            if value.is_some() {
                at += 1;
            }
        }
        found
    }

    /// True if the command has all options that the text names.
    fn fits(&self, text: &str) -> bool {
        let names = text.split([' ', ',', ':']).filter_map(|word| word.strip_prefix("--"));
        self.command.is_none() || names.into_iter().all(|name| self.has(name))
    }

    fn is_short(&self, word: &str) -> bool {
        let mut arguments = self.command.unwrap_or(self.cli).get_arguments();
        arguments.any(|own| own.get_short().is_some_and(|short| word == format!("-{short}")))
    }

    fn takes_value(&self, word: &str) -> bool {
        let mut arguments = self.command.unwrap_or(self.cli).get_arguments();
        let is_named = |own: &clap::Arg| {
            own.get_long().is_some_and(|long| word == format!("--{long}"))
                || own.get_short().is_some_and(|short| word == format!("-{short}"))
        };
        arguments.any(|own| is_named(own) && own.get_action().takes_values())
    }

    fn no_command(&self) -> String {
        let word = self.one(ContextKind::InvalidSubcommand);
        let names: Vec<&str> =
            self.cli.get_subcommands().filter(|own| !own.is_hide_set()).map(Command::get_name).collect();
        let near = hint(&word, &names);
        let hint = match near.is_empty() && word.contains(['.', '/']) {
            true => format!("a command comes before the source: trix encode {} -o OUT. ", for_a_shell(&word)),
            false => near,
        };
        format!("there is no command '{word}'; {hint}Commands are {}", names.join(", "))
    }

    fn missing(&self) -> String {
        let title = self.title();
        let all = self.many(ContextKind::InvalidArg);
        let plain: Vec<String> = all.iter().map(|own| own.replace(['<', '>'], "")).collect();
        let command = self.command.unwrap_or(self.cli);
        let is_required = |own: &String| {
            command.get_arguments().any(|known| known.is_required_set() && own.starts_with(&known.to_string()))
        };
        match all.iter().all(is_required) {
            true => format!("{title} needs {}", plain.join(" and ")),
            false => format!("an option that is given works only with {}", plain.join(" and ")),
        }
    }
}

/// What an option for a number takes, with its range.
fn needs(option: &str) -> Option<&'static str> {
    Some(match option {
        "--crf" => "a number from 0 to 51",
        "--qp" => "a whole number from 0 to 69 (x264) or 51 (x265)",
        "--bitrate" => "a rate in kbit/s from 1 to 2000000, such as 4500, 4500k or 12M",
        "--maxrate" => "a rate in kbit/s from 1 to 4000000, such as 4500, 4500k or 12M",
        "--bufsize" => "a size in kbit from 1 to 4000000, such as 9000, 9000k or 12M",
        "--target" => "a metric and a score, such as psnr=42, ssim=0.985 or vmaf=95",
        "--passes" => "1 or 2",
        "--depth" => "a number of bits: 8, 10 or 12; with ffv1 up to 16",
        "--gop" => "a number of frames, 1 or more",
        "--frames" => "a number of frames, 1 or more",
        "--threads" => "a number of threads from 1 to 128",
        "--audio-rate" => "a rate in Hz from 1000 to 768000, such as 48000",
        "--chunk-retries" => "a number of attempts after the first one, 0 or more",
        "--chunk-patience" => "a number of seconds, 1 or more",
        "--video-stream" => "the number of a stream in trix probe, 0 or more",
        _ => return None,
    })
}

fn has(command: &Command, long: &str) -> bool {
    command.get_arguments().any(|own| own.get_long() == Some(long))
}

/// An argument as one writes it for a shell.
fn for_a_shell(argument: &str) -> Cow<'_, str> {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./:,+=%@".contains(letter);
    match argument.chars().all(is_plain) && !argument.is_empty() {
        true => argument.into(),
        false => format!("'{}'", argument.replace('\'', "'\\''")).into(),
    }
}

/// The name of an argument without its value: `--crf` of `--crf <F>`.
fn name_of(argument: &str) -> &str {
    argument.split([' ', '=']).next().unwrap_or_default().trim_matches(['<', '>']).trim_end_matches('[')
}

/// The last text between single quotation marks.
fn quoted(message: &str) -> Option<&str> {
    let (before, _) = message.rsplit_once('\'')?;
    Some(before.rsplit_once('\'')?.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn refused(line: &str) -> Vec<Problem> {
        refused_words(&line.split(' ').collect::<Vec<_>>())
    }

    fn refused_words(words: &[&str]) -> Vec<Problem> {
        let line = words.join(" ");
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let parsed = Cli::try_parse_from(std::iter::once("trix".to_owned()).chain(words.iter().cloned()));
        let Err(error) = parsed else { panic!("{line} is no mistake") };
        problems(&error, &Typed::new(words))
    }

    #[test]
    fn every_option_for_a_number_says_its_range() {
        let mut cli = Cli::command();
        cli.build();
        for command in cli.get_subcommands() {
            for argument in command.get_arguments().filter(|own| own.get_action().takes_values()) {
                let Some(long) = argument.get_long() else { continue };
                let positionals = command.get_positionals().map(|_| "x");
                let words = ["trix", command.get_name()].into_iter().chain(positionals).map(str::to_owned);
                let words = words.chain([format!("--{long}"), "abc".to_owned()]);
                let Err(error) = Cli::try_parse_from(words) else { continue };
                let Some(inner) = std::error::Error::source(&error) else { continue };
                let is_number = inner.is::<std::num::ParseIntError>() || inner.is::<std::num::ParseFloatError>();
                assert!(!is_number || needs(&format!("--{long}")).is_some(), "--{long}: {inner}");
            }
        }
    }

    #[test]
    fn options_of_ffmpeg_are_all_found_and_values_of_trix_are_not_taken_for_them() {
        let found = refused("encode -i a.mov -c:v libx265 -crf 20 -an -y --metadata -y b.mp4");
        let messages: Vec<&str> = found.iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "the source stands without -i: trix encode a.mov -o OUT",
                "-c:v is an option of ffmpeg; use --video x265",
                "-crf is an option of ffmpeg; use --crf 20",
                "-an is an option of ffmpeg; use --audio none",
                "-y is an option of ffmpeg; use --overwrite",
                "See trix encode --help.",
            ]
        );
    }

    #[test]
    fn the_nearest_option_and_the_command_that_has_it_are_named() {
        for (line, expected) in [
            ("encode a -o b --vidoe x264", "encode has no option --vidoe; did you mean --video?"),
            ("encode a -o b -video x264", "encode has no option -video; long options have two dashes: --video"),
            ("ingest a -o b --crf 20", "ingest has no option --crf; trix encode has it"),
            ("encode a -o b --qwertz", "encode has no option --qwertz"),
            ("encode a -o b --qp -3", "--qp needs a whole number from 0 to 69 (x264) or 51 (x265), and '-3' is none"),
            (
                "ingest a -o b -crf 20",
                "-crf is an option of ffmpeg, and ingest has none for it; trix encode has: use --crf 20",
            ),
            ("encode a b -o c", "encode takes one source, and 'b' is one more; name the output with -o b"),
            ("run job.toml x", "run takes no further argument, and 'x' is one"),
            ("man encode x", "man takes no further argument, and 'x' is one"),
            ("plan job.toml x", "plan takes no further argument, and 'x' is one"),
            ("encode a", "encode needs --output OUT"),
            ("encode a -o b --passes 2", "an option that is given works only with --bitrate KBPS"),
            ("encode a -o b --crf 20 --crf 21", "--crf is given twice"),
            ("encode a -o b --json=1", "--json takes no value, and '1' is given"),
            ("encode a -o", "--output needs a value: OUT"),
        ] {
            assert_eq!(refused(line)[0].message, expected, "{line}");
        }
    }
    #[test]
    fn names_with_spaces_brackets_and_equals_signs_are_named_whole() {
        for (name, quoted) in [
            ("my film.mov", "'my film.mov'"),
            ("a=b.mov", "a=b.mov"),
            ("film <1>.mov", "'film <1>.mov'"),
            ("it's.mov", "'it'\\''s.mov'"),
        ] {
            let found = refused_words(&["encode", "a.mov", name, "-o", "b.mp4"]);
            let expected =
                format!("encode takes one source, and '{name}' is one more; name the output with -o {quoted}");
            assert_eq!(found[0].message, expected);
            let excerpt = found[0].excerpt.as_ref().expect("an excerpt");
            assert_eq!(&excerpt.text[excerpt.bytes()], name);
        }
        let found = refused_words(&["encode", "-i", "my film.mov", "b.mp4"]);
        assert_eq!(found[0].message, "the source stands without -i: trix encode 'my film.mov' -o OUT");
        let found = refused_words(&["encode", "a", "-o", "b", "--vidoe=x264 fast"]);
        assert_eq!(found[0].message, "encode has no option --vidoe; did you mean --video?");
    }
}
