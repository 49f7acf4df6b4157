"""What can be listened to: how each venue's feeds are addressed, subscribed and read."""
