"""Keras as the suite runs it: quiet, with fast kernels, with memory that stays, and the same bits for the same inputs.

All of it is set when this module is imported, which must be before anything else imports Keras.
"""

from __future__ import annotations

import ctypes
import logging
import os

from common.environment import backend, without_stderr

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# TensorFlow leaves these kernels off on some processors, where they were up to ten times as fast as its own (AMD EPYC)
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("KERAS_BACKEND", backend())  # else a file of the user's may name another
logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns that a new network is traced anew
with without_stderr():  # TensorFlow writes notes on missing GPUs there, past any log level
    import keras

keras.config.set_floatx("float32")
keras.config.set_image_data_format("channels_last")
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of malloc.h


def _keep_freed_memory() -> None:
    """Have the C library keep what is freed, instead of handing it back and fetching it anew.

    A step takes and frees gigabytes. Of ResNet34 on a CPU, faulting them in took half of its time.
    """
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, -1)
    except (OSError, AttributeError):  # not glibc: its allocator is left as it is
        return


def _make_deterministic() -> None:
    """Ask the backend for operations that give the same bits for the same inputs."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


_keep_freed_memory()
_make_deterministic()  # before anything is computed: an optimizer's first variables count
