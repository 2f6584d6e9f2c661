//! Tests of the service: the catalogue on both databases, jobs with an engine in memory, the API, and a farm of real processes.

mod api;
mod catalogue;
mod farm;
mod jobs;
mod operations;
mod support;
mod watch;
