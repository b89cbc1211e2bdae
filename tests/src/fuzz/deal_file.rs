//! A deal as its party keeps it. Whatever is read has the id that its terms hash to.

use infrastrukt_relayer::user::DealRecord;
use infrastrukt_types::Timestamp;
use std::path::Path;

use super::{Seed, vectors};

pub(super) fn run(data: &[u8]) {
    let Ok(record) = DealRecord::parse(Path::new("deal.json"), data) else { return };
    assert_eq!(record.deal_id, record.deal.id(record.hub_id), "terms were read under the id of others");
}

pub(super) fn seeds() -> Vec<Seed> {
    let seed = |(number, deal): (usize, infrastrukt_types::Deal)| {
        let (hub_id, kept_at) = (vectors::hub(), Timestamp(5));
        let record = DealRecord { deal_id: deal.id(hub_id), hub_id, deal, parties: vec!["alice".into()], kept_at };
        (format!("deal_{number}"), serde_json::to_vec(&record).expect("a deal is JSON"))
    };
    vectors::deals().into_iter().enumerate().map(seed).collect()
}
