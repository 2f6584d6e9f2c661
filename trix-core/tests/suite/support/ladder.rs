//! A ladder with audio in two languages and text, as separate files, and the package made from it.

use std::path::{Path, PathBuf};

use trix_core::{
    Job,
    control::cancel::{Cancel, Token},
    package::{Input, RenditionRecord, assemble},
    settings::{
        audio::AudioSettings,
        package::PackageSettings,
        subtitle::SubtitleSettings,
        video::{Encoder, Size, VideoSettings},
    },
};
use trix_fixtures::{clip, program};

use super::{done, quick, video_job};

/// Twelve and a half seconds of video, two audio tracks, and subtitles.
pub fn source() -> PathBuf {
    clip::made("package-source.mkv", |path| {
        let text = path.with_extension("srt");
        let cues = "1\n00:00:00,500 --> 00:00:01,500\n<i>One</i>\n\n\
                    2\n00:00:01,700 --> 00:00:04,300\nTwo, over\na boundary\n\n\
                    3\n00:00:11,000 --> 00:00:12,000\nThree & last\n";
        std::fs::write(&text, cues).expect("a file of subtitles");
        program::ffmpeg(&format!(
            "-f lavfi -i testsrc2=size=320x180:rate=25 -f lavfi -i sine=frequency=440:sample_rate=48000 \
             -f lavfi -i sine=frequency=660:sample_rate=48000 -i {} -map 0:v -map 1:a -map 2:a -map 3:s -t 12.52 \
             -c:v ffv1 -c:a flac -ac 2 -c:s subrip -metadata:s:a:0 language=eng -metadata:s:a:1 language=rus \
             -metadata:s:s:0 language=eng -metadata:s:s:0 title=English -pix_fmt yuv420p {}",
            text.display(),
            path.display()
        ));
        std::fs::remove_file(text).expect("the file of subtitles goes away");
    })
}

/// Encodes the frames of the source with a keyframe every `gop` frames.
pub fn rung(folder: &Path, name: &str, encoder: Encoder, width: i32, gop: u32, params: &str) -> PathBuf {
    let output = folder.join(name).with_extension("mp4");
    let mut settings = quick(params);
    settings.gop = Some(gop);
    settings.open_gop = Some(false);
    let mut job = video_job(&source(), &output, encoder, settings);
    job.outputs[0].picture.size = Some(Size { width, height: -2 });
    job.outputs[0].subtitles = SubtitleSettings::None;
    done(&job);
    output
}

/// Encodes the audio of the source.
pub fn audio_file(folder: &Path, name: &str, audio: AudioSettings) -> PathBuf {
    let output = folder.join(name).with_extension("mp4");
    let mut job = Job::new(source(), &output);
    job.outputs[0].video = VideoSettings::None;
    job.outputs[0].audio = audio;
    job.outputs[0].subtitles = SubtitleSettings::None;
    done(&job);
    output
}

/// A track of a file.
pub fn input(path: &Path, stream: usize, id: &str) -> Input {
    Input { path: path.to_owned(), stream, id: id.to_owned() }
}

/// The inputs of a ladder of two rungs, with audio in two languages and text.
pub fn ladder(folder: &Path, encoder: Encoder, params: &str, audio: AudioSettings) -> Vec<Input> {
    let high = rung(folder, "high", encoder, 320, 50, params);
    let low = rung(folder, "low", encoder, 160, 50, params);
    let audio_file = audio_file(folder, "sound", audio);
    vec![
        input(&high, 0, "high"),
        input(&low, 0, "low"),
        input(&audio_file, 0, "english"),
        input(&audio_file, 1, "russian"),
        input(&source(), 3, "text"),
    ]
}

/// Settings with segments of two seconds.
pub fn two_seconds() -> PackageSettings {
    PackageSettings { segment: trix_core::media::time::Rational::new(2, 1), ..PackageSettings::default() }
}

/// Makes a package and verifies it.
pub fn packaged(inputs: &[Input], target: &Path, settings: &PackageSettings) -> Vec<RenditionRecord> {
    let package = assemble(inputs, target, settings, false, &Cancel::default()).expect("a package");
    for check in package.verify(false, &Token::new(&Cancel::default())).expect("a package that can be read").checks {
        assert!(check.ok, "{}: expected {}, found {}", check.name, check.expected, check.found);
    }
    let records = package.records().to_vec();
    package.commit().expect("a name");
    records
}
