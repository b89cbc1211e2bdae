use anchor_lang::prelude::*;
use infrastrukt_core::valset::{valset_hash, Members};

use crate::{
    addresses::is_home,
    errors::{ensure, GatewayError},
    state::Epoch,
    store,
};

/// Stores the members of a set whose hash is known, by anyone and once.
#[derive(Accounts)]
pub struct PublishSet<'info> {
    #[account(mut)]
    pub payer: Signer<'info>,
    #[account(mut, dup, constraint = is_home(&epoch) @ ErrorCode::ConstraintAddress)]
    pub epoch: Box<Account<'info, Epoch>>,
    pub system_program: Program<'info, System>,
}

impl PublishSet<'_> {
    pub fn run(ctx: Context<PublishSet>, number: u64, set: Vec<u8>) -> Result<()> {
        let accounts = ctx.accounts;
        ensure!(number == accounts.epoch.number, GatewayError::UnknownEpoch);
        ensure!(valset_hash(&set) == accounts.epoch.valset_hash, GatewayError::WrongValidatorSet);
        let members = Members::parse(&set).map_err(GatewayError::from)?;
        if accounts.epoch.count != 0 {
            return Ok(());
        }
        let info = accounts.epoch.to_account_info();
        store::grow(&accounts.payer, &info, Epoch::space(members.count()))?;
        let mut data = info.try_borrow_mut_data()?;
        let place = data.get_mut(Epoch::HEAD..).ok_or(GatewayError::InvalidValidatorSet)?;
        ensure!(place.len() == members.as_bytes().len(), GatewayError::InvalidValidatorSet);
        place.copy_from_slice(members.as_bytes());
        accounts.epoch.count = u16::try_from(members.count()).map_err(|_| GatewayError::TooManyValidators)?;
        Ok(())
    }
}
