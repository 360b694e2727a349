//! The log of the library that this began with (`workloads/where_it_began.cpp`), as its script
//! pairs it: what was made and not deleted is live.

use std::collections::BTreeMap;

use super::Reported;

/// The blocks that are live at the end, in the order of their addresses.
pub fn where_it_began(log: &str) -> Vec<Reported> {
    let mut live: BTreeMap<&str, Reported> = BTreeMap::new();
    let mut last = None;
    for line in log.lines() {
        let mut words = line.split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some("HACK_NEW"), Some(address), Some(size)) => {
                let made = Reported {
                    frames: Vec::new(),
                    blocks: 1,
                    bytes: size.parse().unwrap_or(0),
                };
                live.insert(address, made);
                last = Some(address);
            }
            (Some("HACK_DELETE"), Some(address), _) => {
                live.remove(address);
                last = None;
            }
            _ => {
                let block = last.and_then(|address| live.get_mut(address));
                if let (Some(block), Some(function)) = (block, function(line)) {
                    block.frames.push(function.to_owned());
                }
            }
        }
    }
    live.into_values().collect()
}

/// `leak` of `/lib/libvictim.so(leak+0x1f)[0x7f00]`; an address where no name is known.
fn function(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once('(')?;
    let (name, _) = rest.split_once(['+', ')'])?;
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_deleted_is_live_with_its_last_stack() {
        let log = "\nHACK_NEW 0x10 24\n/lib/libv.so(first+0x1f)[0x7f]\n\nHACK_NEW 0x20 7\n\
                   /lib/libv.so(second+0x1f)[0x7f]\n/bin/v(+0x11)[0x7e]\n/bin/v(main+0x9)[0x7d]\n\
                   \nHACK_DELETE 0x10 0\nsomething else\n\nHACK_NEW 0x10 25\n/lib/libv.so(third+0x1f)[0x7f]\n";
        let block = |bytes, frames: &[&str]| Reported {
            frames: frames.iter().map(|frame| (*frame).to_owned()).collect(),
            blocks: 1,
            bytes,
        };
        let expected = [block(25, &["third"]), block(7, &["second", "main"])];
        assert_eq!(where_it_began(log), expected);
    }
}
