"""Numerical programs written for NumPy alone: nothing in here knows of gradients."""

import numpy as np


def pendulum_loss(parameters, times, observed):
    """Squared error of a damped pendulum, by the classical Runge-Kutta method."""
    damping, frequency, start = parameters

    def motion(state):
        angle, velocity = state
        return np.array([velocity, -damping * velocity - frequency**2 * np.sin(angle)])

    h = times[1] - times[0]
    state = np.array([start, 0.0])
    error = 0.0
    for observation in observed:
        error = error + (state[0] - observation) ** 2
        k1 = motion(state)
        k2 = motion(state + h / 2 * k1)
        k3 = motion(state + h / 2 * k2)
        k4 = motion(state + h * k3)
        state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return error / len(observed)


def kalman_negative_log_likelihood(logs, measurements):
    """Of measurements of a position, with constant velocity but for noise."""
    process, noise = np.exp(logs)
    transition = np.array([[1.0, 1.0], [0.0, 1.0]])
    observe = np.array([[1.0, 0.0]])
    disturbance = process * np.array([[1 / 3, 1 / 2], [1 / 2, 1.0]])
    mean, covariance = np.zeros(2), 10.0 * np.eye(2)
    total = 0.0
    for measured in measurements:
        mean = transition @ mean
        covariance = transition @ covariance @ transition.T + disturbance
        residual = measured - observe @ mean
        innovation = observe @ covariance @ observe.T + noise * np.eye(1)
        gain = covariance @ observe.T @ np.linalg.inv(innovation)
        total += 0.5 * (
            np.linalg.slogdet(2 * np.pi * innovation)[1]
            + residual @ np.linalg.solve(innovation, residual)
        )
        mean = mean + gain @ residual
        covariance = (np.eye(2) - gain @ observe) @ covariance
    return total


def gaussian_process_negative_log_likelihood(logs, x, y):
    """Of y, with a squared exponential kernel: its amplitude, its length and the noise."""
    amplitude, length, noise = np.exp(logs)
    distances = x[:, np.newaxis] - x[np.newaxis, :]
    kernel = amplitude**2 * np.exp(-0.5 * (distances / length) ** 2)
    kernel[np.diag_indices_from(kernel)] += noise**2
    lower = np.linalg.cholesky(kernel)
    alpha = np.linalg.solve(lower.T, np.linalg.solve(lower, y))
    return (
        0.5 * np.dot(y, alpha) + np.sum(np.log(np.diag(lower))) + 0.5 * len(y) * np.log(2 * np.pi)
    )


def logistic_loss(weights, features, labels, ridge=0.01):
    """The mean logistic loss of labels 1 and -1, with a penalty."""
    margins = labels * (features @ weights[1:] + weights[0])
    return np.mean(np.logaddexp(0.0, -margins)) + ridge * np.sum(weights[1:] ** 2)


def soft_clustering_loss(centers, points, sharpness=3.0):
    """The distance of points from centres, each weighed by how near it is."""
    squares = np.sum((points[:, None, :] - centers[None, :, :]) ** 2, axis=-1)
    scores = -sharpness * squares
    scores -= np.max(scores, axis=1, keepdims=True)
    weights = np.exp(scores)
    weights /= np.sum(weights, axis=1, keepdims=True)
    return np.average(np.sum(weights * squares, axis=1))


def fluid_step(velocity_x, velocity_y, smoke, dt=0.2, iterations=15):
    """A step of an incompressible fluid with smoke on a torus: projection and advection."""

    def advect(field, vx, vy):
        rows, columns = field.shape
        ys, xs = np.mgrid[0.0:rows, 0.0:columns]
        from_x, from_y = (xs - dt * vx).ravel(), (ys - dt * vy).ravel()
        left, top = np.floor(from_x).astype(int), np.floor(from_y).astype(int)
        right_part, bottom_part = from_x - left, from_y - top
        left, right = np.mod(left, columns), np.mod(left + 1, columns)
        top, bottom = np.mod(top, rows), np.mod(top + 1, rows)
        upper = (1 - right_part) * field[top, left] + right_part * field[top, right]
        lower = (1 - right_part) * field[bottom, left] + right_part * field[bottom, right]
        return np.reshape((1 - bottom_part) * upper + bottom_part * lower, (rows, columns))

    def project(vx, vy):
        divergence = -0.5 * (
            np.roll(vx, -1, axis=1)
            - np.roll(vx, 1, axis=1)
            + np.roll(vy, -1, axis=0)
            - np.roll(vy, 1, axis=0)
        )
        pressure = np.zeros(vx.shape)
        for _ in range(iterations):
            pressure = (
                divergence
                + np.roll(pressure, 1, axis=1)
                + np.roll(pressure, -1, axis=1)
                + np.roll(pressure, 1, axis=0)
                + np.roll(pressure, -1, axis=0)
            ) / 4.0
        vx = vx - 0.5 * (np.roll(pressure, -1, axis=1) - np.roll(pressure, 1, axis=1))
        vy = vy - 0.5 * (np.roll(pressure, -1, axis=0) - np.roll(pressure, 1, axis=0))
        return vx, vy

    velocity_x, velocity_y = project(
        advect(velocity_x, velocity_x, velocity_y), advect(velocity_y, velocity_x, velocity_y)
    )
    return velocity_x, velocity_y, advect(smoke, velocity_x, velocity_y)


def spline_misfit(heights, knots, x, y):
    """Squared error of the natural cubic spline through knots, evaluated at x."""
    n = len(knots)
    h = np.diff(knots)
    slopes = np.diff(heights) / h
    matrix = np.zeros((n, n))
    matrix[0, 0] = matrix[-1, -1] = 1.0
    for i in range(1, n - 1):
        matrix[i, i - 1 : i + 2] = h[i - 1], 2 * (h[i - 1] + h[i]), h[i]
    right = np.concatenate([[0.0], 6 * np.diff(slopes), [0.0]])
    bends = np.linalg.solve(matrix, right)
    at = np.clip(np.searchsorted(knots, x) - 1, 0, n - 2)
    a, b = knots[at + 1] - x, x - knots[at]
    values = (
        bends[at] * a**3 / (6 * h[at])
        + bends[at + 1] * b**3 / (6 * h[at])
        + (heights[at] / h[at] - bends[at] * h[at] / 6) * a
        + (heights[at + 1] / h[at] - bends[at + 1] * h[at] / 6) * b
    )
    return np.sum((values - y) ** 2)
