//! The catalogue on SQLite and PostgreSQL.

use trix_core::{ErrorKind, Stage};
use trix_service::{
    catalogue::{Catalogue, JobState, Outcome, Output, Page, Role, Submission},
    error::Error,
};

use crate::support::catalogues;

fn submission(title: &str) -> Submission {
    serde_json::from_value(serde_json::json!({ "title": title, "source": "master.mkv" })).expect("a submission")
}

#[tokio::test]
async fn a_submission_is_one_job_however_often_it_is_sent() {
    for (catalogue, _kept) in catalogues().await {
        let first = catalogue.submit(&submission("Film"), "anna", "one").await.expect("a job");
        let again = catalogue.submit(&submission("Film"), "anna", "one").await.expect("the same job");
        assert_eq!((first.id.as_str(), first.state, first.run), (again.id.as_str(), JobState::Queued, 1));
        let other = catalogue.submit(&submission("Another"), "anna", "one").await;
        assert!(matches!(other, Err(Error::Conflict(_))), "another submission with the same key");
        let taken = catalogue.submit(&submission("Film"), "boris", "two").await;
        assert!(matches!(taken, Err(Error::Conflict(_))), "a second job with the same title");
        let wrong = catalogue.submit(&submission("../Film"), "anna", "three").await;
        assert!(matches!(wrong, Err(Error::Refused(_))), "a title that leads elsewhere");
        assert_eq!(catalogue.jobs(&Page::default()).await.expect("jobs").len(), 1);
    }
}

#[tokio::test]
async fn changes_have_numbers_without_gaps_also_when_many_write() {
    for (catalogue, _kept) in catalogues().await {
        let write = |number: usize| {
            let catalogue = catalogue.clone();
            async move {
                for turn in 0..5 {
                    let title = format!("Film {number} {turn}");
                    catalogue.submit(&submission(&title), "anna", &title).await.expect("a job");
                }
            }
        };
        futures::future::join_all((0..8).map(write)).await;
        let changes = catalogue.changes_after(0, 500).await.expect("changes");
        let numbers: Vec<i64> = changes.iter().map(|change| change.number).collect();
        assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
        assert_eq!(catalogue.last_change().await.expect("a number"), 40);
        assert!(changes.iter().all(|change| change.what == "job.submitted" && change.who == "anna"));
    }
}

async fn begun(catalogue: &Catalogue, title: &str) -> String {
    let job = catalogue.submit(&submission(title), "anna", title).await.expect("a job");
    catalogue.run_begins(&job.id, 1, "worker").await.expect("a run");
    job.id
}

#[tokio::test]
async fn a_run_ends_once() {
    for (catalogue, _kept) in catalogues().await {
        let job = begun(&catalogue, "Film").await;
        catalogue.run_is_planned(&job, 1, 7, "worker").await.expect("progress");
        for step in ["chunk 3", "chunk 5", "chunk 3"] {
            let id = catalogue.attempt_begins(&job, 1, step, "worker").await.expect("an attempt");
            catalogue.attempt_ends(&id, Outcome::Done, None).await.expect("an end");
        }
        catalogue.chunk_is_encoded(&job, 1, "worker").await.expect("progress");
        let now = catalogue.job(&job).await.expect("the job");
        assert_eq!((now.state, now.units, now.units_done), (JobState::Running, 7, 2));
        let made = [Output { path: "Film.mkv".into(), bytes: 5, sha256: "00".into() }];
        for _ in 0..2 {
            catalogue.register(&job, 1, &made, "{}", "worker").await.expect("it is registered");
        }
        let error = trix_core::Error::new(ErrorKind::Codec, Stage::Encode, "late");
        catalogue.run_ends(&job, 1, Some(&(&error).into()), "engine").await.expect("too late");
        let now = catalogue.job(&job).await.expect("the job");
        assert_eq!((now.state, now.error.is_none()), (JobState::Done, true));
        assert_eq!(catalogue.outputs_of(&job).await.expect("outputs"), made);
        let told = catalogue.changes_of(&job, 100).await.expect("changes");
        let told: Vec<&str> = told.iter().rev().map(|change| change.what.as_str()).collect();
        assert_eq!(told, ["job.submitted", "job.began", "job.progress", "job.progress", "job.done"]);
        assert!(matches!(catalogue.retry(&job, "anna").await, Err(Error::Conflict(_))), "a job that is done");
    }
}

#[tokio::test]
async fn a_failed_job_begins_anew_and_late_news_of_the_old_run_change_nothing() {
    for (catalogue, _kept) in catalogues().await {
        let job = begun(&catalogue, "Film").await;
        catalogue.handed(&job, 1).await.expect("it is handed over");
        let error = trix_core::Error::new(ErrorKind::Codec, Stage::Encode, "it crashed");
        catalogue.run_ends(&job, 1, Some(&(&error).into()), "engine").await.expect("an end");
        let failed = catalogue.job(&job).await.expect("the job");
        assert_eq!(failed.error.map(|error| error.kind), Some(ErrorKind::Codec));
        assert!(catalogue.runs_to_hand(10).await.expect("runs").is_empty());
        let again = catalogue.retry(&job, "anna").await.expect("another run");
        assert_eq!((again.state, again.run), (JobState::Queued, 2));
        let to_hand: Vec<i64> = catalogue.runs_to_hand(10).await.expect("runs").iter().map(|job| job.run).collect();
        assert_eq!(to_hand, [2]);
        catalogue.register(&job, 1, &[], "{}", "worker").await.expect("nothing happens");
        catalogue.run_ends(&job, 1, None, "engine").await.expect("nothing happens");
        assert_eq!(catalogue.job(&job).await.expect("the job").state, JobState::Queued);
    }
}

#[tokio::test]
async fn attempts_that_failed_and_workers_that_were_lost_are_counted() {
    for (catalogue, _kept) in catalogues().await {
        let job = begun(&catalogue, "Film").await;
        let mut ids = Vec::new();
        for outcome in [Some(Outcome::Failed), Some(Outcome::Fenced), None, None] {
            let id = catalogue.attempt_begins(&job, 1, "chunk 3", "worker").await.expect("an attempt");
            if let Some(outcome) = outcome {
                catalogue.attempt_ends(&id, outcome, None).await.expect("an end");
            }
            ids.push(id);
        }
        assert_eq!(catalogue.failures(&job, 1, "chunk 3", &ids[3]).await.expect("counts"), (1, 1));
        assert_eq!(catalogue.failures(&job, 1, "chunk 4", "").await.expect("counts"), (0, 0));
        assert_eq!(catalogue.attempts_of(&job).await.expect("attempts").len(), 4);
    }
}

#[tokio::test]
async fn users_sign_in_with_their_password_until_it_changes() {
    for (catalogue, _kept) in catalogues().await {
        catalogue.set_user("anna", "a long password", Role::Operator, "test").await.expect("a user");
        assert!(catalogue.set_user("boris", "short", Role::Viewer, "test").await.is_err());
        assert_eq!(catalogue.user_with("anna", "a long password").await.expect("anna").role, Role::Operator);
        for (name, password) in [("anna", "another one"), ("nobody", "a long password")] {
            assert!(matches!(catalogue.user_with(name, password).await, Err(Error::Unknown)), "{name}");
        }
        let token = catalogue.token("anna", "script", None).await.expect("a token");
        let late = catalogue.token("anna", "session", Some(1)).await.expect("a token");
        assert_eq!(catalogue.user_of(&token).await.expect("anna").name, "anna");
        assert!(matches!(catalogue.user_of(&late).await, Err(Error::Unknown)), "it has expired");
        catalogue.set_user("anna", "a new password", Role::Viewer, "test").await.expect("a change");
        assert!(matches!(catalogue.user_of(&token).await, Err(Error::Unknown)), "the password has changed");
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_told_within_the_patience() {
    let mut settings = trix_service::config::Config::default().catalogue;
    settings.url = format!("postgres://trix@127.0.0.1:{}/none", crate::support::port());
    settings.patience = 1.0;
    let began = std::time::Instant::now();
    let catalogue = Catalogue::open(&settings).await.expect("a catalogue that is away");
    let error = catalogue.submit(&submission("Film"), "anna", "one").await.expect_err("nobody answers");
    assert!(error.is_away() && began.elapsed().as_secs() < 5, "{error}");
}
