#!/usr/bin/python3
"""vouchd as systemd has it: this test is the service manager.  It listens, it
is notified, and it watches; in the end nobody was refused by a restart."""

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))
from daemon import program  # noqa: E402

WATCHDOG_US = 1000000
work = tempfile.mkdtemp(prefix="vouch-test.")
dev = os.path.join(work, "dev")


class Manager:
    """One run of the daemon, with the sockets that are passed to it."""

    def __init__(self, fds, *arguments, **environment):
        path = os.path.join(work, "notify")
        if os.path.exists(path):
            os.unlink(path)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(path)
        self.log = os.path.join(work, "log")
        env = {"PATH": os.environ["PATH"], "NOTIFY_SOCKET": path,
               "WATCHDOG_USEC": str(WATCHDOG_US)}
        if fds:
            env.update(LISTEN_FDS=str(len(fds)),
                       LISTEN_FDNAMES=":".join(["grpc"] * len(fds)))
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        env.update(environment)
        # The shell, since LISTEN_PID must be the daemon's own.
        command = ["sh", "-c", 'export LISTEN_PID=$$ && exec "$@"', "sh",
                   program("vouchd"), "--dev", dev, *arguments]
        actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                   (os.POSIX_SPAWN_OPEN, 1, os.path.join(work, "out"),
                    os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
                   (os.POSIX_SPAWN_OPEN, 2, self.log,
                    os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)]
        actions += [(os.POSIX_SPAWN_DUP2, fd, 3 + i)
                    for i, fd in enumerate(fds)]
        self.pid = os.posix_spawn("/bin/sh", command, env,
                                  file_actions=actions)

    def hear(self, seconds=60):
        """The next notification, as a dictionary; None if none comes."""
        self.notify.settimeout(seconds)
        try:
            lines = self.notify.recv(4096).decode().splitlines()
        except socket.timeout:
            return None
        return dict(line.split("=", 1) for line in lines)

    def hear_of(self, name):
        """The next notification that is not the watchdog's; it must be of
        that name."""
        while (told := self.hear()) == {"WATCHDOG": "1"}:
            pass
        assert told is not None and told.get(name) == "1", (name, told)
        return told

    def end(self):
        """The exit status of a daemon that ends by itself."""
        for _ in range(1200):
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = None
                self.notify.close()
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.05)
        raise AssertionError("the daemon does not end")

    def kill(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


def said(manager):
    with open(manager.log, encoding="utf-8") as log:
        return log.read()


def high(server):
    """A descriptor out of the way of the daemon's 3 and 4."""
    return fcntl.fcntl(server.fileno(), fcntl.F_DUPFD_CLOEXEC, 50)


def vouch(port, *arguments):
    env = {"PATH": os.environ["PATH"], "VOUCH_SERVER": f"127.0.0.1:{port}",
           "VOUCH_CA": f"{dev}/certs/root.pem",
           "VOUCH_CERT": f"{dev}/certs/employer.pem",
           "VOUCH_KEY": f"{dev}/certs/employer.key", "HOME": work}
    return subprocess.run([program("vouch"), *arguments], env=env,
                          capture_output=True, timeout=60, check=False)


def asks(port):
    answer = vouch(port, "health")
    assert answer.returncode == 0, answer


def it_serves_on_what_it_was_given(manager, ports):
    told = manager.hear_of("READY")
    assert f"serving on port {ports[0]}, " in told["STATUS"], told
    for port in ports:
        asks(port)
    assert "address=from-systemd" in said(manager), said(manager)


def it_says_that_it_lives(manager):
    begun, fed = time.monotonic(), 0
    while time.monotonic() - begun < 4 * WATCHDOG_US / 1e6:
        told = manager.hear(2)
        assert told == {"WATCHDOG": "1"}, told
        fed += 1
    assert fed >= 5, fed


def it_says_when_it_reloads(manager, port):
    certificate = f"{dev}/certs/server.pem"
    for good in (True, False, True):
        if not good:
            os.rename(certificate, certificate + ".away")
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        os.kill(manager.pid, signal.SIGHUP)
        told = manager.hear_of("RELOADING")
        assert before <= int(told["MONOTONIC_USEC"]) <= before + 60000000
        told = manager.hear_of("READY")
        assert ("old certificates are kept" in told["STATUS"]) != good, told
        if not good:
            assert "server.pem: No such file" in told["STATUS"], told
            os.rename(certificate + ".away", certificate)
        asks(port)


def a_restart_refuses_nobody(manager, fds, ports):
    os.kill(manager.pid, signal.SIGTERM)
    told = manager.hear_of("STOPPING")
    assert "STATUS" in told
    assert manager.end() == 0

    # Nobody is there now, and still the call is not refused.
    answers = []
    waiting = threading.Thread(
        target=lambda: answers.append(vouch(ports[1], "health")))
    waiting.start()
    time.sleep(0.5)
    assert not answers
    again = Manager(fds)
    it_serves_on_what_it_was_given(again, ports)
    waiting.join(60)
    assert answers and answers[0].returncode == 0, answers
    return again


def refused(fds, *words, **environment):
    manager = Manager(fds, **environment)
    assert manager.end() == 1
    for word in words:
        assert word in said(manager), (word, said(manager))
    assert "event=serving" not in said(manager)


def without_anybody_to_tell_it_serves():
    manager = Manager([], "--set", "workers=1",
                      NOTIFY_SOCKET=os.path.join(work, "nobody"))
    for _ in range(1200):
        if (found := re.search(r"event=serving .*port=(\d+)", said(manager))):
            break
        time.sleep(0.05)
    assert found, said(manager)
    asks(found[1])
    assert manager.hear(0.1) is None
    os.kill(manager.pid, signal.SIGTERM)
    assert manager.end() == 0


def main():
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [server.getsockname()[1] for server in servers]
    fds = [high(server) for server in servers]
    manager = Manager(fds)
    try:
        it_serves_on_what_it_was_given(manager, ports)
        it_says_that_it_lives(manager)
        it_says_when_it_reloads(manager, ports[0])
        manager = a_restart_refuses_nobody(manager, fds, ports)
        os.kill(manager.pid, signal.SIGTERM)
        assert manager.end() == 0
        datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        refused([high(datagram)], "part=listener",
                "not a stream socket that listens")
        refused(fds, "part=listener", "not to be understood",
                LISTEN_FDS="many")
        without_anybody_to_tell_it_serves()
        print("systemd: sockets, notifications, watchdog and restart: good")
    except BaseException:
        if os.path.exists(os.path.join(work, "log")):
            print(said(manager)[-4000:], file=sys.stderr)
        raise
    finally:
        manager.kill()
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
