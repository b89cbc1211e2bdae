//! LiteSVM with the committed program on it, and a transaction in one line.

use std::{fs, path::Path};

use litesvm::{
    LiteSVM,
    types::{FailedTransactionMetadata, TransactionMetadata},
};
use solana_account::Account;
use solana_address::Address;
use solana_clock::Clock;
use solana_instruction::{AccountMeta, Instruction, error::InstructionError};
use solana_keypair::Keypair;
use solana_message::Message;
use solana_signer::Signer;
use solana_transaction::Transaction;
use solana_transaction_error::TransactionError;

use crate::{Refusal, data::discriminator, pda::PROGRAM, wire::keccak};

/// Where `make programs` puts the program.
const ELF: &str = "../artifacts/infrastrukt_gateway.so";
const LOADER: Address = Address::from_str_const("BPFLoaderUpgradeab1e11111111111111111111111");
const COMPUTE_BUDGET: Address = Address::from_str_const("ComputeBudget111111111111111111111111111111");
/// Most compute units of a transaction; what is really used is measured by its own test.
const COMPUTE_UNITS: u32 = 1_400_000;
/// Most bytes of a transaction on the network. LiteSVM itself takes any.
const PACKET_BYTES: usize = 1_232;
const SIGNATURE_BYTES: usize = 64;
/// What a relayer's transaction has more: a price of compute units, and the two bytes of version 0.
const RELAYED_BYTES: usize = 14;
/// What everybody begins with.
const FUNDS: u64 = 1_000_000_000_000;
/// How an event of Anchor's begins.
const EVENT_TAG: [u8; 8] = [0xe4, 0x45, 0xa5, 0x2e, 0x51, 0xcb, 0x9a, 0x1d];

/// What comes of a transaction.
pub type Outcome = Result<TransactionMetadata, Box<FailedTransactionMetadata>>;

/// The key whose seed is the hash of its name.
pub fn key_named(name: &str) -> Keypair {
    Keypair::new_from_array(keccak(&[name.as_bytes()]))
}

/// A chain that runs the program.
pub struct Chain {
    svm: LiteSVM,
    is_signed: bool,
    /// Whether transactions must have room for what a relayer adds.
    pub is_relayed: bool,
    /// Pays for every transaction, and for rent where nothing else is said.
    pub payer: Keypair,
    /// May upgrade the program, and therefore initialize it.
    pub upgrade_authority: Keypair,
}

impl Clone for Chain {
    fn clone(&self) -> Self {
        Self {
            svm: self.svm.clone(),
            is_signed: self.is_signed,
            is_relayed: self.is_relayed,
            payer: self.payer.insecure_clone(),
            upgrade_authority: self.upgrade_authority.insecure_clone(),
        }
    }
}

fn elf() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(ELF);
    fs::read(&path).unwrap_or_else(|error| {
        panic!("{}: {error}. The built program is committed; `make programs` builds it anew", path.display())
    })
}

/// Number of the error that an instruction failed with; `None` where the runtime or another program stopped it.
pub fn code(failure: &FailedTransactionMetadata) -> Option<u32> {
    match &failure.err {
        TransactionError::InstructionError(_, InstructionError::Custom(code)) => Some(*code),
        _ => None,
    }
}

/// The fields of all events of this name, in order.
pub fn events(done: &TransactionMetadata, name: &str) -> Vec<Vec<u8>> {
    let prefix = [EVENT_TAG, discriminator("event", name)].concat();
    let inner = done.inner_instructions.iter().flatten();
    inner.filter_map(|inner| inner.instruction.data.strip_prefix(&prefix[..]).map(<[u8]>::to_vec)).collect()
}

impl Chain {
    /// A chain with the program, not initialized, at a time of the caller's.
    pub fn new(now: u64) -> Self {
        Self::with_program(LiteSVM::new().with_transaction_history(0), true, now)
    }

    /// The same where nobody's signature is checked, for many transactions in short time: whoever is named as a signer
    /// counts as one.
    pub fn unsigned(now: u64) -> Self {
        let svm = LiteSVM::new().with_transaction_history(0).with_sigverify(false).with_blockhash_check(false);
        Self::with_program(svm, false, now)
    }

    fn with_program(mut svm: LiteSVM, is_signed: bool, now: u64) -> Self {
        svm.add_program(PROGRAM, &elf()).expect("the program loads");
        let (payer, upgrade_authority) = (key_named("payer"), key_named("upgrade authority"));
        let mut chain = Self { svm, is_signed, is_relayed: true, payer, upgrade_authority };
        let (payer, authority) = (chain.payer.pubkey(), chain.upgrade_authority.pubkey());
        chain.fund(payer, FUNDS);
        chain.fund(authority, FUNDS);
        chain.set_upgrade_authority(&authority);
        chain.set_time(now);
        chain
    }

    /// Where the loader keeps who may upgrade the program.
    pub fn program_data() -> Address {
        Address::find_program_address(&[PROGRAM.as_ref()], &LOADER).0
    }

    /// State 3 of the loader: slot, and an option of the authority.
    fn set_upgrade_authority(&mut self, authority: &Address) {
        let mut account = self.account(&Self::program_data()).expect("the loader made it");
        account.data[12] = 1;
        account.data[13..45].copy_from_slice(authority.as_ref());
        self.put(Self::program_data(), account);
    }

    /// The chain's time, in seconds.
    pub fn now(&self) -> u64 {
        u64::try_from(self.svm.get_sysvar::<Clock>().unix_timestamp).expect("tests live after 1970")
    }

    /// Makes it another time.
    pub fn set_time(&mut self, seconds: u64) {
        let mut clock = self.svm.get_sysvar::<Clock>();
        clock.unix_timestamp = i64::try_from(seconds).expect("a time of 63 bits");
        self.svm.set_sysvar(&clock);
    }

    /// Lets time pass.
    pub fn pass(&mut self, seconds: u64) {
        self.set_time(self.now() + seconds);
    }

    /// Gives an account so many lamports in all; it stays whosever it is.
    pub fn fund(&mut self, address: Address, lamports: u64) {
        let account = self.account(&address).unwrap_or_default();
        self.put(address, Account { lamports, ..account });
    }

    /// Lamports of an account.
    pub fn lamports(&self, address: &Address) -> u64 {
        self.svm.get_balance(address).unwrap_or_default()
    }

    /// Least lamports of an account of this size.
    pub fn rent(&self, bytes: usize) -> u64 {
        self.svm.minimum_balance_for_rent_exemption(bytes)
    }

    /// An account, unless there is none.
    pub fn account(&self, address: &Address) -> Option<Account> {
        self.svm.get_account(address).filter(|account| account.lamports != 0)
    }

    /// All accounts of an owner.
    pub fn owned_by(&self, owner: &Address) -> Vec<(Address, Account)> {
        self.svm.get_program_accounts(owner)
    }

    /// Writes an account, past all rules; one without lamports is gone.
    pub fn put(&mut self, address: Address, account: Account) {
        self.svm.set_account(address, account).expect("the account is no broken sysvar or program");
    }

    /// Sends instructions as one transaction, signed by those of the keys that are asked to sign.
    pub fn try_send(&mut self, instructions: &[Instruction], signers: &[&Keypair]) -> Outcome {
        let transaction = self.transaction(instructions, signers);
        self.svm.send_transaction(transaction).map_err(Box::new)
    }

    /// What sending them would come to.
    pub fn simulate(&self, instructions: &[Instruction], signers: &[&Keypair]) -> Outcome {
        let transaction = self.transaction(instructions, signers);
        self.svm.simulate_transaction(transaction).map(|info| info.meta).map_err(Box::new)
    }

    /// Sends instructions that must go through.
    #[track_caller]
    pub fn done(&mut self, instructions: &[Instruction], signers: &[&Keypair]) -> TransactionMetadata {
        match self.try_send(instructions, signers) {
            Ok(done) => done,
            Err(failure) => panic!("{:?}\n{}", failure.err, failure.meta.pretty_logs()),
        }
    }

    /// Sends an instruction that the program must refuse for this reason.
    #[track_caller]
    pub fn refused(&mut self, instruction: Instruction, signers: &[&Keypair], why: Refusal) {
        self.refused_with(&[instruction], signers, |code| code == why.code(), &format!("{why:?}"));
    }

    /// Sends an instruction that must be refused because of an account: by Anchor's checks, or by one of these errors.
    #[track_caller]
    pub fn refused_account(&mut self, instruction: Instruction, signers: &[&Keypair], or: &[Refusal]) {
        let is_expected = |code: u32| (2_000..4_000).contains(&code) || or.iter().any(|why| why.code() == code);
        self.refused_with(&[instruction], signers, is_expected, &format!("an account's check or {or:?}"));
    }

    /// Sends instructions that must fail with an expected number.
    #[track_caller]
    pub fn refused_with(
        &mut self,
        instructions: &[Instruction],
        signers: &[&Keypair],
        is_expected: impl Fn(u32) -> bool,
        expected: &str,
    ) {
        match self.try_send(instructions, signers) {
            Ok(done) => panic!("went through, expected {expected}\n{}", done.pretty_logs()),
            Err(failure) if code(&failure).is_some_and(&is_expected) => {}
            Err(failure) => panic!("{:?}, expected {expected}\n{}", failure.err, failure.meta.pretty_logs()),
        }
    }

    /// Sends instructions that must fail, be it in another program or in the runtime.
    #[track_caller]
    pub fn fails(&mut self, instructions: &[Instruction], signers: &[&Keypair]) -> FailedTransactionMetadata {
        match self.try_send(instructions, signers) {
            Ok(done) => panic!("went through\n{}", done.pretty_logs()),
            Err(failure) => *failure,
        }
    }

    fn transaction(&self, instructions: &[Instruction], signers: &[&Keypair]) -> Transaction {
        let mut all = vec![compute_limit()];
        all.extend_from_slice(instructions);
        let hash = self.svm.latest_blockhash();
        let message = Message::new_with_blockhash(&all, Some(&self.payer.pubkey()), &hash);
        let required = usize::from(message.header.num_required_signatures);
        let mut transaction = Transaction::new_unsigned(message);
        let relayed = if self.is_relayed { RELAYED_BYTES } else { 0 };
        let bytes = 1 + required * SIGNATURE_BYTES + transaction.message_data().len() + relayed;
        assert!(bytes <= PACKET_BYTES, "a transaction of {bytes} bytes never reaches a validator: split it");
        if self.is_signed {
            let asked = &transaction.message.account_keys[..required];
            let mut keys: Vec<&Keypair> = Vec::new();
            for key in signers.iter().copied().chain([&self.payer]) {
                if asked.contains(&key.pubkey()) && !keys.iter().any(|known| known.pubkey() == key.pubkey()) {
                    keys.push(key);
                }
            }
            transaction.sign(&keys, hash);
        }
        transaction
    }
}

fn compute_limit() -> Instruction {
    let data = [&[2][..], &COMPUTE_UNITS.to_le_bytes()].concat();
    Instruction { program_id: COMPUTE_BUDGET, accounts: Vec::<AccountMeta>::new(), data }
}
