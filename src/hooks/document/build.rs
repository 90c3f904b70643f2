//! Trees out of the events of the YAML parser.

use super::scalar::{core, tagged, unknown_tag};
use super::{At, DEEPEST, Entry, MOST, Node, Unreadable, Yaml};
use granit_parser::{Event, ScalarStyle, Span, Tag};
use std::collections::{BTreeMap, HashMap, HashSet};

/// From how many entries on a mapping looks its keys up instead of going through them.
const MANY: usize = 16;

/// A collection that is not finished.
struct Open {
    at: At,
    anchor: usize,
    items: Vec<Node>,
    entries: Option<Entries>,
}

/// What is known of a mapping that is not finished.
#[derive(Default)]
struct Entries {
    list: Vec<Entry>,
    /// The lines of the keys, once there are [`MANY`].
    lines: HashMap<String, usize>,
    key: Option<(At, Key)>,
    /// The mappings of a merge key (`<<`), whose entries count where the mapping has none of its own.
    merged: Vec<Node>,
}

enum Key {
    Word(String),
    Merge,
}

impl Entries {
    fn line_of(&self, key: &str) -> Option<usize> {
        if self.lines.is_empty() {
            self.list.iter().find(|entry| entry.key == key).map(|entry| entry.at.line)
        } else {
            self.lines.get(key).copied()
        }
    }

    fn push(&mut self, entry: Entry) {
        if self.list.len() + 1 == MANY {
            self.lines = self.list.iter().map(|entry| (entry.key.clone(), entry.at.line)).collect();
        }
        if self.list.len() + 1 >= MANY {
            self.lines.insert(entry.key.clone(), entry.at.line);
        }
        self.list.push(entry);
    }
}

/// A value that an alias may repeat.
struct Anchored {
    node: Node,
    size: usize,
    depth: usize,
}

/// Takes events, gives documents.
pub(super) struct Builder<'a> {
    pub(super) documents: Vec<Node>,
    lines: Vec<&'a str>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Anchored>,
    count: usize,
}

impl<'a> Builder<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let lines = text.lines().collect();
        Self { documents: Vec::new(), lines, open: Vec::new(), anchors: BTreeMap::new(), count: 0 }
    }

    pub(super) fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Unreadable> {
        let at = At { line: span.start.line().max(1), column: span.start.col() + 1 };
        match event {
            Event::DocumentEnd => self.anchors.clear(),
            Event::Scalar(text, style, anchor, tag) => {
                let is_merge = style == ScalarStyle::Plain && tag.is_none() && text == "<<";
                let text_at = self.text_at(&text, style, &span, at);
                let value = match tag {
                    Some(tag) => tagged(&text, &tag, at)?,
                    None if style == ScalarStyle::Plain => core(&text),
                    None => Yaml::Str(text.into_owned()),
                };
                self.add(Node { at, value, text_at }, anchor, is_merge)?;
            }
            Event::SequenceStart(_, anchor, tag) => self.begin(at, anchor, tag.as_deref(), None)?,
            Event::MappingStart(_, anchor, tag) => self.begin(at, anchor, tag.as_deref(), Some(Entries::default()))?,
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    let anchor = open.anchor;
                    let node = finished(open)?;
                    self.add(node, anchor, false)?;
                }
            }
            Event::Alias(anchor) => {
                let Some(anchored) = self.anchors.get(&anchor) else {
                    return Err(Unreadable {
                        at,
                        what: "an alias stands in what it means, which is not finished".into(),
                    });
                };
                if self.open.len() + anchored.depth > DEEPEST {
                    return Err(too_deep(at));
                }
                self.grow(anchored.size, at)?;
                let node = self.anchors[&anchor].node.clone();
                self.add(Node { at, text_at: None, ..node }, 0, false)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// See [`Node::text_at`].
    fn text_at(&self, text: &str, style: ScalarStyle, span: &Span, at: At) -> Option<At> {
        let on_one_line = |quotes: usize| {
            let width = span.end.col().checked_sub(span.start.col())?;
            let same = span.start.line() == span.end.line() && width == text.chars().count() + 2 * quotes;
            same.then_some(At { line: at.line, column: at.column + quotes })
        };
        match style {
            ScalarStyle::Plain => on_one_line(0),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => on_one_line(1),
            ScalarStyle::Literal => {
                // The parser names the first line that is not empty.
                let blanks = |line: &str| line.len() - line.trim_start_matches(' ').len();
                let (empty, line) = text.lines().enumerate().find(|(_, line)| !line.is_empty())?;
                let written = self.lines.get(at.line - 1)?;
                let column = blanks(written).checked_sub(blanks(line))? + 1;
                Some(At { line: at.line.checked_sub(empty)?, column })
            }
            ScalarStyle::Folded => None,
        }
    }

    fn begin(&mut self, at: At, anchor: usize, tag: Option<&Tag>, entries: Option<Entries>) -> Result<(), Unreadable> {
        let own = if entries.is_some() { "map" } else { "seq" };
        if let Some(tag) = tag.filter(|tag| tag.core_suffix() != Some(own)) {
            return Err(unknown_tag(tag, at));
        }
        if self.open.len() >= DEEPEST {
            return Err(too_deep(at));
        }
        self.open.push(Open { at, anchor, items: Vec::new(), entries });
        Ok(())
    }

    fn grow(&mut self, by: usize, at: At) -> Result<(), Unreadable> {
        self.count += by;
        if self.count > MOST {
            return Err(Unreadable { at, what: format!("it has more than {MOST} values") });
        }
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize, is_merge: bool) -> Result<(), Unreadable> {
        self.grow(1, node.at)?;
        if anchor != 0 {
            let (size, depth) = extent(&node);
            self.grow(size, node.at)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), size, depth });
        }
        let Some(open) = self.open.last_mut() else {
            if !node.is_null() {
                self.documents.push(node);
            }
            return Ok(());
        };
        let Some(entries) = &mut open.entries else {
            open.items.push(node);
            return Ok(());
        };
        match entries.key.take() {
            None if is_merge => entries.key = Some((node.at, Key::Merge)),
            None => {
                let key = match node.value {
                    Yaml::Str(text) => text,
                    Yaml::Int(_, written) | Yaml::Float(_, written) => written,
                    Yaml::Bool(value) => value.to_string(),
                    Yaml::Null | Yaml::List(_) | Yaml::Map(_) => {
                        return Err(Unreadable { at: node.at, what: format!("{} stands as a key", node.kind()) });
                    }
                };
                entries.key = Some((node.at, Key::Word(key)));
            }
            Some((_, Key::Merge)) => match node.value {
                Yaml::List(items) => entries.merged.extend(items),
                Yaml::Null => {}
                _ => entries.merged.push(node),
            },
            Some((at, Key::Word(key))) => {
                if let Some(first) = entries.line_of(&key) {
                    let what = format!("the key '{key}' stands twice, first in line {first}").replace('\n', " ");
                    return Err(Unreadable { at, what });
                }
                entries.push(Entry { at, key, value: node });
            }
        }
        Ok(())
    }
}

fn too_deep(at: At) -> Unreadable {
    Unreadable { at, what: format!("values lie more than {DEEPEST} deep in one another") }
}

fn finished(open: Open) -> Result<Node, Unreadable> {
    let Open { at, items, entries, .. } = open;
    let Some(Entries { mut list, merged, .. }) = entries else { return Ok(Node::new(at, Yaml::List(items))) };
    if !merged.is_empty() {
        let mut known: HashSet<String> = list.iter().map(|entry| entry.key.clone()).collect();
        for node in merged {
            let Yaml::Map(more) = node.value else {
                return Err(Unreadable { at: node.at, what: "a merge key (<<) takes a mapping".to_owned() });
            };
            list.extend(more.into_iter().filter(|entry| known.insert(entry.key.clone())));
        }
    }
    Ok(Node::new(at, Yaml::Map(list)))
}

/// How many values there are in it, and how deep it is.
fn extent(node: &Node) -> (usize, usize) {
    let mut size = 1;
    let mut depth = 0;
    let parts: Vec<&Node> = match &node.value {
        Yaml::List(items) => items.iter().collect(),
        Yaml::Map(entries) => entries.iter().map(|entry| &entry.value).collect(),
        _ => Vec::new(),
    };
    for part in parts {
        let (of, below) = extent(part);
        size += of + usize::from(matches!(node.value, Yaml::Map(_)));
        depth = depth.max(below);
    }
    (size, depth + 1)
}
