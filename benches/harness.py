# SPDX-License-Identifier: MIT OR Apache-2.0
"""Starting, pinning, tracing and summing up: what every benchmark of benches/run needs."""

import collections
import contextlib
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

STRACE = ["strace", "-f", "-qq", "-I", "2", "-o"]  # -I 2: it ends, and its program with it, when told to
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = CORES[0], CORES[-1]


class Programs:
    """The folder of built programs, and which libraries are in it."""

    def __init__(self, build):
        self.folder = os.path.join(build, "benches")
        if not os.path.exists(self.path("load")):
            sys.exit(f"no benchmark programs in {self.folder}: build them first, see benches/README.md")

    def path(self, name):
        return os.path.join(self.folder, name)

    def present(self, names):
        """Those of `names` (a program and its arguments, space between) that are built."""
        return [n for n in names if os.path.exists(self.path(n.split()[0]))]

    def command(self, name, *arguments):
        program, *more = name.split()
        return [self.path(program), *more, *(str(a) for a in arguments)]


def on_core(core):
    return lambda: os.sched_setaffinity(0, {core})


def run(command, core=None):
    """Runs a program to its end and returns the JSON it printed."""
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=None if core is None else on_core(core))
    if done.returncode:
        sys.exit(f"\n{' '.join(command)} failed ({done.returncode}): {done.stderr.strip()}")
    return json.loads(done.stdout)


@contextlib.contextmanager
def server(command, trace=None):
    """A server, told to end on the way out. Yields the process, its port read from its first line."""
    if trace:
        command = [*STRACE, trace, *command]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=on_core(SERVER_CORE))
    try:
        process.port = int(process.stdout.readline() or sys.exit(f"\n{' '.join(command)} did not start"))
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        process.stdout.close()


def load(programs, process, client="load", **options):
    arguments = [f"--{name}={value}" for name, value in options.items()]
    flat = [part for a in arguments for part in a.split("=")]
    return run(programs.command(client, "--port", process.port, "--pid", process.pid, *flat), CLIENT_CORE)


def traced_calls(path):
    """How often each system call was made: {(True for the main thread, name): count}."""
    counts, main = collections.Counter(), None
    with open(path) as lines:
        for line in lines:
            found = re.match(r"(\d+) +(?:([a-z_0-9]+)\(|<\.\.\. )", line)
            if not found:
                continue
            main = main or found[1]
            if found[2]:
                counts[found[1] == main, found[2]] += 1
    return counts


def calls_between(few, many, work):
    """System calls a unit costs in the steady state: `work(count, trace)` is done for two counts, and what both
    have in common, start and end, cancels out."""
    with tempfile.TemporaryDirectory() as folder:
        totals = []
        for count in (few, many):
            trace = os.path.join(folder, str(count))
            work(count, trace)
            totals.append(traced_calls(trace))
    units = many - few
    return {key: (totals[1][key] - totals[0][key]) / units for key in totals[1] if totals[1][key] > totals[0][key]}


def have_strace():
    try:
        return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


class Progress:
    """One line on the terminal that says how far it is; nothing when the output is no terminal."""

    def __init__(self, title, steps):
        self.title, self.steps, self.done, self.began = title, steps, 0, time.monotonic()
        self.shown = sys.stderr.isatty()

    def step(self, what):
        self.done += 1
        if self.shown:
            print(f"\r\033[K{self.title} {self.done}/{self.steps} {what}", end="", file=sys.stderr, flush=True)
        elif self.done == 1 or self.done == self.steps:
            print(f"{self.title} {self.done}/{self.steps}", file=sys.stderr, flush=True)

    def end(self):
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def interleaved(title, rounds, names, measure):
    """Measures every name in every round, each round beginning with another one, so that what else the machine does
    falls on all alike. Returns {name: [result of each round]}."""
    results = {name: [] for name in names}
    progress = Progress(title, rounds * len(names))
    for turn in range(rounds):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            progress.step(name)
            results[name].append(measure(name))
    progress.end()
    return results


class Sample:
    """What the rounds gave for one program, and how it compares with another's."""

    def __init__(self, values):
        self.values = values
        self.median = statistics.median(values)

    def ratio(self, other):
        """The median of the ratios round by round, and in brackets the ratio of the least values: what else the
        machine does can only add to a figure."""
        middle = statistics.median(a / b for a, b in zip(self.values, other.values))
        return f"{middle:.2f} ({min(self.values) / min(other.values):.2f})"

    def spread(self):
        return f"{min(self.values):.0f}-{max(self.values):.0f}"


def table(title, head, rows):
    """Prints rows under a head, the first column to the left, the others to the right."""
    cells = [head] + [[c if isinstance(c, str) else f"{c:.2f}" for c in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    print(f"\n{title}")
    for row in cells:
        print("  " + "  ".join(c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths))).rstrip())
    sys.stdout.flush()
