//! Payees that refuse to be paid, and recipients that refuse their messages.

use infrastrukt_sim::Recipient;
use std::sync::Arc;

use super::wait;
use crate::{
    chains::{CHAINS, Shop, closed},
    dice::Dice,
    people::Person,
    world::World,
};

pub(super) async fn run(world: Arc<World>, mut dice: Dice) {
    loop {
        let chain = world.chain(dice.pick(&CHAINS));
        let person = dice.pick(&Person::ALL);
        let payees = [person.purse(), person.account()];
        world.env.fault("picky payee");
        chain.sim.with_environment(|around| {
            around.refusing_payees.extend(payees);
            around.recipients.insert(Shop::Moody.account(), closed());
        });
        wait(&world, &mut dice, 4_000, 16_000).await;
        chain.sim.with_environment(|around| {
            for payee in &payees {
                around.refusing_payees.remove(payee);
            }
            around.recipients.insert(Shop::Moody.account(), Recipient::Accepts);
        });
        wait(&world, &mut dice, 1_000, 6_000).await;
    }
}
