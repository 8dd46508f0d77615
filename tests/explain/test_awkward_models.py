"""Models that are written in unusual ways, and users that do unusual things with them."""

from __future__ import annotations

import gc
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pairx_core import EmbeddingModel, ExplanationCache, ExplanationError, PairExplainer, PairExplanation
from pairx_core.explain.trace import RelevanceModel
from tests.explain.tiny_models import explainer_of, tiny_inputs, tiny_net

pytestmark = pytest.mark.usefixtures("one_thread")


class Awkward(nn.Module):
    """A convolution, an activation, the same or another activation, an embedding, some of it in unusual ways."""

    def __init__(self, *, shared: bool = False, in_place: bool = False, exponent: float = 1.0) -> None:
        super().__init__()
        torch.manual_seed(11)
        first = nn.SiLU()
        self.stages = nn.Sequential(
            nn.Conv2d(3, 6, 3, 2, 1), first, nn.Conv2d(6, 8, 3, 2, 1), first if shared else nn.SiLU()
        )
        self.fc = nn.Linear(8, 8)
        self.in_place = in_place
        self.exponent = exponent

    def forward(self, x: Tensor) -> Tensor:
        x = self.stages(x).mean((2, 3)) * self.exponent
        y = self.fc(x.to(self.fc.weight.dtype))
        if self.in_place:
            y += x
        else:
            y = y + x
        return y


def explained(module: nn.Module, **options) -> PairExplanation:
    explainer = PairExplainer(EmbeddingModel(module.eval(), None, "awkward"), "stages.0", **options)
    return explainer.explain_tensors(*tiny_inputs(), k_colors=1)


def assert_same(first: PairExplanation, second: PairExplanation) -> None:
    assert first.similarity == second.similarity
    assert first.query_relevance.tobytes() == second.query_relevance.tobytes()
    assert first.query_color_maps.tobytes() == second.query_color_maps.tobytes()


def test_an_activation_that_stands_in_two_places_passes_relevance_in_both():
    assert_same(explained(Awkward(shared=True)), explained(Awkward()))


def test_a_sum_in_place_after_a_linear_layer_changes_nothing():
    assert_same(explained(Awkward(in_place=True)), explained(Awkward()))


def test_a_linear_layer_of_its_own_kind_keeps_its_own_forward():
    class Doubled(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return 2 * super().forward(x)

    module = Awkward()
    module.fc = Doubled(8, 8)
    explanation = explained(module)
    with torch.no_grad():
        first, second = (module(photo) for photo in tiny_inputs())
    assert explanation.similarity == pytest.approx(float(torch.cosine_similarity(first, second)), abs=1e-6)


def test_a_convolution_that_makes_its_own_weights_is_propagated_with_them():
    class Standardised(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            weight = self.weight / self.weight.flatten(1).std(1)[:, None, None, None]
            return nn.functional.conv2d(x, weight, self.bias, self.stride, self.padding)

    torch.manual_seed(12)
    own = Standardised(3, 6, 3, 2, 1)
    plain = nn.Conv2d(3, 6, 3, 2, 1)
    with torch.no_grad():
        plain.weight.copy_(own.weight / own.weight.flatten(1).std(1)[:, None, None, None])
        plain.bias.copy_(own.bias)
    results = []
    for first in (own, plain):
        module = Awkward()
        module.stages[0] = first
        results.append(explained(module))
    assert_same(*results)


def test_traces_are_freed_without_the_garbage_collector():
    gc.disable()
    try:
        photo = tiny_inputs()[0]
        trace = RelevanceModel(tiny_net(), ["blocks.1"], photo).trace(photo)
        trace.layer_relevance("blocks.1", torch.ones_like(trace.embedding))
        kept = [weakref.ref(step) for tape in trace._late.values() for step in tape.steps]
        assert len(kept) > 3
        del trace
        assert all(reference() is None for reference in kept)
    finally:
        gc.enable()


def test_a_model_put_into_training_later_is_still_explained_in_evaluation():
    net = tiny_net()
    explainer = explainer_of(net)
    expected = explainer_of(tiny_net()).explain_tensors(*tiny_inputs(), k_colors=1)
    net.train()
    mean = net.blocks[0][1].running_mean.clone()
    assert_same(explainer.explain_tensors(*tiny_inputs(), k_colors=1), expected)
    assert torch.equal(net.blocks[0][1].running_mean, mean)


def test_explaining_works_in_inference_mode():
    expected = explainer_of(tiny_net()).explain_tensors(*tiny_inputs(), k_colors=1)
    with torch.inference_mode():
        assert_same(explainer_of(tiny_net()).explain_tensors(*tiny_inputs(), k_colors=1), expected)


def test_weights_that_change_between_explanations_are_noticed():
    net = tiny_net()
    explainer = explainer_of(net)
    explainer.explain_tensors(*tiny_inputs(), k_colors=0)
    with torch.no_grad():
        net.neck.weight.mul_(1.5)
    with pytest.raises(ExplanationError, match="weights of the model tiny were changed"):
        explainer.explain_tensors(*tiny_inputs(), k_colors=0)


def test_a_plain_attribute_that_decides_the_result_is_part_of_the_key(tmp_path):
    cache = ExplanationCache(tmp_path)
    kept = [explained(Awkward(exponent=exponent), cache=cache) for exponent in (1.0, 8.0)]
    fresh = [explained(Awkward(exponent=exponent)) for exponent in (1.0, 8.0)]
    for one, other in zip(kept, fresh, strict=True):
        assert_same(one, other)
    assert kept[0].similarity != kept[1].similarity


def test_a_model_that_switches_gradients_off_is_refused_in_words():
    class Frozen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = tiny_net()

        def forward(self, x: Tensor) -> Tensor:
            with torch.no_grad():
                return self.inner(x)

    with pytest.raises(ExplanationError, match="switches gradients off"):
        explainer_of(Frozen().eval(), layer="inner.blocks.1").explain_tensors(*tiny_inputs())


def test_inputs_that_the_model_does_not_take_are_said_with_their_size():
    class Picky(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = tiny_net()

        def forward(self, x: Tensor) -> Tensor:
            assert x.shape[2:] == (32, 32), "made for 32 pixels"
            return self.inner(x)

    with pytest.raises(ExplanationError, match=r"does not take inputs of 48×64 pixels \(made for 32 pixels"):
        explainer_of(Picky().eval(), layer="inner.blocks.1").explain_tensors(*tiny_inputs())


def test_no_pixels_and_no_layers_are_refused():
    with pytest.raises(ExplanationError, match="no pixels"):
        explainer_of(tiny_net()).explain_tensors(torch.zeros(1, 3, 8, 0), tiny_inputs()[0])
    with pytest.raises(ExplanationError, match="No layer is given"):
        explainer_of(tiny_net(), layer=())


def test_several_layers_need_one_forward_pass_a_photo(monkeypatch):
    count = SimpleNamespace(forwards=0)
    original = RelevanceModel.trace

    def counted(self, inputs):
        count.forwards += 1
        return original(self, inputs)

    monkeypatch.setattr(RelevanceModel, "trace", counted)
    explainer = explainer_of(tiny_net(), layer=("blocks.0", "blocks.1", "blocks.2"))
    explainer.explain_tensor_layers(*tiny_inputs(), k_colors=1)
    assert count.forwards == 2


def test_what_is_done_to_a_tensor_after_asking_does_not_matter():
    query, candidate = tiny_inputs()
    expected = explainer_of(tiny_net()).explain_tensors(query, candidate, k_colors=0)
    stages = explainer_of(tiny_net()).tensor_stages(query, candidate, k_colors=0)
    query.zero_()
    assert next(stages).similarity == expected.similarity


def test_any_damage_to_an_explanation_file_is_an_explanation_error(tmp_path):
    path = tmp_path / "pair.npz"
    explainer_of(tiny_net()).explain_tensors(*tiny_inputs(), k_colors=1).save(path)
    content = path.read_bytes()
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        spoilt = bytearray(content)
        for place in random.integers(0, len(content), 8):
            spoilt[place] = random.integers(0, 256)
        path.write_bytes(spoilt)
        try:
            PairExplanation.load(path)
        except ExplanationError as error:
            assert "pair.npz" in str(error)
            refused += 1
    assert refused > 75
