//! Compiles what lets the command start on glibc 2.28; nothing else.

fn main() {
    println!("cargo:rerun-if-changed=../c");
    cc::Build::new()
        .files(["../c/older_glibc.c", "../c/older_glibc_program.c"])
        .opt_level(2)
        .compile("hackleak_older_glibc");
    // The homes of `dlsym` and `pthread_create` before glibc 2.34; later ones are empty.
    println!(
        "cargo:rustc-link-arg=-Wl,--no-as-needed,-l:libdl.so.2,-l:libpthread.so.0,--as-needed"
    );
}
