# SPDX-License-Identifier: Apache-2.0
"""
The security policy allows what the node does, and nothing else.

The wheels of Fast DDS on PyPI are built without security, so that no keystore can be enforced
here; what the policy lists is compared with what running nodes really have.
"""

from pathlib import Path
import xml.etree.ElementTree as ElementTree

import pytest
from ros_session import RosSession

POLICY = Path(__file__).resolve().parents[1] / 'launch' / 'fire_detector.policy.xml'
NODE = '/fire_detector'
# Allowed, though the nodes of this test need not have them.
OPTIONAL = {
    'publish': {'/fire_detector/classification', '/fire_detector/vision_info'},  # vision_msgs
    'subscribe': {'/image/compressed'},  # the parameter image_transport
    'reply': {'/fire_detector/get_type_description'},  # not on Humble
    'request': set[str](),
}


def resolve(name: str) -> str:
    """Give a name of the policy in full, by the rules for node fire_detector in /."""
    if name.startswith('~'):
        return NODE + name[1:]
    return name if name.startswith('/') else f'/{name}'


@pytest.fixture(scope='module')
def allowed() -> dict[str, list[str]]:
    """Give the names that the policy allows for each thing that a node may do with them."""
    root = ElementTree.parse(POLICY).getroot()
    profile, = root.findall('enclaves/enclave/profiles/profile')
    assert (profile.get('ns'), profile.get('node')) == ('/', 'fire_detector')
    names: dict[str, list[str]] = {kind: [] for kind in OPTIONAL}
    for group in profile:
        for kind, rule in group.attrib.items():
            assert rule == 'ALLOW'
            names[kind] += [resolve(str(each.text)) for each in group]
    return names


def names_of_the_node(ros: RosSession) -> dict[str, set[str]]:
    """Give what the node publishes, hears, answers and asks, as the middleware tells it."""
    node, found = ros.node, {}
    for kind, ask in (('publish', node.get_publisher_names_and_types_by_node),
                      ('subscribe', node.get_subscriber_names_and_types_by_node),
                      ('reply', node.get_service_names_and_types_by_node),
                      ('request', node.get_client_names_and_types_by_node)):
        found[kind] = {name for name, _ in ask('fire_detector', '/')}
    return found


def test_policy_is_what_the_node_has(ros: RosSession, allowed: dict[str, list[str]]) -> None:
    """An active node with simulated time has the topics and services of the policy, no more."""
    ros.start('node', '-p', 'use_sim_time:=true')
    assert ros.state() == 'active'
    # Its services are found before it is.
    ros.wait_for(lambda: ('fire_detector', '/') in ros.node.get_node_names_and_namespaces(),
                 'the node')
    wanted = {kind: set(names) for kind, names in allowed.items()}

    def complete() -> bool:
        found = names_of_the_node(ros)
        return all(wanted[kind] - found[kind] <= OPTIONAL[kind] for kind in OPTIONAL)

    ros.happens(complete, 10)
    found = names_of_the_node(ros)
    assert {kind: found[kind] - wanted[kind] for kind in found} == {
        'publish': set(), 'subscribe': set(), 'reply': set(), 'request': set()}
    missing = {kind: wanted[kind] - found[kind] - OPTIONAL[kind] for kind in found}
    assert missing == {'publish': set(), 'subscribe': set(), 'reply': set(), 'request': set()}


def test_nothing_is_listed_twice_or_beyond_the_design(allowed: dict[str, list[str]]) -> None:
    """The node asks nobody for anything, and hears pictures and the clock only."""
    assert all(len(names) == len(set(names)) for names in allowed.values())
    assert allowed['request'] == []
    assert allowed['subscribe'] == ['/image', '/image/compressed', '/clock']
    assert not any('*' in name for names in allowed.values() for name in names)
