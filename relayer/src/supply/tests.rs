use super::*;
use infrastrukt_ports::BlockRef;
use infrastrukt_types::B256;

const HOME: ChainId = ChainId(1);
const AWAY: ChainId = ChainId(56);
const UNIT: u128 = 100;

fn coin() -> Account {
    Account(B256::repeat_byte(0x0c))
}

fn twin() -> Account {
    Account(B256::repeat_byte(0x77))
}

fn gain(route: &mut BridgeRoute, wire: u128) {
    route.held = route.held.map(|held| Amount(held.0 + wire * UNIT));
}

fn lose(route: &mut BridgeRoute, wire: u128) {
    route.held = route.held.map(|held| Amount(held.0 - wire * UNIT));
}

/// A coin locked at home, and its twin minted away.
#[derive(Clone)]
struct World {
    time: u64,
    home: BridgeRoute,
    away: BridgeRoute,
}

impl World {
    fn new() -> Self {
        let home = BridgeRoute {
            token: coin(),
            remote: AWAY,
            remote_token: twin(),
            kind: RouteKind::Lock,
            wire_unit: UNIT,
            sent: 0,
            returned: 0,
            received: 0,
            held: Some(Amount::ZERO),
        };
        let away = BridgeRoute { token: twin(), remote: HOME, remote_token: coin(), kind: RouteKind::Mint, ..home };
        Self { time: 1_000, home, away }
    }

    fn lock(&mut self, wire: u128) {
        self.home.sent += wire;
        gain(&mut self.home, wire);
    }

    fn mint(&mut self, wire: u128) {
        self.away.received += wire;
        gain(&mut self.away, wire);
    }

    fn burn(&mut self, wire: u128) {
        self.away.sent += wire;
        lose(&mut self.away, wire);
    }

    fn release(&mut self, wire: u128) {
        self.home.received += wire;
        lose(&mut self.home, wire);
    }

    fn give_back_at_home(&mut self, wire: u128) {
        self.home.returned += wire;
        lose(&mut self.home, wire);
    }

    fn give_back_away(&mut self, wire: u128) {
        self.away.returned += wire;
        gain(&mut self.away, wire);
    }

    fn books(&self, route: &BridgeRoute) -> BridgeBooks {
        let block = BlockRef { number: self.time, hash: B256::ZERO, time: Timestamp(self.time) };
        BridgeBooks { block, routes: vec![route.clone()] }
    }

    fn home(&self) -> BridgeBooks {
        self.books(&self.home)
    }

    fn away(&self) -> BridgeBooks {
        self.books(&self.away)
    }

    /// Lets time pass.
    fn after(&self, step: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        next.time += 10;
        step(&mut next);
        next
    }
}

fn served() -> BTreeSet<ChainId> {
    [HOME, AWAY].into()
}

fn judge(ledger: &mut Ledger, home: BridgeBooks, away: BridgeBooks) -> BTreeMap<ChainId, Finding> {
    ledger.judge(&served(), &[(HOME, home), (AWAY, away)].into())
}

fn is_sound(findings: &BTreeMap<ChainId, Finding>) -> bool {
    findings.values().all(|finding| finding.violations.is_empty())
}

/// An honest life of a route, one state after the other.
fn history() -> Vec<World> {
    let steps: [fn(&mut World); 11] = [
        |world| world.lock(50),
        |world| world.mint(30),
        |world| world.mint(20),
        |world| world.burn(25),
        |world| world.lock(5),
        |world| world.release(15),
        |world| world.give_back_at_home(5),
        |world| world.give_back_away(10),
        |world| world.burn(35),
        |world| world.release(35),
        |world| world.lock(1),
    ];
    let mut states = vec![World::new()];
    for step in steps {
        let next = states.last().expect("there is a first state").after(step);
        states.push(next);
    }
    states
}

#[test]
fn honest_bridges_are_backed_in_whatever_order_they_are_read() {
    let states = history();
    // Each turn reads the two chains at moments of its own, later than in the turn before.
    for lead in [0, 1, 3] {
        let mut ledger = Ledger::default();
        for turn in 0..states.len() - lead {
            let findings = judge(&mut ledger, states[turn + lead].home(), states[turn].away());
            assert!(is_sound(&findings), "home leads by {lead}: {findings:?}");
        }
        let mut ledger = Ledger::default();
        for turn in 0..states.len() - lead {
            let findings = judge(&mut ledger, states[turn].home(), states[turn + lead].away());
            assert!(is_sound(&findings), "away leads by {lead}: {findings:?}");
        }
    }
}

#[test]
fn endpoints_that_lag_are_waited_for_and_raise_no_alarm() {
    let states = history();
    let mut ledger = Ledger::default();
    judge(&mut ledger, states[0].home(), states[2].away());
    // 30 were minted away, and home is still read at a block before they were locked.
    let findings = judge(&mut ledger, states[0].home(), states[2].away());
    assert_eq!(findings[&AWAY], Finding { violations: Vec::new(), complete: false });
    let findings = judge(&mut ledger, states[2].home(), states[3].away());
    assert_eq!(findings[&AWAY], Finding { violations: Vec::new(), complete: true });
}

#[test]
fn a_mint_that_nothing_was_locked_for_is_found() {
    let honest = World::new().after(|world| world.lock(50)).after(|world| world.mint(50));
    let forged = honest.after(|world| world.mint(7));
    let later = forged.after(|_| ());
    let mut ledger = Ledger::default();
    judge(&mut ledger, forged.home(), forged.away());
    let findings = judge(&mut ledger, later.home(), later.away());
    let expected = Violation::Unbacked { token: twin(), sender: HOME, received: 57, sent: 50, returned: 0 };
    assert_eq!(findings[&AWAY].violations, [expected]);
    assert!(findings[&HOME].violations.is_empty());
}

#[test]
fn a_release_that_nothing_was_burned_for_is_found() {
    let honest = World::new().after(|world| world.lock(50)).after(|world| world.mint(50));
    let forged = honest.after(|world| world.release(7));
    let later = forged.after(|_| ());
    let mut ledger = Ledger::default();
    judge(&mut ledger, forged.home(), forged.away());
    let findings = judge(&mut ledger, later.home(), later.away());
    let expected = Violation::Unbacked { token: coin(), sender: AWAY, received: 7, sent: 0, returned: 0 };
    assert_eq!(findings[&HOME].violations, [expected]);
}

#[test]
fn a_transfer_that_arrived_and_was_given_back_as_well_is_found() {
    let honest = World::new().after(|world| world.lock(50)).after(|world| world.mint(50));
    let forged = honest.after(|world| world.give_back_at_home(50));
    let mut ledger = Ledger::default();
    judge(&mut ledger, honest.home(), honest.away());
    let findings = judge(&mut ledger, forged.home(), forged.away());
    let expected = Violation::Unbacked { token: twin(), sender: HOME, received: 50, sent: 50, returned: 50 };
    assert_eq!(findings[&AWAY].violations, [expected]);
}

#[test]
fn received_without_a_counterpart_is_unbacked() {
    let world = World::new().after(|world| world.mint(1));
    let later = world.after(|_| ());
    let mut ledger = Ledger::default();
    let nothing = BridgeBooks { routes: Vec::new(), ..later.home() };
    judge(&mut ledger, nothing.clone(), world.away());
    let findings = judge(&mut ledger, nothing, later.away());
    assert!(matches!(findings[&AWAY].violations.as_slice(), [Violation::Unbacked { received: 1, sent: 0, .. }]));
}

#[test]
fn a_missing_balance_is_found_at_once() {
    let mut world = World::new().after(|world| world.lock(50));
    world.home.held = Some(Amount(50 * UNIT - 1));
    let findings = judge(&mut Ledger::default(), world.home(), world.away());
    let expected = Violation::Missing { token: coin(), held: Amount(4_999), booked: Amount(5_000) };
    assert_eq!(findings[&HOME].violations, [expected]);
    // Credits that nobody withdrew yet stay in the balance.
    world.home.held = Some(Amount(60 * UNIT));
    let findings = judge(&mut Ledger::default(), world.home(), world.away());
    assert!(findings[&HOME].violations.is_empty());
}

#[test]
fn a_supply_past_the_books_is_found_at_once() {
    let mut world = World::new().after(|world| world.lock(50)).after(|world| world.mint(50));
    world.away.held = Some(Amount(50 * UNIT + 1));
    let findings = judge(&mut Ledger::default(), world.home(), world.away());
    let expected = Violation::Minted { token: twin(), supply: Amount(5_001), booked: Amount(5_000) };
    assert_eq!(findings[&AWAY].violations, [expected]);
}

#[test]
fn a_token_that_does_not_tell_hides_no_other() {
    let world = World::new().after(|world| world.lock(50)).after(|world| world.mint(50));
    let broken = |route: &BridgeRoute, token: u8| BridgeRoute {
        token: Account(B256::repeat_byte(token)),
        remote_token: Account(B256::repeat_byte(token ^ 1)),
        held: None,
        ..route.clone()
    };
    let mut ledger = Ledger::default();
    judge(&mut ledger, world.home(), world.away());
    let mut forged = world.after(|world| world.mint(7));
    forged.home.held = Some(Amount(50 * UNIT - 1));
    let (mut home, mut away) = (forged.home(), forged.away());
    home.routes.push(broken(&forged.home, 2));
    away.routes.push(broken(&forged.away, 3));
    judge(&mut ledger, home.clone(), away.clone());
    let findings = judge(&mut ledger, home, away);
    assert!(matches!(findings[&HOME].violations.as_slice(), [Violation::Missing { .. }]), "{findings:?}");
    let unbacked = findings[&AWAY].violations.iter().any(|found| matches!(found, Violation::Unbacked { .. }));
    assert!(unbacked, "{findings:?}");
    assert!(!findings[&HOME].complete && !findings[&AWAY].complete, "somebody has to look at the silent one");
}

#[test]
fn routes_of_one_token_share_its_balance() {
    let world = World::new().after(|world| world.lock(50));
    let other = BridgeRoute { remote: ChainId(10), ..world.home.clone() };
    let mut books = world.home();
    books.routes.push(other);
    let held =
        |books: &mut BridgeBooks, amount| books.routes.iter_mut().for_each(|route| route.held = Some(Amount(amount)));
    held(&mut books, 100 * UNIT);
    assert!(own_violations(&books).is_empty());
    held(&mut books, 100 * UNIT - 1);
    assert_eq!(own_violations(&books).len(), 1);
}

#[test]
fn a_chain_that_cannot_be_read_leaves_the_comparison_incomplete() {
    let (first, second) = (World::new(), World::new().after(|_| ()));
    let mut ledger = Ledger::default();
    judge(&mut ledger, first.home(), first.away());
    let findings = ledger.judge(&served(), &[(AWAY, second.away())].into());
    assert!(!findings[&HOME].complete && !findings[&AWAY].complete);
    let findings = judge(&mut ledger, second.home(), second.away());
    assert!(findings[&HOME].complete && findings[&AWAY].complete);
}

#[test]
fn readings_that_are_kept_are_bounded() {
    let mut ledger = Ledger::default();
    let world = World::new();
    for _ in 0..READINGS_MAX + 5 {
        judge(&mut ledger, world.home(), world.away());
    }
    assert!(ledger.past.values().all(|past| past.len() == READINGS_MAX));
}
