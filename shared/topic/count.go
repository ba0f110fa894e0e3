package topic

import (
	"context"
	"fmt"

	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
)

// Counted is nil when the topic is there with as many partitions as the setting
// says. With another number keys would be looked for where they are not. It is
// transient: the topic may be about to be made or extended.
func Counted(ctx context.Context, conn *kafkaconn.Conn, t Topic) error {
	n, err := conn.Partitions(ctx, t.Name)
	if err == nil && n != t.Partitions {
		err = fault.New(fault.Transient, fmt.Sprintf("topic %s has %d partitions, the setting says %d", t.Name, n, t.Partitions))
	}
	return err
}
