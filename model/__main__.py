"""`python -m model`: see `model.cli`."""

from model.cli.shortage import saying_shortage

if __name__ == "__main__":
    with saying_shortage():
        from model.cli.app import main

        main()
