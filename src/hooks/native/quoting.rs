//! What stands around the actions of a shell's program: `shquote` makes one word of any text, but only where the shell
//! begins a word, and not within quotes, a comment or a here-document.
//!
//! The text is read as the shell reads it, in every way that the template's blocks allow; where it may be read in more
//! ways than are kept, nothing counts as safe.

use super::super::model::Exec;
use super::super::template::{Block, Piece, Printed, Template};
use super::shell;
use std::collections::BTreeSet;

/// In how many ways a place may be read before nothing is safe there.
const MOST_WAYS: usize = 16;
/// How deep quotes and parentheses may lie in one another before nothing is safe there.
const DEEPEST: usize = 40;
/// How often the whole is read, until loops lead to nothing new.
const MOST_ROUNDS: usize = 8;

/// An action that lets a text into a shell's program.
#[derive(Debug, PartialEq)]
pub(in crate::hooks) struct Exposed<'a> {
    /// The action.
    pub(in crate::hooks) action: &'a Printed,
    /// A fragment: `stands within quotes`.
    pub(in crate::hooks) what: String,
    /// What to do about it.
    pub(in crate::hooks) mend: String,
}

/// The place in [`Exec::command`] of a shell's program, and the actions that let a text into it.
pub(in crate::hooks) fn exposed(exec: &Exec) -> Option<(usize, Vec<Exposed<'_>>)> {
    let place = shell::program(exec)?;
    let template = exec.command.get(place)?.template()?;
    Some((place, of_template(template)))
}

fn of_template(template: &Template) -> Vec<Exposed<'_>> {
    let reasons = Reader::default().read(template.pieces());
    let each = template.pieces().iter().zip(reasons).filter_map(|(piece, reason)| match piece {
        Piece::Printed(action) | Piece::Called(action) => Some((action, reason)),
        _ => None,
    });
    each.filter_map(|(action, reason)| {
        let with_quotes = shell::quoted(&action.action);
        let (what, mend) = match (action.quoted, reason) {
            (true, None) => return None,
            (true, Some(reason)) => (reason.what().to_owned(), reason.mend().to_owned()),
            (false, None) => {
                let mend = format!("put '| shquote' at its end: {with_quotes}");
                ("puts a text into a shell's command unquoted".to_owned(), mend)
            }
            (false, Some(reason)) => {
                let mend = format!("put '| shquote' at its end: {with_quotes}, and {}", reason.mend());
                (format!("puts a text into a shell's command unquoted, and {}", reason.what()), mend)
            }
        };
        Some(Exposed { action, what, mend })
    })
    .collect()
}

/// Why `shquote` does not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    Quotes,
    HereDocument,
    Comment,
    Backslash,
    Dollar,
    Braces,
    Arithmetic,
    /// Blocks of the template open and close quotes.
    Unclear,
}

impl Reason {
    fn what(self) -> &'static str {
        match self {
            Self::Quotes => "stands within quotes",
            Self::HereDocument => "stands in a here-document",
            Self::Comment => "stands in a comment",
            Self::Backslash => "stands behind a backslash",
            Self::Dollar => "stands behind a $",
            Self::Braces => "stands within ${...}",
            Self::Arithmetic => "stands within an arithmetic expression",
            Self::Unclear => "stands behind a block that may open quotes",
        }
    }

    fn mend(self) -> &'static str {
        match self {
            Self::Quotes => "take the quotes away, shquote makes its own",
            Self::HereDocument => "hand the text to printf in place of it, as in printf '%s\\n' {{ ... | shquote }}",
            Self::Comment => "take it out of the comment",
            Self::Backslash => "take the backslash away",
            Self::Dollar => "take the $ away",
            Self::Braces | Self::Arithmetic => {
                "give it to a variable first, as in X={{ ... | shquote }}, and check what is in it"
            }
            Self::Unclear => "close quotes in the block that opens them",
        }
    }
}

/// What the shell is within.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Within {
    /// `'...'`
    Single,
    /// `$'...'`
    Ansi,
    /// `"..."`
    Double,
    Backticks,
    /// `$(...)`
    Command,
    /// `(...)`
    Parentheses,
    /// `$((...))`, `((...))`
    Arithmetic,
    /// `${...}`
    Braces,
}

/// Where a shell stands in its program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    within: Vec<Within>,
    begins_word: bool,
    /// Behind a backslash.
    escaped: bool,
    /// Behind a `$`.
    dollar: bool,
    /// Behind a `(` that may be the first of two.
    opened: bool,
    /// How many `<` there have been in a row.
    less: usize,
    comment: bool,
    /// A here-document has begun; where it ends is not looked for.
    here: bool,
    /// It lies too deep to be followed.
    lost: bool,
}

impl State {
    fn start() -> Self {
        Self {
            within: Vec::new(),
            begins_word: true,
            escaped: false,
            dollar: false,
            opened: false,
            less: 0,
            comment: false,
            here: false,
            lost: false,
        }
    }

    fn enter(&mut self, within: Within) {
        if self.within.len() >= DEEPEST {
            self.lost = true;
        } else {
            self.within.push(within);
        }
    }

    /// Goes on by a character of the program.
    fn step(&mut self, letter: char) {
        if self.here || self.lost {
            return;
        }
        if self.comment {
            self.comment = letter != '\n';
            self.begins_word = true;
            return;
        }
        let top = self.within.last().copied();
        if top == Some(Within::Single) {
            if letter == '\'' {
                self.within.pop();
            }
            return;
        }
        if std::mem::take(&mut self.escaped) {
            // A backslash before a line end joins the lines, and a word goes on in the next.
            return;
        }
        let dollar = std::mem::take(&mut self.dollar);
        let opened = std::mem::take(&mut self.opened);
        let began_word = std::mem::replace(&mut self.begins_word, false);
        let shifts = self.within.contains(&Within::Arithmetic);
        if letter == '<' && !shifts && !matches!(top, Some(Within::Double | Within::Ansi)) {
            self.less += 1;
            self.begins_word = true;
            return;
        }
        if std::mem::take(&mut self.less) == 2 {
            self.here = true;
            return;
        }
        match (letter, top) {
            ('\\', _) => self.escaped = true,
            ('\'', Some(Within::Ansi))
            | ('`', Some(Within::Backticks))
            | ('"', Some(Within::Double))
            | ('}', Some(Within::Braces)) => {
                self.within.pop();
            }
            (_, Some(Within::Ansi)) => {}
            ('(', _) if dollar => {
                self.enter(Within::Command);
                self.opened = true;
                self.begins_word = true;
            }
            ('{', _) if dollar => self.enter(Within::Braces),
            ('$', _) => self.dollar = !dollar,
            ('`', _) => {
                self.enter(Within::Backticks);
                self.begins_word = true;
            }
            ('"', _) => self.enter(Within::Double),
            (_, Some(Within::Double)) => {}
            // Within double quotes it is a letter of the expansion.
            ('\'', Some(Within::Braces)) if self.within.contains(&Within::Double) => {}
            ('\'', _) if dollar => self.enter(Within::Ansi),
            ('\'', _) => self.enter(Within::Single),
            (_, Some(Within::Braces)) => {}
            ('(', _) => {
                if opened {
                    self.within.pop();
                    self.enter(Within::Arithmetic);
                }
                self.enter(Within::Parentheses);
                self.opened = !opened;
                self.begins_word = true;
            }
            (')', _) => {
                // One that closes nothing ends a pattern of `case`.
                if matches!(top, Some(Within::Command | Within::Parentheses | Within::Arithmetic)) {
                    self.within.pop();
                }
                self.begins_word = true;
            }
            ('#', _) if began_word => self.comment = true,
            (' ' | '\t' | '\n' | ';' | '&' | '|' | '>', _) => self.begins_word = true,
            _ => {}
        }
    }

    /// Goes on by what an action prints: words in single quotes, where that is what it is.
    fn pass(&mut self) -> Option<Reason> {
        let reason = self.reason();
        self.here |= self.less == 2;
        self.less = 0;
        (self.escaped, self.dollar, self.opened, self.begins_word) = (false, false, false, false);
        reason
    }

    fn reason(&self) -> Option<Reason> {
        let quotes = [Within::Single, Within::Ansi, Within::Double, Within::Backticks];
        if self.lost {
            Some(Reason::Unclear)
        } else if self.here || self.less == 2 {
            Some(Reason::HereDocument)
        } else if self.comment {
            Some(Reason::Comment)
        } else if self.within.iter().any(|within| quotes.contains(within)) {
            Some(Reason::Quotes)
        } else if self.escaped {
            Some(Reason::Backslash)
        } else if self.dollar {
            Some(Reason::Dollar)
        } else if self.within.contains(&Within::Braces) {
            Some(Reason::Braces)
        } else {
            self.within.contains(&Within::Arithmetic).then_some(Reason::Arithmetic)
        }
    }
}

/// The ways in which a place may be read.
type Ways = BTreeSet<State>;

/// A block that is open.
struct Open {
    block: Block,
    /// Its place among the pieces.
    piece: usize,
    /// Before it, or at the beginning of any round of a loop.
    before: Ways,
    /// Behind its other branches.
    after: Ways,
}

/// Reads a template as often as its loops lead to something new.
#[derive(Default)]
struct Reader {
    /// What a loop's round may begin with, by the loop's place among the pieces.
    rounds: std::collections::BTreeMap<usize, Ways>,
    /// Whether a definition may end within quotes.
    opens: bool,
    grew: bool,
}

impl Reader {
    /// Why `shquote` does not help, for each piece.
    fn read(mut self, pieces: &[Piece]) -> Vec<Option<Reason>> {
        for _ in 0..MOST_ROUNDS {
            self.grew = false;
            let reasons = self.round(pieces);
            if !self.grew {
                return reasons;
            }
        }
        vec![Some(Reason::Unclear); pieces.len()]
    }

    fn round(&mut self, pieces: &[Piece]) -> Vec<Option<Reason>> {
        let start = || Ways::from([State::start()]);
        let mut ways = start();
        let mut open: Vec<Open> = Vec::new();
        let mut reasons = Vec::with_capacity(pieces.len());
        for (piece, at) in pieces.iter().zip(0..) {
            let mut reason = None;
            match piece {
                Piece::Text(text) => ways = each(ways, |state| text.chars().for_each(|letter| state.step(letter))),
                Piece::Printed(_) | Piece::Called(_) => {
                    let opens = self.opens && matches!(piece, Piece::Called(_));
                    ways = each(ways, |state| {
                        reason = reason.or(state.pass());
                        state.lost |= opens;
                    });
                }
                Piece::Begin(block) => {
                    let mut before = ways.clone();
                    if *block == Block::Loop {
                        ways.extend(self.rounds.get(&at).into_iter().flatten().cloned());
                        before.clone_from(&ways);
                    } else if *block == Block::Define {
                        ways = start();
                    }
                    open.push(Open { block: *block, piece: at, before, after: Ways::new() });
                }
                Piece::Else => {
                    if let Some(block) = open.last_mut() {
                        self.ends_round(block, &ways);
                        block.after.append(&mut ways);
                        ways.clone_from(&block.before);
                    }
                }
                Piece::End => {
                    if let Some(block) = open.pop() {
                        self.ends_round(&block, &ways);
                        if block.block == Block::Define {
                            let closed = ways.iter().chain(&block.after).all(|state| state.reason().is_none());
                            self.grew |= !closed && !self.opens;
                            self.opens |= !closed;
                            ways = block.before;
                        } else {
                            ways.extend(block.after);
                            ways.extend(block.before);
                        }
                    }
                }
                Piece::Leave => {
                    // Which loop is left does not matter: all that are open may be.
                    for block in &mut open {
                        self.ends_round(block, &ways);
                        block.after.extend(ways.iter().cloned());
                    }
                }
            }
            if ways.len() > MOST_WAYS {
                ways = Ways::from([State { lost: true, ..State::start() }]);
            }
            reasons.push(reason);
        }
        reasons
    }

    /// Where a round of a loop ends, the next one begins.
    fn ends_round(&mut self, block: &Open, ways: &Ways) {
        if block.block == Block::Loop {
            let known = self.rounds.entry(block.piece).or_default();
            let count = known.len();
            known.extend(ways.iter().filter(|state| !block.before.contains(state)).cloned());
            self.grew |= known.len() > count;
        }
    }
}

fn each(ways: Ways, mut step: impl FnMut(&mut State)) -> Ways {
    let stepped = ways.into_iter().map(|mut state| {
        step(&mut state);
        state
    });
    stepped.collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::Text;
    use super::super::super::template::Trust;
    use super::*;

    fn found(program: &str) -> Vec<String> {
        let template = Template::parse(program, Trust::Own).expect(program);
        let exec =
            Exec { command: vec![Text::plain("sh"), Text::plain("-c"), Text::Template(template)], ..Exec::default() };
        let (place, found) = exposed(&exec).expect("it is a shell's program");
        assert_eq!(place, 2);
        found.into_iter().map(|found| found.what).collect()
    }

    #[test]
    fn what_stands_where_a_word_may_stand_is_safe() {
        for program in [
            "echo {{ .X | shquote }} >> f",
            "echo 'it' \"is\" {{ .X | shquote }}; echo \"it's\" {{ .X | shquote }}",
            "a=pre{{ .X | shquote }}post; (echo {{ .X | shquote }}) && { echo {{ .X | shquote }}; }",
            "x=$(echo {{ .X | shquote }}) y=$(date +'%s') z={{ .X | shquote }}",
            "echo \\\"{{ .X | shquote }}; echo $$ {{ .X | shquote }}; echo a#b {{ .X | shquote }}",
            "# it's a comment\necho {{ .X | shquote }}",
            "cat <<< {{ .X | shquote }}; cat < {{ .X | shquote }}; echo ${A:-'}'} {{ .X | shquote }}",
            "echo $((1 << 2)) {{ .X | shquote }}; echo \"$(echo \"a b\" ')' )\" {{ .X | shquote }}",
            "case x in a) echo {{ .X | shquote }};; esac",
            "{{ if .X }}echo 'a'{{ else }}echo \"b\"{{ end }} {{ .X | shquote }}",
            "{{ range .L }}echo 'a' {{ . | shquote }}\n{{ end }}{{ .X | shquote }}",
            "{{ define \"a\" }}echo {{ . | shquote }}{{ end }}{{ template \"a\" .X }}",
            "echo {{ \"it\" }} '{{ \"'\" }} {{ .X | shquote }}",
        ] {
            assert_eq!(found(program), [""; 0], "{program}");
        }
    }

    #[test]
    fn what_stands_within_something_is_not() {
        let quotes = "stands within quotes";
        for (program, what) in [
            ("echo \"failed: {{ .X | shquote }}\"", quotes),
            ("echo 'failed: {{ .X | shquote }}'", quotes),
            ("echo $'failed: \\' {{ .X | shquote }}'", quotes),
            ("echo `date -d {{ .X | shquote }}`", quotes),
            ("echo \"$(date -d {{ .X | shquote }})\"", quotes),
            ("echo \"${A:-\"{{ .X | shquote }}\"}\"", quotes),
            ("echo \"{{ \"a\" }}{{ .X | shquote }}\"", quotes),
            ("echo {{ \"\\\"\" }}{{ .X | shquote }}{{ \"\\\"\" }}", quotes),
            ("echo \"a\\\"{{ .X | shquote }}\"", quotes),
            ("echo {{- /* \" */ -}}\"{{ .X | shquote }}\"", quotes),
            ("cat <<EOF\n{{ .X | shquote }}\nEOF", "stands in a here-document"),
            ("cat <<-'EOF'\n{{ .X | shquote }}\nEOF", "stands in a here-document"),
            ("cat <<{{ .X | shquote }}", "stands in a here-document"),
            ("true # {{ .X | shquote }}", "stands in a comment"),
            ("echo \\{{ .X | shquote }}", "stands behind a backslash"),
            ("echo ${{ .X | shquote }}", "stands behind a $"),
            ("echo ${A:-{{ .X | shquote }}}", "stands within ${...}"),
            ("echo $(({{ .X | shquote }} + 1))", "stands within an arithmetic expression"),
            ("(( {{ .X | shquote }} ))", "stands within an arithmetic expression"),
            ("{{ if .A }}\"{{ end }}{{ .X | shquote }}{{ if .A }}\"{{ end }}", quotes),
            ("{{ if .A }}a{{ else }}\"{{ end }}{{ .X | shquote }}", quotes),
            ("{{ range .L }}{{ . | shquote }}\"{{ end }}", quotes),
            ("{{ range .L }}'{{ break }}'{{ end }}{{ .X | shquote }}", quotes),
            ("{{ define \"a\" }}{{ . | shquote }}{{ end }}\"{{ template \"a\" .X }}\"", quotes),
            (
                "{{ template \"a\" . }}{{ .X | shquote }}{{ define \"a\" }}\"{{ end }}",
                "stands behind a block that may open quotes",
            ),
            ("{{ range .L }}({{ end }}{{ .X | shquote }}", "stands behind a block that may open quotes"),
            ("echo {{ .X }}", "puts a text into a shell's command unquoted"),
            ("echo \"{{ .X }}\"", "puts a text into a shell's command unquoted, and stands within quotes"),
        ] {
            assert_eq!(found(program), [what], "{program}");
        }
    }
}
