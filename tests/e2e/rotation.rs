//! The validator set changes while messages and a deal are under way. The member that joins holds half of the new
//! weight, so that nothing of the second epoch is proven or certified without it.

use std::{fs::File, io::Write as _, path::Path, sync::Arc, time::Duration};

use alloy::{
    primitives::{Address, B256, Signature, U256, utils::parse_ether},
    sol,
    sol_types::SolCall,
};
use anyhow::{Context, Result, ensure};
use infrastrukt_api::{CertifiedCheckpoint, CertifiedPage, HubStatus, RotationView};
use infrastrukt_protocol::{Genesis, Hub};
use infrastrukt_store::{HUB_COLUMNS, HubStore, RocksStore};
use infrastrukt_types::{
    CheckpointKind, DealId, Decision, EcdsaCertificate, Epoch, Leaf, MessageId, Scheme, Timestamp, Validator,
    ValidatorSet,
};
use serde_json::json;

use super::{
    chain::Chain,
    command::{json_file, text},
    devnet::{BSC, Devnet, ETH},
    messages::{SENDER, SENDER_BACK},
    poll::until,
    sheet::Sheet,
    svm::Svm,
    swaps::deal_in,
};

sol! {
    function currentEpoch() external view returns (uint64);
    function epochs(uint64 epoch) external view returns (bytes32 valsetHash, uint64 retiredAt, uint64 expiresAt);
}

/// Name of the key of the validator that joins.
const NEWCOMER: &str = "validator-4";
/// Its weight; the three that stay have one each. Two thirds of six are four, and the others alone have three.
const NEWCOMER_WEIGHT: u64 = 3;
const SECOND: Epoch = Epoch(2);
/// Messages each way that are under way at the vote, and again once the chains know the new set.
const WAVE: usize = 3;
const CATCH_UP_MAX: Duration = Duration::from_secs(60);
const PROVEN_MAX: Duration = Duration::from_secs(90);
const ROTATED_MAX: Duration = Duration::from_secs(60);
const ARRIVE_MAX: Duration = Duration::from_secs(90);
const COMMIT_MAX: Duration = Duration::from_secs(90);
/// Certified checkpoints of one page, and pages that are read at most.
const PAGE: u32 = 50;
const PAGES_MAX: usize = 200;
/// `r ‖ s ‖ v`.
const SIGNATURE_LEN: usize = 65;

/// Who comes and who goes.
struct Change {
    retired: Address,
    newcomer: Address,
    set: ValidatorSet,
    /// When its epoch ends. A devnet's first epoch has more time than any other may have: the second gets no more.
    expires_at: Timestamp,
}

pub(crate) async fn carried_through(devnet: &mut Devnet) -> Result<()> {
    let change = prepared(devnet).await?;
    let swap = Swap::opened(devnet).await?;
    devnet.restart_hub().await?;
    caught_up(devnet, change.newcomer).await?;
    let (there, back) = waves(devnet).await?;
    proven(devnet, &[&there[..], &back].concat(), &swap.deal).await?;
    voted(devnet, &change).await?;
    taken_over(devnet, &change).await?;

    let (there_after, back_after) = waves(devnet).await?;
    let deal = swap.closed(devnet).await?;
    let (eth, bsc) = devnet.both()?;
    let (there, back) = ([&there[..], &there_after].concat(), [&back[..], &back_after].concat());
    tokio::try_join!(bsc.receives_once(&there, ARRIVE_MAX), eth.receives_once(&back, ARRIVE_MAX))?;

    let certified = certified(devnet).await?;
    let second: Vec<&CertifiedCheckpoint> = certified.iter().filter(|item| item.checkpoint.epoch == SECOND).collect();
    signed_by(&second, &change)?;
    for id in there_after.into_iter().chain(back_after) {
        holds(&second, CheckpointKind::General, &Leaf::Message(MessageId(id)))?;
    }
    holds(&second, CheckpointKind::Commits, &Leaf::Decision(deal, Decision::Commit))?;
    ensure!(certified.len() > second.len(), "nothing was certified before the rotation");
    remembered(devnet, &certified, &change).await
}

fn plain(path: &Path) -> Result<&str> {
    path.to_str().context("temporary paths are plain text")
}

async fn status(devnet: &Devnet) -> Result<HubStatus> {
    Ok(serde_json::from_value(devnet.hub("hub_status", json!([])).await?)?)
}

/// Makes the new validator's key and adds it to the hub's configuration. The last one hosted is to go.
async fn prepared(devnet: &Devnet) -> Result<Change> {
    let HubStatus { hosted, epoch_expires_at, .. } = status(devnet).await?;
    let [stay @ .., retired] = &hosted[..] else { anyhow::bail!("the hub hosts nobody") };
    let (keys, password) = (devnet.dir().join("hub/keystore"), devnet.dir().join("password"));
    let args = ["keys", "new", NEWCOMER, "--dir", plain(&keys)?, "--password-file", plain(&password)?];
    let newcomer: Address = devnet.hub_command(&args).await?.trim().parse()?;
    let entry = format!("\n[[validators]]\nkeystore = \"keystore/{NEWCOMER}.json\"\npassword_file = \"../password\"\n");
    File::options().append(true).open(devnet.hub_config())?.write_all(entry.as_bytes())?;

    let mut members: Vec<Validator> =
        stay.iter().map(|validator| Validator { address: validator.address, weight: 1 }).collect();
    members.push(Validator { address: newcomer, weight: NEWCOMER_WEIGHT });
    let (retired, set, expires_at) = (retired.address, ValidatorSet::new(members)?, epoch_expires_at);
    Ok(Change { retired, newcomer, set, expires_at })
}

/// The newcomer starts with nothing and executes the whole log.
async fn caught_up(devnet: &Devnet, newcomer: Address) -> Result<()> {
    until("the new validator has caught up", CATCH_UP_MAX, || async {
        let status = status(devnet).await?;
        let hosted = status.hosted.iter().find(|validator| validator.address == newcomer);
        let hosted = hosted.context("the new validator is not hosted")?;
        ensure!(hosted.halted.is_none(), "the new validator stopped: {:?}", hosted.halted);
        ensure!(status.epoch == Epoch(1), "nobody has voted, and the hub is in epoch {}", status.epoch);
        Ok((hosted.height >= status.height).then_some(()))
    })
    .await
}

/// Sends messages both ways.
async fn waves(devnet: &Devnet) -> Result<(Vec<B256>, Vec<B256>)> {
    let (eth, bsc) = devnet.both()?;
    let (there, back) = ([bsc.contract("inbox")?; WAVE], [eth.contract("inbox")?; WAVE]);
    tokio::try_join!(eth.send_messages(SENDER, bsc, &there), bsc.send_messages(SENDER_BACK, eth, &back))
}

/// The first set has proven what was sent and locked; carrying it out is left to both sets.
async fn proven(devnet: &Devnet, messages: &[B256], deal: &str) -> Result<()> {
    until("messages and lock are proven", PROVEN_MAX, || async {
        for id in messages {
            let view = devnet.hub("hub_message", json!([id])).await?;
            if !matches!(view["state"].as_str(), Some("proven" | "certified" | "delivered")) {
                return Ok(None);
            }
        }
        let view = devnet.hub("hub_deal", json!([deal])).await?;
        Ok((view["state"] == "locking").then_some(()))
    })
    .await
}

/// One command votes with every hosted key of the current set, which is a quorum of it.
async fn voted(devnet: &Devnet, change: &Change) -> Result<()> {
    let config = devnet.hub_config();
    let members: Vec<String> =
        change.set.members().iter().map(|member| format!("{}={}", member.address, member.weight)).collect();
    let expires_at = change.expires_at.to_string();
    let mut args = vec!["rotation", "vote", "--config", plain(&config)?, "--expires-at", &expires_at, "--json"];
    for member in &members {
        args.extend(["--validator", member]);
    }
    let view = rotation(devnet, &args).await?;
    let decided = view.proposals.iter().any(|proposal| proposal.decided && proposal.set == change.set);
    ensure!(decided || view.epoch == SECOND, "after all votes, {:?} are proposed", view.proposals);
    Ok(())
}

/// What a command of `hub rotation` answers.
async fn rotation(devnet: &Devnet, args: &[&str]) -> Result<RotationView> {
    let answer = devnet.hub_command(args).await?;
    serde_json::from_str(&answer).with_context(|| format!("`{answer}` does not show a rotation"))
}

/// Waits until hub and all verifiers are in the second epoch, and reads there what they believe.
async fn taken_over(devnet: &Devnet, change: &Change) -> Result<()> {
    let (eth, bsc) = devnet.both()?;
    tokio::try_join!(rotated(eth, change), rotated(bsc, change), rotated_on_solana(devnet.solana()?))?;
    let status = status(devnet).await?;
    ensure!(status.epoch == SECOND, "the hub is in epoch {}", status.epoch);
    ensure!(status.validators == change.set, "the hub's set is {:?}", status.validators);
    ensure!(status.epoch_expires_at == change.expires_at, "the epoch ends at {}", status.epoch_expires_at);
    let shown = rotation(devnet, &["rotation", "show", "--url", &devnet.hub_url, "--json"]).await?;
    ensure!(shown.epoch == SECOND && shown.validators == change.set, "`hub rotation show` says {shown:?}");
    ensure!(shown.proposals.is_empty(), "something is proposed still: {:?}", shown.proposals);
    Ok(())
}

async fn rotated_on_solana(chain: &Svm) -> Result<()> {
    until(&format!("the verifier of {} is in epoch {SECOND}", chain.name), ROTATED_MAX, || async {
        let epoch = chain.epoch().await?;
        ensure!(epoch <= SECOND.0, "the verifier is in epoch {epoch}");
        Ok((epoch == SECOND.0).then_some(()))
    })
    .await
}

async fn rotated(chain: &Chain, change: &Change) -> Result<()> {
    let verifier = chain.contract("verifier")?;
    until(&format!("the verifier of {} is in epoch {SECOND}", chain.name), ROTATED_MAX, || async {
        let epoch = currentEpochCall::abi_decode_returns(&chain.call(verifier, &currentEpochCall {}).await?)?;
        ensure!(epoch <= SECOND.0, "the verifier is in epoch {epoch}");
        Ok((epoch == SECOND.0).then_some(()))
    })
    .await?;
    let old = epochsCall::abi_decode_returns(&chain.call(verifier, &epochsCall { epoch: 1 }).await?)?;
    let new = epochsCall::abi_decode_returns(&chain.call(verifier, &epochsCall { epoch: SECOND.0 }).await?)?;
    ensure!(old.retiredAt > 0 && new.retiredAt == 0, "retired at {} and {}", old.retiredAt, new.retiredAt);
    ensure!(new.valsetHash == change.set.hash(Scheme::Ecdsa), "another set took over on {}", chain.name);
    ensure!(new.expiresAt == change.expires_at.0, "the epoch ends at {} on {}", new.expiresAt, chain.name);
    Ok(())
}

/// All that was ever certified.
async fn certified(devnet: &Devnet) -> Result<Vec<CertifiedCheckpoint>> {
    let (mut items, mut next) = (Vec::new(), 0);
    for _ in 0..PAGES_MAX {
        let page: CertifiedPage = serde_json::from_value(devnet.hub("hub_certified", json!([next, PAGE])).await?)?;
        if page.items.is_empty() {
            return Ok(items);
        }
        items.extend(page.items);
        next = page.next;
    }
    anyhow::bail!("more than {PAGES_MAX} pages of certified checkpoints")
}

/// The new set and nobody else signed each of these, the newcomer always.
fn signed_by(second: &[&CertifiedCheckpoint], change: &Change) -> Result<()> {
    for item in second {
        let (height, digest) = (item.checkpoint.height, item.checkpoint.digest());
        ensure!(item.checkpoint.valset_hash == change.set.hash(Scheme::Ecdsa), "height {height} is of another set");
        let signers = signers(&item.certificate, &change.set, digest)?;
        let stranger = signers.iter().find(|signer| change.set.find(**signer).is_none());
        ensure!(stranger.is_none(), "height {height} is signed by {stranger:?}");
        ensure!(signers.contains(&change.newcomer), "height {height} is certified without the newcomer");
    }
    Ok(())
}

/// Recovers the signers of a certificate by another implementation than the product's.
fn signers(certificate: &EcdsaCertificate, set: &ValidatorSet, digest: B256) -> Result<Vec<Address>> {
    let rest = certificate.0.strip_prefix(set.encode(Scheme::Ecdsa).as_slice()).context("it opens with another set")?;
    let bitmap_len = set.members().len().div_ceil(8);
    let (_, signatures) = rest.split_at_checked(bitmap_len).context("it has no bitmap")?;
    let recover =
        |bytes: &[u8]| -> Result<Address> { Ok(Signature::from_raw(bytes)?.recover_address_from_prehash(&digest)?) };
    signatures.chunks(SIGNATURE_LEN).map(recover).collect()
}

fn holds(certified: &[&CertifiedCheckpoint], kind: CheckpointKind, leaf: &Leaf) -> Result<()> {
    let has = |item: &&CertifiedCheckpoint| {
        item.checkpoint.kind == kind && item.leaves.iter().any(|shown| shown.leaf == *leaf)
    };
    ensure!(certified.iter().any(has), "nothing that the second epoch certified holds {leaf:?}");
    Ok(())
}

/// Ends the hub and reads what the two validators remember of their own signatures: one none of the second epoch, the
/// other all of it and nothing before.
async fn remembered(devnet: &mut Devnet, certified: &[CertifiedCheckpoint], change: &Change) -> Result<()> {
    devnet.stop_hub().await?;
    let genesis: Genesis = serde_json::from_value(json_file(&devnet.dir().join("hub/genesis.json"))?)?;
    let hub = Hub::new(genesis);
    let (retired, newcomer) = (store(devnet, &hub, change.retired)?, store(devnet, &hub, change.newcomer)?);
    let mut signed_before = 0;
    for item in certified {
        let (height, kind) = (item.checkpoint.height, item.checkpoint.kind);
        let (gone, joined) = (retired.signed_digest(height, kind)?, newcomer.signed_digest(height, kind)?);
        if item.checkpoint.epoch == SECOND {
            ensure!(gone.is_none(), "the retired validator signed height {height}");
            ensure!(joined == Some(item.checkpoint.digest()), "the newcomer signed {joined:?} at height {height}");
        } else {
            ensure!(joined.is_none(), "the newcomer signed height {height} before its epoch");
            signed_before += usize::from(gone.is_some());
        }
    }
    ensure!(signed_before > 0, "the retired validator never signed anything");
    Ok(())
}

fn store(devnet: &Devnet, hub: &Hub, validator: Address) -> Result<HubStore> {
    let path = devnet.dir().join("hub/data/validators").join(validator.to_string());
    ensure!(path.is_dir(), "{} is not there", path.display());
    Ok(HubStore::open(Arc::new(RocksStore::open(path, HUB_COLUMNS)?), hub)?)
}

/// A swap that one party locks under the first set and the other under the second.
struct Swap {
    deal: String,
    give: String,
    want: String,
    /// With what each account gains and gives.
    sheets: [(Sheet, U256, U256); 4],
}

impl Swap {
    async fn opened(devnet: &Devnet) -> Result<Self> {
        let (eth, bsc) = devnet.both()?;
        let (alice, bob) = (devnet.account("alice")?, devnet.account("bob")?);
        let (nothing, one, five) = (U256::ZERO, parse_ether("1")?, parse_ether("5")?);
        let sheets = [
            (Sheet::native(eth, alice).await?, nothing, one),
            (Sheet::native(bsc, alice).await?, five, nothing),
            (Sheet::native(eth, bob).await?, one, nothing),
            (Sheet::native(bsc, bob).await?, nothing, five),
        ];
        let (give, want) = (format!("{ETH}/native:1"), format!("{BSC}/native:5"));
        let args = ["swap", "new", "--as", "alice", "--with", "bob", "--give", &give, "--want", &want];
        let deal = text(&devnet.cli.ok(&args).await?["deal_id"])?;
        Ok(Self { deal, give, want, sheets })
    }

    /// The other party locks; both are paid to the unit. Returns the deal.
    async fn closed(self, devnet: &Devnet) -> Result<DealId> {
        let Self { deal, give, want, sheets } = self;
        let args = ["swap", "accept", &deal, "--as", "bob", "--give", &want, "--want", &give, "--yes"];
        devnet.cli.ok(&args).await?;
        let shown = deal_in(devnet, &deal, "settled", COMMIT_MAX).await?;
        ensure!(shown["decision"] == "commit", "the decision is {}", shown["decision"]);
        for (sheet, gained, given) in sheets {
            sheet.agrees(gained, given).await?;
        }
        Ok(deal.parse()?)
    }
}
