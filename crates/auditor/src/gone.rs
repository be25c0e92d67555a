//! Personal parts that are gone: the log says of itself which were ordered to go, in an event behind them. Any other that is gone was
//! taken out by somebody who may not.

use std::collections::BTreeSet;

use contracts::ledger::v1::PersonalPartsErased;
use prost::Message as _;

use crate::{
    event::Event,
    report::{Finding, Report},
};

const TYPE: &str = "ledger.PersonalPartsErased";

/// The positions that an event orders to be erased; none for another event.
pub(crate) fn read(event: &Event<'_>) -> Result<Vec<u64>, String> {
    if event.kind != TYPE {
        return Ok(vec![]);
    }
    let order = PersonalPartsErased::decode(event.facts);
    Ok(order.map_err(|_| format!("it is no {TYPE}"))?.positions)
}

/// What is gone so far, and what of it is not ordered yet.
#[derive(Default)]
pub(crate) struct Gone {
    unordered: BTreeSet<u64>,
    count: u64,
}

impl Gone {
    pub(crate) fn is_gone(&mut self, position: u64) {
        self.unordered.insert(position);
        self.count += 1;
    }

    /// An order names what lies before it: what goes later is not meant.
    pub(crate) fn ordered(&mut self, positions: &[u64]) {
        for position in positions {
            self.unordered.remove(position);
        }
    }

    /// At the log's end every order was seen.
    pub(crate) fn check(&self, report: &mut Report) -> Result<(), Finding> {
        if let Some(position) = self.unordered.first() {
            let problem = "its personal part is gone, and no order to erase it is recorded";
            return Err(Finding::at(*position, problem));
        }
        if self.count > 0 {
            report.holds.push(format!(
                "{} personal parts are gone, each by an order that is recorded",
                self.count
            ));
        }
        Ok(())
    }
}
