//! The built probe in LiteSVM, one call at a time.

use infrastrukt_sbf_probe::OPERATIONS;
use litesvm::LiteSVM;
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;
use solana_transaction::Transaction;

/// Variable with the path of the built probe. `make programs-test` sets it.
pub const ELF: &str = "SBF_PROBE";
const PROGRAM: Address = Address::new_from_array([7; 32]);
const PAYER_LAMPORTS: u64 = 1_000_000_000_000;

/// The probe on a chain of its own.
pub struct Probe {
    svm: LiteSVM,
    payer: Keypair,
    calls: u64,
}

/// Why a call gave nothing.
#[derive(Debug)]
pub struct Failed {
    /// The transaction's error.
    pub error: String,
    /// The log.
    pub logs: Vec<String>,
}

impl Probe {
    /// Loads the built probe.
    ///
    /// # Panics
    /// There is none, or the loader refuses it.
    #[must_use]
    pub fn load() -> Self {
        let path = std::env::var(ELF).expect("SBF_PROBE names the built probe: run `make programs-test`");
        let mut svm = LiteSVM::new().with_transaction_history(0);
        let payer = Keypair::new();
        svm.airdrop(&payer.pubkey(), PAYER_LAMPORTS).expect("LiteSVM gives what is asked");
        svm.add_program_from_file(PROGRAM, &path).expect("the loader takes the probe");
        Self { svm, payer, calls: 0 }
    }

    /// Calls the operation of that name.
    ///
    /// # Errors
    /// The program fails.
    ///
    /// # Panics
    /// There is no such operation.
    pub fn call(&mut self, name: &str, a: u128, b: u128) -> Result<u128, Failed> {
        let index = OPERATIONS.iter().position(|operation| operation.name == name).expect("the operation exists");
        let index = u8::try_from(index).expect("there are few operations");
        self.calls += 1;
        // The count makes every transaction a new one.
        let data = [[index].as_slice(), &a.to_le_bytes(), &b.to_le_bytes(), &self.calls.to_le_bytes()].concat();
        let instruction = Instruction { program_id: PROGRAM, accounts: vec![], data };
        let payer = self.payer.pubkey();
        let hash = self.svm.latest_blockhash();
        let transaction = Transaction::new_signed_with_payer(&[instruction], Some(&payer), &[&self.payer], hash);
        match self.svm.send_transaction(transaction) {
            Ok(done) => {
                let mut result = [0; 16];
                result[..done.return_data.data.len()].copy_from_slice(&done.return_data.data);
                Ok(u128::from_le_bytes(result))
            }
            Err(failed) => Err(Failed { error: format!("{:?}", failed.err), logs: failed.meta.logs }),
        }
    }
}
