"""Stories for the Showcase: reviewed pairs in an order, with captions, in one small file."""

from pairx_core.stories.captions import carried_over
from pairx_core.stories.file import STORY_ENDING, parse_story, read_story, story_text
from pairx_core.stories.making import MOST_MATCHES, MOST_PAIRS, Chosen, is_changed, make_story
from pairx_core.stories.scenes import Scene, Step, scenes
from pairx_core.stories.story import Chapter, Count, Shown, Story, StoryCandidate, StoryMatch, StoryPair

__all__ = [
    "MOST_MATCHES",
    "MOST_PAIRS",
    "STORY_ENDING",
    "Chapter",
    "Chosen",
    "Count",
    "Scene",
    "Shown",
    "Step",
    "Story",
    "StoryCandidate",
    "StoryMatch",
    "StoryPair",
    "carried_over",
    "is_changed",
    "make_story",
    "parse_story",
    "read_story",
    "scenes",
    "story_text",
]
