"""A durable workflow of three steps on DBOS for Python.

usage: dbos_python.py DATABASE_URL COUNT AT_ONCE (a file called dbos.py would be imported as dbos)
"""
import json
import logging
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from dbos import DBOS

URL, COUNT, AT_ONCE = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
DBOS(config={"name": "bench", "system_database_url": URL, "run_admin_server": False, "log_level": "ERROR"})


@DBOS.step()
def add_one(number):
    return number + 1


@DBOS.workflow()
def three_steps(number):
    return add_one(add_one(add_one(number)))


def timed(number):
    began = time.perf_counter()
    assert three_steps(number) == number + 3
    return (time.perf_counter() - began) * 1e3


WARM = max(AT_ONCE, 20)

DBOS.launch()
with ThreadPoolExecutor(AT_ONCE) as pool:
    list(pool.map(timed, range(WARM)))
    began = time.perf_counter()
    took = sorted(pool.map(timed, range(COUNT)))
    seconds = time.perf_counter() - began
print(json.dumps({"rate": COUNT / seconds, "p50_ms": took[len(took) // 2],
                  "all": WARM + COUNT}), flush=True)
logging.disable()
DBOS.destroy()
