"""What a week costs: real seconds for each day and agent, virtual against real time, and memory.

    python benchmarks/week.py [AGENT...]

Each agent lives its week in a process of its own; both runs of a day count, the healthy one and the
one with faults. The peak of resident memory is that process's own.
"""

import json
import resource
import subprocess
import sys
import time

AGENTS = ("naive", "naive_async", "guarded", "guarded_async")
CHILD = "--one"


def week(name):
    """Live the week with one agent; return a row for each day, and the peak memory in MB."""
    from chaoskit.agent import load_agent
    from chaoskit.catalogue import load_all, shipped
    from chaoskit.run import run

    agent = load_agent(f"chaoskit.demo:{name}")
    rows = []
    for _, scenario in load_all(shipped()):
        if 1 <= scenario.day <= 7:
            began = time.perf_counter()
            outcome = run(scenario, agent)
            real = time.perf_counter() - began
            rows.append((scenario.day, outcome.calls, outcome.virtual_seconds, real))
    return rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    if sys.argv[1:2] == [CHILD]:
        print(json.dumps(week(sys.argv[2])))
        return
    agents = sys.argv[1:] or AGENTS
    print(
        f"{'agent':15}" + "".join(f"  day {day}" for day in range(1, 8)) + "   week  memory   speed"
    )
    for agent in agents:
        done = subprocess.run(
            [sys.executable, __file__, CHILD, agent], capture_output=True, text=True, check=True
        )
        rows, memory = json.loads(done.stdout.splitlines()[-1])
        real = sum(row[3] for row in rows)
        speed = sum(row[2] for row in rows) / real
        days = "".join(f"{row[3]:6.1f}s" for row in rows)
        print(f"{agent:15}{days}{real:6.1f}s{memory:6.0f}MB{speed:7.0f}×")


if __name__ == "__main__":
    main()
