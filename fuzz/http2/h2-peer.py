"""Plays a server with PyPI's h2: the bytes of a client in hex a line, one object a line."""
import json
import sys

import h2.config
import h2.connection
import h2.events
import h2.exceptions


def run(data):
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    connection.initiate_connection()
    connection.data_to_send()
    streams = {}
    try:
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                streams[event.stream_id] = {"body": 0, "ended": False, "trailers": False}
            elif isinstance(event, h2.events.DataReceived):
                streams[event.stream_id]["body"] += len(event.data)
            elif isinstance(event, h2.events.TrailersReceived):
                streams[event.stream_id]["trailers"] = True
            elif isinstance(event, h2.events.StreamEnded):
                streams[event.stream_id]["ended"] = True
            elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                return {"accepted": False}
    except (h2.exceptions.H2Error, KeyError, ValueError, IndexError):
        return {"accepted": False}
    return {"accepted": True, "streams": streams}


for line in sys.stdin:
    print(json.dumps(run(bytes.fromhex(line.strip()))), flush=True)
