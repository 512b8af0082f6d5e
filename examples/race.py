"""A race: how many evaluations of the error each way to find weights takes, on one problem.

The problem is a linear neuron with two weights and two examples, small enough for brute force: the
bowl of error_surface.py. (The perceptron rule is for neurons that decide, and cannot take part.)
The batch delta rule, backpropagation and the numerical gradient take the very same steps, and pay 1
evaluation for each, 3 (going back costs as much as 2) and 2 for each weight and one more. The
searches know no slope. Hill climbing by small steps takes more; at random, it depends on luck and
slows down where few changes help. Brute force takes 200^n evaluations for n weights.
"""

from __future__ import annotations

import numpy as np
from showing import check, picture_folder, plt, save

from tinygrad_nn import learning, nn
from tinygrad_nn.viz import plots

X = np.array([[1.0, -1.0], [0.0, 1.0]])
T = np.array([0.0, 1.0])
START = np.array([-1.5, 1.0])
LR = 0.3
GOAL = 1e-4  # for weights that are right to about 0.02: the searches' steps are as small
RUNNERS = {
    "delta rule, online": learning.DeltaRule(LR),
    "delta rule, batch": learning.DeltaRule(LR, batch=True),
    "backpropagation": learning.Backpropagation(lr=LR),
    "numerical gradient": learning.NumericalGradient(LR),
    "hill climbing, random": learning.RandomHillClimbing(0.1, rng=np.random.default_rng(11)),
    "hill climbing": learning.HillClimbing(0.015),
    "brute force": learning.BruteForce(np.linspace(-2, 2, 200)),
}


def run(method):
    """The history of a neuron from START, down to an error of a hundredth of the goal."""
    neuron = nn.Neuron(2, "linear", bias=False, dtype=np.float64)
    neuron.weight.data = START
    loss = nn.HalfMSELoss(reduction="sum")
    return learning.fit(neuron, (X, T), method, loss=loss, goal=GOAL / 100)


def price(history):
    """The evaluations until the error was no larger than GOAL."""
    return np.where(history.errors <= GOAL, history.evaluations, np.inf).min()


def main() -> None:
    folder = picture_folder(__doc__)
    histories = {name: run(method) for name, method in RUNNERS.items()}
    prices = {name: price(history) for name, history in histories.items()}
    print(f"{'method':22}  evaluations until E <= {GOAL:g}   error at the end")
    for name, history in histories.items():
        print(f"{name:22}  {prices[name]:27,.0f}   {history.errors[-1]:16.1e}")

    courses = {name: (h.evaluations, h.errors) for name, h in histories.items()}
    _, ax = plt.subplots(figsize=(8, 4.5), layout="constrained")
    plots.loss_curve(courses, ax=ax, log=True)
    for line in ax.lines[-3:]:  # searches: an error counts until a smaller one is found
        line.set(drawstyle="steps-post", linestyle="--")
    ax.lines[-1].set_color("black")
    ax.axhline(GOAL, color="gray", linewidth=0.8, label="goal")
    ax.set_xscale("symlog", linthresh=1)  # logarithmic, with a place for 0
    ax.set(xlabel="evaluations of the error", ylabel="error", xlim=(0, None))
    ax.legend(loc="lower left")
    save(ax, folder / "race.png")

    same = ["delta rule, batch", "backpropagation", "numerical gradient"]
    first, *others = (histories[name].weights for name in same)
    steps = int(np.argmax(histories[same[0]].errors <= GOAL))
    right = [
        *(np.allclose(first[: steps + 1], weights[: steps + 1], atol=1e-6) for weights in others),
        [prices[name] for name in same] == [steps, 3 * steps + 3, 5 * steps + 1],
        prices["delta rule, online"] < prices["backpropagation"],
        2 * prices["numerical gradient"] < prices["hill climbing"],
        10 * sorted(prices.values())[-2] < prices["brute force"],
        all(history.errors.min() <= GOAL for history in histories.values()),
    ]
    what = (
        "equal steps for 1, 3 and 5 evaluations, more by steady hill climbing, most by brute force"
    )
    check(what, all(right))


if __name__ == "__main__":
    main()
