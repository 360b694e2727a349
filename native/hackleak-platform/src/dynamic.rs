//! The dynamic section of a loaded module: what the dynamic linker is told about it.

use object::elf::{self, DynamicTag};

/// An entry of the section.
#[derive(Clone, Copy)]
#[repr(C)]
struct Entry {
    tag: i64,
    value: usize,
}

/// Its entries up to the one that ends it; none where `section` is 0. The loader has relocated what
/// are addresses, but not in the sections of a few objects, such as the kernel's own.
///
/// # Safety
///
/// `section` is 0, or where the dynamic section of a module begins that stays loaded.
pub unsafe fn entries(section: usize) -> impl Iterator<Item = (DynamicTag, usize)> {
    let mut at = section as *const Entry;
    core::iter::from_fn(move || {
        if at.is_null() {
            return None;
        }
        // SAFETY: the caller's; the entry that ends the section is not passed.
        let entry = unsafe { *at };
        let tag = DynamicTag(entry.tag);
        if tag == elf::DT_NULL {
            return None;
        }
        // SAFETY: this is not the last entry.
        at = unsafe { at.add(1) };
        Some((tag, entry.value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_ends_at_its_null_entry() {
        let section: [[usize; 2]; 3] = [[5, 70], [1, 80], [0, 90]];
        // SAFETY: a section of this test's.
        let found: Vec<_> = unsafe { entries(section.as_ptr().addr()) }.collect();
        assert_eq!(found, [(elf::DT_STRTAB, 70), (elf::DT_NEEDED, 80)]);
        // SAFETY: no section.
        assert_eq!(unsafe { entries(0) }.count(), 0);
    }
}
