use super::super::super::document;
use super::super::super::model::{Http, Scheme, Tls};
use super::super::super::template::Template;
use super::*;

/// Reads a handler; gives it with the mistakes.
fn read(text: &str, executor: ExecutorKind) -> (Handler, Vec<String>) {
    let documents = document::read(text).expect("is YAML");
    let mut fields = Fields::default();
    let mut prober = Prober { fields: &mut fields, system: "Stash", executor };
    let handler = prober.handler(&documents[0], documents[0].at, "it");
    let mistakes = fields.mistakes.iter().map(|mistake| format!("{}: {}", mistake.at, mistake.what)).collect();
    (handler, mistakes)
}

fn one(text: &str, executor: ExecutorKind) -> Probe {
    let (mut handler, mistakes) = read(text, executor);
    assert_eq!(mistakes, Vec::<String>::new());
    assert_eq!(handler.probes.len(), 1);
    handler.probes.remove(0)
}

#[test]
fn every_field_of_a_post_is_read() {
    let text = "
httpPost:
  host: hooks.example.net
  port: 8443
  path: alert?x=1
  scheme: https
  httpHeaders:
  - {name: X-Team, value: '{{ .Name }}'}
  - {name: content-type, value: application/json}
  body: |
    {\"phase\": {{ toJson .Status.Phase }}}
";
    let probe = one(text, ExecutorKind::Pod);
    let Action::HttpPost(http) = probe.action else { panic!("{:?}", probe.action) };
    let body = http.body.clone();
    let plain = Text::plain;
    let expected = Http {
        scheme: Scheme::Https,
        host: plain("hooks.example.net"),
        port: Some(Port::Number(8443)),
        path: plain("/alert?x=1"),
        headers: vec![(plain("X-Team"), plain("{{ .Name }}")), (plain("content-type"), plain("application/json"))],
        body: body.clone(),
        form: Vec::new(),
        tls: Tls::Verify,
    };
    assert_eq!(http, expected);
    let body = body.expect("has one");
    assert_eq!(body.template().map(Template::source), Some("{\"phase\": {{ toJson .Status.Phase }}}"));
    assert_eq!(
        probe.notes,
        [
            "the certificate is verified; Stash did not verify it",
            "it.httpPost.httpHeaders[0].value is sent as it stands: Stash renders exec.command and httpPost.body alone",
            "Content-Type is sent as it is set; Stash replaced it by one of its own",
        ]
    );
}

#[test]
fn a_form_wins_over_a_body() {
    let text = "httpPost: {host: h, port: '80', scheme: HTTP, body: x, form: [{key: scope, values: [all, '{{']}]}";
    let probe = one(text, ExecutorKind::Pod);
    let Action::HttpPost(http) = probe.action else { panic!("{:?}", probe.action) };
    assert_eq!((http.body, http.port), (None, Some(Port::Number(80))));
    assert_eq!(http.form, [(Text::plain("scope"), vec![Text::plain("all"), Text::plain("{{")])]);
    assert_eq!(probe.notes, ["it.httpPost has a form and a body: the form is sent, as Stash did"]);
}

#[test]
fn a_missing_host_is_the_pod_or_this_container_for_the_operator() {
    let get = "{containerName: web, httpGet: {port: metrics, path: /, scheme: HTTP}}";
    let host = |executor| match one(get, executor).action {
        Action::HttpGet(http) => (http.host, http.port),
        other => panic!("{other:?}"),
    };
    let name = Some(Port::Name("metrics".to_owned()));
    assert_eq!(host(ExecutorKind::Pod), (Text::plain(""), name.clone()));
    assert_eq!(host(ExecutorKind::Operator), (Text::plain("127.0.0.1"), name));
    let probe = one("tcpSocket: {host: localhost, port: 7000}", ExecutorKind::Pod);
    assert_eq!(probe.warnings.len(), 1, "{probe:?}");
    let probe = one("tcpSocket: {host: localhost, port: 7000}", ExecutorKind::Operator);
    assert_eq!(probe.warnings.len(), 0, "{probe:?}");
}

#[test]
fn all_actions_that_are_set_come_in_the_order_of_the_prober() {
    let text = "
tcpSocket: {host: h, port: 1}
httpPost: {host: h, port: 1, scheme: HTTP}
httpGet: {host: h, port: 1, scheme: HTTP}
exec: {command: [sync]}
";
    let (handler, mistakes) = read(text, ExecutorKind::Pod);
    let words: Vec<&str> = handler.probes.iter().map(|probe| probe.action.word()).collect();
    assert_eq!(words, ["exec", "httpGet", "httpPost", "tcpSocket"]);
    assert_eq!(mistakes, Vec::<String>::new());
}

#[test]
fn what_cannot_be_meant_is_a_mistake() {
    for (text, expected) in [
        ("{containerName: x}", "1:1: it has no action"),
        ("exec: {}", "1:7: it.exec.command is empty"),
        ("exec: {command: [sleep, 5]}", "1:25: it.exec.command[1] is the number 5"),
        ("exec: {command: [x], shell: bash}", "1:22: unknown field 'shell' in it.exec"),
        ("httpGet: {host: h, port: 80}", "1:10: it.httpGet.scheme is missing"),
        ("httpGet: {host: h, port: 80, scheme: FTP}", "1:38: it.httpGet.scheme is 'FTP'"),
        ("httpGet: {host: h, scheme: HTTP}", "1:10: it.httpGet.port is missing"),
        ("httpGet: {host: h, port: 80, scheme: HTTP, body: x}", "1:44: unknown field 'body' in it.httpGet"),
        ("httpGet: {host: h, port: 70000, scheme: HTTP}", "1:26: it.httpGet.port is the number 70000"),
        ("tcpSocket: {host: h, port: 0}", "1:28: it.tcpSocket.port is the number 0"),
        ("tcpSocket: {host: h, port: 1, path: /}", "1:31: unknown field 'path' in it.tcpSocket"),
    ] {
        let (_, mistakes) = read(text, ExecutorKind::Pod);
        assert_eq!(mistakes, [expected], "{text}");
    }
}

#[test]
fn only_what_holds_a_template_is_trimmed() {
    let probe = one("exec: {command: [' plain ', ' {{ .Name }} ', 'a {{ .Name }} b ']}", ExecutorKind::Pod);
    let Action::Exec(exec) = &probe.action else { panic!("{:?}", probe.action) };
    let sources: Vec<&str> = exec.command.iter().map(Text::source).collect();
    assert_eq!(sources, [" plain ", "{{ .Name }}", "a {{ .Name }} b"]);
    assert!(exec.command[0].template().is_none());
    assert_eq!(probe.notes.len(), 1, "{:?}", probe.notes);
    assert!(probe.notes[0].contains("it.exec.command[1]"), "{:?}", probe.notes);
}

#[test]
fn what_the_native_form_refuses_is_refused() {
    for (text, expected) in [
        ("exec: {command: ['', x]}", "begins with an empty word"),
        ("exec: {command: [x, \"a\\0b\"]}", "NUL"),
        ("httpGet: {host: 'http://h', port: 80, scheme: HTTP}", "has a scheme in it"),
        ("tcpSocket: {host: 'h h', port: 80}", "has a blank"),
        ("tcpSocket: {host: 'h:81', port: 80}", "has a port in it"),
        ("tcpSocket: {host: h, port: No_Port}", "it.tcpSocket.port is 'No_Port'"),
        ("httpGet: {host: h, port: 80, scheme: HTTP, path: \"/a\\nb\"}", "it.httpGet.path has a line end"),
        (
            "httpGet: {host: h, port: 80, scheme: HTTP, httpHeaders: [{name: 'A b', value: x}]}",
            "is no name of a header",
        ),
        ("httpGet: {host: h, port: 80, scheme: HTTP, httpHeaders: [{name: A, value: \"x\\ny\"}]}", "has a line end"),
    ] {
        let (_, mistakes) = read(text, ExecutorKind::Pod);
        assert!(mistakes.len() == 1 && mistakes[0].contains(expected), "{text}: {mistakes:?}");
    }
    for fine in
        ["httpGet: {host: '[::1]', port: web, scheme: HTTP, path: '/a b'}", "tcpSocket: {host: '::1', port: 80}"]
    {
        assert_eq!(read(fine, ExecutorKind::Pod).1, [""; 0], "{fine}");
    }
}

#[test]
fn shquote_within_quotes_is_a_warning() {
    for (program, what) in
        [("echo \"{{ .Name | shquote }}\"", "which stands within quotes"), ("echo {{ .Name }}", "unquoted")]
    {
        let probe = one(&format!("exec: {{command: [dash, -c, '{program}']}}"), ExecutorKind::Pod);
        assert!(probe.warnings.len() == 1 && probe.warnings[0].what.contains(what), "{:?}", probe.warnings);
    }
}
