//! What only the file of an EVM chain says.

use infrastrukt_evm::{ConfigError as EvmError, Environment, FeePolicy, Limits};
use infrastrukt_types::ChainId;
use serde::Deserialize;
use std::{ops::Range, time::Duration};

use super::{File, Place, common, span_of_contract, span_of_endpoints};
use crate::{ChainConfig, ConfigError, adapter::Spec, config::Settings};

type EvmFile = File<Fees, Bounds, Program>;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Fees {
    max_fee_per_gas_wei: Option<u64>,
    min_tip_wei: Option<u64>,
}

/// Contracts cannot be replaced, so that nothing is said about them.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Program {}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Bounds {
    scan_blocks_max: Option<u64>,
    batch_max: Option<usize>,
    response_bytes_max: Option<usize>,
    request_timeout_ms: Option<u64>,
    tx_gas_max: Option<u64>,
    in_flight_max: Option<usize>,
}

pub(super) fn parse(place: &Place<'_>, environment: Environment) -> Result<ChainConfig, ConfigError> {
    let file: EvmFile = place.read()?;
    let profile = match file.adapter.spec() {
        Spec::Evm { profile, .. } => profile,
        Spec::Solana { .. } => return Err(place.error(None, "the adapter is not one of EVM chains")),
    };
    let (fees, limits) = (file.fees.over(profile.fees), file.limits.over(profile.limits));
    let config = common(place, &file, id(place, &file)?, Settings::Evm { fees, limits })?;
    let evm = config.evm(profile, fees, limits, environment).map_err(|error| place.error(None, error.to_string()))?;
    evm.validate().map_err(|error| place.error(span_of(&file, &error), error.to_string()))?;
    Ok(config)
}

/// The name of an EVM chain says its id.
fn id(place: &Place<'_>, file: &EvmFile) -> Result<ChainId, ConfigError> {
    let name = file.id.get_ref();
    let other = || place.error(Some(file.id.span()), format!("`{name}` is no EVM chain: write eip155:NUMBER"));
    if let Some(second) = &file.wire_id {
        return Err(place.error(Some(second.span()), "the name of an EVM chain says its id: leave wire_id out"));
    }
    name.eip155().ok_or_else(other)
}

impl Fees {
    fn over(&self, default: FeePolicy) -> FeePolicy {
        FeePolicy {
            max_fee_per_gas_wei: self.max_fee_per_gas_wei.map_or(default.max_fee_per_gas_wei, u128::from),
            min_tip_wei: self.min_tip_wei.map_or(default.min_tip_wei, u128::from),
        }
    }
}

impl Bounds {
    fn over(&self, default: Limits) -> Limits {
        Limits {
            scan_blocks_max: self.scan_blocks_max.unwrap_or(default.scan_blocks_max),
            batch_max: self.batch_max.unwrap_or(default.batch_max),
            response_bytes_max: self.response_bytes_max.unwrap_or(default.response_bytes_max),
            request_timeout: self.request_timeout_ms.map_or(default.request_timeout, Duration::from_millis),
            tx_gas_max: self.tx_gas_max.unwrap_or(default.tx_gas_max),
            in_flight_max: self.in_flight_max.unwrap_or(default.in_flight_max),
        }
    }
}

/// The value that a rule was broken by.
fn span_of(file: &EvmFile, error: &EvmError) -> Option<Range<usize>> {
    match error {
        EvmError::EndpointCount(_)
        | EvmError::NotHttp(_)
        | EvmError::Duplicate(_)
        | EvmError::PlainHttp(_)
        | EvmError::Quorum { .. }
        | EvmError::LoneEndpoint => span_of_endpoints(&file.rpc, error),
        EvmError::ZeroContract(name) | EvmError::SameContract(_, name) => span_of_contract(&file.contracts, name),
        EvmError::ChainId(_) => Some(file.id.span()),
        EvmError::ZeroLimit(_) => None,
    }
}
