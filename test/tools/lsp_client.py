"""An editor's side of the Language Server Protocol, just enough for tests.

lsp_client.py MODEL [OLD=>NEW] [hover|definition LINE:COLUMN]...
Opens MODEL, with the first OLD in its text replaced, and prints every diagnostic as
LINE:COLUMN: MESSAGE and what each request answers. Lines and columns count from 1.
"""
import json
import subprocess
import sys


class Server:
    def __init__(self):
        self.process = subprocess.Popen(["nanochat-lsp-server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)
        self.requests = 0

    def send(self, method, parameters, **more):
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": parameters, **more}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def receive(self):
        length = None
        while (line := self.process.stdout.readline().strip()):
            name, value = line.split(b": ")
            if name == b"Content-Length":
                length = int(value)
        return json.loads(self.process.stdout.read(length))

    def request(self, method, parameters):
        self.requests += 1
        self.send(method, parameters, id=self.requests)
        while (message := self.receive()).get("id") != self.requests:
            pass
        return message["result"]

    def wait_for(self, method):
        while (message := self.receive()).get("method") != method:
            pass
        return message["params"]


def place(position):
    return f"{position['line'] + 1}:{position['character'] + 1}"


def main():
    path, *rest = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if rest and "=>" in rest[0]:
        old, new = rest.pop(0).split("=>")
        assert old in text
        text = text.replace(old, new, 1)
    server = Server()
    server.request("initialize", {"processId": None, "capabilities": {}, "rootUri": None})
    document = {"uri": "file:///model.mlir", "languageId": "mlir", "version": 1, "text": text}
    server.send("textDocument/didOpen", {"textDocument": document})
    for diagnostic in server.wait_for("textDocument/publishDiagnostics")["diagnostics"]:
        print(f"{place(diagnostic['range']['start'])}: {diagnostic['message']}")
    for kind, where in zip(rest[::2], rest[1::2]):
        line, column = (int(number) - 1 for number in where.split(":"))
        answer = server.request(f"textDocument/{kind}", {"textDocument": {"uri": document["uri"]},
                                                         "position": {"line": line, "character": column}})
        if kind == "hover":
            print("hover:", json.dumps(answer["contents"]["value"]))
        else:
            print("defined at", *(place(target["range"]["start"]) for target in answer))
    server.request("shutdown", None)
    server.send("exit", None)
    return server.process.wait(timeout=60)


if __name__ == "__main__":
    sys.exit(main())
