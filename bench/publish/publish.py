"""The part "publish" of script/bench: publications of three kinds, each beside
raw SQLite, which writes the same rows in the same run (raw_sqlite.c).
bench/README.md says how to read the tables."""

import concurrent.futures
import datetime
import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time

SIZES = (10000, 100000)         # beside --records, for the growth of memory
FILES, FILE_ROWS = 100, 1000    # of small publications
AT_ONCE = 8                     # publishers, where they are many
CHANGED = 100                   # every so many records change
TYPES = "ascp-pbt,ascp-mlt,ascp-mls"
TICK = os.sysconf("SC_CLK_TCK")


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat()


def cpu_of(stat):
    with open(stat, encoding="ascii") as f:
        words = f.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICK


def writer_of(pid):
    """The stat file of the thread that writes to the store."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        stat = f"/proc/{pid}/task/{thread}/stat"
        with open(stat, encoding="ascii") as f:
            if "(store-writer)" in f.read():
                return stat
    raise RuntimeError("no writer")


def peak_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        for line in f:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    raise RuntimeError("no VmHWM")


def watch_peak(pid, peaks):
    """Until the process has ended.  What wait4() says of its memory counts
    ours too, from before it became another program."""
    time.sleep(0.01)
    try:
        while True:
            peaks.append(peak_of(pid))
            time.sleep(0.05)
    except (OSError, RuntimeError):
        pass


class Publishing:
    def __init__(self, bench, vouchd):
        self.bench = bench
        self.vouchd = vouchd            # the class of servers
        self.work = os.path.join(bench.work, "publish")
        self.results = {}

    def path(self, name):
        return os.path.join(self.work, name)

    # -- what is published --------------------------------------------------

    def make_files(self, records):
        """delta.csv, snapshot.csv with some records changed, and two folders
        of small files with records that are in neither."""
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(self.work)
        more = 2 * FILES * FILE_ROWS
        rows = subprocess.Popen(
            [self.bench.bin("make_records"), str(records + more)],
            stdout=subprocess.PIPE, encoding="ascii")
        header = rows.stdout.readline()
        with open(self.path("delta.csv"), "w", encoding="ascii") as delta, \
                open(self.path("snapshot.csv"), "w",
                     encoding="ascii") as snapshot:
            delta.write(header)
            snapshot.write(header)
            for i in range(records):
                row = rows.stdout.readline()
                delta.write(row)
                if i % CHANGED == 0:
                    row = row.replace("2098-12-31", "2099-12-31")
                snapshot.write(row)
        for i in range(2 * FILES):
            with open(self.path(f"small-{i}.csv"), "w",
                      encoding="ascii") as small:
                small.write(header)
                for _ in range(FILE_ROWS):
                    small.write(rows.stdout.readline())
        if rows.stdout.readline() or rows.wait() != 0:
            raise RuntimeError("make_records failed")

    # -- one measurement ----------------------------------------------------

    def publish(self, server, file, *words):
        """CPU seconds and peak memory of the client."""
        with subprocess.Popen(
                [self.bench.bin("vouch"), "publish", self.path(file),
                 "--association", "ascp-boc", "--quiet", *words],
                env=self.bench.environment("association", server.port),
                stdout=subprocess.DEVNULL) as client:
            peaks = [0]
            watch = threading.Thread(target=watch_peak,
                                     args=(client.pid, peaks))
            watch.start()
            _, status, usage = os.wait4(client.pid, 0)
            client.returncode = os.waitstatus_to_exitcode(status)
        watch.join()
        if client.returncode != 0:
            raise RuntimeError(f"publishing {file}: {client.returncode}")
        return usage.ru_utime + usage.ru_stime, max(peaks)

    def raw(self, *words):
        """The same by SQLite alone."""
        done = subprocess.run(
            [self.bench.bin("raw_sqlite"),
             os.path.join(self.bench.dev, "vouch.db"), self.path("raw.db"),
             *words], check=True, capture_output=True, text=True,
            timeout=1800)
        return json.loads(done.stdout)

    def measure(self, what, rows, publish, *raw_words):
        with self.vouchd(self.bench).start(None, 0) as server:
            pid = server.process.pid
            daemon, writer = f"/proc/{pid}/stat", writer_of(pid)
            cpu, writer_cpu = cpu_of(daemon), cpu_of(writer)
            begun = time.monotonic()
            clients = publish(server)
            seconds = time.monotonic() - begun
            result = {
                "what": what, "rows": rows, "seconds": seconds,
                "daemon_cpu": cpu_of(daemon) - cpu,
                "writer_cpu": cpu_of(writer) - writer_cpu,
                "client_cpu": sum(client[0] for client in clients),
                "daemon_peak": peak_of(pid),
                "client_peak": max(client[1] for client in clients)}
        raw = self.raw(*raw_words)
        result.update(raw_seconds=raw["seconds"], raw_cpu=raw["cpu_seconds"],
                      publications=len(clients), events=raw["events"],
                      raw_transactions=raw["transactions"])
        if raw["transactions"] != len(clients):
            raise RuntimeError(f"{what}: {raw['transactions']} transactions")
        self.results.setdefault((what, rows), []).append(result)
        with open(self.bench.json, "a", encoding="utf-8") as f:
            f.write(json.dumps(dict(result, part="publish")) + "\n")

    def small(self, first, at_once):
        def publish(server):
            with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
                return list(pool.map(
                    lambda i: self.publish(server, f"small-{i}.csv"),
                    range(first, first + FILES)))
        return publish

    def round(self, records, all_kinds):
        """Each on top of the one before, in both stores."""
        shutil.rmtree(self.bench.dev, ignore_errors=True)
        for name in ("raw.db", "raw.db-wal", "raw.db-shm"):
            if os.path.exists(self.path(name)):
                os.remove(self.path(name))
        self.measure("delta", records,
                     lambda server: [self.publish(server, "delta.csv")])
        self.measure("snapshot", records,
                     lambda server: [self.publish(
                         server, "snapshot.csv", "--mode", "snapshot",
                         "--types", TYPES, "--extracted-at", now())],
                     "--lookups")
        if all_kinds:
            self.measure(f"{FILES} small ones, in turn", FILES * FILE_ROWS,
                         self.small(0, 1))
            self.measure(f"{FILES} small ones, {AT_ONCE} at a time",
                         FILES * FILE_ROWS, self.small(FILES, AT_ONCE))

    # -- the tables -----------------------------------------------------------

    def table(self):
        print("\n## Publishing, beside raw SQLite\n")
        print("| what | rows | events | rows/s | raw rows/s | ratio "
              "| daemon CPU us | writer CPU us | client CPU us | raw CPU us "
              "| CPU ratio | writer's |")
        print("|---|---|---|---|---|---|---|---|---|---|---|---|")
        for (what, rows), results in self.results.items():
            def middle(key):
                return statistics.median(r[key] for r in results)

            def ratio(above, below):
                return statistics.median(r[above] / r[below]
                                         for r in results)

            print(f"| {what} | {rows:,} | {results[0]['events']:,} "
                  f"| {rows / middle('seconds'):,.0f} "
                  f"| {rows / middle('raw_seconds'):,.0f} "
                  f"| {ratio('raw_seconds', 'seconds'):.2f} "
                  f"| {middle('daemon_cpu') / rows * 1e6:.2f} "
                  f"| {middle('writer_cpu') / rows * 1e6:.2f} "
                  f"| {middle('client_cpu') / rows * 1e6:.2f} "
                  f"| {middle('raw_cpu') / rows * 1e6:.2f} "
                  f"| {ratio('raw_cpu', 'daemon_cpu'):.2f} "
                  f"| {ratio('raw_cpu', 'writer_cpu'):.2f} |")
        print("\n## Publishing: peak memory\n")
        print("| what | rows | daemon MB | client MB |")
        print("|---|---|---|---|")
        for (what, rows), results in sorted(self.results.items()):
            daemon = max(r["daemon_peak"] for r in results)
            client = max(r["client_peak"] for r in results)
            print(f"| {what} | {rows:,} | {daemon / 1e6:.1f} "
                  f"| {client / 1e6:.1f} |", flush=True)

    def run(self):
        bench = self.bench
        dev, bench.dev = bench.dev, self.path("dev")
        try:
            for records in (*SIZES, bench.args.records):
                self.make_files(records)
                rounds = bench.args.rounds if records not in SIZES else 1
                for turn in range(rounds):
                    self.round(records, records not in SIZES)
                    print(f"(publishing {records}: round {turn + 1} of "
                          f"{rounds})", file=sys.stderr, flush=True)
        finally:
            bench.dev = dev
            shutil.rmtree(self.work, ignore_errors=True)
        self.table()
