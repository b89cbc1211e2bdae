//! Bounds on open connections, in all and from one address.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// Counts open connections by address.
pub(crate) struct Connections {
    max: usize,
    per_ip_max: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    all: usize,
    by_ip: HashMap<IpAddr, usize>,
}

/// One open connection; dropping it frees its place.
pub(crate) struct Place {
    connections: Arc<Connections>,
    ip: IpAddr,
}

impl Connections {
    /// None open yet.
    pub(crate) fn new(max: usize, per_ip_max: usize) -> Arc<Self> {
        Arc::new(Self { max, per_ip_max, open: Mutex::default() })
    }

    /// A place for a connection from `ip`, or `None` where all are taken.
    pub(crate) fn admit(self: &Arc<Self>, ip: IpAddr) -> Option<Place> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.all >= self.max || open.by_ip.get(&ip).is_some_and(|count| *count >= self.per_ip_max) {
            return None;
        }
        open.all += 1;
        *open.by_ip.entry(ip).or_default() += 1;
        Some(Place { connections: self.clone(), ip })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all = open.all.saturating_sub(1);
        if let Some(count) = open.by_ip.get_mut(&self.ip) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.by_ip.remove(&self.ip);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn places_are_bounded_and_given_back() {
        let ip = |last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
        let connections = Connections::new(3, 2);
        let first = connections.admit(ip(1)).unwrap();
        let _second = connections.admit(ip(1)).unwrap();
        assert!(connections.admit(ip(1)).is_none());
        let _third = connections.admit(ip(2)).unwrap();
        assert!(connections.admit(ip(3)).is_none());
        drop(first);
        assert!(connections.admit(ip(1)).is_some());
    }
}
