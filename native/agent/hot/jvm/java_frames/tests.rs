use super::super::code_heaps;
use super::super::vm_structs::built;
use super::*;

/// A stack of the test's own, and the code that it leads to.
pub struct Stack {
    pub words: Vec<usize>,
    pub layout: Layout,
    code: code_heaps::tests::Built,
}

/// Words of a compiled method's frame.
const COMPILED: usize = 6;
/// The segments of a compiled method, and of the interpreter.
const METHOD: usize = 1;
const INTERPRETER: usize = 4;

impl Stack {
    pub fn new(words: usize) -> Stack {
        let mut code = code_heaps::tests::Built::new(8);
        code.block(METHOD..METHOD + 1, c"nmethod", COMPILED as i32);
        let interpreter = code.address(INTERPRETER, 0)..code.address(INTERPRETER + 1, 0);
        let call_stub = code.address(6, 0);
        Stack {
            words: vec![7; words],
            layout: built(code.code(), code.heaps(), interpreter, call_stub),
            code,
        }
    }

    pub fn at(&self, word: usize) -> usize {
        self.words.as_ptr().addr() + word * WORD
    }

    pub fn range(&self) -> Range<usize> {
        self.at(0)..self.at(self.words.len())
    }

    /// A return address into the compiled method.
    pub fn returns_to_compiled(&mut self, word: usize) {
        self.words[word] = self.code.address(METHOD, 100);
    }

    /// A return address into the interpreter, whose frame has its base at word `base` and is as it
    /// begins: nothing is on it. Its caller's frame begins at word `sender`.
    pub fn returns_to_interpreted(&mut self, word: usize, base: usize, sender: usize) {
        self.words[word] = self.code.address(INTERPRETER, 100);
        self.words[word - 1] = self.at(base);
        self.words[base - SENDER_STACK_POINTER] = self.at(sender);
        self.words[base - FIXED] = self.at(base - FIXED);
    }

    fn followed(&self) -> (Vec<usize>, usize) {
        let mut words = Vec::new();
        let beyond = follow(&self.range(), &self.layout, |word| {
            assert_eq!(self.words[(word.at - self.at(0)) / WORD], word.value);
            words.push((word.at - self.at(0)) / WORD);
            true
        });
        (words, (beyond - self.at(0)) / WORD)
    }
}

#[test]
fn compiled_frames_are_followed_by_their_size() {
    let mut stack = Stack::new(64);
    stack.returns_to_compiled(0);
    stack.returns_to_compiled(COMPILED);
    // The next one returns to code that nobody knows; the word before it may be a frame pointer.
    assert_eq!(
        stack.followed(),
        (vec![0, COMPILED, 2 * COMPILED], 2 * COMPILED - 1)
    );
}

#[test]
fn interpreted_frames_are_followed_by_their_base() {
    let mut stack = Stack::new(64);
    stack.returns_to_compiled(0);
    stack.returns_to_interpreted(COMPILED, 20, 24);
    stack.returns_to_interpreted(21, 40, 50);
    let (words, beyond) = stack.followed();
    let frame = |return_address: usize, base: usize| {
        let own = [return_address, return_address - 1];
        own.into_iter().chain(base - FIXED..base + 1)
    };
    let expected = [0].into_iter().chain(frame(6, 20)).chain(frame(21, 40));
    assert_eq!(words, expected.chain([41]).collect::<Vec<_>>());
    assert_eq!(beyond, 40);
}

#[test]
fn a_frame_that_is_not_as_it_should_be_ends_the_way() {
    for (word, value) in [
        // The base lies before the return address, or beyond the stack.
        (5, "before"),
        (5, "beyond"),
        // Something is on the frame that may be a monitor.
        (20 - FIXED, "before"),
        // The caller's frame lies inside of this one, or beyond the stack.
        (19, "before"),
        (19, "beyond"),
    ] {
        let mut stack = Stack::new(64);
        stack.returns_to_compiled(0);
        stack.returns_to_interpreted(COMPILED, 20, 24);
        stack.words[word] = match value {
            "before" => stack.at(2),
            _ => stack.range().end + 800,
        };
        let (words, beyond) = stack.followed();
        assert!(!words.contains(&21), "{word} {value}");
        assert_eq!(beyond, COMPILED - 1, "{word} {value}");
    }
}

#[test]
fn whoever_has_no_room_for_a_word_gets_no_more() {
    let mut stack = Stack::new(64);
    for frame in 0..5 {
        stack.returns_to_compiled(frame * COMPILED);
    }
    let mut room = 3;
    let beyond = follow(&stack.range(), &stack.layout, |_| {
        room -= 1;
        room >= 0
    });
    assert_eq!(beyond, stack.at(3 * COMPILED - 1));
}
