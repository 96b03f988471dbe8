//! `POST /services`

use serde_json::Value;
use stoa_kit::form::{self, Errors};
use stoa_kit::{Field, Problem, Request, Response};
use stoa_services::{Full, InstanceName, Location, Registration, ServiceId, Version};

use crate::representation::{Shown, answer};
use crate::store::{self, Bucket};

/// An operator's lease in milliseconds: 1 s to 1 day.
struct Lease(i64);

impl Field for Lease {
    fn read(value: &Value, errors: &mut Errors) -> Option<Self> {
        form::integer(value, 1_000, 86_400_000, errors).map(Self)
    }
}

/// Stores or overwrites an instance of a service. 201 when the service was
/// not live before, else 200.
///
/// Errors: `invalid` (422, one entry per field), `too_many_instances` (409).
pub(crate) fn run(bucket: &impl Bucket, request: &Request, now: i64) -> Result<Response, Problem> {
    let (id, registration) = read(request)?;
    let (was_live, record) = store::change(bucket, &id, |record| {
        let was_live = record.is_live(now);
        record.register(registration.clone(), now)?;
        Ok((was_live, record.clone()))
    })?
    .map_err(|full: Full| {
        Problem::conflict("too_many_instances", format!("Not stored: {full}."))
    })?;

    let shown = Shown::of(&record, now)
        .ok_or_else(|| Problem::internal("a service is not live right after its registration"))?;
    let mut response = answer(&shown)?;
    if !was_live {
        response.status = 201;
        response = response.header("location", &format!("/services/{id}"));
    }
    Ok(response)
}

fn read(request: &Request) -> Result<(ServiceId, Registration), Problem> {
    let mut form = request.form()?;
    let id = form.required::<ServiceId>("id");
    let location = form.required::<Location>("url");
    let instance = form.or("instance", InstanceName::default());
    let version = form.optional::<Version>("version");
    let lease = form.optional::<Lease>("lease_ms");
    form.finish()?;
    let fields = id.zip(location).zip(instance).zip(version).zip(lease);
    let ((((id, location), instance), version), lease) =
        fields.ok_or_else(|| Problem::internal("a form is fine and lacks a field"))?;
    let registration = Registration {
        instance,
        location,
        version,
        lease: lease.map(|lease| lease.0),
    };
    Ok((id, registration))
}
