//! The operations of the API, one module per subject.

pub(crate) mod assets;
pub(crate) mod jobs;
pub(crate) mod people;
pub(crate) mod projects;
pub(crate) mod session;
pub(crate) mod system;
pub(crate) mod uploads;

use std::str::FromStr;

use axum::Json;
use axum::extract::FromRequest;
use axum::extract::rejection::JsonRejection;
use serde::de::DeserializeOwned;

use crate::problem::Refusal;

/// An id in a path. One that is not an id at all names nothing.
pub(crate) fn id<T: FromStr>(text: &str, what: &'static str) -> Result<T, Refusal> {
    text.parse().map_err(|_| Refusal::not_found(what))
}

/// A JSON body whose mistakes leave as problems.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: axum::extract::Request, state: &S) -> Result<Self, Refusal> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(value)) => Ok(Self(value)),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(Refusal::invalid(
                "request.content-type",
                "the body is not declared as JSON",
                "send the header `Content-Type: application/json`",
            )),
            Err(rejection) => {
                Err(Refusal::invalid("request.body", rejection.body_text(), "compare it with `/api/openapi.json`"))
            }
        }
    }
}
