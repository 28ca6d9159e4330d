"""The edges: each adapter is a pure translate.py and thin I/O, and knows no other adapter."""
