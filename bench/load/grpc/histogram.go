package main

// histogram counts durations to the microsecond up to a tenth of a second, and to the millisecond beyond.
type histogram struct {
	fine   [100_000]uint32
	coarse [10_000]uint32
}

func (h *histogram) add(nanoseconds int64) {
	micros := nanoseconds / 1_000
	if micros < int64(len(h.fine)) {
		h.fine[micros]++
	} else {
		h.coarse[min(micros/1_000, int64(len(h.coarse)-1))]++
	}
}

func (h *histogram) merge(other *histogram) {
	for index, count := range other.fine {
		h.fine[index] += count
	}
	for index, count := range other.coarse {
		h.coarse[index] += count
	}
}

// percentile is in microseconds, 0 when nothing was counted.
func (h *histogram) percentile(share float64) int {
	var total uint64
	for _, count := range h.fine {
		total += uint64(count)
	}
	for _, count := range h.coarse {
		total += uint64(count)
	}
	left := int64(share * float64(total))
	for index, count := range h.fine {
		left -= int64(count)
		if left < 0 {
			return index
		}
	}
	for index, count := range h.coarse {
		left -= int64(count)
		if left < 0 {
			return index * 1_000
		}
	}
	return 0
}
