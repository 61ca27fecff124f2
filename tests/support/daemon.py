"""A `vouchd --dev` of a test's own, and what a stock gRPC client needs.

The environment variable VOUCH_BIN names the folder of vouch and vouchd.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("GRPC_VERBOSITY", "NONE")     # failures are expected
import grpc  # noqa: E402

SUPPORT = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(SUPPORT))
PROTO = os.path.join(SOURCE, "proto")
READY_SECONDS = 60
END_SECONDS = 40


def program(name):
    return os.path.join(os.environ["VOUCH_BIN"], name)


def generate_stubs(directory):
    """Generate Python stubs of every service with protoc, and make them
    importable as vouch.v1, grpc.health.v1, grpc.reflection.v1, google.rpc."""
    files = []
    for folder, _, names in os.walk(PROTO):
        files += [os.path.join(folder, name) for name in names
                  if name.endswith(".proto") and "protobuf" not in folder]
    subprocess.run(
        ["protoc", "-I", PROTO, "--python_out", directory,
         "--grpc_python_out", directory, "--plugin=protoc-gen-grpc_python=" +
         shutil.which("grpc_python_plugin")] + sorted(files), check=True)
    sys.path.insert(0, directory)
    # google is a namespace that grows with sys.path; grpc is one package.
    grpc.__path__.append(os.path.join(directory, "grpc"))


def make_certificates(directory, *arguments):
    """Run certs/make-dev-certs.sh on ${directory}."""
    subprocess.run([os.path.join(SOURCE, "certs", "make-dev-certs.sh"),
                    directory, *arguments], check=True,
                   stdout=subprocess.DEVNULL)


def make_roster(path, rows, seed=7):
    subprocess.run([os.path.join(SUPPORT, "make_roster.py"), "--rows",
                    str(rows), "--seed", str(seed), "--out", path],
                   check=True)


class Daemon:
    """A daemon in a folder of its own.  Use it with `with`, or start() and
    stop(); stop() raises if the daemon did not end well.  ${listen}, a socket
    that listens, is passed to it as systemd would."""

    def __init__(self, *arguments, listen=None):
        self.directory = tempfile.mkdtemp(prefix="vouch-test.")
        self.dev = os.path.join(self.directory, "dev")
        self.log = os.path.join(self.directory, "log")
        self.arguments = arguments
        self.listen = listen
        self.process = None

    def command(self):
        """What runs it, and the descriptors that it has from us."""
        words = [program("vouchd"), "--dev", self.dev, *self.arguments]
        if self.listen is None:
            return words, ()
        # A shell in between, since LISTEN_PID must be the daemon's own.
        fd = self.listen.fileno()
        return ["bash", "-c", "exec 3<&%d; export LISTEN_FDS=1 LISTEN_PID=$$;"
                ' exec "$@"' % fd, "bash", *words], (fd,)

    def start(self):
        out = os.path.join(self.directory, "out")
        command, descriptors = self.command()
        with open(out, "wb") as stdout, open(self.log, "ab") as stderr:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stdout,
                stderr=stderr, pass_fds=descriptors)
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            with open(out, encoding="utf-8") as lines:
                if "ready\n" in lines.readlines():
                    return self
            time.sleep(0.05)
        self.kill()
        raise RuntimeError("the daemon does not serve:\n" + self.log_text())

    def log_text(self):
        with open(self.log, encoding="utf-8", errors="replace") as lines:
            return lines.read()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self):
        """Wait for its end, which must be a good one."""
        try:
            status = self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError("the daemon does not end:\n" +
                               self.log_text()) from None
        self.process = None
        if status != 0:
            raise RuntimeError("the daemon ended with status %d:\n%s" %
                               (status, self.log_text()))

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def stop(self):
        try:
            if self.process is not None:
                self.terminate()
                self.wait()
        finally:
            self.kill()
            shutil.rmtree(self.directory)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            shutil.rmtree(self.directory)
            raise

    def __exit__(self, *_):
        self.stop()

    # -- its clients

    def environment(self, role):
        """The variables of ${role}'s file to be sourced, over our own."""
        variables = dict(os.environ, XDG_STATE_HOME=os.path.join(
            self.directory, "state"))
        path = os.path.join(self.dev, role + ".env")
        with open(path, encoding="utf-8") as lines:
            for word in shlex.split(lines.read(), comments=True):
                if word != "export":
                    name, value = word.split("=", 1)
                    variables[name] = value
        return variables

    def address(self):
        return self.environment("employer")["VOUCH_SERVER"]

    def certificates(self):
        return os.path.join(self.dev, "certs")

    def channel(self, name, options=()):
        """A channel with the certificate called ${name}; None: without."""
        return channel(self.address(), self.certificates(),
                       self.certificates() if name else None, name, options)


def read(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def channel(address, root_directory, directory, name, options=()):
    """A channel that trusts root.pem of ${root_directory}, with the client
    certificate ${name} of ${directory}, or none."""
    pair = {}
    if directory is not None:
        pair = {"private_key": read(directory, name + ".key"),
                "certificate_chain": read(directory, name + ".pem")}
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(
        root_certificates=read(root_directory, "root.pem"), **pair),
        options=(("grpc.use_local_subchannel_pool", 1),) + tuple(options))
