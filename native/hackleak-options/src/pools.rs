//! The file of the option `pools`: which functions hand out and take back objects of a pool.
//!
//! One pair a line, in the manner of the options themselves; `#` begins a comment:
//!
//! ```text
//! # function, function[, which argument is the size][, which argument is the object]
//! alloc=arena_take,free=arena_give,size=2,object=2
//! ```

use std::fmt;

/// A pair of functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolFunctions {
    /// Symbol of the function that returns an object; null is none.
    pub alloc: String,
    /// Symbol of the function that takes one back.
    pub free: String,
    /// Which argument of `alloc` is the size in bytes, from 1; objects have no size without it.
    pub size: Option<u8>,
    /// Which argument of `free` is the object, from 1.
    pub object: u8,
}

/// What is wrong with the file, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolsError {
    /// The line, from 1.
    pub line: usize,
    what: String,
}

impl fmt::Display for PoolsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for PoolsError {}

/// Arguments that are passed in registers.
const MAX_ARGUMENT: u8 = 6;

/// Reads the file's text.
///
/// # Errors
///
/// The first line that is no pair of functions.
pub fn parse_pools(text: &str) -> Result<Vec<PoolFunctions>, PoolsError> {
    let mut pairs = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if !line.is_empty() {
            let failed = |what| PoolsError {
                line: index + 1,
                what,
            };
            pairs.push(pair(line).map_err(failed)?);
        }
    }
    Ok(pairs)
}

fn pair(line: &str) -> Result<PoolFunctions, String> {
    let mut found = PoolFunctions {
        alloc: String::new(),
        free: String::new(),
        size: None,
        object: 1,
    };
    for item in line.split(',') {
        let item = item.trim();
        let (key, value) = item
            .split_once('=')
            .ok_or_else(|| format!("`{item}` has no value: write alloc=FUNCTION,free=FUNCTION"))?;
        match key {
            "alloc" => found.alloc = value.to_owned(),
            "free" => found.free = value.to_owned(),
            "size" => found.size = Some(argument(key, value)?),
            "object" => found.object = argument(key, value)?,
            _ => {
                return Err(format!(
                    "`{key}` is not known: use alloc, free, size, object"
                ));
            }
        }
    }
    for (key, value) in [("alloc", &found.alloc), ("free", &found.free)] {
        if value.is_empty() {
            return Err(format!(
                "`{key}` is missing: a pool needs alloc=FUNCTION and free=FUNCTION"
            ));
        }
    }
    Ok(found)
}

fn argument(key: &str, value: &str) -> Result<u8, String> {
    value
        .parse()
        .ok()
        .filter(|number| (1..=MAX_ARGUMENT).contains(number))
        .ok_or_else(|| format!("`{key}={value}` is not an argument: use 1 to {MAX_ARGUMENT}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_with_comments_and_blank_lines() {
        let text = "# pools\n\nalloc=take,free=give\n alloc=a , free=b,size=2,object=3 # apr\n";
        let pairs = parse_pools(text).expect("well-formed");
        let pair = |alloc: &str, free: &str, size, object| PoolFunctions {
            alloc: alloc.to_owned(),
            free: free.to_owned(),
            size,
            object,
        };
        assert_eq!(
            pairs,
            [pair("take", "give", None, 1), pair("a", "b", Some(2), 3)]
        );
    }

    #[test]
    fn every_mistake_names_its_line_and_the_remedy() {
        for (text, message) in [
            (
                "\nalloc=a",
                "line 2: `free` is missing: a pool needs alloc=FUNCTION and free=FUNCTION",
            ),
            (
                "alloc",
                "line 1: `alloc` has no value: write alloc=FUNCTION,free=FUNCTION",
            ),
            (
                "alloc=a,free=b,size=7",
                "line 1: `size=7` is not an argument: use 1 to 6",
            ),
            (
                "alloc=a,free=b,where=1",
                "line 1: `where` is not known: use alloc, free, size, object",
            ),
        ] {
            let error = parse_pools(text).expect_err(text);
            assert_eq!(error.to_string(), message);
        }
    }
}
