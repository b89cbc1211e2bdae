//! Calls as the contracts are called.

use alloy::{sol, sol_types::SolCall};
use alloy_primitives::{Address, B256, Bytes, U256};
use infrastrukt_evm::bindings::{self, IERC20, IEscrow, IVerifier};
use infrastrukt_ports::CertifiedLeaves;
use infrastrukt_sim::Settlement;
use infrastrukt_types::{Account, Decision, LegRef};

use crate::{op::Call, world::World};

sol! {
    function recover(uint64 epoch, bytes32 valsetHash, uint64 expiresAt) external;
}

/// An account that is an address by construction.
pub(crate) fn evm(account: Account) -> Address {
    account.to_evm().expect("the generator names clean addresses here")
}

/// The contract and the bytes to call it with.
pub(crate) fn encode(world: &World, call: &Call) -> (Address, Bytes) {
    let (escrow, verifier, token) = (evm(world.escrow), evm(world.verifier), evm(world.token));
    let (to, data) = match call {
        Call::Lock { deal, leg, .. } => {
            (escrow, IEscrow::lockCall { dealId: deal.0, legRef: leg_arg(leg) }.abi_encode())
        }
        Call::LockCompact { deal, leg, .. } => (escrow, compact(deal.0, leg).abi_encode()),
        Call::LockSigned { deal, leg, deadline, signature } => {
            let (deadline, signature) = (U256::from(deadline.0), signature.clone());
            let call = IEscrow::lockWithSignatureCall { dealId: deal.0, legRef: leg_arg(leg), deadline, signature };
            (escrow, call.abi_encode())
        }
        Call::CancelLock { deal, leg } => {
            (escrow, IEscrow::cancelLockCall { dealId: deal.0, legRef: leg_arg(leg) }.abi_encode())
        }
        Call::Settle { certified, settlements } => {
            let (checkpoint, certificate, proof) = parts(certified);
            let settlements = settlements.iter().map(settlement_arg).collect();
            (escrow, IEscrow::settleCall { checkpoint, certificate, settlements, proof }.abi_encode())
        }
        Call::RequestEscape { deal, leg } => {
            (escrow, IEscrow::requestEscapeCall { dealId: deal.0, legRef: leg_arg(leg) }.abi_encode())
        }
        Call::ExecuteEscape { deal, leg } => {
            (escrow, IEscrow::executeEscapeCall { dealId: deal.0, legRef: leg_arg(leg) }.abi_encode())
        }
        Call::WithdrawCredit { token, account } => {
            (escrow, IEscrow::withdrawCreditCall { token: evm(*token), account: evm(*account) }.abi_encode())
        }
        Call::SetLocksPaused(paused) => (escrow, IEscrow::setLocksPausedCall { paused_: *paused }.abi_encode()),
        Call::SetGuardian(guardian) => (escrow, IEscrow::setGuardianCall { guardian_: evm(*guardian) }.abi_encode()),
        Call::Rotate { certified, epoch, valset_hash, expires_at } => {
            let (checkpoint, certificate, proof) = parts(certified);
            let (epoch, expires) = (epoch.0, expires_at.0);
            let call = IVerifier::rotateCall {
                checkpoint,
                certificate,
                epoch,
                valsetHash: *valset_hash,
                expiresAt: expires,
                proof,
            };
            (verifier, call.abi_encode())
        }
        Call::Recover { epoch, valset_hash, expires_at } => {
            let call = recoverCall { epoch: epoch.0, valsetHash: *valset_hash, expiresAt: expires_at.0 };
            (verifier, call.abi_encode())
        }
        Call::Approve { amount } => {
            (token, IERC20::approveCall { spender: escrow, amount: U256::from(amount.0) }.abi_encode())
        }
    };
    (to, data.into())
}

/// Amount and tip in one word, index and times in another.
fn compact(deal: B256, leg: &LegRef) -> IEscrow::lockCompactCall {
    let wide = |high: u128, low: u128| (U256::from(high) << 128) | U256::from(low);
    let pair = |high: u64, low: u64| (u128::from(high) << 64) | u128::from(low);
    let terms = &leg.leg;
    IEscrow::lockCompactCall {
        dealId: deal,
        token: evm(terms.token),
        onCommit: evm(terms.on_commit),
        onAbort: evm(terms.on_abort),
        amounts: wide(terms.amount.0, terms.tip.0),
        terms: wide(pair(u64::from(leg.index), leg.lock_by.0), pair(terms.escape_at.0, terms.escape_window)),
    }
}

fn settlement_arg((deal, decision, legs): &Settlement) -> bindings::Settlement {
    let commit = *decision == Decision::Commit;
    bindings::Settlement { dealId: deal.0, commit, legs: legs.iter().map(leg_arg).collect() }
}

fn parts(certified: &CertifiedLeaves) -> (bindings::Checkpoint, Bytes, bindings::Multiproof) {
    let CertifiedLeaves { checkpoint, certificate, proof } = certified;
    let checkpoint = bindings::Checkpoint {
        hubId: checkpoint.hub_id.0,
        kind: checkpoint.kind.byte(),
        epoch: checkpoint.epoch.0,
        valsetHash: checkpoint.valset_hash,
        height: checkpoint.height.0,
        time: checkpoint.time.0,
        outboxRoot: checkpoint.outbox_root,
        stateRoot: checkpoint.state_root,
    };
    let proof = bindings::Multiproof { count: proof.count, indices: proof.indices.clone(), nodes: proof.nodes.clone() };
    (checkpoint, certificate.0.clone(), proof)
}

fn leg_arg(leg: &LegRef) -> bindings::LegRef {
    let terms = &leg.leg;
    bindings::LegRef {
        index: leg.index,
        lockBy: leg.lock_by.0,
        leg: bindings::Leg {
            chain: terms.chain.0,
            escrow: terms.escrow.0,
            token: terms.token.0,
            amount: terms.amount.0,
            depositor: terms.depositor.0,
            onCommit: terms.on_commit.0,
            onAbort: terms.on_abort.0,
            escapeAt: terms.escape_at.0,
            escapeWindow: terms.escape_window,
            tip: terms.tip.0,
        },
    }
}
