"""Agents commanded through the control API: what becomes of them, and of their sessions."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

from agent import Agent
from api import ApiError
from checks import Suite, expect, expect_equal, expect_in, fail, wait_until
from raw_session import start_raw
from server import END_SECONDS, TARGET, Server

suite = Suite(__doc__)


class Context(Server):
    def __init__(self, arguments):
        super().__init__(arguments.ssmsim, "--agent", "i-old=agent-2.3", "--agent",
                         "i-0123456789abcdef0=agent-3.3")


def command(server, action, instance=TARGET):
    status, answer = server.command(instance, action)
    expect_equal(status, 200, f"{action}: {answer}")
    return answer


def refused(server, action, part, instance=TARGET):
    status, answer = server.command(instance, action)
    expect_equal(status, 409, f"{action}: {answer}")
    expect_in(part, answer["error"])


def not_connected(server, instance=TARGET):
    try:
        server.api.start(instance)
    except ApiError as error:
        expect_equal(error.code, "TargetNotConnected")
        return
    fail("TargetNotConnected", "a session")


def begun(server, instance=TARGET):
    session = start_raw(server, target=instance)
    session.echo("begun")
    return session


def finish(session):
    session.type("exit\n")
    session.wait_channel_closed()
    session.abort()


@suite.check("serve_offers_agents_of_several_versions")
def versions(server):
    listed = server.api.call("DescribeInstanceInformation")["InstanceInformationList"]
    seen = {entry["InstanceId"]: entry["AgentVersion"] for entry in listed}
    expect(seen["i-old"].startswith("2.3."), "a 2.3 agent", seen)
    expect(seen["i-0123456789abcdef0"].startswith("3.3."), "a 3.3 agent", seen)
    expect_equal(server.instance("i-old")["agent_profile"], "agent-2.3")
    expect_equal(server.instance(TARGET)["agent_profile"], "strict")
    finish(begun(server, "i-old"))
    finish(begun(server, "i-0123456789abcdef0"))


@suite.check("stop_ends_sessions_in_order_and_start_serves_again")
def stop(server):
    session = begun(server)
    expect_equal(server.instance(TARGET)["active_sessions"], 1)
    expect_in(command(server, "stop")["state"], ("stopping", "stopped"))
    session.wait_channel_closed()
    wait_until(lambda: server.instance(TARGET)["state"] == "stopped", END_SECONDS, "stopped",
               lambda: server.instance(TARGET))
    server.expect_no_programs()
    expect_equal(server.instance(TARGET)["online"], False)
    expect_equal(server.session(session.session_id)["status"], "Terminated")
    not_connected(server)
    refused(server, "stop", "is stopped")
    command(server, "start")
    refused(server, "start", "is running")
    finish(begun(server))


@suite.check("crash_kills_programs_and_reports_nothing")
def crash(server):
    session = begun(server)
    answer = command(server, "crash")
    expect_equal((answer["state"], answer["online"]), ("crashed", False))
    server.expect_no_programs()
    not_connected(server)
    # Nobody told the service: it waits for the agent to come back.
    expect_equal(server.session(session.session_id)["status"] in ("Connected", "Disconnected"),
                 True)
    command(server, "start")
    finish(begun(server))
    server.api.terminate(session.session_id)
    session.wait_channel_closed()


@suite.check("restart_is_a_crash_with_a_new_agent_at_once")
def restart(server):
    session = begun(server)
    answer = command(server, "restart")
    expect_equal((answer["state"], answer["online"]), ("running", True))
    finish(begun(server))
    server.api.terminate(session.session_id)
    session.wait_channel_closed()
    server.expect_no_programs()


@suite.check("stall_hangs_a_session_until_resume_and_loses_nothing")
def stall(server):
    session = begun(server)
    command(server, "stall")
    expect_equal(server.instance(TARGET)["online"], True)
    session.type("echo af''ter\n")
    try:
        while True:
            session.step(0.5)
    except TimeoutError:
        pass
    expect(b"after" not in session.output, "no answer", bytes(session.output))
    late = start_raw(server)  # ordered, and not read yet
    refused(server, "stall", "is stalled")
    command(server, "resume")
    session.expect("after")
    late.echo("late")
    finish(late)
    finish(session)


@suite.check("a_crash_while_stalled_leaves_nothing")
def crash_stalled(server):
    session = begun(server)
    command(server, "stall")
    command(server, "crash")
    server.expect_no_programs()
    server.api.terminate(session.session_id)
    session.wait_channel_closed()
    command(server, "start")
    finish(begun(server))


@suite.check("offline_keeps_running_sessions")
def offline(server):
    session = begun(server)
    answer = command(server, "offline")
    expect_equal((answer["state"], answer["online"]), ("offline", False))
    not_connected(server)
    session.echo("goes-on")
    refused(server, "resume", "is offline")
    command(server, "online")
    finish(begun(server))
    finish(session)


@suite.check("a_remote_agent_can_be_kept_offline_only")
def remote(server):
    with Agent(server, "i-remote") as agent:
        session = begun(server, "i-remote")
        for action in ("stop", "start", "crash", "restart", "stall", "resume"):
            refused(server, action, "runs in another process", "i-remote")
        answer = command(server, "offline", "i-remote")
        expect_equal(answer["online"], False)
        refused(server, "offline", "kept offline already", "i-remote")
        lost = agent.wait_event("disconnected", 2)
        expect_in("taken offline", lost["reason"])
        not_connected(server, "i-remote")
        session.echo("goes-on")
        command(server, "online", "i-remote")
        agent.wait_event("connected", 2)
        finish(begun(server, "i-remote"))
        finish(session)


@suite.check("offline_holds_for_an_instance_that_a_remote_agent_took_over")
def remote_takeover(server):
    with Agent(server, TARGET) as agent:
        answer = command(server, "offline")
        expect_equal((answer["agent"], answer["state"], answer["online"]),
                     ("embedded", "offline", False))
        not_connected(server)
        agent.stop()
        not_connected(server)
        answer = command(server, "online")
        expect_equal((answer["agent"], answer["state"], answer["online"]),
                     ("embedded", "running", True))
        finish(begun(server))


@suite.check("commands_need_a_known_instance_and_action")
def unknown(server):
    status, answer = server.command("i-none", "stop")
    expect_equal(status, 404)
    expect_in("There is no instance 'i-none'", answer["error"])
    status, answer = server.command(TARGET, "explode")
    expect_equal(status, 404)
    expect_in("Actions are", answer["error"])


if __name__ == "__main__":
    sys.exit(suite.main(Context))
