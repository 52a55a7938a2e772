"""What a session that does nothing costs the server. The shells are processes of their own and not
counted."""

import contextlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

import processes
import scale
from checks import Suite, expect, expect_equal, measured
from raw_session import prove_serving, start_raw
from server import Server

suite = Suite(__doc__)

MAX_KIB_PER_SESSION = 256


class Context(Server):
    def __init__(self, arguments):
        scale.allow_descriptors(4096)
        super().__init__(arguments.ssmsim)


@suite.check("idle_sessions")
def idle_sessions(server):
    count = scale.choose(server.ssmsim, 200, 40)
    prove_serving(server)
    server.expect_idle()
    before = server.rss_kib()
    descriptors_before = len(server.descriptors())
    with contextlib.ExitStack() as stack:
        sessions = []
        for _ in range(count):
            session = start_raw(server)
            stack.callback(session.abort)
            sessions.append(session)
        for session in sessions:
            session.expect("# ")
        expect_equal(server.health()["active_sessions"], count, "active sessions")
        expect_equal(len(server.children()), count, "shells")
        after = server.rss_kib()
        each = (after - before) / count
        descriptors = (len(server.descriptors()) - descriptors_before) / count
        shells = sum(processes.memory_kib(pid) for pid in server.children()) // count
        measured("idle_sessions",
                 f"{count} sessions: {before} KiB before, {after} KiB with them, {each:.1f} KiB "
                 f"and {descriptors:.1f} descriptors each (beside it a shell of {shells} KiB)")
        if not scale.is_sanitized(server.ssmsim):
            expect(each < MAX_KIB_PER_SESSION, f"less than {MAX_KIB_PER_SESSION} KiB each", each)
        # None of them was forgotten.
        for session in sessions[:: max(1, count // 10)]:
            session.echo("awake")
        for session in sessions:
            server.api.terminate(session.session_id)
    server.expect_idle()
    measured("memory_afterwards", f"{server.rss_kib()} KiB")


if __name__ == "__main__":
    sys.exit(suite.main(Context))
