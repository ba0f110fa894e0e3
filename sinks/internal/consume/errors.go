package consume

import "fmt"

// newerError stops a reader at a record of a newer program.
type newerError struct {
	partition int32
	offset    int64
}

func (e newerError) Error() string {
	return fmt.Sprintf("partition %d: the record at offset %d was written by a newer version of chatlog: upgrade this sink", e.partition, e.offset)
}

// stopError stops a partition's worker for good: going on would make the view
// lie. An operator has to look.
type stopError struct{ error }

func stopped(format string, args ...any) error { return stopError{fmt.Errorf(format, args...)} }

// howToRebuild ends every message about a log and a view that do not fit.
const howToRebuild = "give the right topic back; or, if this is the right one, empty the view (MySQL: drop its tables, " +
	"Elasticsearch: delete the index) and restart the sink, which then rebuilds it from the log"
