//! From what is to be done to the next transaction that does some of it.
//!
//! A transaction has 1,232 bytes. Where an action needs more, the certificate goes first, in one transaction or several,
//! and the items of the action follow as they fit. What comes next is decided anew each time from the action, the number
//! of its items that are through, and what the chain shows; so a crash in between costs nothing, and whatever somebody
//! else did meanwhile is not done again.

mod certificate;
mod deal;
mod fit;
mod manual;
mod message;
mod other;
mod transfer;

pub(crate) use fit::{Group, TRANSACTION_BYTES_MAX, fit, message, signed, unsigned};
pub(crate) use manual::manual;

use infrastrukt_evm::{CallError, Gateways};
use infrastrukt_ports::{Action, CertifiedLeaves, PortError};
use infrastrukt_types::{ChainId, HubId, Leaf, Message, MessageId, Route};
use solana_pubkey::Pubkey;

use crate::{
    address::{Gateway, NATIVE},
    rpc::{AccountState, Commitment, Endpoint},
    state::{self, Checkpoint, EpochHead, GatewayAccount, StateError},
};
use certificate::{Certificate, Counted};

/// One deployment, as plans need to know it.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) gateway: Gateway,
    pub(crate) chain: ChainId,
    pub(crate) hub: HubId,
    /// Gateways of all chains, by which message ids are computed.
    pub(crate) gateways: Gateways,
    /// Whether recipients of transfers are given the token accounts that they lack.
    pub(crate) opens_accounts: bool,
}

/// What is to be sent: groups in order, and the same without payments that may fail on their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) groups: Vec<Group>,
    /// Taken where the chain refuses the first.
    pub(crate) plain: Option<Vec<Group>>,
    /// Lamports that leave the wallet with all of it, fees for inclusion and rent aside.
    pub(crate) lamports: u64,
}

/// Plans by what one endpoint shows at its head. A refusal by it is believed when k endpoints give one.
pub(crate) struct Planner<'a> {
    pub(crate) site: &'a Site,
    pub(crate) endpoint: &'a Endpoint,
    /// Who signs and pays.
    pub(crate) payer: Pubkey,
}

impl Site {
    /// Items of an action, which may be spread over transactions.
    pub(crate) fn items(action: &Action) -> usize {
        match action {
            Action::Deliver { messages, .. } => messages.len(),
            Action::Settle { settlements, .. } => settlements.iter().map(|(_, _, legs)| legs.len()).sum(),
            Action::Expire { .. }
            | Action::Refund { .. }
            | Action::Rotate { .. }
            | Action::Send { .. }
            | Action::Bridge { .. }
            | Action::Approve { .. }
            | Action::Lock { .. }
            | Action::RequestEscape { .. }
            | Action::ExecuteEscape { .. }
            | Action::WithdrawCredit { .. } => 1,
        }
    }

    /// The id of a message that comes here or left here.
    pub(crate) fn id(&self, message: &Message) -> Result<MessageId, PortError> {
        let gateway = |chain: ChainId| {
            let unknown =
                || PortError::reject(format!("the gateway of {chain} is not known: add it to the hub's chains"));
            self.gateways.get(&chain).copied().ok_or_else(unknown)
        };
        let route = Route { source_gateway: gateway(message.source)?, target_gateway: gateway(message.target)? };
        Ok(message.id(self.hub, &route))
    }

    /// Opens the certificate of an action over these leaves.
    pub(crate) fn certificate(&self, certified: &CertifiedLeaves, leaves: &[Leaf]) -> Result<Certificate, PortError> {
        Certificate::open(&self.gateway, self.hub, certified, leaves).map_err(PortError::reject)
    }
}

impl Planner<'_> {
    /// What is left of an action of which `done` items are through.
    pub(crate) async fn draft(&self, action: &Action, done: usize) -> Result<Draft, CallError> {
        match action {
            Action::Deliver { certified, messages } => self.deliver(certified, messages, done).await,
            Action::Expire { certified, message } => self.expire(certified, message).await,
            Action::Refund { certified, message } => self.refund(certified, message).await,
            Action::Settle { certified, settlements } => self.settle(certified, settlements, done).await,
            Action::Rotate { certified, epoch, valset_hash, expires_at } => {
                self.rotate(certified, (*epoch, *valset_hash, *expires_at)).await
            }
            Action::Send { target, recipient, gas_limit, deadline, payload } => {
                self.send(*target, *recipient, (*gas_limit, *deadline), payload).await
            }
            Action::Bridge { token, target, recipient, amount, deadline, refund_to } => {
                self.bridge((*token, *amount), *target, *recipient, (*deadline, *refund_to)).await
            }
            Action::Approve { token, spender, amount } => self.approve(*token, *spender, *amount).await,
            Action::Lock { deal, leg } => self.lock(*deal, leg).await,
            Action::RequestEscape { deal, leg } => Ok(self.site.request_escape(*deal, leg)?.into()),
            Action::ExecuteEscape { deal, leg } => self.execute_escape(*deal, leg).await,
            Action::WithdrawCredit { token, account } => self.withdraw(*token, *account).await,
        }
    }

    async fn accounts(&self, keys: &[Pubkey]) -> Result<Vec<Option<AccountState>>, CallError> {
        self.endpoint.accounts(keys, Commitment::Confirmed).await
    }

    /// An account of the gateway, if it is there.
    fn read<T: GatewayAccount>(&self, key: &Pubkey, account: Option<&AccountState>) -> Result<Option<T>, PortError> {
        let read = account.map(|account| state::read(&self.site.gateway.program, key, account)).transpose();
        read.map_err(|error: StateError| PortError::reject(error.to_string()))
    }

    async fn fetch<T: GatewayAccount>(&self, key: Pubkey) -> Result<Option<T>, CallError> {
        let account = self.endpoint.account(&key, Commitment::Confirmed).await?;
        Ok(self.read(&key, account.as_ref())?)
    }

    /// What must come before the leaves of a certificate count here.
    async fn prelude(&self, certificate: &Certificate) -> Result<Vec<Group>, CallError> {
        let gateway = &self.site.gateway;
        let (epoch_key, key) = (gateway.epoch(certificate.epoch), certificate.key);
        let accounts = self.accounts(&[epoch_key, key]).await?;
        let [epoch, checkpoint] = accounts.as_slice() else { return Ok(Vec::new()) };
        let number = certificate.epoch;
        let unknown = || PortError::reject(format!("UnknownEpoch: this chain has no epoch {number} yet"));
        let epoch = epoch.as_ref().ok_or_else(unknown)?;
        let epoch = state::read_epoch(&gateway.program, &epoch_key, epoch)
            .map_err(|error| PortError::reject(format!("{error} ({})", EpochHead::NAME)))?;
        let is_published = certificate.judge_epoch(&epoch).map_err(PortError::reject)?;
        let checkpoint: Option<Checkpoint> = self.read(&key, checkpoint.as_ref())?;
        let counted = Certificate::counted(is_published, checkpoint.as_ref());
        Ok(certificate.prelude(gateway, self.payer, counted))
    }

    /// A mint and its token program; `None` for SOL.
    async fn token(&self, token: Pubkey) -> Result<Option<(Pubkey, Pubkey)>, CallError> {
        if token == NATIVE {
            return Ok(None);
        }
        let account = self.endpoint.account(&token, Commitment::Confirmed).await?;
        let missing = || PortError::reject(format!("{token} is no token: there is no such account"));
        let account = account.ok_or_else(missing)?;
        let mint = state::mint(&token, &account).map_err(|error| PortError::reject(error.to_string()))?;
        Ok(Some((token, mint.token_program)))
    }
}

impl From<Group> for Draft {
    fn from(group: Group) -> Self {
        Self { groups: vec![group], ..Self::default() }
    }
}
