"""The SSM operations through the installed boto3, held against botocore's own service model."""

import contextlib
import datetime
import importlib
import json
import os
import sys
import types

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

from checks import Failure, Skip, Suite, expect, expect_equal, expect_in
from raw_session import RawSession
from server import TARGET, Server, clean_environment

try:
    import boto3
    import botocore
    import botocore.auth
    import botocore.config
    import botocore.exceptions
except ImportError:
    boto3 = None

suite = Suite(__doc__)

OPERATIONS = {"StartSession", "ResumeSession", "TerminateSession", "DescribeSessions",
              "GetConnectionStatus", "DescribeInstanceInformation"}


# The service has learned to answer these since the oldest botocore that this test is run with.
NEWER_MEMBERS = {("Session", "AccessType")}


class Context(Server):
    def __init__(self, arguments):
        if boto3 is None:
            raise Skip("boto3 is not installed for /usr/bin/python3 (Debian package python3-boto3)")
        os.environ.clear()
        os.environ.update(clean_environment())
        super().__init__(arguments.ssmsim)
        self.answered = set()
        self.client = self.make_client()
        self.client.meta.events.register("after-call.ssm", self._compare_with_model)

    def make_client(self, key="test", secret="test", region="us-east-1"):
        return boto3.client(
            "ssm", endpoint_url=self.endpoint, region_name=region, aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=botocore.config.Config(retries={"max_attempts": 0}, read_timeout=30))

    def expect_idle(self):
        self.client.close()  # else its connections are kept alive
        super().expect_idle()

    def _compare_with_model(self, http_response, parsed, model, **unused):
        expect_equal(http_response.headers["Content-Type"], "application/x-amz-json-1.1",
                     "Content-Type")
        expect(parsed["ResponseMetadata"].get("RequestId"), "a RequestId", parsed)
        body = json.loads(http_response.content)
        if http_response.status_code == 200:
            compare(body, model.output_shape, model.name)
            self.answered.add(model.name)


def compare(value, shape, place):
    """What arrived (not what the parser made of it) has only members of the model, of its types,
    and all that the model requires."""
    kinds = {"structure": dict, "map": dict, "list": list, "string": str, "timestamp": (int, float),
             "integer": int, "long": int, "boolean": bool, "double": (int, float)}
    expect(isinstance(value, kinds[shape.type_name]) and
           (shape.type_name == "boolean" or not isinstance(value, bool)),
           f"{place}: a {shape.type_name}", value)
    if shape.type_name == "structure":
        for name, member in value.items():
            if name in shape.members:
                compare(member, shape.members[name], f"{place}.{name}")
            else:
                expect((shape.name, name) in NEWER_MEMBERS, f"{place}: members of the model", name)
        missing = set(shape.required_members) - set(value)
        expect(not missing, f"{place}: the required members", f"no {sorted(missing)}")
    elif shape.type_name == "list":
        for index, member in enumerate(value):
            compare(member, shape.member, f"{place}[{index}]")
    elif shape.type_name == "map":
        for name, member in value.items():
            compare(member, shape.value, f"{place}.{name}")
    elif shape.type_name == "string":
        limits = shape.metadata
        expect(limits.get("min", 0) <= len(value) <= limits.get("max", 1 << 20),
               f"{place}: a length within {limits}", value)
        if getattr(shape, "enum", None):
            # Old models spell the states of GetConnectionStatus with capitals; AWS never did.
            expect(value.lower() in [word.lower() for word in shape.enum],
                   f"{place}: one of {shape.enum}", value)


def expect_error(exception, text, call, **parameters):
    try:
        call(**parameters)
    except exception as error:
        expect_in(text, error.response["Error"]["Message"], exception.__name__)
        return error.response
    except botocore.exceptions.ClientError as error:
        raise Failure(f"expected {exception.__name__}, seen {error!r}") from error
    raise Failure(f"expected {exception.__name__}, seen an answer")


def expect_code(code, call, **parameters):
    response = expect_error(botocore.exceptions.ClientError, "", call, **parameters)
    expect_equal(response["Error"]["Code"], code, "error code")


@suite.check("each_operation_answers_as_modelled")
def modelled(server):
    client = server.client
    started = client.start_session(Target=TARGET, Reason="boto3",
                                   DocumentName="SSM-SessionManagerRunShell")
    expect(len(started["SessionId"]) <= 96 and len(started["TokenValue"]) <= 300,
           "an id of 96 and a token of 300 characters at most", started)
    session = RawSession(started)
    session.echo("works")
    session.resume(client.resume_session(SessionId=started["SessionId"]))
    session.echo("still-works")
    active = client.describe_sessions(State="Active")["Sessions"]
    expect_equal([entry["SessionId"] for entry in active], [started["SessionId"]],
                 "active sessions")
    expect(isinstance(active[0]["StartDate"], datetime.datetime), "a datetime", active[0])
    age = datetime.datetime.now(datetime.timezone.utc) - active[0]["StartDate"]
    expect(abs(age) < datetime.timedelta(minutes=2), "a start just now", age)
    expect_equal(client.get_connection_status(Target=TARGET)["Status"], "connected", "status")
    instances = client.describe_instance_information()["InstanceInformationList"]
    expect_equal(len(instances), 3, "instances")
    for instance in instances:
        expect(isinstance(instance["LastPingDateTime"], datetime.datetime), "a datetime", instance)
    expect_equal(client.terminate_session(SessionId=started["SessionId"])["SessionId"],
                 started["SessionId"], "SessionId of TerminateSession")
    session.wait_channel_closed()
    past = client.describe_sessions(State="History")["Sessions"]
    expect(isinstance(past[0]["EndDate"], datetime.datetime), "a datetime", past)
    expect_equal(client.resume_session(SessionId=started["SessionId"]).get("TokenValue"), None,
                 "token of an ended session")
    expect_equal(server.answered, OPERATIONS, "operations that answered")
    session.abort()
    server.expect_idle()


@suite.check("errors_are_the_modelled_exceptions")
def errors(server):
    client = server.client
    known = client.exceptions
    expect_error(known.TargetNotConnected, "i-00000000 is not connected.", client.start_session,
                 Target="i-00000000")
    expect_error(known.InvalidDocument, "Document with name Missing does not exist.",
                 client.start_session, Target=TARGET, DocumentName="Missing")
    expect_error(known.DoesNotExistException, "test-none", client.resume_session,
                 SessionId="test-none")
    expect_error(known.InvalidFilterKey, "", client.describe_instance_information,
                 Filters=[{"Key": "NoSuchKey", "Values": ["x"]}])
    expect_error(known.InvalidInstanceInformationFilterValue, "",
                 client.describe_instance_information,
                 Filters=[{"Key": "PingStatus", "Values": ["Sleeping"]}])
    expect_error(known.InvalidNextToken, "", client.describe_instance_information,
                 NextToken="made up")
    expect_error(known.InvalidNextToken, "", client.describe_sessions, State="Active",
                 NextToken="made up")
    expect_code("UnknownOperationException", client.list_associations)
    expect_equal(server.sessions(), [], "sessions")


@suite.check("limits_of_the_model_are_enforced_by_the_server_too")
def limits(server):
    unchecked = boto3.client(
        "ssm", endpoint_url=server.endpoint, region_name="us-east-1", aws_access_key_id="test",
        aws_secret_access_key="test",
        config=botocore.config.Config(parameter_validation=False, retries={"max_attempts": 0}))
    for call, parameters in (
            (unchecked.start_session, {}),
            (unchecked.start_session, {"Target": ""}),
            (unchecked.start_session, {"Target": "i" * 401}),
            (unchecked.start_session, {"Target": TARGET, "Reason": "r" * 257}),
            (unchecked.start_session, {"Target": TARGET, "DocumentName": "a b"}),
            (unchecked.resume_session, {}),
            (unchecked.terminate_session, {"SessionId": "s" * 97}),
            (unchecked.describe_sessions, {}),
            (unchecked.describe_sessions, {"State": "Past"}),
            (unchecked.describe_sessions, {"State": "Active", "MaxResults": 201}),
            (unchecked.describe_instance_information, {"MaxResults": 4}),
            (unchecked.get_connection_status, {})):
        expect_code("ValidationException", call, **parameters)


@suite.check("paginators_give_each_session_once")
def paging(server):
    ids = [server.client.start_session(Target=TARGET)["SessionId"] for _ in range(7)]
    pages = list(server.client.get_paginator("describe_sessions").paginate(
        State="Active", PaginationConfig={"PageSize": 3}))
    expect_equal([len(page["Sessions"]) for page in pages], [3, 3, 1], "sizes of the pages")
    expect_equal([entry["SessionId"] for page in pages for entry in page["Sessions"]], ids[::-1],
                 "sessions, newest first")
    for session_id in ids:
        server.client.terminate_session(SessionId=session_id)
    past = server.client.get_paginator("describe_sessions").paginate(
        State="History", PaginationConfig={"PageSize": 2})
    expect_equal(sorted(entry["SessionId"] for page in past for entry in page["Sessions"]),
                 sorted(ids), "past sessions")
    information = server.client.get_paginator("describe_instance_information").paginate(
        PaginationConfig={"PageSize": 5})
    expect_equal(sum(len(page["InstanceInformationList"]) for page in information), 3, "instances")
    server.expect_idle()


@suite.check("sessions_are_filtered")
def filters(server):
    client = server.client
    first = client.start_session(Target=TARGET)["SessionId"]
    second = client.start_session(Target="i-0123456789abcdef0")["SessionId"]
    owner = client.describe_sessions(State="Active")["Sessions"][0]["Owner"]

    def found(key, value):
        answer = client.describe_sessions(State="Active", Filters=[{"key": key, "value": value}])
        return sorted(entry["SessionId"] for entry in answer["Sessions"])

    for key, value, wanted in (("SessionId", first, [first]), ("Target", TARGET, [first]),
                               ("Target", "i-00000000", []), ("Owner", owner, [first, second]),
                               ("Owner", "arn:aws:iam::1:user/no", []),
                               ("InvokedAfter", "2018-08-29T00:00:00Z", [first, second]),
                               ("InvokedBefore", "2018-08-29T00:00:00Z", [])):
        expect_equal(found(key, value), sorted(wanted), f"{key}={value}")
    for session_id in (first, second):
        client.terminate_session(SessionId=session_id)
    server.expect_idle()


#= AUTH-002
@suite.check("wrong_credentials_are_refused")
def credentials(server):
    expect_code("UnrecognizedClientException",
                server.make_client(key="nobody").get_connection_status, Target=TARGET)
    expect_code("InvalidSignatureException",
                server.make_client(secret="guess").get_connection_status, Target=TARGET)
    response = expect_error(botocore.exceptions.ClientError, "us-east-1",
                            server.make_client(region="eu-west-1").get_connection_status,
                            Target=TARGET)
    expect_equal(response["Error"]["Code"], "InvalidSignatureException", "error code")


@contextlib.contextmanager
def clock_of_signers(shift):
    """botocore has two signers, its own and one of the AWS common runtime where that is installed;
    both take the time from the module datetime."""

    class Shifted(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return datetime.datetime.utcnow() + shift

    signers = [botocore.auth]
    with contextlib.suppress(ImportError):
        signers.append(importlib.import_module("botocore.crt.auth"))
    for signer in signers:
        signer.datetime = types.SimpleNamespace(datetime=Shifted, timezone=datetime.timezone)
    try:
        yield
    finally:
        for signer in signers:
            signer.datetime = datetime


#= AUTH-003
@suite.check("signatures_of_another_time_are_refused")
def clock_skew(server):
    for minutes, accepted in ((-20, False), (-14, True), (14, True), (20, False)):
        with clock_of_signers(datetime.timedelta(minutes=minutes)):
            call = server.make_client().get_connection_status
            if accepted:
                expect_equal(call(Target=TARGET)["Status"], "connected", f"{minutes} minutes")
            else:
                expect_code("InvalidSignatureException", call, Target=TARGET)


if __name__ == "__main__":
    sys.exit(suite.main(Context))
