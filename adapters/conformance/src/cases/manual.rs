//! What a person can do without a relayer.

use infrastrukt_ports::Action;
use infrastrukt_types::{Account, Amount, Decision, Leaf, Nonce, Timestamp};

use crate::{
    Harness, Party,
    failure::{ensure, ensure_eq},
    steps::{Locked, Outcome, certified, count, deliver, id, inbound, send},
};

/// Every action has a call with its contract, function, data and a command line.
pub(crate) async fn every_action_can_be_done_by_hand<H: Harness>(h: &H) -> Outcome {
    let world = h.world();
    let message = inbound(h, 1, world.recipient, Timestamp(0));
    let leaf = |leaf: Leaf| certified(world, 1, &[leaf]);
    let (certificate, expired) = (leaf(Leaf::Message(id(world, &message)))?, leaf(Leaf::Expired(id(world, &message)))?);
    let locked = Locked::terms(h, world.token, 1000, 10).await?;
    let rotate = Leaf::Rotate {
        epoch: infrastrukt_types::Epoch(2),
        valset_hash: infrastrukt_types::B256::repeat_byte(2),
        expires_at: Timestamp(u64::from(u32::MAX)),
    };
    let mut actions = vec![
        deliver(world, 1, std::slice::from_ref(&message))?,
        deliver(world, 1, &[message.clone(), inbound(h, 2, world.recipient, Timestamp(0))])?,
        Action::Expire { certified: certificate, message: message.clone() },
        Action::Refund { certified: expired, message },
        locked.settle(world, Decision::Commit)?,
        Action::Rotate {
            certified: leaf(rotate)?,
            epoch: 2,
            valset_hash: infrastrukt_types::B256::repeat_byte(2),
            expires_at: Timestamp(u64::from(u32::MAX)),
        },
        send(h, b"by hand", Timestamp(0)),
        Action::Approve { token: world.token, spender: world.escrow, amount: Amount(5) },
        locked.lock(),
        locked.request_escape(),
        locked.execute_escape(),
        Action::WithdrawCredit { token: Account::ZERO, account: h.account(Party::Bob) },
    ];
    if world.token_bridge.is_some() {
        let recipient = h.fresh_account("recipient on the peer");
        let (token, target, refund_to) = (world.token, world.peer, h.account(Party::Alice));
        let deadline = h.reader().await?.now().await?.plus(3_600);
        actions.push(Action::Bridge { token, target, recipient, amount: Amount(1), deadline, refund_to });
    }
    let reader = h.reader().await?;
    for action in &actions {
        let call = reader.manual_call(action).map_err(|error| crate::Failure::from(error).at(action.name()))?;
        let complete = [&call.to, &call.function, &call.command].iter().all(|text| !text.is_empty());
        ensure!(complete && !call.data.is_empty(), "{}: the call is incomplete: {call:?}", action.name());
        ensure!(call.command.contains(&call.to), "{}: the command names no contract: {call:?}", action.name());
    }
    Ok(())
}

/// Anyone delivers with what the call says, and nothing else.
pub(crate) async fn delivery_by_hand_works<H: Harness>(h: &H) -> Outcome {
    let world = h.world();
    let message = inbound(h, 1, world.recipient, Timestamp(0));
    let reader = h.reader().await?;
    let call = reader.manual_call(&deliver(world, 1, &[message])?)?;
    ensure_eq!(call.value, Amount::ZERO, "value of a delivery");
    h.call_by_hand(Party::Bob, &call).await?;
    ensure!(reader.is_consumed(world.peer, Nonce(1)).await?, "the call delivered nothing");
    Ok(())
}

/// A depositor locks native coin with what the call says, its amount attached.
pub(crate) async fn lock_by_hand_works<H: Harness>(h: &H) -> Outcome {
    let locked = Locked::terms(h, Account::ZERO, 4321, 0).await?;
    let call = h.reader().await?.manual_call(&locked.lock())?;
    ensure_eq!(call.value, Amount(4321), "value of a native lock");
    h.call_by_hand(Party::Alice, &call).await?;
    h.finalize().await?;
    ensure_eq!(count(h, &locked.fact()).await?, 1, "locks");
    Ok(())
}
