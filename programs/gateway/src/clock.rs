//! The chain's time.

use anchor_lang::prelude::*;

use crate::errors::GatewayError;

/// Unix seconds, as the validators of this chain see them.
pub fn now() -> Result<u64> {
    let seconds = u64::try_from(Clock::get()?.unix_timestamp);
    Ok(seconds.map_err(|_| GatewayError::Overflow)?)
}
