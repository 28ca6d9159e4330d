"""The customer port of Dutch, Belgian and Swedish meters, which sends by itself."""
