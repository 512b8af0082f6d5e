"""Data sets and batches."""

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn.data import DataLoader, TensorDataset

X = np.arange(20.0).reshape(10, 2)
Y = np.arange(10)


def drawn(loader):
    """The numbers of the examples, batch by batch."""
    return [y.tolist() for _, y in loader]


# ---- TensorDataset


def test_an_example_is_a_row_of_each_array():
    dataset = TensorDataset(X, Y.tolist())
    assert len(dataset) == 10
    x, y = dataset[3]
    np.testing.assert_array_equal(x, [6, 7])
    assert y == 3


@pytest.mark.parametrize("index", [slice(2, 5), np.array([7, 1, 1]), Y > 6])
def test_a_data_set_takes_every_index_of_an_axis(index):
    x, y = TensorDataset(X, Y)[index]
    np.testing.assert_array_equal(x, X[index])
    np.testing.assert_array_equal(y, Y[index])


@pytest.mark.parametrize("arrays", [(X, Y[:9]), (X, 3.0), ()])
def test_arrays_of_different_lengths_make_no_data_set(arrays):
    with pytest.raises(tg.ShapeError, match="rows"):
        TensorDataset(*arrays)


# ---- DataLoader


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("batch_size", [1, 3, 5, 10, 99])
def test_every_example_comes_once(batch_size, shuffle):
    batches = drawn(DataLoader(TensorDataset(X, Y), batch_size, shuffle))
    assert sorted(np.concatenate(batches)) == Y.tolist()


def test_batches_are_in_order_unless_shuffled():
    assert drawn(DataLoader(TensorDataset(X, Y), 4)) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(
    ("batch_size", "drop_last", "sizes"),
    [
        (1, False, [1] * 10),
        (4, False, [4, 4, 2]),
        (4, True, [4, 4]),
        (5, True, [5, 5]),
        (11, False, [10]),
        (11, True, []),
    ],
)
def test_batch_sizes_and_the_length_agree(batch_size, drop_last, sizes, shuffle):
    loader = DataLoader(TensorDataset(X, Y), batch_size, shuffle, drop_last)
    assert [len(y) for _, y in loader] == sizes
    assert len(loader) == len(sizes)


def test_batches_are_arrays_whose_rows_belong_together():
    for batch in DataLoader(TensorDataset(X, Y), 3, shuffle=True):
        assert type(batch) is tuple
        x, y = batch
        assert type(x) is type(y) is np.ndarray
        assert (x.dtype, y.dtype) == (X.dtype, Y.dtype)
        np.testing.assert_array_equal(x, X[y])


@pytest.mark.parametrize("shuffle", [False, True])
def test_changing_a_batch_does_not_change_the_data(shuffle):
    data = X.copy()
    for (x,) in DataLoader(TensorDataset(data), 4, shuffle):
        x[...] = -1
    np.testing.assert_array_equal(data, X)


def test_each_iteration_has_a_new_order():
    loader = DataLoader(TensorDataset(X, Y), 10, shuffle=True, rng=np.random.default_rng(0))
    orders = {str(drawn(loader)) for _ in range(5)}
    assert len(orders) == 5


def test_equal_generators_give_equal_orders():
    a, b = (
        DataLoader(TensorDataset(X, Y), 3, shuffle=True, rng=np.random.default_rng(1))
        for _ in range(2)
    )
    for _ in range(3):
        assert drawn(a) == drawn(b)


def test_the_seed_decides_the_order():
    orders = []
    for seed in (5, 5, 6):
        tg.manual_seed(seed)
        orders.append(drawn(DataLoader(TensorDataset(X, Y), 3, shuffle=True)))
    assert orders[0] == orders[1] != orders[2]


def test_loading_in_order_draws_no_random_numbers():
    rng = np.random.default_rng(2)
    before = rng.bit_generator.state
    list(DataLoader(TensorDataset(X, Y), 3, rng=rng))
    assert rng.bit_generator.state == before


def test_all_orders_are_equally_likely():
    loader = DataLoader(TensorDataset(X[:3], Y[:3]), 3, shuffle=True)
    counts = {}
    for _ in range(1200):
        order = str(drawn(loader))
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 6
    # 200 each, standard deviation 13.
    assert all(120 < count < 280 for count in counts.values())


def test_any_sequence_of_examples_is_a_data_set():
    pairs = [(X[i], int(Y[i])) for i in range(10)]
    x, y = next(iter(DataLoader(pairs, 4)))
    np.testing.assert_array_equal(x, X[:4])
    np.testing.assert_array_equal(y, Y[:4])
    first = next(iter(DataLoader(X, 4)))
    assert type(first) is np.ndarray
    np.testing.assert_array_equal(first, X[:4])


@pytest.mark.parametrize("shuffle", [False, True])
def test_an_empty_data_set_has_no_batches(shuffle):
    assert list(DataLoader(TensorDataset(X[:0]), 3, shuffle)) == []


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, None])
def test_a_batch_size_is_a_positive_integer(batch_size):
    with pytest.raises(ValueError, match="batch_size"):
        DataLoader(TensorDataset(X), batch_size)


def test_what_is_no_generator_is_refused_when_the_loader_is_made():
    with pytest.raises(TypeError, match="Generator"):
        DataLoader(TensorDataset(X), 2, shuffle=True, rng=0)
