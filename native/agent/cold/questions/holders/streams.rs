//! The C library's own list of the streams that are open.
//!
//! It has every `FILE` there is, so that it can flush them at the end of the process. That holds
//! none of them: a stream that the program has lost is lost. The list runs through the streams
//! themselves. So a stream that the program still has does not hold the next one either.

use super::Stop;
use super::memory::{Memory, WORD};
use super::table::Table;

/// Places in a `FILE` of pointers to others: to the next one, to those that are freed at the end,
/// and since glibc 2.40 back to the place that points at this one. Part of the binary interface, or
/// of what is reserved in it.
const LINKS: [usize; 3] = [0x68, 0xa8, 0xb0];
/// Longer lists are not followed: they would be damaged ones.
const MOST: usize = 1 << 20;

/// The addresses of the words that make up the list, in order.
pub fn links(memory: &Memory) -> Result<Table<usize>, Stop> {
    // SAFETY: a name that ends in a zero byte.
    let first = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"_IO_list_all".as_ptr()) }.addr();
    follow(first, |at| memory.word(at))
}

fn follow(first: usize, word: impl Fn(usize) -> Option<u64>) -> Result<Table<usize>, Stop> {
    let mut links = Table::new();
    let mut at = first;
    while at != 0 && at.is_multiple_of(WORD) && links.len() < MOST {
        links.push(at)?;
        let stream = word(at).unwrap_or(0) as usize;
        if stream == 0 {
            break;
        }
        for link in &LINKS[1..] {
            links.push(stream.wrapping_add(*link))?;
        }
        at = stream.wrapping_add(LINKS[0]);
    }
    links.sort_unstable();
    Ok(links)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn the_list_is_what_points_from_stream_to_stream() {
        let memory = HashMap::from([(0x1000, 0x5000), (0x5068, 0x3000), (0x3068, 0)]);
        let found = |first| {
            let links = follow(first, |at| memory.get(&at).copied());
            links.map(|links| links.to_vec()).unwrap_or_default()
        };
        let expected = [0x1000, 0x3068, 0x30a8, 0x30b0, 0x5068, 0x50a8, 0x50b0];
        assert_eq!(found(0x1000), expected);
        assert_eq!(found(0), []);
        assert_eq!(found(0x7000), [0x7000], "what cannot be read");
    }

    #[test]
    fn a_list_that_runs_in_a_circle_ends() {
        let links = follow(0x1000, |_| Some(0x5000));
        assert!(links.is_ok_and(|links| links.len() <= MOST + 2));
    }
}
