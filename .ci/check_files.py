"""Look at files before they are committed: size, end of file, and whether TOML, YAML and JSON parse.

.venv/bin/python .ci/check_files.py FILE ...
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml  # pre-commit needs it as well

_LARGEST = 500_000  # bytes; larger ones are named here, so that they are meant
_MAY_BE_LARGER = {"data_samples/demo_model.safetensors", "pairx_core/render/fonts/DejaVuSans.ttf"}
_TEXTS = {".py", ".md", ".txt", ".toml", ".yaml", ".yml", ".json", ".cff", ".css", ".js", ".html", ".svg", ""}
_PARSERS: dict[str, Callable[[str], object]] = {
    ".toml": tomllib.loads,
    ".yaml": yaml.safe_load,
    ".yml": yaml.safe_load,
    ".cff": yaml.safe_load,
    ".json": json.loads,
}


def problems(path: Path) -> Iterator[str]:
    """What is wrong with a file."""
    size = path.stat().st_size
    if size > _LARGEST and path.as_posix() not in _MAY_BE_LARGER:
        yield f"{size:,} bytes, more than {_LARGEST:,}. Make it smaller, or name it in .ci/check_files.py."
    if path.suffix not in _TEXTS:
        return
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        yield f"is not UTF-8 ({error.reason} at byte {error.start})."
        return
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        yield "does not end with one line end."
    if path.suffix in _PARSERS:
        try:
            _PARSERS[path.suffix](text)
        except (ValueError, yaml.YAMLError) as error:
            yield f"cannot be parsed: {error}"


def main() -> int:
    """Tell all problems of the files that are named; 1 if there are any."""
    found = [f"{name}: {one}" for name in sys.argv[1:] for one in problems(Path(name))]
    sys.stdout.writelines(f"{line}\n" for line in found)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
