"""Functions that do more than compute: watched from their first call on, and others' speed kept."""

import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import CaptureError
from tinygrad_nn.compiler.watching import Watch

ONES = np.ones(3)
verbose = False


def of_many_kinds(
    a: Any, /, b: Any, c: Any = 3, *more: Any, d: Any, e: Any = 5, **others: Any
) -> Any:
    if verbose:
        print(a)
    return a, b, c, more, d, e, others


def of_names_in_use(f: Any, f_f: Any = 2, *, function: Any = 3) -> Any:
    if verbose:
        print(function)
    return f, f_f, function


def of_nothing() -> Any:
    return print if verbose else None


def closing_over(factor: Any) -> Callable[..., Any]:
    def scaled(x: Any, *, by: Any = 1) -> Any:
        if verbose:
            print(x)
        return factor * x * by

    return scaled


def yielding(n: int) -> Iterator[int]:
    for i in range(n):
        if verbose:
            print(i)
        yield i


def defining(x: Any) -> Any:
    def within(x: Any) -> Any:
        if verbose:
            print(x)
        return 2 * x

    return within(x)


class Shape:
    sides = 4

    def area(self, a: Any, b: Any = 2) -> Any:
        if verbose:
            print(a)
        return a * b + self.sides

    @classmethod
    def count(cls, *shapes: Any) -> Any:
        if verbose:
            print(shapes)
        return cls.sides * len(shapes)


CALLS: dict[str, Callable[[], Any]] = {
    "arguments of many kinds": lambda: of_many_kinds(1, 2, d=4),
    "all of them": lambda: of_many_kinds(1, 2, 3, 4, 5, d=6, e=7, f=8, a=9),
    "names that are in use": lambda: of_names_in_use(f=1, f_f=4, function=5),
    "no arguments": of_nothing,
    "a closure": lambda: double(3, by=2),
    "a generator": lambda: list(yielding(3)),
    "a function within": lambda: defining(3),
    "a method": lambda: Shape().area(3),
    "a class method": lambda: Shape.count(1, 2),
}
double = closing_over(2)
FUNCTIONS: list[Any] = [
    *(of_many_kinds, of_names_in_use, of_nothing, double, yielding, defining),
    *(Shape.area, Shape.count.__func__),  # type: ignore[attr-defined]
]


def as_it_is(error: CaptureError) -> CaptureError:
    return error


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_is_called_gives_the_same(call: Callable[[], Any]) -> None:
    expected = call()
    codes = [f.__code__ for f in FUNCTIONS]
    before = sys.gettrace()
    with Watch(FUNCTIONS).watching(as_it_is):
        assert sys.gettrace() is before  # nothing was called yet
        assert all(f.__code__ is not code for f, code in zip(FUNCTIONS, codes, strict=True))
        assert call() == expected
        assert sys.gettrace() is not before
    assert sys.gettrace() is before
    assert [f.__code__ for f in FUNCTIONS] == codes


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_it_does_besides_is_refused(
    call: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = [f.__code__ for f in FUNCTIONS]
    before = sys.gettrace()
    monkeypatch.setattr(sys.modules[__name__], "verbose", True)
    with (
        pytest.raises(CaptureError, match=r"test_watching\.py:\d+ prints"),
        Watch(FUNCTIONS).watching(as_it_is),
    ):
        call()
    assert sys.gettrace() is before
    assert [f.__code__ for f in FUNCTIONS] == codes


def test_what_can_be_seen_of_them_stays() -> None:
    expected = [inspect.signature(f) for f in FUNCTIONS]
    with Watch(FUNCTIONS).watching(as_it_is):
        assert [inspect.signature(f) for f in FUNCTIONS] == expected
        assert inspect.isgeneratorfunction(yielding)
        assert [f.__name__ for f in FUNCTIONS] == [f.__code__.co_name for f in FUNCTIONS]


def test_other_threads_are_not_watched() -> None:
    found: list[Any] = []

    def run() -> None:
        found.append((of_many_kinds(1, 2, d=4), double(3), sys.gettrace()))

    with Watch(FUNCTIONS).watching(as_it_is):
        standing_in = double.__code__
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        assert double.__code__ is standing_in  # for this thread still
    assert found == [((1, 2, 3, (), 4, 5, {}), 6, threading.gettrace())]


def test_a_capture_is_watched_only_if_it_has_to_be() -> None:
    before = sys.gettrace()

    def watched() -> bool:
        return sys.gettrace() is not before

    def report(x: Any) -> Any:
        if verbose:
            print(x)
        return x

    def aside(x: Any) -> Any:
        return report(x) if verbose else np.where(watched(), -x, x)

    def within(x: Any) -> Any:
        return np.where(watched(), -x, report(x)) + np.where(watched(), -x, x)

    np.testing.assert_array_equal(tg.compile(aside)(ONES), ONES)
    np.testing.assert_array_equal(tg.compile(within)(ONES), 0 * ONES)
