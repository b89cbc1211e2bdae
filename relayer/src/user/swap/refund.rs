//! Getting one's money back: by an ABORT certificate where the hub lives, by the timer from the chain alone where not.

use infrastrukt_api::{DealView, HubApiClient as _};
use infrastrukt_ports::{Action, LockStatus};
use infrastrukt_types::{Account, Decision, LegRef, Timestamp};
use serde::Serialize;

use super::{
    super::{Chain, DealRecord, Network, UserError, Wallet, is_certified, settle_action},
    accept::own_legs,
};

/// What was done about one leg, or what it waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefundedLeg {
    /// Place in the deal.
    pub index: u8,
    /// Chain.
    pub chain: String,
    /// What was done.
    pub step: RefundStep,
    /// The transaction, where one was needed.
    pub tx: Option<String>,
    /// Chain time of the next step, where there is one.
    pub next_at: Option<Timestamp>,
}

/// One step of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStep {
    /// It was never locked: nothing to refund.
    NotLocked,
    /// It was paid out before, to whoever the decision named.
    PaidBefore,
    /// Refunded with the hub's ABORT certificate.
    Settled,
    /// The timer refund is requested and runs.
    EscapeRequested,
    /// The timer refund is paid.
    Escaped,
    /// The timer refund cannot be requested yet.
    Waiting,
}

impl RefundStep {
    /// True where nothing is left to do.
    pub const fn is_done(self) -> bool {
        match self {
            Self::NotLocked | Self::PaidBefore | Self::Settled | Self::Escaped => true,
            Self::EscapeRequested | Self::Waiting => false,
        }
    }
}

/// Does the next possible step for each of the wallet's legs. Safe to repeat.
pub async fn refund(
    network: &Network,
    wallet: &Wallet<'_>,
    record: &DealRecord,
) -> Result<Vec<RefundedLeg>, UserError> {
    let own = own_legs(network, &record.deal, wallet.name())?;
    if own.is_empty() {
        let remedy = "use --as with the name that locked; the deal file names its parties";
        return Err(UserError::refused(format!("{} locked nothing in this deal", wallet.name()), remedy));
    }
    // A dead hub is the very case the timer is for: its silence is no failure here.
    let view = network.hub.call(network.hub.api().deal(record.deal_id)).await.ok().flatten();
    let mut done = Vec::with_capacity(own.len());
    for leg in &own {
        done.push(refund_leg(network, wallet, record, view.as_ref(), leg).await?);
    }
    Ok(done)
}

async fn refund_leg(
    network: &Network,
    wallet: &Wallet<'_>,
    record: &DealRecord,
    view: Option<&DealView>,
    own: &LegRef,
) -> Result<RefundedLeg, UserError> {
    let chain = network.chain(own.leg.chain)?;
    let report =
        |step, tx: Option<String>, next_at| RefundedLeg { index: own.index, chain: chain.name(), step, tx, next_at };
    let requested_at = match wallet.lock_status(chain, own.lock_key(record.deal_id)).await? {
        LockStatus::None => return Ok(report(RefundStep::NotLocked, None, None)),
        LockStatus::Released | LockStatus::Refunded | LockStatus::Escaped => {
            let tx = withdraw_credit(wallet, chain, own).await?;
            return Ok(report(RefundStep::PaidBefore, tx, None));
        }
        LockStatus::Locked { escape_requested_at } => escape_requested_at,
    };
    if let Some(view) = view {
        if let Some(tx) = settle(network, wallet, chain, view, own).await? {
            return Ok(report(RefundStep::Settled, Some(tx), None));
        }
        require_undecided(record, view)?;
    }
    let (step, tx, timer_at) = escape(wallet, chain, record, own, requested_at).await?;
    // A living hub that has not decided yet aborts after `decide_by`, long before the timer.
    let is_undecided = view.is_some_and(|view| view.decision.is_none());
    let abort_at = (is_undecided && step == RefundStep::Waiting).then_some(record.deal.decide_by);
    Ok(report(step, tx, abort_at.or(timer_at)))
}

/// Uses the ABORT certificate, where there is one.
async fn settle(
    network: &Network,
    wallet: &Wallet<'_>,
    chain: &Chain,
    view: &DealView,
    own: &LegRef,
) -> Result<Option<String>, UserError> {
    if !is_certified(view, Decision::Abort) {
        return Ok(None);
    }
    let Some(action) = settle_action(&network.hub, view, vec![own.clone()]).await? else { return Ok(None) };
    let receipt = wallet.act(chain, &format!("settle {}", own.lock_key(view.id)), &action).await?;
    Ok(Some(receipt.tx))
}

/// A certified COMMIT pays the other party: a timer refund against it would break the deal, so this never starts one.
fn require_undecided(record: &DealRecord, view: &DealView) -> Result<(), UserError> {
    if !is_certified(view, Decision::Commit) {
        return Ok(());
    }
    Err(UserError::refused(
        format!("deal {} is committed: this leg pays the other party, and theirs pays you", record.deal_id),
        "`relayer deals show ID --json` holds the calls that settle every leg by hand",
    ))
}

async fn escape(
    wallet: &Wallet<'_>,
    chain: &Chain,
    record: &DealRecord,
    own: &LegRef,
    requested_at: Option<Timestamp>,
) -> Result<(RefundStep, Option<String>, Option<Timestamp>), UserError> {
    let now = chain.now().await?;
    let (deal, leg) = (record.deal_id, own.clone());
    let lock_key = own.lock_key(deal);
    let Some(requested_at) = requested_at else {
        if now < own.leg.escape_at {
            return Ok((RefundStep::Waiting, None, Some(own.leg.escape_at)));
        }
        let action = Action::RequestEscape { deal, leg };
        let receipt = wallet.act(chain, &format!("request escape {lock_key}"), &action).await?;
        let next_at = requested_time(wallet, chain, own, record).await?.map(|at| at.plus(own.leg.escape_window));
        return Ok((RefundStep::EscapeRequested, Some(receipt.tx), next_at));
    };
    let due = requested_at.plus(own.leg.escape_window);
    if now < due {
        return Ok((RefundStep::EscapeRequested, None, Some(due)));
    }
    let action = Action::ExecuteEscape { deal, leg };
    let receipt = wallet.act(chain, &format!("execute escape {lock_key}"), &action).await?;
    Ok((RefundStep::Escaped, Some(receipt.tx), None))
}

async fn requested_time(
    wallet: &Wallet<'_>,
    chain: &Chain,
    own: &LegRef,
    record: &DealRecord,
) -> Result<Option<Timestamp>, UserError> {
    match wallet.lock_status(chain, own.lock_key(record.deal_id)).await? {
        LockStatus::Locked { escape_requested_at } => Ok(escape_requested_at),
        LockStatus::None | LockStatus::Released | LockStatus::Refunded | LockStatus::Escaped => Ok(None),
    }
}

/// A payout that could not be made lies in the escrow as a credit: fetch it along the way.
async fn withdraw_credit(wallet: &Wallet<'_>, chain: &Chain, own: &LegRef) -> Result<Option<String>, UserError> {
    let (account, token): (Account, Account) = (own.leg.on_abort, own.leg.token);
    let credit = chain.reader().credit(account, token).await.map_err(UserError::chain(chain.name()))?;
    if credit.0 == 0 {
        return Ok(None);
    }
    let action = Action::WithdrawCredit { token, account };
    let receipt = wallet.act(chain, &format!("withdraw {token}"), &action).await?;
    Ok(Some(receipt.tx))
}
