//! Names of C++ functions, short enough to be read in a stack.
//!
//! A demangled template can fill a screen. The JSON has the whole name; what is left out here is
//! marked by dots: not every terminal has an ellipsis.

use std::borrow::Cow;

/// Names up to this length are shown as they are, in characters.
const LONG: usize = 100;
const STRING: &str =
    "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >";
/// The argument that the containers of the standard library have by default.
const ALLOCATOR: &str = ", std::allocator<";
/// The operators with an angle bracket or parentheses in their names, longer ones first.
const OPERATORS: &[&str] = &[
    "<=>", "<<=", ">>=", "->*", "->", "<<", ">>", "<=", ">=", "<", ">", "()",
];

/// `name` without its template arguments, and without its parameters if that is not enough.
pub(super) fn brief(name: &str) -> Cow<'_, str> {
    let mut brief = Cow::Borrowed(name);
    if brief.contains(STRING) {
        brief = brief.replace(STRING, "std::string").into();
    }
    if brief.contains(ALLOCATOR) {
        brief = without_allocators(&brief).into();
    }
    if brief.contains("std::__cxx11::") {
        brief = brief.replace("std::__cxx11::", "std::").into();
    }
    for (open, close) in [('<', '>'), ('(', ')')] {
        if brief.chars().count() <= LONG {
            break;
        }
        if let Some(folded) = folded(&brief, open, close) {
            brief = folded.into();
        }
    }
    brief
}

/// The name without the allocators that every container of the standard library has by default.
fn without_allocators(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find(ALLOCATOR) {
        text.push_str(&rest[..at]);
        let mut depth = 1_u32;
        let after = &rest[at + ALLOCATOR.len()..];
        let end = after.find(|c: char| {
            match c {
                '<' => depth += 1,
                '>' => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        let Some(end) = end else {
            text.push_str(&rest[at..]);
            return text;
        };
        rest = &after[end + 1..];
        // `> >` was written for the allocator's sake.
        if rest.starts_with(" >") && !text.ends_with('>') {
            rest = &rest[1..];
        }
    }
    text.push_str(rest);
    text
}

/// What is between outermost brackets becomes dots; `None` when the brackets do not pair, or are
/// Rust's, which quote a type rather than follow a name.
fn folded(name: &str, open: char, close: char) -> Option<String> {
    if name.starts_with('<') || name.contains("::<") {
        return None;
    }
    let mut folded = String::with_capacity(name.len());
    let mut depth = 0_u32;
    let mut rest = name;
    while let Some(next) = rest.chars().next() {
        let verbatim = verbatim(rest, &folded);
        let taken = verbatim.max(next.len_utf8());
        if verbatim == 0 && next == open {
            depth += 1;
            if depth == 1 {
                folded.push(open);
                folded.push_str("...");
            }
        } else if verbatim == 0 && next == close {
            depth = depth.checked_sub(1)?;
        }
        if depth == 0 {
            folded.push_str(&rest[..taken]);
        }
        rest = &rest[taken..];
    }
    (depth == 0).then_some(folded)
}

/// The length of what stands at the start of `rest` and is no bracket, whatever it looks like.
fn verbatim(rest: &str, before: &str) -> usize {
    let whole = ["(anonymous namespace)", "->", "()"];
    if let Some(text) = whole.iter().find(|text| rest.starts_with(**text)) {
        return text.len();
    }
    let is_operator = before
        .strip_suffix("operator")
        .is_some_and(|before| !before.ends_with(|c: char| c.is_alphanumeric() || c == '_'));
    let operator = OPERATORS.iter().find(|name| rest.starts_with(**name));
    match operator {
        Some(operator) if is_operator => operator.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_kept() {
        for name in ["main", "rocksdb::DBIter::Next()"] {
            assert_eq!(brief(name), name);
        }
    }

    #[test]
    fn strings_are_strings() {
        assert_eq!(
            brief(&format!("a::open({STRING} const&, {STRING}*)")),
            "a::open(std::string const&, std::string*)"
        );
    }

    #[test]
    fn default_allocators_are_left_out() {
        for (name, short) in [
            (
                "std::vector<int, std::allocator<int> >::reserve(unsigned long)",
                "std::vector<int>::reserve(unsigned long)",
            ),
            (
                "std::vector<a::B<c>, std::allocator<a::B<c> > >::data()",
                "std::vector<a::B<c> >::data()",
            ),
            ("a, std::allocator<b", "a, std::allocator<b"),
            (
                "std::__cxx11::list<int>::clear()",
                "std::list<int>::clear()",
            ),
        ] {
            assert_eq!(brief(name), short);
        }
    }

    #[test]
    fn long_names_lose_template_arguments_first() {
        let deep = "std::pair<long_name_of_a_key const, std::vector<long_name_of_a_value, std::allocator<int> > >";
        assert_eq!(
            brief(&format!(
                "void a::Map<{deep}>::insert<{deep}>({deep}&&, int) const"
            )),
            "void a::Map<...>::insert<...>(std::pair<...>&&, int) const"
        );
    }

    #[test]
    fn then_their_parameters() {
        let parameters = "rocksdb::Decompressor::Args&, ".repeat(4);
        assert_eq!(
            brief(&format!(
                "(anonymous namespace)::f({parameters}int)::{{lambda(bool)#1}}::operator()(bool) const"
            )),
            "(anonymous namespace)::f(...)::{lambda(...)#1}::operator()(...) const"
        );
        assert_eq!(brief(&format!("g()::f({parameters}int)")), "g()::f(...)");
    }

    #[test]
    fn operators_are_no_brackets() {
        let argument = format!("A<{}>", "int, ".repeat(20));
        for operator in ["<", "<<", "<=>", "->", ">>=", "()", "->*"] {
            assert_eq!(
                brief(&format!("X::operator{operator}({argument} const&)")),
                format!("X::operator{operator}(A<...> const&)")
            );
        }
        assert_eq!(
            brief(&format!("bool operator< <{argument}>(int)")),
            "bool operator< <...>(int)"
        );
        let condition = "std::enable_if<((A)==((B)13))||(true), rocksdb::Status>::type";
        assert_eq!(
            brief(&format!(
                "{condition} rocksdb::Table::read<{argument}>(int) const"
            )),
            "std::enable_if<...>::type rocksdb::Table::read<...>(int) const"
        );
    }

    #[test]
    fn what_does_not_pair_is_kept() {
        for tail in ["<int", "int>", "::<impl a::b for c>::d"] {
            let name = format!("{}{tail}", "long::".repeat(30));
            assert_eq!(brief(&name), name);
        }
    }
}
