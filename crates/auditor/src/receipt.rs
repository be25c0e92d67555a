//! Checks a receipt: a tlog-proof whose extra data is the event, without its personal part.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use contracts::ledger::v1::{self, ReceiptExtra};
use prost::Message as _;

use crate::{
    event::Event,
    note::Key,
    policy::Policy,
    report::{Finding, Report},
    tree::{Hash, includes},
    verify::Asked,
    witnessed::{Witnessed, log_key},
};

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1\n";

/// Whether a text says that it is a tlog-proof.
#[must_use]
pub fn is_receipt(text: &str) -> bool {
    text.starts_with(FIRST_LINE)
}

/// Checks a receipt by what the auditor brings along.
#[must_use]
pub fn verify_receipt(text: &str, asked: &Asked) -> Report {
    let mut report = Report::default();
    if let Err(finding) = check(text, asked, &mut report) {
        report.finding = Some(finding);
    }
    report
}

/// The event that a receipt is of; what it says holds only where [`verify_receipt`] finds nothing wrong.
#[must_use]
pub fn receipt_event(text: &str) -> Option<v1::Event> {
    let extra = parts(text)?.extra;
    ReceiptExtra::decode(&extra[..]).ok()?.event
}

fn check(text: &str, asked: &Asked, report: &mut Report) -> Result<(), Finding> {
    let form = || Finding::at(1, "is not a receipt");
    let Parts {
        extra,
        index,
        hashes,
        checkpoint,
    } = parts(text).ok_or_else(form)?;
    let position = index.checked_add(1).ok_or_else(form)?;
    let wrong = |problem: &str| Finding::at(position, problem);

    let extra = ReceiptExtra::decode(&extra[..])
        .ok()
        .filter(|it| it.encode_to_vec() == extra);
    let extra = extra.ok_or_else(|| wrong("the receipt has no event"))?;
    let written = extra.event.as_ref().map(v1::Event::encode_to_vec);
    let event = written.as_deref().and_then(Event::read);
    let event = event.ok_or_else(|| wrong("the receipt has no event"))?;
    let own = || {
        let own = extra.verifier_key.parse::<Key>();
        own.map_err(|it| wrong(&format!("the key in the receipt {it}")))
    };
    let origin = checkpoint.lines().next().unwrap_or_default();
    let key = match log_key(asked.key.as_ref(), asked.policy.as_ref(), origin)? {
        Some(key) => key,
        None => {
            let own = own()?;
            report.unclaimed.push(format!(
                "whose key signed it: the key came with the receipt; compare it with the one that was published: {own}"
            ));
            own
        }
    };
    let signed = key
        .open(checkpoint)
        .map_err(|it| wrong(&format!("the checkpoint {it}")))?;
    let log = signed.origin.rsplit('/').next().unwrap_or_default();
    let due = event.due_commitment(log, &mut vec![]);
    if event.position != position || due != event.commitment {
        return Err(wrong("the event is not what its commitment says"));
    }
    if !event.personal.is_empty() || !event.personal_salt.is_empty() {
        return Err(wrong(
            "the receipt has a personal part, which nothing here checks",
        ));
    }
    let (size, root) = (signed.size, signed.root);
    if !includes(size, root, index, event.commitment, &hashes) {
        return Err(wrong(
            "the proof does not lead from the event to the checkpoint",
        ));
    }
    let (kind, stream) = (event.kind, event.stream);
    let origin = &signed.origin;
    report.holds.push(format!(
        "{kind} of {stream} is entry {position} of the {size} that were signed as {origin}"
    ));
    let none = Policy::default();
    let mut witnessed = Witnessed::by(asked.policy.as_ref().unwrap_or(&none));
    witnessed.take(checkpoint, size)?;
    witnessed.check(size, report)
}

struct Parts<'a> {
    extra: Vec<u8>,
    index: u64,
    hashes: Vec<Hash>,
    checkpoint: &'a str,
}

fn parts(text: &str) -> Option<Parts<'_>> {
    let (head, checkpoint) = text.strip_prefix(FIRST_LINE)?.split_once("\n\n")?;
    let mut lines = head.lines();
    let extra = BASE64_STANDARD
        .decode(lines.next()?.strip_prefix("extra ")?)
        .ok()?;
    let number = lines.next()?.strip_prefix("index ")?;
    let canonical = number == "0" || !number.starts_with(['0', '+']);
    let index = number.parse().ok().filter(|_| canonical)?;
    let hashes: Option<Vec<Hash>> = lines
        .map(|it| BASE64_STANDARD.decode(it).ok()?.try_into().ok())
        .collect();
    Some(Parts {
        extra,
        index,
        hashes: hashes.filter(|it| it.len() < 64)?,
        checkpoint,
    })
}
