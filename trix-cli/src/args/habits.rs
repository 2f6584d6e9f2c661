//! Options of ffmpeg that hands type from habit, and the options of Trix in their place.
//!
//! Invariant: an option of Trix that is named exists.

/// What Trix has in place of `option`, an option of ffmpeg with the value `value`. `None` if it is no option of ffmpeg
/// that Trix knows.
pub fn instead(option: &str, value: Option<&str>) -> Option<String> {
    let value = value.unwrap_or_default();
    // A stream specifier such as `:0` after `:v` says nothing new.
    let option = option.strip_suffix(":0").unwrap_or(option);
    Some(match option {
        "-c:v" | "-vcodec" | "-codec:v" => format!("use --video {}", encoder(value)),
        "-c:a" | "-acodec" | "-codec:a" => format!("use --audio {}", audio(value)),
        "-c:s" | "-scodec" => "use --subtitles copy, none or a codec".to_owned(),
        "-c" | "-codec" => match value {
            "copy" => "use --video copy and --audio copy".to_owned(),
            _ => format!("use --video {}, and --audio CODEC", encoder(value)),
        },
        "-b:v" | "-vb" => format!("use --bitrate {}", given(value, "KBPS")),
        "-b:a" | "-ab" => format!("use --audio CODEC:KBPS, such as --audio aac:{}", given(value, "192k")),
        "-ss" => format!("use --start {}", given(value, "TIME")),
        "-t" => format!("use --duration {}", given(value, "TIME")),
        "-to" => "use --duration TIME, which counts from --start".to_owned(),
        "-vf" | "-filter:v" | "-filter_complex" | "-lavfi" => {
            "use --size, --crop, --pad, --fps, --deinterlace or --tonemap".to_owned()
        }
        "-af" | "-filter:a" => "use --audio-layout, --audio-rate or --audio-matrix".to_owned(),
        "-y" => "use --overwrite".to_owned(),
        "-n" => "leave it out: only --overwrite replaces a file".to_owned(),
        "-r" => format!("use --fps {}", given(value, "RATE")),
        "-s" => format!("use --size {}", given(value, "WxH")),
        "-aspect" => "use --size WxH, or --pad WxH".to_owned(),
        "-an" => "use --audio none".to_owned(),
        "-vn" => "use --video none".to_owned(),
        "-sn" => "use --subtitles none".to_owned(),
        "-crf" | "-preset" | "-tune" | "-level" | "-maxrate" | "-bufsize" | "-threads" | "-qp" => {
            format!("use -{option} {}", given(value, "VALUE"))
        }
        "-crf:v" | "-preset:v" | "-tune:v" | "-maxrate:v" | "-bufsize:v" => {
            format!("use -{} {}", option.trim_end_matches(":v"), given(value, "VALUE"))
        }
        "-profile:v" | "-profile" => format!("use --profile {}", given(value, "NAME")),
        "-g" => format!("use --gop {}", given(value, "N")),
        "-pass" => "use --passes 2 with --bitrate: one command runs both".to_owned(),
        "-pix_fmt" => "use --depth N and --chroma 420, 422 or 444".to_owned(),
        "-ar" => format!("use --audio-rate {}", given(value, "HZ")),
        "-ac" => "use --audio-layout mono, stereo, 5.1 and so on".to_owned(),
        "-map" => "use --video-stream N and --audio-tracks".to_owned(),
        "-metadata" => format!("use --metadata {}", given(value, "KEY=VALUE")),
        "-x264-params" | "-x265-params" | "-x264opts" => "use --param KEY=VALUE for each".to_owned(),
        "-frames:v" | "-vframes" | "-frames" => format!("use --frames {}", given(value, "N")),
        "-force_key_frames" => format!("use --force-keyframes {}", given(value, "TIME,...")),
        "-movflags" => "leave it out: MP4 and MOV begin with their index, ready to stream".to_owned(),
        "-f" => "leave it out: the extension of --output decides".to_owned(),
        "-loglevel" | "-v" => "use --verbose, or --log FILE".to_owned(),
        "-stats" => "leave it out: --progress auto shows progress on a terminal".to_owned(),
        "-nostdin" => "leave it out: trix reads no keys".to_owned(),
        _ => return None,
    })
}

/// True if `option` has no value in ffmpeg.
pub fn is_flag(option: &str) -> bool {
    matches!(option, "-y" | "-n" | "-an" | "-vn" | "-sn" | "-stats" | "-nostdin")
}

fn given<'a>(value: &'a str, otherwise: &'a str) -> &'a str {
    if value.is_empty() || value.starts_with('-') { otherwise } else { value }
}

fn encoder(name: &str) -> &str {
    match name {
        "libx264" | "h264" | "x264" => "x264",
        "libx265" | "hevc" | "h265" | "x265" => "x265",
        "ffv1" => "ffv1",
        "prores" | "prores_ks" | "prores_aw" => "prores",
        "copy" => "copy",
        _ => "x264, x265, ffv1, prores or copy",
    }
}

fn audio(name: &str) -> &str {
    match name {
        "aac" | "libfdk_aac" => "aac",
        "libopus" | "opus" => "opus",
        "ac3" => "ac3",
        "eac3" => "eac3",
        "flac" => "flac",
        "alac" => "alac",
        "copy" => "copy",
        "pcm_s16le" | "pcm_s16be" => "pcm16",
        "pcm_s24le" | "pcm_s24be" => "pcm24",
        _ => "aac, opus, ac3, eac3, flac, alac, pcm or copy",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Cli;
    use clap::CommandFactory;

    #[test]
    fn options_that_stand_for_those_of_ffmpeg_exist() {
        let options = "-c:v -c:a -c:s -c -b:v -b:a -ss -t -to -vf -af -y -n -r -s -aspect -an -vn -sn -crf -preset -tune \
                       -level -maxrate -bufsize -threads -qp -profile:v -g -pass -pix_fmt -ar -ac -map -metadata \
                       -x264-params -frames:v -force_key_frames -movflags -f -loglevel -v -stats -nostdin";
        let cli = Cli::command();
        let encode = cli.find_subcommand("encode").expect("a command");
        let known: Vec<String> =
            encode.get_arguments().filter_map(|own| Some(format!("--{}", own.get_long()?))).collect();
        for option in options.split(' ') {
            for value in [None, Some("libx264"), Some("copy"), Some("-y")] {
                let instead = instead(option, value).unwrap_or_else(|| panic!("{option} is unknown"));
                for word in instead.split([' ', ',']).filter(|word| word.starts_with("--")) {
                    assert!(known.iter().any(|own| own == word.trim_end_matches(':')), "{option}: {word} of {instead}");
                }
            }
        }
        assert_eq!(instead("-c:v", Some("libx265")).as_deref(), Some("use --video x265"));
        assert_eq!(instead("-crf", Some("20")).as_deref(), Some("use --crf 20"));
        assert_eq!(instead("-bogus", None), None);
    }
}
