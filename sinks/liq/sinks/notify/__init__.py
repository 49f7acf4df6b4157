"""Notifications: alerts to webhooks and to people, by rules in one file.

`rules` are the selection of notices for receivers, `outbox` contains the messages still to send,
`ledger` stores them in Kafka, `courier` sends to one receiver. docs/notify.md is for users.
"""
