//! How often things were tried.

use stoa_kit::{Problem, Statement, Timestamp};

use super::DATABASE;
use crate::throttle::{LONGEST, MEMORY, Rule};

/// The doubling after which the longest wait is reached: 2^12 s are more than
/// an hour.
const MOST_DOUBLINGS: i64 = 12;

/// Finds rules by which one has to wait: none is expected.
pub(crate) fn blocked(rules: &[Rule], now: Timestamp) -> Statement {
    select("name", rules, now).expecting(0)
}

/// Until when one has to wait.
pub(crate) fn until(rules: &[Rule], now: Timestamp) -> Result<Option<Timestamp>, Problem> {
    let rows = DATABASE.query(&select("until", rules, now))?;
    let times = rows.into_iter().map(|mut row| row.integer().map(Timestamp));
    let times: Vec<_> = times.collect::<Result<_, _>>()?;
    Ok(times.into_iter().max())
}

fn select(column: &str, rules: &[Rule], now: Timestamp) -> Statement {
    let mut names = String::new();
    for number in 2..2 + rules.len() {
        names.push_str(if names.is_empty() { "?" } else { ", ?" });
        names.push_str(&number.to_string());
    }
    // Nobody is told to wait longer: if one would have to, a clock went back.
    let select = Statement::new(format!(
        "SELECT {column} FROM throttle \
         WHERE until > ?1 AND until <= ?1 + {LONGEST} AND name IN ({names})"
    ));
    rules.iter().fold(select.bind(now), |select, rule| {
        select.bind(rule.name.as_str())
    })
}

/// Counts a try, and forgets those for which it is time. From `free` on, each
/// has to be waited for: a second, and twice as long after every `step` of them.
pub(crate) fn count(rule: &Rule, now: Timestamp) -> Statement {
    // `updated` is when the last one was forgotten; a clock may go back.
    let due = "(CASE WHEN ?2 > throttle.updated THEN (?2 - throttle.updated) / ?6 ELSE 0 END)";
    let rest = format!(
        "(CASE WHEN throttle.updated <= ?5 OR throttle.tries <= {due} THEN 0 \
             ELSE throttle.tries - {due} END)"
    );
    Statement::new(format!(
        "INSERT INTO throttle (name, tries, updated, until) VALUES (?1, 1, ?2, 0) \
         ON CONFLICT (name) DO UPDATE SET tries = {rest} + 1, \
             updated = CASE WHEN {rest} = 0 THEN ?2 ELSE throttle.updated + {due} * ?6 END, \
             until = CASE \
                 WHEN {rest} < ?3 THEN 0 \
                 WHEN ({rest} - ?3) / ?4 >= {MOST_DOUBLINGS} THEN ?2 + {LONGEST} \
                 ELSE ?2 + (1000 << (({rest} - ?3) / ?4)) END"
    ))
    .bind(rule.name.as_str())
    .bind(now)
    .bind(rule.policy.free)
    .bind(rule.policy.step)
    .bind(now.plus(-MEMORY))
    .bind(rule.policy.forget)
}

/// Takes one try back: it was none of those that are counted.
pub(crate) fn forgive(rule: &Rule) -> Statement {
    Statement::new("UPDATE throttle SET tries = tries - 1, until = 0 WHERE name = ?1 AND tries > 0")
        .bind(rule.name.as_str())
}

/// Forgets all tries.
pub(crate) fn clear(rule: &Rule) -> Statement {
    Statement::new("DELETE FROM throttle WHERE name = ?1").bind(rule.name.as_str())
}

/// Deletes what counts no more.
pub(crate) fn delete_old(now: Timestamp) -> Statement {
    Statement::new("DELETE FROM throttle WHERE updated <= ?1").bind(now.plus(-MEMORY))
}
