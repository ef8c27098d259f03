# SPDX-License-Identifier: Apache-2.0
"""
The security policy allows what the nodes do, and nothing else.

The wheels of Fast DDS on PyPI are built without security, so that no keystore can be enforced
here; what the policy lists is compared with what running nodes really have.
"""

from pathlib import Path
import xml.etree.ElementTree as ElementTree

import pytest
from ros_session import RosSession

POLICY = Path(__file__).resolve().parents[2] / 'launch' / 'fire_detector.policy.xml'
# Allowed, though the nodes of this test need not have them.
OPTIONAL = {
    'publish': {'/fire_detector/classification', '/fire_detector/vision_info'},  # vision_msgs
    'subscribe': {'/image/compressed'},  # the parameter image_transport
    # Not on Humble.
    'reply': {'/fire_detector/get_type_description', '/fire_guard/get_type_description'},
    'request': set[str](),
}
# The modules that run the nodes.
NODES = {'fire_detector': 'detector_node', 'fire_guard': 'guard_node'}


def resolve(name: str, node: str) -> str:
    """Return a name of the policy in full, by the rules for a node in /."""
    if name.startswith('~'):
        return f'/{node}{name[1:]}'
    return name if name.startswith('/') else f'/{name}'


def allowed(node: str) -> dict[str, list[str]]:
    """Return the names that the policy allows for each kind of use."""
    root = ElementTree.parse(POLICY).getroot()
    profile, = root.findall(f'enclaves/enclave[@path="/{node}"]/profiles/profile')
    assert (profile.get('ns'), profile.get('node')) == ('/', node)
    names: dict[str, list[str]] = {kind: [] for kind in OPTIONAL}
    for group in profile:
        for kind, rule in group.attrib.items():
            assert rule == 'ALLOW'
            names[kind] += [resolve(str(each.text), node) for each in group]
    return names


def names_of(node: str, ros: RosSession) -> dict[str, set[str]]:
    """Return the topics and services of a node in the graph."""
    queries = {'publish': ros.node.get_publisher_names_and_types_by_node,
               'subscribe': ros.node.get_subscriber_names_and_types_by_node,
               'reply': ros.node.get_service_names_and_types_by_node,
               'request': ros.node.get_client_names_and_types_by_node}
    return {kind: {name for name, _ in query(node, '/')} for kind, query in queries.items()}


@pytest.mark.parametrize('node', NODES)
def test_policy_is_what_the_node_has(ros: RosSession, node: str) -> None:
    """An active node with simulated time has the topics and services of the policy, no more."""
    ros.start(NODES[node], 'use_sim_time:=true')
    assert ros.state(f'/{node}') == 'active'
    # Its services are found before it is.
    ros.wait_for(lambda: (node, '/') in ros.node.get_node_names_and_namespaces(), 'the node')
    wanted = {kind: set(names) for kind, names in allowed(node).items()}

    def complete() -> bool:
        found = names_of(node, ros)
        return all(wanted[kind] - found[kind] <= OPTIONAL[kind] for kind in OPTIONAL)

    ros.happens(complete, 10)
    found = names_of(node, ros)
    assert {kind: found[kind] - wanted[kind] for kind in found} == {
        'publish': set(), 'subscribe': set(), 'reply': set(), 'request': set()}
    missing = {kind: wanted[kind] - found[kind] - OPTIONAL[kind] for kind in found}
    assert missing == {'publish': set(), 'subscribe': set(), 'reply': set(), 'request': set()}


@pytest.mark.parametrize(('node', 'subscribed'), [
    ('fire_detector', ['/image', '/image/compressed', '/clock']),
    ('fire_guard', ['/cmd_vel_in', '/fire_detector/alarm', '/clock'])])
def test_nothing_is_listed_twice_or_beyond_the_design(node: str, subscribed: list[str]) -> None:
    """A node calls no service, and subscribes to its inputs and the clock only."""
    names = allowed(node)
    assert all(len(each) == len(set(each)) for each in names.values())
    assert names['request'] == []
    assert names['subscribe'] == subscribed
    assert not any('*' in name for each in names.values() for name in each)
