//! A city with very many requests, written into the log as the services would have written it: the same events, their texts
//! sealed by the real vault; only nobody waits for an HTTP answer in between. What is read later is folded by the centre.

use std::{path::Path, time::Instant};

use chassis::{Clock, event};
use contracts::{
    intake::v1::{PersonRecorded, RequestRegistered, person_recorded, request_registered},
    ledger::v1::{AppendRequest, NewEvent, StreamWrite},
    routing::v1::{RequestConcluded, RequestRouted, TopicDefined},
    vocabulary::v1 as words,
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use ledger::{Location, Log, Shelf};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;
use vault::{Keyring, MasterKeys, Plain, Subject, Vault};
use vocabulary::{Channel, Language, Municipality, RequestNumber, SubResult};

use crate::words::{Dice, word};

/// Requests in one append: with their persons, and with what became of them, below the ledger's limit of events.
const CHUNK: u32 = 2_000;
/// Over which time they came.
const DAYS: i64 = 730;
/// What waits for a lease of its own would act on every event from the first on; all of it is done already.
const REACTIONS: [&str; 3] = [
    "routing.requests",
    "notification.requests",
    "intake.erasures",
];
const DISTRICTS: u32 = 12;
/// A unit that has almost nothing to do.
pub(crate) const TINY: &str = "tiny";

/// What stands around the requests.
struct City {
    municipality: Municipality,
    topics: Vec<TopicDefined>,
    vault: Vault,
    requests: u32,
    first: Timestamp,
}

/// One request, before it is sealed.
struct Drawn {
    number: RequestNumber,
    topic: usize,
    unit: String,
    at: Timestamp,
    person: Option<Uuid>,
    name: String,
    phone: String,
    description: String,
    address: String,
    concluded: bool,
    place: words::Place,
}

/// The number of the n-th request: no order shows in it.
pub(crate) fn number(n: u32, at: Timestamp) -> RequestNumber {
    let year = u16::try_from(at.to_zoned(TimeZone::UTC).year()).unwrap_or_default();
    let digits = u64::from(n) * 7_919 % 100_000_000;
    RequestNumber::new(year, u32::try_from(digits).unwrap_or_default())
}

/// The phone of the n-th person.
pub(crate) fn phone(n: u32) -> String {
    format!("+90532{:07}", n % 10_000_000)
}

/// When the n-th of all requests came.
pub(crate) fn registered_at(first: Timestamp, n: u32, requests: u32) -> Timestamp {
    let span = DAYS * 86_400 * 1_000_000 / i64::from(requests.max(1));
    first + SignedDuration::from_micros(span * i64::from(n))
}

/// When the first one came.
pub(crate) fn first(now: Timestamp) -> Timestamp {
    now - SignedDuration::from_hours(24 * DAYS + 1)
}

/// Fills the data folder of a centre that has its directory already and does not run; gives the events per second.
pub(crate) async fn fill(
    data: &Path,
    municipality: &str,
    topics: Vec<TopicDefined>,
    requests: u32,
) -> anyhow::Result<f64> {
    let municipality: Municipality = municipality.parse()?;
    let keys = format!("sqlite:{}", data.join("intake/vault/keys.db").display());
    let master = MasterKeys::read(&data.join("master.key"))?;
    let city = City {
        municipality: municipality.clone(),
        topics,
        vault: Vault::open(&keys, &master).await?,
        requests,
        first: first(Timestamp::now()),
    };
    let shelf = Shelf::open(&Location::Sqlite(data.join("ledger"))).await?;
    let (log, upkeep) = Log::open(&shelf, &municipality, Clock::System, 16).await?;
    let (stop, stopped) = oneshot::channel::<()>();
    let writing = tokio::spawn(upkeep.run(async move {
        // Dropped or sent: either way it is the end.
        let _ = stopped.await;
    }));

    let started = Instant::now();
    let before = log.head().await?.position;
    // The next ones are sealed while these are written.
    let (sealed, mut ready) = mpsc::channel(2);
    let sealing = tokio::spawn(async move {
        let mut dice = Dice::new(153);
        for from in (0..city.requests).step_by(CHUNK as usize) {
            let until = city.requests.min(from + CHUNK);
            for append in city.appends(&mut dice, from, until).await? {
                sealed.send(append).await?;
            }
        }
        anyhow::Ok(())
    });
    while let Some((service, append)) = ready.recv().await {
        log.append(append, Some(service)).await?;
    }
    sealing.await??;
    let head = log.head().await?.position;
    for name in REACTIONS {
        let lease = log.acquire_lease(name, "bench").await?;
        log.save_checkpoint(name, lease.epoch, head).await?;
        log.release_lease(name, "bench").await?;
    }
    drop(stop);
    writing.await?;
    #[expect(clippy::cast_precision_loss, reason = "millions of events")]
    let events = (head - before) as f64;
    Ok(events / started.elapsed().as_secs_f64())
}

impl City {
    /// What intake and then routing record of these requests.
    async fn appends(
        &self,
        dice: &mut Dice,
        from: u32,
        until: u32,
    ) -> anyhow::Result<[(&'static str, AppendRequest); 2]> {
        let drawn: Vec<Drawn> = (from..until).map(|n| self.draw(dice, n)).collect();
        let subjects = drawn.iter().flat_map(|it| {
            let person = it.person.map(Subject::person);
            person.into_iter().chain([Subject::request(&it.number)])
        });
        let keys = self.vault.keys(&self.municipality, subjects).await?;
        let (mut taken, mut handled) = (Vec::new(), Vec::new());
        for it in &drawn {
            taken.extend(person(it, &keys)?);
            taken.push(registered(self.topic(it), it, &keys)?);
            handled.push(self.handled(it));
        }
        Ok([
            ("intake", append("citizen", &format!("taken {from}"), taken)),
            (
                "routing",
                append("system:routing", &format!("handled {from}"), handled),
            ),
        ])
    }

    fn topic(&self, drawn: &Drawn) -> &TopicDefined {
        &self.topics[drawn.topic]
    }

    fn draw(&self, dice: &mut Dice, n: u32) -> Drawn {
        let at = registered_at(self.first, n, self.requests);
        #[expect(clippy::cast_precision_loss, reason = "a few dozen topics")]
        let topic = dice.rank(self.topics.len() as f64) as usize;
        let topic = topic.min(self.topics.len().saturating_sub(1));
        // The newer ones are mostly still worked on.
        let is_old = n < self.requests / 5 * 4;
        let concluded = dice.below(16) > if is_old { 0 } else { 10 };
        let person = (dice.below(5) == 0).then(|| id(&format!("person {n}")));
        let unit = if dice.below(1_024) == 0 {
            TINY.to_owned()
        } else {
            self.topics[topic].unit.clone()
        };
        let district = dice.below(DISTRICTS);
        Drawn {
            number: number(n, at),
            topic,
            unit,
            at,
            person,
            name: format!("{} {}", word(5_000 + n % 4_000), word(9_000 + n % 7_000)),
            phone: phone(n),
            description: dice.text(28),
            address: format!("{} Sk. No {}", dice.text(1), n % 200),
            concluded,
            place: words::Place {
                latitude: Some(39.0 + 0.1 * f64::from(district) + 0.1 * dice.share()),
                longitude: Some(32.0 + dice.share()),
                district: format!("Bölge {district}"),
                neighbourhood: format!("Mahalle {district}-{}", dice.below(30)),
            },
        }
    }

    fn handled(&self, drawn: &Drawn) -> StreamWrite {
        let number = drawn.number.to_string();
        let topic = self.topic(drawn).code.clone();
        let id = |what: &str| id(&format!("{what} {number}"));
        let subjects = || {
            let unit = format!("unit:{}", drawn.unit);
            [Subject::request(&drawn.number).to_string(), unit]
        };
        let routed = RequestRouted {
            number: number.clone(),
            unit: drawn.unit.clone(),
            rule: format!("topic-{topic}"),
            rule_version: 1,
            topic,
            imported: false,
        };
        let soon = drawn.at + SignedDuration::from_secs(1);
        let mut events = vec![event::record(id("routed"), &routed, soon, subjects())];
        if drawn.concluded {
            let concluded = RequestConcluded {
                number: number.clone(),
                unit: drawn.unit.clone(),
                sub_result: SubResult::Solved.number(),
                ..RequestConcluded::default()
            };
            let later = drawn.at + SignedDuration::from_hours(1);
            events.push(event::record(
                id("concluded"),
                &concluded,
                later,
                subjects(),
            ));
        }
        StreamWrite {
            stream: format!("handling-{number}"),
            expected_version: 0,
            events,
        }
    }
}

fn person(drawn: &Drawn, keys: &Keyring) -> anyhow::Result<Option<StreamWrite>> {
    let Some(person) = drawn.person else {
        return Ok(None);
    };
    let subject = Subject::person(person);
    let id = id(&format!("recorded {person}"));
    let recorded = PersonRecorded {
        person: person.to_string(),
        language: Language::Tr.number(),
        has_email: false,
        has_phone: true,
        personal: Some(person_recorded::Personal {
            name: sealed(keys, &subject, id, "name", &drawn.name)?,
            phone: sealed(keys, &subject, id, "phone", &drawn.phone)?,
            ..person_recorded::Personal::default()
        }),
    };
    let event = event::record(id, &recorded, drawn.at, [subject.to_string()]);
    Ok(Some(write(format!("person-{person}"), event)))
}

fn registered(topic: &TopicDefined, drawn: &Drawn, keys: &Keyring) -> anyhow::Result<StreamWrite> {
    let subject = Subject::request(&drawn.number);
    let id = id(&format!("registered {}", drawn.number));
    let registered = RequestRegistered {
        number: drawn.number.to_string(),
        channel: Channel::Open311.number(),
        topic: topic.code.clone(),
        place: Some(drawn.place.clone()),
        person: drawn.person.map(|it| it.to_string()).unwrap_or_default(),
        language: Language::Tr.number(),
        personal: Some(request_registered::Personal {
            description: sealed(keys, &subject, id, "description", &drawn.description)?,
            address: sealed(keys, &subject, id, "address", &drawn.address)?,
            ..request_registered::Personal::default()
        }),
        ..RequestRegistered::default()
    };
    let person = drawn.person.map(|it| Subject::person(it).to_string());
    let subjects = [subject.to_string()].into_iter().chain(person);
    let event = event::record(id, &registered, drawn.at, subjects);
    Ok(write(format!("request-{}", drawn.number), event))
}

fn sealed(
    keys: &Keyring,
    subject: &Subject,
    event: Uuid,
    field: &'static str,
    text: &str,
) -> anyhow::Result<Option<words::Sealed>> {
    let sealed = keys.seal(subject, event, field, &Plain::from(text.to_owned()))?;
    Ok(Some(words::Sealed {
        subject: sealed.subject.to_string(),
        nonce: sealed.nonce.to_vec(),
        ciphertext: sealed.ciphertext,
    }))
}

fn write(stream: String, event: NewEvent) -> StreamWrite {
    StreamWrite {
        stream,
        expected_version: 0,
        events: vec![event],
    }
}

fn append(actor: &str, what: &str, writes: Vec<StreamWrite>) -> AppendRequest {
    let id = id(what).as_bytes().to_vec();
    AppendRequest {
        command_id: id.clone(),
        fingerprint: vec![0; 32],
        writes,
        correlation_id: id,
        causation_id: Vec::new(),
        actor: actor.to_owned(),
        traceparent: String::new(),
    }
}

fn id(what: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, what.as_bytes())
}
