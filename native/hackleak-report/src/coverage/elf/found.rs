//! What the symbols and relocations of an ELF file say about its calls.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;

use object::LittleEndian as LE;
use object::elf::{self, Rela64, Sym64};
use object::read::ReadCache;
use object::read::elf::{Rela as _, SectionHeader as _, Sym as _};

use super::tables::{Dynamic, Sections, bytes, damaged, table, text};
use crate::coverage::facts::{Bound, Facts, Family, Own, Slot, Unreadable};
use crate::coverage::symbols;

/// Per family: what was found about its functions.
#[derive(Default)]
pub(super) struct Found {
    /// Calls that the loader looks up.
    global: BTreeSet<Family>,
    /// Definitions that are not offered to anybody.
    own: BTreeMap<Family, Own>,
    /// Definitions that are offered to others, and that calls inside are bound to all the same.
    exported: BTreeMap<Family, Own>,
    /// Definitions that are offered to others.
    offered: BTreeSet<Family>,
}

impl Found {
    /// Reads the dynamic symbols and the relocations that name them.
    pub(super) fn dynamic<'a>(
        &mut self,
        sections: &Sections<'a>,
        data: &'a ReadCache<File>,
        dynamic: &Dynamic,
        facts: &mut Facts,
    ) -> Result<(), Unreadable> {
        let Some((names, index)) = table(sections, data, elf::SHT_DYNSYM)? else {
            return Ok(());
        };
        let (symbols, strings) = names;
        let slots = slots(sections, data, index)?;
        for (number, symbol) in (0u32..).zip(symbols) {
            let name = text(strings, symbol.st_name(LE).into());
            let slot = slots.get(&number).copied();
            let defined = !symbol.is_undefined(LE);
            if let Some(allocator) = symbols::allocator(name).filter(|_| defined) {
                facts.allocators.insert(allocator);
            }
            facts.rust_allocator |= defined && symbols::is_rust_allocator(name);
            if let Some(family) = symbols::family(name) {
                self.hooked(family, (name, symbol), slot, dynamic, facts);
            } else if slot.is_some() && !defined {
                let called = || String::from_utf8_lossy(name).into_owned();
                facts.maps |= symbols::is_kernel(name);
                facts.breaks |= matches!(name, b"sbrk" | b"brk");
                if symbols::is_allocated_by_libc(name) {
                    facts.libc.insert(called());
                } else if symbols::is_other_allocator(name) && !symbol.is_weak() {
                    facts.others.insert(called());
                }
            }
        }
        Ok(())
    }

    /// Takes note of a function that the recorder stands in for.
    fn hooked(
        &mut self,
        family: Family,
        (name, symbol): (&[u8], &Sym64<LE>),
        slot: Option<u64>,
        dynamic: &Dynamic,
        facts: &mut Facts,
    ) {
        let defined = !symbol.is_undefined(LE) && symbols::defined_family(name).is_some();
        let own = if symbol.st_visibility() == elf::STV_PROTECTED {
            Own::Protected
        } else if facts.executable {
            Own::Executable
        } else {
            Own::Symbolic
        };
        let inside = own != Own::Symbolic || dynamic.symbolic;
        if defined {
            self.offered.insert(family);
        }
        match slot {
            _ if defined && (inside || slot.is_none()) => {
                self.exported.insert(family, own);
            }
            Some(vaddr) => {
                self.global.insert(family);
                let name = String::from_utf8_lossy(name).into_owned();
                facts.slots.push(Slot {
                    family,
                    name,
                    vaddr,
                });
            }
            None => {}
        }
    }

    /// Reads the definitions that are not offered to anybody, where they still have names.
    pub(super) fn definitions<'a>(
        &mut self,
        sections: &Sections<'a>,
        data: &'a ReadCache<File>,
        facts: &mut Facts,
    ) -> Result<(), Unreadable> {
        let Some(((symbols, strings), _)) = table(sections, data, elf::SHT_SYMTAB)? else {
            return Ok(());
        };
        for symbol in symbols.iter().filter(|symbol| !symbol.is_undefined(LE)) {
            let name = text(strings, symbol.st_name(LE).into());
            facts.allocators.extend(symbols::allocator(name));
            facts.rust_allocator |= symbols::is_rust_allocator(name);
            let hidden = symbol.is_local()
                || matches!(symbol.st_visibility(), elf::STV_HIDDEN | elf::STV_INTERNAL)
                || facts.executable;
            if let Some(family) = symbols::defined_family(name).filter(|_| hidden) {
                self.own.insert(family, Own::Hidden);
            }
        }
        Ok(())
    }

    pub(super) fn bound(&self, family: Family) -> Bound {
        let global = self.global.contains(&family);
        let own = self.own.get(&family).copied();
        // Definitions that nobody inside calls are of no account when the others are looked up.
        let exported = self.exported.get(&family).copied();
        let exported = exported.filter(|own| !global || *own != Own::Symbolic);
        Bound {
            global,
            own: exported.or(own),
            exported: self.offered.contains(&family),
        }
    }
}

/// Per dynamic symbol: the first place where the loader puts its address.
fn slots<'a>(
    sections: &Sections<'a>,
    data: &'a ReadCache<File>,
    symbols: object::SectionIndex,
) -> Result<HashMap<u32, u64>, Unreadable> {
    let mut slots: HashMap<u32, u64> = HashMap::new();
    for section in sections.iter() {
        if section.sh_type(LE) != elf::SHT_RELA || section.link(LE) != symbols {
            continue;
        }
        let relocations: &[Rela64<LE>] = object::pod::slice_from_all_bytes(bytes(section, data)?)
            .map_err(|()| damaged("relocations of an odd length"))?;
        // Most have no symbol, and only move an address.
        for relocation in relocations
            .iter()
            .filter(|found| found.r_sym(LE, false) != 0)
        {
            slots
                .entry(relocation.r_sym(LE, false))
                .or_insert(relocation.r_offset(LE));
        }
    }
    Ok(slots)
}
