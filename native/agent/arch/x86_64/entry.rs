//! The exported stubs: they add the stack pointer and `rbp` to the arguments and jump on. So the
//! handler sees its caller's registers as they were, and no frame of ours is on the stack when the
//! handler's callee throws.

/// Defines the exported function `$symbol`, which jumps to `$handler` with two more arguments:
/// the stack pointer and `rbp`. `$args` is how many register arguments the function has itself.
macro_rules! allocator_entry {
    ($symbol:ident, 0, $handler:path) => {
        allocator_entry!(@ $symbol, "mov rdi, rsp", "mov rsi, rbp", $handler);
    };
    ($symbol:ident, 1, $handler:path) => {
        allocator_entry!(@ $symbol, "mov rsi, rsp", "mov rdx, rbp", $handler);
    };
    ($symbol:ident, 2, $handler:path) => {
        allocator_entry!(@ $symbol, "mov rdx, rsp", "mov rcx, rbp", $handler);
    };
    ($symbol:ident, 3, $handler:path) => {
        allocator_entry!(@ $symbol, "mov rcx, rsp", "mov r8, rbp", $handler);
    };
    ($symbol:ident, 4, $handler:path) => {
        allocator_entry!(@ $symbol, "mov r8, rsp", "mov r9, rbp", $handler);
    };
    ($symbol:ident, 5, $handler:path) => {
        allocator_entry!(@ $symbol, "mov r9, rsp", "push rbp", "8", $handler);
    };
    ($symbol:ident, 6, $handler:path) => {
        // The stack pointer as it was is 16 bytes above when it is pushed.
        allocator_entry!(
            @ $symbol,
            "sub rsp, 8\npush rbp\nlea rax, [rsp + 16]",
            "push rax",
            "24",
            $handler
        );
    };
    (@ $symbol:ident, $first:literal, $second:literal, $handler:path) => {
        /// Hook; see the table in `hooks`.
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol() {
            core::arch::naked_asm!($first, $second, "jmp {handler}", handler = sym $handler)
        }
    };
    // Where the registers do not suffice, the rest of the arguments lies on the stack during the
    // call. Such a function throws nothing.
    (@ $symbol:ident, $first:literal, $second:literal, $pushed:literal, $handler:path) => {
        /// Hook; see the table in `hooks`.
        #[unsafe(naked)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $symbol() {
            core::arch::naked_asm!(
                ".cfi_startproc",
                $first,
                $second,
                concat!(".cfi_adjust_cfa_offset ", $pushed),
                "call {handler}",
                concat!("add rsp, ", $pushed),
                concat!(".cfi_adjust_cfa_offset -", $pushed),
                "ret",
                ".cfi_endproc",
                handler = sym $handler,
            )
        }
    };
}
/// Defines a function that opens a library: gives `$request` its arguments, which that may change,
/// where its return address lies, and `rbp`. What that opened is the result. Else the real one is
/// jumped to, whose caller stays who it was: the C library looks at the return address to find the
/// caller's RUNPATH.
///
/// The name is pushed first and lies above the flags. With `in_namespace` the namespace lies above
/// both.
macro_rules! opening_entry {
    ($symbol:ident, $request:path) => {
        opening_entry!(@ $symbol, "lea rdi, [rsp + 8]", $request);
    };
    ($symbol:ident, in_namespace, $request:path) => {
        opening_entry!(@ $symbol, "mov rdi, rsp", $request);
    };
    (@ $symbol:ident, $arguments:literal, $request:path) => {
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
                "push rdi",
                ".cfi_adjust_cfa_offset 8",
                "push rsi",
                ".cfi_adjust_cfa_offset 8",
                "push rdx",
                ".cfi_adjust_cfa_offset 8",
                $arguments,
                "lea rsi, [rsp + 24]",
                "mov rdx, rbp",
                "call {request}",
                "mov r11, rdx",
                "pop rdx",
                ".cfi_adjust_cfa_offset -8",
                "pop rsi",
                ".cfi_adjust_cfa_offset -8",
                "pop rdi",
                ".cfi_adjust_cfa_offset -8",
                "test rax, rax",
                "jz 2f",
                "ret",
                "2:",
                "jmp r11",
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
                "push rdi",
                "push rsi",
                "push rdx",
                "push rcx",
                "push r8",
                "push r9",
                "sub rsp, 8",
                "call {request}",
                "add rsp, 8",
                "pop r9",
                "pop r8",
                "pop rcx",
                "pop rdx",
                "pop rsi",
                "pop rdi",
                "jmp rax",
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
        standing_entry!(@ $symbol, $handler, "ret");
    };
    ($symbol:ident, $handler:path, jumps) => {
        standing_entry!(@ $symbol, $handler, "jmp rax");
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
                "push rdi",
                "push rsi",
                "push rdx",
                "push rcx",
                "push r8",
                "push r9",
                "push rbx",
                "push rbp",
                "push r12",
                "push r13",
                "push r14",
                "push r15",
                "mov r9, rsp",
                "sub rsp, 8",
                "call {handler}",
                // Those registers are as they were.
                "add rsp, 56",
                "pop r9",
                "pop r8",
                "pop rcx",
                "pop rdx",
                "pop rsi",
                "pop rdi",
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
                "push rdi",
                "push rsi",
                "sub rsp, 8",
                "mov rdx, qword ptr [rsp + 24]",
                "call {request}",
                "add rsp, 8",
                "pop rsi",
                "pop rdi",
                "test rax, rax",
                "jz 2f",
                "ret",
                "2:",
                "jmp rdx",
                request = sym $request,
            )
        }
    };
}

/// Defines the private function `$name`, which jumps to `$handler` with two more arguments; for
/// replacements of native methods and JNI functions with `$args` register arguments.
macro_rules! method_entry {
    ($name:ident, 2, $handler:path) => {
        method_entry!(@ $name, "mov rdx, rsp", "mov rcx, rbp", $handler);
    };
    ($name:ident, 3, $handler:path) => {
        method_entry!(@ $name, "mov rcx, rsp", "mov r8, rbp", $handler);
    };
    ($name:ident, 4, $handler:path) => {
        method_entry!(@ $name, "mov r8, rsp", "mov r9, rbp", $handler);
    };
    // The second word does not fit into a register and lies on the stack during the call.
    ($name:ident, 5, $handler:path) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name() {
            core::arch::naked_asm!(
                ".cfi_startproc",
                "mov r9, rsp",
                "push rbp",
                ".cfi_adjust_cfa_offset 8",
                "call {handler}",
                "add rsp, 8",
                ".cfi_adjust_cfa_offset -8",
                "ret",
                ".cfi_endproc",
                handler = sym $handler,
            )
        }
    };
    (@ $name:ident, $first:literal, $second:literal, $handler:path) => {
        #[unsafe(naked)]
        unsafe extern "C" fn $name() {
            core::arch::naked_asm!($first, $second, "jmp {handler}", handler = sym $handler)
        }
    };
}

pub(crate) use {allocator_entry, asking_entry, method_entry};
pub(crate) use {opening_entry, shown_entry, standing_entry};
