//! Tests of every kind of source. Trix reads the same frames, samples and times as the `ffmpeg` program.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use trix_core::{
    Cancel, Error, ErrorKind, Limits, OnDamage, Source,
    damage::DamageKind,
    media::time::{Rational, TimeBase, Timestamp},
    plan::Cut,
    probe,
    reading::{
        full_decode_count::{self, FullDecodeCount},
        reader::FrameReader,
    },
    settings::source::{RawGeometry, Reading},
};
use trix_fixtures::{Clip, folder, media, program};

use crate::support::{self, ffprobe, number, text};

fn open(path: &Path, reading: &Reading) -> Source {
    Source::open_as(path, reading).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns all frames as raw bytes, with their times in ticks of the stream.
fn read_frames(source: Source) -> Vec<(i64, Vec<u8>)> {
    let label = source.path().expect("a file").display().to_string();
    let mut reader = FrameReader::new(source, OnDamage::Fail, Cut::default(), None, 0).expect("a reader");
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap_or_else(|error| panic!("{label}: {error}")) {
        frames.push((frame.pts, frame.frame.packed().expect("a frame")));
    }
    frames
}

fn full_decode_count(source: Source) -> FullDecodeCount {
    full_decode_count::count(source, OnDamage::Conceal, 0, &Cancel::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the frames that `ffmpeg` decodes with `options` before its input, as concatenated raw bytes.
fn foreign(file: &Path, options: &str) -> Vec<u8> {
    let line = format!(
        "{options} -noautorotate -i {} -map 0:v:0 -fps_mode passthrough -noautoscale -f rawvideo -",
        file.display()
    );
    program::ffmpeg(&line).stdout
}

/// Returns the frame times from `ffprobe` in ticks of our stream. `None` for a frame without a time.
fn foreign_times(file: &Path) -> Vec<Option<i64>> {
    let entries = "-show_frames -show_streams -show_entries frame=best_effort_timestamp:stream=time_base";
    let json = ffprobe(file, &format!("-select_streams v:0 {entries}"));
    // Releases of libavformat differ in the ticks of raw DV.
    let base = text(&json["streams"][0]["time_base"]);
    let (num, den) = base.split_once('/').expect("a fraction");
    let theirs = TimeBase::new(num.parse().expect("a number"), den.parse().expect("a number"));
    let facts = probe::probe(&open(file, &Reading::default()));
    let ours = facts.streams.iter().find(|stream| stream.video.is_some()).expect("video").time_base;
    let frames = json["frames"].as_array().expect("frames").iter();
    frames.map(|frame| Some(Timestamp::new(frame["best_effort_timestamp"].as_i64()?, theirs).rescale(ours))).collect()
}

/// Asserts that Trix and `ffmpeg` read the same frames with the same times. If a frame has no time, Trix adds `step`
/// ticks to the time before.
fn same((file, frames): &(PathBuf, u32), step: i64) {
    let name = file.display();
    let ours = read_frames(open(file, &Reading::default()));
    assert_eq!(ours.len(), *frames as usize, "frames of {name}");
    let theirs = foreign(file, "");
    let size = ours[0].1.len();
    assert_eq!(theirs.len(), size * ours.len(), "bytes of {name}");
    for (at, ((_, ours), theirs)) in ours.iter().zip(theirs.chunks(size)).enumerate() {
        assert!(ours == theirs, "frame {at} of {name}");
    }
    let times = foreign_times(file);
    assert_eq!(times.len(), ours.len(), "times of {name}");
    let mut last = None::<i64>;
    // AVI has no presentation times. The first frame is shown with the first sample, not when the decoder returns it.
    let late = times[0].filter(|_| file.extension().is_some_and(|own| own == "avi")).unwrap_or(0);
    let times = times.into_iter().map(|time| time.map(|time| time - late));
    for (at, ((ours, _), theirs)) in ours.iter().zip(times).enumerate() {
        let expected = theirs.unwrap_or_else(|| last.map_or(0, |last| last + step));
        assert_eq!(*ours, expected, "time of frame {at} of {name}");
        last = Some(*ours);
    }
    let found = full_decode_count(open(file, &Reading::default()));
    assert!(found.damage.is_empty(), "{name}: {:?}", found.damage);
}

/// Makes a small clip in `format`, encoded by `ffmpeg`.
fn small(format: &'static str, frames: u32, options: &str, extension: &str) -> (PathBuf, u32) {
    sized(320, 192, format, frames, options, extension)
}

fn sized(width: u32, height: u32, format: &'static str, frames: u32, options: &str, extension: &str) -> (PathBuf, u32) {
    (Clip { width, height, frames, ..Clip::of(format) }.encoded(options, extension), frames)
}

#[test]
fn production_codecs_are_read_as_ffmpeg_reads_them() {
    let interlaced = "-flags +ildct+ilme -top 1";
    for file in [
        small("yuv422p10le", 5, "-c:v prores_ks -profile:v 3", "mov"),
        small("yuva444p10le", 5, "-c:v prores_ks -profile:v 4444 -alpha_bits 16", "mov"),
        small("yuva444p10le", 5, "-c:v prores_ks -profile:v 4444xq -alpha_bits 16", "mkv"),
        small("yuv422p", 5, "-c:v dnxhd -profile:v dnxhr_lb", "mov"),
        small("yuv422p10le", 5, "-c:v dnxhd -profile:v dnxhr_hqx", "mov"),
        small("yuv444p10le", 5, "-c:v dnxhd -profile:v dnxhr_444", "mxf"),
        // XDCAM: 4:2:2 with long GOPs in MXF OP1a.
        small("yuv422p", 15, &format!("-c:v mpeg2video -b:v 8M -bf 2 -g 12 {interlaced}"), "mxf"),
        small("yuv422p10le", 4, "-c:v libopenjpeg", "mxf"),
        small("yuv444p12le", 4, "-c:v libopenjpeg", "mov"),
        small("rgb48le", 4, "-c:v jpeg2000", "mxf"),
    ] {
        same(&file, 1);
    }
}

#[test]
fn broadcast_sizes_are_read_as_ffmpeg_reads_them() {
    // IMX 30 as SMPTE ST 386 maps it, DV at 25 and 50 Mbit/s, HDV, AVC-Intra 100, DNxHD in OP-Atom.
    let imx = "-c:v mpeg2video -minrate 30000k -maxrate 30000k -b:v 30000k -g 1 -flags +ildct+low_delay -intra_vlc 1 \
               -non_linear_quant 1 -ps 1 -qmin 1 -qmax 3 -top 1 -dc 10 -bufsize 1200000 \
               -rc_init_occupancy 1200000 -f mxf_d10";
    let avci = "-c:v libx264 -x264-params avcintra-class=100:colorprim=bt709:transfer=bt709:colormatrix=bt709";
    for file in [
        sized(720, 608, "yuv422p", 3, imx, "mxf"),
        sized(720, 576, "yuv420p", 3, "-c:v dvvideo", "dv"),
        sized(720, 576, "yuv420p", 3, "-c:v dvvideo", "mov"),
        sized(720, 576, "yuv420p", 3, "-c:v dvvideo", "avi"),
        sized(720, 576, "yuv422p", 3, "-c:v dvvideo", "mov"),
        sized(1440, 1080, "yuv420p", 3, "-c:v mpeg2video -b:v 25M -f mpegts", "m2t"),
        sized(1920, 1080, "yuv422p10le", 2, avci, "mxf"),
        sized(1920, 1080, "yuv422p", 2, "-c:v dnxhd -b:v 120M -f mxf_opatom", "mxf"),
    ] {
        same(&file, 1);
    }
}

#[test]
fn delivery_codecs_are_read_as_ffmpeg_reads_them() {
    let x265 = "-c:v libx265 -preset ultrafast -x265-params log-level=none";
    for (file, step) in [
        (small("yuv420p", 9, "-c:v libx264 -bf 3 -flags +ildct+ilme -top 1", "mp4"), 1),
        (small("yuv422p10le", 9, "-c:v libx264 -preset fast", "mkv"), 1),
        (small("yuv420p", 9, "-c:v libx264 -bf 3", "ts"), 1),
        // AVI has no presentation times, and raw streams have no times.
        (small("yuv420p", 9, "-c:v libx264 -bf 3", "avi"), 1),
        (small("yuv420p", 9, "-c:v mpeg4 -bf 2 -q:v 3", "avi"), 1),
        (small("yuv420p", 9, "-c:v libx264 -bf 3", "264"), 48_000),
        (small("yuv444p12le", 9, x265, "mp4"), 1),
        (small("yuv420p", 9, x265, "ts"), 1),
        (small("yuv420p", 6, "-c:v libvpx-vp9 -deadline realtime -cpu-used 8", "webm"), 1),
        (small("yuv444p12le", 6, "-c:v libvpx-vp9 -deadline realtime -cpu-used 8", "webm"), 1),
        (small("yuv420p10le", 6, "-c:v libsvtav1 -preset 12", "webm"), 1),
        (small("yuv444p", 3, "-c:v libaom-av1 -cpu-used 8", "mkv"), 1),
        (small("yuv420p", 6, "-c:v ffv1 -level 3", "avi"), 1),
        (small("yuv422p10le", 6, "-c:v ffv1 -level 3", "mov"), 1),
        (small("yuv444p16le", 6, "-c:v ffv1 -level 3 -slices 4", "mkv"), 1),
        (small("yuv422p", 6, "-c:v mjpeg -q:v 3 -strict -1", "avi"), 1),
        (small("yuv422p10le", 6, "-strict -1", "y4m"), 1),
    ] {
        same(&file, step);
    }
}

/// Writes bits, highest bit first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn put(&mut self, value: u32, count: u32) -> &mut Self {
        for bit in (0..count).rev() {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            *self.bytes.last_mut().expect("a byte") |= ((value >> bit & 1) as u8) << (7 - self.used % 8);
            self.used += 1;
        }
        self
    }

    /// Writes an Exp-Golomb code (H.264, 9.1).
    fn ue(&mut self, value: u32) -> &mut Self {
        let length = (value + 1).ilog2();
        self.put(0, length).put(value + 1, length + 1)
    }

    fn se(&mut self, value: i32) -> &mut Self {
        self.ue(if value > 0 { 2 * value as u32 - 1 } else { 2 * value.unsigned_abs() })
    }

    fn align(&mut self) -> &mut Self {
        while !self.used.is_multiple_of(8) {
            self.put(0, 1);
        }
        self
    }

    /// Makes a NAL unit with start code, stop bit and emulation prevention bytes (7.4.1.1).
    fn unit(&mut self, header: u8) -> Vec<u8> {
        self.put(1, 1).align();
        let mut unit = vec![0, 0, 0, 1, header];
        let mut zeros = 0;
        for &byte in &self.bytes {
            if zeros >= 2 && byte <= 3 {
                unit.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            unit.push(byte);
        }
        unit
    }
}

/// Makes H.264 in which each field is a separate coded picture (PAFF), with I_PCM macroblocks only. Frames have 32x32
/// samples and alternate between two fields and one frame picture. No available encoder writes such streams. Returns
/// the stream and the frames.
pub fn paff(frames: u32) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut sequence = Bits::default();
    // Main profile, level 2.1, identifier 0; 16 frame numbers; picture order count type 0 with 16 values.
    sequence.put(77, 8).put(0, 8).put(21, 8).ue(0).ue(0).ue(0).ue(0);
    // One reference; two macroblocks wide, one field pair high; fields allowed, no MBAFF; 8x8 inference; no cropping.
    sequence.ue(1).put(0, 1).ue(1).ue(0).put(0, 1).put(0, 1).put(1, 1).put(0, 1).put(0, 1);
    let mut pps = Bits::default();
    // Identifiers 0, CAVLC, no picture order in slices, one slice group, one reference each, no weights, QP 26, no
    // deblocking.
    pps.ue(0).ue(0).put(0, 1).put(0, 1).ue(0).ue(0).ue(0).put(0, 1).put(0, 2).se(0).se(0).se(0).put(1, 1);
    pps.put(0, 1).put(0, 1);
    let mut stream = [sequence.unit(0x67), pps.unit(0x68)].concat();
    let mut planes = Vec::new();
    for number in 0..frames {
        // Twelve bits per sample: luma, then both chroma planes. The values distinguish fields, rows and frames.
        let luma = |x: u32, y: u32| (16 + (number * 37 + x * 3 + y * 5 + (y % 2) * 60) % 220) as u8;
        let chroma = |plane: u32, x: u32, y: u32| (30 + (number * 11 + plane * 50 + x * 2 + y * 7) % 190) as u8;
        let mut frame: Vec<u8> = (0..32 * 32).map(|at| luma(at % 32, at / 32)).collect();
        for plane in 0..2 {
            frame.extend((0..16 * 16).map(|at| chroma(plane, at % 16, at / 16)));
        }
        planes.push(frame);
        let fields: &[Option<u32>] = if number % 2 == 0 { &[Some(0), Some(1)] } else { &[None] };
        for &field in fields {
            // Every frame is intra-coded. The first field of each frame is an IDR picture.
            let is_idr = field != Some(1);
            let mut slice = Bits::default();
            // First macroblock 0, only I slices (7), parameter set 0, frame number 0.
            slice.ue(0).ue(7).ue(0).put(0, 4);
            slice.put(u32::from(field.is_some()), 1);
            if let Some(bottom) = field {
                slice.put(bottom, 1);
            }
            if is_idr {
                slice.ue(number % 2);
            }
            // Picture order count. Each IDR picture restarts it.
            slice.put(u32::from(field == Some(1)), 4);
            if is_idr {
                // No suppressed output of earlier frames, and no long-term reference.
                slice.put(0, 2);
            } else {
                // Sliding window marking.
                slice.put(0, 1);
            }
            // QP unchanged, deblocking filter off.
            slice.se(0).ue(1);
            let (rows, step, first) = match field {
                Some(bottom) => (1, 2, bottom),
                None => (2, 1, 0),
            };
            for block in 0..2 * rows {
                let (left, top) = (block % 2 * 16, block / 2 * 16);
                // I_PCM (table 7-11).
                slice.ue(25).align();
                for y in 0..16 {
                    for x in 0..16 {
                        slice.put(luma(left + x, (top + y) * step + first).into(), 8);
                    }
                }
                for plane in 0..2 {
                    for y in 0..8 {
                        for x in 0..8 {
                            slice.put(chroma(plane, left / 2 + x, (top / 2 + y) * step + first).into(), 8);
                        }
                    }
                }
            }
            stream.extend(slice.unit(if is_idr { 0x65 } else { 0x61 }));
        }
    }
    (stream, planes)
}

#[test]
fn fields_coded_as_separate_frames_are_joined_into_frames() {
    let (stream, frames) = paff(6);
    let folder = folder();
    let raw = folder.path().join("paff.264");
    fs::write(&raw, stream).expect("a stream");
    let found: Vec<Vec<u8>> =
        read_frames(open(&raw, &Reading::default())).into_iter().map(|(_, frame)| frame).collect();
    assert!(found == frames, "{} frames of {}", found.len(), frames.len());
    let analysed = support::mediainfo(&raw, "Video");
    assert_ne!(text(&analysed[0]["ScanType"]), "Progressive", "{analysed:?}");
    // In containers, a field pair is one packet (MP4) or two (TS).
    for extension in ["ts", "mkv", "mp4"] {
        let wrapped = folder.path().join("paff").with_extension(extension);
        program::ffmpeg(&format!("-r 25 -fflags +genpts -i {} -c copy {}", raw.display(), wrapped.display()));
        let found = read_frames(open(&wrapped, &Reading::default()));
        assert!(found.iter().map(|(_, frame)| frame).eq(&frames), "{extension}: {} frames", found.len());
    }
}

#[test]
fn h266_is_unsupported_by_name_where_no_decoder_knows_it() {
    let is_known = trix_core::doctor::examine().decoders.iter().any(|decoder| decoder == "vvc");
    // A sequence parameter set and a frame, enough to detect the format. No decoder gets them.
    let stream = [&[0u8, 0, 0, 1, 0x00, 0x79, 0x00, 0x0d, 0x02, 0x43][..], &[0, 0, 1, 0x00, 0x39, 1, 2, 3]].concat();
    let folder = folder();
    for name in ["a.266", "a.vvc", "a.h264", "a.bin"] {
        let file = folder.path().join(name);
        fs::write(&file, &stream).expect("a stream");
        let error = refused(&file, &Reading::default());
        // A decoder for this codec finds that these are no frames.
        let kind = if is_known { ErrorKind::MalformedInput } else { ErrorKind::Unsupported };
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(error.to_string().contains("VVC"), !is_known, "{error}");
    }
    // In MP4, with its codec tag.
    let mut bytes = fs::read(Clip::default().encoded("-c:v libx264", "mp4")).expect("a fixture");
    let entry = bytes.windows(4).position(|code| code == b"avc1").map(|first| {
        // The first match is the brand of the file. The sample entry comes last.
        bytes.windows(4).rposition(|code| code == b"avc1").unwrap_or(first)
    });
    let entry = entry.expect("a sample description");
    bytes[entry..entry + 4].copy_from_slice(b"vvc1");
    let configuration = bytes.windows(4).position(|code| code == b"avcC").expect("a configuration");
    bytes[configuration..configuration + 4].copy_from_slice(b"vvcC");
    let file = folder.path().join("vvc.mp4");
    fs::write(&file, bytes).expect("a file");
    let source = open(&file, &Reading::default());
    let reader = FrameReader::new(source, OnDamage::Fail, Cut::default(), None, 0);
    let error = reader.and_then(|mut reader| reader.next_frame()).err().expect("nothing to decode");
    let kind = if is_known { ErrorKind::MalformedInput } else { ErrorKind::Unsupported };
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains("vvc"), "{error}");
}

fn refused(path: &Path, reading: &Reading) -> Error {
    Source::open_as(path, reading).err().unwrap_or_else(|| panic!("{} is opened", path.display()))
}

fn geometry(text: &str) -> Reading {
    Reading { raw: Some(text.parse().expect("a geometry")), ..Reading::default() }
}

#[test]
fn planes_without_a_header_are_read_by_their_stated_shape() {
    for (format, size) in [("yuv420p10le", 3), ("yuv422p", 2), ("gray16le", 2), ("nv12", 1), ("rgb24", 3)] {
        let clip = Clip { width: 80, height: 50, frames: 7, ..Clip::of(format) };
        let file = clip.raw();
        let reading = geometry(&format!("80x50:{format}:24000/1001"));
        let found = read_frames(open(&file, &reading));
        assert_eq!(found.len(), 7, "{format}, {size}");
        assert!(found.iter().flat_map(|(_, bytes)| bytes).eq(&fs::read(&file).expect("a fixture")), "{format}");
        assert_eq!(found.iter().map(|(pts, _)| *pts).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6], "{format}");
        let source = open(&file, &reading);
        let info = trix_core::probe::probe(&source);
        let video = info.streams[0].video.as_ref().expect("video");
        assert_eq!((video.width, video.height, info.streams[0].time_base), (80, 50, Rational::new(1001, 24_000)));
    }
    let Some(file) = media::file("sparks_ref_480x270.yuv42010le.yuv") else { return };
    let found = read_frames(open(&file, &geometry("480x270:yuv420p10le:24")));
    assert_eq!(found.len(), 5);
    assert!(found.iter().flat_map(|(_, bytes)| bytes).eq(&fs::read(&file).expect("a file")));
}

#[test]
fn raw_planes_that_end_inside_a_frame_are_truncated() {
    let clip = Clip { width: 80, height: 50, frames: 7, ..Clip::default() };
    let bytes = fs::read(clip.raw()).expect("a fixture");
    let folder = folder();
    for lost in [1, 100, 80 * 50 * 3 / 2 - 1] {
        let file = folder.path().join("cut.yuv");
        fs::write(&file, &bytes[..bytes.len() - lost]).expect("a file");
        let found = full_decode_count(open(&file, &geometry("80x50:yuv420p:25")));
        assert_eq!(found.damage.counts.get(&DamageKind::Truncated), Some(&1), "{lost}: {:?}", found.damage);
        assert_eq!(found.damage.total(), 1, "{lost}: {:?}", found.damage);
        assert_eq!(found.streams[&0].frames, Some(6), "{lost}");
        let source = open(&file, &geometry("80x50:yuv420p:25"));
        let strict = full_decode_count::count(source, OnDamage::Fail, 0, &Cancel::default()).expect_err("a cut file");
        assert_eq!(strict.kind(), ErrorKind::MalformedInput);
    }
}

#[test]
fn all_mistakes_of_a_geometry_are_reported_at_once() {
    let file = Clip::default().raw();
    let raw = RawGeometry { width: 0, height: 50, pixel_format: "yuv419p".into(), rate: Rational::new(0, 1) };
    let reading = Reading { raw: Some(raw), rate: Some(Rational::new(2000, 1)), ..Reading::default() };
    let error = refused(&file, &reading);
    assert_eq!(error.kind(), ErrorKind::InvalidSpec);
    for place in ["source.raw.width", "source.raw.pixel_format", "source.raw.rate", "source.rate = 2000"] {
        assert!(error.to_string().contains(place), "{place}: {error}");
    }
    // Sizes above the limits, and above the maximum of a frame.
    let error = refused(&file, &geometry("20000x10:yuv420p:25"));
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    let error = refused(&file, &geometry("2000000000x2000000000:yuv420p:25"));
    assert_eq!(error.kind(), ErrorKind::InvalidSpec, "{error}");
    // A rate is allowed only for sources that have none.
    let reading = Reading { rate: Some(Rational::new(25, 1)), ..Reading::default() };
    let error = refused(&Clip::default().y4m(), &reading);
    assert!(error.kind() == ErrorKind::InvalidSpec && error.to_string().contains("source.rate"), "{error}");
}

/// Makes an image sequence in a separate folder. Returns its pattern.
fn numbered(folder: &Path, format: &'static str, frames: u32, first: u32, extension: &str, options: &str) -> PathBuf {
    let clip = Clip { width: 96, height: 64, frames, ..Clip::of(format) };
    let pattern = folder.join(format!("shot.%04d.{extension}"));
    program::ffmpeg(&format!("{} {options} -start_number {first} {}", clip.lavfi(), pattern.display()));
    pattern
}

#[test]
fn image_sequences_are_read_as_ffmpeg_reads_them() {
    for (format, extension, options) in [
        ("gbrp10be", "dpx", "-c:v dpx"),
        ("rgb24", "dpx", "-c:v dpx"),
        ("rgb48le", "tiff", "-c:v tiff"),
        ("yuv420p", "tif", "-c:v tiff"),
        ("rgb24", "png", ""),
        ("rgba64be", "png", ""),
        ("gbrpf32le", "exr", ""),
        ("gbrapf32le", "exr", "-compression zip16"),
        ("yuv422p10le", "j2k", "-c:v libopenjpeg"),
        ("yuvj422p", "jpg", "-q:v 2"),
    ] {
        let folder = folder();
        let pattern = numbered(folder.path(), format, 5, 97, extension, options);
        let found = read_frames(open(&pattern, &Reading::default()));
        let times: Vec<i64> = found.iter().map(|(pts, _)| *pts).collect();
        assert_eq!(times, [0, 1, 2, 3, 4], "{format} {extension}");
        let theirs = foreign(&pattern, "-start_number 97");
        assert!(found.iter().flat_map(|(_, bytes)| bytes).eq(&theirs), "{format} {extension}");
        let info = trix_core::probe::probe(&open(&pattern, &Reading::default()));
        assert_eq!(info.streams[0].declared_frames, Some(5));
        assert_eq!(info.container.duration.map(|duration| duration.micros()), Some(200_000));
        let counted = full_decode_count(open(&pattern, &Reading::default()));
        assert!(counted.damage.is_empty(), "{format} {extension}: {:?}", counted.damage);
    }
}

#[test]
fn a_stated_rate_is_the_rate_of_an_image_sequence() {
    let folder = folder();
    let pattern = numbered(folder.path(), "yuvj420p", 6, 0, "jpg", "-q:v 2");
    let rate = |reading: &Reading| {
        let info = trix_core::probe::probe(&open(&pattern, reading));
        info.streams[0].video.as_ref().and_then(|video| video.average_rate).expect("a rate")
    };
    assert_eq!(rate(&Reading::default()), Rational::new(25, 1));
    let film = Rational::new(24_000, 1001);
    assert_eq!(rate(&Reading { rate: Some(film), ..Reading::default() }), film);
    let mut job = trix_core::Job::new(&pattern, folder.path().join("out.mp4"));
    let report = support::done(&job);
    let decision =
        report.outputs[0].plan.decisions.iter().find(|decision| decision.what.contains("25/1")).expect("a decision");
    assert!(decision.why.contains("no rate"), "{decision:?}");
    job.source.rate = Some(film);
    job.outputs[0].overwrite = true;
    let report = support::done(&job);
    assert!(report.outputs[0].plan.decisions.iter().all(|decision| !decision.what.contains("sequence")), "{report:?}");
    let (times, base) = support::times(&job.outputs[0].path, "v:0");
    let exact: Vec<i64> = (0..6).map(|number| number * base.1 * 1001 / (24_000 * base.0)).collect();
    assert_eq!(times, exact);
    assert_eq!(number::<u64>(&support::video_stream(&job.outputs[0].path)["nb_read_frames"]), 6);
}

#[test]
fn a_dpx_header_states_the_rate() {
    let folder = folder();
    let pattern = numbered(folder.path(), "rgb24", 3, 1, "dpx", "-c:v dpx");
    for number in 1..=3 {
        let file = folder.path().join(format!("shot.{number:04}.dpx"));
        let mut bytes = fs::read(&file).expect("a frame");
        let is_big_endian = bytes.starts_with(b"SDPX");
        let rate = if is_big_endian { 24f32.to_be_bytes() } else { 24f32.to_le_bytes() };
        bytes[1724..1728].copy_from_slice(&rate);
        fs::write(&file, bytes).expect("a frame");
    }
    let info = trix_core::probe::probe(&open(&pattern, &Reading::default()));
    assert_eq!(info.streams[0].time_base, Rational::new(1, 24));
}

#[test]
fn files_that_are_missing_from_a_sequence_are_reported_and_leave_a_gap() {
    let folder = folder();
    let pattern = numbered(folder.path(), "yuvj420p", 12, 1, "jpg", "-q:v 2");
    for number in [4, 5, 9] {
        fs::remove_file(folder.path().join(format!("shot.{number:04}.jpg"))).expect("a frame");
    }
    // None of these names matches the pattern.
    for name in ["shot.004.jpg", "shot.0004.png", "xshot.0004.jpg", "shot.0004.jpg.part"] {
        fs::write(folder.path().join(name), "nothing").expect("a file");
    }
    let found = full_decode_count(open(&pattern, &Reading::default()));
    assert_eq!(found.damage.counts.get(&DamageKind::MissingFile), Some(&2), "{:?}", found.damage);
    assert_eq!(found.damage.total(), 2);
    assert!(found.damage.first[0].detail.contains("shot.0004.jpg to shot.0005.jpg"), "{:?}", found.damage);
    assert_eq!(found.damage.first[1].time.map(|time| time.ticks), Some(8));
    let stream = &found.streams[&0];
    assert_eq!((stream.frames, stream.timing.gaps), (Some(9), 2));
    assert_eq!(stream.last.map(|time| time.ticks), Some(11));
    let source = open(&pattern, &Reading::default());
    let error = full_decode_count::count(source, OnDamage::Fail, 0, &Cancel::default()).expect_err("missing files");
    assert_eq!(error.kind(), ErrorKind::MalformedInput);
}

#[test]
fn an_image_of_another_size_or_kind_in_a_sequence_is_reported() {
    let folder = folder();
    let pattern = numbered(folder.path(), "rgb24", 6, 1, "png", "");
    let other = |number: u32, line: &str| {
        let file = folder.path().join(format!("shot.{number:04}.png"));
        program::ffmpeg(&format!("-f lavfi -i testsrc2={line} -frames:v 1 -update 1 -f image2 {}", file.display()));
    };
    other(3, "size=48x64 -c:v png");
    other(5, "size=96x64 -c:v mjpeg");
    let found = full_decode_count(open(&pattern, &Reading::default()));
    assert_eq!(found.damage.counts.get(&DamageKind::Shape), Some(&1), "{:?}", found.damage);
    assert_eq!(found.damage.counts.get(&DamageKind::Undecodable), Some(&1), "{:?}", found.damage);
    assert_eq!(found.streams[&0].frames, Some(5));
    // A file that is larger than the limit for packets.
    let limits = Limits { packet_bytes: 1000, ..Limits::default() };
    let source = open(&pattern, &limits.into());
    let error = full_decode_count::count(source, OnDamage::Conceal, 0, &Cancel::default()).expect_err("a limit");
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
}

#[test]
fn a_file_whose_name_looks_like_a_pattern_is_read_as_a_file() {
    let folder = folder();
    let file = folder.path().join("clip.%04d.mp4");
    fs::copy(Clip::default().encoded("-c:v libx264", "mp4"), &file).expect("a copy");
    fs::copy(Clip::default().y4m(), folder.path().join("clip.0001.mp4")).expect("a copy");
    assert_eq!(full_decode_count(open(&file, &Reading::default())).streams[&0].frames, Some(30));
    // A file that matches the pattern but is no image is rejected.
    fs::remove_file(&file).expect("a file");
    let error = refused(&file, &Reading::default());
    assert!(matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::MalformedInput), "{error}");
    let script = folder.path().join("list.0001.m3u8");
    fs::write(script, "#EXTM3U\n#EXTINF:1,\nclip.0001.mp4\n").expect("a file");
    let error = refused(&folder.path().join("list.%04d.m3u8"), &Reading::default());
    assert!(matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::MalformedInput), "{error}");
}

#[test]
fn counts_of_real_media_equal_those_of_ffprobe() {
    // MBAFF, XDCAM, IMX, HDV and other files of the media folder. Another program counts their frames.
    for file in media::files() {
        let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
        let damaged = ["corrupted.mp4", "no_timescale.mp4", "sample_with_invalid_nalu.mp4"];
        if damaged.contains(&name) || name.ends_with(".yuv") || name.contains("eac3joc") {
            continue;
        }
        let theirs: Value = ffprobe(&file, "-select_streams v:0 -count_frames -show_entries stream=nb_read_frames");
        let source = open(&file, &Reading::default());
        let index = trix_core::probe::probe(&source).streams.iter().position(|stream| stream.video.is_some());
        let ours = full_decode_count(source).streams[&index.expect("video")].frames;
        assert_eq!(ours, Some(number(&theirs["streams"][0]["nb_read_frames"])), "{name}");
    }
}
