"""`python -m scenograph.cli`."""

from scenograph.cli import main

if __name__ == "__main__":
    main()
