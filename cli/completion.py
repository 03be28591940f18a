"""``completion``: what a shell needs to complete commands and options, made from the parser itself."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from cli.context import Context
from cli.errors import CLEAN
from cli.parser import PROGRAM, Commands

_BASH = """_{program}() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" command="" each
  for each in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case "$each" in
      {commands}) command="$each"; break ;;
    esac
  done
  case "$command" in
{cases}
    *) COMPREPLY=($(compgen -W "{words}" -- "$word")) ;;
  esac
}}
complete -o default -F _{program} {program}
"""


def add(commands: Commands, parser: argparse.ArgumentParser) -> None:
    """The command itself; it completes what ``parser`` has."""

    def run(context: Context) -> int:
        context.output.out.write(script(context.options.shell, parser))
        return CLEAN

    found = commands.add("completion", run, "what a shell needs to complete this command line")
    found.add_argument("shell", choices=("bash", "zsh", "fish"), help="eval it, or put it where the shell looks")


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """The completion script for ``shell``."""
    commands = _commands(parser)
    if shell == "fish":
        return _fish(commands)
    cases = "\n".join(
        f'    {name}) COMPREPLY=($(compgen -W "{" ".join(_words(command))}" -- "$word")) ;;'
        for name, command in commands.items()
    )
    words = " ".join([*commands, *_words(parser)])
    text = _BASH.format(program=PROGRAM, commands="|".join(commands), cases=cases, words=words)
    return f"autoload -U +X bashcompinit && bashcompinit\n{text}" if shell == "zsh" else text


def _fish(commands: Mapping[str, argparse.ArgumentParser]) -> str:
    lines = [f"complete -c {PROGRAM} -f"]
    for name, command in commands.items():
        summary = (command.description or "").replace("'", "")
        lines.append(f"complete -c {PROGRAM} -n __fish_use_subcommand -a {name} -d '{summary}'")
        for word in _words(command):
            option = f"-l {word[2:]}" if word.startswith("--") else f"-a {word}"
            lines.append(f"complete -c {PROGRAM} -n '__fish_seen_subcommand_from {name}' {option}")
    return "\n".join(lines) + "\n"


def _commands(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _words(parser: argparse.ArgumentParser) -> list[str]:
    """Options and fixed values, each once, in order."""
    words: dict[str, None] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            continue
        words |= dict.fromkeys(option for option in action.option_strings if option.startswith("--"))
        if not action.option_strings and action.choices:
            words |= dict.fromkeys(map(str, action.choices))
    return list(words)
