//! What users write on a command line: durations, assets and legs.

use std::time::Duration;

use infrastrukt_types::Caip2;

use super::UserError;

/// Longest duration accepted anywhere: a year.
const DURATION_S_MAX: u64 = 365 * 24 * 3600;

/// `CHAIN/TOKEN:AMOUNT`, not resolved yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetSpec {
    /// Chain.
    pub chain: Caip2,
    /// `native`, a symbol or an address.
    pub token: String,
    /// Amount in whole coins.
    pub amount: String,
}

/// `PARTY=CHAIN/TOKEN:AMOUNT>PAYEE`, not resolved yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegSpec {
    /// Who locks and is refunded.
    pub party: String,
    /// What.
    pub asset: AssetSpec,
    /// Who is paid on COMMIT.
    pub payee: String,
}

impl std::str::FromStr for AssetSpec {
    type Err = UserError;

    fn from_str(text: &str) -> Result<Self, UserError> {
        let malformed = || UserError::Malformed {
            text: text.into(),
            what: "an asset",
            example: "CHAIN/TOKEN:AMOUNT, such as eip155:56/native:1.5",
        };
        let (chain, rest) = text.split_once('/').ok_or_else(malformed)?;
        let (token, amount) = rest.rsplit_once(':').ok_or_else(malformed)?;
        if token.is_empty() || amount.is_empty() {
            return Err(malformed());
        }
        Ok(Self { chain: chain.parse()?, token: token.into(), amount: amount.into() })
    }
}

impl std::str::FromStr for LegSpec {
    type Err = UserError;

    fn from_str(text: &str) -> Result<Self, UserError> {
        let malformed = || UserError::Malformed {
            text: text.into(),
            what: "a leg",
            example: "PARTY=CHAIN/TOKEN:AMOUNT>PAYEE, such as 'alice=eip155:56/native:1.5>bob'",
        };
        let (party, rest) = text.split_once('=').ok_or_else(malformed)?;
        let (asset, payee) = rest.rsplit_once('>').ok_or_else(malformed)?;
        if party.is_empty() || payee.is_empty() {
            return Err(malformed());
        }
        Ok(Self { party: party.into(), asset: asset.parse()?, payee: payee.into() })
    }
}

/// Reads `90s`, `5m`, `2h`, `1d` and sums such as `1h30m`.
pub fn duration(text: &str) -> Result<Duration, UserError> {
    let malformed = || UserError::Malformed {
        text: text.into(),
        what: "a duration",
        example: "it as 90s, 5m, 2h, 1d or 1h30m, at most a year",
    };
    let mut seconds = 0u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(malformed)?;
        let count: u64 = rest[..digits].parse().map_err(|_| malformed())?;
        let unit = rest[digits..].chars().next().ok_or_else(malformed)?;
        let unit_s = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 24 * 3600,
            _ => return Err(malformed()),
        };
        seconds = count.checked_mul(unit_s).and_then(|part| seconds.checked_add(part)).ok_or_else(malformed)?;
        rest = &rest[digits + unit.len_utf8()..];
    }
    if text.is_empty() || seconds > DURATION_S_MAX { Err(malformed()) } else { Ok(Duration::from_secs(seconds)) }
}

/// Writes seconds as people say them: the two largest units.
pub fn show_seconds(seconds: u64) -> String {
    let units = [("d", 24 * 3600), ("h", 3600), ("m", 60), ("s", 1)];
    let mut rest = seconds;
    let mut shown = String::new();
    for (unit, unit_s) in units.into_iter().skip_while(|(_, unit_s)| *unit_s > seconds.max(1)).take(2) {
        if rest >= unit_s || shown.is_empty() {
            shown.push_str(&format!("{}{unit}", rest / unit_s));
        }
        rest %= unit_s;
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_duration(text: &str, expected_s: u64) {
        assert_eq!(duration(text).expect(text), Duration::from_secs(expected_s), "{text}");
    }

    #[test]
    fn durations() {
        check_duration("60s", 60);
        check_duration("5m", 300);
        check_duration("1h30m", 5_400);
        check_duration("365d", DURATION_S_MAX);
        check_duration("0s", 0);
        for text in ["", "5", "m", "-1s", "1.5h", "366d", "5 m", "1w", "18446744073709551615d", "5mm", "1é"] {
            assert!(matches!(duration(text), Err(UserError::Malformed { .. })), "{text}");
        }
    }

    #[test]
    fn seconds_for_people() {
        for (seconds, expected) in [(0, "0s"), (59, "59s"), (60, "1m"), (61, "1m1s"), (3_600, "1h"), (90_061, "1d1h")] {
            assert_eq!(show_seconds(seconds), expected);
        }
    }

    fn check_asset(text: &str, chain: &str, token: &str, amount: &str) {
        let asset: AssetSpec = text.parse().expect(text);
        assert_eq!((asset.chain.as_str(), asset.token.as_str(), asset.amount.as_str()), (chain, token, amount));
    }

    #[test]
    fn assets() {
        check_asset("eip155:31337/native:1", "eip155:31337", "native", "1");
        check_asset("eip155:56/0xAb:0.5", "eip155:56", "0xAb", "0.5");
        check_asset("solana:5eykt4/USDC:7", "solana:5eykt4", "USDC", "7");
        for text in
            ["", "eip155:56", "eip155:56/native", "eip155:56/:1", "eip155:56/native:", "56/native:1", "/native:1"]
        {
            assert!(text.parse::<AssetSpec>().is_err(), "{text}");
        }
    }

    #[test]
    fn legs() {
        let leg: LegSpec = "alice=eip155:56/native:1.5>bob".parse().expect("well formed");
        assert_eq!((leg.party.as_str(), leg.payee.as_str(), leg.asset.amount.as_str()), ("alice", "bob", "1.5"));
        for text in ["alice", "alice=eip155:56/native:1", "=eip155:56/native:1>bob", "alice=eip155:56/native:1>"] {
            assert!(text.parse::<LegSpec>().is_err(), "{text}");
        }
    }
}
