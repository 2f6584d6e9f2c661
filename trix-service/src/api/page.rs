//! The web page: three files inside the program.

use axum::{
    extract::Request,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

const FILES: [(&str, &str, &str); 3] = [
    ("/app.js", "text/javascript; charset=utf-8", include_str!("../page/app.js")),
    ("/style.css", "text/css; charset=utf-8", include_str!("../page/style.css")),
    ("/", "text/html; charset=utf-8", include_str!("../page/index.html")),
];

/// Nothing of the page comes from elsewhere, and no other page shows it in a frame.
const POLICY: &str = "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'";

/// A file of the page.
pub(super) async fn page(request: Request) -> Response {
    let path = request.uri().path();
    match FILES.iter().find(|(name, ..)| *name == path) {
        Some((_, kind, text)) => {
            let headers = [
                (header::CONTENT_TYPE, *kind),
                (header::CACHE_CONTROL, "no-cache"),
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            (headers, *text).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
