"""The web UI: `python app.py`, or `make app`."""

from ui.options import main

if __name__ == "__main__":
    main()
