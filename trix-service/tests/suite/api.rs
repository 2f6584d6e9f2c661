//! The API, without an engine.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use trix_service::{
    api::{App, router},
    catalogue::{Catalogue, Role},
    engine::memory::{Doer, Memory},
    engine::{Run, Step, StepEnd},
};

use crate::support::Place;

/// Does no step.
struct Idle;

#[async_trait::async_trait]
impl Doer for Idle {
    async fn step(&self, _run: &Run, _step: Step, cancel: &CancellationToken) -> Option<StepEnd> {
        cancel.cancelled().await;
        None
    }
}

/// An API server, and an administrator, an operator and a viewer with their tokens.
struct Server {
    place: Place,
    url: String,
    tokens: [String; 3],
    end: CancellationToken,
}

impl Server {
    async fn start() -> Self {
        let place = Place::new();
        let catalogue = Catalogue::open(&place.config.catalogue).await.expect("a catalogue");
        let mut tokens = Vec::new();
        for (name, role) in [("root", Role::Administrator), ("anna", Role::Operator), ("vera", Role::Viewer)] {
            catalogue.set_user(name, "a long password", role, "test").await.expect("a user");
            tokens.push(catalogue.token(name, "test", None).await.expect("a token").1);
        }
        let engine = Arc::new(Memory::new(catalogue.clone(), Arc::new(Idle)));
        let end = CancellationToken::new();
        let app = App::begin(place.config.clone(), catalogue, engine, &end);
        let listener = tokio::net::TcpListener::bind(place.config.api.listen).await.expect("a port");
        let url = format!("http://{}", place.config.api.listen);
        tokio::spawn(axum::serve(listener, router(app)).into_future());
        Server { place, url, tokens: tokens.try_into().expect("three"), end }
    }

    /// Asks as user number `user`. The status and the document.
    async fn ask(&self, user: usize, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let request = Client::new().request(method.parse().expect("a method"), format!("{}{path}", self.url));
        let request = request.bearer_auth(&self.tokens[user]);
        let request = body.iter().fold(request, |request, body| request.json(body));
        let answer = request.send().await.expect("an answer");
        (answer.status(), answer.json().await.unwrap_or(Value::Null))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

fn submission() -> Value {
    json!({ "title": "Film", "source": "master.mkv" })
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_reachable_without_sign_in_but_health_and_the_page() {
    let server = Server::start().await;
    let client = Client::new();
    let status =
        async |path: &str| client.get(format!("{}{path}", server.url)).send().await.expect("an answer").status();
    for path in [
        "/api/jobs",
        "/api/me",
        "/api/changes",
        "/api/masters",
        "/api/system",
        "/preview/Film/a.mp4",
        "/ws",
        "/api/users",
        "/openapi.json",
        "/metrics",
    ] {
        assert_eq!(status(path).await, StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in ["/", "/app.js", "/style.css", "/healthz"] {
        assert_eq!(status(path).await, StatusCode::OK, "{path}");
    }
    assert_eq!(status("/none").await, StatusCode::NOT_FOUND);
    let wrong =
        client.post(format!("{}/api/sign-in", server.url)).json(&json!({ "name": "anna", "password": "wrong" }));
    assert_eq!(wrong.send().await.expect("an answer").status(), StatusCode::UNAUTHORIZED);
    let right = client
        .post(format!("{}/api/sign-in", server.url))
        .json(&json!({ "name": "anna", "password": "a long password" }));
    let answer = right.send().await.expect("an answer");
    let cookie = answer.headers()["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let session = cookie.split(';').next().expect("a cookie");
    let me = client.get(format!("{}/api/me", server.url)).header("cookie", session).send().await.expect("an answer");
    assert_eq!(me.json::<Value>().await.expect("a user")["role"], "operator");
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_allow_what_they_say() {
    let server = Server::start().await;
    for (user, wanted) in [(2, StatusCode::FORBIDDEN), (1, StatusCode::OK)] {
        assert_eq!(server.ask(user, "POST", "/api/jobs", Some(submission())).await.0, wanted);
    }
    assert_eq!(server.ask(2, "GET", "/api/jobs", None).await.1.as_array().map(Vec::len), Some(1));
    for (user, wanted) in [(1, StatusCode::FORBIDDEN), (0, StatusCode::OK)] {
        assert_eq!(server.ask(user, "PUT", "/api/notice", Some(json!({ "text": "At nine." }))).await.0, wanted);
        assert_eq!(server.ask(user, "GET", "/api/users", None).await.0, wanted);
    }
    assert_eq!(server.ask(2, "GET", "/api/notice", None).await.1["text"], "At nine.");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_submissions_are_refused_with_the_error_document_of_the_command_line() {
    let server = Server::start().await;
    for (change, status, text) in [
        (json!({ "source": "none.mov" }), StatusCode::NOT_FOUND, "none.mov"),
        (json!({ "source": "../catalogue.db" }), StatusCode::UNPROCESSABLE_ENTITY, "below the mount"),
        (json!({ "title": "a/b" }), StatusCode::UNPROCESSABLE_ENTITY, "cannot name a folder"),
        (json!({ "priority": 9 }), StatusCode::UNPROCESSABLE_ENTITY, "1 to 5"),
        (json!({ "profiles": [] }), StatusCode::UNPROCESSABLE_ENTITY, "at least one"),
    ] {
        let mut own = submission();
        own.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        let (found, document) = server.ask(1, "POST", "/api/jobs", Some(own)).await;
        assert_eq!(found, status, "{change}: {document}");
        assert_eq!(document["trix"], 1);
        assert!(document["error"]["message"].as_str().is_some_and(|message| message.contains(text)), "{document}");
    }
    for name in ["film.mkv", "master.mkv"] {
        std::fs::remove_file(server.place.config.mounts.source.join(name)).expect("an empty mount");
    }
    let (found, document) = server.ask(1, "POST", "/api/jobs", Some(submission())).await;
    assert_eq!(found, StatusCode::SERVICE_UNAVAILABLE, "{document}");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_paused_and_cancelled() {
    let server = Server::start().await;
    let (_, job) = server.ask(1, "POST", "/api/jobs", Some(submission())).await;
    let path = format!("/api/jobs/{}", job["id"].as_str().expect("an id"));
    assert_eq!(server.ask(1, "POST", &format!("{path}/pause"), Some(json!({}))).await.1["is_paused"], true);
    assert_eq!(
        server.ask(1, "POST", &format!("{path}/priority"), Some(json!({ "priority": 1 }))).await.1["priority"],
        1
    );
    assert_eq!(server.ask(1, "POST", &format!("{path}/retry"), Some(json!({}))).await.0, StatusCode::CONFLICT);
    assert_eq!(server.ask(1, "POST", &format!("{path}/cancel"), Some(json!({}))).await.1["is_cancelling"], true);
    assert_eq!(server.ask(1, "GET", "/api/jobs/none", None).await.0, StatusCode::NOT_FOUND);
    let (_, told) = server.ask(1, "GET", &format!("{path}/changes"), None).await;
    let told: Vec<&str> =
        told.as_array().expect("a list").iter().filter_map(|change| change["what"].as_str()).collect();
    assert_eq!(told, ["job.cancelling", "job.priority", "job.paused", "job.submitted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn masters_are_listed_and_looked_at() {
    let server = Server::start().await;
    let (_, found) = server.ask(2, "GET", "/api/masters", None).await;
    let names: Vec<&str> = found.as_array().expect("a list").iter().filter_map(|own| own["name"].as_str()).collect();
    assert_eq!(names, ["film.mkv", "master.mkv"]);
    let (status, info) = server.ask(1, "POST", "/api/probe", Some(json!({ "path": "master.mkv" }))).await;
    assert_eq!(status, StatusCode::OK);
    assert!(info["streams"].as_array().is_some_and(|streams| !streams.is_empty()), "{info}");
    std::fs::write(server.place.config.mounts.source.join("text.mov"), "no film").expect("a file");
    let (status, document) = server.ask(1, "POST", "/api/probe", Some(json!({ "path": "text.mov" }))).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{document}");
    assert_eq!(server.ask(1, "GET", "/api/masters?path=..", None).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_the_farm_is_told() {
    let server = Server::start().await;
    let ready = async || {
        Client::new()
            .get(format!("{}/readyz", server.url))
            .send()
            .await
            .ok()
            .filter(|answer| answer.status().is_success())
    };
    crate::support::eventually("all parts", Duration::from_secs(5), async || ready().await).await;
    std::fs::remove_file(server.place.config.mounts.output.join(trix_service::mounts::MARK))
        .expect("the mount is gone");
    let away = async || ready().await.is_none().then_some(());
    crate::support::eventually("the mount is away", Duration::from_secs(5), async || away().await).await;
    let (_, system) = server.ask(2, "GET", "/api/system", None).await;
    let trouble = system["mounts"].as_array().and_then(|mounts| mounts.iter().find(|own| own["mount"] == "output"));
    assert!(trouble.is_some_and(|own| own["trouble"].is_string()), "{system}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_tell_jobs_workers_and_mounts() {
    let server = Server::start().await;
    let (status, _) = server.ask(1, "POST", "/api/jobs", Some(submission())).await;
    assert_eq!(status, StatusCode::OK);
    let ask = |token: Option<&str>| {
        let request = Client::new().get(format!("{}/metrics", server.url));
        token.into_iter().fold(request, |request, token| request.bearer_auth(token))
    };
    assert_eq!(ask(None).send().await.expect("an answer").status(), StatusCode::UNAUTHORIZED);
    let text = ask(Some(&server.tokens[2])).send().await.expect("an answer").text().await.expect("a text");
    for line in
        ["trix_jobs{state=\"queued\"} 1", "trix_jobs{state=\"done\"} 0", "trix_workers 0", "# TYPE trix_jobs gauge"]
    {
        assert!(text.lines().any(|own| own == line), "{line}: {text}");
    }
    assert!(text.contains("trix_mount_free_bytes{mount=\"output\"} "), "{text}");
    // Every line is a comment, or a name, labels and a number.
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').expect("a value");
        assert!(name.starts_with("trix_") && value.parse::<f64>().is_ok(), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_sent_again_gets_its_job_whatever_has_become_of_the_files() {
    let server = Server::start().await;
    let send = async |key: &str| {
        let request = Client::new().post(format!("{}/api/jobs", server.url)).bearer_auth(&server.tokens[1]);
        let answer = request.header("Idempotency-Key", key).json(&submission()).send().await.expect("an answer");
        (answer.status(), answer.json::<Value>().await.expect("a document"))
    };
    let (status, job) = send("one").await;
    assert_eq!(status, StatusCode::OK);
    std::fs::create_dir(server.place.output("Film")).expect("copies");
    std::fs::remove_file(server.place.config.mounts.source.join("master.mkv")).expect("the master");
    let (status, again) = send("one").await;
    assert_eq!((status, &again["id"]), (StatusCode::OK, &job["id"]));
    assert_eq!(send("another").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_refusal_is_an_error_document() {
    let server = Server::start().await;
    for (method, path, body, wanted) in [
        (
            "POST",
            "/api/jobs",
            Some(json!({ "title": "Film", "source": "a", "colour": 1 })),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        ("POST", "/api/jobs", None, StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("GET", "/api/jobs?state=late", None, StatusCode::BAD_REQUEST),
        ("GET", "/api/jobs/none/outputs", None, StatusCode::NOT_FOUND),
        ("GET", "/api/jobs/none/attempts", None, StatusCode::NOT_FOUND),
        ("GET", "/api/jobs/none/changes", None, StatusCode::NOT_FOUND),
        ("GET", "/api/none", None, StatusCode::NOT_FOUND),
        ("DELETE", "/api/jobs", None, StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let (status, document) = server.ask(1, method, path, body).await;
        assert_eq!(status, wanted, "{method} {path}: {document}");
        assert!(document["error"]["message"].is_string(), "{method} {path}: {document}");
    }
    // A viewer can give its role to a script, and no more.
    let (status, token) = server.ask(2, "POST", "/api/tokens", Some(json!({ "label": "script" }))).await;
    assert_eq!(status, StatusCode::OK);
    let request = Client::new().post(format!("{}/api/jobs", server.url)).json(&submission());
    let answer = request.bearer_auth(token["token"].as_str().expect("a token")).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_what_would_be_made_and_begins_nothing() {
    let server = Server::start().await;
    let mut own = submission();
    own["set"] = json!({ "preset": "ultrafast" });
    let (status, plan) = server.ask(1, "POST", "/api/plan", Some(own)).await;
    assert_eq!(status, StatusCode::OK, "{plan}");
    let paths: Vec<&str> =
        plan["outputs"].as_array().expect("outputs").iter().filter_map(|own| own["path"].as_str()).collect();
    for path in ["Film.hevc-12.mkv", "Film.preview.mp4", "Film.preview", "Film.poster.jpg"] {
        assert!(paths.contains(&path), "{path}: {paths:?}");
    }
    assert_eq!((&plan["frames"], &plan["seconds"]), (&json!(50), &json!(2.0)));
    assert!(plan["bytes"].as_u64() > Some(0) && plan["takes"].as_f64() > Some(0.0), "{plan}");
    assert_eq!(server.ask(1, "GET", "/api/jobs", None).await.1, json!([]));
    assert!(server.place.config.mounts.output.read_dir().expect("copies").count() == 1, "the mark, and no more");
    let mut missing = submission();
    missing["source"] = json!("none.mov");
    assert_eq!(server.ask(1, "POST", "/api/plan", Some(missing)).await.0, StatusCode::NOT_FOUND);
    let mut wrong = submission();
    wrong["set"] = json!({ "preset": "quick" });
    let (status, refused) = server.ask(1, "POST", "/api/plan", Some(wrong)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused["error"]["message"].as_str().expect("a message").contains("quick"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_names_no_file_outside_of_the_mounts() {
    let server = Server::start().await;
    for (key, value) in [("outputs[0].path", "/tmp/elsewhere.mkv"), ("source.path", "/etc/passwd"), ("hash", "false")] {
        let mut own = submission();
        own["set"] = json!({ key: value });
        let (status, refused) = server.ask(1, "POST", "/api/plan", Some(own)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused["error"]["message"].as_str().expect("a message").contains("is no variable"), "{refused}");
    }
    for profile in ["/etc/passwd", "../profile", "a/b"] {
        let mut own = submission();
        own["profiles"] = json!([profile]);
        for path in ["/api/jobs", "/api/plan"] {
            let (status, refused) = server.ask(1, "POST", path, Some(own.clone())).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(
                refused["error"]["message"].as_str().expect("a message").contains("cannot name a profile"),
                "{refused}"
            );
        }
    }
    let text = "[[outputs]]\npath = \"../escape.mkv\"\nvideo = { type = \"x264\" }\n";
    let (status, _) = server.ask(0, "PUT", "/api/profiles/escape", Some(json!({ "text": text }))).await;
    assert_eq!(status, StatusCode::OK);
    let mut own = submission();
    own["profiles"] = json!(["escape"]);
    let (_, refused) = server.ask(1, "POST", "/api/plan", Some(own)).await;
    assert!(refused["error"]["message"].as_str().expect("a message").contains("leads out"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_are_listed_and_changed_by_version() {
    let server = Server::start().await;
    let (_, all) = server.ask(2, "GET", "/api/profiles", None).await;
    let preview = all.as_array().expect("profiles").iter().find(|own| own["name"] == "preview").expect("preview");
    assert_eq!((&preview["version"], &preview["variables"]["preview_crf"]), (&json!(0), &json!(26)));
    assert!(preview["description"].as_str().expect("a description").contains("HLS"), "{preview}");
    let text = "inherits = \"archive\"\ndescription = \"ours\"\n[variables]\ncrf_hevc = 20\n";
    assert_eq!(
        server.ask(1, "PUT", "/api/profiles/house", Some(json!({ "text": text }))).await.0,
        StatusCode::FORBIDDEN
    );
    let (status, house) = server.ask(0, "PUT", "/api/profiles/house", Some(json!({ "text": text }))).await;
    assert_eq!((status, &house["version"]), (StatusCode::OK, &json!(1)), "{house}");
    assert_eq!((&house["variables"]["crf_hevc"], &house["variables"]["preset"]), (&json!(20), &json!("medium")));
    let wrong = json!({ "text": "[[outputs]]\npath = 1\ncolour = 2\n" });
    let (status, refused) = server.ask(0, "PUT", "/api/profiles/house", Some(wrong)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused["error"]["message"].as_str().expect("a message").contains("colour"), "{refused}");
    // One that inherits another of the farm.
    let heir = json!({ "text": "inherits = \"house\"\n" });
    assert_eq!(server.ask(0, "PUT", "/api/profiles/heir", Some(heir)).await.0, StatusCode::OK);
    let (_, versions) = server.ask(2, "GET", "/api/profiles/house/versions", None).await;
    assert_eq!(versions.as_array().map(Vec::len), Some(1), "a text with mistakes is no version");
    assert_eq!(server.ask(2, "GET", "/api/profiles/house?version=1", None).await.1["text"], json!(text));
    assert_eq!(server.ask(2, "GET", "/api/profiles/house?version=2", None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(server.ask(2, "GET", "/api/profiles/none", None).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn masters_are_grouped_with_their_files_and_new_ones_are_marked() {
    let server = Server::start().await;
    let source = &server.place.config.mounts.source;
    std::fs::write(source.join("film_ru.wav"), "audio").expect("a file");
    let entry = async || {
        let (_, entries) = server.ask(2, "GET", "/api/masters", None).await;
        let entries = entries.as_array().expect("entries").clone();
        move |name: &str| entries.iter().find(|own| own["name"] == name).expect("an entry").clone()
    };
    let found = entry().await;
    assert_eq!((&found("film_ru.wav")["film"], &found("film_ru.wav")["is_new"]), (&json!("film.mkv"), &json!(false)));
    assert_eq!((&found("master.mkv")["is_new"], &found("master.mkv")["job"]), (&json!(true), &Value::Null));
    let (_, job) = server.ask(1, "POST", "/api/jobs", Some(submission())).await;
    let found = entry().await;
    assert_eq!((&found("master.mkv")["is_new"], &found("master.mkv")["job"]["id"]), (&json!(false), &job["id"]));
    assert_eq!(found("film.mkv")["is_new"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_listed_without_their_secrets_and_revoked() {
    let server = Server::start().await;
    let (_, made) = server.ask(2, "POST", "/api/tokens", Some(json!({ "label": "script", "days": 3 }))).await;
    let (_, own) = server.ask(2, "GET", "/api/tokens", None).await;
    let own = own.as_array().expect("tokens");
    let listed = own.iter().find(|token| token["id"] == made["id"]).expect("the token");
    assert_eq!((&listed["label"], &listed["owner"]), (&json!("script"), &json!("vera")));
    let days =
        (listed["expires_at"].as_i64().expect("an end") - listed["created_at"].as_i64().expect("a time")) / 86_400_000;
    assert!((2..=3).contains(&days) && !listed.to_string().contains(made["token"].as_str().expect("a secret")));
    let path = format!("/api/tokens/{}", made["id"].as_str().expect("an id"));
    assert_eq!(server.ask(1, "DELETE", &path, None).await.0, StatusCode::NOT_FOUND, "it is not of this user");
    assert_eq!(server.ask(2, "DELETE", &path, None).await.0, StatusCode::OK);
    let me = Client::new().get(format!("{}/api/me", server.url)).bearer_auth(made["token"].as_str().expect("a secret"));
    assert_eq!(me.send().await.expect("an answer").status(), StatusCode::UNAUTHORIZED);
}
