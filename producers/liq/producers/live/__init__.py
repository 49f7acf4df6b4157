"""Live producers: websockets into Kafka."""
