//! What an EVM chain's adapter is told, and the checks before any of it is used.

use alloy::transports::http::reqwest::Url;
use infrastrukt_types::{Address, Caip2, ChainId};
use std::{fmt, net::IpAddr, time::Duration};

use crate::profile::Profile;

/// Most endpoints of one chain.
pub const ENDPOINTS_MAX: usize = 16;

/// How much is at stake: rules that are relaxed for `Devnet` hold everywhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Local nodes, no value.
    Devnet,
    /// Public test networks.
    Testnet,
    /// Real money.
    Mainnet,
}

/// The hub's contracts on one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contracts {
    /// Messages.
    pub gateway: Address,
    /// Deals.
    pub escrow: Address,
    /// Certificates.
    pub verifier: Address,
    /// Tokens.
    pub token_bridge: Address,
}

impl Contracts {
    /// The contracts with the names people know them by.
    pub fn named(&self) -> [(&'static str, Address); 4] {
        [
            ("gateway", self.gateway),
            ("escrow", self.escrow),
            ("verifier", self.verifier),
            ("token_bridge", self.token_bridge),
        ]
    }
}

/// Bounds on what one chain may cost in memory and requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Blocks that one scan reads at most.
    pub scan_blocks_max: u64,
    /// Requests in one JSON-RPC batch at most.
    pub batch_max: usize,
    /// Bytes of one response at most.
    pub response_bytes_max: usize,
    /// How long one request may take.
    pub request_timeout: Duration,
    /// Gas of one transaction at most.
    pub tx_gas_max: u64,
    /// Transactions of one wallet that may be unfinished at a time.
    pub in_flight_max: usize,
}

/// What a transaction may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeePolicy {
    /// Never pay more than this for a unit of gas, in wei.
    pub max_fee_per_gas_wei: u128,
    /// Never offer less than this as tip (or as gas price on chains without a base fee), in wei.
    pub min_tip_wei: u128,
}

/// Everything about one EVM chain, checked.
#[derive(Clone, Debug)]
pub struct EvmConfig {
    /// Id on the wire and in EIP-155 signatures.
    pub chain: ChainId,
    /// Name for people.
    pub name: Caip2,
    /// Ticker of the native coin.
    pub native_symbol: String,
    /// Where to ask.
    pub endpoints: Vec<EndpointUrl>,
    /// How many endpoints must agree.
    pub quorum: usize,
    /// The hub's contracts.
    pub contracts: Contracts,
    /// First block that can hold anything of them: that of their deployment. Zero where it is not known.
    pub start_block: u64,
    /// What kind of chain it is.
    pub profile: Profile,
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
    /// No endpoint or too many.
    #[error("{0} endpoints given: list 1 to {ENDPOINTS_MAX}")]
    EndpointCount(usize),
    /// Not an http(s) URL with a host.
    #[error("endpoint {0} is not a URL that starts with http:// or https:// and names a host")]
    NotHttp(usize),
    /// Named twice: it would vote twice.
    #[error("the host of endpoint {0} is listed twice: every operator has one vote, list independent ones")]
    Duplicate(EndpointUrl),
    /// Whoever sits on the line could answer for it.
    #[error("endpoint {0} is plain http: outside a devnet write https://; http is for a node on this machine only")]
    PlainHttp(EndpointUrl),
    /// `k` out of range.
    #[error("quorum {k} of {n} endpoints is refused: k must be at least 1, at most n and more than half of n")]
    Quorum {
        /// Endpoints that must agree.
        k: usize,
        /// Endpoints there are.
        n: usize,
    },
    /// One endpoint alone could invent everything.
    #[error("a quorum of 1 is allowed on a devnet only: one endpoint alone could invent events; list more endpoints")]
    LoneEndpoint,
    /// Not deployed or forgotten.
    #[error("the address of the {0} is zero: write the address that the deployment printed")]
    ZeroContract(&'static str),
    /// Two roles at one address.
    #[error("{0} and {1} have the same address: every contract has its own")]
    SameContract(&'static str, &'static str),
    /// A chain id that no EVM chain has.
    #[error("{0} is no EIP-155 chain id: EVM chains have ids from 1 to 2^63 - 1")]
    ChainId(u64),
    /// A bound of zero.
    #[error("{0} is zero: nothing could be done with it")]
    ZeroLimit(&'static str),
}

impl EvmConfig {
    /// Checks every rule; nothing is asked from the network.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.chain.0 == 0 || self.chain.0 >= ChainId::HUB_ASSIGNED_MIN {
            return Err(ConfigError::ChainId(self.chain.0));
        }
        check_endpoints(&self.endpoints, self.quorum, self.environment)?;
        self.check_contracts()?;
        self.check_limits()
    }

    fn check_contracts(&self) -> Result<(), ConfigError> {
        let named = self.contracts.named();
        for (index, (name, address)) in named.iter().enumerate() {
            if address.is_zero() {
                return Err(ConfigError::ZeroContract(name));
            }
            if let Some((twin, _)) = named[..index].iter().find(|(_, earlier)| earlier == address) {
                return Err(ConfigError::SameContract(twin, name));
            }
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), ConfigError> {
        let limits = &self.limits;
        let named = [
            ("scan_blocks_max", limits.scan_blocks_max == 0),
            ("batch_max", limits.batch_max == 0),
            ("response_bytes_max", limits.response_bytes_max == 0),
            ("request_timeout", limits.request_timeout.is_zero()),
            ("tx_gas_max", limits.tx_gas_max == 0),
            ("in_flight_max", limits.in_flight_max == 0),
            ("max_fee_per_gas_wei", self.fees.max_fee_per_gas_wei == 0),
        ];
        named.iter().find(|(_, zero)| *zero).map_or(Ok(()), |(name, _)| Err(ConfigError::ZeroLimit(name)))
    }
}

/// Checks that the endpoints are independent and that `k` of them are a quorum of which any two share a member.
pub fn check_endpoints(endpoints: &[EndpointUrl], k: usize, environment: Environment) -> Result<(), ConfigError> {
    let n = endpoints.len();
    if n == 0 || n > ENDPOINTS_MAX {
        return Err(ConfigError::EndpointCount(n));
    }
    for (index, url) in endpoints.iter().enumerate() {
        if endpoints[..index].iter().any(|earlier| earlier.same_service(url)) {
            return Err(ConfigError::Duplicate(url.clone()));
        }
    }
    if k == 0 || k > n || 2 * k <= n {
        return Err(ConfigError::Quorum { k, n });
    }
    match environment {
        Environment::Devnet => Ok(()),
        Environment::Testnet | Environment::Mainnet => check_independence(endpoints, k),
    }
}

/// Where there is value, neither one endpoint nor one listener on the line may answer for a quorum.
fn check_independence(endpoints: &[EndpointUrl], k: usize) -> Result<(), ConfigError> {
    if k == 1 {
        return Err(ConfigError::LoneEndpoint);
    }
    let plain = endpoints.iter().find(|url| !url.is_private());
    plain.map_or(Ok(()), |url| Err(ConfigError::PlainHttp(url.clone())))
}

/// An endpoint's URL. It may carry an API key in user, path or query, so it shows itself as host and port only.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointUrl(Url);

impl EndpointUrl {
    /// Reads a URL; `position` (from 1) names it in the error, which never repeats the text.
    pub fn parse(text: &str, position: usize) -> Result<Self, ConfigError> {
        let url = Url::parse(text.trim()).map_err(|_| ConfigError::NotHttp(position))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(ConfigError::NotHttp(position));
        }
        Ok(Self(url))
    }

    /// Host and port: all that logs, metrics and errors may show.
    pub fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or("unknown host");
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The full URL: a secret, for the client that connects to it and nobody else.
    pub fn secret(&self) -> &Url {
        &self.0
    }

    /// True where both reach the same service. Two keys, ports or protocols of one host are still one opinion; on this
    /// machine, where each port may lead to a node of its own, the port counts.
    fn same_service(&self, other: &Self) -> bool {
        match (self.is_loopback(), other.is_loopback()) {
            (true, true) => self.0.port_or_known_default() == other.0.port_or_known_default(),
            (false, false) => self.bare_host() == other.bare_host(),
            (true, false) | (false, true) => false,
        }
    }

    /// True where nobody on the line can read or change what is said.
    fn is_private(&self) -> bool {
        self.0.scheme() == "https" || self.is_loopback()
    }

    fn is_loopback(&self) -> bool {
        let host = self.bare_host();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    /// The host in lower case, without the dot that may end a full domain name.
    fn bare_host(&self) -> String {
        self.0.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase()
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host())
    }
}

impl fmt::Debug for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndpointUrl({})", self.host())
    }
}
