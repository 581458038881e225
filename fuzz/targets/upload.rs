#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| video_compressor::fuzzing::upload(bytes));
