//! The `TRACE` lines: the frames of a stack, each as a native or a Java stack trace has it.

use super::lines::Lines;
use crate::IMAGE;
use hackleak_image::frame::BCI_NATIVE;
use hackleak_image::{Frame, Marker};

/// The frames of a node and of all below it, as `backtrace_symbols` writes them without symbols.
pub(super) fn traces(lines: &mut Lines<'_>, node: u32, thread: u32) {
    let mut next = node;
    let mut index = 0;
    while next != 0 {
        let node = IMAGE.node(next);
        next = node.parent;
        let Some(frame) = Frame::decode(node.frame) else {
            return;
        };
        lines.put(b"TRACE\t");
        lines.decimal(index);
        lines.put(b"\t");
        match frame {
            Frame::Native { module, vaddr } => native(lines, module, vaddr),
            Frame::Java { method, bci } => java(lines, method, bci),
            Frame::Address(address) => {
                lines.put(b"[");
                lines.hexadecimal(address);
                lines.put(b"]");
            }
            Frame::Marker(marker) => lines.put(match marker {
                Marker::FramePointers => b"(found by frame pointers from here on)",
                Marker::Off => b"(stacks are switched off)",
                Marker::NoJavaStack => b"(no Java stack)",
                _ => b"(frames are missing)",
            }),
        }
        lines.by(thread);
        index += 1;
    }
}

fn native(lines: &mut Lines<'_>, module: u32, vaddr: u64) {
    let place = IMAGE.modules.get(module);
    // SAFETY: a module that a frame names was written before the frame was interned.
    let bias = match unsafe { place.as_ref() } {
        Some(module) => {
            lines.text(IMAGE.slice(module.path));
            module.bias
        }
        None => 0,
    };
    lines.put(b"(+");
    lines.hexadecimal(vaddr);
    lines.put(b") [");
    lines.hexadecimal(bias.wrapping_add(vaddr));
    lines.put(b"]");
}

/// As a Java stack trace has it: `a.b.C.method(C.java:12)`.
fn java(lines: &mut Lines<'_>, method: u32, bci: u16) {
    // SAFETY: a method that a frame names was written before the frame was interned.
    let Some(method) = (unsafe { IMAGE.methods.get(method).as_ref() }) else {
        lines.put(b"(a Java method)");
        return;
    };
    lines.text(IMAGE.slice(method.class));
    lines.put(b".");
    lines.text(IMAGE.slice(method.name));
    if bci == BCI_NATIVE {
        lines.put(b"(Native Method)");
        return;
    }
    let number = |bytes: &[u8]| u16::from_le_bytes([bytes[0], bytes[1]]);
    let table = IMAGE.slice(method.lines).chunks_exact(4);
    let entry = table.take_while(|entry| number(entry) <= bci).last();
    lines.put(b"(");
    match IMAGE.slice(method.file) {
        [] => lines.put(b"Unknown Source"),
        file => lines.text(file),
    }
    if let Some(entry) = entry {
        lines.put(b":");
        lines.decimal(u64::from(number(&entry[2..])));
    }
    lines.put(b")");
}
