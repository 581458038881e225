//! Who calls: extractors that let a handler be reached only by those who may.

use axum::{extract::FromRequestParts, http::request::Parts};

use super::{Api, problem::Problem};
use crate::access::Role;

/// Who has sent a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub name: String,
    pub role: Role,
}

macro_rules! extractor {
    ($name:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(pub Caller);

        impl FromRequestParts<Api> for $name {
            type Rejection = Problem;

            async fn from_request_parts(_: &mut Parts, _: &Api) -> Result<Self, Problem> {
                Err(Problem::unauthorized())
            }
        }
    };
}

extractor!(Viewer, "Somebody who may look.");
extractor!(Operator, "Somebody who may change tasks, the queue and uploads.");
extractor!(Admin, "Somebody who may change settings and users.");
