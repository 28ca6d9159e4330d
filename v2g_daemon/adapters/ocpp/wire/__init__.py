"""OCPP-J on the wire: frames and their schemas, one session per connection, words both ways."""
