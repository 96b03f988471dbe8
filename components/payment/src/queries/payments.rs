//! Payments.

use stoa_domain::{Currency, Money};
use stoa_idempotency::Origin;
use stoa_kit::sql::{Error, Row};
use stoa_kit::{Id, Problem, Statement, Timestamp};

use super::operations::{self, operation};
use super::{DATABASE, id, ledger, refunds, rows, unless_too_late};
use crate::change::Change;
use crate::fields::CaptureMethod;
use crate::ledger::{Entry, Kind as EntryKind};
use crate::listing::Listing;
use crate::operation::{Intent, Kind, Operation};
use crate::outbox;
use crate::payment::{Action, Balances, Draft, Failure, Payment};
use crate::refund::Refund;
use crate::standing;
use crate::state::State;

const COLUMNS: &str = "id, account, reference, amount, currency, capture, processor, method, \
     state, charge, held, captured, refunding, refunded, failure_code, failure_message, \
     action_kind, action, reason, metadata, created, updated, version";

/// How long a call may be under way before it is asked what became of it, in
/// milliseconds: longer than any call takes.
const UNDER_WAY: i64 = 15_000;

/// How soon the processor is asked again after no clear answer.
pub(crate) const SOON: i64 = 2_000;

/// How often it is asked whether a customer has done something.
const MOST_QUESTIONS: i64 = 32;

/// The payment with this id.
pub(crate) fn find(payment: Id) -> Result<Option<Payment>, Problem> {
    let row = DATABASE.query(&select(payment))?.into_iter().next();
    Ok(row.map(read).transpose()?)
}

/// The payment with this id, and the operations of it that are open.
pub(crate) fn find_with_open(payment: Id) -> Result<Option<(Payment, Vec<Operation>)>, Problem> {
    find_with(payment, operations::open(payment))
}

/// The payment with this id, and what this use of a client's key has asked for.
pub(crate) fn find_with_origin(
    payment: Id,
    origin: Origin,
) -> Result<Option<(Payment, Option<Operation>)>, Problem> {
    let found = find_with(payment, operations::by_origin(payment, origin))?;
    Ok(found.map(|(payment, operations)| (payment, operations.into_iter().next())))
}

fn find_with(payment: Id, others: Statement) -> Result<Option<(Payment, Vec<Operation>)>, Problem> {
    let mut outcomes = DATABASE.transact(&[select(payment), others])?.into_iter();
    let payment = rows(&mut outcomes)
        .into_iter()
        .next()
        .map(read)
        .transpose()?;
    let operations = rows(&mut outcomes).into_iter().map(operation);
    let operations = operations.collect::<Result<_, _>>()?;
    Ok(payment.map(|payment| (payment, operations)))
}

fn select(payment: Id) -> Statement {
    Statement::new(format!("SELECT {COLUMNS} FROM payments WHERE id = ?1")).bind(payment)
}

/// Stores a new payment, or finds the one that this use of a client's key has
/// made before.
pub(crate) fn insert(
    draft: &Draft,
    account: &str,
    origin: Origin,
    now: Timestamp,
) -> Result<Payment, Problem> {
    let state = if draft.method.is_some() {
        State::RequiresConfirmation
    } else {
        State::RequiresPaymentMethod
    };
    let metadata =
        serde_json::to_string(&draft.metadata).map_err(|_| Error::Shape("metadata is no JSON"))?;
    let insert = Statement::new(
        "INSERT INTO payments (id, version, created, updated, account, origin, processor, \
             reference, amount, currency, capture, state, method, held, captured, refunding, \
             refunded, tries, metadata) \
         VALUES (?1, 1, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, 0, 0, 0, 0, ?12) \
         ON CONFLICT (origin) DO NOTHING",
    )
    .bind(Id::new())
    .bind(now)
    .bind(account)
    .bind(origin.0)
    .bind(draft.processor.as_str())
    .bind(draft.reference.as_str())
    .bind(draft.amount.amount())
    .bind(draft.amount.currency().code())
    .bind(draft.capture.name())
    .bind(state.name())
    .bind(draft.method.clone())
    .bind(metadata);
    let select = Statement::new(format!("SELECT {COLUMNS} FROM payments WHERE origin = ?1"))
        .bind(origin.0)
        .expecting(1);
    let mut outcomes = DATABASE.transact(&[insert, select])?.into_iter().skip(1);
    only(rows(&mut outcomes)).map_err(Problem::from)
}

/// Writes down what the processor is about to be asked, and that the payment
/// waits for it. `None` if the payment is not what was read any more.
pub(crate) fn begin(
    before: &Payment,
    intent: &Intent,
    origin: Origin,
    now: Timestamp,
) -> Result<Option<(Payment, Operation)>, Problem> {
    let update = Statement::new(format!(
        "UPDATE payments SET version = version + 1, updated = ?3, state = ?4, \
             method = COALESCE(?5, method), failure_code = NULL, failure_message = NULL, \
             due = ?6, tries = 0 \
         WHERE id = ?1 AND version = ?2 RETURNING {COLUMNS}"
    ))
    .bind(before.id)
    .bind(before.version)
    .bind(now)
    .bind(State::Processing.name())
    .bind(intent.method.clone())
    .bind(now.plus(UNDER_WAY))
    .expecting(1);
    let insert = operations::insert(before.id, intent, before.state, origin, None, now);
    begun(&[update, insert])
}

/// The same for a refund: one statement takes the amount out of what can be
/// given back. `None` if there is not as much.
pub(crate) fn begin_refund(
    before: &Payment,
    refund: &Refund,
    origin: Origin,
    now: Timestamp,
) -> Result<Option<(Payment, Operation)>, Problem> {
    let amount = refund.amount.amount();
    let update = Statement::new(format!(
        "UPDATE payments SET version = version + 1, updated = ?3, refunding = refunding + ?2, \
             due = ?4, tries = 0 \
         WHERE id = ?1 AND state = 'succeeded' AND captured - refunding - refunded >= ?2 \
         RETURNING {COLUMNS}"
    ))
    .bind(before.id)
    .bind(amount)
    .bind(now)
    .bind(now.plus(UNDER_WAY))
    .expecting(1);
    let intent = Intent {
        kind: Kind::Refund,
        amount,
        method: None,
        refund: Some(refund.id),
        reason: refund.reason.clone(),
    };
    let entry = Entry::new(EntryKind::RefundPending, amount).of_refund(refund.id);
    begun(&[
        update,
        operations::insert(before.id, &intent, before.state, origin, None, now),
        refunds::insert(refund),
        ledger::record(before, &entry, now),
    ])
}

fn begun(statements: &[Statement]) -> Result<Option<(Payment, Operation)>, Problem> {
    let Ok(outcomes) = unless_too_late(statements)? else {
        return Ok(None);
    };
    let mut outcomes = outcomes.into_iter();
    let payment = only(rows(&mut outcomes))?;
    let row = rows(&mut outcomes).into_iter().next();
    let row = row.ok_or(Error::Shape("a written operation was not returned"))?;
    Ok(Some((payment, operation(row)?)))
}

/// What came of writing a change.
pub(crate) enum Stored {
    /// It is written; the payment as it is now.
    Done(Box<Payment>),
    /// The payment is not what was read any more.
    Changed,
    /// Somebody else has settled the operation.
    Settled,
}

/// Writes a change with its entries and its event, and settles what it comes
/// from: all of it, or nothing.
///
/// `more` are further statements of the transaction.
pub(crate) fn store(
    change: &Change,
    operation: Option<&Operation>,
    more: Vec<Statement>,
    now: Timestamp,
) -> Result<Stored, Problem> {
    let next = &change.payment;
    let failed = change.failed.as_deref();
    let refund = operation.filter(|operation| operation.intent.kind == Kind::Refund);
    let mut statements = vec![match refund {
        Some(refund) => move_refund(refund, failed.is_some(), now),
        None => update(next, operation, now),
    }];
    statements.extend(operation.map(|operation| operations::settle(operation, now)));
    statements.extend(refund.map(|refund| refunds::settle(refund, failed, now)));
    for entry in &change.entries {
        statements.push(ledger::record(next, entry, now));
    }
    statements.extend(change.event.as_ref().map(|event| event.statement(now)));
    statements.extend(more);
    Ok(match unless_too_late(&statements)? {
        Ok(outcomes) => {
            if change.event.is_some() {
                outbox::nudge();
            }
            Stored::Done(Box::new(only(rows(&mut outcomes.into_iter()))?))
        }
        Err(0) => Stored::Changed,
        Err(_) => Stored::Settled,
    })
}

/// Notes something that a use of a client's key has asked for, and that nobody
/// has to do any more.
pub(crate) fn done(before: &Payment, intent: &Intent, origin: Origin, now: Timestamp) -> Statement {
    operations::insert(before.id, intent, before.state, origin, Some(now), now)
}

/// Closes an operation of which nothing can come any more.
pub(crate) fn close(operation: &Operation, now: Timestamp) -> Result<(), Problem> {
    unless_too_late(&[operations::settle(operation, now)])?.ok();
    Ok(())
}

/// Ends a refund, whatever else has happened to the payment: many may be under
/// way at the same time, and none has to wait for another.
fn move_refund(refund: &Operation, has_failed: bool, now: Timestamp) -> Statement {
    Statement::new(format!(
        "UPDATE payments SET version = version + 1, updated = ?2, \
             refunding = refunding - ?3, refunded = refunded + ?4, tries = 0, \
             due = CASE WHEN EXISTS (SELECT 1 FROM operations \
                 WHERE payment = ?1 AND settled IS NULL AND key <> ?5) THEN ?6 END \
         WHERE id = ?1 RETURNING {COLUMNS}"
    ))
    .bind(refund.payment)
    .bind(now)
    .bind(refund.intent.amount)
    .bind(if has_failed { 0 } else { refund.intent.amount })
    .bind(refund.key.as_str())
    .bind(now.plus(UNDER_WAY))
    .expecting(1)
}

fn update(next: &Payment, operation: Option<&Operation>, now: Timestamp) -> Statement {
    let (action_kind, action) = match &next.action {
        None => (None, None),
        Some(Action::Url { url }) => (Some("url"), Some(url.clone())),
        Some(Action::Data { data }) => (Some("data"), Some(data.clone())),
    };
    let (code, message) = match &next.failure {
        None => (None, None),
        Some(failure) => (Some(failure.code.clone()), Some(failure.message.clone())),
    };
    let awaited = i64::from(standing::is_awaited(next.state));
    Statement::new(format!(
        "UPDATE payments SET version = version + 1, updated = ?3, state = ?4, charge = ?5, \
             held = ?6, captured = ?7, refunding = ?8, refunded = ?9, failure_code = ?10, \
             failure_message = ?11, action_kind = ?12, action = ?13, reason = ?14, tries = 0, \
             due = CASE WHEN ?15 = 1 OR EXISTS (SELECT 1 FROM operations \
                 WHERE payment = ?1 AND settled IS NULL AND key <> ?16) THEN ?17 END \
         WHERE id = ?1 AND version = ?2 RETURNING {COLUMNS}"
    ))
    .bind(next.id)
    .bind(next.version)
    .bind(now)
    .bind(next.state.name())
    .bind(next.charge.clone())
    .bind(next.balances.held)
    .bind(next.balances.captured)
    .bind(next.balances.refunding)
    .bind(next.balances.refunded)
    .bind(code)
    .bind(message)
    .bind(action_kind.map(str::to_owned))
    .bind(action)
    .bind(next.reason.clone())
    .bind(awaited)
    .bind(operation.map_or("", |operation| operation.key.as_str()))
    .bind(now.plus(UNDER_WAY))
    .expecting(1)
}

/// Notes that the processor is at it, and how it calls the charge.
pub(crate) fn acknowledge(
    operation: &Operation,
    charge: Option<&str>,
    now: Timestamp,
) -> Result<(), Problem> {
    let update =
        Statement::new("UPDATE payments SET charge = COALESCE(charge, ?2), due = ?3 WHERE id = ?1")
            .bind(operation.payment)
            .bind(charge.map(str::to_owned))
            .bind(now.plus(SOON));
    DATABASE.transact(&[update, operations::acknowledge(operation)])?;
    Ok(())
}

/// Lets a payment be looked at soon, the first time. Later it is the less often,
/// the longer nobody knows.
pub(crate) fn hasten(payment: Id, now: Timestamp) -> Result<(), Problem> {
    let update = "UPDATE payments SET due = ?2 WHERE id = ?1 AND due > ?2 AND tries = 0";
    let update = Statement::new(update).bind(payment).bind(now.plus(SOON));
    DATABASE.transact(&[update])?;
    Ok(())
}

/// Takes a payment that is due, if there is one, and whose processor is none of
/// these. It is due again later, each time twice as late, up to an hour. Whoever
/// leaves a page open for a day has gone: then only a webhook counts.
pub(crate) fn take_due(without: &[String], now: Timestamp) -> Result<Option<Id>, Problem> {
    let places: Vec<_> = (2..2 + without.len()).map(|n| format!("?{n}")).collect();
    let places = places.join(", ");
    let take = Statement::new(format!(
        "UPDATE payments SET tries = tries + 1, \
             due = CASE WHEN state = 'requires_action' AND tries >= {MOST_QUESTIONS} THEN NULL \
                 WHEN tries >= 8 THEN ?1 + 3600000 ELSE ?1 + 15000 * (1 << tries) END \
         WHERE id = (SELECT id FROM payments \
             WHERE due <= ?1 AND processor NOT IN ({places}) ORDER BY due LIMIT 1) AND due <= ?1 \
         RETURNING id"
    ))
    .bind(now);
    let take = without
        .iter()
        .fold(take, |take, processor| take.bind(processor.as_str()));
    let row = DATABASE.write(take)?.into_iter().next();
    Ok(row.map(|mut row| id(&row.text()?)).transpose()?)
}

/// Lets a payment rest about which nothing is open.
pub(crate) fn rest(payment: &Payment) -> Result<(), Problem> {
    let update = Statement::new(
        "UPDATE payments SET due = NULL, tries = 0 WHERE id = ?1 AND version = ?2 \
             AND NOT EXISTS (SELECT 1 FROM operations WHERE payment = ?1 AND settled IS NULL)",
    )
    .bind(payment.id)
    .bind(payment.version);
    DATABASE.transact(&[update])?;
    Ok(())
}

/// A payment in a list, and its number in the order of creation.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) number: i64,
    pub(crate) payment: Payment,
}

/// The payments of a page, and one more where there is a next page.
pub(crate) fn list(listing: &Listing) -> Result<Vec<Listed>, Problem> {
    let rows = DATABASE.query(&select_page(listing))?.into_iter();
    Ok(rows.map(listed).collect::<Result<_, _>>()?)
}

/// The statement for a page.
pub(crate) fn select_page(listing: &Listing) -> Statement {
    let mut statement = Statement::new("").bind(listing.limit + 1);
    let mut conditions = vec!["1 = 1".to_owned()];
    let mut only = |column: &str, value: Option<&str>| {
        if let Some(value) = value {
            statement = statement.clone().bind(value);
            conditions.push(format!("{column} = ?{}", statement.params.len()));
        }
    };
    only("account", listing.account.as_deref());
    only("reference", listing.reference.as_deref());
    only("state", listing.status.map(State::name));
    if let Some(after) = listing.after {
        statement = statement.bind(after);
        conditions.push(format!("number < ?{}", statement.params.len()));
    }
    let conditions = conditions.join(" AND ");
    statement.sql = format!(
        "SELECT number, {COLUMNS} FROM payments WHERE {conditions} ORDER BY number DESC LIMIT ?1"
    );
    statement
}

fn listed(mut row: Row) -> Result<Listed, Error> {
    Ok(Listed {
        number: row.integer()?,
        payment: read(row)?,
    })
}

/// The payment that a write returned.
fn only(rows: Vec<Row>) -> Result<Payment, Error> {
    let row = rows.into_iter().next();
    read(row.ok_or(Error::Shape("a written payment was not returned"))?)
}

fn read(mut row: Row) -> Result<Payment, Error> {
    let payment = id(&row.text()?)?;
    let account = row.text()?;
    let reference = row.text()?;
    let amount = row.integer()?;
    let amount = Currency::parse(&row.text()?)
        .and_then(|currency| Money::new(amount, currency))
        .ok_or(Error::Shape("an amount is none"))?;
    let capture = CaptureMethod::parse(&row.text()?).ok_or(Error::Shape("capture is none"))?;
    let processor = row.text()?;
    let method = row.optional_text()?;
    let state = State::parse(&row.text()?).ok_or(Error::Shape("a state is none"))?;
    let charge = row.optional_text()?;
    let balances = Balances {
        held: row.integer()?,
        captured: row.integer()?,
        refunding: row.integer()?,
        refunded: row.integer()?,
    };
    let (code, message) = (row.optional_text()?, row.optional_text()?);
    let failure = code.map(|code| Failure {
        code,
        message: message.unwrap_or_default(),
    });
    let (kind, action) = (
        row.optional_text()?,
        row.optional_text()?.unwrap_or_default(),
    );
    let action = kind.map(|kind| match kind.as_str() {
        "url" => Action::Url { url: action },
        _ => Action::Data { data: action },
    });
    let reason = row.optional_text()?;
    let metadata = serde_json::from_str(&row.text()?)
        .map_err(|_| Error::Shape("metadata is not the JSON it should be"))?;
    Ok(Payment {
        id: payment,
        account,
        reference,
        amount,
        capture,
        processor,
        method,
        state,
        charge,
        balances,
        failure,
        action,
        reason,
        metadata,
        created: Timestamp(row.integer()?),
        updated: Timestamp(row.integer()?),
        version: row.integer()?,
    })
}
