"""`blend`: two or four sounds to a sound between them, by mixing what a net hears in them."""
