//! Tests that waveforms show audio at the right position and height, in every sample format.

use std::path::{Path, PathBuf};

use trix_core::{
    settings::still::{Paint, StillSettings, WaveformChannels, WaveformSettings},
    still::{StillReport, waveform::WaveformReport},
};
use trix_fixtures::folder;

use crate::support::{
    made_by_ffmpeg,
    stills::{made, shown, written},
};

/// Makes a waveform and decodes it with the `ffmpeg` program. The second value has the drawn rows of each column.
fn waveform(source: &Path, settings: WaveformSettings) -> (WaveformReport, Vec<Vec<usize>>, Option<String>) {
    let folder = folder();
    let (background, color) = (Paint([255, 255, 255, 255]), Paint([0, 0, 0, 255]));
    let settings = WaveformSettings { path: "wave.png".into(), background, color, rms_color: color, ..settings };
    let height = settings.height as usize;
    let made = made(source, &[StillSettings::Waveform(settings)]);
    let StillReport::Waveform(report) = made[0].report.clone() else { panic!("a waveform") };
    let files = written(&made[0], &folder);
    let image = shown(&files[0], "");
    assert_eq!(image.height, height);
    let column = |x: usize| (0..height).filter(|y| image.at(x, *y)[0] < 128).collect();
    let json = files.get(1).map(|file| std::fs::read_to_string(file).unwrap());
    (report, (0..image.width).map(column).collect(), json)
}

fn audio(name: &str, expression: &str, options: &str) -> PathBuf {
    made_by_ffmpeg(name, &format!("-f lavfi -i {expression} {options}"))
}

fn wave(width: u32, height: u32) -> WaveformSettings {
    WaveformSettings { width, height, ..Default::default() }
}

#[test]
fn silence_is_a_line_and_full_scale_fills_the_height() {
    let silence = audio("still-silence.wav", "anullsrc=r=48000:cl=mono:d=2", "-c:a pcm_s16le -f wav");
    let (report, columns, _) = waveform(&silence, wave(100, 41));
    assert!(columns.iter().all(|rows| *rows == [20]), "{columns:?}");
    assert_eq!((report.samples, report.sample_rate, &report.peaks[..]), (96_000, 48_000, &[0.0f32][..]));
    for (name, codec) in
        [("16", "pcm_s16le"), ("24", "pcm_s24le"), ("8", "pcm_u8"), ("32f", "pcm_f32le"), ("64f", "pcm_f64le")]
    {
        let expression = "aevalsrc=sin(2*PI*440*t):s=48000:d=2";
        let full = audio(&format!("still-full-{name}.wav"), expression, &format!("-c:a {codec} -f wav"));
        let (report, columns, _) = waveform(&full, wave(100, 41));
        assert!(columns.iter().all(|rows| rows.first() <= Some(&0) && rows.len() == 41), "{name}: {columns:?}");
        assert!((report.rms[0] - 0.5f64.sqrt()).abs() < 0.01, "{name}: {:?}", report.rms);
    }
}

#[test]
fn audio_on_the_left_shows_on_the_left_only() {
    let left = audio("still-left.flac", "aevalsrc=0.5*sin(2*PI*440*t)|0:s=44100:d=1", "-c:a flac -f flac");
    let each = WaveformSettings { channels: WaveformChannels::Each, ..wave(64, 80) };
    let (report, columns, _) = waveform(&left, each);
    assert_eq!(report.channels, 2);
    for rows in &columns {
        // The upper lane has rows 0 to 39 and uses half of them. The lower lane has one line.
        let (upper, lower): (Vec<usize>, Vec<usize>) = rows.iter().partition(|row| **row < 40);
        assert!((19..=22).contains(&upper.len()), "{rows:?}");
        assert_eq!(lower.len(), 1, "{rows:?}");
    }
    // Mixed to mono, the level is half.
    let (report, columns, _) = waveform(&left, wave(64, 80));
    assert_eq!(report.channels, 1);
    assert!(columns.iter().all(|rows| (19..=22).contains(&rows.len())), "{columns:?}");
}

#[test]
fn a_beep_is_drawn_at_its_column_with_video_and_in_lossy_audio() {
    let expression = "aevalsrc=if(between(t\\,6\\,6.1)\\,0.8*sin(2*PI*1000*t)\\,0)|0:s=48000:d=10";
    let wav = audio("still-beep.wav", expression, "-c:a pcm_s16le -f wav");
    let film = made_by_ffmpeg(
        "still-beep.mp4",
        &format!(
            "-f lavfi -i testsrc2=size=64x48:rate=25:duration=10 -f lavfi -i {expression} -c:v libx264 -preset ultrafast \
             -pix_fmt yuv420p -c:a aac -f mp4"
        ),
    );
    for source in [wav, film] {
        let (_, columns, json) =
            waveform(&source, WaveformSettings { peaks: Some("wave.json".into()), ..wave(1000, 101) });
        let loud: Vec<usize> = (0..1000).filter(|x| columns[*x].len() > 20).collect();
        let (first, last) = (*loud.first().unwrap(), *loud.last().unwrap());
        assert!((599..=601).contains(&first) && (608..=610).contains(&last), "{}: {first} {last}", source.display());
        let json: serde_json::Value = serde_json::from_str(&json.expect("peaks")).unwrap();
        assert_eq!(
            (json["version"].as_u64(), json["bits"].as_u64(), json["channels"].as_u64()),
            (Some(2), Some(16), Some(1))
        );
        let data: Vec<i64> = json["data"].as_array().unwrap().iter().map(|value| value.as_i64().unwrap()).collect();
        let (length, size) = (json["length"].as_u64().unwrap(), json["samples_per_pixel"].as_u64().unwrap());
        assert_eq!(data.len() as u64, 2 * length);
        // A block of AAC has 1024 samples.
        let samples = length * size;
        assert!((1000..2000).contains(&length) && (480_000..481_280).contains(&samples), "{length} of {size}");
        let loud: Vec<u64> =
            (0..length).filter(|at| data[2 * *at as usize + 1] > 6000 && data[2 * *at as usize] < -6000).collect();
        let (first, last) = (loud[0] * size, (loud[loud.len() - 1] + 1) * size);
        assert!(first.abs_diff(6 * 48_000) <= 2 * size && last.abs_diff(61 * 4800) <= 2 * size, "{first} {last}");
    }
}
