//! What goes wrong in the service.
//!
//! Invariant: each error has one HTTP status, and its body is the error document of the command line.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use trix_core::{ErrorDocument, ErrorKind, Stage};

/// What goes wrong in the service.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A part of the farm does not answer.
    #[error("the {part} does not answer: {why}")]
    Away {
        /// The part.
        part: &'static str,
        /// What was seen.
        why: String,
    },
    /// There is nothing of this name.
    #[error("there is no {0}")]
    Missing(String),
    /// It cannot be done now.
    #[error("{0}")]
    Conflict(String),
    /// Nobody is signed in.
    #[error("sign in first")]
    Unknown,
    /// The role of the user does not allow it.
    #[error("it needs the role {0}")]
    Forbidden(&'static str),
    /// The engine of Trix refuses it.
    #[error(transparent)]
    Refused(#[from] trix_core::Error),
    /// A defect of the service.
    #[error("a defect of the service: {0}")]
    Bug(String),
}

/// A result of the service.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error about what a user wrote.
    pub fn invalid(detail: impl Into<String>) -> Self {
        trix_core::Error::new(ErrorKind::InvalidSpec, Stage::Plan, detail).into()
    }

    /// True if the same call may succeed later.
    pub fn is_away(&self) -> bool {
        matches!(self, Error::Away { .. })
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Error::Away { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Error::Missing(_) => StatusCode::NOT_FOUND,
            Error::Conflict(_) => StatusCode::CONFLICT,
            Error::Unknown => StatusCode::UNAUTHORIZED,
            Error::Forbidden(_) => StatusCode::FORBIDDEN,
            Error::Refused(error) => status_of(error.kind()),
            Error::Bug(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The document that a program reads.
    pub fn document(&self) -> ErrorDocument {
        let kind = match self {
            Error::Refused(error) => return error.into(),
            Error::Away { .. } => ErrorKind::Io,
            Error::Bug(_) => ErrorKind::Bug,
            Error::Missing(_) | Error::Conflict(_) | Error::Unknown | Error::Forbidden(_) => ErrorKind::InvalidSpec,
        };
        (&trix_core::Error::new(kind, Stage::Plan, self.to_string())).into()
    }
}

/// The HTTP status of each kind of error.
pub fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::InvalidSpec | ErrorKind::Unsupported | ErrorKind::MalformedInput | ErrorKind::Limit => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        ErrorKind::Cancelled => StatusCode::CONFLICT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        (self.status(), Json(self.document())).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_status_and_a_document() {
        for kind in ErrorKind::ALL {
            let error = Error::from(trix_core::Error::new(kind, Stage::Plan, "it went wrong"));
            assert!(error.status().is_client_error() || error.status().is_server_error(), "{kind:?}");
            assert_eq!(error.document().error.kind, kind);
        }
        let away = Error::Away { part: "catalogue", why: "connection refused".into() };
        assert_eq!(away.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(away.document().error.message, "plan: the catalogue does not answer: connection refused");
    }
}
