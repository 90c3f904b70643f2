//! Pipelines: `$x := command | command`, their commands and operands, turned into instructions.

use super::builtins;
use super::functions;
use super::literal::{self, Number};
use super::parser::{NESTING, Parser};
use super::program::{Callee, Op};
use super::token::{Kind, Token};
use super::{ParseError, SecretSource, Trust, Value};
use std::sync::Arc;

/// A pipeline: its instructions leave one value.
#[derive(Debug)]
pub(super) struct Pipeline {
    /// The instructions.
    pub(super) ops: Vec<Op>,
    /// Whether it gives its value to variables.
    pub(super) declares: bool,
    /// The variables of a `range`.
    pub(super) slots: Vec<usize>,
    /// Whether it is a constant or ends in `shquote`.
    pub(super) harmless: bool,
}

/// A pipeline whose end has not come yet.
struct Frame<'k> {
    context: &'static str,
    end: &'k Kind,
    start: Token,
    names: Vec<Token>,
    assigns: bool,
    ops: Vec<Op>,
    commands: usize,
    harmless: bool,
    command: Option<Vec<Operand>>,
}

#[derive(Debug)]
struct Operand {
    kind: Term,
    /// What puts its value; nothing for functions.
    ops: Vec<Op>,
    token: Token,
    /// As it was written.
    text: String,
}

#[derive(Debug)]
enum Term {
    Dot,
    Nil,
    /// A number, `true`, `false`.
    Constant,
    Text(String),
    /// `.a.b`, or anything with a field behind it.
    Field,
    Variable,
    Function(Arc<str>),
    /// In parentheses; whether it is harmless.
    Pipeline(bool),
}

impl Operand {
    /// Whether it can only stand at the beginning of a pipeline.
    fn is_constant(&self) -> bool {
        matches!(self.kind, Term::Dot | Term::Nil | Term::Constant | Term::Text(_))
    }
}

impl Parser<'_> {
    /// Parses up to `end`.
    pub(super) fn pipeline(&mut self, context: &str, end: &Kind) -> Result<Pipeline, ParseError> {
        let context = ["if", "with", "range", "block clause", "template clause"]
            .into_iter()
            .find(|known| *known == context)
            .unwrap_or("command");
        let mut stack = vec![self.frame(context, end)?];
        loop {
            let top = stack.last_mut().expect("the innermost pipeline is returned from below");
            let Some(operands) = &mut top.command else {
                let mark = self.mark();
                let token = self.next_word();
                if token.kind == *top.end {
                    let frame = stack.pop().expect("it is the top");
                    let start = frame.start.clone();
                    let pipeline = self.finish_pipeline(frame, &token)?;
                    let Some(outer) = stack.last_mut() else {
                        return Ok(pipeline);
                    };
                    let text = self.source[start.start..token.start].trim().to_owned();
                    let operand =
                        Operand { kind: Term::Pipeline(pipeline.harmless), ops: pipeline.ops, token: start, text };
                    let operand = self.chain(operand)?;
                    outer.command.as_mut().expect("a parenthesis stands in a command").push(operand);
                    self.after_operand(outer)?;
                } else if token.kind.begins_operand() {
                    self.reset(mark);
                    top.command = Some(Vec::new());
                } else {
                    return Err(self.unexpected(&token, top.context));
                }
                continue;
            };
            let mark = self.mark();
            let token = self.next_word();
            if token.kind == Kind::LeftParen {
                if stack.len() > NESTING {
                    return Err(self.wrong(&token, format!("parentheses are nested more than {NESTING} deep")));
                }
                let frame = self.frame("parenthesized pipeline", &Kind::RightParen)?;
                stack.push(frame);
                continue;
            }
            if token.kind.begins_operand() {
                let operand = self.term(&token)?;
                operands.push(self.chain(operand)?);
            } else {
                self.reset(mark);
                while self.peek().kind == Kind::Space {
                    self.next();
                }
            }
            self.after_operand(top)?;
        }
    }

    fn frame<'k>(&mut self, context: &'static str, end: &'k Kind) -> Result<Frame<'k>, ParseError> {
        let mark = self.mark();
        let start = self.next_word();
        self.reset(mark);
        let mut names = Vec::new();
        let mut assigns = false;
        loop {
            let mark = self.mark();
            let name = self.next_word();
            if name.kind != Kind::Variable {
                self.reset(mark);
                break;
            }
            let next = self.next_word();
            match next.kind {
                Kind::Assign | Kind::Declare => {
                    assigns = next.kind == Kind::Assign;
                    names.push(name);
                    break;
                }
                Kind::Comma => {
                    names.push(name);
                    if context != "range" || names.len() > 1 {
                        return Err(self.wrong(&next, format!("too many declarations in {context}")));
                    }
                    let mark = self.mark();
                    let token = self.next_word();
                    self.reset(mark);
                    if !matches!(token.kind, Kind::Variable | Kind::RightDelimiter | Kind::RightParen) {
                        return Err(self.wrong(&token, "range can only initialize variables".to_owned()));
                    }
                }
                _ => {
                    self.reset(mark);
                    break;
                }
            }
        }
        Ok(Frame { context, end, start, names, assigns, ops: Vec::new(), commands: 0, harmless: false, command: None })
    }

    /// What may stand behind an operand: another one, or the command's end.
    fn after_operand(&mut self, frame: &mut Frame<'_>) -> Result<(), ParseError> {
        let mark = self.mark();
        let token = self.next();
        match token.kind {
            Kind::Space => return Ok(()),
            Kind::RightDelimiter | Kind::RightParen => self.reset(mark),
            Kind::Pipe => {}
            _ => return Err(self.unexpected(&token, "operand")),
        }
        let operands = frame.command.take().unwrap_or_default();
        let Some(first) = operands.first() else {
            return Err(self.wrong(&token, "empty command".to_owned()));
        };
        if frame.commands > 0 && first.is_constant() {
            let what = format!("non executable command in pipeline stage {}", frame.commands + 1);
            return Err(self.wrong(&first.token, what));
        }
        let piped = frame.commands > 0;
        frame.harmless = match &first.kind {
            Term::Function(name) => &**name == "shquote",
            Term::Constant | Term::Text(_) => operands.len() == 1,
            Term::Pipeline(harmless) => *harmless && operands.len() == 1 && !piped,
            _ => false,
        };
        let ops = self.command(operands, piped)?;
        frame.ops.extend(ops);
        frame.ops.push(Op::Unwrap);
        frame.commands += 1;
        Ok(())
    }

    fn finish_pipeline(&mut self, frame: Frame<'_>, end: &Token) -> Result<Pipeline, ParseError> {
        if frame.commands == 0 {
            return Err(self.wrong(end, format!("missing value for {}", frame.context)));
        }
        let mut ops = frame.ops;
        let mut slots = Vec::new();
        for token in &frame.names {
            let name = self.text(token);
            let slot = if frame.assigns {
                self.variable(name).ok_or_else(|| self.wrong(token, format!("undefined variable \"{name}\"")))?
            } else {
                self.declare(name)
            };
            slots.push(slot);
            match frame.assigns {
                // Its rounds assign to it, not its whole list.
                true if frame.context == "range" => {}
                true => ops.push(Op::Assign(slot)),
                false => ops.push(Op::Declare(slot)),
            }
        }
        Ok(Pipeline { ops, declares: !frame.names.is_empty(), slots, harmless: frame.harmless })
    }

    fn term(&mut self, token: &Token) -> Result<Operand, ParseError> {
        let text = self.text(token);
        let wrong = |what: String| self.wrong(token, what);
        let constant = |value| (Term::Constant, vec![Op::Constant(value)]);
        let (kind, ops) = match token.kind {
            Kind::Bool => constant(Value::Bool(text == "true")),
            Kind::Character => constant(Value::Int(literal::character(text).map_err(wrong)?)),
            Kind::Number => match literal::number(text).map_err(wrong)? {
                Number::Int(number) => constant(Value::Int(number)),
                Number::Float(number) => constant(Value::Float(number)),
                Number::TooLarge => (Term::Constant, vec![Op::Fail(format!("{text} overflows int").into())]),
            },
            Kind::Complex => return Err(wrong(format!("complex numbers are not supported: {text}"))),
            Kind::Quoted | Kind::Raw => {
                let text = literal::text(text).map_err(wrong)?;
                (Term::Text(text.clone()), vec![Op::Constant(Value::text(&text))])
            }
            Kind::Dot => (Term::Dot, vec![Op::Dot]),
            Kind::Nil => (Term::Nil, vec![Op::Nil]),
            Kind::Field => (Term::Field, vec![Op::Dot, Op::Field(Arc::from(&text[1..]), false)]),
            Kind::Variable => match self.variable(text) {
                Some(slot) => (Term::Variable, vec![Op::Variable(slot, Arc::from(text))]),
                None => return Err(self.wrong(token, format!("undefined variable \"{text}\""))),
            },
            Kind::Identifier => {
                self.known(token)?;
                (Term::Function(Arc::from(text)), Vec::new())
            }
            _ => return Err(self.unexpected(token, "operand")),
        };
        Ok(Operand { kind, ops, token: token.clone(), text: text.to_owned() })
    }

    /// Whether a function's name is one.
    fn known(&self, token: &Token) -> Result<(), ParseError> {
        let name = self.text(token);
        if is_secret(name) {
            return match self.trust {
                Trust::Own => Ok(()),
                Trust::Imported => Err(self.wrong(
                    token,
                    format!("function \"{name}\" not defined: secrets exist in the operator's own hooks file only"),
                )),
            };
        }
        callee(name)
            .map(|_| ())
            .ok_or_else(|| self.wrong(token, format!("function {} not defined", super::format::quote(name))))
    }

    /// Fields that follow an operand without a space.
    fn chain(&mut self, mut operand: Operand) -> Result<Operand, ParseError> {
        if self.peek().kind != Kind::Field {
            return Ok(operand);
        }
        if operand.is_constant() {
            let shown = super::format::quote(&operand.text);
            return Err(self.wrong(&operand.token, format!("unexpected . after term {shown}")));
        }
        if let Term::Function(name) = &operand.kind {
            operand.ops = self.call(&name.clone(), &operand.token, Vec::new(), false)?;
        }
        while self.peek().kind == Kind::Field {
            let token = self.next();
            let field = self.text(&token);
            operand.ops.push(Op::Field(Arc::from(&field[1..]), false));
            operand.text.push_str(field);
        }
        operand.kind = Term::Field;
        Ok(operand)
    }

    /// What puts the value of a command; if it is piped into, the top is its last argument.
    fn command(&mut self, operands: Vec<Operand>, piped: bool) -> Result<Vec<Op>, ParseError> {
        let mut operands = operands.into_iter();
        let Some(first) = operands.next() else {
            return Ok(Vec::new());
        };
        let arguments: Vec<_> = operands.collect();
        let handed = piped || !arguments.is_empty();
        let mut ops = first.ops;
        match first.kind {
            Term::Function(name) => {
                ops = self.call(&name, &first.token, arguments, piped)?;
            }
            Term::Field => {
                if let Some(Op::Field(_, has_arguments)) = ops.last_mut() {
                    *has_arguments = handed;
                }
                if piped {
                    ops.push(Op::DropBelow);
                }
            }
            _ if handed => {
                ops = vec![Op::Fail(format!("can't give argument to non-function {}", first.text).into())];
            }
            Term::Nil => ops = vec![Op::Fail("nil is not a command".into())],
            _ => {}
        }
        Ok(ops)
    }

    fn call(
        &mut self,
        name: &Arc<str>,
        token: &Token,
        arguments: Vec<Operand>,
        piped: bool,
    ) -> Result<Vec<Op>, ParseError> {
        if is_secret(name) {
            let [Operand { kind: Term::Text(text), .. }] = arguments.as_slice() else {
                return Err(self.needs_literal(name, token));
            };
            if piped || text.is_empty() {
                return Err(self.needs_literal(name, token));
            }
            let source = match &**name {
                "env" => SecretSource::Env(text.clone()),
                _ => SecretSource::File(text.clone()),
            };
            if !self.parsed.secrets.contains(&source) {
                self.parsed.secrets.push(source.clone());
            }
            return Ok(vec![Op::Secret(source)]);
        }
        let callee = callee(name)
            .ok_or_else(|| self.wrong(token, format!("function {} not defined", super::format::quote(name))))?;
        let count = arguments.len();
        // Sprig's functions that change a mapping: the variable that holds it has the result from then on.
        let changed = arguments
            .first()
            .filter(|first| matches!(first.kind, Term::Variable) && functions::changes_its_first(name))
            .and_then(|first| self.variable(&first.text));
        if let Callee::Builtin(builtin) = callee
            && let Some(what) = builtin.refuses(count, piped)
        {
            return Ok(vec![Op::Fail(what.into())]);
        }
        if let ("printf", Some(first)) = (&**name, arguments.first()) {
            let what = match &first.kind {
                Term::Constant => Some(format!("expected string; found {}", first.text)),
                Term::Nil => Some("cannot assign nil to string".to_owned()),
                _ => None,
            };
            if let Some(what) = what {
                return Ok(vec![Op::Fail(what.into())]);
            }
        }
        let mut codes = Vec::with_capacity(count);
        for argument in arguments {
            codes.push(match &argument.kind {
                Term::Function(name) => self.call(name, &argument.token, Vec::new(), false)?,
                _ => argument.ops,
            });
        }
        Ok(match &**name {
            "and" => short_circuit(codes, piped, false),
            "or" => short_circuit(codes, piped, true),
            _ => {
                let mut ops: Vec<_> = codes.into_iter().flatten().collect();
                ops.push(Op::Call { callee, name: name.clone(), count, piped });
                ops.extend(changed.map(Op::Assign));
                ops
            }
        })
    }

    fn needs_literal(&self, name: &str, token: &Token) -> ParseError {
        let example = if name == "env" { "SLACK_WEBHOOK_URL" } else { "/run/secrets/slack" };
        self.wrong(
            token,
            format!("{name} takes one text in quotes, as in {{{{ {name} \"{example}\" }}}}: it is read before the run"),
        )
    }
}

fn is_secret(name: &str) -> bool {
    matches!(name, "env" | "file")
}

fn callee(name: &str) -> Option<Callee> {
    builtins::find(name).map(Callee::Builtin).or_else(|| functions::find(name).map(Callee::Function))
}

/// `and` (the first that is not true, else the last) and `or` (the first that is true, else the last).
fn short_circuit(codes: Vec<Vec<Op>>, piped: bool, wanted: bool) -> Vec<Op> {
    let mut ops = Vec::new();
    let mut exits = Vec::new();
    let count = codes.len();
    for (index, code) in codes.into_iter().enumerate() {
        ops.extend(code);
        if piped || index + 1 < count {
            exits.push(ops.len());
            ops.push(Op::ShortCircuit(wanted, 0));
        }
    }
    if piped {
        ops.push(Op::Skip(1));
    }
    let end = ops.len();
    for exit in exits {
        if let Op::ShortCircuit(_, ahead) = &mut ops[exit] {
            *ahead = end - exit;
        }
    }
    if piped {
        ops.push(Op::DropBelow);
    }
    ops
}
