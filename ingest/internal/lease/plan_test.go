package lease

import (
	"fmt"
	"slices"
	"testing"
)

func people(count int) (all []Instance) {
	for i := range count {
		all = append(all, Instance{ID: fmt.Sprintf("0199d3a0-0000-7000-8000-%012x", i*7919), URL: fmt.Sprintf("http://127.0.0.1:%d", 8000+i)})
	}
	return all
}

// settle lets instances act on their plans, one after the other, until nobody
// wants anything.
func settle(t *testing.T, table *Table) {
	t.Helper()
	for range 10 {
		quiet := true
		for _, i := range table.Instances {
			take, give := plan(*table, i.ID)
			for _, p := range take {
				if table.Holders[p] != "" {
					t.Fatalf("%s takes what %s holds", i.ID, table.Holders[p])
				}
				table.Holders[p] = i.ID
			}
			for _, p := range give {
				table.Holders[p] = ""
			}
			quiet = quiet && len(take)+len(give) == 0
		}
		if quiet {
			return
		}
	}
	t.Fatal("it never settles")
}

func TestPlan(t *testing.T) {
	const partitions = 120
	table := Table{Instances: people(4), Holders: make([]string, partitions)}
	settle(t, &table)
	share := map[string]int{}
	for p, holder := range table.Holders {
		if share[holder]++; holder == "" {
			t.Fatalf("nobody holds partition %d", p)
		}
	}
	for _, i := range table.Instances {
		if share[i.ID] < partitions/8 || share[i.ID] > partitions/2 {
			t.Errorf("%s holds %d of %d partitions", i.ID, share[i.ID], partitions)
		}
	}
	// One goes: its leases expire, and only its share moves.
	before, gone := slices.Clone(table.Holders), table.Instances[1].ID
	table.Instances = slices.Delete(table.Instances, 1, 2)
	for p := range table.Holders {
		if table.Holders[p] == gone {
			table.Holders[p] = ""
		}
	}
	settle(t, &table)
	for p, holder := range table.Holders {
		if before[p] != gone && holder != before[p] {
			t.Errorf("partition %d moved from %s to %s, which both stayed", p, before[p], holder)
		}
	}
	// One comes: what moves, moves to it.
	before = slices.Clone(table.Holders)
	fresh := Instance{ID: "fresh", URL: "http://127.0.0.1:9000"}
	table.Instances = append(table.Instances, fresh)
	settle(t, &table)
	moved := 0
	for p, holder := range table.Holders {
		if holder != before[p] {
			if moved++; holder != fresh.ID {
				t.Errorf("partition %d moved from %s to %s", p, before[p], holder)
			}
		}
	}
	if moved < partitions/8 {
		t.Errorf("only %d partitions moved to the one that came", moved)
	}
}

func TestHolder(t *testing.T) {
	all := people(2)
	table := Table{Instances: all[:1], Holders: []string{all[0].ID, all[1].ID, ""}}
	if got, found := table.Holder(0); !found || got != all[0] {
		t.Error(got, found)
	}
	for _, p := range []int32{1, 2, 3} { // gone, free, beyond the table
		if got, found := table.Holder(p); found {
			t.Error(p, got)
		}
	}
}
