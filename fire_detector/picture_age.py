# SPDX-License-Identifier: Apache-2.0
"""Say what is wrong with pictures' stamps, or with the clock that they are held against."""

# Seconds that clocks synchronized over a network may differ by.
MAX_AHEAD = 0.1
# Seconds that no picture of a camera that is listened to can be late by.
MAX_PLAUSIBLE = 60.0
DAY = 86400.0
NO_STAMP = "the pictures have no stamp: their age and the alarm's window of time cannot be told"
NO_CLOCK = 'simulated time stands at 0: nobody publishes /clock'


def age_problem(age: float, max_age: float) -> str:
    """
    Say what is wrong with an age.

    :param age: seconds from a picture's stamp to its answer, by the node's clock.
    :param max_age: seconds that are still good.
    :return: one line, empty where nothing is wrong.
    """
    if age < -MAX_AHEAD:
        return (f"the pictures' stamps are {_duration(-age)} ahead of this node's clock: clocks "
                f'that are not synchronized, or use_sim_time on one side only')
    if age > MAX_PLAUSIBLE:
        return (f"the pictures' stamps are {_duration(age)} old: a recording played without "
                f'use_sim_time, or clocks that are not synchronized')
    if age > max_age:
        return (f'the pictures are {_duration(age)} old when they are answered: they come late, '
                f'or the processor has too much to do')
    return ''


def _duration(seconds: float) -> str:
    return f'{seconds:.1f} s' if seconds < DAY else f'{seconds / DAY:.1f} days'
