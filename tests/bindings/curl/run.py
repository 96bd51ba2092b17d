#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""run.py PROGRAM [ARGUMENTS]: runs a test program beside a web server; the program finds its port in RONDEL_HTTP_PORT, and
one that refuses connections in RONDEL_REFUSED_PORT."""

import os
import subprocess
import sys

from server import Server, refused_port

if len(sys.argv) < 2:
    sys.exit(__doc__)
holder, refused = refused_port()
with holder, Server() as server:
    environment = dict(os.environ, RONDEL_HTTP_PORT=str(server.port), RONDEL_REFUSED_PORT=str(refused))
    code = subprocess.run(sys.argv[1:], env=environment).returncode
sys.exit(code)
