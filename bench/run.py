#!/usr/bin/python3
"""Measure vouchd beside what it is compared with; script/bench calls this.

    run.py --bin DIR --peers DIR --work DIR [--records N] [--rounds N]
           [--seconds N] [--only PART,...]

bench/README.md says how to read what it prints. Everything stays on loopback,
and every program that is started here is ended here.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

from publish.publish import Publishing

LOADS = ((1, 1), (8, 1), (8, 32), (64, 32))
UNPINNED = ((8, 32), (64, 32))
IDLE = (1000, 10000)
SERVER_CORE, LOAD_CORE = 0, 1
TYPES = ("ascp-pbt", "ascp-mlt", "ascp-mls")
OPEN_FILES = 11000
WARM_MS = 5000      # until the pages of a million records have been mapped
PARTS = ("pinned", "sealed", "unpinned", "idle", "load", "publish")


def wait_until(what, true, process, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end or process.poll() is not None:
            raise RuntimeError(f"{what} does not get ready")
        time.sleep(0.02)


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def pinned(core, command):
    if core is None:
        return command
    return ["taskset", "-c", str(core), *command]


def memory(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        words = dict(line.split(":", 1) for line in f if line[:3] in
                     ("VmR", "Rss"))
    return [int(words[key].split()[0]) * 1024 for key in ("VmRSS", "RssAnon")]


class Tee:
    """Standard output, and a file that keeps what was said."""

    def __init__(self, path):
        self.stdout = sys.stdout
        self.file = open(path, "w", encoding="utf-8")

    def write(self, text):
        self.stdout.write(text)
        self.file.write(text)

    def flush(self):
        self.stdout.flush()
        self.file.flush()


class Server:
    """One program that answers, started afresh for each use."""

    name, get = "", None

    def __init__(self, bench):
        self.bench = bench
        self.port = 0

    def log(self, mode="w"):
        path = os.path.join(self.bench.work, f"{self.name}.log")
        return open(path, mode, encoding="utf-8")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def start(self, core, threads):
        self.port = free_port()
        with self.log() as log:
            self.process = subprocess.Popen(
                pinned(core, self.command(threads)), stdout=log, stderr=log,
                stdin=subprocess.DEVNULL)
        wait_until(self.name, lambda: listens(self.port), self.process)
        return self


class Vouchd(Server):
    name, program = "vouchd", "vouchd"

    def command(self, threads):
        return [self.bench.bin(self.program), "--dev", self.bench.dev,
                "--set", f"workers={threads}",
                "--set", f"listen.port={self.port}",
                "--set", "limits.connections=20000"]


class Unsealed(Vouchd):
    """The same without its last step."""
    name, program = "unsealed", "vouchd_unsealed"


class Grpc(Server):
    name, how = "grpc_ready", "ready"

    def command(self, threads):
        certs = self.bench.certs
        return [os.path.join(self.bench.args.peers, "grpc_async"), self.how,
                self.bench.peer_db, str(self.port), str(threads),
                certs("server.pem"), certs("server.key"), certs("root.pem"),
                *self.bench.answers]


class GrpcMade(Grpc):
    name, how = "grpc_made", "made"


class Nghttpd(Server):
    name, get = "nghttpd", "/answer"

    def command(self, threads):
        certs = self.bench.certs
        return ["nghttpd", f"-n{threads}", "--verify-client",
                "-d", self.bench.www, str(self.port),
                certs("server.key"), certs("server.pem")]


class Plain(Nghttpd):
    """As h2load needs it: it has no certificate to show."""
    name = "nghttpd-plain"

    def command(self, threads):
        return [word for word in super().command(threads)
                if word != "--verify-client"]


class Bench:
    def __init__(self, args):
        self.args = args
        self.work = args.work
        self.json = os.path.join(args.work, "results.jsonl")
        self.www = os.path.join(args.work, "www")
        base = os.path.join(args.work, f"records-{args.records}")
        self.base = base
        self.dev = os.path.join(base, "dev")
        self.peer_db = os.path.join(base, "peer.db")
        self.answers = []
        if os.path.exists(self.json):
            os.remove(self.json)

    def bin(self, name):
        return os.path.join(self.args.bin, name)

    def certs(self, name):
        return os.path.join(self.dev, "certs", name)

    # -- records ----------------------------------------------------------

    def publish(self):
        csv = os.path.join(self.base, "records.csv")
        with open(csv, "w", encoding="ascii") as f:
            subprocess.run([self.bin("make_records"), str(self.args.records)],
                           stdout=f, check=True)
        with Vouchd(self).start(None, 1) as server:
            subprocess.run(
                [self.bin("vouch"), "publish", csv, "--association",
                 "ascp-boc", "--quiet"],
                env=self.environment("association", server.port), check=True,
                stdout=subprocess.DEVNULL, timeout=1800)
        os.remove(csv)

    def environment(self, role, port):
        return dict(os.environ, VOUCH_SERVER=f"127.0.0.1:{port}",
                    VOUCH_CA=self.certs("root.pem"),
                    VOUCH_CERT=self.certs(f"{role}.pem"),
                    VOUCH_KEY=self.certs(f"{role}.key"),
                    XDG_CONFIG_HOME=os.path.join(self.work, "config"))

    def prepare(self):
        """Publish once; what was published is used until it goes stale, or
        whatever it was made by changes (script/bench gives the key)."""
        done = os.path.join(self.base, "done")
        key = self.args.key
        if os.path.exists(done):
            with open(done, encoding="ascii") as f:
                age = time.time() - os.stat(done).st_mtime
                if f.read() == key and age < 25 * 86400:
                    return
        shutil.rmtree(self.base, ignore_errors=True)
        os.makedirs(self.base)
        print(f"publishing {self.args.records} records...", flush=True)
        begun = time.monotonic()
        self.publish()
        subprocess.run([os.path.join(self.args.peers, "grpc_async"), "fill",
                        str(self.args.records), self.peer_db], check=True)
        with open(done, "w", encoding="ascii") as f:
            f.write(key)
        print(f"published in {time.monotonic() - begun:.0f} s", flush=True)

    def ask(self, server, kind, number, family, year):
        path = os.path.join(self.work, f"answer-{len(self.answers)}.json")
        with open(path, "w", encoding="utf-8") as f:
            done = subprocess.run(
                [self.bin("vouch"), "verify", "--association", "ascp-boc",
                 "--type", kind, "--number", number, "--family", family,
                 "--birth-date", year, "-o", "json"],
                env=self.environment("employer", server.port), stdout=f,
                check=False)
        if done.returncode not in (0, 3):
            raise RuntimeError("vouchd does not answer")
        self.answers.append(path)

    def learn_answers(self):
        """What vouchd answers, for the others to be of the same size."""
        rows = subprocess.run([self.bin("make_records"), "100"], check=True,
                              capture_output=True, text=True).stdout.split()
        people = {row.split(",")[0]: row.split(",") for row in rows[1:]}
        with Vouchd(self).start(None, 1) as server:
            self.ask(server, TYPES[0], "1", "Nobody", "1990")
            for kind in TYPES:
                _, number, family, _, born = people[kind][:5]
                self.ask(server, kind, number, family, born[:4])
            size = self.load(server, 1, 8, core=None,
                             extra=["--requests", "3000"])["answer_bytes"]
        os.makedirs(self.www, exist_ok=True)
        with open(os.path.join(self.www, "answer"), "wb") as f:
            f.write(b"x" * round(size))
        return size

    # -- measuring --------------------------------------------------------

    def load(self, server, connections, streams, core=LOAD_CORE, extra=()):
        certs = self.certs
        command = [
            self.bin("vouch_load"), "--server", f"127.0.0.1:{server.port}",
            "--ca", certs("root.pem"), "--cert", certs("employer.pem"),
            "--key", certs("employer.key"),
            "--connections", str(connections), "--streams", str(streams),
            "--records", str(self.args.records),
            "--pid", str(server.process.pid), "--label", server.name,
            "--measure-ms", str(int(self.args.seconds * 1000)),
            "--limit-ms", "300000", "--json", self.json, *extra]
        if server.get:
            command += ["--get", server.get]
        done = subprocess.run(pinned(core, command), capture_output=True,
                              text=True, timeout=330, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{server.name}: {done.stderr}{done.stdout}")
        with open(self.json, encoding="utf-8") as f:
            return json.loads(f.readlines()[-1])

    def h2load(self, server, connections, streams, requests):
        """The same by h2load: requests a second, its own CPU and the
        server's in microseconds a request."""
        def server_cpu():
            with open(f"/proc/{server.process.pid}/stat",
                      encoding="ascii") as f:
                words = f.read().rpartition(")")[2].split()
            return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

        command = ["h2load", "-n", str(requests), "-c", str(connections),
                   "-m", str(streams),
                   f"https://127.0.0.1:{server.port}{server.get}"]
        before, cpu = resource.getrusage(resource.RUSAGE_CHILDREN), server_cpu()
        done = subprocess.run(pinned(LOAD_CORE, command), capture_output=True,
                              text=True, timeout=120, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if f" {requests} succeeded" not in done.stdout:
            raise RuntimeError(done.stdout)
        own = (after.ru_utime + after.ru_stime - before.ru_utime -
               before.ru_stime)
        rate = float(done.stdout.split(" req/s")[0].split()[-1])
        return {"per_second": rate, "own_cpu_us": own * 1e6 / requests,
                "server_cpu_us": (server_cpu() - cpu) * 1e6 / requests}

    # -- the parts --------------------------------------------------------

    def alternate(self, title, kinds, loads, core, load_core, threads):
        """Every load on every kind in turn, round by round."""
        results = {}
        for turn in range(self.args.rounds):
            for kind in kinds:
                with kind(self).start(core, threads) as server:
                    self.load(server, *loads[-1], core=load_core,
                              extra=["--measure-ms", str(WARM_MS)])
                    for load in loads:
                        results.setdefault((load, server.name), []).append(
                            self.load(server, *load, core=load_core))
            print(f"({title}: round {turn + 1} of {self.args.rounds})",
                  file=sys.stderr, flush=True)
        return results

    def compare(self, title, loads, core, load_core, threads):
        results = self.alternate(
            title, (Nghttpd, Grpc, GrpcMade, Unsealed, Vouchd), loads, core,
            load_core, threads)
        print(f"\n## {title}\n")
        print("| load | server | req/s | x ready | x made | server CPU us | "
              "ready's x | made's x | p50 us | p99 us | p99.9 us | "
              "load CPU us | others' cores |")
        print("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
        for load in loads:
            self.compare_rows(load, results)

    @staticmethod
    def compare_rows(load, results):
        def middle(name, what):
            return statistics.median(r[what] for r in results[load, name])

        for name in ("nghttpd", "grpc_ready", "grpc_made", "unsealed",
                     "vouchd"):
            rate, cpu = middle(name, "per_second"), middle(name,
                                                           "server_cpu_us")
            print(f"| {load[0]}x{load[1]} | {name} | {rate:,.0f} "
                  f"| {rate / middle('grpc_ready', 'per_second'):.2f} "
                  f"| {rate / middle('grpc_made', 'per_second'):.2f} "
                  f"| {cpu:.2f} "
                  f"| {middle('grpc_ready', 'server_cpu_us') / cpu:.2f} "
                  f"| {middle('grpc_made', 'server_cpu_us') / cpu:.2f} "
                  f"| {middle(name, 'p50_us'):,.0f} "
                  f"| {middle(name, 'p99_us'):,.0f} "
                  f"| {middle(name, 'p999_us'):,.0f} "
                  f"| {middle(name, 'own_cpu_us'):.2f} "
                  f"| {middle(name, 'foreign_cores'):.2f} |", flush=True)

    def pinned(self):
        self.compare("Pinned: the server on one core, the load on the other",
                     LOADS, SERVER_CORE, LOAD_CORE, 1)

    def sealed(self):
        title = "Sealed beside unsealed: the server on one core, the load on " \
            "the other"
        results = self.alternate(title, (Unsealed, Vouchd), LOADS,
                                 SERVER_CORE, LOAD_CORE, 1)

        def middle(load, name, what):
            return statistics.median(r[what] for r in results[load, name])

        print(f"\n## {title}\n")
        print("| load | req/s unsealed | sealed | ratio | server CPU us "
              "unsealed | sealed | more | bytes unsealed | sealed |")
        print("|---|---|---|---|---|---|---|---|---|")
        for load in LOADS:
            rate, cpu, size = (
                [middle(load, name, what) for name in ("unsealed", "vouchd")]
                for what in ("per_second", "server_cpu_us", "answer_bytes"))
            print(f"| {load[0]}x{load[1]} | {rate[0]:,.0f} | {rate[1]:,.0f} "
                  f"| {rate[1] / rate[0]:.2f} | {cpu[0]:.2f} | {cpu[1]:.2f} "
                  f"| {cpu[1] - cpu[0]:.2f} | {size[0]:.0f} "
                  f"| {size[1]:.0f} |", flush=True)

    def unpinned(self):
        self.compare("Not pinned: two server threads and the load on "
                     f"{os.cpu_count()} cores", UNPINNED, None, None, 2)

    def idle(self):
        print("\n## Idle memory\n")
        print("| server | started MB | connections | MB | kB each | "
              "server CPU us a handshake |")
        print("|---|---|---|---|---|---|")
        for kind in (Nghttpd, Grpc, Vouchd):
            for connections in IDLE:
                with kind(self).start(SERVER_CORE, 1) as server:
                    time.sleep(0.5)
                    begun = memory(server.process.pid)
                    r = self.load(server, connections, 1,
                                  extra=["--idle", "1"])
                each = (r["anon_after"] - r["anon_before"]) / connections
                print(f"| {server.name} | {begun[0] / 1e6:.1f} "
                      f"({begun[1] / 1e6:.1f} anonymous) | {connections:,} "
                      f"| {r['rss_after'] / 1e6:.1f} "
                      f"({r['anon_after'] / 1e6:.1f} anonymous) "
                      f"| {each / 1000:.1f} "
                      f"| {r['handshake_server_cpu_us']:.0f} |", flush=True)

    def load_check(self):
        """Is our load generator as light as h2load?"""
        counts = {(1, 1): 10000, (8, 1): 40000, (8, 32): 200000,
                  (64, 32): 200000}
        rows = {}
        for _ in range(self.args.rounds):
            with Plain(self).start(SERVER_CORE, 1) as server:
                for load, n in counts.items():
                    extra = ["--requests", str(n)]
                    rows.setdefault((load, "vouch_load"), []).append(
                        self.load(server, *load, extra=extra))
                    rows.setdefault((load, "h2load"), []).append(
                        self.h2load(server, *load, n))
        print("\n## The load generator beside h2load, both at nghttpd\n")
        print("| load | generator | req/s | its own CPU us | server CPU us |")
        print("|---|---|---|---|---|")
        for (load, name), results in sorted(rows.items()):
            values = [statistics.median(r[what] for r in results) for what in
                      ("per_second", "own_cpu_us", "server_cpu_us")]
            print(f"| {load[0]}x{load[1]} | {name} | {values[0]:,.0f} "
                  f"| {values[1]:.2f} | {values[2]:.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--peers", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--key", default="", help="what the records depend on")
    parser.add_argument("--records", type=int, default=1000000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--only", default=",".join(PARTS))
    args = parser.parse_args()
    parts = args.only.split(",")
    if not 100 <= args.records <= 100000000 or not 1 <= args.rounds <= 99 or \
            not 0.1 <= args.seconds <= 60 or set(parts) - set(PARTS):
        parser.error("out of range")
    if os.cpu_count() < 2:
        parser.error("two cores are needed: one for the server, one to ask")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if 0 < hard < OPEN_FILES:
        parser.error(f"{OPEN_FILES} open files are needed, {hard} allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, hard))

    os.makedirs(args.work, exist_ok=True)
    sys.stdout = Tee(os.path.join(args.work, "report.md"))
    bench = Bench(args)
    if parts == ["publish"]:
        print(f"# {args.records:,} records, medians of {args.rounds} rounds")
    else:
        bench.prepare()
        size = bench.learn_answers()
        print(f"# {args.records:,} records, {size:.0f} bytes an answer, "
              f"medians of {args.rounds} rounds of {args.seconds:g} s")
    steps = {"pinned": bench.pinned, "sealed": bench.sealed,
             "unpinned": bench.unpinned, "idle": bench.idle, "load": bench.load_check,
             "publish": Publishing(bench, Vouchd).run}
    for part in PARTS:
        if part in parts:
            steps[part]()


if __name__ == "__main__":
    main()
