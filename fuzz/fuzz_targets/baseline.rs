#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hackleak_fuzz::targets::baseline(data));
