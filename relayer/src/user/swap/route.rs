//! Is the way open? Nobody should lock into a hub or a chain that does not work.

use std::collections::BTreeSet;

use infrastrukt_api::HubStatus;
use infrastrukt_types::{Account, ChainId};

use super::super::{Network, UserError};

/// Refuses unless the hub has a working quorum, serves these chains, and agrees with our own configuration about the
/// contracts on them.
pub async fn require_live(network: &Network, chains: &BTreeSet<ChainId>) -> Result<HubStatus, UserError> {
    let status = network.hub.status().await?;
    require_identity(network, &status)?;
    require_quorum(&status)?;
    for id in chains {
        require_chain(network, &status, *id)?;
    }
    Ok(status)
}

/// Another hub than the configured one could name deals that nobody ever decides.
fn require_identity(network: &Network, status: &HubStatus) -> Result<(), UserError> {
    let known = network.config.hub.id;
    if known == status.hub_id {
        return Ok(());
    }
    Err(UserError::refused(
        format!("the hub at {} is {}, not {known}", network.hub.url(), status.hub_id),
        "do not lock: correct hub.url, or hub.id where the hub itself was replaced",
    ))
}

/// A hub that hosts so many halted validators that the rest is no quorum can certify nothing.
fn require_quorum(status: &HubStatus) -> Result<(), UserError> {
    let halted: Vec<_> = status.hosted.iter().filter(|validator| validator.halted.is_some()).collect();
    let weight = |address| status.validators.find(address).map_or(0, |validator| u128::from(validator.weight));
    let lost: u128 = halted.iter().map(|validator| weight(validator.address)).sum();
    if status.validators.is_quorum(status.validators.total().saturating_sub(lost)) {
        return Ok(());
    }
    let reasons: Vec<&str> = halted.iter().filter_map(|validator| validator.halted.as_deref()).collect();
    Err(UserError::HubBusy(format!("{} validators have halted: {}", halted.len(), reasons.join("; "))))
}

fn require_chain(network: &Network, status: &HubStatus, id: ChainId) -> Result<(), UserError> {
    let ours = &network.chain(id)?.file;
    let theirs = status.chains.iter().find(|chain| chain.id == id).ok_or_else(|| {
        UserError::refused(
            format!("the hub does not serve {}", ours.name),
            "use a chain that `relayer chains` lists as served",
        )
    })?;
    if let Some(reason) = &theirs.frozen {
        return Err(UserError::HubBusy(format!("{} is frozen: {reason}", ours.name)));
    }
    let pairs: [(&str, Account, Account); 4] = [
        ("gateway", ours.contracts.gateway, theirs.gateway),
        ("escrow", ours.contracts.escrow, theirs.escrow),
        ("verifier", ours.contracts.verifier, theirs.verifier),
        ("token bridge", ours.contracts.token_bridge, theirs.token_bridge),
    ];
    match pairs.into_iter().find(|(_, ours, theirs)| ours != theirs) {
        None => Ok(()),
        Some((contract, mine, other)) => Err(UserError::refused(
            format!("the hub names {other} as {contract} of {}, the configuration {mine}", ours.name),
            "do not lock: find out which of the two is wrong",
        )),
    }
}
