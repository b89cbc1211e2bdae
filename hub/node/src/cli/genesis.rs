//! `hub genesis new`.

use anyhow::{Context, anyhow};
use infrastrukt_hub::{SystemClock, chain_record, config::Environment, genesis_file};
use infrastrukt_ports::Clock;
use infrastrukt_protocol::{Genesis, HubTiming, Identity};
use infrastrukt_registry::ChainConfig;
use infrastrukt_types::{Address, Scheme, Validator, ValidatorSet};
use std::{path::PathBuf, str::FromStr};

use super::Failure;

const DAY_S: u64 = 86_400;

#[derive(clap::Args)]
pub(crate) struct NewArgs {
    /// Name of the hub, for people
    #[arg(long)]
    name: String,
    /// A validator's address, with its weight where that is not 1; repeat for each
    #[arg(long = "validator", value_name = "ADDRESS[=WEIGHT]", required = true)]
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
    /// Days until the first validator set loses all power
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u64).range(1..=3_650))]
    epoch_days: u64,
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

/// `ADDRESS` or `ADDRESS=WEIGHT`.
#[derive(Clone, Copy)]
struct Member(Validator);

impl FromStr for Member {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, weight) = text.split_once('=').unwrap_or((text, "1"));
        let address: Address = address.parse().map_err(|_| format!("`{address}` is not an address of 20 bytes"))?;
        let weight = weight.parse().map_err(|_| format!("`{weight}` is not a weight: write a whole number above 0"))?;
        Ok(Self(Validator { address, weight }))
    }
}

fn environment(text: &str) -> Result<Environment, String> {
    match text {
        "devnet" => Ok(Environment::Devnet),
        "testnet" => Ok(Environment::Testnet),
        "mainnet" => Ok(Environment::Mainnet),
        other => Err(format!("`{other}` is none of devnet, testnet, mainnet")),
    }
}

pub(super) fn new(args: &NewArgs) -> Result<(), Failure> {
    let genesis = build(args).map_err(Failure::refused)?;
    genesis_file::write(&args.out, &genesis).map_err(Failure::refused)?;
    println!("hub id        {}", genesis.identity.hub_id());
    println!("valset hash   {}", genesis.identity.validators.hash(Scheme::Ecdsa));
    println!("epoch ends    {}", genesis.identity.epoch_expires_at);
    println!("written to    {}", args.out.display());
    Ok(())
}

fn build(args: &NewArgs) -> anyhow::Result<Genesis> {
    let load =
        |file: &PathBuf| -> anyhow::Result<_> { Ok(chain_record(&ChainConfig::load(file, args.environment.into())?)) };
    let chains = args.chains.iter().map(load).collect::<anyhow::Result<Vec<_>>>()?;
    let members = args.validators.iter().map(|member| member.0).collect();
    let created_at = SystemClock.now();
    if created_at.0 == 0 {
        return Err(anyhow!("the system clock is before 1970: set it first"));
    }
    let Timing { certify_s, recovery_s, escape_delay_s, .. } = args.timing;
    let Timing { escape_window_s, lock_within_max_s, reissue_after_blocks, skew_max_s, .. } = args.timing;
    Ok(Genesis {
        identity: Identity {
            name: args.name.clone(),
            created_at,
            validators: ValidatorSet::new(members).context("--validator")?,
            epoch_expires_at: created_at.plus(args.epoch_days * DAY_S),
        },
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
