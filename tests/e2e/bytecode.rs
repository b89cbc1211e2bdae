//! Small contracts that misbehave, assembled by hand so that no compiler is needed.

use alloy::primitives::keccak256;

/// Reverts whatever it is called with: `PUSH0 PUSH0 REVERT`.
pub(crate) const REVERTS: &[u8] = &[0x5f, 0x5f, 0xfd];
/// Burns all gas it is given: `INVALID`.
pub(crate) const BURNS: &[u8] = &[0xfe];
/// Takes everything and does nothing: `STOP`.
pub(crate) const TAKES: &[u8] = &[0x00];

const CALLDATALOAD: u8 = 0x35;
const SLOAD: u8 = 0x54;
const SSTORE: u8 = 0x55;
const JUMPI: u8 = 0x57;
const JUMPDEST: u8 = 0x5b;
const PUSH0: u8 = 0x5f;
const PUSH1: u8 = 0x60;
const PUSH2: u8 = 0x61;
const PUSH4: u8 = 0x63;
const DUP1: u8 = 0x80;

/// Creation code that leaves `runtime` at the new address.
pub(crate) fn creation(runtime: &[u8]) -> Vec<u8> {
    const HEAD_LEN: u8 = 10;
    let [high, low] = u16::try_from(runtime.len()).expect("these contracts have a few hundred bytes").to_be_bytes();
    // Copies what follows this head to memory and returns it.
    let head = [PUSH2, high, low, DUP1, PUSH1, HEAD_LEN, PUSH0, 0x39, PUSH0, 0xf3];
    [&head[..], runtime].concat()
}

/// A token that is honest in everything but transfers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Dishonesty {
    /// Every transfer costs a tenth, and reports success.
    Charges,
    /// Transfers do nothing and return false.
    ReturnsFalse,
}

/// Runtime code of such a token. The balance of an account lies in the slot of its address.
pub(crate) fn token(dishonesty: Dishonesty) -> Vec<u8> {
    let transfer_from = match dishonesty {
        Dishonesty::Charges => [move_all_but_a_tenth(), word(1)].concat(),
        Dishonesty::ReturnsFalse => word(0),
    };
    dispatch(&[
        ("decimals()", word(18)),
        ("symbol()", symbol(*b"BAD")),
        ("balanceOf(address)", [&[PUSH1, 4, CALLDATALOAD, SLOAD], &return_top()[..]].concat()),
        ("allowance(address,address)", word(0xff)),
        ("approve(address,uint256)", word(1)),
        ("transferFrom(address,address,uint256)", transfer_from),
    ])
}

/// `transferFrom(from, to, amount)`: takes `amount` from one balance and adds nine tenths to the other.
fn move_all_but_a_tenth() -> Vec<u8> {
    const DIV: u8 = 0x04;
    const SUB: u8 = 0x03;
    const ADD: u8 = 0x01;
    const SWAP1: u8 = 0x90;
    const DUP2: u8 = 0x81;
    let (from, to, amount) = ([PUSH1, 0x04, CALLDATALOAD], [PUSH1, 0x24, CALLDATALOAD], [PUSH1, 0x44, CALLDATALOAD]);
    let parts: [&[u8]; 10] = [
        &amount,
        &[DUP1],
        &from,
        &[SLOAD, SUB],
        &from,
        &[SSTORE, PUSH1, 10, DUP2, DIV, SWAP1, SUB],
        &to,
        &[SLOAD, ADD],
        &to,
        &[SSTORE],
    ];
    parts.concat()
}

/// Returns the word on top of the stack.
fn return_top() -> [u8; 6] {
    [PUSH0, 0x52, PUSH1, 0x20, PUSH0, 0xf3]
}

fn word(value: u8) -> Vec<u8> {
    [&[PUSH1, value], &return_top()[..]].concat()
}

/// Returns a string of three characters in the ABI's encoding.
fn symbol(text: [u8; 3]) -> Vec<u8> {
    let [a, b, c] = text;
    const MSTORE: u8 = 0x52;
    const SHL: u8 = 0x1b;
    let store = [
        [PUSH1, 0x20, PUSH0, MSTORE].as_slice(),
        &[PUSH1, 3, PUSH1, 0x20, MSTORE],
        // PUSH3, shifted to the left end of its word.
        &[0x62, a, b, c, PUSH1, 232, SHL, PUSH1, 0x40, MSTORE],
        &[PUSH1, 0x60, PUSH0, 0xf3],
    ];
    store.concat()
}

/// Jumps to the body of the called function; reverts for any other.
fn dispatch(functions: &[(&str, Vec<u8>)]) -> Vec<u8> {
    const ENTRY_LEN: usize = 11;
    // The selector is the first four bytes of calldata: `CALLDATALOAD(0) >> 224`.
    let mut code = vec![PUSH0, CALLDATALOAD, PUSH1, 0xe0, 0x1c];
    let mut offset = code.len() + functions.len() * ENTRY_LEN + REVERTS.len();
    let mut bodies = Vec::new();
    for (signature, body) in functions {
        let [high, low] = u16::try_from(offset).expect("these contracts have a few hundred bytes").to_be_bytes();
        code.extend([DUP1, PUSH4]);
        code.extend(&keccak256(signature.as_bytes())[..4]);
        code.extend([0x14, PUSH2, high, low, JUMPI]);
        offset += 1 + body.len();
        bodies.push(JUMPDEST);
        bodies.extend(body);
    }
    code.extend(REVERTS);
    code.extend(bodies);
    code
}
