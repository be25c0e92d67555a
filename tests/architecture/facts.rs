//! Facts are never erased, so no personal text may stand in them: each text field of an event is here by decision.

use std::collections::BTreeSet;

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

const SEALED: &str = "cozum.vocabulary.v1.Sealed";
const PERSONAL: u32 = 100;

/// Every text or bytes field of a fact, and why it holds nothing personal. Before adding one: could a citizen's words,
/// name, address or number ever get into it? Then it belongs in field 100, sealed.
const DECIDED: &[(&str, &str)] = &[
    ("intake.PersonRecorded.person", "a pseudonym"),
    ("intake.ContactRegistered.contact", "a random id"),
    ("intake.ContactRegistered.person", "a pseudonym"),
    (
        "intake.ContactRegistered.social_network",
        "the network's name, from a closed list",
    ),
    ("intake.RequestRegistered.number", "drawn at random"),
    ("intake.RequestRegistered.contact", "a random id"),
    ("intake.RequestRegistered.topic", "a code of the directory"),
    ("intake.RequestRegistered.person", "a pseudonym"),
    (
        "vocabulary.Place.district",
        "one of the city's few dozen districts",
    ),
    (
        "vocabulary.Place.neighbourhood",
        "thousands of people live in each",
    ),
    ("vocabulary.Imported.source", "the mapping's name"),
    (
        "vocabulary.Imported.source_id",
        "the number in an export that was published",
    ),
    ("vocabulary.Imported.agency", "an office"),
    (
        "vocabulary.Imported.status",
        "a word of the source's closed list",
    ),
    ("routing.UnitDefined.code", "the directory"),
    ("routing.UnitDefined.name_tr", "the directory"),
    ("routing.UnitDefined.name_en", "the directory"),
    ("routing.UnitChanged.code", "the directory"),
    ("routing.UnitChanged.name_tr", "the directory"),
    ("routing.UnitChanged.name_en", "the directory"),
    ("routing.TopicDefined.code", "the directory"),
    ("routing.TopicDefined.name_tr", "the directory"),
    ("routing.TopicDefined.name_en", "the directory"),
    ("routing.TopicDefined.unit", "the directory"),
    ("routing.TopicChanged.code", "the directory"),
    ("routing.TopicChanged.name_tr", "the directory"),
    ("routing.TopicChanged.name_en", "the directory"),
    ("routing.TopicChanged.unit", "the directory"),
    ("routing.TopicDefined.group", "the directory"),
    ("routing.TopicDefined.keywords", "the directory"),
    ("routing.TopicChanged.group", "the directory"),
    ("routing.TopicChanged.keywords", "the directory"),
    ("vocabulary.Attribute.code", "the directory"),
    ("vocabulary.Attribute.name_tr", "the directory"),
    ("vocabulary.Attribute.name_en", "the directory"),
    ("vocabulary.Attribute.hint_tr", "the directory"),
    ("vocabulary.Attribute.hint_en", "the directory"),
    ("vocabulary.AttributeChoice.key", "the directory"),
    ("vocabulary.AttributeChoice.name_tr", "the directory"),
    ("vocabulary.AttributeChoice.name_en", "the directory"),
    (
        "intake.RequestRegistered.Choice.attribute",
        "a code of the directory",
    ),
    (
        "intake.RequestRegistered.Choice.keys",
        "codes of the directory",
    ),
    ("intake.Attachment.id", "derived from a command's id"),
    ("intake.Attachment.media_type", "from a closed list"),
    (
        "intake.Attachment.sealed_sha256",
        "of sealed bytes, which nobody can guess",
    ),
    ("intake.PersonalDataViewed.number", "drawn at random"),
    ("intake.PersonalDataViewed.person", "a pseudonym"),
    ("intake.PersonalDataViewed.purpose", "from a closed list"),
    ("intake.PersonalDataViewed.fields", "from a closed list"),
    (
        "intake.ErasureOrdered.of",
        "a pseudonym, or a request's number",
    ),
    (
        "intake.PersonalDataErased.of",
        "a pseudonym, or a request's number",
    ),
    ("intake.ByRule.run", "derived from a command's id"),
    (
        "intake.ByRule.rule",
        "a constant of the code, or one with a topic's code",
    ),
    ("intake.HoldPlaced.hold", "derived from a command's id"),
    ("intake.HoldPlaced.of", "a pseudonym, or a request's number"),
    (
        "intake.HardErasure.reference",
        "a file's number: no spaces, no letters but ASCII, a digit, checked before it is recorded",
    ),
    (
        "ledger.PersonalPartsErased.reference",
        "a file's number, as intake checked it before it asked",
    ),
    (
        "intake.HoldPlaced.reference",
        "a file's number: no spaces, no letters but ASCII, a digit, checked before it is recorded",
    ),
    ("intake.HoldReleased.hold", "derived from a command's id"),
    (
        "intake.HoldReleased.of",
        "a pseudonym, or a request's number",
    ),
    ("intake.RetentionRuleSet.topic", "a code of the directory"),
    (
        "intake.RetentionRuleSet.reference",
        "a decision's number: no spaces, no letters but ASCII, a digit, checked before it is recorded",
    ),
    (
        "intake.RetentionRuleRemoved.topic",
        "a code of the directory",
    ),
    (
        "intake.NoticePublished.short_tr",
        "published to everybody by whoever answers for personal data",
    ),
    (
        "intake.NoticePublished.short_en",
        "published to everybody by whoever answers for personal data",
    ),
    (
        "intake.NoticePublished.full_tr",
        "published to everybody by whoever answers for personal data",
    ),
    (
        "intake.NoticePublished.full_en",
        "published to everybody by whoever answers for personal data",
    ),
    ("intake.DestructionBegan.run", "derived from a command's id"),
    ("intake.DestructionEnded.run", "derived from a command's id"),
    (
        "intake.RuleInForce.rule",
        "a constant of the code, or one with a topic's code",
    ),
    ("intake.RuleInForce.topic", "a code of the directory"),
    ("routing.RequestRouted.number", "drawn at random"),
    ("routing.RequestRouted.unit", "a code of the directory"),
    ("routing.RequestRouted.topic", "a code of the directory"),
    ("routing.RequestRouted.rule", "a stream of the directory"),
    ("routing.RequestRoutedManually.number", "drawn at random"),
    (
        "routing.RequestRoutedManually.unit",
        "a code of the directory",
    ),
    ("routing.RequestReturned.number", "drawn at random"),
    ("routing.RequestReturned.unit", "a code of the directory"),
    ("routing.RequestAccepted.number", "drawn at random"),
    ("routing.RequestAccepted.unit", "a code of the directory"),
    ("routing.RequestAssigned.number", "drawn at random"),
    ("routing.RequestAssigned.unit", "a code of the directory"),
    (
        "routing.RequestAssigned.assignee",
        "a code of staff: who acted is part of the record",
    ),
    ("routing.WorkStarted.number", "drawn at random"),
    ("routing.WorkStarted.unit", "a code of the directory"),
    ("routing.RequestPlanned.number", "drawn at random"),
    ("routing.RequestPlanned.unit", "a code of the directory"),
    ("routing.RequestPlanned.planned_for", "a date"),
    ("routing.RequestReferred.number", "drawn at random"),
    (
        "routing.RequestReferred.institution",
        "a code of the directory",
    ),
    ("routing.RequestConcluded.number", "drawn at random"),
    ("routing.RequestConcluded.unit", "a code of the directory"),
    (
        "routing.RequestConcluded.original",
        "another request's number, drawn at random",
    ),
    ("routing.RequestReopened.number", "drawn at random"),
    ("routing.RequestReopened.unit", "a code of the directory"),
    ("routing.CommentAdded.number", "drawn at random"),
    ("routing.CommentAdded.unit", "a code of the directory"),
    ("routing.InformationAsked.number", "drawn at random"),
    ("routing.InformationAsked.unit", "a code of the directory"),
    ("routing.CitizenWrote.number", "drawn at random"),
    (
        "notification.NotificationRequested.notification",
        "derived from an event id",
    ),
    (
        "notification.NotificationRequested.number",
        "drawn at random",
    ),
    ("notification.NotificationRequested.person", "a pseudonym"),
    ("notification.NotificationRequested.planned_for", "a date"),
    (
        "notification.NotificationRequested.institution",
        "a code of the directory",
    ),
    (
        "notification.NotificationRequested.source_event",
        "an event id",
    ),
    (
        "notification.NotificationSkipped.notification",
        "derived from an event id",
    ),
    ("notification.NotificationSkipped.number", "drawn at random"),
    (
        "notification.NotificationAttempted.notification",
        "derived from an event id",
    ),
    (
        "notification.NotificationAttempted.number",
        "drawn at random",
    ),
    (
        "notification.NotificationAttempted.message_id",
        "derived from an event id and the sender's domain",
    ),
    (
        "notification.NotificationDelivered.notification",
        "derived from an event id",
    ),
    (
        "notification.NotificationDelivered.number",
        "drawn at random",
    ),
    (
        "notification.NotificationDelivered.provider_code",
        "an SMTP code, never the server's text",
    ),
    (
        "notification.NotificationFailed.notification",
        "derived from an event id",
    ),
    ("notification.NotificationFailed.number", "drawn at random"),
    (
        "notification.NotificationFailed.provider_code",
        "an SMTP code or a class, never the server's text",
    ),
    ("ledger.ReactionParked.reaction", "a constant of the code"),
    ("ledger.ReactionParked.stream", "an id"),
    (
        "ledger.ReactionParked.reason",
        "a class of error from a closed list",
    ),
    (
        "ledger.LogForked.checkpoint",
        "a log's name, a size, a hash",
    ),
    ("ledger.LogForked.origin", "the log's name"),
    ("ledger.ReactionRetried.reaction", "a constant of the code"),
    ("ledger.ReactionRetried.stream", "an id"),
    (
        "gateway.StaffAdded.staff",
        "what staff are called at work: who acted is part of the record",
    ),
    ("gateway.StaffAdded.unit", "a code of the directory"),
    (
        "gateway.StaffChanged.staff",
        "what staff are called at work: who acted is part of the record",
    ),
    ("gateway.StaffChanged.unit", "a code of the directory"),
    (
        "gateway.StaffDisabled.staff",
        "what staff are called at work: who acted is part of the record",
    ),
    (
        "gateway.StaffEnabled.staff",
        "what staff are called at work: who acted is part of the record",
    ),
    (
        "gateway.SetUpLinkIssued.staff",
        "what staff are called at work: who acted is part of the record",
    ),
    (
        "gateway.PasswordSet.staff",
        "what staff are called at work: who acted is part of the record",
    ),
    (
        "gateway.SignedIn.staff",
        "what staff are called at work: who acted is part of the record",
    ),
    (
        "gateway.SignedOut.staff",
        "what staff are called at work: who acted is part of the record",
    ),
    (
        "gateway.SessionsRevoked.staff",
        "what staff are called at work: who acted is part of the record",
    ),
    (
        "gateway.ViewSaved.staff",
        "what staff are called at work: who acted is part of the record",
    ),
    (
        "gateway.ViewRemoved.staff",
        "what staff are called at work: who acted is part of the record",
    ),
    (
        "gateway.SetUpLinkIssued.secret_sha256",
        "of 256 random bits",
    ),
    ("gateway.SignedIn.session", "a random id"),
    ("gateway.SignedIn.secret_sha256", "of 256 random bits"),
    ("gateway.SignedOut.session", "a random id"),
    ("gateway.ViewSaved.view", "a random id"),
    (
        "gateway.ViewSaved.filters",
        "codes of the directory and of closed lists, checked before they are recorded",
    ),
    ("gateway.ViewRemoved.view", "a random id"),
    ("gateway.ApiKeyIssued.key", "a program's name"),
    ("gateway.ApiKeyIssued.unit", "a code of the directory"),
    ("gateway.ApiKeyIssued.secret_sha256", "of 256 random bits"),
    ("gateway.ApiKeyRevoked.key", "a program's name"),
    ("gateway.WebhookRegistered.webhook", "a random id"),
    ("gateway.WebhookRegistered.types", "event types"),
    ("gateway.WebhookRegistered.unit", "a code of the directory"),
    ("gateway.WebhookRegistered.key", "a program's name"),
    ("gateway.WebhookSecretRotated.webhook", "a random id"),
    ("gateway.WebhookSuspended.webhook", "a random id"),
    ("gateway.WebhookResumed.webhook", "a random id"),
    ("gateway.WebhookRemoved.webhook", "a random id"),
];

fn events() -> Vec<MessageDescriptor> {
    let pool = DescriptorPool::decode(contracts::DESCRIPTORS).unwrap();
    let events: Vec<_> = pool
        .files()
        .filter(|it| it.name().ends_with("/events.proto"))
        .flat_map(|it| it.messages().collect::<Vec<_>>())
        .collect();
    assert!(events.len() > 10, "the events were not found");
    events
}

#[test]
fn personal_data_stands_in_field_100_and_is_sealed() {
    for event in events() {
        for field in event.fields() {
            let name = field.full_name().to_owned();
            assert_eq!(
                field.name() == "personal",
                field.number() == PERSONAL,
                "{name}: field 100 is `personal`, and no other"
            );
            if field.number() == PERSONAL {
                let personal = message(&field).unwrap_or_else(|| panic!("{name} is no message"));
                assert!(
                    !field.is_list() && field.supports_presence(),
                    "{name}: one, or none"
                );
                for part in personal.fields() {
                    let sealed = message(&part).is_some_and(|it| it.full_name() == SEALED);
                    assert!(
                        sealed && !part.is_list(),
                        "{} is not one Sealed value",
                        part.full_name()
                    );
                }
            } else {
                assert!(
                    !reaches(&field, SEALED),
                    "{name}: a sealed value outside field 100 outlives its key"
                );
            }
        }
    }
}

#[test]
fn every_text_in_a_fact_is_there_by_decision() {
    let mut found = BTreeSet::new();
    for event in events() {
        for field in event.fields().filter(|it| it.number() != PERSONAL) {
            texts(&field, &mut found);
        }
    }
    let decided: BTreeSet<String> = DECIDED.iter().map(|(name, _)| (*name).to_owned()).collect();
    let undecided: Vec<_> = found.difference(&decided).collect();
    let stale: Vec<_> = decided.difference(&found).collect();
    assert!(
        undecided.is_empty(),
        "could these ever hold personal text? {undecided:#?}"
    );
    assert!(stale.is_empty(), "no longer in any event: {stale:#?}");
    assert_eq!(
        decided.len(),
        DECIDED.len(),
        "a field stands in the list twice"
    );
}

/// Adds the text and bytes fields in and below `field`, as `<service>.<Message>.<field>`.
fn texts(field: &FieldDescriptor, found: &mut BTreeSet<String>) {
    if let Some(message) = message(field) {
        message.fields().for_each(|it| texts(&it, found));
    } else if matches!(field.kind(), Kind::String | Kind::Bytes) {
        let (package, rest) = field
            .full_name()
            .trim_start_matches("cozum.")
            .split_once(".v1.")
            .expect("cozum.<service>.v1");
        found.insert(format!("{package}.{rest}"));
    }
}

fn reaches(field: &FieldDescriptor, target: &str) -> bool {
    message(field)
        .is_some_and(|it| it.full_name() == target || it.fields().any(|it| reaches(&it, target)))
}

fn message(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    field.kind().as_message().cloned()
}
