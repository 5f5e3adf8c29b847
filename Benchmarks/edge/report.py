"""From measurements to medians, a JSON file and a table."""

import os
import platform
from statistics import median

from measure import SETTLED
from scenarios import DROPPED_CONNECTIONS, IDLE_CONNECTIONS
from servers import NAMES


def summary(rounds):
    """Median and spread of each number over the rounds of one server in one scenario."""
    result = {}
    for name in ("cpuMicroseconds", "requestsPerSecond", "p50", "p99", "cpuShare"):
        values = [one[name] for one in rounds]
        result[name] = {"median": median(values), "min": min(values), "max": max(values)}
    return result


def host():
    model = "unknown"
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"cpu": model, "cores": os.cpu_count(), "memoryBytes": pages, "kernel": platform.release()}


def shape(machine):
    """For the name of the result's file: 2cpu-24gib."""
    return f"{machine['cores']}cpu-{round(machine['memoryBytes'] / 2**30)}gib"


def table(scenarios, results):
    """Markdown: CPU per request with its ratio to the better rival, then rates, latencies and memory."""
    lines = ["| | server CPU µs per request: Aloft / nginx / HAProxy | Aloft ÷ best | requests/s | p50 ms | p99 ms "
             "| peak memory MB |", "|---|---|---|---|---|---|---|"]
    for scenario in scenarios:
        if scenario.name in results:
            lines.append(row(scenario, results[scenario.name]))
    return "\n".join(lines)


def row(scenario, servers):
    def cells(value):
        return " / ".join(value(servers[name]) if name in servers else "–" for name in NAMES)

    def cpu(server):
        numbers = server["summary"]["cpuMicroseconds"]
        half = (numbers["max"] - numbers["min"]) / 2
        return f"{numbers['median']:.1f} ±{half:.1f}"

    return "| " + " | ".join([
        scenario.title, cells(cpu), ratio(servers, lambda server: server["summary"]["cpuMicroseconds"]["median"]),
        cells(lambda server: f"{server['summary']['requestsPerSecond']['median']:,.0f}".replace(",", " ")),
        cells(lambda server: f"{server['summary']['p50']['median'] * 1e3:.2f}"),
        cells(lambda server: f"{server['summary']['p99']['median'] * 1e3:.2f}"),
        cells(lambda server: f"{server['peakResidentBytes'] / 1e6:.0f}")]) + " |"


def idle_table(servers):
    lines = [f"| memory per idle kept-alive connection at {IDLE_CONNECTIONS:,} | bytes |".replace(",", " "),
             "|---|---|"]
    lines += [f"| {name} | {servers[name]['bytesPerConnection']:,.0f} |".replace(",", " ")
              for name in NAMES if name in servers]
    return "\n".join(lines)


def dropped_table(servers):
    lines = [f"| memory after {DROPPED_CONNECTIONS:,} dropped connections | MB more than before, {SETTLED} s later "
             "| at its worst |".replace(",000", " 000"), "|---|---|---|"]
    lines += [f"| {name} | {servers[name]['keptBytes'] / 1e6:.1f} | {servers[name]['worstBytes'] / 1e6:.1f} |"
              for name in NAMES if name in servers]
    return "\n".join(lines)


def insert(path, marker, text):
    """Puts text between `<!-- marker -->` and `<!-- end of marker -->` of a page."""
    with open(path) as page:
        before, rest = page.read().split(f"<!-- {marker} -->", 1)
    after = rest.split(f"<!-- end of {marker} -->", 1)[1]
    with open(path, "w") as page:
        page.write(f"{before}<!-- {marker} -->\n{text}\n<!-- end of {marker} -->{after}")


def ratio(servers, value):
    """Aloft's number divided by that of the better rival; lower is better."""
    rivals = [value(servers[name]) for name in NAMES[1:] if name in servers]
    if "aloft" not in servers or not rivals:
        return "–"
    return f"{value(servers['aloft']) / min(rivals):.2f}"
