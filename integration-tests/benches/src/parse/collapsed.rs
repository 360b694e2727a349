//! Collapsed stacks, `outermost;…;innermost BYTES`, as heaptrack and async-profiler's converter
//! write them.

use super::Reported;

/// The stacks with at least one byte.
pub fn collapsed(text: &str) -> Vec<Reported> {
    text.lines().filter_map(stack).collect()
}

fn stack(line: &str) -> Option<Reported> {
    let (frames, bytes) = line.rsplit_once(' ')?;
    let bytes = bytes.parse().ok().filter(|bytes| *bytes > 0)?;
    let frames = frames.split(';').map(|frame| frame.trim().to_owned());
    Some(Reported {
        frames: frames.filter(|frame| !frame.is_empty()).collect(),
        blocks: 0,
        bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_dialects() {
        let text = "main (p.cpp);planted_new (planted.h); 10007\nmain;quiet; 0\n\
                    generated/Callers.caller3_[0];planted_malloc 20062\n";
        let leaks = collapsed(text);
        assert_eq!(leaks.len(), 2);
        assert_eq!(leaks[0].bytes, 10_007);
        assert!(leaks[0].passes("planted_new"));
        assert!(leaks[1].passes_caller(3) && !leaks[0].passes_caller(3));
        assert!(leaks[1].passes("planted_malloc") && !leaks[1].passes("planted"));
    }
}
