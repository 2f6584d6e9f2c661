//! Writes a package.

use std::{
    fs,
    path::{Path, PathBuf},
};

use trix_av::{packet::Packet, stream::StreamKind};
use trix_bitstream::{cmaf::boundaries::Boundaries, hls, manifest::Manifest};
use trix_model::{
    control::cancel::Token,
    error::{Error, ErrorKind, Result, Stage},
    time::Rational,
};

use crate::{
    package::{
        folder::{CommittedPackage, PartFolder},
        playlists,
        rendition::{Rendition, RenditionRecord},
        text::TextTrack,
        track::{self, MediaTrack},
        verify::{Verified, verify},
    },
    settings::package::PackageSettings,
};

/// A package that is being written.
pub struct PackageWriter {
    folder: PartFolder,
    tracks: Vec<Slot>,
    /// Index of the leading track, whose keyframes determine the segment boundaries.
    lead: usize,
    boundaries: Boundaries,
}

/// A track of either kind.
enum Slot {
    Media(Box<MediaTrack>),
    Text(Box<TextTrack>),
}

impl PackageWriter {
    /// Starts a package of `renditions` for the folder `target`.
    ///
    /// # Errors
    /// `InvalidSpec` if names or settings are invalid, `Unsupported` for codecs that a package cannot hold, `Io` if the
    /// name exists.
    pub fn new(target: &Path, renditions: Vec<Rendition>, settings: &PackageSettings, overwrite: bool) -> Result<Self> {
        check(&renditions, settings)?;
        let position = |kind| renditions.iter().position(|rendition| rendition.track.parameters.kind() == kind);
        let lead = position(StreamKind::Video).or_else(|| position(StreamKind::Audio));
        let lead = lead.ok_or_else(|| invalid("a package needs a rendition of video or audio"))?;
        let folder = PartFolder::create(target, overwrite)?;
        let mut tracks = Vec::new();
        for rendition in renditions {
            let path = folder.path().join(&rendition.id);
            fs::create_dir(&path).map_err(|error| Error::io(Stage::Mux, target, "cannot be created", error))?;
            tracks.push(match rendition.track.parameters.kind() {
                StreamKind::Subtitle => Slot::Text(Box::new(TextTrack::new(rendition, path))),
                _ => Slot::Media(Box::new(MediaTrack::new(rendition, path, settings.layout)?)),
            });
        }
        Ok(PackageWriter { folder, tracks, lead, boundaries: Boundaries::new(settings.segment) })
    }

    /// Writes a packet of rendition `index`, with times in that track's time base. The packets of a rendition must come
    /// in decoding order. The packets of a segment stay in memory until the next segment begins.
    ///
    /// # Errors
    /// `Verification` if the video renditions have no common keyframe at a segment start, or if frames are shown before
    /// the keyframe of their segment. `Io` if the disk fails. `Unsupported` for data that MP4 cannot hold.
    pub fn write(&mut self, index: usize, packet: Packet) -> Result<()> {
        let is_lead = index == self.lead;
        match self.tracks.get_mut(index) {
            None => {
                return Err(Error::bug(Stage::Mux, format!("a packet for rendition {index}, which does not exist")));
            }
            Some(Slot::Text(track)) => track.push(&packet).map_err(|error| error.in_file(self.folder.target()))?,
            Some(Slot::Media(track)) => {
                let keyframe = track.push(packet).map_err(|error| error.in_file(self.folder.target()))?;
                if let Some(time) = keyframe.filter(|_| is_lead) {
                    self.boundaries.keyframe(time);
                    return self.cut_all();
                }
                track.cut(&self.boundaries).map_err(|error| error.in_file(self.folder.target()))?;
            }
        }
        Ok(())
    }

    /// Ends rendition `index`, while others go on. Behind the end of the leading track, audio gets segments of its own.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn end(&mut self, index: usize) -> Result<()> {
        if index != self.lead {
            return Ok(());
        }
        if let Some(Slot::Media(lead)) = self.tracks.get(index)
            && let Some(end) = lead.end()
        {
            self.boundaries.finish(end);
        }
        self.cut_all()
    }

    fn cut_all(&mut self) -> Result<()> {
        for slot in &mut self.tracks {
            if let Slot::Media(track) = slot {
                track.cut(&self.boundaries).map_err(|error| error.in_file(self.folder.target()))?;
            }
        }
        Ok(())
    }

    /// Bytes of media written so far.
    pub fn position(&self) -> u64 {
        let media = self.tracks.iter().map(|slot| if let Slot::Media(track) = slot { track.written() } else { 0 });
        media.sum()
    }

    /// Writes pending data, the playlists and the manifest, and syncs everything to disk.
    ///
    /// # Errors
    /// As [`Self::write`]. Also `Verification` if the video renditions do not begin and end at the same times.
    pub fn finish(mut self) -> Result<WrittenPackage> {
        let target = self.folder.target().to_owned();
        let in_target = |error: Error| error.in_file(&target);
        self.end(self.lead)?;
        let (mut media, mut texts) = (Vec::new(), Vec::new());
        // The renditions keep their order.
        let mut is_media = Vec::new();
        for slot in std::mem::take(&mut self.tracks) {
            is_media.push(matches!(slot, Slot::Media(_)));
            match slot {
                Slot::Media(track) => media.push(track.finish(&self.boundaries).map_err(in_target)?),
                Slot::Text(track) => texts.push(track),
            }
        }
        track::check_alignment(&media).map_err(in_target)?;
        // Text uses the boundaries of the leading track: the first video track, or the first audio track if there is no
        // video.
        let lead = media.iter().find(|track| track.is_video()).unwrap_or(&media[0]);
        let edges = lead.edges();
        let texts: Vec<_> =
            texts.into_iter().map(|track| track.finish(&edges)).collect::<Result<_>>().map_err(in_target)?;
        let of_media = media.iter().flat_map(|track| track.durations());
        let of_texts = texts.iter().flat_map(|(_, text)| text.durations.iter().copied());
        let target_duration = hls::media::target_duration(of_media.chain(of_texts));
        let media: Vec<_> =
            media.into_iter().map(|track| track.complete(target_duration)).collect::<Result<_>>().map_err(in_target)?;
        let (of_media, media): (Vec<_>, Vec<_>) = media.into_iter().unzip();
        let (of_texts, texts): (Vec<_>, Vec<_>) = texts.into_iter().unzip();
        playlists::write(self.folder.path(), &Manifest { media, texts }, target_duration).map_err(in_target)?;
        self.folder.sync()?;
        let (mut of_media, mut of_texts) = (of_media.into_iter(), of_texts.into_iter());
        let next = |is_media: bool| if is_media { of_media.next() } else { of_texts.next() };
        let records = is_media.into_iter().filter_map(next).collect();
        Ok(WrittenPackage { folder: self.folder, records })
    }
}

/// The size of all files below `folder` in bytes. What cannot be read counts nothing.
fn bytes_below(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.map(size).sum()
}

/// A package that is complete and synced to disk, but not yet renamed. Without [`Self::commit`], it is removed.
pub struct WrittenPackage {
    folder: PartFolder,
    records: Vec<RenditionRecord>,
}

impl WrittenPackage {
    /// Its folder until then.
    pub fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// The size of all of its files in bytes.
    pub fn bytes(&self) -> u64 {
        bytes_below(self.folder.path())
    }

    /// The records of the renditions, in their order.
    pub fn records(&self) -> &[RenditionRecord] {
        &self.records
    }

    /// Reads the complete package again, as [`verify()`] does.
    ///
    /// # Errors
    /// Those of [`verify()`].
    pub fn verify(&self, hash: bool, token: &Token) -> Result<Verified> {
        verify(self.folder.path(), &self.records, hash, token)
            .map_err(|error| error.renamed(self.folder.path(), self.folder.target()))
    }

    /// Gives the package its final name.
    ///
    /// # Errors
    /// `Io` if the name appeared meanwhile and may not be overwritten, or if the disk fails.
    pub fn commit(self) -> Result<CommittedPackage> {
        self.folder.commit()
    }
}

fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail)
}

/// The codecs that a package can hold, by FFmpeg's names: libavformat writes their sample descriptions, and HLS and
/// DASH have names for them.
pub(crate) const CODECS: &[&str] = &["h264", "hevc", "aac", "ac3", "eac3", "opus", "flac", "webvtt"];

fn check(renditions: &[Rendition], settings: &PackageSettings) -> Result<()> {
    let PackageSettings { segment, .. } = settings;
    if *segment < Rational::new(1, 1) || *segment > Rational::new(60, 1) {
        return Err(invalid(format!("package.segment: {segment} is not from 1 to 60 seconds")));
    }
    for (index, Rendition { id, track }) in renditions.iter().enumerate() {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if id.is_empty() || id.len() > 64 || id.starts_with('.') || !id.bytes().all(is_plain) {
            let right = "1 to 64 letters, digits, '-', '_' and '.', not beginning with '.'";
            return Err(invalid(format!("the rendition name '{id}' is not made of {right}")));
        }
        if renditions[..index].iter().any(|other| other.id.eq_ignore_ascii_case(id)) {
            return Err(invalid(format!("two renditions have the name '{id}'")));
        }
        let codec = track.parameters.codec_name();
        if !CODECS.contains(&codec.as_str()) {
            let detail = format!("rendition {id}: {codec} has no place in a package ({})", CODECS.join(", "));
            return Err(Error::new(ErrorKind::Unsupported, Stage::Plan, detail));
        }
        if !track.time_base.is_positive() || u32::try_from(track.time_base.den).is_err() {
            let detail = format!("rendition {id}: times in ticks of {} s cannot be stated in MP4", track.time_base);
            return Err(Error::new(ErrorKind::Unsupported, Stage::Plan, detail));
        }
    }
    Ok(())
}
