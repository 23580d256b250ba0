"""`descant data <command>`: each lives in a module of its own."""

from __future__ import annotations

import cyclopts

data = cyclopts.App(name="data", help="Published data sets, and what can be made of them.")
data.command("descant.cli.data_sets:list_sets", name="list", help="The data sets Descant reads.")
data.command("descant.cli.data_sets:check_set", name="check-set", help="Read all of a set; say what is wrong with it.")
