// SPDX-License-Identifier: MIT

// fxamacker/cbor (Go) on the benchmark's corpus: `bench CORPUS ROUNDS` prints one line
// `ROW MILLISECONDS` for each row, the median of the rounds.
package main

import (
	"fmt"
	"os"
	"sort"
	"strconv"
	"time"

	"github.com/fxamacker/cbor"
)

type operation struct {
	OpID          uint64 `cbor:"opId"`
	DbID          string `cbor:"dbId"`
	Cursor        uint64 `cbor:"cursor"`
	OpType        string `cbor:"opType"`
	DeviceID      string `cbor:"deviceId"`
	EntityID      string `cbor:"entityId"`
	Collection    string `cbor:"collection"`
	EntityCBOR    []byte `cbor:"entityCbor"`
	TimestampMs   uint64 `cbor:"timestampMs"`
	EntityVersion uint64 `cbor:"entityVersion"`
}

type page struct {
	Ops        []operation `cbor:"ops"`
	HasMore    bool        `cbor:"hasMore"`
	NextCursor uint64      `cbor:"nextCursor"`
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func measure(row string, rounds int, body func()) {
	body()
	times := make([]float64, rounds)
	for i := range times {
		start := time.Now()
		body()
		times[i] = float64(time.Since(start).Nanoseconds()) / 1e6
	}
	sort.Float64s(times)
	fmt.Printf("%s %.4f\n", row, times[rounds/2])
}

func main() {
	corpus, err := os.ReadFile(os.Args[1])
	check(err)
	rounds, err := strconv.Atoi(os.Args[2])
	check(err)
	options := cbor.DecOptions{MaxArrayElements: 1 << 20}
	mode, err := options.DecMode()
	check(err)
	var decoded page
	check(mode.Unmarshal(corpus, &decoded))

	measure("decode-owned", rounds, func() {
		var result page
		check(mode.Unmarshal(corpus, &result))
	})
	measure("encode", rounds, func() {
		_, err := cbor.Marshal(decoded)
		check(err)
	})
}
