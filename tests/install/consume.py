#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Installs Rondel into a fresh prefix, or builds and runs the consumer in one of the ways a project can take Rondel in."""
import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def run(*command, capture=False, **options):
    command = [str(part) for part in command]
    print("$ " + " ".join(command), flush=True)
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE if capture else None, text=True, **options)
    return done.stdout


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def prefix(options):
    target = fresh(options.root / "prefix")
    run(options.cmake, "--install", options.build, "--prefix", target)
    # Nothing in it may lead back to where it was built: it is moved once, and used from there.
    moved = options.root / "moved"
    shutil.rmtree(moved, ignore_errors=True)
    target.rename(moved)
    expected = ["include/rondel.h", "*/librondel.a", "*/librondel.so", "*/librondel.so.?", "*/librondel.so.?.*.*",
                "*/pkgconfig/rondel.pc", "*/cmake/rondel/rondel-config.cmake",
                "*/cmake/rondel/rondel-config-version.cmake"]
    for pattern in expected:
        if not list(moved.glob(pattern)) and not list(moved.glob("*/" + pattern)):
            sys.exit(f"not installed: {pattern}")


def by_cmake(options, build):
    arguments = [f"-DWAY={options.way}", f"-DKIND={options.kind}", f"-DCMAKE_C_COMPILER={options.cc}",
                 f"-DCMAKE_MAKE_PROGRAM={options.make_program}", f"-DCMAKE_RUNTIME_OUTPUT_DIRECTORY={build}$<0:>",
                 "-G", options.generator]
    if options.way == "find_package":
        arguments += [f"-DCMAKE_PREFIX_PATH={options.root / 'moved'}"]
    else:
        # What was built for the tests is built: cargo sees that there is nothing to do.
        arguments += [f"-DRONDEL_SOURCE={options.source}", f"-DRONDEL_CARGO_TARGET_DIR={options.cargo_target_dir}"]
    run(options.cmake, "-S", HERE / "consumer", "-B", build, *arguments)
    run(options.cmake, "--build", build)


def by_pkg_config(options, build):
    pc = next((options.root / "moved").rglob("rondel.pc"))
    environment = dict(os.environ, PKG_CONFIG_PATH=str(pc.parent))

    def ask(*flags):
        return run(options.pkg_config, *flags, "rondel", env=environment, capture=True).split()

    flags = ask("--cflags")
    library_dir = ask("--variable=libdir")[0]
    if options.kind == "shared":
        flags += [*ask("--libs"), f"-Wl,-rpath,{library_dir}"]
    elif options.kind == "static":
        flags += ["-Wl,-Bstatic", "-lrondel", "-Wl,-Bdynamic"]
        libraries = ask("--static", "--libs")
        flags = [flag for flag in libraries if flag.startswith("-L")] + flags
        flags += [flag for flag in libraries if flag.startswith("-l") and flag != "-lrondel"]
    else:
        flags += ["-static", *ask("--static", "--libs")]
    run(options.cc, "-o", build / "consumer", HERE / "consumer" / "main.c", *flags)


def consume(options):
    build = fresh(options.root / f"{options.way}-{options.kind}")
    (by_pkg_config if options.way == "pkg_config" else by_cmake)(options, build)
    program = build / "consumer"
    print(run(program, capture=True), end="")
    if sys.platform == "linux":
        needed = re.findall(r"\(NEEDED\).*\[(.+)\]", run(options.readelf, "-dW", program, capture=True))
        found = [name for name in needed if name.startswith("librondel")]
        print(f"needs at run time: {', '.join(needed) or 'nothing'}")
        if options.kind == "shared" and not (len(found) == 1 and re.fullmatch(r"librondel\.so\.\d+", found[0])):
            sys.exit("not linked to the library by its soname")
        if options.kind == "static" and found or options.kind == "alone" and needed:
            sys.exit("not linked statically")


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("way", choices=["prefix", "find_package", "pkg_config", "add_subdirectory", "fetch_content"])
parser.add_argument("--kind", choices=["shared", "static", "alone"])
for path in ("root", "build", "source", "cargo-target-dir"):
    parser.add_argument(f"--{path}", type=Path, required=True)
for word in ("cmake", "generator", "make-program", "cc", "pkg-config", "readelf"):
    parser.add_argument(f"--{word}", required=True)
options = parser.parse_args()
prefix(options) if options.way == "prefix" else consume(options)
