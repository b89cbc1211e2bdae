//! What a hub is from its first block on: its identity, its timing, its chains.

use infrastrukt_types::{Account, B256, Caip2, ChainId, HubId, Route, Scheme, Timestamp, ValidatorSet, codec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::{
    digest::Preimage,
    limits::{CHAINS_MAX, DEAL_SPAN_MAX_S, KEPT_VALIDATORS_MAX, NAME_MAX, TIMING_MAX_S, VALIDATORS_MAX},
    valset::is_sole_quorum,
};

/// What makes a hub this hub. Its hash goes into every digest, and contracts are deployed with it, so it names no
/// contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Name for people.
    pub name: String,
    /// Hub time of height 0.
    pub created_at: Timestamp,
    /// The set of epoch 1.
    pub validators: ValidatorSet,
    /// When that set loses all power.
    pub epoch_expires_at: Timestamp,
}

/// Everything two validators must agree on before the first block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Genesis {
    /// Identity.
    pub identity: Identity,
    /// Timing of the hub itself.
    pub timing: HubTiming,
    /// Registered chains.
    pub chains: Vec<ChainRecord>,
}

/// Bounds of the hub's own times, in seconds unless the name says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubTiming {
    /// From a decision to its certificate in normal operation.
    pub certify_s: u64,
    /// How long after `sign_by` a COMMIT may still be signed: time to recover from a crash (H).
    pub recovery_s: u64,
    /// How long after `sign_by + H + skew` the escape opens at least.
    pub escape_delay_s: u64,
    /// Least time between request and execution of an escape.
    pub escape_window_s: u64,
    /// Most time the parties of a deal may take for locking.
    pub lock_within_max_s: u64,
    /// Blocks after which an uncertified leaf is issued again.
    pub reissue_after_blocks: u64,
    /// Furthest a proposed block time may be from a validator's own clock.
    pub skew_max_s: u64,
}

/// Bounds of one chain's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainTiming {
    /// From inclusion to finality (F).
    pub finality_s: u64,
    /// From broadcast to inclusion, under censorship (C).
    pub inclusion_s: u64,
    /// Difference between chain time and hub time, drift over a deal's length included (s).
    pub skew_s: u64,
    /// From finality to a proven fact in the hub (P).
    pub observe_s: u64,
}

/// A registered chain with the hub's contracts there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainRecord {
    /// Id on the wire.
    pub id: ChainId,
    /// Name for people (CAIP-2).
    pub name: Caip2,
    /// Emits and delivers messages.
    pub gateway: Account,
    /// Holds the legs of deals.
    pub escrow: Account,
    /// Checks certificates.
    pub verifier: Account,
    /// Moves tokens.
    pub token_bridge: Account,
    /// Bounds of its times.
    pub timing: ChainTiming,
}

/// Why a genesis is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// Name empty or too long.
    #[error("the hub's name has 1 to {NAME_MAX} bytes, not {0}")]
    Name(usize),
    /// Too many validators.
    #[error("{members} validators are more than {most}, the most whose certificates all chains of the hub can take")]
    TooManyValidators {
        /// How many.
        members: usize,
        /// Most allowed.
        most: usize,
    },
    /// One key decides alone.
    #[error("one validator alone holds more than two thirds of the weight: spread it over distinct operators")]
    SoleQuorum,
    /// The first epoch is over before it begins.
    #[error("epoch 1 expires at {expires_at}, not after the genesis at {created_at}: choose a later time")]
    EpochExpired {
        /// When the set loses power.
        expires_at: Timestamp,
        /// When the hub begins.
        created_at: Timestamp,
    },
    /// A time out of range.
    #[error("{field} is {value}, outside of {least} to {most}: correct it in the genesis")]
    Timing {
        /// Which one.
        field: String,
        /// Its value.
        value: u64,
        /// Least allowed.
        least: u64,
        /// Most allowed.
        most: u64,
    },
    /// The longest deal would outlive the certificates' acceptance.
    #[error("a deal could last {longest} s, more than {DEAL_SPAN_MAX_S}: shorten the hub's or the chains' times")]
    DealTooLong {
        /// Longest possible deal.
        longest: u64,
    },
    /// A clock that is behind would let a COMMIT be signed while an escape already runs.
    #[error(
        "skew_max_s is {skew_max_s}, more than the {most} s between the last signature on a COMMIT and the escape of \
         chain {chain}: lower it, or raise escape_delay_s"
    )]
    SkewWide {
        /// The chain with the least room.
        chain: ChainId,
        /// What was given.
        skew_max_s: u64,
        /// Most allowed.
        most: u64,
    },
    /// Too few or too many chains.
    #[error("a hub has 1 to {CHAINS_MAX} chains, not {0}")]
    ChainCount(usize),
    /// The same id or name twice.
    #[error("chain {0} is registered twice")]
    DuplicateChain(ChainId),
    /// Id and name disagree.
    #[error("chain {name} has the id {id}: an eip155 chain has its own number, any other an id from 2^63 on")]
    ChainName {
        /// Its id.
        id: ChainId,
        /// Its name.
        name: Caip2,
    },
    /// A contract that is missing, malformed or used twice.
    #[error("the {contract} of chain {chain} is {account}: it must be a non-zero address used once")]
    Contract {
        /// The chain.
        chain: ChainId,
        /// Which contract.
        contract: &'static str,
        /// What was given.
        account: Account,
    },
}

impl Identity {
    /// The hub's id: hash of the tag, the name with its length, and the other fields packed.
    pub fn hub_id(&self) -> HubId {
        let name_len = u32::try_from(self.name.len()).unwrap_or(u32::MAX);
        let digest = Preimage::tagged("INFRASTRUKT/GENESIS/v1")
            .u32(name_len)
            .bytes(&self.name)
            .u64(self.created_at.0)
            .bytes(self.validators.hash(Scheme::Ecdsa))
            .u64(self.epoch_expires_at.0)
            .keccak();
        HubId(digest)
    }

    /// Checks every bound of it.
    pub fn validate(&self) -> Result<(), GenesisError> {
        let Self { name, created_at, validators, epoch_expires_at } = self;
        if name.is_empty() || name.len() > NAME_MAX {
            return Err(GenesisError::Name(name.len()));
        }
        at_most(validators, VALIDATORS_MAX)?;
        if is_sole_quorum(validators) {
            return Err(GenesisError::SoleQuorum);
        }
        if epoch_expires_at <= created_at {
            return Err(GenesisError::EpochExpired { expires_at: *epoch_expires_at, created_at: *created_at });
        }
        Ok(())
    }
}

impl ChainRecord {
    /// True when accounts of this chain are 20-byte addresses.
    pub fn has_evm_accounts(&self) -> bool {
        self.name.eip155().is_some()
    }

    /// The hub's contracts here, by name.
    pub fn contracts(&self) -> [(&'static str, Account); 4] {
        [
            ("gateway", self.gateway),
            ("escrow", self.escrow),
            ("verifier", self.verifier),
            ("token bridge", self.token_bridge),
        ]
    }

    fn validate(&self) -> Result<(), GenesisError> {
        let own_number = self.name.eip155().map_or(self.id.0 >= ChainId::HUB_ASSIGNED_MIN, |id| id == self.id);
        if !own_number {
            return Err(GenesisError::ChainName { id: self.id, name: self.name.clone() });
        }
        let mut seen = BTreeSet::new();
        for (contract, account) in self.contracts() {
            let malformed = self.has_evm_accounts() && account.to_evm().is_err();
            if account.is_zero() || malformed || !seen.insert(account) {
                return Err(GenesisError::Contract { chain: self.id, contract, account });
            }
        }
        let ChainTiming { finality_s, inclusion_s, skew_s, observe_s } = self.timing;
        for (field, value, least) in [
            ("finality_s", finality_s, 0),
            ("inclusion_s", inclusion_s, 1),
            ("skew_s", skew_s, 0),
            ("observe_s", observe_s, 1),
        ] {
            in_range(&format!("chain {}: {field}", self.name), value, least)?;
        }
        Ok(())
    }
}

impl ChainTiming {
    /// From a lock to its proof in the hub: `F + P + s`.
    pub const fn prove_s(&self) -> u64 {
        self.finality_s.saturating_add(self.observe_s).saturating_add(self.skew_s)
    }

    /// From a public certificate to a final settlement: `C + F + s`.
    pub const fn settle_s(&self) -> u64 {
        self.inclusion_s.saturating_add(self.finality_s).saturating_add(self.skew_s)
    }
}

fn in_range(field: &str, value: u64, least: u64) -> Result<(), GenesisError> {
    if (least..=TIMING_MAX_S).contains(&value) {
        return Ok(());
    }
    Err(GenesisError::Timing { field: field.to_owned(), value, least, most: TIMING_MAX_S })
}

impl Genesis {
    /// The chain with this id.
    pub fn chain(&self, id: ChainId) -> Option<&ChainRecord> {
        self.chains.iter().find(|chain| chain.id == id)
    }

    /// Most members of a validator set that all registered chains can take.
    pub fn validators_max(&self) -> usize {
        if self.chains.iter().all(ChainRecord::has_evm_accounts) { VALIDATORS_MAX } else { KEPT_VALIDATORS_MAX }
    }

    /// The gateways between two registered chains.
    pub fn route(&self, source: ChainId, target: ChainId) -> Option<Route> {
        Some(Route { source_gateway: self.chain(source)?.gateway, target_gateway: self.chain(target)?.gateway })
    }

    /// Hash of everything in it. Validators that differ here would diverge, so storage remembers it.
    pub fn digest(&self) -> B256 {
        Preimage::tagged("INFRASTRUKT/GENESIS-FILE/v1").bytes(codec::encode(self)).keccak()
    }

    /// Checks every bound; what passes can never make a deadline overflow.
    pub fn validate(&self) -> Result<(), GenesisError> {
        self.identity.validate()?;
        self.validate_timing()?;
        if self.chains.is_empty() || self.chains.len() > CHAINS_MAX {
            return Err(GenesisError::ChainCount(self.chains.len()));
        }
        at_most(&self.identity.validators, self.validators_max())?;
        let mut seen = BTreeSet::new();
        for chain in &self.chains {
            chain.validate()?;
            if !seen.insert(chain.id) {
                return Err(GenesisError::DuplicateChain(chain.id));
            }
            self.validate_skew(chain)?;
        }
        match self.longest_deal_s() {
            longest if longest > DEAL_SPAN_MAX_S => Err(GenesisError::DealTooLong { longest }),
            _ => Ok(()),
        }
    }

    fn validate_timing(&self) -> Result<(), GenesisError> {
        let timing = &self.timing;
        in_range("certify_s", timing.certify_s, 1)?;
        in_range("recovery_s", timing.recovery_s, 1)?;
        in_range("escape_delay_s", timing.escape_delay_s, 0)?;
        in_range("escape_window_s", timing.escape_window_s, 1)?;
        in_range("lock_within_max_s", timing.lock_within_max_s, 1)?;
        in_range("reissue_after_blocks", timing.reissue_after_blocks, 1)?;
        in_range("skew_max_s", timing.skew_max_s, 1)
    }

    /// S1: a validator's clock may be behind by `skew_max_s`, so that a COMMIT is signed that much after `sign_by + H`.
    /// An escape executes at `sign_by + H + s + delay` and a window of `C + F + s` at the earliest. A settlement that
    /// begins with the last signature, and is in a block `C + s` later, must still come first.
    fn validate_skew(&self, chain: &ChainRecord) -> Result<(), GenesisError> {
        let (skew_max_s, timing) = (self.timing.skew_max_s, &chain.timing);
        let most = self.timing.escape_delay_s.saturating_add(timing.finality_s).saturating_add(timing.skew_s);
        if skew_max_s > most {
            return Err(GenesisError::SkewWide { chain: chain.id, skew_max_s, most });
        }
        Ok(())
    }

    /// Upper bound on the time from registration to the last possible escape.
    fn longest_deal_s(&self) -> u64 {
        let timing = &self.timing;
        let most = |of: fn(&ChainTiming) -> u64| self.chains.iter().map(|chain| of(&chain.timing)).max().unwrap_or(0);
        let settle = most(ChainTiming::settle_s).saturating_add(1).max(timing.escape_window_s);
        [
            timing.lock_within_max_s,
            timing.skew_max_s,
            most(ChainTiming::prove_s),
            timing.certify_s,
            timing.recovery_s,
            most(|chain| chain.skew_s),
            timing.escape_delay_s,
            settle,
        ]
        .into_iter()
        .fold(0, u64::saturating_add)
    }
}

fn at_most(validators: &ValidatorSet, most: usize) -> Result<(), GenesisError> {
    let members = validators.members().len();
    if members > most { Err(GenesisError::TooManyValidators { members, most }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{genesis, mixed_genesis, validator_set};
    use infrastrukt_types::{Address, Validator};

    fn refused(change: impl FnOnce(&mut Genesis)) -> GenesisError {
        let mut genesis = genesis();
        change(&mut genesis);
        genesis.validate().expect_err("refused")
    }

    #[test]
    fn a_sane_genesis_is_accepted() {
        assert_eq!(genesis().validate(), Ok(()));
    }

    #[test]
    fn identity_is_bound_field_by_field() {
        let identity = genesis().identity;
        let id = identity.hub_id();
        let with = |change: fn(&mut Identity)| {
            let mut other = identity.clone();
            change(&mut other);
            other.hub_id()
        };
        assert_ne!(with(|other| other.name.push('x')), id);
        assert_ne!(with(|other| other.created_at.0 += 1), id);
        assert_ne!(with(|other| other.epoch_expires_at.0 += 1), id);
        assert_ne!(with(|other| other.validators = validator_set(3)), id);
    }

    #[test]
    fn kelpdao_one_verifier_refused() {
        let alone = vec![
            Validator { address: Address::repeat_byte(1), weight: 9 },
            Validator { address: Address::repeat_byte(2), weight: 1 },
        ];
        let set = ValidatorSet::new(alone).expect("well formed");
        assert_eq!(refused(|genesis| genesis.identity.validators = set), GenesisError::SoleQuorum);
    }

    #[test]
    fn a_set_is_as_large_as_every_chain_can_take() {
        let large = |mut genesis: Genesis| {
            genesis.identity.validators = validator_set(33);
            genesis.validate()
        };
        assert_eq!(large(genesis()), Ok(()));
        assert_eq!(large(mixed_genesis()), Err(GenesisError::TooManyValidators { members: 33, most: 32 }));
    }

    #[test]
    fn chains_must_be_distinct_and_named_by_their_id() {
        let twice = refused(|genesis| genesis.chains[1] = genesis.chains[0].clone());
        assert_eq!(twice, GenesisError::DuplicateChain(genesis().chains[0].id));
        let misnamed = refused(|genesis| genesis.chains[0].id = ChainId(5));
        assert!(matches!(misnamed, GenesisError::ChainName { .. }));
        let zero = refused(|genesis| genesis.chains[0].escrow = Account::ZERO);
        assert!(matches!(zero, GenesisError::Contract { contract: "escrow", .. }));
        let shared = refused(|genesis| genesis.chains[0].verifier = genesis.chains[0].gateway);
        assert!(matches!(shared, GenesisError::Contract { contract: "verifier", .. }));
    }

    #[test]
    fn a_chain_that_is_no_evm_chain_has_wide_accounts_and_an_id_that_the_hub_assigned() {
        assert_eq!(mixed_genesis().validate(), Ok(()));
        let mut own_number = mixed_genesis();
        own_number.chains[1].id = ChainId(101);
        assert!(matches!(own_number.validate(), Err(GenesisError::ChainName { .. })));
        let narrow = refused(|genesis| genesis.chains[0].escrow = Account(B256::repeat_byte(1)));
        assert!(matches!(narrow, GenesisError::Contract { contract: "escrow", .. }));
    }

    #[test]
    fn no_clock_is_so_far_behind_that_a_commit_is_signed_into_an_escape() {
        let mut tight = genesis();
        tight.timing.escape_delay_s = 5;
        let timing = tight.chains[0].timing;
        let most = 5 + timing.finality_s + timing.skew_s;
        tight.timing.skew_max_s = most;
        assert_eq!(tight.validate(), Ok(()));
        tight.timing.skew_max_s = most + 1;
        let chain = tight.chains[0].id;
        assert_eq!(tight.validate(), Err(GenesisError::SkewWide { chain, skew_max_s: most + 1, most }));
    }

    #[test]
    fn times_are_bounded() {
        let long = refused(|genesis| genesis.timing.recovery_s = TIMING_MAX_S + 1);
        assert!(matches!(long, GenesisError::Timing { .. }));
        let zero = refused(|genesis| genesis.timing.certify_s = 0);
        assert!(matches!(zero, GenesisError::Timing { .. }));
        let chain = refused(|genesis| genesis.chains[0].timing.finality_s = u64::MAX);
        assert!(matches!(chain, GenesisError::Timing { .. }));
        let sum = refused(|genesis| {
            genesis.timing.recovery_s = TIMING_MAX_S;
            genesis.timing.escape_delay_s = TIMING_MAX_S;
            genesis.timing.escape_window_s = TIMING_MAX_S;
        });
        assert!(matches!(sum, GenesisError::DealTooLong { .. }));
    }
}
