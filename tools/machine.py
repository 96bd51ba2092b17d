# SPDX-License-Identifier: MIT OR Apache-2.0
"""What this machine has, what is missing for a task, and how to get it.

Rust, a C compiler and Python are expected to be there. CMake and a build program come by pip into .tools/ and touch
nothing else; the rest comes by apt-get, if this user may. Everything is announced before it is installed.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".tools"
CMAKE_AT_LEAST = (3, 18)
IN_CI = os.environ.get("CI", "").lower() not in ("", "0", "false")
JOBS = "-j2"


def say(text):
    print(f"\n== {text}", flush=True)


def give_up(text):
    sys.exit(f"\n{Path(sys.argv[0]).name}: {text}")


def run(*command, **options):
    """Runs a command in the project's root; its output is the user's. A failure ends the program."""
    command = [str(part) for part in command]
    print("$ " + " ".join(command), flush=True)
    code = subprocess.run(command, cwd=options.pop("cwd", ROOT), **options).returncode
    if code:
        give_up(f"`{' '.join(command)}` ended with {code}")


def quiet(*command, **options):
    """Whether a command succeeds, and what it printed."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              encoding="utf-8", errors="replace", **options)
    except OSError:
        return False, ""
    return done.returncode == 0, done.stdout


def have_cmake():
    """On the PATH or in .tools: new enough, and with its ctest."""
    def good():
        path = shutil.which("cmake")
        works, text = quiet(path, "--version") if path else (False, "")
        found = re.search(r"version (\d+)\.(\d+)", text)
        return bool(works and found and tuple(map(int, found.groups())) >= CMAKE_AT_LEAST and shutil.which("ctest"))
    return good() or prefer(LOCAL / "cmake/cmake/data/bin", good)


def have_make():
    def good():
        return any(path and quiet(path, "--version")[0] for path in map(shutil.which, ("make", "ninja")))
    # The wheel has kept its program in one place or the other.
    return good() or any(prefer(LOCAL / "ninja" / folder, good) for folder in ("bin", "ninja/data/bin"))


def prefer(folder, good):
    """Puts a folder first on the PATH, if that helps."""
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{folder}{os.pathsep}{before}"
    if not (folder.is_dir() and good()):
        os.environ["PATH"] = before
        return False
    return True


def have(*names):
    return lambda: any(shutil.which(name) for name in names)


def compiler():
    return next((path for path in map(shutil.which, [os.environ.get("CC") or "cc", "gcc", "clang"]) if path), None)


def compiles(*flags, source="int main(void) { return 0; }\n"):
    def check():
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "main.c").write_text(source, encoding="utf-8")
            return quiet(compiler(), "main.c", "-o", "main", *flags, cwd=folder)[0]
    return check


class Tool:
    """Something a task needs: `there()` tells whether it is, `debian` names the packages, `pip` the wheel if that will
    do, `tests` the tests that cannot be run for want of it, `rest` what else. With neither, nothing can be done."""

    def __init__(self, name, there, debian, pip=None, tests=(), rest=None):
        self.name, self.there, self.debian, self.pip, self.tests, self.rest = name, there, debian, pip, tests, rest


BUILD = [
    Tool(f"CMake {'.'.join(map(str, CMAKE_AT_LEAST))} or newer", have_cmake, debian="cmake", pip="cmake"),
    Tool("make or ninja", have_make, debian="make", pip="ninja"),
]
TESTS = [
    Tool("a C++ compiler", have(os.environ.get("CXX") or "c++", "g++", "clang++"), debian="g++",
         tests=["abi.header_is_cpp11"]),
    Tool("nm and readelf", lambda: have("nm")() and have("readelf")(), debian="binutils", tests=["abi", "install"]),
    Tool("pkg-config", have("pkg-config", "pkgconf"), debian="pkg-config", tests=["install.pkg_config"]),
    Tool("valgrind", have("valgrind"), debian="valgrind", tests=["valgrind"]),
    Tool("AddressSanitizer for C", compiles("-fsanitize=address"), debian="gcc", tests=["asan"]),
    Tool("hiredis", compiles("-lhiredis", source="#include <hiredis/async.h>\n"
                             "int main(void) { redisAsyncFree(redisAsyncConnect(\"\", 0)); return 0; }\n"),
         debian="libhiredis-dev", tests=["hiredis"]),
    Tool("libcurl", compiles("-lcurl", source="#include <curl/curl.h>\n"
                             "int main(void) { curl_easy_cleanup(curl_easy_init()); return 0; }\n"),
         debian="libcurl4-openssl-dev", tests=["curl"]),
    Tool("redis-server", have("redis-server"), debian="redis-server", tests=["hiredis"]),
    Tool("GLib", lambda: quiet("pkg-config", "--exists", "glib-2.0")[0], debian="libglib2.0-dev", tests=["glib"]),
    Tool("wrk", have("wrk"), debian="wrk", tests=["http_load"]),
    Tool("curl", have("curl"), debian="curl", tests=["http_load"]),
    Tool("libuv", compiles("-luv", source="#include <uv.h>\nint main(void) { return uv_version() == 0; }\n"),
         debian="libuv1-dev", rest="building the benchmark programs on libuv"),
]


def check_basics():
    """What no script should install for anybody."""
    if sys.version_info < (3, 8):
        give_up("Python 3.8 or newer is needed")
    cargo_home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo") / "bin"
    if not shutil.which("cargo") and (cargo_home / "cargo").exists():
        os.environ["PATH"] = f"{cargo_home}{os.pathsep}{os.environ['PATH']}"
    if not shutil.which("cargo"):
        give_up("no Rust toolchain: `cargo` is not on the PATH (see https://rustup.rs)")
    if not compiler() or not compiles()():
        give_up("no C compiler that makes programs (on Debian: apt-get install gcc libc6-dev)")


def prepare(tools):
    """Installs what is missing and can be installed. Returns the tools that are still missing."""
    check_basics()
    missing = [tool for tool in tools if not tool.there()]
    if not missing:
        return []
    apt = apt_get()
    pip = pip_command() if any(tool.pip for tool in missing) else None
    by_pip = [tool.pip for tool in missing if tool.pip and pip]
    by_apt = [tool for tool in missing if apt and tool.debian and not (tool.pip and pip)]
    packages = [name for tool in by_apt for name in tool.debian.split()]
    say(f"missing here: {', '.join(tool.name for tool in missing)}")
    if by_pip:
        print(f"   will install by pip, into {LOCAL} only: {', '.join(by_pip)}")
    if by_apt:
        print(f"   will install by {' '.join(apt)}, for the whole machine: {', '.join(packages)}")
    if len(by_pip) + len(by_apt) == len(missing):
        pass
    elif not apt and shutil.which("apt-get"):
        print("   this user is not root and has no sudo without a password: no package can be installed")
    elif not apt:
        print("   there is no apt-get here: no package can be installed")
    sys.stdout.flush()
    for wheel in by_pip:
        run(*pip, "install", "--upgrade", "--target", LOCAL / wheel, wheel)
    if by_apt:
        environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
        run(*apt, "update", "-q", env=environment)
        run(*apt, "install", "-y", "-q", "--no-install-recommends", *packages, env=environment)
    still = [tool for tool in missing if not tool.there()]
    for tool in still:
        if not tool.tests and not tool.rest:
            give_up(f"{tool.name} is needed and could not be installed: neither pip nor apt-get can be used by this "
                    f"user. Install it ({tool.debian} on Debian, or `pip install {tool.pip}`) and try again")
    if still and IN_CI:
        give_up(f"still missing, and in CI nothing is left out: {', '.join(tool.name for tool in still)}")
    return still


def apt_get():
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return ["apt-get"]
    if shutil.which("sudo") and quiet("sudo", "-n", "true")[0]:
        return ["sudo", "-n", "apt-get"]
    return None


def pip_command():
    """This Python's pip, or one in a virtual environment of ours."""
    if quiet(sys.executable, "-m", "pip", "--version")[0]:
        return [sys.executable, "-m", "pip"]
    venv = LOCAL / "venv"
    python = venv / "bin" / "python3"
    if quiet(str(python), "-m", "pip", "--version")[0]:
        return [python, "-m", "pip"]
    if quiet(sys.executable, "-m", "ensurepip", "--version")[0]:
        say(f"this Python has no pip: making a virtual environment with one in {venv}")
        if quiet(sys.executable, "-m", "venv", str(venv))[0]:
            return [python, "-m", "pip"]
    shutil.rmtree(venv, ignore_errors=True)
    return None


def configure(build, **cache):
    """Configures a build folder. One that another CMake or another checkout made is made anew."""
    made_by = build / "CMakeCache.txt"
    if made_by.exists():
        text = made_by.read_text(encoding="utf-8", errors="replace")
        entries = dict(re.findall(r"^([\w-]+):[A-Z]+=(.*)$", text, re.M))
        program = entries.get("CMAKE_MAKE_PROGRAM", "")
        if entries.get("CMAKE_HOME_DIRECTORY") != str(ROOT) or not os.access(program, os.X_OK):
            made_by.unlink()
            shutil.rmtree(build / "CMakeFiles", ignore_errors=True)
    generator = []
    if not made_by.exists() and not shutil.which("make"):
        generator = ["-G", "Ninja"]
    run("cmake", "-S", ROOT, "-B", build, *generator, "-DCMAKE_BUILD_TYPE=Release",
        *(f"-D{name}={value}" for name, value in cache.items()))
