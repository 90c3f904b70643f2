//! Runs a program over data.

use super::budget::{BYTES, Budget};
use super::format;
use super::program::{Callee, Op, Program};
use super::reflected::Reflected;
use super::weight::weigh;
use super::{SecretSource, SecretValues, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Templates that call templates.
const CALLS: usize = 100;

/// Renders `program` over `data`.
pub(super) fn run(program: &Program, data: &Value, secrets: &SecretValues) -> Result<String, String> {
    let budget = Budget::new();
    budget.spend(weigh(data)?)?;
    let data = Reflected::of(data.clone());
    let mut machine = Machine {
        program,
        secrets,
        budget,
        output: String::new(),
        stack: Vec::new(),
        variables: vec![Some(data.clone())],
        dots: vec![data],
        loops: Vec::new(),
        calls: Vec::new(),
        base: 0,
    };
    machine.run()?;
    Ok(machine.output)
}

struct Machine<'p> {
    program: &'p Program,
    secrets: &'p SecretValues,
    budget: Budget,
    output: String,
    stack: Vec<Reflected>,
    /// Of all calls; `base` is where those of the innermost begin.
    variables: Vec<Option<Reflected>>,
    base: usize,
    /// `.`, innermost last.
    dots: Vec<Reflected>,
    loops: Vec<Loop>,
    calls: Vec<Call<'p>>,
}

/// A loop that is running.
struct Loop {
    items: Items,
    next: usize,
    /// How many dots there were before it.
    dots: usize,
}

enum Items {
    List(Arc<Vec<Value>>),
    /// Those that are left, the next one last.
    Map(Vec<(Value, Value)>),
}

/// Where a called template returns to.
struct Call<'p> {
    ops: &'p [Op],
    next: usize,
    base: usize,
}

impl<'p> Machine<'p> {
    fn run(&mut self) -> Result<(), String> {
        let mut ops: &'p [Op] = &self.program.main;
        let mut next = 0;
        loop {
            let Some(op) = ops.get(next) else {
                let Some(call) = self.calls.pop() else {
                    return Ok(());
                };
                self.dots.pop();
                self.variables.truncate(self.base);
                self.base = call.base;
                (ops, next) = (call.ops, call.next);
                continue;
            };
            self.budget.spend(1)?;
            next += 1;
            match op {
                Op::Jump(to) | Op::Continue(to) => next = *to,
                Op::JumpUnless(to) => {
                    if !self.take().truth() {
                        next = *to;
                    }
                }
                Op::Skip(ahead) => next += ahead,
                Op::ShortCircuit(wanted, ahead) => {
                    if self.top().truth() == *wanted {
                        next += ahead - 1;
                    } else {
                        self.take();
                    }
                }
                Op::With(to) => {
                    let value = self.take();
                    if value.truth() {
                        self.dots.push(value);
                    } else {
                        next = *to;
                    }
                }
                Op::Range(to) => {
                    if !self.range()? {
                        next = *to;
                    }
                }
                Op::Round { end, item, key, kept } => {
                    self.variables.truncate(self.base + kept);
                    if !self.round(*item, *key) {
                        next = *end;
                    }
                }
                Op::Break(to) => {
                    self.end_loop();
                    next = *to;
                }
                Op::Template(name) => {
                    let Some(body) = self.program.defined.get(name) else {
                        return Err(format!("template {} not defined", format::quote(name)));
                    };
                    if self.calls.len() >= CALLS {
                        return Err(format!("exceeded maximum template depth ({CALLS})"));
                    }
                    let dot = self.take();
                    self.calls.push(Call { ops, next, base: self.base });
                    self.base = self.variables.len();
                    self.variables.push(Some(dot.clone()));
                    self.dots.push(dot);
                    (ops, next) = (body, 0);
                }
                other => self.value_op(other)?,
            }
        }
    }

    /// Instructions that only concern values.
    fn value_op(&mut self, op: &Op) -> Result<(), String> {
        match op {
            Op::Text(text) => self.write(text)?,
            Op::Print => {
                let value = self.take();
                self.print(&value)?;
            }
            Op::Constant(value) => self.stack.push(Reflected::Held(value.clone(), false)),
            Op::Nil => self.stack.push(Reflected::Invalid),
            Op::Dot => self.stack.push(self.dots.last().cloned().unwrap_or(Reflected::Invalid)),
            Op::Variable(slot, name) => match self.variables.get(self.base + slot) {
                Some(Some(value)) => self.stack.push(value.clone()),
                _ => return Err(format!("undefined variable: {name}")),
            },
            Op::Field(name, arguments) => {
                let field = self.take().field(name, *arguments)?;
                self.stack.push(field);
            }
            Op::Unwrap => {
                let value = self.take().unwrapped();
                self.stack.push(value);
            }
            Op::Secret(source) => {
                let value = secret(&self.secrets.0, source)?;
                self.stack.push(Reflected::Held(value, false));
            }
            Op::Call { callee, name, count, piped } => {
                let result = self.call(*callee, name, *count, *piped)?;
                self.stack.push(result);
            }
            Op::DropBelow => {
                let value = self.take();
                self.take();
                self.stack.push(value);
            }
            Op::Declare(slot) | Op::Assign(slot) => {
                let value = self.top().clone();
                self.set(*slot, value);
            }
            Op::Pop => {
                self.take();
            }
            Op::LeaveWith => {
                self.dots.pop();
            }
            Op::Forget(kept) => self.variables.truncate(self.base + kept),
            Op::Fail(what) => return Err(what.to_string()),
            other => unreachable!("run() follows jumps: {other:?}"),
        }
        Ok(())
    }

    fn call(&mut self, callee: Callee, name: &str, count: usize, piped: bool) -> Result<Reflected, String> {
        let calling = |error| format!("error calling {name}: {error}");
        let mut arguments = self.stack.split_off(self.stack.len() - count);
        if piped {
            arguments.push(self.take());
        }
        match callee {
            Callee::Builtin(builtin) => {
                builtin.accepts(&arguments)?;
                (builtin.run)(&arguments, &self.budget).map_err(calling)
            }
            Callee::Function(function) => {
                let values: Vec<_> = arguments.iter().map(Reflected::value).collect();
                for value in &values {
                    self.budget.spend(weigh(value)?)?;
                }
                let result = function(&values, &self.budget).map_err(calling)?;
                // What follows may rely on its depth and size.
                self.budget.spend(weigh(&result).map_err(calling)?)?;
                Ok(Reflected::of(result))
            }
        }
    }

    /// Begins to range over the top; `false` if there is nothing.
    fn range(&mut self) -> Result<bool, String> {
        let items = match self.take() {
            Reflected::Invalid => return Ok(false),
            Reflected::Held(Value::List(items), _) => Items::List(items),
            Reflected::Held(Value::Map(entries), _) => {
                self.budget.spend(entries.len())?;
                Items::Map(entries.iter().rev().map(|(key, value)| (Value::text(key), value.clone())).collect())
            }
            Reflected::NilInterface | Reflected::NilPointer(_) => {
                return Err("range can't iterate over <nil>".to_owned());
            }
            Reflected::Held(value, _) => {
                return Err(format!("range can't iterate over {}", format::brief(&value)));
            }
        };
        let empty = match &items {
            Items::List(items) => items.is_empty(),
            Items::Map(entries) => entries.is_empty(),
        };
        if empty {
            return Ok(false);
        }
        self.loops.push(Loop { items, next: 0, dots: self.dots.len() });
        Ok(true)
    }

    /// The next round of the innermost loop; `false` if it is over, and then it is ended.
    fn round(&mut self, item: Option<usize>, key: Option<usize>) -> bool {
        let current = self.loops.last_mut().expect("a round belongs to a loop");
        self.dots.truncate(current.dots);
        let index = current.next;
        current.next += 1;
        let found = match &mut current.items {
            Items::List(items) => items.get(index).map(|value| (Value::Int(index as i64), value.clone())),
            Items::Map(entries) => entries.pop(),
        };
        let Some((position, value)) = found else {
            self.end_loop();
            return false;
        };
        let value = Reflected::element(value);
        if let Some(slot) = item {
            self.set(slot, value.clone());
        }
        if let Some(slot) = key {
            self.set(slot, Reflected::Held(position, false));
        }
        self.dots.push(value);
        true
    }

    fn end_loop(&mut self) {
        if let Some(ended) = self.loops.pop() {
            self.dots.truncate(ended.dots);
        }
    }

    fn set(&mut self, slot: usize, value: Reflected) {
        let slot = self.base + slot;
        if self.variables.len() <= slot {
            self.variables.resize(slot + 1, None);
        }
        self.variables[slot] = Some(value);
    }

    fn take(&mut self) -> Reflected {
        self.stack.pop().expect("the parser counts the values that an instruction takes")
    }

    fn top(&self) -> &Reflected {
        self.stack.last().expect("the parser counts the values that an instruction takes")
    }

    fn print(&mut self, value: &Reflected) -> Result<(), String> {
        match value {
            Reflected::Invalid => self.write("<no value>"),
            Reflected::NilInterface | Reflected::NilPointer(_) => self.write("<nil>"),
            Reflected::Held(Value::Text(text), _) => self.write(text),
            Reflected::Held(value, _) => self.write(&format::to_text(value)),
        }
    }

    fn write(&mut self, text: &str) -> Result<(), String> {
        if self.output.len() + text.len() > BYTES {
            return Err("the template's output is longer than 1 MiB".to_owned());
        }
        self.output.push_str(text);
        Ok(())
    }
}

/// What `env` or `file` gives.
fn secret(values: &BTreeMap<SecretSource, Result<String, String>>, source: &SecretSource) -> Result<Value, String> {
    let name = match source {
        SecretSource::Env(name) => format!("env \"{name}\""),
        SecretSource::File(path) => format!("file \"{path}\""),
    };
    match values.get(source) {
        Some(Ok(value)) => Ok(Value::text(value)),
        Some(Err(error)) => Err(format!("{name}: {error}")),
        None => Err(format!("{name}: it was not read at the start of the run")),
    }
}
