# SPDX-License-Identifier: Apache-2.0
"""
The figures of a model, and how certain they are.

Everywhere in this folder `predictions` is a table as in `predictions.py`, `probability` an array
of shape (images,) from 0 to 1, `fire` whether each image shows fire, `groups` the name of each
one's group, and `threshold` the probability at or above which an image is called fire. `data` is
a data folder, which may have boxes around fires, `remarks` is by file what its image shows.
"""
