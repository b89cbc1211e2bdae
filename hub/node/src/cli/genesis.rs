//! `hub genesis identity` and `hub genesis new`.

use anyhow::{Context, anyhow};
use infrastrukt_hub::{SystemClock, chain_record, config::Environment, genesis_file};
use infrastrukt_ports::Clock;
use infrastrukt_protocol::{Genesis, HubTiming, Identity};
use infrastrukt_registry::ChainConfig;
use infrastrukt_types::{Scheme, Timestamp};
use std::path::{Path, PathBuf};

use super::{
    Failure,
    members::{self, Member},
};

const DAY_S: u64 = 86_400;
/// Days of the first epoch, unless said otherwise.
const EPOCH_DAYS: u64 = 365;

#[derive(clap::Args)]
pub(crate) struct IdentityArgs {
    /// Name of the hub, for people
    #[arg(long)]
    name: String,
    /// A validator's address, with its weight where that is not 1; repeat for each
    #[arg(long = "validator", value_name = "ADDRESS[=WEIGHT]", required = true)]
    validators: Vec<Member>,
    /// Days until the first validator set loses all power
    #[arg(long, default_value_t = EPOCH_DAYS, value_parser = epoch_days())]
    epoch_days: u64,
    /// Hub time of height 0, in seconds since 1970; now where it is left out
    #[arg(long, value_name = "UNIX_SECONDS")]
    created_at: Option<u64>,
    /// Where to write; never over a file that is there
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(clap::Args)]
pub(crate) struct NewArgs {
    /// The identity that the contracts were deployed with, written by `hub genesis identity`
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "validators", "epoch_days"])]
    identity: Option<PathBuf>,
    /// Name of the hub, for people
    #[arg(long, required_unless_present = "identity")]
    name: Option<String>,
    /// A validator's address, with its weight where that is not 1; repeat for each
    #[arg(long = "validator", value_name = "ADDRESS[=WEIGHT]", required_unless_present = "identity")]
    validators: Vec<Member>,
    /// A chain's file; repeat for each
    #[arg(long = "chain", value_name = "FILE", required = true)]
    chains: Vec<PathBuf>,
    /// How strict chain files are read: devnet, testnet or mainnet
    #[arg(long, default_value = "mainnet", value_parser = environment)]
    environment: Environment,
    /// Where to write; never over a file that is there
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Days until the first validator set loses all power; 365 where it is left out
    #[arg(long, value_parser = epoch_days())]
    epoch_days: Option<u64>,
    #[command(flatten)]
    timing: Timing,
}

/// Times that every validator agrees on, in seconds unless said otherwise
#[derive(clap::Args)]
struct Timing {
    /// From a decision to its certificate
    #[arg(long, default_value_t = 60)]
    certify_s: u64,
    /// How long after `sign_by` a COMMIT may still be signed
    #[arg(long, default_value_t = 3_600)]
    recovery_s: u64,
    /// From there to the earliest escape
    #[arg(long, default_value_t = DAY_S)]
    escape_delay_s: u64,
    /// Least time between request and execution of an escape
    #[arg(long, default_value_t = DAY_S)]
    escape_window_s: u64,
    /// Most time the parties of a deal may take for locking
    #[arg(long, default_value_t = DAY_S)]
    lock_within_max_s: u64,
    /// Blocks after which an uncertified leaf is issued again
    #[arg(long, default_value_t = 60)]
    reissue_after_blocks: u64,
    /// Furthest a block's time may be from a validator's own clock
    #[arg(long, default_value_t = 10)]
    skew_max_s: u64,
}

fn environment(text: &str) -> Result<Environment, String> {
    match text {
        "devnet" => Ok(Environment::Devnet),
        "testnet" => Ok(Environment::Testnet),
        "mainnet" => Ok(Environment::Mainnet),
        other => Err(format!("`{other}` is none of devnet, testnet, mainnet")),
    }
}

fn epoch_days() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=3_650)
}

pub(super) fn identity(args: &IdentityArgs) -> Result<(), Failure> {
    let (validators, days) = (&args.validators, args.epoch_days);
    let identity = identify(&args.name, validators, args.created_at, days).map_err(Failure::refused)?;
    genesis_file::write_identity(&args.out, &identity).map_err(Failure::refused)?;
    show(&identity, &args.out);
    println!("next          deploy the contracts with this hub id, then run `hub genesis new --identity`");
    Ok(())
}

pub(super) fn new(args: &NewArgs) -> Result<(), Failure> {
    let genesis = build(args).map_err(Failure::refused)?;
    genesis_file::write(&args.out, &genesis).map_err(Failure::refused)?;
    show(&genesis.identity, &args.out);
    Ok(())
}

fn show(identity: &Identity, out: &Path) {
    println!("hub id        {}", identity.hub_id());
    println!("valset hash   {}", identity.validators.hash(Scheme::Ecdsa));
    println!("epoch ends    {}", identity.epoch_expires_at);
    println!("written to    {}", out.display());
}

fn identify(name: &str, validators: &[Member], created_at: Option<u64>, epoch_days: u64) -> anyhow::Result<Identity> {
    let created_at = created_at.map_or_else(|| SystemClock.now(), Timestamp);
    if created_at.0 == 0 {
        return Err(anyhow!("time 0 is refused: set the system clock, or give --created-at"));
    }
    Ok(Identity {
        name: name.to_owned(),
        created_at,
        validators: members::set(validators).context("--validator")?,
        epoch_expires_at: created_at.plus(epoch_days * DAY_S),
    })
}

fn build(args: &NewArgs) -> anyhow::Result<Genesis> {
    let load =
        |file: &PathBuf| -> anyhow::Result<_> { Ok(chain_record(&ChainConfig::load(file, args.environment.into())?)) };
    let chains = args.chains.iter().map(load).collect::<anyhow::Result<Vec<_>>>()?;
    let identity = match &args.identity {
        Some(file) => genesis_file::read_identity(file)?,
        None => {
            let name = args.name.as_deref().unwrap_or_default();
            identify(name, &args.validators, None, args.epoch_days.unwrap_or(EPOCH_DAYS))?
        }
    };
    let Timing { certify_s, recovery_s, escape_delay_s, .. } = args.timing;
    let Timing { escape_window_s, lock_within_max_s, reissue_after_blocks, skew_max_s, .. } = args.timing;
    Ok(Genesis {
        identity,
        timing: HubTiming {
            certify_s,
            recovery_s,
            escape_delay_s,
            escape_window_s,
            lock_within_max_s,
            reissue_after_blocks,
            skew_max_s,
        },
        chains,
    })
}
