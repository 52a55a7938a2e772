"""`ssmsim agent`: an agent in a process of its own, as clients and the service see it."""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

from agent import Agent
from api import ApiError
from checks import Suite, expect, expect_equal, expect_in, wait_until
from raw_session import start_raw
from server import END_SECONDS, Server, aws_environment
from terminal import TerminalProgram

suite = Suite(__doc__)
INSTANCE = "i-0fedcba9876543210"


class Context(Server):
    def __init__(self, arguments):
        super().__init__(arguments.ssmsim)


def online(server, instance_id, expected=True):
    wait_until(lambda: server.instance(instance_id)["online"] == expected, END_SECONDS,
               f"online: {expected}", lambda: server.instance(instance_id))


def described(server, instance_id):
    listed = server.api.call("DescribeInstanceInformation")["InstanceInformationList"]
    return [entry for entry in listed if entry["InstanceId"] == instance_id][0]


def prove_session(server, instance_id, word):
    session = start_raw(server, target=instance_id)
    session.echo(word)
    session.type("exit\n")
    session.wait_channel_closed()
    session.abort()


@suite.check("an_unknown_instance_appears_with_its_agents_version")
def appears(server):
    with Agent(server, INSTANCE, "--profile", "agent-3.3") as agent:
        instance = server.instance(INSTANCE)
        expect_equal((instance["agent"], instance["state"]), ("remote", "running"))
        entry = described(server, INSTANCE)
        expect_equal(entry["PingStatus"], "Online")
        expect_equal(entry["AgentVersion"], agent.ready["version"])
        expect_equal(server.api.call("GetConnectionStatus", {"Target": INSTANCE})["Status"],
                     "connected")
    online(server, INSTANCE, False)
    try:
        server.api.start(INSTANCE)
        expect(False, "TargetNotConnected", "a session")
    except ApiError as error:
        expect_equal(error.code, "TargetNotConnected")


@suite.check("ssmsim_connect_shell_reaches_it")
def connect_shell(server):
    with Agent(server, INSTANCE) as agent:
        command = [server.ssmsim, "connect", "shell", "--target", INSTANCE, "--endpoint",
                   server.endpoint]
        with TerminalProgram(command, aws_environment()) as terminal:
            terminal.expect("# ")
            terminal.send("echo $((6 * 7)) $PPID\r")
            match = terminal.expect(r"\n42 (\d+)")
            expect_equal(int(match[1]), agent.pid, "parent of the shell")
            terminal.send("exit\r")
            terminal.expect("Exiting session")
        expect_equal(agent.wait_event("session_ended")["outcome"], "success")
        expect_equal(agent.events("unacknowledged"), [])


@suite.check("commands_and_ports_work_as_shells_do")
def other_sessions(server):
    with Agent(server, INSTANCE) as agent:
        command = [server.ssmsim, "connect", "exec", "--target", INSTANCE, "--endpoint",
                   server.endpoint, "--", "sh", "-c", "echo out; echo err >&2; exit 3"]
        done = subprocess.run(command, env=aws_environment(), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=END_SECONDS)
        expect_equal((done.returncode, done.stdout, done.stderr), (3, b"out\n", b"err\n"))
        # Its own endpoint is a destination as good as any: a request through the forwarded port.
        command = [server.ssmsim, "connect", "ssh", "--target", INSTANCE, "--port",
                   str(server.port), "--endpoint", server.endpoint]
        request = b"GET /_ssmsim/health HTTP/1.0\r\nHost: localhost\r\n\r\n"
        with subprocess.Popen(command, env=aws_environment(), stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as forward:
            forward.stdin.write(request)
            forward.stdin.flush()
            answer = b""
            while b'"status":"ok"' not in answer:
                part = os.read(forward.stdout.fileno(), 4096)
                expect(part, "an answer through the port", answer)
                answer += part
            forward.stdin.close()
            forward.wait(END_SECONDS)
        expect_equal(len(agent.events("session_started")), 2)


@suite.check("it_has_no_listening_socket")
def no_listener(server):
    with Agent(server, INSTANCE) as agent:
        session = start_raw(server, target=INSTANCE)
        session.echo("begun")
        inodes = set()
        for target in os.listdir(f"/proc/{agent.pid}/fd"):
            match = re.match(r"socket:\[(\d+)\]", os.readlink(f"/proc/{agent.pid}/fd/{target}"))
            if match:
                inodes.add(match[1])
        states = {}
        for table in ("tcp", "tcp6", "udp", "udp6"):
            with open(f"/proc/{agent.pid}/net/{table}", encoding="ascii") as file:
                for line in list(file)[1:]:
                    fields = line.split()
                    if fields[9] in inodes:
                        states[fields[9]] = fields[3]
        expect_equal(len(states), 2, "sockets: control and data channel")
        expect_equal(set(states.values()), {"01"}, "established, none listening")
        session.abort()


@suite.check("sigterm_ends_its_sessions_and_reports_them")
def sigterm(server):
    with Agent(server, INSTANCE) as agent:
        session = start_raw(server, target=INSTANCE)
        session.echo("begun")
        expect_equal(agent.stop(), 0, "exit status")
        session.wait_channel_closed()
        agent.expect_no_programs()
        expect_equal(agent.events("session_ended")[0]["outcome"], "cancelled")
        wait_until(lambda: server.session(session.session_id)["status"] == "Terminated",
                   END_SECONDS, "a terminated session")
        session.abort()


@suite.check("a_killed_agent_is_offline_and_its_successor_serves")
def killed(server):
    with Agent(server, INSTANCE) as agent:
        prove_session(server, INSTANCE, "first")
        agent.kill()
        online(server, INSTANCE, False)
    with Agent(server, INSTANCE):
        online(server, INSTANCE)
        prove_session(server, INSTANCE, "second")


@suite.check("terminate_session_stops_its_program")
def terminate(server):
    with Agent(server, INSTANCE) as agent:
        session = start_raw(server, target=INSTANCE)
        session.echo("begun")
        server.api.terminate(session.session_id)
        session.wait_channel_closed()
        agent.expect_no_programs()
        expect_equal(agent.wait_event("session_ended")["outcome"], "cancelled")


@suite.check("a_session_terminated_before_it_began_is_cancelled")
def terminate_early(server):
    with Agent(server, INSTANCE) as agent:
        started = server.api.start(INSTANCE)
        server.api.terminate(started["SessionId"])
        expect_equal(agent.wait_event("session_ended")["outcome"], "cancelled")
        agent.expect_no_programs()


@suite.check("a_session_that_cannot_start_tells_the_client_why")
def cannot_start(server):
    with Agent(server, INSTANCE, "--shell", "/no/such/program") as agent:
        session = start_raw(server, target=INSTANCE)
        expect_in("/no/such/program", session.wait_channel_closed())
        expect_equal(agent.wait_event("session_ended")["outcome"], "failed")


@suite.check("a_restarted_server_has_it_back")
def server_restarted(first):
    with Agent(first, INSTANCE) as agent:
        prove_session(first, INSTANCE, "before")
        left = start_raw(first, target=INSTANCE)
        left.echo("left")
        first.process.terminate()
        first.process.wait(END_SECONDS)
        agent.wait_event("disconnected")
        with Server(first.ssmsim, listen=f"127.0.0.1:{first.port}") as second:
            agent.wait_event("connected", 2)
            online(second, INSTANCE)
            prove_session(second, INSTANCE, "after")
            # The new server knows nothing of the old one's session.
            agent.expect_no_programs()
            agent.stop()


@suite.check("two_profiles_side_by_side")
def profiles(server):
    with Agent(server, "i-old", "--profile", "agent-2.3"), \
         Agent(server, "i-new", "--profile", "agent-3.3"):
        versions = [described(server, name)["AgentVersion"] for name in ("i-old", "i-new")]
        expect(versions[0].startswith("2.3.") and versions[1].startswith("3.3."),
               "one 2.3 and one 3.3", versions)
        old = start_raw(server, target="i-old")
        new = start_raw(server, target="i-new")
        old.echo("from-old")
        new.echo("from-new")
        for session in (old, new):
            session.type("exit\n")
            session.wait_channel_closed()


@suite.check("it_takes_the_place_of_an_embedded_agent_while_connected")
def takes_over(server):
    before = start_raw(server)
    before.echo("embedded")
    with Agent(server, "i-123456789") as agent:
        expect_equal(server.instance("i-123456789")["agent"], "remote")
        session = start_raw(server)
        session.type("echo parent:$PPID\n")
        session.expect(f"parent:{agent.pid}")
        before.echo("still-embedded")
        session.type("exit\n")
        session.wait_channel_closed()
    wait_until(lambda: server.instance("i-123456789")["agent"] == "embedded", END_SECONDS,
               "the embedded agent back")
    expect(server.instance("i-123456789")["online"], "online", "offline")
    before.type("exit\n")
    before.wait_channel_closed()


@suite.check("wrong_keys_are_explained_and_tried_again")
def wrong_keys(server):
    with Agent(server, INSTANCE, wait=False, AWS_ACCESS_KEY_ID="test",
               AWS_SECRET_ACCESS_KEY="wrong") as agent:
        lost = agent.wait_event("disconnected", 2)
        expect_in("InvalidSignatureException", lost["reason"])
        expect_in("AWS_SECRET_ACCESS_KEY", agent.events("disconnected")[0]["text"])
        expect_equal(agent.events("connected"), [])


@suite.check("an_absent_server_is_explained")
def absent_server(server):
    with Agent(server, INSTANCE, wait=False) as agent:
        agent.wait_event("connected")
        server.process.terminate()
        server.process.wait(END_SECONDS)
        agent.wait_event("disconnected", 2)
        wait_until(lambda: "ssmsim serve" in agent.log(), END_SECONDS, "advice", agent.log)


@suite.check("twenty_sessions_at_once")
def twenty(server):
    with Agent(server, INSTANCE):
        sessions = [start_raw(server, target=INSTANCE) for _ in range(20)]
        for number, session in enumerate(sessions):
            session.echo(f"number-{number}")
        for session in sessions:
            session.type("exit\n")
        for session in sessions:
            session.wait_channel_closed()


if __name__ == "__main__":
    sys.exit(suite.main(Context))
