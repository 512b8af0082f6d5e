"""fit: any method on any model, and the history of what it did."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..nn.module import Module
from ._subjects import ErrorOfWeights, ModelOnData, Subject

Run = Generator[Any, None, str]


class Method(ABC):
    """A way to find weights: the base class of all.

    `run(subject)` yields the error of the weights at the start and after each round, and returns
    in words why there is nothing more to do. The weights of the last round stay in the subject.
    """

    rounds: int | None = 1000  # when to stop, if nothing else does

    @abstractmethod
    def run(self, subject: Subject) -> Run:
        """Change the weights of `subject`, round by round."""

    def remark(self, subject: Subject) -> str:
        """What there is to say when the rounds are over, but the method was not done."""
        return ""


@dataclass(repr=False, eq=False)
class History:
    """What a fit did, from the start (entry 0) on, round by round.

    `errors` (n,); `weights` (n, number of weights), the parameters of a model one after the other;
    `evaluations` (n,), how many evaluations of the error it took so far: passes of all examples
    through the model, of which a backward pass counts as two. `converged` says whether the method
    found nothing more to do, or the goal was reached, and `reason` why it stopped.
    """

    errors: Any
    weights: Any
    evaluations: Any
    converged: bool
    reason: str

    def __len__(self) -> int:
        return len(self.errors)

    def __repr__(self) -> str:
        done = "converged" if self.converged else "not converged"
        return (
            f"History: error {self.errors[0]:.4g} -> {self.errors[-1]:.4g} in "
            f"{counted(len(self) - 1, 'round')}, {counted(self.evaluations[-1], 'evaluation')}; "
            f"{done}: {self.reason}"
        )


@np.errstate(over="ignore", invalid="ignore")  # the history tells of it
def fit(
    model_or_error: Any,
    data: Any = None,
    method: Method | None = None,
    *,
    start: Any = None,
    loss: Callable[[Any, Any], Any] | None = None,
    rounds: int | None = None,
    goal: float | None = None,
) -> History:
    """Let `method` find weights of small error; the history of how it did.

    Of a model, these are its parameters, which are changed; `data` are (inputs, targets), and the
    error is loss(model(inputs), targets), the mean squared error by default. Of a function, the
    weights are its first argument, `start` at first, `data` its others: error(weights, *data), in
    plain NumPy.

    It ends when the method has nothing more to do, after `rounds` of it (1,000; brute force goes
    on to its end), when the error is no larger than `goal`, or when it is no longer finite. What
    was reached stays in the model, also if the fit is interrupted.

    Raises ValueError where the error of the weights at the start is not finite, or is compared by
    the method but random. The history holds the weights of every round: of a large model, that is
    much memory.

    >>> import numpy as np
    >>> from tinygrad_nn import learning
    >>> error = lambda w: (w[0] - 1) ** 2 + (w[1] + 2) ** 2
    >>> learning.fit(error, method=learning.HillClimbing(step=0.5), start=[0.0, 0.0])
    History: error 5 -> 0 in 5 rounds, 21 evaluations; converged: no step of 0.5 lowers the error
    """
    if not isinstance(method, Method):
        raise TypeError(f"fit: method must be one such as HillClimbing(), not {method!r}")
    subject = _subject(model_or_error, data, start, loss)
    limit = method.rounds if rounds is None else rounds
    if limit is not None and (type(limit) is bool or not isinstance(limit, (int, np.integer))):
        raise TypeError(f"fit: rounds must be a whole number, not {rounds!r}")
    if limit is not None and limit < 0:
        raise ValueError(f"fit: rounds must not be negative: {rounds}")
    if goal is not None and np.isnan(float(goal)):
        raise ValueError("fit: goal is NaN, which no error reaches")
    record = _Record()
    run = method.run(subject)
    try:
        while True:
            try:
                error = float(next(run))
            except StopIteration as end:
                return record.history(True, end.value)
            record.add(error, subject)
            reached = len(record.errors) - 1
            if error == -np.inf:
                return record.history(True, "there is no smaller error")
            if not np.isfinite(error):
                if not reached:
                    raise ValueError(f"fit: the error of the weights at the start is {error}")
                return record.history(False, f"the error became {error}: try smaller steps")
            if goal is not None and error <= goal:
                return record.history(True, f"the error is no larger than {goal:g}")
            if limit is not None and reached >= limit:
                words = f"stopped after {counted(reached, 'round')}{method.remark(subject)}"
                return record.history(False, words)
    finally:
        run.close()


def counted(n: int, what: str) -> str:
    """`n` of something, in words."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _subject(
    model_or_error: Any, data: Any, start: Any, loss: Callable[[Any, Any], Any] | None
) -> Subject:
    if isinstance(model_or_error, Module):
        if start is not None:
            raise TypeError("fit: a model starts from its parameters; start= is for functions")
        return ModelOnData(model_or_error, data, loss)
    if not callable(model_or_error) or isinstance(model_or_error, type):
        raise TypeError(f"fit takes a model or an error function, not {model_or_error!r}")
    if loss is not None:
        raise TypeError("fit: loss= is for models; the error function is one already")
    return ErrorOfWeights(model_or_error, data, start)


@dataclass
class _Record:
    errors: list[float] = field(default_factory=list)
    weights: list[Any] = field(default_factory=list)
    evaluations: list[int] = field(default_factory=list)

    def add(self, error: float, subject: Subject) -> None:
        self.errors.append(error)
        self.weights.append(subject.weights)
        self.evaluations.append(subject.evaluations)

    def history(self, converged: bool, reason: str) -> History:
        errors, weights = np.array(self.errors), np.array(self.weights)
        return History(errors, weights, np.array(self.evaluations), converged, reason)
