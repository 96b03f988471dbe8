//! The order of events: a lane for each subject, in which one event is worked
//! on at a time, the oldest first. Lanes know nothing of each other, so one
//! that is stuck holds up nobody else.
//!
//! Pure: events are their numbers in the stream, and the time is given.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;

/// All lanes of a handler.
#[derive(Default)]
pub struct Lanes {
    subjects: HashMap<Arc<str>, Lane>,
    /// Lanes that may go on. One that may not any more is skipped when its
    /// turn comes.
    ready: VecDeque<Arc<str>>,
    /// Lanes whose first event is to be tried again later.
    later: BTreeSet<(Instant, Arc<str>)>,
}

struct Lane {
    /// The events by their numbers, and not before when they may be tried.
    events: BTreeMap<u64, Option<Instant>>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    Later(Instant),
    Running,
}

impl Lanes {
    /// Adds an event, in its place by number. Returns whether it can be the
    /// next of its lane.
    pub fn add(&mut self, subject: &str, number: u64, not_before: Option<Instant>) -> bool {
        let subject: Arc<str> = match self.subjects.get_key_value(subject) {
            Some((subject, _)) => Arc::clone(subject),
            None => subject.into(),
        };
        let lane = self.subjects.entry(Arc::clone(&subject)).or_insert(Lane {
            events: BTreeMap::new(),
            state: State::Running,
        });
        let fresh = lane.events.is_empty();
        lane.events.insert(number, not_before);
        if !fresh && lane.state == State::Running {
            return false;
        }
        let first = lane.events.keys().next() == Some(&number);
        if first {
            self.place(&subject);
        }
        first
    }

    /// The next event to work on, and its lane.
    pub fn start(&mut self, now: Instant) -> Option<(Arc<str>, u64)> {
        while let Some(due) = self.later.first().filter(|(at, _)| *at <= now) {
            let (_, subject) = due.clone();
            self.later.pop_first();
            if let Some(lane) = self.subjects.get_mut(&subject) {
                lane.state = State::Ready;
                self.ready.push_back(subject);
            }
        }
        while let Some(subject) = self.ready.pop_front() {
            if let Some(lane) = self.subjects.get_mut(&subject)
                && lane.state == State::Ready
                && let Some(number) = lane.events.keys().next()
            {
                lane.state = State::Running;
                return Some((subject, *number));
            }
        }
        None
    }

    /// The event that was started in this lane is done with.
    pub fn done(&mut self, subject: &str, number: u64) {
        let Some(lane) = self.subjects.get_mut(subject) else {
            return;
        };
        lane.events.remove(&number);
        if lane.events.is_empty() {
            self.subjects.remove(subject);
        } else {
            self.place(subject);
        }
    }

    /// The event that was started in this lane is to be tried again then.
    pub fn again(&mut self, subject: &str, number: u64, not_before: Instant) {
        if let Some(lane) = self.subjects.get_mut(subject) {
            lane.events.insert(number, Some(not_before));
            self.place(subject);
        }
    }

    /// When the next lane has waited long enough.
    pub fn due(&self) -> Option<Instant> {
        self.later.first().map(|(at, _)| *at)
    }

    /// How many lanes could go on.
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Puts a lane where its first event says.
    fn place(&mut self, subject: &str) {
        let Some((subject, _)) = self.subjects.get_key_value(subject) else {
            return;
        };
        let subject = Arc::clone(subject);
        let Some(lane) = self.subjects.get_mut(&subject) else {
            return;
        };
        let before = lane.state;
        lane.state = match lane.events.values().next() {
            Some(Some(at)) => State::Later(*at),
            _ => State::Ready,
        };
        if before == lane.state {
            return;
        }
        if let State::Later(at) = before {
            self.later.remove(&(at, Arc::clone(&subject)));
        }
        match lane.state {
            State::Later(at) => {
                self.later.insert((at, subject));
            }
            _ => self.ready.push_back(subject),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn started(lanes: &mut Lanes, now: Instant) -> Vec<u64> {
        std::iter::from_fn(|| lanes.start(now))
            .map(|(_, number)| number)
            .collect()
    }

    #[test]
    fn a_lane_has_one_event_at_work_and_the_oldest_first() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        for number in [3, 1, 2] {
            lanes.add("a", number, None);
        }
        lanes.add("b", 4, None);
        assert_eq!(started(&mut lanes, now), [1, 4]);
        lanes.add("a", 5, None);
        assert!(started(&mut lanes, now).is_empty());
        for number in [1, 2, 3] {
            lanes.done("a", number);
            assert_eq!(started(&mut lanes, now).len(), 1);
        }
        lanes.done("a", 5);
        lanes.done("b", 4);
        assert!(lanes.subjects.is_empty() && lanes.later.is_empty());
    }

    #[test]
    fn a_lane_that_waits_holds_up_its_own_events_only() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        let soon = now + Duration::from_secs(1);
        for (subject, number) in [("bad", 1), ("good", 2), ("bad", 3)] {
            lanes.add(subject, number, None);
        }
        assert_eq!(started(&mut lanes, now), [1, 2]);
        lanes.again("bad", 1, soon);
        lanes.done("good", 2);
        lanes.add("good", 4, None);
        lanes.add("bad", 5, None);
        assert_eq!(started(&mut lanes, now), [4]);
        assert_eq!(lanes.due(), Some(soon));
        assert_eq!(started(&mut lanes, soon), [1]);
        assert_eq!(lanes.due(), None);
        lanes.done("bad", 1);
        assert_eq!(started(&mut lanes, soon), [3]);
    }

    #[test]
    fn an_older_event_that_comes_later_goes_before_and_decides_when() {
        let (mut lanes, now) = (Lanes::default(), Instant::now());
        let soon = now + Duration::from_secs(1);
        assert!(lanes.add("a", 7, None));
        assert!(!lanes.add("a", 8, None));
        assert!(lanes.add("a", 5, Some(soon)));
        assert!(started(&mut lanes, now).is_empty());
        assert!(lanes.add("a", 4, None));
        assert_eq!(started(&mut lanes, now), [4]);
        lanes.done("a", 4);
        assert!(started(&mut lanes, now).is_empty());
        assert_eq!(started(&mut lanes, soon), [5]);
        lanes.done("a", 5);
        assert_eq!(started(&mut lanes, soon), [7]);
    }

    #[test]
    fn whatever_fails_each_subject_keeps_its_order() {
        // A fixed walk through adds, failures and ends.
        let (mut lanes, mut now) = (Lanes::default(), Instant::now());
        let (mut random, mut running, mut done) = (7_u64, Vec::new(), HashMap::new());
        for number in 1..=2000_u64 {
            lanes.add(&format!("s{}", number % 13), number, None);
            while let Some(event) = lanes.start(now) {
                running.push(event);
            }
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let (subject, event) = running.swap_remove((random >> 33) as usize % running.len());
            if (random >> 40).is_multiple_of(3) {
                lanes.again(&subject, event, now + Duration::from_millis(random >> 58));
            } else {
                let before = done.insert(subject.clone(), event);
                assert!(before < Some(event), "{subject}");
                lanes.done(&subject, event);
            }
            now += Duration::from_millis(1);
            while running.is_empty() && lanes.due().is_some() {
                now += Duration::from_millis(1);
                running.extend(lanes.start(now));
            }
        }
        assert_eq!(done.len(), 13);
    }
}
