//! Accounts to the unit: what somebody has at the start of a step, and what must be left at its end.

use alloy::primitives::{Address, U256};
use anyhow::{Result, anyhow};

use super::chain::Chain;

/// What an account has at the start of a step.
pub(crate) struct Sheet {
    chain: Chain,
    account: Address,
    /// None for the chain's own coin, of which gas is paid.
    token: Option<Address>,
    balance: U256,
    block: u64,
}

impl Sheet {
    /// Of the chain's own coin.
    pub(crate) async fn native(chain: &Chain, account: Address) -> Result<Self> {
        let (block, balance) = (chain.height().await?, chain.native(account).await?);
        Ok(Self { chain: chain.clone(), account, token: None, balance, block })
    }

    /// Of a token.
    pub(crate) async fn of(chain: &Chain, account: Address, token: Address) -> Result<Self> {
        let (block, balance) = (chain.height().await?, chain.tokens_of(account, token).await?);
        Ok(Self { chain: chain.clone(), account, token: Some(token), balance, block })
    }

    /// Fails unless the account has exactly so much more and less by now. Gas is counted from the blocks in between.
    pub(crate) async fn agrees(&self, gained: U256, given: U256) -> Result<()> {
        let (gas, has) = match self.token {
            None => (self.chain.gas_since(self.account, self.block).await?, self.chain.native(self.account).await?),
            Some(token) => (U256::ZERO, self.chain.tokens_of(self.account, token).await?),
        };
        let expected = (self.balance + gained).checked_sub(given + gas);
        let what = self.token.map_or_else(|| "coins".to_owned(), |token| format!("units of {token}"));
        let (account, chain, before) = (self.account, &self.chain.name, self.balance);
        if expected == Some(has) {
            return Ok(());
        }
        Err(anyhow!("{account} has {has} {what} on {chain}: {before} before, +{gained}, -{given}, gas {gas}"))
    }
}
