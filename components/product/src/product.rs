//! A product as it is stored and shown, and the draft an administrator sends.

use serde::Serialize;
use serde_json::Value;
use stoa_domain::Money;
use stoa_kit::attributes::Attributes;
use stoa_kit::{Form, Id, Problem, Request, Response, Timestamp, merge};

use crate::fields::{Description, Name, Sku, Status, Stock};
use crate::image::Images;
use crate::slug::Slug;

/// A product, with its fields in the order in which they are shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Product {
    pub(crate) id: Id,
    pub(crate) sku: Sku,
    pub(crate) slug: Slug,
    pub(crate) name: Name,
    pub(crate) description: Description,
    pub(crate) status: Status,
    pub(crate) price: Money,
    pub(crate) stock: Stock,
    pub(crate) images: Images,
    pub(crate) attributes: Attributes,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) version: i64,
}

/// What a client may write.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draft {
    pub(crate) sku: Sku,
    /// `None`: the one it has, or one made from the name.
    pub(crate) slug: Option<Slug>,
    pub(crate) name: Name,
    pub(crate) description: Description,
    pub(crate) status: Status,
    pub(crate) price: Money,
    pub(crate) stock: Stock,
    pub(crate) images: Images,
    pub(crate) attributes: Attributes,
}

impl Draft {
    /// Reads a draft; fields left out or null take their defaults.
    ///
    /// Errors: `invalid` (422) with one entry for each field that is wrong;
    /// its code is `read_only` for fields only the server sets.
    pub(crate) fn read(body: Value) -> Result<Self, Problem> {
        let mut form = Form::of_resource(body)?;
        let draft = Self::fields(&mut form);
        form.complete(|| draft)
    }

    fn fields(form: &mut Form) -> Option<Self> {
        let sku = form.required("sku");
        let slug = form.optional("slug");
        let name = form.required("name");
        let description = form.or("description", Description::default());
        let status = form.or("status", Status::default());
        let price = form.required("price");
        let stock = form.or("stock", Stock::default());
        let images = form.or("images", Images::default());
        let attributes = form.or("attributes", Attributes::default());
        Some(Self {
            sku: sku?,
            slug: slug?,
            name: name?,
            description: description?,
            status: status?,
            price: price?,
            stock: stock?,
            images: images?,
            attributes: attributes?,
        })
    }

    /// Reads what a product becomes by a merge patch (RFC 7396). Null resets
    /// a field to its default; the slug stays.
    ///
    /// Errors: those of [`Draft::read`], about the merged document.
    pub(crate) fn merged(product: &Product, patch: &Value) -> Result<Self, Problem> {
        Self::read(merge::document(product, patch)?)
    }
}

/// The id in a path.
///
/// Errors: `not_found` (404) for anything that is no UUID.
pub(crate) fn parse_id(id: &str) -> Result<Id, Problem> {
    Id::parse(id, "product")
}

/// 404, in the words of [`parse_id`].
pub(crate) fn not_found() -> Problem {
    Problem::not_found("There is no product with this id.")
}

/// Says who may keep an answer: caches, when nobody in particular asked, as
/// that is what everybody sees; otherwise nobody.
pub(crate) fn cacheable(request: &Request, response: Response) -> Response {
    let control = if request.identity().is_none() {
        "public, max-age=60, stale-while-revalidate=300"
    } else {
        "private, no-store"
    };
    response
        .header("cache-control", control)
        .header("vary", "authorization")
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stoa_kit::problem::Place;

    use super::*;

    fn errors(problem: &Problem) -> Vec<(String, &'static str)> {
        let place = |place: &Place| match place {
            Place::Pointer(pointer) => pointer.clone(),
            other => format!("{other:?}"),
        };
        problem
            .errors()
            .iter()
            .map(|e| (place(&e.place), e.code))
            .collect()
    }

    fn smallest() -> Value {
        json!({"sku": "A", "name": "Tea", "price": {"amount": 0, "currency": "EUR"}})
    }

    fn stored() -> Product {
        let draft = Draft::read(smallest()).unwrap();
        Product {
            id: Id::new(),
            slug: Slug::derive("Tea", "A"),
            sku: draft.sku,
            name: draft.name,
            description: Description("Green.".to_owned()),
            status: Status::Published,
            price: draft.price,
            stock: Stock(7),
            images: draft.images,
            attributes: serde_json::from_value(json!({"a": {"b": 1, "c": 2}})).unwrap(),
            created: Timestamp(0),
            updated: Timestamp(0),
            version: 3,
        }
    }

    #[test]
    fn what_is_left_out_or_null_takes_its_default() {
        let mut nulls = smallest();
        for name in [
            "slug",
            "description",
            "status",
            "stock",
            "images",
            "attributes",
        ] {
            nulls[name] = Value::Null;
        }
        let draft = Draft::read(smallest()).unwrap();
        assert_eq!(draft, Draft::read(nulls).unwrap());
        assert_eq!(
            (draft.slug, draft.status, draft.stock),
            (None, Status::Draft, Stock(0))
        );
        assert_eq!(draft.description.0, "");
        assert_eq!(json!([draft.images, draft.attributes]), json!([[], {}]));
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let problem = Draft::read(json!({
            "id": "x", "version": null, "sku": "a b", "slug": "A", "name": "", "description": 1,
            "status": "hidden", "price": {"amount": 1.5}, "stock": -1,
            "images": [{"url": "ftp://x"}], "attributes": [], "colour": "red",
        }))
        .unwrap_err();
        assert_eq!((problem.status(), problem.code()), (422, "invalid"));
        let expected = [
            ("/id", "read_only"),
            ("/version", "read_only"),
            ("/sku", "format"),
            ("/slug", "format"),
            ("/name", "length"),
            ("/description", "type"),
            ("/status", "value"),
            ("/price/amount", "type"),
            ("/price/currency", "required"),
            ("/stock", "range"),
            ("/images/0/url", "format"),
            ("/attributes", "type"),
            ("/colour", "unknown"),
        ];
        assert_eq!(
            errors(&problem),
            expected.map(|(place, code)| (place.to_owned(), code))
        );
    }

    #[test]
    fn what_is_required_is_required() {
        let problem = Draft::read(json!({})).unwrap_err();
        let expected = ["/sku", "/name", "/price"].map(|place| (place.to_owned(), "required"));
        assert_eq!(errors(&problem), expected);
        assert_eq!(Draft::read(json!([])).unwrap_err().status(), 422);
    }

    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else() {
        let product = stored();
        let patch = json!({"stock": 6, "attributes": {"a": {"b": null, "d": 4}}});
        let draft = Draft::merged(&product, &patch).unwrap();
        assert_eq!(draft.stock, Stock(6));
        assert_eq!(json!(draft.attributes), json!({"a": {"c": 2, "d": 4}}));
        assert_eq!(draft.slug, Some(product.slug.clone()));
        assert_eq!(
            (draft.name, draft.status, draft.description),
            (product.name, product.status, product.description)
        );
    }

    #[test]
    fn null_resets_a_field_that_has_a_default() {
        let patch = json!({"description": null, "stock": null, "attributes": null, "slug": null});
        let draft = Draft::merged(&stored(), &patch).unwrap();
        assert_eq!((draft.description.0.as_str(), draft.stock), ("", Stock(0)));
        assert_eq!((json!(draft.attributes), draft.slug), (json!({}), None));
        let problem = Draft::merged(&stored(), &json!({"name": null})).unwrap_err();
        assert_eq!(errors(&problem), [("/name".to_owned(), "required")]);
    }

    #[test]
    fn a_patch_cannot_touch_what_the_server_sets() {
        for patch in [json!({"version": 9}), json!({"version": null})] {
            let problem = Draft::merged(&stored(), &patch).unwrap_err();
            assert_eq!(errors(&problem), [("/version".to_owned(), "read_only")]);
        }
        assert_eq!(
            Draft::merged(&stored(), &json!([1])).unwrap_err().status(),
            422
        );
    }
}
