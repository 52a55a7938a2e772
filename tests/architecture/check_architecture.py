#!/usr/bin/env python3
"""Checks the arrows between the libraries, in the includes and in CMake's link lists, and that the
pure libraries are pure. docs/architecture.md draws the same picture.

    check_architecture.py SOURCE_DIR      checks the tree; prints each violation, exit 1 if any
    check_architecture.py --self-test     proves that every rule can fail
"""
import pathlib
import re
import sys
import tempfile

# Library -> (folder, libraries it may use directly or through others).
LIBRARIES = {
    "protocol": ("protocol", set()),
    "schema": ("simulator/schema", set()),
    "net": ("simulator/net", {"protocol"}),
    "fault": ("simulator/fault", {"protocol"}),
    "sim": ("simulator/sim", {"protocol", "fault"}),
    "trace": ("simulator/trace", {"schema"}),
    "config": ("simulator/config", {"schema", "fault", "sim", "protocol"}),
    "scenarios": ("simulator/scenarios", set()),
    "service": ("simulator/service", {"protocol", "net", "fault", "trace", "schema"}),
    "agent": ("simulator/agent", {"protocol", "net"}),
    "client": ("simulator/client", {"protocol", "net"}),
    "host": ("simulator/host", {"protocol", "net", "fault", "trace", "schema", "service", "agent"}),
    "conformance": (
        "conformance",
        {"protocol", "net", "fault", "sim", "trace", "schema", "config", "service", "agent", "client", "host"},
    ),
}
PURE = ("protocol", "fault", "sim")
FORBIDDEN_IN_PURE = [
    (r"#\s*include\s*<(thread|mutex|shared_mutex|condition_variable|future|random|iostream|fstream|filesystem)>",
     "an impure header"),
    (r"#\s*include\s*<(unistd\.h|sys/|netinet/|arpa/|poll\.h|pthread\.h|boost/asio|boost/beast)",
     "a system or socket header"),
    (r"\b(system|steady|high_resolution)_clock\b", "a clock"),
    (r"\bstd::random_device\b|\bs?rand\s*\(", "a random source"),
    (r"\b(std::time|clock_gettime|gettimeofday|getenv)\s*\(", "the time or the environment"),
    (r"\bfopen\s*\(|(?<![\w>.])::open\s*\(|\bstd::[io]?fstream\b", "a file"),
    (r"^\s*static\s+(?!const|constexpr|inline|cast|assert|_assert)[\w:<>,\s&*]+\s\w+\s*(=|\{|;)", "a mutable static"),
    (r"\bstd::shared_ptr\b", "shared_ptr"),
]
ASIO = re.compile(r"#\s*include\s*<boost/(asio|beast)")
GENERATED = re.compile(r"#\s*include\s*[<\"].*\.pb\.h")
INCLUDE = re.compile(r"#\s*include\s*\"ssm/(\w+)/")
LINK = re.compile(r"\bssm::(\w+)")
# The one thread_local of the core: SHA-256 keeps its OpenSSL context (no state between calls).
ALLOWED_LINES = {"protocol/src/sha256.cpp": re.compile(r"thread_local")}


def sources(folder: pathlib.Path):
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".hpp", ".cpp", ".cc", ".h"):
            yield path


def without_comments(line: str) -> str:
    return re.sub(r"//.*", "", line)


def check(root: pathlib.Path) -> list[str]:
    violations = []
    for library, (folder, allowed) in LIBRARIES.items():
        base = root / folder
        for path in sources(base):
            name = path.relative_to(root).as_posix()
            for number, raw in enumerate(path.read_text().splitlines(), 1):
                line = without_comments(raw)
                where = f"{name}:{number}"
                include = INCLUDE.search(line)
                if include and include[1] != library and include[1] not in allowed:
                    violations.append(f"{where}: {library} must not include ssm/{include[1]}/")
                in_net_source = library == "net" and "/src/" in name
                if ASIO.search(line) and not in_net_source:
                    violations.append(f"{where}: Asio and Beast belong into simulator/net/src/ only")
                if library == "protocol" and GENERATED.search(line):
                    violations.append(f"{where}: generated protobuf types must not appear in protocol")
                if library in PURE:
                    permitted = ALLOWED_LINES.get(name)
                    for pattern, what in FORBIDDEN_IN_PURE:
                        if re.search(pattern, line) and not (permitted and permitted.search(line)):
                            violations.append(f"{where}: {library} is pure, but this is {what}: {raw.strip()}")
        cmake = base / "CMakeLists.txt"
        if cmake.exists():
            for number, line in enumerate(cmake.read_text().splitlines(), 1):
                for linked in LINK.findall(line.split("#")[0]):
                    if linked != library and linked not in allowed:
                        where = f"{folder}/CMakeLists.txt:{number}"
                        violations.append(f"{where}: {library} must not link ssm::{linked}")
    return violations


def self_test() -> int:
    """Each snippet breaks one rule and must be found; the empty tree must be clean."""
    cases = [
        ("protocol/src/a.cpp", '#include "ssm/net/http.hpp"', "must not include"),
        ("protocol/src/a.cpp", "#include <thread>", "impure header"),
        ("protocol/src/a.cpp", "#include <sys/socket.h>", "system or socket header"),
        ("protocol/src/a.cpp", "auto t = std::chrono::steady_clock::now();", "a clock"),
        ("protocol/src/a.cpp", "std::random_device device;", "a random source"),
        ("protocol/src/a.cpp", "int x = rand();", "a random source"),
        ("protocol/src/a.cpp", 'auto* home = getenv("HOME");', "the environment"),
        ("protocol/src/a.cpp", 'auto* f = fopen("x", "r");', "a file"),
        ("protocol/src/a.cpp", "static int counter = 0;", "mutable static"),
        ("protocol/src/a.cpp", "  static std::vector<int> cache;", "mutable static"),
        ("protocol/include/ssm/protocol/a.hpp", "std::shared_ptr<int> p;", "shared_ptr"),
        ("protocol/include/ssm/protocol/a.hpp", '#include "x/plan.pb.h"', "generated protobuf"),
        ("simulator/fault/src/a.cpp", "std::chrono::system_clock::now();", "a clock"),
        ("simulator/net/include/ssm/net/a.hpp", "#include <boost/asio/io_context.hpp>", "Asio and Beast"),
        ("simulator/sim/src/a.cpp", '#include "ssm/net/event_loop.hpp"', "must not include"),
        ("simulator/sim/src/a.cpp", "std::chrono::steady_clock::now();", "a clock"),
        ("simulator/agent/src/a.cpp", "#include <boost/beast/websocket.hpp>", "Asio and Beast"),
        ("simulator/net/src/a.cpp", '#include "ssm/service/router.hpp"', "must not include"),
        ("simulator/net/CMakeLists.txt", "PUBLIC ssm::service", "must not link"),
        ("protocol/CMakeLists.txt", "PUBLIC ssm::net", "must not link"),
    ]
    failures = 0
    for name, text, expected in cases:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / name
            path.parent.mkdir(parents=True)
            path.write_text(text + "\n")
            found = check(pathlib.Path(folder))
            if not any(expected in violation for violation in found):
                print(f"not found: {name}: {text!r} (expected {expected!r}, got {found})")
                failures += 1
    harmless = "static constexpr int limit = 3;\n// rand() in a comment\nstatic_assert(true);\nstatic_cast<int>(x);\n"
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "protocol/src/a.cpp"
        path.parent.mkdir(parents=True)
        path.write_text(harmless)
        for violation in check(pathlib.Path(folder)):
            print(f"false alarm: {violation}")
            failures += 1
    return 1 if failures else 0


def main() -> int:
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = pathlib.Path(sys.argv[1])
    violations = check(root)
    for violation in violations:
        print(violation)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
