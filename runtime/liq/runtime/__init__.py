"""What every worker process shares: settings, logging, metrics, health and Kafka clients."""
