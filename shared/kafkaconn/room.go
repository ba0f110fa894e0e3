package kafkaconn

import "sync"

// kafka-go keeps every batch of an answer in memory of its own, batchMemory at the
// least, until the answer was read. In a log of small batches, as single writes make
// them, two MiB of an answer would take a hundred MiB and more, for each partition that
// is read at the same time.
const (
	batchMemory  = 64 << 10
	answerMemory = 8 << 20 // that an answer may take about
	leastFetch   = 32 << 10
	firstFetch   = 128 << 10 // before anything is known of a partition
)

// room bounds answers by how large the batches were in the last one, by partition.
type room struct {
	mutex sync.Mutex
	next  map[place]int // bytes that the next fetch may ask for
}

type place struct {
	topic     string
	partition int32
}

// of gives how much to ask for, at most most.
func (r *room) of(p place, most int) int {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	size, known := r.next[p]
	if !known {
		size = firstFetch
	}
	return min(size, most)
}

// learn takes how many batches an answer had, and their bytes.
func (r *room) learn(p place, batches, bytes int) {
	if batches == 0 {
		return
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.next == nil {
		r.next = map[place]int{}
	}
	r.next[p] = max(leastFetch, bytes/batches*(answerMemory/batchMemory))
}
