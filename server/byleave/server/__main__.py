"""`python -m byleave.server` is the same as `byleave`."""

import sys


def main() -> None:
    """Run the command line, or say what it needs where only the base is installed."""
    try:
        from byleave.server.commands import run
    except ModuleNotFoundError as error:
        sys.stderr.write(f"the command line needs {error.name}: pip install 'byleave[server]'\n")
        sys.exit(2)
    run()


if __name__ == "__main__":
    main()
