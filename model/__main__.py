"""`python -m model`: see `model.cli`."""

from model.cli.app import main

if __name__ == "__main__":
    main()
