"""A grpcio server with byte messages: echo, streams, failures, and grpc.health.v1. Prints its port; each line on stdin sets the health status."""

import sys
import threading
import time
from concurrent import futures

import grpc

health = [1]


def check(request, context):
    if request and request != b"\x0a\x05known":
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    return bytes([8, health[0]])


def fail(request, context):
    context.set_trailing_metadata((("x-why", "because"),))
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, "50 % ä")


def slow(request, context):
    left = context.time_remaining()
    context.set_trailing_metadata((("x-left", "none" if left is None or left > 1e6 else "some"),))
    time.sleep(0.5)
    return request


def count(request, context):
    for i in range(int(request)):
        yield str(i).encode()


def talk(requests, context):
    context.send_initial_metadata((("x-seen", dict(context.invocation_metadata()).get("x-m", "")),))
    for request in requests:
        yield request


UNARY = grpc.unary_unary_rpc_method_handler
HANDLERS = {
    "Echo": UNARY(lambda request, context: request),
    "Fail": UNARY(fail),
    "Slow": UNARY(slow),
    "Count": grpc.unary_stream_rpc_method_handler(count),
    "Talk": grpc.stream_stream_rpc_method_handler(talk),
}

server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), options=[("grpc.max_receive_message_length", -1)])
server.add_generic_rpc_handlers((
    grpc.method_handlers_generic_handler("t.S", HANDLERS),
    grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": UNARY(check)}),
))
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
for line in sys.stdin:
    health[0] = int(line)
    print("set", flush=True)
server.stop(0)
