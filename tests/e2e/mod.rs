//! Three devnets: one shows what the product does and refuses, one is stopped and killed under load, and then changes its
//! validators, and one does both with Solana in every deal and message.
//!
//! A start takes seconds, so the steps of a devnet share it. Steps that fail do not hide those after them: all run,
//! and the test fails with every reason at its end. `INFRASTRUKT_E2E_STEPS=swap,proof` runs those whose name contains
//! one of the words.

mod bad_config;
mod bad_evidence;
mod bad_payloads;
mod bad_terms;
mod by_hand;
mod bytecode;
mod chain;
mod command;
mod dead_hub;
mod deals;
mod devnet;
mod expiry;
mod faulty_rpc;
mod load;
mod messages;
mod people;
mod poll;
mod programs;
mod rotation;
mod sheet;
mod solana;
mod solana_load;
mod steps;
mod svm;
mod swaps;
mod tokens;

use devnet::Devnet;
use load::Blow;
use steps::Steps;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_devnet_does_what_it_promises_and_refuses_what_is_wrong() {
    let steps = Steps::new();
    let mut devnet = steps.started(Devnet::start().await);
    let [dave, erin, frank, gina, heidi, ivan] =
        steps.started(people::make(&devnet, ["dave", "erin", "frank", "gina", "heidi", "ivan"]).await);
    // Aborts wait for deadlines most of their time, so everything else goes on beside them.
    tokio::join!(
        steps.run("swap aborts when the other party never locks", swaps::aborts(&devnet)),
        steps.run("a deal of three aborts when one never locks", deals::three_abort(&devnet, [&dave, &erin])),
        async {
            // Delivery by hand stops a chain and the relayer for a while: what has seconds of time goes before it.
            tokio::join!(
                steps.run("a transfer that expires is given back", expiry::transfer(&devnet, &frank, &erin)),
                async {
                    let three = [&gina, &heidi, &ivan];
                    steps.run("a deal of three parties commits", deals::three_commit(&devnet, three)).await;
                    tokio::join!(
                        steps.run("a swap is called off by both", deals::called_off(&devnet, [&gina, &heidi])),
                        steps.run("a message that expires is refunded", expiry::message(&devnet, &ivan)),
                    );
                },
                async {
                    steps.run("swap commits on both chains", swaps::commits(&devnet)).await;
                    steps.run("messages arrive both ways", messages::arrive_both_ways(&devnet)).await;
                    steps.run("tokens go over and come back", tokens::there_and_back(&devnet)).await;
                },
            );
            steps.run("a message is delivered by hand", by_hand::delivered(&devnet)).await;
            refusals(&steps, &devnet).await;
        },
    );
    // Last, since nothing works without a hub but this.
    steps.run("refund without hub and relayer", dead_hub::refund(&mut devnet)).await;
    steps.finish(devnet).await;
}

/// What must be refused, and what fails without harming anything else.
async fn refusals(steps: &Steps, devnet: &Devnet) {
    steps.run("failing payloads become dead letters", bad_payloads::become_dead_letters(devnet)).await;
    steps.run("bad config is refused with its line", bad_config::refused_with_the_line(devnet)).await;
    steps.run("wrong endpoints and contracts are noticed", bad_config::wrong_places(devnet)).await;
    steps.run("bad terms are refused", bad_terms::refused(devnet)).await;
    steps.run("tokens that charge or fail are refused", bad_terms::dishonest_tokens(devnet)).await;
    steps.run("the deadline rule holds", bad_terms::deadline_rule(devnet)).await;
    steps.run("forged evidence and proof are rejected", bad_evidence::rejected(devnet)).await;
    steps.run("certificate of another epoch is refused", bad_evidence::foreign_epoch(devnet)).await;
    steps.run("requests are bounded", bad_evidence::requests_are_bounded(devnet)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stops_and_kills_under_load_lose_and_double_nothing() {
    let steps = Steps::new();
    let mut devnet = steps.started(Devnet::start().await);
    steps.run("stop and start of everything under load", load::survives(&mut devnet, Blow::Stop)).await;
    steps.run("kill -9 of the relayer under load", load::survives(&mut devnet, Blow::KillRelayer)).await;
    steps.run("kill -9 of the hub under load", load::survives(&mut devnet, Blow::KillHub)).await;
    // Last, since it ends the hub.
    steps.run("rotation of the validator set", rotation::carried_through(&mut devnet)).await;
    steps.finish(devnet).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn solana_is_a_chain_like_the_others() {
    let steps = Steps::new();
    let mut devnet = steps.started(Devnet::start().await);
    let made = people::make(&devnet, ["dave", "erin", "frank", "gina", "heidi", "ivan"]).await;
    let [dave, erin, frank, gina, heidi, ivan] = steps.started(made);
    steps.started(people::fund_on_solana(&devnet, &[&dave, &erin, &frank, &gina, &heidi, &ivan]).await);
    // The abort waits for its deadlines most of the time.
    tokio::join!(
        steps.run("a deal over three chains aborts", solana::three_chains_abort(&devnet, [&dave, &erin, &frank])),
        async {
            let three = [&gina, &heidi, &ivan];
            steps.run("a swap of EVM and Solana commits", solana::swap_commits(&devnet, [&gina, &heidi])).await;
            steps.run("a deal over three chains commits", solana::three_chains_commit(&devnet, three)).await;
            steps.run("a deal with Solana is called off", solana::called_off(&devnet, [&ivan, &gina])).await;
            let messages = solana::messages_arrive_both_ways(&devnet, [&gina, &heidi]);
            steps.run("messages to and from Solana arrive", messages).await;
            steps.run("tokens go to Solana and back", solana::tokens_go_over_and_come_back(&devnet, &ivan)).await;
        },
    );
    steps.run("commands know Solana", solana::known_everywhere(&devnet, &dave)).await;
    steps.run("faulty answers of the Solana node", faulty_rpc::survived(&devnet, &heidi)).await;
    steps.run("Solana: stop and start of everything", solana_load::survives(&mut devnet, &dave, Blow::Stop, 0)).await;
    let blow = Blow::KillRelayer;
    steps.run("Solana: kill -9 of the relayer", solana_load::survives(&mut devnet, &erin, blow, 2)).await;
    steps.run("Solana: kill -9 of the hub", solana_load::survives(&mut devnet, &frank, Blow::KillHub, 4)).await;
    let blow = Blow::KillSolanaNode;
    steps.run("Solana: kill -9 of its node", solana_load::survives(&mut devnet, &gina, blow, 6)).await;
    steps.finish(devnet).await;
}
