//! The demo city: some five hundred requests of the last three months, by every channel and in every state, and seven
//! hundred contacts that never became one. All of it is made up and comes from a seed.
//!
//! It is written through the services' commands with ids that follow from the seed: a start that was interrupted goes on
//! where it stopped, and a second start adds nothing.

mod city;
mod commands;
mod random;
mod story;
mod texts;
mod work;

use std::{future::Future, time::Duration};

use anyhow::Context as _;
use chassis::{Role, Shared};
use contracts::ledger::v1::{ReadRequest, ReadStreamRequest, ledger_client::LedgerClient};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{civil::Date, tz::TimeZone};
use tonic::Code;

pub(crate) use city::outlines;
use commands::Commands;
use story::{CONTACTS, Calendar, REQUESTS};

/// The part of the process that is not ready before the city is written.
pub const PART: &str = "demo";

/// How many commands are on their way at a time.
const AT_A_TIME: usize = 64;

/// Writes the city into the first municipality, once.
pub async fn seed(shared: &Shared) -> anyhow::Result<()> {
    wait_for_the_centre(shared).await;
    let commands = Commands::new(shared)?;
    let written = Written {
        commands: &commands,
        shared,
    };
    if !written.is_complete().await? {
        let zone = TimeZone::get("Europe/Istanbul").context("Europe/Istanbul")?;
        let day = match written.day(&zone).await? {
            Some(day) => day,
            None => zone.to_datetime(shared.clock.now()).date(),
        };
        tracing::info!(%day, "writing the demo city");
        write(&commands, &Calendar { day, zone }).await?;
        tracing::info!("the demo city is written");
    }
    shared.health.ready(PART);
    Ok(())
}

/// The directory must be there, and every role.
async fn wait_for_the_centre(shared: &Shared) {
    let only_we_are_missing = || {
        shared
            .health
            .missing()
            .iter()
            .all(|it| it.split(':').next() == Some(PART))
    };
    while !only_we_are_missing() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn write(commands: &Commands, calendar: &Calendar) -> anyhow::Result<()> {
    let directory = commands.directory().await?;
    commands.contact(0, &story::contact(0, calendar)).await?;
    all((1..CONTACTS - 1).map(async |index| {
        commands
            .contact(index, &story::contact(index, calendar))
            .await
    }))
    .await?;
    let registered = all((0..REQUESTS).map(async |index| {
        commands
            .register(index, &story::request(index, calendar, &directory))
            .await
    }));
    let registered = registered.await?;
    let numbers: Vec<String> = registered.into_iter().map(|it| it.number).collect();
    all((0..REQUESTS).map(async |index| {
        let request = story::request(index, calendar, &directory);
        for (step, it) in request.steps.iter().enumerate() {
            commands.step(index, step, it, &numbers).await?;
        }
        Ok(())
    }))
    .await?;
    // Who finds the last contact knows that everything before it is there.
    commands
        .contact(CONTACTS - 1, &story::contact(CONTACTS - 1, calendar))
        .await
}

/// Runs many at a time; gives what they gave, in their order.
async fn all<T, F>(each: impl Iterator<Item = F>) -> anyhow::Result<Vec<T>>
where
    F: Future<Output = anyhow::Result<T>>,
{
    stream::iter(each).buffered(AT_A_TIME).try_collect().await
}

/// What the log knows of the city already.
struct Written<'a> {
    commands: &'a Commands,
    shared: &'a Shared,
}

impl Written<'_> {
    async fn is_complete(&self) -> anyhow::Result<bool> {
        self.knows(CONTACTS - 1).await
    }

    /// The day on which the city was begun, if it was.
    async fn day(&self, zone: &TimeZone) -> anyhow::Result<Option<Date>> {
        if !self.knows(0).await? {
            return Ok(None);
        }
        let first = self.commands.contact_id(0);
        let mut ledger = LedgerClient::new(self.shared.network.channel(Role::Ledger))
            .max_decoding_message_size(64 << 20);
        let mut after_position = 0;
        loop {
            let page = ReadRequest {
                after_position,
                limit: 0,
            };
            let events = ledger
                .read(self.commands.system().request(page))
                .await?
                .into_inner()
                .events;
            let last = events
                .last()
                .context("the first contact of the demo city is in the log, and not to be found")?;
            after_position = last.position;
            if let Some(event) = events.iter().find(|it| it.command_id == first.as_bytes()) {
                return Ok(Some(story::day_of_first(
                    chassis::event::occurred_at(event),
                    zone,
                )));
            }
        }
    }

    /// Whether a contact was written. Which content it had does not matter: a known id is enough.
    async fn knows(&self, index: u32) -> anyhow::Result<bool> {
        let ask = ReadStreamRequest {
            stream: "demo".to_owned(),
            command_id: self.commands.contact_id(index).as_bytes().to_vec(),
            fingerprint: vec![0; 32],
        };
        let mut ledger = LedgerClient::new(self.shared.network.channel(Role::Ledger));
        match ledger
            .read_stream(self.commands.system().request(ask))
            .await
        {
            Ok(reply) => Ok(reply.into_inner().recorded.is_some()),
            Err(status) if status.code() == Code::AlreadyExists => Ok(true),
            Err(status) => Err(status.into()),
        }
    }
}
