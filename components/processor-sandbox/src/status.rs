//! Where a charge stands.

use crate::bindings::stoa::payments::types::{
    ChargeState, Decline, Error, Question, RefundStanding, Standing,
};
use crate::calls::action;
use crate::charges::{Back, Charge};
use crate::methods::message;
use crate::queries;
use crate::{admit, uncertain};

/// Tells where a charge stands; `None` when there is no such charge.
pub(crate) fn run(question: &Question) -> Result<Option<Standing>, Error> {
    admit(&question.processor)?;
    let found = match &question.charge {
        Some(charge) => queries::find(charge),
        None => queries::find_by_payment(&question.payment),
    };
    let Some(charge) = found.map_err(|problem| uncertain(&problem))? else {
        return Ok(None);
    };
    let refunds = queries::refunds(&charge.id).map_err(|problem| uncertain(&problem))?;
    Ok(Some(standing(charge, refunds)))
}

fn standing(charge: Charge, refunds: Vec<Back>) -> Standing {
    let decline = charge.code.map(|code| Decline {
        charge: Some(charge.id.clone()),
        message: message(&code).to_owned(),
        code,
    });
    Standing {
        state: charge.state,
        authorized: charge.authorized,
        captured: charge.captured,
        decline,
        action: (charge.state == ChargeState::RequiresAction).then(|| action(&charge.id)),
        refunds: refunds
            .into_iter()
            .map(|back| RefundStanding {
                refund: Some(back.refund),
                state: back.state,
                code: back.code,
            })
            .collect(),
        charge: charge.id,
    }
}
