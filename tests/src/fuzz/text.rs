//! What people write: amounts, names of chains and accounts, addresses of endpoints, assets, legs and durations.

use infrastrukt_evm::EndpointUrl;
use infrastrukt_relayer::{
    config::redact_url,
    user::{AssetSpec, LegSpec, duration, show_seconds},
};
use infrastrukt_types::{Amount, Caip2, Caip10};
use std::hint::black_box;

use super::Seed;

/// The first byte is the number of decimals, the rest the text.
pub(super) fn run(data: &[u8]) {
    let Some((decimals, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    if let Ok(amount) = Amount::parse(text, *decimals) {
        assert_eq!(Amount::parse(&amount.show(*decimals), *decimals), Ok(amount), "{text}");
    }
    if let Ok(name) = text.parse::<Caip2>() {
        assert_eq!(name.to_string(), text);
    }
    if let Ok(account) = text.parse::<Caip10>() {
        assert_eq!(account.to_string(), text);
    }
    if let Ok(url) = EndpointUrl::parse(text, 1) {
        assert!(!url.host().is_empty(), "an endpoint without a host was taken");
    }
    if let Ok(time) = duration(text) {
        black_box(show_seconds(time.as_secs()));
    }
    black_box((text.parse::<AssetSpec>().is_ok(), text.parse::<LegSpec>().is_ok(), redact_url(text)));
}

pub(super) fn seeds() -> Vec<Seed> {
    let texts = [
        ("amount", "1.000000000000000001"),
        ("small", ".25"),
        ("chain", "eip155:56"),
        ("account", "eip155:56:0x2000000000000000000000000000000000000001"),
        ("url", "https://user:key@rpc.example:8545/path?key=1"),
        ("ipv6", "http://[::1]:8545"),
        ("asset", "eip155:56/native:1.5"),
        ("leg", "alice=eip155:56/native:1.5>bob"),
        ("duration", "1d2h30m5s"),
    ];
    texts.map(|(name, text)| (name.to_string(), [&[18], text.as_bytes()].concat())).into()
}
