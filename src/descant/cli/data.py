"""`descant data <command>`: each lives in a module of its own."""
"""`descant data <what>`: each sub-command lives in `descant.cli.data_<what>`."""

from __future__ import annotations

import cyclopts

data = cyclopts.App(name="data", help="Published data sets, and what can be made of them.")
data.command("descant.cli.data_sets:list_sets", name="list", help="The data sets Descant reads.")
data.command("descant.cli.data_sets:check_set", name="check-set", help="Read all of a set; say what is wrong with it.")
COMMANDS = {
    "band": "Render multitrack songs with perfect labels.",
    "check": "Validate a set that `descant data band` made.",
}

data = cyclopts.App(name="data", help="Make, list and check data sets.")
for _name, _help in COMMANDS.items():
    data.command(f"descant.cli.data_{_name.replace('-', '_')}:data_{_name.replace('-', '_')}", name=_name, help=_help)
