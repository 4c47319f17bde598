"""What alerts would have done: Prometheus' alert states played through over recorded history. No I/O."""
