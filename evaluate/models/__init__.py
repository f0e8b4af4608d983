"""Models: messages in, text out, every call durable."""
