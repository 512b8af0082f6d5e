"""Derivative rules as text."""

import ast
import functools
import inspect
import linecache
import textwrap

import numpy as np
import pytest
from derivatives import PRIMITIVES

import tinygrad_nn as tg
from tinygrad_nn.viz.readable import readable

PAIR = (lambda g, x: g * x, lambda g, y: g / y)
SAME = (lambda g: g + 1, lambda g: g - 1, lambda g: g)
NESTED = lambda g: (lambda g: -g)(g)  # noqa: E731
ACCENTED = ("é", lambda g: g * 2)[1]
LONG = lambda g, x: (  # noqa: E731
    g  # of the output
    * x
)


def documented(g, x):
    """Not part of the rule."""
    # Twice, as x is used twice.
    doubled = 2 * x
    if x is None:
        return g
    return g * doubled


def on_one_line(g): return g * 3  # fmt: skip


def only_documented(g):
    """Nothing to say."""


def starred(g, *xs, axis=None, **options):
    return g, xs, axis, options


@functools.cache
def decorated(g):
    return g


@pytest.mark.parametrize(
    ("name", "x", "text"),
    [
        ("multiply", "x", "g * y"),
        ("multiply", "y", "g * x"),
        ("subtract", "x", "g"),
        ("subtract", "y", "-g"),
        ("tanh", "x", "g * (1 - out * out)"),
    ],
)
def test_the_rule_of_a_primitive_reads_as_in_its_table(name, x, text):
    assert readable(tg.primitives[name].rules[x]) == text


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (PAIR[0], "g * x"),
        (PAIR[1], "g / y"),
        (SAME[0], "g + 1"),
        (SAME[1], "g - 1"),
        (SAME[2], "g"),
        (NESTED, "(lambda g: -g)(g)"),
        (ACCENTED, "g * 2"),
        (LONG, "g * x"),
    ],
)
def test_a_lambda_is_told_from_others_in_its_statement(rule, text):
    assert readable(rule) == text


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (documented, "doubled = 2 * x\nif x is None:\n    return g\nreturn g * doubled"),
        (on_one_line, "return g * 3"),
        (only_documented, ""),
        (starred, "return g, xs, axis, options"),
        (decorated, "return g"),
    ],
)
def test_a_function_reads_as_its_statements_without_the_docstring(rule, text):
    assert readable(rule) == text


def test_every_rule_of_the_package_has_its_own_text():
    assert PRIMITIVES
    for primitive in PRIMITIVES:
        for rule in primitive.rules.values():
            text = readable(rule)
            assert text, primitive
            ast.parse(f"def rule():\n{textwrap.indent(text, '    ')}")


def test_a_rule_without_source_has_no_text():
    unseen = eval("lambda g: g * 2")
    assert readable(unseen) == ""
    assert readable(np.negative) == ""
    assert readable(len) == ""


def test_a_rule_whose_file_has_changed_has_no_text(tmp_path):
    path = tmp_path / "changing.py"
    path.write_text("rule = lambda g, x: g * x\n")
    scope = {}
    exec(compile(path.read_text(), path, "exec"), scope)
    assert readable(scope["rule"]) == "g * x"
    path.write_text("def other(:\n")
    linecache.checkcache()
    assert readable(scope["rule"]) == ""
    path.write_text("rule = lambda g, other: g * other\n")
    linecache.checkcache()
    assert readable(scope["rule"]) == ""


def test_what_a_decorator_wraps_is_read():
    @functools.wraps(documented)
    def wrapper(*args):
        return documented(*args)

    assert readable(wrapper) == readable(documented)


def test_what_cannot_be_called_is_no_rule():
    with pytest.raises(TypeError, match="function, not str"):
        readable("g * y")


def test_the_text_of_a_lambda_computes_what_the_lambda_does():
    for rule in (*PAIR, *SAME, LONG):
        names = list(inspect.signature(rule).parameters)
        numbers = dict(zip(names, (3.0, 5.0), strict=False))
        assert eval(readable(rule), dict(numbers)) == rule(**numbers)
