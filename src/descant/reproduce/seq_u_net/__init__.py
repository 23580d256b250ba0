"""Seq-U-Net against TCN and WaveNet."""
