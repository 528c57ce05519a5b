"""Images and computations on them: frames, faces, apex, magnification, dynamic images."""
