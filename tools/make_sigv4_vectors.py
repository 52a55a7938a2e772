#!/usr/bin/python3
"""Writes tests/unit/service/sigv4_vectors.json: requests signed by botocore, to check ours against.

The shapes are those of the published Signature Version 4 test suite (its credentials, date, region
and service), plus paths, queries, headers and bodies that sessions meet. Needs Debian's
python3-botocore. Run it from the top folder; the output is the same every time.
"""

import datetime
import json
import sys

import botocore
import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

OUTPUT = "tests/unit/service/sigv4_vectors.json"
DATE = datetime.datetime(2015, 8, 30, 12, 36, 0)
SUITE_KEY = "AKIDEXAMPLE"
SUITE_SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfI/=="


class FixedTime(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return DATE


class FixedModule:
    datetime = FixedTime


botocore.auth.datetime = FixedModule

HEADER_SIGNERS = {"s3": botocore.auth.S3SigV4Auth}
QUERY_SIGNERS = {"s3": botocore.auth.S3SigV4QueryAuth}


def sign(name, method="GET", target="/", headers=(), body="", service="service", region="us-east-1",
         host="example.amazonaws.com", token=None, presign=None):
    """One vector: what goes over the wire, after botocore signed it."""
    request = AWSRequest(method=method, url="https://" + host + target, data=body.encode())
    for key, value in headers:
        request.headers.add_header(key, value)
    credentials = Credentials(SUITE_KEY, SUITE_SECRET, token)
    if presign is None:
        signer = HEADER_SIGNERS.get(service, botocore.auth.SigV4Auth)(credentials, service, region)
    else:
        signer = QUERY_SIGNERS.get(service, botocore.auth.SigV4QueryAuth)(
            credentials, service, region, expires=presign)
    signer.add_auth(request)
    wire_headers = [[key, value] for key, value in request.headers.items()]
    if not any(key.lower() == "host" for key, _ in wire_headers):
        wire_headers.insert(0, ["Host", host])
    return {
        "name": name,
        "service": service,
        "region": region,
        "session_token": token,
        "presigned": presign is not None,
        "method": method,
        "target": request.url.split(host, 1)[1],
        "headers": wire_headers,
        "body": body,
    }


JSON_11 = ("Content-Type", "application/x-amz-json-1.1")
FORM = ("Content-Type", "application/x-www-form-urlencoded")

VECTORS = [
    # The shapes of the published suite.
    sign("get-vanilla"),
    sign("get-header-key-duplicate", headers=[("My-Header1", "value2"), ("My-Header1", "value2"),
                                              ("My-Header1", "value1")]),
    sign("get-header-value-order", headers=[("My-Header1", "value4"), ("My-Header1", "value1"),
                                            ("My-Header1", "value3"), ("My-Header1", "value2")]),
    sign("get-header-value-trim", headers=[("My-Header1", " value1"), ("My-Header2", ' "a   b   c"')]),
    sign("get-unreserved", target="/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
    sign("get-utf8", target="/\u1234"),
    sign("get-space", target="/example space/"),
    sign("get-vanilla-empty-query-key", target="/?Param1=value1"),
    sign("get-vanilla-query-order-key", target="/?Param1=value2&Param1=Value1"),
    sign("get-vanilla-query-order-key-case", target="/?Param2=value2&Param1=value1"),
    sign("get-vanilla-query-order-value", target="/?Param1=value2&Param1=value1"),
    sign("get-vanilla-query-unreserved",
         target="/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz="
                "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
    sign("normalize-relative", target="/example/.."),
    sign("normalize-relative-relative", target="/example1/example2/../.."),
    sign("normalize-slash", target="//"),
    sign("normalize-slash-dot-slash", target="/./"),
    sign("normalize-slash-pointless-dot", target="/./example"),
    sign("normalize-slashes", target="//example//"),
    sign("post-header-key-case", method="POST"),
    sign("post-header-key-sort", method="POST", headers=[("My-Header1", "value1")]),
    sign("post-header-value-case", method="POST", headers=[("My-Header1", "VALUE1")]),
    sign("post-sts-header-before", method="POST", token=TOKEN),
    sign("post-vanilla-query", method="POST", target="/?Param1=value1"),
    sign("post-x-www-form-urlencoded", method="POST", headers=[FORM], body="Param1=value1"),
    sign("post-x-www-form-urlencoded-parameters", method="POST",
         headers=[("Content-Type", "application/x-www-form-urlencoded; charset=utf8")],
         body="Param1=value1"),
    # What sessions send.
    sign("ssm-start-session", method="POST", service="ssm", host="127.0.0.1:4580",
         headers=[("X-Amz-Target", "AmazonSSM.StartSession"), JSON_11],
         body='{"Target": "i-0123456789abcdef0"}'),
    sign("ssm-unicode-body", method="POST", service="ssm", host="localhost:4580",
         headers=[("X-Amz-Target", "AmazonSSM.StartSession"), JSON_11],
         body='{"Target": "i-0123456789abcdef0", "Reason": "Gr\u00fc\u00dfe \u65e5\u672c \U0001f600"}'),
    sign("ssm-session-token", method="POST", service="ssm", token=TOKEN, host="127.0.0.1:4580",
         headers=[("X-Amz-Target", "AmazonSSM.ResumeSession"), JSON_11],
         body='{"SessionId": "alice-0141cdff02f3046b8"}'),
    sign("ssm-default-port", method="POST", service="ssm", host="ssm.eu-central-1.amazonaws.com",
         region="eu-central-1", headers=[("X-Amz-Target", "AmazonSSM.DescribeSessions"), JSON_11],
         body='{"State": "Active"}'),
    sign("ssm-ipv6-host", method="POST", service="ssm", host="[::1]:4580",
         headers=[("X-Amz-Target", "AmazonSSM.DescribeSessions"), JSON_11], body='{"State": "Active"}'),
    sign("mgs-colon-in-path", method="POST", service="ssmmessages", host="127.0.0.1:8443",
         target="/v1/control-channel/ecs:mycluster_task_rt-1", headers=[("Content-Type", "application/json")],
         body='{"MessageSchemaVersion":"1.0"}'),
    sign("mgs-at-sign-in-path", service="ssmmessages", host="127.0.0.1:4580",
         target="/v1/data-channel/alice@example.com-0123456789abcdef0?role=publish_subscribe"),
    sign("mgs-escaped-path", service="ssmmessages", host="127.0.0.1:4580",
         target="/v1/data-channel/alice%40example.com%20x?role=publish_subscribe"),
    sign("query-empty-value-and-flag", target="/?uploads=&acl="),
    sign("query-escaped", target="/?cell-number=AAEC%2Fw%3D%3D&role=publish_subscribe&b=a%20b"),
    sign("query-prefix-names", target="/?a-b=1&a=2&a.b=3"),
    sign("header-inner-spaces", headers=[("X-Amz-Meta-Note", "a  b   c")]),
    sign("header-unicode", headers=[("X-Amz-Meta-Note", "caf\u00e9")]),
    sign("path-with-percent-and-plus", target="/a%25b+c*d'e(f)"),
    sign("put-s3", method="PUT", service="s3", host="bucket.s3.us-east-1.amazonaws.com",
         target="/prefix/alice-0f05d46e69a854701.log", body="Script started\n"),
    sign("get-s3-odd-key", service="s3", host="bucket.s3.us-east-1.amazonaws.com",
         target="/a//b/../c%20d%2Be"),
    sign("presigned-s3", service="s3", host="bucket.s3.us-east-1.amazonaws.com",
         target="/attachments/document.zip?versionId=a%2Fb", presign=900),
    sign("presigned-s3-token", service="s3", host="bucket.s3.us-east-1.amazonaws.com",
         target="/attachments/document.zip", token=TOKEN, presign=604800),
    sign("presigned-service", target="/path?Param1=value1", presign=60),
]


def main():
    document = {
        "made_by": "tools/make_sigv4_vectors.py, botocore " + botocore.__version__,
        "access_key_id": SUITE_KEY,
        "secret_access_key": SUITE_SECRET,
        "unix_ms": int(DATE.replace(tzinfo=datetime.timezone.utc).timestamp()) * 1000,
        "vectors": VECTORS,
    }
    with open(OUTPUT, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, ensure_ascii=False)
        file.write("\n")
    print(f"{OUTPUT}: {len(VECTORS)} vectors")
    return 0


if __name__ == "__main__":
    sys.exit(main())
