# The Python package `websockets`: `serve` prints `port N`; `call PORT ONLY` runs the cases and prints a line of JSON for each.
import asyncio
import hashlib
import json
import sys
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

MIB = 1024 * 1024
LIMIT = 64 * MIB
WAIT = 5


def describe(data):
    kind = "text" if isinstance(data, str) else "binary"
    raw = data.encode() if isinstance(data, str) else bytes(data)
    if len(raw) <= 64:
        return f"{kind}:{data if isinstance(data, str) else raw.hex()}"
    return f"{kind}:{len(raw)}:{hashlib.sha1(raw).hexdigest()[:12]}"


ended = None
told = asyncio.Event()


async def handle(socket):
    global ended
    url = urlsplit(socket.request.path)
    query = parse_qs(url.query)
    try:
        if url.path == "/greet":
            await socket.send("welcome")
        if url.path == "/watch":
            await told.wait()
            told.clear()
            await socket.send(ended)
        async for message in socket:
            if url.path == "/close":
                return await socket.close(int(query["code"][0]), query.get("reason", [""])[0])
            if url.path == "/big":
                await socket.send((b"big " * int(query["size"][0]))[: int(query["size"][0])])
            elif url.path == "/ping":
                await (await socket.ping(b"server"))
                await socket.send("pong server")
            elif url.path == "/abrupt":
                return socket.transport.abort()
            elif url.path == "/cut":
                socket.transport.write(bytes([0x82, 0x7E, 0x10, 0x00, 1, 2, 3]))
                return socket.transport.close()
            elif url.path == "/small":
                return await socket.close(1009)
            elif url.path == "/header":
                await socket.send(socket.request.headers.get("x-token", "none"))
            elif url.path == "/fragments":
                await socket.send(["one ", "two ", "three"])
            else:
                await socket.send(message)
    except ConnectionClosed:
        pass
    finally:
        if "watch" in query:
            await socket.wait_closed()
            ended = f"ended {socket.close_code}"
            told.set()


def refuse(socket, request):
    url = urlsplit(request.path)
    if url.path == "/refuse":
        return socket.respond(HTTPStatus(int(parse_qs(url.query)["status"][0])), "no")
    return None


def choose(_socket, offered):
    return "first" if "first" in offered else None


async def run_server():
    async with serve(handle, "127.0.0.1", 0, max_size=LIMIT, process_request=refuse, select_subprotocol=choose, ping_interval=None, write_limit=MIB) as server:
        print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
        await asyncio.get_running_loop().create_future()


def pattern(size):
    return (b"nuncio " * (size // 7 + 1))[:size]


async def echoes(port, messages, **options):
    seen = []
    async with connect(f"ws://127.0.0.1:{port}/echo", max_size=LIMIT, ping_interval=None, **options) as socket:
        seen.append(f"open:{socket.subprotocol or ''}:{'deflate' if socket.protocol.extensions else ''}")
        for message in messages:
            await socket.send(message)
        for _ in messages:
            seen.append(describe(await asyncio.wait_for(socket.recv(), WAIT)))
    seen.append(f"close:{socket.close_code}:{socket.close_reason}")
    return seen


async def until_closed(port, path, act):
    seen = []
    async with connect(f"ws://127.0.0.1:{port}{path}", max_size=LIMIT, ping_interval=None) as socket:
        await act(socket)
        try:
            while True:
                seen.append(describe(await asyncio.wait_for(socket.recv(), WAIT)))
        except ConnectionClosed:
            pass
    seen.append(f"close:{socket.close_code}:{socket.close_reason}")
    return seen


async def refused(port, status):
    try:
        async with connect(f"ws://127.0.0.1:{port}/refuse?status={status}"):
            return ["open"]
    except InvalidStatus as error:
        return [f"refused:{error.response.status_code}"]


async def pinged(port):
    async with connect(f"ws://127.0.0.1:{port}/echo", ping_interval=None) as socket:
        await asyncio.wait_for(await socket.ping(b"are you there"), WAIT)
        return ["pong"]


def go(socket):
    return socket.send("go")


def cases(port):
    plain = {"compression": None}
    for size in (0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000):
        yield f"binary message of {size} bytes", lambda size=size: echoes(port, [pattern(size)], **plain)
        yield f"text message of {size} bytes", lambda size=size: echoes(port, [pattern(size).decode()], **plain)
    yield "binary message of 16 MiB", lambda: echoes(port, [pattern(16 * MIB)], **plain)
    yield "200 messages at once", lambda: echoes(port, [f"message {i}" for i in range(200)], **plain)
    yield "a message in three frames", lambda: echoes(port, [["one ", "two ", "three"]], **plain)
    yield "compressed text", lambda: echoes(port, ["compress " * 100])
    yield "compressed 1 MiB", lambda: echoes(port, [pattern(MIB)])
    yield "compression that remembers", lambda: echoes(port, [f"the same words again, {i}" for i in range(20)])
    yield "subprotocol", lambda: echoes(port, ["x"], subprotocols=["second", "first"])
    yield "ping", lambda: pinged(port)
    for code, reason in ((1000, "bye"), (1001, ""), (3000, "own"), (4999, "x" * 120)):
        yield f"the client closes with {code}", lambda code=code, reason=reason: until_closed(port, "/echo", lambda s: s.close(code, reason))
        if code != 4999:
            yield f"the server closes with {code}", lambda code=code, reason=reason: until_closed(port, f"/close?code={code}&reason={reason}", go)
    yield "the server ends without a word", lambda: until_closed(port, "/abrupt", go)
    yield "the server ends in the middle of a message", lambda: until_closed(port, "/cut", go)
    yield "a message that is too long for the server", lambda: until_closed(port, "/small", lambda s: s.send(pattern(100_000)))
    for status in (401, 403, 503):
        yield f"refused with {status}", lambda status=status: refused(port, status)


async def run_client(port, only):
    for name, run in cases(port):
        if only not in name:
            continue
        try:
            seen = await asyncio.wait_for(run(), 60)
        except Exception as error:  # what went wrong is what was seen
            seen = [f"failed: {type(error).__name__}"]
        print(json.dumps({"name": name, "seen": seen}), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(run_server())
    else:
        asyncio.run(run_client(int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else ""))
