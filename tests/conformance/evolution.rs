//! Every event that was ever stored, and events of a newer build, in a whole centre in one process: what was stored is taken by
//! every reader, what is newer stops those who would hear it, and they say so.

use std::{collections::BTreeMap, path::Path, time::Duration};

use chassis::Role;
use contracts::{
    ledger::v1::AppendRequest, routing::v1::GetHandlingRequest, vocabulary::v1::RequestState,
};
use ledger::LogError;
use tempfile::TempDir;
use tests::{
    City,
    corpus::{Sample, samples},
    eventually, files,
    process::{Cozum, Launch, free_port},
};
use vocabulary::Municipality;

use crate::place::{Place, Replica};

const TOWN: &str = "town";
const PATIENCE: Duration = Duration::from_secs(90);

/// A centre in one process, and its log as another replica of the ledger writes it.
struct Centre {
    process: Cozum,
    url: String,
    log: Replica,
    folder: TempDir,
}

impl Centre {
    /// A centre whose log begins with one event of each kind.
    async fn of_the_corpus() -> (Self, Vec<Sample>) {
        let folder = TempDir::new().unwrap();
        let store = format!("sqlite:{}", folder.path().join("log").display());
        let town: Municipality = TOWN.parse().unwrap();
        let log = Place::at(&store).replica(&town).await;
        let corpus = samples().unwrap();
        let mut versions: BTreeMap<String, u64> = BTreeMap::new();
        for sample in &corpus {
            let version = versions.entry(sample.stream().unwrap()).or_default();
            record(&log, sample.command(*version).unwrap()).await;
            *version += 1;
        }
        let address = format!("127.0.0.1:{}", free_port().unwrap());
        let data = folder.path().join("data");
        let args = [
            ["--municipalities", TOWN],
            ["--listen", &address],
            ["--ledger-store", &store],
            ["--data", data.to_str().unwrap()],
            ["--tokens", &format!("{TOWN}={}", City::token(TOWN))],
        ];
        let url = format!("http://{address}");
        let launch = Launch::new("centre", ["up"].into_iter().chain(args.concat()))
            .ready_at(format!("{url}/readyz"))
            .within(PATIENCE);
        let centre = Self {
            process: launch.start().await.unwrap(),
            url,
            log,
            folder,
        };
        (centre, corpus)
    }

    async fn ask(&self, path: &str) -> (u16, String) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("{}{path}", self.url)).send().await;
        let answer = answer.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Each read model's position, by role and name.
    async fn positions(&self) -> BTreeMap<String, u64> {
        let mut positions = BTreeMap::new();
        for role in Role::ALL {
            let folder = self.folder.path().join("data").join(role.as_str());
            let below = folder.join(TOWN);
            let found = if below.exists() {
                files::below(&below).unwrap()
            } else {
                vec![]
            };
            for path in found
                .iter()
                .filter(|it| it.extension().is_some_and(|it| it == "db"))
            {
                let at = files::position(path).await.unwrap();
                positions.insert(format!("{role}/{}", name(path)), u64::try_from(at).unwrap());
            }
        }
        positions
    }

    /// Waits until the read models of which this is true stand at the head.
    async fn caught_up(&self, which: impl Fn(&str) -> bool) -> BTreeMap<String, u64> {
        eventually(PATIENCE, "the read models stand at the head", async || {
            let head = self.log.head().await?.position;
            let positions = self.positions().await;
            let behind = positions.iter().filter(|(it, at)| which(it) && **at < head);
            let behind: Vec<_> = behind.collect();
            anyhow::ensure!(behind.is_empty(), "{behind:?} of {head}");
            Ok(positions)
        })
        .await
        .unwrap()
    }

    /// Waits until the centre says that this stopped, and gives all it says.
    async fn stopped(&self, part: &str, why: &str) -> String {
        let line = format!("{TOWN}/{part}: stopped: ");
        eventually(PATIENCE, &format!("{part} has stopped"), async || {
            let (status, text) = self.ask("/readyz").await;
            let told = text
                .lines()
                .any(|it| it.contains(&line) && it.ends_with(why));
            anyhow::ensure!(status == 503 && told, "{status}: {text}");
            Ok(text)
        })
        .await
        .unwrap()
    }
}

/// "register-v4.db" -> "register".
fn name(path: &Path) -> String {
    let file = path.file_stem().unwrap().to_string_lossy();
    file.rsplit_once("-v").unwrap().0.to_owned()
}

async fn record(log: &Replica, command: AppendRequest) -> u64 {
    let reply = log.append(command, None).await;
    reply
        .unwrap_or_else(|error: LogError| panic!("{error}"))
        .last_position
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reader_takes_every_event_that_was_ever_stored() {
    let (mut centre, corpus) = Centre::of_the_corpus().await;
    let positions = centre.caught_up(|_| true).await;
    println!("{} samples: {positions:?}", corpus.len());
    assert!(positions.len() >= 9, "some are missing: {positions:?}");
    assert_eq!(centre.ask("/readyz").await, (200, "ready\n".to_owned()));

    // What is decided on is folded from the same events, in the order of `proto/`: the request is reopened, a question is asked,
    // and the citizen's answer brings it back to where it was.
    let number = corpus
        .iter()
        .find_map(|it| it.says["number"].as_str())
        .unwrap();
    let city = City::new(TOWN, &centre.url, &City::token(TOWN)).unwrap();
    let request = GetHandlingRequest {
        number: number.to_owned(),
    };
    let handling = city.routing().get_handling(request).await.unwrap();
    assert_eq!(handling.into_inner().state(), RequestState::Reopened);

    // A reaction that cannot take its event has it parked.
    let parked = centre.log.history("reactions", 0, 0).await.unwrap();
    assert!(parked.is_empty(), "{parked:#?}");
    let said = centre.process.stderr();
    assert!(!said.contains("stopped:"), "{said}");
    centre.process.terminate(PATIENCE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_a_newer_build_stops_whoever_would_hear_it() {
    let (mut centre, corpus) = Centre::of_the_corpus().await;
    let before = centre.caught_up(|_| true).await;
    let sample = |name: &str| corpus.iter().find(|it| it.name == name).unwrap().clone();

    // A type that routing has, but not in this build.
    let mut dreamt = sample("routing.RequestAccepted");
    dreamt.name = "routing.RequestDreamt".to_owned();
    let mut command = dreamt.command(0).unwrap();
    command.writes[0].stream = "handling-2026-10000000-8".to_owned();
    let unknown = record(&centre.log, command).await;
    let why = format!(
        "event {unknown} is of type routing.RequestDreamt, which this program does not know: update it"
    );
    for part in [
        "register",
        "counts",
        "search",
        "routing.requests",
        "notification.requests",
        "intake.erasures",
    ] {
        centre.stopped(part, &why).await;
    }

    // A known type, in a version that this build does not know.
    let mut newer = sample("gateway.StaffEnabled");
    newer.version = 2;
    let mut command = newer.command(0).unwrap();
    command.writes[0].stream = "staff-new".to_owned();
    let newer = record(&centre.log, command).await;
    let why = format!(
        "event {newer} of type gateway.StaffEnabled has schema version 2, newer than 1: update this program"
    );
    for part in ["staff", "webhooks"] {
        centre.stopped(part, &why).await;
    }

    // Whoever hears of neither goes on, and the process lives.
    let hears_neither = ["routing/directory", "intake/topics", "intake/registrations"];
    let positions = centre.caught_up(|it| hears_neither.contains(&it)).await;
    for part in ["gateway/register", "analytics/counts", "intake/search"] {
        assert!(
            (before[part]..unknown).contains(&positions[part]),
            "{part}: {positions:?}"
        );
    }
    for part in ["gateway/staff", "gateway/webhooks"] {
        assert!(
            (unknown..newer).contains(&positions[part]),
            "{part}: {positions:?}"
        );
    }
    assert_eq!(centre.ask("/livez").await.0, 200);
    println!("{}", centre.ask("/readyz").await.1);
    centre.process.terminate(PATIENCE).await.unwrap();
}
