"""Stir a fluid so that its smoke takes a given shape: gradients through a simulation in NumPy.

Smoke starts as a square. The velocity at the start is changed by the gradient of the difference
between a disc and the smoke after some steps, through every step of the simulation. Saves a
picture. Run it from anywhere: python3 examples/fluid.py
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

import tinygrad_nn as tg

SIZE, STEPS = 24, 12


def project(vx, vy):
    """The velocity without its sources and sinks, by Jacobi's iteration for the pressure."""
    divergence = -0.5 * (
        np.roll(vx, -1, 1) - np.roll(vx, 1, 1) + np.roll(vy, -1, 0) - np.roll(vy, 1, 0)
    )
    pressure = np.zeros((SIZE, SIZE))
    for _ in range(10):
        around = np.roll(pressure, 1, 1) + np.roll(pressure, -1, 1)
        around = around + np.roll(pressure, 1, 0) + np.roll(pressure, -1, 0)
        pressure = (divergence + around) / 4
    vx = vx - 0.5 * (np.roll(pressure, -1, 1) - np.roll(pressure, 1, 1))
    return vx, vy - 0.5 * (np.roll(pressure, -1, 0) - np.roll(pressure, 1, 0))


def advect(field, vx, vy):
    """The field, carried by the velocity: at each point, what was upstream, interpolated."""
    y, x = np.mgrid[0.0:SIZE, 0.0:SIZE]
    from_x, from_y = x - vx, y - vy
    left, top = np.floor(from_x).astype(int), np.floor(from_y).astype(int)
    right, bottom = from_x - left, from_y - top
    here, there = left % SIZE, (left + 1) % SIZE
    up, down = top % SIZE, (top + 1) % SIZE
    upper = (1 - right) * field[up, here] + right * field[up, there]
    lower = (1 - right) * field[down, here] + right * field[down, there]
    return (1 - bottom) * upper + bottom * lower


def simulate(vx, vy, smoke):
    """The smoke after all steps."""
    for _ in range(STEPS):
        vx, vy = project(advect(vx, vx, vy), advect(vy, vx, vy))
        smoke = advect(smoke, vx, vy)
    return smoke


def save(path: Path, pictures: dict[str, np.ndarray]) -> None:
    """The pictures side by side."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(pictures), figsize=(9, 3.2))
    for ax, (title, picture) in zip(axes, pictures.items(), strict=True):
        ax.imshow(picture, cmap="Greys", vmin=0, vmax=1)
        ax.set(title=title, xticks=[], yticks=[])
    figure.savefig(path, dpi=80)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path(__file__).parent / "output" / "fluid.png"
    parser.add_argument("--picture", type=Path, default=default, help="where to save it")
    path = parser.parse_args().picture
    path.parent.mkdir(parents=True, exist_ok=True)

    y, x = np.mgrid[0:SIZE, 0:SIZE] - SIZE / 2 + 0.5
    start = ((np.abs(x) < 6) & (np.abs(y) < 6)).astype(float)
    disc = 1 / (1 + np.exp(2 * (np.hypot(x, y) - 6.8)))

    def misfit(velocity):
        return np.mean((simulate(velocity[0], velocity[1], start) - disc) ** 2)

    objective = tg.interop.scipy_objective(misfit, np.zeros((2, SIZE, SIZE)))
    before = objective(objective.x0)[0]
    found = minimize(objective, objective.x0, jac=True, method="L-BFGS-B", options={"maxiter": 40})
    velocity = objective.unflatten(found.x)
    end = simulate(velocity[0], velocity[1], start)
    save(path, {"start": start, f"after {STEPS} steps": end, "wanted": disc})
    print(f"{2 * SIZE * SIZE} unknowns, {found.nfev} gradients through {STEPS} steps")
    print(f"mean squared error {before:.5f} -> {found.fun:.5f}; picture in {path}")
    right = 10 * found.fun < before
    print(f"check: at most a tenth of the error left: {'right' if right else 'WRONG'}")


if __name__ == "__main__":
    main()
