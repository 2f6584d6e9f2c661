//! A film of so many chunks that the engine begins a new record of its run twice.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt, time::Duration};

use trix_service::{catalogue::JobState, engine::flow::CHUNKS_A_RECORD};

use super::Farm;
use crate::support::eventually;

/// Chunks of the film.
const CHUNKS: usize = 2 * CHUNKS_A_RECORD + 100;

/// What workers run in place of `trixd`: it reads the request of a step, and says at once that the step is done.
const STEP: &str = r#"#!/bin/sh
IFS= read -r line
made=null
case $line in
*'"step":{"type":"plan"'*) end='{"type":"planned","chunks":@CHUNKS@}' ;;
*'"step":{"type":"chunk"'*) end='{"type":"encoded"}' ;;
*'"step":{"type":"finish"'*)
    attempt=${line##*'"attempt":"'}
    end='{"type":"finished","attempt":"'${attempt%%'"'*}'"}'
    ;;
*) end='{"type":"published"}' made='{"outputs":[],"report":"{}"}' ;;
esac
printf '{"type":"ended","end":%s,"made":%s,"planned":null}\n' "$end" "$made"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_film_of_two_thousand_chunks_is_done_and_no_chunk_is_done_twice() {
    let farm = Farm::start_with(8, |place| {
        let step = place.folder.path().join("step.sh");
        fs::write(&step, STEP.replace("@CHUNKS@", &CHUNKS.to_string())).expect("a script");
        fs::set_permissions(&step, fs::Permissions::from_mode(0o755)).expect("a program");
        place.config.worker.program = step;
    })
    .await;
    let job = farm.submit("Film", "veryfast").await;
    let over = async || {
        let job = farm.catalogue.job(&job.id).await.ok()?;
        job.state.is_over().then_some(job)
    };
    let done = eventually("the end", Duration::from_secs(600), over).await;
    assert_eq!((done.state, done.units, done.units_done), (JobState::Done, CHUNKS as i64, CHUNKS as i64));
    let attempts = farm.attempts(&job).await;
    assert!(attempts.iter().all(|own| own.outcome.as_deref() == Some("done")));
    let steps: BTreeSet<&str> = attempts.iter().map(|own| own.step.as_str()).collect();
    assert_eq!((steps.len(), attempts.len()), (CHUNKS + 3, CHUNKS + 3), "plan, chunks, finish, publish");
}
