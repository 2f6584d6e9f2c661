//! Test material of the benchmarks: clips that the `ffmpeg` program makes, and the folder that keeps them.
//!
//! Invariant: a clip depends only on its description, so that two machines measure the same frames.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// How a clip is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// H.264 High, 4:2:0, 8 bits, in MP4.
    H264,
    /// HEVC Main 10, 4:2:0, 10 bits, in MP4.
    Hevc,
    /// The same with 3840x2160 samples.
    #[value(name = "hevc-2160p")]
    Hevc2160p,
    /// ProRes 4:2:2 HQ, 10 bits, in QuickTime.
    ProRes,
    /// The same, with two channels of 24-bit PCM audio at 48 kHz.
    Master,
    /// As the master, of real clips: from a tripod, HDR, an animation, and interlaced television. Needs `TRIX_MEDIA`.
    Film,
    /// Uncompressed planes, 4:2:0 with 8 bits, in YUV4MPEG2.
    Raw8,
    /// Uncompressed planes, 4:2:2 with 10 bits, in YUV4MPEG2.
    Raw10,
}

/// A clip of 1920x1080 or 3840x2160 at 25 frames a second.
///
/// All but [`Kind::Film`] show a slow zoom under changing light, both generated at a small size and scaled up so that gradients use all
/// ten bits; a moving test chart with sharp edges; and noise over everything, because noise is hard for encoders.
#[derive(Clone, Copy, Debug)]
pub struct Clip {
    /// How it is compressed.
    pub kind: Kind,
    /// Number of frames.
    pub frames: u32,
}

/// The files of [`Kind::Film`].
const REAL: [&str; 4] =
    ["hdv-1080p25.mov", "hdr10-video-with-sdr-container.mp4", "bbb_2500ms.ts", "xdcam-ex-1080i50.mov"];

fn real_files() -> [PathBuf; 4] {
    let media = env::var_os("TRIX_MEDIA").map_or_else(|| "../shared/media".into(), PathBuf::from);
    REAL.map(|file| media.join(file))
}

/// What [`Kind::Film`] lacks, if it lacks something.
pub fn missing() -> Option<String> {
    let missing = real_files().into_iter().find(|file| !file.is_file())?;
    Some(format!("{} is missing; TRIX_MEDIA names the folder of real files", missing.display()))
}

/// States the colours of a clip.
const BT709: &str = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709";

/// Frame rate of every [`Clip`].
pub const RATE: u32 = 25;

impl Kind {
    /// Width and height.
    fn size(self) -> (u32, u32) {
        match self {
            Kind::Hevc2160p => (3840, 2160),
            _ => (1920, 1080),
        }
    }

    /// True if the clip has audio.
    fn has_audio(self) -> bool {
        matches!(self, Kind::Master | Kind::Film)
    }

    fn name(self) -> &'static str {
        match self {
            Kind::H264 => "h264.mp4",
            Kind::Hevc | Kind::Hevc2160p => "hevc.mp4",
            Kind::ProRes => "prores.mov",
            Kind::Master => "master.mov",
            Kind::Film => "film.mov",
            Kind::Raw8 => "raw8.y4m",
            Kind::Raw10 => "raw10.y4m",
        }
    }

    /// Options for `ffmpeg`.
    fn options(self) -> &'static str {
        match self {
            Kind::H264 => "-pix_fmt yuv420p -c:v libx264 -preset fast -crf 20 -g 50",
            Kind::Hevc | Kind::Hevc2160p => {
                "-pix_fmt yuv420p10le -c:v libx265 -preset ultrafast -crf 22 -g 50 -x265-params log-level=none"
            }
            // A fixed quantiser: prores_ks is several times faster without a search for one.
            Kind::ProRes => "-pix_fmt yuv422p10le -c:v prores_ks -profile:v 3 -q:v 6",
            Kind::Master | Kind::Film => "-pix_fmt yuv422p10le -c:v prores_ks -profile:v 3 -q:v 6 -c:a pcm_s24le",
            Kind::Raw8 => "-pix_fmt yuv420p -f yuv4mpegpipe",
            Kind::Raw10 => "-pix_fmt yuv422p10le -strict -1 -f yuv4mpegpipe",
        }
    }
}

impl Clip {
    /// Path of the clip. `ffmpeg` makes the file if it does not exist.
    ///
    /// # Errors
    /// If `ffmpeg` is missing or fails, or the disk is full.
    pub fn file(self) -> io::Result<PathBuf> {
        let folder = folder()?;
        let height = self.kind.size().1;
        let path = folder.join(format!("{height}p-{}-{}", self.frames, self.kind.name()));
        if path.exists() {
            return Ok(path);
        }
        let partial = folder.join(format!("partial-{}-{}", std::process::id(), self.kind.name()));
        let (inputs, graph) = if self.kind == Kind::Film { self.real()? } else { self.synthetic() };
        let mut command = Command::new("ffmpeg");
        command.args("-hide_banner -nostdin -v error -y".split(' '));
        command.args(&inputs);
        if self.kind.has_audio() {
            // Two tones with changing volume, for the duration of the video.
            let seconds = f64::from(self.frames) / f64::from(RATE);
            let tone = |hertz: u32, rate: f64| format!("0.2*sin(2*PI*{hertz}*t)*(0.6+0.4*sin(2*PI*{rate}*t))");
            let audio = format!("aevalsrc={}|{}:s=48000:d={seconds}", tone(220, 0.5), tone(331, 0.3));
            command.args(["-f", "lavfi", "-i", &audio]);
        }
        command.args(["-filter_complex", &graph, "-map", "[frames]", "-frames:v", &self.frames.to_string()]);
        if self.kind.has_audio() {
            command.args(["-map", &format!("{}:a", inputs.iter().filter(|word| *word == "-i").count())]);
        }
        command.args(self.kind.options().split(' ')).arg(&partial).stdin(Stdio::null());
        let status = command.status()?;
        if !status.success() {
            return Err(io::Error::other(format!("ffmpeg failed to make {}: {status}", path.display())));
        }
        fs::rename(&partial, &path)?;
        Ok(path)
    }

    /// Generated inputs, and the graph that makes the frames of them.
    fn synthetic(self) -> (Vec<String>, String) {
        let (width, height) = self.kind.size();
        let to_master =
            format!("scale={width}:{height}:flags=bicubic:out_color_matrix=bt709:out_range=tv,format=yuv422p10le");
        let chart = "scale=out_color_matrix=bt709:out_range=tv,format=yuv422p10le";
        let graph = format!(
            "[0]{to_master}[zoom];[1]{to_master}[light];[2]{chart}[chart];\
             [zoom][light]blend=c0_mode=softlight:c1_mode=average:c2_mode=average[scene];\
             [scene][chart]overlay=format=yuv422p10:x='1340+40*sin(t)':y='750+30*cos(t*1.3)',\
             noise=alls=4:allf=t:all_seed=7,{BT709}[frames]"
        );
        let generators = [
            "mandelbrot=s=960x540:r=25:start_scale=1.2:end_scale=0.02:end_pts=600:maxiter=200",
            "gradients=s=480x270:r=25:n=4:c0=0x10243f:c1=0x4f86b8:c2=0xe0b070:c3=0x6b2d4a:speed=0.01:seed=4",
            "testsrc2=s=480x270:r=25",
        ];
        (generators.iter().flat_map(|input| ["-f", "lavfi", "-i", input].map(str::to_owned)).collect(), graph)
    }

    /// Real clips, and the graph that joins them. Each gives an equal number of frames.
    fn real(self) -> io::Result<(Vec<String>, String)> {
        let files = real_files();
        if let Some(missing) = missing() {
            return Err(io::Error::new(io::ErrorKind::NotFound, missing));
        }
        let (width, height) = self.kind.size();
        let each = self.frames.div_ceil(REAL.len() as u32);
        let shape = format!(
            "yadif=deint=interlaced,trim=end_frame={each},setpts=N/{RATE}/TB,\
             scale={width}:{height}:flags=lanczos,setsar=1,{BT709},format=yuv422p10le"
        );
        let shaped: String = (0..REAL.len()).map(|at| format!("[{at}:v:0]{shape}[v{at}];")).collect();
        let joined: String = (0..REAL.len()).map(|at| format!("[v{at}]")).collect();
        let graph = format!("{shaped}{joined}concat=n={}:v=1,fps={RATE}[frames]", REAL.len());
        let loops = |file: &PathBuf| ["-stream_loop", "-1", "-i", &file.to_string_lossy()].map(str::to_owned);
        Ok((files.iter().flat_map(loops).collect(), graph))
    }
}

/// `target/bench`, in the build folder of this program.
///
/// # Errors
/// If the folder cannot be created.
pub fn folder() -> io::Result<PathBuf> {
    let program = env::current_exe()?;
    // Cargo marks its build folder for backup programs.
    let target = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    let folder = target.map_or_else(env::temp_dir, Path::to_owned).join("bench");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
