#!/usr/bin/env python3
"""Colophon's commands: ``manage.py up`` serves; ``manage.py help`` lists the rest."""

import os
import sys

# No newer syntax than Python 3.6 in this file: an old Python must reach the sentence that names it.
WITHOUT_DATABASE = {
    "", "check", "collectstatic", "compilemessages", "demo", "diffsettings", "help", "makemessages",
    "makemigrations", "spectacular", "up", "version", "--help", "--version", "-h",
}  # fmt: skip
TOO_OLD = """\
colophon: Python 3.11 or newer is needed, and this is {0}.{1}.
          需要 Python 3.11 或更高版本，当前为 {0}.{1}。"""
MISSING = """\
colophon: the package {0} is not installed here. Run make, or install Colophon into this Python.
          缺少软件包 {0}。请运行 make，或将 Colophon 安装到此 Python。"""


def main():
    """Run one command, with the embedded database beside it for as long as it lasts."""
    if sys.version_info < (3, 11):  # noqa: UP036  here is where an older one is told
        sys.exit(TOO_OLD.format(*sys.version_info))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
    try:
        from django.core.management import execute_from_command_line

        from server.command_line import embedded_database, errors
        from server.environment import environment
    except ModuleNotFoundError as error:
        sys.exit(MISSING.format(error.name))
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name == "up":
        take_address(sys.argv[2:])
    settings = environment()
    try:
        if name not in WITHOUT_DATABASE or name == "up":
            embedded_database.check_home(settings)
        if name in WITHOUT_DATABASE or not settings.is_database_embedded:
            execute_from_command_line(sys.argv)
        else:
            with embedded_database.running(settings):
                execute_from_command_line(sys.argv)
    except errors.Fault as fault:
        errors.leave(fault)
    except KeyboardInterrupt:
        sys.exit(130)


def take_address(words):
    """Put --host and --port into the environment, where settings and every child process read them."""
    import argparse

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--host")
    parser.add_argument("--port")
    for name, value in vars(parser.parse_known_args(words)[0]).items():
        if value is not None:
            os.environ["COLOPHON_" + name.upper()] = value


if __name__ == "__main__":
    main()
