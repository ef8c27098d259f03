# SPDX-License-Identifier: Apache-2.0
"""What the nodes share: life cycle, executor, subscriptions, messages, parameters."""
