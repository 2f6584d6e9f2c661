//! The stages that write outputs.

use trix_av::packet::Packet;
use trix_model::{
    control::progress::Counters,
    error::{Result, Stage},
    time::{TimeBase, Timestamp},
};

use crate::{
    mux::Muxer,
    package::PackageWriter,
    pipeline::{
        channel::Receiver,
        pass::{
            queued::ForMuxer,
            record::{OutputRecord, Shared, lock},
        },
    },
    plan::{PackageId, Sink},
};

/// The presentation time of `packet`, whose times are in `base`.
fn time_of(packet: &Packet, base: Option<&TimeBase>) -> Option<Timestamp> {
    packet.pts().or(packet.dts()).zip(base).map(|(ticks, base)| Timestamp::new(ticks, *base))
}

/// Runs the stage that writes an output. `bases` are the time bases of its tracks.
pub(super) fn mux(
    mut muxer: Muxer,
    bases: Vec<TimeBase>,
    input: Receiver<ForMuxer>,
    record: &OutputRecord,
    counters: &Counters,
    counts_packets: bool,
) -> Result<()> {
    let mut taken = 0;
    while let Some(ForMuxer { track, packet }) = input.receive(Stage::Mux)? {
        let Some(packet) = packet? else {
            muxer.end(track)?;
            continue;
        };
        let time = time_of(&packet, bases.get(track));
        taken += packet.data().len() as u64;
        muxer.write(track, packet).map_err(|error| error.at(time))?;
        // Matroska writes a cluster of megabytes at a time.
        counters.set_bytes(muxer.position().max(taken));
        if counts_packets && track == 0 {
            counters.add_packet(time.map_or(0, |time| time.micros()));
        }
    }
    let (records, notes) = muxer.finish()?;
    let mut done = lock(&record.done);
    done.warnings.extend(notes);
    done.tracks = records;
    Ok(())
}

/// Runs the stage that writes package `id`. Its tracks have the time bases `bases`.
pub(super) fn mux_package(
    mut writer: PackageWriter,
    bases: Vec<TimeBase>,
    input: Receiver<ForMuxer>,
    shared: &Shared,
    id: PackageId,
    counters: &Counters,
) -> Result<()> {
    while let Some(ForMuxer { track, packet }) = input.receive(Stage::Mux)? {
        let Some(packet) = packet? else {
            writer.end(track)?;
            continue;
        };
        let time = time_of(&packet, bases.get(track));
        writer.write(track, packet).map_err(|error| error.at(time))?;
        counters.set_bytes(writer.position());
    }
    let written = writer.finish()?;
    // The last segments and the playlists are written at the end.
    counters.set_bytes(written.bytes());
    let count = shared.outputs.renditions[id.0].len();
    for (rendition, record) in written.records().iter().enumerate().take(count) {
        let sink = Sink::Rendition { package: id, rendition };
        lock(&shared.outputs[sink].done).tracks = vec![record.track.clone()];
    }
    *lock(&shared.packages[id.0]) = Some(written);
    Ok(())
}
