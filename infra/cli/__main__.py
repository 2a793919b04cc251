"""`python -m infra.cli`, for where the program `handsel` is not on the PATH."""

from infra.cli import main

if __name__ == "__main__":
    main()
