"""The ways files arrive: wheels from the package index, addresses, folders of the user's disk."""
