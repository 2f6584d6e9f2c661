//! The containers that Trix writes, and what each of them can hold.
//!
//! Invariant: libavformat 5.1 writes each entry of these tables and reads it back unchanged. Tests write every entry of
//! every table and read it with foreign programs.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    stream_kind::StreamKind,
    time::{Rational, TimeBase, Timestamp},
};

/// A container that Trix writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Container {
    /// MPEG-4 part 14, index first.
    Mp4,
    /// QuickTime, index first.
    Mov,
    /// Matroska.
    Matroska,
    /// WebM: Matroska with the codecs of the web.
    WebM,
    /// MPEG-2 transport stream in packets of 188 bytes.
    MpegTs,
    /// The same in packets of 192 bytes, as in Blu-ray and AVCHD.
    M2ts,
    /// MXF, operational pattern 1a (SMPTE ST 378): one item, one package.
    Mxf,
}

impl Container {
    /// Every container.
    pub const ALL: [Container; 7] = [
        Container::Mp4,
        Container::Mov,
        Container::Matroska,
        Container::WebM,
        Container::MpegTs,
        Container::M2ts,
        Container::Mxf,
    ];

    /// The container that the extension of a file name stands for.
    pub fn from_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "mp4" | "m4v" => Some(Container::Mp4),
            "mov" => Some(Container::Mov),
            "mkv" => Some(Container::Matroska),
            "webm" => Some(Container::WebM),
            "ts" => Some(Container::MpegTs),
            "m2ts" | "mts" => Some(Container::M2ts),
            "mxf" => Some(Container::Mxf),
            _ => None,
        }
    }

    /// The extensions that [`Self::from_path`] knows, for messages.
    #[doc(hidden)]
    pub const EXTENSIONS: &str = ".mp4, .m4v, .mov, .mkv, .webm, .ts, .m2ts, .mts and .mxf";

    /// The name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Container::Mp4 => "MP4",
            Container::Mov => "MOV",
            Container::Matroska => "Matroska",
            Container::WebM => "WebM",
            Container::MpegTs | Container::M2ts => "MPEG-TS",
            Container::Mxf => "MXF",
        }
    }

    /// FFmpeg's name of the muxer.
    pub fn muxer(self) -> &'static str {
        match self {
            Container::Mp4 => "mp4",
            Container::Mov => "mov",
            Container::Matroska => "matroska",
            Container::WebM => "webm",
            Container::MpegTs | Container::M2ts => "mpegts",
            Container::Mxf => "mxf",
        }
    }

    /// True for both forms of a transport stream.
    pub fn is_transport_stream(self) -> bool {
        matches!(self, Container::MpegTs | Container::M2ts)
    }

    /// True for MP4 and MOV: boxes, edit lists, an index.
    pub fn is_iso(self) -> bool {
        matches!(self, Container::Mp4 | Container::Mov)
    }

    /// True for Matroska and WebM.
    pub fn is_matroska(self) -> bool {
        matches!(self, Container::Matroska | Container::WebM)
    }

    /// True if H.264 and HEVC have start codes in this container, and parameter sets before each keyframe. Decoding may
    /// start anywhere, and there is no sample description for parameter sets.
    #[doc(hidden)]
    pub fn wants_parameter_sets_in_band(self) -> bool {
        self.is_transport_stream() || self == Container::Mxf
    }

    /// The video and audio codecs that Trix writes into this container, by FFmpeg's names; `None` where libavformat's
    /// own table decides.
    ///
    /// MPEG-TS: ISO/IEC 13818-1 table 2-34, ETSI TS 101 154, SMPTE ST 302. MXF: the mappings of libavformat's OP1a
    /// muxer (SMPTE ST 381, 382, 383, 422, 2019-4, RDD 44).
    #[doc(hidden)]
    pub fn codecs(self) -> Option<&'static [&'static str]> {
        match self {
            // libavformat writes other audio codecs as private data into M2TS, which no other reader recognises.
            Container::M2ts => Some(&["h264", "hevc", "mpeg2video", "ac3", "eac3", "dts"]),
            Container::MpegTs => Some(&[
                "h264",
                "hevc",
                "mpeg2video",
                "mpeg1video",
                "aac",
                "ac3",
                "eac3",
                "mp2",
                "mp3",
                "dts",
                "opus",
                "s302m",
            ]),
            Container::Mxf => {
                Some(&["mpeg2video", "h264", "dnxhd", "prores", "dvvideo", "jpeg2000", "pcm_s16le", "pcm_s24le"])
            }
            _ => None,
        }
    }

    /// The codec to which text subtitles are converted if the container cannot hold their own codec; `None` if it holds
    /// no text.
    #[doc(hidden)]
    pub fn text_codec(self) -> Option<&'static str> {
        match self {
            Container::Mp4 | Container::Mov => Some("mov_text"),
            Container::Matroska => Some("subrip"),
            Container::WebM => Some("webvtt"),
            Container::MpegTs | Container::M2ts | Container::Mxf => None,
        }
    }

    /// True if the container can hold subtitles of this codec (FFmpeg's name) unchanged.
    #[doc(hidden)]
    pub fn holds_subtitles(self, codec: &str) -> bool {
        match self {
            Container::Mp4 | Container::Mov => codec == "mov_text",
            Container::Matroska => {
                matches!(codec, "subrip" | "ass" | "webvtt" | "hdmv_pgs_subtitle" | "dvb_subtitle" | "dvd_subtitle")
            }
            Container::WebM => codec == "webvtt",
            Container::MpegTs | Container::M2ts => matches!(codec, "dvb_subtitle" | "dvb_teletext"),
            Container::Mxf => false,
        }
    }

    /// The sample aspect ratio that the container stores for `aspect`, if it differs from `aspect`: Matroska stores the
    /// display width and height as whole numbers.
    #[doc(hidden)]
    pub fn rounds_aspect(self, width: usize, height: usize, aspect: Rational) -> Option<Rational> {
        if !self.is_matroska() || !aspect.is_positive() || width == 0 || height == 0 {
            return None;
        }
        let width = i64::try_from(width).ok()?;
        let shown = Timestamp::new(width, aspect).rescale(TimeBase::new(1, 1));
        let rounded = Rational::new(shown.max(1), width);
        (rounded != aspect).then_some(rounded)
    }

    /// True if the container can hold chapters.
    #[doc(hidden)]
    pub fn holds_chapters(self) -> bool {
        self.is_iso() || self.is_matroska()
    }

    /// True if the container can hold whole files, such as fonts.
    #[doc(hidden)]
    pub fn holds_attachments(self) -> bool {
        self == Container::Matroska
    }

    /// True if the container can hold a cover image of this codec. (QuickTime's own metadata cannot.)
    #[doc(hidden)]
    pub fn holds_cover(self, codec: &str) -> bool {
        match self {
            Container::Mp4 => matches!(codec, "mjpeg" | "png" | "bmp"),
            Container::Matroska => cover_type(codec).is_some(),
            _ => false,
        }
    }

    /// True if the container can hold the time code of the first frame.
    #[doc(hidden)]
    pub fn holds_timecode(self) -> bool {
        self.is_iso() || self.is_matroska() || self == Container::Mxf
    }

    /// True if the container can hold the language of a track; MPEG-TS only of audio and subtitles (ISO/IEC 13818-1,
    /// 2.6.18).
    #[doc(hidden)]
    pub fn holds_language(self, kind: StreamKind) -> bool {
        self != Container::Mxf && !(self.is_transport_stream() && kind == StreamKind::Video)
    }

    /// True if the container can hold the title of a track.
    #[doc(hidden)]
    pub fn holds_title(self) -> bool {
        self.is_iso() || self.is_matroska()
    }

    /// True if the container can hold this purpose of a track, by FFmpeg's name. MPEG-TS holds some purposes of audio,
    /// together with a language (ISO/IEC 13818-1, 2.6.18).
    #[doc(hidden)]
    pub fn holds_disposition(self, name: &str) -> bool {
        match self {
            // The roles of ISO/IEC 23009-1 (DASH), in `kind` boxes.
            Container::Mp4 => {
                matches!(name, "default" | "dub" | "comment" | "forced" | "hearing_impaired" | "visual_impaired")
            }
            Container::Mov => name == "default",
            Container::Matroska => matches!(
                name,
                "default" | "dub" | "original" | "comment" | "forced" | "hearing_impaired" | "visual_impaired"
            ),
            Container::WebM => matches!(name, "default" | "forced"),
            Container::MpegTs | Container::M2ts => {
                matches!(name, "hearing_impaired" | "visual_impaired" | "clean_effects")
            }
            Container::Mxf => false,
        }
    }

    /// The tags of the whole file that the container can hold; `None` if it can hold any.
    #[doc(hidden)]
    pub fn tags(self) -> Option<&'static [&'static str]> {
        match self {
            // The atoms that iTunes established.
            Container::Mp4 => Some(&[
                "title",
                "artist",
                "album_artist",
                "composer",
                "album",
                "date",
                "comment",
                "genre",
                "copyright",
                "grouping",
                "lyrics",
                "description",
                "synopsis",
                "show",
                "episode_id",
                "network",
                "keywords",
                "season_number",
                "media_type",
                "track",
                "disc",
                "creation_time",
            ]),
            // QuickTime File Format, user data.
            Container::Mov => Some(&[
                "title",
                "artist",
                "album",
                "date",
                "comment",
                "genre",
                "copyright",
                "make",
                "model",
                "location",
                "creation_time",
            ]),
            Container::Matroska | Container::WebM => None,
            // The service descriptor (ETSI EN 300 468, 6.2.33).
            Container::MpegTs | Container::M2ts => Some(&["title", "service_name", "service_provider"]),
            Container::Mxf => Some(&["material_package_name"]),
        }
    }
}

/// The media type of a cover image, and the extension of its name.
#[doc(hidden)]
pub fn cover_type(codec: &str) -> Option<(&'static str, &'static str)> {
    match codec {
        "mjpeg" => Some(("image/jpeg", "jpg")),
        "png" => Some(("image/png", "png")),
        "gif" => Some(("image/gif", "gif")),
        "tiff" => Some(("image/tiff", "tif")),
        _ => None,
    }
}
