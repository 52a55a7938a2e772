"""Signed calls of the SSM API, with nothing but the standard library.

The signature is written from the public description of AWS Signature Version 4, so that a mistake
in the server's own signing code cannot hide behind the same mistake here.
"""

import datetime
import hashlib
import hmac
import http.client
import json
import time


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signed_headers(body, host, target, *, access_key="test", secret_key="test", region="us-east-1",
                   service="ssm", unix_time=None, path="/", method="POST"):
    moment = datetime.datetime.fromtimestamp(time.time() if unix_time is None else unix_time,
                                             datetime.timezone.utc)
    stamp = moment.strftime("%Y%m%dT%H%M%SZ")
    day = stamp[:8]
    headers = {"content-type": "application/x-amz-json-1.1", "host": host, "x-amz-date": stamp,
               "x-amz-target": target}
    names = ";".join(sorted(headers))
    canonical = "\n".join([
        method, path, "", *(f"{name}:{headers[name]}" for name in sorted(headers)), "", names,
        hashlib.sha256(body).hexdigest(),
    ])
    scope = f"{day}/{region}/{service}/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope,
                         hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret_key).encode()
    for part in (day, region, service, "aws4_request"):
        key = _hmac(key, part)
    signature = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={access_key}/{scope}, "
                                f"SignedHeaders={names}, Signature={signature}")
    return headers


class ApiError(Exception):
    def __init__(self, status, code, message):
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


class Api:
    def __init__(self, host, port):
        self.host = host
        self.port = port

    def post(self, body, headers, path="/"):
        """Status and parsed JSON of one request, whatever its headers say."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
            try:
                return answer.status, json.loads(text)
            except ValueError:
                return answer.status, text
        finally:
            connection.close()

    def raw_call(self, operation, body, **signing):
        host = f"{self.host}:{self.port}"
        return self.post(body, signed_headers(body, host, f"AmazonSSM.{operation}", **signing))

    def call(self, operation, parameters=None, **signing):
        status, answer = self.raw_call(operation, json.dumps(parameters or {}).encode(), **signing)
        if status != 200:
            members = answer if isinstance(answer, dict) else {}
            raise ApiError(status, members.get("__type", ""),
                           members.get("message", members.get("Message", answer)))
        return answer

    def start(self, target="i-123456789", **parameters):
        return self.call("StartSession", {"Target": target, **parameters})

    def resume(self, session_id):
        return self.call("ResumeSession", {"SessionId": session_id})

    def terminate(self, session_id):
        return self.call("TerminateSession", {"SessionId": session_id})
