//! Words of a thread's stack.

/// A word of the stack that decided how a stack was read.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Word {
    /// Its address.
    pub at: usize,
    /// What it held.
    pub value: usize,
}

impl Word {
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
pub unsafe fn all_hold(words: &[Word], readable: bool) -> bool {
    if !readable {
        // SAFETY: the caller's.
        return words.iter().rev().all(|word| unsafe { word.holds() });
    }
    // SAFETY: the caller's.
    let holds = |word: &Word| unsafe { word.holds() };
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
