//! The masters that the pages speak of: small, and made to show what a page says.

use std::{fs, path::Path};

use trix_fixtures::{
    clip::{made, master},
    program::ffmpeg,
};

/// Options of `ffmpeg` for video with sound that lasts two seconds.
fn film(size: &str, rate: &str, format: &str) -> String {
    format!(
        "-f lavfi -i testsrc2=size={size}:rate={rate},noise=alls=12:allf=t:all_seed=7,format={format} \
         -f lavfi -i sine=frequency=440:sample_rate=48000 -t 2 -ac 2"
    )
}

/// Each master: its name, and the options of `ffmpeg` that make it.
fn recipes() -> Vec<(&'static str, String)> {
    let mono = |pitch: u32| format!("-f lavfi -i sine=frequency={pitch}:sample_rate=48000 -t 2 -c:a pcm_s24le");
    let tone = |pitch: u32| format!("{} -ac 2", mono(pitch));
    let two_languages = format!(
        "{} -map 0:v -map 1:a -map 1:a -c:v libx264 -preset ultrafast -c:a flac -metadata:s:a:0 language=eng \
         -metadata:s:a:1 language=deu",
        film("320x180", "25", "yuv420p")
    );
    vec![
        ("dub.wav", tone(330)),
        ("L.wav", mono(300)),
        ("R.wav", mono(400)),
        ("C.wav", mono(500)),
        ("LFE.wav", mono(50)),
        ("Ls.wav", mono(600)),
        ("Rs.wav", mono(700)),
        ("imx.mov", format!("{} -c:v mpeg2video -g 1 -q:v 3 -c:a pcm_s24le", film("720x512", "25", "yuv422p"))),
        (
            "tape.mov",
            "-f lavfi -i testsrc2=size=720x576:rate=50,format=yuv422p10le,tinterlace=mode=interleave_top \
             -f lavfi -i sine=frequency=440:sample_rate=48000 -t 2 -ac 2 -c:v prores_ks -profile:v 2 -q:v 9 \
             -flags +ildct+ilme -top 1 -c:a pcm_s24le"
                .to_owned(),
        ),
        // Only keyframes, as tapes of XDCAM IMX have them.
        (
            "half.mxf",
            format!("{} -c:v mpeg2video -g 1 -bf 0 -b:v 20M -c:a pcm_s24le", film("640x360", "25", "yuv422p")),
        ),
        ("old.ts", format!("{} -c:v mpeg2video -q:v 3 -c:a mp2", film("720x576", "25", "yuv420p"))),
        (
            "graphics.mov",
            format!(
                "{} -c:v prores_ks -profile:v 4444 -q:v 9 -alpha_bits 16 -c:a pcm_s24le",
                film("320x180", "25", "yuva444p10le")
            ),
        ),
        ("film.mkv", format!("{} -ac 6 -c:v libx264 -preset ultrafast -c:a flac", film("320x180", "25", "yuv420p"))),
        ("master.mkv", two_languages),
        ("master.yuv", format!("{} -map 0:v -f rawvideo", film("320x180", "25", "yuv422p10le"))),
        ("damaged.mkv", format!("{} -c:v ffv1 -level 3 -slicecrc 1 -c:a pcm_s16le", film("320x180", "25", "yuv422p"))),
        (
            "multiplex.ts",
            format!(
                "{} -f lavfi -i testsrc=size=320x180:rate=25 -t 2 -map 0:v -map 1:a -map 2:v -c:v libx264 -preset ultrafast \
                 -c:a aac",
                film("320x180", "25", "yuv420p")
            ),
        ),
    ]
}

/// Puts all masters into `folder`.
pub fn make(folder: &Path) {
    for (name, options) in recipes() {
        let source = made(&format!("page-{name}"), |path| {
            ffmpeg(&format!("{options} {}", path.display()));
            alter(name, path);
        });
        fs::copy(source, folder.join(name)).expect("a master can be copied");
    }
    for name in ["master.mov", "trailer.mov", "film.mov"] {
        fs::copy(master(), folder.join(name)).expect("a master can be copied");
    }
    let images = folder.join("shot.%04d.dpx");
    ffmpeg(&format!("-f lavfi -i testsrc2=size=320x180:rate=24 -frames:v 12 -pix_fmt gbrp10be {}", images.display()));
}

/// Damages the masters that a page shows as damaged.
fn alter(name: &str, path: &Path) {
    let mut bytes = fs::read(path).expect("a master");
    match name {
        "imx.mov" => {
            // The sample description says 486 rows: its size follows 32 bytes after the name of the codec.
            let at = position(&bytes, b"m2v1", 0) + 28;
            assert_eq!(bytes[at + 2..at + 4], 512_u16.to_be_bytes(), "the rows in the sample description");
            bytes[at + 2..at + 4].copy_from_slice(&486_u16.to_be_bytes());
        }
        "half.mxf" => {
            // A transfer that ended at a packet: the first element of video in the second half (SMPTE ST 379-1).
            let element = b"\x06\x0e\x2b\x34\x01\x02\x01\x01\x0d\x01\x03\x01\x15";
            bytes.truncate(position(&bytes, element, bytes.len() / 2));
        }
        "damaged.mkv" => {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0xff;
        }
        _ => return,
    }
    fs::write(path, bytes).expect("a master can be written");
}

fn position(bytes: &[u8], what: &[u8], from: usize) -> usize {
    from + bytes[from..].windows(what.len()).position(|window| window == what).expect("what is looked for")
}
