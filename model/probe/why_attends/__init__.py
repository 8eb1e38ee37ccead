"""Why a query attends to a key: their score, split by what wrote the two residual streams."""
