#!/usr/bin/python3
"""Run gRPC's interop cases with every client, and print a table of them.

Usage: run.py INTEROP_SERVER CLIENTS TABLE
INTEROP_SERVER is the program that serves grpc.testing.TestService; CLIENTS the
folder of the clients that have to be built (cpp/interop, go/interop); the
table is written to TABLE, too.

Fails if a case of a client failed or did not run, or the server did not end
well.  The clients are told by the environment where the server is, and how to
prove who they are: INTEROP_PORT of 127.0.0.1, and the PEM files INTEROP_CA,
INTEROP_CERT and INTEROP_KEY.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(os.path.dirname(HERE))
GRPC_PROTO = "/usr/share/grpc-proto"
READY_SECONDS, CLIENT_SECONDS, END_SECONDS = 60, 150, 40

CASES = (
    "empty_unary", "large_unary", "client_compressed_unary",
    "server_compressed_unary", "client_streaming",
    "client_compressed_streaming", "server_streaming",
    "server_compressed_streaming", "ping_pong", "empty_stream",
    "custom_metadata", "status_code_and_message", "special_status_message",
    "unimplemented_method", "unimplemented_service", "cancel_after_begin",
    "cancel_after_first_response", "timeout_on_sleeping_server")

# What a client's API cannot express.  grpcio compresses every message of a
# call or none: the uncompressed one of this case cannot be sent.
NOT_EXPRESSED = {("python", "client_compressed_streaming")}
# "answers only": the API does not tell which message was compressed.
OK = {"ok": "ok", "ok: answers only": "ok*"}


def clients(built, stubs):
    """Each client's name, and the command that takes the names of cases."""
    return {
        "python": [sys.executable, os.path.join(HERE, "interop.py"), stubs],
        "node": ["node", os.path.join(HERE, "interop.js"), GRPC_PROTO],
        "cpp": [os.path.join(built, "cpp", "interop")],
        "go": [os.path.join(built, "go", "interop")]}


def make_stubs(directory):
    subprocess.run(
        ["protoc", "-I", GRPC_PROTO, "--python_out", directory,
         "--grpc_python_out", directory, "--plugin=protoc-gen-grpc_python=" +
         shutil.which("grpc_python_plugin")] +
        ["grpc/testing/%s.proto" % name
         for name in ("empty", "messages", "test")], check=True)


class Server:
    def __init__(self, program, directory):
        self.directory = directory
        self.log = os.path.join(directory, "log")
        self.out = os.path.join(directory, "out")
        with open(self.out, "wb") as stdout, open(self.log, "wb") as stderr:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(
                [program, directory], stdin=subprocess.DEVNULL,
                stdout=stdout, stderr=stderr)

    def environment(self):
        """Wait until it serves; return what its clients need to know."""
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            with open(self.out, encoding="utf-8") as lines:
                if "ready\n" in lines.readlines():
                    break
            time.sleep(0.05)
        else:
            raise RuntimeError("the server does not serve")
        variables = dict(os.environ, NODE_PATH=os.path.join(
            TESTS, "node_modules"))
        path = os.path.join(self.directory, "client.env")
        with open(path, encoding="utf-8") as lines:
            for word in shlex.split(lines.read(), comments=True):
                if word != "export":
                    name, value = word.split("=", 1)
                    variables[name] = value
        return variables

    def log_text(self):
        with open(self.log, encoding="utf-8", errors="replace") as lines:
            return lines.read()

    def stop(self):
        """Let it end; return what was wrong with that, or None."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "the server does not end"
        return None if status == 0 else "the server ended with %d" % status


def run_client(name, command, environment):
    """Run every case that it expresses; return a result for each."""
    wanted = [case for case in CASES if (name, case) not in NOT_EXPRESSED]
    try:
        done = subprocess.run(
            command + wanted, env=environment, timeout=CLIENT_SECONDS,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            encoding="utf-8", errors="replace", check=False)
        printed, status = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        printed = (late.stdout or b"").decode(errors="replace")
        status = "no end in %d s" % CLIENT_SECONDS
    except OSError as error:
        printed, status = "", error
    print(printed, end="", flush=True)
    results = dict(re.findall(r"(?m)^%s (\S+) (.*)$" % name, printed))
    results = {case: OK.get(results[case], "FAILED") if case in results
               else "did not run" for case in wanted}
    if status != 0 and set(results.values()) <= set(OK.values()):
        print("%s: %s" % (name, status), flush=True)
        results["(its end)"] = "FAILED"
    return results


def table(results):
    """Cases by clients; a row more for a client that did not end well."""
    rows = [("", *results)] + [
        (case, *(of.get(case, "-") for of in results.values()))
        for case in (*CASES, "(its end)")
        if case in CASES or any(case in of for of in results.values())]
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join(cell.ljust(width) for cell, width
                       in zip(row, widths)).rstrip() for row in rows]
    return "\n".join(lines + [
        "", "ok*: the client's API does not tell which message was "
        "compressed; the answers are right.",
        "-: the client's API cannot say which message of a call is to be "
        "compressed.",
        "Of both, interop.compression looks at the frames."]) + "\n"


def main(program, built, path):
    results = {}
    with tempfile.TemporaryDirectory(prefix="vouch-test.") as directory:
        stubs = os.path.join(directory, "stubs")
        served = os.path.join(directory, "server")
        os.mkdir(stubs)
        os.mkdir(served)
        make_stubs(stubs)
        server = Server(program, served)
        try:
            environment = server.environment()
            for name, command in clients(built, stubs).items():
                results[name] = run_client(name, command, environment)
        except RuntimeError as error:
            print(error)
        finally:
            wrong = server.stop()
            log = server.log_text()
    text = table(results)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    print("\n" + text, end="")
    failed = [1 for of in results.values() for result in of.values()
              if result not in OK.values()]
    if not results:
        failed.append(1)        # it did not even begin
    if not failed and wrong is None:
        return 0
    print("\n%d failures; %s; the end of its log:\n%s" %
          (len(failed), wrong or "the server ended well",
           log[-8000:]))
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
