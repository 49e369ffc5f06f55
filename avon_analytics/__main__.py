"""``python -m avon_analytics``."""

from avon_analytics.cli import main

if __name__ == "__main__":
    main()
