//! Where the program's accounts are. Those that exist once are computed when the program is compiled.

use anchor_lang::{derive_program_address, prelude::*};

/// Seed of the configuration.
pub const CONFIG_SEED: &[u8] = b"config";
/// Seed of the escrow's purse.
pub const ESCROW_SEED: &[u8] = b"escrow";
/// Seed of the bridge's purse.
pub const BRIDGE_SEED: &[u8] = b"bridge";
/// Seed of the fees' purse.
pub const FEES_SEED: &[u8] = b"fees";
/// Seed of epochs, before the number.
pub const EPOCH_SEED: &[u8] = b"epoch";
/// Seed of checkpoints, before the digest.
pub const CHECKPOINT_SEED: &[u8] = b"checkpoint";
/// Seed of chains, before the id.
pub const TARGET_SEED: &[u8] = b"target";
/// Seed of pages, before kind, chain and index.
pub const PAGE_SEED: &[u8] = b"page";
/// Seed of inboxes, before the message id.
pub const INBOX_SEED: &[u8] = b"inbox";
/// Seed of notices, before the message id.
pub const NOTICE_SEED: &[u8] = b"notice";
/// Seed of locks, before the lock key.
pub const LOCK_SEED: &[u8] = b"lock";
/// Seed of credits, before purse, account and token.
pub const CREDIT_SEED: &[u8] = b"credit";
/// Seed of assets, before the mint.
pub const ASSET_SEED: &[u8] = b"asset";
/// Seed of routes, before chain and mint.
pub const ROUTE_SEED: &[u8] = b"route";
/// Seed of pairs, before chain and remote token.
pub const PAIR_SEED: &[u8] = b"pair";

/// The configuration.
pub const CONFIG: Pubkey = derive(CONFIG_SEED).0;
/// The escrow of legs.
pub const ESCROW: Pubkey = derive(ESCROW_SEED).0;
/// The token bridge.
pub const BRIDGE: Pubkey = derive(BRIDGE_SEED).0;
/// Where fees are kept.
pub const FEES: Pubkey = derive(FEES_SEED).0;

const ESCROW_BUMP: u8 = derive(ESCROW_SEED).1;
const BRIDGE_BUMP: u8 = derive(BRIDGE_SEED).1;
const MARKER: &[u8] = b"ProgramDerivedAddress";

/// Seeds by which the escrow's purse signs.
pub const ESCROW_SIGNER: &[&[u8]] = &[ESCROW_SEED, &[ESCROW_BUMP]];
/// Seeds by which the bridge's purse signs.
pub const BRIDGE_SIGNER: &[&[u8]] = &[BRIDGE_SEED, &[BRIDGE_BUMP]];

/// An account that knows what its address is derived from.
pub trait Placed {
    /// Where it is.
    fn address(&self) -> Pubkey;
}

/// Whether the account is at its own address. A constraint that says no more than that is a quarter of the code of
/// Anchor's `address`, which reports both keys wherever it stands.
#[inline(never)]
pub fn is_home<T: Placed + AccountSerialize + AccountDeserialize + Clone>(account: &Account<'_, T>) -> bool {
    account.key() == T::address(account)
}

/// Whether the account is at this address.
#[inline(never)]
pub fn is_at(account: &AccountInfo<'_>, address: &Pubkey) -> bool {
    account.key == address
}

/// Whether an account is one of the hub's own, where money or messages would belong to nobody.
pub fn is_nobody(account: &Pubkey) -> bool {
    let own = [Pubkey::default(), crate::ID_CONST, CONFIG, ESCROW, BRIDGE, FEES];
    own.contains(account)
}

/// The address of an account that exists, by the bump that it knows. One hash, where the runtime's own derivation costs
/// 1,500 compute units: that the address is off the curve was proven when the account was opened, at its canonical bump.
pub fn of(seeds: &[&[u8]], bump: u8) -> Pubkey {
    let bump = [bump];
    let tail: [&[u8]; 3] = [&bump, crate::ID.as_array(), MARKER];
    Pubkey::new_from_array(solana_sha256_hasher::hashv(&[seeds, &tail[..]].concat()).to_bytes())
}

const fn derive(seed: &[u8]) -> (Pubkey, u8) {
    let (address, bump) = derive_program_address(&[seed], &crate::ID_CONST.to_bytes());
    (Pubkey::new_from_array(address), bump)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_the_canonical_ones_of_the_interface() {
        for (seed, address, bump, stated) in [
            (CONFIG_SEED, CONFIG, None, "BPcNa6u4wazGBetq62Qfh5eCtxDoKfQe7F7Zb59EQC38"),
            (ESCROW_SEED, ESCROW, Some(ESCROW_BUMP), "Ca6Jz2ZmTmAfBoa43LyMw8rJ2uHfuPgqbFBKovLtkn6C"),
            (BRIDGE_SEED, BRIDGE, Some(BRIDGE_BUMP), "Cjg9gCojr3MZropCjiNPqSHHrLgg82CMYAdwUXhq3shH"),
            (FEES_SEED, FEES, None, "94V4Y1o3MSJMo8Tgu7dn4Wp87oZATmb3iMuCTnH93Ra9"),
        ] {
            let found = Pubkey::find_program_address(&[seed], &crate::ID);
            assert_eq!(found.0, address);
            assert_eq!(address.to_string(), stated);
            assert_eq!(of(&[seed], found.1), address);
            assert!(bump.is_none_or(|bump| bump == found.1));
        }
    }

    #[test]
    fn the_hubs_own_accounts_are_nobody() {
        for own in [Pubkey::default(), crate::ID, CONFIG, ESCROW, BRIDGE, FEES] {
            assert!(is_nobody(&own));
        }
        assert!(!is_nobody(&Pubkey::new_from_array([7; 32])));
    }
}
