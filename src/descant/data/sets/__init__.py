"""Published data sets behind one interface: `open_set(name, folder).items(split)`."""
