//! The next transaction of an action: planned, cut to size, simulated, priced, signed.

use futures::future::try_join;
use infrastrukt_evm::CallError;
use infrastrukt_ports::{Action, PortError, Remedy};
use infrastrukt_types::B256;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_pubkey::Pubkey;
use std::{cmp::Reverse, sync::Arc};

use super::{
    expiry, fees, rent,
    state::{Open, Signed},
    writer::SolanaWriter,
};
use crate::{
    errors,
    plan::{Group, Planner, fit, message, signed, unsigned},
    rpc::Endpoint,
};

/// The compute-budget instructions in front of every transaction's own.
const BUDGET_INSTRUCTIONS: usize = 2;

/// A transaction that would succeed now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    pub(super) instructions: Vec<Instruction>,
    pub(super) units: u64,
    /// Accounts that it closes beside what it is for.
    pub(super) closes: Vec<Pubkey>,
    /// Items of the action that it completes.
    pub(super) items: usize,
    /// True where nothing is left to do after it.
    pub(super) is_last: bool,
    /// Lamports that it moves.
    pub(super) lamports: u64,
    /// True where it pays out and can do without.
    pub(super) pays: bool,
}

impl SolanaWriter {
    /// What comes next of an action of which `done` items are through, without anything beside where it is to be `bare`.
    /// Nothing is spent on what would fail, which k endpoints have to say before the action is blamed; and what one
    /// endpoint's view of the chain led to has to work where the others are.
    pub(super) async fn plan(&self, action: &Action, done: usize, bare: bool) -> Result<Planned, PortError> {
        let plan = |endpoint: Arc<Endpoint>| async move {
            let planned = self.plan_at(&endpoint, action, (done, bare)).await?;
            let units = self.units_agreed(&planned).await?;
            Ok::<_, CallError>(Planned { units, ..planned })
        };
        self.parts.quorum.any(plan).await.map_err(|error| {
            let error = PortError::from(error);
            if error.remedy == Remedy::Reject {
                let chain = self.parts.config.chain.to_string();
                metrics::counter!("infrastrukt_tx_refused_total", "chain" => chain).increment(1);
            }
            error
        })
    }

    async fn plan_at(
        &self,
        endpoint: &Endpoint,
        action: &Action,
        (done, bare): (usize, bool),
    ) -> Result<Planned, CallError> {
        let planner = Planner { site: &self.parts.site, endpoint, payer: self.wallet() };
        let draft = planner.draft(action, done).await?;
        let planned = match &draft.plain {
            Some(plain) if bare => self.attempt(endpoint, plain, draft.lamports).await?,
            Some(plain) => match self.attempt(endpoint, &draft.groups, draft.lamports).await {
                Err(CallError::Port(refused)) if refused.remedy == Remedy::Reject => {
                    tracing::debug!(chain = %self.parts.config.chain, %refused, "planned without payments");
                    self.attempt(endpoint, plain, draft.lamports).await?
                }
                outcome => Planned { pays: true, ..outcome? },
            },
            None => self.attempt(endpoint, &draft.groups, draft.lamports).await?,
        };
        Ok(if bare { planned } else { self.with_rent(endpoint, planned).await })
    }

    /// The least compute units within which k endpoints see it succeed: one alone neither lets it run out nor makes it
    /// dear. Where k see it fail, the plan is the mistake of whoever made it, and the next endpoint is asked for one.
    async fn units_agreed(&self, planned: &Planned) -> Result<u64, CallError> {
        let limits = (self.parts.config.limits.units_max, 0);
        let message = message(&self.wallet(), &planned.instructions, limits, Hash::default())
            .ok_or_else(|| PortError::halt("a transaction that was simulated cannot be built"))?;
        let (raw, named) = (unsigned(&message), programs(&planned.instructions));
        let (raw, named, gateway) = (&raw, &named, &self.parts.site.gateway.program);
        let what = format!("what a transaction uses on {}", self.parts.config.chain);
        let ask = |endpoint: Arc<Endpoint>| async move {
            let simulation = endpoint.simulate(raw).await?;
            errors::judge(&simulation, named, gateway)?;
            Ok::<_, CallError>(Reverse(simulation.units))
        };
        match self.parts.quorum.reached(&what, ask).await {
            Ok(Reverse(units)) => Ok(units),
            Err(CallError::Port(error)) if error.remedy == Remedy::Reject => {
                Err(CallError::retry(format!("endpoints refuse what another one led to: {}", error.message)))
            }
            // Fewer than k tell. One is believed then: money in escrows cannot wait for the others.
            Err(_) => Ok(planned.units),
        }
    }

    /// Cuts to size and runs on the endpoint's newest block.
    async fn attempt(&self, endpoint: &Endpoint, groups: &[Group], lamports: u64) -> Result<Planned, CallError> {
        let (wallet, limits) = (self.wallet(), self.parts.config.limits);
        let fitted = fit(&wallet, groups)?;
        let message = message(&wallet, &fitted.instructions, (limits.units_max, 0), Hash::default());
        let message =
            message.ok_or_else(|| PortError::reject("the call names too many accounts for one transaction"))?;
        let simulation = endpoint.simulate(&unsigned(&message)).await?;
        errors::judge(&simulation, &programs(&fitted.instructions), &self.parts.site.gateway.program)
            .inspect_err(|_| tracing::debug!(logs = ?simulation.logs, "what the programs said"))?;
        let (items, is_last, units) = (fitted.items, fitted.is_last, simulation.units);
        let lamports = if fitted.items > 0 { lamports } else { 0 };
        let (instructions, closes, pays) = (fitted.instructions, Vec::new(), false);
        Ok(Planned { instructions, units, closes, items, is_last, lamports, pays })
    }

    /// What k endpoints say that transactions which write the same accounts pay, within the limits.
    async fn unit_price(&self, instructions: &[Instruction], outbid: Option<u64>) -> Result<u64, PortError> {
        let (writable, policy) = (&writable(instructions), &self.parts.config.fees);
        let what = format!("the price of a compute unit on {}", self.parts.config.chain);
        let ask = |endpoint: Arc<Endpoint>| async move {
            Ok::<_, CallError>(fees::unit_price(policy, endpoint.recent_fees(writable).await?, outbid))
        };
        match self.parts.quorum.reached(&what, ask).await {
            Ok(price) => Ok(price),
            Err(error) if error.is_halt() => Err(error.into()),
            // Nobody's word is needed for the least that is offered.
            Err(_) => Ok(fees::unit_price(policy, Vec::new(), outbid)),
        }
    }

    /// Signs what was planned, under the hash of the newest final block.
    pub(super) async fn sign(&self, planned: &Planned, seq: u64, outbid: Option<u64>) -> Result<Signed, PortError> {
        let (units_max, wallet) = (self.parts.config.limits.units_max, self.wallet());
        let used = planned.units;
        let units = fees::unit_limit(used, units_max, seq).ok_or_else(|| {
            PortError::reject(format!(
                "the call needs {used} compute units, above the limit of {units_max}: split it up"
            ))
        })?;
        // What is signed from here on is in no block up to the anchor.
        let price = self.unit_price(&planned.instructions, outbid);
        let (unit_price, anchor) = try_join(price, self.parts.view.anchor()).await?;
        let blockhash = Hash::new_from_array(anchor.hash.0);
        let message = message(&wallet, &planned.instructions, (units, unit_price), blockhash)
            .ok_or_else(|| PortError::halt("a transaction that was simulated cannot be built"))?;
        Ok(Signed {
            raw: signed(&message, &self.key.sign(&message)).into(),
            programs: programs(&planned.instructions).iter().map(|program| B256::from(program.to_bytes())).collect(),
            unit_price,
            signed_at: anchor.slot,
            last_valid_height: expiry::last_valid_height(anchor.height),
            items: u32::try_from(planned.items).unwrap_or(u32::MAX),
            is_last: planned.is_last,
            lamports: planned.lamports,
            pays: planned.pays,
            opens: rent::opened(&planned.instructions),
            closes: planned.closes.iter().map(|key| B256::from(key.to_bytes())).collect(),
        })
    }

    /// Signs the next transaction of a submission and stores it.
    pub(super) async fn sign_next(&self, open: &mut Open, planned: &Planned) -> Result<(), PortError> {
        open.current = Some(self.sign(planned, open.seq, open.outbid).await?);
        open.included = None;
        self.records.update(open)
    }
}

/// The programs of a transaction, those of the compute budget first.
fn programs(instructions: &[Instruction]) -> Vec<Pubkey> {
    let budget = std::iter::repeat_n(crate::address::COMPUTE_BUDGET, BUDGET_INSTRUCTIONS);
    budget.chain(instructions.iter().map(|instruction| instruction.program_id)).collect()
}

/// The accounts that a transaction competes for.
fn writable(instructions: &[Instruction]) -> Vec<Pubkey> {
    let accounts = instructions.iter().flat_map(|instruction| &instruction.accounts);
    let mut keys: Vec<Pubkey> = accounts.filter(|account| account.is_writable).map(|account| account.pubkey).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
