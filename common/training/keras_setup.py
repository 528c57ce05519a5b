"""Setup of Keras: quiet, with fast kernels, with retained memory, and with the same bits for the same inputs.

This is done when the module is imported, which must be before anything else imports Keras.
"""

from __future__ import annotations

import ctypes
import logging
import os

from common.environment import backend, without_stderr

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# TensorFlow leaves these kernels off on some processors, where they were up to ten times as fast as its own (AMD EPYC)
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("KERAS_BACKEND", backend())  # else a configuration file of the user may choose another
logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns when a new network is traced
with without_stderr():  # TensorFlow writes notes on missing GPUs there, ignoring log levels
    import keras

keras.config.set_floatx("float32")
keras.config.set_image_data_format("channels_last")
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of malloc.h


def _keep_freed_memory() -> None:
    """Make the C library keep freed memory instead of returning it to the system.

    A step allocates and frees gigabytes. For ResNet34 on a CPU, page faults took half of the time.
    """
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, -1)
    except (OSError, AttributeError):  # not glibc: the allocator is not changed
        return


def _make_deterministic() -> None:
    """Ask the backend for operations that give the same bits for the same inputs."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


_keep_freed_memory()
_make_deterministic()  # before anything is computed: an optimizer's first variables count
