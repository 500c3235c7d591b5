"""Write the blocking face of the SDK.

    tools/python tools/make_blocking.py           write them
    tools/python tools/make_blocking.py --check   exit 1 where they are not what would be written

That is ``src/headrace/blocking/_generated.py``, and ``src/headrace/blocking/sdk/`` with the official client's module
names for its classes. Signatures and docstrings are taken from the async classes; each method becomes one call to the portal.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import difflib
import inspect
import subprocess
import sys
import textwrap
import typing
from pathlib import Path
from types import FunctionType, ModuleType

import headrace
from headrace.model import records

ROOT = Path(__file__).resolve().parent.parent
BLOCKING = ROOT / "src" / "headrace" / "blocking"
TARGET = BLOCKING / "_generated.py"
CLASSES = (
    "Tag",
    "Label",
    "LabelGroup",
    "Job",
    "Processing",
    "DataSource",
    "Data",
    "MultiData",
    "Rectangle",
    "Polygon",
    "Line",
    "Point",
    "Classification",
    "Mask",
    "Annotation",
    "MultiAnnotation",
    "Asset",
    "MultiAsset",
    "Datalake",
    "User",
    "Worker",
    "AnnotationCampaignStep",
    "AnnotationCampaignAssignment",
    "AnnotationCampaign",
    "DatasetVersion",
    "Dataset",
    "Client",
)
"""The classes of the SDK that get a blocking twin, by their public names, in the order of the module."""
NAMES = set(CLASSES)
MODULES = BLOCKING / "sdk"
HOMES = {"DataSource": "datasource"}
"""Official modules that are not called like their class."""
GIVEN = {"Any", "Face", "Iterator", "Self"}
RENAMED = {"aclose": "close"}
LIST_METHODS = {"insert", "extend", "append", "pop", "remove", "clear", "index", "count", "reverse"}
WORDS = (
    ("headrace.connect`", "headrace.blocking.connect`"),
    ("use it as an async context manager", "use it with ``with``"),
    ("``await listing`` gives", "the answer is"),
)
HEADER = '''"""The blocking face of the SDK. Made by tools/make_blocking.py: change the async classes, then run it."""
'''


def main() -> int:
    """Write the files, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--check", action="store_true", help="only compare; exit 1 on a difference")
    options = parser.parse_args()
    made = {path: formatted(source, path) for path, source in [(TARGET, generate()), *modules()]}
    have = {
        path: path.read_text(encoding="utf-8")
        for path in [TARGET, *MODULES.glob("*.py")]
        if path.exists()
    }
    if made == have:
        return 0
    if options.check:
        for path in sorted(made.keys() | have.keys()):
            show(path, have.get(path, ""), made.get(path, ""))
        print("the blocking face has drifted: run tools/python tools/make_blocking.py")
        return 1
    MODULES.mkdir(exist_ok=True)
    for path in have.keys() - made.keys():
        path.unlink()
    for path, source in made.items():
        path.write_text(source, encoding="utf-8")
    return 0


def show(path: Path, have: str, made: str) -> None:
    """Print how a file differs."""
    name = str(path.relative_to(ROOT))
    diff = difflib.unified_diff(have.splitlines(), made.splitlines(), name, "made now", lineterm="")
    print("\n".join(list(diff)[:60]))


def home(name: str) -> str:
    """The official module that a class is in."""
    one = name.removeprefix("Multi")
    words = "".join(f"_{each.lower()}" if each.isupper() else each for each in one)
    return HOMES.get(one, words.removeprefix("_"))


def modules() -> list[tuple[Path, str]]:
    """The official client's modules of these classes: one for each class, together with its ``Multi`` one."""
    names: dict[str, list[str]] = {}
    for name in CLASSES:
        if name != "Client":
            names.setdefault(home(name), []).append(name)
    made = [(MODULES / "__init__.py", '"""Where the official client keeps its classes."""\n')]
    for module, found in names.items():
        listed = ", ".join(found)
        public = ", ".join(f'"{name}"' for name in found)
        source = f'"""The official client\'s name for {found[0]}."""\n\n'
        source += f"from headrace.blocking._generated import {listed}\n\n__all__ = [{public}]\n"
        made.append((MODULES / f"{module}.py", source))
    return made


def formatted(source: str, path: Path) -> str:
    """The source in the house's format."""
    ruff = [str(Path(sys.executable).parent / "ruff")]
    name = ["--stdin-filename", str(path)]
    sorted_imports = subprocess.run(
        [*ruff, "check", "--quiet", "--fix", "--select", "I", *name, "-"],
        input=source, capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    done = subprocess.run(
        [*ruff, "format", "--quiet", *name, "-"],
        input=sorted_imports.stdout, capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    return done.stdout


def generate() -> str:
    """The whole module."""
    imports = Imports()
    bodies = [face(getattr(headrace, name), imports) for name in CLASSES]
    faces = "".join(f"FACES[{alias(name)}] = {name}\n" for name in CLASSES)
    return "\n".join([HEADER, imports.source(), *bodies, faces])


def alias(name: str) -> str:
    """The name of the async class in the generated module."""
    return f"Async{name}"


class Imports:
    """What the generated annotations need."""

    def __init__(self) -> None:
        self._lines: set[str] = {
            "from collections.abc import Iterator",
            "from types import TracebackType",
            "from typing import Any, Self",
            "from headrace.blocking.face import FACES, Face, Many, wrap",
            "from headrace.blocking.portal import portal",
        }
        self._lines |= {
            f"from {getattr(headrace, name).__module__} import {name} as {alias(name)}"
            for name in CLASSES
        }

    def need(self, node: ast.AST, home: ModuleType) -> None:
        """Import every name under ``node`` from where its own module has it."""
        for name in {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}:
            if name in NAMES or name in GIVEN or hasattr(builtins, name):
                continue
            self._lines.add(origin(name, home))

    def source(self) -> str:
        """The import statements."""
        return "from __future__ import annotations\n\n" + "\n".join(sorted(self._lines))


def origin(name: str, home: ModuleType) -> str:
    """The import statement that gives ``home`` this name."""
    for node in ast.walk(ast.parse(inspect.getsource(home))):
        if isinstance(node, ast.ImportFrom):
            for each in node.names:
                if (each.asname or each.name) == name:
                    suffix = f" as {each.asname}" if each.asname else ""
                    return f"from {node.module} import {each.name}{suffix}"
    if hasattr(records, name):
        return f"from headrace.model.records import {name}"
    if name in vars(home):
        return f"from {home.__name__} import {name}"
    raise LookupError(f"{home.__name__} has no {name}")


def face(cls: type, imports: Imports) -> str:
    """One blocking class."""
    inner = alias(cls.__name__)
    one = cls.__name__.removeprefix("Multi")
    base = f"Many[{inner}, {one}]" if one != cls.__name__ else f"Face[{inner}]"
    lines = [
        f"class {cls.__name__}({base}):",
        doc(inspect.getdoc(cls) or "", 4),
        "    __slots__ = ()",
        "",
    ]
    for name in members(cls):
        attribute = inspect.getattr_static(cls, name)
        if isinstance(attribute, property):
            lines.append(property_face(name, attribute, imports))
        elif isinstance(attribute, FunctionType) and not skipped(cls, name):
            lines.append(method_face(name, attribute, imports))
    lines += [slot_face(name, cls, imports) for name in slots(cls)]
    if cls.__name__ == "Client":
        lines.append(CONTEXT)
    return "\n".join(lines) + "\n"


CONTEXT = """
    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
"""


def members(cls: type) -> list[str]:
    """The public members in the order of the source, those of the class itself before those of its bases."""
    found: dict[str, None] = {}
    for each in cls.__mro__:
        if each.__module__.startswith("headrace.sdk"):
            found |= dict.fromkeys(name for name in vars(each) if not name.startswith("_"))
    return list(found)


def slots(cls: type) -> list[str]:
    """The plain attributes that people may look at."""
    own = [each for base in cls.__mro__ for each in getattr(base, "__slots__", ())]
    return [name for name in dict.fromkeys(own) if not name.startswith("_") and name != "session"]


def skipped(cls: type, name: str) -> bool:
    """Whether the hand-written list base has the method already."""
    return cls.__name__.startswith("Multi") and name in LIST_METHODS


def parsed(function: FunctionType) -> ast.FunctionDef | ast.AsyncFunctionDef:
    """A function as its source has it."""
    tree = Retype().visit(ast.parse(textwrap.dedent(inspect.getsource(function))))
    node = tree.body[0]
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    return node


class Retype(ast.NodeTransformer):
    """What async handles have as a base, in the words of the blocking ones."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """One name."""
        if node.id == "Taggable":
            return ast.Subscript(ast.Name("Face"), ast.Name("Any"))
        return node


def property_face(name: str, attribute: property, imports: Imports) -> str:
    """A property that shows the inner one."""
    getter = attribute.fget
    assert isinstance(getter, FunctionType)
    node = parsed(getter)
    assert node.returns is not None
    imports.need(node.returns, sys.modules[getter.__module__])
    answer = ast.unparse(node.returns)
    if any(isinstance(each, ast.Name) and each.id in NAMES for each in ast.walk(node.returns)):
        body = f"        answer: {answer} = wrap(self._inner.{name})\n        return answer\n"
    else:
        body = f"        return self._inner.{name}\n"
    return (
        f"    @property\n    def {name}(self) -> {answer}:\n"
        f"{doc(inspect.getdoc(getter) or '', 8)}\n{body}"
    )


def slot_face(name: str, cls: type, imports: Imports) -> str:
    """A plain attribute of the inner handle, as a property."""
    types = {
        "annotation_id": "UUID",
        "asset_id": "UUID",
        "campaign_id": "UUID",
        "dataset_version_id": "UUID",
        "report": "TransferReport | None",
    }
    if name == "record":
        kind = record_type(cls)
        words = "What was last read of it."
    elif name == "records":
        kind = f"Records[{record_type(cls)}]"
        words = "What was last read of them."
        imports.need(ast.parse("Records"), sys.modules["headrace.sdk.base.collection"])
    else:
        kind = types[name]
        words = {
            "annotation_id": "The id of the annotation.",
            "asset_id": "The id of the asset.",
            "report": "What came of the upload, where they come from one.",
        }.get(name, "The id of the version.")
    named = record_type(cls) if name == "records" else kind
    imports.need(ast.parse(named), sys.modules[cls.__module__])
    return f'    @property\n    def {name}(self) -> {kind}:\n        """{words}"""\n        return self._inner.{name}\n'


def record_type(cls: type) -> str:
    """The type of a handle's records, from its generic base."""
    for each in cls.__mro__:
        for base in getattr(each, "__orig_bases__", ()):
            arguments = typing.get_args(base)
            if arguments and not isinstance(arguments[0], typing.TypeVar):
                first = arguments[0]
                return (
                    first.__name__
                    if isinstance(first, type)
                    else str(first).replace("headrace.model.records.", "")
                )
    raise LookupError(f"{cls.__name__} has no record")


def method_face(name: str, function: FunctionType, imports: Imports) -> str:
    """A method that asks the portal, with its overloads."""
    overloads = typing.get_overloads(function)
    heads = [
        head(parsed(each), name, each, imports, "@overload")
        for each in overloads
        if isinstance(each, FunctionType)
    ]
    if overloads:
        imports.need(ast.parse("overload"), sys.modules[function.__module__])
    node = parsed(function)
    lines = [text + " ..." for text in heads]
    lines += [head(node, name, function, imports), doc(inspect.getdoc(function) or "", 8)]
    lines.append(call(node, name))
    return "\n".join(lines) + "\n"


def head(
    node: ast.FunctionDef | ast.AsyncFunctionDef,
    name: str,
    function: FunctionType,
    imports: Imports,
    decorator: str = "",
) -> str:
    """The ``def`` line."""
    home = sys.modules[function.__module__]
    answer = blocking_type(node)
    imports.need(node.args, home)
    imports.need(answer, home)
    before = f"    {decorator}\n" if decorator else ""
    return (
        f"{before}    def {RENAMED.get(name, name)}({ast.unparse(node.args)})"
        f" -> {ast.unparse(answer)}:"
    )


def blocking_type(node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.expr:
    """What the blocking method returns: all of a listing, a plain iterator, or the same."""
    answer = node.returns
    assert answer is not None
    if isinstance(answer, ast.Subscript) and isinstance(answer.value, ast.Name):
        if answer.value.id == "Listing":
            assert isinstance(answer.slice, ast.Tuple)
            return answer.slice.elts[2]
        if answer.value.id == "AsyncIterator":
            return ast.Subscript(ast.Name("Iterator"), answer.slice)
    return answer


def call(node: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> str:
    """The body: hand everything on."""
    arguments = node.args
    given = [arg.arg for arg in [*arguments.posonlyargs, *arguments.args][1:]]
    given += [f"{arg.arg}={arg.arg}" for arg in arguments.kwonlyargs]
    if arguments.kwarg:
        given.append(f"**{arguments.kwarg.arg}")
    handed = ", ".join([f"self._inner.{name}", *given])
    answer = ast.unparse(blocking_type(node))
    waits = isinstance(node, ast.AsyncFunctionDef)
    if answer.startswith("Iterator["):
        return f"        return self._iterate({handed})"
    if not waits and not (node.returns and ast.unparse(node.returns).startswith("Listing[")):
        return f"        answer: {answer} = wrap(self._inner.{name}({', '.join(given)}))\n        return answer"
    if name == "aclose":
        return f"        self._call({handed})\n        portal().forget(self._session)"
    if answer == "None":
        return f"        self._call({handed})"
    return f"        answer: {answer} = self._call({handed})\n        return answer"


def doc(text: str, indent: int) -> str:
    """A docstring, with the words of blocking code."""
    for old, new in WORDS:
        text = text.replace(old, new)
    space = " " * indent
    lines = text.splitlines()
    if len(lines) == 1:
        return f'{space}"""{text}"""'
    body = "\n".join(f"{space}{line}".rstrip() for line in lines[1:])
    return f'{space}"""{lines[0]}\n{body}\n{space}"""'


if __name__ == "__main__":
    sys.exit(main())
