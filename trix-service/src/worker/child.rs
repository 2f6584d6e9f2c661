//! The process of a step.
//!
//! Invariant: the process ends before its attempt does.

use std::{process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
};
use tokio_util::sync::CancellationToken;
use trix_core::{ErrorDetail, ErrorKind, Stage};

use super::Signs;
use crate::{
    catalogue::StepProgress,
    config,
    engine::Step,
    steps::{Folders, Said, StepRequest},
};

/// Time between two signs.
const BEAT: Duration = Duration::from_millis(500);
/// The most characters of a line that is logged.
const LOGGED: usize = 4000;

/// Runs the process of a step to its end, and tells `tell` how far it is. `None` if it was cancelled.
pub async fn run(
    settings: &config::Worker,
    request: &StepRequest,
    cancel: &CancellationToken,
    signs: &impl Signs,
    tell: &(dyn Fn(&StepProgress) + Sync),
) -> Option<Said> {
    let mut child = match start(settings, request).await {
        Ok(child) => child,
        Err(error) => return Some(failed(ErrorKind::Io, &format!("its process cannot be started: {error}"))),
    };
    let output = child.stdout.take()?;
    let mut lines = BufReader::new(output).split(b'\n');
    let (mut frames, mut last) = (0, None);
    let mut beat = tokio::time::interval(BEAT);
    loop {
        tokio::select! {
            () = cancel.cancelled() => {
                let _ = child.kill().await;
                return None;
            }
            _ = beat.tick() => signs.beat(frames).await,
            line = lines.next_segment() => match line {
                Ok(Some(line)) => match serde_json::from_slice(&line) {
                    Ok(Said::Progress { progress }) => {
                        frames = progress.frames;
                        tell(&progress);
                    }
                    Ok(said) => last = Some(said),
                    Err(_) => {}
                },
                Ok(None) | Err(_) => break,
            },
        }
    }
    let status = loop {
        tokio::select! {
            () = cancel.cancelled() => {
                let _ = child.kill().await;
                return None;
            }
            _ = beat.tick() => signs.beat(frames).await,
            status = child.wait() => break status,
        }
    };
    Some(last.unwrap_or_else(|| {
        let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        let which = match &request.step {
            Step::Chunk { number } => match request.frames_of(*number) {
                Some(range) => format!("the process of chunk {number} (frames {range})"),
                None => format!("the process of chunk {number}"),
            },
            step => format!("the process of the step {step}"),
        };
        failed(ErrorKind::Codec, &format!("{which} ended without a result: {how}"))
    }))
}

async fn start(settings: &config::Worker, request: &StepRequest) -> std::io::Result<Child> {
    let mut text = serde_json::to_string(request)?;
    text.push('\n');
    let mut command = Command::new(settings.program()?);
    command.env("XDG_CONFIG_HOME", Folders::of(request).settings());
    command.arg("step").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    if let Some(input) = &mut child.stdin {
        input.write_all(text.as_bytes()).await?;
        input.flush().await?;
    }
    if let Some(errors) = child.stderr.take() {
        let (job, step) = (request.job.clone(), request.step.to_string());
        tokio::spawn(async move {
            let mut lines = BufReader::new(errors).split(b'\n');
            while let Ok(Some(line)) = lines.next_segment().await {
                let line: String = String::from_utf8_lossy(&line).chars().take(LOGGED).collect();
                tracing::warn!(job, step, line, "said");
            }
        });
    }
    Ok(child)
}

fn failed(kind: ErrorKind, detail: &str) -> Said {
    let error = trix_core::Error::new(kind, Stage::Encode, detail);
    Said::Failed { error: ErrorDetail::from(&error), is_outside: false }
}
