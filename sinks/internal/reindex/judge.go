package reindex

import (
	"errors"
	"fmt"

	"chatlog/shared/searchview/elastic"
	"chatlog/shared/view"
)

// plan says whether the next index is to be made, or is there to be gone on with.
func plan(f elastic.Family) (begin bool, err error) {
	switch {
	case f.Current == "":
		return false, errors.New("there is no index behind the alias, and nothing to be replaced: the search sink makes one")
	case f.Kept != "":
		return false, fmt.Errorf("%s is still kept from the last time: remove it by `sinks reindex --drop-old` first", f.Kept)
	case f.Next != "" && f.Foreign:
		return false, fmt.Errorf("%s was begun by another version of chatlog: delete that index, and begin anew", f.Next)
	}
	return f.Next == "", nil
}

// total is how many records of those before ends are in an index.
func total(at map[int32]view.Progress, ends map[int32]int64) (done, all int64) {
	for p, end := range ends {
		done += min(at[p].Next, end)
		all += end
	}
	return done, all
}

// Count compares the numbers of messages that are not deleted.
type Count struct {
	Old, New int64
	// Moved is how many records may be in one of the counts only: each of them
	// makes a difference of one at most.
	Moved int64
}

func (c Count) agrees() bool { return max(c.Old-c.New, c.New-c.Old) <= c.Moved }

// moved is how many records lie between what both indices had for sure before
// they were counted and the log's end after. What is beyond an index's progress may
// be in it, too.
func moved(old, next map[int32]view.Progress, ends map[int32]int64) (n int64) {
	for p, end := range ends {
		n += max(0, end-min(old[p].Next, next[p].Next))
	}
	return n
}

// Difference is a message that speaks against the new index.
type Difference struct {
	Key view.MessageKey
	Why string
}

func (d Difference) String() string {
	return fmt.Sprintf("application %s, chat %d, message %d: %s", d.Key.Application, d.Key.Chat, d.Key.Number, d.Why)
}

// differences compares messages. The new index had come to the log's end after
// those of the old one were read: what is older in it, or missing, is wrong, and
// what is newer is right. One that the old index does not have any more says nothing.
func differences(keys []view.MessageKey, old, next map[view.MessageKey]view.Message) (all []Difference) {
	for _, key := range keys {
		was, there := old[key]
		if !there {
			continue
		}
		is, there := next[key]
		switch {
		case !there:
			all = append(all, Difference{key, "is missing"})
		case is.Version < was.Version:
			all = append(all, Difference{key, fmt.Sprintf("is at version %d, in the old index at %d", is.Version, was.Version)})
		case is.Version == was.Version && !alike(is, was):
			all = append(all, Difference{key, "is another one at the same version"})
		}
	}
	return all
}

func alike(a, b view.Message) bool {
	return a.Text == b.Text && a.Deleted == b.Deleted && a.Created.Equal(b.Created) && a.Edited.Equal(b.Edited)
}
