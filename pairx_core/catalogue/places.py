"""Distances on the ground."""

from __future__ import annotations

import math

from pairx_core.catalogue.photo import Photo

_EARTH_RADIUS = 6371.0088  # kilometres, the mean of the WGS 84 ellipsoid (IUGG)


def kilometres_apart(one: Photo, other: Photo) -> float | None:
    """The great-circle distance between the places of two photos, in kilometres; None where one is not known.

    By the haversine formula on a sphere: right to 0.6 %.
    """
    degrees = (one.latitude, one.longitude, other.latitude, other.longitude)
    if any(value is None for value in degrees):
        return None
    lat1, lon1, lat2, lon2 = (math.radians(value or 0.0) for value in degrees)
    across = math.sin((lat2 - lat1) / 2) ** 2
    along = math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_RADIUS * math.asin(math.sqrt(min(1.0, across + along)))
