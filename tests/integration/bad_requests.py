"""What programs, web pages and people ask of `ssmsim serve` wrongly: refused with a reason, and it
serves on."""

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

from api import ApiError, signed_headers
from checks import Suite, expect, expect_equal, expect_in, fail, shorten
from raw_session import RawSession, start_raw
from server import clean_environment
from surviving_server import SurvivingServer
from websocket import Refused, WebSocket

suite = Suite(__doc__)

MIB = 1 << 20
GOOD_BODY = b'{"Target":"i-123456789"}'


# --- the AWS API


def error_of(status_and_answer):
    status, answer = status_and_answer
    return status, answer.get("__type") if isinstance(answer, dict) else answer


@suite.check("unknown_target")
def unknown_target(server):
    for target in ("i-0", "i-1234567890", "I-123456789", "i-123456789 ", "x" * 400, "\0", "日本"):
        try:
            answer = server.api.start(target)
        except ApiError as error:
            expect_equal((error.status, error.code), (400, "TargetNotConnected"), repr(target))
        else:
            fail(f"no session with {target!r}", answer)


@suite.check("malformed_json")
def malformed_json(server):
    bodies = [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe{}", b'{"Target":1}', b"[" * 100_000,
              b'{"Target":"i-123456789"}x', b'{"Target":"\xff"}', b'{"Target":"i-123456789",}',
              b'{"Target":["i-123456789"]}', b'{"Parameters":{"a":[{}]},"Target":"i-123456789"}',
              b'{"a":' * 10_000 + b"1" + b"}" * 10_000]
    for body in bodies:
        for operation in ("StartSession", "ResumeSession", "TerminateSession", "DescribeSessions"):
            status, code = error_of(server.api.raw_call(operation, body))
            if operation == "DescribeSessions" and b"Target" in body and status == 200:
                continue  # members that it does not know are ignored
            expect(status == 400 and code in ("SerializationException", "ValidationException"),
                   f"400 for {operation} {shorten(body, 60)}", (status, code))


@suite.check("wrong_signature")
def wrong_signature(server):
    def call(**signing):
        return error_of(server.api.raw_call("StartSession", GOOD_BODY, **signing))

    expect_equal(call(secret_key="other"), (400, "InvalidSignatureException"), "another secret")
    expect_equal(call(access_key="other"), (400, "UnrecognizedClientException"), "another key")
    expect_equal(call(region="eu-west-1"), (400, "InvalidSignatureException"), "another region")
    expect_equal(call(service="ec2"), (400, "InvalidSignatureException"), "another service")


@suite.check("signature_of_another_request")
def other_request(server):
    def signed():
        return signed_headers(GOOD_BODY, f"{server.host}:{server.port}", "AmazonSSM.StartSession")

    def post(headers, body=GOOD_BODY):
        return error_of(server.api.post(body, headers))

    expect_equal(post(signed(), GOOD_BODY.replace(b"i-", b"mi-")),
                 (400, "InvalidSignatureException"), "another body than the signed one")
    expect_equal(post({**signed(), "x-amz-target": "AmazonSSM.TerminateSession"}),
                 (400, "InvalidSignatureException"), "another operation than the signed one")
    without = signed()
    del without["authorization"]
    expect_equal(post(without), (400, "MissingAuthenticationTokenException"), "no signature")
    good = signed()["authorization"]
    for broken in ("", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 Credential=",
                   "AWS4-HMAC-SHA256 " + "," * 8000, good[:-1], good + "0", good + "," + good,
                   good.replace("SignedHeaders=content-type;host;", "SignedHeaders="),
                   good.replace("/aws4_request", ""), good.replace("Signature=", "Signature=%"),
                   "Basic dGVzdDp0ZXN0", "Bearer test"):
        status, code = post({**signed(), "authorization": broken})
        expect(status in (400, 403) and ("Signature" in code or "Authentication" in code),
               f"a refused signature for {shorten(broken, 80)}", (status, code))


@suite.check("stale_signature")
def stale_signature(server):
    now = time.time()
    for minutes in (-20, 20):
        status, answer = server.api.raw_call("StartSession", GOOD_BODY,
                                             unix_time=now + 60 * minutes)
        expect_equal((status, answer.get("__type")), (400, "InvalidSignatureException"),
                     f"signed {minutes} minutes from now")
        expect_in("15 min", answer["message"])
    for minutes in (-10, 10):
        expect_equal(error_of(server.api.raw_call("GetConnectionStatus", b'{"Target":"i-0"}',
                                                  unix_time=now + 60 * minutes))[0], 200,
                     f"status when signed {minutes} minutes from now")


# --- HTTP


HOST = b"Host: 127.0.0.1\r\n"


def exchange(server, data):
    """All that comes back for `data` until the server ends the connection."""
    answer = bytearray()
    with socket.create_connection((server.host, server.port), 60) as client:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(data)
        try:
            while received := client.recv(65536):
                answer += received
        except ConnectionResetError:
            pass  # what it said before that was read
        except TimeoutError:
            fail(f"the end of the connection after {shorten(data, 80)}", shorten(bytes(answer)))
    return bytes(answer)


def status_of(answer):
    found = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
    return int(found.group(1)) if found else shorten(answer, 100)


def get(path, *lines):
    return b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"".join(x + b"\r\n" for x in lines) + b"\r\n"


def post(*lines):
    return b"POST / HTTP/1.1\r\n" + HOST + b"".join(x + b"\r\n" for x in lines) + b"\r\n"


CHUNKED = b"Transfer-Encoding: chunked"


@suite.check("http_garbage")
def http_garbage(server):
    tls_hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(600)
    for data in (b"\0\1\2\r\n\r\n", b"GET\r\n\r\n", tls_hello,
                 b"GET / HTTP/9.9\r\n" + HOST + b"\r\n",
                 b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", get(b"/a b"), get(b"/", b"Bad Name: 1"),
                 get(b"/", b"X: a\0b"), post(b"Content-Length: -1"), post(b"Content-Length: 1e3"),
                 post(b"Content-Length: 99999999999999999999999"),
                 post(b"Content-Length: 3", b"Content-Length: 5") + b"abcde",
                 post(b"Content-Length: 3", CHUNKED) + b"0\r\n\r\n", post(CHUNKED) + b"zzz\r\n",
                 post(CHUNKED) + b"F" * 20 + b"\r\n",
                 post(CHUNKED) + b"3\r\nabcX\r\n0\r\n\r\n"):
        expect_equal(status_of(exchange(server, data)), 400, f"status after {shorten(data, 80)}")
    choice = random.Random(3)
    for _ in range(20):
        exchange(server, choice.randbytes(choice.randint(1, 40_000)) + b"\r\n\r\n")


@suite.check("http_headers_of_100_kb")
def http_headers(server):
    for data in (get(b"/", b"X: " + b"a" * 102_400), get(b"/", *[b"X: a"] * 20_000),
                 get(b"/" + b"a" * 102_400), b"A" * 102_400):
        answer = exchange(server, data)
        expect(status_of(answer) in (400, 414, 431), f"400, 414 or 431 for {shorten(data, 60)}",
               shorten(answer))


@suite.check("http_body_of_5_mib")
def http_body(server):
    length = b"Content-Length: 5242880"
    expect_equal(status_of(exchange(server, post(length) + bytes(5 * MIB))), 413, "sent")
    expect_equal(status_of(exchange(server, post(length))), 413, "announced")
    chunks = b"".join(b"10000\r\n" + bytes(65536) + b"\r\n" for _ in range(80))
    expect_equal(status_of(exchange(server, post(CHUNKED) + chunks)), 413, "chunked")
    expect_equal(error_of(server.api.raw_call("StartSession", b"{" + b" " * MIB + b"}")),
                 (413, "RequestEntityTooLargeException"), "1 MiB signed")


@suite.check("http_requests_pipelined")
def http_pipelined(server):
    health = b"/_ssmsim/health"
    last = get(health, b"Connection: close")
    answer = exchange(server, (get(health) + get(b"/unknown")) * 50 + last)
    statuses = [int(text) for text in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]
    expect_equal(statuses, [200, 404] * 50 + [200], "statuses in order")
    # What follows a refused request is not read as another one, nor is a body of unknown length.
    for line, status in ((b"Content-Length: x", 400), (b"Transfer-Encoding: gzip", 501)):
        answer = exchange(server, post(line) + last)
        expect_equal((answer.count(b"HTTP/1.1 "), status_of(answer)), (1, status), repr(line))


# --- who may ask, and for what


def refusal(stream_url, **arguments):
    """Status and text with which a WebSocket is refused."""
    try:
        WebSocket(stream_url, **arguments).abort()
    except Refused as refused:
        return str(refused)
    return "101"


def use(server, started):
    """The session is as it was, whatever was asked about it."""
    session = RawSession(started)
    session.echo("untouched")
    server.api.terminate(session.session_id)
    session.wait_channel_closed()
    session.abort()


@suite.check("requests_of_web_pages")
def origin(server):
    host = f"{server.host}:{server.port}"
    started = server.api.start()
    for page in ("http://evil.example", "null", f"http://{host}", ""):
        headers = {**signed_headers(GOOD_BODY, host, "AmazonSSM.StartSession"), "Origin": page}
        expect_equal(error_of(server.api.post(GOOD_BODY, headers))[0], 403, f"API for {page!r}")
        expect_equal(server.get("/_ssmsim/v1/sessions", {"Origin": page})[0], 403,
                     f"own API for {page!r}")
        expect_in("403", refusal(started["StreamUrl"], headers={"Origin": page}))
    use(server, started)


@suite.check("requests_to_foreign_host_names")
def foreign_host(server):
    for name in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "0.0.0.0",
                 "evil.example:80", "127.1", "2130706433", ""):
        for path in ("/_ssmsim/health", "/_ssmsim/v1/sessions", "/_ssmsim/v1/instances"):
            expect_equal(server.get(path, {"Host": name})[0], 403, f"{path} with Host {name!r}")
    for name in ("localhost", "LOCALHOST:1", "127.0.0.1", "127.1.2.3:80", "[::1]:4580"):
        expect_equal(server.get("/_ssmsim/health", {"Host": name})[0], 200, f"Host {name!r}")
    two = exchange(server, get(b"/_ssmsim/health", b"Host: localhost", b"Connection: close"))
    expect(status_of(two) in (400, 403), "two Host headers refused", two)


@suite.check("paths_in_session_ids")
def paths(server):
    started = server.api.start()
    session_id = started["SessionId"]
    base = f"ws://{server.host}:{server.port}/v1/data-channel/"
    for name in ("..", "../x", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%2e%2e%2fx", "%252e%252e",
                 "%00", session_id + "%00", session_id + "/..", session_id + "/x",
                 "x/../" + session_id, session_id + "%2f", "./" + session_id, "", "%", "%zz",
                 "a" * 97, "a" * 8000):
        expect(refusal(base + name + "?role=publish_subscribe").startswith("404"),
               f"404 for {shorten(name, 60)}", refusal(base + name))
    control = base.replace("data", "control")
    expect_equal(refusal(control + "i-123456789")[:3], "400", "an unsigned control channel")
    for name in ("..", "../x", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%00", "i-1%00", "i-1/x", "",
                 "%", "a" * 257):
        expect_equal(refusal(control + name)[:3], "404", f"control channel {shorten(name, 60)}")
    for name in ("..", "../x", "../" + session_id, session_id + "\0", "%2e%2e/", "/etc/passwd",
                 "a" * 97, "", "\0"):
        for call in (server.api.resume, server.api.terminate):
            try:
                fail(f"no session {name!r}", call(name))
            except ApiError as error:
                expect(error.code in ("DoesNotExistException", "ValidationException"),
                       f"a refusal of {shorten(name, 60)}", error)
    use(server, started)


@suite.check("paths_out_of_the_own_pages")
def own_paths(server):
    for path in ("/_ssmsim/../etc/passwd", "//../../etc/passwd", "/_ssmsim/v1/../../etc/passwd",
                 "/_ssmsim/%2e%2e/%2e%2e/etc/passwd", "/_ssmsim/v1/sessions/.."):
        status, body = server.get(path)
        expect_equal(status, 404, path)
        expect(b"root:" not in body, "no file", body)


@suite.check("websocket_to_unknown_or_ended_session")
def unknown_session(server):
    base = f"ws://{server.host}:{server.port}/v1/data-channel/"
    expect_in("There is no session", refusal(base + "test-0123456789abcdefghijklmnop"))
    terminated = server.api.start()
    server.api.terminate(terminated["SessionId"])
    session = start_raw(server)
    session.type("exit\n")
    session.wait_channel_closed()
    session.abort()
    for stream_url in (terminated["StreamUrl"], session.stream_url):
        expect_in("410", refusal(stream_url))
        expect_in("terminated", refusal(stream_url))


# --- the command line


@suite.check("signals_that_end_nothing")
def signals(server):
    session = start_raw(server)
    session.echo("begun")
    for number in (signal.SIGPIPE, signal.SIGCHLD, signal.SIGWINCH, signal.SIGCONT):
        os.kill(server.pid, number)
    session.echo("still-here")
    session.abort()
    server.api.terminate(session.session_id)


def serve(server, *arguments):
    """Exit status and standard error of a server that should not start."""
    process = subprocess.Popen([server.ssmsim, "serve", *arguments], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               env=clean_environment())
    try:
        text = process.communicate(timeout=60)[1].decode()
    except subprocess.TimeoutExpired:
        process.kill()
        fail(f"that `serve {' '.join(arguments)}` ends", process.communicate()[1])
    return process.returncode, text


@suite.check("port_in_use")
def port_in_use(server):
    status, text = serve(server, "--listen", f"127.0.0.1:{server.port}")
    expect_equal(status, 3, "exit status")
    expect_in(str(server.port), text)
    expect_in("--listen", text)


@suite.check("ready_file_that_cannot_be_written")
def unwritable(server):
    for path in (os.path.join(server.directory, "missing", "ready.json"), server.directory,
                 "/proc/ready.json"):
        status, text = serve(server, "--listen", "127.0.0.1:0", "--ready-file", path)
        expect_equal(status, 3, f"exit status with {path}")
        expect_in(path, text)


@suite.check("bad_flags")
def bad_flags(server):
    for arguments, named in ((["--nonsense"], "--nonsense"), (["extra"], "extra"),
                             (["--listen"], "--listen"), (["--listen", "nowhere"], "nowhere"),
                             (["--listen", "127.0.0.1:99999"], "99999"),
                             (["--listen", "127.0.0.1:-1"], "127.0.0.1:-1"),
                             (["--listen", "0.0.0.0:0"], "0.0.0.0"),
                             (["--listen", "[::]:0"], "loopback"),
                             (["--listen", "example.com:0"], "loopback"),
                             (["--listen", "127.evil.example:0"], "127.evil.example"),
                             (["--agent-profile", "nobody"], "nobody"),
                             (["--log-level", "loud"], "loud"),
                             (["--record", "/dev/null/x"], "/dev/null/x"),
                             (["--record", "/dev/null"], "/dev/null")):
        status, text = serve(server, *arguments)
        expect_equal(status, 2, f"exit status of serve {' '.join(arguments)}")
        expect_in(named, text)


@suite.check("faulty_fault_plans")
def faulty_plans(server):
    plans = {
        "rules: [": 1,
        "rules:\n  - match: {direction: sideways}\n    action: {close: {side: client}}\n": 2,
        "rules:\n  - match: {}\n    action: {explode: {}}\n": 3,
        "rules:\n  - match: {nth: 0}\n    action: {close: {side: client}}\n": 2,
        "rules:\n  - match: {nth: 1}\n    action: {close: {side: client, code: 1006}}\n": 3,
        "seed: 1\nrules:\n  - action: {close: {side: client}}\n    macth: {}\n": 4,
        "seed: x\n": 1,
        "\0\1\2": None,
    }
    path = os.path.join(server.directory, "faulty.yaml")
    for text, line in plans.items():
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        status, said = serve(server, "--listen", "127.0.0.1:0", "--faults", path)
        expect_equal(status, 2, f"exit status with the plan {text!r}")
        expect_in(f"{path}:{line}:" if line else path, said, repr(text))
    missing = os.path.join(server.directory, "missing.yaml")
    status, said = serve(server, "--listen", "127.0.0.1:0", "--faults", missing)
    expect_equal(status, 2, "exit status with a missing plan")
    expect_in(missing, said)


if __name__ == "__main__":
    sys.exit(suite.main(SurvivingServer))
