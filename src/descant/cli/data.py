"""`descant data <command>`: each sub-command lives in a module of its own, `descant.cli.data_<what>`."""

from __future__ import annotations

import cyclopts

data = cyclopts.App(name="data", help="Published data sets, and songs with perfect labels.")
data.command("descant.cli.data_sets:list_sets", name="list", help="The data sets Descant reads.")
data.command("descant.cli.data_sets:check_set", name="check-set", help="Read all of a set; say what is wrong with it.")
data.command("descant.cli.data_band:data_band", name="band", help="Render multitrack songs with perfect labels.")
data.command("descant.cli.data_notes:data_notes", name="notes", help="Render single notes in NSynth's form.")
data.command("descant.cli.data_check:data_check", name="check", help="Validate a set that `band` made.")
