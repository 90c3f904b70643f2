//! Holding a document against the table of fields: unknown keys, missing keys, wrong types, wrong words.

use super::super::document::{At, Entry, Node, Yaml};
use super::super::near;
use super::super::{FileMistake, Phase};
use super::fields::{ACTIONS, HOOK, HTTP_GET, Kind, Shape, UNDO};
use super::path::Path;
use crate::settings::{LONGEST, duration};

/// Collects what is wrong.
#[derive(Debug, Default)]
pub(super) struct Checker {
    /// What is listed; at most [`MOST`], unless there is nobody who adds more.
    pub(super) mistakes: Vec<FileMistake>,
    /// How many there are besides, and the place of the last one.
    more: Option<(usize, At)>,
}

/// How many mistakes of a document are listed.
const MOST: usize = 100;

impl Checker {
    pub(super) fn mistake(&mut self, at: At, what: impl Into<String>, mend: impl Into<String>) {
        self.push(FileMistake { at, what: what.into(), mend: mend.into() });
    }

    /// As [`Checker::mistake`].
    pub(super) fn push(&mut self, mistake: FileMistake) {
        if !self.is_one_more(mistake.at) {
            self.mistakes.push(mistake);
        }
    }

    /// Counts a mistake whose words nobody will read, once enough of them are listed; finding the words takes time.
    pub(super) fn is_one_more(&mut self, at: At) -> bool {
        if self.mistakes.len() < MOST {
            return false;
        }
        let (count, last) = self.more.unwrap_or((0, at));
        self.more = Some((count + 1, last.max(at)));
        true
    }

    /// What is listed, in the order of the file, and how many mistakes there are besides.
    pub(super) fn finished(mut self) -> Vec<FileMistake> {
        self.mistakes.sort_by_key(|mistake| mistake.at);
        if let Some((count, last)) = self.more {
            let at = self.mistakes.last().map_or(last, |mistake| mistake.at.max(last));
            let what = format!("has {count} more mistakes that are not listed");
            self.mistakes.push(FileMistake { at, what, mend: "mend these first".to_owned() });
        }
        self.mistakes
    }

    /// Holds a mapping against its fields, and every value in it against its own.
    pub(super) fn object(&mut self, node: &Node, shape: &'static Shape, path: &Path<'_>, phase: Phase) {
        let Yaml::Map(entries) = &node.value else {
            return self.no_mapping(node, shape, path);
        };
        for entry in entries {
            match shape.field(&entry.key) {
                None => self.unknown(entry, node, shape, path, phase),
                Some(field) => {
                    if let Some(only) = field.only.filter(|only| *only != phase) {
                        let what = format!("{} in {path} is for {} hooks alone", field.name, only.word());
                        self.mistake(entry.at, what, "take it away");
                    }
                    self.value(&entry.value, field.kind, &path.key(&entry.key), phase);
                }
            }
        }
        for field in shape.fields.iter().filter(|field| field.required && node.get(field.name).is_none()) {
            self.mistake(node.at, format!("{path} has no {}", field.name), format!("give it a {}", field.name));
        }
    }

    fn no_mapping(&mut self, node: &Node, shape: &Shape, path: &Path<'_>) {
        let mend = match node.text() {
            Some(script) if shape.name == HOOK.name && names_a_script(script) => format!("write 'script: {script}'"),
            _ if shape.name == HOOK.name => {
                "write a mapping with an action, such as 'exec: {command: [...]}'".to_owned()
            }
            _ => {
                let some: Vec<String> = shape.names().take(2).map(|name| format!("{name}: ...")).collect();
                format!("write a mapping: {{{}}}", some.join(", "))
            }
        };
        self.mistake(node.at, format!("{path} is {}", node.kind()), mend);
    }

    fn unknown(&mut self, entry: &Entry, node: &Node, shape: &'static Shape, path: &Path<'_>, phase: Phase) {
        if self.is_one_more(entry.at) {
            return;
        }
        let key = entry.key.as_str();
        let what = format!("unknown key '{}' in {path}", shown(key));
        let fields = shape.fields.iter().filter(|field| field.only.is_none_or(|only| only == phase));
        let below: Vec<&str> = shape
            .fields
            .iter()
            .filter(|field| matches!(field.kind, Kind::Object(of) if of.field(key).is_some()))
            .map(|field| field.name)
            .collect();
        let present: Vec<&str> = below.iter().copied().filter(|name| node.get(name).is_some()).collect();
        let mend = if shape.name == HTTP_GET.name && matches!(key, "body" | "form") {
            "a GET has no body: use httpPost".to_owned()
        } else if shape.name == UNDO.name && key == "script" {
            "an undo takes no script of the folder: use exec, such as 'exec: {command: [/path/of/it.sh]}'".to_owned()
        } else if let Some(near) = near::nearest(key, fields.map(|field| field.name)) {
            format!("did you mean '{near}'?")
        } else if !below.is_empty() {
            let names = if present.is_empty() { below } else { present };
            format!("write it below {}", either(&names))
        } else if shape.name != HOOK.name && HOOK.field(key).is_some() {
            format!("write it in the hook itself, beside '{}'", path.word())
        } else {
            let names: Vec<&str> = shape
                .fields
                .iter()
                .filter(|field| field.only.is_none_or(|only| only == phase))
                .map(|f| f.name)
                .collect();
            format!("use one of {}", names.join(", "))
        };
        self.mistake(entry.at, what, mend);
    }

    fn value(&mut self, node: &Node, kind: Kind, path: &Path<'_>, phase: Phase) {
        if node.is_null() && kind != Kind::Any {
            let mend = "give it one, or take the key away (a text 'null' is written in quotes)";
            return self.mistake(node.at, format!("{path} has no value"), mend);
        }
        let wrong = match kind {
            Kind::Text => (node.text().is_none()).then(|| in_quotes(node)),
            Kind::Template if node.text().is_none() => {
                // What stands here may be a secret, though it is of the wrong type.
                let what = match node.value {
                    Yaml::Int(..) | Yaml::Float(..) => "a number".to_owned(),
                    _ => node.kind(),
                };
                return self.mistake(node.at, format!("{path} is {what}, not a text"), in_quotes(node));
            }
            Kind::Template | Kind::Any => None,
            Kind::Duration => bad_duration(node),
            Kind::Count => match &node.value {
                Yaml::Int(number, _) if u32::try_from(*number).is_ok() => None,
                _ => Some(number_mend(node, "a whole number from 0")),
            },
            Kind::Flag => {
                (!matches!(node.value, Yaml::Bool(_))).then(|| "write true or false, without quotes".to_owned())
            }
            Kind::Word(words) => bad_word(node, words),
            Kind::ExitCode => match &node.value {
                Yaml::Int(1..=255, _) => None,
                Yaml::Int(0, _) => Some("exit code 0 is success: write a number from 1 to 255".to_owned()),
                _ => Some(number_mend(node, "a number from 1 to 255")),
            },
            Kind::Port => match &node.value {
                Yaml::Int(1..=65535, _) => None,
                // Names of ports are judged where it is known whom the definition was written for.
                Yaml::Str(name) if is_port_name(name) => None,
                _ => Some(number_mend(node, "a number from 1 to 65535")),
            },
            Kind::List(of) => {
                if let Yaml::List(items) = &node.value {
                    for (place, item) in items.iter().enumerate() {
                        self.value(item, *of, &path.item(place), phase);
                    }
                    None
                } else {
                    Some(list_mend(node, *of))
                }
            }
            Kind::Object(shape) => return self.object(node, shape, path, phase),
        };
        if let Some(mend) = wrong {
            self.mistake(node.at, format!("{path} is {}", node.kind()), mend);
        }
    }
}

/// A name by which containers call a port (`IANA_SVC_NAME`): not one of digits alone.
pub(in crate::hooks) fn is_port_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=15).contains(&name.len()) && name.bytes().all(fits) && name.bytes().any(|byte| byte.is_ascii_lowercase())
}

/// Whether a text is likely to be a script's file name.
pub(super) fn names_a_script(text: &str) -> bool {
    text.strip_suffix(".sh").is_some_and(|stem| !stem.contains(char::is_whitespace))
}

/// `a, b or c`.
pub(super) fn either(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn shown(key: &str) -> String {
    key.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn in_quotes(node: &Node) -> String {
    match &node.value {
        Yaml::Int(..) | Yaml::Float(..) | Yaml::Bool(_) => "put it in quotes".to_owned(),
        Yaml::List(_) => "write one text, not a list".to_owned(),
        _ => "write a text".to_owned(),
    }
}

fn number_mend(node: &Node, wanted: &str) -> String {
    match node.text() {
        Some(text) if !text.is_empty() && text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("write {wanted}, without quotes")
        }
        _ => format!("write {wanted}"),
    }
}

fn bad_duration(node: &Node) -> Option<String> {
    let general = "write seconds, or a duration such as 90s, 5m, 1h30m".to_owned();
    match &node.value {
        Yaml::Int(_, written) => duration(written).is_err().then(|| too_long(written).unwrap_or(general)),
        Yaml::Str(text) => duration(text).is_err().then(|| {
            if let Some(mend) = too_long(text) {
                return mend;
            }
            // `5 minutes`, `5 min`, `5M`: what is meant is clear.
            let digits: String = text.trim().chars().take_while(char::is_ascii_digit).collect();
            let unit: String = text.trim()[digits.len()..].trim().to_lowercase();
            let unit = match unit.as_str() {
                "s" | "sec" | "secs" | "second" | "seconds" => "s",
                "m" | "min" | "mins" | "minute" | "minutes" => "m",
                "h" | "hr" | "hrs" | "hour" | "hours" => "h",
                "d" | "day" | "days" => "d",
                _ => return general,
            };
            if digits.is_empty() { general } else { format!("did you mean '{digits}{unit}'?") }
        }),
        Yaml::Float(seconds, _) if *seconds > 0.0 && *seconds < 1e6 && (seconds * 1000.0).fract() == 0.0 => {
            Some(format!("did you mean '{}ms'?", (seconds * 1000.0) as u64))
        }
        _ => Some(general),
    }
}

/// What to write in place of a duration that is one but for its length.
fn too_long(text: &str) -> Option<String> {
    // The same text with small numbers shows whether the units are right.
    let mut short = String::new();
    for letter in text.chars() {
        match letter {
            '0'..='9' if short.ends_with('1') => {}
            '0'..='9' => short.push('1'),
            other => short.push(other),
        }
    }
    let days = LONGEST.as_secs() / 86_400;
    duration(&short).is_ok().then(|| format!("it is too long: write at most {days}d"))
}

fn bad_word(node: &Node, words: &'static [&'static str]) -> Option<String> {
    let given = node.text();
    if given.is_some_and(|given| words.iter().any(|word| word.eq_ignore_ascii_case(given))) {
        return None;
    }
    let near = given.and_then(|given| near::nearest(given, words.iter().copied()));
    Some(near.map_or_else(|| format!("write {}", either(words)), |word| format!("did you mean '{word}'?")))
}

fn list_mend(node: &Node, of: Kind) -> String {
    match (&node.value, of) {
        (Yaml::Str(text), Kind::Template | Kind::Text) => {
            let has_shell = text.contains(['|', '&', ';', '<', '>', '$', '`', '"', '\'', '(', '*', '\n', '{']);
            if has_shell || text.trim().is_empty() || text.len() > 80 {
                return "write a list, and hand the text to a shell if it needs one: [\"sh\", \"-c\", \"...\"]"
                    .to_owned();
            }
            let words: Vec<String> = text.split_whitespace().map(|word| format!("\"{word}\"")).collect();
            format!("write a list, one word an item: [{}]", words.join(", "))
        }
        (Yaml::Map(entries), Kind::Object(shape)) => {
            if entries.iter().any(|entry| shape.field(&entry.key).is_some()) {
                return "write '- ' before it: it is a list".to_owned();
            }
            let first = entries.first().map_or("...", |entry| entry.key.as_str());
            let names: Vec<&str> = shape.names().collect();
            format!("write a list: [{{{}: {}, {}: ...}}]", names[0], shown(first), names[1])
        }
        (Yaml::Int(_, written), _) => format!("write a list: [{written}]"),
        _ => "write a list".to_owned(),
    }
}

/// The actions that a hook or undo names, with their places.
pub(super) fn actions(node: &Node) -> Vec<&Entry> {
    node.entries().iter().filter(|entry| ACTIONS.contains(&entry.key.as_str())).collect()
}
