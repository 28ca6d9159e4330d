"""Any meter that answers HTTP with JSON: the configuration says where its values stand."""
