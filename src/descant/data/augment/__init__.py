"""Augmentation on the fly: steps that are pure functions of a clip and a generator, and the pool that runs them."""
