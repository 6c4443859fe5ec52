"""`poly doctor`: what works on this machine, and what to mend."""

import click

from poly_tui.commands.findings import Finding, State, examine
from poly_tui.commands.listing import print_json
from poly_tui.settings import Settings, pass_settings

__all__ = ["command"]

_MARKS = {State.OK: ("ok", "green"), State.WARNING: ("!", "yellow"), State.BROKEN: ("✗", "red")}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
@pass_settings
def command(settings: Settings, *, as_json: bool) -> int:
    """Say what works on this machine, and what to mend.

    The exit code is 1 if something that is needed does not work.
    """
    findings = list(examine(settings))
    is_healthy = all(finding.state is not State.BROKEN for finding in findings)
    if as_json:
        print_json({"ok": is_healthy, "findings": [_as_json(finding) for finding in findings]})
    else:
        for finding in findings:
            _print(finding)
    return 0 if is_healthy else 1


def _as_json(finding: Finding) -> dict[str, str | None]:
    return {
        "state": finding.state.value,
        "subject": finding.subject,
        "text": finding.text,
        "hint": finding.hint or None,
    }


def _print(finding: Finding) -> None:
    mark, colour = _MARKS[finding.state]
    click.echo(f"{click.style(mark.ljust(2), fg=colour)} {click.style(finding.subject, bold=True)}: {finding.text}")
    if finding.hint:
        click.echo(f"   {finding.hint}")
