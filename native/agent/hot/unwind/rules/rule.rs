//! A rule: what the DWARF row of an address says, in one word.

use crate::arch::CALL_PUSHES_RETURN;

/// How to find the caller's frame.
///
/// Bits 0–3 the [`Shape`], bit 4 whether the caller's frame pointer was saved, bits 8–23 where
/// (in words from the CFA, or from the frame pointer for [`Shape::FramePointerCell`]), bits 24–55
/// the CFA's offset. Where calls do not push their return address, bits 56–63 say how many words
/// farther than right behind the saved frame pointer it was saved. If no frame pointer was, bits
/// 8–23 say how many words farther than right below the CFA.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rule(pub(super) u64);

/// What the CFA is. Common shapes have bit 3: they only compute. Bit 0 then says that they begin
/// at the frame pointer, bit 1 that the word there is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Shape {
    /// `rsp + offset`.
    StackPointer = 8,
    /// `rbp + offset`.
    FramePointer = 9,
    /// The word at `rsp + offset`.
    StackPointerCell = 10,
    /// The word at `rbp + offset` (functions that realign their stack).
    FramePointerCell = 11,
    /// The frame of a signal handler's return: registers as the kernel saved them.
    Signal = 1,
    /// The outermost frame: it has no caller.
    Outermost = 2,
    /// No module covers the address: not native code.
    Foreign = 3,
    /// The module has no unwind tables.
    NoTables = 4,
    /// A row that only a full interpreter understands.
    Other = 5,
}

impl Rule {
    pub(super) const fn plain(shape: Shape) -> Rule {
        Rule(shape as u64)
    }

    #[inline(always)]
    pub fn shape(self) -> Shape {
        match self.0 & 15 {
            1 => Shape::Signal,
            2 => Shape::Outermost,
            3 => Shape::Foreign,
            4 => Shape::NoTables,
            8 => Shape::StackPointer,
            9 => Shape::FramePointer,
            10 => Shape::StackPointerCell,
            11 => Shape::FramePointerCell,
            _ => Shape::Other,
        }
    }

    /// Whether the shape is a common one.
    #[inline(always)]
    pub fn is_common(self) -> bool {
        self.0 & 8 != 0
    }

    /// Whether the frame-pointer register of this frame matters to this frame's own rule.
    #[inline(always)]
    pub fn uses_frame_pointer(self) -> bool {
        self.0 & 9 == 9
    }

    /// Whether the caller's frame pointer is read from the stack.
    #[inline(always)]
    pub fn restores_frame_pointer(self) -> bool {
        self.0 & 16 != 0
    }

    #[inline(always)]
    fn keeps_cfa_in_memory(self) -> bool {
        self.0 & 10 == 10
    }

    #[inline(always)]
    fn cfa_offset(self) -> usize {
        (self.0 >> 24) as u32 as i32 as isize as usize
    }

    #[inline(always)]
    fn saved_offset(self) -> usize {
        ((self.0 >> 8) as u16 as i16 as isize * 8) as usize
    }

    /// The word that holds the CFA, for the shapes that keep it in memory.
    #[inline(always)]
    pub fn cfa_cell(self, sp: usize, fp: usize) -> Option<usize> {
        let base = if self.uses_frame_pointer() { fp } else { sp };
        self.keeps_cfa_in_memory()
            .then(|| base.wrapping_add(self.cfa_offset()))
    }

    /// The CFA, for the common shapes that compute it.
    #[inline(always)]
    pub fn cfa(self, sp: usize, fp: usize) -> usize {
        let base = if self.uses_frame_pointer() { fp } else { sp };
        base.wrapping_add(self.cfa_offset())
    }

    /// The word that holds the return address, for all but signal frames and the outermost one.
    #[inline(always)]
    pub fn return_slot(self, cfa: usize) -> usize {
        let below = cfa.wrapping_sub(size_of::<usize>());
        if CALL_PUSHES_RETURN {
            return below;
        }
        let farther = (self.0 as i64 >> 56) as isize as usize;
        let saved = self.saved_offset();
        match self.restores_frame_pointer() {
            true => cfa
                .wrapping_add(saved)
                .wrapping_add((farther.wrapping_add(1)).wrapping_mul(8)),
            false => below.wrapping_add(saved),
        }
    }

    /// The CFA, for all common shapes; `None` where `word` cannot read what holds it.
    #[inline(always)]
    pub fn frame_end(
        self,
        sp: usize,
        fp: usize,
        word: impl FnOnce(usize) -> Option<usize>,
    ) -> Option<usize> {
        match self.cfa_cell(sp, fp) {
            Some(cell) => word(cell),
            None => Some(self.cfa(sp, fp)),
        }
    }

    /// The word that holds the caller's frame pointer, when it was saved.
    #[inline(always)]
    pub fn saved_frame_pointer(self, cfa: usize, fp: usize) -> usize {
        let base = if self.shape() == Shape::FramePointerCell {
            fp
        } else {
            cfa
        };
        base.wrapping_add(self.saved_offset())
    }
}
