"""What `ssmsim simulate --scenario` prints, writes and returns."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

from checks import Suite, expect, expect_equal

suite = Suite(__doc__)


def simulate(program, *arguments):
    run = subprocess.run([program.ssmsim, "simulate", *arguments], capture_output=True, text=True,
                         timeout=100, check=False)
    return run.returncode, run.stdout, run.stderr


def scenario_json(program, *arguments):
    code, out, err = simulate(program, "--json", "--scenario", *arguments)
    return code, json.loads(out) if out else err


@suite.check("the list names every bug with its affected profiles")
def _(program):
    code, out, _ = simulate(program, "--scenario", "list")
    expect_equal(code, 0)
    expect("BUG-001" in out and "plugin-1.2.677 with agent-3.3" in out, "BUG-001 and profiles", out)
    _, listed = scenario_json(program, "list")
    expect_equal([one["name"] for one in listed], re.findall(r"^(\S+)", out, re.MULTILINE))


@suite.check("a bug that is as described returns 0 and says what was expected and seen")
def _(program):
    code, out, _ = simulate(program, "--scenario", "bugs/BUG-003")
    expect_equal(code, 0)
    expect_equal(out.count("verdict   as described"), 2, out)
    for word in ("affected: plugin-1.2.677 with agent-3.3", "strict: strict", "expected", "observed",
                 "measures"):
        expect(word in out, word, out)


@suite.check("profiles that are the wrong way round return 1, and each difference is named")
def _(program):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "swapped.yaml"
        text = (pathlib.Path(__file__).parents[2] / "simulator/scenarios/bugs/BUG-003.yaml").read_text()
        path.write_text(text.replace("client: strict", "client: SWAP")
                        .replace("client: plugin-1.2.677", "client: strict")
                        .replace("client: SWAP", "client: plugin-1.2.677"))
        code, out, _ = simulate(program, "--scenario", str(path))
        expect_equal(code, 1)
        expect_equal(out.count("verdict   not as described"), 2, out)
        expect("client_max_acks: expected at least 2, seen 1" in out, "the difference", out)
        code, result = scenario_json(program, str(path))
        expect_equal(code, 1)
        expect_equal(result["as_described"], False)
        expect_equal([case["as_described"] for case in result["cases"]], [False, False])


@suite.check("JSON holds both cases with their measures")
def _(program):
    code, result = scenario_json(program, "BUG-016")
    expect_equal(code, 0)
    expect_equal(result["as_described"], True)
    expect_equal([case["case"] for case in result["cases"]], ["affected", "strict"])
    gaps = [case["measures"]["client_min_gap_ms"] for case in result["cases"]]
    expect(gaps[0] < 150 <= 199 <= gaps[1], "a gap below 150 and one of 199 at least", gaps)


@suite.check("other profiles run once and are not judged")
def _(program):
    code, result = scenario_json(program, "BUG-003", "--profile", "plugin-1.2.677")
    expect_equal(code, 0)
    expect("as_described" not in result, "no verdict", result)
    expect_equal(len(result["cases"]), 1)
    expect_equal(result["cases"][0]["client"], "plugin-1.2.677")
    expect_equal(result["cases"][0]["outcome"], "violated")


@suite.check("--out records both cases, the same bytes each time")
def _(program):
    with tempfile.TemporaryDirectory() as folder:
        recordings = []
        for attempt in ("a", "b"):
            code, result = scenario_json(program, "BUG-016", "--out", f"{folder}/{attempt}")
            expect_equal(code, 0)
            recordings.append([pathlib.Path(case["recording"]).read_bytes()
                               for case in result["cases"]])
        expect_equal(recordings[0], recordings[1])
        expect(all(recordings[0]), "recordings that are not empty", "an empty one")


@suite.check("a name that nothing has is a usage error that tells where the names are")
def _(program):
    code, _, err = simulate(program, "--scenario", "BUG-999")
    expect_equal(code, 2)
    expect("BUG-999" in err and "--scenario list" in err, "the name and the list", err)


@suite.check("a file that is wrong is a usage error with line and field")
def _(program):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write("name: x\nworkload: {kind: typing}\nstrict: {client: nobody, expect: {observed: it}}\n")
        file.flush()
        code, _, err = simulate(program, "--scenario", file.name)
        expect_equal(code, 2)
        expect(f"{file.name}:3:18: strict.client: expected a client's profile" in err,
               "file, line and field", err)


@suite.check("a failing run is written as a scenario that fails again without its seed")
def _(program):
    with tempfile.TemporaryDirectory() as folder:
        plan = pathlib.Path(folder) / "plan.yaml"
        plan.write_text(
            "rules:\n"
            "  - match: {direction: agent_to_client, sequence: 5-100000}\n"
            "    action: {drop: {}}\n")
        code, out, _ = simulate(program, "--seed", "1", "--profile", "agent-3.3", "--workload",
                                "download", "--faults", str(plan), "--out", folder)
        expect_equal(code, 1)
        line = re.search(r"replay: +ssmsim simulate --scenario (\S+)", out)
        expect(line, "a replay line", out)
        code, result = scenario_json(program, line[1])
        expect_equal(code, 1)
        expect_equal(result["cases"][0]["agent"], "agent-3.3")
        expect_equal(result["cases"][0]["outcome"], "violated")
        code, result = scenario_json(program, line[1], "--profile", "strict")
        expect_equal(code, 0)
        expect_equal(result["cases"][0]["outcome"], "completed")


if __name__ == "__main__":
    sys.exit(suite.main())
