//! The built linker on small modules: what it takes, and what it refuses by name.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    process::{Command, Output},
};

const HEAD: &str = r#"; ModuleID = 'test'
target datalayout = "e-m:e-p:64:64-i64:64-i128:128-n32:64-S128"
target triple = "bpfel"
declare void @sol_log_64_(i64, i64, i64, i64, i64)
declare void @sol_log_(ptr, i64)
"#;
const HASH_SEED: &str = "_ZN3std4hash6random11RandomState3new4KEYSE";
const RESERVES: &str = "@SBF_HEAP_RESERVED_64 = constant [1 x i8] c\"\\01\"\n";

/// What the linker says about a module. It has one run per module, since LLVM takes its options once.
fn link(module: &str) -> (Output, Option<Vec<u8>>) {
    let dir = tempfile::tempdir().unwrap();
    let (input, exports, output) = (dir.path().join("test.ll"), dir.path().join("symbols"), dir.path().join("test.so"));
    fs::write(&input, format!("{HEAD}{module}")).unwrap();
    fs::write(&exports, "entrypoint\nSBF_HEAP_RESERVED_64\nunused\n").unwrap();
    let mut linker = Command::new(env!("CARGO_BIN_EXE_sbf-link"));
    linker.arg("--export-symbols").arg(&exports).arg(&input).arg("-o").arg(&output).args(["-O3", "--cpu", "v2"]);
    let said = linker.output().unwrap();
    let program = fs::read(&output).ok();
    (said, program)
}

fn links(module: &str) -> Vec<u8> {
    let (said, program) = link(module);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let program = program.unwrap();
    assert!(program.starts_with(b"\x7fELF"));
    program
}

fn has(program: &[u8], text: &str) -> bool {
    program.windows(text.len()).any(|window| window == text.as_bytes())
}

fn is_refused(module: &str, reason: &str) {
    let (said, program) = link(module);
    let text = String::from_utf8_lossy(&said.stderr);
    assert!(!said.status.success(), "it links");
    assert!(text.contains(reason), "{text}");
    assert_eq!(program, None, "no program is written");
}

fn hash_seed(initial: &str) -> String {
    format!(
        "@{HASH_SEED} = internal global {{ [16 x i8], i8, [7 x i8] }} {initial}, align 8
        define i64 @entrypoint(ptr %input) {{
          %seed = load volatile i64, ptr @{HASH_SEED}
          store volatile i64 %seed, ptr @{HASH_SEED}
          ret i64 %seed
        }}"
    )
}

#[test]
fn a_plain_program_links() {
    links("define i64 @entrypoint(ptr %input) {\n ret i64 0\n}");
}

#[test]
fn calls_beyond_the_registers_link() {
    links(
        "define internal { i64, i64 } @wide(i64 %a, i64 %b, i64 %c, i64 %d, i64 %e, i64 %f) noinline {
           call void @sol_log_64_(i64 %a, i64 %b, i64 %c, i64 %d, i64 %e)
           %x = insertvalue { i64, i64 } poison, i64 %f, 0
           %y = insertvalue { i64, i64 } %x, i64 %a, 1
           ret { i64, i64 } %y
         }
         define i64 @entrypoint(ptr %input) {
           %a = load volatile i64, ptr %input
           %w = call { i64, i64 } @wide(i64 %a, i64 1, i64 2, i64 3, i64 4, i64 5)
           %y = extractvalue { i64, i64 } %w, 1
           ret i64 %y
         }",
    );
}

#[test]
fn calls_through_an_address_link() {
    links(
        "@methods = internal constant [2 x ptr] [ptr @first, ptr @second]
         define internal void @first(ptr sret(i64) %p, i64 %a, i64 %b, i64 %c, i64 %d, i64 %e) {
           %x = add i64 %a, %e
           store i64 %x, ptr %p
           ret void
         }
         define internal void @second(ptr sret(i64) %p, i64 %a, i64 %b, i64 %c, i64 %d, i64 %e) {
           %x = mul i64 %b, %d
           store i64 %x, ptr %p
           ret void
         }
         define i64 @entrypoint(ptr %input) {
           %result = alloca i64
           %which = load volatile i64, ptr %input
           %bit = and i64 %which, 1
           %at = getelementptr [2 x ptr], ptr @methods, i64 0, i64 %bit
           %method = load ptr, ptr %at
           call void %method(ptr sret(i64) %result, i64 %which, i64 2, i64 3, i64 4, i64 5)
           %sum = load i64, ptr %result
           ret i64 %sum
         }",
    );
}

#[test]
fn a_function_that_calls_itself_links() {
    links(
        "define internal { i64, i64 } @down(i64 %n) {
           %end = icmp eq i64 %n, 0
           br i1 %end, label %stop, label %go
         stop:
           ret { i64, i64 } { i64 1, i64 2 }
         go:
           %m = sub i64 %n, 1
           %r = call { i64, i64 } @down(i64 %m)
           %x = extractvalue { i64, i64 } %r, 0
           call void @sol_log_64_(i64 %x, i64 %n, i64 0, i64 0, i64 0)
           %y = mul i64 %x, %n
           %s = insertvalue { i64, i64 } %r, i64 %y, 0
           ret { i64, i64 } %s
         }
         define i64 @entrypoint(ptr %input) {
           %n = load volatile i64, ptr %input
           %r = call { i64, i64 } @down(i64 %n)
           %x = extractvalue { i64, i64 } %r, 0
           ret i64 %x
         }",
    );
}

#[test]
fn wide_and_signed_arithmetic_links() {
    links(
        "declare { i64, i1 } @llvm.umul.with.overflow.i64(i64, i64)
         define i64 @entrypoint(ptr %input) {
           %a = load volatile i64, ptr %input
           %b = load volatile i64, ptr %input
           %q = sdiv i64 %a, %b
           %wa = zext i64 %a to i128
           %wb = zext i64 %b to i128
           %p = mul i128 %wa, %wb
           %d = udiv i128 %p, 10000
           %s = lshr i128 %d, %wa
           %low = trunc i128 %s to i64
           %o = call { i64, i1 } @llvm.umul.with.overflow.i64(i64 %q, i64 %low)
           %f = extractvalue { i64, i1 } %o, 1
           %r = zext i1 %f to i64
           ret i64 %r
         }",
    );
}

#[test]
fn a_product_without_helper_is_refused() {
    is_refused(
        "declare { i96, i1 } @llvm.umul.with.overflow.i96(i96, i96)
         define i64 @entrypoint(ptr %input) {
           %a = load volatile i96, ptr %input
           %o = call { i96, i1 } @llvm.umul.with.overflow.i96(i96 %a, i96 %a)
           %f = extractvalue { i96, i1 } %o, 1
           %r = zext i1 %f to i64
           ret i64 %r
         }",
        "llvm.umul.with.overflow.i96",
    );
}

#[test]
fn a_static_that_changes_is_refused_by_name() {
    is_refused(
        "@call_counter = internal global i64 0
         define i64 @entrypoint(ptr %input) {
           %n = load volatile i64, ptr @call_counter
           %m = add i64 %n, 1
           store volatile i64 %m, ptr @call_counter
           ret i64 %m
         }",
        "call_counter",
    );
}

#[test]
fn the_hash_seed_moves_to_reserved_bytes() {
    links(&format!("{RESERVES}{}", hash_seed("{ [16 x i8] undef, i8 0, [7 x i8] undef }")));
}

#[test]
fn the_hash_seed_is_refused_without_reserved_bytes() {
    is_refused(&hash_seed("zeroinitializer"), "infrastrukt-sbf-runtime");
}

#[test]
fn a_hash_seed_with_a_value_is_refused() {
    let seeded = hash_seed("{ [16 x i8] zeroinitializer, i8 1, [7 x i8] undef }");
    is_refused(&format!("{RESERVES}{seeded}"), HASH_SEED);
}

#[test]
fn a_frame_of_more_than_4_kb_is_refused() {
    is_refused(
        "define i64 @entrypoint(ptr %input) {
           %room = alloca [5000 x i8], align 8
           call void @sol_log_(ptr %room, i64 5000)
           ret i64 0
         }",
        "stack limit",
    );
}

#[test]
fn a_frame_of_almost_4_kb_links() {
    links(
        "define i64 @entrypoint(ptr %input) {
           %room = alloca [4000 x i8], align 8
           call void @sol_log_(ptr %room, i64 4000)
           ret i64 0
         }",
    );
}

fn copies(bytes: u32, fill: u32) -> String {
    format!(
        "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
         declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
         define i64 @entrypoint(ptr %input) {{
           %to = getelementptr i8, ptr %input, i64 1000
           call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %input, i64 {bytes}, i1 false)
           %far = getelementptr i8, ptr %input, i64 3000
           call void @llvm.memset.p0.i64(ptr %far, i8 7, i64 {fill}, i1 false)
           ret i64 0
         }}"
    )
}

#[test]
fn large_copies_and_fills_are_syscalls() {
    let large = links(&copies(48, 128));
    assert!(has(&large, "sol_memmove_") && has(&large, "sol_memset_"));
    let small = links(&copies(40, 120));
    assert!(!has(&small, "sol_mem"), "a few words are written out");
}

#[test]
fn a_program_may_declare_those_syscalls_itself_and_not_as_something_else() {
    let declared = "declare void @sol_memset_(ptr, i8 zeroext, i64)\n";
    let with_call = |declared: &str| {
        let call = "call void @sol_memset_(ptr %input, i8 1, i64 9)\n ret i64 0";
        format!("{declared}{}", copies(48, 128).replace("ret i64 0", call))
    };
    links(&with_call(declared));
    let own = "define internal void @sol_memmove_(ptr %p) noinline {\n store volatile i64 1, ptr %p\n ret void\n}\n";
    let call = "call void @sol_memmove_(ptr %input)\n ret i64 0";
    is_refused(&format!("{own}{}", copies(48, 128).replace("ret i64 0", call)), "sol_memmove_");
}

#[test]
fn what_nobody_calls_is_left_out() {
    let alone = "define i64 @entrypoint(ptr %input) {\n ret i64 0\n}\n";
    let beside = "define i64 @unused(ptr %text) {\n call void @sol_log_(ptr %text, i64 9)\n ret i64 0\n}\n";
    assert_eq!(links(alone), links(&format!("{alone}{beside}")));
}

#[test]
fn a_program_without_entry_point_is_refused() {
    is_refused("define i64 @main(ptr %input) {\n ret i64 0\n}", "entrypoint");
    let declared =
        "declare i64 @entrypoint(ptr)\ndefine i64 @main(ptr %p) {\n %r = call i64 @entrypoint(ptr %p)\n ret i64 %r\n}";
    is_refused(declared, "entrypoint");
}

#[test]
fn unwinding_is_refused() {
    is_refused(
        "declare void @work()
         declare i32 @personality(...)
         define i64 @entrypoint(ptr %input) personality ptr @personality {
           invoke void @work() to label %done unwind label %failed
         done:
           ret i64 0
         failed:
           %pad = landingpad { ptr, i32 } cleanup
           resume { ptr, i32 } %pad
         }",
        "immediate-abort",
    );
}

#[test]
fn a_file_that_is_missing_is_named() {
    let said = Command::new(env!("CARGO_BIN_EXE_sbf-link")).args(["/no/such.o", "-o", "/tmp/no.so"]).output().unwrap();
    assert!(!said.status.success());
    assert!(String::from_utf8_lossy(&said.stderr).contains("/no/such.o"));
}
