"""SING (NeurIPS 2018), measured again."""
