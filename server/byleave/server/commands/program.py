"""The program that gathers the commands.

Each command lives in a module of its own and imports what it needs when it runs, so that
`byleave --help` and `byleave validate` do not wait for NumPy.
"""

from importlib.metadata import version
from typing import Annotated

import typer

from byleave.server.commands.abuse import purge, thaw
from byleave.server.commands.best_arm import best_arm
from byleave.server.commands.consent import decode
from byleave.server.commands.demo import demo
from byleave.server.commands.explain import explain
from byleave.server.commands.export import export
from byleave.server.commands.fmt import fmt
from byleave.server.commands.init import init
from byleave.server.commands.inspect import config, doctor
from byleave.server.commands.keys import (
    create_key,
    end_key,
    list_keys,
    remove_key,
    rotate_key,
    rotate_receipts,
)
from byleave.server.commands.lift import lift
from byleave.server.commands.off_policy import off_policy
from byleave.server.commands.plan import plan as plan_time
from byleave.server.commands.print_schema import print_schema
from byleave.server.commands.proxy import proxy
from byleave.server.commands.pull import pull
from byleave.server.commands.push import plan, push
from byleave.server.commands.replay import replay
from byleave.server.commands.rewrite import rewrite
from byleave.server.commands.run_tests import run_tests
from byleave.server.commands.sample_ratio import srm
from byleave.server.commands.serve import serve, worker
from byleave.server.commands.simulate import simulate
from byleave.server.commands.store import backup, migrate, rebuild, restore, retain
from byleave.server.commands.two_sample import two_sample
from byleave.server.commands.users import add_user, change_user, list_users, remove_user
from byleave.server.commands.validate import validate


def _group(about: str) -> typer.Typer:
    return typer.Typer(
        help=about, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
    )


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"byleave {version('byleave')}")
        raise typer.Exit


program = _group("Website personalisation that asks first.")


@program.callback()
def _about(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell the version."),
    ] = False,
) -> None:
    """Website personalisation that asks first."""


program.command("init")(init)
program.command("validate")(validate)
program.command("fmt")(fmt)
program.command("test")(run_tests)
program.command("explain")(explain)
program.command("rewrite")(rewrite)
program.command("schema")(print_schema)
program.command("simulate")(simulate)
program.command("plan")(plan)
program.command("push")(push)
program.command("pull")(pull)
program.command("serve")(serve)
program.command("worker")(worker)
program.command("config")(config)
program.command("doctor")(doctor)
program.command("migrate")(migrate)
program.command("backup")(backup)
program.command("restore")(restore)
program.command("retain")(retain)
program.command("rebuild")(rebuild)
program.command("purge")(purge)
program.command("thaw")(thaw)
program.command("replay")(replay)
program.command("export")(export)
program.command("proxy")(proxy)
program.command("demo")(demo)

users = _group("People who may sign in to a site's console.")
users.command("add")(add_user)
users.command("list")(list_users)
users.command("change")(change_user)
users.command("remove")(remove_user)
program.add_typer(users, name="users")

keys = _group("Keys of a site.")
keys.command("create")(create_key)
keys.command("list")(list_keys)
keys.command("rotate")(rotate_key)
keys.command("end")(end_key)
keys.command("remove")(remove_key)
keys.command("rotate-receipts")(rotate_receipts)
program.add_typer(keys, name="keys")

consent = _group("What consent strings say.")
consent.command("decode")(decode)
program.add_typer(consent, name="consent")

stats = _group("Statistics for analysts: JSON in on standard input, JSON out.")
stats.command("best-arm")(best_arm)
stats.command("lift")(lift)
stats.command("srm")(srm)
stats.command("two-sample")(two_sample)
stats.command("off-policy")(off_policy)
stats.command("plan")(plan_time)
program.add_typer(stats, name="stats")


def run() -> None:
    """Run the command that the arguments name."""
    program()
