"""Preprocessing steps of the papers, written a second time from the originals that they cite.

Plain numpy and scipy, one clip at a time, clarity before speed. Frames are arrays (frames, height, width[, channels]);
points are (x, y) in pixels with pixel centres at whole numbers, and the 68 landmarks count from 0. Where the text
leaves a choice, it is an argument.

Not here, because the texts do not define it: the SIFT flow of Yang and Bhanu's Emotion Avatar Image (2012), which
kumar2019 replaces with an affine registration; the alignment of reddy2019 and talluri2022, for which they name only
dlib; optical strain, which none of the five papers uses.
"""
