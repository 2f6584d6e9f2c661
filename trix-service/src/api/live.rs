//! Tells open pages what changes.
//!
//! Invariant: a page that was cut off gets every change after the last one that it has, as far as the catalogue keeps them.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{
        Query, State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::HeaderMap,
    response::Response,
};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::{Answer, App, PartState, sign_in::secret};
use crate::{
    catalogue::{Change, Unit, soon},
    error::Error,
};

/// Time between two looks for changes.
const LOOK: Duration = Duration::from_millis(250);
/// The longest time between two messages on the state of the farm.
const STATE: Duration = Duration::from_secs(1);
/// The most changes of an answer.
const MOST: i64 = 500;

/// The changes that a page does not have.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
pub(super) struct After {
    /// The number of the last change that it has. Without it, only what comes from now on.
    after: Option<i64>,
}

/// A message to a page.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Told<'a> {
    /// Which parts of the farm answer, the notice, and what workers do, as it was after change `units_at` or later.
    State { parts: Vec<PartState>, notice: &'a str, last: i64, units: &'a [Unit], units_at: i64 },
    /// A change.
    Change { change: &'a Change },
}

/// Looks for changes, for all pages.
pub(super) async fn watch_changes(app: App) {
    while !app.0.end.is_cancelled() {
        if let Ok(last) = soon(app.0.catalogue.last_change()).await {
            app.0.last_change.send_if_modified(|known| std::mem::replace(known, last) != last);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What open pages are told every second.
#[derive(Default)]
pub(super) struct Now {
    notice: String,
    units: Vec<Unit>,
    /// The number of the last change before that.
    at: i64,
}

/// Looks at notice and units, for all pages: every second, and soon after a change. If the catalogue is away, the last state stays.
pub(super) async fn watch_state(app: App) {
    let mut last_change = app.0.last_change.subscribe();
    while !app.0.end.is_cancelled() {
        if app.0.state.receiver_count() > 0 {
            let (catalogue, at) = (&app.0.catalogue, *last_change.borrow_and_update());
            let (notice, units) = tokio::join!(soon(catalogue.notice()), soon(catalogue.units()));
            if let (Ok(notice), Ok(units)) = (notice, units) {
                app.0.state.send_replace(Arc::new(Now { notice, units, at }));
            }
        }
        tokio::time::sleep(LOOK).await;
        let _ = tokio::time::timeout(STATE - LOOK, last_change.changed()).await;
    }
}

/// The changes after a number, at most 500.
#[utoipa::path(get, path = "/api/changes", tag = "system", params(After), responses((status = 200, body = [Change])))]
pub(super) async fn changes(State(app): State<App>, Query(After { after }): Query<After>) -> Answer<Vec<Change>> {
    Ok(Json(app.0.catalogue.changes_after(after.unwrap_or(0), MOST).await?))
}

/// Tells a page what changes: JSON messages, of which changes have numbers.
pub(super) async fn socket(
    State(app): State<App>,
    Query(after): Query<After>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let secret = secret(&headers).unwrap_or_default();
    upgrade.on_upgrade(move |socket| follow(app, after, secret, socket))
}

async fn follow(app: App, After { after }: After, secret: String, mut socket: WebSocket) {
    let mut last_change = app.0.last_change.subscribe();
    let mut known = after.unwrap_or_else(|| *last_change.borrow());
    let mut now = app.0.state.subscribe();
    now.mark_changed();
    // Also if the catalogue is away.
    let mut tick = tokio::time::interval(STATE);
    loop {
        tokio::select! {
            () = app.0.end.cancelled() => return,
            received = socket.recv() => match received {
                Some(Ok(_)) => {}
                _ => return,
            },
            changed = last_change.changed() => if changed.is_err() { return },
            _ = async {
                tokio::select! {
                    _ = now.changed() => {}
                    _ = tick.tick() => {}
                }
            } => {
                tick.reset();
                // A session that has ended is told nothing more.
                if let Err(Error::Unknown) = app.0.known.user_of(&app.0.catalogue, &secret).await {
                    return;
                }
                let own = Arc::clone(&now.borrow_and_update());
                let Now { notice, units, at } = &*own;
                let parts = app.0.health.parts();
                let told = Told::State { parts, notice, last: known, units, units_at: *at };
                let Ok(text) = serde_json::to_string(&told) else { return };
                if !send(&mut socket, text).await {
                    return;
                }
            }
        }
        // Also those that came while the page was cut off.
        while *last_change.borrow() > known {
            let Ok(changes) = app.0.catalogue.changes_after(known, MOST).await else { break };
            if changes.is_empty() {
                break;
            }
            for change in &changes {
                if !tell(&mut socket, &Told::Change { change }).await {
                    return;
                }
                known = change.number;
            }
        }
    }
}

/// Sends a message. Returns false if the page is gone.
async fn tell(socket: &mut WebSocket, told: &Told<'_>) -> bool {
    let Ok(text) = serde_json::to_string(told) else { return false };
    send(socket, text).await
}

async fn send(socket: &mut WebSocket, text: String) -> bool {
    let sending = socket.send(Message::Text(text.into()));
    matches!(tokio::time::timeout(Duration::from_secs(10), sending).await, Ok(Ok(())))
}
