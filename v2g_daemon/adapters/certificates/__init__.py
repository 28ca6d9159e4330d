"""The local CA: server and station certificates, and the watch over their expiry.

Whoever imports a module of this folder loads `cryptography`, but for `expiry` and `watch`.
"""
