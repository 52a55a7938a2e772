"""A server that must give somebody a shell after whatever a check did to it, and hold nothing of
what came before."""

import scale
from checks import expect, expect_equal
from raw_session import prove_serving
from server import Server

_MAX_PEAK_KIB = 200 * 1024


class SurvivingServer(Server):
    def __init__(self, arguments):
        scale.allow_descriptors(8192)
        super().__init__(arguments.ssmsim)

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                self._expect_survival()
        except BaseException:
            self.kill_all()
            raise
        finally:
            super().__exit__(kind, error, trace)

    def _expect_survival(self):
        expect_equal(self.process.poll(), None, "exit status of the running server")
        prove_serving(self)
        self.expect_idle()
        expect_equal(self.health()["active_sessions"], 0, "active sessions")
        if not scale.is_sanitized(self.ssmsim):
            expect(self.peak_rss_kib() < _MAX_PEAK_KIB, f"at most {_MAX_PEAK_KIB} KiB at any time",
                   f"{self.peak_rss_kib()} KiB")
