//! The EIP-712 message by which a depositor lets another send its lock.
//!
//! The domain names the chain, the escrow and the hub; deal id and leg hash bind everything else, so that one signature
//! can open one lock at most.

use infrastrukt_types::{B256, DealId, HubId, LegRef, Timestamp, keccak256};

use crate::LegRules;

const DOMAIN_TYPE: &str =
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)";
const LOCK_TYPE: &str = "Lock(bytes32 dealId,uint8 index,bytes32 legHash,uint256 deadline)";
const NAME: &str = "INFRASTRUKT Escrow";
const VERSION: &str = "1";

/// What the depositor signs to let anyone lock `leg` in the escrow of these rules until `deadline`.
pub fn lock_digest(hub_id: HubId, rules: &LegRules, deal: DealId, leg: &LegRef, deadline: Timestamp) -> B256 {
    let names = [DOMAIN_TYPE, NAME, VERSION].map(|text| keccak256(text.as_bytes()));
    let domain = [names[0], names[1], names[2], word(rules.here.0), rules.escrow.0, hub_id.0];
    let index = word(u64::from(leg.index));
    let lock = [keccak256(LOCK_TYPE.as_bytes()), deal.0, index, leg.leg.hash(leg.lock_by), word(deadline.0)];
    keccak256([[0x19, 0x01].as_slice(), hash(&domain).as_slice(), hash(&lock).as_slice()].concat())
}

fn hash(words: &[B256]) -> B256 {
    keccak256(words.iter().map(|word| word.0).collect::<Vec<_>>().concat())
}

fn word(value: u64) -> B256 {
    B256::left_padding_from(&value.to_be_bytes())
}
