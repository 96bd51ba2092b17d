#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Checks one promise of the shared library to the programs that were linked to it."""
import argparse
import re
import subprocess
import sys
from pathlib import Path

# What the library may ask of the system at load time: nothing that a C program does not have in memory anyway.
NEEDED = re.compile(r"libc\.so\.\d+|libgcc_s\.so\.1|libm\.so\.\d+|libpthread\.so\.0|libdl\.so\.2|ld-linux[-\w]*\.so\.\d+"
                    r"|ld\d*\.so\.\d+|libc\.musl-\w+\.so\.1")


def run(*command):
    return subprocess.run([str(part) for part in command], check=True, stdout=subprocess.PIPE, text=True).stdout


def exported(options):
    """Name -> address of every symbol that a program could link to."""
    lines = run(options.nm, "--dynamic", "--defined-only", "--format=posix", options.library).splitlines()
    return {fields[0]: fields[2] for fields in (line.split() for line in lines) if len(fields) >= 3}


def dynamic(options, tag):
    return re.findall(rf"\({tag}\).*\[(.+)\]", run(options.readelf, "-dW", options.library))


def exports_nothing_but_rondel(options):
    names = exported(options)
    others = sorted(name for name in names if not name.startswith("rondel_"))
    assert names, "no symbol at all"
    assert not others, f"symbols of others: {', '.join(others)}"


def exports_what_the_header_declares(options):
    text = re.sub(r"/\*.*?\*/", "", options.header.read_text(encoding="utf-8"), flags=re.S)
    text = re.sub(r"^\s*#.*$", "", text, flags=re.M)
    text = re.sub(r"\btypedef\b[^;{]*(\{[^}]*\}[^;]*)?;", "", text)
    declared = set(re.findall(r"\b(rondel_\w+)\s*\(", text))
    names = set(exported(options))
    assert declared, "the header declares nothing"
    assert not declared - names, f"declared, not exported: {', '.join(sorted(declared - names))}"
    assert not names - declared, f"exported, not declared: {', '.join(sorted(names - declared))}"


def soname_is_pinned(options):
    version = re.search(r'#define RONDEL_VERSION "(\d+)\.', options.header.read_text(encoding="utf-8"))
    expected = f"librondel.so.{version.group(1)}"
    found = dynamic(options, "SONAME")
    assert found == [expected], f"soname {found}, not {expected}"
    for name in ("librondel.so", expected):
        link = options.library.parent / name
        assert link.resolve() == options.library.resolve(), f"{link} does not lead to {options.library.name}"


def needed_libraries_are_pinned(options):
    needed = dynamic(options, "NEEDED")
    new = [name for name in needed if not NEEDED.fullmatch(name)]
    assert needed, "not even libc"
    assert not new, f"new at load time: {', '.join(new)}"


def marks_are_told_apart(options):
    """A compiler that folds equal functions into one would make the two marks the same address."""
    names = exported(options)
    assert names["rondel_keep"] != names["rondel_enqueue"], "rondel_keep and rondel_enqueue are one address"


def main():
    promises = {f.__name__: f for f in (exports_nothing_but_rondel, exports_what_the_header_declares, soname_is_pinned,
                                        needed_libraries_are_pinned, marks_are_told_apart)}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nm", required=True)
    parser.add_argument("--readelf", required=True)
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--header", type=Path, required=True)
    parser.add_argument("promise", choices=promises)
    options = parser.parse_args()
    try:
        promises[options.promise](options)
    except AssertionError as error:
        sys.exit(f"{options.promise}: {error}")
    print(f"{options.promise}: kept")


main()
