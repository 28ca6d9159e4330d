"""`v2g commission meter`: which way the meters count, on which phase, and which see the car."""
