package e2e

import "testing"

// everything is what must hold on embedded and on real parts alike.
var everything = []struct {
	name string
	run  func(*testing.T, *house)
}{
	{"the seed's calls, byte for byte", testSeed},
	{"both spellings and trailing slashes", testSpellings},
	{"what was added to the seed", testAdded},
	{"repeated keys", testKeys},
	{"pages", testPages},
	{"2,000 odd queries", testOddQueries},
	{"pages while others write and delete", testMoving},
	{"search", testSearch},
	{"bad input", testBadInput},
	{"slow and odd connections", testConnections},
	{"64 KiB of one word", testLongWord},
	{"seventeen largest messages at once", testLargest},
	{"POST and GET at once", testPairs},
	{"400 messages by 16 clients", testConcurrent},
	{"operations", testOperations},
}

func TestEmbedded(t *testing.T) { runAll(t, embedded(t)) }

func TestReal(t *testing.T) { runAll(t, real(t)) }

func runAll(t *testing.T, h *house) {
	for _, test := range everything {
		t.Run(test.name, func(t *testing.T) { test.run(t, h) })
	}
}
