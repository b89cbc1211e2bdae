//! Which blows fall in which round: every kind as often as any other, in an order and in pairs that the seed decides.

use super::{
    blow::{Blow, KINDS, Kind},
    dice::Dice,
    files::VALIDATORS,
    proxy::ENDPOINTS,
    side::Side,
};

/// Numbers from which both an endpoint and a validator are picked evenly.
const PICKS: usize = ENDPOINTS * VALIDATORS;

/// Kinds that are left until the deck is shuffled again.
#[derive(Debug, Default)]
pub(crate) struct Deck(Vec<Kind>);

impl Deck {
    fn next(&mut self, dice: &mut Dice) -> Kind {
        loop {
            if let Some(kind) = self.0.pop() {
                return kind;
            }
            self.0 = KINDS.to_vec();
            dice.shuffle(&mut self.0);
        }
    }

    /// The blows of one round: two, at different chains, so that one chain never has two false endpoints by accident;
    /// or the one that needs the round for itself.
    pub(crate) fn draw(&mut self, dice: &mut Dice) -> Vec<Blow> {
        let first = self.next(dice);
        if first == Kind::NoMajority {
            let at = side(dice);
            return vec![blow(dice, first, at)];
        }
        let second = self.next(dice);
        let at = side(dice);
        if second == Kind::NoMajority || second == first {
            // It goes to the round after this one.
            self.0.push(second);
            return vec![blow(dice, first, at)];
        }
        let mut blows = vec![blow(dice, first, at), blow(dice, second, at.other())];
        blows.sort_by_key(|blow| blow.kind.rank());
        blows
    }
}

fn side(dice: &mut Dice) -> Side {
    Side::BOTH[dice.place(2)]
}

fn blow(dice: &mut Dice, kind: Kind, side: Side) -> Blow {
    Blow { kind, side, pick: dice.place(PICKS) }
}
