//! Whatever a template is made of, it ends, within its bounds, on a small stack.

use super::{Field, RenderError, SecretSource, SecretValues, Template, Trust, Value};
use proptest::prelude::*;
use std::fmt::Write as _;

fn data() -> Value {
    let text = |text: &str| Value::text(text);
    Value::record(
        "v1beta1.Summary",
        vec![
            Field { name: "Name", json: "name", value: text("it's $(x)") },
            Field { name: "Nothing", json: "nothing", value: Value::Nil },
            Field { name: "List", json: "list", value: Value::list(vec![Value::Int(1), text("a"), Value::Nil]) },
            Field { name: "Map", json: "map", value: Value::map([("a".to_owned(), Value::Float(1.5))]) },
        ],
    )
}

fn render(source: &str) -> Result<String, String> {
    let template = Template::parse(source, Trust::Own).map_err(|error| error.what)?;
    template.render(&data(), &SecretValues::default()).map_err(|RenderError { what }| what)
}

/// Runs on a stack of 256 KiB.
fn on_a_small_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn_scoped(scope, work);
        thread.expect("a thread starts").join().expect("it does not panic")
    })
}

const WORDS: &[&str] = &[
    "{{",
    "}}",
    "{{-",
    "-}}",
    "{{ ",
    " }}",
    " ",
    "\n",
    ".",
    ".Name",
    ".List",
    ".Map",
    ".Nothing",
    ".a",
    "$",
    "$x",
    "$x :=",
    "$x =",
    "$i, $e :=",
    "|",
    "(",
    ")",
    ",",
    "if ",
    "else ",
    "end ",
    "range ",
    "with ",
    "define ",
    "block ",
    "template ",
    "break",
    "continue",
    "nil",
    "true",
    "\"a\"",
    "`b`",
    "'c'",
    "\"%5.2f\"",
    "\"%[2]*d\"",
    "0",
    "1",
    "-7",
    "1.5e3",
    "0x1F",
    "99999999999999999999",
    "and ",
    "or ",
    "not ",
    "len ",
    "index ",
    "slice ",
    "print ",
    "printf ",
    "html ",
    "js ",
    "urlquery ",
    "eq ",
    "lt ",
    "call ",
    "env ",
    "file ",
    "shquote ",
    "/*",
    "*/",
    "é",
    "@",
    "\\",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_soup_of_words_never_panics(words in prop::collection::vec(prop::sample::select(WORDS), 0..40)) {
        let source = words.concat();
        let _ = render(&source);
        let _ = render(&format!("{{{{ {source} }}}}"));
        let _ = Template::parse(&source, Trust::Imported);
    }

    #[test]
    fn any_text_never_panics(source in "\\PC*") {
        let _ = render(&source);
        let _ = render(&format!("{{{{{source}}}}}"));
    }

    #[test]
    fn any_format_never_panics(format in "(%[-+# 0]{0,2}(\\[[0-9]?\\])?[0-9*]{0,2}(\\.[0-9*]?)?[vTdsqxXobcUeEfFgGtp%é!]|a){0,8}") {
        let arguments = [Value::Int(-7), Value::Float(0.1), Value::text("a\u{e9}"), data(), Value::Nil];
        super::format::sprintf(&format, &arguments);
    }

    #[test]
    fn what_is_made_by_the_grammar_parses(template in template()) {
        prop_assert!(Template::parse(&template, Trust::Own).is_ok(), "{template}");
        match render(&template) {
            Ok(text) => prop_assert!(text.len() <= super::budget::BYTES),
            Err(what) => prop_assert!(!what.is_empty()),
        }
    }
}

fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![".", ".Name", ".List", ".Map.a", "$", "1", "-2.5", "\"a\"", "true", "'c'"]);
    leaf.prop_map(str::to_owned).prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| format!("(len {one})")),
            (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("(and {one} {two})")),
            (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("(eq {one} {two})")),
            (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("(print {one} | printf \"%v-%v\" {two})")),
            (inner.clone(), inner).prop_map(|(one, two)| format!("(index {one} {two})")),
        ]
    })
}

fn template() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![Just("text".to_owned()), expression().prop_map(|one| format!("{{{{ {one} }}}}"))];
    leaf.prop_recursive(5, 32, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("{one}{two}")),
            (expression(), inner.clone(), inner.clone())
                .prop_map(|(test, yes, no)| format!("{{{{ if {test} }}}}{yes}{{{{ else }}}}{no}{{{{ end }}}}")),
            (expression(), inner.clone())
                .prop_map(|(list, body)| format!("{{{{ range $i, $e := {list} }}}}{body}{{{{ $e }}}}{{{{ end }}}}")),
            (expression(), inner)
                .prop_map(|(list, body)| format!("{{{{ with $x := {list} }}}}{body}{{{{ $x }}}}{{{{ end }}}}")),
        ]
    })
}

#[test]
fn a_deep_template_is_refused_on_a_small_stack() {
    for (open, close, bound) in [
        ("{{if true}}", "{{end}}", "blocks"),
        ("{{range .List}}", "{{end}}", "blocks"),
        ("{{block \"a\" .}}", "{{end}}", "blocks"),
    ] {
        let source = open.repeat(100_000) + &close.repeat(100_000);
        let error = on_a_small_stack(|| render(&source)).expect_err("it is too deep");
        assert!(error.contains(bound) && error.contains("100 deep"), "{error}");
    }
    let source = format!("{{{{{}1{}}}}}", "(".repeat(100_000), ")".repeat(100_000));
    let error = on_a_small_stack(|| render(&source)).expect_err("it is too deep");
    assert_eq!(error, "parentheses are nested more than 100 deep");
}

#[test]
fn what_is_just_deep_enough_is_rendered_on_a_small_stack() {
    let source = format!(
        "{}{{{{{}.Name{}}}}}{}",
        "{{if true}}".repeat(100),
        "(".repeat(100),
        ")".repeat(100),
        "{{end}}".repeat(100)
    );
    assert_eq!(on_a_small_stack(|| render(&source)), Ok("it's $(x)".to_owned()));
    let source = format!("{}{}", "{{if false}}{{else if false}}", "{{else if false}}".repeat(50_000));
    assert_eq!(on_a_small_stack(|| render(&(source + "{{else}}x{{end}}"))), Ok("x".to_owned()));
}

#[test]
fn a_template_that_calls_itself_ends() {
    let source = r#"{{define "a"}}{{if true}}{{with .}}{{template "a" .}}{{end}}{{end}}{{end}}{{template "a" .}}"#;
    let error = on_a_small_stack(|| render(source)).expect_err("it never ends");
    assert_eq!(error, "exceeded maximum template depth (100)");
}

#[test]
fn steps_are_bounded() {
    let digits = "0123456789".repeat(100);
    let list = "{{range $.List}}".repeat(13);
    let source = format!("{list}{{{{slice \"{digits}\" 1}}}}{}", "{{end}}".repeat(13));
    let error = on_a_small_stack(|| render(&source)).expect_err("it is too much");
    assert!(error.contains("1 MiB") || error.contains("steps"), "{error}");
    let source = format!("{list}{{{{$x := 1}}}}{}", "{{end}}".repeat(13));
    let error = on_a_small_stack(|| render(&source)).expect_err("it takes too long");
    assert!(error.contains("1000000 steps"), "{error}");
}

#[test]
fn output_is_bounded() {
    let error = render(r#"{{range .List}}{{printf "%600000d" 1}}{{end}}"#).expect_err("it is too long");
    assert_eq!(error, "the template's output is longer than 1 MiB");
    let error = render(r#"{{printf "%999999d%999999d" 1 2}}"#).expect_err("it is too long");
    assert!(error.starts_with("error calling printf: the template makes a text longer than 1 MiB"), "{error}");
}

#[test]
fn data_that_is_too_deep_is_refused() {
    let mut value = Value::Int(1);
    for _ in 0..200 {
        value = Value::list(vec![value]);
    }
    let template = Template::parse("{{ . }}", Trust::Own).expect("it parses");
    let error = template.render(&value, &SecretValues::default()).expect_err("it is too deep");
    assert!(error.what.contains("150 levels"), "{}", error.what);
}

#[test]
fn secrets_are_found_and_filled_in() {
    let source = r#"{{ env "A" }}{{ if false }}{{ file `/run/b` | printf "%s" }}{{ end }}{{ print (env "A") }}"#;
    let template = Template::parse(source, Trust::Own).expect("it parses");
    let (a, b) = (SecretSource::Env("A".to_owned()), SecretSource::File("/run/b".to_owned()));
    assert_eq!(template.secret_sources(), [a.clone(), b.clone()]);
    let mut values = SecretValues::default();
    let error = template.render(&data(), &values).expect_err("it was not read");
    assert_eq!(error.what, "env \"A\": it was not read at the start of the run");
    values.0.insert(a.clone(), Err("not set".to_owned()));
    let error = template.render(&data(), &values).expect_err("it is not there");
    assert_eq!(error.what, "env \"A\": not set");
    values.0.insert(a, Ok("s3cret".to_owned()));
    // What is not reached is not needed.
    assert_eq!(template.render(&data(), &values), Ok("s3crets3cret".to_owned()));
}

#[test]
fn secrets_need_a_literal_and_the_operator() {
    for source in [
        "{{ env .Name }}",
        "{{ \"A\" | env }}",
        "{{ env }}",
        "{{ print env }}",
        "{{ env \"A\" \"B\" }}",
        "{{ file \"\" }}",
        "{{ env.x }}",
        "{{ env (\"A\") }}",
    ] {
        let error = Template::parse(source, Trust::Own).expect_err(source);
        assert!(error.what.contains("takes one text in quotes"), "{source}: {}", error.what);
    }
    let error = Template::parse("a\n {{ env \"A\" }}", Trust::Imported).expect_err("it is not ours");
    assert_eq!((error.line, error.column), (2, 5));
    assert_eq!(error.what, "function \"env\" not defined: secrets exist in the operator's own hooks file only");
}

#[test]
fn what_prints_without_shquote_is_named() {
    let source = concat!(
        "{{ .Name }} {{ .Name | shquote }} {{ shquote .Name }} {{ \"x\" }} {{ 1 }} {{ (\"x\") }} {{ (.Name | shquote) }}\n",
        "{{ $x := .Name }}{{ $x = .Name }}{{ if .Name }}é{{- .List -}}{{ end }}{{ range .List }}{{ . | shquote | print }}{{ end }}",
        "{{ define \"a\" }}{{ with .Name }}{{ . }}{{ end }}{{ end }}{{ template \"a\" . }}{{ \"x\" | print }}{{ break_ }}"
    )
    .replace("{{ break_ }}", "");
    let template = Template::parse(&source, Trust::Own).expect("it parses");
    let mut found = String::new();
    for one in template.unquoted() {
        writeln!(found, "{}:{} {}", one.line, one.column, one.action).expect("a text can be written to");
    }
    let expected = "1:1 {{ .Name }}\n2:49 {{- .List -}}\n2:88 {{ . | shquote | print }}\n2:154 {{ . }}\n2:199 {{ \"x\" | print }}\n";
    assert_eq!(found, expected);
}

#[test]
fn places_are_those_of_the_words() {
    for (source, line, column, what) in [
        ("a\né {{ fooo }}", 2, 6, "function \"fooo\" not defined"),
        ("{{ if .Name }}\n x", 2, 3, "unexpected EOF: {{ if .Name }} of line 1, column 1, has no {{end}}"),
        ("{{ .Name ", 1, 10, "unclosed action"),
        ("{{ 1 | 2 }}", 1, 8, "non executable command in pipeline stage 2"),
    ] {
        let error = Template::parse(source, Trust::Own).expect_err(source);
        assert_eq!((error.line, error.column, error.what.as_str()), (line, column, what), "{source}");
    }
}

#[test]
fn the_places_of_many_actions_are_found_in_one_pass() {
    for source in ["{{ .Name }} and so on ".repeat(90_000), "{{ .Name }}\n".repeat(90_000)] {
        let begin = std::time::Instant::now();
        let template = Template::parse(&source, Trust::Own).expect("it parses");
        let last = template.unquoted().last().map(|action| (action.line, action.column));
        let expected = if source.contains('\n') { (90_000, 1) } else { (1, 89_999 * 22 + 1) };
        assert_eq!(last, Some(expected));
        // From the beginning for each, this takes many times as long on any machine.
        assert!(begin.elapsed().as_secs() < 8, "{:?}", begin.elapsed());
    }
}
