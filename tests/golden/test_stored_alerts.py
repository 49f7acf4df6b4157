"""The alerts that the analytics tests and the cookbook answer from are the detector's of today."""

from collections import Counter

import orjson

from tests.support.analytics_data import detected_alerts, stored_alerts

HOW_TO = "the detector has changed: run `make answers`, and review what the cookbook says now"


def test_the_stored_alerts_are_those_of_the_present_detector() -> None:
    stored, detected = stored_alerts(), detected_alerts()
    types = [Counter(orjson.loads(alert)["type"] for alert in each) for each in (stored, detected)]
    assert types[0] == types[1], HOW_TO
    assert stored == detected, HOW_TO
