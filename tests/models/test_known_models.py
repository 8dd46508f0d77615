"""MiewID, MegaDescriptor and timm's models, as the hub's cache holds them, without a network."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from pairx_core import ModelError, Preprocessing, load_model
from pairx_core.models import KNOWN_MODELS, model_card
from pairx_core.models.known_models import known_model
from pairx_core.models.preprocessing import HALF, IMAGENET_MEAN, IMAGENET_STD
from pairx_core.models.swin import swin_architecture, tidy_swin
from pairx_core.models.torchvision_ops import ensure_torchvision_operators
from tests.benchmarks.miewid_shaped import miewid_shaped
from tests.explain.seeded_models import fill, seeded_model
from tests.models.little_swin import LITTLE_SWIN

ensure_torchvision_operators()
_COMMIT = "0123456789abcdef0123456789abcdef01234567"
_IMAGENET_CONFIG = {"mean": [*IMAGENET_MEAN], "std": [*IMAGENET_STD], "input_size": [3, 224, 224]}


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Path:
    """An empty cache of the hub, and no network."""
    from huggingface_hub import constants

    folder = tmp_path / "hub"
    folder.mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return folder


def cached(hub: Path, repository: str, files: dict[str, bytes | Path]) -> Path:
    """Files of a repository laid out as the hub's client does: blobs, and a commit's links to them."""
    home = hub / f"models--{repository.replace('/', '--')}"
    snapshot = home / "snapshots" / _COMMIT
    for folder in (snapshot, home / "refs", home / "blobs"):
        folder.mkdir(parents=True)
    (home / "refs" / "main").write_text(_COMMIT)
    for name, content in files.items():
        data = content.read_bytes() if isinstance(content, Path) else content
        blob = home / "blobs" / hashlib.sha256(data).hexdigest()
        blob.write_bytes(data)
        (snapshot / name).symlink_to(os.path.relpath(blob, snapshot))
    return snapshot


def weights_of(module: nn.Module, path: Path, **more: torch.Tensor) -> Path:
    state = {name: tensor.contiguous() for name, tensor in module.state_dict().items()}
    if path.suffix == ".bin":
        torch.save(state | more, path)
    else:
        save_file(state | more, str(path))
    return path


def picture() -> Image.Image:
    pixels = np.random.default_rng(5).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def plainly(module: nn.Module, size: int, mean, std) -> torch.Tensor:
    """An embedding by torchvision's own steps, as the models' cards show them."""
    from torchvision import transforms

    steps = transforms.Compose(
        [transforms.Resize((size, size)), transforms.ToTensor(), transforms.Normalize(mean, std)]
    )
    with torch.inference_mode():
        return module(steps(picture())[None])


def embedding(model) -> torch.Tensor:
    return torch.from_numpy(model.embed_inputs([model.preprocess([picture()])]))


def assert_equal(ours: torch.Tensor, plain: torch.Tensor) -> None:
    assert ours.shape == plain.shape
    assert float((ours - plain).abs().max() / plain.abs().max()) <= 1e-5


def test_miewid_is_rebuilt_from_timm_and_gives_the_plain_embeddings(hub, tmp_path):
    plain = miewid_shaped()
    head = {"final.weight": torch.zeros(3, 2152), "backbone.classifier.weight": torch.zeros(3, 2152)}
    card = b"---\nlicense: apache-2.0\n---\n# MiewID\n"
    cached(
        hub,
        "conservationxlabs/miewid-msv3",
        {
            "model.safetensors": weights_of(plain, tmp_path / "model.safetensors", **head),
            "config.json": b'{"model_type": "miewid", "architectures": ["MiewIdNet"]}',
            "README.md": card,
        },
    )
    model = load_model("miewid")
    assert model.preprocessing == Preprocessing((440, 440), IMAGENET_MEAN, IMAGENET_STD, "bilinear")
    assert_equal(embedding(model), plainly(plain, 440, IMAGENET_MEAN, IMAGENET_STD))
    facts = model_card(model)
    assert (facts.dimensions, facts.recommended_layer) == (2152, "backbone.blocks.3")
    assert facts.source == f"conservationxlabs/miewid-msv3 on the Hugging Face hub, commit {_COMMIT[:12]}"
    assert (facts.licence, facts.assumed) == ("apache-2.0", ())
    assert 51e6 < facts.weights < 54e6
    assert {layer.path: layer.grid_size for layer in facts.layers}["backbone.blocks.3"] == (28, 28)


@pytest.mark.parametrize("ending", ["safetensors", "bin"])
def test_megadescriptor_is_normalised_as_its_card_says_and_not_as_its_configuration_does(
    hub, tmp_path, ending
):
    plain = seeded_model("swin_tiny_patch4_window7_224")
    name = "model.safetensors" if ending == "safetensors" else "pytorch_model.bin"
    config = {
        "architecture": "swin_tiny_patch4_window7_224",
        "num_classes": 0,
        "pretrained_cfg": {**_IMAGENET_CONFIG, "input_size": "odd"},
    }
    cached(
        hub,
        "BVRA/MegaDescriptor-T-224",
        {name: weights_of(plain, tmp_path / name), "config.json": json.dumps(config).encode()},
    )
    for written in ("megadescriptor-t", "hf-hub:BVRA/MegaDescriptor-T-224", "BVRA/MegaDescriptor-T-224@main"):
        model = load_model(written)
        assert model.preprocessing == Preprocessing((224, 224), HALF, HALF, "bilinear")
        assert model.name == "BVRA/MegaDescriptor-T-224"
    assert_equal(embedding(model), plainly(plain, 224, HALF, HALF))
    assert model_card(model).dimensions == 768


def test_a_folder_laid_out_as_on_the_hub_is_a_model(hub, tmp_path):
    plain = seeded_model("swin_tiny_patch4_window7_224")
    folder = tmp_path / "MegaDescriptor-T-224"
    folder.mkdir()
    weights_of(plain, folder / "model.safetensors")
    (folder / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n# MegaDescriptor-T-224\n")
    model = load_model(str(folder))
    assert model.preprocessing.mean == HALF
    assert (model.origin.licence, model.origin.assumed) == ("cc-by-nc-4.0", ())


def test_the_weights_tell_which_swin_they_are_of_and_what_nobody_says_is_told(tmp_path):
    plain = seeded_model("swin_tiny_patch4_window7_224")
    model = load_model(str(weights_of(plain, tmp_path / "lab.safetensors")))
    assert model.preprocessing.mean == IMAGENET_MEAN
    assert any("MegaDescriptor's is “half”" in text for text in model.origin.assumed)
    chosen = load_model(str(tmp_path / "lab.safetensors"), normalisation="half")
    assert (chosen.preprocessing.mean, chosen.preprocessing.std) == (HALF, HALF)


@pytest.mark.parametrize(
    "architecture",
    ["swin_small_patch4_window7_224", "swin_base_patch4_window7_224", "swin_large_patch4_window12_384"],
)
def test_every_megadescriptor_is_known_by_its_weights(architecture):
    import timm

    with torch.device("meta"):
        module = timm.create_model(architecture, num_classes=0)
    assert swin_architecture(module.state_dict()) == architecture
    assert swin_architecture({}) == ""


def swin_folder(folder: Path, readme: str = "", **config: object) -> Path:
    """A folder with a Swin's weights, its configuration and its page."""
    import timm

    folder.mkdir(exist_ok=True)
    weights_of(timm.create_model(LITTLE_SWIN, num_classes=0), folder / "model.safetensors")
    whole = {"architecture": LITTLE_SWIN, "pretrained_cfg": _IMAGENET_CONFIG} | config
    (folder / "config.json").write_text(json.dumps(whole))
    if readme:
        (folder / "README.md").write_text(readme)
    return folder


_BASE = "---\nbase_model:\n- BVRA/MegaDescriptor-T-224\n---\n# Our nyalas\n"


def test_a_swin_whose_configuration_may_be_megadescriptors_is_not_trusted_in_silence(tmp_path):
    model = load_model(str(swin_folder(tmp_path / "copied")))
    assert model.preprocessing.mean == IMAGENET_MEAN
    assert any("choose “half”, or put its README.md" in text for text in model.origin.assumed)
    chosen = load_model(str(tmp_path / "copied"), normalisation="half")
    assert chosen.preprocessing.mean == HALF and chosen.origin.assumed == ()


def test_a_mean_that_is_no_list_is_refused(tmp_path):
    with pytest.raises(ModelError, match="makes no sense"):
        load_model(str(swin_folder(tmp_path / "lab", pretrained_cfg={"mean": 5})))


def test_a_swin_that_timm_publishes_is_trusted(hub, tmp_path):
    folder = swin_folder(tmp_path / "made")
    files = {name: folder / name for name in ("model.safetensors", "config.json")}
    cached(hub, f"timm/{LITTLE_SWIN}.lab", files)
    assert load_model(f"timm/{LITTLE_SWIN}.lab").origin.assumed == ()
    cached(hub, "lab/copy", files)
    assert load_model("lab/copy").origin.assumed != ()


@pytest.mark.parametrize(
    ("readme", "mean", "assumed"),
    [
        ("---\nlicense: mit\n---\n# Model card for MegaDescriptor-T-224\n", HALF, ""),
        (_BASE, HALF, "it was made from BVRA/MegaDescriptor-T-224"),
        (
            "# Our nyalas\n\nBetter than MegaDescriptor.\n\n# MegaDescriptor-T-224\n",
            IMAGENET_MEAN,
            "config.json",
        ),
        ("---\nbase_model: BVRA/MegaDescriptor-DINOv2-518\n---\n", IMAGENET_MEAN, "config.json"),
        ("---\nbase_model: [\n---\n# What\n", IMAGENET_MEAN, "config.json"),
    ],
)
def test_a_page_tells_a_megadescriptor_by_its_title_or_its_base(tmp_path, readme, mean, assumed):
    model = load_model(str(swin_folder(tmp_path / "lab", readme)))
    assert model.preprocessing.mean == mean
    assert assumed in " ".join(model.origin.assumed) and bool(model.origin.assumed) is bool(assumed)


def test_a_fine_tune_that_states_a_normalisation_of_its_own_keeps_it(tmp_path):
    stated = {"mean": [0.4] * 3, "std": [0.2] * 3, "input_size": [3, 224, 224]}
    model = load_model(str(swin_folder(tmp_path / "lab", _BASE, pretrained_cfg=stated)))
    assert (model.preprocessing.mean, model.origin.assumed) == ((0.4, 0.4, 0.4), ())


@pytest.mark.parametrize("name", ["MegaDescriptor-T-224", "miewid", "page"])
def test_no_name_and_no_page_gives_another_kind_of_model_megadescriptors_preprocessing(tmp_path, name):
    import timm

    folder = tmp_path / name
    folder.mkdir()
    weights_of(timm.create_model("resnet18", num_classes=0), folder / "model.safetensors")
    (folder / "config.json").write_text('{"architecture": "resnet18"}')
    (folder / "README.md").write_text("# Model card for MegaDescriptor-T-224\n")
    model = load_model(str(folder))
    assert (model.preprocessing.mean, model.preprocessing.input_size) == (IMAGENET_MEAN, (224, 224))


@pytest.mark.parametrize(
    "config",
    [
        {"model_args": {"img_size": 256}},
        {"pretrained_cfg": {**_IMAGENET_CONFIG, "input_size": [3, 256, 256]}},
    ],
)
def test_a_megadescriptor_made_for_another_input_size_takes_photos_of_that_size(tmp_path, config):
    model = load_model(str(swin_folder(tmp_path / "lab", _BASE, **config)))
    assert model.preprocessing == Preprocessing((256, 256), HALF, HALF, "bilinear")
    assert embedding(model).shape == (1, 16)


def test_weights_of_an_older_timm_are_taken_under_their_new_names():
    old = {
        "layers.0.downsample.norm.weight": torch.ones(1),
        "layers.1.downsample.norm.weight": torch.ones(1),
        "layers.1.blocks.0.attn.relative_position_index": torch.ones(1),
    }
    assert sorted(tidy_swin(old)) == ["layers.1.downsample.norm.weight", "layers.2.downsample.norm.weight"]
    new = {"layers.1.downsample.norm.weight": torch.ones(1)}
    assert tidy_swin(new) == new


def test_an_architecture_alone_means_the_weights_that_timm_publishes(hub, tmp_path):
    import timm

    torch.manual_seed(0)
    plain = timm.create_model("resnet18", pretrained=False)
    fill(plain)
    cached(
        hub, "timm/resnet18.a1_in1k", {"model.safetensors": weights_of(plain, tmp_path / "model.safetensors")}
    )
    model = load_model("resnet18")
    assert model.name == "timm/resnet18.a1_in1k"
    assert model_card(model).dimensions == 512
    assert model.origin.licence == "apache-2.0"


def test_short_names_are_those_of_the_known_models():
    assert known_model("MiewID").repository == "conservationxlabs/miewid-msv3"
    assert known_model("megadescriptor-l").repository == "BVRA/MegaDescriptor-L-384"
    assert known_model("conservationxlabs/miewid-msv9").is_miewid
    assert known_model("resnet18") is None
    assert all(known_model(name) is known for name, known in KNOWN_MODELS.items())


def test_without_a_network_the_message_says_what_to_put_where(hub):
    with pytest.raises(ModelError) as told:
        load_model("miewid-msv2")
    for part in (
        "conservationxlabs/miewid-msv2",
        "model.safetensors",
        "README.md",
        str(hub),
        "HF_HOME",
        "one folder here",
    ):
        assert part in str(told.value)


def test_a_pickle_on_the_hub_that_would_run_code_is_refused(hub, tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "pwned"),)

    torch.save({"weights": Evil()}, tmp_path / "evil.bin")
    cached(hub, "somebody/evil", {"pytorch_model.bin": tmp_path / "evil.bin"})
    with pytest.raises(ModelError, match="never loaded"):
        load_model("somebody/evil")
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (b"not json", "no configuration"),
        (b"[1]", "no configuration"),
        (b'{"architecture": "swin_teeny"}', "There is no model “swin_teeny”"),
        (b'{"architecture": "resnet18", "pretrained_cfg": {"mean": [1]}}', "makes no sense"),
        (b'{"architecture": "resnet18", "pretrained_cfg": {"mean": [NaN, 0, 0]}}', "makes no sense"),
        (b'{"architecture": "resnet18", "pretrained_cfg": {"mean": 5}}', "makes no sense"),
        (b'{"architecture": "resnet18", "pretrained_cfg": {"std": [1, 1, Infinity]}}', "makes no sense"),
        (
            b'{"architecture": "resnet18", "pretrained_cfg": {"input_size": [3, Infinity, 9]}}',
            "makes no sense",
        ),
        (
            b'{"architecture": "resnet18", "model_args": {"checkpoint_path": "/etc/passwd"}}',
            "checkpoint_path",
        ),
        (b'{"architecture": "resnet18", "model_args": {"device": "meta"}}', "device"),
        (b'{"architecture": "resnet18", "model_args": {"act_layer": 7}}', "act_layer"),
        (b'{"architecture": "resnet18", "model_args": {"img_size": 1e9}}', "img_size"),
        (b'{"architecture": "resnet18", "model_args": {"output_stride": "x"}}', "cannot be built"),
        (b'{"architecture": "resnet18", "model_args": {"global_pool": ""}}', r"must give \(N, D\)"),
        (b'{"architecture": "resnet18", "model_args": {"nonsense": 1}}', "cannot be built"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(hub, tmp_path, config, message):
    import timm

    weights = weights_of(timm.create_model("resnet18", num_classes=0), tmp_path / "model.safetensors")
    cached(hub, "lab/model", {"model.safetensors": weights, "config.json": config})
    with pytest.raises(ModelError, match=message):
        load_model("lab/model")


@pytest.mark.parametrize("content", [[], ["a.pth", "b.pth"]])
def test_a_folder_without_one_checkpoint_is_refused(tmp_path, content):
    for name in content:
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ModelError, match=r"no checkpoint|several checkpoints \(a.pth, b.pth\)"):
        load_model(str(tmp_path))


@pytest.mark.parametrize(
    ("choice", "message"),
    [({"normalisation": "mine"}, "There are: imagenet, half, clip"), ({"input_size": 7}, "32 to 2048")],
)
def test_choices_that_cannot_be_are_refused(choice, message):
    with pytest.raises(ModelError, match=message):
        load_model("demo", **choice)


def test_input_size_can_be_chosen_where_an_architecture_has_one_of_its_own(tmp_path):
    import timm

    module = timm.create_model("swin_s3_tiny_224", num_classes=0)
    path = weights_of(module, tmp_path / "swin.safetensors")
    model = load_model("swin_s3_tiny_224", checkpoint=path)
    assert model.preprocessing.input_size == (224, 224)


class TestHook:
    @pytest.fixture(autouse=True)
    def lab(self, tmp_path, monkeypatch):
        (tmp_path / "lab_models.py").write_text(
            "import torch\nfrom pairx_core import Preprocessing, load_model\n"
            "def ours():\n"
            "    nn = torch.nn\n"
            "    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())\n"
            "    return net, Preprocessing((64, 64))\n"
            "def whole():\n    return load_model('demo')\n"
            "def fails():\n    raise KeyError('weights')\n"
            "def nothing():\n    return None\n"
            "def leaves():\n    raise SystemExit(3)\n"
            "def bare():\n    from pairx_core import EmbeddingModel\n"
            "    return EmbeddingModel(torch.nn.Linear(7, 7), None, 'x')\n"
            "def wrong():\n    return torch.nn.Linear(7, 7), Preprocessing((64, 64))\n"
        )
        (tmp_path / "lab_odd.py").write_text("1 / 0")
        (tmp_path / "lab_exit.py").write_text("import sys\nsys.exit('no GPU')")
        (tmp_path / "lab_syntax.py").write_text("def")
        monkeypatch.syspath_prepend(tmp_path)
        for name in [one for one in sys.modules if one.startswith("lab_")]:
            monkeypatch.delitem(sys.modules, name)

    def test_a_function_is_called_only_where_the_environment_allows_it(self, monkeypatch):
        monkeypatch.delenv("PAIRX_ALLOW_HOOKS", raising=False)
        with pytest.raises(ModelError, match="PAIRX_ALLOW_HOOKS=1"):
            load_model("lab_models:ours")
        monkeypatch.setenv("PAIRX_ALLOW_HOOKS", "1")
        model = load_model("lab_models:ours")
        assert embedding(model).shape == (1, 4)
        assert load_model("lab_models:whole").name == "demo"

    @pytest.mark.parametrize("changed", ["lab_code.py", "lab_parts.py", "lab_unused.py"])
    def test_the_fingerprint_follows_the_code_that_the_model_consists_of(
        self, monkeypatch, tmp_path, changed
    ):
        monkeypatch.setenv("PAIRX_ALLOW_HOOKS", "1")
        forward = "    def forward(self, x):\n        return x.mean((2, 3)) + 1\n"
        net = f"import torch\nclass Net(torch.nn.Module):\n{forward}"
        hook = "from pairx_core import Preprocessing\nfrom lab_parts import Net\n"
        (tmp_path / "lab_parts.py").write_text(net)
        (tmp_path / "lab_unused.py").write_text("one = 1")
        (tmp_path / "lab_code.py").write_text(
            f"{hook}def ours():\n    return Net(), Preprocessing((64, 64))\n"
        )

        def fingerprint() -> str:
            for name in [one for one in sys.modules if one.startswith("lab_")]:
                del sys.modules[name]
            importlib.invalidate_caches()
            return load_model("lab_code:ours").fingerprint

        first = fingerprint()
        assert fingerprint() == first
        path = tmp_path / changed
        path.write_text(path.read_text().replace("1", "2").replace("64", "32") + "\n# another\n")
        assert (fingerprint() != first) is (changed != "lab_unused.py")

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("lab_models:fails", "failed: KeyError"),
            ("lab_models:nothing", "gives NoneType"),
            ("lab_models:wrong", "cannot take a photo: RuntimeError"),
            ("lab_models:absent", "has no function absent"),
            ("lab_models:leaves", "failed: SystemExit"),
            ("lab_models:bare", "how a photo is prepared"),
            ("lab_odd:ours", "its code failed with ZeroDivisionError"),
            ("lab_exit:ours", "its code failed with SystemExit"),
            ("lab_syntax:ours", "its code failed with SyntaxError"),
            ("no_such_lab:ours", "cannot be imported"),
        ],
    )
    def test_what_goes_wrong_in_it_is_told(self, monkeypatch, name, message):
        monkeypatch.setenv("PAIRX_ALLOW_HOOKS", "1")
        with pytest.raises(ModelError, match=message):
            load_model(name)


@contextlib.contextmanager
def serving(files: dict[str, bytes]) -> Iterator[tuple[str, list[str]]]:
    """A server that answers for one repository as the hub does; what it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(with_content=False)

        def do_GET(self) -> None:
            self._answer(with_content=True)

        def _answer(self, *, with_content: bool) -> None:
            asked.append(f"{self.command} {self.path}")
            prefix, name = "/lab/model/resolve/main/", self.path.rpartition("/")[2]
            if not self.path.startswith(prefix) or name not in files:
                self.send_response(404)
                missing = "EntryNotFound" if self.path.startswith(prefix) else "RepoNotFound"
                self.send_header("X-Error-Code", missing)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            content = files[name]
            self.send_response(200)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Repo-Commit", _COMMIT)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if with_content:
                self.wfile.write(content)

        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("localhost", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_model_is_downloaded_once_with_progress_and_used_offline_afterwards(hub, tmp_path, monkeypatch):
    import timm
    from huggingface_hub import constants

    weights = weights_of(timm.create_model("resnet18", num_classes=0), tmp_path / "model.safetensors")
    config = json.dumps(
        {"architecture": "resnet18", "pretrained_cfg": {**_IMAGENET_CONFIG, "license": "mit"}}
    )
    told: list[tuple[int, int]] = []
    with serving({"model.safetensors": weights.read_bytes(), "config.json": config.encode()}) as (
        address,
        asked,
    ):
        monkeypatch.setenv("HF_ENDPOINT", address)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        first = load_model("lab/model", progress=lambda done, total: told.append((done, total)))
        before = len(asked)
        load_model("lab/model")
        assert len(asked) == before
        with pytest.raises(ModelError, match="no such model"):
            load_model("lab/other")
    assert told[-1] == (weights.stat().st_size, weights.stat().st_size)
    again = load_model("lab/model")
    assert again.fingerprint == first.fingerprint
    assert again.origin.licence == "mit"
