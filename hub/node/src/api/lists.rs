//! Pages of messages, deals and checkpoints, as many as an answer holds.

use infrastrukt_api::{CertifiedPage, DealFilter, DealPage, MessageFilter, MessagePage, PAGE_MAX};
use infrastrukt_ports::StoreError;
use infrastrukt_protocol::{DealRecord, MessageRecord};
use infrastrukt_store::{HubStore, Listed};

use super::views::{self, Budget};

/// At least one, so that paging always moves on.
pub(super) fn page(limit: Option<u32>) -> usize {
    limit.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX) as usize
}

pub(super) fn messages(store: &HubStore, filter: &MessageFilter, budget: Budget) -> Result<MessagePage, StoreError> {
    let Some(wanted) = views::messages_wanted(filter) else { return Ok(MessagePage { items: Vec::new(), next: None }) };
    let listed = store.messages(&wanted, filter.before, page(filter.limit))?;
    let bytes = |record: &MessageRecord| views::message_bytes(&record.message);
    let listed = fitting(listed, budget, bytes, |record| record.seq);
    Ok(MessagePage { items: listed.items.into_iter().map(views::message).collect(), next: listed.next })
}

pub(super) fn deals(store: &HubStore, filter: &DealFilter, budget: Budget) -> Result<DealPage, StoreError> {
    let listed = store.deals(&views::deals_wanted(filter), filter.before, page(filter.limit))?;
    let bytes = |record: &DealRecord| views::deal_bytes(&record.deal);
    let listed = fitting(listed, budget, bytes, |record| record.seq);
    Ok(DealPage { items: listed.items.into_iter().map(views::deal).collect(), next: listed.next })
}

/// As many checkpoints as fit; the first one always does, with fewer bodies where it must.
pub(super) fn certified(
    store: &HubStore,
    from: u64,
    limit: usize,
    answer_bytes: usize,
) -> Result<CertifiedPage, StoreError> {
    let mut page = CertifiedPage { items: Vec::new(), next: from };
    let mut budget = Budget::new(answer_bytes);
    while page.items.len() < limit {
        let Some(record) = store.certified_from(page.next, 1)?.into_iter().next() else { break };
        let Some(item) = views::certified(store, record, &mut budget)? else { break };
        if budget.is_spent() && !page.items.is_empty() {
            break;
        }
        page.next = item.cursor.saturating_add(1);
        page.items.push(item);
    }
    Ok(page)
}

/// The first records of a list that fit, at least one; the next page begins after the last of them.
fn fitting<T>(
    mut listed: Listed<T>,
    mut budget: Budget,
    bytes: impl Fn(&T) -> usize,
    seq: impl Fn(&T) -> u64,
) -> Listed<T> {
    let fit = listed.items.iter().take_while(|record| budget.take(bytes(record))).count().max(1);
    if fit < listed.items.len() {
        listed.next = Some(seq(&listed.items[fit - 1]));
        listed.items.truncate(fit);
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: usize, expected: &[u64], next: Option<u64>) {
        let listed = Listed { items: vec![9, 8, 7], next: Some(5) };
        let page = fitting(listed, Budget::new(bytes), |_| 10, |seq| *seq);
        assert_eq!((page.items.as_slice(), page.next), (expected, next));
    }

    #[test]
    fn a_page_that_is_cut_goes_on_where_it_was_cut() {
        check(30, &[9, 8, 7], Some(5));
        check(29, &[9, 8], Some(8));
        check(0, &[9], Some(9));
    }

    #[test]
    fn an_empty_page_stays_empty() {
        let none = fitting(Listed::<u64> { items: Vec::new(), next: Some(5) }, Budget::new(0), |_| 10, |seq| *seq);
        assert_eq!(none, Listed { items: Vec::new(), next: Some(5) });
    }
}
