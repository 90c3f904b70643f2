//! Which jobs may run at the same time: those that do not meet. Jobs that do keep the order of the file.

use super::job_file::{Entry, Mode};

/// What a job reads and writes: locations, and whether it writes there. A row that is no job does neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ground(Vec<(String, bool)>);

impl Ground {
    /// That of a job, if it is one.
    pub(super) fn of(entry: Option<&Entry>) -> Self {
        let ends =
            |entry: &Entry| vec![(plain(&entry.source), entry.mode == Mode::Bisync), (plain(&entry.destination), true)];
        Self(entry.map(ends).unwrap_or_default())
    }

    /// Whether one of the two writes where the other reads or writes.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.0.iter().any(|(end, writes)| {
            other.0.iter().any(|(place, written)| (*writes || *written) && (is_in(end, place) || is_in(place, end)))
        })
    }
}

/// The first job that waits, and that neither a running one nor an earlier one in the queue has to be waited for with.
pub(super) fn next(grounds: &[Ground], waiting: &[usize], running: &[usize]) -> Option<usize> {
    let free = |(place, job): &(usize, &usize)| {
        let earlier = waiting[..*place].iter().chain(running);
        !earlier.into_iter().any(|other| grounds[*other].meets(&grounds[**job]))
    };
    waiting.iter().enumerate().find(free).map(|(_, job)| *job)
}

fn is_in(inner: &str, outer: &str) -> bool {
    let Some(rest) = inner.strip_prefix(outer) else { return false };
    rest.is_empty() || rest.starts_with('/') || outer.ends_with(['/', ':']) || outer.is_empty()
}

/// A location in one spelling, as far as that can be told without asking anybody.
fn plain(location: &str) -> String {
    let location = location.strip_prefix(":local:").unwrap_or(location);
    let rooted = location.starts_with('/');
    let parts: Vec<&str> = location.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let joined = parts.join("/");
    if rooted { format!("/{joined}") } else { joined }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ground(source: &str, destination: &str, mode: Mode) -> Ground {
        let (source, destination) = (source.to_owned(), destination.to_owned());
        Ground::of(Some(&Entry { source, destination, mode, words: Vec::new() }))
    }

    #[test]
    fn jobs_meet_where_one_of_them_writes() {
        let a = ground("/data", "nas:data", Mode::Sync);
        for (source, destination, mode, meets) in [
            ("/data", "b2:data", Mode::Sync, false),
            ("/data/", "b2:data", Mode::Bisync, true),
            ("/data/one", "b2:data", Mode::Bisync, true),
            ("/database", "b2:data", Mode::Bisync, false),
            ("nas:data/one", "/other", Mode::Copy, true),
            ("nas:", "/other", Mode::Copy, true),
            ("nas:database", "/other", Mode::Copy, false),
            ("/x", "//data/./one/", Mode::Copy, true),
            ("/x", ":local:/data", Mode::Copy, true),
            ("/", "b2:all", Mode::Copy, false),
            ("b2:all", "/", Mode::Copy, true),
        ] {
            let b = ground(source, destination, mode);
            assert_eq!((a.meets(&b), b.meets(&a)), (meets, meets), "{source} {destination}");
        }
    }

    #[test]
    fn a_pair_never_runs_twice_at_once_and_the_order_of_such_jobs_stays() {
        let grounds = [
            ground("/a", "nas:a", Mode::Bisync),
            ground("/a", "nas:a", Mode::Bisync),
            ground("nas:a", "b2:a", Mode::Copy),
            ground("/b", "nas:b", Mode::Sync),
        ];
        assert_eq!(next(&grounds, &[0, 1, 2, 3], &[]), Some(0));
        assert_eq!(next(&grounds, &[1, 2, 3], &[0]), Some(3), "the others meet the first, or one that does");
        assert_eq!(next(&grounds, &[1, 2], &[0, 3]), None);
        assert_eq!(next(&grounds, &[1, 2], &[3]), Some(1));
        assert_eq!(next(&grounds, &[2], &[1]), None);
    }
}
