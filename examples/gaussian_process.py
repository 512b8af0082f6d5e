"""Gaussian-process regression: the kernel's parameters by exact gradients and Hessian products.

The marginal likelihood goes through np.linalg.cholesky and np.linalg.solve. A trust-region method
of SciPy maximises it. Run it from anywhere: python3 examples/gaussian_process.py
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

import tinygrad_nn as tg


def kernel(a, b, amplitude, length):
    """The squared exponential kernel of all pairs."""
    return amplitude**2 * np.exp(-0.5 * ((a[:, np.newaxis] - b[np.newaxis, :]) / length) ** 2)


def negative_log_likelihood(logs, x, y):
    """Of y at x, by the logarithms of amplitude, length and noise."""
    amplitude, length, noise = np.exp(logs)
    covariance = kernel(x, x, amplitude, length) + noise**2 * np.eye(len(x))
    lower = np.linalg.cholesky(covariance)
    alpha = np.linalg.solve(lower.T, np.linalg.solve(lower, y))
    return 0.5 * y @ alpha + np.sum(np.log(np.diag(lower))) + 0.5 * len(y) * np.log(2 * np.pi)


def predict(logs, x, y, new):
    """The mean at new places."""
    amplitude, length, noise = np.exp(logs)
    covariance = kernel(x, x, amplitude, length) + noise**2 * np.eye(len(x))
    return kernel(new, x, amplitude, length) @ np.linalg.solve(covariance, y)


def main() -> None:
    rng = np.random.default_rng(1)
    x = np.sort(rng.uniform(0, 6, 40))
    y = np.sin(2 * x) + 0.1 * rng.normal(size=x.size)
    objective = tg.interop.scipy_objective(
        lambda logs: negative_log_likelihood(logs, x, y), np.zeros(3)
    )
    found = minimize(
        objective, objective.x0, jac=True, hessp=objective.hessp, method="trust-ncg", tol=1e-8
    )
    amplitude, length, noise = np.exp(found.x)
    print(f"negative log likelihood {objective(objective.x0)[0]:.2f} -> {found.fun:.2f}")
    print(f"amplitude {amplitude:.2f}, length {length:.2f}, noise {noise:.3f} (true noise 0.1)")
    curvature = np.linalg.eigvalsh(tg.hessian(negative_log_likelihood)(found.x, x, y))
    print(f"eigenvalues of the Hessian there: {np.array2string(curvature, precision=2)}")
    places = np.linspace(0.2, 5.8, 200)
    error = np.sqrt(np.mean((predict(found.x, x, y, places) - np.sin(2 * places)) ** 2))
    right = found.success and curvature[0] > 0 and error < 0.1
    print(f"check: a minimum, and {error:.3f} from the sine: {'right' if right else 'WRONG'}")


if __name__ == "__main__":
    main()
