"""Data sets of arrays, and their batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .errors import ShapeError
from .random import generator


class TensorDataset:
    """Arrays of equal length as one data set: example i is the tuple of their i-th rows.

    An index may be anything NumPy takes for an axis: a number, a slice, an array of numbers.
    """

    def __init__(self, *arrays: Any) -> None:
        self.arrays = tuple([np.asarray(array) for array in arrays])
        lengths = [array.shape[:1] for array in self.arrays]
        if not lengths or len(set(lengths)) > 1 or () in lengths:
            raise ShapeError(
                "TensorDataset takes arrays with equally many rows, not "
                f"{[array.shape for array in self.arrays]}"
            )

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple([array[index] for array in self.arrays])


class DataLoader:
    """The batches of a data set, as tuples of NumPy arrays.

    `dataset` is a TensorDataset, or any sequence of examples that are arrays, numbers or tuples
    of them. Each iteration goes through it once, in a new random order if `shuffle` (drawn from
    `rng`, or the package's generator). The last batch is smaller if the size does not divide,
    and left out with `drop_last`.

    >>> import numpy as np
    >>> from tinygrad_nn.data import DataLoader, TensorDataset
    >>> loader = DataLoader(TensorDataset(np.arange(5), np.arange(5) ** 2), batch_size=2)
    >>> [y.tolist() for x, y in loader]
    [[0, 1], [4, 9], [16]]
    >>> len(loader)
    3
    """

    def __init__(
        self,
        dataset: TensorDataset | Sequence[Any],
        batch_size: int = 1,
        shuffle: bool = False,
        drop_last: bool = False,
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise ValueError(f"batch_size must be a positive integer, not {batch_size!r}")
        if isinstance(dataset, tuple):
            raise TypeError("a tuple is no data set; from arrays, make TensorDataset(x, y)")
        generator(rng)  # refuses what is none
        self.dataset = dataset
        self.batch_size = int(batch_size)
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.rng = rng

    def __len__(self) -> int:
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        n = len(self.dataset)
        order = generator(self.rng).permutation(n) if self.shuffle else np.arange(n)
        for batch in range(len(self)):
            start = batch * self.batch_size
            yield self._batch(order[start : start + self.batch_size])

    def _batch(self, indices: Any) -> Any:
        if isinstance(self.dataset, TensorDataset):
            return self.dataset[indices]
        examples = [self.dataset[int(i)] for i in indices]
        if isinstance(examples[0], tuple):
            return tuple([np.stack(parts) for parts in zip(*examples, strict=True)])
        return np.stack(examples)
