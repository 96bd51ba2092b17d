# SPDX-License-Identifier: MIT OR Apache-2.0
"""The Python originals of examples: the same program on asyncio, run beside the C one; both have to say the same."""

import sys
import textwrap

import harness

PRELUDE = """
import asyncio, sys, threading, time
print = __import__("functools").partial(print, flush=True)
"""


def start(source, *arguments):
    """Runs a program of Python, without the wrapper that is for C programs."""
    command = [sys.executable, "-c", PRELUDE + textwrap.dedent(source), *map(str, arguments)]
    return harness.Program("python", command=command)


class Case(harness.Case):
    def assert_same(self, name, source, *arguments, but_for=None):
        """Runs both to their ends; all they print is the same, except for what `but_for` matches. Gives the C one."""
        programs = start(source, *arguments), harness.Program(name, *arguments)
        for program in programs:
            self.assertEqual(program.finish(), 0, str(program))
        said = [[but_for.sub("", line) if but_for else line for line in program.lines["stdout"]]
                for program in programs]
        self.assertTrue(said[0])
        self.assertEqual(said[1], said[0])
        return programs[1]
