//! Watch folders.

use std::fs;

use trix_service::{
    catalogue::{Arrival, Catalogue, Page},
    config::Rule,
    watch::Watcher,
};

use crate::support::Place;

fn rule(name: &str, masters: &str) -> Rule {
    Rule {
        name: name.into(),
        masters: masters.into(),
        tracks: vec!["{stem}_{language}.wav".into()],
        title: "{stem}".into(),
        profiles: vec!["preview".into()],
        priority: 2,
        submits: true,
    }
}

/// A farm that watches `incoming`.
struct Watched {
    place: Place,
    catalogue: Catalogue,
}

impl Watched {
    async fn new(rules: Vec<Rule>, done_file: &str) -> Self {
        let mut place = Place::new();
        place.config.watch.rules = rules;
        place.config.watch.stable = 0.3;
        place.config.watch.done_file = done_file.into();
        fs::create_dir_all(place.config.mounts.source.join("incoming")).expect("a folder");
        let catalogue = Catalogue::open(&place.config.catalogue).await.expect("a catalogue");
        Watched { place, catalogue }
    }

    fn watcher(&self) -> Watcher {
        Watcher::new(&self.place.config, self.catalogue.clone()).expect("rules")
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.place.config.mounts.source.join("incoming").join(name), text).expect("a file");
    }

    async fn arrivals(&self) -> Vec<Arrival> {
        self.catalogue.arrivals(100).await.expect("arrivals")
    }
}

async fn pause() {
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
}

#[tokio::test]
async fn a_master_that_has_stopped_growing_is_submitted_once_with_its_tracks() {
    let watched = Watched::new(vec![rule("mail", "incoming/*.mov")], "").await;
    let (mut one, mut other) = (watched.watcher(), watched.watcher());
    watched.write("Film.mov", "half");
    watched.write("Film_ru.wav", "sound");
    one.look().await.expect("a look");
    watched.write("Film.mov", "whole film");
    pause().await;
    one.look().await.expect("a look");
    assert!(watched.arrivals().await.is_empty(), "it has grown since the last look");
    pause().await;
    // Two dispatchers watch.
    other.look().await.expect("a look");
    pause().await;
    let (first, second) = tokio::join!(one.look(), other.look());
    first.and(second).expect("two looks");
    one.look().await.expect("a look");
    let jobs = watched.catalogue.jobs(&Page::default()).await.expect("jobs");
    assert_eq!(jobs.len(), 1);
    let submission = &jobs[0].submission;
    assert_eq!(
        (submission.title.as_str(), submission.source.as_str(), submission.priority),
        ("Film", "incoming/Film.mov", 2)
    );
    assert_eq!(submission.tracks[0].files, ["incoming/Film_ru.wav"]);
    assert_eq!(submission.tracks[0].language.as_deref(), Some("ru"));
    let arrived = watched.arrivals().await;
    assert_eq!((arrived.len(), arrived[0].state.as_str()), (1, "submitted"));
    assert_eq!(arrived[0].job.as_ref(), Some(&jobs[0].id));
}

#[tokio::test]
async fn in_doubt_a_master_waits_for_an_operator() {
    let by_hand = Rule { submits: false, ..rule("by hand", "incoming/*.mxf") };
    let rules = vec![rule("one", "incoming/*.mov"), rule("two", "incoming/double*"), by_hand];
    let watched = Watched::new(rules, "").await;
    watched.write("double.mov", "a");
    watched.write("wrong.mov", "a");
    watched.write("wrong.mov.md5", "900150983cd24fb0d6963f7d28e17f72");
    watched.write("hand.mxf", "a");
    watched.write("made.mov", "a");
    watched.write("right.mov", "abc");
    watched.write("right.md5", "900150983cd24fb0d6963f7d28e17f72 *right.mov");
    watched.write("notes.txt", "no rule matches");
    fs::create_dir(watched.place.output("made")).expect("a folder");
    let mut watcher = watched.watcher();
    watcher.look().await.expect("a look");
    pause().await;
    watcher.look().await.expect("a look");
    let mut found: Vec<(String, String)> =
        watched.arrivals().await.into_iter().map(|own| (own.path.replace("incoming/", ""), own.why)).collect();
    found.sort();
    let why = |path: &str| found.iter().find(|own| own.0 == path).map(|own| own.1.as_str()).expect("it arrived");
    assert_eq!(found.len(), 5, "{found:?}");
    assert!(why("double.mov").contains("the rules one and two match"));
    assert!(why("wrong.mov").contains("checksum: "));
    assert!(why("hand.mxf").contains("leaves it to an operator"));
    assert!(why("made.mov").contains("there are copies of made"));
    assert_eq!(why("right.mov"), "");
    assert_eq!(watched.catalogue.jobs(&Page::default()).await.expect("jobs").len(), 1);
    // An operator decides. A new version of the file is looked at again.
    watched.catalogue.settle_arrival("incoming/hand.mxf", None, "anna").await.expect("it waited");
    assert!(watched.catalogue.settle_arrival("incoming/hand.mxf", None, "anna").await.is_err(), "it waits no more");
    watched.write("wrong.mov", "abc");
    watcher.look().await.expect("a look");
    pause().await;
    watcher.look().await.expect("a look");
    let now = watched.arrivals().await;
    assert_eq!(
        now.iter().find(|own| own.path == "incoming/wrong.mov").map(|own| own.state.as_str()),
        Some("submitted")
    );
}

#[tokio::test]
async fn a_done_file_says_that_a_master_is_whole() {
    let watched = Watched::new(vec![rule("mail", "incoming/*.mov")], ".done").await;
    watched.write("Film.mov", "film");
    let mut watcher = watched.watcher();
    watcher.look().await.expect("a look");
    pause().await;
    watcher.look().await.expect("a look");
    assert!(watched.arrivals().await.is_empty());
    watched.write("Film.mov.done", "");
    watcher.look().await.expect("a look");
    assert_eq!(watched.arrivals().await.len(), 1);
}
