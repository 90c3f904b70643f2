//! What the specification of hooks says, fact by fact in our own words, with the tests that hold it. (Declared hooks,
//! undos and other systems' definitions are not there yet.)

use crate::promises::assert_all_exist;

/// Where hooks come from.
const ORIGIN: &[(&str, &[&str])] = &[
    (
        "phase and worker, then suffixes that begin with a digit in byte order; hooks of every worker enclose the rest",
        &["hook_environment::hooks_run_in_order_around_the_work", "promises::hooks_run_before_and_after_each_worker"],
    ),
    ("a suffix without a digit is switched off", &["hook_environment::hooks_run_in_order_around_the_work"]),
    (
        "a script without a #! line is run by sh, and doubted",
        &[
            "hook_containment::a_script_without_interpreter_line_is_run_by_sh",
            "doctor_hooks::a_script_without_an_interpreter_line_and_an_empty_one_are_doubtful",
        ],
    ),
    ("links are followed, as in a ConfigMap", &["hook_environment::hooks_linked_as_a_configmap_does_are_run"]),
    ("hidden names are no hooks", &["hook_environment::hooks_run_in_order_around_the_work"]),
    ("the plan is made once, at the start", &["hook_plan::the_plan_of_a_run_is_made_once_at_its_start"]),
    (
        "a hook that cannot run is an error of the run and counts as failed with 126",
        &[
            "hook_plan::every_reason_that_keeps_a_hook_from_running_is_an_error_of_the_run",
            "src/hooks/examine.rs::a_mount_without_execution_is_found",
            "src/hooks/examine.rs::anothers_execute_bit_is_not_ours",
        ],
    ),
    (
        "doctor says how to mend it, and names every other entry with the nearest right name",
        &[
            "doctor_hooks::a_hook_without_its_execute_bit_is_named_with_chmod",
            "doctor_hooks::a_config_map_without_execute_bits_is_named_with_its_default_mode",
            "doctor_hooks::every_entry_that_will_not_run_is_named_with_the_nearest_right_name",
        ],
    ),
    (
        "what others may write runs with a warning, and not at all when strict",
        &[
            "doctor_hooks::a_script_that_others_may_write_is_doubtful_and_refused_when_strict",
            "hook_failures::a_strict_folder_refuses_a_script_that_others_may_write",
        ],
    ),
    (
        "looking runs no hook",
        &[
            "doctor::a_sound_set_up_with_a_real_repository_ends_with_0",
            "hooks_command::list_shows_what_would_run_in_order",
        ],
    ),
];

/// What a hook is told.
const TOLD: &[(&str, &[&str])] = &[
    (
        "no argument for a pre hook, the code for a post hook",
        &["promises::a_pre_hook_has_no_argument_and_a_post_hook_has_the_code"],
    ),
    (
        "empty input, the root folder, and the variables of its run",
        &["hook_environment::a_hook_is_told_what_the_specification_lists"],
    ),
    ("its place and their number", &["hook_told::a_hook_is_told_its_place_among_those_of_its_phase"]),
    ("the run's id, trigger and start", &["hook_told::a_run_has_an_id_a_trigger_and_a_start"]),
    (
        "what is read or written",
        &[
            "hook_environment::a_hook_is_told_what_the_specification_lists",
            "restore::hooks_around_a_restore_are_told_its_target_its_snapshot_and_its_end",
        ],
    ),
    (
        "why, in one line of at most 4 KiB",
        &[
            "hook_told::the_reason_is_one_line_of_at_most_four_kibibytes",
            "src/hooks/told.rs::an_error_is_one_line_of_at_most_four_kibibytes",
        ],
    ),
    (
        "this run's own summary, or none",
        &[
            "hook_environment::the_summary_is_on_disk_before_the_first_post_hook",
            "hook_told::yesterdays_summary_is_never_told_as_todays",
        ],
    ),
    (
        "a worker that a hook starts is a run of its own",
        &["hook_environment::a_worker_that_a_hook_starts_is_a_run_of_its_own"],
    ),
    (
        "values are handed on to later hooks and to the work",
        &[
            "hook_values::a_pre_hook_points_the_backup_at_a_snapshot",
            "hook_told::a_value_reaches_every_later_hook_and_the_last_one_counts",
        ],
    ),
    ("only by a hook that ended well", &["hook_values::a_hook_that_fails_hands_nothing_on"]),
    (
        "through a regular file that only we can write",
        &[
            "hook_values::a_link_in_place_of_the_file_is_not_followed",
            "hook_values::the_folder_of_the_run_is_gone_afterwards",
            "hook_told::what_takes_the_place_of_the_file_fails_the_hook",
        ],
    ),
    ("one bad line costs them all", &["hook_values::a_bad_line_fails_the_hook_and_none_of_its_lines_count"]),
    ("no secret is handed on", &["hook_values::a_secret_is_not_handed_on"]),
    (
        "no name that a program reads, and 64 KiB in all",
        &[
            "hook_told::names_that_programs_read_and_too_much_are_refused",
            "src/hooks/handed_on.rs::one_bad_line_costs_all_lines_and_is_named",
        ],
    ),
    (
        "what it prints is marked with its name, as it comes, on console and log",
        &[
            "promises::what_a_hook_prints_is_logged_and_does_not_count",
            "hook_told::what_a_hook_prints_is_shown_as_it_comes",
        ],
    ),
    (
        "known secrets are masked, also split over two writes",
        &["hook_told::a_secret_that_a_hook_prints_in_two_pieces_is_masked"],
    ),
    ("bytes that are no text are shown", &["hook_containment::binary_output_is_shown_and_not_fatal"]),
    (
        "what is kept is bounded, and the hook is not held up",
        &["hook_containment::a_gibibyte_of_output_is_bounded_in_log_and_summary"],
    ),
];

/// Time limits.
const LIMITS: &[(&str, &[&str])] = &[
    (
        "seconds or a duration, 0 is none",
        &["hook_plan::a_limit_is_seconds_or_a_duration", "promises::hook_timeout_limits_each_hook_and_0_is_none"],
    ),
    (
        "anything else is loud, and no limit",
        &[
            "hook_failures::a_bad_limit_is_said_loudly_and_the_run_goes_on_as_warning",
            "doctor_hooks::the_hooks_section_has_a_line_for_every_hook_there_could_be",
        ],
    ),
    ("SIGTERM once, so that a trap may clean up", &["hook_containment::timeout_lets_a_trap_clean_up_once"]),
    ("SIGCONT for what was stopped", &["hook_containment::timeout_ends_a_hook_that_stopped_itself"]),
    ("then SIGKILL", &["hook_containment::timeout_ends_a_hook_that_ignores_sigterm"]),
    (
        "for all that it started",
        &[
            "hook_containment::timeout_ends_a_double_forked_child_in_a_session_of_its_own",
            "hook_containment::timeout_ends_five_hundred_children",
        ],
    ),
    (
        "what an earlier hook left on purpose stays",
        &["hook_containment::the_leftover_of_one_hook_survives_the_timeout_of_another"],
    ),
    (
        "a time-out and an own 124 are told apart",
        &["hook_containment::a_timed_out_hook_is_told_apart_from_one_that_exits_124"],
    ),
    (
        "what is left on purpose is left alone",
        &[
            "hook_containment::background_child_does_not_hold_the_run",
            "hook_containment::a_leftover_that_goes_on_printing_does_not_die_of_it",
            "locks::a_worker_takes_the_lock_over_and_hands_it_to_nobody",
        ],
    ),
];

/// When a hook fails.
const FAILURE: &[(&str, &[&str])] = &[
    (
        "Continue: recorded, and the run goes on",
        &["hook_failures::a_failed_hook_never_turns_a_good_backup_into_a_failed_one"],
    ),
    (
        "Fail on a pre hook: nothing else is done, 120",
        &[
            "hook_failures::a_critical_pre_hook_that_fails_forbids_the_work",
            "restore::a_critical_pre_hook_keeps_a_restore_from_writing",
        ],
    ),
    ("124 where it timed out", &["hook_failures::a_critical_pre_hook_that_times_out_ends_with_124"]),
    (
        "Fail on a post hook: 121, and the later ones run",
        &["hook_failures::a_critical_post_hook_that_fails_ends_with_121_and_the_later_ones_run"],
    ),
    ("the work's own code stays", &["hook_failures::the_works_own_code_stays_whatever_post_hooks_do"]),
    ("an agreed code calls the run off", &["hook_failures::a_skip_code_calls_the_run_off"]),
    ("values whatever their case", &["src/settings/hook_defaults.rs::words_are_read_whatever_their_case"]),
    (
        "what was skipped says why in fixed words",
        &[
            "hook_failures::a_critical_pre_hook_that_fails_forbids_the_work",
            "run_outcome::a_step_after_work_that_failed_or_never_began_is_skipped_in_these_words",
        ],
    ),
    (
        "five statuses; work and surroundings have separate verdicts",
        &["run_outcome::work_and_surroundings_have_separate_verdicts"],
    ),
    ("the summary's keys have an order", &["src/report/json.rs::the_summary_has_every_key_in_its_place"]),
    (
        "messages carry the status and the hook to blame",
        &[
            "src/report/subject.rs::the_tag_follows_the_status",
            "src/report/subject.rs::the_hook_that_is_to_blame_is_named",
        ],
    ),
    (
        "2 for what the work needs, after summary and post hooks",
        &[
            "run_outcome::a_wrong_setting_of_the_work_ends_with_2_after_its_post_hooks",
            "restore::a_repository_that_is_not_set_ends_with_2_after_summary_and_post_hook",
        ],
    ),
    ("75 when another run holds the lock", &["locks::a_direct_call_says_who_holds_the_lock_and_exits_75"]),
    (
        "130, 143 and so on after a signal",
        &["signals::each_signal_during_the_work_interrupts_it_and_names_itself_in_the_code"],
    ),
    (
        "a mistake that the work does not need costs a warning",
        &[
            "run_outcome::a_wrong_setting_of_the_reports_costs_a_warning_and_not_the_backup",
            "hook_failures::a_bad_limit_is_said_loudly_and_the_run_goes_on_as_warning",
        ],
    ),
    (
        "a post script that cannot run is announced, and fails alone",
        &["hook_failures::a_post_hook_that_cannot_run_is_announced_before_the_first_pre_hook"],
    ),
    ("a run that did nothing is not fresh", &["run_outcome::a_run_that_was_called_off_is_not_fresh"]),
    ("the run ends by printing its tasks", &["hook_failures::the_run_ends_by_printing_its_tasks"]),
];

/// Order of a run.
const ORDER: &[(&str, &[&str])] = &[
    (
        "questions after the lock and before the first hook",
        &[
            "restore_prompts::what_was_chosen_is_restored_and_no_hook_runs_before_the_last_yes",
            "restore_prompts::a_person_who_cannot_be_answered_is_told_before_any_question",
        ],
    ),
    ("pre hooks, work, post hooks", &["hook_environment::hooks_run_in_order_around_the_work"]),
    (
        "summary and metrics before the post hooks and again after them",
        &[
            "hook_environment::the_summary_is_on_disk_before_the_first_post_hook",
            "run_outcome::metrics_are_there_before_the_post_hooks_and_brought_up_to_date_after_them",
        ],
    ),
    ("notifications last, under the lock", &["run_outcome::notifications_come_last_and_under_the_lock"]),
    (
        "but not for ever: NOTIFY_AFTER, and again if the verdict changes",
        &["run_outcome::notifications_go_out_while_a_post_hook_takes_too_long"],
    ),
    ("the lock until all is done", &["promises::a_tick_takes_the_lock_for_hooks_and_work_and_gets_the_workers_code"]),
];

/// Signals.
const SIGNALS: &[(&str, &[&str])] = &[
    (
        "before the work: the pre hook is ended, the rest skipped",
        &[
            "signals::a_signal_in_a_pre_hook_ends_it_and_skips_the_work",
            "restore_interrupted::ctrl_c_in_a_pre_hook_keeps_restic_from_starting",
        ],
    ),
    (
        "during the work: it is ended, post hooks run",
        &[
            "signals::each_signal_during_the_work_interrupts_it_and_names_itself_in_the_code",
            "restore_interrupted::ctrl_c_during_the_restore_ends_restic_and_the_post_hooks_run",
        ],
    ),
    ("after the work: the outcome stays", &["signals::a_signal_in_a_post_hook_leaves_outcome_and_exit_code"]),
    (
        "SIGINT leaves each hook its own limit",
        &[
            "src/run/budget.rs::sigint_leaves_each_hook_its_own_limit",
            "signals::a_signal_in_a_post_hook_leaves_outcome_and_exit_code",
        ],
    ),
    (
        "the others start a budget",
        &[
            "src/run/budget.rs::sigterm_shares_the_budget_out",
            "signals::sigterm_gives_post_hooks_a_total_budget",
            "run_outcome::post_hooks_that_have_no_time_left_are_skipped_with_the_reason",
        ],
    ),
    (
        "a second signal cuts the work's grace short",
        &["signals::a_second_signal_cuts_the_engines_grace_short_but_not_the_post_hooks"],
    ),
    (
        "while waiting for the lock: at once, no run",
        &["signals::a_signal_while_waiting_for_the_lock_ends_at_once_without_a_run"],
    ),
];

#[test]
fn every_fact_of_the_specification_has_its_test() {
    for facts in [ORIGIN, TOLD, LIMITS, FAILURE, ORDER, SIGNALS] {
        assert_all_exist(facts);
    }
}
