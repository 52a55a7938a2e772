"""An `ssmsim agent` process of the test's own."""

import json
import os
import signal
import subprocess
import tempfile

import processes
from checks import expect_equal, fail, wait_until
from server import END_SECONDS, START_SECONDS, _end_with_the_test, clean_environment


class Agent:
    """Use it as a context manager: leaving it stops the agent and looks for what it left."""

    def __init__(self, server, instance_id, *arguments, wait=True, **environment):
        self._directory = tempfile.TemporaryDirectory(prefix="ssmsim-agent-")
        self.log_path = os.path.join(self._directory.name, "events")
        self.instance_id = instance_id
        ready_file = os.path.join(self._directory.name, "ready.json")
        command = [server.ssmsim, "agent", "--instance-id", instance_id, "--endpoint",
                   server.endpoint, "--ready-file", ready_file, "--json", *arguments]
        name, _, value = server.mark.partition("=")
        self.mark = f"TEST_AGENT_MARK={instance_id}-{value}"
        agent_name, _, agent_value = self.mark.partition("=")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=clean_environment(**{agent_name: agent_value, "PS1": "# ", "ENV": None,
                                         **environment}),
                start_new_session=True, preexec_fn=_end_with_the_test)
        self.pid = self.process.pid
        self.expected_exit = 0
        if wait:
            wait_until(lambda: self._ready(ready_file), START_SECONDS, "a connected agent",
                       self.log)
            with open(ready_file, encoding="utf-8") as file:
                self.ready = json.load(file)

    def _ready(self, ready_file):
        if self.process.poll() is not None:
            fail("a running agent", f"exit {self.process.returncode}: {self.log()}")
        return os.path.exists(ready_file)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            code = self.stop()
            if kind is None:
                expect_equal(code, self.expected_exit, "exit status of the agent")
                self.expect_no_programs()
        finally:
            self.kill_all()
            self._directory.cleanup()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(END_SECONDS)

    def kill(self):
        self.expected_exit = -signal.SIGKILL
        self.process.kill()
        self.process.wait(END_SECONDS)

    def kill_all(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in self.programs():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def events(self, name):
        return [event for event in map(json.loads, self.log().splitlines())
                if event["event"] == name]

    def wait_event(self, name, count=1):
        return wait_until(lambda: self.events(name)[count - 1:], END_SECONDS,
                          f"{count} times the event {name}", self.log)[0]

    def programs(self):
        return [pid for pid in processes.with_environment(self.mark) if pid != self.pid]

    def expect_no_programs(self):
        wait_until(lambda: not self.programs(), END_SECONDS, "no program of a session left",
                   lambda: [processes.command_line(pid) for pid in self.programs()])
