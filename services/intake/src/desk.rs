use std::sync::Arc;

use chassis::{Ledger, refuse};
use projection::Projection;
use tonic::{Code, Status};
use vault::{TrackingSecrets, Vault, VaultError};
use vocabulary::{Municipality, TopicCode};

use crate::{
    directory::{self, Question},
    domain::Rejection,
    erasing::Erasures,
    search::Search,
    wire::{Recorded, Unreadable, decode},
};

/// What intake works with for one municipality.
pub(crate) struct Desk {
    pub(crate) municipality: Municipality,
    pub(crate) ledger: Ledger,
    pub(crate) directory: Projection,
    pub(crate) registrations: Projection,
    pub(crate) search: Search,
    pub(crate) vault: Arc<Vault>,
    pub(crate) secrets: Arc<TrackingSecrets>,
    pub(crate) erasures: Erasures,
    pub(crate) kept: Projection,
    pub(crate) notices: Projection,
}

impl Desk {
    /// Our events in a stream, oldest first.
    pub(crate) async fn history(&self, stream: &str) -> Result<Vec<Recorded>, Status> {
        let mut history = Vec::new();
        for event in self.ledger.read_stream(stream).await? {
            history.extend(decode(&event).map_err(unreadable)?);
        }
        Ok(history)
    }

    /// What a topic asks; refuses one that nobody defined. `at_least` is what the caller has seen of the log.
    pub(crate) async fn questions(
        &self,
        topic: &TopicCode,
        at_least: u64,
    ) -> Result<Vec<Question>, Status> {
        self.directory.at_least(at_least).await?;
        if let Some(questions) = self.asked_by(topic).await? {
            return Ok(questions);
        }
        // Perhaps it was defined a moment ago, and we have only not heard of it.
        self.directory.at_least(self.ledger.head().await?).await?;
        self.asked_by(topic)
            .await?
            .ok_or_else(|| refuse(Code::InvalidArgument, "topic", "is not in the directory"))
    }

    /// Whether what is said under a topic may be published.
    pub(crate) async fn is_public(&self, topic: &TopicCode) -> Result<bool, Status> {
        directory::is_public(self.directory.pool(), topic)
            .await
            .map_err(no_topics)
    }

    async fn asked_by(&self, topic: &TopicCode) -> Result<Option<Vec<Question>>, Status> {
        directory::questions(self.directory.pool(), topic)
            .await
            .map_err(no_topics)
    }
}

fn no_topics(error: anyhow::Error) -> Status {
    tracing::error!(error = format!("{error:#}"), "the topics cannot be read");
    Status::unavailable("the directory of topics cannot be read")
}

/// History that this build cannot read.
pub(crate) fn unreadable(problem: Unreadable) -> Status {
    tracing::error!(error = %problem, "a stream cannot be read");
    Status::internal(problem.to_string())
}

/// What the domain refuses, for the caller.
pub(crate) fn refused(rejection: Rejection) -> Status {
    tracing::info!(rejection = ?rejection, "refused: {rejection}");
    match rejection {
        Rejection::UnknownContact => refuse(Code::NotFound, "contact", "was not registered"),
        Rejection::ContactErased => refuse(
            Code::FailedPrecondition,
            "contact",
            "was with a person whose data was erased: register a new contact",
        ),
        Rejection::ContactTaken => refuse(
            Code::AlreadyExists,
            "command_id",
            "was used before for another contact",
        ),
        Rejection::UnknownNotice => refuse(
            Code::InvalidArgument,
            "notice_version",
            "was never published for this channel",
        ),
        Rejection::NumberTaken => {
            Status::aborted("the number belongs to another request; try again")
        }
    }
}

/// What the vault refuses, for the caller.
pub(crate) fn no_key(problem: VaultError) -> Status {
    match problem {
        VaultError::Unavailable(error) => {
            tracing::error!(error = %error, "the key store does not answer");
            Status::unavailable("the key store does not answer")
        }
        VaultError::Erased(_) => refuse(
            Code::FailedPrecondition,
            "subject",
            "was erased: nothing more can be kept of it",
        ),
        problem @ (VaultError::UnknownEpoch(_) | VaultError::NoMasterKey(_)) => {
            tracing::error!(error = %problem, "a master key is missing");
            Status::unavailable(problem.to_string())
        }
        problem @ (VaultError::NotAStore | VaultError::Unknown(_) | VaultError::Seal(_)) => {
            tracing::error!(error = %problem, "personal data cannot be sealed or opened");
            Status::data_loss("personal data cannot be sealed or opened")
        }
    }
}
