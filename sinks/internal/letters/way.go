package letters

import (
	"chatlog/shared/command"
	"chatlog/shared/deadletter"
	"chatlog/shared/fault"
)

// Way is how a letter is retried.
type Way uint8

// The ways.
const (
	ByView    Way = iota + 1 // apply the command again to the view that has refused it
	ByImports                // hand it to ingest, which appends it to the log if it can be
)

// WayOf says how a letter is retried. A record that counts has its number and its
// place in the log for ever: it can only be applied again, as it is, to the view that
// lacks it; appended once more it would be another write. Every other record counts
// for nobody, and goes through imports. fault.Invalid says that there is no way.
func WayOf(l deadletter.Letter, views []string, mended bool) (Way, error) {
	counted := l.View != deadletter.Imports && l.Log != "" && (l.Class == deadletter.Rejected || l.Class == command.Invalid.String())
	switch {
	case !counted, mended && l.Class != deadletter.Rejected: // what lies in its place and cannot be read has no number
		return ByImports, nil
	case mended:
		return 0, fault.New(fault.Invalid, "its command counts, with its number, as it is: it cannot be mended, only be retried")
	}
	for _, v := range views {
		if v == l.View {
			return ByView, nil
		}
	}
	return 0, fault.New(fault.Invalid, "this program keeps no view "+l.View)
}
