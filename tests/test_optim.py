"""Optimizers and gradient clipping, against their formulas."""

import copy
import math
import pickle

import numpy as np
import pytest

from tinygrad_nn import Value, nn, optim

RNG = np.random.default_rng(0)
START = RNG.normal(size=(3, 2))
GRADIENTS = RNG.normal(size=(20, 3, 2))


def run(make, gradients=GRADIENTS, start=START, **settings):
    """Where the gradients lead a parameter, step by step."""
    parameter = Value(start)
    optimizer = make([parameter], **settings)
    path = []
    for g in gradients:
        parameter.grad = g
        optimizer.step()
        path.append(parameter.data.copy())
    return np.array(path)


def train_step(model, optimizer):
    x = np.linspace(-1, 1, 12).reshape(4, 3).astype(np.float32)
    optimizer.zero_grad()
    (model(x) ** 2).sum().backward()
    optimizer.step()


OPTIMIZERS = {
    "SGD": lambda params, **settings: optim.SGD(params, **{"lr": 0.05, **settings}),
    "momentum": lambda params, **settings: optim.SGD(
        params, **{"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01, **settings}
    ),
    "nesterov": lambda params, **settings: optim.SGD(
        params, **{"lr": 0.05, "momentum": 0.9, "nesterov": True, **settings}
    ),
    "Adam": lambda params, **settings: optim.Adam(params, **{"lr": 0.05, **settings}),
    "AdamW": lambda params, **settings: optim.AdamW(params, **{"lr": 0.05, **settings}),
}
EACH = pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)


# ---- SGD


def test_sgd_goes_against_the_gradient():
    np.testing.assert_allclose(
        run(optim.SGD, lr=0.1), START - 0.1 * GRADIENTS.cumsum(axis=0), rtol=1e-13
    )


@pytest.mark.parametrize("dampening", [0.0, 0.3])
def test_momentum_is_a_geometric_sum_of_gradients(dampening):
    # v_t = m^(t-1) g_1 + (1 - dampening) sum_{s=2..t} m^(t-s) g_s
    m, lr, p = 0.9, 0.1, START
    for t, got in enumerate(run(optim.SGD, lr=lr, momentum=m, dampening=dampening), 1):
        factors = (1 - dampening) * m ** np.arange(t - 1, -1, -1.0)
        factors[0] = m ** (t - 1)
        p = p - lr * np.tensordot(factors, GRADIENTS[:t], 1)
        np.testing.assert_allclose(got, p, rtol=1e-12)


def test_nesterov_looks_one_step_ahead():
    m, lr, p = 0.9, 0.1, START
    for t, got in enumerate(run(optim.SGD, lr=lr, momentum=m, nesterov=True), 1):
        v = np.tensordot(m ** np.arange(t - 1, -1, -1.0), GRADIENTS[:t], 1)
        p = p - lr * (GRADIENTS[t - 1] + m * v)
        np.testing.assert_allclose(got, p, rtol=1e-12)


def test_weight_decay_alone_shrinks_geometrically():
    path = run(optim.SGD, np.zeros((5, 3, 2)), lr=0.1, weight_decay=0.5)
    for t, got in enumerate(path, 1):
        np.testing.assert_allclose(got, START * 0.95**t, rtol=1e-13)


def test_weight_decay_enters_the_momentum():
    path = run(optim.SGD, np.zeros((2, 3, 2)), lr=0.1, weight_decay=0.5, momentum=0.9)
    # v1 = p0/2, p1 = 0.95 p0; v2 = 0.9 v1 + p1/2 = 0.925 p0, p2 = 0.8575 p0
    np.testing.assert_allclose(path[1], 0.8575 * START, rtol=1e-13)


# ---- Adam, as the papers write it, with bias-corrected moments


@pytest.mark.parametrize("decoupled", [False, True], ids=["Adam", "AdamW"])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_adam_follows_its_paper(decoupled, weight_decay):
    lr, beta1, beta2, eps = 0.05, 0.8, 0.95, 1e-3
    make = optim.AdamW if decoupled else optim.Adam
    path = run(make, lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=weight_decay)
    p, m, v = START, 0, 0
    for t, (g, got) in enumerate(zip(GRADIENTS, path, strict=True), 1):
        decay = lr * weight_decay * p if decoupled else 0
        g = g if decoupled else g + weight_decay * p
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        p = p - decay - lr * m_hat / (np.sqrt(v_hat) + eps)
        np.testing.assert_allclose(got, p, rtol=1e-12)


def test_adam_steps_by_lr_when_the_gradient_is_constant():
    path = run(optim.Adam, np.full((10, 3, 2), -7.0), lr=0.01)
    for t, got in enumerate(path, 1):
        np.testing.assert_allclose(got, START + 0.01 * t, rtol=1e-8)


@pytest.mark.parametrize(("make", "decay"), [(optim.Adam, 0.0), (optim.AdamW, 0.01)])
def test_defaults_of_adam_are_those_of_pytorch(make, decay):
    (group,) = make([Value(1.0)]).param_groups
    settings = {name: group[name] for name in ("lr", "betas", "eps", "weight_decay")}
    assert settings == {
        "lr": 1e-3,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "weight_decay": decay,
    }


# ---- What holds for all


@EACH
def test_parameters_without_a_gradient_stay(make):
    moving, still, frozen = Value([1.0]), Value([1.0]), Value([1.0], requires_grad=False)
    moving.grad = [1.0]
    make([moving, still, frozen]).step()
    assert moving.data[0] != 1
    assert still.data[0] == frozen.data[0] == 1


@EACH
def test_optimizers_find_the_minimum_of_a_quadratic(make):
    p = Value(START)
    optimizer = make([p], weight_decay=0.0)
    for _ in range(800):
        optimizer.zero_grad()
        ((p - 3.0) ** 2).sum().backward()
        optimizer.step()
    np.testing.assert_allclose(p.data, np.full((3, 2), 3.0), atol=1e-3)


@EACH
def test_zero_grad_forgets_the_gradients_of_all_groups(make):
    a, b = Value(1.0), Value(2.0)
    optimizer = make([{"params": [a]}, {"params": [b]}])
    (a * b).backward()
    optimizer.zero_grad()
    assert a.grad is None
    assert b.grad is None


@EACH
def test_groups_have_settings_of_their_own_and_share_the_defaults(make):
    a, b, alone_a, alone_b = (Value(START) for _ in range(4))
    together = make([{"params": [a]}, {"params": b, "lr": 0.5}])
    apart = [make([alone_a]), make([alone_b], lr=0.5)]
    for g in GRADIENTS[:3]:
        for p in (a, b, alone_a, alone_b):
            p.grad = g
        for optimizer in (together, *apart):
            optimizer.step()
    np.testing.assert_array_equal(a.data, alone_a.data)
    np.testing.assert_array_equal(b.data, alone_b.data)
    assert not np.array_equal(a.data, b.data)


@EACH
def test_a_group_can_be_added_and_a_learning_rate_changed_on_the_way(make):
    a, b = Value(START), Value(START)
    optimizer = make([a])
    optimizer.add_param_group({"params": [b], "lr": 0.0})
    a.grad = b.grad = GRADIENTS[0]
    optimizer.step()
    np.testing.assert_array_equal(b.data, START)
    optimizer.param_groups[0]["lr"] = 0.0
    before = a.data
    optimizer.step()
    np.testing.assert_array_equal(a.data, before)


SETTINGS = [
    (optim.SGD, {"lr": 0.1}),
    (optim.SGD, {"lr": 0.1, "momentum": 0.9}),
    (optim.SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    (optim.SGD, {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}),
    (optim.SGD, {"lr": 0.1, "weight_decay": 0.1}),
    (optim.Adam, {"lr": 0.1}),
    (optim.Adam, {"lr": 0.1, "weight_decay": 0.1}),
    (optim.Adam, {"lr": 0.1, "eps": 1e-3}),
    (optim.Adam, {"lr": 0.1, "betas": (0.9, 0.99)}),
    (optim.AdamW, {"lr": 0.1, "weight_decay": 0.1}),
]


def as_float64(setting):
    if isinstance(setting, tuple):
        return tuple(np.array(setting))
    return setting if isinstance(setting, bool) else np.float64(setting)


@pytest.mark.parametrize(("make", "settings"), SETTINGS)
@pytest.mark.parametrize("shape", [(), (3, 2)], ids=str)
def test_settings_in_float64_leave_float32_parameters_alone(make, settings, shape):
    paths = []
    for convert in (lambda setting: setting, as_float64):
        p = Value(np.full(shape, 2.0, np.float32))
        optimizer = make([p], **{name: convert(part) for name, part in settings.items()})
        for _ in range(3):
            optimizer.zero_grad()
            (p * p).sum().backward()
            optimizer.step()
        assert p.dtype == np.float32
        for state in optimizer.state.values():
            for name, part in state.items():
                assert name == "step" or np.asarray(part).dtype == np.float32, name
        paths.append(p.data)
    np.testing.assert_array_equal(*paths)


@EACH
def test_a_learning_rate_scheduled_in_float64_leaves_float32_alone(make):
    p = Value(np.ones(3, np.float32))
    optimizer = make([p])
    for lr in np.linspace(0.1, 0.01, 3):
        optimizer.param_groups[0]["lr"] = lr
        p.grad = np.ones(3)
        optimizer.step()
    assert p.dtype == np.float32


@EACH
def test_arrays_taken_before_a_step_stay_as_they_were(make):
    model = nn.Linear(3, 2)
    optimizer = make(model.parameters())
    data, detached, state = model.weight.data, model.weight.detach(), model.state_dict()
    before = data.copy()
    for _ in range(3):
        train_step(model, optimizer)
    assert not np.array_equal(model.weight.data, before)
    for taken in (data, detached.data, state["weight"]):
        np.testing.assert_array_equal(taken, before)


@EACH
def test_a_graph_made_before_a_step_keeps_its_numbers(make):
    p = Value([2.0])
    optimizer = make([p])
    y = (p * p).sum()
    p.grad = [1.0]
    optimizer.step()
    p.grad = None
    y.backward()
    assert p.grad[0] == 4.0


@EACH
def test_changing_a_gradient_after_a_step_does_not_change_the_next(make):
    paths = []
    for change in (False, True):
        p = Value(START)
        optimizer = make([p])
        for g in GRADIENTS[:3]:
            p.grad = g.copy()
            optimizer.step()
            if change:
                p.grad *= 0
        paths.append(p.data)
    np.testing.assert_array_equal(*paths)


def test_a_step_leaves_the_gradient_as_it_is():
    for make in OPTIMIZERS.values():
        p = Value(START)
        p.grad = GRADIENTS[0]
        make([p]).step()
        np.testing.assert_array_equal(p.grad, GRADIENTS[0])


@EACH
def test_gradients_that_are_values_are_taken(make):
    p, q = Value(START), Value(START)
    one, other = make([p]), make([q])
    (p**3).sum().backward(create_graph=True)
    (q**3).sum().backward()
    one.step()
    other.step()
    np.testing.assert_array_equal(p.data, q.data)
    assert p.is_leaf


# ---- Saving and continuing


def groups(model):
    first, *others = model.parameters()
    return [{"params": [first], "lr": 0.01}, {"params": others}]


@EACH
@pytest.mark.parametrize(
    "transport", [copy.deepcopy, lambda state: pickle.loads(pickle.dumps(state))]
)
def test_training_continues_identically_from_saved_state(make, transport):
    model = nn.MLP(3, [4, 1], activation="tanh")
    optimizer = make(groups(model))
    for _ in range(5):
        train_step(model, optimizer)
    optimizer.param_groups[1]["lr"] = 0.02
    saved = transport((model.state_dict(), optimizer.state_dict()))
    for _ in range(5):
        train_step(model, optimizer)

    resumed = nn.MLP(3, [4, 1], activation="tanh")
    resumed.load_state_dict(saved[0])
    again = make(groups(resumed))
    again.load_state_dict(saved[1])
    for _ in range(5):
        train_step(resumed, again)
    for p, q in zip(model.parameters(), resumed.parameters(), strict=True):
        assert p.data.tobytes() == q.data.tobytes()


@EACH
def test_loaded_state_lies_in_memory_as_its_parameter(make):
    parameters = [Value(np.ones((3, 2), order=order)) for order in "CF"]
    optimizer = make(parameters)
    for p, order in zip(parameters, "CF", strict=True):
        p.grad = np.array(GRADIENTS[0], order=order)
    optimizer.step()
    assert [p.data.flags.c_contiguous for p in parameters] == [True, False]
    saved = optimizer.state_dict()
    for state in saved["state"].values():
        for name, part in state.items():
            state[name] = np.ascontiguousarray(part) if np.ndim(part) else part
    optimizer.load_state_dict(saved)
    for p in parameters:
        for part in optimizer.state.get(p, {}).values():
            assert np.ndim(part) == 0 or part.flags.c_contiguous == p.data.flags.c_contiguous


@EACH
def test_saved_state_does_not_follow_the_training(make):
    p = Value(START)
    optimizer = make([p])
    p.grad = GRADIENTS[0]
    optimizer.step()
    saved = optimizer.state_dict()
    snapshot = copy.deepcopy(saved)
    other = make([Value(START)])
    other.load_state_dict(saved)
    optimizer.param_groups[0]["lr"] = 9.0
    for g in GRADIENTS:
        p.grad = g
        optimizer.step()
        other.param_groups[0]["params"][0].grad = g
        other.step()
    assert saved["param_groups"] == snapshot["param_groups"]
    assert set(saved["state"]) == set(snapshot["state"])
    for number, state in snapshot["state"].items():
        for name, part in state.items():
            np.testing.assert_array_equal(saved["state"][number][name], part)


@EACH
def test_state_of_other_groups_is_refused(make):
    state = make([Value(1.0), Value(2.0)]).state_dict()
    with pytest.raises(ValueError, match=r"\[2\].*\[1\]"):
        make([Value(1.0)]).load_state_dict(state)


@pytest.mark.parametrize("kind", ["momentum", "Adam"])
def test_state_of_other_shapes_is_refused_and_changes_nothing(kind):
    make = OPTIMIZERS[kind]
    p, q = Value(np.ones(3)), Value(np.ones(2))
    p.grad, q.grad = np.ones(3), np.ones(2)
    optimizer, other = make([p]), make([q], lr=0.5)
    optimizer.step()
    with pytest.raises(ValueError, match=r"\(3,\).*\(2,\)"):
        other.load_state_dict(optimizer.state_dict())
    assert other.param_groups[0]["lr"] == 0.5
    other.step()


# ---- Mistakes


@pytest.mark.parametrize(
    ("make", "settings", "named"),
    [
        *[
            (make, settings, next(iter(settings)))
            for make in (optim.SGD, optim.Adam, optim.AdamW)
            for settings in (
                {"lr": -0.1},
                {"lr": math.nan},
                {"weight_decay": -0.1},
            )
        ],
        (optim.SGD, {"momentum": -0.1}, "momentum"),
        (optim.SGD, {"nesterov": True}, "nesterov"),
        (optim.SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "nesterov"),
        *[
            (make, settings, next(iter(settings)))
            for make in (optim.Adam, optim.AdamW)
            for settings in (
                {"eps": -1e-8},
                {"betas": (1.0, 0.9)},
                {"betas": (0.9, 1.0)},
                {"betas": (-0.1, 0.9)},
                {"betas": (0.9, math.nan)},
                {"betas": (0.9,)},
            )
        ],
    ],
)
def test_bad_settings_are_refused_in_the_call_and_in_a_group(make, settings, named):
    with pytest.raises(ValueError, match=named):
        make([Value(1.0)], **settings)
    with pytest.raises(ValueError, match=named):
        make([{"params": [Value(1.0)], **settings}])


@EACH
def test_an_unknown_setting_of_a_group_is_named(make):
    with pytest.raises(TypeError, match="learning_rate"):
        make([{"params": [Value(1.0)], "learning_rate": 0.1}])


@EACH
@pytest.mark.parametrize(
    ("params", "error", "match"),
    [
        ([], ValueError, "empty"),
        (Value(1.0), TypeError, "list"),
        ([1.0], TypeError, "float"),
        ([np.ones(2)], TypeError, "ndarray"),
    ],
)
def test_what_is_no_list_of_parameters_is_refused(make, params, error, match):
    with pytest.raises(error, match=match):
        make(params)


@EACH
def test_parameters_are_leaves_and_listed_once(make):
    p = Value(1.0)
    with pytest.raises(ValueError, match="leaf"):
        make([p * 2])
    with pytest.raises(ValueError, match="twice"):
        make([p, p])
    with pytest.raises(ValueError, match="twice"):
        make([{"params": [p]}, {"params": [p]}])


# ---- Clipping


def having(*gradients, dtype=np.float64):
    parameters = []
    for g in gradients:
        p = Value(np.zeros(np.shape(g), dtype))
        p.grad = g
        parameters.append(p)
    return parameters


@pytest.mark.parametrize(
    ("norm_type", "norm"),
    [(2, 13.0), (1, 19.0), (math.inf, 12.0), (3, (27 + 64 + 1728) ** (1 / 3))],
)
def test_clipping_by_norm_scales_all_gradients_together(norm_type, norm):
    a, b = having([3.0, -4.0], [[12.0]])
    assert optim.clip_grad_norm_([a, b], 2.0, norm_type) == pytest.approx(norm, rel=1e-14)
    np.testing.assert_allclose(a.grad, np.array([3.0, -4.0]) * 2 / norm, rtol=1e-6)
    np.testing.assert_allclose(b.grad, [[24.0 / norm]], rtol=1e-6)


def test_clipping_leaves_small_gradients_and_returns_their_norm():
    parameters = having([3.0, 4.0])
    assert optim.clip_grad_norm_(iter(parameters), 10.0) == 5.0
    np.testing.assert_array_equal(parameters[0].grad, [3.0, 4.0])


def test_clipping_by_value_limits_each_element():
    a, b = having([3.0, -4.0, 0.5], -9.0)
    optim.clip_grad_value_([a, b], 1.0)
    np.testing.assert_array_equal(a.grad, [1, -1, 0.5])
    assert b.grad == -1


def test_clipping_takes_one_value_and_skips_those_without_gradient():
    (p,) = having([3.0, 4.0])
    assert optim.clip_grad_norm_(p, 1.0) == 5.0
    optim.clip_grad_value_(p, 0.1)
    np.testing.assert_array_equal(p.grad, [0.1, 0.1])
    assert optim.clip_grad_norm_([Value(1.0)], 1.0) == 0
    optim.clip_grad_value_([Value(1.0)], 1.0)


@pytest.mark.parametrize("limit", [1.0, np.float64(1.0)])
def test_clipping_keeps_float32(limit):
    for clip in (optim.clip_grad_norm_, optim.clip_grad_value_):
        (p,) = having([3.0, 4.0], dtype=np.float32)
        clip([p], limit)
        assert p.grad.dtype == np.float32


def test_clipping_takes_gradients_that_are_values():
    for clip, expected in (
        (optim.clip_grad_norm_, [0.6, 0.8]),
        (optim.clip_grad_value_, [1.0, 1.0]),
    ):
        p = Value([1.5, 2.0])
        (p * p).sum().backward(create_graph=True)
        clip([p], 1.0)
        np.testing.assert_allclose(getattr(p.grad, "data", p.grad), expected, rtol=1e-6)


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_clipping_can_refuse_gradients_that_are_not_finite(bad):
    (p,) = having([1.0, bad])
    with pytest.raises(RuntimeError, match=str(bad)):
        optim.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)
    np.testing.assert_array_equal(p.grad, [1.0, bad])
