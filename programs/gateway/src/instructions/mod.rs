//! One instruction a file: accounts and their constraints first, then what it does.
//!
//! `dup` stands on every account that is written back. Anchor would look for one that is passed twice with a hash set in
//! each call, for 1,000 compute units; no instruction writes back two accounts of one type, and the
//! discriminators tell types apart.

mod bridge;
mod bridge_token;
mod cancel_lock;
mod close_checkpoint;
mod consume;
mod consume_notice;
mod deliver;
mod deliver_batch;
mod deliver_transfer;
mod deliver_transfer_token;
mod execute_escape;
mod expire;
mod initialize;
mod lock;
mod lock_token;
mod open_asset;
mod open_page;
mod pause;
mod pause_target;
mod publish_set;
mod recover;
mod refund;
mod refund_transfer;
mod register_peer;
mod register_route;
mod request_escape;
mod rotate;
mod send;
mod set_fee;
mod set_guardian;
mod set_outflow_limit;
mod set_receive_gas;
mod set_target;
mod settle;
mod verify_checkpoint;
mod withdraw_credit;
mod withdraw_credit_token;
mod withdraw_fees;

pub use bridge::*;
pub use bridge_token::*;
pub use cancel_lock::*;
pub use close_checkpoint::*;
pub use consume::*;
pub use consume_notice::*;
pub use deliver::*;
pub use deliver_batch::*;
pub use deliver_transfer::*;
pub use deliver_transfer_token::*;
pub use execute_escape::*;
pub use expire::*;
pub use initialize::*;
pub use lock::*;
pub use lock_token::*;
pub use open_asset::*;
pub use open_page::*;
pub use pause::*;
pub use pause_target::*;
pub use publish_set::*;
pub use recover::*;
pub use refund::*;
pub use refund_transfer::*;
pub use register_peer::*;
pub use register_route::*;
pub use request_escape::*;
pub use rotate::*;
pub use send::*;
pub use set_fee::*;
pub use set_guardian::*;
pub use set_outflow_limit::*;
pub use set_receive_gas::*;
pub use set_target::*;
pub use settle::*;
pub use verify_checkpoint::*;
pub use withdraw_credit::*;
pub use withdraw_credit_token::*;
pub use withdraw_fees::*;

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    /// What `dup` takes for granted: of two accounts of one type that are written back, the second would undo the first.
    #[test]
    fn no_instruction_writes_back_two_accounts_of_one_type() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/instructions");
        let mut written = 0;
        for file in fs::read_dir(folder).expect("the folder is there") {
            let path = file.expect("it can be listed").path();
            let source = fs::read_to_string(&path).expect("it can be read");
            let mut types = BTreeSet::new();
            for field in source.split("#[account(").skip(1) {
                let Some((attribute, rest)) = field.split_once(")]\n") else { continue };
                let Some((_, kind)) = rest.lines().next().and_then(|line| line.split_once("Account<'info, ")) else {
                    continue;
                };
                if attribute.split([',', '\n']).any(|word| word.trim() == "mut") {
                    written += 1;
                    assert!(types.insert(kind.to_owned()), "{} twice in {}", kind, path.display());
                }
            }
        }
        assert!(written > 30, "only {written} accounts were found");
    }
}
