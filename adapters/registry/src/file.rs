//! The TOML of a chain's file, with the place of every value for its error.
//!
//! What all chains have is read here; what only chains of one kind have, by that kind's own file below.

mod evm;
mod solana;

use infrastrukt_evm::{ConfigError as EvmError, EndpointUrl, Environment};
use infrastrukt_types::{Account, Caip2, ChainId};
use serde::{Deserialize, de::DeserializeOwned};
use std::{ops::Range, path::Path};
use toml::Spanned;

use crate::{Adapter, ChainConfig, ConfigError, Contracts, Kind, Timing, accounts::parse_account, config::Settings};

/// Characters of a chain's name or ticker at most.
const NAME_MAX: usize = 64;

/// Longest of a chain's times, in seconds: a week.
const TIME_MAX_S: u64 = 7 * 86_400;

/// All that is read before it is known what else a file of this adapter may say.
#[derive(Deserialize)]
struct Head {
    adapter: Adapter,
}

/// A file whose sections `fees`, `limits` and `program` are those of one kind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<F, L, P> {
    name: Spanned<String>,
    id: Spanned<Caip2>,
    wire_id: Option<Spanned<String>>,
    adapter: Adapter,
    kind: Option<Spanned<Kind>>,
    symbol: Spanned<String>,
    rpc: Rpc,
    contracts: ContractNames,
    timing: Times,
    #[serde(default)]
    fees: F,
    #[serde(default)]
    limits: L,
    #[serde(default)]
    program: P,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rpc {
    endpoints: Spanned<Vec<Spanned<String>>>,
    quorum: Spanned<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContractNames {
    gateway: Spanned<String>,
    escrow: Spanned<String>,
    verifier: Spanned<String>,
    token_bridge: Spanned<String>,
    #[serde(default)]
    start_block: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Times {
    finality_s: Spanned<u64>,
    inclusion_s: Spanned<u64>,
    skew_s: Spanned<u64>,
    observe_s: Spanned<u64>,
}

/// Where complaints point to.
struct Place<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Place<'_> {
    fn error(&self, span: Option<Range<usize>>, reason: impl Into<String>) -> ConfigError {
        ConfigError::at(self.path, self.text, span, reason)
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        toml::from_str(self.text).map_err(|error| self.error(error.span(), one_line(error.message())))
    }
}

pub(crate) fn parse(path: &Path, text: &str, environment: Environment) -> Result<ChainConfig, ConfigError> {
    let place = Place { path, text };
    let Head { adapter } = place.read()?;
    match adapter.kind() {
        Kind::Evm => evm::parse(&place, environment),
        Kind::Solana => solana::parse(&place, environment),
    }
}

/// Everything that chains of all kinds have, once the kind's own file has told id and settings.
fn common<F, L, P>(
    place: &Place<'_>,
    file: &File<F, L, P>,
    id: ChainId,
    settings: Settings,
) -> Result<ChainConfig, ConfigError> {
    for (text, what) in [(&file.name, "name"), (&file.symbol, "symbol")] {
        let length = text.get_ref().chars().count();
        if !(1..=NAME_MAX).contains(&length) || text.get_ref().chars().any(char::is_control) {
            return Err(place.error(Some(text.span()), format!("{what} has 1 to {NAME_MAX} printable characters")));
        }
    }
    let kind = file.adapter.kind();
    if let Some(given) = file.kind.as_ref().filter(|given| *given.get_ref() != kind) {
        return Err(place.error(Some(given.span()), format!("the adapter's kind is {kind}")));
    }
    Ok(ChainConfig {
        name: file.name.get_ref().clone(),
        caip2: file.id.get_ref().clone(),
        id,
        adapter: file.adapter,
        symbol: file.symbol.get_ref().clone(),
        endpoints: endpoints(place, &file.rpc)?,
        quorum: *file.rpc.quorum.get_ref(),
        contracts: contracts(place, kind, &file.contracts)?,
        start_block: file.contracts.start_block,
        timing: timing(place, &file.timing)?,
        settings,
    })
}

fn endpoints(place: &Place<'_>, rpc: &Rpc) -> Result<Vec<EndpointUrl>, ConfigError> {
    let read = |(position, url): (usize, &Spanned<String>)| {
        EndpointUrl::parse(url.get_ref(), position).map_err(|error| place.error(Some(url.span()), error.to_string()))
    };
    (1..).zip(rpc.endpoints.get_ref()).map(read).collect()
}

fn contracts(place: &Place<'_>, kind: Kind, names: &ContractNames) -> Result<Contracts, ConfigError> {
    let read = |text: &Spanned<String>| -> Result<Account, ConfigError> {
        parse_account(kind, text.get_ref()).map_err(|error| place.error(Some(text.span()), error.message))
    };
    Ok(Contracts {
        gateway: read(&names.gateway)?,
        escrow: read(&names.escrow)?,
        verifier: read(&names.verifier)?,
        token_bridge: read(&names.token_bridge)?,
    })
}

fn timing(place: &Place<'_>, times: &Times) -> Result<Timing, ConfigError> {
    let read = |seconds: &Spanned<u64>| match *seconds.get_ref() {
        value @ 1..=TIME_MAX_S => Ok(value),
        value => Err(place.error(Some(seconds.span()), format!("{value} s is outside of 1 to {TIME_MAX_S}"))),
    };
    Ok(Timing {
        finality_s: read(&times.finality_s)?,
        inclusion_s: read(&times.inclusion_s)?,
        skew_s: read(&times.skew_s)?,
        observe_s: read(&times.observe_s)?,
    })
}

/// Where a rule about endpoints was broken; `None` for rules about something else.
fn span_of_endpoints(rpc: &Rpc, error: &EvmError) -> Option<Range<usize>> {
    match error {
        EvmError::EndpointCount(_) | EvmError::NotHttp(_) | EvmError::Duplicate(_) | EvmError::PlainHttp(_) => {
            Some(rpc.endpoints.span())
        }
        EvmError::Quorum { .. } | EvmError::LoneEndpoint => Some(rpc.quorum.span()),
        EvmError::ZeroContract(_) | EvmError::SameContract(..) | EvmError::ChainId(_) | EvmError::ZeroLimit(_) => None,
    }
}

/// Where a contract is named.
fn span_of_contract(names: &ContractNames, contract: &str) -> Option<Range<usize>> {
    match contract {
        "gateway" => Some(names.gateway.span()),
        "escrow" => Some(names.escrow.span()),
        "verifier" => Some(names.verifier.span()),
        "token_bridge" => Some(names.token_bridge.span()),
        _unknown => None,
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    const GOOD: &str = r#"name = "Test chain"
id = "eip155:56"
adapter = "bsc"
symbol = "BNB"

[rpc]
endpoints = ["http://127.0.0.1:8545/secret", "http://127.0.0.1:8546", "https://example.invalid"]
quorum = 2

[contracts]
gateway = "0x1000000000000000000000000000000000000001"
escrow = "0x1000000000000000000000000000000000000002"
verifier = "0x1000000000000000000000000000000000000003"
token_bridge = "0x1000000000000000000000000000000000000004"

[timing]
finality_s = 5
inclusion_s = 10
skew_s = 3
observe_s = 7
"#;

    fn read(text: &str, environment: Environment) -> Result<ChainConfig, ConfigError> {
        ChainConfig::parse(&PathBuf::from("chain.toml"), text, environment)
    }

    fn check_refused(from: &str, to: &str, line: Option<usize>, reason: &str) {
        let text = GOOD.replace(from, to);
        assert_ne!(text, GOOD, "{from} is in the text");
        let error = read(&text, Environment::Mainnet).expect_err(reason);
        assert_eq!(error.line, line, "{error}");
        assert!(error.to_string().contains(reason), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn reads_a_file_with_the_adapters_defaults() {
        let config = read(GOOD, Environment::Mainnet).expect("is good");
        assert_eq!((config.id.0, config.quorum, config.endpoints.len()), (56, 2, 3));
        let (fees, limits) = (infrastrukt_bsc::PROFILE.fees, infrastrukt_bsc::PROFILE.limits);
        assert_eq!(config.settings, Settings::Evm { fees, limits });
        assert_eq!(config.timing.observe_s, 7);
        assert!(!format!("{config:?}").contains("secret"));
        let raised = format!("{GOOD}\n[fees]\nmax_fee_per_gas_wei = 7\n[limits]\nbatch_max = 3\n");
        match read(&raised, Environment::Mainnet).expect("is good").settings {
            Settings::Evm { fees, limits } => assert_eq!((fees.max_fee_per_gas_wei, limits.batch_max), (7, 3)),
            Settings::Solana { .. } => panic!("an EVM chain has its own settings"),
        }
    }

    #[test]
    fn every_mistake_has_its_line_and_reason() {
        check_refused("quorum = 2", "quorum = 1", Some(8), "more than half");
        check_refused("quorum = 2", "quorum = 4", Some(8), "at most n");
        check_refused("quorum = 2", "quorum = 0", Some(8), "at least 1");
        check_refused("quorum = 2", "quorum = \"two\"", Some(8), "invalid type");
        check_refused("http://127.0.0.1:8546", "ws://127.0.0.1:8546", Some(7), "http://");
        check_refused("http://127.0.0.1:8546", "http://127.0.0.1:8545/other", Some(7), "twice");
        check_refused("0x1000000000000000000000000000000000000003", "0x12", Some(13), "20");
        check_refused("1000000000000000000000000000000000000003", &"0".repeat(40), Some(13), "verifier is zero");
        check_refused("0003\"", "0001\"", Some(13), "same address");
        check_refused("eip155:56", "solana:mainnet", Some(2), "eip155:NUMBER");
        check_refused("eip155:56", "56", Some(2), "CAIP-2");
        check_refused("\"bsc\"", "\"tron\"", Some(3), "tron");
        check_refused("https://example.invalid", "http://example.invalid", Some(7), "plain http");
        check_refused("skew_s = 3", "skew_s = 0", Some(19), "outside");
        check_refused("adapter = \"bsc\"", "adapter = \"bsc\"\nwire_id = \"56\"", Some(4), "leave wire_id out");
        check_refused("[timing]", "[timings]", Some(16), "timings");
        check_refused("symbol = \"BNB\"", "symbol = \"\"", Some(4), "symbol");
    }

    #[test]
    fn the_block_of_the_contracts_is_read() {
        assert_eq!(read(GOOD, Environment::Mainnet).expect("is good").start_block, 0);
        let known = GOOD.replace("0004\"\n", "0004\"\nstart_block = 17\n");
        assert_eq!(read(&known, Environment::Mainnet).expect("is good").start_block, 17);
    }

    #[test]
    fn one_endpoint_is_for_devnets_only() {
        let lone = GOOD
            .replace(", \"http://127.0.0.1:8546\", \"https://example.invalid\"", "")
            .replace("quorum = 2", "quorum = 1");
        assert!(read(&lone, Environment::Devnet).is_ok());
        for environment in [Environment::Testnet, Environment::Mainnet] {
            assert!(read(&lone, environment).expect_err("is refused").reason.contains("devnet only"));
        }
    }
}
