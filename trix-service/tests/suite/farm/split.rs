//! A network that is split in two: a worker in a network namespace of its own, whose link goes down. Needs root.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use tokio::net::{TcpListener, TcpStream};

use super::{Farm, failures::note};
use crate::support::{Postgres, Process};

/// Takes connections at `address`, and connects each with a port of loopback. Returns the port there.
async fn forward(address: &str, to: u16) -> u16 {
    let listener = TcpListener::bind((address, 0)).await.expect("a port");
    let port = listener.local_addr().expect("a port").port();
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            tokio::spawn(async move {
                if let Ok(mut there) = TcpStream::connect(("127.0.0.1", to)).await {
                    let _ = tokio::io::copy_bidirectional(&mut from, &mut there).await;
                }
            });
        }
    });
    port
}

/// The port at the end of an address.
fn port_of(address: &str) -> u16 {
    let end = address.rsplit(':').next().and_then(|end| end.split('/').next());
    end.and_then(|port| port.parse().ok()).expect("a port")
}

/// How long the network is split.
const SPLIT: Duration = Duration::from_secs(300);

/// Two ends of a link: one on this side, one in a namespace. Both go away when this is dropped.
struct Link {
    name: String,
    address: String,
}

fn ip(words: &str) {
    let done = Command::new("ip").args(words.split_whitespace()).status();
    assert!(done.is_ok_and(|status| status.success()), "ip {words}: namespaces need root and iproute2");
}

impl Link {
    fn new() -> Self {
        // An interface has a name of fifteen letters at most.
        let number = std::process::id() % 250;
        let link = Link { name: format!("trix{number}"), address: format!("10.77.{number}") };
        let (name, address) = (&link.name, &link.address);
        ip(&format!("netns add {name}"));
        ip(&format!("link add {name} type veth peer name {name}n netns {name}"));
        ip(&format!("addr add {address}.1/24 dev {name}"));
        ip(&format!("link set {name} up"));
        for words in
            [format!("addr add {address}.2/24 dev {name}n"), format!("link set {name}n up"), "link set lo up".into()]
        {
            ip(&format!("-n {name} {words}"));
        }
        link
    }

    /// The address of this side.
    fn here(&self) -> String {
        format!("{}.1", self.address)
    }

    fn set(&self, state: &str) {
        ip(&format!("link set {} {state}", self.name));
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // The link goes with its end in the namespace.
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}

/// The content of every file below a folder.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).expect("a folder").flatten() {
            match entry.path() {
                path if path.is_dir() => open.push(path),
                path => _ = found.insert(path.clone(), fs::read(&path).unwrap_or_default()),
            }
        }
    }
    found.retain(|path, _| path.extension().is_some_and(|end| end == "chunk"));
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn the_network_is_split_for_five_minutes() {
    let link = Link::new();
    let server = Postgres::start();
    let url = server.url.clone();
    let mut farm = Farm::start_with(0, |place| place.config.catalogue.url = url).await;
    // The worker beyond the link has the same settings, but for two addresses.
    let (here, config) = (link.here(), &farm.place.config);
    let engine = forward(&here, port_of(&config.engine.address)).await;
    let catalogue = forward(&here, port_of(&server.url)).await;
    let variables = [
        ("TRIXD_ENGINE_ADDRESS", format!("http://{here}:{engine}")),
        ("TRIXD_CATALOGUE_URL", format!("postgres://trix@{here}:{catalogue}/postgres")),
    ];
    let mut beyond = Process::start_in(&link.name, &farm.settings, &["worker", "--index", "9"], &variables);
    let job = farm.submit("Film", "veryslow").await;
    let lost = farm.running(&job, "chunk").await;
    link.set("down");
    let began = Instant::now();
    farm.start_worker();
    farm.begins_again(&job, &lost).await;
    let after = began.elapsed();
    farm.until_done(&job).await;
    let copy = farm.place.output("Film").join("Film.mkv");
    let identity =
        || fs::metadata(&copy).map(|facts| (facts.ino(), facts.mtime(), facts.mtime_nsec())).expect("the copy");
    let (before, chunks) = (identity(), contents(&farm.place.config.mounts.cache));
    tokio::time::sleep(SPLIT.saturating_sub(began.elapsed())).await;
    link.set("up");
    let back = Instant::now();
    let code = beyond.ended(Duration::from_secs(60)).await;
    assert_eq!(code, Some(75), "a worker whose attempt was refused ends, and its supervisor starts it anew");
    let fenced = farm.attempts(&job).await.into_iter().find(|own| own.id == lost.id).expect("the attempt");
    assert_eq!(fenced.outcome.as_deref(), Some("fenced"));
    assert_eq!(identity(), before, "the copy has its name once");
    for (path, bytes) in contents(&farm.place.config.mounts.cache) {
        assert!(chunks.get(&path).is_none_or(|known| *known == bytes), "{}", path.display());
    }
    // What comes back takes part again.
    let _beyond = Process::start_in(&link.name, &farm.settings, &["worker", "--index", "9"], &variables);
    farm.workers.clear();
    let next = farm.submit("Next", "ultrafast").await;
    farm.until_done(&next).await;
    note(
        "network split in two for 5 minutes",
        &format!(
            "the unit begins elsewhere after {:.1} s (lease 10 s, and a worker that is free); the worker is refused {:.1} s after the network is whole, and ends; \
             one copy, equal chunks",
            after.as_secs_f64(),
            back.elapsed().as_secs_f64()
        ),
    );
}
