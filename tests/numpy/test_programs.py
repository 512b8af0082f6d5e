"""NumPy programs from the field, differentiated as they stand."""

from typing import Any

import numpy as np
import programs
import pytest

import tinygrad_nn as tg
from tinygrad_nn.testing import gradcheck

RNG = np.random.default_rng(0)
TIMES = np.linspace(0, 2, 12)
SWING = np.cos(2 * TIMES) * np.exp(-0.2 * TIMES)
TRACK = np.cumsum(RNG.normal(size=9))
PLACES = np.sort(RNG.uniform(0, 5, 8))
FEATURES = RNG.normal(size=(30, 3))
LABELS = np.where(FEATURES @ np.array([1.0, -2.0, 0.5]) + 0.3 > 0, 1, -1)
POINTS = RNG.normal(size=(20, 2)) + np.repeat(np.eye(2) * 3, 10, axis=0)
KNOTS = np.array([0.0, 1.0, 2.5, 3.0, 4.5])


def smoke_after_steps(velocity_x: Any, velocity_y: Any, smoke: Any) -> Any:
    for _ in range(2):
        velocity_x, velocity_y, smoke = programs.fluid_step(velocity_x, velocity_y, smoke)
    return np.mean((smoke - np.eye(6)) ** 2)


PROGRAMS = {
    "Runge-Kutta": (
        lambda p: programs.pendulum_loss(p, TIMES, SWING),
        [np.array([0.3, 1.8, 0.9])],
    ),
    "Kalman": (
        lambda logs: programs.kalman_negative_log_likelihood(logs, TRACK),
        [np.array([-0.5, 0.3])],
    ),
    "Gaussian process": (
        lambda logs: programs.gaussian_process_negative_log_likelihood(
            logs, PLACES, np.sin(PLACES)
        ),
        [np.array([0.1, 0.2, -1.0])],
    ),
    "logistic regression": (
        lambda w: programs.logistic_loss(w, FEATURES, LABELS),
        [np.array([0.1, 0.5, -0.5, 0.2])],
    ),
    "soft clustering": (
        lambda c: programs.soft_clustering_loss(c, POINTS),
        [np.array([[2.5, 0.5], [0.2, 2.0]])],
    ),
    "fluid": (smoke_after_steps, [0.3 * RNG.normal(size=(6, 6)) for _ in range(3)]),
    "spline": (
        lambda heights: programs.spline_misfit(
            heights, KNOTS, np.array([0.3, 1.7, 2.6, 4.0]), np.array([1.0, -1.0, 0.0, 2.0])
        ),
        [np.array([0.0, 1.0, -1.0, 0.5, 2.0])],
    ),
}

each_program = pytest.mark.parametrize(("f", "inputs"), PROGRAMS.values(), ids=PROGRAMS.keys())


@each_program
def test_gradient_is_the_numerical_one(f: Any, inputs: list[Any]) -> None:
    assert tg.value_and_grad(f)(*inputs)[0] == pytest.approx(f(*inputs), rel=1e-13)
    gradcheck(f, *inputs)


@each_program
def test_second_derivatives_too(f: Any, inputs: list[Any]) -> None:
    gradcheck(f, *inputs, order=2, mode="directional")


def test_l_bfgs_fits_logistic_regression() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    linear_model = pytest.importorskip("sklearn.linear_model")
    objective = tg.interop.scipy_objective(
        lambda w: programs.logistic_loss(w, FEATURES, LABELS), np.zeros(4)
    )
    found = optimize.minimize(objective, objective.x0, jac=True, method="L-BFGS-B", tol=1e-12)
    count = len(LABELS)
    expected = linear_model.LogisticRegression(C=1 / (2 * 0.01 * count), tol=1e-10, max_iter=1000)
    expected.fit(FEATURES, LABELS)
    np.testing.assert_allclose(found.x[0], expected.intercept_[0], atol=1e-4)
    np.testing.assert_allclose(found.x[1:], expected.coef_[0], atol=1e-4)
