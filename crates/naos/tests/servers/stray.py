"""What answers at an address and is no server of tools, or a bad one, for the tests: the first part
of its path says what it does. Its port is its first line on standard output.
"""
import http.server
import json

DEEP = "[" * 5_000 + "]" * 5_000
# One that acts: nobody calls it again by themselves.
PAY = {"name": "pay", "description": "Pays.", "inputSchema": {"type": "object"}}
TOOL = {"name": "find", "description": "Finds.", "inputSchema": {"type": "object"},
        "annotations": {"readOnlyHint": True}}


class Stray(http.server.BaseHTTPRequestHandler):
    def told(self, status, kind, text):
        self.send_response(status)
        if self.path.startswith("/sessions"):
            self.send_header("mcp-session-id", "one")
        if kind:
            self.send_header("content-type", kind)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_GET(self):
        self.told(405, "text/plain", "")

    def do_DELETE(self):
        self.told(501, "text/plain", "")
        print("DELETE", flush=True)

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        how = self.path.split("/")[1]
        if how == "page":
            return self.told(200, "text/html", "<html>hello</html>")
        if how == "plain":
            return self.told(200, None, "hello")
        if how == "other":
            return self.told(200, "application/json", '{"hello": 1}')
        if how == "gone":
            return self.told(404, "text/plain", "no such page")
        if "id" not in asked:
            return self.told(202, None, "")
        method, params = asked["method"], asked.get("params", {})
        if how == "refuses" and method == "tools/call":
            return self.told(int(self.path.split("/")[2]), "text/plain", "no")
        result = {
            "initialize": {"protocolVersion": params.get("protocolVersion"),
                           "capabilities": {"tools": {}},
                           "serverInfo": {"name": "stray", "version": "1"}},
            "tools/list": {"tools": [PAY if how == "refuses" else TOOL]},
        }.get(method)
        text = json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result or "DEEP"})
        text = text.replace('"DEEP"', '{"content": [], "structuredContent": {"a": %s}}' % DEEP)
        if how == "events":
            return self.told(200, "text/event-stream", f"data: {text}\n\n")
        self.told(200, "application/json", text)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stray)
print(server.server_address[1], flush=True)
server.serve_forever()
