//! What keeps the promises, each to be taken out, and the surroundings in which the model runs.

/// Rules of the design. All hold in the product; a test takes each out and sees what breaks.
#[derive(Clone, Copy)]
pub struct Guards {
    /// The journal with its header is durable before the first hook.
    pub header_synced: bool,
    /// The start of a pre hook is synced before it, outside the hold window.
    pub sync_before_start: bool,
    /// A recovery takes a hook of the hold window whose start is not noted for started.
    pub maybe_started: bool,
    /// The record of an undo is no sign that the hooks before it are all noted: it comes from another writer.
    pub undo_is_no_later_step: bool,
    /// Who goes on for a dead writer first writes all that it knows, in one line.
    pub restate: bool,
    /// Where a line is lost, it may have been that of any pre hook.
    pub lost_counts: bool,
    /// The worker writes what it hears that an undoer has done.
    pub heard_is_noted: bool,
    /// Whoever runs an undo has claimed it.
    pub claim: bool,
    /// A pre hook holds the word of its undo from before each attempt to its end.
    pub hook_holds_word: bool,
    /// An undo waits for its hook's end, and a successor for what its predecessor ran.
    pub wait_for_end: bool,
    /// A supervisor holds the flock until its hook has ended.
    pub supervisor_holds_flock: bool,
    /// Nobody recovers while the run's flock is held.
    pub alive_check: bool,
    /// The lock of a recovery excludes other recoveries.
    pub exclusive: bool,
    /// A journal is read after it was locked.
    pub read_after_lock: bool,
    /// A journal goes when everything is paid.
    pub settled_before_removal: bool,
    /// What a run has noted is synced before its end is told and its journal removed.
    pub drained_before_end: bool,
    /// The claims of a process are freed when it is certainly dead.
    pub death_is_certain: bool,
    /// A dead undoer's claim is freed when its supervisor is gone, too.
    pub undoer_tree_gone: bool,
    /// Without a keeper the worker frees the claim of a dead undoer.
    pub worker_frees: bool,
    /// A recovery runs the post hooks that have no end.
    pub post_made_up: bool,
    /// Hooks whose supervisor was killed are found and ended by whoever goes on.
    pub sweep: bool,
    /// A killed worker of which a thread hangs in a write to a frozen file system counts as dead for its keeper.
    pub as_good_as_dead: bool,
    /// And an undoer for keeper and worker.
    pub dead_undoer_seen: bool,
    /// Such a thread has descriptors of its own: no lock, nobody's socket.
    pub own_descriptors: bool,
    /// Assumed, not built: a hook without any of our processes has ended when another container recovers.
    pub no_foreign_orphans: bool,
}

impl Guards {
    /// The design.
    pub const ALL: Self = Self {
        header_synced: true,
        sync_before_start: true,
        maybe_started: true,
        undo_is_no_later_step: true,
        restate: true,
        lost_counts: true,
        heard_is_noted: true,
        claim: true,
        hook_holds_word: true,
        wait_for_end: true,
        supervisor_holds_flock: true,
        alive_check: true,
        exclusive: true,
        read_after_lock: true,
        settled_before_removal: true,
        drained_before_end: true,
        death_is_certain: true,
        undoer_tree_gone: true,
        worker_frees: true,
        post_made_up: true,
        sweep: true,
        as_good_as_dead: true,
        dead_undoer_seen: true,
        own_descriptors: true,
        no_foreign_orphans: true,
    };
}

/// One exploration.
#[derive(Clone, Copy)]
pub struct Setting {
    /// The rules.
    pub guards: Guards,
    /// The pre hooks freeze the file system that the journal lies on.
    pub frozen: bool,
    /// The most crashes on one way.
    pub crashes: u8,
}
