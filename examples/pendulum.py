"""Find out how a pendulum is damped, by differentiating an ODE solver written for NumPy.

A Runge-Kutta solver is run from the start to the last of 60 noisy observations; L-BFGS changes
damping, frequency and starting angle until it meets them. Run it from anywhere:
python3 examples/pendulum.py
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

import tinygrad_nn as tg
from tinygrad_nn.testing import gradcheck

TIMES = np.linspace(0, 10, 60)
TRUE = np.array([0.25, 1.9, 1.2])  # damping, frequency, starting angle


def angles(parameters):
    """The angle at each time, by the classical Runge-Kutta method. Nothing but NumPy."""
    damping, frequency, start = parameters

    def motion(state):
        angle, velocity = state
        return np.stack([velocity, -damping * velocity - frequency**2 * np.sin(angle)])

    h = TIMES[1] - TIMES[0]
    states = [np.stack([start, 0.0 * start])]
    for _ in TIMES[1:]:
        state = states[-1]
        k1 = motion(state)
        k2 = motion(state + h / 2 * k1)
        k3 = motion(state + h / 2 * k2)
        k4 = motion(state + h * k3)
        states.append(state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4))
    return np.stack(states)[:, 0]


def main() -> None:
    observed = angles(TRUE) + 0.05 * np.random.default_rng(0).normal(size=len(TIMES))

    def misfit(parameters):
        return np.mean((angles(parameters) - observed) ** 2)

    guess = np.array([0.1, 1.6, 1.0])
    gradcheck(misfit, guess)
    objective = tg.interop.scipy_objective(misfit, guess)
    found = minimize(objective, objective.x0, jac=True, method="L-BFGS-B")
    for name, true, value in zip(("damping", "frequency", "start"), TRUE, found.x, strict=True):
        print(f"{name:9}  true {true:.3f}  found {value:.3f}")
    print(f"mean squared error {misfit(guess):.4f} -> {found.fun:.4f} in {found.nfev} evaluations")
    right = bool(np.all(np.abs(found.x - TRUE) < 0.05))
    print(f"check: all three found to 0.05: {'right' if right else 'WRONG'}")


if __name__ == "__main__":
    main()
