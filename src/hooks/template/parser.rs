//! From words to a program: texts, actions, blocks and definitions.
//!
//! Blocks that are open are kept in a list rather than in the parser's own calls: a deep template must not exhaust the
//! thread's stack.

use super::lexer::lex;
use super::literal;
use super::pipeline::Pipeline;
use super::program::{Op, Program};
use super::token::{Kind, Token};
use super::{Block, ParseError, Piece, Printed, SecretSource, Trust, Value};
use std::cell::Cell;
use std::sync::Arc;

/// Blocks within blocks, and parentheses within parentheses.
pub(super) const NESTING: usize = 100;

/// All that parsing finds out.
#[derive(Debug, Clone, Default)]
pub(super) struct Parsed {
    /// What is run.
    pub(super) program: Program,
    /// Every `env` and `file`.
    pub(super) secrets: Vec<SecretSource>,
    /// Its texts, actions and blocks in the order of the source.
    pub(super) pieces: Vec<Piece>,
}

/// Parses `source`.
pub(super) fn parse(source: &str, trust: Trust) -> Result<Parsed, ParseError> {
    let mut parser = Parser {
        source,
        trust,
        tokens: lex(source),
        at: 0,
        drafts: vec![Draft::new(None)],
        parsed: Parsed::default(),
        last_place: Cell::new((0, 1, 1)),
    };
    parser.run()?;
    Ok(parser.parsed)
}

pub(super) struct Parser<'a> {
    pub(super) source: &'a str,
    pub(super) trust: Trust,
    tokens: Vec<Token>,
    at: usize,
    drafts: Vec<Draft>,
    pub(super) parsed: Parsed,
    /// The place that was asked for last, with its line and column: those that follow are counted from there.
    last_place: Cell<(usize, usize, usize)>,
}

/// A template that is being parsed.
struct Draft {
    name: Option<Name>,
    ops: Vec<Op>,
    /// The variables in sight, `$` first.
    variables: Vec<Arc<str>>,
    open: Vec<Open>,
    /// Whether it is nothing but white space so far.
    blank: bool,
}

struct Name {
    text: Arc<str>,
    /// `define clause`, `block clause`.
    context: &'static str,
    /// Where it begins, in bytes.
    start: usize,
}

/// A block that is open.
struct Open {
    kind: Control,
    /// Where it begins, in bytes.
    start: usize,
    /// How many variables there were before it.
    variables: usize,
    /// The instruction that jumps over the part that is being parsed.
    condition: Option<usize>,
    /// Jumps to its end.
    ends: Vec<usize>,
    has_else: bool,
}

enum Control {
    If,
    With,
    /// Where its rounds begin, and the `break`s so far.
    Range(usize, Vec<usize>),
}

impl Draft {
    fn new(name: Option<Name>) -> Self {
        Self { name, ops: Vec::new(), variables: vec![Arc::from("$")], open: Vec::new(), blank: true }
    }

    /// Lets the jump at `op` lead to what comes next.
    fn land(&mut self, op: usize) {
        let here = self.ops.len();
        match &mut self.ops[op] {
            Op::Jump(to)
            | Op::JumpUnless(to)
            | Op::With(to)
            | Op::Range(to)
            | Op::Break(to)
            | Op::Round { end: to, .. } => *to = here,
            other => unreachable!("only jumps land: {other:?}"),
        }
    }

    /// Ends the part of a block between its head and its `else` or `end`.
    fn leave(&mut self, open: &mut Open) {
        if open.has_else {
            return;
        }
        match &open.kind {
            Control::If => {}
            Control::With => self.ops.push(Op::LeaveWith),
            Control::Range(round, breaks) => {
                self.ops.push(Op::Jump(*round));
                self.land(*round);
                for exit in breaks {
                    self.land(*exit);
                }
            }
        }
    }
}

impl<'a> Parser<'a> {
    fn run(&mut self) -> Result<(), ParseError> {
        loop {
            let token = self.next_word();
            match token.kind {
                Kind::Text => {
                    let text = &self.source[token.start..token.end];
                    let draft = self.draft();
                    draft.blank &= text.trim().is_empty();
                    draft.ops.push(Op::Text(text.into()));
                    self.parsed.pieces.push(Piece::Text(text.into()));
                }
                Kind::LeftDelimiter => self.action(&token)?,
                Kind::Eof => return self.finish(&token),
                _ => return Err(self.unexpected(&token, "input")),
            }
        }
    }

    fn finish(&mut self, end: &Token) -> Result<(), ParseError> {
        let draft = self.drafts.last().expect("the template itself is a draft");
        let open = draft.open.last().map(|open| open.start).or(draft.name.as_ref().map(|name| name.start));
        if let Some(start) = open {
            let (line, column) = self.place(start);
            let action = self.action_at(start);
            return Err(self
                .wrong(end, format!("unexpected EOF: {action} of line {line}, column {column}, has no {{{{end}}}}")));
        }
        let draft = self.drafts.pop().expect("the template itself is a draft");
        self.parsed.program.main = draft.ops;
        Ok(())
    }

    fn action(&mut self, delimiter: &Token) -> Result<(), ParseError> {
        let before = self.at;
        let token = self.next_word();
        if !matches!(token.kind, Kind::Define | Kind::End) {
            self.draft().blank = false;
        }
        match token.kind {
            Kind::Define if self.drafts.len() == 1 && self.draft().open.is_empty() => self.define(delimiter),
            Kind::Block => self.block(delimiter),
            Kind::Template => self.template(delimiter),
            Kind::If | Kind::With | Kind::Range => self.open(delimiter, &token),
            Kind::Else => self.otherwise(&token),
            Kind::End => self.end(delimiter),
            Kind::Break | Kind::Continue => self.leave_loop(&token),
            _ => {
                self.at = before;
                let pipeline = self.pipeline("command", &Kind::RightDelimiter)?;
                self.print(delimiter, pipeline);
                Ok(())
            }
        }
    }

    fn print(&mut self, delimiter: &Token, pipeline: Pipeline) {
        let prints = !pipeline.declares;
        if prints {
            let piece = match constant(&pipeline) {
                Some(text) => Piece::Text(text),
                None => Piece::Printed(self.printed(delimiter, pipeline.harmless)),
            };
            self.parsed.pieces.push(piece);
        }
        let ops = &mut self.draft().ops;
        ops.extend(pipeline.ops);
        ops.push(if prints { Op::Print } else { Op::Pop });
    }

    /// The action that has just been read.
    fn printed(&self, delimiter: &Token, quoted: bool) -> Printed {
        let (line, column) = self.place(delimiter.start);
        let action = self.source[delimiter.start..self.tokens[self.at - 1].end].to_owned();
        Printed { line, column, action, quoted }
    }

    fn define(&mut self, delimiter: &Token) -> Result<(), ParseError> {
        let context = "define clause";
        let name = self.name(context)?;
        self.expect(&Kind::RightDelimiter, context)?;
        self.drafts.push(Draft::new(Some(Name { text: name, context, start: delimiter.start })));
        self.parsed.pieces.push(Piece::Begin(Block::Define));
        Ok(())
    }

    fn block(&mut self, delimiter: &Token) -> Result<(), ParseError> {
        let context = "block clause";
        let name = self.name(context)?;
        let pipeline = self.pipeline(context, &Kind::RightDelimiter)?;
        let ops = &mut self.draft().ops;
        ops.extend(pipeline.ops);
        ops.push(Op::Template(name.clone()));
        if self.drafts.len() > NESTING {
            return Err(self.wrong(delimiter, format!("blocks are nested more than {NESTING} deep")));
        }
        self.drafts.push(Draft::new(Some(Name { text: name, context, start: delimiter.start })));
        // What it prints stands here, and wherever its name is called.
        self.parsed.pieces.push(Piece::Begin(Block::Choice));
        Ok(())
    }

    fn template(&mut self, delimiter: &Token) -> Result<(), ParseError> {
        let context = "template clause";
        let name = self.name(context)?;
        let before = self.at;
        let mut ops = vec![Op::Nil];
        if self.next_word().kind != Kind::RightDelimiter {
            self.at = before;
            ops = self.pipeline(context, &Kind::RightDelimiter)?.ops;
        }
        ops.push(Op::Template(name));
        self.draft().ops.extend(ops);
        let call = self.printed(delimiter, true);
        self.parsed.pieces.push(Piece::Called(call));
        Ok(())
    }

    fn name(&mut self, context: &str) -> Result<Arc<str>, ParseError> {
        let token = self.next_word();
        if !matches!(token.kind, Kind::Quoted | Kind::Raw) {
            return Err(self.unexpected(&token, context));
        }
        let name = literal::text(self.text(&token)).map_err(|what| self.wrong(&token, what))?;
        Ok(Arc::from(name))
    }

    fn open(&mut self, delimiter: &Token, token: &Token) -> Result<(), ParseError> {
        if self.draft().open.len() >= NESTING {
            return Err(self.wrong(delimiter, format!("blocks are nested more than {NESTING} deep")));
        }
        let variables = self.draft().variables.len();
        let context = self.text(token);
        let pipeline = self.pipeline(context, &Kind::RightDelimiter)?;
        let draft = self.draft();
        draft.ops.extend(pipeline.ops);
        let condition = draft.ops.len();
        let kind = match token.kind {
            Kind::With => {
                draft.ops.push(Op::With(0));
                Control::With
            }
            Kind::Range => {
                draft.ops.push(Op::Range(0));
                let mut slots = pipeline.slots.into_iter().rev();
                let (item, key) = (slots.next(), slots.next());
                draft.ops.push(Op::Round { end: 0, item, key, kept: draft.variables.len() });
                Control::Range(condition + 1, Vec::new())
            }
            _ => {
                draft.ops.push(Op::JumpUnless(0));
                Control::If
            }
        };
        let block = if matches!(kind, Control::Range(..)) { Block::Loop } else { Block::Choice };
        self.parsed.pieces.push(Piece::Begin(block));
        let start = delimiter.start;
        let draft = self.draft();
        draft.open.push(Open { kind, start, variables, condition: Some(condition), ends: Vec::new(), has_else: false });
        Ok(())
    }

    fn otherwise(&mut self, token: &Token) -> Result<(), ParseError> {
        let before = self.at;
        let else_if = self.next_word().kind == Kind::If;
        if !else_if {
            self.at = before;
            self.expect(&Kind::RightDelimiter, "else")?;
        }
        let Some(mut open) = self.draft().open.pop() else {
            return Err(self.misplaced(token, "{{else}}"));
        };
        if open.has_else {
            return Err(self.wrong(token, "expected end; found {{else}}".to_owned()));
        }
        if else_if && !matches!(open.kind, Control::If) {
            return Err(self.wrong(token, "unexpected <if> in input".to_owned()));
        }
        let draft = self.draft();
        draft.leave(&mut open);
        open.ends.push(draft.ops.len());
        draft.ops.push(Op::Jump(0));
        if let Some(condition) = open.condition.take() {
            draft.land(condition);
        }
        if else_if {
            let pipeline = self.pipeline("if", &Kind::RightDelimiter)?;
            let draft = self.draft();
            draft.ops.extend(pipeline.ops);
            open.condition = Some(draft.ops.len());
            draft.ops.push(Op::JumpUnless(0));
        } else {
            open.has_else = true;
        }
        self.draft().open.push(open);
        self.parsed.pieces.push(Piece::Else);
        Ok(())
    }

    fn end(&mut self, delimiter: &Token) -> Result<(), ParseError> {
        self.expect(&Kind::RightDelimiter, "end")?;
        self.parsed.pieces.push(Piece::End);
        if let Some(mut open) = self.draft().open.pop() {
            let draft = self.draft();
            draft.leave(&mut open);
            // A loop's end must pass by nothing: its `else` runs only if there was no round.
            for jump in open.condition.into_iter().chain(open.ends) {
                draft.land(jump);
            }
            draft.variables.truncate(open.variables);
            draft.ops.push(Op::Forget(open.variables));
            return Ok(());
        }
        if self.drafts.len() == 1 {
            return Err(self.misplaced(delimiter, "{{end}}"));
        }
        let draft = self.drafts.pop().expect("there are two at least");
        let name = draft.name.expect("only the template itself has no name").text;
        let defined = &mut self.parsed.program.defined;
        let blank = |ops: &[Op]| ops.iter().all(|op| matches!(op, Op::Text(text) if text.trim().is_empty()));
        let free = defined.get(&name).is_none_or(|known| blank(known));
        if !free && !draft.blank {
            let shown = super::format::quote(&name);
            return Err(self.wrong(delimiter, format!("template: multiple definition of template {shown}")));
        }
        if free {
            defined.insert(name, draft.ops.into());
        }
        Ok(())
    }

    fn leave_loop(&mut self, token: &Token) -> Result<(), ParseError> {
        let word = self.text(token);
        let after = self.next_word();
        if after.kind != Kind::RightDelimiter {
            return Err(self.unexpected(&after, &format!("{{{{{word}}}}}")));
        }
        let draft = self.draft();
        let here = draft.ops.len();
        // A loop whose `else` is being parsed is over already.
        let innermost =
            draft.open.iter_mut().rev().filter(|open| !open.has_else).find_map(|open| match &mut open.kind {
                Control::Range(round, breaks) => Some((*round, breaks)),
                Control::If | Control::With => None,
            });
        let op = match innermost {
            None => return Err(self.wrong(token, format!("{{{{{word}}}}} outside {{{{range}}}}"))),
            Some((_, breaks)) if token.kind == Kind::Break => {
                breaks.push(here);
                Op::Break(0)
            }
            Some((round, _)) => Op::Continue(round),
        };
        draft.ops.push(op);
        self.parsed.pieces.push(Piece::Leave);
        Ok(())
    }

    fn draft(&mut self) -> &mut Draft {
        self.drafts.last_mut().expect("the template itself is a draft")
    }

    /// The place of a variable that is in sight.
    pub(super) fn variable(&mut self, name: &str) -> Option<usize> {
        self.draft().variables.iter().rposition(|known| &**known == name)
    }

    /// A new variable's place.
    pub(super) fn declare(&mut self, name: &str) -> usize {
        let variables = &mut self.draft().variables;
        variables.push(Arc::from(name));
        variables.len() - 1
    }

    /// The next word, spaces passed over.
    pub(super) fn next_word(&mut self) -> Token {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    /// The next word; the last one stays.
    pub(super) fn next(&mut self) -> Token {
        let token = self.peek().clone();
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
        token
    }

    /// The next word, left where it is.
    pub(super) fn peek(&self) -> &Token {
        &self.tokens[self.at]
    }

    /// Where the parser stands, to come back to.
    pub(super) fn mark(&self) -> usize {
        self.at
    }

    /// Comes back.
    pub(super) fn reset(&mut self, mark: usize) {
        self.at = mark;
    }

    fn expect(&mut self, kind: &Kind, context: &str) -> Result<(), ParseError> {
        let token = self.next_word();
        if token.kind == *kind { Ok(()) } else { Err(self.unexpected(&token, context)) }
    }

    /// The text of a word.
    pub(super) fn text(&self, token: &Token) -> &'a str {
        &self.source[token.start..token.end]
    }

    fn action_at(&self, start: usize) -> &'a str {
        let rest = &self.source[start..];
        rest.find("}}").map_or(rest, |end| &rest[..end + 2])
    }

    fn misplaced(&self, token: &Token, shown: &str) -> ParseError {
        let context = self.drafts.last().and_then(|draft| draft.name.as_ref()).map(|name| name.context);
        let what = match context {
            Some(context) => format!("unexpected {shown} in {context}"),
            None => format!("unexpected {shown}"),
        };
        self.wrong(token, what)
    }

    /// A word that does not belong here.
    pub(super) fn unexpected(&self, token: &Token, context: &str) -> ParseError {
        let shown = token.shown(self.source);
        let what = match token.kind {
            Kind::Wrong(_) => shown,
            _ => format!("unexpected {shown} in {context}"),
        };
        self.wrong(token, what)
    }

    /// What is wrong, at `token`.
    pub(super) fn wrong(&self, token: &Token, what: String) -> ParseError {
        let (line, column) = self.place(token.start);
        ParseError { line, column, what }
    }

    /// Line and column, from 1, the latter in characters.
    fn place(&self, at: usize) -> (usize, usize) {
        let (known, mut line, mut column) = self.last_place.get();
        let from = if known <= at {
            known
        } else {
            (line, column) = (1, 1);
            0
        };
        for letter in self.source[from..at].chars() {
            (line, column) = if letter == '\n' { (line + 1, 1) } else { (line, column + 1) };
        }
        self.last_place.set((at, line, column));
        (line, column)
    }
}

/// What a pipeline prints that prints the same in every run, such as `{{ "{{" }}`.
fn constant(pipeline: &Pipeline) -> Option<Box<str>> {
    let (Op::Constant(value), after) = pipeline.ops.split_first()? else { return None };
    let is_alone = pipeline.harmless && after.iter().all(|op| matches!(op, Op::Unwrap));
    is_alone.then(|| match value {
        Value::Text(text) => text.as_ref().into(),
        // Numbers and truth values: letters that no language takes for anything else.
        _ => "0".into(),
    })
}
