//! What the program computes must be what this machine computes, with the same code and the same overflow checks.

use infrastrukt_sbf_differential::Probe;
use infrastrukt_sbf_probe::{OPERATIONS, Operation};
use std::panic;

/// Numbers at which widths end and signs change.
const BOUNDARIES: [u128; 26] = [
    0,
    1,
    2,
    3,
    7,
    10,
    127,
    128,
    255,
    10_000,
    0x7FFF,
    0x8000,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    0x1_0000_0000,
    i64::MAX as u128,
    i64::MAX as u128 + 1,
    u64::MAX as u128,
    u64::MAX as u128 + 1,
    1 << 96,
    i128::MAX as u128,
    i128::MAX as u128 + 1,
    u128::MAX - 1,
    u128::MAX,
    0x0123_4567_89AB_CDEF_0F1E_2D3C_4B5A_6978,
];
const RANDOM_PAIRS: usize = 150;
/// What the virtual machine says when a program aborts.
const ABORTED: &str = "ProgramFailedToComplete";

/// Operations that are tested by themselves, because the two machines differ in memory.
const APART: [&str; 2] = ["memory", "a hash seed beside a full heap"];

/// Numbers of every length, the same ones in every run (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn word(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn number(&mut self) -> u128 {
        let full = u128::from(self.word()) << 64 | u128::from(self.word());
        let short = full >> (self.word() % 128);
        if self.word() % 4 == 0 { !short } else { short }
    }
}

fn natively(operation: &Operation, a: u128, b: u128) -> Option<u128> {
    panic::catch_unwind(|| (operation.compute)(a, b)).ok()
}

fn check(probe: &mut Probe, operation: &Operation, a: u128, b: u128) {
    let expected = natively(operation, a, b);
    let name = operation.name;
    match (probe.call(name, a, b), expected) {
        (Ok(result), Some(expected)) => assert_eq!(result, expected, "{name} of {a:#x} and {b:#x}"),
        (Err(failed), None) => assert!(failed.error.contains(ABORTED), "{name} of {a:#x} and {b:#x}: {failed:?}"),
        (result, expected) => panic!("{name} of {a:#x} and {b:#x}: {result:?} instead of {expected:?}"),
    }
}

#[test]
fn the_program_computes_what_this_machine_does() {
    // Panics are expected results here; their messages would bury a failure.
    panic::set_hook(Box::new(|_| {}));
    let outcome = panic::catch_unwind(|| {
        let mut probe = Probe::load();
        let mut numbers = Numbers(0x5EED);
        for operation in OPERATIONS.iter().filter(|operation| !APART.contains(&operation.name)) {
            for a in BOUNDARIES {
                for b in BOUNDARIES {
                    check(&mut probe, operation, a, b);
                }
            }
            for _ in 0..RANDOM_PAIRS {
                check(&mut probe, operation, numbers.number(), numbers.number());
            }
        }
    });
    let _ = panic::take_hook();
    if let Err(failure) = outcome {
        let message = failure.downcast_ref::<String>().map_or("no message", String::as_str);
        panic!("{message}");
    }
}

#[test]
fn memory_is_given_until_the_heap_ends() {
    let mut probe = Probe::load();
    let sum = |blocks: u128| (1..=blocks).map(|mark| 2 * mark).sum::<u128>();
    assert_eq!(probe.call("memory", 7, 4000).expect("28 kB are there"), sum(7));
    assert_eq!(probe.call("memory", 1, 32_000).expect("one block of most of it"), sum(1));
    for (blocks, bytes) in [(8, 4100), (1, 32_700), (2, 60_000)] {
        let failed = probe.call("memory", blocks, bytes).expect_err("there is no more than 32 KiB");
        assert!(failed.error.contains(ABORTED), "{failed:?}");
    }
    assert_eq!(probe.call("memory", 7, 4000).expect("every call has its own heap"), sum(7));
}

#[test]
fn the_hash_seed_lies_where_no_memory_is_given() {
    let all = 32 * 1024 - 64 - 8;
    let taken = Probe::load().call("a hash seed beside a full heap", 0, 5);
    assert_eq!(
        taken.expect("the heap is taken and not more"),
        all,
        "all but the reserved bytes and the allocator's word"
    );
}
