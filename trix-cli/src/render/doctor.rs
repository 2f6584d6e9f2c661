//! The output of `trix doctor`.

use std::fmt::Write;

use trix_core::doctor::Doctor;

/// The versions, then what is present and what is missing.
pub fn text(doctor: &Doctor) -> String {
    let mut out = format!("trix {}\n", doctor.trix);
    for library in &doctor.libraries {
        let _ = writeln!(out, "  {:14} {}", library.name, library.version);
    }
    let _ = writeln!(out, "  {:14} {}", "licence", doctor.ffmpeg_licence);
    let _ = writeln!(out, "  {:14} {}", "decoders", doctor.decoders.len());
    for need in &doctor.needs {
        if need.present {
            let _ = writeln!(out, "  ok      {} ({})", need.name, need.purpose);
        } else {
            let _ = writeln!(out, "  MISSING {} ({}): install {}", need.name, need.purpose, need.package);
        }
    }
    out
}
