//! The chains and the hub of one configuration.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use infrastrukt_ports::{ChainReader, ChainWriter, Check, Store, TokenInfo};
use infrastrukt_registry::{Chain as Link, Context, Keys, Kind};
use infrastrukt_types::{Account, Amount, Caip2, Caip10, ChainId, Timestamp};

use super::{AssetSpec, Book, DealFolder, Hub, UserError};
use crate::config::{ChainFile, Config};

/// How the native coin is written in assets.
pub const NATIVE: &str = "native";

/// Everything a user's command works with.
#[derive(Debug)]
pub struct Network {
    /// The configuration.
    pub config: Config,
    /// Names.
    pub book: Book,
    /// The hub.
    pub hub: Hub,
    /// Deals locked from here.
    pub deals: DealFolder,
    data_dir: PathBuf,
    chains: BTreeMap<ChainId, Chain>,
}

/// One chain. It is asked when something of it is needed: a dead endpoint must not stop what needs only other chains.
pub struct Chain {
    /// Its file.
    pub file: ChainFile,
    link: Link,
}

/// An asset with everything resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Chain.
    pub chain: ChainId,
    /// Token; zero is the native coin.
    pub token: Account,
    /// Its symbol and decimals.
    pub info: TokenInfo,
    /// How much.
    pub amount: Amount,
}

impl Network {
    /// Opens the configuration of a data directory. Nothing is connected yet.
    pub fn open(config: Config, data_dir: &Path) -> Result<Self, UserError> {
        let book = Book::load(&config, data_dir)?;
        let hub = Hub::new(&config.hub.url)?;
        let context = config.chain_context();
        let mut chains = BTreeMap::new();
        for file in &config.chains {
            chains.insert(file.id, Chain::new(file.clone(), &context)?);
        }
        Ok(Self { config, book, hub, deals: DealFolder::new(data_dir), data_dir: data_dir.into(), chains })
    }

    /// Where this configuration keeps its state.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// All configured chains, ascending by id.
    pub fn chains(&self) -> impl Iterator<Item = &Chain> {
        self.chains.values()
    }

    /// The chain with this id on the wire.
    pub fn chain(&self, id: ChainId) -> Result<&Chain, UserError> {
        self.chains.get(&id).ok_or_else(|| self.unknown_chain(&id.to_string()))
    }

    /// The chain with this CAIP-2 name.
    pub fn chain_named(&self, name: &Caip2) -> Result<&Chain, UserError> {
        self.chains().find(|chain| chain.file.name == *name).ok_or_else(|| self.unknown_chain(name.as_str()))
    }

    /// What people call the chain with this id.
    pub fn chain_name(&self, id: ChainId) -> String {
        self.chains.get(&id).map_or_else(|| id.to_string(), Chain::name)
    }

    /// The account that `who` (a name of the address book or CAIP-10) has on a chain.
    pub fn account(&self, who: &str, chain: &Chain) -> Result<Account, UserError> {
        let unknown = || UserError::UnknownAccount { name: who.into(), chain: chain.name() };
        let text = if who.contains(':') {
            let caip: Caip10 = who.parse()?;
            if caip.chain != chain.file.name {
                return Err(unknown());
            }
            caip.account
        } else {
            match self.book.account(who, &chain.file.name) {
                Some(account) => account.to_owned(),
                None => return self.own_account(who, chain)?.ok_or_else(unknown),
            }
        };
        chain.parse_account(&text)
    }

    /// The account that the file of one's own key states.
    fn own_account(&self, name: &str, chain: &Chain) -> Result<Option<Account>, UserError> {
        let account = self.config.keyring().account(chain.kind(), name);
        account.map_err(|error| UserError::Keystore(error.to_string()))
    }

    /// A name for people: from the address book, else the chain's own notation, shortened nowhere.
    pub fn show_account(&self, account: Account, chain: ChainId) -> String {
        let Ok(chain) = self.chain(chain) else { return account.to_string() };
        let is_it = |text: &str| chain.parse_account(text).is_ok_and(|known| known == account);
        match self.book.name_of(&chain.file.name, is_it) {
            Some(name) => name.into(),
            None => chain.reader().show_account(account),
        }
    }

    /// The token that `text` (`native`, a symbol or an address) names on a chain.
    pub async fn token(&self, text: &str, chain: &Chain) -> Result<(Account, TokenInfo), UserError> {
        let unknown = |_| UserError::UnknownToken { token: text.into(), chain: chain.name() };
        let token = if text.eq_ignore_ascii_case(NATIVE) {
            Account::ZERO
        } else {
            let address = self.book.token(text, &chain.file.name).unwrap_or(text);
            chain.parse_account(address).map_err(unknown)?
        };
        Ok((token, self.token_info(chain, token).await?))
    }

    /// Symbol and decimals of a token. The address book's symbol comes first: tokens of some chains have none of their
    /// own, and any token can call itself by another's.
    pub async fn token_info(&self, chain: &Chain, token: Account) -> Result<TokenInfo, UserError> {
        let mut info = chain.token(token).await?;
        let is_it = |text: &str| chain.parse_account(text).is_ok_and(|known| known == token);
        if let Some(symbol) = self.book.symbol_of(&chain.file.name, is_it) {
            info.symbol = symbol.into();
        }
        Ok(info)
    }

    /// Resolves what a user wrote as an asset.
    pub async fn asset(&self, spec: &AssetSpec) -> Result<Asset, UserError> {
        let chain = self.chain_named(&spec.chain)?;
        let (token, info) = self.token(&spec.token, chain).await?;
        let amount = Amount::parse(&spec.amount, info.decimals)?;
        if amount == Amount::ZERO {
            return Err(UserError::Malformed {
                text: spec.amount.clone(),
                what: "an amount above zero",
                example: "it in whole coins, such as 1.5",
            });
        }
        Ok(Asset { chain: chain.file.id, token, info, amount })
    }

    fn unknown_chain(&self, text: &str) -> UserError {
        let known: Vec<String> = self.chains().map(Chain::name).collect();
        UserError::UnknownChain { text: text.into(), known: known.join(", ") }
    }
}

impl Chain {
    fn new(file: ChainFile, context: &Context) -> Result<Self, UserError> {
        let link = infrastrukt_registry::connect(&file.config, context).map_err(UserError::chain(&file.name))?;
        Ok(Self { file, link })
    }

    /// Its CAIP-2 name.
    pub fn name(&self) -> String {
        self.file.name.to_string()
    }

    /// The notation of its accounts and keys.
    pub const fn kind(&self) -> Kind {
        self.file.config.adapter.kind()
    }

    /// Endpoints, contracts and clock, and the code behind the contracts where that can be replaced.
    pub async fn check(&self) -> Vec<Check> {
        self.link.check().await
    }

    /// Reads it.
    pub fn reader(&self) -> &dyn ChainReader {
        &*self.link.reader
    }

    /// Writes to it with the key of its kind, over these keys' own durable store.
    pub fn writer(&self, store: Arc<dyn Store>, keys: &Keys) -> Result<Arc<dyn ChainWriter>, UserError> {
        self.link.writer(store, keys).map_err(UserError::chain(self.name()))
    }

    /// The chain's own time now.
    pub async fn now(&self) -> Result<Timestamp, UserError> {
        self.reader().now().await.map_err(UserError::chain(self.name()))
    }

    /// Reads an account in the chain's own notation.
    pub fn parse_account(&self, text: &str) -> Result<Account, UserError> {
        self.reader().parse_account(text).map_err(UserError::chain(self.name()))
    }

    /// Symbol and decimals of a token.
    pub async fn token(&self, token: Account) -> Result<TokenInfo, UserError> {
        self.reader().token(token).await.map_err(UserError::chain(self.name()))
    }

    /// Refuses to go on where the account holds less than `need`.
    pub async fn require_balance(&self, account: Account, token: Account, need: Amount) -> Result<(), UserError> {
        let reader = self.reader();
        let have = reader.balance(account, token).await.map_err(UserError::chain(self.name()))?;
        if have >= need {
            return Ok(());
        }
        let info = self.token(token).await?;
        Err(UserError::InsufficientFunds {
            account: reader.show_account(account),
            chain: self.name(),
            symbol: info.symbol.clone(),
            have: have.show(info.decimals),
            need: need.show(info.decimals),
        })
    }
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Chain").field(&self.name()).finish()
    }
}
