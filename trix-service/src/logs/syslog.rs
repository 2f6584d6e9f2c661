//! Lines to a syslog server, with the tag and the severity of the settings.
//!
//! Invariant: a server that is away loses lines, and holds nothing up.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    sync::mpsc::{self, SyncSender},
};

use syslog::{Facility, Formatter3164, Logger, LoggerBackend};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

use crate::{
    config::Logs,
    error::{Error, Result},
};

/// Sends events to a syslog server, by a thread of its own.
pub(super) struct Syslog {
    lines: SyncSender<(Level, String)>,
    least: Level,
}

/// Lines that wait for the server. What comes beyond is lost.
const WAITING: usize = 1000;

/// The layer of the settings; `None` without a server.
///
/// # Errors
/// If the address or the severity is wrong, or there is no server at the path.
pub(super) fn layer(settings: &Logs) -> Result<Option<Syslog>> {
    if settings.syslog.is_empty() {
        return Ok(None);
    }
    let least: Level = settings
        .severity
        .parse()
        .map_err(|_| Error::invalid(format!("logs.severity: {}: error, warn, info or debug", settings.severity)))?;
    let wrong = |error: syslog::Error| Error::invalid(format!("logs.syslog: {}: {error}", settings.syslog));
    let mut logger = connect(settings).map_err(wrong)?;
    let (lines, waiting) = mpsc::sync_channel::<(Level, String)>(WAITING);
    let settings = settings.clone();
    std::thread::spawn(move || {
        for (level, text) in waiting {
            // A server that was started anew has another socket.
            if send(&mut logger, level, &text).is_err()
                && let Ok(again) = connect(&settings)
            {
                logger = again;
                let _ = send(&mut logger, level, &text);
            }
        }
    });
    Ok(Some(Syslog { lines, least }))
}

type Server = Logger<LoggerBackend, Formatter3164>;

fn connect(settings: &Logs) -> syslog::Result<Server> {
    let formatter = Formatter3164 {
        facility: Facility::LOG_DAEMON,
        hostname: None,
        process: settings.tag.clone(),
        pid: std::process::id(),
    };
    match settings.syslog.parse::<SocketAddr>() {
        Ok(address) => {
            let local = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            syslog::udp(Formatter3164 { hostname: Some(crate::host()), ..formatter }, local, address.to_string())
        }
        Err(_) => syslog::unix_custom(formatter, &settings.syslog),
    }
}

fn send(logger: &mut Server, level: Level, text: &str) -> syslog::Result<()> {
    match level {
        Level::ERROR => logger.err(text),
        Level::WARN => logger.warning(text),
        Level::INFO => logger.info(text),
        _ => logger.debug(text),
    }
}

/// The fields of an event in one line: the message first.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Syslog {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = *event.metadata().level();
        if level > self.least {
            return;
        }
        let mut line = Line::default();
        event.record(&mut line);
        let text = format!("{}{}", line.message, line.fields).replace('\n', " ");
        let _ = self.lines.try_send((level, text));
    }
}
