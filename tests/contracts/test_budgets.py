"""No file, class or function outgrows its budget."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "src").rglob("*.py"))
BUDGETS = {
    "lines of the file": 400,
    "code lines of the class": 200,
    "methods": 15,
    "code lines of the function": 50,
    "arguments": 6,
}


def lines_of_code(source: str, tree: ast.AST) -> set[int]:
    """Return the numbers of the lines that are neither blank, nor a comment, nor part of a text that stands alone."""
    told = (line.lstrip() for line in source.splitlines())
    code = {number for number, line in enumerate(told, start=1) if line and line[0] != "#"}
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                code.difference_update(range(node.lineno, node.end_lineno + 1))
    return code


def measures(source: str) -> Iterator[tuple[str, str, int]]:
    """Yield where, what and how much, for all that has a budget."""
    tree = ast.parse(source)
    code = lines_of_code(source, tree)
    yield "1", "lines of the file", len(source.splitlines())
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef():
                functions = [n for n in node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
                sizes = {"code lines of the class": _size(node, code), "methods": len(functions)}
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                sizes = {"code lines of the function": _size(node, code), "arguments": _arguments(node)}
            case _:
                continue
        yield from ((f"{node.lineno} {node.name}", what, size) for what, size in sizes.items())


def _size(node: ast.stmt, code: set[int]) -> int:
    return len(code.intersection(range(node.lineno, node.end_lineno + 1)))


def _arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    named = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    return len({argument.arg for argument in named} - {"self", "cls"})


def excesses(source: str) -> list[str]:
    """Return one sentence per budget that the source exceeds."""
    return [f"{where}: {n} {what}, at most {BUDGETS[what]}" for where, what, n in measures(source) if n > BUDGETS[what]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT / "src").as_posix())
def test_file_keeps_its_budgets(path: Path) -> None:
    assert excesses(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("x = 1\n" * 401, "lines of the file"),
        ("def f():\n" + "    x = 1\n" * 50, "code lines of the function"),
        ("class C:\n" + "    x = 1\n" * 200, "code lines of the class"),
        ("class C:\n" + "".join(f"    def f{i}(self): ...\n" for i in range(16)), "methods"),
        ("def f(a, b, /, c, d, *, e, f, g): ...", "arguments"),
    ],
)
def test_every_excess_is_told(source: str, what: str) -> None:
    assert [told for told in excesses(source) if what in told]


def test_texts_comments_and_blanks_are_free() -> None:
    body = '    """A\n\n    text.\n    """\n' + "    # why\n\n" * 60 + "    x = 1\n" * 49
    assert excesses(f"def f(self, a, b, c, d, e, f, *rest, **more):\n{body}") == []
