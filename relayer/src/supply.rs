//! Are the token bridges of all chains backed? A pure comparison of their books.
//!
//! Three rules hold between honest bridges at any time:
//!
//! 1. *What one chain received, another sent.* A transfer is received at most once, after its sending was final; and it
//!    is received or given back, never both. So what a route has received, and what its counterpart has given back, are
//!    together at most what the counterpart has sent.
//! 2. *What is minted was received.* A token's supply is at most what its routes received and gave back, less what was
//!    sent home.
//! 3. *What is locked is there.* The bridge's balance is at least what its routes sent, less what they gave back and
//!    released. What it owes as credits is in its balance besides.
//!
//! Rules 2 and 3 speak of one chain at one block. Rule 1 speaks of two, which are never read at the same moment. It
//! holds where the sender's block already contains the sending of everything that the receiver's block received. That
//! is so if the receiver's books were read earlier and its block is not the younger one by the chains' own time: what
//! it had received was sent before, in a block that was final when it was received, and so below every block that is
//! built later. All totals only grow, so blocks need not be final, and the alarm need not wait for finality. Together
//! the rules say that nowhere more is minted than is locked at home or on its way there.

use infrastrukt_ports::{BridgeBooks, BridgeRoute, RouteKind};
use infrastrukt_types::{Account, Amount, ChainId, Timestamp};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Readings of one chain that are kept. A chain whose head is further behind the others' than these reach back is not
/// compared until it caught up.
const READINGS_MAX: usize = 32;

/// A rule that does not hold. Amounts are in wire units, or in the token's smallest unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    #[error(
        "{received} wire units of token {token} came from {sender}, whose books show {sent} sent and {returned} of \
         them given back"
    )]
    Unbacked { token: Account, sender: ChainId, received: u128, sent: u128, returned: u128 },
    #[error("{supply} units of token {token} exist, but the bridge's books account for {booked}")]
    Minted { token: Account, supply: Amount, booked: Amount },
    #[error("the bridge holds {held} units of token {token}, but its books say that {booked} are locked")]
    Missing { token: Account, held: Amount, booked: Amount },
}

impl Violation {
    pub(crate) const fn token(&self) -> Account {
        match self {
            Self::Unbacked { token, .. } | Self::Minted { token, .. } | Self::Missing { token, .. } => *token,
        }
    }
}

/// What a bridge's books say of one token, and what is there where the token tells, in its smallest unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Balance {
    pub(crate) booked: Amount,
    pub(crate) held: Option<Amount>,
}

/// One token of a bridge. It can be both: minted here for one chain and locked here for another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) locked: Option<Balance>,
    pub(crate) minted: Option<Balance>,
}

/// What became of one chain's comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) violations: Vec<Violation>,
    /// True where all rules were checked with books read just now.
    pub(crate) complete: bool,
}

/// Books that were read before, of every chain.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    past: BTreeMap<ChainId, VecDeque<BridgeBooks>>,
}

impl Ledger {
    /// Compares what was read just now with itself and with what was read before. `served` are all chains that have a
    /// token bridge, read or not; routes to others are nothing that can be compared.
    pub(crate) fn judge(
        &mut self,
        served: &BTreeSet<ChainId>,
        fresh: &BTreeMap<ChainId, BridgeBooks>,
    ) -> BTreeMap<ChainId, Finding> {
        let findings = served.iter().map(|receiver| (*receiver, self.finding(*receiver, served, fresh))).collect();
        for (chain, books) in fresh {
            let past = self.past.entry(*chain).or_default();
            past.truncate(READINGS_MAX - 1);
            past.push_front(books.clone());
        }
        findings
    }

    fn finding(
        &self,
        receiver: ChainId,
        served: &BTreeSet<ChainId>,
        fresh: &BTreeMap<ChainId, BridgeBooks>,
    ) -> Finding {
        let own = fresh.get(&receiver);
        let told = own.is_some_and(|own| own.routes.iter().all(|route| route.held.is_some()));
        let mut finding = Finding { violations: own.map(own_violations).unwrap_or_default(), complete: told };
        for sender in served.iter().copied().filter(|sender| *sender != receiver) {
            let comparable = fresh.get(&sender).and_then(|sent| Some((self.before(receiver, sent.block.time)?, sent)));
            let has_route = own.is_none_or(|own| own.routes.iter().any(|route| route.remote == sender));
            match comparable {
                Some((received, sent)) => finding.violations.extend(unbacked(receiver, received, sender, sent)),
                None => finding.complete &= !has_route,
            }
        }
        finding
    }

    /// The newest books of a chain that were read in an earlier turn, at a block that is not younger than `time`.
    fn before(&self, chain: ChainId, time: Timestamp) -> Option<&BridgeBooks> {
        self.past.get(&chain)?.iter().find(|books| books.block.time <= time)
    }
}

/// Every token of a bridge.
pub(crate) fn standings(books: &BridgeBooks) -> BTreeMap<Account, Standing> {
    let mut standings: BTreeMap<Account, Standing> = BTreeMap::new();
    for route in &books.routes {
        let standing = standings.entry(route.token).or_default();
        let balance = match route.kind {
            RouteKind::Lock => standing.locked.get_or_insert_default(),
            RouteKind::Mint => standing.minted.get_or_insert_default(),
        };
        balance.booked = Amount(balance.booked.0.saturating_add(outstanding(route)));
        balance.held = route.held;
    }
    standings
}

/// What the route locked or minted and did not release or burn since, in the token's smallest unit. What is above 2^128
/// counts as the largest amount, as it does in the holdings it is compared with.
fn outstanding(route: &BridgeRoute) -> u128 {
    let wire = match route.kind {
        RouteKind::Lock => route.sent.saturating_sub(route.returned).saturating_sub(route.received),
        RouteKind::Mint => route.received.saturating_add(route.returned).saturating_sub(route.sent),
    };
    wire.saturating_mul(route.wire_unit)
}

/// Rules 2 and 3, for the tokens that tell what there is of them.
fn own_violations(books: &BridgeBooks) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (token, Standing { locked, minted }) in standings(books) {
        if let Some(Balance { booked, held: Some(held) }) = locked
            && held < booked
        {
            violations.push(Violation::Missing { token, held, booked });
        }
        if let Some(Balance { booked, held: Some(supply) }) = minted
            && supply > booked
        {
            violations.push(Violation::Minted { token, supply, booked });
        }
    }
    violations
}

/// Rule 1 for every route from `sender` to `receiver`. Where the sender has no such route, it sent nothing.
fn unbacked(receiver: ChainId, received: &BridgeBooks, sender: ChainId, sent: &BridgeBooks) -> Vec<Violation> {
    let routes = received.routes.iter().filter(|route| route.remote == sender);
    let judged = routes.filter_map(|route| {
        let is_counterpart = |other: &&BridgeRoute| {
            other.remote == receiver && other.token == route.remote_token && other.remote_token == route.token
        };
        let counterpart = sent.routes.iter().find(is_counterpart);
        let (sent, returned) = counterpart.map_or((0, 0), |other| (other.sent, other.returned));
        let (token, received) = (route.token, route.received);
        let is_backed = received.saturating_add(returned) <= sent;
        (!is_backed).then_some(Violation::Unbacked { token, sender, received, sent, returned })
    });
    judged.collect()
}

#[cfg(test)]
mod tests;
