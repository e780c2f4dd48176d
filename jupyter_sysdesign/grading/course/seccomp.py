"""The system calls that no job may make, as a filter of the Docker engine's.

What a job needs to make boxes in its own has to stay open (``unshare``, ``mount``, ``pivot_root``,
…), so the engine's own filter cannot be used, and this one refuses by name, not all but a list. A
call by the numbers of another machine type is refused whatever it is.
"""

from __future__ import annotations

import json

_REFUSED = (
    # the kernel itself, its clock, its disks, its log
    *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot"),
    *("settimeofday", "stime", "clock_settime", "clock_settime64", "clock_adjtime"),
    *("clock_adjtime64", "adjtimex", "swapon", "swapoff", "acct", "quotactl", "quotactl_fd"),
    *("syslog", "vhangup", "iopl", "ioperm", "sysfs", "ustat", "uselib", "nfsservctl", "vm86"),
    *("vm86old", "lookup_dcookie"),
    # other processes, and the namespaces of others
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "setns"),
    *("pidfd_getfd", "move_pages", "migrate_pages"),
    # files behind the back of the mounts
    *("open_by_handle_at", "name_to_handle_at", "fanotify_init", "fanotify_mark"),
    # what the kernel keeps for the whole machine
    *("add_key", "request_key", "keyctl"),
    # doors behind which most faults of kernels were found
    *("bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter"),
    *("io_uring_register", "personality", "modify_ldt"),
    # the newer way to mount, which boxes do without
    *("fsopen", "fsconfig", "fsmount", "fspick", "open_tree", "move_mount"),
)
_EPERM = 1

#: As the engine wants it: JSON.
PROFILE = json.dumps(
    {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": _REFUSED, "action": "SCMP_ACT_ERRNO", "errnoRet": _EPERM}],
    }
)
