"""OCPP-J on the wire: frames, their schemas, a session per connection, and the words on both sides."""
