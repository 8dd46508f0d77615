"""``python -m pairx_core``."""

from pairx_core.cli import main

if __name__ == "__main__":
    main(prog_name="python -m pairx_core")
