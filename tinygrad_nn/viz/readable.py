"""Derivative rules as readable text."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any


def readable(rule: Callable[..., Any]) -> str:
    """The body of a rule as source text: a lambda's expression, or a function's statements.

    Nothing where the source is not available. Raises TypeError if `rule` cannot be called.

    >>> import tinygrad_nn as tg
    >>> readable(tg.primitives["multiply"].rules["x"])
    'g * y'
    """
    if not callable(rule):
        raise TypeError(f"readable takes a function, not {type(rule).__name__}")
    code = getattr(inspect.unwrap(rule), "__code__", None)
    if code is None:
        return ""
    try:
        source = "".join(inspect.findsource(code)[0])
        tree = _parse(source)
    except (OSError, SyntaxError):
        return ""
    if code.co_name == "<lambda>":
        return _lambda_body(tree, source, code)
    return _function_body(tree, source, code)


@lru_cache(maxsize=16)
def _parse(source: str) -> ast.Module:
    return ast.parse(source)


def _lambda_body(tree: ast.Module, source: str, code: CodeType) -> str:
    """The expression of the lambda that was compiled to `code`."""
    found = [
        node.body
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda)
        and node.lineno == code.co_firstlineno
        and _parameters(node.args) == _names(code)
    ]
    if len(found) > 1:
        # What computes the whole of an expression has the position of the whole of it.
        positions = {
            (line, column, end_line, end_column)
            for line, end_line, column, end_column in code.co_positions()
        }
        found = [body for body in found if _position(body) in positions]
    if len(found) != 1:
        return ""
    text = ast.get_source_segment(source, found[0]) or ""
    return ast.unparse(found[0]) if "\n" in text else text


def _function_body(tree: ast.Module, source: str, code: CodeType) -> str:
    """The statements of the function that was compiled to `code`, without its docstring."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.FunctionDef)
            and node.name == code.co_name
            and code.co_firstlineno in (node.lineno, *(d.lineno for d in node.decorator_list))
            and _parameters(node.args) == _names(code)
        ):
            documented = ast.get_docstring(node, clean=False) is not None
            return _text(node.body[documented:], source)
    return ""


def _text(statements: Sequence[ast.stmt], source: str) -> str:
    if not statements:
        return ""
    first, last = statements[0], statements[-1]
    lines = source.split("\n")[first.lineno - 1 : last.end_lineno]
    # The parser counts columns in bytes.
    lines[-1] = lines[-1].encode()[: last.end_col_offset].decode()
    lines[0] = " " * first.col_offset + lines[0].encode()[first.col_offset :].decode()
    return textwrap.dedent("\n".join(lines)).strip()


def _parameters(arguments: ast.arguments) -> tuple[str, ...]:
    """The names of parameters, in the order in which a code object has them."""
    listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    starred = [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
    return tuple(argument.arg for argument in [*listed, *starred])


def _names(code: CodeType) -> tuple[str, ...]:
    starred = [inspect.CO_VARARGS, inspect.CO_VARKEYWORDS]
    count = code.co_argcount + code.co_kwonlyargcount
    count += sum(bool(code.co_flags & flag) for flag in starred)
    return code.co_varnames[:count]


def _position(body: ast.expr) -> tuple[int | None, ...]:
    return body.lineno, body.col_offset, body.end_lineno, body.end_col_offset
