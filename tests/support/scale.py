"""How much a program does. SSMSIM_TEST_SCALE is `small` or `full`; without it a program built with
a sanitizer gets the small amounts, which it needs as long for."""

import functools
import mmap
import os
import resource


@functools.lru_cache(maxsize=None)
def is_sanitized(program):
    with open(program, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        return any(text.find(name) >= 0 for name in (b"__asan_init", b"__tsan_init"))


def is_small(program):
    asked = os.environ.get("SSMSIM_TEST_SCALE")
    if asked not in (None, "", "small", "full"):
        raise ValueError(f"SSMSIM_TEST_SCALE: expected small or full, seen {asked}")
    return asked == "small" or (not asked and is_sanitized(program))


def choose(program, full, small):
    return small if is_small(program) else full


def allow_descriptors(count):
    """The usual soft limit of 1024 is less than some checks open here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise OSError(f"{count} descriptors are needed, the hard limit is {hard}")
    if soft != resource.RLIM_INFINITY and soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
