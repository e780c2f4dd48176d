"""Runs a program that sees only what it is given: a process of its own between us and the program.

``python confine.py VIEW PROGRAM ARGUMENT…``, VIEW being a ``View`` as JSON. Linux namespaces do it:
an own root folder that holds nothing but what the view names, own process ids, own network, own
System V objects. Root makes them itself and then becomes ``view.uid``; anybody else makes a user
namespace first. Boxes nest: a program in a box may start another one in a smaller box.

It runs as a plain file and uses the standard library only, because inside a box our package may
not be there. It stays as the parent: it hands signals on, and takes the box with it when it dies.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import select
import signal
import socket
import stat
import struct
import sys
from pathlib import Path
from typing import Any, NamedTuple

_NEW_MOUNTS, _NEW_UTS, _NEW_IPC = 0x00020000, 0x04000000, 0x08000000
_NEW_USER, _NEW_PIDS, _NEW_NET = 0x10000000, 0x20000000, 0x40000000
_RDONLY, _NOSUID, _NODEV, _NOEXEC = 1, 2, 4, 8
_BIND, _RECURSIVE, _PRIVATE = 4096, 16384, 1 << 18
_DETACH = 2
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
#: The numbers of both system calls: the same on every machine type younger than 2019, and x86-64's
#: and arm64's of the older one.
_MOUNT_SETATTR = 442
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 24, 38
_LAST_CAPABILITY = 63
_SIOCSIFFLAGS, _IFF_UP_RUNNING = 0x8914, 0x41

#: Programs and libraries of the machine.
_SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32")
#: What programs want of ``/etc``; the rest of it is nobody's business in there.
_SETTINGS = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "ssl")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_TMP_BYTES = 64 << 20
_BASE = "/tmp"  # noqa: S108 (there on every machine, and empty in every box)
_READ = _RDONLY | _NOSUID | _NODEV

_libc = ctypes.CDLL(None, use_errno=True)


class View(NamedTuple):
    """What the program sees and may use.

    Attributes:
        read: folders and files it may read, at their own paths.
        write: folders it may write to: path outside → path inside.
        scratch: empty folders in memory: path → largest size in bytes.
        cwd: working directory, inside.
        uid: user it becomes, where root starts it; ignored otherwise.
        network: it shares the network of whoever starts it, else it has an empty one.
        nests: it may make smaller boxes.
        processes: at most so many, threads included.
        file_bytes: largest file it may write.
        held: it ends once nobody holds the other end of its stdin, a pipe, any more.
    """

    read: list[str]
    write: dict[str, str]
    scratch: dict[str, int]
    cwd: str
    uid: int = 0
    network: bool = False
    nests: bool = False
    processes: int = 256
    file_bytes: int = 1 << 30
    held: bool = False


def machine() -> list[str]:
    """Return what every box shows of the machine, beside devices: who makes one has to see it."""
    paths = [*(f"/{name}" for name in _SYSTEM), *(f"/etc/{name}" for name in _SETTINGS)]
    return [path for path in paths if Path(path).exists()]


def command(view: View, argv: list[str]) -> list[str]:
    """Return the argv that runs ``argv`` in a box."""
    return [sys.executable, "-I", "-S", __file__, json.dumps(view._asdict()), *argv]


def main(view: View, argv: list[str]) -> int:
    """Run the program in its box; return its exit code."""
    user = os.geteuid()
    flags = _NEW_MOUNTS | _NEW_PIDS | _NEW_IPC | _NEW_UTS | (0 if view.network else _NEW_NET)
    if user == 0 and view.uid:
        _call("unshare", _libc.unshare(flags))
    else:
        group = os.getegid()
        _call("unshare", _libc.unshare(flags | _NEW_USER))
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    # After unshare, which clears it.
    _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    alive, ours = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        try:
            _become(view, argv, alive)
        except BaseException as error:  # noqa: BLE001 (nothing of us may go on in there)
            sys.stderr.write(f"confine: {error}\n")
            sys.stderr.flush()
            os._exit(126)
    os.close(alive)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda given, _: _pass_on(child, given))
    if view.held:
        _hold(child)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _hold(child: int) -> None:
    """Wait for the end of the box; kill it when nobody holds our stdin any more."""
    ended = os.pidfd_open(child)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(0, 0)  # that nobody holds it is told unasked
    if all(descriptor != ended for descriptor, _ in poll.poll()):
        os.kill(child, signal.SIGKILL)
    os.close(ended)


def _become(view: View, argv: list[str], alive: int) -> None:
    """Enter the box and become the program."""
    _furnish(view)
    if not view.network:
        _loopback_up()
    socket.sethostname("sysdesign")
    if os.geteuid() != 0 and not view.nests:  # root is in the machine's own, which it would change
        _write("/proc/sys/user/max_user_namespaces", "0")
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NPROC, view.processes)
    _limit(resource.RLIMIT_FSIZE, view.file_bytes)
    for capability in range(_LAST_CAPABILITY + 1):
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(view.uid, view.uid, view.uid)
        os.setresuid(view.uid, view.uid, view.uid)
    _call("prctl", _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    # After the change of user, which clears it.
    _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    poll = select.poll()
    poll.register(alive, 0)
    if poll.poll(0):  # our parent was gone before it counted
        os._exit(126)
    os.close(alive)
    os.chdir(view.cwd)
    os.execve(argv[0], argv, os.environ)  # noqa: S606 (no shell is wanted)


def _furnish(view: View) -> None:
    """Make the root folder: memory, with what the view names mounted into it."""
    named = {path: os.path.realpath(path) for path in [*view.read, *view.write]}
    owner = view.uid if os.geteuid() == 0 else os.geteuid()
    _mount("none", "/", "", _RECURSIVE | _PRIVATE)
    settings = {name: os.path.realpath(f"/etc/{name}") for name in _SETTINGS}
    _mount("tmpfs", _BASE, "tmpfs", _NOSUID | _NODEV, f"mode=0755,size={_TMP_BYTES}")
    os.chdir(_BASE)  # the new root, seen by nobody else
    Path(".old").mkdir()
    number = _PIVOT_ROOT[os.uname().machine]
    _call("pivot_root", _libc.syscall(number, b".", b".old"))
    os.chdir("/")
    _show_machine(settings, owner)
    _scratch({_BASE: _TMP_BYTES, "/dev/shm": _TMP_BYTES}, owner)  # noqa: S108 (as above)
    for path in sorted(view.read, key=len):
        _bind(f"/.old{named[path]}", path, _READ)
    for path, inside in view.write.items():
        _bind(f"/.old{named[path]}", inside, _NOSUID | _NODEV)
    for path in sorted(view.read, key=len):  # a folder to read in one to write to
        if any(path.startswith(f"{inside}/") for inside in view.write.values()):
            _bind(f"/.old{named[path]}", path, _READ)
    _scratch(view.scratch, owner)
    _call("umount", _libc.umount2(b"/.old", _DETACH))
    Path("/.old").rmdir()
    _protect("/", _RDONLY, recursive=False)


def _show_machine(settings: dict[str, str], owner: int) -> None:
    """Show what every program needs: system libraries, devices, its own processes."""
    for name in _SYSTEM:
        old = Path(f"/.old/{name}")
        if old.is_symlink():
            Path(f"/{name}").symlink_to(old.readlink())
        elif old.is_dir():
            _bind(str(old), f"/{name}", _READ)
    Path("/etc").mkdir()
    for name, real in settings.items():
        _bind(f"/.old{real}", f"/etc/{name}", _READ)
    _write("/etc/passwd", f"sysdesign:x:{owner}:{owner}::/:/bin/false\n")
    _write("/etc/group", f"sysdesign:x:{owner}:\n")
    _write("/etc/hosts", "127.0.0.1 localhost\n")
    Path("/dev").mkdir()
    for name in _DEVICES:
        _bind(f"/.old/dev/{name}", f"/dev/{name}", _NOSUID | _NOEXEC)
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        Path(f"/dev/{name}").symlink_to(f"/proc/self/fd/{descriptor}")
    Path("/dev/fd").symlink_to("/proc/self/fd")
    Path("/proc").mkdir()
    _mount("proc", "/proc", "proc", _NOSUID | _NODEV | _NOEXEC)


def _scratch(folders: dict[str, int], owner: int) -> None:
    for path, size in folders.items():
        Path(path).mkdir(parents=True, exist_ok=True)
        options = f"mode=0700,uid={owner},gid={owner},size={size},nr_inodes=10000"
        _mount("tmpfs", path, "tmpfs", _NOSUID | _NODEV, options)


def _bind(old: str, new: str, attributes: int) -> None:
    """Show ``old`` at ``new``; what is not there, or not ours to see, is not shown."""
    target = Path(new)
    try:
        mode = Path(old).stat().st_mode
    except OSError:
        return
    if stat.S_ISDIR(mode):
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    _mount(old, new, "", _BIND | _RECURSIVE)
    _protect(new, attributes)


def _protect(path: str, attributes: int, *, recursive: bool = True) -> None:
    structure = struct.pack("QQQQ", attributes, 0, 0, 0)
    flags = _AT_RECURSIVE if recursive else 0
    done = _libc.syscall(_MOUNT_SETATTR, _AT_FDCWD, path.encode(), flags, structure, 32)
    _call(f"mount_setattr {path}", done)


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    words = [each.encode() for each in (source, target, kind)]
    _call(f"mount {target}", _libc.mount(*words, ctypes.c_ulong(flags), options.encode()))


def _limit(which: int, most: int) -> None:
    hard = resource.getrlimit(which)[1]
    least = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (least, least))


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", _IFF_UP_RUNNING))


def _pass_on(child: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)


def _write(path: str, text: str) -> None:
    Path(path).write_text(text, encoding="utf-8")


def _call(what: str, result: Any) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    code = main(View(**json.loads(sys.argv[1])), sys.argv[2:])
    if code < 0:  # as the program ended, so do we
        signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
        os.kill(os.getpid(), -code)
    sys.exit(code)
