"""Sends events with the official SDK in both modes, and reads back what naos gives with it."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from datetime import datetime, timezone

from cloudevents.core.bindings.http import HTTPMessage, from_structured, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

NAOS = os.environ["NAOS"]


def naos(folder, *words):
    done = subprocess.run([NAOS, *words], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"naos {' '.join(words)}: {done.stderr}")
    return done.stdout


class Site:
    def __init__(self, folder):
        naos(folder, "init", ".")
        self.process = subprocess.Popen(
            [NAOS, "up", "--port", "0", "--json"], cwd=folder, stdout=subprocess.PIPE, text=True
        )
        said = json.loads(self.process.stdout.readline())
        self.base = said["url"].rstrip("/")
        with open(os.path.join(folder, said["token_path"]), encoding="utf-8") as file:
            self.token = file.read().strip()

    def post(self, path, body, headers):
        headers = {"authorization": f"Bearer {self.token}", **headers}
        request = urllib.request.Request(self.base + path, body, headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def json(self, path, value):
        return self.post(path, json.dumps(value).encode(), {"content-type": "application/json"})


def sample(number, **attributes):
    attributes = {
        "id": f"id-{number}",
        "source": "/judge/é %",
        "type": "judge.event",
        "time": datetime(2026, 3, 1, 8, 0, number, tzinfo=timezone.utc),
        "subject": "Ñandú \"quoted\"",
        "myextension": "kept",
        **attributes,
    }
    return attributes


def events():
    data = {"n": 1, "text": "ünï", "list": [1, None]}
    yield CloudEvent(attributes=sample(1, datacontenttype="application/json"), data=data)
    yield CloudEvent(attributes=sample(2, datacontenttype="text/plain"), data="plain text")
    binary = sample(3, datacontenttype="application/octet-stream")
    yield CloudEvent(attributes=binary, data=bytes([0, 1, 255]))
    yield CloudEvent(attributes=sample(4), data=None)


def main():
    form = JSONFormat()
    with tempfile.TemporaryDirectory() as folder:
        site = Site(folder)
        try:
            status, said = site.json("/api/v1/consumers", {"name": "judge", "on": "judge.*"})
            assert status == 201, said
            sent = []
            for mode, write in (("binary", to_binary), ("structured", to_structured)):
                for event in events():
                    attributes = {**event.get_attributes(), "id": f"{mode}-{event.get_id()}"}
                    event = CloudEvent(attributes=attributes, data=event.get_data())
                    message = write(event, form)
                    status, said = site.post("/api/v1/events", message.body, message.headers)
                    assert status == 201, (mode, event.get_id(), said)
                    again, same = site.post("/api/v1/events", message.body, message.headers)
                    assert (again, same) == (status, said), "the same source and id, the same event"
                    sent.append(event)
            status, pulled = site.json("/api/v1/consumers/judge/pull", {"max": 100})
            assert status == 200, pulled
            assert len(pulled["events"]) == len(sent), (len(pulled["events"]), len(sent))
            for event, given in zip(sent, pulled["events"]):
                kind = {"content-type": "application/cloudevents+json"}
                message = HTTPMessage(headers=kind, body=json.dumps(given).encode())
                read = from_structured(message, form)
                for name, value in event.get_attributes().items():
                    found = read.get_attributes().get(name)
                    assert found == value, (event.get_id(), name, value, found)
                data = event.get_data()
                found = read.get_data()
                if isinstance(found, str) and isinstance(data, bytes):
                    found = found.encode()
                assert found == data, (event.get_id(), data, found)
        finally:
            site.process.kill()
            site.process.wait()
    print(f"{len(sent)} events went through in binary and structured mode")


main()
