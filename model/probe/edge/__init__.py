"""One edge of attention: the heads that carry it, and which tokens each of them promotes."""
