//! Names without what changes from run to run: numbers and addresses of classes that the JVM makes
//! while it runs, and the copies of functions that a compiler makes.
//!
//! `demo.Main$$Lambda$14/0x00000008000c2a18` is `demo.Main$$Lambda`. What is left is the same in
//! another process, so that the same leak is found again.

use std::borrow::Cow;

/// Classes made while the program runs, whose names end in a number.
const NUMBERED: &[&str] = &[
    "GeneratedMethodAccessor",
    "GeneratedConstructorAccessor",
    "GeneratedSerializationConstructorAccessor",
    "$Proxy",
    "$$Lambda$",
    "$MockitoMock$",
    "$$EnhancerByCGLIB$$",
    "$$FastClassByCGLIB$$",
    "$$EnhancerBySpringCGLIB$$",
    "$$FastClassBySpringCGLIB$$",
    "$$SpringCGLIB$$",
    "$ByteBuddy$",
    "$auxiliary$",
];
/// Endings of the copies that compilers make of a function.
const CLONES: &[&str] = &[
    "isra",
    "constprop",
    "part",
    "cold",
    "lto_priv",
    "llvm",
    "localalias",
    "resolver",
];

/// A class without the number or address that it was given while the program ran.
pub(super) fn class(name: &str) -> Cow<'_, str> {
    let name = without_address(name);
    let proxy = name
        .strip_prefix("jdk.proxy")
        .and_then(|rest| {
            rest.trim_start_matches(|c: char| c.is_ascii_digit())
                .strip_prefix('.')
        })
        .filter(|rest| rest.starts_with("$Proxy"));
    if let Some(rest) = proxy {
        let rest = rest.trim_end_matches(|c: char| c.is_ascii_digit());
        return format!("jdk.proxy.{rest}").into();
    }
    for made in NUMBERED {
        if let Some(at) = name.rfind(made) {
            let end = at + made.len();
            let tail = &name[end..];
            let is_number = |c: char| c.is_ascii_hexdigit();
            let generated = made.ends_with('$') || !tail.is_empty();
            if generated && tail.chars().all(|c| is_number(c) || made.contains("Buddy")) {
                return Cow::Borrowed(name[..end].trim_end_matches('$'));
            }
        }
    }
    Cow::Borrowed(name)
}

/// Hidden classes end in `/0x…` or `.0x…`, and in `/1234` before JDK 15.
fn without_address(name: &str) -> &str {
    let Some(at) = name.rfind(['/', '.', '+']) else {
        return name;
    };
    let tail = &name[at + 1..];
    let address = tail.strip_prefix("0x").is_some_and(is_hex);
    let number = name.as_bytes()[at] != b'.'
        && !tail.is_empty()
        && tail.bytes().all(|byte| byte.is_ascii_digit());
    if address || number { &name[..at] } else { name }
}

/// A function without the marks of a compiler's copies and of Rust's hashes.
pub(super) fn function(name: &str) -> Cow<'_, str> {
    let mut tidy = name;
    loop {
        let before = tidy;
        if let Some(at) = tidy.rfind(" [clone ")
            && tidy.ends_with(']')
        {
            tidy = &tidy[..at];
        }
        if let Some(hash) = tidy.len().checked_sub(19)
            && tidy.is_char_boundary(hash)
            && tidy[hash..].strip_prefix("::h").is_some_and(is_hex)
        {
            tidy = &tidy[..hash];
        }
        let plain = tidy.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        if let Some((start, clone)) = plain.rsplit_once('.')
            && CLONES.contains(&clone)
        {
            tidy = start;
        }
        if tidy == before {
            return Cow::Borrowed(tidy);
        }
    }
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_the_run_lose_their_numbers() {
        for (name, tidy) in [
            (
                "demo.Main$$Lambda$14/0x00000008000c2a18",
                "demo.Main$$Lambda",
            ),
            ("demo.Main$$Lambda/0x00007f1a2c003000", "demo.Main$$Lambda"),
            (
                "demo.Main$$Lambda$14.0x0000000800c03000",
                "demo.Main$$Lambda",
            ),
            ("demo.Main$$Lambda$7/1324119927", "demo.Main$$Lambda"),
            (
                "java.lang.invoke.LambdaForm$MH/0x0000000800066c00",
                "java.lang.invoke.LambdaForm$MH",
            ),
            (
                "java.lang.invoke.LambdaForm$DMH.0x00007f1a2c000400",
                "java.lang.invoke.LambdaForm$DMH",
            ),
            (
                "jdk.internal.foreign.abi.DowncallStub/0x00007f1",
                "jdk.internal.foreign.abi.DowncallStub",
            ),
            (
                "jdk.internal.reflect.GeneratedMethodAccessor12",
                "jdk.internal.reflect.GeneratedMethodAccessor",
            ),
            ("com.sun.proxy.$Proxy12", "com.sun.proxy.$Proxy"),
            ("jdk.proxy2.$Proxy12", "jdk.proxy.$Proxy"),
            ("a.Store$MockitoMock$1795862318", "a.Store$MockitoMock"),
            (
                "a.Store$$EnhancerByCGLIB$$1a2b3c4d",
                "a.Store$$EnhancerByCGLIB",
            ),
            ("a.Store$ByteBuddy$tX4qZ9", "a.Store$ByteBuddy"),
        ] {
            assert_eq!(class(name), tidy, "{name}");
        }
    }

    #[test]
    fn other_classes_keep_theirs() {
        for name in [
            "java.util.HashMap$Node",
            "a.Store$1",
            "a.Base64",
            "a.$ProxyFactory",
            "a.GeneratedMethodAccessor",
            "a.b0x1",
            "C",
            "",
        ] {
            assert_eq!(class(name), name);
        }
    }

    #[test]
    fn copies_of_functions_have_its_name() {
        for (name, tidy) in [
            ("shop::grow(int) [clone .isra.0]", "shop::grow(int)"),
            ("grow.isra.0", "grow"),
            ("grow.constprop.0.isra.0", "grow"),
            ("grow.part.3", "grow"),
            ("shop::grow(int) [clone .cold]", "shop::grow(int)"),
            ("shop::grow::h0123456789abcdef", "shop::grow"),
            ("v1.2", "v1.2"),
            ("é::h", "é::h"),
            ("a.b", "a.b"),
            ("", ""),
        ] {
            assert_eq!(function(name), tidy, "{name}");
        }
    }
}
