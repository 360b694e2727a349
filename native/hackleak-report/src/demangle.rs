//! Names of functions and variables as people write them.

/// C++ and Rust names as people write them. A name that nests too deeply stays as it is, and so
/// does a name of C's: many are the code of a type in C++, as `f` and `Pc` are.
pub(crate) fn demangled(symbol: &str) -> String {
    let is_mangled = ["_Z", "__Z", "___Z", "_R"]
        .iter()
        .any(|start| symbol.starts_with(start));
    if !is_mangled || symbol.len() > 1 << 16 {
        return symbol.to_owned();
    }
    if let Ok(name) = rustc_demangle::try_demangle(symbol) {
        return format!("{name:#}");
    }
    let limit = cpp_demangle::ParseOptions::default().recursion_limit(160);
    cpp_demangle::Symbol::new_with_options(symbol, &limit)
        .ok()
        .and_then(|name| {
            let options = cpp_demangle::DemangleOptions::new().recursion_limit(160);
            name.demangle_with_options(&options).ok()
        })
        .unwrap_or_else(|| symbol.to_owned())
}

#[cfg(test)]
mod tests {
    use super::demangled;

    #[test]
    fn only_what_was_mangled_is_demangled() {
        for name in [
            "f",
            "i",
            "d",
            "ra",
            "Pc",
            "N3foo3barE",
            "v",
            "malloc",
            "_start",
        ] {
            assert_eq!(demangled(name), name);
        }
        assert_eq!(demangled("_ZN3foo3barEv"), "foo::bar()");
        assert_eq!(
            demangled("_ZN4core3fmt5write17h0123456789abcdefE"),
            "core::fmt::write"
        );
        assert_eq!(demangled("_RNvC6_123foo3bar"), "123foo::bar");
    }
}
