//! Figures for Prometheus.

use std::fmt::Write as _;

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use super::App;
use crate::{catalogue::Figures, error::Result, mounts::MountState};

/// Writes figures in the text format of Prometheus.
#[derive(Default)]
struct Text(String);

impl Text {
    /// Begins a figure.
    fn begin(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP trix_{name} {help}\n# TYPE trix_{name} {kind}");
    }

    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<String> = labels.iter().map(|(key, own)| format!("{key}=\"{}\"", escaped(own))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "trix_{name}{labels} {value}");
    }

    fn one(&mut self, name: &str, help: &str, value: f64) {
        self.begin(name, "gauge", help);
        self.value(name, &[], value);
    }
}

/// The figures of catalogue, mounts and parts as text.
fn written(figures: &Figures, mounts: &[MountState], away: &[(String, bool)]) -> String {
    let mut text = Text::default();
    text.begin("jobs", "gauge", "Jobs by state.");
    figures.jobs.iter().for_each(|own| text.value("jobs", &[("state", &own.kind)], own.count as f64));
    text.begin("attempts_total", "counter", "Attempts at steps by outcome.");
    figures.attempts.iter().for_each(|own| text.value("attempts_total", &[("outcome", &own.kind)], own.count as f64));
    text.begin("step_seconds_total", "counter", "Time of steps that ended well, by step and profiles.");
    for own in &figures.spent {
        text.value("step_seconds_total", &[("step", &own.step), ("profiles", &own.profiles)], own.seconds);
    }
    text.begin("steps_total", "counter", "Steps that ended well, by step and profiles.");
    for own in &figures.spent {
        text.value("steps_total", &[("step", &own.step), ("profiles", &own.profiles)], own.count as f64);
    }
    text.one(
        "frames_a_second",
        "Frames a second of the steps that run, each as the mean since its beginning.",
        figures.frames_a_second,
    );
    text.one("attempts_open", "Attempts without an end: they run, or their worker was lost.", figures.open as f64);
    text.one("oldest_wait_seconds", "Age of the oldest job that waits for its first step.", figures.oldest_wait);
    text.one("workers", "Workers that gave a sign in the last ten seconds.", figures.workers.0 as f64);
    text.one("workers_busy", "Those of the figure `workers` that have a step now.", figures.workers.1 as f64);
    text.begin("mount_free_bytes", "gauge", "Free space of a mount.");
    let name = |state: &MountState| state.mount.name();
    mounts.iter().for_each(|own| text.value("mount_free_bytes", &[("mount", name(own))], own.free as f64));
    text.begin("mount_size_bytes", "gauge", "Size of a mount.");
    mounts.iter().for_each(|own| text.value("mount_size_bytes", &[("mount", name(own))], own.size as f64));
    text.begin("part_up", "gauge", "1 if a part of the farm answers.");
    away.iter().for_each(|(part, is_up)| text.value("part_up", &[("part", part)], f64::from(u8::from(*is_up))));
    text.0
}

/// Figures for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "system", responses((status = 200, description = "figures in the text format of Prometheus",
    body = String)))]
pub(super) async fn metrics(State(app): State<App>) -> Result<Response> {
    let figures = app.0.catalogue.figures().await?;
    let mounts = app.0.config.mounts.clone();
    let states = tokio::task::spawn_blocking(move || mounts.states());
    let states = states.await.map_err(|error| crate::error::Error::Bug(error.to_string()))?;
    let parts: Vec<(String, bool)> =
        app.0.health.parts().into_iter().map(|part| (part.part, part.away_since.is_none())).collect();
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Ok((kind, written(&figures, &states, &parts)).into_response())
}
