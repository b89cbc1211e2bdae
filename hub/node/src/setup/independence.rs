//! Which validators one node may host together: none that would be fooled together, and on mainnet no quorum.

use infrastrukt_ports::StoreError;
use infrastrukt_protocol::StateView;
use infrastrukt_registry::{ChainConfig, EndpointUrl};
use infrastrukt_store::HubStore;
use infrastrukt_types::{Address, Epoch, ValidatorSet};
use std::collections::BTreeMap;

use super::{SetupError, keystore_name};
use crate::config::{Environment, NodeConfig, ValidatorConfig};

/// The chain through the validator's own endpoints, where it has some.
pub(super) fn own_view(validator: &ValidatorConfig, chain: &ChainConfig) -> Result<ChainConfig, SetupError> {
    let Some(rpc) = validator.rpc.get(&chain.caip2) else { return Ok(chain.clone()) };
    let urls = rpc.endpoints.get_ref();
    let parsed: Result<Vec<EndpointUrl>, _> =
        (1..).zip(urls).map(|(position, url)| EndpointUrl::parse(url, position)).collect();
    let parsed = parsed.map_err(|error| SetupError::Endpoints {
        keystore: keystore_name(validator),
        chain: chain.caip2.clone(),
        reason: error.to_string(),
    })?;
    Ok(chain.clone().with_endpoints(parsed, rpc.quorum))
}

/// Outside a devnet no two hosted validators see a chain through the same hosts: one lie would be attested twice.
pub(super) fn check_views(config: &NodeConfig, chains: &[ChainConfig]) -> Result<(), SetupError> {
    match config.environment {
        Environment::Devnet => return Ok(()),
        Environment::Testnet | Environment::Mainnet => {}
    }
    for chain in chains {
        let mut seen: BTreeMap<Vec<String>, &ValidatorConfig> = BTreeMap::new();
        for validator in &config.validators {
            let mut hosts: Vec<String> = own_view(validator, chain)?.endpoints.iter().map(EndpointUrl::host).collect();
            hosts.sort_unstable();
            let shown = hosts.join(", ");
            if let Some(twin) = seen.insert(hosts, validator) {
                return Err(SetupError::SharedView {
                    one: keystore_name(twin),
                    other: keystore_name(validator),
                    chain: chain.caip2.clone(),
                    hosts: shown,
                });
            }
        }
    }
    Ok(())
}

pub(super) fn check_custody(
    environment: Environment,
    epoch: Epoch,
    set: &ValidatorSet,
    hosted: &[Address],
) -> Result<(), SetupError> {
    let weight = |address: &Address| set.find(*address).map_or(0, |member| u128::from(member.weight));
    let held = hosted.iter().map(weight).sum();
    match environment {
        Environment::Mainnet if set.is_quorum(held) => Err(SetupError::Custody { epoch, held, total: set.total() }),
        Environment::Mainnet | Environment::Testnet | Environment::Devnet => Ok(()),
    }
}

/// The same for the sets in force and to come, as a validator's store has them.
pub(super) fn check_custody_of(
    environment: Environment,
    validator: Address,
    store: &HubStore,
    hosted: &[Address],
) -> Result<(), SetupError> {
    let failed = |source: StoreError| SetupError::State { validator, source: source.into() };
    let current = store.tip().map_err(failed)?.epoch;
    for epoch in [Some(current), current.next()].into_iter().flatten() {
        if let Some(record) = store.epoch(epoch).map_err(failed)? {
            check_custody(environment, epoch, &record.set, hosted)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use infrastrukt_protocol::{Change, EpochRecord, Executed, Genesis, Hub, HubTiming, Identity};
    use infrastrukt_store::{HUB_COLUMNS, MemoryStore};
    use infrastrukt_types::{Block, Height, Timestamp, Validator};
    use std::{path::Path, sync::Arc};

    fn set(bytes: [u8; 4]) -> ValidatorSet {
        let members = bytes.map(|byte| Validator { address: Address::repeat_byte(byte), weight: 1 });
        ValidatorSet::new(members.to_vec()).unwrap()
    }

    fn genesis() -> Genesis {
        let (validators, created_at) = (set([1, 2, 3, 4]), Timestamp(1_000));
        Genesis {
            identity: Identity { name: "test".into(), created_at, validators, epoch_expires_at: Timestamp(9_000) },
            timing: HubTiming {
                certify_s: 1,
                recovery_s: 1,
                escape_delay_s: 1,
                escape_window_s: 1,
                lock_within_max_s: 1,
                reissue_after_blocks: 1,
                skew_max_s: 1,
            },
            chains: Vec::new(),
        }
    }

    fn hosted(bytes: [u8; 3]) -> [Address; 3] {
        bytes.map(Address::repeat_byte)
    }

    const CHAIN: &str = r#"name = "A chain"
id = "eip155:1"
adapter = "ethereum"
symbol = "ETH"

[rpc]
endpoints = ["https://one.example/KEY", "https://two.example", "https://three.example"]
quorum = 2

[contracts]
gateway = "0x0000000000000000000000000000000000000011"
escrow = "0x0000000000000000000000000000000000000012"
verifier = "0x0000000000000000000000000000000000000013"
token_bridge = "0x0000000000000000000000000000000000000014"

[timing]
finality_s = 60
inclusion_s = 60
skew_s = 15
observe_s = 60
"#;

    /// Two validators, of which the second has endpoints of its own.
    fn views(environment: &str, endpoints: [&str; 3]) -> Result<(), SetupError> {
        let text = format!(
            "environment = \"{environment}\"\ndata_dir = \"d\"\ngenesis = \"g\"\nchains = [\"c\"]\n\n\
             [[validators]]\nkeystore = \"one\"\npassword_file = \"p\"\n\n\
             [[validators]]\nkeystore = \"two\"\npassword_file = \"p\"\n\
             rpc.\"eip155:1\" = {{ endpoints = {endpoints:?}, quorum = 2 }}\n"
        );
        let config: NodeConfig = toml::from_str(&text).unwrap();
        let chain = ChainConfig::parse(Path::new("c"), CHAIN, config.environment.into()).unwrap();
        check_views(&config, &[chain])
    }

    #[test]
    fn hosted_validators_have_views_of_their_own() {
        let same = ["https://three.example/OTHER", "https://two.example", "https://one.example"];
        for environment in ["testnet", "mainnet"] {
            let refused = views(environment, same).unwrap_err();
            assert!(matches!(&refused, SetupError::SharedView { one, other, .. } if one == "one" && other == "two"));
            assert!(!refused.to_string().contains("KEY"), "{refused}");
            assert!(views(environment, ["https://four.example", "https://two.example", "https://one.example"]).is_ok());
        }
        assert!(views("devnet", same).is_ok());
    }

    #[test]
    fn a_quorum_in_one_hand_is_refused_on_mainnet_only() {
        let check = |environment, hosted: &[Address]| check_custody(environment, Epoch(1), &set([1, 2, 3, 4]), hosted);
        let refused = check(Environment::Mainnet, &hosted([1, 2, 3]));
        assert!(matches!(refused, Err(SetupError::Custody { epoch: Epoch(1), held: 3, total: 4 })));
        assert!(check(Environment::Mainnet, &hosted([1, 2, 9])).is_ok());
        assert!(check(Environment::Testnet, &hosted([1, 2, 3])).is_ok());
    }

    #[test]
    fn custody_follows_the_sets_in_force_and_to_come() {
        let hub = Hub::new(genesis());
        let store = HubStore::open(Arc::new(MemoryStore::new(HUB_COLUMNS)), &hub).unwrap();
        let check = |hosted: &[Address]| check_custody_of(Environment::Mainnet, hosted[0], &store, hosted);
        assert!(check(&hosted([1, 2, 3])).is_err());
        assert!(check(&hosted([5, 6, 7])).is_ok());

        let mut tip = store.tip().unwrap();
        let block = Block { height: Height(1), time: tip.time.plus(1), parent: tip.block_hash, txs: Vec::new() };
        (tip.height, tip.time, tip.block_hash) = (block.height, block.time, block.hash());
        let next = EpochRecord::pending(Epoch(2), set([5, 6, 7, 8]), Timestamp(10_000));
        let changes = vec![Change::Epoch(next)];
        store.apply(&block, &Executed { changes, checkpoints: Vec::new(), refused: Vec::new(), tip }).unwrap();
        assert!(matches!(check(&hosted([5, 6, 7])), Err(SetupError::Custody { epoch: Epoch(2), .. })));
        assert!(check(&hosted([5, 6, 9])).is_ok());
    }
}
