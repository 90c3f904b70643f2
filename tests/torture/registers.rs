//! Reading and changing a system call of a process that has stopped at it: the part that differs between machines.

/// Whether this machine's registers are known here.
pub const SUPPORTED: bool = cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")));

/// Which call, with what.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub number: i64,
    pub arguments: [u64; 6],
}

/// Where a process has stopped.
#[derive(Debug, Clone, Copy)]
pub enum At {
    /// Before a call is carried out.
    Entry(Call),
    /// After it: what it gives.
    Exit(i64),
    Elsewhere,
}

/// Asks the kernel (Linux 5.3 and later) where it has stopped.
pub fn at(tid: i32) -> At {
    // SAFETY: all zeroes are a valid answer of this kind.
    let mut info: libc::ptrace_syscall_info = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::ptrace_syscall_info>();
    // SAFETY: the kernel writes at most `size` bytes to where so many are.
    let got = unsafe { libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, tid, size, &raw mut info) };
    if got <= 0 {
        return At::Elsewhere;
    }
    match info.op {
        libc::PTRACE_SYSCALL_INFO_ENTRY => {
            // SAFETY: `op` says that this variant was written.
            let entry = unsafe { info.u.entry };
            At::Entry(Call { number: entry.nr as i64, arguments: entry.args })
        }
        // SAFETY: `op` says that this variant was written.
        libc::PTRACE_SYSCALL_INFO_EXIT => At::Exit(unsafe { info.u.exit.sval }),
        _ => At::Elsewhere,
    }
}

/// Has the kernel carry out nothing, at the entry of a call.
pub fn skip(tid: i32) {
    machine::set_number(tid, -1);
}

/// Has the process see this, at the exit of a call.
pub fn set_result(tid: i32, value: i64) {
    machine::set_result(tid, value);
}

/// Changes the third argument, at the entry of a call.
pub fn set_third(tid: i32, value: u64) {
    machine::set_third(tid, value);
}

#[cfg(target_arch = "x86_64")]
mod machine {
    fn poke(tid: i32, register: i32, value: i64) {
        // SAFETY: writes one word of the register area of a process that has stopped.
        unsafe { libc::ptrace(libc::PTRACE_POKEUSER, tid, register as usize * 8, value) };
    }

    pub fn set_number(tid: i32, number: i64) {
        poke(tid, libc::ORIG_RAX, number);
    }

    pub fn set_result(tid: i32, value: i64) {
        poke(tid, libc::RAX, value);
    }

    pub fn set_third(tid: i32, value: u64) {
        poke(tid, libc::RDX, value as i64);
    }
}

#[cfg(target_arch = "aarch64")]
mod machine {
    const NT_PRSTATUS: i32 = 1;
    const NT_ARM_SYSTEM_CALL: i32 = 0x404;

    fn change(tid: i32, change: impl FnOnce(&mut libc::user_regs_struct)) {
        // SAFETY: all zeroes are valid registers.
        let mut registers: libc::user_regs_struct = unsafe { std::mem::zeroed() };
        let mut area =
            libc::iovec { iov_base: (&raw mut registers).cast(), iov_len: size_of::<libc::user_regs_struct>() };
        // SAFETY: the area is as long as it says, before and after.
        unsafe {
            if libc::ptrace(libc::PTRACE_GETREGSET, tid, NT_PRSTATUS, &raw mut area) == 0 {
                change(&mut registers);
                libc::ptrace(libc::PTRACE_SETREGSET, tid, NT_PRSTATUS, &raw mut area);
            }
        }
    }

    pub fn set_number(tid: i32, number: i64) {
        let mut number = number as i32;
        let mut area = libc::iovec { iov_base: (&raw mut number).cast(), iov_len: size_of::<i32>() };
        // SAFETY: the area is as long as it says.
        unsafe { libc::ptrace(libc::PTRACE_SETREGSET, tid, NT_ARM_SYSTEM_CALL, &raw mut area) };
    }

    pub fn set_result(tid: i32, value: i64) {
        change(tid, |registers| registers.regs[0] = value as u64);
    }

    pub fn set_third(tid: i32, value: u64) {
        change(tid, |registers| registers.regs[2] = value);
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod machine {
    pub fn set_number(_: i32, _: i64) {}
    pub fn set_result(_: i32, _: i64) {}
    pub fn set_third(_: i32, _: u64) {}
}
