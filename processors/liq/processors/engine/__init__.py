"""The Faust shell around the pure cores: consuming, delivering, and surviving crashes."""
