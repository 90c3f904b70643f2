//! The worker itself.

use super::arguments::NotifyTestArgs;
use super::plan::{Plan, on_off};
use crate::exit;
use crate::masking::say;
use crate::report::{self, Document, Sent, Status};
use crate::run::{Draft, GivenUp, RepositoryLock, Work, WorkContext, Worked, deliver};
use crate::settings::Settings;
use crate::workers::skeleton::Frame;
use clap::{Args, FromArgMatches};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// A mail takes at most this long, as in every run.
const MAIL_LIMIT: Duration = Duration::from_secs(30);

/// How much of a mail's transcript is shown where it failed, in lines.
const SHOWN: usize = 12;

/// The work of `notify-test`.
pub struct NotifyTest {
    arguments: NotifyTestArgs,
    draft: Option<Draft>,
}

/// Adds the flags of `notify-test` to a command.
pub fn augment(command: clap::Command) -> clap::Command {
    NotifyTestArgs::augment_args(command)
}

/// Makes the work of the flags that were given.
///
/// # Errors
/// When the flags are not those of [`augment`].
pub fn make(matches: &clap::ArgMatches) -> Result<Box<dyn Work>, clap::Error> {
    Ok(Box::new(NotifyTest { arguments: NotifyTestArgs::from_arg_matches(matches)?, draft: None }))
}

impl Work for NotifyTest {
    fn repository_lock(&self, _: &Settings) -> RepositoryLock {
        RepositoryLock::None
    }

    fn target(&self, _: &Settings, _: &BTreeMap<String, String>) -> String {
        String::new()
    }

    fn is_notified(&self) -> bool {
        false
    }

    fn hear(&mut self, so_far: Draft) {
        self.draft = Some(so_far);
    }

    fn run(&mut self, cx: &mut WorkContext<'_>) -> Worked {
        let started = Instant::now();
        let plan = Plan::new(&self.arguments, cx.settings);
        let frame = open(&plan, cx.settings);
        let mut results = Results::default();
        let worked = match self.draft.take() {
            Some(draft) => test(&plan, cx, draft, started, &mut results),
            None => Worked::with_code(exit::FAILURE, "the pipeline has told nothing of the run"),
        };
        frame.close();
        cx.extras.extend(extras(&plan, &results, started.elapsed()));
        worked
    }

    fn details(&self, _: &WorkContext<'_>) -> String {
        DETAILS.to_owned()
    }

    fn extras_without_work(&self, settings: &Settings) -> Vec<(String, String)> {
        extras(&Plan::new(&self.arguments, settings), &Results::default(), Duration::ZERO)
    }
}

/// What the mail's subject says after the duration.
const DETAILS: &str = "manual notification plumbing test";

/// What came of one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Not tested, or not yet tried.
    Skipped,
    /// Not sent on purpose.
    DryRun,
    /// The other one is being sent; this one is next.
    Pending,
    Delivered,
    /// With the code of curl or of the mail program.
    Failed(i32),
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::DryRun => "dry-run",
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed(_) => "failed",
        }
    }

    fn code(self) -> i32 {
        if let Self::Failed(code) = self { code } else { exit::SUCCESS }
    }
}

/// What came of both.
#[derive(Debug, Clone, Copy)]
struct Results {
    mail: Outcome,
    webhook: Outcome,
}

impl Default for Results {
    fn default() -> Self {
        Self { mail: Outcome::Skipped, webhook: Outcome::Skipped }
    }
}

fn open(plan: &Plan, settings: &Settings) -> Frame {
    let frame = Frame::open("📣", "notify-test", &[]);
    let auth = if plan.has_auth_header { "set (value masked)" } else { "(empty)" };
    let lines = [
        ("Release", settings.identity.release.as_str()),
        ("Target mode", plan.mode.word()),
        ("Dry-run", on_off(plan.dry_run)),
        ("MAILX_RCPT", &or_empty(&plan.recipient)),
        ("MAILX_ON_ERROR", &plan.mail_on_error),
        ("WEBHOOK_URL", &or_empty(&plan.webhook_url)),
        ("WEBHOOK_ON_ERROR", &plan.webhook_on_error),
        ("WEBHOOK_TIMEOUT", &plan.webhook_timeout),
        ("WEBHOOK_HEADER_AUTH", auth),
    ];
    let message = (!plan.message.is_empty()).then_some(("Operator message", plan.message.as_str()));
    for (label, value) in lines.into_iter().chain(message) {
        say::info(format!("{label:<22}: {}", one_line(value)));
    }
    frame
}

fn or_empty(value: &str) -> String {
    if value.is_empty() { "(empty)".to_owned() } else { value.to_owned() }
}

/// A value of several lines must not pass for several settings.
fn one_line(value: &str) -> String {
    value.trim_end().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Checks, and sends.
fn test(plan: &Plan, cx: &WorkContext<'_>, draft: Draft, started: Instant, results: &mut Results) -> Worked {
    let problems = plan.problems(cx.settings);
    if !problems.is_empty() {
        for problem in &problems {
            say::error(format!("❌ {problem}."));
        }
        return Worked::with_code(exit::USAGE, problems.join("; "));
    }
    say::info("This is a test of the notifications, started by hand or by its schedule. Nothing was backed up.");
    say::info("If you can read this in a mail, mails arrive. Targets of this test:");
    say::info(format!("  - webhook: {}", on_off(plan.webhook.requested)));
    say::info(format!("  - mail: {}", on_off(plan.mail.requested)));

    let first = |requested: bool, outcome| if requested { outcome } else { Outcome::Skipped };
    if plan.dry_run {
        results.webhook = first(plan.webhook.requested, Outcome::DryRun);
        results.mail = first(plan.mail.requested, Outcome::DryRun);
        let would = [
            (plan.webhook.requested, format!("a webhook to {}", plan.webhook_url)),
            (plan.mail.requested, format!("a mail to {}", one_line(&plan.recipient))),
        ];
        let would: Vec<String> = would.into_iter().filter(|(requested, _)| *requested).map(|(_, what)| what).collect();
        say::info(format!("✅ Dry run: nothing was sent. Without --dry-run: {}.", would.join(", and ")));
        return Worked::with_code(exit::SUCCESS, "");
    }

    let Draft { document, flusher } = draft;
    let sender = Sender { plan, cx, document, flusher, started };
    if plan.webhook.requested {
        // Whoever reads it has got it.
        let so_far = Results { webhook: Outcome::Delivered, mail: first(plan.mail.requested, Outcome::Pending) };
        results.webhook = sender.webhook(&so_far);
    }
    if plan.mail.requested && cx.stop.request().is_none() {
        results.mail = sender.mail(results);
    }
    let not_begun = plan.mail.requested && results.mail == Outcome::Skipped;
    if let Some(request) = cx.stop.request().filter(|_| not_begun || is_failed(results)) {
        return Worked::with_code(exit::of_signal(request.signal as i32), "stopped before everything was sent");
    }
    judge(results)
}

fn is_failed(results: &Results) -> bool {
    matches!(results.webhook, Outcome::Failed(_)) || matches!(results.mail, Outcome::Failed(_))
}

fn judge(results: &Results) -> Worked {
    let told = [("webhook", results.webhook), ("mail", results.mail)];
    let of = |wanted: fn(&Outcome) -> bool| -> Vec<String> {
        let fitting = told.iter().filter(|(_, outcome)| wanted(outcome));
        fitting
            .map(|(name, outcome)| match outcome {
                Outcome::Failed(code) => format!("{name} (code {code})"),
                _ => (*name).to_owned(),
            })
            .collect()
    };
    let failed = of(|outcome| matches!(outcome, Outcome::Failed(_)));
    let delivered = of(|outcome| *outcome == Outcome::Delivered);
    if failed.is_empty() {
        say::info(format!("✅ Notify test successful: delivered {}", delivered.join(" and ")));
        return Worked::with_code(exit::SUCCESS, "");
    }
    let but = if delivered.is_empty() { String::new() } else { format!("; delivered {}", delivered.join(" and ")) };
    say::error(format!("❌ Notify test failed: not delivered {}{but}", failed.join(" and ")));
    Worked::with_code(exit::FAILURE, format!("not delivered: {}", failed.join(", ")))
}

/// Sends as real runs do.
struct Sender<'a, 'b> {
    plan: &'a Plan,
    cx: &'a WorkContext<'b>,
    document: Document,
    flusher: crate::masking::output::Flusher,
    started: Instant,
}

impl Sender<'_, '_> {
    fn webhook(&self, so_far: &Results) -> Outcome {
        let (document, settings) = (self.document(so_far), self.settings());
        deliver_to(self.cx, "webhook", move || {
            report::webhook::send(&settings.notify, &document, &settings.environment, &settings.secrets, None)
        })
    }

    fn mail(self, so_far: &Results) -> Outcome {
        let so_far = Results { mail: Outcome::Delivered, ..*so_far };
        let (document, settings) = (self.document(&so_far), self.settings());
        let flusher = self.flusher;
        let log = self.cx.log_path.clone();
        let transcript = self.cx.settings.paths.log.join(format!("{}-mail-last.log", self.cx.job.name));
        let shown = transcript.clone();
        let outcome = deliver_to(self.cx, "mail", move || {
            let files = report::mail::Files { log: &log, transcript: &transcript, flush: &|| flusher.flush() };
            let (environment, secrets) = (&settings.environment, &settings.secrets);
            report::mail::send(&settings.notify, &document, &files, environment, secrets, MAIL_LIMIT)
        });
        if matches!(outcome, Outcome::Failed(_)) {
            show_transcript(&shown);
        }
        outcome
    }

    /// A test is told of whatever the settings say of runs that went well.
    fn settings(&self) -> Settings {
        let mut settings = self.cx.settings.clone();
        settings.notify.webhook_on_error = false;
        settings.notify.mail_on_error = false;
        settings
    }

    /// The run as one that went well.
    fn document(&self, results: &Results) -> Document {
        let elapsed = self.started.elapsed();
        Document {
            title: self.cx.settings.secrets.mask(self.plan.title()).into_owned(),
            finished_at: chrono::Local::now(),
            duration_seconds: i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX),
            extras: extras(self.plan, results, elapsed),
            exit_code: exit::SUCCESS,
            status: Status::Success,
            reason: String::new(),
            details: DETAILS.to_owned(),
            ..self.document.clone()
        }
    }
}

/// Waits for what is sent until it is over, or a stop is asked for.
fn deliver_to(cx: &WorkContext<'_>, what: &str, send: impl FnOnce() -> Sent + Send + 'static) -> Outcome {
    match deliver(send, || cx.stop.request().is_some()) {
        Ok(Sent::Delivered) => Outcome::Delivered,
        Ok(Sent::Failed(code)) => Outcome::Failed(code),
        Ok(Sent::Off | Sent::NotDue) => Outcome::Skipped,
        Err(GivenUp::NotStarted(error)) => {
            say::error(format!("❌ The {what} cannot be sent: {error}"));
            Outcome::Failed(exit::FAILURE)
        }
        Err(GivenUp::Abandoned) => {
            say::error(format!("❌ The {what} was given up: a stop was asked for."));
            Outcome::Failed(cx.stop.request().map_or(exit::FAILURE, |stop| exit::of_signal(stop.signal as i32)))
        }
    }
}

/// What was said on the way, where it did not get through.
fn show_transcript(path: &Path) {
    let Ok(text) = std::fs::read_to_string(path) else { return };
    let lines: Vec<&str> = text.lines().collect();
    for line in &lines[lines.len().saturating_sub(SHOWN)..] {
        say::info(format!("   {line}"));
    }
}

/// The contract's extras, in their order.
fn extras(plan: &Plan, results: &Results, so_far: Duration) -> Vec<(String, String)> {
    [
        ("target_mode", plan.mode.word()),
        ("dry_run", on_off(plan.dry_run)),
        ("mail_requested", on_off(plan.mail.requested)),
        ("webhook_requested", on_off(plan.webhook.requested)),
        ("mail_configured", on_off(plan.mail.configured)),
        ("webhook_configured", on_off(plan.webhook.configured)),
        ("mail_result", results.mail.word()),
        ("webhook_result", results.webhook.word()),
        ("mail_rc", &results.mail.code().to_string()),
        ("webhook_rc", &results.webhook.code().to_string()),
        ("webhook_url", &plan.webhook_url),
        ("webhook_auth_header_set", on_off(plan.has_auth_header)),
        ("mail_on_error", &plan.mail_on_error),
        ("webhook_on_error", &plan.webhook_on_error),
        ("webhook_timeout", &plan.webhook_timeout),
        ("subject", &plan.subject),
        ("message", &plan.message),
        ("duration_so_far_seconds", &so_far.as_secs().to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .to_vec()
}
