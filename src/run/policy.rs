//! Which hooks of a phase still run. Pure: given facts, decide (`docs/hooks/policies.md`).

use super::outcome::{self, Outcome};
use super::state::State;
use crate::exit;
use crate::hooks::{Hook, OnError, Phase, Policy};
use crate::report::Status;

/// Whether a policy has a post hook run in a run that stands so.
pub(super) fn runs(policy: Policy, status: Status, retry_left: i64) -> bool {
    match policy {
        Policy::Always => true,
        Policy::OnSuccess => matches!(status, Status::Success | Status::Warning),
        Policy::OnFailure => matches!(status, Status::Failure | Status::Interrupted),
        Policy::OnFinalRetryFailure => retry_left == 0 && runs(Policy::OnFailure, status, retry_left),
    }
}

/// Why a post hook does not run, in the words of a skipped task, if so. `status` is what the hook would be told.
pub(super) fn why_skipped(hook: &Hook, hooks: &[&Hook], state: &State, status: Status, job: &str) -> Option<String> {
    if let Some(reason) = phase_stopped(hooks, state, Phase::Post) {
        return Some(reason);
    }
    // A run is not started again.
    if runs(hook.policy, status, 0) {
        return None;
    }
    let stands = outcome::outcome(hooks, state);
    let because = (hook.policy == Policy::OnSuccess && stands.status == status)
        .then(|| why_it_failed(hooks, state, &stands, job))
        .flatten();
    Some(because.unwrap_or_else(|| {
        format!("Task skipped: executionPolicy is {} and the run stands at {}", hook.policy.word(), status.word())
    }))
}

/// What made the run fail, in the normative words.
fn why_it_failed(hooks: &[&Hook], state: &State, stands: &Outcome, job: &str) -> Option<String> {
    let exception = || Some(format!("Task skipped due to critical task exception: {job}"));
    match stands.status {
        Status::Success | Status::Warning | Status::Skipped => None,
        Status::Interrupted if state.interrupted.is_none() => {
            // Its work had ended well: the exception was none of it.
            if state.crashed && outcome::work_succeeded(state) {
                return Some("Task skipped: the run was cut short".to_owned());
            }
            exception()
        }
        Status::Interrupted => Some(format!("Task skipped: the run was {}", stands.reason)),
        Status::Failure => {
            if let Some(record) = outcome::forbidding(hooks, state) {
                return Some(format!("Task skipped due to critical hook failure: {}", record.name));
            }
            match state.work.as_ref().map_or(0, |work| work.code) {
                0 => {
                    let failed = outcome::failures(hooks, state, Phase::Post);
                    let (_, record) = failed.into_iter().find(|(hook, _)| hook.on_error == OnError::Fail)?;
                    Some(format!("Task skipped due to critical hook failure: {}", record.name))
                }
                // It could not be started, or died.
                exit::USAGE | exit::CANNOT_EXECUTE | exit::NOT_FOUND | 129.. => exception(),
                _ => Some(format!("Task skipped due to critical task failure: {job}")),
            }
        }
    }
}

/// Why no further hook of this phase runs, where one has failed that says so (`stopPhaseOnError`).
pub(super) fn phase_stopped(hooks: &[&Hook], state: &State, phase: Phase) -> Option<String> {
    outcome::failures(hooks, state, phase)
        .into_iter()
        .find(|(hook, _)| hook.stop_phase_on_error)
        .map(|(_, record)| format!("Task skipped due to hook failure (stopPhaseOnError): {}", record.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_policy_runs_for_its_statuses_alone() {
        use Status::{Failure, Interrupted, Skipped, Success, Warning};
        let all = [Success, Warning, Failure, Interrupted, Skipped];
        let run = |policy, left| all.into_iter().filter(|status| runs(policy, *status, left)).collect::<Vec<_>>();
        assert_eq!(run(Policy::Always, 1), all);
        assert_eq!(run(Policy::OnSuccess, 0), [Success, Warning]);
        assert_eq!(run(Policy::OnFailure, 1), [Failure, Interrupted]);
        assert_eq!(run(Policy::OnFinalRetryFailure, 0), [Failure, Interrupted]);
        assert_eq!(run(Policy::OnFinalRetryFailure, 1), []);
    }
}
