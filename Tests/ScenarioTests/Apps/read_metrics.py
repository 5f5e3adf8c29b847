"""Reads /metrics with Prometheus' own parsers: read_metrics.py ADMIN_PORT openmetrics|prometheus

Prints how many requests the edge counted for the routes of services; exits 1 where the text does not parse."""

import sys
import urllib.request

from prometheus_client import parser as prometheus
from prometheus_client.openmetrics import parser as openmetrics

port, wanted = sys.argv[1:]
accept = {"openmetrics": "application/openmetrics-text; version=1.0.0", "prometheus": "text/plain; version=0.0.4"}
request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept[wanted]})
with urllib.request.urlopen(request, timeout=10) as response:
    kind, text = response.headers["Content-Type"], response.read().decode()
if not kind.startswith(accept[wanted].split(";")[0]):
    sys.exit(f"asked for {wanted}, got {kind}")
families = list((openmetrics if wanted == "openmetrics" else prometheus).text_string_to_metric_families(text))
names = {family.name for family in families}
for needed in ("http_server_request_duration_seconds", "http_server_active_requests"):
    if needed not in names:
        sys.exit(f"no {needed} among {sorted(names)}")
counted = sum(sample.value for family in families for sample in family.samples
              if sample.name == "http_server_request_duration_seconds_count")
print(f"{len(families)} families, requests {counted:.0f}")
