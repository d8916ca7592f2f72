"""The command tree, and what happens to errors."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer

from scenograph.cli import (
    audit,
    bench,
    collections,
    connection,
    datasets,
    demo,
    evaluate,
    graphs,
    health,
    index,
    ingest,
    ingest_bulk,
    key,
    methods,
    pack,
    packs,
    search,
    serving,
    trace,
    train,
)
from scenograph.cli.output import print_error, print_position
from scenograph.client import ScenographError

app = typer.Typer(
    name="scenograph",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.callback()(connection.connecting)
app.command("serve")(serving.serve)
app.add_typer(key.app, name="key", help="Make API keys.")
app.add_typer(audit.app, name="audit", help="Check the audit log.")
app.command("health")(health.health)
app.add_typer(pack.app, name="pack", help="Build, list and verify model packs.")
app.add_typer(packs.app, name="packs", help="Load, switch and unload the packs of a running server.")
app.add_typer(collections.app, name="collections", help="List, create, delete and re-encode collections.")
app.add_typer(index.app, name="index", help="Look after an index folder on this machine.")
app.command("ingest")(ingest.ingest)
app.command("ingest-bulk")(ingest_bulk.ingest_bulk)
app.command("search")(search.search)
app.command("parse")(graphs.parse)
app.command("describe")(graphs.describe)
app.add_typer(datasets.app, name="datasets", help="The datasets that training and evaluation read.")
app.add_typer(evaluate.app, name="evaluate", help="Measure what is found, with reports.")
app.add_typer(bench.app, name="bench", help="Load on a server, and benchmarks of parts.")
app.command("train")(train.train)
app.add_typer(methods.app, name="methods", help="The published methods that can be trained.")
app.command("trace")(trace.trace)
app.command("demo")(demo.demo)


BUILD_MODULES = frozenset(
    ("h5py", "onnx", "onnxscript", "safetensors", "skimage", "tensorboard", "torch", "torch_geometric")
)
REPORT_MODULES = frozenset(("jinja2", "markupsafe", "matplotlib"))
BULK_MODULES = frozenset(("pyarrow", "ray"))


def run(arguments: list[str] | None = None) -> None:
    """Run the command line. A known error is one line on standard error and exit code 1."""
    try:
        app(args=arguments)
    except ModuleNotFoundError as error:
        _tell_extra((error.name or "").partition(".")[0], error)
    except ScenographError as error:
        _fail(error, error.position)
    except Exception as error:
        if not _is_domain_error(error):
            raise
        _fail(error, getattr(error, "position", None))


def _tell_extra(module: str, error: ModuleNotFoundError) -> NoReturn:
    """Say which extra has a module that a command needs."""
    if module in {"", "scenograph"}:
        raise error
    extras = {"pack": BUILD_MODULES, "evaluate": REPORT_MODULES, "bulk": BULK_MODULES}
    extra = next((name for name, modules in extras.items() if module in modules), "serve")
    print_error(f"this command needs {module}, which is not installed: pip install 'scenograph[{extra}]'")
    sys.exit(1)


def _fail(error: Exception, position: int | None) -> None:
    print_error(str(error))
    query = next((note for note in getattr(error, "__notes__", ()) if note), None)
    if query is not None and position is not None:
        print_position(query, position)
    sys.exit(1)


def _is_domain_error(error: Exception) -> bool:
    """scenograph's own errors (their module is there where a command needed it), and those of files."""
    domain = sys.modules.get("scenograph.scene.errors")
    return isinstance(error, OSError | ValueError) or (
        domain is not None and isinstance(error, domain.ScenographError)
    )
