//! A reaction that keeps failing on one stream parks it; the others go on; a person has it tried again.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chassis::{
    Caller, Command, Role, event,
    reactions::{self, Reaction},
};
use contracts::{
    ledger::v1::{Event, RetryReactionRequest, StreamWrite, ledger_client::LedgerClient},
    routing::v1::UnitDefined,
};
use testkit::Centre;
use tests::eventually;
use uuid::Uuid;

const CITY: &str = "ova";

/// Fails on the stream "unit-bad" while it is broken; remembers what it did.
struct Flaky {
    broken: Arc<AtomicBool>,
    done: Arc<Mutex<Vec<(String, u64)>>>,
}

impl Reaction for Flaky {
    const NAME: &'static str = "routing.flaky";

    fn concerns(&self, event: &Event) -> bool {
        event.stream.starts_with("unit-")
    }

    async fn handle(&self, event: &Event) -> anyhow::Result<()> {
        let broken = self.broken.load(Ordering::SeqCst);
        anyhow::ensure!(!broken || event.stream != "unit-bad", "out of order");
        let done = (event.stream.clone(), event.version);
        self.done.lock().unwrap().push(done);
        Ok(())
    }
}

async fn say(centre: &Centre, stream: &str, version: u64) {
    let id = Uuid::new_v5(
        &Uuid::NAMESPACE_OID,
        format!("{stream}{version}").as_bytes(),
    );
    let message = UnitDefined {
        code: stream.to_owned(),
        ..UnitDefined::default()
    };
    let command = Command {
        id,
        fingerprint: [1; 32],
        correlation_id: id,
        causation_id: None,
        actor: "system:test".to_owned(),
    };
    let at = event::timestamp(1_796_115_600_000_000);
    let events = vec![event::record(
        event::id(id, 0),
        &message,
        at,
        [format!("unit:{stream}")],
    )];
    let write = StreamWrite {
        stream: stream.to_owned(),
        expected_version: version - 1,
        events,
    };
    let platform = centre.platform(Role::Routing).unwrap();
    let ledger = platform.ledger(&CITY.parse().unwrap());
    ledger.append(&command, vec![write]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_stream_waits_for_a_person_and_the_others_go_on() {
    let centre = Centre::new(&[CITY]).unwrap();
    let ledger = centre.platform(Role::Ledger).unwrap();
    let config = crate::small_ledger();
    centre.start("ledger", async move { ledger::serve(config, ledger).await });

    let broken = Arc::new(AtomicBool::new(true));
    let done = Arc::new(Mutex::new(vec![]));
    let flaky = Flaky {
        broken: Arc::clone(&broken),
        done: Arc::clone(&done),
    };
    let platform = centre.platform(Role::Routing).unwrap();
    centre.start(
        "reaction",
        reactions::run(platform.clone(), CITY.parse().unwrap(), flaky),
    );
    say(&centre, "unit-bad", 1).await;
    say(&centre, "unit-good", 1).await;

    centre
        .history_once(CITY, "reactions", |it| it.len() == 1)
        .await
        .unwrap();
    say(&centre, "unit-bad", 2).await;
    say(&centre, "unit-good", 2).await;
    let good = [("unit-good".to_owned(), 1), ("unit-good".to_owned(), 2)];
    eventually(
        Duration::from_secs(10),
        "the good stream goes on",
        async || {
            let done = done.lock().unwrap().clone();
            anyhow::ensure!(done == good, "{done:?}");
            Ok(())
        },
    )
    .await
    .unwrap();

    broken.store(false, Ordering::SeqCst);
    let caller = Caller::new(Role::Gateway, CITY.parse().unwrap(), "staff:test");
    let mut client = LedgerClient::new(platform.channel(Role::Ledger));
    let retry = RetryReactionRequest {
        command_id: Uuid::from_u128(9).to_string(),
        reaction: Flaky::NAME.to_owned(),
        stream: "unit-bad".to_owned(),
    };
    let first = client.retry_reaction(caller.request(retry.clone())).await;
    let again = client.retry_reaction(caller.request(retry.clone())).await;
    assert_eq!(first.unwrap().into_inner(), again.unwrap().into_inner());
    eventually(
        Duration::from_secs(10),
        "the bad stream is taken up",
        async || {
            let done = done.lock().unwrap().clone();
            let bad = [("unit-bad".to_owned(), 1), ("unit-bad".to_owned(), 2)];
            anyhow::ensure!(done[2..] == bad, "{done:?}");
            Ok(())
        },
    )
    .await
    .unwrap();

    let other = RetryReactionRequest {
        command_id: Uuid::from_u128(10).to_string(),
        ..retry
    };
    let nothing = client.retry_reaction(caller.request(other)).await;
    assert_eq!(nothing.unwrap_err().code(), tonic::Code::NotFound);
    centre.stop().await;
}
