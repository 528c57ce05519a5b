"""Networks whose weights have shapes and no values: they are there at once, and millions of them take no memory."""

from __future__ import annotations

from collections.abc import Callable

import keras


def symbolic(build: Callable[..., keras.Model], *arguments: object, **settings: object) -> keras.Model:
    """What `build` makes of the arguments, without values."""
    with keras.StatelessScope(initialize_variables=False):
        network = build(*arguments, **settings)
    keras.utils.clear_session()  # else Keras gives them values with those of the next network
    return network
