//! What a demuxer knows about its container, as copies: name, chapters, programmes, duration, metadata.

use ffmpeg_sys_next as av;
use trix_model::{chapter::Chapter, time::Timestamp};

use super::{entries, enum_field, input::Input, rational::from_av, text};

/// A programme of a transport stream.
#[derive(Clone, Debug)]
pub struct Program {
    /// Programme number.
    pub number: i32,
    /// Indices of its streams.
    pub streams: Vec<usize>,
    /// Its metadata, such as the name.
    pub metadata: Vec<(String, String)>,
}

/// How libavformat found a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DurationMethod {
    /// From the times of the last packets.
    Times,
    /// From a header.
    Header,
    /// From the number of bytes and the bit rate.
    BitRate,
}

impl Input {
    /// FFmpeg's name of the demuxer. Empty if there is none.
    pub fn demuxer(&self) -> String {
        // SAFETY: a demuxer is null or static, and so is its name.
        unsafe { self.raw().iformat.as_ref().and_then(|format| text(format.name)) }.unwrap_or_default()
    }

    /// FFmpeg's description of the container. Empty if there is none.
    pub fn demuxer_description(&self) -> String {
        // SAFETY: as above.
        unsafe { self.raw().iformat.as_ref().and_then(|format| text(format.long_name)) }.unwrap_or_default()
    }

    /// The chapters of the file.
    pub fn chapters(&self) -> Vec<Chapter> {
        let raw = self.raw();
        let count = if raw.chapters.is_null() { 0 } else { raw.nb_chapters as usize };
        // SAFETY: `chapters` holds `nb_chapters` valid pointers, whose dictionaries belong to them.
        (0..count)
            .map(|index| unsafe { &**raw.chapters.add(index) })
            .map(|chapter| {
                let base = from_av(chapter.time_base);
                // SAFETY: as above.
                let metadata = unsafe { entries(chapter.metadata) };
                let title = metadata.into_iter().find(|(key, _)| key.eq_ignore_ascii_case("title"));
                Chapter {
                    start: Timestamp::new(chapter.start, base),
                    end: Timestamp::new(chapter.end, base),
                    title: title.map(|(_, title)| title),
                }
            })
            .collect()
    }

    /// The image of an "attached picture" stream.
    pub fn attached_picture(&self, index: usize) -> Option<Vec<u8>> {
        let packet = &self.raw_stream(index)?.attached_pic;
        let size = usize::try_from(packet.size).ok()?;
        // SAFETY: the packet belongs to its stream and keeps `size` bytes.
        (!packet.data.is_null()).then(|| unsafe { std::slice::from_raw_parts(packet.data, size) }.to_vec())
    }

    /// The programmes of a transport stream.
    pub fn programs(&self) -> Vec<Program> {
        let raw = self.raw();
        let count = if raw.programs.is_null() { 0 } else { raw.nb_programs as usize };
        // SAFETY: `programs` holds `nb_programs` valid pointers, each with `nb_stream_indexes` indices.
        (0..count)
            .map(|index| unsafe { &**raw.programs.add(index) })
            .map(|program| {
                let streams = if program.stream_index.is_null() { 0 } else { program.nb_stream_indexes as usize };
                // SAFETY: as above.
                unsafe {
                    Program {
                        number: program.id,
                        streams: (0..streams).map(|at| *program.stream_index.add(at) as usize).collect(),
                        metadata: entries(program.metadata),
                    }
                }
            })
            .collect()
    }

    /// Numbers of the programmes that list stream `index` at this point of the file.
    pub fn programs_of(&self, index: usize) -> Vec<i32> {
        let programs = self.programs().into_iter();
        programs.filter(|program| program.streams.contains(&index)).map(|program| program.number).collect()
    }

    /// Duration in microseconds, if the container or its streams give one.
    pub fn duration(&self) -> Option<i64> {
        Some(self.raw().duration).filter(|&duration| duration != av::AV_NOPTS_VALUE && duration > 0)
    }

    /// Duration in microseconds that the container or its streams declare. `None` if libavformat only estimated it from
    /// the bit rate.
    pub fn declared_duration(&self) -> Option<i64> {
        self.duration().filter(|_| self.duration_method() != DurationMethod::BitRate)
    }

    /// How libavformat found the duration.
    pub fn duration_method(&self) -> DurationMethod {
        // SAFETY: the field has the size of a C int and is initialised.
        match unsafe { enum_field!(self.raw().duration_estimation_method) } {
            0 => DurationMethod::Times,
            1 => DurationMethod::Header,
            _ => DurationMethod::BitRate,
        }
    }

    /// Time of the first presented packet in microseconds.
    pub fn start(&self) -> Option<i64> {
        Some(self.raw().start_time).filter(|&start| start != av::AV_NOPTS_VALUE)
    }

    /// Bits per second of the whole file.
    pub fn bit_rate(&self) -> Option<u64> {
        u64::try_from(self.raw().bit_rate).ok().filter(|&rate| rate > 0)
    }

    /// Metadata of the container.
    pub fn metadata(&self) -> Vec<(String, String)> {
        // SAFETY: the dictionary belongs to the context.
        unsafe { entries(self.raw().metadata) }
    }
}
