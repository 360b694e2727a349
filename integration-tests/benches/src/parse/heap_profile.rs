//! The heap profiles of jemalloc (`heap_v2`) and tcmalloc: live blocks and bytes for each stack of
//! addresses, and the memory map that the addresses belong to.
//!
//! Only the functions of the workload's own library are named: those are what the harness looks
//! for.

use std::fs;
use std::path::Path;

use object::{Object, ObjectSegment, ObjectSymbol};

use super::Reported;

/// The stacks with at least one live block.
pub fn heap_profile(text: &str, library: &Path) -> Result<Vec<Reported>, String> {
    let bytes = fs::read(library).map_err(|error| format!("{}: {error}", library.display()))?;
    let file = object::File::parse(&*bytes).map_err(|error| error.to_string())?;
    let maps = mapped(text, library);
    let name = |address: &u64| function(&file, &maps, *address);
    let profile = stacks(text)
        .into_iter()
        .map(|(addresses, blocks, bytes)| Reported {
            frames: addresses.iter().filter_map(name).collect(),
            blocks,
            bytes,
        });
    Ok(profile.collect())
}

/// Addresses, live blocks and live bytes.
fn stacks(text: &str) -> Vec<(Vec<u64>, u64, u64)> {
    let body = text.split("MAPPED_LIBRARIES").next().unwrap_or_default();
    let mut found = Vec::new();
    let mut open: Vec<u64> = Vec::new();
    for line in body.lines() {
        if let Some(addresses) = line.strip_prefix("@ ") {
            // jemalloc: the stack, then its numbers on a line of their own.
            open = hexadecimal(addresses);
        } else if let Some(numbers) = line.trim_start().strip_prefix("t*:") {
            if !open.is_empty()
                && let Some((blocks, bytes)) = live(numbers)
            {
                found.push((std::mem::take(&mut open), blocks, bytes));
            }
        } else if let Some((numbers, addresses)) = line.split_once('@')
            && addresses.trim_start().starts_with("0x")
            && let Some((blocks, bytes)) = live(numbers)
        {
            // tcmalloc: all on one line.
            found.push((hexadecimal(addresses), blocks, bytes));
        }
    }
    found.retain(|(_, blocks, _)| *blocks > 0);
    found
}

/// `BLOCKS: BYTES [...]`.
fn live(numbers: &str) -> Option<(u64, u64)> {
    let (blocks, bytes) = numbers.split('[').next()?.split_once(':')?;
    Some((blocks.trim().parse().ok()?, bytes.trim().parse().ok()?))
}

fn hexadecimal(addresses: &str) -> Vec<u64> {
    let words = addresses.split_whitespace();
    words
        .filter_map(|word| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok())
        .collect()
}

/// Start, end and file offset of the library's mappings.
fn mapped(text: &str, library: &Path) -> Vec<[u64; 3]> {
    let maps = text.split("MAPPED_LIBRARIES").nth(1).unwrap_or_default();
    let library = library.to_string_lossy();
    let of_library = maps.lines().filter(|line| line.ends_with(&*library));
    let ranges = of_library.filter_map(|line| {
        let mut words = line.split_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        let offset = words.nth(1)?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        Some([number(start)?, number(end)?, number(offset)?])
    });
    ranges.collect()
}

fn function(file: &object::File, maps: &[[u64; 3]], address: u64) -> Option<String> {
    let [start, _, offset] = maps
        .iter()
        .find(|[start, end, _]| (*start..*end).contains(&address))?;
    let in_file = address - start + offset;
    let segment = file.segments().find(|segment| {
        let (at, len) = segment.file_range();
        (at..at + len).contains(&in_file)
    })?;
    let wanted = in_file - segment.file_range().0 + segment.address();
    // A return address: the call is before it.
    let symbol = file.symbols().find(|symbol| {
        let start = symbol.address();
        symbol.is_definition() && start < wanted && wanted <= start + symbol.size()
    })?;
    Some(symbol.name().ok()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_dialects() {
        let jemalloc = "heap_v2/1\n  t*: 6: 133120 [0: 0]\n  t0: 6: 133120 [0: 0]\n@ 0x10 0x20\n  t*: 1: 10240 [0: 0]\n  \
                        t0: 1: 10240 [0: 0]\n@ 0x30\n  t*: 0: 0 [0: 0]\n\nMAPPED_LIBRARIES:\n";
        assert_eq!(stacks(jemalloc), [(vec![0x10, 0x20], 1, 10_240)]);
        let tcmalloc = "heap profile:   5:  50205 [  1005:   114205] @ heapprofile\n     1:    10075 [     1:    10075] @ 0x40 \
                        0x50\n     0:        0 [  1000:    64000] @ 0x60\n\nMAPPED_LIBRARIES:\n";
        assert_eq!(stacks(tcmalloc), [(vec![0x40, 0x50], 1, 10_075)]);
    }

    #[test]
    fn maps_of_the_library_alone() {
        let text = "MAPPED_LIBRARIES:\n1000-2000 r-xp 00001000 00:00 7     /a/lib.so\n3000-4000 r-xp 00000000 00:00 8  /b/lib.so\n";
        assert_eq!(
            mapped(text, Path::new("/a/lib.so")),
            [[0x1000, 0x2000, 0x1000]]
        );
    }
}
