"""`python -m formsearch` is the command line."""

from formsearch.command import main

if __name__ == "__main__":
    main()
