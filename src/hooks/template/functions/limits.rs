//! What no template can do: crash, hang, or fill the memory.

use super::super::budget::Budget;
use super::super::{SecretValues, Template, Trust, Value};
use super::table::{NAMES, find};
use std::time::{Duration, Instant};

fn call(name: &str, given: &[Value]) -> Result<Value, String> {
    find(name).expect("there is such a function")(given, &Budget::new())
}

fn rendered(template: &str) -> Result<String, String> {
    let template = Template::parse(template, Trust::Imported).map_err(|error| error.what)?;
    template.render(&Value::Nil, &SecretValues::default()).map_err(|error| error.what)
}

#[test]
fn no_function_panics_whatever_it_is_given() {
    let long = "ä \u{1f44d}\n$()".repeat(50);
    let some = [
        Value::Nil,
        Value::Bool(true),
        Value::Int(0),
        Value::Int(3),
        Value::Int(i64::MAX),
        Value::Int(i64::MIN),
        Value::Float(f64::NAN),
        Value::Float(-1e300),
        Value::text(""),
        Value::text("é"),
        Value::text("(a|b)*"),
        Value::text("2006-01-02 15:04:05.000 MST -07"),
        Value::text(&long),
        Value::list(vec![Value::text("é"), Value::Nil, Value::Int(1)]),
        Value::map([("é".to_owned(), Value::list(vec![]))]),
        Value::record("v1beta1.TargetRef", vec![]),
        Value::Time(0, 0),
        Value::Time(i128::MAX, i32::MAX),
        Value::Time(i128::MIN, i32::MIN),
        Value::Time(8_210_266_876_799 * 1_000_000_000, 86_000),
        Value::Time(-8_334_601_228_800 * 1_000_000_000, -86_000),
    ];
    for name in NAMES {
        for one in &some {
            let _ = call(name, std::slice::from_ref(one));
            for other in &some {
                let _ = call(name, &[one.clone(), other.clone()]);
                for third in some.iter().skip(3).step_by(4) {
                    let _ = call(name, &[one.clone(), other.clone(), third.clone()]);
                }
            }
        }
        let _ = call(name, &[]);
    }
}

#[test]
fn texts_and_lists_are_bounded() {
    let begun = Instant::now();
    for template in [
        r#"{{ repeat 9223372036854775807 "x" }}"#,
        r#"{{ $x := repeat 1000 "x" }}{{ range until 9 }}{{ $x = cat $x $x $x }}{{ end }}"#,
        "{{ until 9223372036854775807 }}",
        "{{ until -9223372036854775808 }}",
        "{{ untilStep 0 9223372036854775807 4611686018427387904 }}{{ seq 1 99999999 }}",
        r#"{{ indent 9223372036854775807 "x" }}"#,
        r#"{{ indent 500000 "a\nb\nc\nd" }}"#,
        r#"{{ replace "" (repeat 1000 "y") (repeat 100000 "x") }}"#,
        r#"{{ join (repeat 1000 "y") (until 10000) }}"#,
        r#"{{ $x := list "x" }}{{ range until 60 }}{{ $x = list $x $x }}{{ end }}"#,
        r#"{{ $x := dict "x" 1 }}{{ range until 500 }}{{ $x = dict "x" $x }}{{ end }}"#,
        r#"{{ $x := repeat 500000 "x" }}{{ list $x $x $x }}"#,
        r#"{{ $x := repeat 100000 "\"" }}{{ range until 9 }}{{ $x = toJson $x }}{{ end }}"#,
        r#"{{ fromJson (repeat 100000 "[") }}{{ fromJson (cat (repeat 120 "[") (repeat 120 "]")) }}{{ fail "so" }}"#,
        r#"{{ $x := repeat 500000 "a" }}{{ regexFindAll "a*[^a]|a" $x -1 }}"#,
        r#"{{ $x := repeat 500000 "a" }}{{ regexMatch "((a?){20}){20}b" $x }}{{ regexMatch "(.{0,900}b)+c" $x }}{{ fail "so" }}"#,
        r#"{{ regexReplaceAll "" (repeat 100000 "a") (repeat 1000 "$0$0b") }}"#,
        r#"{{ wrapWith 1 (repeat 1000 "y") (repeat 100000 "x") }}"#,
        r#"{{ dateInZone (repeat 100000 "January") 0 "UTC" }}"#,
        "{{ $l := until 5000 }}{{ uniq $l }}",
        r#"{{ range until 60000 }}{{ sha256sum (repeat 1000 "x") }}{{ end }}"#,
    ] {
        let result = rendered(template);
        assert!(result.is_err(), "{template}: {:?}", result.map(|text| text.len()));
    }
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn a_text_is_never_cut_within_a_character() {
    for (template, expected) in [
        (r#"{{ trunc 2 "aé" }}"#, "a"),
        (r#"{{ trunc -1 "aé" }}|"#, "|"),
        (r#"{{ substr 2 3 "aéb" }}"#, "é"),
        (r#"{{ abbrev 5 "aéébcd" }}"#, "a..."),
        (r#"{{ wrapWith 1 "|" "éa" }}"#, "é|a"),
        (r#"{{ mustSlice "aéb" 0 2 }}"#, "a"),
        (r#"{{ nospace "é ü" }}{{ initials "Äpfel Öl" }}"#, "éüÄÖ"),
    ] {
        assert_eq!(rendered(template).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn what_is_random_or_looks_around_is_no_function() {
    for name in [
        "expandenv",
        "getHostByName",
        "randAlphaNum",
        "randAlpha",
        "randAscii",
        "randNumeric",
        "randInt",
        "randBytes",
        "shuffle",
        "uuidv4",
        "bcrypt",
        "htpasswd",
        "genPrivateKey",
        "derivePassword",
        "buildCustomCert",
        "genCA",
        "genCAWithKey",
        "genSelfSignedCert",
        "genSelfSignedCertWithKey",
        "genSignedCert",
        "genSignedCertWithKey",
        "encryptAES",
        "decryptAES",
        "semver",
        "semverCompare",
        "urlParse",
        "urlJoin",
        "hello",
    ] {
        assert!(find(name).is_none(), "{name}");
        let error = Template::parse(&format!("{{{{ {name} }}}}"), Trust::Own).expect_err("is no function").what;
        assert!(error.contains(&format!("function \"{name}\" not defined")), "{error}");
    }
}

const PAGE: &str = include_str!("../../../../docs/hooks/templates.md");

#[test]
fn the_page_has_every_function() {
    let missing: Vec<_> = NAMES.iter().filter(|name| !PAGE.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_examples_of_the_page_give_what_it_says() {
    let mut count = 0;
    for line in PAGE.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<String> =
            line.replace("\\|", "\u{0}").split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect();
        let code =
            |cell: &str| Some(cell.strip_prefix('`')?.strip_suffix('`')?.to_owned()).filter(|code| !code.contains('`'));
        let [_, _, example, gives, _] = &cells[..] else { continue };
        let (Some(template), Some(expected)) = (code(example), code(gives)) else { continue };
        assert_eq!(rendered(&template).as_deref(), Ok(&*expected), "{template}");
        count += 1;
    }
    assert!(count >= 50, "{count}");
}
