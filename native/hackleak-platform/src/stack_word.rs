//! Words of a thread's stack.

/// A word of the stack that decided how a stack was read.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct StackWord {
    /// Its address.
    pub at: usize,
    /// What it held.
    pub value: usize,
}

impl StackWord {
    /// Whether it still holds what it held.
    ///
    /// # Safety
    ///
    /// It is a word of this thread's stack now.
    #[inline(always)]
    pub unsafe fn holds(self) -> bool {
        // SAFETY: the caller's.
        unsafe { read(self.at) == self.value }
    }
}

/// Whether all of them hold. They are compared from the last to the first. If `readable`, a few may
/// be read after one that does not hold; else none is.
///
/// # Safety
///
/// Each is a word of this thread's stack if those behind it in the list hold. If `readable`, all of
/// them can be read whatever the others hold.
#[inline(always)]
pub unsafe fn all_hold(words: &[StackWord], readable: bool) -> bool {
    if !readable {
        // SAFETY: the caller's.
        return words.iter().rev().all(|word| unsafe { word.holds() });
    }
    // SAFETY: the caller's.
    let holds = |word: &StackWord| unsafe { word.holds() };
    // By fours: the loop itself is a good part of the work.
    let (few, fours) = words.as_rchunks::<4>();
    fours
        .iter()
        .rev()
        .all(|[a, b, c, d]| holds(d) && holds(c) && holds(b) && holds(a))
        && few.iter().rev().all(holds)
}

/// Reads a word of the stack.
///
/// # Safety
///
/// `at` is a word of this thread's stack.
#[inline(always)]
pub unsafe fn read(at: usize) -> usize {
    // SAFETY: the caller's. Volatile: the words belong to frames of other code.
    unsafe { (at as *const usize).read_volatile() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words in memory, and what is remembered of them.
    fn remembered(len: usize) -> (Vec<usize>, Vec<StackWord>) {
        let memory: Vec<usize> = (100..100 + len).collect();
        let words = memory.iter().map(|word| StackWord {
            at: (&raw const *word).addr(),
            value: *word,
        });
        let words = words.collect();
        (memory, words)
    }

    #[test]
    fn one_word_that_has_changed_is_found_wherever_it_is() {
        for len in 0..14 {
            for readable in [false, true] {
                let (mut memory, words) = remembered(len);
                // SAFETY: words of the test's own memory.
                let holds = || unsafe { all_hold(&words, readable) };
                assert!(holds(), "{len} {readable}");
                for at in 0..len {
                    let place = memory.as_mut_ptr().wrapping_add(at);
                    // SAFETY: as above; the compiler must not know what is read.
                    unsafe { place.write_volatile(0) };
                    assert!(!holds(), "{at} of {len}, {readable}");
                    // SAFETY: as above.
                    unsafe { place.write_volatile(100 + at) };
                }
                assert!(holds(), "{len} {readable}");
            }
        }
    }

    #[test]
    fn what_lies_behind_a_word_that_has_changed_is_not_read() {
        let (mut memory, mut words) = remembered(9);
        // Nothing is mapped there: to read it would end the process.
        words[..8].fill(StackWord { at: 8, value: 0 });
        memory[8] = 0;
        // SAFETY: the last word can be read, and does not hold.
        assert!(!unsafe { all_hold(&words, false) });
    }
}
