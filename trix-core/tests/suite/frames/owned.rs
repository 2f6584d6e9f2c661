//! Tests of frames and audio blocks that a program owns: their properties, typed access to samples, and conversion.

use std::path::Path;

use trix_core::{
    AudioBlock, Error, ErrorKind, PlaneInput, Source, VideoFrame,
    media::{
        PixelFormat,
        color::{Color, Matrix, Primaries, Range, Transfer},
        format::{Chroma, SampleType},
        frame_facts::{FieldOrder, FrameType},
        time::{Rational, Timestamp},
    },
    settings::{
        picture::ColorOverride,
        video::{EncodeSettings, Encoder, Size},
    },
};
use trix_fixtures::{Clip, clip, folder, program::ffmpeg};

use crate::support::{
    done, ffprobe,
    frames::{Planes, colored, split},
    number, planes, samples, text, video_job,
};

fn pixel(name: &str) -> PixelFormat {
    PixelFormat::from_name(name).unwrap_or_else(|| panic!("{name} is no format"))
}

fn open(path: &Path) -> Source {
    Source::open(path).unwrap_or_else(|error| panic!("{error}"))
}

fn all(frames: trix_core::reading::frames::Frames<'_>) -> Vec<VideoFrame> {
    frames.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{error}"))
}

fn packed(frames: &[VideoFrame]) -> Vec<u8> {
    frames.iter().flat_map(|frame| frame.frame.packed().expect("samples")).collect()
}

fn refused<T>(result: Result<T, Error>, kind: ErrorKind, message: &str) {
    let error = result.err().expect("a refusal");
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(message), "{error}");
}

#[test]
fn a_frame_has_properties_and_typed_samples() {
    let master = clip::master();
    let source = open(&master);
    let frame = source.frame(30).unwrap().expect("frame 30");
    assert_eq!((frame.width(), frame.height(), frame.format()), (320, 180, Some(pixel("yuv422p10le"))));
    assert_eq!((frame.number, frame.time), (30, Timestamp::new(30, Rational::new(1, 25))));
    let color = frame.color();
    assert_eq!((color.primaries, color.transfer, color.matrix), (Primaries(1), Transfer(1), Matrix(1)));
    assert_eq!((frame.fields(), frame.frame_type(), frame.is_key()), (None, Some(FrameType::I), true));
    let foreign = split(&planes(&master), "yuv422p10le", 320, 180);
    for (index, expected) in foreign[30].iter().enumerate() {
        let plane = frame.plane(index).unwrap();
        let (words, stride) = (plane.as_u16().unwrap(), plane.stride / 2);
        for row in 0..plane.height {
            let own = &expected.samples[row * expected.width..][..expected.width];
            assert_eq!(plane.row_u16(row).unwrap(), own, "plane {index}, row {row}");
            assert_eq!(&words[row * stride..][..plane.width], own, "plane {index}, row {row}");
        }
        refused(plane.as_u8(), ErrorKind::InvalidSpec, "the plane has 10 bits, so its samples are u16 and not u8");
        refused(plane.row_u16(plane.height), ErrorKind::InvalidSpec, "no row");
    }
    refused(frame.plane(3), ErrorKind::InvalidSpec, "3 planes, counted from 0, and no plane 3");
    let packed = Clip::of("nv12").encoded("-c:v rawvideo", "nut");
    let frame = open(&packed).frame(0).unwrap().expect("a frame");
    assert_eq!(frame.format(), Some(pixel("nv12")));
    refused(frame.planes(), ErrorKind::Unsupported, "nv12");
}

#[test]
fn types_of_frames_and_keyframes_are_those_that_another_program_sees() {
    let clip = Clip { frames: 40, ..Clip::default() }
        .encoded("-c:v libx264 -preset medium -g 15 -bf 2 -sc_threshold 0 -x264-params scenecut=0", "mkv");
    let json = ffprobe(&clip, "-select_streams v:0 -show_frames -show_entries frame=pict_type,key_frame");
    let expected: Vec<(String, bool)> = json["frames"]
        .as_array()
        .expect("frames")
        .iter()
        .map(|frame| (text(&frame["pict_type"]), number::<u8>(&frame["key_frame"]) == 1))
        .collect();
    let kind = |frame: &VideoFrame| (format!("{:?}", frame.frame_type().expect("a type")), frame.is_key());
    let source = open(&clip);
    let found: Vec<(String, bool)> = all(source.frames()).iter().map(kind).collect();
    assert_eq!(found, expected);
    for name in ["I", "P", "B"] {
        assert!(found.iter().any(|(own, _)| own == name), "{name}");
    }
    // A conversion keeps frame types and key flags.
    let converted: Vec<(String, bool)> = all(source.frames().size(88, 72)).iter().map(kind).collect();
    assert_eq!(converted, expected);
}

#[test]
fn interlaced_frames_state_their_field_order() {
    for (options, expected) in [("tff", FieldOrder::Top), ("bff", FieldOrder::Bottom)] {
        let line = format!("-vf setfield=mode={options} -c:v mpeg2video -flags +ildct -b:v 2M");
        let clip = Clip { frames: 4, ..Clip::default() }.encoded(&line, "mkv");
        let frames = all(open(&clip).frames());
        assert_eq!(frames.iter().map(VideoFrame::fields).collect::<Vec<_>>(), [Some(expected); 4], "{options}");
        refused(
            open(&clip).frames().size(88, 72).next().expect("an answer"),
            ErrorKind::InvalidSpec,
            "rows of two fields cannot be scaled",
        );
    }
}

#[test]
fn frames_of_a_size_and_format_are_those_of_a_job() {
    let folder = folder();
    let master = clip::master();
    let source = open(&master);
    for (name, width, height) in
        [("yuv420p", 160, 90), ("yuv422p10le", 160, 90), ("yuv444p12le", 320, 180), ("yuv420p10le", 256, 144)]
    {
        let format = pixel(name);
        let planar = format.frame().expect("planes");
        let output = folder.path().join(format!("{name}.mkv"));
        let settings = EncodeSettings { depth: Some(planar.depth), chroma: Some(planar.chroma), ..Default::default() };
        let mut job = video_job(&master, &output, Encoder::Ffv1, settings);
        job.outputs[0].picture.size = Some(Size { width, height });
        let report = done(&job);
        assert_eq!(report.outputs[0].plan.video.as_ref().expect("video").format, planar);
        let frames = all(source.frames().size(width as usize, height as usize).format(format));
        assert_eq!((frames.len(), frames[0].format()), (50, Some(format)), "{name}");
        assert!(packed(&frames) == planes(&output), "{name}");
        let some = all(source.frames().from(20).to(40).stride(7).size(width as usize, height as usize).format(format));
        let numbers: Vec<u64> = some.iter().map(|frame| frame.number).collect();
        assert_eq!(numbers, [20, 27, 34], "{name}");
        for frame in &some {
            let same = &frames[frame.number as usize];
            assert_eq!((frame.time, frame.frame.packed()), (same.time, same.frame.packed()), "{name}");
        }
    }
}

/// Converts 8-bit limited-range YCbCr to red, green and blue (ITU-R BT.709).
fn rgb_of([y, cb, cr]: [u16; 3]) -> [f64; 3] {
    let (y, cb, cr) = ((f64::from(y) - 16.0) / 219.0, (f64::from(cb) - 128.0) / 224.0, (f64::from(cr) - 128.0) / 224.0);
    [y + 1.5748 * cr, y - 0.1873 * cb - 0.4681 * cr, y + 1.8556 * cb].map(|value| (value * 255.0).clamp(0.0, 255.0))
}

fn difference_from_rgb(frame: &VideoFrame, source: &Planes) -> f64 {
    let bytes = frame.frame.packed().expect("samples");
    let pixels = bytes.chunks_exact(3).enumerate();
    let differences = pixels.map(|(at, found)| {
        let exact = rgb_of([0, 1, 2].map(|plane: usize| source[plane].samples[at]));
        exact.iter().zip(found).map(|(exact, found)| (exact - f64::from(*found)).abs()).fold(0.0, f64::max)
    });
    differences.fold(0.0, f64::max)
}

#[test]
fn rgb_is_computed_by_the_matrix_that_the_source_or_the_caller_states() {
    let tags = colored("bt709", "bt709", "bt709", "tv");
    let stated = Clip::of("yuv444p").encoded(&format!("-vf {tags} -c:v ffv1"), "mkv");
    let silent = Clip::of("yuv444p").y4m();
    let rgb = pixel("rgb24");
    let expected = split(&planes(&stated), "yuv444p", 176, 144);
    let known = ColorOverride { matrix: Some(Matrix(1)), ..ColorOverride::default() };
    for (path, known) in [(&stated, ColorOverride::default()), (&silent, known)] {
        let source = open(path);
        let frames = all(source.frames().source_color(known).format(rgb));
        assert_eq!((frames.len(), frames[0].format()), (30, Some(rgb)));
        for (frame, planes) in frames.iter().zip(&expected) {
            let most = difference_from_rgb(frame, planes);
            assert!(most <= 1.0, "frame {}: {most}", frame.number);
        }
    }
    let problem = "the source does not say its matrix";
    refused(open(&silent).frames().format(rgb).next().expect("an answer"), ErrorKind::InvalidSpec, problem);
    for name in ["pal8", "gbrpf32le", "xyz12le", "vaapi"] {
        let answer = open(&stated).frames().format(pixel(name)).next().expect("an answer");
        refused(answer, ErrorKind::Unsupported, name);
    }
    for (width, height) in [(0, 144), (176, 0), (16_386, 144), (usize::MAX, 2)] {
        let answer = open(&stated).frames().size(width, height).next().expect("an answer");
        refused(answer, ErrorKind::InvalidSpec, "picture.size");
    }
    // A pixel format with alpha, without a size. The source has no alpha, so every sample is opaque.
    let frames = all(open(&stated).frames().to(1).format(pixel("rgba")));
    let bytes = frames[0].frame.packed().expect("samples");
    assert!(bytes.chunks_exact(4).all(|pixel| pixel[3] == 255));
}

#[test]
fn a_frame_is_made_of_planes_that_fit_and_of_no_others() {
    let time = Timestamp::new(3, Rational::new(1, 25));
    let source = open(&clip::master());
    let frame = source.frame(10).unwrap().expect("frame 10");
    // Rows with padding, in memory without alignment.
    let padded: Vec<(Vec<u8>, usize)> = frame
        .planes()
        .unwrap()
        .iter()
        .map(|plane| {
            let rows = plane.rows().flat_map(|row| row.iter().copied().chain([0xee; 5]));
            ([0xee].into_iter().chain(rows).collect(), plane.row_bytes() + 5)
        })
        .collect();
    let bytes: Vec<PlaneInput<'_>> =
        padded.iter().map(|(bytes, stride)| PlaneInput::bytes(&bytes[1..], *stride)).collect();
    let format = pixel("yuv422p10le");
    let made = VideoFrame::from_planes(format, 320, 180, &bytes, time).unwrap();
    assert_eq!((made.frame.packed(), made.time, made.number), (frame.frame.packed(), time, 0));
    assert_eq!((made.frame_type(), made.color()), (None, Color::default()));
    let color = Color { matrix: Matrix(9), range: Range::Full, ..Color::default() };
    let described = made.clone().described(color, Some(FieldOrder::Bottom), Rational::new(4, 3));
    assert_eq!((described.color(), described.fields()), (color, Some(FieldOrder::Bottom)));
    assert_eq!((described.sample_aspect, described.frame.packed()), (Rational::new(4, 3), frame.frame.packed()));

    let words = vec![7; 320 * 180];
    let (luma, chroma) = (PlaneInput::words(&words, 320), PlaneInput::words(&words, 160));
    let make =
        |name: &str, width, planes: &[PlaneInput<'_>]| VideoFrame::from_planes(pixel(name), width, 180, planes, time);
    assert!(make("yuv422p10le", 320, &[luma, chroma, chroma]).is_ok());
    let many = vec![1024; 320 * 180];
    let high = PlaneInput::words(&many, 320);
    let few = PlaneInput::words(&words[1..], 320);
    for (result, message) in [
        (make("yuv422p10le", 320, &[luma, chroma]), "has 3 planes, and 2 were given"),
        (make("yuv422p", 320, &[luma, chroma, chroma]), "plane 0 of a frame of 320x180 yuv422p has samples of u8"),
        (make("yuv422p10le", 322, &[luma, chroma, chroma]), "has 644 bytes in a row, and the stride is 640 bytes"),
        (
            make("yuv422p10le", 320, &[few, chroma, chroma]),
            "plane 0 of a frame of 320x180 yuv422p10le needs 115200 bytes",
        ),
        (
            make("yuv422p10le", 320, &[high, chroma, chroma]),
            "a sample of a frame of 320x180 yuv422p10le has more than 10 bits",
        ),
        (make("yuv422p10le", 320, &[luma, PlaneInput::words(&words, usize::MAX), chroma]), "is too large"),
        (make("yuv422p10le", 0, &[luma, chroma, chroma]), "cannot be made of planes"),
    ] {
        refused(result, ErrorKind::InvalidSpec, message);
    }
    refused(make("pal8", 320, &[luma]), ErrorKind::Unsupported, "pal8");
}

#[test]
fn an_audio_block_has_properties_and_typed_samples() {
    let master = clip::master();
    let expected: Vec<i32> =
        samples(&master, 0, "s32le").as_chunks().0.iter().map(|sample| i32::from_le_bytes(*sample)).collect();
    let source = open(&master);
    let mut found = Vec::new();
    for block in source.samples() {
        let block = block.unwrap();
        let format = block.sample_format().expect("a format");
        assert_eq!((format.sample, block.sample_rate(), block.channels()), (SampleType::I32, 48_000, 2));
        assert_eq!((block.layout().as_str(), block.first), ("stereo", found.len() as u64 / 2));
        assert_eq!(block.time, Timestamp::new(block.first as i64, Rational::new(1, 48_000)));
        let [left, right] = [0, 1].map(|channel| block.channel::<i32>(channel).unwrap());
        assert_eq!(left.len(), block.samples());
        found.extend(left.iter().zip(&right).flat_map(|(left, right)| [*left, *right]));
        refused(block.channel::<f32>(0), ErrorKind::InvalidSpec, "the samples are i32, and not f32");
        refused(block.plane::<u8>(0), ErrorKind::InvalidSpec, "the samples are i32, and not u8");
        refused(block.channel::<i32>(2), ErrorKind::InvalidSpec, "2 channels, counted from 0, and no channel 2");
        refused(block.plane::<i32>(2), ErrorKind::InvalidSpec, "no plane 2");
    }
    assert!(found == expected);
}

#[test]
fn samples_of_16_bits_that_are_asked_for_are_those_of_the_file() {
    // They were dithered, as if they had more bits.
    for codec in ["flac", "pcm_s16le"] {
        let file = clip::made(&format!("noise-16-{codec}.mkv"), |path| {
            let path = path.display();
            ffmpeg(&format!("-f lavfi -i anoisesrc=seed=3:duration=0.5 -ac 2 -sample_fmt s16 -c:a {codec} {path}"));
        });
        let expected: Vec<i16> =
            samples(&file, 0, "s16le").as_chunks().0.iter().map(|sample| i16::from_le_bytes(*sample)).collect();
        let source = open(&file);
        let mut found = Vec::new();
        for block in source.samples().sample(SampleType::I16) {
            let block = block.unwrap();
            let [left, right] = [0, 1].map(|channel| block.channel::<i16>(channel).unwrap());
            found.extend(left.iter().zip(&right).flat_map(|(left, right)| [*left, *right]));
        }
        assert!(found.len() > 40_000 && found == expected, "{codec}");
    }
}

#[test]
fn a_block_of_audio_is_made_of_samples_that_fit_and_of_no_others() {
    let time = Timestamp::new(480, Rational::new(1, 48_000));
    let (left, right) = ([0.5_f32, -0.25, 1.0], [0.0_f32, 0.125, -1.0]);
    let block = AudioBlock::from_samples(&[&left, &right], "stereo", 48_000, time).unwrap();
    let turns = AudioBlock::from_interleaved(&[0.5_f32, 0.0, -0.25, 0.125, 1.0, -1.0], "stereo", 48_000, time).unwrap();
    assert_eq!((block.plane::<f32>(1).unwrap(), turns.plane::<f32>(0).unwrap().len()), (&right[..], 6));
    for own in [&block, &turns] {
        assert_eq!((own.channel::<f32>(0).unwrap(), own.channel::<f32>(1).unwrap()), (left.to_vec(), right.to_vec()));
        assert_eq!((own.samples(), own.channels(), own.layout()), (3, 2, "stereo".to_owned()));
        assert_eq!(own.end(), Timestamp::new(483, Rational::new(1, 48_000)));
    }
    let unknown = AudioBlock::from_samples(&[&left, &left, &left], "3 channels", 8000, time).unwrap();
    assert_eq!((unknown.channels(), unknown.layout()), (3, "3 channels".to_owned()));
    let make = |channels: &[&[i16]], layout, rate| AudioBlock::from_samples(channels, layout, rate, time);
    for (result, message) in [
        (make(&[&[1, 2], &[3]], "stereo", 48_000), "the channels of a block have 2 and 1 samples"),
        (make(&[&[1, 2]], "stereo", 48_000), "the layout stereo has 2 channels, and 1 were given"),
        (make(&[&[1, 2]], "quadro", 48_000), "'quadro' is no channel layout"),
        (make(&[&[1, 2]], "mono", 0), "a sample rate of 0"),
        (make(&[], "mono", 48_000), "has no samples"),
        (make(&[&[]], "mono", 48_000), "has no samples"),
        (AudioBlock::from_interleaved(&[1_i16, 2, 3], "stereo", 48_000, time), "no multiple of the 2 channels"),
    ] {
        refused(result, ErrorKind::InvalidSpec, message);
    }
}

#[test]
fn grey_of_a_frame_with_chroma_is_its_luma() {
    let master = clip::master();
    let frames = all(open(&master).frames().to(3).format(pixel("gray10le")));
    let expected = split(&planes(&master), "yuv422p10le", 320, 180);
    assert_eq!(frames[0].format().and_then(PixelFormat::frame).map(|format| format.chroma), Some(Chroma::C400));
    for (frame, planes) in frames.iter().zip(&expected) {
        let luma = split(&frame.frame.packed().expect("samples"), "gray10le", 320, 180);
        assert!(luma[0][0] == planes[0], "frame {}", frame.number);
    }
}
