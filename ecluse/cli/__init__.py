"""The `ecluse` command: one module per group of commands; what is heavy to import is imported inside them.

Exit status: 0, 1 for a failed check or something out of reach, 2 for bad usage or a wrong configuration.
"""

import typer

from ecluse.cli import check, demo, draw, journal, operator, page, passes, room, run, simulate

app = typer.Typer(
    name="ecluse",
    help="A fair, provable virtual waiting room in front of a small booking system.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
demo.add_to(app)
run.add_to(app)
check.add_to(app)
simulate.add_to(app)
app.add_typer(room.app, name="room")
app.add_typer(journal.app, name="journal")
app.add_typer(passes.app, name="pass")
app.add_typer(operator.app, name="operator")
app.add_typer(draw.app, name="draw")
app.add_typer(page.app, name="page")


def main() -> None:
    """Run the command named by the arguments; never returns."""
    app(prog_name="ecluse")
