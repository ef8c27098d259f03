# SPDX-License-Identifier: Apache-2.0
"""How fast a robot may drive, from alarms and silence."""
