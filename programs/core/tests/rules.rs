//! What legs, sets, replay bits, transfers, books, buckets and fees allow at their limits.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

use infrastrukt_core::{
    books::{self, Books, BooksError, Kind},
    bucket::Bucket,
    fee::fee_up,
    leg::{self, MAX_ESCAPE_SECONDS},
    message::{is_evm_account, is_evm_word},
    replay::{self, PAGE_BYTES, PAGE_NONCES},
    transfer::{PAYLOAD_BYTES, Transfer},
    valset::{MAX_MEMBERS, Members, ValsetError, is_quorum},
};

fn set(members: &[(u8, u64)]) -> Vec<u8> {
    let mut encoding = vec![1, 0, u8::try_from(members.len()).unwrap()];
    for (address, weight) in members {
        encoding.extend([*address; 20]);
        encoding.extend(weight.to_be_bytes());
    }
    encoding
}

#[test]
fn sets_are_ascending_weighted_and_bounded() {
    assert_eq!(Members::parse(&set(&[(1, 5), (2, 7)])).unwrap().total_weight(), 12);
    assert_eq!(Members::parse(&set(&[])).unwrap_err(), ValsetError::Member(0));
    assert_eq!(Members::parse(&set(&[(0, 5)])).unwrap_err(), ValsetError::Member(0));
    assert_eq!(Members::parse(&set(&[(1, 0)])).unwrap_err(), ValsetError::Member(0));
    assert_eq!(Members::parse(&set(&[(2, 1), (1, 1)])).unwrap_err(), ValsetError::Member(1));
    assert_eq!(Members::parse(&set(&[(1, 1), (1, 1)])).unwrap_err(), ValsetError::Member(1));
    let mut other_scheme = set(&[(1, 1)]);
    other_scheme[0] = 2;
    assert_eq!(Members::parse(&other_scheme).unwrap_err(), ValsetError::Scheme(2));
    let many: Vec<(u8, u64)> = (1..=33).map(|address| (address, 1)).collect();
    assert!(Members::parse(&set(&many[..MAX_MEMBERS])).is_ok());
    assert_eq!(Members::parse(&set(&many)).unwrap_err(), ValsetError::TooMany(33));
    let mut longer = set(&[(1, 1)]);
    longer.push(0);
    assert!(matches!(Members::parse(&longer).unwrap_err(), ValsetError::Length { .. }));
    assert!(matches!(Members::parse(&[1, 0]).unwrap_err(), ValsetError::Length { .. }));
}

#[test]
fn a_quorum_is_more_than_two_thirds() {
    assert!(!is_quorum(2, 3));
    assert!(is_quorum(3, 4));
    assert!(!is_quorum(0, 0));
    let most = u128::from(u64::MAX) * 32;
    assert!(is_quorum(most, most));
}

#[test]
fn a_bit_is_set_once_and_alone() {
    let mut bits = [0; PAGE_BYTES];
    for nonce in [0, 1, 7, 8, 8_191] {
        assert!(!replay::is_set(&bits, nonce));
        assert!(replay::set(&mut bits, nonce));
        assert!(!replay::set(&mut bits, nonce));
        assert!(replay::is_set(&bits, nonce));
    }
    assert_eq!(bits.iter().map(|byte| byte.count_ones()).sum::<u32>(), 5);
    assert_eq!(replay::page_of(PAGE_NONCES - 1), 0);
    assert_eq!(replay::page_of(PAGE_NONCES), 1);
}

#[test]
fn leg_rules_hold_at_their_limits() {
    let check = |lock_by, escape_at, window| leg::check_times(100, lock_by, escape_at, window, 60, 1_000).is_ok();
    assert!(check(100, 101, 60));
    assert!(!check(99, 101, 60), "locking has ended");
    assert!(check(1_100, 1_101, 60));
    assert!(!check(1_101, 1_102, 60), "beyond the horizon");
    assert!(!check(100, 100, 60), "an escape not after lock_by");
    assert!(check(100, 100 + MAX_ESCAPE_SECONDS, 60));
    assert!(!check(100, 101 + MAX_ESCAPE_SECONDS, 60), "an escape too far ahead");
    assert!(!check(100, 101, 59), "a window too short");
    assert!(check(100, 101, MAX_ESCAPE_SECONDS));
    assert!(!check(100, 101, MAX_ESCAPE_SECONDS + 1), "a window too long");
    assert!(leg::check_amounts(1, 0).is_ok());
    assert!(leg::check_amounts(0, 0).is_err());
    assert!(leg::check_amounts(5, 5).is_err());
    assert!(leg::check_index(7).is_ok());
    assert!(leg::check_index(8).is_err());
}

#[test]
fn transfers_read_what_they_write() {
    let transfer = Transfer {
        token: [1; 32],
        amount: u64::MAX,
        recipient: [2; 32],
        refund_to: [3; 32],
        cumulative: u128::MAX - 1,
    };
    let payload = transfer.encode();
    assert_eq!(Transfer::decode(&payload), Some(transfer));
    assert_eq!(Transfer::decode(&payload[..PAYLOAD_BYTES - 1]), None);
    assert_eq!(Transfer::decode(&[&payload[..], &[0]].concat()), None);
    let mut other_version = payload;
    other_version[0] = 2;
    assert_eq!(Transfer::decode(&other_version), None);
}

fn books(kind: Kind, unit: u64) -> Books {
    Books { kind, unit, sent: 0, returned: 0, received: 0, backing: 0 }
}

#[test]
fn amounts_are_whole_wire_units() {
    let books = books(Kind::Lock, 10);
    assert_eq!(books.to_wire(20), Ok(2));
    assert_eq!(books.to_wire(0), Err(BooksError::Zero));
    assert_eq!(books.to_wire(25), Err(BooksError::Dust { amount: 25, unit: 10 }));
    assert_eq!(books.to_local(u64::MAX / 10), Ok(u64::MAX / 10 * 10));
    assert_eq!(books.to_local(u64::MAX / 10 + 1), Err(BooksError::TooLarge(u64::MAX / 10 + 1)));
    assert_eq!(books::wire_decimals(9, 18), 8);
    assert_eq!(books::wire_decimals(6, 18), 6);
    assert_eq!(books::unit(9, 8), Some(10));
    assert_eq!(books::unit(18, 0), Some(1_000_000_000_000_000_000));
    assert_eq!(books::unit(20, 0), None);
    assert_eq!(books::unit(6, 8), None);
}

#[test]
fn never_more_comes_out_than_went_in() {
    let mut home = books(Kind::Lock, 1);
    assert_eq!(home.send(10), Ok(10));
    assert!(home.receive(11, 100).is_err(), "more than is locked here");
    let mut home = books(Kind::Lock, 1);
    home.send(10).unwrap();
    assert_eq!(home.receive(6, 6), Ok(()));
    assert!({ home }.give_back(5).is_err(), "released and returned exceed what is locked");
    assert_eq!(home.give_back(4), Ok(()));

    let mut away = books(Kind::Mint, 1);
    assert_eq!(away.receive(5, 5), Ok(()));
    assert!({ away }.receive(1, 5).is_err(), "the total was used up");
    assert_eq!(away.receive(1, 6), Ok(()), "in any order of delivery");
    assert!({ away }.give_back(1).is_err(), "nothing was sent");
    assert!({ away }.receive(0, 9).is_err());
    away.backing = u128::MAX;
    away.received = u128::MAX;
    assert_eq!(away.receive(1, 0), Err(BooksError::Overflow));
}

#[test]
fn a_bucket_refills_evenly_and_never_overflows() {
    let empty = Bucket::default().consume(1_000, 100, 10, 100).unwrap();
    assert_eq!(empty.consume(1_000, 100, 10, 1), None);
    assert_eq!(empty.consume(1_001, 100, 10, 11), None);
    assert_eq!(empty.consume(1_001, 100, 10, 10), Some(Bucket { used: 100, at: 1_001 }));
    assert_eq!(empty.consume(1_010, 100, 10, 100), Some(Bucket { used: 100, at: 1_010 }));
    assert_eq!(Bucket::default().consume(1_000, 0, 0, 1), None, "without a limit nothing flows");
    assert_eq!(empty.synced(u64::MAX, u64::MAX, 1).used, 0);
    assert_eq!(empty.consume(999, u64::MAX, 1, u64::MAX), None, "time never runs backwards");
}

#[test]
fn fees_round_up_and_stay_in_range() {
    assert_eq!(fee_up(5, 1, 1, 0), Some(6));
    assert_eq!(fee_up(5, 1_000_000, 2, 3), Some(127));
    assert_eq!(fee_up(0, u64::MAX, u64::MAX, 0), None);
    assert_eq!(fee_up(u64::MAX, 0, 0, 0), Some(u64::MAX));
    assert_eq!(fee_up(u64::MAX, 1, 1, 0), None);
}

#[test]
fn evm_words_have_clean_upper_bytes() {
    let mut word = [0; 32];
    assert!(is_evm_word(&word));
    assert!(!is_evm_account(&word));
    word[12] = 1;
    assert!(is_evm_account(&word));
    word[11] = 1;
    assert!(!is_evm_word(&word));
}
