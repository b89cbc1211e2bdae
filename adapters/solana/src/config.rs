//! What the adapter is told, and the checks before any of it is used.

use infrastrukt_evm::{EndpointUrl, Environment, check_endpoints};
use infrastrukt_types::{Caip2, ChainId};
use solana_pubkey::Pubkey;
use std::time::Duration;

/// Namespace of Solana chains in CAIP-2; the reference is the first 32 characters of the genesis hash.
const NAMESPACE: &str = "solana:";

/// Characters of that reference.
const REFERENCE_LEN: usize = 32;

/// Bounds on what the chain may cost in memory and requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Slots that one scan reads at most.
    pub scan_slots_max: u64,
    /// Blocks that are fetched at a time.
    pub fetches_max: usize,
    /// Bytes of one response at most. Full blocks have some megabytes.
    pub response_bytes_max: usize,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// Compute units of one transaction at most.
    pub units_max: u32,
    /// Submissions of one wallet that may be unfinished at a time.
    pub in_flight_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            scan_slots_max: 64,
            fetches_max: 4,
            response_bytes_max: 32 << 20,
            request_timeout: Duration::from_secs(30),
            units_max: 1_400_000,
            in_flight_max: 64,
        }
    }
}

/// What a wallet pays above the fee for its signature. Prices are in micro-lamports for a compute unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeePolicy {
    /// Never offer more.
    pub unit_price_max: u64,
    /// Never offer less.
    pub unit_price_min: u64,
    /// Open the token accounts that recipients of transfers lack. Their rent is the recipients', who may close them and
    /// keep it: only for those who are paid for it by the fees of messages to this chain.
    pub open_token_accounts: bool,
}

impl Default for FeePolicy {
    /// At most 0.0014 SOL for the largest transaction there is.
    fn default() -> Self {
        Self { unit_price_max: 1_000_000, unit_price_min: 0, open_token_accounts: false }
    }
}

/// Everything about one Solana chain.
#[derive(Clone, Debug)]
pub struct SolanaConfig {
    /// Id on the wire, assigned by the hub: 2^63 or above.
    pub chain: ChainId,
    /// Name for people: `solana:` and the first 32 characters of the genesis hash, by which endpoints are checked.
    pub name: Caip2,
    /// Ticker of the native coin.
    pub native_symbol: String,
    /// Where to ask.
    pub endpoints: Vec<EndpointUrl>,
    /// How many endpoints must agree.
    pub quorum: usize,
    /// The gateway program; every other address follows from it.
    pub program: Pubkey,
    /// First slot that can hold anything of it: that of its deployment. Zero where it is not known.
    pub start_slot: u64,
    /// Bounds.
    pub limits: Limits,
    /// Prices.
    pub fees: FeePolicy,
    /// How strict to be.
    pub environment: Environment,
}

/// Why a configuration is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Endpoints or quorum.
    #[error(transparent)]
    Endpoints(#[from] infrastrukt_evm::ConfigError),
    /// An id that is not the hub's to give.
    #[error("{0} is no id of a chain without EIP-155 number: the hub assigns such ids from 2^63 on")]
    ChainId(u64),
    /// Not a Solana chain's name.
    #[error("`{0}` names no Solana chain: write solana: and the first 32 characters of its genesis hash")]
    Name(Caip2),
    /// Not deployed or forgotten.
    #[error("the address of the gateway program is zero: write the address that the deployment printed")]
    ZeroProgram,
    /// A bound of zero.
    #[error("{0} is zero: nothing could be done with it")]
    ZeroLimit(&'static str),
    /// A floor above the ceiling.
    #[error("unit_price_min of {min} is above unit_price_max of {max}: no price would do")]
    Prices {
        /// The floor.
        min: u64,
        /// The ceiling.
        max: u64,
    },
}

impl SolanaConfig {
    /// Checks every rule; nothing is asked from the network.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.chain.0 < ChainId::HUB_ASSIGNED_MIN {
            return Err(ConfigError::ChainId(self.chain.0));
        }
        let named = self.name.as_str().starts_with(NAMESPACE) && self.genesis_reference().len() == REFERENCE_LEN;
        if !named {
            return Err(ConfigError::Name(self.name.clone()));
        }
        check_endpoints(&self.endpoints, self.quorum, self.environment)?;
        if self.program == Pubkey::default() {
            return Err(ConfigError::ZeroProgram);
        }
        self.check_bounds()
    }

    /// The first characters of the genesis hash that every endpoint must have.
    pub fn genesis_reference(&self) -> &str {
        self.name.as_str().strip_prefix(NAMESPACE).unwrap_or_default()
    }

    fn check_bounds(&self) -> Result<(), ConfigError> {
        let limits = &self.limits;
        let named = [
            ("scan_slots_max", limits.scan_slots_max == 0),
            ("fetches_max", limits.fetches_max == 0),
            ("response_bytes_max", limits.response_bytes_max == 0),
            ("request_timeout", limits.request_timeout.is_zero()),
            ("units_max", limits.units_max == 0),
            ("in_flight_max", limits.in_flight_max == 0),
        ];
        if let Some((name, _)) = named.iter().find(|(_, zero)| *zero) {
            return Err(ConfigError::ZeroLimit(name));
        }
        let FeePolicy { unit_price_min: min, unit_price_max: max, .. } = self.fees;
        if min > max { Err(ConfigError::Prices { min, max }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> SolanaConfig {
        SolanaConfig {
            chain: ChainId(ChainId::HUB_ASSIGNED_MIN + 1),
            name: "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp".parse().expect("a name"),
            native_symbol: "SOL".into(),
            endpoints: vec![EndpointUrl::parse("http://127.0.0.1:8899/secret", 1).expect("a URL")],
            quorum: 1,
            program: Pubkey::new_from_array([1; 32]),
            start_slot: 0,
            limits: Limits::default(),
            fees: FeePolicy::default(),
            environment: Environment::Devnet,
        }
    }

    fn check(change: impl Fn(&mut SolanaConfig), reason: &str) {
        let mut bad = config();
        change(&mut bad);
        let error = bad.validate().expect_err(reason).to_string();
        assert!(error.contains(reason) && !error.contains("secret"), "{error}");
    }

    #[test]
    fn mistakes_are_refused_with_their_reason() {
        assert_eq!(config().validate(), Ok(()));
        check(|c| c.chain = ChainId(101), "2^63");
        check(|c| c.name = "eip155:1".parse().expect("a name"), "names no Solana chain");
        check(|c| c.name = "solana:mainnet".parse().expect("a name"), "genesis hash");
        check(|c| c.program = Pubkey::default(), "zero");
        check(|c| c.limits.units_max = 0, "units_max");
        check(|c| (c.fees.unit_price_min, c.fees.unit_price_max) = (2, 1), "no price");
        check(|c| c.quorum = 2, "quorum");
        check(|c| c.environment = Environment::Mainnet, "devnet only");
    }
}
