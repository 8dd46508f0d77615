"""Make the story of the Showcase page from the sample: ``python data_samples/make_showcase.py``.

The pairs and the captions are written here; what the demo model proposes and why is computed, and the individuals are
counted, as for anybody's own story.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from pairx_core import PairExplainer, build_index, load_model, read_catalogue  # noqa: E402
from pairx_core.stories import Chosen, Shown, Story, make_story, story_text  # noqa: E402

STORY = FOLDER / "showcase.story.toml"
QUERY, RIGHT, WRONG = "IMG_0041", "IMG_0016", "IMG_0014"
SHOWN = {
    RIGHT: {
        10: "A stripe on the rump bends into a hook. There, too.",
        4: "The stripe beside it follows the bend.",
        7: "One stripe comes straight down from the back, and swerves.",
        6: "The rear edge of the dark saddle, and the curl below it.",
        5: "Two light fingers reach up into the saddle.",
        18: "",
        13: "The neck. At night the colors are gone; the pattern is the same.",
    },
    WRONG: {
        6: "The thigh: much alike at first sight.",
        5: "Above it, here a hook; there a plain stripe.",
        11: "On the belly, here fingers reach up into the dark; there short bars hang down.",
        15: "And this line joins two different places: the saddle's fingers, and bars on a back without a saddle.",
    },
}
CAPTIONS = {
    RIGHT: (
        "The first two are of one animal that we know. The second was taken at night: which mark matches which?",
        "Mark after mark has its partner. It is the same animal.",
    ),
    WRONG: (
        "The third candidate is tempting: same build, same side, stripes of the same width. Look closer.",
        "Lines alone prove nothing: the model always finds something to match. These marks differ: another animal.",
    ),
}


def made() -> Story:
    """The story, as it is computed on this computer."""
    catalogue, model = read_catalogue(FOLDER / "metadata.csv"), load_model("demo")
    index, explainer = build_index(catalogue, model), PairExplainer(model, cache=None)
    story = make_story(
        "Who is this?",
        [
            Chosen(QUERY, RIGHT, "accept", tuple(SHOWN[RIGHT])),
            Chosen(QUERY, WRONG, "reject", tuple(SHOWN[WRONG])),
        ],
        catalogue,
        propose=lambda query: index.candidates(query, k=5),
        explain=lambda query, candidate: explainer.explain(query, candidate, k_lines=20, k_colors=0),
        model=model.name,
        layer=explainer.layer,
    )
    return _with_captions(story)


def _with_captions(story: Story) -> Story:
    chapter = story.chapters[0]
    pairs = tuple(
        replace(
            pair,
            caption=CAPTIONS[pair.candidate][0],
            closing=CAPTIONS[pair.candidate][1],
            shown=tuple(Shown(one.match, SHOWN[pair.candidate][one.match]) for one in pair.shown),
        )
        for pair in chapter.pairs
    )
    named = chapter.before.individuals - chapter.before.unnamed
    told = replace(
        chapter,
        arrival="A camera trap took this photograph. Who is it: someone we know, or someone new?",
        proposed="The model proposes five photographs that look alike. It ranks; it does not decide.",
        decided="The reviewer decides, and nobody else: the second candidate is accepted, the third rejected.",
        counted="Two photographs that might have been of two animals are of one.",
        pairs=pairs,
    )
    return replace(
        story,
        opening=f"124 photographs, {named} known individuals, and a new photograph.",
        ending="Each decision is kept: who decided, when, on which pair, and which marks they saw. It will stand up in "
        "a paper.",
        chapters=(told,),
    )


if __name__ == "__main__":
    STORY.write_text(story_text(made()), encoding="utf-8")
    print(f"{STORY.name}: {STORY.stat().st_size:,} bytes")
