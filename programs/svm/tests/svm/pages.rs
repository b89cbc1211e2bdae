//! Replay bits: each nonce has one, which nobody clears.

use infrastrukt_svm_tests::{
    CONSUMED, OTHER_REMOTE, REFUNDED, REMOTE, Refusal, World,
    calls::{self, Bend},
    pda,
};

use crate::messages::arriving;

#[test]
fn nonces_at_the_limits_have_their_own_bits() {
    let mut world = World::new();
    let last = u64::MAX / pda::PAGE_NONCES;
    let page = calls::open_page(world.payer(), CONSUMED, REMOTE, last);
    world.chain.done(&[page], &[]);
    let message = world.message(u64::MAX);
    let deliver = arriving(&mut world, &message);
    world.chain.done(&[deliver], &[]);
    assert!(world.chain.is_marked(CONSUMED, REMOTE, u64::MAX));
    assert!(!world.chain.is_marked(CONSUMED, REMOTE, u64::MAX - 1));
    for nonce in [0, 7, 8, 8_191] {
        let message = world.message(nonce);
        let deliver = arriving(&mut world, &message);
        world.chain.try_send(&[deliver], &[]).ok();
        assert!(!world.chain.is_marked(CONSUMED, REMOTE, nonce ^ 1), "nonce {nonce} marked its neighbour");
    }
}

#[test]
fn a_page_is_opened_once() {
    let mut world = World::new();
    let message = world.message(1);
    let deliver = arriving(&mut world, &message);
    world.chain.done(&[deliver], &[]);
    // Once it is there, anybody may open it again to no effect.
    let page = pda::page(CONSUMED, REMOTE, 1);
    let before = world.chain.account(&page);
    let again = calls::open_page(world.payer(), CONSUMED, REMOTE, 0);
    world.chain.done(&[again.clone()], &[]);
    assert_eq!(world.chain.account(&page), before);
    assert!(world.chain.is_marked(CONSUMED, REMOTE, 1));
    for other in [pda::page(REFUNDED, REMOTE, 1), pda::page(CONSUMED, OTHER_REMOTE, 1), pda::config()] {
        world.chain.refused_account(again.clone().substitute(page, other), &[], &[Refusal::WrongAddress]);
    }
    for kind in [2, 3, 255] {
        let unknown = calls::open_page(world.payer(), kind, REMOTE, 0);
        world.chain.refused_account(unknown, &[], &[Refusal::InvalidArgument]);
    }
}

#[test]
fn another_page_does_not_do() {
    let mut world = World::new();
    let payer = world.payer();
    for (kind, chain, index) in [(REFUNDED, REMOTE, 0), (CONSUMED, REMOTE, 1)] {
        world.chain.done(&[calls::open_page(payer, kind, chain, index)], &[]);
    }
    let message = world.message(1);
    let deliver = arriving(&mut world, &message);
    let own = pda::page(CONSUMED, REMOTE, 1);
    let others = [
        pda::page(REFUNDED, REMOTE, 1),
        pda::page(CONSUMED, REMOTE, pda::PAGE_NONCES),
        pda::page(CONSUMED, OTHER_REMOTE, 1),
    ];
    for other in others {
        world.chain.refused_account(deliver.clone().substitute(own, other), &[], &[Refusal::WrongPage]);
    }
    world.chain.done(&[deliver], &[]);
}

#[test]
fn lamports_sent_ahead_stop_no_delivery() {
    let mut world = World::new();
    let message = world.message(1);
    let inbox = pda::inbox(&message.id(&world.inward(REMOTE)));
    world.chain.fund(inbox, 1_000_000_000);
    let deliver = arriving(&mut world, &message);
    world.chain.done(&[deliver], &[]);
    assert!(world.chain.inbox(&message.id(&world.inward(REMOTE))).is_some());
    let page = pda::page(CONSUMED, REMOTE, 3 * pda::PAGE_NONCES);
    world.chain.fund(page, 1);
    let open = calls::open_page(world.payer(), CONSUMED, REMOTE, 3);
    world.chain.done(&[open], &[]);
}
