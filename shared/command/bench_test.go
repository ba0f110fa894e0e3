package command

import (
	"strings"
	"testing"
)

// usual is the command that there are most of, with a text of 200 bytes.
func usual() Command {
	c := complete("message.create")
	c.Chat, c.Number, c.Message = 17, 100_000, strings.Repeat("x", 200)
	return c
}

func BenchmarkAppend(b *testing.B) {
	c := usual()
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		buffer = Append(buffer[:0], &c)
	}
}

func BenchmarkDecode(b *testing.B) {
	c := usual()
	value := Encode(&c)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(value); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	r := record("00000000000000a1:7", golden["message.create"])
	log := Log{ID: "00000000000000a1", Generation: 1, PartitionOf: partitionOf}
	b.ReportAllocs()
	for b.Loop() {
		if got := Read(log, &r); got.Verdict != Counts {
			b.Fatal(got.Reason)
		}
	}
}
