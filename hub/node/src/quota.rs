//! Who calls, and how much of something one caller and all callers together may hold.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, PoisonError},
};

/// Whoever shares a bound: an IPv4 address, or an IPv6 network of 64 bits, since one subscriber of IPv6 commands at
/// least that many addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Caller(IpAddr);

impl Caller {
    /// The caller behind an address.
    pub(crate) fn of(ip: IpAddr) -> Self {
        Self(match ip.to_canonical() {
            IpAddr::V4(ip) => IpAddr::V4(ip),
            IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX))),
        })
    }

    /// Whoever calls without a connection.
    pub(crate) const fn unknown() -> Self {
        Self(IpAddr::V6(Ipv6Addr::UNSPECIFIED))
    }
}

/// An amount that all callers share, of which one caller holds a part at most.
pub(crate) struct Quota {
    max: usize,
    caller_max: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    all: usize,
    by_caller: HashMap<Caller, usize>,
}

/// A held amount; dropping it gives it back.
pub(crate) struct Place {
    quota: Arc<Quota>,
    caller: Caller,
    amount: usize,
}

impl Quota {
    /// Nothing held yet.
    pub(crate) fn new(max: usize, caller_max: usize) -> Arc<Self> {
        Arc::new(Self { max, caller_max, held: Mutex::default() })
    }

    /// Room for `amount`, or `None` where all or this caller hold too much.
    pub(crate) fn admit(self: &Arc<Self>, caller: Caller, amount: usize) -> Option<Place> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let own = held.by_caller.get(&caller).copied().unwrap_or(0).saturating_add(amount);
        let all = held.all.saturating_add(amount);
        if all > self.max || own > self.caller_max {
            return None;
        }
        held.all = all;
        held.by_caller.insert(caller, own);
        Some(Place { quota: self.clone(), caller, amount })
    }

    /// What all hold together.
    pub(crate) fn held(&self) -> usize {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).all
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.quota.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.all = held.all.saturating_sub(self.amount);
        if let Some(own) = held.by_caller.get_mut(&self.caller) {
            *own = own.saturating_sub(self.amount);
            if *own == 0 {
                held.by_caller.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(text: &str) -> Caller {
        Caller::of(text.parse().unwrap())
    }

    #[test]
    fn places_are_bounded_and_given_back() {
        let quota = Quota::new(3, 2);
        let first = quota.admit(caller("192.0.2.1"), 1).unwrap();
        let _second = quota.admit(caller("192.0.2.1"), 1).unwrap();
        assert!(quota.admit(caller("192.0.2.1"), 1).is_none());
        let _third = quota.admit(caller("192.0.2.2"), 1).unwrap();
        assert!(quota.admit(caller("192.0.2.3"), 1).is_none());
        drop(first);
        assert!(quota.admit(caller("192.0.2.1"), 1).is_some());
        assert_eq!(quota.held(), 2);
    }

    #[test]
    fn one_caller_cannot_take_everything() {
        let quota = Quota::new(100, 40);
        let _most = quota.admit(caller("192.0.2.1"), 40).unwrap();
        assert!(quota.admit(caller("192.0.2.1"), 1).is_none());
        assert!(quota.admit(caller("192.0.2.2"), 40).is_some());
        assert!(quota.admit(caller("192.0.2.2"), 41).is_none());
    }

    #[test]
    fn one_network_of_ipv6_is_one_caller() {
        assert_eq!(caller("2001:db8::1"), caller("2001:db8::ffff:2"));
        assert_ne!(caller("2001:db8::1"), caller("2001:db8:0:1::1"));
        assert_eq!(caller("::ffff:192.0.2.9"), caller("192.0.2.9"));
        let quota = Quota::new(100, 2);
        let _places = [quota.admit(caller("2001:db8::1"), 1), quota.admit(caller("2001:db8::2"), 1)];
        assert!(quota.admit(caller("2001:db8::3"), 1).is_none());
    }
}
