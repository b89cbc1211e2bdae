//! Reading a simulated chain through one endpoint, which is believed in nothing that can be checked.

use async_trait::async_trait;
use infrastrukt_ports::{
    Action, BlockRef, BridgeBooks, ChainReader, Check, CheckStatus, LockStatus, ManualCall, PortError, RouteSearch,
    Scan, ScanCursor, ScannedBlock, TokenInfo,
};
use infrastrukt_types::{
    Account, Amount, B256, ChainId, Epoch, Evidence, Fact, Finalized, LockKey, Nonce, Origin, ReceiptEvidence,
    ReceiptProof, Timestamp, codec,
};
use std::{sync::Arc, time::Duration};

use crate::{
    Contracts, Event, RpcError, SimReceipt, SimView, block::receipt_digests, receipts_root, view::ServedBlock,
};

/// How long a caller waits before it asks a failing endpoint again.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// Blocks read by one scan, however many are asked for.
const SCAN_BLOCKS_MAX: u64 = 10_000;
/// Length of an account as text.
const ACCOUNT_TEXT_LEN: usize = 66;

/// Reads a simulated chain.
pub struct SimReader {
    view: Arc<SimView>,
}

impl SimReader {
    /// A reader over this endpoint.
    pub const fn new(view: Arc<SimView>) -> Self {
        Self { view }
    }

    /// A block that is what its own header says; anything else is a lie.
    fn checked_block(&self, number: u64, parent: Option<B256>) -> Result<ServedBlock, PortError> {
        let gone = || PortError::halt(format!("final block {number} is gone: ask other endpoints before going on"));
        let block = self.view.block(number).map_err(passing)?.ok_or_else(gone)?;
        let root = receipts_root(&receipt_digests(&block.receipts));
        if block.header.number != number || root != block.header.receipts_root {
            return Err(PortError::halt(format!(
                "the receipts of block {number} are not those of its header: the endpoint withheld or invented an event"
            )));
        }
        if parent.is_some_and(|parent| parent != block.header.parent) {
            return Err(PortError::halt(format!(
                "final block {number} does not follow the block read before it: a final block changed"
            )));
        }
        Ok(block)
    }

    fn scan_blocks(&self, cursor: ScanCursor, last: u64, head: BlockRef) -> Result<Scan, PortError> {
        let (mut blocks, mut parent) = (Vec::new(), cursor.parent);
        for number in cursor.next..=last {
            let block = self.checked_block(number, parent)?;
            let hash = block.header.hash();
            if number == head.number && hash != head.hash {
                return Err(PortError::halt(format!("the endpoint names two final blocks {number}")));
            }
            parent = Some(hash);
            blocks.extend(scanned(&block, self.view.chain().chain(), &self.view.contracts()));
        }
        Ok(Scan { blocks, cursor: ScanCursor { next: last + 1, parent }, head })
    }
}

/// A failing endpoint is asked again later.
pub(crate) fn passing(error: RpcError) -> PortError {
    PortError::retry(RETRY_AFTER, "the endpoint did not answer; it is asked again").caused_by(error)
}

/// The facts of one receipt: events of the hub's own contracts, each from the contract that may report it.
pub(crate) fn facts_of(receipt: &SimReceipt, origin: Origin, contracts: &Contracts) -> Vec<Fact> {
    use infrastrukt_types::FactKind as Kind;
    let fact = |(event_index, log): (u32, &crate::Log)| match &log.event {
        Event::Fact(kind) => {
            let emitter = match kind {
                Kind::Sent { .. } | Kind::Delivered(_) | Kind::Expired(_) | Kind::Refunded(_) => contracts.gateway,
                Kind::Locked { .. } | Kind::Settled { .. } | Kind::Escaped { .. } => contracts.escrow,
            };
            let is_ours = log.emitter == emitter;
            is_ours.then(|| Fact { origin: Origin { event_index, ..origin }, kind: kind.clone() })
        }
        Event::DeliveryFailed { .. }
        | Event::EscapeRequested { .. }
        | Event::Credited { .. }
        | Event::CreditWithdrawn { .. }
        | Event::Rotated => None,
    };
    (0u32..).zip(&receipt.logs).filter_map(fact).collect()
}

/// The block's facts with their evidence; `None` where it has none.
fn scanned(block: &ServedBlock, chain: ChainId, contracts: &Contracts) -> Option<ScannedBlock> {
    let (number, hash) = (block.header.number, block.header.hash());
    let nodes: Vec<_> =
        receipt_digests(&block.receipts).iter().map(|digest| digest.as_slice().to_vec().into()).collect();
    let (mut facts, mut receipts) = (Vec::new(), Vec::new());
    for (tx_index, receipt) in (0u32..).zip(&block.receipts) {
        let origin = Origin { chain, block_number: number, block_hash: hash, tx_index, event_index: 0 };
        let found = facts_of(receipt, origin, contracts);
        if !found.is_empty() {
            facts.extend(found);
            receipts.push(ReceiptProof { tx_index, receipt: receipt.encoded(), nodes: nodes.clone() });
        }
    }
    let evidence = Evidence::Receipts(ReceiptEvidence { chain, block_number: number, block_hash: hash, receipts });
    let block = BlockRef { number, hash, time: block.header.time };
    (!facts.is_empty()).then_some(ScannedBlock { block, facts, evidence })
}

#[async_trait]
impl ChainReader for SimReader {
    fn chain(&self) -> ChainId {
        self.view.chain().chain()
    }

    async fn finalized(&self) -> Result<Finalized<BlockRef>, PortError> {
        self.view.finalized().map(Finalized::assert_final).map_err(passing)
    }

    async fn scan(&self, cursor: ScanCursor, blocks_max: u64) -> Result<Scan, PortError> {
        let head = self.view.finalized().map_err(passing)?;
        if let (Some(parent), Some(number)) = (cursor.parent, cursor.next.checked_sub(1))
            && number <= head.number
            && self.checked_block(number, None)?.header.hash() != parent
        {
            return Err(PortError::halt(format!("final block {number} changed below the cursor")));
        }
        if cursor.next > head.number {
            return Ok(Scan { blocks: Vec::new(), cursor, head });
        }
        let steps = blocks_max.clamp(1, SCAN_BLOCKS_MAX) - 1;
        self.scan_blocks(cursor, head.number.min(cursor.next.saturating_add(steps)), head)
    }

    async fn now(&self) -> Result<Timestamp, PortError> {
        self.view.now().map_err(passing)
    }

    async fn is_consumed(&self, source: ChainId, nonce: Nonce) -> Result<bool, PortError> {
        self.view.read(|state| state.gateway.is_consumed(source, nonce)).map_err(passing)
    }

    async fn is_refunded(&self, target: ChainId, nonce: Nonce) -> Result<bool, PortError> {
        self.view.read(|state| state.gateway.is_refunded(target, nonce)).map_err(passing)
    }

    async fn epoch(&self) -> Result<Epoch, PortError> {
        self.view.read(|state| state.epochs.current()).map_err(passing)
    }

    async fn lock_status(&self, key: LockKey) -> Result<LockStatus, PortError> {
        self.view.read(|state| state.escrow.status(key)).map_err(passing)
    }

    async fn balance(&self, account: Account, token: Account) -> Result<Amount, PortError> {
        self.view.read(|state| state.ledger.balance(token, account)).map_err(passing)
    }

    async fn credit(&self, account: Account, token: Account) -> Result<Amount, PortError> {
        self.view.read(|state| state.escrow.credit(account, token)).map_err(passing)
    }

    async fn token(&self, token: Account) -> Result<TokenInfo, PortError> {
        let known = self.view.read(|state| state.ledger.token(token).cloned()).map_err(passing)?;
        known.ok_or_else(|| PortError::reject(format!("{token} is no token on {}: check the address", self.chain())))
    }

    fn parse_account(&self, text: &str) -> Result<Account, PortError> {
        let malformed = || PortError::reject(format!("`{text}` is no account: write 0x and 64 hexadecimal digits"));
        if text.len() != ACCOUNT_TEXT_LEN || !text.starts_with("0x") {
            return Err(malformed());
        }
        text.parse().map(Account).map_err(|error| malformed().caused_by(error))
    }

    fn show_account(&self, account: Account) -> String {
        account.to_string()
    }

    fn manual_call(&self, action: &Action) -> Result<ManualCall, PortError> {
        let contracts = self.view.contracts();
        let to = match action {
            Action::Deliver { .. } | Action::Expire { .. } | Action::Refund { .. } | Action::Send { .. } => {
                contracts.gateway
            }
            Action::Settle { .. }
            | Action::Lock { .. }
            | Action::RequestEscape { .. }
            | Action::ExecuteEscape { .. }
            | Action::WithdrawCredit { .. } => contracts.escrow,
            Action::Rotate { .. } => contracts.verifier,
            Action::Approve { token, .. } => *token,
            Action::Bridge { .. } => return Err(PortError::reject(crate::Revert::NoTokenBridge.to_string())),
        };
        let value = self.view.read(|state| state.value_of(action)).map_err(passing)?;
        let value = value.map_err(|revert| PortError::reject(revert.to_string()).caused_by(revert))?;
        let data: infrastrukt_types::Bytes = codec::encode(action).into();
        let (to, function) = (self.show_account(to), action.name().to_string());
        let command = format!("sim call --to {to} --value {value} --data {data}");
        Ok(ManualCall { to, function, data, value, command })
    }

    /// A simulated chain has no token bridge.
    async fn bridge_books(&self, _: &mut RouteSearch) -> Result<Option<BridgeBooks>, PortError> {
        Ok(None)
    }

    async fn check(&self) -> Vec<Check> {
        let (status, detail) = match self.view.head() {
            Ok(head) => (CheckStatus::Ok, format!("head {}", head.number)),
            Err(error) => (CheckStatus::Fail, format!("{error}: restart it or name another one")),
        };
        vec![Check { name: "endpoint".into(), status, detail }]
    }

    fn rpc_calls(&self) -> u64 {
        self.view.calls()
    }
}
