//! `hub rotation show` and `hub rotation vote`.

use infrastrukt_api::{HubApiClient, ProposalView, RotationView};
use infrastrukt_hub::{NodeConfig, SystemClock, config::Overrides, genesis_file, load_signer};
use infrastrukt_ports::{Clock, Signer, SignerError};
use infrastrukt_protocol::{EpochRecord, RotationRefusal, check_proposal};
use infrastrukt_types::{
    Address, Bytes, Epoch, HubId, RotationVote, Scheme, Timestamp, ValidatorSet, ValidatorSetError,
};
use jsonrpsee::{
    core::ClientError,
    http_client::{HttpClient, HttpClientBuilder},
};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use super::{
    CODE_UNREACHABLE, DEFAULT_URL, Failure,
    members::{self, Member},
};

/// Longest wait for an answer; a vote is answered once it stands in a block.
const TIMEOUT: Duration = Duration::from_secs(30);

#[derive(clap::Args)]
pub(crate) struct ShowArgs {
    /// The hub's JSON-RPC interface
    #[arg(long, default_value = DEFAULT_URL)]
    url: String,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(crate) struct VoteArgs {
    /// The configuration of the node whose validators vote
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// A validator of the next set, with its weight where that is not 1; repeat for each
    #[arg(long = "validator", value_name = "ADDRESS[=WEIGHT]", required = true)]
    validators: Vec<Member>,
    /// When that set loses all power, in seconds since 1970; not before the current one does
    #[arg(long, value_name = "UNIX_SECONDS")]
    expires_at: u64,
    /// The hub's JSON-RPC interface, where it is not the one in the configuration
    #[arg(long)]
    url: Option<String>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Why no vote is cast.
#[derive(Debug, thiserror::Error)]
enum VoteError {
    #[error("the proposed set is refused: {0}")]
    Set(#[from] ValidatorSetError),
    #[error("the proposal is refused: {0}")]
    Proposal(#[from] RotationRefusal),
    #[error("no epoch follows epoch {0}")]
    LastEpoch(Epoch),
    #[error("the hub at {url} is {found}, the configuration is of {expected}: give the --url of the right hub")]
    OtherHub { url: String, found: HubId, expected: HubId },
    #[error("no validator of the configuration is in the set of epoch {0}: its members choose the next set")]
    NoVoter(Epoch),
    #[error(transparent)]
    Signer(#[from] SignerError),
}

/// What is voted for.
struct Wanted {
    epoch: Epoch,
    set: ValidatorSet,
    expires_at: Timestamp,
}

pub(super) async fn show(args: &ShowArgs) -> Result<(), Failure> {
    let view = connect(&args.url)?.rotation().await.map_err(|error| answered(&args.url, error))?;
    if args.json {
        return print_json(&view);
    }
    print_view(&view);
    Ok(())
}

pub(super) async fn vote(args: &VoteArgs) -> Result<(), Failure> {
    let config = NodeConfig::load(&args.config, &Overrides::default()).map_err(Failure::refused)?;
    let genesis = genesis_file::read(config.genesis.get_ref()).map_err(Failure::refused)?;
    let hub_id = genesis.identity.hub_id();
    let url = args.url.clone().unwrap_or_else(|| url_of(config.api.listen));
    let client = connect(&url)?;
    let found = client.status().await.map_err(|error| answered(&url, error))?.hub_id;
    if found != hub_id {
        return Err(Failure::refused(VoteError::OtherHub { url, found, expected: hub_id }));
    }
    let current = client.rotation().await.map_err(|error| answered(&url, error))?;
    let wanted = wanted(args, &current).map_err(Failure::refused)?;
    let voters = voters(&config, &current)?;
    if !args.json {
        print_wanted(&wanted);
    }
    let mut view = current;
    for signer in &voters {
        // A quorum needs no more votes, and the epoch may have begun meanwhile.
        if is_decided(&view, &wanted) {
            break;
        }
        let vote = sign(hub_id, &wanted, signer.as_ref()).await.map_err(Failure::refused)?;
        let validator = vote.validator;
        view = client.vote_rotation(vote).await.map_err(|error| answered(&url, error))?;
        if !args.json {
            println!("vote          of {validator} counts");
        }
    }
    if args.json {
        return print_json(&view);
    }
    print_outcome(&view, &wanted);
    Ok(())
}

fn proposal_of<'a>(view: &'a RotationView, wanted: &Wanted) -> Option<&'a ProposalView> {
    view.proposals.iter().find(|proposal| proposal.set == wanted.set && proposal.expires_at == wanted.expires_at)
}

fn is_decided(view: &RotationView, wanted: &Wanted) -> bool {
    view.epoch == wanted.epoch || proposal_of(view, wanted).is_some_and(|proposal| proposal.decided)
}

/// The proposal, if it keeps every rule that the hub would refuse it by.
fn wanted(args: &VoteArgs, current: &RotationView) -> Result<Wanted, VoteError> {
    let epoch = current.epoch.next().ok_or(VoteError::LastEpoch(current.epoch))?;
    let (set, expires_at) = (members::set(&args.validators)?, Timestamp(args.expires_at));
    let now = SystemClock.now();
    let unsigned =
        RotationVote { validator: Address::ZERO, epoch, set: set.clone(), expires_at, signature: Bytes::new() };
    let record = EpochRecord::pending(current.epoch, current.validators.clone(), current.expires_at);
    check_proposal(&unsigned, &record, now)?;
    Ok(Wanted { epoch, set, expires_at })
}

/// The keys that the configuration hosts and that have a say.
fn voters(config: &NodeConfig, current: &RotationView) -> Result<Vec<Arc<dyn Signer>>, Failure> {
    let mut voters = Vec::with_capacity(config.validators.len());
    for validator in &config.validators {
        let signer = load_signer(validator.keystore.get_ref(), validator.password_file.get_ref());
        let signer = signer.map_err(Failure::refused)?;
        if current.validators.find(signer.address()).is_some() {
            voters.push(signer);
        }
    }
    if voters.is_empty() {
        return Err(Failure::refused(VoteError::NoVoter(current.epoch)));
    }
    Ok(voters)
}

async fn sign(hub: HubId, wanted: &Wanted, signer: &dyn Signer) -> Result<RotationVote, VoteError> {
    let Wanted { epoch, set, expires_at } = wanted;
    let signature = signer.sign(RotationVote::digest(hub, *epoch, set, *expires_at)).await?;
    Ok(RotationVote {
        validator: signer.address(),
        epoch: *epoch,
        set: set.clone(),
        expires_at: *expires_at,
        signature: signature.to_vec().into(),
    })
}

/// Where a node that listens at `listen` is reached from its own machine.
fn url_of(listen: SocketAddr) -> String {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip @ (IpAddr::V4(_) | IpAddr::V6(_)) => ip,
    };
    format!("http://{}", SocketAddr::new(ip, listen.port()))
}

fn connect(url: &str) -> Result<HttpClient, Failure> {
    HttpClientBuilder::default()
        .request_timeout(TIMEOUT)
        .build(url)
        .map_err(|error| Failure::new(CODE_UNREACHABLE, anyhow::anyhow!("`{url}` is no hub address: {error}")))
}

/// A refusal of the hub is one of the vote; anything else means that it cannot be reached.
fn answered(url: &str, error: ClientError) -> Failure {
    match error {
        ClientError::Call(refusal) => Failure::refused(anyhow::anyhow!("the hub refuses: {}", refusal.message())),
        other => Failure::new(CODE_UNREACHABLE, anyhow::anyhow!("the hub at {url} does not answer: {other}")),
    }
}

fn print_json(view: &RotationView) -> Result<(), Failure> {
    println!("{}", serde_json::to_string_pretty(view).map_err(Failure::refused)?);
    Ok(())
}

fn print_set(set: &ValidatorSet) {
    for member in set.members() {
        println!("  validator   {} weight {}", member.address, member.weight);
    }
}

fn print_view(view: &RotationView) {
    println!("epoch         {} until {}", view.epoch, view.expires_at);
    println!("valset hash   {}", view.valset_hash);
    print_set(&view.validators);
    if view.proposals.is_empty() {
        println!("nothing is proposed for the next epoch");
    }
    for proposal in &view.proposals {
        println!("proposed      epoch {} until {}", proposal.epoch, proposal.expires_at);
        println!("valset hash   {}", proposal.valset_hash);
        print_set(&proposal.set);
        println!("votes         {}", votes(view, proposal));
        for voter in &proposal.voters {
            println!("  voter       {voter}");
        }
    }
}

fn votes(view: &RotationView, proposal: &ProposalView) -> String {
    if proposal.decided {
        return "decided: the epoch begins once its rotation is certified".into();
    }
    let (weight, total) = (&proposal.weight, &view.total_weight);
    format!("{} of weight {weight} of {total}; more than two thirds decide", proposal.voters.len())
}

fn print_wanted(wanted: &Wanted) {
    println!("voting for    epoch {} until {}", wanted.epoch, wanted.expires_at);
    println!("valset hash   {}", wanted.set.hash(Scheme::Ecdsa));
    print_set(&wanted.set);
}

fn print_outcome(view: &RotationView, wanted: &Wanted) {
    match proposal_of(view, wanted) {
        Some(proposal) => println!("votes         {}", votes(view, proposal)),
        None if view.epoch == wanted.epoch => println!("votes         decided: epoch {} has begun", view.epoch),
        None => println!("votes         none for this set any more: see `hub rotation show`"),
    }
    if is_decided(view, wanted) {
        println!("next          the validators certify the rotation, relayers carry it to every chain, and the new");
        println!("              validators' nodes have to follow this hub by then");
    } else {
        println!("next          other validators vote for the same set and the same time until a quorum has");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_listens_everywhere_is_reached_on_its_own_machine() {
        let check = |listen: &str, expected: &str| assert_eq!(url_of(listen.parse().unwrap()), expected);
        check("0.0.0.0:8645", "http://127.0.0.1:8645");
        check("[::]:8645", "http://[::1]:8645");
        check("192.0.2.7:1", "http://192.0.2.7:1");
    }
}
