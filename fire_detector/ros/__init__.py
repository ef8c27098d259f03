# SPDX-License-Identifier: Apache-2.0
"""What the nodes share of ROS: life cycle, executor, subscriptions, messages, parameters."""
