#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| infrastrukt_tests::fuzz::run("text", data));
