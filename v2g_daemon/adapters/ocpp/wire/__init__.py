"""OCPP-J on the wire: frames, their schemas, one session per connection, and the words on both sides."""
