//! What is to be previewed: the arguments with their defaults, and the words for restic that they make.

use super::arguments::ForgetPreviewArgs;
use super::words::Reading;
use crate::masking::Secrets;
use crate::settings::{Settings, add_secrets_of_words, words};
use std::collections::BTreeMap;

const POLICY_VARIABLE: &str = "RESTIC_FORGET_ARGS";

/// A preview, not checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub repo_wide: bool,
    /// Where the policy comes from: `--policy` or the variable.
    pub policy_source: &'static str,
    /// As given.
    pub policy: String,
    /// As given.
    pub extra: String,
    pub host: String,
    pub tag: String,
}

/// What restic is to be told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// All words behind `forget`.
    pub words: Vec<String>,
    /// What policy and extra words ask for.
    pub reading: Reading,
}

impl Plan {
    /// The plan that the arguments make; `values` are what pre hooks have handed on.
    pub(super) fn new(
        arguments: &ForgetPreviewArgs,
        settings: &Settings,
        values: Option<&BTreeMap<String, String>>,
    ) -> Self {
        let tag = || values.and_then(|values| values.get("RESTIC_TAG")).unwrap_or(&settings.repository.tag).clone();
        let (policy_source, policy) = match &arguments.policy {
            Some(policy) => ("--policy", policy.clone()),
            None => (POLICY_VARIABLE, settings.jobs.forget.raw.clone()),
        };
        Self {
            repo_wide: arguments.repo_wide,
            policy_source,
            policy,
            extra: arguments.extra.clone().unwrap_or_default(),
            host: arguments.host.clone().unwrap_or_else(|| settings.identity.hostname.clone()),
            tag: arguments.tag.clone().unwrap_or_else(tag),
        }
    }

    /// Whether the policy is the variable's, that the real commands use.
    pub(super) fn is_of_the_settings(&self) -> bool {
        self.policy_source == POLICY_VARIABLE
    }

    /// The words for restic, or everything that is wrong, a line each.
    ///
    /// The switches of the preview stand first, where nothing can have swallowed them, and last, where nothing overrides
    /// them. `--no-lock` is more than a courtesy: without a dry run restic refuses it.
    pub(super) fn order(&self) -> Result<Order, Vec<String>> {
        let mut problems = Vec::new();
        let mut read = |source: &str, raw: &str| {
            let words = words::split(raw).map_err(|error| error.to_string());
            match words.and_then(|words| Reading::of(&words).map(|reading| (words, reading))) {
                Ok(both) => Some(both),
                Err(problem) => {
                    problems.push(format!("{source}: {problem}"));
                    None
                }
            }
        };
        let policy = read(self.policy_source, &self.policy);
        let extra = read("--extra", &self.extra);
        if policy.as_ref().is_some_and(|(words, _)| words.is_empty()) {
            problems.push(format!(
                "No retention policy: {} is empty. Set RESTIC_FORGET_ARGS or give --policy, for example \
                 '--keep-daily 7 --keep-weekly 4'",
                self.policy_source
            ));
        }
        if !self.repo_wide {
            let empty = |flag: &str, variable: &str| {
                format!("The {flag} to look for is empty: set {variable}, give --{flag}, or use --repo-wide")
            };
            problems.extend(self.host.is_empty().then(|| empty("host", "HOSTNAME")));
            problems.extend(self.tag.is_empty().then(|| empty("tag", "RESTIC_TAG")));
        }
        let (Some((policy, of_policy)), Some((extra, of_extra)), true) = (policy, extra, problems.is_empty()) else {
            return Err(problems);
        };
        let reading = of_policy.and(of_extra);
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let mut words = own(&["--dry-run", "--no-lock"]);
        if !reading.verbose {
            // Each group gets its heading.
            words.extend(own(&["--verbose=1"]));
        }
        words.extend(policy);
        if !self.repo_wide {
            words.extend(own(&["--host", &self.host, "--tag", &self.tag]));
        }
        words.extend(extra);
        if reading.quiet {
            words.extend(own(&["--quiet=false"]));
        }
        words.extend(own(&["--no-lock", "--dry-run"]));
        Ok(Order { words, reading })
    }

    /// The contract's extras, in their order.
    pub(super) fn extras(&self, settings: &Settings) -> Vec<(String, String)> {
        let mut extras = vec![
            ("repository", settings.repository.shown.clone()),
            ("repo_wide", self.repo_wide_word().to_owned()),
            ("policy_args", shown(&self.policy)),
            ("extra_args", shown(&self.extra)),
        ];
        if !self.repo_wide {
            extras.extend([("host_filter", self.host.clone()), ("tag_filter", self.tag.clone())]);
        }
        extras.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    pub(super) fn repo_wide_word(&self) -> &'static str {
        if self.repo_wide { "ON" } else { "OFF" }
    }
}

/// Words as they may be shown: what came as an argument is not among the secrets of the settings.
pub(super) fn shown(words: &str) -> String {
    let mut secrets = Secrets::new();
    add_secrets_of_words(&mut secrets, words);
    secrets.mask(words).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(policy: &str, extra: &str) -> Plan {
        Plan {
            repo_wide: false,
            policy_source: POLICY_VARIABLE,
            policy: policy.into(),
            extra: extra.into(),
            host: "h".into(),
            tag: "t".into(),
        }
    }

    fn line(plan: &Plan) -> String {
        plan.order().expect("is sound").words.join(" ")
    }

    #[test]
    fn the_dry_run_stands_first_and_last() {
        assert_eq!(
            line(&plan("--keep-last 3", "--compact")),
            "--dry-run --no-lock --verbose=1 --keep-last 3 --host h --tag t --compact --no-lock --dry-run"
        );
        let wide = Plan { repo_wide: true, host: String::new(), tag: String::new(), ..plan("-l 3 -v", "-q") };
        assert_eq!(line(&wide), "--dry-run --no-lock -l 3 -v -q --quiet=false --no-lock --dry-run");
    }

    #[test]
    fn quotes_group_words_of_policy_and_extra() {
        let words = plan("--keep-last 3\n--keep-tag 'a b'", "--path \"/x y\"").order().expect("is sound").words;
        assert!(words.contains(&"a b".to_owned()) && words.contains(&"/x y".to_owned()), "{words:?}");
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let wrong = Plan { host: String::new(), tag: String::new(), ..plan(" \n", "-n=false") };
        let problems = wrong.order().expect_err("is wrong");
        assert_eq!(problems.len(), 4, "{problems:?}");
        for (problem, begin) in
            problems.iter().zip(["--extra: '-n=false' ", "No retention policy: ", "The host ", "The tag "])
        {
            assert!(problem.starts_with(begin), "{problem}");
        }
        let wrong = plan("--keep-tag 'a", "").order().expect_err("is wrong");
        assert!(wrong[0].starts_with("RESTIC_FORGET_ARGS: has an opening ' at character 12"), "{wrong:?}");
    }
}
