"""Counts and prints checks, one line each."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class CheckFailed(Exception):
    """A check did not hold; the message says what was seen."""


class Report:
    def __init__(self) -> None:
        self.failed = 0
        self.passed = 0

    def check(self, name: str, body: Callable[[], object]) -> bool:
        """Runs `body`; the check holds when it raises nothing. Returns whether it held."""
        started = time.monotonic()
        try:
            body()
        except Exception as error:  # a check that breaks has failed; the others still run
            return self.record(name, time.monotonic() - started, f"{type(error).__name__}: {error}")
        return self.record(name, time.monotonic() - started, None)

    def record(self, name: str, seconds: float, problem: str | None) -> bool:
        if problem is None:
            self.passed += 1
            print(f"ok    {name} ({seconds:.1f} s)", flush=True)
        else:
            self.failed += 1
            first, _, rest = problem.strip().partition("\n")
            print(f"FAIL  {name} ({seconds:.1f} s): {first}", flush=True)
            for line in rest.splitlines()[:12]:
                print(f"      {line}", flush=True)
        return problem is None


def wait_for(
    what: str, ask: Callable[[], T | None], timeout: float = 20, pause: Callable[[float], None] = time.sleep
) -> T:
    """Asks until the answer is truthy and returns it. Raises CheckFailed when `timeout` seconds have passed."""
    deadline = time.monotonic() + timeout
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise CheckFailed(f"not within {timeout:.0f} s: {what} (last seen: {answer!r})")
        pause(0.1)
