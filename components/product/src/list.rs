//! `GET /products`

use serde::Serialize;
use stoa_kit::{Problem, Request, Response};

use crate::listing::Listing;
use crate::product::{Product, cacheable};
use crate::queries;

#[derive(Serialize)]
struct Page {
    data: Vec<Product>,
    /// The cursor of the next page, null on the last one.
    next: Option<String>,
}

/// Lists products, newest first unless asked otherwise; administrators see
/// drafts too.
///
/// Parameters: `limit`, `cursor`, `sort`, `status`, `min_price`, `max_price`,
/// `currency`, `q`. Errors: `invalid_query` (400), and 401 or 403 when someone
/// else asks for drafts.
pub(crate) fn run(request: &Request) -> Result<Response, Problem> {
    let mut listing = Listing::read(request)?;
    let mut found = queries::list(&mut listing)?;
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found
        .last()
        .filter(|_| has_more)
        .map(|last| listing.cursor(last.position.clone()));
    let link = next.as_ref().map(|cursor| next_link(request, cursor));
    let data = found.into_iter().map(|listed| listed.product).collect();
    let mut response = Response::json(&Page { data, next })?.etag_of_body();
    if let Some(link) = link {
        response = response.header("link", &link);
    }
    Ok(cacheable(request, response))
}

/// The `Link` (RFC 8288) to the next page: the same query with another cursor.
fn next_link(request: &Request, cursor: &str) -> String {
    let mut link = "</products?".to_owned();
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
mod tests;
