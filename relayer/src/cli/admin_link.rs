//! The running relayer of this data directory, found by the file that it writes.

use std::{
    future::Future,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use infrastrukt_api::ErrorCode;
use jsonrpsee::{
    core::client::Error as ClientError,
    http_client::{HttpClient, HttpClientBuilder},
};
use serde::{Deserialize, Serialize};

use super::Context;
use crate::user::{UserError, write_synced};

/// Longest wait for an answer of the relayer: it is on this machine.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Where a running relayer listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Endpoints {
    /// Its admin interface.
    pub(crate) admin: String,
    /// Health and metrics.
    pub(crate) health: String,
    /// Its process.
    pub(crate) pid: u32,
}

impl Endpoints {
    pub(crate) fn new(admin: SocketAddr, health: SocketAddr) -> Self {
        Self { admin: format!("http://{admin}"), health: format!("http://{health}"), pid: std::process::id() }
    }

    /// Tells the other commands of this data directory.
    pub(crate) fn publish(&self, data_dir: &Path) -> Result<(), UserError> {
        let json = serde_json::to_vec_pretty(self)
            .map_err(|error| UserError::Unexpected(format!("addresses do not encode: {error}")))?;
        write_synced(&path(data_dir), &json)
    }

    /// Takes the file back, where it is still this process's own.
    pub(crate) fn withdraw(&self, data_dir: &Path) {
        let path = path(data_dir);
        let is_ours = read(&path).is_ok_and(|known| known == *self);
        if is_ours && let Err(error) = std::fs::remove_file(&path) {
            tracing::warn!(path = %path.display(), %error, "the address file stays behind");
        }
    }
}

/// A client of the running relayer.
pub(super) struct AdminLink(HttpClient);

impl AdminLink {
    /// Finds the relayer of the data directory.
    pub(super) fn open(context: &Context) -> Result<Self, UserError> {
        let path = path(context.data_dir());
        let endpoints = read(&path)?;
        let client = HttpClientBuilder::default().request_timeout(ANSWER_MAX).build(&endpoints.admin);
        client.map(Self).map_err(|error| UserError::Damaged { path, reason: error.to_string() })
    }

    /// The methods, for [`AdminLink::call`].
    pub(super) const fn api(&self) -> &HttpClient {
        &self.0
    }

    /// Waits for an answer and turns a failure into what the user can do about it.
    pub(super) async fn call<T>(&self, answer: impl Future<Output = Result<T, ClientError>>) -> Result<T, UserError> {
        answer.await.map_err(|error| match error {
            ClientError::Call(object) if object.code() == ErrorCode::Refused as i32 => {
                UserError::RelayerRefused(object.message().to_owned())
            }
            other => UserError::RelayerDown(other.to_string()),
        })
    }
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("relayer.json")
}

fn read(path: &Path) -> Result<Endpoints, UserError> {
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => UserError::RelayerDown(format!("{} is not there", path.display())),
        _ => UserError::file(path)(error),
    })?;
    serde_json::from_slice(&bytes).map_err(|error| UserError::Damaged { path: path.into(), reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_once_and_withdrawn_by_its_owner_only() {
        let dir = tempfile::tempdir().expect("a folder");
        let address = "127.0.0.1:1".parse().expect("an address");
        let ours = Endpoints::new(address, address);
        ours.publish(dir.path()).expect("written");
        let other = Endpoints { pid: 0, ..ours.clone() };
        other.withdraw(dir.path());
        assert_eq!(read(&path(dir.path())).expect("still there"), ours);
        ours.withdraw(dir.path());
        assert!(matches!(read(&path(dir.path())), Err(UserError::RelayerDown(_))));
    }
}
