"""Asks agents through the official client, in Python here and in Node by `judge.mjs`."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request

import openai

NAOS = os.environ["NAOS"]
MODEL_SERVER = os.environ["MODEL_SERVER"]
KEY = "sk-a-key-of-the-tests"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9"
    "HQAAAABJRU5ErkJggg=="
)
TOTAL = {
    "type": "object",
    "properties": {"total": {"type": "integer"}},
    "required": ["total"],
    "additionalProperties": False,
}

OFFICE = """
type: model
name: fast
provider: openai-compatible
endpoint: http://127.0.0.1:{port}/v1
model: "slow:2"
key: env:NAOS_MODEL_TEST
cost_per_1m_tokens: {{input: 1.00, output: 10.00}}
---
type: model
name: broken
provider: openai-compatible
endpoint: http://127.0.0.1:{port}/v1
model: html
key: env:NAOS_MODEL_TEST
cost_per_1m_tokens: {{input: 1.00, output: 10.00}}
---
type: model
name: eyes
provider: openai-compatible
endpoint: http://127.0.0.1:{port}/v1
model: echo
key: env:NAOS_MODEL_TEST
capabilities: [text, tools, vision, json]
cost_per_1m_tokens: {{input: 1.00, output: 10.00}}
---
type: model
name: tired
provider: openai-compatible
endpoint: http://127.0.0.1:{port}/v1
model: "slow:300"
key: env:NAOS_MODEL_TEST
cost_per_1m_tokens: {{input: 1.00, output: 10.00}}
---
type: agent
name: clerk
model: fast
prompt: You help an office.
---
type: agent
name: unlucky
model: broken
prompt: You help an office.
---
type: agent
name: seer
model: eyes
prompt: You help an office.
---
type: agent
name: sleeper
model: tired
prompt: You help an office.
---
type: agent
name: poor
model: fast
prompt: You help an office.
---
type: agent
name: reader
model: eyes
prompt: You help an office.
---
type: agent
name: dozer
model: tired
prompt: You help an office.
"""


def naos(folder, *words, given=None):
    done = subprocess.run(
        [NAOS, *words], cwd=folder, capture_output=True, text=True, input=given, check=False
    )
    if done.returncode != 0:
        sys.exit(f"naos {' '.join(words)}: {done.stderr}")
    return done.stdout


class Office:
    """A daemon with agents, most of whom work with models of the test server."""

    def __init__(self, folder):
        self.folder = folder
        self.models = subprocess.Popen(
            [MODEL_SERVER, "--port", "0", "--key", KEY], stdout=subprocess.PIPE, text=True
        )
        line = self.models.stdout.readline()
        port = line.strip().rstrip("/").rsplit(":", 1)[1].split("/")[0]
        naos(folder, "init", ".")
        settings = {"NAOS_ALLOW_LOOPBACK_PORTS": port, "NAOS_MODEL_TEST": KEY}
        self.process = subprocess.Popen(
            [NAOS, "up", "--port", "0", "--json"],
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | settings,
        )
        said = json.loads(self.process.stdout.readline())
        self.base = said["url"].rstrip("/")
        with open(os.path.join(folder, said["token_path"]), encoding="utf-8") as file:
            self.token = file.read().strip()
        naos(folder, "apply", "-f", "-", given=OFFICE.format(port=port))
        naos(folder, "create", "echo", "--template", "echo")

    def close(self):
        for process in (self.process, self.models):
            process.terminate()
            process.wait()

    def runs(self, agent):
        request = urllib.request.Request(
            f"{self.base}/api/v1/runs?agent={agent}",
            headers={"authorization": f"Bearer {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["items"]


def ask(client, model, *texts, **more):
    messages = [{"role": "user", "content": text} for text in texts]
    return client.chat.completions.create(model=model, messages=messages, **more)


def models(client):
    names = [model.id for model in client.models.list()]
    assert {"naos", "clerk", "echo"} <= set(names), names
    assert client.models.retrieve("clerk").object == "model"


def answers(client):
    done = ask(client, "echo", "hello")
    assert done.choices[0].message.content == "hello", done
    assert done.choices[0].finish_reason == "stop"
    assert done.object == "chat.completion" and done.id.startswith("chatcmpl-run_")
    done = ask(client, "clerk", "The bill of Riake?")
    assert done.choices[0].message.content == "The bill of Riake?", done
    assert done.usage.prompt_tokens > 0 and done.usage.completion_tokens > 0, done.usage
    total = done.usage.prompt_tokens + done.usage.completion_tokens
    assert done.usage.total_tokens == total


def conversation(client):
    done = client.chat.completions.create(
        model="echo",
        messages=[
            {"role": "system", "content": "Be short."},
            {"role": "user", "content": [{"type": "text", "text": "One?"}]},
            {"role": "assistant", "content": "Two."},
            {"role": "user", "content": "Three?"},
        ],
        temperature=0.5,
    )
    said = done.choices[0].message.content
    order = ["Be short.", "One?", "Two.", "Three?"]
    places = [said.index(text) for text in order]
    assert places == sorted(places), said


def streams(client):
    words = "Each word comes by itself, one after the other, until all is said."
    options = {"include_usage": True}
    chunks = list(ask(client, "clerk", words, stream=True, stream_options=options))
    pieces = [c.choices[0].delta.content for c in chunks if c.choices]
    text = "".join(piece or "" for piece in pieces)
    assert text == words, text
    assert len([piece for piece in pieces if piece]) > 3, "it came in pieces"
    assert [c for c in chunks if c.choices][-1].choices[0].finish_reason == "stop"
    assert chunks[-1].usage.total_tokens > 0
    # A component writes nothing on the way: its answer comes whole.
    text = "".join(c.choices[0].delta.content or "" for c in ask(client, "echo", "hi", stream=True))
    assert text == "hi", text


def refusals(client, office):
    refused(openai.NotFoundError, lambda: ask(client, "nobody", "x"))
    refused(openai.BadRequestError, lambda: ask(client, "clerk", "x", n=2))
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    refused(openai.BadRequestError, lambda: ask(client, "clerk", "x", tools=[tool]))
    nobody = openai.OpenAI(base_url=f"{office.base}/v1", api_key="nobody")
    refused(openai.AuthenticationError, lambda: ask(nobody, "clerk", "x"))
    # What failed is told once: no client does it again by itself.
    error = refused(openai.UnprocessableEntityError, lambda: ask(client, "unlucky", "x"))
    assert "run_" in str(error), error
    refused(openai.APIError, lambda: list(ask(client, "unlucky", "x", stream=True)))
    assert len(office.runs("unlucky")) == 2, office.runs("unlucky")


def refused(kind, act):
    try:
        act()
    except kind as error:
        return error
    sys.exit(f"{kind.__name__} was to come")


def forms(client):
    schema = {"name": "sum", "strict": True, "schema": TOTAL}
    form = {"type": "json_schema", "json_schema": schema}
    done = ask(client, "seer", '{"total": 12}', response_format=form)
    assert json.loads(done.choices[0].message.content) == {"total": 12}, done
    chunks = ask(client, "seer", '{"total": 12}', response_format=form, stream=True)
    pieces = [chunk.choices[0].delta.content for chunk in chunks]
    assert json.loads("".join(piece or "" for piece in pieces)) == {"total": 12}, pieces
    done = ask(client, "seer", '{"a": []}', response_format={"type": "json_object"})
    assert json.loads(done.choices[0].message.content) == {"a": []}, done
    for wrong in ("Twelve.", '{"total": "twelve"}', '{"total": 1, "more": 2}'):
        act = lambda: ask(client, "seer", wrong, response_format=form)
        refused(openai.UnprocessableEntityError, act)
    act = lambda: ask(client, "echo", "x", response_format=form)
    refused(openai.BadRequestError, act)


def pictures(client):
    shown = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    content = [{"type": "text", "text": "What is this?"}, shown]
    messages = [{"role": "user", "content": content}]
    done = client.chat.completions.create(model="seer", messages=messages)
    said = done.choices[0].message.content
    assert "[image/png, 70 bytes]" in said and "What is this?" in said, said
    act = lambda: client.chat.completions.create(model="clerk", messages=messages)
    assert "can't see" in str(refused(openai.PermissionDeniedError, act))
    shown["image_url"]["url"] = "https://example.org/a.png"
    act = lambda: client.chat.completions.create(model="seer", messages=messages)
    refused(openai.BadRequestError, act)


def budget(client, office):
    # A day has room for a call, and not for one after a long answer.
    naos(office.folder, "cost", "set", "poor", "--budget", "0.06", "--period", "day")
    ask(client, "poor", "one two three four five six seven eight nine ten " * 200)
    error = refused(openai.RateLimitError, lambda: ask(client, "poor", "And now?"))
    wait = int(error.response.headers["retry-after"])
    assert 0 < wait <= 86_400, wait
    assert error.status_code == 429 and error.code == "N0143", error
    # It isn't sent again before: one run, and one refusal.
    assert error.response.headers["x-should-retry"] == "false"
    assert len(office.runs("poor")) == 1, office.runs("poor")
    # What no budget ever has room for isn't worth waiting for.
    naos(office.folder, "cost", "set", "seer", "--budget", "0.001", "--period", "total")
    refused(openai.PermissionDeniedError, lambda: ask(client, "seer", "And now?"))


def cancelled(client, office):
    words = "one two three four five six seven eight nine ten " * 20
    stream = ask(client, "sleeper", words, stream=True)
    for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    stream.close()
    until = time.monotonic() + 60
    while office.runs("sleeper")[0]["status"] != "cancelled":
        assert time.monotonic() < until, office.runs("sleeper")
        time.sleep(0.1)


def responses(client):
    done = client.responses.create(model="clerk", input="The bill of Riake?")
    assert done.output_text == "The bill of Riake?" and done.status == "completed", done
    assert done.id.startswith("resp_run_") and done.usage.total_tokens > 0, done
    done = client.responses.create(
        model="echo",
        instructions="Be short.",
        input=[
            {"role": "user", "content": [{"type": "input_text", "text": "One?"}]},
            {"role": "assistant", "content": "Two."},
            {"role": "user", "content": "Three?"},
        ],
    )
    places = [done.output_text.index(text) for text in ("Be short.", "One?", "Two.", "Three?")]
    assert places == sorted(places), done.output_text
    words = "Each word comes by itself, one after the other, until all is said."
    events = list(client.responses.create(model="clerk", input=words, stream=True))
    kinds = [event.type for event in events]
    assert kinds[:2] == ["response.created", "response.in_progress"], kinds
    assert [event.sequence_number for event in events] == list(range(len(events)))
    pieces = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(pieces) == words and len(pieces) > 3, pieces
    assert kinds[-1] == "response.completed", kinds
    assert events[-1].response.output_text == words
    form = {"type": "json_schema", "name": "sum", "schema": TOTAL, "strict": True}
    done = client.responses.create(model="seer", input='{"total": 7}', text={"format": form})
    assert json.loads(done.output_text) == {"total": 7}, done
    shown = {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}"}
    messages = [{"role": "user", "content": [{"type": "input_text", "text": "This?"}, shown]}]
    done = client.responses.create(model="seer", input=messages)
    assert "[image/png, 70 bytes]" in done.output_text, done
    act = lambda: client.responses.create(model="clerk", input="x", previous_response_id="r")
    refused(openai.BadRequestError, act)
    act = lambda: client.responses.create(model="unlucky", input="x")
    refused(openai.UnprocessableEntityError, act)
    last = list(client.responses.create(model="unlucky", input="x", stream=True))[-1]
    assert last.type == "response.failed" and "run_" in last.response.error.message, last


def once(client):
    key = {"Idempotency-Key": "the-same"}
    raw = client.chat.completions.with_raw_response
    both = [ask(raw_client(raw), "echo", "once", extra_headers=key) for _ in range(2)]
    runs = {answer.headers["x-naos-run"] for answer in both}
    assert len(runs) == 1, runs


def raw_client(raw):
    """So that `ask` finds what it looks for."""

    class Chat:
        completions = raw

    class Client:
        chat = Chat

    return Client


def main():
    with tempfile.TemporaryDirectory() as folder:
        office = Office(folder)
        try:
            client = openai.OpenAI(base_url=f"{office.base}/v1", api_key=office.token)
            for check in (models, answers, conversation, streams, once):
                check(client)
                print(f"python: {check.__name__} ok")
            for check in (refusals, forms, pictures, responses, cancelled, budget):
                given = (client, office) if check in (refusals, cancelled, budget) else (client,)
                check(*given)
                print(f"python: {check.__name__} ok")
            settings = {
                "OPENAI_BASE_URL": f"{office.base}/v1",
                "OPENAI_API_KEY": office.token,
                "PIXEL": PIXEL,
            }
            subprocess.run(["node", "judge.mjs"], env=os.environ | settings, check=True)
        finally:
            office.close()


main()
