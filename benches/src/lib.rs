//! What the benchmarks measure on: clips drawn by the `ffmpeg` program, and the folder that they are kept in.
//!
//! Invariant: a clip is made from its description alone, so that two machines measure the same pictures.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// How a clip is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// H.264 High, 4:2:0, 8 bits, in MP4.
    H264,
    /// HEVC Main 10, 4:2:0, 10 bits, in MP4.
    Hevc,
    /// ProRes 4:2:2 HQ, 10 bits, in QuickTime.
    ProRes,
    /// The same with two channels of PCM sound of 24 bits, 48 kHz.
    Master,
    /// Planes as they are, 4:2:0 of 8 bits, in YUV4MPEG2.
    Raw8,
    /// Planes as they are, 4:2:2 of 10 bits, in YUV4MPEG2.
    Raw10,
}

/// A clip of 1920x1080 at 25 pictures a second.
///
/// A slow zoom under drifting light, both drawn small and scaled up so that the ramps have all ten bits; a moving test
/// chart with sharp edges; noise over everything, because that is what encoders find hard.
#[derive(Clone, Copy, Debug)]
pub struct Clip {
    /// How it is compressed.
    pub kind: Kind,
    /// Pictures.
    pub frames: u32,
}

/// Pictures in a second of every [`Clip`].
pub const RATE: u32 = 25;

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::H264 => "h264.mp4",
            Kind::Hevc => "hevc.mp4",
            Kind::ProRes => "prores.mov",
            Kind::Master => "master.mov",
            Kind::Raw8 => "raw8.y4m",
            Kind::Raw10 => "raw10.y4m",
        }
    }

    /// Options for `ffmpeg`.
    fn options(self) -> &'static str {
        match self {
            Kind::H264 => "-pix_fmt yuv420p -c:v libx264 -preset fast -crf 20 -g 50",
            Kind::Hevc => "-pix_fmt yuv420p10le -c:v libx265 -preset ultrafast -crf 22 -x265-params log-level=none",
            // A fixed quantiser: prores_ks is several times faster when it need not search for one.
            Kind::ProRes => "-pix_fmt yuv422p10le -c:v prores_ks -profile:v 3 -q:v 6",
            Kind::Master => "-pix_fmt yuv422p10le -c:v prores_ks -profile:v 3 -q:v 6 -c:a pcm_s24le",
            Kind::Raw8 => "-pix_fmt yuv420p -f yuv4mpegpipe",
            Kind::Raw10 => "-pix_fmt yuv422p10le -strict -1 -f yuv4mpegpipe",
        }
    }
}

impl Clip {
    /// The clip's file, made by `ffmpeg` if it is not there yet.
    ///
    /// # Errors
    /// When `ffmpeg` is missing or fails, or the disk is full.
    pub fn file(self) -> io::Result<PathBuf> {
        let folder = folder()?;
        let path = folder.join(format!("1080p-{}-{}", self.frames, self.kind.name()));
        if path.exists() {
            return Ok(path);
        }
        let partial = folder.join(format!("partial-{}-{}", std::process::id(), self.kind.name()));
        let to_master = "scale=1920:1080:flags=bicubic:out_color_matrix=bt709:out_range=tv,format=yuv422p10le";
        let chart = "scale=out_color_matrix=bt709:out_range=tv,format=yuv422p10le";
        let graph = format!(
            "[0]{to_master}[zoom];[1]{to_master}[light];[2]{chart}[chart];\
             [zoom][light]blend=c0_mode=softlight:c1_mode=average:c2_mode=average[scene];\
             [scene][chart]overlay=format=yuv422p10:x='1340+40*sin(t)':y='750+30*cos(t*1.3)',\
             noise=alls=4:allf=t:all_seed=7,\
             setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709[picture]"
        );
        let inputs = [
            "mandelbrot=s=960x540:r=25:start_scale=1.2:end_scale=0.02:end_pts=600:maxiter=200",
            "gradients=s=480x270:r=25:n=4:c0=0x10243f:c1=0x4f86b8:c2=0xe0b070:c3=0x6b2d4a:speed=0.01:seed=4",
            "testsrc2=s=480x270:r=25",
        ];
        let mut command = Command::new("ffmpeg");
        command.args("-hide_banner -nostdin -v error -y".split(' '));
        for input in inputs {
            command.args(["-f", "lavfi", "-i", input]);
        }
        if self.kind == Kind::Master {
            // Two tones that swell and fade apart, for as long as there are pictures.
            let seconds = f64::from(self.frames) / f64::from(RATE);
            let tone = |hertz: u32, rate: f64| format!("0.2*sin(2*PI*{hertz}*t)*(0.6+0.4*sin(2*PI*{rate}*t))");
            let sound = format!("aevalsrc={}|{}:s=48000:d={seconds}", tone(220, 0.5), tone(331, 0.3));
            command.args(["-f", "lavfi", "-i", &sound]);
        }
        command.args(["-filter_complex", &graph, "-map", "[picture]", "-frames:v", &self.frames.to_string()]);
        if self.kind == Kind::Master {
            command.args(["-map", "3:a"]);
        }
        command.args(self.kind.options().split(' ')).arg(&partial).stdin(Stdio::null());
        let status = command.status()?;
        if !status.success() {
            return Err(io::Error::other(format!("ffmpeg failed to make {}: {status}", path.display())));
        }
        fs::rename(&partial, &path)?;
        Ok(path)
    }
}

/// `target/bench`, in the build folder that this program was built into.
///
/// # Errors
/// When it cannot be made.
pub fn folder() -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    // Cargo marks its build folder for backup programs.
    let target = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    let folder = target.map_or_else(env::temp_dir, Path::to_owned).join("bench");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
