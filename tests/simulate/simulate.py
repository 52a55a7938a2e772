"""What `ssmsim simulate` prints, writes and returns for seeds."""

import json
import os
import pathlib
import pty
import re
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

from checks import Suite, expect, expect_equal, expect_in

suite = Suite(__doc__)

REFERENCES = ["--profile", "plugin-1.2.677", "--profile", "agent-3.3"]
TYPING = ["--workload", "typing"]


def simulate(program, *arguments, **options):
    run = subprocess.run([program.ssmsim, "simulate", *arguments], capture_output=True, text=True,
                         timeout=250, check=False, **options)
    return run.returncode, run.stdout, run.stderr


def json_of(program, *arguments):
    code, out, err = simulate(program, "--json", *arguments)
    expect_equal(err, "")
    return code, json.loads(out)


def without_wall_time(text):
    return re.sub(r"wall time .* messages/s\)", "wall time", text)


def first_failure(program):
    """A seed that fails between the official programs, and what is said about it."""
    code, report = json_of(program, "--seeds", "1-2000", "--max-failures", "1", *TYPING,
                           *REFERENCES)
    expect_equal(code, 1)
    return report["failed"][0]


def vanishing_client(folder):
    """A plan that most runs fail with: nobody tells the agent that its client is gone."""
    path = pathlib.Path(folder) / "the plan.yaml"
    path.write_text("rules:\n"
                    "  - name: crash\n"
                    "    match: {message_type: output_stream_data, nth: 1}\n"
                    "    action: {crash: {side: client}}\n")
    return str(path)


def failing_run(program, folder):
    """The words of a run that fails with it, and its seed."""
    plan = vanishing_client(folder)
    _, report = json_of(program, "--seeds", "1-50", "--max-failures", "1", "--no-shrink", *TYPING,
                        "--faults", plan)
    seed = report["failed"][0]["seed"]
    return ["--seed", str(seed), *TYPING, "--faults", plan], seed


VANISHES = "agent_to_client output_stream_data 0 copy 1: kill the client"


# --- words ----------------------------------------------------------------------------------------


@suite.check("words that make no sense return 2, say what was expected, and run nothing")
def _(program):
    for words, part in [
            (["--seeds", "5-1"], "expected A-B with A not above B, seen '5-1'"),
            (["--seeds", "x"], "expected A-B"),
            (["--seeds", "1-"], "expected A-B"),
            (["--seed", "12x"], "expected a number or a commit id, seen '12x'"),
            (["--seed", "1", "--seeds", "1-2"], "excludes"),
            (["--runs", "0"], "--runs"),
            (["--jobs", "0"], "--jobs"),
            (["--max-failures", "0"], "--max-failures"),
            (["--profile", "plugin-9"], "clients: strict, plugin-1.2.677"),
            (["--workload", "work"], "expected one of typing, paste"),
            (["--faults", "/nowhere/plan.yaml"], "/nowhere/plan.yaml"),
            (["--unknown"], "--unknown"),
            (["word"], "word"),
    ]:
        code, out, err = simulate(program, *words)
        expect_equal((code, out), (2, ""), str(words))
        expect_in(part, err, str(words))


@suite.check("a plan that is wrong returns 2 and names file and line")
def _(program):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "plan.yaml"
        path.write_text("rules:\n  - name: a\n    action: {explode: {}}\n")
        code, out, err = simulate(program, "--faults", str(path))
        expect_equal((code, out), (2, ""))
        expect_in(f"{path}:3", err)


@suite.check("a commit id is a seed, and the same as its last 16 digits")
def _(program):
    commit = "c860bb6d0f5be5a1a1e3b9d2f0a4c6e800000000"[:40]
    code, out, _ = simulate(program, "--seed", commit, *TYPING)
    expect_equal(code, 0, out)
    number = int(commit[-16:], 16)
    expect(out.startswith(f"seed {number}\n"), f"seed {number} first", out)
    _, again, _ = simulate(program, "--seed", str(number), *TYPING)
    expect_equal(without_wall_time(again), without_wall_time(out))


@suite.check("--runs counts from --seed, or from 1")
def _(program):
    _, out, _ = simulate(program, "--seed", "40", "--runs", "3", *TYPING)
    expect(out.startswith("seeds 40-42\n") and "3 runs," in out, "3 runs from 40", out)
    _, out, _ = simulate(program, "--runs", "2", *TYPING)
    expect(out.startswith("seeds 1-2\n") and "2 runs," in out, "2 runs from 1", out)


# --- runs -----------------------------------------------------------------------------------------


@suite.check("what holds returns 0, with two lines of numbers and nothing on stderr")
def _(program):
    code, out, err = simulate(program, "--seeds", "1-5", *TYPING)
    expect_equal((code, err), (0, ""))
    expect_in("5 runs, 0 failures, ", out)
    expect_equal(len(out.splitlines()), 3, out)
    expect("\x1b" not in out, "no escapes", out)


@suite.check("processes with one job and with four print the same, failures and all")
def _(program):
    words = ["--seeds", "1-50", *TYPING, *REFERENCES]
    one = simulate(program, *words, "--jobs", "1")
    four = simulate(program, *words, "--jobs", "4")
    expect_equal(one[0], 1, "some fail")
    expect_equal(without_wall_time(four[1]), without_wall_time(one[1]))
    expect_equal(one[2] + four[2], "")


@suite.check("processes with one job and with four print the same JSON, over every workload")
def _(program):
    reports = []
    for jobs in "1", "4":
        code, report = json_of(program, "--seeds", "1-50", "--jobs", jobs)
        expect_equal(code, 0)
        report.pop("wall_time_s")
        reports.append(report)
    expect_equal(reports[1], reports[0])
    expect_equal((reports[0]["runs"], reports[0]["failures"], reports[0]["failed"]), (50, 0, []))
    expect(int(reports[0]["digest"], 16) != 0, "a digest", reports[0])


@suite.check("--check-determinism runs each seed twice and finds nothing")
def _(program):
    code, report = json_of(program, "--seeds", "1-5", "--check-determinism", *TYPING)
    expect_equal((code, report["nondeterministic_seeds"]), (0, []))


@suite.check("the summary's digest depends on the seeds")
def _(program):
    digests = {json_of(program, "--seed", str(seed), *TYPING)[1]["digest"] for seed in range(5)}
    expect_equal(len(digests), 5)


# --- failures -------------------------------------------------------------------------------------


@suite.check("a failure returns 1, and its reproduce line, run by a shell, fails in the same way")
def _(program):
    with tempfile.TemporaryDirectory() as folder:
        plan = vanishing_client(folder)
        code, out, err = simulate(program, "--seeds", "1-9", "--max-failures", "1", *TYPING,
                                  "--faults", plan)
        expect_equal((code, err), (1, ""))
        failed = re.search(r"^seed (\d+) failed \(typing\): (ends_agree: .*)$", out, re.MULTILINE)
        expect(failed, "a failure of ends_agree", out)
        expect_in("  shrunk from 1 fault decisions to 1 in ", out)
        expect_in(f"    {VANISHES}\n", out)
        line = re.search(r"^  reproduce: ssmsim (.*)$", out, re.MULTILINE).group(1)
        again = subprocess.run(f"{shlex.quote(program.ssmsim)} {line}", shell=True, text=True,
                               capture_output=True, timeout=100, check=False)
        expect_equal(again.returncode, 1)
        expect_in(failed.group(0), again.stdout)


@suite.check("the reproduce line of a failure between the official programs names them")
def _(program):
    failure = first_failure(program)
    words = shlex.split(failure["reproduce"])
    expect_equal(words[:2], ["ssmsim", "simulate"])
    code, report = json_of(program, *words[2:])
    expect_equal(code, 1)
    again = report["failed"][0]
    expect_equal((again["text"], again["digest"]), (failure["text"], failure["digest"]))


@suite.check("--max-failures stops after so many, whatever the number of jobs")
def _(program):
    with tempfile.TemporaryDirectory() as folder:
        plan = vanishing_client(folder)
        seen = set()
        for jobs in "1", "3":
            code, report = json_of(program, "--seeds", "1-100", "--jobs", jobs, "--max-failures",
                                   "2", "--no-shrink", *TYPING, "--faults", plan)
            expect_equal((code, report["failures"]), (1, 2))
            expect_equal(report["failed"][1]["seed"], report["runs"], "the last one fails")
            seen.add(report["runs"])
        expect_equal(len(seen), 1, "runs")


@suite.check("--no-shrink says nothing of shrinking")
def _(program):
    with tempfile.TemporaryDirectory() as folder:
        words, _ = failing_run(program, folder)
        words.append("--no-shrink")
        code, out, _ = simulate(program, *words)
        expect_equal(code, 1)
        expect("shrunk" not in out, "no shrinking", out)
        _, report = json_of(program, *words)
        expect_equal((report["failed"][0]["shrunk_to"], report["failed"][0]["files"]), ([], ""))


# --- files ----------------------------------------------------------------------------------------

FILES = ["plan.yaml", "run.ssmtrace", "scenario.yaml", "test.cpp"]


def files_of(folder):
    return sorted(path.name for path in folder.iterdir())


@suite.check("--out writes plan, scenario, test and recording of a shrunk failure")
def _(program):
    seed = str(first_failure(program)["seed"])
    with tempfile.TemporaryDirectory() as folder:
        code, out, _ = simulate(program, "--seed", seed, *TYPING, *REFERENCES, "--out", folder)
        expect_equal(code, 1)
        directory = pathlib.Path(folder) / f"seed-{seed}"
        expect_equal(files_of(directory), FILES)
        for name in FILES:
            expect_in(str(directory / name), out)

        # The plan is one for --faults.
        plan = (directory / "plan.yaml").read_text()
        expect(plan.startswith(f"# seed-{seed}: "), "the failure as a comment", plan)
        code, _, err = simulate(program, "--seed", "1", *TYPING, "--faults",
                                str(directory / "plan.yaml"))
        expect(code in (0, 1) and err == "", "a plan that is read", (code, err))

        # The scenario is the run.
        shrunk = re.search(r"^  then: (.*)$", out, re.MULTILINE).group(1)
        code, replayed, _ = simulate(program, "--scenario", str(directory / "scenario.yaml"))
        expect_equal(code, 1)
        expect_in(shrunk, " ".join(replayed.split()))

        # The test is a whole file.
        test = (directory / "test.cpp").read_text()
        for part in ("#include <gtest/gtest.h>", '#include "ssm/sim/simulation.hpp"',
                     f"TEST(Simulation, seed_{seed})", "plugin-1.2.677"):
            expect_in(part, test)

        # The recording can be read, and says what was violated.
        decoded = subprocess.run([program.ssmsim, "trace", "decode",
                                  str(directory / "run.ssmtrace")],
                                 capture_output=True, text=True, timeout=100, check=False)
        expect_equal((decoded.returncode, decoded.stderr), (0, ""))
        expect_in("client#1  opened", decoded.stdout)
        expect_in("violation of " + shrunk.split(":")[0], decoded.stdout)


@suite.check("--out writes the same bytes each time")
def _(program):
    seed = str(first_failure(program)["seed"])
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        for folder in first, second:
            simulate(program, "--seed", seed, *TYPING, *REFERENCES, "--out", folder)
        for name in FILES:
            one, two = (pathlib.Path(folder, f"seed-{seed}", name).read_bytes()
                        for folder in (first, second))
            expect(one == two and one, f"equal {name}", "different ones")


@suite.check("--out writes the files with --json and with --no-shrink too")
def _(program):
    with tempfile.TemporaryDirectory() as folder:
        words, seed = failing_run(program, folder)
        words.append("--out")
        directory = pathlib.Path(folder) / "json"
        code, report = json_of(program, *words, str(directory))
        expect_equal(code, 1)
        failure = report["failed"][0]
        expect_equal(failure["files"], str(directory / f"seed-{seed}"))
        expect_equal(failure["shrunk_to"], [VANISHES])
        expect_equal(files_of(directory / f"seed-{seed}"), FILES)
        directory = pathlib.Path(folder) / "as it is"
        simulate(program, *words, str(directory), "--no-shrink")
        expect_equal(files_of(directory / f"seed-{seed}"), FILES)


@suite.check("a directory that cannot be made returns 3, and the failure is still told")
def _(program):
    with tempfile.TemporaryDirectory() as folder:
        blocker = pathlib.Path(folder) / "file"
        blocker.write_text("")
        words, seed = failing_run(program, folder)
        code, out, err = simulate(program, *words, "--out", str(blocker))
        expect_equal(code, 3)
        expect_in("--out: cannot create", err)
        expect_in(f"seed {seed} failed", out)


@suite.check("a report that nobody can read returns 3")
def _(program):
    with open("/dev/full", "w", encoding="ascii") as full:
        run = subprocess.run([program.ssmsim, "simulate", "--seed", "1", *TYPING], stdout=full,
                             stderr=subprocess.PIPE, text=True, timeout=100, check=False)
    expect_equal(run.returncode, 3)
    expect_in("cannot write to stdout", run.stderr)


# --- terminals ------------------------------------------------------------------------------------


def stderr_on_a_terminal(program, *arguments):
    ours, theirs = pty.openpty()
    with subprocess.Popen([program.ssmsim, "simulate", *arguments], stdout=subprocess.PIPE,
                          stderr=theirs, text=True) as run:
        os.close(theirs)
        seen = b""
        try:
            while True:
                seen += os.read(ours, 4096)
        except OSError:  # closed by the program's end
            pass
        out = run.stdout.read()
    os.close(ours)
    return out, seen.decode()


@suite.check("progress is shown on a terminal, taken away, and not among the results")
def _(program):
    out, err = stderr_on_a_terminal(program, "--seeds", "1-64", *TYPING)
    expect_in("64 of 64 runs, 0 failures", err)
    expect(err.endswith("\r\x1b[K"), "a cleared line", err)
    expect("\x1b" not in out, "no escapes", out)


@suite.check("with --json a terminal shows nothing either")
def _(program):
    _, err = stderr_on_a_terminal(program, "--json", "--seeds", "1-64", *TYPING)
    expect_equal(err, "")


if __name__ == "__main__":
    sys.exit(suite.main())
