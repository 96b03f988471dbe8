//! All SQL of the service.
//!
//! Each function is one call to the database, which is one transaction. Text
//! is put together from fixed fragments only; values are always bound.

use serde::de::DeserializeOwned;
use stoa_domain::{Currency, Money};
use stoa_kit::sql::{Error, Row, Value};
use stoa_kit::{Id, Problem, Statement, Timestamp};

use crate::fields::{Description, Name, Sku, Status, Stock};
use crate::listing::{Key, Listing, Position};
#[cfg(test)]
use crate::memory::DATABASE;
use crate::product::{Draft, Product};
#[cfg(not(test))]
use crate::schema::SCHEMA as DATABASE;
use crate::slug::Slug;
use crate::words;

/// The columns of a product, in the order in which [`product`] takes them.
const COLUMNS: &str = "id, version, created, updated, status, sku, slug, name, \
     price_amount, price_currency, stock, description, images, attributes";

/// What came of a write that is only done on the version the client knows.
#[derive(Debug, PartialEq)]
pub(crate) enum Guarded {
    /// Done; the product as it is now.
    Done(Product),
    /// Not done: this is another version.
    Stale(Product),
    /// There is no such product.
    Missing,
}

/// A product in a list, and its position there.
#[derive(Debug, PartialEq)]
pub(crate) struct Listed {
    pub(crate) position: Position,
    pub(crate) product: Product,
}

/// The product with this id.
pub(crate) fn find(id: Id) -> Result<Option<Product>, Problem> {
    let rows = DATABASE.query(&select(id))?;
    Ok(first(rows)?)
}

/// Stores a new product. Where the draft has no slug and the one made from its
/// name is taken, the slug gets a suffix in the same statement.
///
/// Errors: `sku_taken`, `slug_taken` (409).
pub(crate) fn insert(id: Id, draft: &Draft, now: Timestamp) -> Result<Product, Problem> {
    let (slug, substitute) = if let Some(slug) = &draft.slug {
        (slug.clone(), None)
    } else {
        let slug = Slug::derive(&draft.name.0, &draft.sku.0);
        let substitute = slug.with_suffix(id);
        (slug, Some(substitute))
    };
    let sql = format!(
        "INSERT INTO products (id, version, created, updated, status, sku, slug, name, sort_name, \
             price_amount, price_currency, stock, description, images, attributes, words) \
         VALUES (?1, 1, ?2, ?2, ?3, ?4, \
             CASE WHEN ?6 IS NOT NULL AND EXISTS (SELECT 1 FROM products WHERE slug = ?5) \
                 THEN ?6 ELSE ?5 END, \
             ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) \
         RETURNING {COLUMNS}"
    );
    let statement = Statement::new(sql)
        .bind(id)
        .bind(now)
        .bind(draft.status.as_str())
        .bind(draft.sku.0.as_str())
        .bind(slug.as_str())
        .bind(substitute.as_ref().map(Slug::as_str));
    let rows = DATABASE
        .write(bind_content(statement, draft)?.expecting(1))
        .map_err(taken)?;
    first(rows)?.ok_or_else(|| Problem::internal("the new product was not returned"))
}

/// Replaces everything a client may write, where the version is the one given
/// or none is. A draft without a slug leaves the slug as it is.
///
/// Errors: `sku_taken`, `slug_taken` (409).
pub(crate) fn replace(
    id: Id,
    draft: &Draft,
    version: Option<i64>,
    now: Timestamp,
) -> Result<Guarded, Problem> {
    let update = Statement::new(
        "UPDATE products SET version = version + 1, updated = ?2, status = ?3, sku = ?4, \
             slug = COALESCE(?5, slug), name = ?7, sort_name = ?8, price_amount = ?9, \
             price_currency = ?10, stock = ?11, description = ?12, images = ?13, \
             attributes = ?14, words = ?15 \
         WHERE id = ?1 AND (version = ?6 OR ?6 IS NULL)",
    )
    .bind(id)
    .bind(now)
    .bind(draft.status.as_str())
    .bind(draft.sku.0.as_str())
    .bind(draft.slug.as_ref().map(Slug::as_str))
    .bind(version);
    let outcomes = DATABASE
        .transact(&[bind_content(update, draft)?, select(id)])
        .map_err(taken)?;
    let changed = outcomes.iter().map(|outcome| outcome.changed).next();
    let rows = outcomes
        .into_iter()
        .skip(1)
        .flat_map(|outcome| outcome.rows);
    Ok(match (first(rows.map(Row::new))?, changed) {
        (None, _) => Guarded::Missing,
        (Some(product), Some(1..)) => Guarded::Done(product),
        (Some(product), _) => Guarded::Stale(product),
    })
}

/// Deletes a product, where the version is the one given or none is.
pub(crate) fn delete(id: Id, version: Option<i64>) -> Result<Guarded, Problem> {
    let delete =
        Statement::new("DELETE FROM products WHERE id = ?1 AND (version = ?2 OR ?2 IS NULL)")
            .bind(id)
            .bind(version);
    let outcomes = DATABASE.transact(&[select(id), delete])?;
    let deleted = outcomes.get(1).is_some_and(|outcome| outcome.changed > 0);
    let rows = outcomes
        .into_iter()
        .take(1)
        .flat_map(|outcome| outcome.rows);
    Ok(match first(rows.map(Row::new))? {
        None => Guarded::Missing,
        Some(product) if deleted => Guarded::Done(product),
        Some(product) => Guarded::Stale(product),
    })
}

/// The products of a page, and one more where there is a next page. Where
/// these are more than the database gives at once, the limit is halved: a page
/// of large products is shorter than it may be.
pub(crate) fn list(listing: &mut Listing) -> Result<Vec<Listed>, Problem> {
    while let Some(statement) = select_page(listing) {
        match DATABASE.query(&statement) {
            Err(error) if error.is_too_large() && listing.limit > 1 => listing.limit /= 2,
            rows => {
                let rows = rows?.into_iter().map(|row| listed(row, listing));
                return Ok(rows.collect::<Result<_, _>>()?);
            }
        }
    }
    Ok(Vec::new())
}

fn select(id: Id) -> Statement {
    Statement::new(format!("SELECT {COLUMNS} FROM products WHERE id = ?1")).bind(id)
}

/// The statement for a page; `None` when the search text has no words, and so
/// finds nothing.
///
/// A search in order of creation is driven by the words' index, which yields
/// the matches in that order, so the database stops at the limit. `CROSS JOIN`
/// says so: SQLite does not reorder it. The `+` keeps it from choosing an index
/// by price where another one gives the order.
pub(crate) fn select_page(listing: &Listing) -> Option<Statement> {
    let filters = &listing.filters;
    let mut page = Page::default();
    let (source, number) = if let Some(text) = &filters.q {
        page.only("product_words MATCH ", words::match_expression(text)?);
        (
            "product_words CROSS JOIN products ON products.number = product_words.rowid",
            "product_words.rowid",
        )
    } else {
        ("products", "number")
    };
    if let Some(status) = filters.status {
        page.only("status = ", status.as_str());
    }
    let by_price = listing.order.key == Key::Price;
    if let Some(min) = filters.min_price {
        page.only(
            if by_price {
                "price_amount >= "
            } else {
                "+price_amount >= "
            },
            min,
        );
    }
    if let Some(max) = filters.max_price {
        page.only(
            if by_price {
                "price_amount <= "
            } else {
                "+price_amount <= "
            },
            max,
        );
    }
    if let Some(currency) = filters.currency {
        page.only("price_currency = ", currency.code());
    }
    let (beyond, direction) = if listing.order.descending {
        ("<", "DESC")
    } else {
        (">", "ASC")
    };
    match listing.after.clone() {
        None => {}
        Some(Position::Created(at)) => page.only(&format!("{number} {beyond} "), at),
        Some(Position::Name(name, at)) => page.beyond("sort_name", beyond, name, at),
        Some(Position::Price(amount, at)) => page.beyond("price_amount", beyond, amount, at),
    }
    let order = match listing.order.key {
        Key::Created => format!("{number} {direction}"),
        Key::Name => format!("sort_name {direction}, number {direction}"),
        Key::Price => format!("price_amount {direction}, number {direction}"),
    };
    let limit = page.bind(listing.limit + 1);
    let conditions = page.conditions();
    Some(Statement {
        sql: format!(
            "SELECT number, sort_name, {COLUMNS} FROM {source}{conditions} \
             ORDER BY {order} LIMIT {limit}"
        ),
        params: page.params,
        expect: None,
    })
}

/// The conditions of a page and the values they are about.
#[derive(Default)]
struct Page {
    conditions: Vec<String>,
    params: Vec<Value>,
}

impl Page {
    /// Adds a value; returns its placeholder.
    fn bind(&mut self, value: impl Into<Value>) -> String {
        self.params.push(value.into());
        format!("?{}", self.params.len())
    }

    /// Adds a condition that ends in a value.
    fn only(&mut self, condition: &str, value: impl Into<Value>) {
        let placeholder = self.bind(value);
        self.conditions.push(format!("{condition}{placeholder}"));
    }

    /// Adds that what comes is beyond a position in the order of a column.
    fn beyond(&mut self, column: &str, beyond: &str, value: impl Into<Value>, number: i64) {
        let (value, number) = (self.bind(value), self.bind(number));
        self.conditions
            .push(format!("({column}, number) {beyond} ({value}, {number})"));
    }

    fn conditions(&self) -> String {
        if self.conditions.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", self.conditions.join(" AND "))
        }
    }
}

/// Binds `?7` to `?15`: what an insert and an update have in common.
fn bind_content(statement: Statement, draft: &Draft) -> Result<Statement, Problem> {
    let json = |value: Result<String, serde_json::Error>| {
        value.map_err(|error| Problem::internal(format!("field is not JSON: {error}")))
    };
    let texts = [&draft.name.0, &draft.description.0, &draft.sku.0];
    Ok(statement
        .bind(draft.name.0.as_str())
        .bind(words::sort_name(&draft.name.0))
        .bind(draft.price.amount())
        .bind(draft.price.currency().code())
        .bind(draft.stock.0)
        .bind(draft.description.0.as_str())
        .bind(json(serde_json::to_string(&draft.images))?)
        .bind(json(serde_json::to_string(&draft.attributes))?)
        .bind(words::index(texts.map(String::as_str))))
}

/// Says which of the unique fields is taken.
fn taken(error: Error) -> Problem {
    match error.violated().map(|violation| violation.name.as_str()) {
        Some("products.sku") => {
            Problem::conflict_at("sku_taken", "/sku", "Another product has this SKU.")
        }
        Some("products.slug") => {
            Problem::conflict_at("slug_taken", "/slug", "Another product has this slug.")
        }
        _ => error.into(),
    }
}

fn first(rows: impl IntoIterator<Item = Row>) -> Result<Option<Product>, Error> {
    rows.into_iter()
        .next()
        .map(|mut row| product(&mut row))
        .transpose()
}

fn listed(mut row: Row, listing: &Listing) -> Result<Listed, Error> {
    let number = row.integer()?;
    let sort_name = row.text()?;
    let product = product(&mut row)?;
    let position = match listing.order.key {
        Key::Created => Position::Created(number),
        Key::Name => Position::Name(sort_name, number),
        Key::Price => Position::Price(product.price.amount(), number),
    };
    Ok(Listed { position, product })
}

fn product(row: &mut Row) -> Result<Product, Error> {
    let id = Id::parse(&row.text()?, "product").map_err(|_| Error::Shape("id is no UUID"))?;
    let version = row.integer()?;
    let created = Timestamp(row.integer()?);
    let updated = Timestamp(row.integer()?);
    let status = Status::parse(&row.text()?).ok_or(Error::Shape("status is unknown"))?;
    let sku = Sku(row.text()?);
    let slug = Slug::stored(row.text()?);
    let name = Name(row.text()?);
    let price = money(row.integer()?, &row.text()?)?;
    let stock = Stock(row.integer()?);
    let description = Description(row.text()?);
    let images = json(&row.text()?)?;
    let attributes = json(&row.text()?)?;
    Ok(Product {
        id,
        sku,
        slug,
        name,
        description,
        status,
        price,
        stock,
        images,
        attributes,
        created,
        updated,
        version,
    })
}

fn money(amount: i64, currency: &str) -> Result<Money, Error> {
    Currency::parse(currency)
        .and_then(|currency| Money::new(amount, currency))
        .ok_or(Error::Shape("price is no money"))
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|_| Error::Shape("a column is not the JSON it should be"))
}

#[cfg(test)]
mod tests;
