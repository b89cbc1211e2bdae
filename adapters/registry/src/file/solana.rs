//! What only the file of a Solana chain says.

use infrastrukt_evm::Environment;
use infrastrukt_solana::{ConfigError as SolanaError, ExpectedProgram, FeePolicy, Gateway, Limits, account, pubkey_of};
use infrastrukt_types::{Account, B256, ChainId};
use serde::Deserialize;
use std::{ops::Range, time::Duration};
use toml::Spanned;

use super::{File, Place, common, span_of_contract, span_of_endpoints};
use crate::{
    ChainConfig, ConfigError, Kind,
    accounts::{parse_account, show_account},
    config::Settings,
};

/// How the absence of an upgrade authority is written.
const NOBODY: &str = "nobody";

type SolanaFile = File<Fees, Bounds, Program>;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Fees {
    unit_price_max: Option<u64>,
    unit_price_min: Option<u64>,
    open_token_accounts: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Bounds {
    scan_slots_max: Option<u64>,
    fetches_max: Option<usize>,
    response_bytes_max: Option<usize>,
    request_timeout_ms: Option<u64>,
    units_max: Option<u32>,
    in_flight_max: Option<usize>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Program {
    code_sha256: Option<B256>,
    upgrade_authority: Option<Spanned<String>>,
}

pub(super) fn parse(place: &Place<'_>, environment: Environment) -> Result<ChainConfig, ConfigError> {
    let file: SolanaFile = place.read()?;
    let (fees, limits) = (file.fees.over(FeePolicy::default()), file.limits.over(Limits::default()));
    let expected = expected(place, &file.program)?;
    let config = common(place, &file, id(place, &file)?, Settings::Solana { fees, limits, expected })?;
    let solana = config.solana(fees, limits, environment);
    solana.validate().map_err(|error| place.error(span_of(&file, &error), error.to_string()))?;
    check_accounts(place, &file, &config)?;
    Ok(config)
}

/// No part of the name says the id on the wire. TOML numbers end below the first id that the hub may give, so that it is
/// written as a text.
fn id(place: &Place<'_>, file: &SolanaFile) -> Result<ChainId, ConfigError> {
    let Some(given) = &file.wire_id else {
        let reason = "wire_id is missing: write the id that the hub's genesis has for this chain, in quotes";
        return Err(place.error(Some(file.id.span()), reason));
    };
    let id = given.get_ref().parse::<u64>().ok().filter(|id| *id >= ChainId::HUB_ASSIGNED_MIN).map(ChainId);
    let reason = || format!("`{}` is no id of the hub's: {} or above", given.get_ref(), ChainId::HUB_ASSIGNED_MIN);
    id.ok_or_else(|| place.error(Some(given.span()), reason()))
}

/// There is one program, and the other names are accounts of it: a name that does not follow is a mistake.
fn check_accounts(place: &Place<'_>, file: &SolanaFile, config: &ChainConfig) -> Result<(), ConfigError> {
    let contracts = &config.contracts;
    let derived = Gateway::new(pubkey_of(contracts.gateway));
    for (name, given, expected) in [
        ("escrow", contracts.escrow, account(&derived.escrow)),
        ("verifier", contracts.verifier, account(&derived.config)),
        ("token_bridge", contracts.token_bridge, account(&derived.bridge)),
    ] {
        if given != expected {
            let expected = show_account(Kind::Solana, expected);
            let reason = format!("the {name} of this program is {expected}: write that, or correct the program");
            return Err(place.error(span_of_contract(&file.contracts, name), reason));
        }
    }
    Ok(())
}

fn expected(place: &Place<'_>, program: &Program) -> Result<ExpectedProgram, ConfigError> {
    let read = |text: &Spanned<String>| match text.get_ref().as_str() {
        NOBODY => Ok(Account::ZERO),
        key => parse_account(Kind::Solana, key).map_err(|error| place.error(Some(text.span()), error.message)),
    };
    let upgrade_authority = program.upgrade_authority.as_ref().map(read).transpose()?;
    Ok(ExpectedProgram { code_sha256: program.code_sha256, upgrade_authority })
}

impl Fees {
    fn over(&self, default: FeePolicy) -> FeePolicy {
        FeePolicy {
            unit_price_max: self.unit_price_max.unwrap_or(default.unit_price_max),
            unit_price_min: self.unit_price_min.unwrap_or(default.unit_price_min),
            open_token_accounts: self.open_token_accounts.unwrap_or(default.open_token_accounts),
        }
    }
}

impl Bounds {
    fn over(&self, default: Limits) -> Limits {
        Limits {
            scan_slots_max: self.scan_slots_max.unwrap_or(default.scan_slots_max),
            fetches_max: self.fetches_max.unwrap_or(default.fetches_max),
            response_bytes_max: self.response_bytes_max.unwrap_or(default.response_bytes_max),
            request_timeout: self.request_timeout_ms.map_or(default.request_timeout, Duration::from_millis),
            units_max: self.units_max.unwrap_or(default.units_max),
            in_flight_max: self.in_flight_max.unwrap_or(default.in_flight_max),
        }
    }
}

/// The value that a rule was broken by.
fn span_of(file: &SolanaFile, error: &SolanaError) -> Option<Range<usize>> {
    match error {
        SolanaError::Endpoints(error) => span_of_endpoints(&file.rpc, error),
        SolanaError::ChainId(_) => file.wire_id.as_ref().map(|id| id.span()),
        SolanaError::Name(_) => Some(file.id.span()),
        SolanaError::ZeroProgram => Some(file.contracts.gateway.span()),
        SolanaError::ZeroLimit(_) | SolanaError::Prices { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const GOOD: &str = r#"name = "Test chain"
id = "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1"
wire_id = "9223372036854775809"
adapter = "solana"
symbol = "SOL"

[rpc]
endpoints = ["https://one.example/secret", "https://two.example", "https://three.example"]
quorum = 2

[contracts]
gateway = "4Kpiu7PNcHtFEpgAu5tkqsPB7whtMAsDbN9m1jUPR3tQ"
escrow = "Ca6Jz2ZmTmAfBoa43LyMw8rJ2uHfuPgqbFBKovLtkn6C"
verifier = "BPcNa6u4wazGBetq62Qfh5eCtxDoKfQe7F7Zb59EQC38"
token_bridge = "Cjg9gCojr3MZropCjiNPqSHHrLgg82CMYAdwUXhq3shH"
start_block = 17

[timing]
finality_s = 60
inclusion_s = 600
skew_s = 60
observe_s = 60
"#;

    fn read(text: &str) -> Result<ChainConfig, ConfigError> {
        ChainConfig::parse(Path::new("chain.toml"), text, Environment::Mainnet)
    }

    fn check_refused(from: &str, to: &str, line: usize, reason: &str) {
        let text = GOOD.replace(from, to);
        assert_ne!(text, GOOD, "{from} is in the text");
        let error = read(&text).expect_err(reason);
        assert_eq!(error.line, Some(line), "{error}");
        assert!(error.to_string().contains(reason) && !error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn reads_a_file_with_defaults() {
        let config = read(GOOD).expect("is good");
        assert_eq!((config.id.0, config.quorum, config.start_block), (9_223_372_036_854_775_809, 2, 17));
        let (fees, limits, expected) = (FeePolicy::default(), Limits::default(), ExpectedProgram::default());
        assert_eq!(config.settings, Settings::Solana { fees, limits, expected });
        let hash = "1".repeat(64);
        let raised = format!(
            "{GOOD}\n[fees]\nunit_price_max = 7\nopen_token_accounts = true\n[limits]\nscan_slots_max = 3\n\
             [program]\ncode_sha256 = \"0x{hash}\"\nupgrade_authority = \"nobody\"\n"
        );
        match read(&raised).expect("is good").settings {
            Settings::Solana { fees, limits, expected } => {
                assert_eq!((fees.unit_price_max, limits.scan_slots_max), (7, 3));
                assert!(fees.open_token_accounts && !FeePolicy::default().open_token_accounts);
                let code_sha256 = Some(B256::repeat_byte(0x11));
                assert_eq!(expected, ExpectedProgram { code_sha256, upgrade_authority: Some(Account::ZERO) });
            }
            Settings::Evm { .. } => panic!("a Solana chain has its own settings"),
        }
    }

    #[test]
    fn every_mistake_has_its_line_and_reason() {
        check_refused("wire_id = \"9223372036854775809\"\n", "", 2, "wire_id is missing");
        check_refused("9223372036854775809", "101", 3, "9223372036854775808 or above");
        check_refused("solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1", "eip155:1", 2, "names no Solana chain");
        check_refused("solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1", "solana:devnet", 2, "genesis hash");
        check_refused("quorum = 2", "quorum = 1", 9, "more than half");
        check_refused("https://two.example", "http://two.example", 8, "plain http");
        check_refused("Ca6Jz2ZmTmAfBoa43LyMw8rJ2uHfuPgqbFBKovLtkn6C", "11111111111111111111111111111111", 13, "Ca6Jz2");
        check_refused("4Kpiu7PNcHtFEpgAu5tkqsPB7whtMAsDbN9m1jUPR3tQ", "0x12", 12, "base58");
        check_refused("[timing]", "[program]\nupgrade_authority = \"me\"\n\n[timing]", 19, "base58");
        check_refused("[timing]", "[fees]\nmin_tip_wei = 1\n\n[timing]", 19, "min_tip_wei");
    }
}
