//! Everything is killed once while requests come in.

use std::{collections::BTreeMap, time::Duration};

use chassis::Role;
use tests::{City, Cluster, draw::Draw, eventually, log, soak};

use crate::{
    load::{Acknowledged, Load},
    read_models,
};

const CITY: &str = "ova";
const OTHER: &str = "koy";

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Process(Role),
    Nats,
    Postgres,
}

/// All eight, in an order that the seed decides.
fn victims(seed: u64) -> Vec<Victim> {
    let mut all: Vec<Victim> = Role::ALL.into_iter().map(Victim::Process).collect();
    all.extend([Victim::Nats, Victim::Postgres]);
    let mut draw = Draw::of(seed);
    for last in (1..all.len()).rev() {
        all.swap(last, draw.place(last + 1));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn each_process_nats_and_postgresql_are_killed_under_load_and_nothing_acknowledged_is_lost()
-> anyhow::Result<()> {
    let mut cluster = Cluster::start(&[CITY, OTHER]).await?;
    let city = cluster.city(CITY)?;
    let seed = soak::seed();
    let victims = victims(seed);
    println!("seed {seed}: {victims:?}");

    let mut load = Load::on(&city);
    for victim in victims {
        load.goes_on(5).await?;
        let (acknowledged, refused) = (load.acknowledged(), load.refused());
        kill_and_restart(&mut cluster, &mut load, victim).await?;
        load.goes_on(5).await?;
        println!(
            "{victim:?}: {} acknowledged meanwhile, {} tries refused",
            load.acknowledged() - acknowledged,
            load.refused() - refused
        );
    }
    let acknowledged = load.stop()?;
    println!("{} requests acknowledged", acknowledged.len());

    everybody_was_told(&cluster, &city, &acknowledged).await?;
    let head = city.settled().await?;
    each_is_there_once(&cluster, &city, &acknowledged, head).await?;
    read_models::equal_a_fresh_fold(&mut cluster, CITY, head).await?;
    assert_eq!(
        city.settled().await?,
        head,
        "starting again records something"
    );
    each_ends_when_asked(&mut cluster).await
}

async fn kill_and_restart(
    cluster: &mut Cluster,
    load: &mut Load,
    victim: Victim,
) -> anyhow::Result<()> {
    match victim {
        Victim::Process(role) => {
            cluster.kill9(role)?;
            match role {
                // Without them no request can be filed.
                Role::Ledger | Role::Intake | Role::Gateway => load.is_refused().await?,
                // Without them it can: nobody waits for a reader.
                Role::Notification | Role::Analytics => load.goes_on(5).await?,
                Role::Routing => {}
            }
            cluster.restart(role).await
        }
        Victim::Nats => {
            cluster.nats.kill9()?;
            load.goes_on(5).await?;
            cluster.nats.restart().await
        }
        Victim::Postgres => {
            cluster.postgres.kill9()?;
            cluster.postgres.restart().await
        }
    }
}

/// Each acknowledged request is recorded once, and nothing else is; positions and versions have no hole.
async fn each_is_there_once(
    cluster: &Cluster,
    city: &City,
    acknowledged: &[Acknowledged],
    head: u64,
) -> anyhow::Result<()> {
    let events = log::read(&cluster.log_url(), CITY).await?;
    log::check_order(&events)?;
    assert_eq!(events.len(), usize::try_from(head)?);
    for request in acknowledged {
        let number = &request.number;
        let registered = log::count(
            &events,
            &format!("request-{number}"),
            "intake.RequestRegistered",
        );
        assert_eq!(registered, 1, "{request:?}");
        let handling = format!("handling-{number}");
        assert_eq!(
            log::count(&events, &handling, "routing.RequestRouted"),
            1,
            "{request:?}"
        );
        for event in ["RequestAccepted", "RequestPlanned", "RequestConcluded"] {
            let found = log::count(&events, &handling, &format!("routing.{event}"));
            assert_eq!(
                found,
                usize::from(request.concluded),
                "{event} of {request:?}"
            );
        }
    }
    let all = events
        .iter()
        .filter(|it| it.event == "intake.RequestRegistered")
        .count();
    assert_eq!(
        all,
        acknowledged.len(),
        "a retry registered a second request"
    );
    assert!(
        !events.iter().any(|it| it.event == "ledger.ReactionParked"),
        "a reaction gave up"
    );

    let report = eventually(
        Duration::from_secs(10),
        "the report is up to the head",
        async || {
            let report = city.report().await?;
            anyhow::ensure!(report.cut_off == head, "{} of {head}", report.cut_off);
            Ok(report)
        },
    )
    .await?;
    assert_eq!(
        report.requests.unwrap_or_default().total,
        u64::try_from(acknowledged.len())?
    );
    let other = log::read(&cluster.log_url(), OTHER).await?;
    log::check_order(&other)?;
    assert!(
        !other
            .iter()
            .any(|it| it.event == "intake.RequestRegistered"),
        "it came to the other city"
    );
    Ok(())
}

/// Each notification was delivered, and a repeated one has the same Message-ID.
async fn everybody_was_told(
    cluster: &Cluster,
    city: &City,
    acknowledged: &[Acknowledged],
) -> anyhow::Result<()> {
    eventually(Duration::from_secs(90), "everybody was told", async || {
        let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for mail in cluster.smtp.messages()? {
            let known = ids.entry(mail.to.concat()).or_default();
            if !known.contains(&mail.message_id) {
                known.push(mail.message_id);
            }
        }
        for request in acknowledged {
            let told = ids.get(&request.address).map_or(0, Vec::len);
            let due = if request.concluded { 3 } else { 1 };
            anyhow::ensure!(told >= due, "{told} of {due} for {request:?}");
            // More ids than notifications: one of them was sent as a new message when it was repeated.
            assert_eq!(told, due, "{request:?}: {:?}", ids.get(&request.address));
        }
        Ok(())
    })
    .await?;
    for request in acknowledged {
        let due = if request.concluded { 3 } else { 1 };
        city.has_recorded(&request.number, "notification.NotificationDelivered", due)
            .await?;
    }
    Ok(())
}

/// `SIGTERM` ends each process in order, within ten seconds.
async fn each_ends_when_asked(cluster: &mut Cluster) -> anyhow::Result<()> {
    for role in Role::ALL.into_iter().rev() {
        let status = cluster
            .process(role)?
            .terminate(Duration::from_secs(10))
            .await?;
        assert!(
            status.success(),
            "{role}: {status}\n{}",
            cluster.process(role)?.stderr()
        );
    }
    Ok(())
}
