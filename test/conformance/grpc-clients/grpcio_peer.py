"""Python's grpcio as server (`serve`) and as client (`call PORT ONLY`). The cases are those of calls.mjs."""

import base64
import json
import sys
import threading
import time
from concurrent import futures

import grpc

SERVICE = "nuncio.test.Echo"
MEGABYTE = 1_048_576
MESSAGE = "no such thing 100 % ä €\n"
SIZES = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.max_metadata_size", 32_768), ("grpc.absolute_max_metadata_size", 65_536)]


def encode(text):
    """google.protobuf.BytesValue by hand: field 1, bytes."""
    data = text.encode()
    if not data:
        return b""
    head, left = [0x0A], len(data)
    while left >= 128:
        head.append(left % 128 + 128)
        left //= 128
    return bytes([*head, left]) + data


def decode(data):
    if not data:
        return ""
    at = 1
    while data[at] >= 128:
        at += 1
    return data[at + 1 :].decode()


class Echo:
    """What every server of the suite does."""

    def __init__(self):
        self.cancelled = 0
        self.lock = threading.Lock()

    def note_cancel(self):
        with self.lock:
            self.cancelled += 1

    def sleep(self, context):
        ended = threading.Event()
        if not context.add_callback(ended.set):
            ended.set()
        ended.wait(30)
        self.note_cancel()

    def unary(self, text, context):
        given = dict(context.invocation_metadata())
        if "x-echo" in given:
            context.send_initial_metadata([("x-echo", given["x-echo"])])
        if "x-trail-bin" in given:
            context.set_trailing_metadata([("x-trail-bin", given["x-trail-bin"])])
        if text == "sleep":
            self.sleep(context)
            return ""
        if text == "cancelled?":
            return str(self.cancelled)
        if text.startswith("big:"):
            return "y" * int(text[4:])
        if text.startswith("fail:"):
            _, code, message = text.split(":", 2)
            status = next(one for one in grpc.StatusCode if one.value[0] == int(code))
            context.abort(status, message)
        return text

    def stream(self, text, _context):
        for index in range(int(text[len("count:") :])):
            yield str(index)

    def collect(self, texts, _context):
        count = size = 0
        for text in texts:
            count += 1
            size += len(text)
        return f"{count}:{size}"

    def chat(self, texts, context):
        for text in texts:
            yield text
            if text == "sleep":
                self.sleep(context)
                return


def serve():
    echo = Echo()
    codec = {"request_deserializer": decode, "response_serializer": encode}
    handlers = {
        "Unary": grpc.unary_unary_rpc_method_handler(echo.unary, **codec),
        "Stream": grpc.unary_stream_rpc_method_handler(echo.stream, **codec),
        "Collect": grpc.stream_unary_rpc_method_handler(echo.collect, **codec),
        "Chat": grpc.stream_stream_rpc_method_handler(echo.chat, **codec),
    }
    server = grpc.server(futures.ThreadPoolExecutor(16), options=SIZES, compression=grpc.Compression.Gzip)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"port {port}", flush=True)
    server.wait_for_termination()


class Client:
    def __init__(self, port, compression=None):
        self.port = port
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=SIZES, compression=compression)
        codec = {"request_serializer": encode, "response_deserializer": decode}
        self.unary = self.channel.unary_unary(f"/{SERVICE}/Unary", **codec)
        self.unknown = self.channel.unary_unary(f"/{SERVICE}/Unknown", **codec)
        self.stream = self.channel.unary_stream(f"/{SERVICE}/Stream", **codec)
        self.collect = self.channel.stream_unary(f"/{SERVICE}/Collect", **codec)
        self.chat = self.channel.stream_stream(f"/{SERVICE}/Chat", **codec)

    def close(self):
        self.channel.close()


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f"got {str(actual)[:200]!r}, not {str(expected)[:200]!r}")


def failure(call):
    try:
        call()
    except grpc.RpcError as error:
        return error
    raise AssertionError("it did not fail")


def cancels(client, body):
    """After `body` the server must notice that a call was cancelled."""
    before = int(client.unary("cancelled?"))
    body()
    for _ in range(60):
        if int(client.unary("cancelled?")) > before:
            return
        time.sleep(0.05)
    raise AssertionError("the server never heard of it")


class Requests:
    """Requests of a stream, one by one."""

    def __init__(self):
        self.texts, self.ready = [], threading.Condition()

    def send(self, text):
        with self.ready:
            self.texts.append(text)
            self.ready.notify()

    def __iter__(self):
        return self

    def __next__(self):
        with self.ready:
            while not self.texts:
                self.ready.wait()
            text = self.texts.pop(0)
        if text is None:
            raise StopIteration
        return text


def status_and_message(client):
    error = failure(lambda: client.unary(f"fail:5:{MESSAGE}"))
    equal((error.code(), error.details()), (grpc.StatusCode.NOT_FOUND, MESSAGE))


def deadline_exceeded(client):
    cancels(client, lambda: equal(failure(lambda: client.unary("sleep", timeout=0.3)).code(), grpc.StatusCode.DEADLINE_EXCEEDED))


def cancellation(client):
    def body():
        call = client.unary.future("sleep")
        time.sleep(0.2)
        call.cancel()
        equal(call.cancelled(), True)

    cancels(client, body)


def stream_cancellation(client):
    def body():
        requests = Requests()
        call = client.chat(requests)
        requests.send("one")
        equal(next(call), "one")
        requests.send("sleep")
        equal(next(call), "sleep")
        call.cancel()
        equal(failure(lambda: next(call)).code(), grpc.StatusCode.CANCELLED)
        requests.send(None)

    cancels(client, body)


def chat_by_turns(client):
    requests = Requests()
    call = client.chat(requests)
    for turn in range(50):
        requests.send(f"turn {turn}")
        equal(next(call), f"turn {turn}")
    requests.send(None)
    equal(list(call), [])


def chat_ahead(client):
    texts = [f"{turn}:{'y' * 5_000}" for turn in range(100)]
    equal([text.split(":")[0] for text in client.chat(iter(texts))], [str(turn) for turn in range(100)])


def metadata(client, value, data):
    _, call = client.unary.with_call("x", metadata=[("x-echo", value), ("x-trail-bin", data)])
    equal(dict(call.initial_metadata()).get("x-echo"), value)
    equal(base64.b64encode(dict(call.trailing_metadata()).get("x-trail-bin", b"")), base64.b64encode(data))


def compression(client):
    compressing = Client(client.port, grpc.Compression.Gzip)
    equal(compressing.unary("c" * 100_000), "c" * 100_000)
    equal(len(list(compressing.stream("count:20"))), 20)
    compressing.close()


def at_the_same_time(client):
    texts = [f"call {index}" for index in range(200)]
    calls = [client.unary.future(text) for text in texts]
    equal([call.result() for call in calls], texts)


CASES = {
    "unary": lambda client: equal(client.unary("hello"), "hello"),
    "unary, empty": lambda client: equal(client.unary(""), ""),
    "unary, 1 MiB each way": lambda client: equal(client.unary("z" * MEGABYTE), "z" * MEGABYTE),
    "large answer": lambda client: equal(len(client.unary("big:3000000")), 3_000_000),
    "status and message": status_and_message,
    "unimplemented method": lambda client: equal(failure(lambda: client.unknown("")).code(), grpc.StatusCode.UNIMPLEMENTED),
    "deadline kept": lambda client: equal(client.unary("in time", timeout=5), "in time"),
    "deadline exceeded": deadline_exceeded,
    "cancellation": cancellation,
    "cancellation of a stream": stream_cancellation,
    "server streaming": lambda client: equal(list(client.stream("count:200")), [str(index) for index in range(200)]),
    "server streaming, nothing": lambda client: equal(list(client.stream("count:0")), []),
    "client streaming": lambda client: equal(client.collect("x" * (index * 10) for index in range(200)), "200:199000"),
    "both streaming": chat_by_turns,
    "both streaming, ahead": chat_ahead,
    "metadata": lambda client: metadata(client, "value", bytes([0, 1, 2, 253, 254, 255])),
    "large metadata": lambda client: metadata(client, "v" * 3_500, bytes([7]) * 2_000),
    "compression": compression,
    "200 calls at the same time": at_the_same_time,
}


def play(port, only):
    client = Client(port)
    for name, body in CASES.items():
        if only not in name:
            continue
        detail = ""
        worker_failure = []

        def work(run=body, into=worker_failure):
            try:
                run(client)
            except Exception as error:  # whatever it is, it is the case's failure
                into.append(f"{type(error).__name__}: {error}")

        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        worker.join(15)
        detail = "took more than 15 s" if worker.is_alive() else "".join(worker_failure)[:400]
        print(json.dumps({"name": name, "ok": detail == "", "detail": detail}), flush=True)
    client.close()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        play(sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "")
