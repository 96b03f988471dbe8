//! An event as it is stored: what it may be, and where it goes.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The first part of the subjects of events: `stoa.events.<type>.<subject>`.
pub const EVENTS: &str = "stoa.events";
/// The largest `data`, in bytes.
pub const MAX_DATA: usize = 64 << 10;

const MAX_TYPE: usize = 128;
const MAX_SUBJECT: usize = 128;
const MAX_TRACEPARENT: usize = 128;

/// Something that happened. On the broker it is a JSON object of these fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// A UUIDv7.
    pub id: String,
    /// `account.created`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The id of what it is about, by which order is kept.
    pub subject: String,
    /// Milliseconds since the Unix epoch.
    pub occurred: i64,
    /// A JSON document, as text.
    pub data: String,
    /// W3C Trace Context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// What is wrong with an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// `id`.
    #[error("id: not a UUIDv7 in lower case")]
    Id,
    /// `type`.
    #[error("type: not two or more words of a-z, 0-9, - and _ with dots between them")]
    Kind,
    /// `subject`.
    #[error("subject: not 1 to {MAX_SUBJECT} visible characters without . * >")]
    Subject,
    /// `data`.
    #[error("data: not JSON of at most {MAX_DATA} bytes")]
    Data,
    /// `traceparent`.
    #[error("traceparent: longer than {MAX_TRACEPARENT} bytes")]
    Traceparent,
}

impl Event {
    /// Checks everything that could lead the event astray.
    pub fn check(&self) -> Result<(), Invalid> {
        let id = Uuid::try_parse(&self.id).map_err(|_| Invalid::Id)?;
        if id.get_version_num() != 7 || id.to_string() != self.id {
            return Err(Invalid::Id);
        }
        if !is_kind(&self.kind) {
            return Err(Invalid::Kind);
        }
        let visible = |c: u8| c.is_ascii_graphic() && !matches!(c, b'.' | b'*' | b'>');
        let subject = self.subject.as_bytes();
        if subject.is_empty() || subject.len() > MAX_SUBJECT || !subject.iter().all(|c| visible(*c))
        {
            return Err(Invalid::Subject);
        }
        let json = serde_json::from_str::<serde::de::IgnoredAny>(&self.data);
        if self.data.len() > MAX_DATA || json.is_err() {
            return Err(Invalid::Data);
        }
        let traceparent = self.traceparent.as_deref().unwrap_or_default();
        if traceparent.len() > MAX_TRACEPARENT {
            return Err(Invalid::Traceparent);
        }
        Ok(())
    }

    /// Where on the broker it goes.
    pub fn address(&self) -> String {
        format!("{EVENTS}.{}.{}", self.kind, self.subject)
    }
}

/// Whether a text can be the type of an event. It has a dot, so that a prefix
/// and a subject can not be taken for each other.
pub fn is_kind(text: &str) -> bool {
    text.len() <= MAX_TYPE && text.contains('.') && text.split('.').all(is_word)
}

/// Whether a text can be a part of an event's type.
pub fn is_word(text: &str) -> bool {
    let allowed = |c: u8| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    !text.is_empty() && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        Event {
            id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
            kind: "account.created".to_owned(),
            subject: "7".to_owned(),
            occurred: 1,
            data: "{}".to_owned(),
            traceparent: None,
        }
    }

    fn with(change: impl FnOnce(&mut Event)) -> Result<(), Invalid> {
        let mut event = event();
        change(&mut event);
        event.check()
    }

    #[test]
    fn an_event_goes_to_the_subject_of_its_type_and_what_it_is_about() {
        assert_eq!(event().check(), Ok(()));
        assert_eq!(event().address(), "stoa.events.account.created.7");
    }

    #[test]
    fn what_could_reach_another_subject_is_refused() {
        for kind in [
            "account", "", "a.", ".a", "a..b", "a.*", "a.>", "A.b", "a b.c",
        ] {
            let refused = with(|event| event.kind = kind.to_owned());
            assert_eq!(refused, Err(Invalid::Kind), "{kind}");
        }
        for subject in ["", "a.b", "*", ">", "a b", "ä", "\n", &"x".repeat(129)] {
            let refused = with(|event| event.subject = subject.to_owned());
            assert_eq!(refused, Err(Invalid::Subject), "{subject}");
        }
    }

    #[test]
    fn an_id_is_a_uuid_v7_in_the_one_form_that_is_compared() {
        for id in [
            "",
            "7",
            "01890A5D-AC96-774B-BCCE-B302099A8057",
            "01890a5dac96774bbcceb302099a8057",
            "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d",
        ] {
            let refused = with(|event| event.id = id.to_owned());
            assert_eq!(refused, Err(Invalid::Id), "{id}");
        }
    }

    #[test]
    fn data_is_json_of_bounded_length() {
        let longest = format!("\"{}\"", "x".repeat(MAX_DATA - 2));
        assert_eq!(with(|event| event.data = longest.clone()), Ok(()));
        for data in ["", "{", &format!("{longest} ")] {
            let refused = with(|event| event.data = data.to_owned());
            assert_eq!(refused, Err(Invalid::Data));
        }
    }
}
