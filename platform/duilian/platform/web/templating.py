"""Templates of one language, in which the words of fixed keys stand already when they are compiled.

`t("welcome.title")` becomes text of the template, escaped like all text, and is not looked up again for each page;
`t(key, name=…)` and keys that are put together remain calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, nodes
from jinja2.visitor import NodeTransformer

Words = Callable[..., str]  # a key and what is put into its words


class InLanguage(Environment):
    """t: the words of the language. Raises KeyError on compiling a template with a key that does not exist."""

    def __init__(self, t: Words, **options: Any) -> None:
        super().__init__(**options)
        self.globals["t"] = t
        self._fixed = _FixedWords(t)

    def _generate(self, source: nodes.Template, *where: Any, **options: Any) -> str:
        """Jinja's hook between reading a template and compiling it. Any: where it came from, and how."""
        return super()._generate(self._fixed.visit(source), *where, **options)


class _FixedWords(NodeTransformer):
    def __init__(self, t: Words) -> None:
        self._t = t

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # Jinja finds it by this name
        match self.generic_visit(node):
            case nodes.Call(node=nodes.Name(name="t"), args=[nodes.Const(value=key)], kwargs=[]) as call:
                return nodes.Const(self._t(key), lineno=call.lineno, environment=call.environment)
            case other:
                return other
