//! `relayer chains`.

use infrastrukt_api::HubStatus;
use infrastrukt_ports::BlockRef;
use serde_json::{Value, json};

use super::{Context, Done, Outcome, output::Tone};
use crate::user::{Chain, Network, UserError};

pub(super) async fn run(context: &Context) -> Outcome {
    let network = context.network()?;
    let hub = network.hub.status().await;
    if let Err(error) = &hub {
        context.out.toned(Tone::Warn, error.to_string());
    }
    let hub = hub.ok();
    let (mut rows, mut documents) = (Vec::new(), Vec::new());
    for chain in network.chains() {
        let head = head(chain).await;
        let (tone, word) = service(chain, hub.as_ref());
        let final_block = match &head {
            Ok(block) => block.number.to_string(),
            Err(error) => error.to_string(),
        };
        rows.push((tone, vec![word.clone(), chain.name(), chain.file.title.clone(), final_block]));
        documents.push(document(&network, chain, &word, head));
    }
    context.out.toned_table(&["hub", "chain", "name", "final block"], rows);
    context.out.document(&documents)?;
    Ok(Done::Well)
}

async fn head(chain: &Chain) -> Result<BlockRef, UserError> {
    let head = chain.reader().finalized().await.map_err(UserError::chain(chain.name()))?;
    Ok(*head.get())
}

/// What the hub says about the chain.
fn service(chain: &Chain, hub: Option<&HubStatus>) -> (Tone, String) {
    let Some(hub) = hub else { return (Tone::Warn, "unknown".into()) };
    match hub.chains.iter().find(|known| known.id == chain.file.id) {
        None => (Tone::Bad, "not served".into()),
        Some(known) => match &known.frozen {
            Some(reason) => (Tone::Bad, format!("frozen: {reason}")),
            None => (Tone::Good, "served".into()),
        },
    }
}

fn document(network: &Network, chain: &Chain, word: &str, head: Result<BlockRef, UserError>) -> Value {
    let contracts = &chain.file.contracts;
    let id = chain.file.id;
    let (finalized, error) = match head {
        Ok(block) => (Some(block), None),
        Err(error) => (None, Some(error.to_string())),
    };
    json!({
        "id": chain.name(),
        "wire_id": id.0,
        "name": chain.file.title,
        "hub": word,
        "finalized": finalized,
        "error": error,
        "contracts": {
            "gateway": network.show_account(contracts.gateway, id),
            "escrow": network.show_account(contracts.escrow, id),
            "verifier": network.show_account(contracts.verifier, id),
            "token_bridge": network.show_account(contracts.token_bridge, id),
        },
    })
}
