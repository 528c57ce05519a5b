"""Pictures and what is computed from them: frames, faces, apex, magnification, dynamic images."""
