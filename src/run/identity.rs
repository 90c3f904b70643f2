//! The id of a run: sortable, unique, and readable.

use chrono::Utc;

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

#[cfg(test)]
mod tests {
    #[test]
    fn ids_differ_and_name_the_job() {
        let (one, two) = (super::new_id("backup"), super::new_id("backup"));
        assert_ne!(one, two);
        let parts: Vec<&str> = one.split('-').collect();
        assert_eq!((parts[0].len(), parts[1], parts[2].len()), (16, "backup", 8), "{one}");
    }
}
