//! A YAML or JSON file as trees whose every value knows its place in the file.
//!
//! Read once, bounded in depth, aliases and size; what a value means is for whoever reads the tree.

mod build;
mod scalar;
mod slips;

use build::Builder;
use granit_parser::{Options, Parser};
pub(super) use scalar::resolves_to_text;
use std::fmt;

/// The largest file that is read, in bytes.
pub const LARGEST: usize = 4 * 1024 * 1024;
/// How deep values may lie in one another, also through aliases.
const DEEPEST: usize = 100;
/// How many values a file may have, those with an anchor counted twice, and those that aliases repeat each time.
const MOST: usize = 500_000;

/// A place in a file, both counted from 1; a column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl At {
    /// Where a file begins.
    pub const START: Self = Self { line: 1, column: 1 };
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it begins.
    pub at: At,
    /// What it is.
    pub value: Yaml,
    /// Where a text begins whose lines and columns are those of the file: one on one line without escapes, or a block
    /// after `|`. `None` of everything else.
    pub text_at: Option<At>,
}

/// What a value is, by the core schema of YAML 1.2.
#[derive(Debug, Clone, PartialEq)]
pub enum Yaml {
    /// `null`, `~` or nothing.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A whole number, and how it was written.
    Int(i64, String),
    /// Another number, and how it was written.
    Float(f64, String),
    /// Text, also a number in quotes.
    Str(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping in the file's order. Keys are texts; a key that stands twice is refused by [`read`].
    Map(Vec<Entry>),
}

/// One entry of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Where the key stands.
    pub at: At,
    /// The key.
    pub key: String,
    /// Its value.
    pub value: Node,
}

/// Why a file is no YAML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Where.
    pub at: At,
    /// What is wrong, as a fragment.
    pub what: String,
}

impl Node {
    /// A value at this place.
    pub fn new(at: At, value: Yaml) -> Self {
        Self { at, value, text_at: None }
    }

    /// The place in the file of a line and column of its text, both from 1, if the file shows the text as it is.
    pub fn place_in_text(&self, line: usize, column: usize) -> Option<At> {
        let start = self.text_at?;
        // A text of one line begins behind its quote; each line of a block begins at the same column.
        Some(At { line: start.line + line.saturating_sub(1), column: start.column + column.saturating_sub(1) })
    }

    /// The entry of a mapping with this key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of a mapping with this key, and the key's place.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value below these keys.
    pub fn at_path(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The entries of a mapping; none of anything else.
    pub fn entries(&self) -> &[Entry] {
        if let Yaml::Map(entries) = &self.value { entries } else { &[] }
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Node] {
        if let Yaml::List(items) = &self.value { items } else { &[] }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        if let Yaml::Str(text) = &self.value { Some(text) } else { None }
    }

    /// Whether it is `null` or nothing.
    pub fn is_null(&self) -> bool {
        self.value == Yaml::Null
    }

    /// What kind of value it is, for messages: `a list`, `the number 5`, `the text 'x'`.
    pub fn kind(&self) -> String {
        match &self.value {
            Yaml::Null => "nothing".to_owned(),
            Yaml::Bool(value) => format!("{value}"),
            Yaml::Int(_, written) | Yaml::Float(_, written) => format!("the number {written}"),
            Yaml::Str(text) if text.chars().count() <= 40 && !text.contains('\n') => format!("the text '{text}'"),
            Yaml::Str(_) => "a text".to_owned(),
            Yaml::List(_) => "a list".to_owned(),
            Yaml::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// Reads every document of a file; one that holds nothing is left out. JSON is read as the YAML that it is.
///
/// # Errors
/// Where and why the file cannot be read.
pub fn read(text: &str) -> Result<Vec<Node>, Unreadable> {
    if text.len() > LARGEST {
        return Err(Unreadable { at: At::START, what: format!("it has more than {LARGEST} bytes") });
    }
    let text = text.trim_start_matches('\u{feff}');
    slips::characters(text)?;
    let mut options = Options::default();
    options.emit_comments = false;
    options.flow_nesting_limit = DEEPEST;
    options.block_nesting_limit = DEEPEST;
    let mut builder = Builder::new(text);
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.map_err(|error| slips::explain(text, &error))?;
        builder.take(event, span).map_err(|error| slips::in_the_tree(text, &error))?;
    }
    Ok(builder.documents)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::time::{ClockId, clock_gettime};
    use proptest::prelude::*;
    use std::fmt::Write as _;
    use std::time::Duration;

    #[test]
    fn every_value_knows_its_place() {
        let documents = read("a: 1\nb:\n  - x\n  - {c: 'y'}\n---\n- z\n").expect("is YAML");
        assert_eq!(documents.len(), 2);
        let b = documents[0].get("b").expect("is there");
        assert_eq!(b.items()[1].get("c").map(|node| node.at), Some(At { line: 4, column: 9 }));
        assert_eq!(documents[0].entry("b").map(|entry| entry.at), Some(At { line: 2, column: 1 }));
        assert_eq!(documents[1].items()[0].text(), Some("z"));
    }

    #[test]
    fn scalars_are_what_the_core_schema_says() {
        let documents = read("[1, '1', 1.5, on, 0x1f, null, true, 2026-01-02, \"\\ud83d\\ude00\"]").expect("is YAML");
        let kinds: Vec<String> = documents[0].items().iter().map(Node::kind).collect();
        assert_eq!(
            kinds,
            [
                "the number 1",
                "the text '1'",
                "the number 1.5",
                "the text 'on'",
                "the number 0x1f",
                "nothing",
                "true",
                "the text '2026-01-02'",
                "the text '😀'"
            ]
        );
    }

    #[test]
    fn what_is_no_yaml_says_where() {
        assert_eq!(read("a: 1\na: 2\n").map_err(|error| error.at.line), Err(2));
        assert!(read("a: [1,\n").is_err());
        assert!(read(&"[".repeat(5000)).is_err());
    }

    #[test]
    fn aliases_and_merge_keys_are_followed_and_bounded() {
        let documents = read("base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\n").expect("is YAML");
        let used = documents[0].get("use").expect("is there");
        assert_eq!(
            (used.get("x").map(Node::kind), used.get("y").map(Node::kind)),
            (Some("the number 1".into()), Some("the number 3".into()))
        );
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let one = format!("*a{}, ", level - 1);
            let _ = writeln!(bomb, "a{level}: &a{level} [{}]", one.repeat(10));
        }
        assert!(read(&bomb).is_err());
    }

    #[track_caller]
    fn refused(text: &str) -> (String, String) {
        let error = read(text).expect_err(text);
        (error.at.to_string(), error.what)
    }

    #[track_caller]
    fn one(text: &str) -> Node {
        read(text).unwrap_or_else(|error| panic!("{text}: {error:?}")).remove(0)
    }

    #[test]
    fn a_file_that_an_editor_of_another_system_wrote_is_read() {
        let node = one("\u{feff}a: 1\r\nb:\r\n  - x\r\n");
        assert_eq!(node.get("b").map(|b| b.items()[0].text()), Some(Some("x")));
        assert_eq!(node.entry("a").map(|entry| entry.at), Some(At::START));
        assert_eq!(read("").map(|documents| documents.len()), Ok(0));
        assert_eq!(read("---\n# nothing\n---\n...\n").map(|documents| documents.len()), Ok(0));
    }

    #[test]
    fn json_is_read_as_it_comes() {
        let node = one("{\n\t\"a\":\t[1,\n\t\t{\"b\":\"x\\/y\\u00e9\\\"\\n\"}\n\t],\n\t\"c\" : null\n}\n");
        assert_eq!(node.at_path(&["a"]).map(|a| a.items()[1].get("b").and_then(Node::text)), Some(Some("x/yé\"\n")));
        assert!(node.get("c").is_some_and(Node::is_null));
        assert_eq!(one("{\"a\":\"b\",\"c\":true}").entries().len(), 2);
    }

    #[test]
    fn tags_of_the_core_schema_count_and_others_are_refused() {
        let node = one("[!!str 5, !!int '5', !!float 2, !!bool 'true', !!null '', ! 5, !!seq [], !!map {}]");
        let kinds: Vec<String> = node.items().iter().map(Node::kind).collect();
        assert_eq!(
            kinds,
            ["the text '5'", "the number 5", "the number 2", "true", "nothing", "the text '5'", "a list", "a mapping"]
        );
        assert_eq!(refused("a: !!int x"), ("1:10".into(), "'x' is no !!int".into()));
        assert_eq!(refused("a: !vault x"), ("1:11".into(), "the tag '!vault' means nothing here".into()));
        assert!(refused("a: !Ref [x]").1.contains("'!Ref'"));
    }

    #[test]
    fn numbers_of_any_size_are_no_panic() {
        let node = one("[99999999999999999999, -9223372036854775808, 1e999, 0xffffffffffffffffff, 1.5.2, .5, .inf]");
        assert!(matches!(node.items()[0].value, Yaml::Float(..)), "{node:?}");
        assert!(matches!(node.items()[1].value, Yaml::Int(i64::MIN, _)), "{node:?}");
        assert!(matches!(node.items()[3].value, Yaml::Str(_)), "{node:?}");
    }

    #[test]
    fn a_key_that_stands_twice_names_both_lines() {
        assert_eq!(refused("a: 1\nb: 2\n\na: 3\n"), ("4:1".into(), "the key 'a' stands twice, first in line 1".into()));
        assert!(refused("{\"a\": 1, \"a\": 2}").1.contains("stands twice"));
        assert!(refused("1: x\n1: y\n").1.contains("the key '1' stands twice"));
    }

    #[test]
    fn keys_that_are_no_words_are_refused() {
        assert_eq!(refused("? [a]\n: x\n").1, "a list stands as a key");
        assert_eq!(refused("~: x\n").1, "nothing stands as a key");
        assert_eq!(one("80: x\ntrue: y\n").entries()[1].key, "true");
        assert_eq!(one("\"<<\": x\n").entries()[0].key, "<<");
    }

    #[test]
    fn merge_keys_give_what_the_mapping_has_not() {
        let node = one("a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: [*a, *b], z: 5}\n");
        let keys: Vec<String> = node
            .get("c")
            .map(|c| c.entries().iter().map(|entry| format!("{} {}", entry.key, entry.value.kind())).collect())
            .unwrap_or_default();
        assert_eq!(keys, ["z the number 5", "x the number 1", "y the number 2"]);
        assert!(refused("a: {<<: 5}").1.contains("takes a mapping"));
        assert!(refused("a: &a [*a]").1.contains("not finished"));
        assert!(refused("a: *b").1.contains("anchor"));
    }

    #[test]
    fn common_slips_are_explained() {
        let mut wrong = Vec::new();
        for (text, place, words) in [
            ("a:\n\tb: 1\n", "2:1", "a tab indents this line, and YAML takes blanks alone"),
            ("a:\n  b: 1\n\tc: 1\n", "3:1", "a tab indents"),
            ("a: 1\nb: \"x\nc: 2\n", "3:1", "a text in quotes that begins above is not closed"),
            ("a: 'it's'\n", "1:8", "a text in ' quotes ends too early here: write '' for a ' in it"),
            ("path: {{ .Target.Name }}\n", "1:7", "'{{' begins a mapping of YAML here: put the text in quotes"),
            ("a: [x, {{ .X }}]\n", "1:8", "put the text in quotes"),
            ("a:\n  - {{ printf \"%s\" .X | quote }}/x\n", "2:5", "put the text in quotes"),
            ("a: \"x\\d\"\n", "1:4", "a backslash"),
            ("a: b: c\n", "1:5", "put the text in quotes"),
            ("a: @x\n", "1:4", "put the text in quotes"),
            ("a: %x\n", "1:4", "put the text in quotes"),
            ("a: `x`\n", "1:4", "put the text in quotes"),
            ("a: \"x\" y\n", "1:8", "put the whole text in quotes"),
            ("a: [1,\nb: 2\n", "1:4", "'[' is opened here and never closed"),
            ("a: 1\n b: 2\n", "2:3", "indented"),
            ("a: x\0y\n", "1:5", "the character U+0000"),
            ("a: x\u{1b}[0m\n", "1:5", "the character U+001B"),
        ] {
            let (at, what) = refused(text);
            if at != place || !what.contains(words) {
                wrong.push(format!("{text:?}: {at}: {what}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn a_text_knows_where_its_lines_stand() {
        let node = one(
            "a: x {{\nb: \"y {{\"\nc: |\n    one\n     two\nd: \"\\n z\"\ne: |2-\n   one\nf: >\n  g\nh: |\n\n  i\n",
        );
        let place = |key: &str, line, column| {
            node.get(key).and_then(|text| text.place_in_text(line, column)).map(|at| at.to_string())
        };
        assert_eq!(place("a", 1, 3).as_deref(), Some("1:6"));
        assert_eq!(place("b", 1, 3).as_deref(), Some("2:7"));
        assert_eq!(place("c", 2, 2).as_deref(), Some("5:6"));
        assert_eq!(place("d", 1, 1), None);
        assert_eq!(place("e", 1, 2).as_deref(), Some("8:4"));
        assert_eq!(place("f", 1, 1), None);
        assert_eq!(place("h", 2, 1).as_deref(), Some("13:3"));
    }

    #[test]
    fn depth_is_bounded_also_through_aliases() {
        let mut deep = "a0: &a0 [x]\n".to_owned();
        for level in 1..200 {
            let _ = writeln!(deep, "a{level}: &a{level} [[[*a{}]]]", level - 1);
        }
        assert!(refused(&deep).1.contains("deep"));
        assert!(read(&"[".repeat(5000)).is_err());
        assert!(read(&"- ".repeat(5000)).is_err());
        assert!(read(&"{a: ".repeat(5000)).is_err());
        let anchors: Vec<String> = (0..90).map(|level| format!("&a{level} [")).collect();
        let anchors = anchors.concat();
        let wide = format!("{anchors}{}{}", "x, ".repeat(100_000), "]".repeat(90));
        assert!(refused(&wide).1.contains("values"), "what anchors keep is counted");
    }

    #[test]
    fn a_hundred_thousand_keys_are_no_quadratic_matter() {
        let mut text = String::new();
        for number in 0..100_000 {
            let _ = writeln!(text, "key-{number}: {number}");
        }
        // What else the machine does meanwhile does not count.
        let used = || clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).expect("is always there");
        let started = used();
        assert_eq!(one(&text).entries().len(), 100_000);
        let half: String = text.lines().take(50_000).flat_map(|line| ["  ", line, "\n"]).collect();
        let merged = format!("a: &a\n{half}b:\n  <<: *a\n");
        assert_eq!(one(&merged).get("b").map(|b| b.entries().len()), Some(50_000));
        let took = used().saturating_sub(started);
        assert!(took < Duration::from_secs(20), "{took:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn any_text_is_read_without_a_panic(text in any::<String>()) {
            let _ = read(&text);
        }

        #[test]
        fn any_signs_of_yaml_are_read_without_a_panic(
            parts in prop::collection::vec(
                prop::sample::select(vec![
                    "a", ": ", ":", "- ", "-", "\n", "\n  ", "\n\t", "\t", " ", "{", "}", "[", "]", ",", "? ", "&x ", "*x",
                    "!!str ", "!t ", "!<", "|", ">", "|2", "'", "\"", "\\", "#", " #", "%YAML 1.2\n", "---\n", "...\n", "<<: ",
                    "{{", "}}", "0x", "1e9", "\r", "\r\n", "\u{feff}", "\u{85}", "\u{2028}", "~", "é", "@", "`", "%", "=",
                ]),
                0..40,
            )
        ) {
            let text = parts.concat();
            if let Err(error) = read(&text) {
                prop_assert!(!error.what.is_empty() && !error.what.contains('\n'), "{:?}", error);
            }
        }

        #[test]
        fn any_json_is_read(text in any::<String>(), number in any::<i32>(), tabs in any::<bool>()) {
            let value = serde_json::json!({"k": [text, number, {"n": null, "b": true}], "": text});
            let written = if tabs {
                serde_json::to_string_pretty(&value).expect("is JSON").replace("  ", "\t")
            } else {
                value.to_string()
            };
            let printable = text.chars().all(|c| !c.is_control() && !matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}'));
            if printable && !text.contains("  ") {
                let node = read(&written).map_err(|error| TestCaseError::fail(format!("{error:?}: {written}")))?;
                prop_assert_eq!(node[0].get("").and_then(Node::text), Some(text.as_str()));
            }
        }
    }
}
