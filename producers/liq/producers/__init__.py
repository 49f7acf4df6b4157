"""Producers: publish raw frames, byte for byte, from exchanges or from recorded captures."""
