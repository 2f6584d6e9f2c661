//! tmp

mod support;

use support::ladder::{ladder, packaged, two_seconds};
use trix_core::spec::{audio::AudioSettings, video::Encoder};

#[test]
fn a_ladder() {
    let folder = trix_fixtures::folder();
    let inputs = ladder(folder.path(), Encoder::X264, "", AudioSettings::Aac { kbps: None });
    let target = std::path::PathBuf::from("/tmp/pk/out");
    let _ = std::fs::remove_dir_all(&target);
    packaged(&inputs, &target, &two_seconds());
}
