//! Pages of a collection, and the link from each to the next one.

use serde::Serialize;

use crate::{Problem, Request, Response};

/// One page.
#[derive(Clone, Debug, Serialize)]
pub struct Page<T> {
    /// What is on it.
    pub data: Vec<T>,
    /// The cursor of the next page, null on the last one.
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The page of what was found, which is one more than `limit` where there is
    /// a next page. `cursor` leads to what comes behind an entry, `item` is what
    /// is shown of it.
    pub fn of<F>(
        mut found: Vec<F>,
        limit: i64,
        cursor: impl FnOnce(&F) -> String,
        item: impl FnMut(F) -> T,
    ) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| has_more).map(cursor);
        Self {
            data: found.into_iter().map(item).collect(),
            next,
        }
    }
}

impl<T: Serialize> Page<T> {
    /// 200 with the page, an entity tag made of it, and `Link` where there is a
    /// next one.
    pub fn into_response(self, request: &Request) -> Result<Response, Problem> {
        let response = Response::json(&self)?.etag_of_body();
        Ok(match &self.next {
            Some(cursor) => response.header("link", &next_link(request, cursor)),
            None => response,
        })
    }
}

/// The `Link` (RFC 8288) to the next page: the same path and query with another
/// cursor.
pub fn next_link(request: &Request, cursor: &str) -> String {
    let mut link = "<".to_owned();
    for segment in &request.path {
        link.push('/');
        percent_encode(segment, &mut link);
    }
    link.push('?');
    for parameter in request
        .query
        .iter()
        .filter(|parameter| parameter.name != "cursor")
    {
        percent_encode(&parameter.name, &mut link);
        link.push('=');
        percent_encode(&parameter.value, &mut link);
        link.push('&');
    }
    link.push_str("cursor=");
    link.push_str(cursor);
    link.push_str(">; rel=\"next\"");
    link
}

/// Everything but the unreserved characters of RFC 3986, section 2.3.
fn percent_encode(text: &str, into: &mut String) {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            let [high, low] = [byte >> 4, byte & 15].map(|digit| HEX[usize::from(digit)]);
            into.extend(['%', high, low]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(found: &[i64], limit: i64) -> (Vec<i64>, Option<String>) {
        let page = Page::of(found.to_vec(), limit, i64::to_string, |number| -number);
        (page.data, page.next)
    }

    #[test]
    fn there_is_a_next_page_if_one_more_was_found() {
        assert_eq!(page(&[], 2), (vec![], None));
        assert_eq!(page(&[7, 8], 2), (vec![-7, -8], None));
        assert_eq!(page(&[7, 8, 9], 2), (vec![-7, -8], Some("8".to_owned())));
    }
}
