"""The player of the Showcase: a story, scene by scene, on the whole screen."""

from pages.components.story_player.component import play

__all__ = ["play"]
