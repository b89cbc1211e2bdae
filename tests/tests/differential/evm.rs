//! The contracts of the committed artifacts in revm.

use alloy::{
    json_abi::JsonAbi,
    sol_types::{SolCall, SolValue},
};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use infrastrukt_evm::bindings::IERC20;
use infrastrukt_types::{Account, Timestamp};
use revm::{
    Context, DatabaseRef, ExecuteCommitEvm, MainBuilder, MainContext,
    bytecode::Bytecode,
    context::{
        TxEnv,
        result::{EVMError, ExecutionResult, InvalidTransaction},
    },
    database::{CacheDB, EmptyDB},
    primitives::TxKind,
    state::AccountInfo,
};
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc};

use crate::{
    encode::{encode, evm},
    notary::{FIRST, Notary},
    op::{Op, Outcome},
    world::{self, World},
};

/// Below the cap on one transaction (EIP-7825).
const GAS_LIMIT: u64 = 16_000_000;
/// Reverts in odd seconds: `TIMESTAMP PUSH1 1 AND PUSH1 8 JUMPI STOP JUMPDEST PUSH0 PUSH0 REVERT`.
const MOODY: [u8; 12] = [0x42, 0x60, 0x01, 0x16, 0x60, 0x08, 0x57, 0x00, 0x5b, 0x5f, 0x5f, 0xfd];
/// What the contracts have several errors for and the reference one.
const PROOF_ERRORS: [&str; 5] =
    ["EmptyProof", "LeafCountMismatch", "IndexOutOfRange", "IndicesNotAscending", "WrongNodeCount"];

alloy::sol! {
    function transfer(address to, uint256 amount) external returns (bool);
}

/// A chain with the contracts on it.
#[derive(Clone)]
pub(crate) struct Evm {
    db: CacheDB<EmptyDB>,
    names: Arc<BTreeMap<[u8; 4], String>>,
    pub(crate) layout: Arc<Layout>,
}

/// Where the contracts keep what is compared, from the committed snapshots.
pub(crate) struct Layout {
    pub(crate) credits: u64,
    pub(crate) paused: u64,
    pub(crate) locks: u64,
    pub(crate) current_epoch: u64,
    pub(crate) epochs: u64,
    pub(crate) token_balances: u64,
}

fn contracts() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../contracts")
}

fn read(path: &str) -> Value {
    let path = contracts().join(path);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn creation(name: &str, arguments: Vec<u8>) -> Bytes {
    let artifact = read(&format!("artifacts/{name}.json"));
    let code: Bytes = artifact["bytecode"].as_str().and_then(|text| text.parse().ok()).expect("artifacts have code");
    [code.as_ref(), &arguments].concat().into()
}

fn error_names() -> BTreeMap<[u8; 4], String> {
    let mut names = BTreeMap::new();
    for contract in ["Escrow", "EcdsaVerifier"] {
        let abi: JsonAbi =
            serde_json::from_value(read(&format!("artifacts/{contract}.json"))["abi"].clone()).expect("is an ABI");
        names.extend(abi.errors().map(|error| (error.selector().0, error.name.clone())));
    }
    names
}

fn slot(contract: &str, label: &str) -> u64 {
    let layout = read(&format!("snapshots/storage/{contract}.json"));
    let entry = layout.as_array().into_iter().flatten().find(|entry| entry["label"] == label);
    let slot = entry.and_then(|entry| entry["slot"].as_str()).and_then(|slot| slot.parse().ok());
    slot.unwrap_or_else(|| panic!("{contract} has no variable {label}"))
}

/// The slot of a mapping's entry.
pub(crate) fn entry(key: B256, mapping: U256) -> U256 {
    keccak256([key.0, mapping.to_be_bytes::<32>()].concat()).into()
}

impl Evm {
    pub(crate) fn deploy(world: &World) -> Self {
        let layout = Layout {
            credits: slot("Escrow", "credits"),
            paused: slot("Escrow", "paused"),
            locks: slot("Escrow", "_locks"),
            current_epoch: slot("EcdsaVerifier", "currentEpoch"),
            epochs: slot("EcdsaVerifier", "epochs"),
            token_balances: slot("DevToken", "_balances"),
        };
        let (db, names) = (CacheDB::new(EmptyDB::default()), Arc::new(error_names()));
        let mut chain = Self { db, names, layout: Arc::new(layout) };
        chain.create_contracts(world);
        chain.fund(world);
        chain
    }

    fn create_contracts(&mut self, world: &World) {
        let hub = world::hub().0;
        let expires_at = world::START.plus(world::FIRST_EPOCH_S).0;
        let first = Notary::new().hash(FIRST);
        let owner = evm(world.owner());
        let verifier = (hub, owner, 1u64, first, expires_at, world::GRACE_S, world::MEMBERS_MIN).abi_encode_params();
        let escrow = (hub, evm(world.verifier), evm(world.guardian()), world::WINDOW_MIN_S, world::HORIZON_S)
            .abi_encode_params();
        let supply = U256::from(10u64).pow(U256::from(24u64));
        let token = ("Token".to_string(), "TOK".to_string(), U256::from(18u64), supply).abi_encode_params();
        let codes = [creation("EcdsaVerifier", verifier), creation("Escrow", escrow), creation("DevToken", token)];
        for (deployer, code) in world.deployers.into_iter().zip(codes) {
            self.must(deployer, TxKind::Create, code);
            let at = Account::from(deployer.create(0));
            let has_code = self.account(at).is_some_and(|info| !info.is_empty_code_hash());
            assert!(has_code, "nothing was deployed at {at}");
        }
    }

    fn fund(&mut self, world: &World) {
        let refuser = AccountInfo::default().with_code(Bytecode::new_raw(Bytes::from_static(&MOODY)));
        self.db.insert_account_info(evm(world.refuser), refuser);
        let (token, [_, _, treasury]) = (evm(world.token), world.deployers);
        for person in &world.people {
            let account = person.address();
            self.db.insert_account_info(account, AccountInfo::from_balance(U256::from(world::BALANCE)));
            let gift = transferCall { to: account, amount: U256::from(world::BALANCE) };
            self.must(treasury, TxKind::Call(token), gift.abi_encode().into());
            let allowed = IERC20::approveCall { spender: evm(world.escrow), amount: U256::from(world::ALLOWANCE) };
            self.must(account, TxKind::Call(token), allowed.abi_encode().into());
        }
    }

    /// A transaction of the preparation, which goes through.
    fn must(&mut self, caller: Address, kind: TxKind, data: Bytes) {
        let result = self.transact(world::START, caller, kind, U256::ZERO, data).expect("it carries no value");
        assert!(result.is_success(), "{caller} could not prepare: {result:?}");
    }

    /// Runs a transaction; `None` where its sender cannot pay what it carries.
    fn transact(
        &mut self,
        at: Timestamp,
        caller: Address,
        kind: TxKind,
        value: U256,
        data: Bytes,
    ) -> Option<ExecutionResult> {
        let tx = TxEnv::builder()
            .caller(caller)
            .kind(kind)
            .value(value)
            .data(data)
            .gas_limit(GAS_LIMIT)
            .chain_id(Some(world::CHAIN.0))
            .build_fill();
        let mut evm = Context::mainnet()
            .with_db(&mut self.db)
            .modify_cfg_chained(|cfg| {
                cfg.chain_id = world::CHAIN.0;
                cfg.disable_nonce_check = true;
            })
            .modify_block_chained(|block| block.timestamp = U256::from(at.0))
            .build_mainnet();
        match evm.transact_commit(tx) {
            Ok(result) => Some(result),
            Err(EVMError::Transaction(InvalidTransaction::LackOfFundForMaxFee { .. })) => None,
            Err(other) => panic!("{caller} sent what is no transaction: {other:?}"),
        }
    }

    pub(crate) fn run(&mut self, world: &World, op: &Op) -> Outcome {
        let (to, data) = encode(world, &op.call);
        let value = U256::from(op.call.value().0);
        let Some(result) = self.transact(op.at, evm(op.caller), TxKind::Call(to), value, data) else {
            return Outcome::Refused("InsufficientFunds".into());
        };
        if result.is_success() {
            let ours = [evm(world.escrow), evm(world.verifier)];
            return Outcome::Done { events: result.logs().iter().filter(|log| ours.contains(&log.address)).count() };
        }
        Outcome::Refused(self.class(&result))
    }

    fn class(&self, result: &ExecutionResult) -> String {
        let Some(data) = result.output() else { return format!("halted: {result:?}") };
        let name = data.first_chunk::<4>().and_then(|selector| self.names.get(selector));
        match name {
            Some(name) if PROOF_ERRORS.contains(&name.as_str()) => "Proof".into(),
            Some(name) => name.clone(),
            None => format!("untyped: {data}"),
        }
    }

    fn account(&self, account: Account) -> Option<AccountInfo> {
        self.db.basic_ref(evm(account)).expect("memory does not fail")
    }

    /// What an account has of the native coin.
    pub(crate) fn native(&self, account: Account) -> U256 {
        self.account(account).map_or(U256::ZERO, |info| info.balance)
    }

    /// A word of a contract's storage.
    pub(crate) fn storage(&self, contract: Account, slot: U256) -> U256 {
        self.db.storage_ref(evm(contract), slot).expect("memory does not fail")
    }
}
