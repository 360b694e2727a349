//! The exported stubs: they spill the return address below the caller's stack position and give
//! that place and the caller's `x29` to a handler as two more arguments. Their unwind tables
//! describe the frame, so that what the handler's callee throws passes through it.

/// A function that calls `$handler` with the two more arguments in `$slot` and `$frame`.
macro_rules! entry_code {
    ($slot:literal, $frame:literal, $handler:path) => {
        core::arch::naked_asm!(
            ".cfi_startproc",
            "hint #34",
            "stp x29, x30, [sp, #-16]!",
            ".cfi_def_cfa_offset 16",
            ".cfi_offset x29, -16",
            ".cfi_offset x30, -8",
            concat!("add ", $slot, ", sp, #8"),
            concat!("mov ", $frame, ", x29"),
            "mov x29, sp",
            "bl {handler}",
            "ldp x29, x30, [sp], #16",
            ".cfi_restore x30",
            ".cfi_restore x29",
            ".cfi_def_cfa_offset 0",
            "ret",
            ".cfi_endproc",
            handler = sym $handler,
        )
    };
}

/// Defines the exported function `$symbol`, which calls `$handler` with two more arguments: where
/// the return address lies, and `x29`. `$args` is how many register arguments the function has
/// itself.
macro_rules! allocator_entry {
    ($symbol:ident, 0, $handler:path) => {
        allocator_entry!(@ $symbol, "x0", "x1", $handler);
    };
    ($symbol:ident, 1, $handler:path) => {
        allocator_entry!(@ $symbol, "x1", "x2", $handler);
    };
    ($symbol:ident, 2, $handler:path) => {
        allocator_entry!(@ $symbol, "x2", "x3", $handler);
    };
    ($symbol:ident, 3, $handler:path) => {
        allocator_entry!(@ $symbol, "x3", "x4", $handler);
    };
    ($symbol:ident, 4, $handler:path) => {
        allocator_entry!(@ $symbol, "x4", "x5", $handler);
    };
    ($symbol:ident, 5, $handler:path) => {
        allocator_entry!(@ $symbol, "x5", "x6", $handler);
    };
    ($symbol:ident, 6, $handler:path) => {
        allocator_entry!(@ $symbol, "x6", "x7", $handler);
    };
    (@ $symbol:ident, $slot:literal, $frame:literal, $handler:path) => {
        /// Hook; see the table in `hooks`.
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol() {
            $crate::arch::entry_code!($slot, $frame, $handler)
        }
    };
}

/// Defines a function that opens a library: gives `$request` its arguments, which that may change,
/// where its return address lies, and `x29`. What that opened is the result. Else the real one is
/// jumped to, whose caller stays who it was: the C library looks at the return address to find the
/// caller's RUNPATH.
///
/// The flags lie lowest, then the name. With `in_namespace` the namespace lies above both.
macro_rules! opening_entry {
    ($symbol:ident, $request:path) => {
        opening_entry!(@ $symbol, "stp x1, x0, [sp]", "ldp x1, x0, [sp]", $request);
    };
    ($symbol:ident, in_namespace, $request:path) => {
        opening_entry!(
            @ $symbol,
            "stp x2, x1, [sp]\nstr x0, [sp, #16]",
            "ldp x2, x1, [sp]\nldr x0, [sp, #16]",
            $request
        );
    };
    (@ $symbol:ident, $store:literal, $load:literal, $request:path) => {
        /// Hook.
        ///
        /// # Safety
        ///
        /// The C library's own contract.
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol() {
            core::arch::naked_asm!(
                ".cfi_startproc",
                "hint #34",
                "stp x29, x30, [sp, #-16]!",
                ".cfi_def_cfa_offset 16",
                ".cfi_offset x29, -16",
                ".cfi_offset x30, -8",
                "sub sp, sp, #32",
                ".cfi_adjust_cfa_offset 32",
                $store,
                "mov x0, sp",
                "add x1, sp, #40",
                "mov x2, x29",
                "add x29, sp, #32",
                "bl {request}",
                "mov x16, x1",
                "cbnz x0, 2f",
                $load,
                ".cfi_remember_state",
                "add sp, sp, #32",
                ".cfi_adjust_cfa_offset -32",
                "ldp x29, x30, [sp], #16",
                ".cfi_restore x30",
                ".cfi_restore x29",
                ".cfi_def_cfa_offset 0",
                "br x16",
                "2:",
                ".cfi_restore_state",
                "add sp, sp, #32",
                ".cfi_adjust_cfa_offset -32",
                "ldp x29, x30, [sp], #16",
                ".cfi_restore x30",
                ".cfi_restore x29",
                ".cfi_def_cfa_offset 0",
                "ret",
                ".cfi_endproc",
                request = sym $request,
            )
        }
    };
}

/// A function that shows `$request` its first arguments and jumps to the real one, which that
/// gives, with all of them: it allocates for its caller (`fdopen`, `fdopendir`), returns twice to
/// the same place (`vfork`), or takes arguments that only the kernel knows (`prctl`).
macro_rules! shown_entry {
    ($symbol:ident, $request:path) => {
        /// Hook.
        ///
        /// # Safety
        ///
        /// The C library's own contract.
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol() {
            core::arch::naked_asm!(
                "hint #34",
                "stp x29, x30, [sp, #-80]!",
                "stp x0, x1, [sp, #16]",
                "stp x2, x3, [sp, #32]",
                "stp x4, x5, [sp, #48]",
                "stp x6, x7, [sp, #64]",
                "mov x29, sp",
                "bl {request}",
                "mov x16, x0",
                "ldp x0, x1, [sp, #16]",
                "ldp x2, x3, [sp, #32]",
                "ldp x4, x5, [sp, #48]",
                "ldp x6, x7, [sp, #64]",
                "ldp x29, x30, [sp], #80",
                "br x16",
                request = sym $request,
            )
        }
    };
}

/// Defines the exported function `$symbol`, which shows `$handler` where its caller stands, as a
/// sixth argument: from there up lie the registers that the caller may still use, the arguments,
/// and the caller's own stack. What that gives it returns; or it jumps there with all of its
/// arguments.
macro_rules! standing_entry {
    ($symbol:ident, $handler:path, returns) => {
        standing_entry!(@ $symbol, $handler, "mov x0, x16\nret");
    };
    ($symbol:ident, $handler:path, jumps) => {
        standing_entry!(@ $symbol, $handler, "br x16");
    };
    (@ $symbol:ident, $handler:path, $end:literal) => {
        /// Hook.
        ///
        /// # Safety
        ///
        /// The C library's own contract.
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol() {
            core::arch::naked_asm!(
                "hint #34",
                "stp x29, x30, [sp, #-160]!",
                "stp x19, x20, [sp, #16]",
                "stp x21, x22, [sp, #32]",
                "stp x23, x24, [sp, #48]",
                "stp x25, x26, [sp, #64]",
                "stp x27, x28, [sp, #80]",
                "stp x0, x1, [sp, #96]",
                "stp x2, x3, [sp, #112]",
                "stp x4, x5, [sp, #128]",
                "stp x6, x7, [sp, #144]",
                "mov x29, sp",
                "mov x5, sp",
                "bl {handler}",
                "mov x16, x0",
                "ldp x0, x1, [sp, #96]",
                "ldp x2, x3, [sp, #112]",
                "ldp x4, x5, [sp, #128]",
                "ldp x6, x7, [sp, #144]",
                "ldp x29, x30, [sp], #160",
                $end,
                handler = sym $handler,
            )
        }
    };
}

/// Defines the exported function `$symbol`, which asks `$request` for an answer with its two
/// arguments and its return address. Where that has none, it jumps to the real one, whose caller
/// stays who it was: that decides what `RTLD_NEXT` means.
macro_rules! asking_entry {
    ($symbol:ident, $request:path) => {
        /// Hook.
        ///
        /// # Safety
        ///
        /// The C library's own contract.
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol() {
            core::arch::naked_asm!(
                "hint #34",
                "stp x29, x30, [sp, #-32]!",
                "stp x0, x1, [sp, #16]",
                "mov x29, sp",
                "mov x2, x30",
                "bl {request}",
                "mov x16, x1",
                "cbnz x0, 2f",
                "ldp x0, x1, [sp, #16]",
                "ldp x29, x30, [sp], #32",
                "br x16",
                "2:",
                "ldp x29, x30, [sp], #32",
                "ret",
                request = sym $request,
            )
        }
    };
}

/// Defines the private function `$name`, which calls `$handler` with two more arguments; for
/// replacements of native methods and JNI functions with `$args` register arguments.
macro_rules! method_entry {
    ($name:ident, 2, $handler:path) => {
        method_entry!(@ $name, "x2", "x3", $handler);
    };
    ($name:ident, 3, $handler:path) => {
        method_entry!(@ $name, "x3", "x4", $handler);
    };
    ($name:ident, 4, $handler:path) => {
        method_entry!(@ $name, "x4", "x5", $handler);
    };
    ($name:ident, 5, $handler:path) => {
        method_entry!(@ $name, "x5", "x6", $handler);
    };
    (@ $name:ident, $slot:literal, $frame:literal, $handler:path) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name() {
            $crate::arch::entry_code!($slot, $frame, $handler)
        }
    };
}

pub(crate) use {allocator_entry, asking_entry, entry_code, method_entry};
pub(crate) use {opening_entry, shown_entry, standing_entry};
