//! Running one attempt of a hook: rendered, told what it must know, within its limit, and recorded.

use super::action::{self, Handed, Rendered, Supervised};
use super::ended::{HookEnd, seconds};
use super::template::{SecretValues, Value};
use super::{Action, Finding, Hook, OutputFiles, Phase, Told};
use crate::masking::{Secrets, say};
use crate::process::{Alarm, Identity, Spec, Stop, StopRule, Supervisor};
use crate::settings::Environment;
use std::sync::Arc;
use std::time::Instant;

/// What is common to all hooks of a run.
pub struct Runner<'a> {
    /// What children inherit, and where proxies are named.
    pub environment: &'a Environment,
    /// What must not be shown.
    pub secrets: Arc<Secrets>,
    /// What templates read by `env` and `file`.
    pub secret_values: &'a SecretValues,
    /// Asks hooks to end.
    pub stop: &'a Stop,
    /// Where `HOOK_OUTPUT` lies; `None` if its folder could not be made.
    pub outputs: Option<&'a OutputFiles>,
    /// Supervisors that may still drain what hooks left running.
    pub supervisors: Vec<Supervisor>,
}

impl Runner<'_> {
    /// Runs one attempt of `hook`, its templates rendered over `data`. Says what the contract says about it; never fails
    /// itself.
    pub fn run(
        &mut self,
        hook: &Hook,
        told: &Told<'_>,
        data: &Value,
        rule: &StopRule<'_>,
        alarm: Option<Alarm<'_>>,
    ) -> HookEnd {
        let begun = Instant::now();
        if let Some(problem) = &hook.problem {
            return say_problem(hook, problem, begun);
        }
        let rendered = match action::render(&hook.action, hook, data, self.secret_values) {
            Ok(rendered) => rendered,
            Err(why) => {
                let what = self.secrets.mask(&why).into_owned();
                return say_problem(hook, &Finding { what, mend: String::new() }, begun);
            }
        };
        // A script was looked at when the run was planned.
        if matches!(hook.action, Action::Exec(_))
            && let Some(problem) = action::problem_of(&rendered, self.environment)
        {
            let masked = |text: &str| self.secrets.mask(text).into_owned();
            return say_problem(hook, &Finding { what: masked(&problem.what), mend: masked(&problem.mend) }, begun);
        }
        let limit = hook.timeout.map(|limit| format!(" (timeout {}s)", seconds(limit))).unwrap_or_default();
        say::info(format!("🚀 Running hook {}{limit}...", hook.name));
        tracing::debug!(action = hook.action.word(), limit = ?hook.timeout, "the hook is started");
        let end = match rendered {
            Rendered::Command(command) => self.command(hook, told, command, begun, rule, alarm),
            Rendered::Request(_) | Rendered::Connection(..) => {
                let asked = action::Asked { hook, environment: self.environment, secrets: &self.secrets, begun };
                action::ask(&asked, rendered, self.stop, rule, alarm)
            }
        };
        end.say(hook);
        end
    }

    fn command(
        &mut self,
        hook: &Hook,
        told: &Told<'_>,
        command: action::Command,
        begun: Instant,
        rule: &StopRule<'_>,
        alarm: Option<Alarm<'_>>,
    ) -> HookEnd {
        // Whoever cannot be read was found out before the start.
        let user = command.user.as_deref().and_then(|user| Identity::read(user).ok()).filter(|user| !user.is_ours());
        let output = self.outputs.map(|outputs| outputs.of(hook, told.index, told.attempt, user.as_ref()));
        let output = output.and_then(|made| made.inspect_err(|line| say::warn(line)).ok());
        let told = Told { output: output.as_deref(), ..told.clone() };
        let mut environment = told.environment(self.environment, &hook.name, hook.phase);
        for (name, value) in command.env {
            environment.set(name, value);
        }
        let (program, args) = match &hook.action {
            // As it lies there, whatever bytes its path has; what its argument is does not hang on the template's data.
            Action::Script(path) => {
                let standing = told.standing.iter().filter(|_| hook.phase == Phase::Post);
                (path.clone(), standing.map(|standing| standing.exit_code.to_string().into()).collect())
            }
            _ => (command.program.into(), command.args.into_iter().map(Into::into).collect()),
        };
        let spec = Spec { program, args, environment, directory: Some(command.directory.into()), dies_with_us: None };
        let order = Supervised { hook, spec, user, handed: Handed { output, secrets: &self.secrets }, begun };
        let (end, supervisor) = action::supervise(&order, self.stop, rule, alarm);
        self.supervisors.extend(supervisor);
        self.supervisors.retain_mut(|supervisor| !supervisor.is_gone());
        end
    }
}

fn say_problem(hook: &Hook, problem: &Finding, begun: Instant) -> HookEnd {
    let source = &hook.source;
    if hook.not_executable {
        say::error(format!("❌ Hook {} is not executable ({source}); skipping.", hook.name));
    } else {
        say::error(format!("❌ Hook {} cannot run ({source}): {}.", hook.name, problem.what));
    }
    if !problem.mend.is_empty() {
        say::error(format!("   {}", problem.mend));
    }
    HookEnd::could_not_run(&problem.what, begun.elapsed())
}
