//! How to get from one frame to its caller: rules compiled from the unwind tables.
//!
//! A rule is one word. It holds what the DWARF row of an address says about the canonical frame
//! address (CFA), the return address and the frame-pointer register; the other registers are
//! never needed, because no row that fits a rule refers to them. Rows of another shape are left
//! to `slow`.
//!
//! Rules are cached for good, and dropped when a library is unloaded. The key is the address that
//! is looked up: the return address less one, so that a call at the very end of a function finds
//! its own row.

mod rule;

pub use rule::{Rule, Shape};

use super::modules::{self, Found};
use crate::arch::{
    CALL_PUSHES_RETURN, FRAME_POINTER, RETURN_ADDRESS, STACK_POINTER, VENDOR, is_signal_return,
    signal_frame,
};
use crate::hot::ground::module_policy;
use gimli::{
    BaseAddresses, CfaRule, EhFrame, EhFrameHdr, EndianSlice, NativeEndian, Operation,
    RegisterRule, UnwindContext, UnwindExpression, UnwindSection,
};
use hackleak_image::Frame;
use hackleak_platform::concurrent_map::ConcurrentMap;

type Reader = EndianSlice<'static, NativeEndian>;

static RULES: ConcurrentMap = ConcurrentMap::new(14);

pub fn init() {
    RULES.generation();
}

/// Forgets the rules of all code. Nobody else may be using them.
pub fn forget_all() {
    RULES.clear();
}

/// Drops the rules of a module that was unloaded from `range`.
pub fn forget(range: core::ops::Range<usize>) {
    RULES.retain(|lookup| !range.contains(&(lookup as usize)));
}

/// The rule at `lookup` and the frame to record for it, where they are known already.
#[inline(always)]
pub fn known(lookup: usize) -> Option<(Rule, u64)> {
    let (rule, frame) = RULES.get(lookup as u64)?;
    Some((Rule(rule), frame))
}

/// The rule at `lookup` and the frame to record for it. Needs some KiB of stack where they are not
/// known yet.
#[inline(always)]
pub fn at(lookup: usize) -> (Rule, u64) {
    known(lookup).unwrap_or_else(|| miss(lookup))
}

#[cold]
#[inline(never)]
fn miss(lookup: usize) -> (Rule, u64) {
    crate::hot::ground::boundary::may_panic();
    let generation = RULES.generation();
    let cacheable = !modules::is_closing();
    let (rule, frame) = compute(lookup);
    // An address of no known module could become another's without notice.
    if cacheable && matches!(Frame::decode(frame), Some(Frame::Native { .. })) {
        RULES.insert(generation, lookup as u64, rule.0, frame);
    }
    (rule, frame)
}

fn compute(lookup: usize) -> (Rule, u64) {
    let Some(found) = modules::find(lookup) else {
        return (
            Rule::plain(Shape::Foreign),
            Frame::Address(lookup as u64 + 1).encode(),
        );
    };
    let frame = match found.module {
        Some(module) => {
            let vaddr = (lookup + 1).wrapping_sub(found.bias) as u64;
            Frame::Native { module, vaddr }.encode()
        }
        None => Frame::Address(lookup as u64 + 1).encode(),
    };
    let rule = match found.eh_frame_hdr {
        0 => Rule::plain(Shape::NoTables),
        header => compile(lookup, header, &found),
    };
    (rule, frame)
}

/// Room for the interpreter of unwind tables that needs no heap: a function saves fewer registers.
struct Storage;

impl gimli::UnwindContextStorage<usize> for Storage {
    type Rules = [(gimli::Register, RegisterRule<usize>); 32];
    type Stack = [gimli::UnwindTableRow<usize, Self>; 4];
}

fn compile(lookup: usize, header: usize, found: &Found) -> Rule {
    if is_signal_return(lookup + 1, found.end) {
        return Rule::plain(Shape::Signal);
    }
    match compile_row(lookup, header, found) {
        Ok(rule) => rule,
        // The C library leaves out rows where a stack ends (the root of `makecontext`); elsewhere
        // it is code that was built without tables.
        Err(gimli::Error::NoUnwindInfoForAddress) => {
            let ends = found.module.is_some_and(module_policy::is_c_library);
            Rule::plain(if ends {
                Shape::Outermost
            } else {
                Shape::NoTables
            })
        }
        Err(_) => Rule::plain(Shape::Other),
    }
}

/// Where the function that covers `lookup` lies, from its unwind entry.
pub fn function_range(lookup: usize) -> Option<core::ops::Range<usize>> {
    let found = modules::find(lookup)?;
    if found.eh_frame_hdr == 0 {
        return None;
    }
    let entry = Tables::of(found.eh_frame_hdr, found.end)
        .ok()?
        .entry(lookup)
        .ok()?;
    // The table's entry is the last one before the address, which may end before it.
    let start = entry.initial_address() as usize;
    let function = start..start + entry.len() as usize;
    function.contains(&lookup).then_some(function)
}

type Entry = gimli::FrameDescriptionEntry<Reader>;

/// The unwind tables of one module.
struct Tables {
    bases: BaseAddresses,
    index: gimli::ParsedEhFrameHdr<Reader>,
    section: EhFrame<Reader>,
}

impl Tables {
    fn of(header: usize, end: usize) -> Result<Tables, gimli::Error> {
        // SAFETY: the loader maps a module's `.eh_frame_hdr` and `.eh_frame` within the module's
        // range, and the module stays loaded: its code is on this thread's stack.
        let bytes = |at: usize| unsafe {
            EndianSlice::new(
                core::slice::from_raw_parts(at as *const u8, end.saturating_sub(at)),
                NativeEndian,
            )
        };
        let bases = BaseAddresses::default().set_eh_frame_hdr(header as u64);
        let index = EhFrameHdr::from(bytes(header)).parse(&bases, size_of::<usize>() as u8)?;
        let tables = match index.eh_frame_ptr() {
            gimli::Pointer::Direct(at) => at as usize,
            // SAFETY: the header says that the address of the tables is stored there.
            gimli::Pointer::Indirect(at) => unsafe { *(at as *const usize) },
        };
        let bases = bases.set_eh_frame(tables as u64);
        let mut section = EhFrame::from(bytes(tables));
        section.set_vendor(VENDOR);
        Ok(Tables {
            bases,
            index,
            section,
        })
    }

    fn entry(&self, lookup: usize) -> Result<Entry, gimli::Error> {
        let table = self
            .index
            .table()
            .ok_or(gimli::Error::NoUnwindInfoForAddress)?;
        let entry = table.pointer_to_offset(table.lookup(lookup as u64, &self.bases)?)?;
        self.section
            .fde_from_offset(&self.bases, entry, EhFrame::cie_from_offset)
    }
}

fn compile_row(lookup: usize, header: usize, found: &Found) -> Result<Rule, gimli::Error> {
    let tables = Tables::of(header, found.end)?;
    let entry = tables.entry(lookup)?;
    let Tables { bases, section, .. } = tables;
    let mut context = UnwindContext::<usize, Storage>::new_in();
    let row = entry.unwind_info_for_address(&section, &bases, &mut context, lookup as u64)?;
    let cell = |expression: &UnwindExpression<usize>| register_cell(expression, &section, &entry);

    let other = Ok(Rule::plain(Shape::Other));
    let return_address = row.register(RETURN_ADDRESS);
    match return_address {
        Some(RegisterRule::Undefined) => return Ok(Rule::plain(Shape::Outermost)),
        None if CALL_PUSHES_RETURN => return Ok(Rule::plain(Shape::Outermost)),
        _ => {}
    }
    let saved = row.register(FRAME_POINTER);
    let (shape, offset) = match row.cfa() {
        CfaRule::RegisterAndOffset { register, offset } => match *register {
            STACK_POINTER => (Shape::StackPointer, *offset),
            FRAME_POINTER => (Shape::FramePointer, *offset),
            _ => return other,
        },
        CfaRule::Expression(expression) => match cell(expression) {
            Some((FRAME_POINTER, offset, true)) => (Shape::FramePointerCell, offset),
            Some((STACK_POINTER, offset, true)) => {
                if entry.is_signal_trampoline() {
                    let at = |rule: Option<RegisterRule<usize>>| match rule {
                        Some(RegisterRule::Expression(expression)) => cell(&expression),
                        _ => None,
                    };
                    let expected = |at| Some((STACK_POINTER, at, false));
                    let known = offset == signal_frame::STACK_POINTER
                        && at(return_address) == expected(signal_frame::PROGRAM_COUNTER)
                        && at(saved) == expected(signal_frame::FRAME_POINTER);
                    return if known {
                        Ok(Rule::plain(Shape::Signal))
                    } else {
                        other
                    };
                }
                (Shape::StackPointerCell, offset)
            }
            _ => return other,
        },
    };
    let returns_at = match return_address {
        Some(RegisterRule::Offset(-8)) => -8,
        // Not in a frame that is realigned: what is found from its frame pointer is an expression.
        Some(RegisterRule::Offset(at))
            if !CALL_PUSHES_RETURN && shape != Shape::FramePointerCell =>
        {
            at
        }
        _ => return other,
    };
    let (restores, saved) = match saved {
        None | Some(RegisterRule::Undefined | RegisterRule::SameValue) => (0, 0),
        Some(RegisterRule::Offset(at)) if shape != Shape::FramePointerCell => (1, at),
        Some(RegisterRule::Expression(expression)) if shape == Shape::FramePointerCell => {
            match cell(&expression) {
                Some((FRAME_POINTER, at, false)) => (1, at),
                _ => return other,
            }
        }
        _ => return other,
    };
    let (saved, farther) = match restores {
        _ if CALL_PUSHES_RETURN => (saved, 0),
        0 => (returns_at + 8, 0),
        _ => (saved, returns_at - saved - 8),
    };
    let (Ok(offset), Ok(words)) = (i32::try_from(offset), i16::try_from(saved / 8)) else {
        return other;
    };
    let Ok(farther_words) = i8::try_from(farther / 8) else {
        return other;
    };
    if saved % 8 != 0 || farther % 8 != 0 {
        return other;
    }
    let fields = u64::from(words as u16) << 8
        | u64::from(offset as u32) << 24
        | u64::from(farther_words as u8) << 56;
    Ok(Rule(shape as u64 | restores << 4 | fields))
}

/// `register + offset`, and whether the value is the word there: the two expressions that
/// compilers emit.
fn register_cell(
    expression: &UnwindExpression<usize>,
    section: &EhFrame<Reader>,
    entry: &Entry,
) -> Option<(gimli::Register, i64, bool)> {
    let expression = expression.get(section).ok()?;
    let mut operations = expression.operations(entry.cie().encoding());
    let (register, offset) = match operations.next().ok()?? {
        Operation::RegisterOffset {
            register, offset, ..
        } => (register, offset),
        _ => return None,
    };
    match operations.next().ok()? {
        None => Some((register, offset, false)),
        Some(Operation::Deref { size: 8, .. }) => operations
            .next()
            .ok()?
            .is_none()
            .then_some((register, offset, true)),
        Some(_) => None,
    }
}

#[cfg(test)]
pub mod tests;
