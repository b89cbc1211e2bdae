//! Addresses: the gateway program's own, which follow from its id, and those of the chain's programs.

use infrastrukt_types::{Account, B256, ChainId, LockKey, MessageId, Nonce};
use solana_pubkey::{Pubkey, pubkey};

/// Native SOL, where a token is named.
pub(crate) const NATIVE: Pubkey = Pubkey::new_from_array([0; 32]);

/// Makes accounts and moves SOL.
pub(crate) const SYSTEM_PROGRAM: Pubkey = pubkey!("11111111111111111111111111111111");
/// Limits and prices of a transaction.
pub(crate) const COMPUTE_BUDGET: Pubkey = pubkey!("ComputeBudget111111111111111111111111111111");
/// Tokens.
pub(crate) const TOKEN_PROGRAM: Pubkey = pubkey!("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
/// Tokens with extensions.
pub(crate) const TOKEN_2022: Pubkey = pubkey!("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");
/// Token accounts by owner and mint.
pub(crate) const ASSOCIATED_TOKEN: Pubkey = pubkey!("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");
/// Names and tickers of tokens.
pub(crate) const METADATA: Pubkey = pubkey!("metaqbxxUerdq28cj1RbAWkYQm3ybzjb6a8bt518x1s");
/// Programs that can be upgraded.
pub(crate) const UPGRADEABLE_LOADER: Pubkey = pubkey!("BPFLoaderUpgradeab1e11111111111111111111111");
/// The chain's time.
pub(crate) const CLOCK: Pubkey = pubkey!("SysvarC1ock11111111111111111111111111111111");

/// Bytes of a purse, which keeps its own rent beside what it holds.
pub(crate) const PURSE_BYTES: usize = 9;

/// Nonces whose bits share one page.
pub(crate) const PAGE_NONCES: u64 = 8_192;

/// Whose credits and holdings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purse {
    /// Legs of deals.
    Escrow,
    /// Transfers.
    Bridge,
}

impl Purse {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Escrow, Self::Bridge];

    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Escrow => 0,
            Self::Bridge => 1,
        }
    }
}

/// What a page's bits say of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PageKind {
    /// Delivered or expired here.
    Consumed,
    /// Given back here.
    Refunded,
}

impl PageKind {
    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Consumed => 0,
            Self::Refunded => 1,
        }
    }
}

/// One gateway program and what is derived from it. Those that every call needs are derived once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// The program.
    pub program: Pubkey,
    /// Its settings.
    pub config: Pubkey,
    /// Holds locked legs; the escrow of deals.
    pub escrow: Pubkey,
    /// Holds bridged tokens; sender and recipient of transfers.
    pub bridge: Pubkey,
    /// Holds fees.
    pub fees: Pubkey,
    /// Signs events.
    pub event_authority: Pubkey,
}

impl Gateway {
    /// Everything that follows from the program's id.
    pub fn new(program: Pubkey) -> Self {
        let derive = |seed: &[u8]| Pubkey::find_program_address(&[seed], &program).0;
        Self {
            program,
            config: derive(b"config"),
            escrow: derive(b"escrow"),
            bridge: derive(b"bridge"),
            fees: derive(b"fees"),
            event_authority: derive(b"__event_authority"),
        }
    }

    pub(crate) const fn purse(&self, purse: Purse) -> Pubkey {
        match purse {
            Purse::Escrow => self.escrow,
            Purse::Bridge => self.bridge,
        }
    }

    pub(crate) fn epoch(&self, number: u64) -> Pubkey {
        self.derive(&[b"epoch", &number.to_le_bytes()])
    }

    pub(crate) fn checkpoint(&self, digest: B256) -> Pubkey {
        self.derive(&[b"checkpoint", digest.as_slice()])
    }

    pub(crate) fn target(&self, chain: ChainId) -> Pubkey {
        self.derive(&[b"target", &chain.0.to_le_bytes()])
    }

    pub(crate) fn page(&self, kind: PageKind, chain: ChainId, nonce: Nonce) -> Pubkey {
        let index = nonce.0 / PAGE_NONCES;
        self.derive(&[b"page", &[kind.byte()], &chain.0.to_le_bytes(), &index.to_le_bytes()])
    }

    pub(crate) fn inbox(&self, id: MessageId) -> Pubkey {
        self.derive(&[b"inbox", id.as_ref()])
    }

    pub(crate) fn notice(&self, id: MessageId) -> Pubkey {
        self.derive(&[b"notice", id.as_ref()])
    }

    pub(crate) fn lock(&self, key: LockKey) -> Pubkey {
        self.derive(&[b"lock", key.as_ref()])
    }

    pub(crate) fn credit(&self, purse: Purse, account: &Pubkey, token: &Pubkey) -> Pubkey {
        self.derive(&[b"credit", &[purse.byte()], account.as_ref(), token.as_ref()])
    }

    pub(crate) fn asset(&self, mint: &Pubkey) -> Pubkey {
        self.derive(&[b"asset", mint.as_ref()])
    }

    pub(crate) fn route(&self, chain: ChainId, mint: &Pubkey) -> Pubkey {
        self.derive(&[b"route", &chain.0.to_le_bytes(), mint.as_ref()])
    }

    pub(crate) fn pair(&self, chain: ChainId, remote_token: B256) -> Pubkey {
        self.derive(&[b"pair", &chain.0.to_le_bytes(), remote_token.as_slice()])
    }

    fn derive(&self, seeds: &[&[u8]]) -> Pubkey {
        Pubkey::find_program_address(seeds, &self.program).0
    }
}

/// Where `owner` holds tokens of `mint`.
pub(crate) fn associated_token(owner: &Pubkey, mint: &Pubkey, token_program: &Pubkey) -> Pubkey {
    let seeds = [owner.as_ref(), token_program.as_ref(), mint.as_ref()];
    Pubkey::find_program_address(&seeds, &ASSOCIATED_TOKEN).0
}

/// Where a token's name and ticker are.
pub(crate) fn metadata(mint: &Pubkey) -> Pubkey {
    Pubkey::find_program_address(&[b"metadata", METADATA.as_ref(), mint.as_ref()], &METADATA).0
}

/// Where the code of an upgradeable program is.
pub(crate) fn program_data(program: &Pubkey) -> Pubkey {
    Pubkey::find_program_address(&[program.as_ref()], &UPGRADEABLE_LOADER).0
}

/// The wire's account of an address: its 32 bytes.
pub fn account(key: &Pubkey) -> Account {
    Account(B256::from(key.to_bytes()))
}

/// The address of a wire account. Every 32 bytes are one.
pub fn pubkey_of(account: Account) -> Pubkey {
    Pubkey::new_from_array(account.0.0)
}

/// Reads base58 of 32 bytes.
pub fn parse_account(text: &str) -> Result<Account, String> {
    let key: Result<Pubkey, _> = text.parse();
    key.map(|key| account(&key)).map_err(|_| format!("`{text}` is no Solana address: write base58 of 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_the_interface() {
        let gateway = Gateway::new(pubkey!("4Kpiu7PNcHtFEpgAu5tkqsPB7whtMAsDbN9m1jUPR3tQ"));
        assert_eq!(gateway.config, pubkey!("BPcNa6u4wazGBetq62Qfh5eCtxDoKfQe7F7Zb59EQC38"));
        assert_eq!(gateway.escrow, pubkey!("Ca6Jz2ZmTmAfBoa43LyMw8rJ2uHfuPgqbFBKovLtkn6C"));
        assert_eq!(gateway.bridge, pubkey!("Cjg9gCojr3MZropCjiNPqSHHrLgg82CMYAdwUXhq3shH"));
        assert_eq!(gateway.fees, pubkey!("94V4Y1o3MSJMo8Tgu7dn4Wp87oZATmb3iMuCTnH93Ra9"));
        assert_eq!(gateway.event_authority, pubkey!("8UkVTqKGZjNa6MdtgthcpiqvAst8EJMSArjh4KpXdAHS"));
    }

    #[test]
    fn accounts_are_parsed_strictly() {
        let text = "4Kpiu7PNcHtFEpgAu5tkqsPB7whtMAsDbN9m1jUPR3tQ";
        let parsed = parse_account(text).expect("is an address");
        assert_eq!(pubkey_of(parsed).to_string(), text);
        for wrong in ["", "0x", "alice", "0x12", "0OIl", &format!("{text}1")] {
            assert!(parse_account(wrong).is_err(), "{wrong}");
        }
    }
}
