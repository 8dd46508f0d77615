"""The documentation: its Python runs, its commands are taken, its links lead somewhere, and nothing is left out."""

from __future__ import annotations

import ast
import csv
import os
import re
import shlex
import shutil
import socket
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import pairx_core as px
from pairx_core.catalogue import CATALOGUE_FORMATS
from pairx_core.cli import main
from pairx_core.errors import PairxError
from pairx_core.models import KNOWN_MODELS
from tests import worked_record

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SAMPLE = ROOT / "data_samples"
TOP = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "THIRD_PARTY_LICENSES.md")]
PAGES = [*TOP, *sorted(DOCS.rglob("*.md")), SAMPLE / "README.md"]
INDIVIDUALS = ("zebrelle_01", "zebrelle_11", "starwing_10")  # whose photos the sample's copy has
PHOTOS = ("IMG_0001", "IMG_0003", "IMG_0041", "IMG_0044", "IMG_0117")  # and these, which pages name
MOST_LEFT_OUT = 2  # blocks of Python that need another machine

FENCE = re.compile(r"^ *```(?P<info>[^\n]*)\n(?P<text>.*?)^ *```$", re.M | re.S)
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^()\s]+)\)")
COMMAND = "python -m pairx_core "
PLACEHOLDERS = re.compile(r"^(CATALOGUE|FOLDER|NAME|ADDRESS|MODEL|SESSION)$|^/shared/|^~/|^\$|^worlds/")
NOT_RUN = {  # these are only given to the parser; tests of their own run them
    "evaluate": "explains hundreds of pairs",
    "rerank": "explains hundreds of pairs",
    "pack data_samples/metadata.csv -o field pack --queries all": "explains hundreds of pairs",
    "accuracy data_samples/metadata.csv --model demo --truth data_samples/truth": "explains hundreds of pairs",
    "models miewid": "asks the hub",
    "datasets": "needs a package that is not installed with the tests'",
}
OF_FOLDERS = {
    "evaluate",
    "fieldpack",
    "retrieval",
    "pack_catalogue.py",
    "hub.py",
}  # code that fills or reads them


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    info: str
    text: str


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path) -> list[Block]:
    return [Block(page, one["info"].strip(), one["text"]) for one in FENCE.finditer(read(page))]


def python_blocks(page: Path) -> list[Block]:
    return [block for block in blocks(page) if block.info.split(" ")[0] == "python"]


def section(page: Path, title: str) -> str:
    """What stands below a heading, its lines joined."""
    (text,) = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", read(page), re.M | re.S)
    return " ".join(text.split())


def prose(page: Path) -> str:
    """A page without its blocks and without code between backticks."""
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", read(page)))


def name_of(value: object) -> str | None:
    return value.relative_to(ROOT).as_posix() if isinstance(value, Path) else None


@pytest.fixture(scope="module")
def offline() -> Iterator[None]:
    """Nothing outside this computer is reached."""
    connect = socket.socket.connect

    def only_here(self: socket.socket, address: object) -> None:
        if self.family != getattr(socket, "AF_UNIX", None) and address[0] not in ("127.0.0.1", "::1"):  # type: ignore[index]
            raise AssertionError(f"the documentation reaches for {address}")
        connect(self, address)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", only_here)
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory, offline, one_thread) -> Path:
    """What the pages say is there: the sample (some of it), a record with a session, and files of that kind."""
    folder = tmp_path_factory.mktemp("docs")
    copy_sample(folder / "data_samples")
    catalogue = px.read_catalogue(folder / "data_samples" / "metadata.csv")
    index = px.build_index(catalogue, px.load_model("demo"), cache_dir=folder / "cache")
    log = px.DecisionLog(folder / "pairx_decisions.csv")
    truth = worked_record.true_identities(SAMPLE / "truth")
    worked_record.review(log, index, truth)
    worked_record.hold_session(log, index, truth)
    first = log.decisions()[0]
    ticks = px.Evidence(
        first.decision_id, first.reviewer, *first.pair, "demo", "", "blocks.3", (), datetime.now(UTC)
    )
    log.evidence.record(ticks)
    for name in ("A.csv", "B.csv", "camp_a.csv", "camp_b.csv", "saved.csv", "field pack/pairx_decisions.csv"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(log.path, folder / name)
    for name, photo in (("A.jpg", "IMG_0002"), ("B.jpg", "IMG_0041")):
        shutil.copy(catalogue.photo(photo).path, folder / name)
    return folder


def copy_sample(target: Path) -> None:
    """Some photos of the sample, laid out like the whole."""
    with (SAMPLE / "metadata.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kept = [row for row in rows if row["identity"] in INDIVIDUALS or row["image_id"] in PHOTOS]
    for row in kept:
        for name in (row["path"], row["mask"], f"truth/{row['image_id']}.png"):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(SAMPLE / name, target / name)
    for story in SAMPLE.glob("*.story.toml"):
        shutil.copy(story, target / story.name)
    with (target / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(kept)


@pytest.fixture
def there(place, tmp_path, monkeypatch) -> Path:
    """A copy of that folder to run something in."""
    folder = shutil.copytree(place, tmp_path / "there")
    monkeypatch.chdir(folder)
    for name in [name for name in os.environ if name.startswith("PAIRX_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PAIRX_CACHE", str(folder / "cache"))
    return folder


# --- Python --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [page for page in PAGES if python_blocks(page)], ids=name_of)
def test_the_python_of_a_page_runs_from_its_first_block_to_its_last(page, there, capsys):
    """And what stands below a block is what it prints."""
    names: dict[str, object] = {"__name__": "__docs__"}
    found = [*blocks(page), Block(page, "", "")]
    for number, (block, below) in enumerate(pairwise(found), 1):
        if block.info == "python":
            exec(compile(block.text, f"{page.name}, block {number}", "exec"), names)
            printed = capsys.readouterr().out
            assert below.info != "text" or is_alike(below.text, printed), f"block {number} prints\n{printed}"


def is_alike(said: str, printed: str) -> bool:
    """Whether an output is the one that was promised: decimal numbers to a hundredth, all else to the letter."""
    decimal = r"-?\d+\.\d+"
    numbers = [list(map(float, re.findall(decimal, text))) for text in (said, printed)]
    return re.sub(decimal, "#", said) == re.sub(decimal, "#", printed) and numbers[0] == pytest.approx(
        numbers[1], rel=0.01
    )


def test_an_output_that_is_wrong_would_be_noticed():
    assert is_alike("183 matches, 9.95 apart\n", "183 matches, 9.96 apart\n")
    assert not is_alike("183 matches, 9.95 apart\n", "183 matches, 10.95 apart\n")
    assert not is_alike("183 matches\n", "184 matches\n")
    assert not is_alike("183 matches\n", "183 matches\n1.0\n")


def test_outputs_are_marked_as_such_and_stand_below_what_prints_them():
    marked = 0
    for page in PAGES:
        for block, below in pairwise([Block(page, "", ""), *blocks(page)]):
            assert below.info != "text" or block.info == "python", f"{page.name}: {below.text}"
            marked += below.info == "text"
        assert set(re.findall(r"\bprints:?\n+```(.*)", read(page))) <= {"text"}, page.name
        assert not re.findall(r"\bprints `", FENCE.sub("", read(page))), page.name
    assert marked > 3


def test_few_blocks_do_not_run_and_each_says_why():
    left_out = [block for page in PAGES for block in python_blocks(page) if block.info != "python"]
    assert len(left_out) <= MOST_LEFT_OUT
    for block in left_out:
        assert re.fullmatch(r"python no-run \(.{10,}\)", block.info), f"{block.page.name}: {block.info}"
        compile(block.text, block.page.name, "exec")


def test_every_public_name_is_in_the_page_on_python():
    text = read(DOCS / "python.md")
    missing = [name for name in px.__all__ if not re.search(rf"[`.]{re.escape(name)}\b", text)]
    assert not missing


# --- commands ------------------------------------------------------------------------------------------------------


def commands() -> list[tuple[str, tuple[str, ...]]]:
    """(page, words) of every command in a block, each once."""
    found = {}
    for page in PAGES:
        for block in blocks(page):
            for line in block.text.replace("\\\n", " ").splitlines():
                if COMMAND in line:
                    words = tuple(shlex.split(line.split(COMMAND, 1)[1], comments=True))
                    found.setdefault(words, page.name)
    return [(page, words) for words, page in found.items()]


COMMANDS = commands()


def is_run(words: tuple[str, ...]) -> bool:
    text = " ".join(words)
    return not any(map(PLACEHOLDERS.match, words)) and text not in NOT_RUN and words[0] not in NOT_RUN


def parsed(words: list[str]) -> click.Context:
    """What the command line makes of some words, without doing it."""
    context = click.Context(main)
    while isinstance(context.command, click.Group):
        name, command, words = context.command.resolve_command(context, words)
        if isinstance(command, click.Group):  # it takes no options of its own
            context = click.Context(command, info_name=name, parent=context)
        else:
            context = command.make_context(name, list(words), parent=context)
    return context


@pytest.mark.parametrize(("page", "words"), COMMANDS, ids=lambda value: None)
def test_every_command_is_taken_as_it_is_written(page, words, there):
    parsed(list(words))


def test_a_command_that_is_wrong_would_be_noticed(there):
    with pytest.raises(click.UsageError):
        parsed(["index", "data_samples/metadata.csv", "--precison", "float16"])
    with pytest.raises(click.UsageError):
        parsed(["decisions", "marge", "A.csv"])


def test_commands_on_the_sample_run(there, monkeypatch, tiny_checkpoint):
    """One after the other, with a small model, unless they name one."""
    monkeypatch.setenv("PAIRX_MODEL", str(tiny_checkpoint))
    run = [words for _, words in COMMANDS if is_run(words)]
    assert len(run) > 12
    for words in run:
        result = CliRunner().invoke(main, list(words))
        assert result.exit_code == 0, f"{' '.join(words)}\n{result.output}\n{result.exception!r}"


def test_commands_in_a_sentence_are_commands():
    for page in PAGES:
        for said in re.findall(rf"`(?:[.\w/]*/)?{COMMAND}([^`]*)`", FENCE.sub("", read(page))):
            words = said.split()
            if words and words[0] not in ("…", "NAME"):
                assert words[0] in main.list_commands(click.Context(main)), f"{page.name}: {said}"


def test_every_command_is_documented():
    text = read(DOCS / "python.md")
    for name in main.list_commands(click.Context(main)):
        assert f"`{COMMAND}{name}`" in text


def test_programs_of_the_tests_are_there():
    named = {name for page in PAGES for name in re.findall(r"python -m (tests\.[\w.]*\w)", read(page))}
    assert len(named) > 3
    assert not [name for name in named if not (ROOT / f"{name.replace('.', '/')}.py").exists()]


def test_targets_of_make_are_there():
    targets = set(re.findall(r"^([a-z-]+):", read(ROOT / "Makefile"), re.M))
    for page in PAGES:
        code = "\n".join([*(block.text for block in blocks(page)), *re.findall(r"`([^`\n]+)`", read(page))])
        named = re.findall(r"^make (?:[A-Z]+=\S+ )*([a-z-]+)", code, re.M)
        assert set(named) <= targets, page.name


# --- what has to be written down -----------------------------------------------------------------------------------


def test_every_environment_variable_is_documented():
    code = [path for folder in ("pairx_core", "pages") for path in (ROOT / folder).rglob("*.py")]
    known = {name for path in code for name in re.findall(r"\bPAIRX_[A-Z]+(?:_[A-Z]+)*\b", read(path))}
    assert len(known) >= 7
    text = read(DOCS / "deployment.md")
    assert not [name for name in known if f"| `{name}` |" not in text]


def test_everything_that_pages_write_is_in_the_page_on_servers():
    """A page that begins to write files has to say so there."""
    text = section(DOCS / "deployment.md", "What the app writes")
    writers = {
        path.name: read(path)
        for path in (ROOT / "pages").rglob("*.py")
        if re.search(r"\b(write_project|write_output|write_whole|whole_file)\(", read(path))
    }
    assert set(writers) == {"story_making.py", "projects.py"}
    for label in re.findall(r'"(Save [a-z ]+)"[,)]', "".join(writers.values())):
        assert f"**{label}**" in text or label == "Save as a project"  # which opens what holds the button


def test_every_format_and_every_known_model_is_documented():
    formats, models = read(DOCS / "catalogues.md"), read(DOCS / "models.md")
    assert not [name for name in CATALOGUE_FORMATS if f"| `{name}` |" not in formats]
    short = {re.sub("^megadescriptor(?!-t)", "", name) for name in KNOWN_MODELS}
    assert not [name for name in short if f"`{name}`" not in models]


def test_every_error_is_documented():
    text = section(DOCS / "python.md", "Settings and errors")
    errors = [PairxError, *PairxError.__subclasses__()]
    assert len(errors) > 12
    assert not [error.__name__ for error in errors if f"`{error.__name__}`" not in text]


def test_every_file_that_is_read_or_written_is_in_the_page_on_formats():
    """By its name or ending. What lies in a folder of its own is on the page that describes the folder."""
    code = [path for path in (ROOT / "pairx_core").rglob("*.py") if not OF_FOLDERS.intersection(path.parts)]
    known = {name for path in code for name in file_constants(path)}
    for path in (ROOT / "pages").rglob("*.py"):
        known.update(re.findall(r'file_name="([^"{}]+)"', read(path)))
    assert known >= {".story.toml", "pairx.toml", ".sessions.jsonl", ".pth", "pairx_identities.csv"}
    text = read(DOCS / "formats.md")
    assert not sorted(name for name in known if name not in text)


def file_constants(path: Path) -> Iterator[str]:
    """What a module's constants call files: whole names, or the endings of names."""
    for node in ast.parse(read(path)).body:
        is_constant = isinstance(node, ast.Assign) and re.search(
            r"NAME|ENDING|BESIDE", ast.unparse(node.targets[0])
        )
        for value in ast.walk(node.value) if is_constant else ():
            if isinstance(value, ast.Constant) and re.fullmatch(r"\w*(\.[a-z-]+)+", str(value.value)):
                yield value.value


def test_what_is_said_of_a_story_s_file_is_in_the_bundled_one():
    page = DOCS / "showcase.md"
    story = tomllib.loads(read(SAMPLE / "showcase.story.toml"))
    (example,) = (tomllib.loads(block.text) for block in blocks(page) if block.info == "toml")
    shortened = re.findall(r"`(\w+)`", read(page).split("(Shortened: ")[1].split(")")[0])
    assert len(shortened) > 3
    assert set(keys_within(example)).union(shortened) <= set(keys_within(story))
    assert {"format", "version", "title", "opening"} <= {
        name for name in story if example.get(name) == story[name]
    }


def keys_within(value: object) -> Iterator[str]:
    """All names in a table and in what it holds."""
    if isinstance(value, dict):
        yield from value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from keys_within(one)


def test_every_page_that_a_blind_session_closes_is_named():
    text = section(DOCS / "sessions.md", "What is hidden from whom")
    listed = text.split("are closed to everyone")[0]
    closed = [path.stem for path in (ROOT / "pages").glob("*.py") if "everything_or_stop(" in read(path)]
    assert len(closed) > 8
    assert not [name for name in closed if name.capitalize() not in re.findall(r"\w+", listed)]


def test_every_tour_of_the_pictures_is_named():
    pytest.importorskip("playwright.sync_api")
    from tests.browser.take_screenshots import TOURS

    text = section(DOCS / "developing.md", "The documentation")
    assert re.findall(r"`(\w+)`", text.split("a name after it")[1].split(")")[0]) == list(TOURS)


def test_every_key_and_button_of_the_pair_viewer_is_in_the_review_guide():
    guide = read(DOCS / "review.md")
    folder = ROOT / "pages" / "components" / "pair_viewer"
    table = next(
        found[1]
        for path in folder.glob("*.js")
        if (found := re.search(r"const KEYS = \{(.*?)\n\};", read(path), re.S))
    )
    keys = re.findall(r'^  "?([^":\s]+)"?: \{', table, re.M)
    signs = {"ArrowDown": "↓", "ArrowUp": "↑", "Escape": "Esc", "=": "+"}
    for key in keys:
        bare = key.removeprefix("Shift+")
        assert f"`{signs.get(bare, bare.upper())}`" in guide, key
    for label in re.findall(r"<span>([^<]+)</span><kbd", read(folder / "viewer.html")):
        assert f"**{label}**" in guide


def test_every_decision_s_button_is_in_the_review_guide():
    guide = read(DOCS / "review.md")
    code = read(ROOT / "pages" / "components" / "decision_bar.py")
    labels = [
        *re.findall(r'^    \("([A-Z][a-z ]+)", "[a-z_]+", shortcuts', code, re.M),
        "None of these",
        "Undo",
    ]
    assert len(labels) == 6
    for label in labels:
        assert f'"{label}"' in code
        assert f"**{label}**" in guide


# --- links ---------------------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """What a page's headings can be reached by, as GitHub makes it."""
    seen: Counter[str] = Counter()
    found = set()
    for title in re.findall(r"^#{1,6} +(.+?)\s*$", FENCE.sub("", read(page)), re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).casefold()
        name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def broken_links(page: Path) -> Iterator[str]:
    """Relative links of a page to files or headings that are not there."""
    for target in (found["target"] for found in LINK.finditer(prose(page))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or not there.is_relative_to(ROOT):
            yield f"{target}: no such file"
        elif anchor and anchor not in anchors(there):
            yield f"{target}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page):
    assert not list(broken_links(page))


def test_a_link_that_leads_nowhere_would_be_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.test_docs.ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "# The one\n\n[a](page.md#the-one) [b](gone.md) ![c](page.md#two) [d](https://example.org)\n"
    )
    assert list(broken_links(page)) == ["gone.md: no such file", "page.md#two: no such heading"]


def test_every_page_is_in_the_index():
    index = DOCS / "README.md"
    linked = {(DOCS / found["target"].partition("#")[0]).resolve() for found in LINK.finditer(prose(index))}
    assert not [page for page in DOCS.rglob("*.md") if page != index and page not in linked]


def test_every_picture_is_shown_and_small():
    shown = {
        (page.parent / found["target"]).resolve() for page in PAGES for found in LINK.finditer(prose(page))
    }
    for picture in (DOCS / "images").iterdir():
        assert picture in shown, f"{picture.name} is on no page"
        assert picture.stat().st_size < 250_000, f"{picture.name} is too large"


def test_paths_in_the_map_of_the_house_are_there():
    text = FENCE.sub("", read(ROOT / "CONTRIBUTING.md"))
    paths = re.findall(r"`((?:pairx_core|pages|tests|docs|data_samples)/[\w./-]+)`", text)
    assert len(paths) > 15
    assert not [path for path in paths if "NAME" not in path and not (ROOT / path).exists()]


def test_names_in_the_recipes_are_in_the_code():
    text = FENCE.sub("", read(ROOT / "CONTRIBUTING.md"))
    named = set(re.findall(r"`(\w*[a-z]_\w+|_?[A-Z]+(?:_[A-Z]+)+)(?:\([^`]*\))?`", text))
    files = [path for folder in ("pairx_core", "pages", "tests") for path in (ROOT / folder).rglob("*.py")]
    words = set(re.findall(r"\w+", " ".join(read(path) for path in files if path.name != "test_docs.py")))
    assert len(named) > 15
    assert not [name for name in named - words if "NAME" not in name]


def test_every_room_is_on_the_map_of_the_house():
    text = read(ROOT / "CONTRIBUTING.md")
    rooms = [path.name for path in (ROOT / "pairx_core").iterdir() if (path / "__init__.py").exists()]
    assert not [room for room in rooms if f"  {room}/ " not in text]
