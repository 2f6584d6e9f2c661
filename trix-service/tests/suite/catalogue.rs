//! The catalogue on SQLite and PostgreSQL.

use trix_core::{ErrorKind, Stage};
use trix_service::{
    catalogue::{Catalogue, JobState, Outcome, Output, Page, Role, SignIn, StepProgress, Submission},
    config::Retention,
    error::Error,
};

use crate::support::{Postgres, catalogues};

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
        catalogue.run_is_planned(&job, 1, 7, None, "worker").await.expect("progress");
        for step in ["chunk 3", "chunk 5", "chunk 3"] {
            let id = catalogue.attempt_begins(&job, 1, step, "worker").await.expect("an attempt");
            catalogue.attempt_ends(&id, Outcome::Done, None, &StepProgress::default()).await.expect("an end");
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
        catalogue.handed(&job, 1, 3).await.expect("it is handed over");
        let error = trix_core::Error::new(ErrorKind::Codec, Stage::Encode, "it crashed");
        catalogue.run_ends(&job, 1, Some(&(&error).into()), "engine").await.expect("an end");
        let failed = catalogue.job(&job).await.expect("the job");
        assert_eq!(failed.error.map(|error| error.kind), Some(ErrorKind::Codec));
        assert!(catalogue.runs_to_hand(10, 10).await.expect("runs").is_empty());
        let again = catalogue.retry(&job, "anna").await.expect("another run");
        assert_eq!((again.state, again.run), (JobState::Queued, 2));
        let to_hand: Vec<i64> = catalogue.runs_to_hand(10, 10).await.expect("runs").iter().map(|job| job.run).collect();
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
                catalogue.attempt_ends(&id, outcome, None, &StepProgress::default()).await.expect("an end");
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
        let (_, token) = catalogue.token("anna", "script", None).await.expect("a token");
        let (_, late) = catalogue.token("anna", "session", Some(1)).await.expect("a token");
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

#[tokio::test]
async fn titles_are_found_in_small_and_capital_letters_of_every_alphabet() {
    for (catalogue, _kept) in catalogues().await {
        for title in ["Солярис", "Stalker 100% a_b", "Stalker 100x acb"] {
            catalogue.submit(&submission(title), "anna", title).await.expect("a job");
        }
        for (text, titles) in [("СОЛЯ", 1), ("соля", 1), ("stalker", 2), ("100%", 1), ("A_B", 1), ("none", 0)] {
            let page = Page { title: Some(text.to_owned()), ..Page::default() };
            assert_eq!(catalogue.jobs(&page).await.expect("jobs").len(), titles, "{text}");
        }
    }
}

#[tokio::test]
async fn a_catalogue_of_the_first_version_is_brought_up_to_date() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = crate::support::Postgres::start();
    let lite = format!("sqlite://{}?mode=rwc", folder.path().join("old.db").display());
    sqlx::any::install_default_drivers();
    for url in [lite, server.url.clone()] {
        let old = sqlx::AnyPool::connect(&url).await.expect("a database");
        for text in [
            include_str!("../../migrations/0001-first.sql"),
            "CREATE TABLE migrations (version BIGINT PRIMARY KEY, at BIGINT NOT NULL)",
            "INSERT INTO migrations (version, at) VALUES (1, 5)",
            "INSERT INTO jobs (id, title, submission, submitter, request_key, priority, state, run, created_at) \
             VALUES ('1', 'Solaris', '{\"title\":\"Solaris\",\"source\":\"a.mov\"}', 'anna', 'one', 3, 'done', 1, 7)",
        ] {
            sqlx::Executor::execute(&old, text).await.expect("tables of the first version");
        }
        old.close().await;
        let settings = trix_service::config::Catalogue { url, patience: 5.0, connections: 2 };
        let catalogue = Catalogue::open(&settings).await.expect("a catalogue");
        let page = Page { title: Some("SOLAR".to_owned()), ..Page::default() };
        assert_eq!(catalogue.jobs(&page).await.expect("jobs").len(), 1);
        catalogue.submit(&submission("Stalker"), "anna", "two").await.expect("a job");
    }
}

#[tokio::test]
async fn a_backup_is_read_into_either_kind_of_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name);
    for (number, (catalogue, _kept)) in catalogues().await.into_iter().enumerate() {
        catalogue.set_user("anna", "a long password", Role::Operator, "test").await.expect("a user");
        let (_, token) = catalogue.token("anna", "script", None).await.expect("a token");
        let done = begun(&catalogue, "Солярис, 1972").await;
        let made = [Output { path: "Film.mkv".into(), bytes: 5, sha256: "00".into() }];
        catalogue.register(&done, 1, &made, "{\"a\": 1}", "worker").await.expect("it is registered");
        let open = begun(&catalogue, "Stalker").await;
        catalogue.handed(&open, 1, 3).await.expect("it is handed over");
        catalogue.set_notice("Closed on Monday", "anna").await.expect("a notice");
        let path = file(&format!("backup-{number}"));
        let rows = catalogue.back_up(&path).await.expect("a backup");
        assert!(matches!(catalogue.back_up(&path).await, Err(Error::Conflict(_))), "no file is replaced");
        assert!(matches!(catalogue.restore(&path).await, Err(Error::Conflict(_))), "it is not empty");
        for (other, _kept) in catalogues().await {
            assert_eq!(other.restore(&path).await.expect("the rows"), rows);
            assert_eq!(other.user_of(&token).await.expect("anna").name, "anna");
            assert_eq!(other.outputs_of(&done).await.expect("outputs"), made);
            assert_eq!(other.report_of(&done).await.expect("a report").as_deref(), Some("{\"a\": 1}"));
            assert_eq!(other.notice().await.expect("the notice"), "Closed on Monday");
            assert_eq!(other.last_change().await.expect("a number"), catalogue.last_change().await.expect("a number"));
            let (own, theirs) = (other.job(&done).await.expect("a job"), catalogue.job(&done).await.expect("a job"));
            assert_eq!(serde_json::to_value(&own).expect("JSON"), serde_json::to_value(&theirs).expect("JSON"));
            // What was not over begins anew, with another run: the engine may have ended this one.
            let to_hand = other.runs_to_hand(10, 10).await.expect("runs");
            assert_eq!(to_hand.iter().map(|job| (job.id.as_str(), job.run)).collect::<Vec<_>>(), [(open.as_str(), 2)]);
        }
        // A file that was cut or altered is refused.
        let text = std::fs::read_to_string(&path).expect("the backup");
        let cut = text.rsplit_once("\n{").expect("lines").0.to_owned();
        for (name, text) in [("cut", cut), ("altered", text.replace("Closed", "Open")), ("empty", String::new())] {
            std::fs::write(file(name), text).expect("a file");
            let (empty, _kept) = catalogues().await.remove(0);
            assert!(matches!(empty.restore(&file(name)).await, Err(Error::Refused(_))), "{name}");
            assert!(empty.jobs(&Page::default()).await.expect("jobs").is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_old_is_removed_and_jobs_stay_unless_the_settings_say_otherwise() {
    for (catalogue, _place) in catalogues().await {
        let (done, open) = (begun(&catalogue, "Done").await, begun(&catalogue, "Open").await);
        catalogue.register(&done, 1, &[], "{}", "worker").await.expect("the end");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        let removed = catalogue.prune(&Retention::default(), "test").await.expect("nothing is old");
        assert_eq!((removed.jobs, removed.changes, removed.workers), (0, 0, 0));
        let both = [done.clone(), open.clone(), "unknown".to_owned()];
        assert_eq!(catalogue.needed(&both, i64::MAX).await.expect("jobs"), [open.clone()].into());
        assert_eq!(catalogue.needed(&both, 1).await.expect("jobs"), [done, open].into(), "it ended later");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_keeps_the_versions_of_profiles_that_were_in_force() {
    for (catalogue, _place) in catalogues().await {
        assert_eq!(catalogue.set_profile("house", "crf = 1", "anna").await.expect("a version"), 1);
        let job = catalogue.submit(&submission("Film"), "anna", "one").await.expect("a job");
        assert_eq!(catalogue.set_profile("house", "crf = 2", "boris").await.expect("a version"), 2);
        let versions = catalogue.job(&job.id).await.expect("the job").profile_versions;
        assert_eq!(catalogue.texts_of(&versions).await.expect("texts")["house"], "crf = 1");
        let force = catalogue.versions_in_force().await.expect("versions");
        assert_eq!(catalogue.texts_of(&force).await.expect("texts")["house"], "crf = 2");
        let known = catalogue.profile_versions("house").await.expect("versions");
        assert_eq!(
            known.iter().map(|own| (own.version, own.author.as_str())).collect::<Vec<_>>(),
            [(2, "boris"), (1, "anna")]
        );
        assert!(matches!(catalogue.profile("house", Some(3)).await, Err(Error::Missing(_))));
        assert!(catalogue.set_profile("../house", "", "anna").await.is_err(), "a path is no name");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_administrator_stays_one() {
    for (catalogue, _place) in catalogues().await {
        catalogue.set_user("anna", "a long password", Role::Administrator, "test").await.expect("a user");
        assert!(matches!(catalogue.remove_user("anna", "anna").await, Err(Error::Conflict(_))));
        assert!(matches!(catalogue.set_role("anna", Role::Viewer, "anna").await, Err(Error::Conflict(_))));
        let password = catalogue.set_user("anna", "a new password", Role::Viewer, "anna").await;
        assert!(matches!(password, Err(Error::Conflict(_))), "with a password, too");
        catalogue.set_user("boris", "a long password", Role::Administrator, "test").await.expect("a user");
        let (_, token) = catalogue.token("anna", "script", None).await.expect("a token");
        catalogue.remove_user("anna", "boris").await.expect("it is not the last one");
        assert!(matches!(catalogue.user_of(&token).await, Err(Error::Unknown)), "its tokens are gone, too");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_the_provider_has_no_password_and_takes_no_name() {
    for (catalogue, _place) in catalogues().await {
        let user = catalogue.set_external_user("vera", Role::Viewer).await.expect("a user");
        assert!(user.is_external);
        assert!(matches!(catalogue.user_with("vera", "").await, Err(Error::Unknown)));
        assert_eq!(catalogue.set_external_user("vera", Role::Operator).await.expect("a role").role, Role::Operator);
        catalogue.set_user("anna", "a long password", Role::Viewer, "test").await.expect("a user");
        assert!(matches!(catalogue.set_external_user("anna", Role::Administrator).await, Err(Error::Conflict(_))));
        let own = SignIn { state: "state".into(), nonce: "nonce".into(), verifier: "verifier".into() };
        catalogue.sign_in_begins(&own).await.expect("it begins");
        assert_eq!(catalogue.sign_in_ends("state").await.expect("it ends").nonce, "nonce");
        assert!(matches!(catalogue.sign_in_ends("state").await, Err(Error::Unknown)), "it ends once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn urgent_runs_come_first_and_submitters_take_turns() {
    for (catalogue, _place) in catalogues().await {
        let submit = async |title: &str, who: &str, priority: i64| {
            let own = Submission { priority, ..submission(title) };
            catalogue.submit(&own, who, title).await.expect("a job").id
        };
        for title in ["a1", "a2", "a3", "a4"] {
            submit(title, "anna", 3).await;
        }
        submit("b1", "boris", 3).await;
        submit("late", "anna", 5).await;
        let titles = async |room, most| -> Vec<String> {
            let jobs = catalogue.runs_to_hand(room, most).await.expect("runs");
            jobs.into_iter().map(|job| job.submission.title).collect()
        };
        assert_eq!(titles(10, 10).await, ["a1", "b1", "a2", "a3", "a4", "late"]);
        assert_eq!(titles(2, 10).await, ["a1", "b1"]);
        let urgent = submit("urgent", "anna", 1).await;
        assert_eq!(titles(0, 10).await, ["urgent"], "it needs no room");
        catalogue.handed(&urgent, 1, 1).await.expect("it is handed over");
        assert_eq!(titles(1, 10).await, ["b1"], "anna has one at the engine");
        assert_eq!(catalogue.runs_and_workers().await.expect("numbers"), (1, 0));
        catalogue.set_priority(&urgent, 4, "anna").await.expect("it is less urgent");
        let changed = catalogue.runs_to_hurry(10).await.expect("runs");
        assert_eq!(
            changed.iter().map(|job| (job.id.as_str(), job.priority)).collect::<Vec<_>>(),
            [(urgent.as_str(), 4)]
        );
        catalogue.hurried(&urgent, 4).await.expect("the engine knows");
        assert!(catalogue.runs_to_hurry(10).await.expect("runs").is_empty());
        // A paused job takes no room, and waits for none.
        catalogue.set_paused(&urgent, true, "anna").await.expect("it is paused");
        assert_eq!(catalogue.runs_and_workers().await.expect("numbers"), (0, 0));
        let first = catalogue.runs_to_hand(1, 1).await.expect("runs").remove(0);
        catalogue.set_paused(&first.id, true, "anna").await.expect("it is paused");
        assert_ne!(titles(1, 10).await, [first.submission.title]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_made_once_the_database_is_there() {
    let server = Postgres::start();
    let settings = trix_service::config::Catalogue { url: server.url.clone(), patience: 1.0, connections: 2 };
    server.pause();
    let catalogue = Catalogue::open(&settings).await.expect("a database that is away is no error");
    assert!(catalogue.check().await.is_err_and(|error| error.is_away()));
    server.resume();
    catalogue.check().await.expect("it answers");
    catalogue.submit(&submission("Film"), "anna", "one").await.expect("it works without a restart");
}
