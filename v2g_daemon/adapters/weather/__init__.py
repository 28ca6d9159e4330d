"""The sun as weather services tell it: bytes to irradiance by quarter hour, a cache, and a feed."""
