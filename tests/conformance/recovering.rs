//! A log that came back without its newest events: a living ledger takes nothing then; and a ledger's process that finds it at its
//! start fetches them from JetStream, and nothing else that stands there.

use std::{fs, path::PathBuf, time::Duration};

use async_nats::jetstream::{self, Context, stream::Stream};
use chassis::{Caller, Role, cloudevents, event::commitment};
use contracts::ledger::v1::{AppendRequest, Event, ReadRequest, ledger_client::LedgerClient};
use ledger::LogError;
use tempfile::TempDir;
use tests::{
    eventually,
    nats::Server,
    process::{Cozum, Launch, free_port},
};
use tonic::transport::{Channel, Endpoint};
use vocabulary::Municipality;

use crate::{
    appending::all,
    place::{Place, command},
};

const SOON: Duration = Duration::from_secs(30);

/// One ledger on SQLite, its NATS, and a backup of its first hundred events.
struct Ledger {
    process: Cozum,
    nats: Server,
    client: LedgerClient<Channel>,
    caller: Caller,
    admin: String,
    folder: TempDir,
}

impl Ledger {
    async fn start() -> Self {
        let (nats, folder) = (Server::start().await.unwrap(), TempDir::new().unwrap());
        let town: Municipality = "ova".parse().unwrap();
        let address = || format!("127.0.0.1:{}", free_port().unwrap());
        let (listen, admin) = (address(), address());
        let (url, data) = (nats.url(), folder.path().join("data"));
        let args = [
            ["serve", "ledger"],
            ["--municipalities", "ova"],
            ["--listen", &listen],
            ["--admin", &admin],
            ["--nats", &url],
            ["--data", data.to_str().unwrap()],
            ["--log", "warn"],
        ];
        let admin = format!("http://{admin}/readyz");
        let launch = Launch::new("ledger", args.concat()).ready_at(&admin);
        let process = launch.start().await.unwrap();
        let endpoint = Endpoint::from_shared(format!("http://{listen}")).unwrap();
        let mut ledger = Self {
            process,
            nats,
            client: LedgerClient::new(endpoint.connect_lazy()),
            caller: Caller::new(Role::Intake, town, "citizen"),
            admin,
            folder,
        };
        ledger.append(1..101).await;
        ledger.run(&["backup", "--out", &ledger.backup()]).await;
        ledger.append(101..151).await;
        ledger
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn ask(&mut self, request: AppendRequest) -> bool {
        let request = self.caller.request(request);
        let reply = self.client.append(request).await.unwrap().into_inner();
        reply.replayed
    }

    /// Appends these, and waits until all of it is signed and told.
    async fn append(&mut self, numbers: std::ops::Range<u128>) {
        let head = u64::try_from(numbers.end - 1).unwrap();
        for number in numbers {
            let stream = format!("a-{number}");
            self.ask(command(number, &[(&stream, 0, 1)])).await;
        }
        let memory = self.path("data/ledger/signed/ova.checkpoint");
        eventually(SOON, "all of it is signed and told", async || {
            let told = self.stream().await?.get_info().await?.state.last_sequence;
            let note = fs::read_to_string(&memory)?;
            let signed = note.lines().nth(1).unwrap_or_default().to_owned();
            anyhow::ensure!(
                told == head && signed == head.to_string(),
                "{told}, {signed}"
            );
            Ok(())
        })
        .await
        .unwrap();
    }

    async fn jetstream(&self) -> Context {
        jetstream::new(async_nats::connect(self.nats.url()).await.unwrap())
    }

    async fn stream(&self) -> anyhow::Result<Stream> {
        Ok(self.jetstream().await.get_stream("EV_ova").await?)
    }

    async fn events(&mut self) -> Vec<Event> {
        let request = self.caller.request(ReadRequest::default());
        self.client.read(request).await.unwrap().into_inner().events
    }

    /// Runs `cozum <args>` beside the ledger.
    async fn run(&self, args: &[&str]) {
        let launch = Launch::new("backup", args.iter().copied())
            .env("COZUM_DATA", self.path("data").to_str().unwrap())
            .env("COZUM_MUNICIPALITIES", "ova");
        let output = launch.run().await.unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    fn backup(&self) -> String {
        self.path("backup").to_str().unwrap().to_owned()
    }

    /// The log's file is lost, and the backup put in its place.
    async fn lost_and_restored(&mut self) {
        self.process.kill9().unwrap();
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(self.path(&format!("data/ledger/ova.db{end}")));
        }
        self.run(&["restore", "--from", &self.backup()]).await;
    }

    async fn refuses(&mut self, why: &str) {
        self.process.spawn().unwrap();
        eventually(SOON, why, async || {
            let answer = reqwest::get(&self.admin).await?;
            let (status, text) = (answer.status(), answer.text().await?);
            anyhow::ensure!(status == 503 && text.contains(why), "{status} {text}");
            Ok(())
        })
        .await
        .unwrap();
        let request = self.caller.request(ReadRequest::default());
        assert!(self.client.read(request).await.is_err(), "it was read");
        let request = self.caller.request(command(999, &[("x-1", 0, 1)]));
        assert!(self.client.append(request).await.is_err(), "it was taken");
    }

    /// Publishes an event behind the last, as whoever reaches NATS could.
    async fn slip(&mut self, change: fn(&mut Event)) {
        let stream = self.stream().await.unwrap();
        let last = stream.cached_info().state.last_sequence;
        let message = stream.get_raw_message(last).await.unwrap();
        let mut event = cloudevents::from_message(&message.headers, &message.payload).unwrap();
        change(&mut event);
        event.commitment = commitment::commitment("ova", &event).to_vec();
        let town = &self.caller.municipality;
        let (mut headers, body) = cloudevents::to_message(town, &event);
        // The seal of another message is none of this one.
        let seal = message.headers.get("Cozum-Seal").unwrap();
        headers.insert("Cozum-Seal", seal.as_str());
        let subject = cloudevents::subject(town, &event.r#type);
        let context = self.jetstream().await;
        let sent = context.publish_with_headers(subject, headers, body.into());
        sent.await.unwrap().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_comes_back_from_jetstream_and_nothing_that_was_slipped_in() {
    let mut ledger = Ledger::start().await;
    let before = ledger.events().await;
    assert_eq!(before.len(), 150);
    ledger.lost_and_restored().await;
    ledger.process.restart().await.unwrap();
    assert_eq!(ledger.events().await, before);
    // A command of those is known, and not done again.
    assert!(ledger.ask(command(140, &[("a-140", 0, 1)])).await);
    ledger.append(151..161).await;

    // Without what the signer remembers, the ledger's seals are what is left.
    let before = ledger.events().await;
    ledger.lost_and_restored().await;
    fs::remove_file(ledger.path("data/ledger/signed/ova.checkpoint")).unwrap();
    ledger.process.restart().await.unwrap();
    assert_eq!(ledger.events().await, before);
    ledger.append(161..171).await;

    ledger.lost_and_restored().await;
    let next = |it: &mut Event| (it.position, it.version) = (it.position + 1, it.version + 1);
    ledger.slip(next).await;
    ledger
        .refuses("position 171: nobody signed it, and it lacks the ledger's seal")
        .await;
    // A person says that it is lost: the log goes on under another name, and JetStream from there with it.
    let declare = ["restore", "--declare-fork", "--ground", "events-lost"];
    ledger.run(&declare).await;
    ledger.process.wait_ready().await.unwrap();
    let events = ledger.events().await;
    assert_eq!(events.len(), 101);
    assert_eq!(events[100].r#type, "ledger.LogForked");
    let stream = format!("a-{}", 102);
    ledger.ask(command(102, &[(&stream, 0, 1)])).await;
    eventually(SOON, "JetStream holds the log as it is now", async || {
        let state = ledger.stream().await?.get_info().await?.state;
        anyhow::ensure!(state.last_sequence == 102, "{}", state.last_sequence);
        let message = ledger.stream().await?.get_raw_message(101).await?;
        let told = cloudevents::from_message(&message.headers, &message.payload)?;
        anyhow::ensure!(told == events[100], "it is another");
        Ok(())
    })
    .await
    .unwrap();

    // JetStream is lost: nobody can bring the rest.
    ledger.lost_and_restored().await;
    ledger.nats.wipe().await.unwrap();
    ledger
        .refuses("events were signed: it was rolled back")
        .await;
}

/// A store that lost its newest events under a living ledger: who heard of them would never hear of others at their positions.
pub(crate) async fn a_store_that_fell_back_takes_nothing(place: &Place) {
    let log = place.log().await;
    for number in 1..=5 {
        let stream = format!("a-{number}");
        let append = command(number, &[(&stream, 0, 1)]);
        log.append(append, None).await.unwrap();
    }
    let events = all(&log).await;
    let lost = [
        "DELETE FROM event WHERE {of} AND position > 3".to_owned(),
        "DELETE FROM subject WHERE {of} AND position > 3".to_owned(),
        "DELETE FROM command WHERE {of} AND first_position > 3".to_owned(),
        format!(
            "UPDATE head SET position = 3, recorded_us = {} WHERE {{of}}",
            events[2].recorded_at
        ),
    ];
    place.tamper(log.municipality(), &lost).await;
    for number in [6, 7] {
        let refused = log.append(command(number, &[("b-1", 0, 1)]), None).await;
        assert!(matches!(refused, Err(LogError::Away)), "{refused:?}");
    }
    assert_eq!(log.head().await.unwrap().position, 3);
    // What was acknowledged once is recorded by whoever asks a ledger that knows of nothing else.
    let another = place.replica(log.municipality()).await;
    let reply = another.append(command(4, &[("a-4", 0, 1)]), None).await;
    assert_eq!(reply.unwrap().first_position, 4);
}
