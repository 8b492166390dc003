"""Undercloud's hand on a host: one per SSH session, alive as long as the session is, started by connector.ts.

Reads one JSON request per line from stdin, {"id", "op", "args"}, and answers each with one line on stdout,
{"id", "ok": true, "result"} or {"id", "ok": false, "error": {"kind", "reason", "message"}}. Ends when stdin does.

`hello` comes first. It takes the fence: a lock on the state directory that the kernel holds for as long as this
process lives. Whoever has it already is killed first (also when it is stopped), unless it came with a higher epoch:
then we are refused. So at most one session at a time can change anything here, and never one of an older leader.

`hello` also opens a socket that only the login user may use; what the operator sends there over SSH goes to the
container engine and back. It dies with this process: a former leader has no way left to the engine.

Python 3.6 and its standard library, nothing else. Arguments, for tests only: the state and the run directory.
"""

import base64
import errno
import fcntl
import grp
import hashlib
import json
import os
import pwd
import select
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time

STATE = sys.argv[1] if len(sys.argv) > 1 else '/var/lib/undercloud'
RUN = sys.argv[2] if len(sys.argv) > 2 else '/run/undercloud'
LOCK = os.path.join(STATE, 'lock')

LINE_LIMIT = 64 * 1024 * 1024
FENCE_SECONDS = 10
ENGINE_SECONDS = 3
# What a full disk or a busy system says: it may go away without anybody changing what we were asked to do.
PASSING = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBUSY, errno.EMFILE, errno.ENFILE, errno.ENOMEM}


class Refusal(Exception):
    """An answer of no; `more` goes into the error as it is."""

    def __init__(self, kind, reason, message, **more):
        super().__init__(message)
        self.body = dict(more, kind=kind, reason=reason, message=message)


# --- the fence -------------------------------------------------------------------------------------------


def take_fence(epoch, owner):
    """Makes us the only one, or raises Fenced. The lock is never given back: it ends with the process."""
    lock = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + FENCE_SECONDS
    while True:
        holder = try_lock(lock)
        refuse_if_newer(epoch)  # with the lock in hand too: it may have changed while we waited
        if holder is None:
            break
        if time.monotonic() > deadline:
            raise Refusal('transient', 'FenceBusy', 'the former helper (pid %d) does not end' % holder)
        end_process(holder, deadline)
    record = json.dumps({'epoch': epoch, 'owner': owner}).encode()
    write_file(os.path.join(STATE, 'fence.json'), record, 0o600, 0, 0)
    sync_directory(STATE)


def try_lock(lock):
    """None when the lock is ours, else the pid that has it, from the kernel: a pid file could lie."""
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return None
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EAGAIN):
            raise
    request = struct.pack('hhqqi4x', fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    kind, _, _, _, pid = struct.unpack('hhqqi4x', fcntl.fcntl(lock, fcntl.F_GETLK, request))
    return try_lock(lock) if kind == fcntl.F_UNLCK else pid


def refuse_if_newer(epoch):
    path = os.path.join(STATE, 'fence.json')
    try:
        with open(path) as file:
            former = json.load(file)
    except FileNotFoundError:
        return
    except ValueError:
        remedy = 'remove it if no other operator works on this host'
        raise Refusal('unsafe', 'FenceUnreadable', '%s is damaged: %s' % (path, remedy))
    if former['epoch'] > epoch:
        newer = former['epoch']
        message = 'a leader with epoch %d is in charge (%s), ours is %d' % (newer, former['owner'], epoch)
        raise Refusal('unsafe', 'Fenced', message, epoch=newer)


def end_process(pid, deadline):
    """SIGKILL: a stopped process does not hear anything else. Returns when its sockets are closed, too."""
    if pid <= 0:  # not of our process namespace
        time.sleep(0.1)
        return
    _, parent = process_state(pid)
    try:
        os.kill(pid, signal.SIGKILL)
        if parent > 1:  # sudo stopped itself with its command, and would keep the connection open for good
            os.kill(parent, signal.SIGCONT)
    except ProcessLookupError:
        pass
    while process_state(pid)[0] not in 'ZX' and time.monotonic() < deadline:
        time.sleep(0.005)


def process_state(pid):
    """The letter of its state, X when it is gone, and its parent's pid."""
    try:
        with open('/proc/%d/stat' % pid) as file:
            state, parent = file.read().rsplit(')', 1)[1].split()[:2]
        return state, int(parent)
    except (ProcessLookupError, FileNotFoundError):
        return 'X', 0


# --- the way to the engine -------------------------------------------------------------------------------


def open_door(engine, uid):
    """Listens on a socket of the login user's and carries what comes there to the engine. Returns its path."""
    await_socket(engine)
    os.makedirs(RUN, mode=0o711, exist_ok=True)
    os.chmod(RUN, 0o711)
    for name in os.listdir(RUN):
        if name.startswith('engine-'):  # of those before us, which are dead: we have the fence
            os.unlink(os.path.join(RUN, name))
    path = os.path.join(RUN, 'engine-%s.sock' % os.urandom(8).hex())
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    former = os.umask(0o177)
    listener.bind(path)
    os.umask(former)
    os.chown(path, uid, -1)
    listener.listen(128)
    threading.stack_size(256 * 1024)
    threading.Thread(target=accept, args=(listener, engine), daemon=True).start()
    return path


def await_socket(engine):
    """A host that is booting may answer SSH shortly before its engine's socket is there."""
    deadline = time.monotonic() + ENGINE_SECONDS
    while not os.path.exists(engine):
        if time.monotonic() > deadline:
            message = 'no container engine listens at %s: install and enable it' % engine
            raise Refusal('terminal', 'HostUnsuitable', message)
        time.sleep(0.1)


def accept(listener, engine):
    while True:
        client, _ = listener.accept()
        threading.Thread(target=relay, args=(client, engine), daemon=True).start()


def relay(client, engine):
    """Carries bytes both ways until both sides are done; each direction may end before the other."""
    with client, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as upstream:
        try:
            upstream.connect(engine)
        except OSError:
            return  # the operator sees its connection close and calls the engine unavailable
        back = threading.Thread(target=pump, args=(upstream, client), daemon=True)
        back.start()
        pump(client, upstream)
        # The client sends no more but may still read: the engine's side ends only when it is gone for good.
        gone = select.poll()
        gone.register(client, 0)
        gone.poll()
        shut(upstream, socket.SHUT_RDWR)
        back.join()


def pump(source, target):
    buffer = memoryview(bytearray(64 * 1024))
    try:
        while True:
            count = source.recv_into(buffer)
            if count == 0:
                break
            target.sendall(buffer[:count])
    except OSError:
        shut(source, socket.SHUT_RDWR)
    shut(target, socket.SHUT_WR)


def shut(end, how):
    try:
        end.shutdown(how)
    except OSError:
        pass  # it is closed already


# --- files -----------------------------------------------------------------------------------------------


def file_state(path):
    empty = {'path': path, 'type': 'missing', 'sha256': '', 'mode': '', 'owner': ''}
    try:
        found = os.lstat(path)
        digest = content_digest(path) if stat.S_ISREG(found.st_mode) else ''
    except (FileNotFoundError, NotADirectoryError):
        return empty
    kinds = {stat.S_IFREG: 'file', stat.S_IFDIR: 'directory', stat.S_IFLNK: 'symlink'}
    kind = kinds.get(stat.S_IFMT(found.st_mode), 'other')
    mode = '%04o' % stat.S_IMODE(found.st_mode)
    return {'path': path, 'type': kind, 'sha256': digest, 'mode': mode, 'owner': owner_name(found)}


def content_digest(path):
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        for block in iter(lambda: file.read(1024 * 1024), b''):
            digest.update(block)
    return digest.hexdigest()


def owner_name(found):
    try:
        user = pwd.getpwuid(found.st_uid).pw_name
    except KeyError:
        user = str(found.st_uid)
    try:
        group = grp.getgrgid(found.st_gid).gr_name
    except KeyError:
        group = str(found.st_gid)
    return '%s:%s' % (user, group)


def owner_ids(path, owner):
    user, _, group = owner.partition(':')
    try:
        uid = int(user) if user.isdigit() else pwd.getpwnam(user).pw_uid
        gid = int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    except KeyError:
        raise Refusal('terminal', 'FileRefused', '%s: no such owner on this host: %s' % (path, owner))
    return uid, gid


def checked_path(path):
    if not path.startswith('/') or os.path.normpath(path) != path or '\0' in path:
        raise Refusal('terminal', 'FileRefused', 'not an absolute, plain path: %s' % json.dumps(path))
    if path == LOCK:  # closing any descriptor of it would give our lock back (fcntl(2))
        raise Refusal('terminal', 'FileRefused', '%s is not to be touched' % path)
    return path


def write_file(path, content, mode, uid, gid, in_place=False):
    """Whole or not at all, unless in place; the caller syncs the directory."""
    if in_place and os.path.lexists(path):
        handle = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        fill(handle, content, mode, uid, gid, None)
        return
    # One name, no random one: only one of us is alive, and what a crash leaves is used up by the next try.
    aside = os.path.join(os.path.dirname(path), '.%s.undercloud' % os.path.basename(path))
    if os.path.lexists(aside):
        os.unlink(aside)
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        fill(handle, content, mode, uid, gid, security_label(path))
        os.rename(aside, path)
    except OSError:
        os.unlink(aside)
        raise


def fill(handle, content, mode, uid, gid, label):
    with os.fdopen(handle, 'wb', buffering=0) as file:
        os.fchown(file.fileno(), uid, gid)
        os.fchmod(file.fileno(), mode)
        if label is not None:
            os.setxattr(file.fileno(), 'security.selinux', label)
        view = memoryview(content)
        while len(view) > 0:
            view = view[file.write(view):]
        file.truncate(len(content))
        os.fsync(file.fileno())


def security_label(path):
    """The SELinux label of what stands there, to be kept; None where there is none."""
    try:
        return os.getxattr(path, 'security.selinux', follow_symlinks=False)
    except OSError:
        return None


def make_directory(path, mode, uid, gid):
    if not os.path.isdir(path):
        os.makedirs(path, mode=0o755, exist_ok=True)
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found = os.fstat(handle)
        if (found.st_uid, found.st_gid) != (uid, gid):
            os.fchown(handle, uid, gid)
        if stat.S_IMODE(os.fstat(handle).st_mode) != mode:
            os.fchmod(handle, mode)
    finally:
        os.close(handle)


def remove_path(path):
    try:
        if os.path.isdir(path) and not os.path.islink(path):
            os.rmdir(path)  # refuses one with something in it: that is not ours to lose
        else:
            os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        pass


def sync_directory(path):
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    os.fsync(handle)
    os.close(handle)


def reload_engine(args):
    """Makes a running service read its configuration again; that one that does not run fails means nothing."""
    command = ['systemctl', 'kill', '--kill-who=main', '--signal=HUP', args['service']]
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


# --- operations ------------------------------------------------------------------------------------------


def hello(args):
    os.makedirs(STATE, mode=0o755, exist_ok=True)
    take_fence(args['epoch'], args['owner'])
    uid = int(os.environ.get('SUDO_UID', os.getuid()))
    door = open_door(args['engine'], uid)
    return {
        'door': door,
        'hostname': socket.gethostname(),
        'machineId': read_text('/etc/machine-id').strip(),
        'bootId': read_text('/proc/sys/kernel/random/boot_id').strip(),
        'owner': read_text(os.path.join(STATE, 'owner')).strip(),
    }


def read_text(path):
    """The content of a text file, empty when it is not there."""
    try:
        with open(path, encoding='utf-8') as file:
            return file.read()
    except FileNotFoundError:
        return ''


def stat_files(args):
    return [file_state(checked_path(path)) for path in args['paths']]


def write_files(args):
    parents = set()
    for file in args['files']:
        path = checked_path(file['path'])
        uid, gid = owner_ids(path, file['owner'])
        parent = os.path.dirname(path)
        os.makedirs(parent, mode=0o755, exist_ok=True)
        try:
            content = base64.b64decode(file['content'])
            write_file(path, content, int(file['mode'], 8), uid, gid, file['inPlace'])
        except OSError as error:
            error.filename = error.filename2 = path  # and not the name aside
            raise
        parents.add(parent)
    for parent in sorted(parents):
        sync_directory(parent)


def ensure_directories(args):
    for directory in args['directories']:
        path = checked_path(directory['path'])
        make_directory(path, int(directory['mode'], 8), *owner_ids(path, directory['owner']))


def remove_files(args):
    for path in args['paths']:
        remove_path(checked_path(path))


OPERATIONS = {
    'hello': hello,
    'stat': stat_files,
    'read': lambda args: read_text(checked_path(args['path'])),
    'write': write_files,
    'ensureDirectories': ensure_directories,
    'remove': remove_files,
    'reloadEngine': reload_engine,
}


def perform(request, greeted):
    if greeted == (request['op'] == 'hello'):
        raise Refusal('unsafe', 'Fenced', 'hello comes first, and once')
    try:
        return OPERATIONS[request['op']](request['args'])
    except OSError as error:
        where = error.filename2 or error.filename or STATE
        message = '%s: %s' % (where, error.strerror or error)
        if error.errno in PASSING:
            raise Refusal('transient', 'FileFailed', message)
        raise Refusal('terminal', 'FileRefused', message)


def main():
    if sys.version_info < (3, 6):
        return 67  # as install.ts says it when there is no Python at all
    os.umask(0o022)
    greeted = False
    while True:
        line = sys.stdin.buffer.readline(LINE_LIMIT)
        if not line.endswith(b'\n'):
            return 0 if line == b'' else 2  # cut off, or longer than anything we are sent
        request = json.loads(line.decode('utf-8'))
        try:
            answer = {'id': request['id'], 'ok': True, 'result': perform(request, greeted)}
            greeted = True
        except Refusal as refusal:
            answer = {'id': request['id'], 'ok': False, 'error': refusal.body}
        sys.stdout.buffer.write(json.dumps(answer).encode() + b'\n')
        sys.stdout.buffer.flush()


if __name__ == '__main__':
    sys.exit(main())
