"""Decodes HPACK programs with PyPI's hpack: one in hex a line, one list of results a line. Kinds of steps: program.ts."""
import json
import sys

from hpack import Decoder, Encoder


def steps(data):
    at = 0
    count = 0
    while at + 3 <= len(data) and count < 64:
        number = data[at + 1] << 8 | data[at + 2]
        if data[at] & 1:
            yield None, number
            at += 3
        else:
            end = min(at + 3 + number, len(data))
            yield data[at + 3:end], 0
            at = end
        count += 1


def run(data):
    decoder = Decoder(max_header_list_size=1 << 24)
    encoder = Encoder()
    results = []
    for block, size in steps(data):
        if block is None:
            decoder.max_allowed_table_size = size
            continue
        try:
            fields = [[bytes(n).decode("latin1"), bytes(v).decode("latin1")] for n, v in decoder.decode(block, raw=True)]
        except Exception as error:  # whatever it raises is a refusal
            results.append({"error": f"{type(error).__name__}: {error}"})
            break
        coded = encoder.encode([(n.encode("latin1"), v.encode("latin1")) for n, v in fields])
        results.append({"fields": fields, "coded": coded.hex()})
    return results


for line in sys.stdin:
    print(json.dumps(run(bytes.fromhex(line.strip()))), flush=True)
