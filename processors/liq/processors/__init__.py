"""What the frames mean: normalizers and cascade detection, and the workers that run them."""
