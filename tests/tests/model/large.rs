//! The searches of `make model`: more than a hundred million states together. Depth first, a state that was seen costs
//! its fingerprint of 8 bytes and one byte of the table. A table is between 7/16 and 7/8 full and is copied when it
//! grows: 31 bytes a state at worst, 3.1 GB for a hundred million. What waits to be explored is one stack. Fingerprints
//! of 64 bits hide a state among two hundred million with a probability of about one in a thousand.

use crate::{
    SKEWS, TARGET_SKEWS,
    deal::{ANY_TIME, DealModel, Extras, Setup},
    message::{MessageModel, MessageSetup},
    search::explore_large,
    terms::Committee,
};

#[test]
#[ignore = "one of the long searches of make model"]
fn two_deals_with_a_rotation_between_them() {
    let extras = Extras { rotation: Some([5, 5]), ..Extras::NONE };
    explore_large(DealModel::new(Setup { extras, deals: 2, ..Setup::HOSTILE }), 100_000_000);
}

#[test]
#[ignore = "one of the long searches of make model"]
fn two_deals_share_the_escrows_and_the_clocks() {
    let extras = Extras { bounces: true, ..Extras::NONE };
    explore_large(DealModel::new(Setup { extras, deals: 2, skews: SKEWS, ..Setup::HOSTILE }), 10_000_000);
}

#[test]
#[ignore = "one of the long searches of make model"]
fn seven_validators_rotate_at_any_moment() {
    let extras = Extras { rotation: ANY_TIME, reissue: true, ..Extras::NONE };
    let committee = Committee::SEVEN;
    explore_large(DealModel::new(Setup { extras, committee, skews: SKEWS, ..Setup::HOSTILE }), 2_000_000);
}

#[test]
#[ignore = "one of the long searches of make model"]
fn everything_at_once() {
    let extras = Extras { halts: true, bounces: true, other_terms: true, rotation: ANY_TIME, reissue: true };
    explore_large(DealModel::new(Setup { extras, ..Setup::HOSTILE }), 10_000_000);
}

#[test]
#[ignore = "one of the long searches of make model"]
fn messages_among_seven_validators() {
    let (committee, skews) = (Committee::SEVEN, TARGET_SKEWS);
    let setup = MessageSetup { halts: true, committee, skews, messages: 2, ..MessageSetup::HOSTILE };
    explore_large(MessageModel::new(setup), 500_000);
}
