//! What a real node cannot do: lie, keep too little, and contradict another one. Each endpoint here says what a test told
//! it to say.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    routing::post,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use infrastrukt_evm::{Context, EndpointUrl, Environment};
use infrastrukt_ports::{
    Action, ChainReader, ChainWriter, PortError, Remedy, ScanCursor, SubmissionKey, SubmissionState,
};
use infrastrukt_solana::{
    FeePolicy, Gateway, Limits, SolanaChain, SolanaConfig, TX_COLUMNS, account,
    devnet::{PROGRAM, dev_key},
};
use infrastrukt_store::MemoryStore;
use infrastrukt_types::{
    Account, Amount, B256, ChainId, DealId, Evidence, FactKind, HubId, Leg, LegRef, MessageId, Timestamp,
};
use serde_json::{Value, json};
use solana_pubkey::{Pubkey, pubkey};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::net::TcpListener;

const GENESIS: &str = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";
const CHAIN: ChainId = ChainId(ChainId::HUB_ASSIGNED_MIN + 1);

/// `sha256("event:Delivered")[..8]`, as the program writes it in front of the event.
const DELIVERED: [u8; 8] = [0x94, 0xb2, 0x3c, 0xfa, 0x57, 0x31, 0x95, 0x41];

/// `sha256("account:Target")[..8]`, and the bytes of the account after it.
const TARGET: [u8; 8] = [0x32, 0xc5, 0x87, 0x5d, 0xe6, 0x74, 0x8e, 0x44];
const TARGET_BYTES: usize = 112;

/// Compute units of every simulation.
const UNITS: u64 = 60_000;

/// What an endpoint answers in place of what it knows, by method and parameters.
type Instead = dyn Fn(&str, &Value) -> Option<Value> + Send + Sync;

/// Transactions in base64, each once.
type Offered = Arc<Mutex<BTreeSet<String>>>;

/// What a node knows.
#[derive(Clone)]
struct Script {
    genesis: String,
    finalized: u64,
    blocks: BTreeMap<u64, Value>,
    /// What stands at every address.
    account: Value,
    instead: Option<Arc<Instead>>,
    /// The method that it never answers.
    silent: Option<&'static str>,
    offered: Offered,
}

fn base58(byte: u8) -> String {
    bs58::encode([byte; 32]).into_string()
}

/// A block at `slot` after the one at `parent`, in which the gateway delivered these messages.
fn block(slot: u8, parent: u8, delivered: &[u8]) -> Value {
    let at = Gateway::new(PROGRAM);
    let event = |id: &u8| {
        let tag = [0xe4, 0x45, 0xa5, 0x2e, 0x51, 0xcb, 0x9a, 0x1d];
        let data = [tag.as_slice(), &DELIVERED, &[*id; 32], &56u64.to_le_bytes(), &1u64.to_le_bytes()].concat();
        json!({ "programIdIndex": 1, "accounts": [2], "data": bs58::encode(data).into_string() })
    };
    let keys = [base58(9), at.program.to_string(), at.event_authority.to_string()];
    let transaction = json!({
        "transaction": { "signatures": [bs58::encode([slot; 64]).into_string()], "message": { "accountKeys": keys } },
        "meta": {
            "err": null, "fee": 5_000, "preBalances": [9_000], "postBalances": [4_000],
            "innerInstructions": [{ "index": 0, "instructions": delivered.iter().map(event).collect::<Vec<_>>() }],
        },
    });
    json!({
        "blockhash": base58(slot), "previousBlockhash": base58(parent), "parentSlot": parent,
        "blockTime": 1_700_000_000, "blockHeight": slot, "transactions": [transaction],
    })
}

/// Slots 10, 11 and 13; 12 was skipped.
fn honest() -> Script {
    let blocks = [(10, block(10, 9, &[])), (11, block(11, 10, &[1, 2])), (13, block(13, 11, &[3]))];
    let data = BASE64_STANDARD.encode([TARGET.as_slice(), &[0; TARGET_BYTES]].concat());
    let account = json!({
        "lamports": 1, "owner": PROGRAM.to_string(), "data": [data, "base64"], "executable": false,
    });
    let (genesis, offered) = (GENESIS.into(), Offered::default());
    Script { genesis, finalized: 13, blocks: blocks.into(), account, instead: None, silent: None, offered }
}

impl Script {
    /// `None` for what it was never told.
    fn tell(&self, method: &str, params: &Value) -> Option<Value> {
        Some(match method {
            "getGenesisHash" => json!(self.genesis),
            "getSlot" | "getBlockHeight" => json!(self.finalized),
            "getFirstAvailableBlock" => json!(self.blocks.keys().next()?),
            "getBlocks" => {
                let (first, last) = (params[0].as_u64()?, params[1].as_u64()?);
                json!(self.blocks.range(first..=last).map(|(slot, _)| *slot).collect::<Vec<_>>())
            }
            "getBlock" => {
                let mut block = self.blocks.get(&params[0].as_u64()?).cloned().unwrap_or(Value::Null);
                if params[1]["transactionDetails"] != "full" && !block.is_null() {
                    let signature = block["transactions"][0]["transaction"]["signatures"][0].take();
                    (block["signatures"], block["transactions"]) = (json!([signature]), Value::Null);
                }
                block
            }
            "getMultipleAccounts" => json!({ "value": vec![self.account.clone(); params[0].as_array()?.len()] }),
            "simulateTransaction" => json!({ "value": { "err": null, "logs": [], "unitsConsumed": UNITS } }),
            "getRecentPrioritizationFees" => json!([]),
            "getSignatureStatuses" => json!({ "value": [null] }),
            "sendTransaction" => {
                self.offered.lock().expect("no test panics with it").insert(params[0].as_str()?.to_owned());
                json!("taken")
            }
            _never_told => return None,
        })
    }
}

async fn answer(State(script): State<Arc<Script>>, body: Bytes) -> String {
    let request: Value = serde_json::from_slice(&body).expect("asks in JSON");
    let (method, params) = (request["method"].as_str().unwrap_or_default(), &request["params"]);
    if script.silent == Some(method) {
        std::future::pending::<()>().await;
    }
    let instead = script.instead.as_ref().and_then(|instead| instead(method, params));
    let told = match instead.or_else(|| script.tell(method, params)) {
        Some(result) => json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }),
        None => json!({ "jsonrpc": "2.0", "id": request["id"], "error": { "code": -32_601, "message": method } }),
    };
    told.to_string()
}

async fn listen(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("is bound"));
    tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
    url
}

/// Two of these endpoints must agree.
fn config(urls: Vec<String>) -> SolanaConfig {
    let parse = |(position, url): (usize, String)| EndpointUrl::parse(&url, position).expect("is a URL");
    let endpoints: Vec<EndpointUrl> = (1..).zip(urls).map(parse).collect();
    let quorum = endpoints.len().min(2);
    SolanaConfig {
        chain: CHAIN,
        name: "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp".parse().expect("is a name"),
        native_symbol: "SOL".into(),
        endpoints,
        quorum,
        program: PROGRAM,
        start_slot: 10,
        limits: Limits::default(),
        fees: FeePolicy::default(),
        environment: Environment::Devnet,
    }
}

fn context() -> Context {
    let gateways = [(CHAIN, account(&PROGRAM)), (ChainId(56), Account(B256::repeat_byte(8)))].into();
    Context { hub: HubId(B256::repeat_byte(7)), gateways, hub_epoch: None }
}

/// A chain whose endpoints follow these scripts, two of which must agree.
async fn chain(scripts: Vec<Script>) -> SolanaChain {
    let mut urls = Vec::new();
    for script in scripts {
        urls.push(listen(Router::new().route("/", post(answer)).with_state(Arc::new(script))).await);
    }
    SolanaChain::new(config(urls), context()).expect("is a good configuration")
}

/// The same, what one key writes to it, and what its endpoints are offered. Tests write with keys of their own.
async fn writer(key: u32, mut scripts: Vec<Script>) -> (Arc<dyn ChainWriter>, Offered) {
    let offered = Offered::default();
    scripts.iter_mut().for_each(|script| script.offered = offered.clone());
    let store = Arc::new(MemoryStore::new(TX_COLUMNS));
    let writer = chain(scripts).await.writer(store, &dev_key(key)).expect("has its columns");
    (writer, offered)
}

const KEY: SubmissionKey = SubmissionKey(B256::repeat_byte(1));

fn message() -> Action {
    Action::Send {
        target: ChainId(56),
        recipient: Account(B256::repeat_byte(2)),
        gas_limit: 1,
        deadline: Timestamp(0),
        payload: vec![3u8].into(),
    }
}

/// The transactions that were offered.
fn seen(offered: &Offered) -> Vec<Vec<u8>> {
    let seen = offered.lock().expect("no test panics with it");
    seen.iter().map(|encoded| BASE64_STANDARD.decode(encoded).expect("is base64")).collect()
}

/// An honest node but for these answers.
fn saying(instead: impl Fn(&str, &Value) -> Option<Value> + Send + Sync + 'static) -> Script {
    Script { instead: Some(Arc::new(instead)), ..honest() }
}

const START: ScanCursor = ScanCursor { next: 10, parent: None };

/// The messages that a scan found delivered, and where it stopped.
async fn delivered(reader: &dyn ChainReader) -> Result<(Vec<u8>, ScanCursor), PortError> {
    let scan = reader.scan(START, 100).await?;
    let mut ids = Vec::new();
    for fact in scan.blocks.into_iter().flat_map(|block| block.facts) {
        if let FactKind::Delivered(MessageId(id)) = fact.kind {
            ids.push(id[0]);
        }
    }
    Ok((ids, scan.cursor))
}

/// Answers to small questions are read within small bounds.
#[tokio::test]
async fn a_small_question_has_a_small_answer() {
    let flood = saying(|method, _| (method == "getSlot").then(|| json!(vec![0; 4 << 20])));
    let reader = chain(vec![flood]).await.reader();
    let error = reader.finalized().await.expect_err("is no slot");
    assert!(error.message.contains("4194304 bytes"), "{error}");
}

fn lying(change: impl Fn(&mut Script)) -> Script {
    let mut script = honest();
    change(&mut script);
    script
}

async fn check(scripts: Vec<Script>, expected: Result<&[u8], &str>) {
    let reader = chain(scripts).await.reader();
    match (delivered(reader.as_ref()).await, expected) {
        (Ok((found, cursor)), Ok(expected)) => {
            assert_eq!(found, expected);
            assert_eq!(cursor, ScanCursor { next: 14, parent: Some(B256::repeat_byte(13)) });
        }
        (Err(error), Err("halt")) => assert_eq!(error.remedy, Remedy::Halt, "{error}"),
        (Err(error), Err("retry")) => assert!(matches!(error.remedy, Remedy::Retry { .. }), "{error}"),
        (found, expected) => panic!("{found:?}, expected {expected:?}"),
    }
}

#[tokio::test]
async fn skipped_slots_leave_no_gap() {
    check(vec![honest(), honest()], Ok(&[1, 2, 3])).await;
}

#[tokio::test]
async fn one_liar_is_outvoted() {
    let withheld = lying(|script| drop(script.blocks.insert(11, block(11, 10, &[1]))));
    check(vec![withheld, honest(), honest()], Ok(&[1, 2, 3])).await;
    let invented = lying(|script| drop(script.blocks.insert(13, block(13, 11, &[3, 4]))));
    check(vec![honest(), invented, honest()], Ok(&[1, 2, 3])).await;
    let skipping = lying(|script| drop(script.blocks.remove(&11)));
    check(vec![skipping, honest(), honest()], Ok(&[1, 2, 3])).await;
}

#[tokio::test]
async fn nobody_is_believed_where_two_contradict_each_other() {
    let withheld = lying(|script| drop(script.blocks.insert(11, block(11, 10, &[1]))));
    check(vec![withheld, honest()], Err("halt")).await;
}

#[tokio::test]
async fn an_endpoint_of_another_chain_does_not_vote() {
    let other = lying(|script| script.genesis = "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY".into());
    check(vec![other.clone(), honest(), honest()], Ok(&[1, 2, 3])).await;
    let reader = chain(vec![other]).await.reader();
    let error = reader.finalized().await.expect_err("serves another chain");
    assert!(error.message.contains("genesis") || error.message.contains("fewer"), "{error}");
}

#[tokio::test]
async fn an_endpoint_that_keeps_no_inner_instructions_says_nothing() {
    let careless = lying(|script| {
        let meta = &mut script.blocks.get_mut(&11).expect("is there")["transactions"][0]["meta"];
        meta["innerInstructions"] = Value::Null;
    });
    check(vec![careless.clone(), honest(), honest()], Ok(&[1, 2, 3])).await;
    check(vec![careless, honest()], Err("retry")).await;
}

#[tokio::test]
async fn liars_who_agree_still_break_the_chain_of_parents() {
    let skipping = lying(|script| drop(script.blocks.remove(&11)));
    check(vec![skipping.clone(), skipping], Err("halt")).await;
}

#[tokio::test]
async fn an_endpoint_that_is_behind_is_waited_for() {
    let behind = lying(|script| script.finalized = 11);
    let reader = chain(vec![behind, honest()]).await.reader();
    let (found, cursor) = delivered(reader.as_ref()).await.expect("reads what both have");
    assert_eq!((found, cursor.next), (vec![1, 2], 12));
}

#[tokio::test]
async fn a_cursor_of_another_fork_halts() {
    let reader = chain(vec![honest(), honest()]).await.reader();
    let forged = ScanCursor { next: 13, parent: Some(B256::repeat_byte(0xbb)) };
    assert_eq!(reader.scan(forged, 10).await.expect_err("is another fork").remedy, Remedy::Halt);
    let right = ScanCursor { next: 12, parent: Some(B256::repeat_byte(11)) };
    assert_eq!(reader.scan(right, 1).await.expect("reads").cursor, ScanCursor { next: 13, ..right });
}

#[tokio::test]
async fn evidence_is_worth_what_the_validators_own_endpoints_say() {
    let believer = chain(vec![honest(), honest()]).await;
    let scan = believer.reader().scan(START, 100).await.expect("reads");
    let evidence = &scan.blocks[0].evidence;
    assert_eq!(believer.verifier().verify(evidence).await.expect("proves").len(), 2);

    let withheld = || lying(|script| drop(script.blocks.insert(11, block(11, 10, &[1]))));
    let doubter = chain(vec![withheld(), withheld()]).await.verifier();
    assert_eq!(doubter.verify(evidence).await.expect_err("sees another block").remedy, Remedy::Reject);
    let Evidence::Receipts(mut skipped) = evidence.clone();
    skipped.block_number = 12;
    let error = believer.verifier().verify(&Evidence::Receipts(skipped)).await.expect_err("was skipped");
    assert_eq!(error.remedy, Remedy::Reject, "{error}");
}

#[tokio::test]
async fn what_is_done_once_is_signed_once_whatever_one_says_of_heights() {
    // Too low while it is signed, and past every end afterwards.
    let liar = || {
        let mut low = block(13, 11, &[3]);
        low["blockHeight"] = json!(0);
        saying(move |method, _| match method {
            "getBlock" => Some(low.clone()),
            "getBlockHeight" => Some(json!(300_000_000)),
            _ => None,
        })
    };
    let (sender, offered) = writer(1, vec![liar(), honest(), honest()]).await;
    sender.submit(KEY, &message()).await.expect("two agree");
    for _turn in 0..10 {
        sender.tick().await.expect("goes on");
    }
    assert_eq!(seen(&offered).len(), 1);

    let mute = saying(|method, _| (method == "getBlock").then_some(Value::Null));
    let (sender, offered) = writer(2, vec![liar(), mute, honest()]).await;
    let error = sender.submit(KEY, &message()).await.expect_err("no two agree");
    assert!(matches!(error.remedy, Remedy::Retry { .. }), "{error}");
    assert!(seen(&offered).is_empty());
}

/// A block may be as long as an answer can be, and reading it must hold up nobody. A thread of its own looks at the time,
/// since whatever hung would hold up timers as well.
#[tokio::test]
async fn what_only_one_tells_is_not_decoded() {
    let bomb = lying(|script| {
        let calls = &mut script.blocks.get_mut(&11).expect("is there")["transactions"][0]["meta"]["innerInstructions"];
        calls[0]["instructions"][0]["data"] = json!("z".repeat(20 << 20));
    });
    let (done, watched) = std::sync::mpsc::channel();
    let watchdog = std::thread::spawn(move || {
        if watched.recv_timeout(Duration::from_secs(60)).is_err() {
            eprintln!("reading one block takes a minute");
            std::process::abort();
        }
    });
    check(vec![bomb, honest(), honest()], Ok(&[1, 2, 3])).await;
    done.send(()).expect("is waited for");
    watchdog.join().expect("ends");
}

/// Whether what was signed has these bytes.
fn holds(transaction: &[u8], bytes: &[u8]) -> bool {
    transaction.windows(bytes.len()).any(|window| window == bytes)
}

/// What is signed where one endpoint, the first to be asked, answers so.
async fn signed_beside(key: u32, liar: Script) -> Vec<u8> {
    let (sender, offered) = writer(key, vec![liar, honest(), honest()]).await;
    sender.submit(KEY, &message()).await.expect("two agree");
    seen(&offered).pop().expect("was offered")
}

/// The data of an instruction that limits compute units, or offers a price for them.
fn budget(kind: u8, number: &[u8]) -> Vec<u8> {
    let length = u8::try_from(1 + number.len()).expect("is short");
    [[length, kind].as_slice(), number].concat()
}

/// A simulation that succeeds with so many units.
fn using(units: u64) -> Script {
    saying(move |method, _| {
        let told = json!({ "value": { "err": null, "logs": [], "unitsConsumed": units } });
        (method == "simulateTransaction").then_some(told)
    })
}

#[tokio::test]
async fn one_endpoint_neither_limits_nor_prices_what_is_signed() {
    // A quarter above what it uses, and 5,000 more.
    let limit = budget(2, &80_000u32.to_le_bytes());
    assert!(holds(&signed_beside(3, using(1)).await, &limit), "it would run out");
    assert!(holds(&signed_beside(4, using(1_390_000)).await, &limit), "it would be dear");

    let dear = saying(|method, _| {
        let fees = json!([{ "slot": 1, "prioritizationFee": u64::MAX }]);
        (method == "getRecentPrioritizationFees").then_some(fees)
    });
    assert!(holds(&signed_beside(5, dear).await, &budget(3, &0u64.to_le_bytes())));

    let mut elsewhere = block(13, 11, &[]);
    elsewhere["blockhash"] = json!(base58(99));
    let stuck = saying(move |method, _| (method == "getBlock").then(|| elsewhere.clone()));
    assert!(holds(&signed_beside(6, stuck).await, &[13; 32]), "names the block that two agree on");
}

#[tokio::test]
async fn what_only_one_lets_pass_is_not_sent() {
    let refusing = || {
        saying(|method, _| {
            let error = json!({ "InstructionError": [2, { "Custom": 6_024 }] });
            let told = json!({ "value": { "err": error, "logs": [], "unitsConsumed": 1 } });
            (method == "simulateTransaction").then_some(told)
        })
    };
    let (sender, offered) = writer(7, vec![honest(), refusing(), refusing()]).await;
    let error = sender.submit(KEY, &message()).await.expect_err("two refuse");
    assert_eq!(error.remedy, Remedy::Reject, "{error}");
    assert!(error.message.contains("Paused") && seen(&offered).is_empty(), "{error}");
}

#[tokio::test]
async fn an_endpoint_that_hangs_does_not_hold_up_the_others() {
    let hanging = lying(|script| script.silent = Some("getBlock"));
    let scan = check(vec![hanging, honest(), honest()], Ok(&[1, 2, 3]));
    tokio::time::timeout(Duration::from_secs(5), scan).await.expect("two answer at once");
}

/// `sha256("account:Credit")[..8]`, and the bytes of the account after it.
const CREDIT: [u8; 8] = [0x06, 0x4f, 0xa1, 0x88, 0x9c, 0xac, 0xbe, 0x95];
const CREDIT_BYTES: usize = 106;

const TOKEN_PROGRAM: Pubkey = pubkey!("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
const ASSOCIATED: Pubkey = pubkey!("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");

const MINT: Pubkey = Pubkey::new_from_array([0x33; 32]);
const PAYEE: Pubkey = Pubkey::new_from_array([0x44; 32]);

/// A token that nobody has an account of, and of which the escrow owes the payee something.
fn without_holders() -> Script {
    let account = |owner: Pubkey, data: Vec<u8>| {
        let data = BASE64_STANDARD.encode(data);
        json!({ "lamports": 1, "owner": owner.to_string(), "data": [data, "base64"], "executable": false })
    };
    let seeds: [&[u8]; 4] = [b"credit", &[0], PAYEE.as_ref(), MINT.as_ref()];
    let credit = Pubkey::find_program_address(&seeds, &PROGRAM).0;
    let known: BTreeMap<String, Value> = [
        (MINT.to_string(), account(TOKEN_PROGRAM, vec![0; 82])),
        (credit.to_string(), account(PROGRAM, [CREDIT.as_slice(), &[0; CREDIT_BYTES]].concat())),
    ]
    .into();
    saying(move |method, params| {
        let keys = params[0].as_array().filter(|_| method == "getMultipleAccounts")?;
        let found = |key: &Value| known.get(key.as_str().unwrap_or_default()).cloned().unwrap_or(Value::Null);
        Some(json!({ "value": keys.iter().map(found).collect::<Vec<_>>() }))
    })
}

/// Whoever closes an account keeps its rent: payees would be opening and closing them for a living.
#[tokio::test]
async fn only_who_asks_for_a_payment_opens_an_account_for_it() {
    let leg = Leg {
        chain: CHAIN,
        escrow: account(&Gateway::new(PROGRAM).escrow),
        token: account(&MINT),
        amount: Amount(1),
        depositor: account(&PAYEE),
        on_commit: Account(B256::repeat_byte(5)),
        on_abort: account(&PAYEE),
        escape_at: Timestamp(10),
        escape_window: 5,
        tip: Amount(0),
    };
    let leg = LegRef { index: 0, lock_by: Timestamp(9), leg };
    let escape = Action::ExecuteEscape { deal: DealId(B256::repeat_byte(1)), leg };
    let ask = Action::WithdrawCredit { token: account(&MINT), account: account(&PAYEE) };
    for (key, action, opens) in [(8, escape, false), (9, ask, true)] {
        let (sender, offered) = writer(key, vec![without_holders()]).await;
        sender.submit(KEY, &action).await.expect("is possible");
        let signed = seen(&offered).pop().expect("was offered");
        assert_eq!(holds(&signed, ASSOCIATED.as_ref()), opens, "{}", action.name());
    }
}

#[tokio::test]
async fn what_a_node_does_not_keep_was_not_skipped() {
    let pruned = || lying(|script| script.blocks = script.blocks.split_off(&12));
    check(vec![pruned(), pruned()], Err("retry")).await;
    check(vec![pruned(), honest()], Err("retry")).await;
    check(vec![pruned(), honest(), honest()], Ok(&[1, 2, 3])).await;

    let scan = chain(vec![honest(), honest()]).await.reader().scan(START, 100).await.expect("reads");
    let forgetful = chain(vec![pruned(), pruned()]).await.verifier();
    let error = forgetful.verify(&scan.blocks[0].evidence).await.expect_err("cannot say");
    assert!(matches!(error.remedy, Remedy::Retry { .. }), "{error}");
}

#[tokio::test]
async fn reading_begins_where_the_program_does() {
    let reader = chain(vec![honest(), honest()]).await.reader();
    let scan = reader.scan(ScanCursor { next: 0, parent: None }, 100).await.expect("reads");
    assert_eq!((scan.blocks.len(), scan.cursor.next), (2, 14));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let count = move || {
        counter.fetch_add(1, Ordering::Relaxed);
        async { String::new() }
    };
    let elsewhere = listen(Router::new().route("/", post(count))).await;
    let redirect = move || async move { (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, elsewhere)]) };
    let url = listen(Router::new().route("/", post(redirect))).await;
    let reader = SolanaChain::new(config(vec![url]), context()).expect("is a good configuration").reader();
    let error = reader.finalized().await.expect_err("is no answer");
    assert!(error.message.contains("307"), "{error}");
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}

/// Another's hand can make a transaction fail in its block: an account that it counts on was closed before it.
#[tokio::test]
async fn what_others_make_fail_is_done_once_more() {
    let landed = |signed: Option<String>, error: Value| {
        let mut last = block(13, 11, &[]);
        last["transactions"][0]["transaction"]["signatures"][0] = json!(signed);
        last["transactions"][0]["meta"]["err"] = error;
        last
    };
    for (key, code, more) in [(10, 3_012, true), (11, 6_024, false)] {
        let error = json!({ "InstructionError": [2, { "Custom": code }] });
        // The first one that is offered is in the last block, and failed there.
        let first: Arc<Mutex<Option<String>>> = Arc::default();
        let failing = saying(move |method, params| {
            let mut first = first.lock().expect("no test panics with it");
            match method {
                "sendTransaction" if first.is_none() => {
                    let raw = BASE64_STANDARD.decode(params[0].as_str()?).ok()?;
                    *first = Some(bs58::encode(raw.get(1..65)?).into_string());
                    None
                }
                "getSignatureStatuses" if first.is_some() && params[0][0] == json!(*first) => {
                    Some(json!({ "value": [{ "slot": 13, "err": error }] }))
                }
                "getBlock" if first.is_some() && params[0] == 13 => Some(landed(first.clone(), error.clone())),
                "getSlot" | "getBlockHeight" => Some(json!(if first.is_some() { 13 } else { 11 })),
                _ => None,
            }
        });
        let (sender, offered) = writer(key, vec![failing]).await;
        sender.submit(KEY, &message()).await.expect("is possible");
        sender.tick().await.expect("goes on");
        assert_eq!(seen(&offered).len(), if more { 2 } else { 1 }, "after error {code}");
        let state = sender.state(KEY).await.expect("is known");
        assert_eq!(matches!(state, SubmissionState::Reverted { .. }), !more, "{state:?}");
    }
}

#[tokio::test]
async fn a_liar_does_not_keep_the_head_one_step_ahead() {
    let clock = Arc::new(AtomicU64::new(13));
    let running = |tell: fn(&AtomicU64) -> u64| {
        let clock = clock.clone();
        let mut script = saying(move |method, _| (method == "getSlot").then(|| json!(tell(&clock))));
        script.blocks = (13..100).map(|slot| (u64::from(slot), block(slot, slot - 1, &[]))).collect();
        script
    };
    let fast = running(|clock| clock.fetch_add(1, Ordering::Relaxed));
    let slow = running(|clock| clock.load(Ordering::Relaxed) - 3);
    let liar = saying(|method, _| match method {
        "getSlot" => Some(json!(u64::MAX)),
        "getBlock" => Some(Value::Null),
        _ => None,
    });
    let reader = chain(vec![liar, fast, slow]).await.reader();
    for _turn in 0..6 {
        if reader.finalized().await.is_ok() {
            return;
        }
    }
    panic!("the slower one never has the head that is asked for");
}
