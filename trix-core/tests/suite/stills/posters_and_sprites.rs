//! Tests of still images. Posters and thumbnails, in another decoder, show the frame of the source at their time, in
//! the colours that the file format defines. The tests read cues with their own parser.

use std::path::{Path, PathBuf};

use trix_core::{
    ErrorKind,
    media::time::{TimeBase, Timestamp},
    settings::still::{PosterSettings, SpriteSettings, StillSettings, WaveformSettings},
    still::{StillReport, poster::PosterReport, sprites::SpriteReport},
};
use trix_fixtures::{TempDir, folder, media, program};

use crate::support::{
    colorimetry, ffprobe, frames, made_by_ffmpeg,
    stills::{Rgb, SWS, all_shown, film, made, make, psnr, seconds, shown, written},
    text,
};

/// Makes a poster. Returns its path and its report.
fn poster(source: &Path, folder: &TempDir, settings: PosterSettings) -> (PathBuf, PosterReport) {
    let made = made(source, &[StillSettings::Poster(settings)]);
    let [still] = made.as_slice() else { panic!("one still") };
    let StillReport::Poster(report) = still.report.clone() else { panic!("a poster") };
    (written(still, folder).remove(0), report)
}

fn poster_at(path: &str, time: &str) -> PosterSettings {
    PosterSettings { path: path.into(), at: Some(seconds(time)), quality: 95, ..Default::default() }
}

#[test]
fn a_poster_at_a_time_is_the_frame_that_is_shown_then() {
    let source = film();
    let formats = [("poster.png", 45.0), ("poster.jpg", 36.0), ("poster.webp", 32.0)];
    for (time, number) in [("0", 0), ("4.039", 100), ("4.04", 101), ("99", 299)] {
        let folder = folder();
        let all = made(&source, &formats.map(|(path, _)| StillSettings::Poster(poster_at(path, time))));
        let expected =
            shown(&source, &format!("select=eq(n\\,{number}),scale=in_color_matrix=bt709:{SWS},format=rgb24"));
        for (still, (path, least)) in all.iter().zip(formats) {
            let StillReport::Poster(report) = &still.report else { panic!("a poster") };
            assert_eq!((report.number, report.width, report.height), (number, 640, 360), "{time}: {}", report.why);
            let found = psnr(&shown(&written(still, &folder)[0], ""), &expected);
            assert!(found > least, "{path} at {time}: {found} dB");
        }
    }
}

#[test]
fn a_poster_is_as_wide_as_asked_and_never_larger_than_the_source() {
    let source = film();
    let folder = folder();
    let sized = |width, height| PosterSettings { width, height, ..poster_at("poster.jpg", "1") };
    for (settings, expected) in [
        (sized(320, None), (320, 180)),
        (sized(1920, Some(100)), (178, 100)),
        (sized(5000, Some(5000)), (640, 360)),
        (sized(333, None), (333, 187)),
    ] {
        let (file, report) = poster(&source, &folder, settings);
        assert_eq!((report.width, report.height), expected);
        let image = shown(&file, "");
        assert_eq!((image.width, image.height), expected);
        let (width, height) = expected;
        let chain = format!("select=eq(n\\,25),scale={width}:{height}:in_color_matrix=bt709:{SWS},format=rgb24");
        let found = psnr(&image, &shown(&source, &chain));
        assert!(found > 33.0, "{width}x{height}: {found} dB");
    }
}

/// Nine patches of one colour each in limited-range BT.709: white, yellow, cyan, green, magenta, red, blue, black,
/// grey.
const BARS: [[u16; 3]; 9] = [
    [235, 128, 128],
    [219, 16, 138],
    [188, 154, 16],
    [173, 42, 26],
    [78, 214, 230],
    [63, 102, 240],
    [32, 240, 118],
    [16, 128, 128],
    [126, 128, 128],
];

#[test]
fn colour_bars_have_the_values_that_jfif_gives_them() {
    let folder = folder();
    let planes = (0..3).map(|plane| {
        let shift = usize::from(plane > 0);
        frames::Grid::new((9 * 64) >> shift, 128 >> shift, |x, _| BARS[(x << shift) / 64][plane])
    });
    let source = folder.path().join("bars.mp4");
    let options = "-c:v libx264 -qp 0 -vf setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709";
    frames::written(&source, &frames::joined(&[planes.collect()], "yuv420p"), "yuv420p", (9 * 64, 128), options);

    let bt709 = colorimetry::Space::new(colorimetry::BT709, colorimetry::WEIGHTS_709, 8);
    let jfif = colorimetry::Space { full: true, weights: colorimetry::WEIGHTS_601, ..bt709 };
    for (quality, name) in [(85, "yuvj420p"), (95, "yuvj444p")] {
        let (file, _) = poster(&source, &folder, PosterSettings { quality, ..poster_at("bars.jpg", "0") });
        let stream = ffprobe(&file, "-show_streams")["streams"][0].clone();
        assert_eq!((text(&stream["pix_fmt"]), text(&stream["color_range"])), (name.to_owned(), "pc".to_owned()));
        let bytes = std::fs::read(&file).unwrap();
        // ITU-T T.871, clause 10.1: the first segment is that of JFIF, with an aspect of 1 to 1.
        assert_eq!(&bytes[..11], b"\xff\xd8\xff\xe0\0\x10JFIF\0");
        assert_eq!(&bytes[13..18], [0, 0, 1, 0, 1]);
        let line = format!("-i {} -f rawvideo -", file.display());
        let planes = frames::split(&program::ffmpeg(&line).stdout, &name.replace('j', ""), 9 * 64, 128).remove(0);
        for (bar, codes) in BARS.iter().enumerate() {
            let expected =
                jfif.clipped(jfif.codes(bt709.signal(codes.map(f64::from)).map(|part| part.clamp(0.0, 1.0))));
            for (plane, expected) in expected.iter().enumerate() {
                let shift = if plane > 0 && quality < 90 { 1 } else { 0 };
                let found = planes[plane].at((bar * 64 + 32) >> shift, 64 >> shift);
                let off = (f64::from(found) - expected).abs();
                assert!(off <= 3.0, "bar {bar}, plane {plane}: {found} should be {expected}");
            }
        }
    }
    // PNG and WebP store red, green and blue.
    for (path, most) in [("bars.png", 1.0), ("bars.webp", 4.0)] {
        let (file, _) = poster(&source, &folder, poster_at(path, "0"));
        let image = shown(&file, "");
        for (bar, codes) in BARS.iter().enumerate() {
            let expected = bt709.signal(codes.map(f64::from)).map(|part| (part * 255.0).clamp(0.0, 255.0));
            for (found, expected) in image.at(bar * 64 + 32, 64).into_iter().zip(expected) {
                assert!((f64::from(found) - expected).abs() <= most, "{path}, bar {bar}: {found}, not {expected}");
            }
        }
    }
}

#[test]
fn chroma_of_jpeg_is_sited_between_luma_samples() {
    // The chroma of the source is moved to the chroma siting of JFIF. A colour edge must keep its position.
    let folder = folder();
    let source = folder.path().join("edge.mp4");
    let planes = [
        frames::Grid::new(128, 64, |_, _| 120),
        frames::Grid::new(128, 64, |x, _| if x < 64 { 90 } else { 170 }),
        frames::Grid::new(128, 64, |x, _| if x < 64 { 170 } else { 90 }),
    ];
    let options = "-c:v libx264 -qp 0 -vf setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709";
    frames::written(&source, &frames::joined(&[planes.to_vec()], "yuv444p"), "yuv444p", (128, 64), options);
    let (file, _) = poster(&source, &folder, PosterSettings { quality: 89, ..poster_at("edge.jpg", "0") });
    let line = format!("-i {} -f rawvideo -", file.display());
    let planes = frames::split(&program::ffmpeg(&line).stdout, "yuv420p", 128, 64).remove(0);
    let row: Vec<u16> = (0..64).map(|x| planes[1].at(x, 16)).collect();
    let (left, right) = (f64::from(row[8]), f64::from(row[56]));
    let nearer_left = row.iter().filter(|value| (f64::from(**value) - left).abs() < (f64::from(**value) - right).abs());
    assert_eq!(nearer_left.count(), 32, "{row:?}");
}

/// Compares the poster of a real file with the frame that ffmpeg makes with `chain`. `least` is the lowest PSNR.
fn assert_poster(name: &str, time: &str, size: (usize, usize), chain: &str, least: f64) {
    let Some(source) = media::file(name) else { return };
    let folder = folder();
    let (file, report) = poster(&source, &folder, PosterSettings { width: 4096, ..poster_at("poster.png", time) });
    assert_eq!((report.width, report.height), size, "{name}");
    let number = report.number;
    let (width, height) = size;
    let scale = format!("scale={width}:{height}:{SWS}");
    let chain = chain.replace("N", &number.to_string()).replace("SCALE", &scale);
    let found = psnr(&shown(&file, ""), &shown(&source, &chain));
    assert!(found > least, "{name}: {found} dB");
}

#[test]
fn anamorphic_frames_have_square_pixels() {
    // 1440x1080 with a sample aspect ratio of 4:3, and 176x144 with 128:117.
    let chain = "select=eq(n\\,N),SCALE:in_color_matrix=bt709,format=rgb24";
    assert_poster("hdv-1080p25.mov", "0.5", (1920, 1080), chain, 38.0);
    let chain = "select=eq(n\\,N),SCALE:in_color_matrix=smpte170m,format=rgb24";
    assert_poster("carphone_pristine.mp4", "2", (193, 144), chain, 36.0);
}

#[test]
fn rotated_frames_are_upright() {
    // ffmpeg rotates these files by itself.
    let chain = "select=eq(n\\,N),SCALE:in_color_matrix=bt709,format=rgb24";
    assert_poster("video_90.mov", "0.05", (320, 568), chain, 40.0);
    assert_poster("sample_rotate_and_reflect.mp4", "0.5", (720, 1080), chain, 40.0);
}

#[test]
fn full_range_and_colour_with_alpha_are_what_they_were() {
    let chain = "select=eq(n\\,N),SCALE:in_color_matrix=bt709:in_range=pc,format=rgb24";
    assert_poster("bt709_full_range.mp4", "0.5", (1280, 720), chain, 40.0);
    let chain = "select=eq(n\\,N),format=gbrap,premultiply=inplace=1,format=rgb24";
    assert_poster("png.mov", "0.5", (320, 240), chain, 40.0);
}

#[test]
fn fields_become_one_frame() {
    let chain = "bwdif=mode=send_frame:deint=all,select=eq(n\\,N),SCALE:in_color_matrix=bt709,format=rgb24";
    assert_poster("xdcam-ex-1080i50.mov", "0.5", (1920, 1080), chain, 36.0);
}

#[test]
fn high_dynamic_range_becomes_standard() {
    for (name, transfer, peak, size) in [
        ("hlg10-color-test.mp4", "arib-std-b67", 1000.0, (1920, 1080)),
        ("hdr10-video-with-sdr-container.mp4", "smpte2084", 1000.0, (1920, 1080)),
    ] {
        let chain = format!(
            "select=eq(n\\,N),setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc:range=tv,\
             zscale=t=linear:npl=203:agamma=0,format=gbrpf32le,zscale=p=bt709,tonemap=mobius:desat=0:peak={},\
             zscale=t=bt709:m=gbr:r=full,format=gbrp,format=rgb24",
            peak / 203.0
        );
        assert_poster(name, "0.1", size, &chain, 28.0);
    }
}

/// Makes a film of 30 seconds: black, a fade, one colour, a scene, a fade, and white lines on black.
fn titled() -> PathBuf {
    let scene = "testsrc2=size=320x180:rate=25:duration=10,hue=s=0.7,noise=alls=8:allf=t:all_seed=5,fade=in:0:50,fade=out:200:50";
    let credits = "color=black:size=320x180:rate=25:duration=10,drawbox=x=90:y=40:w=140:h=4:color=white:t=fill,\
                   drawbox=x=110:y=80:w=100:h=4:color=white:t=fill,drawbox=x=70:y=120:w=180:h=4:color=white:t=fill";
    made_by_ffmpeg(
        "still-titled.mp4",
        &format!(
            "-f lavfi -i color=black:size=320x180:rate=25:duration=5 -f lavfi -i {scene} -f lavfi -i \
             color=red:size=320x180:rate=25:duration=5 -f lavfi -i {credits} -filter_complex \
             [0][2][1][3]concat=n=4,format=yuv420p -c:v libx264 -preset ultrafast -crf 15 -f mp4"
        ),
    )
}

#[test]
fn the_automatic_poster_is_neither_black_nor_faded_nor_flat_nor_credits() {
    let source = titled();
    let folder = folder();
    let settings = PosterSettings { path: "poster.jpg".into(), ..Default::default() };
    let (file, report) = poster(&source, &folder, settings.clone());
    // Black until 5 s, red until 10 s, then the scene, without fades from 12 to 18 s. Credits from 20 s.
    let time = report.time.to_f64();
    assert!((11.8..=18.2).contains(&time), "{time}: {}", report.why);
    assert!(report.judged >= 200, "{}", report.judged);
    let chain = format!("select=eq(n\\,{}),scale=in_color_matrix=smpte170m:{SWS},format=rgb24", report.number);
    let found = psnr(&shown(&file, ""), &shown(&source, &chain));
    assert!(found > 28.0, "{found} dB");
    let (again, same) = poster(&source, &folder, PosterSettings { path: "again.jpg".into(), ..settings });
    assert_eq!((std::fs::read(file).unwrap(), report), (std::fs::read(again).unwrap(), same));
}

#[test]
fn the_automatic_poster_does_not_need_the_duration() {
    // An elementary stream states no duration.
    let raw = made_by_ffmpeg("still-titled.h264", &format!("-i {} -c:v copy -f h264", titled().display()));
    let (_, report) = poster(&raw, &folder(), PosterSettings { path: "poster.jpg".into(), ..Default::default() });
    let time = report.time.to_f64();
    assert!((11.8..=18.2).contains(&time), "{time}: {}", report.why);
}

#[test]
fn real_films_have_bright_and_sharp_posters() {
    for name in ["nasa_13013.mp4", "scene_cuts.mp4", "black.mp4", "bbb_2500ms.ts", "carphone_pristine.mp4"] {
        let Some(source) = media::file(name) else { return };
        let (_, report) =
            poster(&source, &folder(), PosterSettings { path: "poster.jpg".into(), ..Default::default() });
        let score = report.score.expect("frames were compared");
        assert!(score.score > 250 && (30..230).contains(&score.brightness), "{name}: {score:?}");
    }
}

/// A cue of a WebVTT file.
#[derive(Debug)]
struct Cue {
    start: u64,
    end: u64,
    sheet: String,
    place: [usize; 4],
}

/// Reads a WebVTT file of thumbnails. Accepts strictly what W3C WebVTT, section 4, allows.
fn cues(text: &str) -> Vec<Cue> {
    let rest = text.strip_prefix("WEBVTT\n\n").expect("the signature and a blank line");
    let millis = |text: &str| {
        let (clock, thousandths) = text.split_once('.').expect("thousandths");
        assert_eq!(thousandths.len(), 3, "{text}");
        let parts: Vec<u64> = clock.split(':').map(|part| part.parse().expect("a number")).collect();
        let [hours, minutes, seconds] = parts[..] else { panic!("{text}") };
        assert!(minutes < 60 && seconds < 60, "{text}");
        ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths.parse::<u64>().expect("a number")
    };
    let block = |block: &str| {
        let (times, payload) = block.trim_end_matches('\n').split_once('\n').expect("two lines");
        let (start, end) = times.split_once(" --> ").expect("an arrow");
        let (sheet, place) = payload.split_once("#xywh=").expect("a place");
        let place: Vec<usize> = place.split(',').map(|part| part.parse().expect("a number")).collect();
        let place = place.try_into().expect("four numbers");
        Cue { start: millis(start), end: millis(end), sheet: sheet.to_owned(), place }
    };
    rest.split("\n\n").map(block).collect()
}

/// Makes thumbnails. Returns the report, the cues, and the sheets by name.
fn sprites(source: &Path, settings: SpriteSettings) -> (SpriteReport, Vec<Cue>, Vec<(String, Rgb)>) {
    let folder = folder();
    let made = made(source, &[StillSettings::Sprites(settings)]);
    let [still] = made.as_slice() else { panic!("one still") };
    let StillReport::Sprites(report) = still.report.clone() else { panic!("thumbnails") };
    let mut files = written(still, &folder);
    let text = std::fs::read_to_string(files.pop().expect("a WebVTT file")).unwrap();
    let sheets = files.iter().map(|file| (file.file_name().unwrap().to_str().unwrap().to_owned(), shown(file, "")));
    let (cues, sheets): (Vec<Cue>, Vec<_>) = (cues(&text), sheets.collect());
    assert_eq!((cues.len(), sheets.len()), (report.count, report.sheets));
    assert_eq!(cues[0].start, 0);
    for pair in cues.windows(2) {
        assert_eq!(pair[0].end, pair[1].start, "a gap or an overlap");
    }
    for cue in &cues {
        let [left, top, width, height] = cue.place;
        assert!(cue.start < cue.end, "{cue:?}");
        assert_eq!((width, height), (report.width, report.height));
        let (_, sheet) = sheets.iter().find(|(name, _)| *name == cue.sheet).expect("the sheet exists");
        assert!(left + width <= sheet.width && top + height <= sheet.height, "{cue:?}");
    }
    (report, cues, sheets)
}

/// Asserts that each thumbnail is the frame that `ffmpeg` shows at its time. The source has 25 frames per second.
fn assert_tiles(source: &Path, cues: &[Cue], sheets: &[(String, Rgb)], least: f64) {
    let [_, _, width, height] = cues[0].place;
    let numbers: Vec<String> = cues.iter().map(|cue| format!("eq(n\\,{})", cue.start / 40)).collect();
    let chain = format!("select={},scale={width}:{height}:in_color_matrix=bt709:{SWS},format=rgb24", numbers.join("+"));
    let expected = all_shown(source, &chain, cues.len());
    assert_eq!(expected.len(), cues.len());
    for (cue, expected) in cues.iter().zip(expected) {
        let [left, top, width, height] = cue.place;
        let sheet = &sheets.iter().find(|(name, _)| *name == cue.sheet).expect("the sheet").1;
        let found = psnr(&sheet.part(left, top, width, height), &expected);
        assert!(found > least, "{cue:?}: {found} dB");
    }
}

fn sprite_settings() -> SpriteSettings {
    SpriteSettings { path: "sprites.jpg".into(), quality: 92, ..Default::default() }
}

#[test]
fn thumbnails_show_the_frames_of_their_times_on_several_sheets() {
    let source = film();
    let settings = SpriteSettings {
        interval: Some(seconds("1.5")),
        columns: 2,
        rows: 2,
        prefix: "/t/".into(),
        ..sprite_settings()
    };
    let folder = folder();
    let made = made(&source, &[StillSettings::Sprites(settings.clone())]);
    let names: Vec<&Path> = made[0].files.iter().map(|file| file.path.as_path()).collect();
    assert_eq!(names, ["sprites-001.jpg", "sprites-002.jpg", "sprites.vtt"].map(Path::new));
    drop(folder);
    let (report, cues, sheets) = sprites(&source, SpriteSettings { prefix: String::new(), ..settings });
    assert_eq!((report.count, report.width, report.height), (8, 160, 90));
    assert_eq!(cues.last().unwrap().end, 12_000);
    assert!(cues.iter().enumerate().all(|(index, cue)| cue.start == 1500 * index as u64));
    assert!(sheets.iter().all(|(_, sheet)| (sheet.width, sheet.height) == (320, 180)));
    assert_tiles(&source, &cues, &sheets, 30.0);
    let text = String::from_utf8(made[0].files[2].bytes.clone()).unwrap();
    assert!(text.contains("\n/t/sprites-002.jpg#xywh=160,90,160,90\n"), "{text}");
}

#[test]
fn as_many_thumbnails_come_as_are_asked_for_or_usual() {
    let source = film();
    let (report, cues, sheets) = sprites(&source, sprite_settings());
    // An interval of ten seconds would give two thumbnails. The minimum is twenty.
    assert_eq!((report.count, report.sheets, cues[1].start), (20, 1, 600));
    assert_eq!((sheets[0].1.width, sheets[0].1.height), (1600, 180));
    assert_tiles(&source, &cues, &sheets, 30.0);
    let (report, cues, sheets) = sprites(&source, SpriteSettings { count: Some(7), width: 96, ..sprite_settings() });
    assert_eq!((report.count, report.width, report.height), (7, 96, 54));
    assert_eq!(cues[1].start, 12_000 / 7);
    assert_eq!(cues.last().unwrap().end, 12_000);
    assert_tiles(&source, &cues, &sheets, 30.0);
    // Above the maximum: the interval doubles until they fit.
    let dense = SpriteSettings { interval: Some(seconds("0.04")), most: 50, ..sprite_settings() };
    let (report, cues, sheets) = sprites(&source, dense);
    assert_eq!((report.count, cues[1].start), (38, 320), "{}", report.why);
    assert!(report.why.contains("doubled 3 times"), "{}", report.why);
    assert_tiles(&source, &cues, &sheets, 30.0);
}

#[test]
fn without_a_duration_thumbnails_are_thinned_out() {
    let raw = made_by_ffmpeg("still-film.h264", &format!("-i {} -c:v copy -f h264", film().display()));
    let (report, cues, sheets) = sprites(&raw, sprite_settings());
    assert_eq!(cues.last().unwrap().end, 12_000);
    assert!((20..=24).contains(&report.count), "{}", report.count);
    assert_tiles(&raw, &cues, &sheets, 30.0);
    let (report, cues, sheets) = sprites(&raw, SpriteSettings { count: Some(5), ..sprite_settings() });
    assert!((4..=5).contains(&report.count), "{}", report.count);
    assert_eq!(cues.last().unwrap().end, 12_000);
    assert_tiles(&raw, &cues, &sheets, 30.0);
}

#[test]
fn the_shortest_films_have_a_thumbnail_and_a_poster() {
    let one = made_by_ffmpeg(
        "still-one.mp4",
        "-f lavfi -i testsrc2=size=64x48:rate=25 -frames:v 1 -c:v libx264 -pix_fmt yuv420p -crf 10 -f mp4",
    );
    let (report, cues, sheets) = sprites(&one, sprite_settings());
    assert_eq!((report.width, report.height), (64, 48));
    assert_eq!(cues.last().unwrap().end, 40);
    assert_eq!((report.count, sheets.len()), (1, 1));
    let (report, cues, sheets) = sprites(&one, SpriteSettings { interval: Some(seconds("10")), ..sprite_settings() });
    assert_eq!((report.count, cues[0].start, cues[0].end, sheets[0].1.width), (1, 0, 40, 64));
    let (_, report) = poster(&one, &folder(), PosterSettings { path: "poster.jpg".into(), ..Default::default() });
    assert_eq!((report.number, report.judged), (0, 1));
    // The film is shorter than the interval.
    let (report, cues, _) = sprites(&film(), SpriteSettings { interval: Some(seconds("60")), ..sprite_settings() });
    assert_eq!((report.count, cues[0].end), (1, 12_000));
}

#[test]
fn stills_of_uneven_times_show_the_frame_on_screen() {
    // Frames at 0, 1, 2, 3 and 7 seconds. From 4 to 6 seconds, the frame of 3 seconds stays on screen.
    let source = made_by_ffmpeg(
        "still-uneven.mkv",
        "-f lavfi -i testsrc2=size=160x90:rate=1:duration=8,format=yuv420p -vf select=not(between(n\\,4\\,6)) -fps_mode vfr \
         -c:v libx264 -crf 10 -f matroska",
    );
    let (report, cues, sheets) = sprites(&source, SpriteSettings { interval: Some(seconds("1")), ..sprite_settings() });
    assert_eq!(report.count, 8, "{cues:?}");
    let tile = |index: usize| {
        let [left, top, width, height] = cues[index].place;
        sheets[0].1.part(left, top, width, height)
    };
    assert!(psnr(&tile(3), &tile(6)) > 35.0 && psnr(&tile(3), &tile(7)) < 30.0 && psnr(&tile(2), &tile(3)) < 30.0);
}

#[test]
fn all_stills_come_from_one_reading_and_all_mistakes_are_reported() {
    let Some(source) = media::file("nasa_13013.mp4") else { return };
    let stills = [
        StillSettings::Poster(PosterSettings { path: "poster.png".into(), ..Default::default() }),
        StillSettings::Sprites(SpriteSettings { path: "sprites.png".into(), ..Default::default() }),
        StillSettings::Waveform(WaveformSettings { path: "wave.png".into(), ..Default::default() }),
    ];
    let all = made(&source, &stills);
    for (index, still) in stills.iter().enumerate() {
        assert_eq!(all[index], made(&source, std::slice::from_ref(still))[0]);
    }
    let wrong = [
        StillSettings::Poster(PosterSettings { path: "poster.gif".into(), ..Default::default() }),
        StillSettings::Waveform(WaveformSettings { path: "wave.png".into(), track: 9, width: 0, ..Default::default() }),
    ];
    let error = make(&source, &wrong).expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::InvalidSpec);
    for place in ["stills[0].path", "stills[1].width", "stills[1].track"] {
        assert!(error.to_string().contains(place), "{error}");
    }
    let Some(silent) = media::file("carphone_pristine.mp4") else { return };
    let error = make(&silent, &stills[2..]).expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let zero = Timestamp::new(0, TimeBase::new(1, 1));
    let StillReport::Poster(report) = &all[0].report else { panic!("a poster") };
    assert!(report.time > zero && report.score.is_some());
}
