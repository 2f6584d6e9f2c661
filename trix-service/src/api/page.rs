//! The web page: files inside the program.

use axum::{
    extract::Request,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

/// A script of the page.
macro_rules! script {
    ($name:literal) => {
        (concat!("/", $name), "text/javascript; charset=utf-8", include_str!(concat!("../page/", $name)))
    };
}

const FILES: [(&str, &str, &str); 30] = [
    ("/", "text/html; charset=utf-8", include_str!("../page/index.html")),
    ("/style.css", "text/css; charset=utf-8", include_str!("../page/style.css")),
    script!("app.js"),
    script!("ask.js"),
    script!("copies.js"),
    script!("curves.js"),
    script!("dom.js"),
    script!("format.js"),
    script!("history.js"),
    script!("live.js"),
    script!("page-masters.js"),
    script!("page-queue.js"),
    script!("page-sign-in.js"),
    script!("page-submit.js"),
    script!("page-system.js"),
    script!("page-title.js"),
    script!("page-workers.js"),
    script!("parts.js"),
    script!("people.js"),
    script!("plan.js"),
    script!("player.js"),
    script!("playlist.js"),
    script!("preview.js"),
    script!("probe.js"),
    script!("profiles.js"),
    script!("progress.js"),
    script!("submit-fields.js"),
    script!("words-en.js"),
    script!("words-ru.js"),
    script!("words.js"),
];

/// Nothing of the page comes from elsewhere, and no other page shows it in a frame. Segments of films come through the script.
const POLICY: &str =
    "default-src 'self'; media-src 'self' blob:; frame-ancestors 'none'; form-action 'self'; base-uri 'none'";

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
