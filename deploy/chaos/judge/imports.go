package judge

import (
	"chatlog/deploy/audit"
	"chatlog/deploy/chaos/history"
)

// imports judges the histories that were brought in: each record counts once, as it
// was written and behind those before it, however often it was written; and each of
// those that can never be imported was told of once.
func imports(v *Verdict, list []history.Import, log *Log, refused map[audit.Place]int) {
	last := map[string]int64{}
	for _, i := range list {
		told, entries := refused[audit.Place{Partition: i.Partition, Offset: i.Offset}], log.ids[i.ID]
		if i.Wrong {
			v.Told++
			if told != 1 || len(entries) > 0 {
				v.find(Imported, "%+v can never be imported: it was told of %d times, and counts %d times", i, told, len(entries))
			}
			continue
		}
		v.Imported++
		switch {
		case told > 0:
			v.find(Imported, "%+v was refused", i)
		case len(entries) != 1:
			v.find(Imported, "%+v counts %d times", i, len(entries))
		case !same(i, entries[0]):
			v.find(Imported, "%+v counts as %+v", i, entries[0])
		case i.Again:
		case entries[0].Offset <= last[i.App]:
			v.find(Imported, "%+v lies at %d, before one that comes before it at %d", i, entries[0].Offset, last[i.App])
		default:
			last[i.App] = entries[0].Offset
		}
	}
}

func same(i history.Import, e audit.Entry) bool {
	return string(i.Op) == e.Op && i.App == e.Application && i.Chat == e.Chat && i.Number == e.Number && i.Text == e.Message && i.Username == e.Username
}
