//! Opens a request's files: for the citizen who holds its secret, or for a person whose look is recorded first.

use chassis::{Caller, refuse};
use contracts::intake::v1::{Attachment, GetAttachmentReply, PersonalDataViewed};
use jiff::Timestamp;
use tonic::{Code, Status};
use uuid::Uuid;
use vault::{OpenedFile, Subject};
use vocabulary::RequestNumber;

use crate::{
    desk::{Desk, no_key},
    wire::{By, FileAsked},
};

impl Desk {
    /// One file of a request; `look` is the id of this look, at `now`.
    pub(crate) async fn get_attachment(
        &self,
        caller: &Caller,
        asked: FileAsked,
        look: Uuid,
        now: Timestamp,
    ) -> Result<GetAttachmentReply, Status> {
        let FileAsked { number, id, by } = asked;
        let subject = Subject::request(&number);
        let purpose = match by {
            By::Citizen(secret) => {
                // A wrong secret gets one answer, whether there is such a request or not.
                if !self.secrets.fits(&self.municipality, &number, &secret) {
                    return Err(refuse(
                        Code::PermissionDenied,
                        "tracking_secret",
                        "does not open this request",
                    ));
                }
                None
            }
            By::Staff(purpose) => Some(purpose),
        };
        let named = self.named(&number, id).await?;
        if let Some(purpose) = purpose {
            let viewed = PersonalDataViewed {
                number: number.to_string(),
                purpose,
                fields: vec!["attachments".to_owned()],
                ..PersonalDataViewed::default()
            };
            self.record_look(caller, &viewed, vec![subject.to_string()], look, now)
                .await?;
        }
        let opened = self
            .vault
            .open_file(&self.municipality, &subject, id, &named.sealed_sha256)
            .await
            .map_err(no_key)?;
        match opened {
            OpenedFile::Bytes(bytes) => Ok(GetAttachmentReply {
                media_type: named.media_type,
                content: bytes.reveal().to_vec(),
            }),
            OpenedFile::Erased => Err(refuse(Code::NotFound, "id", "was erased")),
            OpenedFile::Unknown => {
                tracing::error!(request.number = %number, "a file that an event names is not in the vault");
                Err(Status::data_loss("the file is not in the vault"))
            }
        }
    }

    async fn named(&self, number: &RequestNumber, id: Uuid) -> Result<Attachment, Status> {
        let recorded = self.registration(number).await?;
        let id = id.to_string();
        let mut files = recorded.attachments.into_iter();
        let unknown = || {
            refuse(
                Code::NotFound,
                "id",
                "is not that of a file of this request",
            )
        };
        files.find(|it| it.id == id).ok_or_else(unknown)
    }
}
