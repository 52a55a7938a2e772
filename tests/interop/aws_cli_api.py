"""The session operations of the installed AWS CLI, other than start-session's shell."""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

import plugin_shell
from checks import Suite, expect, expect_equal, expect_in, wait_until
from raw_session import start_raw
from server import AWS, TARGET, Server, aws_environment

suite = Suite(__doc__)

# What the CLI returns when the service answered with an error, and for every other failure.
SERVICE_ERROR = 254
OTHER_ERROR = 255


class Context(Server):
    def __init__(self, arguments):
        plugin_shell.need_aws()
        super().__init__(arguments.ssmsim)
        self.plugin_directory = os.path.dirname(arguments.ssmsim)

    def aws(self, *arguments, **environment):
        return subprocess.run(
            [AWS, "--endpoint-url", self.endpoint, "--output", "json", "ssm", *arguments],
            env=aws_environment(**environment), stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=120)

    def aws_json(self, *arguments):
        result = self.aws(*arguments)
        expect_equal((result.returncode, result.stderr), (0, ""), "status and stderr")
        return json.loads(result.stdout)

    def expect_error(self, operation, code, text, result, status=SERVICE_ERROR):
        wanted = f"\nAn error occurred ({code}) when calling the {operation} operation: {text}"
        expect(re.fullmatch(re.escape(wanted).replace("ANY", ".*") + "\n+", result.stderr,
                            re.S),
               wanted, result.stderr)
        expect_equal(result.returncode, status, "exit status")


#= SVC-040
@suite.check("describe_sessions_active_then_history")
def describe_sessions(server):
    session = start_raw(server, Reason="looking around")
    session.echo("there")
    listed = server.aws_json("describe-sessions", "--state", "Active")["Sessions"]
    expect_equal(len(listed), 1, "active sessions")
    seen = listed[0]
    expect_equal(
        {name: seen.get(name) for name in
         ("SessionId", "Target", "Status", "DocumentName", "Reason", "EndDate")},
        {"SessionId": session.session_id, "Target": TARGET, "Status": "Connected",
         "DocumentName": "SSM-SessionManagerRunShell", "Reason": "looking around",
         "EndDate": None}, "the active session")
    expect(re.fullmatch(r"arn:aws:[a-z]+::\d{12}:.+", seen["Owner"]), "an ARN", seen["Owner"])
    session.type("exit\n")
    session.wait_channel_closed()
    expect_equal(server.aws_json("describe-sessions", "--state", "Active")["Sessions"], [],
                 "active sessions after the end")
    past = server.aws_json("describe-sessions", "--state", "History", "--filters",
                           f"key=SessionId,value={session.session_id}")["Sessions"]
    expect_equal([(s["SessionId"], s["Status"]) for s in past],
                 [(session.session_id, "Terminated")], "past sessions")
    expect(past[0]["EndDate"] >= past[0]["StartDate"], "an end after the start", past[0])
    session.abort()
    server.expect_idle()


@suite.check("get_connection_status")
def connection_status(server):
    for target, status in ((TARGET, "connected"), ("i-00000000", "notconnected")):
        expect_equal(server.aws_json("get-connection-status", "--target", target),
                     {"Target": target, "Status": status})


@suite.check("describe_instance_information")
def instances(server):
    listed = server.aws_json("describe-instance-information")["InstanceInformationList"]
    expect_equal({entry["InstanceId"] for entry in listed},
                 {"i-123456789", "i-0123456789abcdef0", "mi-0123456789abcdef0"}, "instances")
    for entry in listed:
        expect_equal((entry["PingStatus"], entry["PlatformType"]), ("Online", "Linux"),
                     entry["InstanceId"])
    expect_equal({entry["InstanceId"]: entry["ResourceType"] for entry in listed}
                 ["mi-0123456789abcdef0"], "ManagedInstance", "type of the managed instance")
    filtered = server.aws_json("describe-instance-information", "--filters",
                               "Key=InstanceIds,Values=i-123456789")["InstanceInformationList"]
    expect_equal([entry["InstanceId"] for entry in filtered], ["i-123456789"], "filtered")


#= SVC-030
@suite.check("terminate_session_from_another_terminal_ends_the_shell")
def terminate(server):
    with plugin_shell.cli_shell(server, server.plugin_directory) as terminal:
        terminal.send("echo wait''ing; sleep 1000\n")
        terminal.expect(rb"\nwaiting" + plugin_shell.EOL)
        answer = server.aws_json("terminate-session", "--session-id", terminal.session_id)
        expect_equal(answer, {"SessionId": terminal.session_id}, "answer")
        status = terminal.wait()
        expect_equal(terminal.rest(), plugin_shell.end_text(terminal.session_id), "text at the end")
        expect_equal(status, 0, "exit status of start-session")
        plugin_shell.expect_restored(terminal)
        #= SVC-032
        again = server.aws_json("terminate-session", "--session-id", terminal.session_id)
        expect_equal(again, {"SessionId": terminal.session_id}, "answer to a second call")
    server.expect_idle()


#= SVC-020
@suite.check("resume_session")
def resume(server):
    session = start_raw(server)
    session.echo("before")
    answer = server.aws_json("resume-session", "--session-id", session.session_id)
    expect_equal(sorted(answer), ["SessionId", "StreamUrl", "TokenValue"], "members")
    session.resume(answer)
    session.echo("after")
    session.type("exit\n")
    session.wait_channel_closed()
    #= SVC-021
    ended = server.aws_json("resume-session", "--session-id", session.session_id)
    expect_equal(ended["SessionId"], session.session_id, "SessionId")
    expect("TokenValue" not in ended, "no TokenValue for an ended session", ended)
    session.abort()
    server.expect_idle()


@suite.check("unknown_target")
def unknown_target(server):
    result = server.aws("start-session", "--target", "i-00000000")
    server.expect_error("StartSession", "TargetNotConnected", "i-00000000 is not connected.",
                        result)


@suite.check("unknown_document")
def unknown_document(server):
    result = server.aws("start-session", "--target", TARGET, "--document-name", "No-Such-Document")
    server.expect_error("StartSession", "InvalidDocument",
                        "Document with name No-Such-Document does not exist.", result)


@suite.check("unknown_session")
def unknown_session(server):
    for command, operation in (("resume-session", "ResumeSession"),
                               ("terminate-session", "TerminateSession")):
        result = server.aws(command, "--session-id", "test-nothing")
        server.expect_error(operation, "DoesNotExistException",
                            "Session test-nothing does not exist.", result)


@suite.check("undeclared_parameter")
def undeclared_parameter(server):
    result = server.aws("start-session", "--target", TARGET, "--parameters", "colour=red")
    server.expect_error("StartSession", "InvalidParameters", "ANY", result)
    expect_in("colour", result.stderr)
    expect_equal(server.sessions(), [], "sessions")


#= AUTH-002
@suite.check("unknown_access_key")
def unknown_key(server):
    result = server.aws("get-connection-status", "--target", TARGET, AWS_ACCESS_KEY_ID="somebody")
    server.expect_error("GetConnectionStatus", "UnrecognizedClientException",
                        "The security token included in the request is invalid.", result)


@suite.check("wrong_secret_key")
def wrong_secret(server):
    result = server.aws("get-connection-status", "--target", TARGET, AWS_SECRET_ACCESS_KEY="guess")
    server.expect_error("GetConnectionStatus", "InvalidSignatureException", "ANY", result)
    expect_in("signature", result.stderr)


@suite.check("wrong_region")
def wrong_region(server):
    result = server.aws("get-connection-status", "--target", TARGET, AWS_DEFAULT_REGION="eu-west-9")
    expect_equal(result.returncode, SERVICE_ERROR, "exit status")
    expect_in("us-east-1", result.stderr)


@suite.check("operation_that_is_not_there")
def unknown_operation(server):
    result = server.aws("list-associations")
    expect_in("(UnknownOperationException)", result.stderr)
    expect_equal(result.returncode, SERVICE_ERROR, "exit status")


@suite.check("stopped_server_is_a_connection_error")
def stopped(server):
    server.process.terminate()
    wait_until(lambda: server.process.poll() is not None, 20, "a stopped server")
    result = server.aws("get-connection-status", "--target", TARGET, AWS_MAX_ATTEMPTS="1")
    expect_equal(result.returncode, OTHER_ERROR, "exit status")
    expect_in("Could not connect", result.stderr)


if __name__ == "__main__":
    sys.exit(suite.main(Context))
