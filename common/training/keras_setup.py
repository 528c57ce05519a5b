"""Setup of Keras: quiet, with fast kernels, with retained memory, and with the same bits for the same inputs.

A GPU's memory is allocated as it is needed, so that several processes can share a GPU.

This is done when the module is imported, which must be before anything else imports Keras.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import logging
import os

from common.environment import backend, without_stderr
from common.training import devices

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# TensorFlow leaves these kernels off on some processors, where they were up to ten times as fast as its own (AMD EPYC)
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# by default, each process would take all of a GPU's memory (TensorFlow), or three quarters of it (JAX)
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
os.environ.setdefault("KERAS_BACKEND", backend())  # else a configuration file of the user may choose another
logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns when a new network is traced

gc.disable()  # collections took a quarter of the time of the import
with without_stderr():  # TensorFlow writes notes on missing GPUs there, ignoring log levels
    import keras
gc.freeze()  # nor do later ones look at what was imported
gc.enable()

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


@functools.cache
def gpus() -> int:
    """The number of GPUs that the backend uses or could use."""
    name = keras.backend.backend()
    if name == "tensorflow":
        import tensorflow as tf

        with without_stderr():  # without a driver, TensorFlow writes there as well
            return len(tf.config.list_physical_devices("GPU"))
    if name == "jax":
        import jax

        return sum(device.platform == "gpu" for device in jax.devices())
    import torch

    return int(torch.cuda.device_count())


_keep_freed_memory()
_make_deterministic()  # before anything is computed: an optimizer's first variables count
if devices.ASKED in os.environ:
    devices.check(gpus())
