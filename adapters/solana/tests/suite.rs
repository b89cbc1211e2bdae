//! Solana passes what every adapter passes, on a real node with the program that is committed.

mod conformance;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn solana_passes_every_case() {
    conformance::assert_conforms().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payee_who_takes_its_account_away_cannot_undo_a_decision() {
    conformance::assert_payees_are_harmless().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_nobody_waits_for_does_not_answer_the_next_one() {
    conformance::assert_steering_waits().await;
}
