//! The tokens that stand for means of payment, and what each does. Any other
//! token is refused as one that there is not.

/// What a token does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Behaviour {
    pub(crate) authorize: Authorize,
    pub(crate) answer: Answer,
    pub(crate) webhooks: Webhooks,
    /// Whether a capture is refused.
    pub(crate) capture_fails: bool,
    pub(crate) refund: Refund,
}

/// What comes of an authorization.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Authorize {
    /// It is approved.
    #[default]
    Approve,
    /// It is refused with a code.
    Decline(&'static str),
    /// The customer has to visit a page. Later he has: it is approved, or
    /// refused with a code.
    Action(Option<&'static str>),
    /// It takes a while. Later it is approved, or refused with a code.
    Pending(Option<&'static str>),
}

/// What becomes of the answer to the first call with a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Answer {
    #[default]
    Given,
    /// It is done, and nobody hears of it.
    Lost,
    /// It never arrives: nothing is done until it is repeated.
    CallLost,
}

/// How news are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Webhooks {
    /// Each once, soon, in order.
    #[default]
    Orderly,
    /// Half a minute late.
    Late,
    /// Each three times.
    Duplicate,
    /// The last one first.
    OutOfOrder,
    /// Not at all.
    Never,
}

/// What comes of a refund.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Refund {
    #[default]
    Approve,
    /// It is refused.
    Fail,
    /// It takes a while.
    Pending,
}

/// What a token does; `None` for one that there is not.
pub(crate) fn behaviour(token: &str) -> Option<Behaviour> {
    let authorize = |authorize| Behaviour {
        authorize,
        ..Behaviour::default()
    };
    let answer = |answer| Behaviour {
        answer,
        ..Behaviour::default()
    };
    let told = |webhooks| Behaviour {
        webhooks,
        ..Behaviour::default()
    };
    let refund = |refund| Behaviour {
        refund,
        ..Behaviour::default()
    };
    Some(match token {
        "tok_approved" => Behaviour::default(),
        "tok_declined" => authorize(Authorize::Decline("card_declined")),
        "tok_insufficient_funds" => authorize(Authorize::Decline("insufficient_funds")),
        "tok_expired" => authorize(Authorize::Decline("expired_card")),
        "tok_requires_action" => authorize(Authorize::Action(None)),
        "tok_requires_action_then_declined" => {
            authorize(Authorize::Action(Some("authentication_failed")))
        }
        "tok_pending" => authorize(Authorize::Pending(None)),
        "tok_pending_then_declined" => authorize(Authorize::Pending(Some("card_declined"))),
        "tok_timeout_then_approved" => answer(Answer::Lost),
        "tok_lost_then_approved" => answer(Answer::CallLost),
        "tok_late_webhook" => Behaviour {
            authorize: Authorize::Pending(None),
            ..told(Webhooks::Late)
        },
        "tok_duplicate_webhook" => told(Webhooks::Duplicate),
        "tok_out_of_order_webhook" => Behaviour {
            authorize: Authorize::Pending(None),
            ..told(Webhooks::OutOfOrder)
        },
        "tok_no_webhook" => Behaviour {
            authorize: Authorize::Pending(None),
            ..told(Webhooks::Never)
        },
        "tok_capture_fails" => Behaviour {
            capture_fails: true,
            ..Behaviour::default()
        },
        "tok_refund_fails" => refund(Refund::Fail),
        "tok_refund_pending" => refund(Refund::Pending),
        _ => return None,
    })
}

/// What a refusal says to people.
pub(crate) fn message(code: &str) -> &'static str {
    match code {
        "insufficient_funds" => "There is not enough money.",
        "expired_card" => "The card has expired.",
        "authentication_failed" => "The customer did not confirm the payment.",
        "invalid_payment_method" => "There is no such means of payment.",
        _ => "The card was declined.",
    }
}
