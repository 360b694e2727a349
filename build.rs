//! Compiles `native/c`; nothing else.

fn main() {
    println!("cargo:rerun-if-changed=native/c");
    cc::Build::new()
        .file("native/c/thread_slot.c")
        .opt_level(2)
        .compile("hackleak_c");
}
