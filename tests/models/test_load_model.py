from __future__ import annotations

import json
import os

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from pairx_core import EmbeddingModel, ModelError, Preprocessing, load_model
from tests.conftest import TINY_ARCHITECTURE


def test_a_checkpoint_that_names_its_architecture_needs_nothing_else(tiny_checkpoint):
    model = load_model(str(tiny_checkpoint))
    assert model.preprocessing == Preprocessing((96, 96), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), "bilinear")
    assert (model.name, model.recommended_layer) == ("tiny", "blocks.1")
    assert not model.module.training


def test_architecture_and_checkpoint_in_one_string_or_two_are_the_same(tiny_checkpoint):
    one = load_model(f"{TINY_ARCHITECTURE}:{tiny_checkpoint}")
    two = load_model(TINY_ARCHITECTURE, checkpoint=tiny_checkpoint)
    assert one.fingerprint == two.fingerprint
    assert one.name == two.name == f"{TINY_ARCHITECTURE} (tiny.safetensors)"


def test_weights_in_a_pth_file_are_the_same_weights(tiny_checkpoint, tmp_path):
    weights = {f"module.{key}": value for key, value in load_file(tiny_checkpoint).items()}
    torch.save({"state_dict": weights}, tmp_path / "lab.pth")
    first = load_model(TINY_ARCHITECTURE, checkpoint=tmp_path / "lab.pth").module.state_dict()
    second = load_model(str(tiny_checkpoint)).module.state_dict()
    assert all(torch.equal(first[key], second[key]) for key in second)


def test_a_classifier_in_the_checkpoint_is_ignored(tiny_checkpoint, tmp_path):
    weights = load_file(tiny_checkpoint) | {"classifier.weight": torch.zeros(7, 9)}
    save_file(weights, str(tmp_path / "with_head.safetensors"))
    load_model(TINY_ARCHITECTURE, checkpoint=tmp_path / "with_head.safetensors")


def test_weights_of_another_model_are_refused_and_named(tiny_checkpoint):
    with pytest.raises(
        ModelError, match=r"tiny.safetensors: these weights are of another model. Missing: .*layer1"
    ):
        load_model("resnet18", checkpoint=tiny_checkpoint)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.safetensors", b"", "empty"),
        ("noise.safetensors", b"\x10\0\0\0\0\0\0\0 not a header", "cannot be read"),
        ("noise.pth", b"this is text", "cannot be read"),
        ("picture.png", b"\x89PNG", "must be a .safetensors"),
    ],
)
def test_a_file_that_is_no_checkpoint_is_refused_by_name(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=rf"{name}: .*{message}"):
        load_model(TINY_ARCHITECTURE, checkpoint=tmp_path / name)


def test_a_truncated_checkpoint_is_refused_by_name(tiny_checkpoint, tmp_path):
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(tiny_checkpoint.read_bytes()[:5000])
    with pytest.raises(ModelError, match=r"cut.safetensors: this checkpoint cannot be read"):
        load_model(str(cut))


class Evil:
    def __reduce__(self):
        return os.mkdir, ("pwned",)


def test_a_pickle_that_would_run_code_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"weights": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(ModelError, match="never loaded"):
        load_model(TINY_ARCHITECTURE, checkpoint=tmp_path / "evil.pth")
    assert not (tmp_path / "pwned").exists()


def test_a_missing_checkpoint_is_refused_by_name(tmp_path):
    with pytest.raises(ModelError, match=r"gone.safetensors: there is no such checkpoint"):
        load_model(str(tmp_path / "gone.safetensors"))


def test_an_unknown_architecture_is_answered_with_similar_names(tiny_checkpoint):
    with pytest.raises(ModelError, match="Did you mean efficientnet_b"):
        load_model("efficientnet_bo", checkpoint=tiny_checkpoint)


def test_an_architecture_without_weights_asks_for_a_checkpoint():
    with pytest.raises(ModelError, match="botnet50ts_256:weights.safetensors"):
        load_model("botnet50ts_256")


def test_a_checkpoint_without_its_architecture_asks_for_it(tiny_checkpoint, tmp_path):
    save_file(load_file(tiny_checkpoint), str(tmp_path / "bare.safetensors"))
    with pytest.raises(ModelError, match="does not say its architecture"):
        load_model(str(tmp_path / "bare.safetensors"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("input_size", "huge"),
        ("mean", "[1, 2]"),
        ("mean", "[NaN, 0, 0]"),
        ("std", "[1, 1, 0]"),
        ("interpolation", "magic"),
    ],
)
def test_metadata_that_makes_no_sense_is_refused_by_field(tiny_checkpoint, tmp_path, key, value):
    metadata = {"architecture": TINY_ARCHITECTURE, "input_size": "96", key: value}
    save_file(load_file(tiny_checkpoint), str(tmp_path / "odd.safetensors"), metadata=metadata)
    with pytest.raises(ModelError, match=rf"odd.safetensors: .*{key}"):
        load_model(str(tmp_path / "odd.safetensors"))


def test_the_fingerprint_follows_weights_and_preprocessing(tiny_checkpoint):
    model = load_model(str(tiny_checkpoint))
    again = load_model(str(tiny_checkpoint))
    assert again.fingerprint == model.fingerprint
    resized = EmbeddingModel(again.module, Preprocessing((64, 64)), "tiny")
    assert resized.fingerprint != model.fingerprint
    with torch.no_grad():
        again.module.conv_stem.weight[0, 0, 0, 0] += 1
    assert EmbeddingModel(again.module, again.preprocessing, "tiny").fingerprint != model.fingerprint


def test_the_recommended_layer_is_the_first_of_twenty_to_thirty_two_cells():
    from tests.explain.seeded_models import seeded_model

    model = EmbeddingModel(seeded_model("efficientnet_b0"), Preprocessing((224, 224)), "b0")
    assert model.recommended_layer == "blocks.2"
    assert [(layer.path, layer.grid_size) for layer in model.layers()][2] == ("blocks.2", (28, 28))
    assert (
        EmbeddingModel(seeded_model("resnet50"), Preprocessing((224, 224)), "r50").recommended_layer
        == "layer2"
    )


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Conv2d(3, 4, 3), r"must give \(N, D\)"),
        (
            nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 2), nn.Threshold(0.0, float("nan"))),
            "not finite",
        ),
    ],
)
def test_a_module_that_does_not_embed_is_refused(module, message):
    nn.init.zeros_(module.weight if isinstance(module, nn.Conv2d) else module[1].weight)
    if isinstance(module, nn.Sequential):
        nn.init.constant_(module[1].bias, -1.0)
    with pytest.raises(ModelError, match=message):
        _ = EmbeddingModel(module, Preprocessing((32, 32)), "odd").dimensions


def test_a_model_without_preprocessing_takes_no_photos(tiny_checkpoint):
    model = EmbeddingModel(load_model(str(tiny_checkpoint)).module, None, "bare")
    with pytest.raises(ModelError, match="no preprocessing"):
        model.preprocess([])


def test_the_bundled_model_says_how_it_wants_its_photos():
    model = load_model("demo")
    assert model.preprocessing is not None
    assert json.loads(json.dumps(model.preprocessing.input_size))[0] % 32 == 0
    assert max(next(x for x in model.layers() if x.path == model.recommended_layer).grid_size) in range(
        20, 33
    )


def test_weights_without_a_shape_are_no_model(tmp_path):
    flat = {
        "patch_embed.proj.weight": torch.ones(()),
        "layers.0.blocks.0.attn.relative_position_bias_table": torch.ones(()),
    }
    save_file(flat, str(tmp_path / "flat.safetensors"))
    with pytest.raises(ModelError, match="does not say its architecture"):
        load_model(str(tmp_path / "flat.safetensors"))


def test_weights_that_embed_nothing_finite_are_refused_when_loaded(tiny_checkpoint, tmp_path):
    weights = {name: value / 0 for name, value in load_file(tiny_checkpoint).items() if value.ndim}
    save_file(weights, str(tmp_path / "nan.safetensors"))
    with pytest.raises(ModelError, match="not finite"):
        load_model(TINY_ARCHITECTURE, checkpoint=tmp_path / "nan.safetensors")


def test_nothing_is_said_to_be_assumed_that_was_chosen(tiny_checkpoint, tmp_path):
    save_file(load_file(tiny_checkpoint), str(tmp_path / "bare.safetensors"))
    name = f"{TINY_ARCHITECTURE}:{tmp_path / 'bare.safetensors'}"
    assert len(load_model(name).origin.assumed) == 2
    assert "normalisation" in " ".join(load_model(name, input_size=96).origin.assumed)
    assert load_model(name, input_size=96, normalisation="half").origin.assumed == ()


@pytest.mark.parametrize(
    "around", ["model.module.", "model._orig_mod.", "net.model.", "module.model.net.", "_orig_mod.module."]
)
def test_what_training_put_around_the_module_is_taken_off_layer_by_layer(tiny_checkpoint, tmp_path, around):
    weights = {f"{around}{name}": value for name, value in load_file(tiny_checkpoint).items()}
    weights |= {"criterion.weight": torch.ones(3), f"{around[:6]}loss.margin": torch.ones(1)}
    torch.save({"state_dict": weights}, tmp_path / "lab.pth")
    model = load_model(TINY_ARCHITECTURE, checkpoint=tmp_path / "lab.pth")
    plain = load_model(str(tiny_checkpoint)).module.state_dict()
    assert all(torch.equal(value, plain[name]) for name, value in model.module.state_dict().items())
    assert (
        "criterion.weight" in model.origin.assumed[-1]
        and "2 of the file's weights" in model.origin.assumed[-1]
    )


def test_what_was_left_out_is_named_where_weights_do_not_fit(tiny_checkpoint, tmp_path):
    weights = {f"model.{name}": value for name, value in load_file(tiny_checkpoint).items()}
    torch.save(weights | {"teacher.weight": torch.ones(3)}, tmp_path / "lab.pth")
    with pytest.raises(ModelError, match=r"Not looked at: teacher\.weight"):
        load_model("resnet18", checkpoint=tmp_path / "lab.pth")


@pytest.mark.parametrize(
    "name", ["a:b.safetensors", "run 2026-03-01T10:00:00.safetensors", "efficientnet_b0:x.safetensors"]
)
def test_a_path_with_a_colon_in_it_is_a_path(tiny_checkpoint, tmp_path, monkeypatch, name):
    (tmp_path / name).write_bytes(tiny_checkpoint.read_bytes())
    monkeypatch.chdir(tmp_path)
    expected = load_model(str(tiny_checkpoint)).fingerprint
    assert load_model(str(tmp_path / name)).fingerprint == load_model(name).fingerprint == expected
    with pytest.raises(ModelError, match="gone:b.pth: there is no such checkpoint"):
        load_model(str(tmp_path / "gone:b.pth"))


@pytest.mark.parametrize(
    "address", ["https://ada:secret@lab.org/w.pth", "s3://bucket/w.safetensors", "file:///w.pth"]
)
def test_addresses_are_refused(address):
    for arguments in ({"name": address}, {"name": TINY_ARCHITECTURE, "checkpoint": address}):
        with pytest.raises(ModelError, match="is an address") as told:
            load_model(**arguments)
        assert "secret" not in str(told.value)
