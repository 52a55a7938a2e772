"""Servers that others wrote behind forwarded ports: HTTP with 50 connections that stay open, and
Redis with its own client, each also while the client's connection is cut."""

import contextlib
import hashlib
import http.client
import http.server
import os
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

import scale
from checks import Prepared, Skip, Suite, expect, expect_equal, wait_until
from forwarding import TIMEOUT, PortClient, free_port, noise
from server import Server, clean_environment

REDIS = "/usr/bin/redis-server"

CUTS = """
seed: 5
rules:
  - name: cut the client
    match: {message_type: output_stream_data, probability: 0.004}
    action: {close: {side: client}}
"""

suite = Suite(__doc__)


class Context(Prepared):
    def __init__(self, arguments):
        super().__init__(arguments)
        self.requests = scale.choose(self.ssmsim, 40, 8)


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with the hash of what was posted, and with as many bytes as asked for."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        answer = hashlib.sha256(content).hexdigest().encode() + content
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *unused):
        pass


class WebServer(http.server.ThreadingHTTPServer):
    request_queue_size = 100
    daemon_threads = True
    opened = 0

    def process_request(self, request, client_address):
        self.opened += 1
        super().process_request(request, client_address)


@contextlib.contextmanager
def web_server():
    with WebServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def browse(port, number, requests, problems):
    """One connection for all of its requests."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        for turn in range(requests):
            content = noise((number * 37 + turn * 911) % 20_000, number * 1000 + turn)
            connection.request("POST", "/", content, {"Connection": "keep-alive"})
            answer = connection.getresponse().read()
            expect_equal(answer, hashlib.sha256(content).hexdigest().encode() + content)
        connection.close()
    except Exception as error:  # of a thread: told to the check
        problems.append(f"connection {number}: {error!r}")


def check_web(context, faults=None):
    with web_server() as web, Server(context.ssmsim, faults=faults) as server, \
            PortClient(server, f"0:localhost:{web.server_port}") as ports:
        port, problems = ports.listening[0]["port"], []
        browsers = [threading.Thread(target=browse, args=(port, i, context.requests, problems))
                    for i in range(50)]
        for one in browsers:
            one.start()
        for one in browsers:
            one.join()
        expect_equal(problems, [])
        expect_equal(web.opened, 50, "connections at the web server")
        if faults:
            wait_until(lambda: server.log().count("cut the client") >= 2, 20, "two cuts at least",
                       server.log)


@suite.check("50 HTTP connections stay open through one session")
def web(context):
    check_web(context)


@suite.check("50 HTTP connections stay open while the session's connection is cut")
def web_cut(context):
    check_web(context, CUTS)


@contextlib.contextmanager
def redis_server():
    if not os.access(REDIS, os.X_OK):
        raise Skip(f"{REDIS} is not installed (Debian package redis-server)")
    with tempfile.TemporaryDirectory(prefix="ssmsim-redis-") as directory:
        port = free_port()
        process = subprocess.Popen(
            [REDIS, "--port", str(port), "--bind", "127.0.0.1", "--dir", directory, "--save", ""],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_until(lambda: redis(port, "ping", check=False) == "PONG", 20, "a Redis server")
            yield port
        finally:
            process.terminate()
            process.wait(20)


def redis(port, *command, check=True, content=None):
    run = subprocess.run(["redis-cli", "-h", "127.0.0.1", "-p", str(port), *command], text=True,
                         input=content, capture_output=True, timeout=TIMEOUT, check=False,
                         env=clean_environment())
    if check:
        expect_equal(run.returncode, 0, run.stderr)
    return run.stdout.strip()


def check_redis(context, destination, faults=None):
    with redis_server() as real, Server(context.ssmsim, faults=faults) as server, \
            PortClient(server, f"0:{destination}:{real}") as ports:
        port = ports.listening[0]["port"]
        value = "x" * 200_000
        # As redis-cli's mass insertion: pipelined, 2,000 commands of 100 bytes each.
        commands = "".join(f"SET key:{i} {i:0100d}\r\n" for i in range(2000))
        expect(redis(port, "--pipe", content=commands).endswith("errors: 0, replies: 2000"),
               "2000 replies", "others")
        expect_equal(redis(port, "-x", "set", "large", content=value), "OK")
        expect_equal(redis(port, "get", "large"), value)
        expect_equal(redis(real, "dbsize"), "2001")
        expect_equal(redis(port, "get", "key:1999"), f"{1999:0100d}")


@suite.check("Redis through AWS-StartPortForwardingSession")
def redis_local(context):
    check_redis(context, "localhost")


@suite.check("Redis through AWS-StartPortForwardingSessionToRemoteHost")
def redis_remote(context):
    check_redis(context, "127.0.0.1")


@suite.check("Redis while the session's connection is cut")
def redis_cut(context):
    check_redis(context, "127.0.0.1", CUTS)


sys.exit(suite.main(Context))
