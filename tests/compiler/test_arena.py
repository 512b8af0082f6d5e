"""The arena: what is alive at the same time lies apart, and little memory is wasted."""

from hypothesis import given
from hypothesis import strategies as st

from tinygrad_nn.compiler.arena import ALIGNMENT, Lifetime, aligned, plan

LIFETIMES = st.lists(
    st.builds(
        lambda size, first, length: Lifetime(size, first, first + length),
        st.integers(0, 5000),
        st.integers(0, 30),
        st.integers(0, 10),
    ),
    max_size=40,
)


def peak(lifetimes: list[Lifetime]) -> int:
    """The most that is alive at one moment."""
    moments = {x.first for x in lifetimes}
    return max(
        (sum(aligned(x.size) for x in lifetimes if x.first <= at <= x.last) for at in moments),
        default=0,
    )


@given(LIFETIMES)
def test_values_alive_at_the_same_time_lie_apart(lifetimes: list[Lifetime]) -> None:
    offsets, total = plan(lifetimes)
    placed = list(zip(offsets, lifetimes, strict=True))
    for at, (offset, x) in enumerate(placed):
        assert offset % ALIGNMENT == 0
        assert offset + x.size <= total
        for other, y in placed[:at]:
            if x.first <= y.last and y.first <= x.last and x.size and y.size:
                assert offset + x.size <= other or other + y.size <= offset


@given(LIFETIMES)
def test_the_block_holds_what_is_alive_at_once(lifetimes: list[Lifetime]) -> None:
    _, total = plan(lifetimes)
    assert peak(lifetimes) <= total <= sum(aligned(x.size) for x in lifetimes)


def test_a_chain_takes_two_arrays() -> None:
    chain = [Lifetime(1000, at, at + 1) for at in range(50)]
    assert plan(chain)[1] == 2 * aligned(1000)


def test_small_values_fill_the_place_of_a_large_one() -> None:
    small = [Lifetime(256, 2, 3) for _ in range(4)]
    assert plan([Lifetime(1024, 0, 1), *small])[1] == 1024


def test_a_backward_pass_takes_little_more_than_its_peak() -> None:
    n = 20
    kept = [Lifetime(4096 + 64 * at, at, 2 * n - at) for at in range(n)]
    gradients = [Lifetime(4096 + 64 * at, 2 * n - at, 2 * n - at + 1) for at in range(n)]
    lifetimes = [*kept, *gradients]
    assert plan(lifetimes)[1] <= 1.1 * peak(lifetimes)


def test_the_smallest_gap_is_taken() -> None:
    lifetimes = [
        Lifetime(640, 0, 9),
        Lifetime(512, 0, 1),
        Lifetime(448, 0, 9),
        Lifetime(384, 0, 1),
        Lifetime(320, 0, 9),
        Lifetime(100, 5, 6),
    ]
    offsets, _ = plan(lifetimes)
    assert offsets[5] == offsets[3]
