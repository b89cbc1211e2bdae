//! What the program remembers: one noun a file.

mod asset;
mod checkpoint;
mod config;
mod credit;
mod epoch;
mod inbox;
mod lock;
mod notice;
mod page;
mod pair;
mod purse;
mod route;
mod target;

pub use asset::Asset;
pub use checkpoint::Checkpoint;
pub use config::{Config, PAUSED_BRIDGE, PAUSED_LOCK, PAUSED_SEND};
pub use credit::Credit;
pub use epoch::Epoch;
pub use inbox::Inbox;
pub use lock::{Lock, LockState};
pub use notice::Notice;
pub use page::{claim, Page, KIND_CONSUMED, KIND_REFUNDED};
pub use pair::Pair;
pub use purse::{Purse, PURSE_BRIDGE, PURSE_ESCROW, PURSE_FEES};
pub use route::{kind_of, Route};
pub use target::Target;

#[cfg(test)]
mod tests {
    use anchor_lang::Space;

    use super::*;

    /// The adapter and the tests read these accounts by their bytes.
    #[test]
    fn accounts_have_the_sizes_of_the_interface() {
        for (name, space, stated) in [
            ("Config", 8 + Config::INIT_SPACE, 179),
            ("Purse", 8 + Purse::INIT_SPACE, 9),
            ("Epoch", Epoch::space(0), 67),
            ("Epoch of four", Epoch::space(4), 67 + 4 * 28),
            ("Checkpoint", 8 + Checkpoint::INIT_SPACE, 159),
            ("Target", 8 + Target::INIT_SPACE, 120),
            ("Page", Page::SPACE, 1_056),
            ("Inbox", Inbox::space(5), 170),
            ("Notice", Notice::space(5), 170),
            ("Lock", 8 + Lock::INIT_SPACE, 18),
            ("Credit", 8 + Credit::INIT_SPACE, 114),
            ("Asset", 8 + Asset::INIT_SPACE, 194),
            ("Route", 8 + Route::INIT_SPACE, 156),
            ("Pair", 8 + Pair::INIT_SPACE, 40),
        ] {
            assert_eq!(space, stated, "{name}");
        }
    }
}
