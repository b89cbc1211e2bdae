use super::*;

const PROGRAM: Pubkey = Pubkey::new_from_array([7; 32]);
const MINT: Pubkey = Pubkey::new_from_array([8; 32]);
const REMOTE: ChainId = ChainId(56);

fn state_of(owner: Pubkey, lamports: u64, data: Vec<u8>) -> AccountState {
    AccountState { lamports, owner, data, executable: false }
}

/// A route with 6 decimals on the wire of 9 here.
fn route(mint: &Pubkey, kind: u8) -> AccountState {
    let mut data = discriminator::account::ROUTE.to_vec();
    data.extend(REMOTE.0.to_le_bytes());
    data.extend(mint.to_bytes());
    data.extend([3; 32]);
    data.extend([kind, 9, 6, 255]);
    data.extend(50_000u64.to_le_bytes());
    for total in [50u128, 10, 20, 99] {
        data.extend(total.to_le_bytes());
    }
    assert_eq!(data.len(), 156);
    state_of(PROGRAM, 1, data)
}

fn mint(supply: u64) -> AccountState {
    let mut data = vec![0; 82];
    data[SUPPLY_AT..SUPPLY_AT + 8].copy_from_slice(&supply.to_le_bytes());
    state_of(TOKEN_2022, 1, data)
}

fn only(mint: &Pubkey) -> (Gateway, Token) {
    let gateway = Gateway::new(PROGRAM);
    let found = BTreeSet::from([(account(mint), REMOTE)]);
    (gateway, tokens(&gateway, &found).pop().expect("is one"))
}

fn entry(mint: &Pubkey, others: impl IntoIterator<Item = (Pubkey, AccountState)>, kind: u8) -> BridgeRoute {
    let (gateway, token) = only(mint);
    let mut found: Found = others.into_iter().collect();
    found.insert(gateway.route(REMOTE, mint), route(mint, kind));
    token.entries(&gateway, &found, 900).expect("reads").pop().expect("is one")
}

#[test]
fn what_is_minted_is_the_supply_and_what_is_locked_is_in_the_vault() {
    let minted = entry(&MINT, [(MINT, mint(30_000))], Route::MINT);
    assert_eq!((minted.kind, minted.wire_unit, minted.held), (RouteKind::Mint, 1_000, Some(Amount(30_000))));
    assert_eq!((minted.sent, minted.returned, minted.received), (50, 10, 20));
    assert_eq!((minted.token, minted.remote, minted.remote_token.0), (account(&MINT), REMOTE, B256::repeat_byte(3)));

    let vault = associated_token(&Gateway::new(PROGRAM).bridge, &MINT, &TOKEN_2022);
    let holding = [vec![0; 64], 20_000u64.to_le_bytes().to_vec(), vec![0; 93]].concat();
    let locked = entry(&MINT, [(MINT, mint(1)), (vault, state_of(TOKEN_2022, 1, holding))], LOCK);
    assert_eq!((locked.kind, locked.held), (RouteKind::Lock, Some(Amount(20_000))));
    assert_eq!(entry(&MINT, [(MINT, mint(1))], LOCK).held, Some(Amount(0)), "an empty vault need not exist");
    assert_eq!(entry(&MINT, [], Route::MINT).held, None, "a mint that is gone tells nothing");
}

#[test]
fn a_purse_keeps_its_rent() {
    let bridge = Gateway::new(PROGRAM).bridge;
    let locked = entry(&NATIVE, [(bridge, state_of(PROGRAM, 20_900, vec![0; PURSE_BYTES]))], LOCK);
    assert_eq!(locked.held, Some(Amount(20_000)));
}

#[test]
fn a_route_that_is_gone_is_none_and_an_unknown_kind_is_refused() {
    let (gateway, token) = only(&MINT);
    assert!(token.entries(&gateway, &Found::new(), 0).expect("reads").is_empty());
    let found = Found::from([(gateway.route(REMOTE, &MINT), route(&MINT, 3))]);
    assert!(token.entries(&gateway, &found, 0).is_err());
}

#[test]
fn a_token_is_never_asked_about_in_two_questions() {
    let gateway = Gateway::new(PROGRAM);
    assert_eq!(groups(&[]).len(), 1, "the clock is asked for anyway");
    let found = (0..60).map(|number| (Account(B256::with_last_byte(number + 1)), REMOTE)).collect();
    let tokens = tokens(&gateway, &found);
    let groups = groups(&tokens);
    let named = |group: &[Token]| group.iter().map(|token| token.accounts.len()).sum::<usize>();
    assert!(groups.iter().all(|group| named(group) <= NAMED_MAX));
    assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), [24, 24, 12]);
}

#[test]
fn the_same_figures_at_two_moments_are_the_same_answer() {
    let shown = |number, sent| {
        let mut route = entry(&MINT, [(MINT, mint(1))], Route::MINT);
        route.sent = sent;
        let block = BlockRef { number, hash: B256::ZERO, time: Timestamp(number) };
        Shown(BridgeBooks { block, routes: vec![route] })
    };
    assert_eq!(shown(1, 50).0.routes.len(), 1);
    assert!(shown(1, 50) == shown(2, 50));
    assert!(shown(1, 50) != shown(1, 51));
}

#[test]
fn figures_are_of_a_time_that_others_know() {
    let check = |time| check_time(time, (Timestamp(1_000), Timestamp(1_010)));
    assert!(check(971).is_ok() && check(1_000).is_ok() && check(1_040).is_ok());
    for wrong in [0, 969, 1_041, u64::MAX] {
        assert!(check(wrong).is_err(), "{wrong}");
    }
}
