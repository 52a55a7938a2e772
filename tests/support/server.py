"""An ssmsim server of the test's own: any free port, nothing of the caller's AWS settings."""

import ctypes
import http.client
import json
import os
import signal
import subprocess
import tempfile
import uuid

import processes
from api import Api
from checks import expect, expect_equal, fail, wait_until

AWS = "/usr/bin/aws"
PYTHON = "/usr/bin/python3"
START_SECONDS = 60
END_SECONDS = 30
TARGET = "i-123456789"

prctl = ctypes.CDLL(None).prctl
PR_SET_PDEATHSIG = 1


def clean_environment(**changes):
    """The caller's environment without anything that steers an AWS program, and without proxies,
    which must not see loopback traffic. A change to None removes a variable."""
    steering = ("AWS_", "BOTO", "SSMSIM_", "SSM_")
    proxies = {"http_proxy", "https_proxy", "all_proxy", "no_proxy", "requests_ca_bundle"}
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(steering) and name.lower() not in proxies
    }
    environment.update(
        AWS_CONFIG_FILE="/dev/null",
        AWS_SHARED_CREDENTIALS_FILE="/dev/null",
        AWS_EC2_METADATA_DISABLED="true",
        AWS_PAGER="",
        LC_ALL="C.UTF-8",
        TERM="xterm",
        PATH="/usr/bin:/bin",
    )
    for name, value in changes.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    return environment


def aws_environment(**changes):
    credentials = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    return clean_environment(**{**credentials, **changes})


def _end_with_the_test():
    """A test that is killed, as CTest does after its time, leaves no server behind."""
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Server:
    """Use it as a context manager: leaving it stops the server and looks for what it left."""

    def __init__(self, ssmsim, *arguments, faults=None, log_level="info", listen="127.0.0.1:0"):
        self.ssmsim = ssmsim
        self._directory = tempfile.TemporaryDirectory(prefix="ssmsim-test-")
        self.directory = self._directory.name
        self.log_path = os.path.join(self.directory, "server.log")
        # All programs of the server's sessions inherit it (but nothing that begins with SSMSIM_).
        self.mark = f"TEST_PROCESS_MARK={uuid.uuid4()}"
        ready_file = os.path.join(self.directory, "ready.json")
        command = [ssmsim, "serve", "--listen", listen, "--ready-file", ready_file]
        command += ["--quiet", "--log-level", log_level, *arguments]
        if faults is not None:
            plan = os.path.join(self.directory, "faults.yaml")
            with open(plan, "w", encoding="utf-8") as file:
                file.write(faults)
            command += ["--faults", plan]
        name, _, value = self.mark.partition("=")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=clean_environment(**{name: value, "PS1": "# ", "ENV": None}),
                start_new_session=True,
                preexec_fn=_end_with_the_test,
            )
        self.pid = self.process.pid
        self.was_killed = False  # a test that kills it says so
        wait_until(lambda: self._ready(ready_file), START_SECONDS, "a ready file", self.log)
        with open(ready_file, encoding="utf-8") as file:
            self.ready = json.load(file)
        self.endpoint = self.ready["endpoint"]
        self.host, _, port = self.endpoint.removeprefix("http://").rpartition(":")
        self.port = int(port)
        self.api = Api(self.host, self.port)
        self.idle_descriptors = len(processes.descriptors(self.pid))

    def _ready(self, ready_file):
        if self.process.poll() is not None:
            fail("a running server", f"exit {self.process.returncode}: {self.log()}")
        return os.path.exists(ready_file)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
            code = self.process.wait(END_SECONDS)
            if kind is None:
                expected = -signal.SIGKILL if self.was_killed else 0
                expect_equal(code, expected, "exit status of the server")
                self.expect_no_programs()
        finally:
            self.kill_all()
            self._directory.cleanup()

    def kill_all(self):
        """The server and every program of its sessions, by their numbers."""
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

    # --- what it holds

    def programs(self):
        """Processes of its sessions, orphans included."""
        return [pid for pid in processes.with_environment(self.mark) if pid != self.pid]

    def describe_programs(self):
        return [f"{pid} {processes.command_line(pid)}" for pid in self.programs()]

    def wait_program(self, command):
        """A program of a session whose command line holds this; it runs, and has the terminal."""
        return wait_until(
            lambda: [pid for pid in self.programs() if command in processes.command_line(pid)],
            END_SECONDS, f"a running {command}", self.describe_programs)[0]

    def children(self):
        return processes.children(self.pid)

    def descriptors(self):
        return processes.descriptors(self.pid)

    def expect_no_programs(self):
        wait_until(
            lambda: not self.programs() and not self.children(),
            END_SECONDS,
            "no program of a session left",
            lambda: f"{self.describe_programs()}, children {self.children()}",
        )

    def expect_idle(self):
        """No process, pty or descriptor of any session is left."""
        self.expect_no_programs()
        wait_until(
            lambda: len(self.descriptors()) <= self.idle_descriptors,
            END_SECONDS,
            f"the {self.idle_descriptors} descriptors of an idle server",
            lambda: sorted(self.descriptors()),
        )
        expect("/dev/ptmx" not in self.descriptors(), "no pty", self.descriptors())

    def rss_kib(self):
        return processes.memory_kib(self.pid)

    def peak_rss_kib(self):
        return processes.memory_kib(self.pid, "VmHWM")

    # --- talking to it

    def get(self, path, headers=None):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def instance(self, instance_id):
        status, body = self.get(f"/_ssmsim/v1/instances/{instance_id}")
        expect_equal(status, 200, f"status of the instance {instance_id}")
        return json.loads(body)

    def command(self, instance_id, action):
        """Status and parsed answer of a command to an agent."""
        return self.api.post(b"", {"Host": f"{self.host}:{self.port}"},
                             f"/_ssmsim/v1/instances/{instance_id}/{action}")

    def health(self):
        status, body = self.get("/_ssmsim/health")
        if status != 200:
            fail("health 200", (status, body))
        return json.loads(body)

    def sessions(self):
        status, body = self.get("/_ssmsim/v1/sessions")
        expect_equal(status, 200, "status of /_ssmsim/v1/sessions")
        return json.loads(body)["sessions"]

    def session(self, session_id):
        found = [session for session in self.sessions() if session["id"] == session_id]
        expect_equal(len(found), 1, f"sessions with the id {session_id}")
        return found[0]
