use std::{
    env::ArgsOs,
    ffi::OsString,
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::{
    audit::Audit,
    backup::{Backup, Restore},
    erase::Erase,
    healthcheck::Healthcheck,
    history::History,
    hold::Hold,
    import::Import,
    keys::Keys,
    notice::Notice,
    own_data::OwnData,
    parked::Parked,
    process,
    report::Report,
    retention::Retention,
    serve::Serve,
    up::Up,
};

/// Çözüm: a city's solution centre (ALO 153 / 311)
#[derive(Debug, Parser)]
#[command(name = "cozum", version, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the whole centre in this process, on SQLite
    Up(Box<Up>),
    /// Runs one role of a cluster, over PostgreSQL and NATS
    #[command(subcommand)]
    Serve(Box<Serve>),
    /// Imports a 311 export: its agencies, topics and requests, with their original times
    Import(Import),
    /// Prints counts of contacts and requests by day, channel, topic, unit, district and state
    Report(Report),
    /// Prints everything that happened to a request, in order, with actor, cause and time
    History(History),
    /// Erases all personal data of a person, or of a request that nobody is known of: nobody can undo it
    Erase(Erase),
    /// Forbids to destroy the personal data of a person or a request, until it is released
    Hold(Hold),
    /// How long personal data is kept, what is due, and what was destroyed when
    Retention(Box<Retention>),
    /// What citizens are told about their personal data (KVKK art. 10): publishes it, and shows what was told when
    Notice(Box<Notice>),
    /// Writes everything the centre has about a person into a folder, for their own application (KVKK art. 11)
    OwnData(OwnData),
    /// Brings all keys to personal data under a new master key, and records that an old one is destroyed
    Keys(Keys),
    /// Takes the log out, and checks it: its events, its tiles, what was signed, and receipts
    Audit(Audit),
    /// Writes the logs into a folder, and the keys with the attachments into a file; checks what it wrote
    Backup(Backup),
    /// Brings logs and keys back from a backup, into a store of either kind that is empty; checks all of it before
    Restore(Restore),
    /// Shows the streams that a reaction gave up on after five failures
    Parked(Parked),
    /// Exits with 0 if a process is ready, with 1 if it is not
    Healthcheck(Healthcheck),
}

/// Runs the program with its arguments, the first of which is its name.
#[expect(
    clippy::print_stderr,
    reason = "a program says on its terminal why it ended"
)]
pub fn run(args: ArgsOs) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cozum: no threads to run on: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(commanded(args))
}

#[expect(
    clippy::print_stderr,
    reason = "a program says on its terminal why it ended"
)]
async fn commanded(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(told) => {
            // Nobody is left to be told that the terminal is gone.
            let _ = told.print();
            return if told.use_stderr() {
                ExitCode::from(process::USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let outcome = match cli.command {
        Command::Up(up) => Box::pin(up.run()).await,
        Command::Serve(serve) => Box::pin(serve.run()).await,
        Command::Import(import) => Box::pin(import.run()).await,
        Command::Report(report) => Box::pin(report.run()).await,
        Command::History(history) => Box::pin(history.run()).await,
        Command::Erase(erase) => Box::pin(erase.run()).await,
        Command::Hold(hold) => Box::pin(hold.run()).await,
        Command::Retention(retention) => Box::pin(retention.run()).await,
        Command::Notice(notice) => Box::pin(notice.run()).await,
        Command::OwnData(own_data) => Box::pin(own_data.run()).await,
        Command::Keys(keys) => Box::pin(keys.run()).await,
        Command::Audit(audit) => Box::pin(audit.run()).await,
        Command::Backup(backup) => Box::pin(backup.run()).await,
        Command::Restore(restore) => Box::pin(restore.run()).await,
        Command::Parked(parked) => Box::pin(parked.run()).await,
        Command::Healthcheck(healthcheck) => Box::pin(healthcheck.run()).await,
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("cozum: {error:#}");
        ExitCode::FAILURE
    })
}

/// Writes a command's answer; a reader that has seen enough (`| head`) is no failure.
pub(crate) fn answer(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_names_that_others_rely_on_are_there() {
        let good = [
            "cozum up --demo --data d --listen 127.0.0.1:0",
            "cozum import f.csv --mapping m.toml --server http://127.0.0.1:1",
            "cozum report --server http://127.0.0.1:1 --from 2024-04-15 --to 2024-04-16 --format json",
            "cozum history 2026-48120937-8 --server http://127.0.0.1:1 --token demo",
            "cozum audit export --server http://127.0.0.1:1 --out d",
            "cozum audit verify d --checkpoint c --key k",
            "cozum audit verify http://127.0.0.1:1/log/ova",
            "cozum audit receipt 2026-48120937-8 --out f",
            "cozum audit replay d --at 48120 --report 2024-01-01..2024-12-31 --published f",
            "cozum audit replay --at 2026-12-01 --request 2026-48120937-8 --server http://127.0.0.1:1",
            "cozum audit replay --at 2026-12-01T09:30:00Z --worklist parks",
            "cozum report --from 2024-04-15 --to 2024-04-16 --as-of 48120",
            "cozum history 2026-48120937-8 --as-of 2026-12-01",
            "cozum erase 2026-48120937-8 --dry-run",
            "cozum erase 018f0000-0000-7000-8000-00000000000a --ground citizen-request --certificate f",
            "cozum hold place 2026-48120937-8 --ground lawsuit --reference 2026/123",
            "cozum hold release 018f0000-0000-7000-8000-00000000000a",
            "cozum hold list --format json",
            "cozum retention set pothole --keep 18mo --ground policy",
            "cozum retention set --default --keep 2y --ground law --reference 6698-7",
            "cozum retention remove --default",
            "cozum retention show --lang en",
            "cozum retention run --dry-run --format json",
            "cozum retention run",
            "cozum retention log --run 018f0000-0000-7000-8000-00000000000a --certificate f",
            "cozum notice publish --channel web,phone --tr f --en f --short-tr s --short-en s",
            "cozum notice publish --channel all --tr f --en f",
            "cozum notice list --format json",
            "cozum notice show phone --version 1 --lang en",
            "cozum own-data 018f0000-0000-7000-8000-00000000000a --out d --lang en",
            "cozum keys new f --lang en",
            "cozum keys rotate --server http://127.0.0.1:1",
            "cozum keys destroy 1",
            "cozum keys status",
            "cozum backup --out d --keys f --data d --ledger-store sqlite:d --vault-store sqlite:f",
            "cozum restore --from d --keys f --municipalities ova --ledger-store postgres://h/d",
            "cozum restore --from d --recover",
            "cozum restore --declare-fork --ground events-lost --municipalities ova",
            "cozum parked list",
            "cozum healthcheck http://127.0.0.1:1",
            "cozum serve gateway --data d",
        ];
        for line in good {
            if let Err(told) = Cli::try_parse_from(line.split(' ')) {
                panic!("{line}: {told}");
            }
        }
    }

    #[test]
    fn a_secret_setting_is_taken_as_it_is_and_never_printed() {
        let lines = [
            "cozum up --listen nowhere --ledger-store postgress://u:hush@h/x --vault-store mysql://u:hush@h",
            "cozum up --tokens demo=hush --open311-keys demo=hush --otlp http://u:hush@h",
            "cozum serve ledger --ledger-store postgress://u:hush@h/x --nats nats://u:hush@h",
            "cozum report --from 2024-04-15 --to 2024-04-16 --token hush",
        ];
        for line in lines {
            match Cli::try_parse_from(line.split(' ')) {
                Ok(cli) => assert!(!format!("{cli:?}").contains("hush"), "{line}"),
                Err(told) => panic!("{line}: {told}"),
            }
        }
    }

    #[tokio::test]
    async fn a_command_line_that_means_nothing_is_told_apart_from_a_command_that_failed() {
        let args = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert_eq!(
            commanded(args("cozum dance")).await,
            ExitCode::from(process::USAGE)
        );
        assert_eq!(
            commanded(args("cozum report --from 1.1.2024 --to 2024-01-01")).await,
            ExitCode::from(process::USAGE)
        );
        assert_eq!(commanded(args("cozum --version")).await, ExitCode::SUCCESS);
    }
}
