#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What rustc says the static library needs of the system is what rondel.pc passes on to pkg-config --static."""
import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# The compiler driver adds these to every C program, in the form that fits a static or a dynamic one.
DRIVER = {"-lgcc_s", "-lc"}

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--cargo", required=True)
parser.add_argument("--source", type=Path, required=True)
parser.add_argument("--target-dir", required=True)
parser.add_argument("--pc", type=Path, required=True)
options = parser.parse_args()

environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "CARGO_TARGET_DIR")}
with tempfile.TemporaryDirectory() as folder:
    # To a file: cargo replays rustc's warnings when nothing is to be built, but not this.
    told = Path(folder) / "libs"
    command = [options.cargo, "rustc", "--lib", "--crate-type", "staticlib", "--target-dir", options.target_dir,
               "--", f"--print=native-static-libs={told}"]
    subprocess.run(command, cwd=options.source, env=environment, check=True)
    needs = told.read_text(encoding="utf-8").split()

private = re.search(r"^Libs\.private:(.*)$", options.pc.read_text(encoding="utf-8"), re.M).group(1).split()
print(f"rustc says {needs}, rondel.pc says {private}")
if set(needs) - DRIVER != set(private):
    sys.exit("they differ: change rondel_system_libraries in cmake/RondelCargo.cmake")
