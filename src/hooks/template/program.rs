//! What a template is turned into: instructions for a machine with a stack of values.
//!
//! A flat program needs no recursion to run or to drop, so that no template can exhaust the thread's stack.

use super::SecretSource;
use super::Value;
use super::builtins::Builtin;
use super::functions::Function;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A template and those that it defines.
#[derive(Debug, Clone, Default)]
pub(super) struct Program {
    /// The template itself.
    pub(super) main: Vec<Op>,
    /// What `define` and `block` name.
    pub(super) defined: BTreeMap<Arc<str>, Arc<[Op]>>,
}

/// What a name in a template calls.
#[derive(Debug, Clone, Copy)]
pub(super) enum Callee {
    /// One of Go's own, or of ours that need the evaluator's view of a value.
    Builtin(&'static Builtin),
    /// One of `functions`.
    Function(Function),
}

/// An instruction. "Takes" and "puts" mean the stack of values.
#[derive(Debug, Clone)]
pub(super) enum Op {
    /// Writes text.
    Text(Box<str>),
    /// Takes a value and writes it.
    Print,
    /// Puts a constant.
    Constant(Value),
    /// Puts `nil`.
    Nil,
    /// Puts `.`.
    Dot,
    /// Puts a variable, by its place among those of its template.
    Variable(usize, Arc<str>),
    /// Takes a value, puts its field; the flag says that the template hands it arguments.
    Field(Arc<str>, bool),
    /// Takes a value out of the map or list it came from: the end of each command.
    Unwrap,
    /// Puts what `env` or `file` names.
    Secret(SecretSource),
    /// Takes the arguments, puts the result.
    Call {
        /// What is called.
        callee: Callee,
        /// By this name.
        name: Arc<str>,
        /// The values on top that are its arguments.
        count: usize,
        /// Whether the value below them is its last argument.
        piped: bool,
    },
    /// Removes the value below the top.
    DropBelow,
    /// Jumps so far ahead if the truth of the top is this, else removes it: `and`, `or`.
    ShortCircuit(bool, usize),
    /// Jumps so far ahead within an expression.
    Skip(usize),
    /// Gives a new variable the top.
    Declare(usize),
    /// Gives a variable the top.
    Assign(usize),
    /// Removes the top.
    Pop,
    /// Continues there.
    Jump(usize),
    /// Takes a value, continues there unless it is true.
    JumpUnless(usize),
    /// Takes a value, makes it `.` if it is true, else continues there.
    With(usize),
    /// Restores `.` as it was before `With`.
    LeaveWith,
    /// Takes a value and begins to range over it; if it is empty, continues there.
    Range(usize),
    /// The next round, with the variables of item and key; if none is left, ends the loop and continues there.
    Round {
        /// Behind the loop.
        end: usize,
        /// The variable that gets the item.
        item: Option<usize>,
        /// The variable that gets the index or the key.
        key: Option<usize>,
        /// How many variables there are at the beginning of a round.
        kept: usize,
    },
    /// Ends the innermost loop and continues there.
    Break(usize),
    /// Continues there with the innermost loop's next round.
    Continue(usize),
    /// Forgets all variables but so many.
    Forget(usize),
    /// Takes a value and runs a defined template over it.
    Template(Arc<str>),
    /// Says what is wrong.
    Fail(Box<str>),
}
