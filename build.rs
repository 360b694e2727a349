//! Compiles `native/c`; nothing else.

fn main() {
    println!("cargo:rerun-if-changed=native/c");
    cc::Build::new()
        .files(["native/c/thread_word.c", "native/c/older_glibc.c"])
        .opt_level(2)
        .compile("hackleak_c");
    // The homes of `dlsym` and `pthread_key_create` before glibc 2.34; later ones are empty.
    println!(
        "cargo:rustc-link-arg=-Wl,--no-as-needed,-l:libdl.so.2,-l:libpthread.so.0,--as-needed"
    );
}
