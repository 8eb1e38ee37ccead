"""`python -m model`: see `model.cli`."""

from model.cli.cli import main

if __name__ == "__main__":
    main()
