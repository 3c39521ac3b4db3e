"""`python -m evalgate`."""

from evalgate.cli.main import entry

if __name__ == "__main__":
    entry()
