//! JSON Schemas (2020-12) of the documents that Trix reads and writes.
//!
//! Invariant: a schema is made from the type that is read or written, so that the two cannot differ.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};
use trix_model::{
    control::{events::Event, progress::ProgressLine},
    error_document::ErrorDocument,
    json,
};

use crate::{
    chunks::StoreStatus,
    doctor, document,
    manifest::Manifest,
    plan::Plan,
    probe::MediaInfo,
    report::{Report, Summary},
    verify::{content::Comparison, standalone::FileReport},
};

/// A document that has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Name {
    /// A job: [`document::Document`].
    Job,
    /// [`Plan`].
    Plan,
    /// [`MediaInfo`].
    MediaInfo,
    /// [`Report`].
    Report,
    /// [`ProgressLine`].
    Progress,
    /// [`Event`].
    Event,
    /// [`FileReport`].
    Verify,
    /// [`Comparison`].
    Compare,
    /// [`doctor::Doctor`].
    Doctor,
    /// [`ErrorDocument`].
    Error,
    /// [`Manifest`].
    Manifest,
    /// [`Summary`].
    Summary,
    /// [`StoreStatus`].
    Status,
}

impl Name {
    /// All documents that have a schema.
    pub const ALL: [Name; 13] = [
        Name::Job,
        Name::Plan,
        Name::MediaInfo,
        Name::Report,
        Name::Progress,
        Name::Event,
        Name::Verify,
        Name::Compare,
        Name::Doctor,
        Name::Error,
        Name::Manifest,
        Name::Summary,
        Name::Status,
    ];

    /// The name in words, as `trix schema` takes it.
    pub fn text(self) -> &'static str {
        match self {
            Name::Job => "job",
            Name::Plan => "plan",
            Name::MediaInfo => "media-info",
            Name::Report => "report",
            Name::Progress => "progress",
            Name::Event => "event",
            Name::Verify => "verify",
            Name::Compare => "compare",
            Name::Doctor => "doctor",
            Name::Error => "error",
            Name::Manifest => "manifest",
            Name::Summary => "summary",
            Name::Status => "status",
        }
    }
}

/// The schema of a document. Its `$id` names the document and the version of its format.
///
/// ```
/// let schema = trix_core::schema::of(trix_core::schema::Name::Report);
/// assert_eq!(schema["$id"], "urn:trix:schema:report:1");
/// ```
pub fn of(name: Name) -> Value {
    let mut schema = match name {
        Name::Job => document::schema(),
        Name::Plan => written::<Plan>(),
        Name::MediaInfo => written::<MediaInfo>(),
        Name::Report => written::<Report>(),
        Name::Progress => written::<ProgressLine>(),
        Name::Event => written::<Event>(),
        Name::Verify => written::<FileReport>(),
        Name::Compare => written::<Comparison>(),
        Name::Doctor => written::<doctor::Doctor>(),
        Name::Error => written::<ErrorDocument>(),
        Name::Manifest => written::<Manifest>(),
        Name::Summary => written::<Summary>(),
        Name::Status => written::<StoreStatus>(),
    };
    schema["$id"] = json!(json::schema_id(name.text()));
    schema
}

/// The schema of a document that Trix writes: fields that may be left out are not required.
fn written<T: JsonSchema>() -> Value {
    SchemaSettings::default().for_serialize().into_generator().into_root_schema_for::<T>().to_value()
}
