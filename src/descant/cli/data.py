"""`descant data <what>`: each sub-command lives in `descant.cli.data_<what>`."""

from __future__ import annotations

import cyclopts

COMMANDS = {
    "band": "Render multitrack songs with perfect labels.",
    "check": "Validate a set that `descant data band` made.",
}

data = cyclopts.App(name="data", help="Make, list and check data sets.")
for _name, _help in COMMANDS.items():
    data.command(f"descant.cli.data_{_name.replace('-', '_')}:data_{_name.replace('-', '_')}", name=_name, help=_help)
