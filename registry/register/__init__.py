"""The register: the state that all entries so far add up to, as frozen values that remember their history."""
