"""Named checks of a test program, printed one per line, and how it ends.

A program makes one Suite, marks its checks with @suite.check("name") and ends with
sys.exit(suite.main()). Checks run in the order of the file; a failed one does not stop the next.
"""

import argparse
import contextlib
import os
import signal
import sys
import time
import traceback

EXIT_FAILED = 1
EXIT_SKIPPED = 77  # SKIP_RETURN_CODE of the CTest registration


class Failure(Exception):
    """A check saw something else than it expected."""


class Skip(Exception):
    """A check, or with skip_all the whole program, cannot run here."""


def fail(expected, seen):
    raise Failure(f"expected {expected}, seen {seen}")


def expect(condition, expected, seen):
    if not condition:
        fail(expected, seen)


def expect_equal(seen, expected, what=""):
    if seen != expected:
        prefix = f"{what}: " if what else ""
        raise Failure(f"{prefix}expected {shorten(expected)}, seen {shorten(seen)}")


def expect_in(part, whole, what=""):
    if part not in whole:
        prefix = f"{what}: " if what else ""
        raise Failure(f"{prefix}expected {shorten(part)} in it, seen {shorten(whole)}")


def shorten(value, limit=700):
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit // 2]} ... {text[-limit // 2 :]}"


def wait_until(condition, seconds, expected, seen=lambda: "that it did not happen"):
    """Waits for something that has no descriptor to wait on, such as the process table."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            fail(f"{expected} within {seconds} s", seen())
        time.sleep(0.01)


def measured(name, value):
    print(f"measured {name}: {value}", flush=True)


class Prepared:
    """What a check gets, when nothing is to be prepared or cleaned up beside it."""

    def __init__(self, arguments):
        self.ssmsim = arguments.ssmsim

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        pass


class Suite:
    def __init__(self, description):
        self._description = description
        self._checks = []

    def check(self, name):
        def register(function):
            self._checks.append((name, function))
            return function

        return register

    def main(self, prepare=lambda arguments: contextlib.nullcontext(arguments)):
        """`prepare(arguments)` makes a context manager for each check: a check gets what entering
        it gives, and leaving it is part of the check."""
        parser = argparse.ArgumentParser(description=self._description)
        parser.add_argument("ssmsim", help="path of the program under test")
        parser.add_argument("--only", action="append", default=[], help="run only this check")
        arguments = parser.parse_args()
        # So that what a check has opened is closed when the test is stopped.
        signal.signal(signal.SIGTERM, lambda *unused: sys.exit(EXIT_FAILED))
        arguments.ssmsim = os.path.abspath(arguments.ssmsim)
        chosen = [entry for entry in self._checks
                  if not arguments.only or entry[0] in arguments.only]
        outcomes = [self._run(name, function, prepare, arguments) for name, function in chosen]
        if EXIT_FAILED in outcomes:
            return EXIT_FAILED
        return EXIT_SKIPPED if all(o == EXIT_SKIPPED for o in outcomes) else 0

    @staticmethod
    def _run(name, function, prepare, arguments):
        started = time.monotonic()
        try:
            with prepare(arguments) as context:
                function(context)
        except Skip as skip:
            print(f"SKIP: {name}: {skip}", flush=True)
            return EXIT_SKIPPED
        except Failure as failure:
            print(f"not ok {name}: {failure}", flush=True)
            return EXIT_FAILED
        except Exception as error:  # a defect of the test or of what it drives: report, go on
            print(f"not ok {name}: expected no exception, seen {error!r}", flush=True)
            traceback.print_exc(file=sys.stdout)
            return EXIT_FAILED
        print(f"ok {name} ({time.monotonic() - started:.1f} s)", flush=True)
        return 0
