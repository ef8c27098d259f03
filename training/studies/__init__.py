# SPDX-License-Identifier: Apache-2.0
"""Questions about models and their training, each with a script that measures the answer."""
