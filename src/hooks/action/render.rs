//! From what a definition says to what is done: every template rendered, and every field checked.

use super::super::model::{Exec, Http, Port, Scheme, Tcp, Tls};
use super::super::template::{SecretValues, Value};
use super::super::{Action, Hook, Phase, Text};
use super::{Command, Rendered, Request, fields};
use crate::http::Asking;

/// Renders `action` over `data`.
///
/// # Errors
/// One line that names the field and what is wrong.
pub fn render(action: &Action, hook: &Hook, data: &Value, secrets: &SecretValues) -> Result<Rendered, String> {
    let with = With { data, secrets, word: action.word() };
    match action {
        Action::Script(path) => {
            let args = if hook.phase == Phase::Post { exit_code(data) } else { None };
            Ok(Rendered::Command(Command {
                program: path.to_string_lossy().into_owned(),
                args: args.into_iter().collect(),
                env: Vec::new(),
                directory: "/".to_owned(),
                user: None,
            }))
        }
        Action::Exec(exec) => with.command(exec).map(Rendered::Command),
        Action::HttpGet(http) => with.request("GET", http).map(Rendered::Request),
        Action::HttpPost(http) => with.request("POST", http).map(Rendered::Request),
        Action::TcpSocket(tcp) => with.connection(tcp),
    }
}

/// The argument of post scripts.
fn exit_code(data: &Value) -> Option<String> {
    let Value::Struct(summary) = data else { return None };
    match &summary.fields.iter().find(|field| field.name == "ExitCode")?.value {
        Value::Int(code) => Some(code.to_string()),
        _ => None,
    }
}

struct With<'a> {
    data: &'a Value,
    secrets: &'a SecretValues,
    word: &'static str,
}

impl With<'_> {
    /// The field's name in messages, as in [`Action::texts`].
    fn field(&self, rest: &str) -> String {
        format!("{}.{rest}", self.word)
    }

    fn text(&self, field: &str, text: &Text) -> Result<String, String> {
        match text {
            Text::Plain(text) => Ok(text.clone()),
            Text::Template(template) => template
                .render(self.data, self.secrets)
                .map_err(|error| format!("the template of {field} cannot be rendered: {}", error.what)),
        }
    }

    fn argument(&self, field: &str, text: &Text) -> Result<String, String> {
        let text = self.text(field, text)?;
        fields::for_process(field, &text)?;
        Ok(text)
    }

    fn command(&self, exec: &Exec) -> Result<Command, String> {
        let mut words = Vec::with_capacity(exec.command.len());
        for (at, text) in exec.command.iter().enumerate() {
            words.push(self.argument(&self.field(&format!("command[{at}]")), text)?);
        }
        if let Some(shell) = &exec.shell {
            words = vec![shell.clone(), "-c".to_owned(), words.join(" ")];
        }
        let mut words = words.into_iter();
        let program = words.next().unwrap_or_default();
        if program.is_empty() {
            return Err(format!("{} names no program: write it as the first word", self.field("command")));
        }
        let mut env = Vec::with_capacity(exec.env.len());
        for (name, text) in &exec.env {
            let field = self.field(&format!("env[{name}]"));
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(format!("{field} is no name of a variable: use letters, digits and _"));
            }
            env.push((name.clone(), self.argument(&field, text)?));
        }
        let optional = |name: &str, text: Option<&Text>| {
            let text = text.map(|text| self.argument(&self.field(name), text)).transpose()?;
            Ok::<_, String>(text.filter(|text| !text.is_empty()))
        };
        let directory = optional("workingDir", exec.working_dir.as_ref())?.unwrap_or_else(|| "/".to_owned());
        let user = optional("user", exec.user.as_ref())?;
        Ok(Command { program, args: words.collect(), env, directory, user })
    }

    fn request(&self, method: &'static str, http: &Http) -> Result<Request, String> {
        let field = self.field("host");
        let host = fields::host(&field, &self.text(&field, &http.host)?)?;
        let field = self.field("path");
        let path = fields::path(&field, &self.text(&field, &http.path)?)?;
        let (scheme, own) = match http.scheme {
            Scheme::Http => ("http", 80),
            Scheme::Https => ("https", 443),
        };
        let port = http.port.as_ref().map(|port| self.port(port)).transpose()?.filter(|port| *port != own);
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let mut headers = Vec::with_capacity(http.headers.len() + 2);
        for (at, (name, value)) in http.headers.iter().enumerate() {
            let field = self.field(&format!("httpHeaders[{at}].name"));
            let name = self.text(&field, name)?;
            fields::header_name(&field, &name)?;
            let field = self.field(&format!("httpHeaders[{at}].value"));
            let value = self.text(&field, value)?;
            fields::in_head(&field, &value)?;
            headers.push((name, value));
        }
        let body = self.body(http, &mut headers)?;
        if body.is_some() && method == "GET" {
            return Err(format!("{} is not sent with a GET: use httpPost", self.field("body")));
        }
        if !has(&headers, "user-agent") {
            headers.push(("User-Agent".to_owned(), Asking::USER_AGENT.to_owned()));
        }
        let verify = http.tls == Tls::Verify;
        Ok(Request { method, url: format!("{scheme}://{host}{port}{path}"), headers, body, verify })
    }

    /// What is posted, with its `Content-Type` unless somebody has set one. A form goes before a body, as in the systems
    /// that have both.
    fn body(&self, http: &Http, headers: &mut Vec<(String, String)>) -> Result<Option<String>, String> {
        let (body, kind) = if http.form.is_empty() {
            let Some(body) = &http.body else { return Ok(None) };
            let body = self.text(&self.field("body"), body)?;
            let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&body).is_ok();
            (body, if is_json { "application/json" } else { "text/plain; charset=utf-8" })
        } else {
            let mut pairs = Vec::new();
            for (at, (key, values)) in http.form.iter().enumerate() {
                let key = self.text(&self.field(&format!("form[{at}].key")), key)?;
                for (of, value) in values.iter().enumerate() {
                    pairs.push((key.clone(), self.text(&self.field(&format!("form[{at}].values[{of}]")), value)?));
                }
            }
            (fields::form(&pairs), "application/x-www-form-urlencoded")
        };
        if !has(headers, "content-type") {
            headers.push(("Content-Type".to_owned(), kind.to_owned()));
        }
        Ok(Some(body))
    }

    fn connection(&self, tcp: &Tcp) -> Result<Rendered, String> {
        let field = self.field("host");
        let host = fields::host(&field, &self.text(&field, &tcp.host)?)?;
        Ok(Rendered::Connection(host, self.port(&tcp.port)?))
    }

    fn port(&self, port: &Port) -> Result<u16, String> {
        match port {
            Port::Number(number) => Ok(*number),
            Port::Name(name) => Err(format!(
                "{} is '{name}', the name of a container's port, which only the system that it was written for can look \
                 up: write the number",
                self.field("port")
            )),
        }
    }
}

fn has(headers: &[(String, String)], name: &str) -> bool {
    headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture;
    use super::*;

    fn plain(texts: &[&str]) -> Vec<Text> {
        texts.iter().map(|text| Text::plain(*text)).collect()
    }

    fn http() -> Http {
        Http {
            scheme: Scheme::Http,
            host: Text::plain("localhost"),
            port: None,
            path: Text::plain(""),
            headers: Vec::new(),
            body: None,
            form: Vec::new(),
            tls: Tls::Verify,
        }
    }

    fn rendered(action: &Action) -> Result<Rendered, String> {
        let hook = fixture::hook(action.clone());
        render(action, &hook, &Value::Nil, &SecretValues::default())
    }

    fn request(action: &Action) -> Request {
        match rendered(action) {
            Ok(Rendered::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    fn header<'a>(request: &'a Request, name: &str) -> Vec<&'a str> {
        request.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    #[test]
    fn an_address_is_put_together() {
        for (scheme, host, port, path, url) in [
            (Scheme::Http, "localhost", None, "", "http://localhost/"),
            (Scheme::Http, "localhost", Some(80), "x", "http://localhost/x"),
            (Scheme::Https, "::1", Some(8443), "/a b", "https://[::1]:8443/a%20b"),
            (Scheme::Https, "h.example", Some(443), "/?q=1", "https://h.example/?q=1"),
            (Scheme::Https, "h.example", Some(80), "/", "https://h.example:80/"),
        ] {
            let given = Http {
                scheme,
                host: Text::plain(host),
                port: port.map(Port::Number),
                path: Text::plain(path),
                ..http()
            };
            assert_eq!(request(&Action::HttpGet(given)).url, url);
        }
    }

    #[test]
    fn the_type_of_a_body_is_seen_unless_it_is_set() {
        let post = |body: &str, own: Option<(&str, &str)>| {
            let headers = own.map(|(name, value)| (Text::plain(name), Text::plain(value))).into_iter().collect();
            request(&Action::HttpPost(Http { body: Some(Text::plain(body)), headers, ..http() }))
        };
        assert_eq!(header(&post("{\"a\": 1}", None), "Content-Type"), ["application/json"]);
        assert_eq!(header(&post("{a", None), "Content-Type"), ["text/plain; charset=utf-8"]);
        assert_eq!(header(&post("{}", Some(("content-type", "x/y"))), "content-type"), ["x/y"]);
        assert!(header(&post("{}", Some(("content-type", "x/y"))), "Content-Type").is_empty());
        let agent = concat!("boathook/", env!("CARGO_PKG_VERSION"));
        assert_eq!(header(&post("", None), "User-Agent"), [agent]);
        assert!(header(&post("", Some(("user-agent", "mine"))), "User-Agent").is_empty());
    }

    #[test]
    fn a_form_goes_before_a_body() {
        let form = vec![(Text::plain("b"), plain(&["1", "2"])), (Text::plain("a"), plain(&["x y"]))];
        let request = request(&Action::HttpPost(Http { form, body: Some(Text::plain("{}")), ..http() }));
        assert_eq!(request.body.as_deref(), Some("b=1&b=2&a=x+y"));
        assert_eq!(header(&request, "Content-Type"), ["application/x-www-form-urlencoded"]);
    }

    #[test]
    fn what_cannot_be_sent_names_its_field() {
        let named = Some(Port::Name("web".to_owned()));
        let bad = vec![(Text::plain("X"), Text::plain("ok")), (Text::plain("X"), Text::plain("a\r\nEvil: 1"))];
        for (http, start) in [
            (Http { host: Text::plain("a\nb"), ..http() }, "httpPost.host holds a line feed"),
            (Http { path: Text::plain("/a\0"), ..http() }, "httpPost.path holds a NUL"),
            (Http { headers: bad, ..http() }, "httpPost.httpHeaders[1].value holds a carriage return"),
            (Http { port: named, ..http() }, "httpPost.port is 'web', the name of a container's port"),
        ] {
            let error = rendered(&Action::HttpPost(http)).expect_err(start);
            assert!(error.starts_with(start), "{error}");
        }
        let body = Some(Text::plain("{}"));
        let error = rendered(&Action::HttpGet(Http { body, ..http() })).expect_err("is refused");
        assert!(error.contains("use httpPost"), "{error}");
    }

    #[test]
    fn a_command_is_its_words_and_a_shells_program_one_word() {
        let command = |exec: Exec| match rendered(&Action::Exec(exec)) {
            Ok(Rendered::Command(command)) => command,
            other => panic!("{other:?}"),
        };
        let bare = command(Exec { command: plain(&["echo", "a b", ""]), ..Exec::default() });
        assert_eq!((bare.program.as_str(), bare.args.as_slice()), ("echo", &["a b".to_owned(), String::new()][..]));
        assert_eq!((bare.directory.as_str(), bare.user), ("/", None));
        let shell = Some("/bin/bash".to_owned());
        let shelled = command(Exec { command: plain(&["echo $HOME"]), shell, ..Exec::default() });
        assert_eq!((shelled.program.as_str(), shelled.args.join("|").as_str()), ("/bin/bash", "-c|echo $HOME"));
        for (exec, start) in [
            (Exec { command: plain(&["a", "b\0"]), ..Exec::default() }, "exec.command[1] holds a NUL"),
            (Exec::default(), "exec.command names no program"),
            (
                Exec { command: plain(&["a"]), env: vec![("X".to_owned(), Text::plain("\0"))], ..Exec::default() },
                "exec.env[X] holds a NUL",
            ),
        ] {
            let error = rendered(&Action::Exec(exec)).expect_err(start);
            assert!(error.starts_with(start), "{error}");
        }
    }

    #[test]
    fn a_connection_is_host_and_port() {
        let tcp = |port| Action::TcpSocket(Tcp { host: Text::plain("::1"), port });
        assert_eq!(rendered(&tcp(Port::Number(5432))), Ok(Rendered::Connection("[::1]".to_owned(), 5432)));
        assert!(rendered(&tcp(Port::Name("db".to_owned()))).is_err());
    }
}
