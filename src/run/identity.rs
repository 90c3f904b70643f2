//! The id of a run: sortable, unique, and readable.

use chrono::{DateTime, Local, NaiveDateTime, Utc};

/// `20260511T073000Z-backup-0a1b2c3d`: UTC time, job, 8 hex digits.
pub fn new_id(job: &str) -> String {
    let mut random = [0_u8; 4];
    // SAFETY: writes at most the four bytes that it is given.
    let got = unsafe { libc::getrandom(random.as_mut_ptr().cast(), random.len(), 0) };
    if got != 4 {
        // Only an ancient kernel has no random numbers; process and time then tell runs apart.
        let nanos = Utc::now().timestamp_subsec_nanos() ^ (nix::unistd::getpid().as_raw() as u32);
        random = nanos.to_le_bytes();
    }
    format!("{}-{job}-{:08x}", Utc::now().format("%Y%m%dT%H%M%SZ"), u32::from_be_bytes(random))
}

/// When the run of this id was started, to the second; `None` if it is none.
pub fn time_of(id: &str) -> Option<DateTime<Local>> {
    let time = NaiveDateTime::parse_from_str(id.split('-').next()?, "%Y%m%dT%H%M%SZ").ok()?;
    Some(time.and_utc().with_timezone(&Local))
}

/// Whether this is the id of a run, in its form: `20260511T073000Z-backup-0a1b2c3d`.
pub fn is_id(word: &str) -> bool {
    let parts = word.split_once('-').and_then(|(_, rest)| rest.rsplit_once('-'));
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    time_of(word).is_some()
        && parts.is_some_and(|(job, random)| {
            let is_random = random.len() == 8 && random.bytes().all(|byte| byte.is_ascii_hexdigit());
            !job.is_empty() && job.bytes().all(is_name) && is_random
        })
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_differ_and_name_the_job() {
        let (one, two) = (super::new_id("backup"), super::new_id("backup"));
        assert_ne!(one, two);
        let parts: Vec<&str> = one.split('-').collect();
        assert_eq!((parts[0].len(), parts[1], parts[2].len()), (16, "backup", 8), "{one}");
        let time = super::time_of("20260511T073000Z-backup-0a1b2c3d").expect("is an id");
        assert_eq!(time.timestamp(), 1_778_484_600);
        assert_eq!(super::time_of("notes"), None);
        assert!(super::is_id(&one) && super::is_id("20260511T073000Z-restore-test-0a1b2c3d"), "{one}");
        for word in ["", "nope", "../../etc/passwd", "20260511T073000Z-backup", "20260511T073000Z-../x-0a1b2c3d"] {
            assert!(!super::is_id(word), "{word}");
        }
    }
}
