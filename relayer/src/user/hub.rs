//! The hub as users' commands reach it.

use std::{future::Future, time::Duration};

use infrastrukt_api::{ErrorCode, HubApiClient as _, HubStatus};
use jsonrpsee::{
    core::client::Error as ClientError,
    http_client::{HttpClient, HttpClientBuilder},
};

use super::UserError;
use crate::config::redact_url;

/// Longest wait for one answer: registering a deal waits for a decided block.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// A client of the hub whose failures say what to do.
#[derive(Clone, Debug)]
pub struct Hub {
    shown_url: String,
    client: HttpClient,
}

impl Hub {
    /// Prepares a client; nothing is asked yet.
    pub fn new(url: &str) -> Result<Self, UserError> {
        let shown_url = redact_url(url);
        let client = HttpClientBuilder::default()
            .request_timeout(ANSWER_MAX)
            .build(url)
            .map_err(|error| UserError::HubDown { url: shown_url.clone(), reason: error.to_string() })?;
        Ok(Self { shown_url, client })
    }

    /// The methods of the hub, for [`Hub::call`].
    pub const fn api(&self) -> &HttpClient {
        &self.client
    }

    /// Its address, without secrets.
    pub fn url(&self) -> &str {
        &self.shown_url
    }

    /// Waits for an answer and turns a failure into what the user can do about it.
    pub async fn call<T>(&self, answer: impl Future<Output = Result<T, ClientError>>) -> Result<T, UserError> {
        answer.await.map_err(|error| self.failure(error))
    }

    /// The hub at a glance.
    pub async fn status(&self) -> Result<HubStatus, UserError> {
        self.call(self.client.status()).await
    }

    fn failure(&self, error: ClientError) -> UserError {
        match error {
            ClientError::Call(object) => {
                let text = object.message().to_owned();
                match code(object.code()) {
                    Some(ErrorCode::Refused) => UserError::HubRefused(text),
                    Some(ErrorCode::Busy | ErrorCode::Halted | ErrorCode::Internal) => UserError::HubBusy(text),
                    Some(ErrorCode::Timeout) => UserError::TimedOut { what: text, after: ANSWER_MAX },
                    None => UserError::HubRefused(format!("{text} (code {})", object.code())),
                }
            }
            ClientError::ParseError(error) => {
                UserError::Unexpected(format!("the hub at {} answers nonsense: {error}", self.shown_url))
            }
            other => UserError::HubDown { url: self.shown_url.clone(), reason: other.to_string() },
        }
    }
}

fn code(value: i32) -> Option<ErrorCode> {
    use ErrorCode::{Busy, Halted, Internal, Refused, Timeout};
    [Refused, Busy, Timeout, Halted, Internal].into_iter().find(|code| *code as i32 == value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::FailureKind;
    use infrastrukt_api::refusal;

    fn check(code: ErrorCode, expected: FailureKind) {
        let hub = Hub::new("http://user:secret@127.0.0.1:1/key").expect("a URL");
        let failure = hub.failure(ClientError::Call(refusal(code, "why")));
        assert_eq!(failure.kind(), expected, "{code:?}");
        assert!(!hub.url().contains("secret"));
    }

    #[test]
    fn every_code_has_a_kind() {
        check(ErrorCode::Refused, FailureKind::Refused);
        check(ErrorCode::Busy, FailureKind::Unavailable);
        check(ErrorCode::Timeout, FailureKind::TimedOut);
        check(ErrorCode::Halted, FailureKind::Unavailable);
        check(ErrorCode::Internal, FailureKind::Unavailable);
    }
}
