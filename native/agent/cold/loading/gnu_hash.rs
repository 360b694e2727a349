//! How many symbols a module has, by the table for looking them up that `DT_GNU_HASH` names.
//!
//! It begins with four words. They say how many buckets there are, how many symbols it leaves out,
//! and how many words of 64 bits the filter has; and there is one more. The symbols that it leaves
//! out come first in the module. The filter comes next. Then each bucket has the first symbol of
//! its chain. At the end is a word for each symbol, odd for the last one of a chain.

/// The longest chain that is followed.
const MAX_CHAIN: u64 = 1 << 14;

/// The number of symbols; `None` where a part of the table cannot be read. `words` is told where in
/// the table words begin, in bytes, and how many are wanted.
pub fn symbol_count(words: impl Fn(u64, u64) -> Option<Vec<u32>>) -> Option<u64> {
    let &[buckets, left_out, filter, _] = &*words(0, 4)? else {
        return None;
    };
    let first_bucket = 16 + u64::from(filter) * 8;
    let last = words(first_bucket, buckets.into())?.into_iter().max();
    let Some((last, into)) = last.and_then(|last| Some((last, last.checked_sub(left_out)?))) else {
        return Some(left_out.into());
    };
    let chain = first_bucket + (u64::from(buckets) + u64::from(into)) * 4;
    for at in 0..MAX_CHAIN {
        if words(chain + at * 4, 1)?.first()? & 1 == 1 {
            return Some(u64::from(last) + at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(table: &[u32]) -> Option<u64> {
        symbol_count(|at, count| {
            let first = at as usize / 4;
            Some(table.get(first..first + count as usize)?.to_vec())
        })
    }

    /// Two buckets, two symbols left out, a filter of one word.
    const HEAD: [u32; 6] = [2, 2, 1, 6, !0, !0];

    #[test]
    fn the_last_chain_tells() {
        let chains = [5, 2, 8, 3, 6, 8, 9];
        assert_eq!(count(&[&HEAD[..], &chains].concat()), Some(7));
    }

    #[test]
    fn a_table_of_nothing_tells_what_it_leaves_out() {
        assert_eq!(count(&[&HEAD[..], &[0, 0]].concat()), Some(2));
        assert_eq!(count(&[0, 7, 0, 0]), Some(7));
    }

    #[test]
    fn a_table_that_is_cut_off_tells_nothing() {
        assert_eq!(count(&HEAD), None);
        assert_eq!(count(&[&HEAD[..], &[2, 3, 8, 2]].concat()), None);
        assert_eq!(count(&[]), None);
    }
}
