"""Reads an exposition from standard input with prometheus-client's own parser and prints it back, one sample a line.

First argument: "openmetrics" or "prometheus". Exit code 3 when the library is missing.
"""

import sys

try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
    from prometheus_client.parser import text_string_to_metric_families as prometheus
except ImportError:
    sys.exit(3)

parse = {"openmetrics": openmetrics, "prometheus": prometheus}[sys.argv[1]]
for family in parse(sys.stdin.buffer.read().decode()):
    print(f"family {family.name} {family.type} {family.unit!r} {family.documentation!r}")
    for sample in family.samples:
        labels = ",".join(f"{name}={value!r}" for name, value in sorted(sample.labels.items()))
        print(f"sample {sample.name} {{{labels}}} {float(sample.value)!r}")
