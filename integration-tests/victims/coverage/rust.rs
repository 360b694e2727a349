//! Leaks with Rust's own allocator.
#[unsafe(no_mangle)]
pub extern "C" fn leak() {
    std::mem::forget(std::hint::black_box(Vec::<u8>::with_capacity(1_999_993)));
}
